// Two loops on one port: whichever the kernel gives a connection to, its requests are answered
// where their session lives. Real sockets, since descriptors change loops.

#include <deque>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <map>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include "eio_world.hpp"
#include "net/backend/epoll/epoll_backend.hpp"
#include "net/moved_stream.hpp"

namespace weft::engineio::test {
namespace {

/// Echoes; counts what it is told on which loop.
class echo final : public session_user {
public:
    echo(session& s, std::atomic<int>& wrong) : session_(s), wrong_(wrong) {}
    void on_open() override {}
    void on_message(const message_view& m) override {
        if (!session_.loop().in_loop_thread()) ++wrong_;
        session_.send(m.is_text() ? message_view("4" + std::string(m.text())) : m);
    }
    void on_close(close_reason) override {
        if (!session_.loop().in_loop_thread()) ++wrong_;
    }

private:
    session& session_;
    std::atomic<int>& wrong_;
};

struct side final : net::acceptor {
    side(std::uint8_t index, const http::router& routes, pubsub::exchange& all)
        : loop(*net::make_epoll_backend(), {.index = index}),
          web(loop, all, 64 * 1024 * 1024),
          http(loop, routes, {}) {}
    std::unique_ptr<net::stream_handler> on_accept(net::byte_stream& stream) override {
        ++accepted;
        return http.make_connection(stream);
    }
    net::loop_core loop;
    ws::connection_shared web;
    http::service http;
    std::atomic<int> accepted{0};
};

class two_loops {
public:
    two_loops() {
        EXPECT_TRUE(engine.prepare());
        engine.on_session([this](session& s) { return std::make_unique<echo>(s, wrong_loop); });
        EXPECT_TRUE(engine.add_routes(routes));
        for (std::uint8_t i = 0; i < 2; ++i)
            sides.push_back(std::make_unique<side>(i, routes, all));
        for (const auto& s : sides) {
            s->http.on_transfer([this](std::uint8_t to, net::moved_stream what) {
                ++moved;
                side& there = *sides[to];
                there.loop.post([&there, what = std::move(what)]() mutable {
                    there.loop.arrive(std::move(what), there);
                });
            });
        }
        engine.set_loops({&sides[0]->web, &sides[1]->web});
        // Each has a port of its own, so that a test can choose.
        for (const auto& s : sides) {
            listen_options where;
            where.host = "127.0.0.1";
            const auto id = s->loop.listen(where, *s);
            ports.push_back(s->loop.local_address(*id)->port());
            threads.emplace_back([&s] { s->loop.run(); });
        }
    }
    ~two_loops() {
        for (const auto& s : sides) s->loop.stop();
        for (std::thread& t : threads) t.join();
        std::deque<owner_scope> ours;  // sessions end on the thread that has their loop
        for (const auto& s : sides) ours.emplace_back(s->loop.owner());
        for (const auto& s : sides) s->loop.shut_down();
        engine.shut_down();
    }

    engineio::engine engine{options{}};
    http::router routes;
    pubsub::exchange all;
    std::vector<std::unique_ptr<side>> sides;
    std::vector<std::uint16_t> ports;
    std::vector<std::thread> threads;
    std::atomic<int> moved{0};
    std::atomic<int> wrong_loop{0};
};

/// A blocking connection that is kept.
class wire {
public:
    explicit wire(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(port);
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        const timeval patience{10, 0};
        ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        EXPECT_EQ(::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
    }
    ~wire() { ::close(fd_); }
    wire(const wire&) = delete;

    void send(std::string_view bytes) const {
        (void)!::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    }
    reply receive() {
        for (;;) {
            std::string copy = bytes_;
            const reply got = take_reply(copy);
            if (got.status != 0 && bytes_.size() - copy.size() >= got.head.size() + 2 &&
                bytes_.size() >= got.head.size() + 2 + size_of(got)) {
                bytes_ = std::move(copy);
                return got;
            }
            if (!more()) return {};
        }
    }
    std::string frame() {
        for (;;) {
            auto frames = ws::test::take_frames(bytes_);
            if (!frames.empty()) return frames[0].payload;
            if (!more()) return "end";
        }
    }

private:
    static std::size_t size_of(const reply& r) {
        const auto at = r.head.find("Content-Length: ");
        return at == std::string::npos ? 0 : std::stoul(r.head.substr(at + 16));
    }
    bool more() {
        char into[65536];
        const ssize_t got = ::recv(fd_, into, sizeof into, 0);
        if (got > 0) bytes_.append(into, static_cast<std::size_t>(got));
        return got > 0;
    }
    int fd_;
    std::string bytes_;
};

std::string open(two_loops& world, std::size_t on) {
    wire w(world.ports[on]);
    w.send(eio_world::get("EIO=4&transport=polling"));
    const reply got = w.receive();
    EXPECT_EQ(got.status, 200);
    return got.body.substr(got.body.find("\"sid\":\"") + 7, 20);
}

TEST(move, requests_reach_their_session_from_any_loop_and_the_connection_stays_there) {
    two_loops world;
    for (std::size_t home = 0; home < 2; ++home) {
        const std::string sid = open(world, home);
        const int before = world.moved;
        wire w(world.ports[1 - home]);  // the other loop's
        for (int i = 0; i < 5; ++i) {
            w.send(eio_world::post(eio_world::of(sid), "4hello"));
            EXPECT_EQ(w.receive().body, "ok");
            w.send(eio_world::get(eio_world::of(sid)));
            EXPECT_EQ(w.receive().body, "4hello");
        }
        EXPECT_EQ(world.moved, before + 1);
    }
    EXPECT_EQ(world.wrong_loop, 0);
}

TEST(move, a_body_still_on_its_way_and_pipelined_requests_move_too) {
    two_loops world;
    const std::string sid = open(world, 0);
    wire w(world.ports[1]);
    const std::string big = "4" + std::string(400'000, 'x');
    w.send(eio_world::post(eio_world::of(sid), big) + eio_world::get(eio_world::of(sid)) +
           eio_world::post(eio_world::of(sid), "4last"));
    EXPECT_EQ(w.receive().body, "ok");
    EXPECT_EQ(w.receive().body, big);
    EXPECT_EQ(w.receive().body, "ok");
    EXPECT_EQ(world.moved, 1);
}

TEST(move, an_upgrade_reaches_its_session) {
    two_loops world;
    const std::string sid = open(world, 0);
    wire w(world.ports[1]);
    w.send(eio_world::upgrade("EIO=4&transport=websocket&sid=" + sid) +
           ws::test::text_frame("2probe"));
    EXPECT_EQ(w.receive().status, 101);
    EXPECT_EQ(w.frame(), "3probe");
    w.send(ws::test::text_frame("5") + ws::test::text_frame("4hi"));
    EXPECT_EQ(w.frame(), "4hi");
    EXPECT_EQ(world.moved, 1);
    EXPECT_EQ(world.wrong_loop, 0);
}

TEST(move, what_has_no_session_is_answered_where_it_came) {
    two_loops world;
    for (std::size_t on = 0; on < 2; ++on) {
        wire w(world.ports[on]);
        w.send(eio_world::get("EIO=4&transport=polling&sid=short"));
        EXPECT_EQ(w.receive().status, 400);
        w.send(eio_world::get("EIO=4&transport=polling&sid=AAAAAAAAAAAAAAAAAAAA"));
        EXPECT_EQ(w.receive().body, R"({"code":1,"message":"Session ID unknown"})");
    }
    EXPECT_LE(world.moved, 1);  // that id belongs to one of the two
}

TEST(move, clients_that_leave_meanwhile_leave_nothing_behind) {
    two_loops world;
    const std::string sid = open(world, 0);
    for (int i = 0; i < 50; ++i) {
        wire w(world.ports[1]);
        w.send(eio_world::post(eio_world::of(sid), "4x"));
    }
    // Each connection ends on the loop where it is by then.
    const auto left = [&](side& s) {
        std::promise<std::size_t> answer;
        auto future = answer.get_future();
        s.loop.post([&] { answer.set_value(s.loop.connections()); });
        return future.get();
    };
    const auto until = std::chrono::steady_clock::now() + 10s;
    std::size_t open = 0;
    do {
        open = left(*world.sides[0]) + left(*world.sides[1]);
    } while ((open > 0 || world.moved < 50) && std::chrono::steady_clock::now() < until);
    EXPECT_EQ(open, 0U);
}

}  // namespace
}  // namespace weft::engineio::test
