// Real sockets on epoll: address families, shared ports, names, and a full descriptor table.

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net/system_address.hpp"
#include "support/net_probe.hpp"

namespace weft::test {
namespace {

using namespace std::chrono_literals;

class sockets : public testing::Test {
protected:
    sockets() : own(std::move(*loop::make())), core(own->core()) {
        acceptor.prepare = [](record& r) { r.echo = true; };
    }

    bool until(const std::function<bool()>& so, duration most = 10s) {
        const time_point end = steady_clock::now() + most;
        while (!so() && steady_clock::now() < end) core.turn(5ms);
        return so();
    }

    void expect_echo(const net::connect_options& to) {
        const auto failure = std::make_shared<error>(errc::invalid_state);
        const record_ptr client = connect_probe(core, to, failure);
        client->on_open = [](record& r) { r.write("hello"); };
        EXPECT_TRUE(until([&] { return client->received == "hello"; })) << failure->message();
        if (client->stream != nullptr) client->stream->close();
        EXPECT_TRUE(until([&] { return core.connections() == 0; }));
    }

    net::connect_options to_port(std::string host, std::uint16_t port) {
        net::connect_options to;
        to.host = std::move(host);
        to.port = port;
        return to;
    }

    std::unique_ptr<loop> own;
    net::loop_core& core;
    probe_acceptor acceptor;
};

class temporary_folder {
public:
    temporary_folder() { (void)!::mkdtemp(path_.data()); }
    ~temporary_folder() { std::filesystem::remove_all(path_); }
    std::string file(const char* name) const { return path_ + "/" + name; }

private:
    std::string path_ = std::filesystem::temp_directory_path() / "weft-net-XXXXXX";
};

TEST_F(sockets, ipv4_and_ipv6) {
    for (const char* host : {"127.0.0.1", "::1"}) {
        listen_options where;
        where.host = host;
        const auto id = core.listen(where, acceptor);
        if (!id && std::string(host) == "::1") GTEST_SKIP() << "no IPv6 here";
        ASSERT_TRUE(id);
        const auto bound = core.local_address(*id);
        ASSERT_TRUE(bound);
        EXPECT_NE(bound->port(), 0);
        expect_echo(to_port(host, bound->port()));
    }
}

TEST_F(sockets, wildcard_ipv6_serves_both_families) {
    listen_options where;
    where.host = "::";
    const auto id = core.listen(where, acceptor);
    if (!id) GTEST_SKIP() << "no IPv6 here";
    expect_echo(to_port("127.0.0.1", core.local_address(*id)->port()));
    expect_echo(to_port("::1", core.local_address(*id)->port()));
}

TEST_F(sockets, peer_has_an_address) {
    const auto id = core.listen({}, acceptor);
    std::string peer;
    acceptor.prepare = [&](record& r) {
        r.echo = true;
        peer = r.stream->peer().address().address();
    };
    expect_echo(to_port("127.0.0.1", core.local_address(*id)->port()));
    EXPECT_EQ(peer, "127.0.0.1");
}

TEST_F(sockets, names_are_resolved_and_their_addresses_tried) {
    const auto id = core.listen({}, acceptor);  // IPv4 only: ::1 is refused first
    expect_echo(to_port("localhost", core.local_address(*id)->port()));
}

TEST_F(sockets, unknown_name_is_an_error) {
    const auto failure = std::make_shared<error>(errc::invalid_state);
    auto to = to_port("name.invalid", 80);
    to.timeout = 3s;
    connect_probe(core, to, failure);
    ASSERT_TRUE(until([&] { return failure->code() != errc::invalid_state; }));
    EXPECT_EQ(failure->code(), errc::name_not_found);
}

TEST_F(sockets, connecting_to_nobody_times_out) {
    // A listener whose queue is full does not answer.
    const int mute = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ASSERT_EQ(::bind(mute, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    ASSERT_EQ(::listen(mute, 0), 0);
    socklen_t size = sizeof address;
    ::getsockname(mute, reinterpret_cast<sockaddr*>(&address), &size);
    const std::uint16_t port = ntohs(address.sin_port);
    std::vector<std::shared_ptr<error>> outcomes;
    for (int i = 0; i < 5; ++i) {
        outcomes.push_back(std::make_shared<error>(errc::invalid_state));
        auto to = to_port("127.0.0.1", port);
        to.timeout = 50ms;
        connect_probe(core, to, outcomes.back());
    }
    const auto timed_out = [&] {
        return std::count_if(outcomes.begin(), outcomes.end(), [](const auto& o) {
            return o->code() == make_error_code(errc::timed_out);
        });
    };
    const time_point begin = steady_clock::now();
    EXPECT_TRUE(until([&] { return timed_out() >= 3; }));
    EXPECT_GE(steady_clock::now() - begin, 50ms);
    EXPECT_LT(steady_clock::now() - begin, 3s);
    ::close(mute);
}

TEST_F(sockets, unix_socket_replaces_a_stale_file_and_nothing_else) {
    const temporary_folder folder;
    listen_options where;
    where.unix_path = folder.file("a.sock");
    net::connect_options to;
    to.unix_path = where.unix_path;
    const auto first = core.listen(where, acceptor);
    ASSERT_TRUE(first);
    expect_echo(to);
    const auto second = core.listen(where, acceptor);
    ASSERT_FALSE(second) << "somebody listens";
    EXPECT_EQ(second.error().code(), std::errc::address_in_use);
    core.close_listener(*first);
    EXPECT_TRUE(std::filesystem::exists(where.unix_path)) << "stale now";
    ASSERT_TRUE(core.listen(where, acceptor));
    expect_echo(to);

    where.unix_path = folder.file("precious.txt");
    std::fclose(std::fopen(where.unix_path.c_str(), "w"));
    EXPECT_FALSE(core.listen(where, acceptor));
    EXPECT_TRUE(std::filesystem::exists(where.unix_path));
}

TEST_F(sockets, a_full_queue_is_no_reason_to_take_a_unix_socket_over) {
    const temporary_folder folder;
    listen_options where;
    where.unix_path = folder.file("busy.sock");
    const auto address = socket_address::make_unix(where.unix_path);
    const auto unix_socket = [] { return ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0); };
    const int living = unix_socket();
    ASSERT_EQ(
        ::bind(living, net::system_address::get(*address), net::system_address::size(*address)), 0);
    ASSERT_EQ(::listen(living, 1), 0);
    std::vector<int> waiting;
    do {
        waiting.push_back(unix_socket());
        ASSERT_LT(waiting.size(), 100U);
    } while (::connect(waiting.back(), net::system_address::get(*address),
                       net::system_address::size(*address)) == 0);
    ASSERT_EQ(errno, EAGAIN);
    const auto second = core.listen(where, acceptor);
    ASSERT_FALSE(second) << "its owner lives";
    EXPECT_EQ(second.error().code(), std::errc::address_in_use);
    EXPECT_TRUE(std::filesystem::is_socket(where.unix_path));
    for (const int fd : waiting) ::close(fd);
    ::close(living);
    EXPECT_TRUE(core.listen(where, acceptor)) << "stale now";
}

TEST_F(sockets, unix_socket_has_the_permissions_and_the_group_that_were_asked_for) {
    const temporary_folder folder;
    listen_options where;
    where.unix_path = folder.file("mode.sock");
    where.unix_mode = 0620;
    where.unix_group = std::to_string(::getgid());
    ASSERT_TRUE(core.listen(where, acceptor));
    EXPECT_EQ(static_cast<unsigned>(std::filesystem::status(where.unix_path).permissions()), 0620U);

    where.unix_path = folder.file("group.sock");
    where.unix_group = "no such group";
    const auto refused = core.listen(where, acceptor);
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().what().find("unix_group"), std::string::npos);
    EXPECT_FALSE(std::filesystem::exists(where.unix_path)) << "nothing is left behind";
}

TEST_F(sockets, abstract_unix_socket) {
    listen_options where;
    where.unix_path = "@weft-test-" + std::to_string(::getpid());
    ASSERT_TRUE(core.listen(where, acceptor));
    net::connect_options to;
    to.unix_path = where.unix_path;
    expect_echo(to);
}

TEST_F(sockets, adopted_descriptor_listens) {
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    ASSERT_EQ(::listen(fd, 16), 0);
    listen_options where;
    where.adopt_fd = fd;
    const auto id = core.listen(where, acceptor);
    ASSERT_TRUE(id);
    expect_echo(to_port("127.0.0.1", core.local_address(*id)->port()));
    where.adopt_fd = 1'000'000;
    EXPECT_FALSE(core.listen(where, acceptor));
}

TEST_F(sockets, taken_port_is_an_error_with_its_address) {
    const auto id = core.listen({}, acceptor);
    listen_options again;
    again.port = core.local_address(*id)->port();
    const auto refused = core.listen(again, acceptor);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), std::errc::address_in_use);
    EXPECT_NE(refused.error().message().find("127.0.0.1:" + std::to_string(again.port)),
              std::string::npos);
}

/// A loop in a thread of its own that answers everything with its number.
class numbered_loop {
public:
    explicit numbered_loop(std::uint8_t number, listen_options where)
        : own_(std::move(*loop::make({.index = number}))) {
        acceptor_.number = number;
        auto id = own_->core().listen(where, acceptor_);
        if (id) port = own_->core().local_address(*id)->port();
        thread_ = std::thread([this] { own_->run(); });
    }
    ~numbered_loop() {
        own_->stop();
        thread_.join();
    }
    std::uint16_t port = 0;
    std::uint64_t accepted() const { return own_->core().metrics().accepted.read(); }

private:
    class answer final : public net::stream_handler {
    public:
        answer(net::byte_stream& stream, int number) : stream_(stream), number_(number) {}
        void on_data(byte_span) noexcept override {
            stream_.write(as_bytes(std::to_string(number_)));
        }
        void on_closed(std::error_code) noexcept override {}

    private:
        net::byte_stream& stream_;
        int number_;
    };
    struct numbering final : net::acceptor {
        std::unique_ptr<net::stream_handler> on_accept(net::byte_stream& s) noexcept override {
            EXPECT_EQ(s.id().loop(), number);
            return std::make_unique<answer>(s, number);
        }
        int number = 0;
    } acceptor_;
    std::unique_ptr<loop> own_;
    std::thread thread_;
};

TEST_F(sockets, two_loops_share_a_port) {
    listen_options where;
    where.share_port = true;
    numbered_loop first(1, where);
    where.port = first.port;
    numbered_loop second(2, where);
    ASSERT_EQ(second.port, first.port);
    std::vector<record_ptr> clients;
    for (int i = 0; i < 100; ++i) {
        clients.push_back(connect_probe(core, to_port("127.0.0.1", first.port)));
        clients.back()->on_open = [](record& r) { r.write("who?"); };
    }
    std::array<int, 3> answers{};
    for (const auto& c : clients) {
        ASSERT_TRUE(until([&] { return !c->received.empty(); }));
        ++answers.at(static_cast<std::size_t>(c->received[0] - '0'));
    }
    EXPECT_GT(answers[1], 0);
    EXPECT_GT(answers[2], 0);
    EXPECT_EQ(first.accepted() + second.accepted(), 100U);
}

TEST_F(sockets, ten_thousand_idle_connections) {
    constexpr std::size_t many = 10'000;
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    if (files.rlim_max < many + 100) GTEST_SKIP() << "needs " << many + 100 << " descriptors";
    const rlimit before = files;
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
    const auto id = core.listen({}, acceptor);
    ASSERT_TRUE(id);
    const socket_address address = *core.local_address(*id);

    // The clients are another process: one has not enough descriptors for both ends.
    const pid_t child = ::fork();
    if (child == 0) {
        std::vector<int> clients;
        for (std::size_t i = 0; i < many; ++i) {
            clients.push_back(::socket(AF_INET, SOCK_STREAM, 0));
            if (::connect(clients.back(), net::system_address::get(address),
                          net::system_address::size(address)) != 0)
                ::_exit(1);
        }
        char letter = 'x';
        // The last one too: who has its answer knows that all of them were accepted.
        for (std::size_t i = 999; i < many; i += 1000) {
            if (::write(clients[i], &letter, 1) != 1) ::_exit(2);
            if (::read(clients[i], &letter, 1) != 1 || letter != 'x') ::_exit(3);
        }
        ::_exit(0);
    }
    std::size_t most = 0;
    EXPECT_TRUE(until(
        [&] {
            most = std::max(most, core.connections());
            return acceptor.accepted.size() == many && core.connections() == 0;
        },
        30s));
    EXPECT_EQ(most, many);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << WEXITSTATUS(status);
    for (const auto& r : acceptor.accepted) ASSERT_EQ(r->closed, 1);
    ::setrlimit(RLIMIT_NOFILE, &before);
}

// ---- sec_p1: a full descriptor table, in a process of its own ----

double cpu_seconds() {
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    const auto seconds = [](const timeval& t) {
        return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
    };
    return seconds(used.ru_utime) + seconds(used.ru_stime);
}

/// Exits with the number of the first thing that was not as it should be.
[[noreturn]] void serve_with_few_descriptors(int port_pipe, int release_pipe) {
    // The first time that it sees a type, UBSan probes the object's memory through a pipe, which a
    // full table has no room for: it takes the object for a broken one. So it sees these types now.
    for (const std::error_code seen : {make_error_code(errc::closed_by_peer),
                                       std::make_error_code(std::errc::too_many_files_open),
                                       std::error_code(EMFILE, std::system_category())}) {
        if (seen == make_error_code(errc::timed_out)) ::_exit(1);
    }
    const rlimit few{256, 256};
    ::setrlimit(RLIMIT_NOFILE, &few);
    auto made = loop::make({.log = nullptr});  // its type is another that UBSan would probe
    if (!made) ::_exit(2);
    net::loop_core& core = (*made)->core();
    probe_acceptor acceptor;
    acceptor.prepare = [](record& r) { r.echo = true; };
    const auto id = core.listen({}, acceptor);
    if (!id) ::_exit(3);
    const std::uint16_t port = core.local_address(*id)->port();
    if (::write(port_pipe, &port, sizeof port) != sizeof port) ::_exit(4);
    // Until the parent says so, the table fills and stays full.
    ::fcntl(release_pipe, F_SETFL, O_NONBLOCK);
    char order = 0;
    const time_point begin = steady_clock::now();
    const double cpu = cpu_seconds();
    while (::read(release_pipe, &order, 1) != 1) {
        core.turn(10ms);
        if (steady_clock::now() - begin > 30s) ::_exit(5);
    }
    const double wall = std::chrono::duration<double>(steady_clock::now() - begin).count();
    if (core.metrics().refused_no_descriptor.read() < 500) ::_exit(6);
    if (cpu_seconds() - cpu > wall * 0.5) ::_exit(7);  // spins
    // Free some; a new client must be served soon (the parent looks).
    const std::size_t accepted = acceptor.accepted.size();
    for (std::size_t i = 1; i < 100 && i < accepted; ++i) {
        if (acceptor.accepted[i]->closed == 0) acceptor.accepted[i]->stream->close();
    }
    while (::read(release_pipe, &order, 1) != 1) {
        core.turn(10ms);
        if (steady_clock::now() - begin > 40s) ::_exit(8);
    }
    ::_exit(acceptor.accepted.front()->closed == 0 ? 0 : 9);
}

TEST_F(sockets, sec_p1_full_descriptor_table_costs_nobody_else) {
    std::array<int, 2> port_pipe{}, release_pipe{};
    ASSERT_EQ(::pipe(port_pipe.data()), 0);
    ASSERT_EQ(::pipe(release_pipe.data()), 0);
    const pid_t child = ::fork();
    if (child == 0) serve_with_few_descriptors(port_pipe[1], release_pipe[0]);
    std::uint16_t port = 0;
    ASSERT_EQ(::read(port_pipe[0], &port, sizeof port), static_cast<ssize_t>(sizeof port));

    const record_ptr existing = connect_probe(core, to_port("127.0.0.1", port));
    existing->on_open = [](record& r) { r.write("first"); };
    ASSERT_TRUE(until([&] { return existing->received == "first"; }));

    struct member {
        record_ptr connected;
        std::shared_ptr<error> failure = std::make_shared<error>(std::error_code());
    };
    std::vector<member> crowd(900);
    for (member& m : crowd)
        m.connected = connect_probe(core, to_port("127.0.0.1", port), m.failure);
    // Dropped after the connection was made, or while it was: which one is the kernel's choice.
    const auto dropped = [&] {
        return std::count_if(crowd.begin(), crowd.end(), [](const member& m) {
            return m.connected->closed == 1 || m.failure->code();
        });
    };
    EXPECT_TRUE(until([&] { return dropped() >= 600; }, 20s)) << dropped();
    existing->received.clear();
    existing->write("still served");
    EXPECT_TRUE(until([&] { return existing->received == "still served"; }, 1s));

    ASSERT_EQ(::write(release_pipe[1], "r", 1), 1);
    const auto freed = until([&] { return dropped() >= 690; }, 5s);
    EXPECT_TRUE(freed) << dropped();
    const time_point begin = steady_clock::now();
    record_ptr fresh;
    ASSERT_TRUE(until([&] {
        if (fresh == nullptr || fresh->closed == 1) {
            fresh = connect_probe(core, to_port("127.0.0.1", port));
            fresh->on_open = [](record& r) { r.write("new"); };
        }
        return fresh->received == "new";
    }));
    EXPECT_LT(steady_clock::now() - begin, 500ms) << "100 ms, and slack for a busy machine";
    ASSERT_EQ(::write(release_pipe[1], "q", 1), 1);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 0) << "see serve_with_few_descriptors";
    for (const int fd : {port_pipe[0], port_pipe[1], release_pipe[0], release_pipe[1]}) ::close(fd);
}

}  // namespace
}  // namespace weft::test
