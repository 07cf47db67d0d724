// The client and a real redis-server, which each test starts in a folder of its own and ends by its
// process id. Skipped where there is none, or an older one than 7.

#include "support/certificates.hpp"
#include "unit/cluster/redis_process.hpp"

namespace weft::cluster::redis {
namespace {

class redis_server : public redis_loop {
protected:
    redis_server() { where.port = free_port(); }
    ~redis_server() override { subject.reset(); }

    void start_server(const std::string& more = {}) {
        server.start(where.port, "unixsocket " + server.folder.file("socket") + "\n" + more);
    }
    void connect() {
        subject = std::make_unique<client>(home(), where);
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
    std::string ask(std::initializer_list<std::string_view> words) {
        return redis_loop::ask(*subject, words);
    }
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

    redis_process server;
    redis_options where;
    std::unique_ptr<client> subject;
    std::size_t largest = 0;
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
    where.unix_path = server.folder.file("socket");
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
                 server.folder.keep("cert.pem", issued.cert_pem) + "\ntls-key-file " +
                 server.folder.keep("key.pem", issued.key_pem) + "\ntls-ca-cert-file " +
                 server.folder.keep("ca.pem", ca.pem()) + "\ntls-auth-clients no\n");
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
    server.kill();
    await_seen("gap begins");
    ASSERT_TRUE(subject->command({"SET", "k", "kept"}));  // waits
    // Until both connections pause as long as they ever will.
    await([&] { return subject->metrics().connect_failures.read() >= 14; });
    server.run();
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
    ::kill(server.pid, SIGSTOP);
    EXPECT_NE(ask({"GET", "k"}).find("command_timeout"), std::string::npos);
    await_seen("gap begins");
    ::kill(server.pid, SIGCONT);
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
