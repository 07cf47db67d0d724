#pragma once

// Real servers: each in a folder of its own, ended by its process id, at the latest with the test
// program. Tests with them are skipped where there is no redis-server of version 7.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <weft/net/loop.hpp>

#include "cluster/redis/client.hpp"
#include "cluster/redis/proto/slot.hpp"

namespace weft::cluster::redis {

using namespace std::chrono_literals;
using strings = std::vector<std::string>;

/// A port that nobody has; 0 when this one is taken.
inline std::uint16_t free_port(std::uint16_t wanted = 0) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_port = htons(wanted);
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof where;
    const bool got = ::bind(fd, reinterpret_cast<sockaddr*>(&where), size) == 0 &&
                     ::getsockname(fd, reinterpret_cast<sockaddr*>(&where), &size) == 0;
    ::close(fd);
    return got ? ntohs(where.sin_port) : std::uint16_t{0};
}

/// One whose cluster bus, 10,000 above, is free as well.
inline std::uint16_t free_port_pair() {
    for (int i = 0; i < 1000; ++i) {
        const std::uint16_t port = free_port();
        if (port < 55'000 && free_port(static_cast<std::uint16_t>(port + 10'000)) != 0) return port;
    }
    ADD_FAILURE() << "no free pair of ports";
    return 0;
}

inline bool has_redis_7() {
    FILE* const out = ::popen("redis-server --version 2>/dev/null", "r");
    if (out == nullptr) return false;
    std::string line(200, '\0');
    line.resize(std::fread(line.data(), 1, line.size(), out));
    ::pclose(out);
    const auto at = line.find("v=");
    return at != std::string::npos && std::atoi(line.c_str() + at + 2) >= 7;
}

class temporary_folder {
public:
    temporary_folder() {
        std::string name = (std::filesystem::temp_directory_path() / "weft-redis-XXXXXX").string();
        path_ = ::mkdtemp(name.data());
    }
    temporary_folder(const temporary_folder&) = delete;
    temporary_folder& operator=(const temporary_folder&) = delete;
    ~temporary_folder() { std::filesystem::remove_all(path_); }
    [[nodiscard]] const std::string& path() const noexcept { return path_; }
    [[nodiscard]] std::string file(const std::string& name) const { return path_ + "/" + name; }
    std::string keep(const std::string& name, const std::string& text) const {
        std::ofstream(file(name)) << text;
        return file(name);
    }

private:
    std::string path_;
};

/// A redis-server, or a Sentinel.
class redis_process {
public:
    redis_process() = default;
    redis_process(const redis_process&) = delete;
    redis_process& operator=(const redis_process&) = delete;
    ~redis_process() { kill(); }

    /// Configured by these lines, beside its port and folder.
    void start(std::uint16_t port, const std::string& lines, bool is_sentinel = false) {
        is_sentinel_ = is_sentinel;
        config_ =
            folder.keep("redis.conf", "bind 127.0.0.1\nport " + std::to_string(port) + "\ndir " +
                                          folder.path() + "\nlogfile " + folder.file("log") + "\n" +
                                          (is_sentinel ? "" : "save \"\"\n") + lines);
        run();
    }
    /// Again, as it was configured.
    void run() {
        pid = ::fork();
        ASSERT_GE(pid, 0);
        if (pid != 0) return;
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        ::execlp("redis-server", "redis-server", config_.c_str(),
                 is_sentinel_ ? "--sentinel" : nullptr, nullptr);
        ::_exit(127);
    }
    void kill() {
        if (pid <= 0) return;
        ::kill(pid, SIGKILL);
        ::waitpid(pid, nullptr, 0);
        pid = -1;
    }

    temporary_folder folder;
    pid_t pid = -1;

private:
    std::string config_;
    bool is_sentinel_ = false;
};

/// A loop that turns until what a test waits for has come.
class redis_loop : public ::testing::Test {
protected:
    redis_loop() : made_(loop::make()) {}
    void SetUp() override {
        if (!has_redis_7()) GTEST_SKIP() << "no redis-server of version 7 here: ./dev setup";
        ASSERT_TRUE(made_);
        ASSERT_TRUE((*made_)->start());
    }
    [[nodiscard]] loop_ref home() const { return (*made_)->ref(); }

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
    /// What a command is answered, as a text. `send` gives it to a client.
    std::string answer_to(const std::function<result<void>(reply_handler)>& send) {
        std::optional<std::string> reply;
        EXPECT_TRUE(send([&](const result<reply_view>& r) { reply = text_of(r); }));
        await([&] { return reply.has_value(); });
        return reply.value_or("");
    }
    std::string ask(client& whom, std::initializer_list<std::string_view> words) {
        return answer_to([&](reply_handler done) { return whom.command(words, std::move(done)); });
    }
    static std::string text_of(const result<reply_view>& r) {
        if (!r) return r.error().message();
        if (r->type() == reply_type::integer) return std::to_string(r->integer());
        if (r->is_aggregate()) {
            return std::to_string(static_cast<int>(r->type())) + ":" + std::to_string(r->size());
        }
        return std::string(r->text());
    }

    strings seen;

private:
    result<std::unique_ptr<loop>> made_;
};

/// A Redis Cluster of three masters, which share the slots evenly.
class redis_masters : public redis_loop {
protected:
    static constexpr int nodes = 3;

    ~redis_masters() override {
        for (auto& one : admin) one.reset();
    }
    void SetUp() override {
        redis_loop::SetUp();
        if (IsSkipped() || HasFatalFailure()) return;
        for (int i = 0; i < nodes; ++i) {
            ports[i] = free_port_pair();
            servers[i].start(ports[i],
                             "cluster-enabled yes\ncluster-node-timeout 2000\n"
                             "cluster-require-full-coverage no\n");
        }
        for (int i = 0; i < nodes; ++i) {
            admin[i] = std::make_unique<client>(home(), redis_options{.port = ports[i]});
            ASSERT_TRUE(admin[i]->start());
        }
        await([&] {
            return std::all_of(admin.begin(), admin.end(), [](auto& a) { return a->is_open(); });
        });
        for (int i = 0; i < nodes; ++i) {
            ids[i] = ask(*admin[i], {"CLUSTER", "MYID"});
            const std::string first = std::to_string(first_of(i));
            const std::string last = std::to_string(first_of(i + 1) - 1);
            ASSERT_EQ(ask(*admin[i], {"CLUSTER", "ADDSLOTSRANGE", first, last}), "OK");
            const std::string epoch = std::to_string(i + 1);
            ASSERT_EQ(ask(*admin[i], {"CLUSTER", "SET-CONFIG-EPOCH", epoch}), "OK");
        }
        for (int i = 1; i < nodes; ++i) {
            const std::string port = std::to_string(ports[i]);
            ASSERT_EQ(ask(*admin[0], {"CLUSTER", "MEET", "127.0.0.1", port}), "OK");
        }
        for (auto& one : admin) {
            await([&] {
                const std::string info = ask(*one, {"CLUSTER", "INFO"});
                return info.find("cluster_state:ok") != std::string::npos &&
                       info.find("cluster_known_nodes:3") != std::string::npos &&
                       info.find("cluster_slots_ok:16384") != std::string::npos;
            });
        }
    }
    static int first_of(int node) { return node * static_cast<int>(slot_count) / nodes; }

    std::array<redis_process, nodes> servers;
    std::array<std::uint16_t, nodes> ports{};
    std::array<std::unique_ptr<client>, nodes> admin;
    std::array<std::string, nodes> ids;
};

}  // namespace weft::cluster::redis
