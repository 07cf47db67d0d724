// What a thousand of each thing that a peer can cause takes from the heap, and what the budgets
// know of it: the two must agree, and the charge must go when the things go.

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include <weft/http/router.hpp>
#include <weft/net/access.hpp>
#include <weft/net/awaitable.hpp>
#include <weft/socketio/server.hpp>
#include <weft/sse/endpoint.hpp>
#include <weft/ws/endpoint.hpp>

#include "http/service.hpp"
#include "net/backend/sim/sim_backend.hpp"
#include "net/loop_core.hpp"
#include "net/traffic_meter.hpp"
#include "socketio/recovery.hpp"
#include "sse/event_stream.hpp"
#include "support/count_bytes.hpp"
#include "unit/ws/ws_world.hpp"
#include "ws/connection_core.hpp"

namespace weft::test {
namespace {

using namespace std::chrono_literals;
using ws::test::binary_frame;
using ws::test::text_frame;

/// The simulated kernel, whose memory is not the server's.
class uncounted_backend final : public net::sim_backend {
public:
    void wait(duration timeout, net::event_sink& sink) noexcept override {
        const heap_count off(false);
        counted_sink counted(sink);
        sim_backend::wait(timeout, counted);
    }
    result<int> listen(const listen_options& options) override {
        const heap_count off(false);
        return sim_backend::listen(options);
    }
    net::io_result accept(int listener, int& fd, socket_address& from) noexcept override {
        const heap_count off(false);
        return sim_backend::accept(listener, fd, from);
    }
    net::receive_result receive(int fd, byte_span into) noexcept override {
        const heap_count off(false);
        return sim_backend::receive(fd, into);
    }
    net::io_result send(int fd, std::span<const iovec> pieces) noexcept override {
        const heap_count off(false);
        return sim_backend::send(fd, pieces);
    }
    net::io_result send_now(int fd, std::span<const iovec> pieces) noexcept override {
        const heap_count off(false);
        return sim_backend::send_now(fd, pieces);
    }
    void shutdown(int fd) noexcept override {
        const heap_count off(false);
        sim_backend::shutdown(fd);
    }
    void close(int fd) noexcept override {
        const heap_count off(false);
        sim_backend::close(fd);
    }
    void reset(int fd) noexcept override {
        const heap_count off(false);
        sim_backend::reset(fd);
    }
    std::error_code watch_stream(int fd, net::io_token token) noexcept override {
        const heap_count off(false);
        return sim_backend::watch_stream(fd, token);
    }

private:
    /// What the loop does in the events is its own again.
    struct counted_sink final : net::event_sink {
        explicit counted_sink(net::event_sink& to) noexcept : loop(to) {}
        void on_wake(time_point now) noexcept override { loop.on_wake(now); }
        void on_acceptable(net::io_token t) noexcept override {
            const heap_count on(true);
            loop.on_acceptable(t);
        }
        void on_readable(net::io_token t) noexcept override {
            const heap_count on(true);
            loop.on_readable(t);
        }
        void on_ending(net::io_token t) noexcept override {
            const heap_count on(true);
            loop.on_ending(t);
        }
        void on_writable(net::io_token t) noexcept override {
            const heap_count on(true);
            loop.on_writable(t);
        }
        void on_broken(net::io_token t) noexcept override {
            const heap_count on(true);
            loop.on_broken(t);
        }
        void on_sent(net::io_token t, const net::io_result& how) noexcept override {
            const heap_count on(true);
            loop.on_sent(t, how);
        }
        net::event_sink& loop;
    };
};

struct user_data {
    char bytes[1000] = {};
};

socketio::options generous(net::loop_core& loop) {
    socketio::options chosen;
    chosen.engine.middlewares.emplace_back([&loop](http::handshake asked) -> task<bool> {
        if (!asked.header("x-wait").empty()) co_await sleep_for(loop.ref(), 1h);
        co_return true;
    });
    chosen.max_rooms = 2000;
    chosen.max_pending_acks = 2000;
    chosen.cleanup_empty_child_namespaces = true;
    chosen.connection_state_recovery.emplace();
    return chosen;
}

http::options behind_proxies() {
    http::options chosen;
    chosen.trusted_proxies = {"192.0.2.0/24"};
    return chosen;
}

/// A server with everything that a peer can use. What the server does is counted, what the peers do
/// is not.
class world final : public socketio::host, private net::acceptor {
public:
    using peer = net::sim_backend::peer;

    explicit world(access_sink* access)
        : sim(*new uncounted_backend),
          loop(std::unique_ptr<net::backend>(&sim), {.access = access}),
          shared(loop, all_, 64 * 1024 * 1024),
          io(*this, generous(loop)),
          service_(loop, routes_, behind_proxies()) {
        loop.start();
        (void)routes_.get("/",
                          [](const http::request&) { return http::response::text(200, "ok"); });
        (void)routes_.post("/body",
                           [](const http::request&) { return http::response::text(200, "ok"); });
        (void)routes_.get("/later", [this](const http::request&, http::responder later) {
            const heap_count off(false);
            later_.push_back(std::move(later));
        });
        routes_.before("/ws", [](const http::request& request) -> admission<> {
            const auto user = request.header("x-user");
            if (user.empty()) return true;
            return identity{std::string(user)};
        });
        events_.on_open([](sse::stream& s, const http::request&) { s.subscribe("news"); });
        EXPECT_TRUE(events_.prepare({{loop, shared.hub}}));
        (void)routes_.get("/events", [this](const http::request& request, http::responder answer) {
            events_.handle(request, std::move(answer));
        });
        endpoint_.on_message([](auto& c, message_view what) {
            if (!what.text().starts_with('?')) {
                c.subscribe(what.text());
                return;
            }
            // An answer to fill the line, then small ones that wait.
            c.send(what.text() == "?0" ? std::string(100'000, '!') : std::string(what.text()));
        });
        EXPECT_TRUE(endpoint_.prepare());
        endpoint_.set_loops({&shared});
        (void)routes_.upgrade("/ws", [this](const http::request& request, http::upgrade upgrade) {
            endpoint_.handle(request, std::move(upgrade));
        });
        io.on("join", [](socketio::socket& s, const std::string& room) { s.join(room); });
        io.on("data", [](socketio::socket& s) { (void)s.data<user_data>(); });
        io.on("ask",
              [](socketio::socket& s) { s.emit_with_ack("answer", [](const result<void>&) {}); });
        (void)io.of_matching("/made-*");
        io.of("/slow").use([this](socketio::socket_ref) -> task<bool> {
            co_await sleep_for(loop.ref(), 1h);
            co_return true;
        });
        for (const auto& m : modules_) EXPECT_TRUE(m->prepare({&shared}));
        listen_options where;
        where.port = 80;
        EXPECT_TRUE(loop.listen(where, *this));
        where.port = proxied;
        where.proxy_protocol_from = {"127.0.0.1"};
        EXPECT_TRUE(loop.listen(where, *this));
    }
    static constexpr std::uint16_t proxied = 81;  // with PROXY header
    ~world() {
        later_.clear();
        loop.shut_down();
        events_.shut_down();
        for (const auto& m : modules_) m->shut_down();
    }

    void run(int iterations = 6) {
        const heap_count on(true);
        while (iterations-- > 0) loop.turn(duration::zero());
    }
    void pass(duration time) {
        sim.advance(time);
        run(40);
    }
    peer open(std::string_view from = "127.0.0.1", std::uint16_t port = 80) {
        clients_.push_back(sim.connect_client(port, from));
        return clients_.back();
    }
    /// What the server answers.
    std::string send(peer to, std::string_view bytes) {
        sim.peer_send(to, bytes);
        run();
        return sim.peer_take(to);
    }
    peer ask(std::string_view request, std::string_view from = "127.0.0.1") {
        const peer client = open(from);
        send(client, request);
        return client;
    }
    peer open_websocket(std::string_view path = "/ws", std::string_view lines = "",
                        std::string_view from = "127.0.0.1") {
        return ask(ws::test::ws_world<>::request(lines, path), from);
    }
    peer open_engine() { return open_websocket("/socket.io/?EIO=4&transport=websocket"); }
    peer open_socket(std::string_view connect = "40") {
        const peer client = open_engine();
        send(client, text_frame(connect));
        return client;
    }
    /// The first client, made when it is first asked for.
    template <class F>
    peer first(F make) {
        return clients_.empty() ? make() : clients_.front();
    }

    void drop_clients() {
        {
            const heap_count on(true);  // the responders hold what the server made
            for (auto& later : later_) later = {};
        }
        later_.clear();
        for (const peer client : std::exchange(clients_, {})) sim.peer_reset(client);
        run(40);
    }
    [[nodiscard]] std::int64_t charged() {
        return static_cast<std::int64_t>(loop.budget().used() + shared.budget.used());
    }

    uncounted_backend& sim;
    net::loop_core loop;

private:
    pubsub::exchange all_;

public:
    ws::connection_shared shared;

private:
    http::router& routes() noexcept override { return routes_; }
    log_sink* log() const noexcept override { return nullptr; }
    std::size_t attach(std::shared_ptr<socketio::module> what) override {
        modules_.push_back(std::move(what));
        return modules_.size() - 1;
    }
    std::unique_ptr<net::stream_handler> on_accept(net::byte_stream& stream) override {
        return service_.make_connection(stream);
    }

    std::vector<std::shared_ptr<socketio::module>> modules_;
    http::router routes_;

public:
    socketio::server io;

private:
    ws::endpoint<void> endpoint_{ws::options{}};
    sse::endpoint events_{{}, "/events"};
    http::service service_;
    std::vector<http::responder> later_;
    std::vector<peer> clients_;
};

/// A thing that peers can cause, one more with each call of `make`.
struct kind {
    std::string_view name;
    void (*make)(world& w, int number);
    void (*go)(world& w) = [](world&) {};  // after the clients went
};

void PrintTo(const kind& what, std::ostream* out) {
    *out << what.name;
}

std::string long_name(int number) {
    return std::to_string(number) + std::string(200, 'n');
}

const kind kinds[] = {
    {"idle_http_connections", [](world& w, int) { w.ask("GET / HTTP/1.1\r\nHost: here\r\n\r\n"); }},
    {"idle_connections_of_a_trusted_proxy",
     [](world& w, int) {
         w.ask("GET / HTTP/1.1\r\nHost: here\r\nX-Forwarded-For: 10.0.0.1\r\n\r\n", "192.0.2.7");
     }},
    {"unfinished_proxy_headers",
     [](world& w, int) { w.send(w.open("127.0.0.1", world::proxied), "PROXY TCP4 "); }},
    {"unfinished_heads",
     [](world& w, int) { w.ask("GET / HTTP/1.1\r\nX: " + std::string(2000, 'x')); }},
    {"unfinished_bodies",
     [](world& w, int) {
         w.ask("POST /body HTTP/1.1\r\nHost: here\r\nContent-Length: 20000\r\n\r\n" +
               std::string(10'000, 'b'));
     }},
    {"deferred_requests",
     [](world& w, int) { w.ask("GET /later HTTP/1.1\r\nHost: here\r\n\r\n"); }},
    {"requests_behind_a_deferred_one",
     [](world& w, int) {
         w.ask("GET /later HTTP/1.1\r\nHost: here\r\n\r\nGET / HTTP/1.1\r\nHost: here\r\nX: " +
               std::string(5000, 'x') + "\r\n\r\n");
     }},
    {"websockets", [](world& w, int) { w.open_websocket(); }},
    {"partial_messages",
     [](world& w, int) {
         const auto client = w.open_websocket();
         w.send(client, text_frame(std::string(20'000, 'm')).substr(0, 15'000));
     }},
    {"messages_that_wait",
     [](world& w, int i) {
         const auto client = w.first([&] {
             const auto slow = w.open_websocket();
             w.sim.peer_window(slow, 0);
             return slow;
         });
         w.send(client, text_frame("?" + std::to_string(i)));
     }},
    {"topics",
     [](world& w, int i) {
         const auto client = w.first([&] { return w.open_websocket(); });
         w.send(client, text_frame(long_name(i)));
     }},
    {"members_of_a_topic",
     [](world& w, int) { w.send(w.open_websocket(), text_frame("the same")); }},
    {"polling_sessions",
     [](world& w, int) {
         const auto client = w.first([&] { return w.open(); });
         w.send(client, "GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: here\r\nX: " +
                            std::string(2000, 'x') + "\r\n\r\n");
     },
     [](world& w) { w.pass(2min); }},
    {"websocket_sessions", [](world& w, int) { w.open_engine(); }},
    {"websocket_sessions_of_many_addresses",
     [](world& w, int i) {
         const std::string from = "10." + std::to_string(i / 250) + '.' + std::to_string(i % 250);
         w.open_websocket("/socket.io/?EIO=4&transport=websocket", "", from + ".1");
     }},
    {"posts_that_wait_for_a_middleware",
     [](world& w, int) {
         const auto client = w.first([&] { return w.open(); });
         const std::string opened = w.send(
             client, "GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: here\r\n\r\n");
         const std::string sid = opened.substr(opened.find("\"sid\":\"") + 7, 20);
         w.ask("POST /socket.io/?EIO=4&transport=polling&sid=" + sid +
               " HTTP/1.1\r\nHost: here\r\nX-Wait: yes\r\nContent-Length: 20000\r\n\r\n4" +
               std::string(19'999, 'p'));
     },
     [](world& w) { w.pass(2h); }},
    {"identities",
     [](world& w, int i) { w.open_websocket("/ws", "X-User: " + long_name(i) + "\r\n"); }},
    {"event_streams", [](world& w, int) { w.ask("GET /events HTTP/1.1\r\nHost: here\r\n\r\n"); }},
    {"sockets", [](world& w, int) { w.open_socket(); }, [](world& w) { w.pass(3min); }},
    {"auth",
     [](world& w, int) { w.open_socket("40{\"token\":\"" + std::string(4000, 't') + "\"}"); },
     [](world& w) { w.pass(3min); }},
    {"sockets_that_wait_for_a_middleware",
     [](world& w, int) { w.open_socket("40/slow,{\"token\":\"" + std::string(2000, 't') + "\"}"); },
     [](world& w) { w.pass(2h); }},
    {"made_namespaces",
     [](world& w, int i) { w.open_socket("40/made-" + std::to_string(i) + ","); },
     [](world& w) { w.pass(3min); }},
    {"rooms",
     [](world& w, int i) {
         const auto client = w.first([&] { return w.open_socket(); });
         w.send(client, text_frame("42[\"join\",\"" + long_name(i) + "\"]"));
     },
     [](world& w) { w.pass(3min); }},
    {"user_data", [](world& w, int) { w.send(w.open_socket(), text_frame("42[\"data\"]")); },
     [](world& w) { w.pass(3min); }},
    {"unfinished_attachments",
     [](world& w, int) {
         const auto client = w.open_socket();
         w.send(client, text_frame("452-[\"put\",{\"_placeholder\":true,\"num\":0},"
                                   "{\"_placeholder\":true,\"num\":1}]"));
         w.send(client, binary_frame(std::string(5000, 'a')));
     },
     [](world& w) { w.pass(3min); }},
    {"pending_acknowledgements",
     [](world& w, int) {
         const auto client = w.first([&] { return w.open_socket(); });
         w.send(client, text_frame("42[\"ask\"]"));
     },
     [](world& w) { w.pass(3min); }},
    {"absent_sockets",
     [](world& w, int i) {
         const auto client = w.open_socket();
         w.send(client, text_frame("42[\"join\",\"" + long_name(i) + "\"]"));
         w.drop_clients();
     },
     [](world& w) { w.pass(3min); }},
};

/// Keeps nothing; the server keeps what it would be told.
class no_access final : public access_sink {
public:
    void write(const access_record&) noexcept override {}
};

void expect_charged(const kind& what, access_sink* access) {
    world w(access);
    const auto make = [&](int first, int end) {
        for (int i = first; i < end; ++i) what.make(w, i);
    };
    const auto go = [&] {
        w.drop_clients();
        what.go(w);
    };
    make(0, 1);  // what is made once and stays
    go();
    const std::int64_t idle_heap = heap_bytes, idle_charge = w.charged();
    make(0, 1);  // with what all of them share, such as a connection and what fills its queue
    const std::int64_t heap_before = heap_bytes, charge_before = w.charged();
    make(1, 1001);
    const std::int64_t taken = heap_bytes - heap_before;
    const std::int64_t charge = w.charged() - charge_before;
    EXPECT_NEAR(static_cast<double>(charge), static_cast<double>(taken),
                0.1 * static_cast<double>(taken));
    std::printf("[ measured ] %lld bytes each, %lld charged\n",
                static_cast<long long>(taken / 1000), static_cast<long long>(charge / 1000));
    go();
    const std::int64_t left = w.charged();
    EXPECT_LE(left - idle_charge, heap_bytes - idle_heap + taken / 100)
        << "what is charged is still there";
    make(0, 1001);
    go();
    EXPECT_EQ(w.charged(), left) << "each release is what was charged";
}

class peer_memory : public testing::TestWithParam<kind> {};

TEST_P(peer_memory, is_charged_as_the_allocator_sees_it) {
    expect_charged(GetParam(), nullptr);
}

TEST_P(peer_memory, is_charged_so_with_an_access_log) {
    no_access sink;
    expect_charged(GetParam(), &sink);
}

TEST(peer_memory_of_traffic, an_idle_limited_connection_costs_at_most_64_bytes_more) {
    const auto cost_of_each = [](bool limited) {
        const traffic_limits limits{.max_connections = 10'000,
                                    .connects_per_minute = 100'000,
                                    .messages_per_second = 1000,
                                    .bytes_per_second = 1'000'000,
                                    .errors_per_minute = 10};
        net::traffic_meter meter({.per_address = limits, .per_subject = limits});
        world w(nullptr);
        if (limited) w.loop.limit_traffic(meter);
        const auto open = [&](int count) {
            while (count-- > 0) w.open_websocket("/ws", "X-User: ann\r\n");
        };
        open(1);  // and what all of them share
        const std::int64_t heap_before = heap_bytes;
        open(1000);
        return (heap_bytes - heap_before) / 1000;
    };
    const std::int64_t free = cost_of_each(false);
    const std::int64_t limited = cost_of_each(true);
    std::printf("[ measured ] %lld bytes more\n", static_cast<long long>(limited - free));
    EXPECT_GT(limited, free);
    EXPECT_LE(limited - free, 64);
}

TEST(peer_memory_of_recovery, knows_where_sessions_went) {
    net::loop_core loop(std::make_unique<net::sim_backend>(), {});
    const socketio::recovery_options chosen;
    socketio::detail::recovery_log log(loop, chosen, "epoch", 2);
    const auto note = [&](int first, int end) {
        for (int i = first; i < end; ++i) {
            const std::string number = std::to_string(i);
            log.note_moved(number + std::string(22 - number.size(), 'm'), 1);
        }
    };
    const std::int64_t heap_before = heap_bytes;
    const std::uint64_t charge_before = loop.budget().used();
    const heap_count on(true);
    note(0, 1000);
    const std::int64_t taken = heap_bytes - heap_before;
    EXPECT_NEAR(static_cast<double>(loop.budget().used() - charge_before),
                static_cast<double>(taken), 0.1 * static_cast<double>(taken));
}

INSTANTIATE_TEST_SUITE_P(of_a_thousand, peer_memory, testing::ValuesIn(kinds),
                         [](const auto& one) { return std::string(one.param.name); });

}  // namespace
}  // namespace weft::test
