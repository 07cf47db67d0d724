// The client and a real redis-server, which each test starts in a folder of its own and ends by its
// process id. Skipped where there is none, or an older one than 7.

#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>

#include <gtest/gtest.h>

#include <weft/net/loop.hpp>

#include "cluster/redis/client.hpp"
#include "support/certificates.hpp"

namespace weft::cluster::redis {
namespace {

using namespace std::chrono_literals;
using strings = std::vector<std::string>;

std::uint16_t free_port() {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof where;
    EXPECT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&where), size), 0);
    EXPECT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(&where), &size), 0);
    ::close(fd);
    return ntohs(where.sin_port);
}

bool has_redis_7() {
    FILE* const out = ::popen("redis-server --version 2>/dev/null", "r");
    if (out == nullptr) return false;
    std::string line(200, '\0');
    line.resize(std::fread(line.data(), 1, line.size(), out));
    ::pclose(out);
    const auto at = line.find("v=");
    return at != std::string::npos && std::atoi(line.c_str() + at + 2) >= 7;
}

class redis_server : public ::testing::Test {
protected:
    redis_server() : made_(loop::make()) {
        std::string name = (std::filesystem::temp_directory_path() / "weft-redis-XXXXXX").string();
        folder_ = ::mkdtemp(name.data());
        where.port = free_port();
    }
    ~redis_server() override {
        subject.reset();
        kill_server();
        std::filesystem::remove_all(folder_);
    }
    void SetUp() override {
        if (!has_redis_7()) GTEST_SKIP() << "no redis-server of version 7 here";
        ASSERT_TRUE(made_);
        ASSERT_TRUE((*made_)->start());
    }

    [[nodiscard]] std::string file(const std::string& name) const { return folder_ + "/" + name; }
    std::string keep(const std::string& name, const std::string& text) const {
        std::ofstream(file(name)) << text;
        return file(name);
    }
    void start_server(const std::string& more = {}) {
        config_ = keep("redis.conf", "bind 127.0.0.1\nport " + std::to_string(where.port) +
                                         "\ndir " + folder_ + "\nunixsocket " + file("socket") +
                                         "\nsave \"\"\nlogfile " + file("log") + "\n" + more);
        run_server();
    }
    void run_server() {
        server_ = ::fork();
        ASSERT_GE(server_, 0);
        if (server_ == 0) {
            ::execlp("redis-server", "redis-server", config_.c_str(), nullptr);
            ::_exit(127);
        }
    }
    void kill_server() {
        if (server_ <= 0) return;
        ::kill(server_, SIGKILL);
        ::waitpid(server_, nullptr, 0);
        server_ = -1;
    }

    /// Turns the loop until it holds; fails after 20 seconds.
    void await(const std::function<bool()>& holds) {
        const auto end = later(steady_clock::now(), 20s);
        while (!holds()) {
            ASSERT_LT(steady_clock::now(), end) << ::testing::PrintToString(seen);
            (*made_)->turn(20ms);
        }
    }
    void await_seen(const std::string& what) {
        await([&] { return std::find(seen.begin(), seen.end(), what) != seen.end(); });
    }
    void connect() {
        subject = std::make_unique<client>((*made_)->ref(), where);
        subject->on_gap([this](gap which) {
            seen.emplace_back(which == gap::begins ? "gap begins" : "gap ends");
        });
        const auto begun = subject->start();
        ASSERT_TRUE(begun) << begun.error().message();
        await([&] { return subject->is_open(); });
    }
    void subscribe(channel_kind kind, const std::string& name) {
        ASSERT_TRUE(subject->subscribe(
            kind, name,
            [this, name](std::string_view channel, std::string_view payload) {
                seen.push_back(name + " got " + std::string(payload.substr(0, 20)) + " on " +
                               std::string(channel));
                largest = std::max(largest, payload.size());
            },
            [this, name](const result<void>& how) {
                seen.push_back(name + (how ? " subscribed" : " " + how.error().what()));
            }));
    }
    /// What a command is answered.
    std::string ask(std::initializer_list<std::string_view> words) {
        std::optional<std::string> reply;
        EXPECT_TRUE(subject->command(words, [&](const result<reply_view>& r) {
            if (!r) {
                reply = r.error().message();
            } else if (r->type() == reply_type::integer) {
                reply = std::to_string(r->integer());
            } else if (r->is_aggregate()) {
                reply =
                    std::to_string(static_cast<int>(r->type())) + ":" + std::to_string(r->size());
            } else {
                reply = std::string(r->text());
            }
        }));
        await([&] { return reply.has_value(); });
        return reply.value_or("");
    }
    [[nodiscard]] loop_ref home() const { return (*made_)->ref(); }
    void exchange_messages() {
        subscribe(channel_kind::plain, "news");
        subscribe(channel_kind::pattern, "n*s");
        subscribe(channel_kind::shard, "shard");
        await_seen("shard subscribed");
        await_seen("n*s subscribed");
        ASSERT_TRUE(subject->publish(channel_kind::plain, "news", "hi"));
        ASSERT_TRUE(subject->publish(channel_kind::shard, "shard", "ho"));
        await_seen("news got hi on news");
        await_seen("n*s got hi on news");
        await_seen("shard got ho on shard");
        EXPECT_TRUE(subject->unsubscribe(channel_kind::plain, "news"));
        subscribe(channel_kind::plain, "news");
        await([&] { return std::count(seen.begin(), seen.end(), "news subscribed") == 2; });
        EXPECT_EQ(subject->metrics().handler_exceptions.read(), 0U);
    }

    redis_options where;
    std::unique_ptr<client> subject;
    strings seen;
    std::size_t largest = 0;
    pid_t server_ = -1;
    std::string config_;

private:
    result<std::unique_ptr<loop>> made_;
    std::string folder_;
};

TEST_F(redis_server, speaks_resp3) {
    start_server();
    where.client_name = "weft";
    where.database = 3;
    connect();
    exchange_messages();
    EXPECT_EQ(ask({"SET", "k", "v"}), "OK");
    EXPECT_EQ(ask({"GET", "k"}), "v");
    EXPECT_EQ(ask({"CONFIG", "GET", "port"}), "11:2") << "a map";
    EXPECT_EQ(ask({"CLIENT", "GETNAME"}), "weft");
    EXPECT_NE(ask({"CLIENT", "INFO"}).find("db=3"), std::string::npos);
    EXPECT_NE(ask({"NOSUCH"}).find("unknown command"), std::string::npos);
    EXPECT_EQ(ask({"XADD", "s", "1-1", "f", "v"}), "1-1");
    EXPECT_EQ(ask({"XRANGE", "s", "-", "+"}), "9:1");
}

TEST_F(redis_server, speaks_resp2) {
    start_server();
    where.protocol = redis_protocol::resp2;
    where.database = 3;
    connect();
    exchange_messages();
    EXPECT_EQ(ask({"CONFIG", "GET", "port"}), "9:2") << "an array";
    EXPECT_NE(ask({"CLIENT", "INFO"}).find("db=3"), std::string::npos);
}

TEST_F(redis_server, falls_back_where_hello_was_taken_away) {
    start_server("rename-command HELLO \"\"\nrequirepass secret\n");
    where.password = "secret";
    connect();
    exchange_messages();
    EXPECT_EQ(ask({"CONFIG", "GET", "port"}), "9:2");
}

TEST_F(redis_server, listens_on_a_unix_socket) {
    start_server();
    where.unix_path = file("socket");
    connect();
    exchange_messages();
}

TEST_F(redis_server, keeps_acl_users_to_their_channels) {
    start_server(
        "user default off\nuser weft on >secret ~* resetchannels &news &n*s &shard &ok* +@all\n");
    where.user = "weft";
    where.password = "secret";
    connect();
    exchange_messages();
    for (const char* name : {"ok1", "no", "ok2"}) subscribe(channel_kind::plain, name);
    await_seen("ok1 subscribed");
    await_seen("ok2 subscribed");
    await([&] {
        return std::any_of(seen.begin(), seen.end(),
                           [](const std::string& s) { return s.starts_with("no NOPERM"); });
    });
    EXPECT_EQ(subject->metrics().subscriptions_lost.read(), 1U);
}

TEST_F(redis_server, refuses_a_wrong_password_until_it_is_right) {
    start_server("requirepass old\n");
    where.password = "old";
    connect();
    where.password = "new";
    client early(home(), where);
    ASSERT_TRUE(early.start());
    await([&] { return early.metrics().connect_failures.read() >= 4; });
    EXPECT_FALSE(early.is_open());
    EXPECT_EQ(ask({"CONFIG", "SET", "requirepass", "new"}), "OK");
    await([&] { return early.is_open(); });
}

TEST_F(redis_server, speaks_tls) {
    const testing::certificate_authority ca;
    const auto issued = ca.issue({.names = {"localhost"}, .addresses = {"127.0.0.1"}});
    const std::uint16_t plain = where.port;
    const std::uint16_t secure = free_port();
    start_server("tls-port " + std::to_string(secure) + "\ntls-cert-file " +
                 keep("cert.pem", issued.cert_pem) + "\ntls-key-file " +
                 keep("key.pem", issued.key_pem) + "\ntls-ca-cert-file " +
                 keep("ca.pem", ca.pem()) + "\ntls-auth-clients no\n");
    where.port = secure;
    where.tls = tls_client_options{.system_cas = false, .ca_pem = ca.pem()};
    connect();
    EXPECT_NE(secure, plain);
    exchange_messages();
}

TEST_F(redis_server, may_be_killed_and_come_back_with_all_subscriptions) {
    start_server();
    connect();
    for (int i = 0; i < 600; ++i) subscribe(channel_kind::plain, "c" + std::to_string(i));
    subscribe(channel_kind::shard, "shard");
    subscribe(channel_kind::pattern, "p*");
    await_seen("p* subscribed");
    kill_server();
    await_seen("gap begins");
    ASSERT_TRUE(subject->command({"SET", "k", "kept"}));  // waits
    // Until both connections pause as long as they ever will.
    await([&] { return subject->metrics().connect_failures.read() >= 14; });
    run_server();
    const auto since = steady_clock::now();
    await_seen("gap ends");
    EXPECT_LT(steady_clock::now() - since, 2s);
    await([&] { return subject->is_open(); });
    ASSERT_TRUE(subject->publish(channel_kind::plain, "c599", "back"));
    ASSERT_TRUE(subject->publish(channel_kind::shard, "shard", "back"));
    ASSERT_TRUE(subject->publish(channel_kind::plain, "pq", "back"));
    await_seen("c599 got back on c599");
    await_seen("shard got back on shard");
    await_seen("p* got back on pq");
    EXPECT_EQ(ask({"GET", "k"}), "kept");
    EXPECT_EQ(subject->metrics().losses.read(), 2U);
}

TEST_F(redis_server, may_end_the_connection_for_channels_alone) {
    start_server();
    connect();
    subscribe(channel_kind::plain, "a");
    await_seen("a subscribed");
    EXPECT_EQ(ask({"CLIENT", "KILL", "TYPE", "pubsub"}), "1");
    await_seen("gap ends");
    ASSERT_TRUE(subject->publish(channel_kind::plain, "a", "back"));
    await_seen("a got back on a");
}

TEST_F(redis_server, may_stop_for_a_while) {
    start_server();
    where.ping_interval = 100ms;
    where.ping_timeout = 100ms;
    where.command_timeout = 100ms;
    where.connect_timeout = 200ms;
    connect();
    subscribe(channel_kind::plain, "a");
    await_seen("a subscribed");
    ::kill(server_, SIGSTOP);
    EXPECT_NE(ask({"GET", "k"}).find("command_timeout"), std::string::npos);
    await_seen("gap begins");
    ::kill(server_, SIGCONT);
    await_seen("gap ends");
}

TEST_F(redis_server, carries_large_messages) {
    start_server();
    connect();
    subscribe(channel_kind::plain, "a");
    await_seen("a subscribed");
    ASSERT_TRUE(subject->publish(channel_kind::plain, "a", std::string(10'000'000, 'x')));
    await([&] { return largest > 0; });
    EXPECT_EQ(largest, 10'000'000U);
}

}  // namespace
}  // namespace weft::cluster::redis
