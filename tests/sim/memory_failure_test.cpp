// What happens when memory is out. Each scenario is played again and again, with a failure at each
// of its allocations: that costs at most the connections that take part in it, nothing leaks, and
// those beside them, a WebSocket and a Socket.IO client, go on as if nothing had been.

#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <memory>
#include <new>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <weft/http/router.hpp>
#include <weft/socketio/client.hpp>
#include <weft/socketio/server.hpp>
#include <weft/sse/endpoint.hpp>
#include <weft/ws/client.hpp>
#include <weft/ws/endpoint.hpp>

#include "http/service.hpp"
#include "net/backend/sim/sim_backend.hpp"
#include "net/loop_core.hpp"
#include "pubsub/hub.hpp"
#include "sse/event_stream.hpp"
#include "support/fail_allocations.hpp"
#include "unit/net/tls_peer.hpp"
#include "unit/ws/client_world.hpp"
#include "unit/ws/ws_world.hpp"
#include "ws/connection_core.hpp"

namespace weft::test {
namespace {

using namespace std::chrono_literals;
using ws::test::binary_frame;
using ws::test::close_frame;
using ws::test::encode;
using ws::test::server_frame;
using ws::test::text_frame;

// ---- The hub ----

struct member final : pubsub::subscriber {
    std::size_t heard = 0;
    send_status deliver(const message&) noexcept override {
        ++heard;
        return send_status::sent;
    }
};

TEST(hub_memory, a_subscription_that_fails_has_changed_nothing) {
    bool ran_through = false;
    for (std::size_t number = 0; !ran_through; ++number) {
        SCOPED_TRACE("allocation " + std::to_string(number));
        ASSERT_LT(number, 100U);
        const std::size_t living = allocations::living;
        {
            net::loop_core loop(std::make_unique<net::sim_backend>(), {});
            pubsub::exchange all;
            pubsub::hub hub(loop, all);
            member bystander, joining;
            const auto joint = pubsub::program_topic("a topic that many others are in already");
            const auto fresh = pubsub::program_topic("a topic that nobody has been in before");
            hub.subscribe(bystander, joint);
            std::array<bool, 2> joined{};
            allocations::fail_at(number);
            for (std::size_t i = 0; i < 2; ++i) {
                const allocations::watch on(true);
                try {
                    joined[i] = hub.subscribe(joining, i == 0 ? joint : fresh);
                } catch (const std::bad_alloc&) {
                    continue;
                }
            }
            ran_through = !allocations::failed;
            EXPECT_EQ(joined[0] && joined[1], ran_through);
            EXPECT_EQ(hub.is_subscribed(joining, joint), joined[0]);
            EXPECT_EQ(hub.is_subscribed(joining, fresh), joined[1]);
            EXPECT_EQ(joining.subscriptions(), std::size_t{joined[0]} + std::size_t{joined[1]});
            EXPECT_EQ(hub.metrics().topics.read(), 1U + std::size_t{joined[1]});
            hub.publish(joint, message::text("x"));
            EXPECT_EQ(bystander.heard, 1U);
            hub.unsubscribe_all(joining);
            EXPECT_TRUE(hub.subscribe(joining, fresh));
            EXPECT_EQ(hub.publish(fresh, message::text("x")), 1U);
        }
        EXPECT_EQ(allocations::living, living);
        if (::testing::Test::HasFailure()) return;
    }
}

// ---- Whole connections ----

class world final : public socketio::host, private net::acceptor, private log_sink {
public:
    using peer = net::sim_backend::peer;

    world()
        : sim(*new net::sim_backend),
          loop(std::make_unique<unwatched_backend>(std::unique_ptr<net::backend>(&sim)),
               {.log = this}),
          shared(loop, all, 64 * 1024 * 1024),
          endpoint(ws_options()),
          server(*this, socketio_options()),
          service_(loop, routes_, http_options(), this) {
        use_websocket();
        use_http();
        use_socketio();
        use_events();
        EXPECT_TRUE(module_->prepare({&shared}));
        static const auto tls = net::testing::make_server();
        listen_options where;
        where.port = 80;
        EXPECT_TRUE(loop.listen(where, *this));
        where.port = 443;
        EXPECT_TRUE(loop.listen(where, *this, tls));
        where.port = 81;
        where.proxy_protocol_from = {"127.0.0.1"};
        EXPECT_TRUE(loop.listen(where, *this));
        loop.start();
    }
    ~world() { end(); }
    void end() {
        waiting.clear();
        loop.shut_down();
        streams_.shut_down();
        module_->shut_down();
    }

    void run(int iterations = 8) {
        const allocations::watch on(watching);
        while (iterations-- > 0) loop.turn(duration::zero());
    }
    void pass(duration time) {
        sim.advance(time);
        run();
    }
    /// Until the scenario's connections are pinged. Those beside them are older: their pings are
    /// sent before, and succeed.
    void pass_until_ping() {
        const bool watched = std::exchange(watching, false);
        pass(25s - bystanders_age / 2);
        watching = watched;
        pass(bystanders_age);
    }
    static constexpr duration bystanders_age = 1s;
    peer connect() { return sim.connect_client(80); }
    void send(peer client, std::string_view bytes) {
        sim.peer_send(client, bytes);
        run();
    }
    std::string take(peer client) { return sim.peer_take(client); }
    std::string ask(peer client, std::string_view bytes) {
        send(client, bytes);
        return take(client);
    }

    peer open_ws(std::string_view lines = "") {
        const peer client = connect();
        (void)ask(client, upgrade("/ws", lines));
        return client;
    }
    /// A Socket.IO client over WebSocket; `packets` are its first ones.
    peer open_sio(std::string_view packets = "40") {
        const peer client = connect();
        send(client, upgrade("/socket.io/?EIO=4&transport=websocket"));
        send(client, text_frame(packets));
        return client;
    }
    static std::string upgrade(std::string_view path, std::string_view lines = "") {
        return "GET " + std::string(path) +
               " HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
               "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n" +
               std::string(lines) + "\r\n";
    }
    static std::string get(std::string_view path) {
        return "GET " + std::string(path) + " HTTP/1.1\r\nHost: here\r\n\r\n";
    }
    static std::string post(std::string_view path, std::string_view body) {
        return "POST " + std::string(path) +
               " HTTP/1.1\r\nHost: here\r\nContent-Length: " + std::to_string(body.size()) +
               "\r\n\r\n" + std::string(body);
    }
    /// An Engine.IO session over polling: its id, or nothing.
    std::string open_polling(peer client) {
        const std::string reply = ask(client, get("/socket.io/?EIO=4&transport=polling"));
        const std::size_t begin = reply.find("\"sid\":\"");
        return begin == std::string::npos ? "" : reply.substr(begin + 7, 20);
    }
    /// The text after `key` in what came, up to the next quotation mark.
    static std::string value_of(std::string_view came, std::string_view key) {
        const std::size_t begin = came.find(key);
        if (begin == std::string_view::npos) return "";
        const std::string_view rest = came.substr(begin + key.size());
        return std::string(rest.substr(0, rest.find('"')));
    }

    /// As `weft::server` does.
    void drain() {
        const allocations::watch on(watching);
        module_->drain();
        service_.drain();
        shared.connections.for_each([](ws::connection_core& open) {
            open.close(ws::close_code::going_away, "server shutting down");
        });
    }

    net::sim_backend& sim;
    bool watching = false;
    net::loop_core loop;
    pubsub::exchange all;
    ws::connection_shared shared;
    ws::endpoint<void> endpoint;
    std::vector<http::responder> waiting;
    int opened = 0, closed = 0;
    int streams_opened = 0, streams_closed = 0;

private:
    static ws::options ws_options() {
        ws::options chosen;
        chosen.deflate.emplace();
        return chosen;
    }
    static http::options http_options() {
        http::options chosen;
        chosen.trusted_proxies = {"10.0.0.1"};
        return chosen;
    }
    static socketio::options socketio_options() {
        socketio::options chosen;
        chosen.connection_state_recovery.emplace();
        return chosen;
    }
    void use_websocket() {
        endpoint.on_open([this](auto&) { ++opened; })
            .on_message([](auto& c, message_view m) {
                if (m.text() == "subscribe") {
                    c.subscribe("a room with a name of more than sixteen bytes");
                } else if (m.text() == "publish") {
                    c.publish("a room with a name of more than sixteen bytes", m);
                } else if (m.text() == "much") {
                    for (int i = 0; i < 8; ++i) c.send(std::string(100'000, 'm'));
                } else {
                    c.send(m);
                }
            })
            .on_close([this](auto&, const ws::close_event&) { ++closed; });
        EXPECT_TRUE(endpoint.prepare());
        endpoint.set_loops({&shared});
        EXPECT_TRUE(routes_.upgrade("/ws", [this](const http::request& request, http::upgrade way) {
            endpoint.handle(request, std::move(way));
        }));
    }
    void use_http() {
        EXPECT_TRUE(routes_.get("/hello/:name", [](const http::request&) {
            return http::response::text(200, std::string(100, 'h'));
        }));
        EXPECT_TRUE(routes_.post("/body", [](const http::request& r) {
            return http::response::text(200, std::to_string(r.body_text().size()));
        }));
        EXPECT_TRUE(routes_.get("/later", [this](const http::request&, http::responder r) {
            waiting.push_back(std::move(r));
        }));
    }
    void use_events() {
        streams_
            .on_open([this](sse::stream& s, const http::request& asked) {
                ++streams_opened;
                s.subscribe("a room with a name of more than sixteen bytes");
                if (asked.query() == "end") s.close();
            })
            .on_close([this](sse::stream&) { ++streams_closed; });
        EXPECT_TRUE(streams_.prepare({{loop, shared.hub}}));
        EXPECT_TRUE(routes_.get("/events", [this](const http::request& r, http::responder a) {
            streams_.handle(r, std::move(a));
        }));
    }
    void use_socketio() {
        server.use([](socketio::socket& s) { return s.join("a room with quite a long name"); });
        server.on("ask", [](socketio::socket&, std::string what) { return what; });
        server.on("say", [](socketio::socket& s, std::string what) {
            s.to("a room with quite a long name").emit("said", what);
        });
        server.on("join", [](socketio::socket& s, std::string room) { s.join(room); });
        server.on("question", [](socketio::socket& s) {
            s.emit_with_ack<int>("how many", [](const result<int>&) {});
        });
        server.on("bytes", [](socketio::socket& s, std::vector<std::byte> bytes) {
            s.emit("bytes", bytes);
        });
        // Where the bystander is, out of the way of broadcasts.
        server.of("/quiet").on("ask", [](socketio::socket&, std::string what) { return what; });
        server.of_matching("/dynamic-*").on_connect([](socketio::socket& s) { s.emit("hello"); });
    }
    http::router& routes() noexcept override { return routes_; }
    log_sink* log() const noexcept override { return nullptr; }
    std::size_t attach(std::shared_ptr<socketio::module> what) override {
        module_ = std::move(what);
        return 0;
    }
    std::unique_ptr<net::stream_handler> on_accept(net::byte_stream& stream) override {
        return service_.make_connection(stream);
    }
    void write(const log_record&) noexcept override {}

    http::router routes_;
    sse::endpoint streams_{{}, "/events"};
    std::shared_ptr<socketio::module> module_;

public:
    socketio::server server;

private:
    http::service service_;
};

struct scenario {
    const char* name;
    void (*play)(world&);

    friend void PrintTo(const scenario& what, std::ostream* out) { *out << what.name; }
};

/// A client over TLS, whose own memory never runs out. OpenSSL's does not either: it has that from
/// malloc.
class tls_client {
public:
    explicit tls_client(world& to) : world_(to), conn_(to.sim.connect_client(443)) {
        go_on(tls_.step());
    }
    std::string ask(std::string_view bytes) {
        tls_.plain.clear();
        if (SSL_is_init_finished(tls_.ssl()) == 1) go_on(tls_.write(std::string(bytes)));
        return tls_.plain;
    }
    void end() {
        world_.sim.peer_reset(conn_);
        world_.run();
    }

private:
    void go_on(std::string out) {
        for (int i = 0; i < 4; ++i) {
            world_.send(conn_, out);
            out = tls_.step(world_.take(conn_));
        }
    }

    world& world_;
    net::testing::openssl_peer tls_{net::testing::openssl_peer::role::client};
    world::peer conn_;
};

void poll_once(world& w) {
    const auto client = w.connect();
    const std::string sid = w.open_polling(client);
    if (sid.empty()) return;
    const std::string path = "/socket.io/?EIO=4&transport=polling&sid=" + sid;
    (void)w.ask(client, world::post(path, "40"));
    (void)w.ask(client, world::get(path));
    (void)w.ask(client, world::post(path, "42[\"say\",\"hi\"]"));
    w.send(client, world::get(path));
    w.pass_until_ping();  // it ends the poll
    (void)w.ask(client, world::post(path, "3"));
}

void upgrade_from_polling(world& w) {
    const auto polls = w.connect();
    const std::string sid = w.open_polling(polls);
    if (sid.empty()) return;
    (void)w.ask(polls, world::post("/socket.io/?EIO=4&transport=polling&sid=" + sid, "40"));
    const auto socket = w.connect();
    (void)w.ask(socket, world::upgrade("/socket.io/?EIO=4&transport=websocket&sid=" + sid));
    (void)w.ask(socket, text_frame("2probe"));
    (void)w.ask(socket, text_frame("5"));
    (void)w.ask(socket, text_frame("420[\"ask\",\"upgraded\"]"));
}

void come_back(world& w) {
    const auto first = w.open_sio();
    const std::string came = w.take(first);
    const std::string pid = world::value_of(came, "\"pid\":\"");
    (void)w.ask(first, text_frame(R"(42["join","a room that is come back to, later"])"));
    w.sim.peer_reset(first);
    w.run();
    const auto talker = w.open_sio();
    w.send(talker, text_frame(R"(42["say","while the other one was away"])"));
    (void)w.open_sio(R"(40{"pid":")" + pid + "\"}");
    w.run();
}

const scenario scenarios[] = {
    {"connect and go",
     [](world& w) {
         const auto client = w.connect();
         w.run();
         w.sim.peer_end(client);
         w.run();
     }},
    {"HTTP route", [](world& w) { (void)w.ask(w.connect(), world::get("/hello/you")); }},
    {"requests of a trusted proxy",
     [](world& w) {
         const auto proxy = w.sim.connect_client(80, "10.0.0.1");
         for (int i = 0; i < 2; ++i)
             (void)w.ask(proxy,
                         "GET /hello/you HTTP/1.1\r\nHost: here\r\nForwarded: for=unknown\r\n"
                         "X-Forwarded-For: 2001:db8::1, 10.0.0.1\r\n\r\n");
     }},
    {"PROXY headers",
     [](world& w) {
         const auto proxy = w.sim.connect_client(81);
         (void)w.ask(proxy,
                     "PROXY TCP6 2001:db8::1234:5678 ::1 1 2\r\n" + world::get("/hello/you"));
         w.send(w.sim.connect_client(81), "GET / HTTP/1.1\r\n");
     }},
    {"HTTP requests that come in pieces",
     [](world& w) {
         const auto client = w.connect();
         for (const char c : world::get("/hello/you?and=more") + world::get("/nowhere"))
             w.send(client, {&c, 1});
     }},
    {"POST",
     [](world& w) {
         const auto client = w.connect();
         const std::string whole = world::post("/body", std::string(20'000, 'b'));
         w.send(client, whole.substr(0, 10'000));
         w.send(client, whole.substr(10'000));
     }},
    {"deferred reply",
     [](world& w) {
         const auto client = w.connect();
         w.send(client, world::get("/later") + world::get("/hello/behind"));
         for (auto& r : std::exchange(w.waiting, {})) {
             const allocations::watch on(w.watching);
             try {
                 (void)r.send(http::response::text(200, "at last"));
             } catch (const std::bad_alloc&) {
                 continue;
             }
         }
         w.run();
     }},
    {"WebSocket upgrade and echo",
     [](world& w) {
         const auto client = w.open_ws();
         (void)w.ask(client, text_frame("hello"));
         (void)w.ask(client, encode({0x89, "ping"}));
     }},
    {"fragments and a large message",
     [](world& w) {
         const auto client = w.open_ws();
         w.send(client, encode({0x02, "begin"}));
         w.send(client, encode({0x80, std::string(70'000, 'e')}));
         w.send(client, text_frame(std::string(200'000, 'l')).substr(0, 100'000));
     }},
    {"compressed messages",
     [](world& w) {
         const auto client = w.open_ws("Sec-WebSocket-Extensions: permessage-deflate\r\n");
         (void)w.ask(client, text_frame(std::string(2'000, 'c')));
         (void)w.ask(client, encode({0xC1, std::string("\xF2\x48\xCD\xC9\xC9\x07\x00", 7)}));
     }},
    {"subscribe and publish",
     [](world& w) {
         const auto a = w.open_ws();
         const auto b = w.open_ws();
         w.send(a, text_frame("subscribe"));
         w.send(b, text_frame("subscribe"));
         w.send(a, text_frame("publish"));
     }},
    {"slow reader",
     [](world& w) {
         const auto client = w.open_ws();
         w.sim.peer_window(client, 1'000);
         w.send(client, text_frame("much"));
         (void)w.take(client);
         w.run();
         (void)w.take(client);
         w.run();
     }},
    {"close",
     [](world& w) {
         const auto client = w.open_ws();
         (void)w.ask(client, close_frame(4000));
         w.sim.peer_end(client);
         w.run();
     }},
    {"heartbeat",
     [](world& w) {
         (void)w.open_ws();
         w.pass_until_ping();
         w.pass(5s);
     }},
    {"polling", poll_once},
    {"upgrade from polling", upgrade_from_polling},
    {"CONNECT", [](world& w) { (void)w.open_sio(R"(40{"token":"a text of some length"})"); }},
    {"CONNECT to a namespace of a pattern",
     [](world& w) { (void)w.open_sio("40/dynamic-and-of-some-length,"); }},
    {"CONNECT to no namespace", [](world& w) { (void)w.open_sio("40/nowhere-to-be-found,"); }},
    {"event with acknowledgement",
     [](world& w) {
         const auto client = w.open_sio();
         w.send(client, text_frame(R"(420["ask","what is asked for with some length"])"));
         w.send(client, text_frame(R"(42["question"])"));
         w.send(client, text_frame("430[7]"));
     }},
    {"room and broadcast",
     [](world& w) {
         const auto a = w.open_sio();
         const auto b = w.open_sio();
         w.send(a, text_frame(R"(42["join","another room with a long name"])"));
         w.send(b, text_frame(R"(42["say","something to everybody in the room"])"));
     }},
    {"binary attachments",
     [](world& w) {
         const auto client = w.open_sio();
         w.send(client, text_frame(R"(451-["bytes",{"_placeholder":true,"num":0}])"));
         w.send(client, binary_frame(std::string(500, '\x7f')));
     }},
    {"recovery", come_back},
    {"disconnect",
     [](world& w) {
         const auto client = w.open_sio();
         w.send(client, text_frame("41"));
         w.sim.peer_end(client);
         w.run();
     }},
    {"a WebSocket over TLS",
     [](world& w) {
         tls_client client(w);
         (void)client.ask(world::upgrade("/ws"));
         (void)client.ask(text_frame("hello"));
         (void)client.ask(text_frame("much"));
         (void)client.ask(close_frame(1000));
         client.end();
     }},
    {"an event stream",
     [](world& w) {
         const auto reader = w.connect();
         w.send(reader, world::get("/events"));
         w.send(w.connect(), world::get("/events?end"));
         w.send(w.open_ws(), text_frame("publish"));
         w.pass(16s);
         w.sim.peer_reset(reader);
         w.pass(1s);
     }},
    {"questions to all",
     [](world& w) {
         const auto client = w.open_sio();
         {
             const allocations::watch on(w.watching);
             try {
                 w.server.timeout(5s).emit_with_ack<int>(
                     "how many", [](const socketio::broadcast_replies<int>&) {});
                 w.server.fetch_sockets([](const std::vector<socketio::remote_socket>&) {});
             } catch (const std::bad_alloc&) {
                 return;
             }
         }
         w.send(client, text_frame("430[7]"));
         w.pass(6s);
     }},
};

class memory : public ::testing::TestWithParam<scenario> {};

/// Plays it once; false when no allocation of that number was made.
bool play(const scenario& what, std::size_t number) {
    world w;
    const auto plain = w.open_ws();
    const auto events = w.open_sio("40/quiet,");
    (void)w.take(events);
    w.pass(world::bystanders_age);
    allocations::fail_at(number);
    w.watching = true;
    what.play(w);
    w.watching = false;
    const bool failed = allocations::failed;

    w.run();
    (void)w.take(plain);
    (void)w.take(events);
    EXPECT_NE(w.ask(plain, text_frame("still here?")).find("still here?"), std::string::npos);
    EXPECT_NE(w.ask(events, text_frame(R"(42/quiet,7["ask","still here?"])"))
                  .find(R"(43/quiet,7["still here?"])"),
              std::string::npos);
    const auto fresh = w.open_ws();
    EXPECT_NE(w.ask(fresh, text_frame("and a new one?")).find("and a new one?"), std::string::npos);
    EXPECT_EQ(w.streams_closed, w.streams_opened);
    w.end();
    EXPECT_EQ(w.closed, w.opened);
    EXPECT_EQ(w.sim.open_descriptors(), 0U);
    EXPECT_EQ(w.shared.metrics.open.read(), 0U);
    EXPECT_EQ(w.shared.hub.metrics().subscriptions.read(), 0U);
    return failed;
}

TEST_P(memory, that_is_out_costs_at_most_the_connections_that_met_it) {
    play(GetParam(), SIZE_MAX);  // what is made once per process
    for (std::size_t number = 0;; ++number) {
        SCOPED_TRACE("allocation " + std::to_string(number));
        ASSERT_LT(number, 2'000U);
        const std::size_t living = allocations::living;
        const bool failed = play(GetParam(), number);
        if (HasFailure()) break;  // its report is allocated, too
        EXPECT_EQ(allocations::living, living) << "leaked";
        if (!failed) break;
    }
}

INSTANTIATE_TEST_SUITE_P(out, memory, ::testing::ValuesIn(scenarios), [](const auto& played) {
    std::string name = played.param.name;
    for (char& c : name) {
        if (c == ' ' || c == '-') c = '_';
    }
    return name;
});

/// Drains a server with one connection of every kind, while the allocation of this number fails.
void drain_without(std::size_t number) {
    world w;
    const auto plain = w.open_ws();
    (void)w.open_sio();
    (void)w.open_polling(w.connect());
    w.send(w.connect(), world::get("/later"));
    allocations::fail_at(number);
    w.watching = true;
    w.drain();
    w.run();
    (void)w.ask(plain, close_frame(1001));
    w.waiting.clear();
    w.pass(30s);
    w.watching = false;
    EXPECT_EQ(w.closed, w.opened);
    EXPECT_EQ(w.loop.connections(), 0U);
    w.end();
    EXPECT_EQ(w.sim.open_descriptors(), 0U);
}

TEST(drain_memory, that_is_out_does_not_keep_a_server_from_draining) {
    drain_without(SIZE_MAX);  // what is made once in a process
    for (std::size_t number = 0;; ++number) {
        SCOPED_TRACE("allocation " + std::to_string(number));
        ASSERT_LT(number, 100U);
        const std::size_t living = allocations::living;
        drain_without(number);
        if (::testing::Test::HasFailure()) break;
        EXPECT_EQ(allocations::living, living) << "leaked";
        if (!allocations::failed) break;
    }
}

// ---- Clients ----

/// A loop with clients, and the server they talk to, which the test plays.
class client_scene {
public:
    client_scene()
        : sim(*new net::sim_backend),
          loop(std::make_unique<unwatched_backend>(std::unique_ptr<net::backend>(&sim)),
               {.log = nullptr}) {
        loop.start();
        sim.serve_port(80);
    }
    ~client_scene() { loop.shut_down(); }

    void run() {
        const allocations::watch on(watching);
        for (int i = 0; i < 8; ++i) loop.turn(duration::zero());
    }
    /// What a program calls: it would see the exception.
    template <class F>
    void call(F&& code) {
        const allocations::watch on(watching);
        try {
            code();
        } catch (const std::bad_alloc&) {
            return;
        }
    }
    /// Lets the client connect and accepts its WebSocket.
    void serve() {
        run();
        const auto taken = sim.taken_connections(80);
        if (taken.empty()) return;
        server = taken[0];
        run();
        if (const std::string asked = sim.peer_take(server); !asked.empty())
            answer(ws::answer_to(asked));
    }
    void answer(std::string_view bytes) {
        if (server >= 0) sim.peer_send(server, bytes);
        run();
    }

    net::sim_backend& sim;
    bool watching = false;
    net::loop_core loop;
    net::sim_backend::peer server = -1;
    int begun = 0, opened = 0, closed = 0, failed = 0;
};

void use_ws_client(client_scene& s) {
    const ws::client_context context(s.loop.ref());
    ws::client client(context, {.url = "ws://127.0.0.1/a-path-of-some-length"});
    client
        .on_open([&](ws::client& me) {
            ++s.opened;
            (void)me.send("hello, with more than sixteen bytes");
        })
        .on_close([&](ws::client&, const ws::close_event&) { ++s.closed; })
        .on_failure([&](ws::client&, const ws::connect_failure&) { ++s.failed; });
    s.watching = true;
    s.call([&] { s.begun += client.connect() ? 1 : 0; });
    s.serve();
    s.answer(ws::frame(0x81, "hello"));
    s.answer(ws::frame(0x89, "ping"));
    s.call([&] { client.close(); });
    s.answer(ws::frame(0x88, "\x03\xE8"));
    if (s.server >= 0) s.sim.peer_end(s.server);
    s.run();
    s.watching = false;
    EXPECT_EQ(s.opened + s.failed, s.begun);
    EXPECT_EQ(s.closed, s.opened);
}

void use_socketio_client(client_scene& s) {
    socketio::client client(s.loop.ref(), {.url = "http://127.0.0.1",
                                           .transports = {engineio::transport_kind::websocket},
                                           .reconnection = false});
    client.socket()
        .on_connect([&](socketio::client_socket& me) {
            ++s.opened;
            me.emit("say", "hello, with more than sixteen bytes");
        })
        .on_disconnect(
            [&](socketio::client_socket&, const socketio::client_disconnect&) { ++s.closed; });
    client.socket().on("ask", [](std::string what) { return what; });
    s.watching = true;
    s.serve();
    s.answer(ws::frame(0x81, R"(0{"sid":"a-session","upgrades":[],"pingInterval":25000,)"
                             R"("pingTimeout":20000,"maxPayload":1000})"));
    s.answer(ws::frame(0x81, R"(40{"sid":"a-socket"})"));
    s.answer(ws::frame(0x81, R"(420["ask","something of some length"])"));
    s.answer(ws::frame(0x81, "2"));
    s.answer(ws::frame(0x81, "41"));
    if (s.server >= 0) s.sim.peer_end(s.server);
    s.run();
    s.watching = false;
    EXPECT_EQ(s.closed, s.opened);
}

void fail_each_allocation_of(void (*use)(client_scene&)) {
    {
        client_scene what_is_made_once;
        allocations::fail_at(SIZE_MAX);
        use(what_is_made_once);
        EXPECT_EQ(what_is_made_once.opened, 1);
    }
    for (std::size_t number = 0;; ++number) {
        SCOPED_TRACE("allocation " + std::to_string(number));
        ASSERT_LT(number, 2'000U);
        const std::size_t living = allocations::living;
        {
            client_scene s;
            allocations::fail_at(number);
            use(s);
        }
        if (::testing::Test::HasFailure()) break;
        EXPECT_EQ(allocations::living, living) << "leaked";
        if (!allocations::failed) break;
    }
}

TEST(client_memory, that_is_out_ends_a_websocket_client_s_connection_and_it_is_told) {
    fail_each_allocation_of(use_ws_client);
}

TEST(client_memory, that_is_out_ends_a_socketio_client_s_connection_and_it_is_told) {
    fail_each_allocation_of(use_socketio_client);
}

}  // namespace
}  // namespace weft::test
