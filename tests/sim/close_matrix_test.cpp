// sec_p2: every callback of whatever Weft has, at the server and at the client, closes, breaks,
// floods, throws, drops the client, or drains the server, over plain and TLS streams, on a backend
// that completes at once and on one that completes late. Nobody crashes, each end is told exactly
// once, nothing is left, and bystanders are served. Streams alone: close_in_callback_test.cpp.

#include <stdexcept>

#include <weft/socketio/client.hpp>
#include <weft/ws/client.hpp>

#include "sim/torture_world.hpp"

namespace weft::test {
namespace {

using self = torture_world::self;

constexpr const char* actions[] = {"nothing",   "close",        "terminate",
                                   "send much", "throw",        "drop the client",
                                   "reset all", "drain server", "stop the loop"};

/// What one play is about.
struct cell {
    const char* callback;
    const char* action;
    bool tls = false;
    bool late = false;
};

class stage {
public:
    explicit stage(const cell& what) : what_(what), w(nullptr, what.late) {
        w.let_bystanders_in();
        w.at = [this](const char* callback, const self& whom) { act(callback, whom); };
    }

    void act(std::string_view callback, const self& whom) {
        if (acted || callback != what_.callback) return;
        acted = true;
        const std::string_view action = what_.action;
        const auto call = [](const std::function<void()>& f) {
            if (f) f();
        };
        if (action == "close") call(whom.close);
        if (action == "terminate") call(whom.terminate);
        if (action == "send much") call(whom.send_much);
        if (action == "throw") throw std::runtime_error("thrown by a callback");
        if (action == "drop the client") {
            ws.reset();
            sio.reset();
        }
        if (action == "reset all") w.break_connections();
        if (action == "drain server") w.drain();
        if (action == "stop the loop") {
            w.loop.stop();
            w.stopped = true;
        }
    }

    // ---- A WebSocket client ----

    void note(const char* callback, ws::client& me) {
        act(callback, {.close = [&] { me.close(); },
                       .terminate = [&] { me.terminate(); },
                       .send_much = [&] { me.send(torture_world::much()); }});
    }
    void make_ws(std::string_view path) {
        ws::client_options options;
        options.url = (what_.tls ? "wss://127.0.0.1" : "ws://127.0.0.1") + std::string(path);
        options.deflate.emplace();
        ws = std::make_unique<ws::client>(w.loop.ref(), std::move(options), trusting());
        ws->on_open([this](ws::client& me) {
              ++opened;
              note("client open", me);
          })
            .on_message([this](ws::client& me, message_view) { note("client message", me); })
            .on_ping([this](ws::client& me, byte_view) { note("client ping", me); })
            .on_pong([this](ws::client& me, byte_view) { note("client pong", me); })
            .on_drain([this](ws::client& me) { note("client drain", me); })
            .on_close([this](ws::client& me, const ws::close_event&) {
                ++closed;
                note("client close", me);
            })
            .on_failure(
                [this](ws::client& me, const ws::connect_failure&) { note("client failure", me); });
        (void)ws->connect();
        w.run();
    }
    template <class F>
    void with_ws(F use) {
        if (ws) use(*ws);
        w.run();
    }
    void live_ws() {
        make_ws("/nowhere");
        const bool whole = !acted;
        ws.reset();
        w.run();
        if (whole) make_ws("/ws");
        with_ws([](ws::client& c) { c.send("hello"); });
        with_ws([](ws::client& c) { c.ping(); });
        with_ws([](ws::client& c) { c.send("much"); });
        with_ws([](ws::client& c) { c.send(std::string(900'000, 'c')); });
        w.pass(20s);
        w.pass(6s);  // the server pings
        with_ws([](ws::client& c) { c.close(); });
        w.pass(6s);
        w.pass(6s);
        if (ws && !w.stopped) {
            EXPECT_EQ(closed, opened);
        }
    }

    // ---- A Socket.IO client ----

    void note(const char* callback, socketio::client_socket& me) {
        act(callback, {.close = [&] { me.disconnect(); },
                       .terminate = [this] { sio->disconnect(); },
                       .send_much = [&] { me.emit("much", torture_world::much()); }});
    }
    void note_client(const char* callback) {
        if (!sio) return;
        act(callback, {.close = [this] { sio->socket().disconnect(); },
                       .terminate = [this] { sio->disconnect(); },
                       .send_much = [this] { sio->socket().emit("much", torture_world::much()); }});
    }
    void make_sio() {
        socketio::client_options options;
        options.url = what_.tls ? "https://127.0.0.1" : "http://127.0.0.1";
        options.auto_connect = false;
        options.reconnection_delay = 1s;
        options.randomization_factor = 0;
        sio = std::make_unique<socketio::client>(w.loop.ref(), std::move(options), trusting());
        sio->socket()
            .on_connect([this](socketio::client_socket& me) {
                ++opened;
                note("sio connect", me);
            })
            .on_disconnect([this](socketio::client_socket& me, const socketio::client_disconnect&) {
                ++closed;
                note("sio disconnect", me);
            })
            .on_any([this](socketio::client_socket& me, std::string_view,
                           const socketio::raw_arguments&) { note("sio any", me); });
        sio->socket().on("bytes", [this](socketio::client_socket& me, std::vector<std::byte>) {
            note("sio event", me);
        });
        sio->socket().on("how many", [] { return 3; });
        sio->of("/nowhere")
            .on_connect_error([this](socketio::client_socket& me, const socketio::connect_error&) {
                note("sio connect_error", me);
            });
        sio->on_ping([this] { note_client("sio ping"); })
            .on_upgrade([this](std::string_view) { note_client("sio upgrade"); })
            .on_error([this](const error&) { note_client("sio error"); })
            .on_reconnect_attempt([this](unsigned) { note_client("sio reconnect_attempt"); })
            .on_reconnect([this](unsigned) { note_client("sio reconnect"); })
            .on_reconnect_error([this](const error&) { note_client("sio reconnect_error"); });
        (void)sio->connect();
        w.run();
    }
    template <class F>
    void with_sio(F use) {
        if (sio) use(*sio);
        w.run();
    }
    void live_sio() {
        make_sio();
        with_sio([](socketio::client& c) { (void)c.of("/nowhere").connect(); });
        with_sio([this](socketio::client& c) {
            c.socket().emit_with_ack<std::string>(
                "ask", "me", [this](const result<std::string>&) { note_client("sio answer"); });
        });
        with_sio([](socketio::client& c) {
            c.socket().emit("bytes", std::vector<std::byte>(300, std::byte{7}));
        });
        with_sio([](socketio::client& c) { c.socket().emit("question"); });
        w.pass(20s);
        w.pass(6s);  // the server pings
        w.break_connections();
        w.sim.limit_descriptors(0);
        w.pass(2s);
        w.sim.limit_descriptors(SIZE_MAX);
        for (int i = 0; i < 12; ++i) w.pass(1s);
        with_sio([](socketio::client& c) { c.socket().disconnect(); });
        w.pass(6s);
        if (sio) sio->disconnect();
        w.pass(12s);
        if (sio && !w.stopped) {
            EXPECT_EQ(closed, opened);
        }
    }

    // ---- HTTP and event streams ----

    void live_http() {
        const auto asks = w.connect();
        w.send(asks, torture_world::get("/hello/you") + torture_world::get("/later") +
                         torture_world::get("/hello/behind"));
        for (auto& r : std::exchange(w.waiting, {})) (void)r.send(http::response::text(200, "ok"));
        w.run();
        const auto reads = w.connect();
        w.send(reads, torture_world::get("/events"));
        w.send(w.connect(), torture_world::get("/events?end"));
        w.pass(16s);
        w.sim.peer_reset(reads);
        w.run();
    }

    /// Whoever is left ends, and what can be counted agrees.
    void see_the_end() {
        EXPECT_TRUE(acted) << "the callback was never called";
        w.at = nullptr;
        ws.reset();
        sio.reset();
        w.waiting.clear();
        const std::string_view action = what_.action;
        if (w.stopped) return w.end();
        if (action != "drain server") {
            EXPECT_TRUE(w.bystanders_answer());
            w.let_all_end();
            EXPECT_TRUE(w.bystanders_answer());
            EXPECT_EQ(w.loop.connections(), 2U);
            EXPECT_EQ(w.sessions(), 1U);
            EXPECT_EQ(w.closed + 1, w.opened);
        }
        EXPECT_EQ(w.streams_closed, w.streams_opened);
        w.end();
    }

    const cell what_;
    torture_world w;
    std::unique_ptr<ws::client> ws;
    std::unique_ptr<socketio::client> sio;
    bool acted = false;
    int opened = 0, closed = 0;

private:
    static tls_client_options trusting() {
        tls_client_options tls;
        tls.system_cas = false;
        tls.ca_pem = net::testing::test_ca().pem();
        return tls;
    }
};

void play(const cell& what, void (stage::*life)()) {
    SCOPED_TRACE(std::string(what.action) + " in " + what.callback +
                 (what.tls ? ", over TLS" : "") + (what.late ? ", late backend" : ""));
    stage s(what);
    (s.*life)();
    s.see_the_end();
    EXPECT_EQ(s.w.closed, s.w.opened);
    EXPECT_EQ(s.w.sim.open_descriptors(), 0U);
    EXPECT_EQ(s.w.sim.damaged_sends(), 0U);
    EXPECT_EQ(s.w.shared.metrics.open.read(), 0U);
}

template <std::size_t Count>
void play_all(const char* const (&callbacks)[Count], void (stage::*life)(), bool tls) {
    play({.callback = callbacks[0], .action = "nothing", .tls = tls}, life);  // made once
    std::size_t plays = 0;
    for (const char* callback : callbacks) {
        for (const char* action : actions) {
            for (const bool late : {false, true}) {
                const std::size_t living = allocations::living;
                play({callback, action, tls, late}, life);
                if (::testing::Test::HasFailure()) return;
                EXPECT_EQ(allocations::living, living)
                    << "leaked: " << action << " in " << callback;
                ++plays;
            }
        }
    }
    std::printf("close matrix: %zu plays\n", plays);
    ::testing::Test::RecordProperty("plays", static_cast<int>(plays));
}

constexpr const char* of_websockets[] = {
    "ws open",      "ws message",   "ws ping",        "ws pong",     "ws drain",
    "ws close",     "client open",  "client message", "client ping", "client pong",
    "client drain", "client close", "client failure"};
constexpr const char* of_sockets[] = {"middleware",
                                      "socket connect",
                                      "socket any",
                                      "socket event",
                                      "socket answer",
                                      "socket disconnecting",
                                      "socket disconnect",
                                      "sio connect",
                                      "sio any",
                                      "sio event",
                                      "sio answer",
                                      "sio disconnect",
                                      "sio connect_error",
                                      "sio ping",
                                      "sio upgrade",
                                      "sio error",
                                      "sio reconnect_attempt",
                                      "sio reconnect",
                                      "sio reconnect_error"};
constexpr const char* of_http[] = {"http request", "http deferred request", "events open",
                                   "events close"};

class sec_p2 : public ::testing::TestWithParam<bool> {};

TEST_P(sec_p2, every_callback_of_websockets_may_do_anything) {
    play_all(of_websockets, &stage::live_ws, GetParam());
}
TEST_P(sec_p2, every_callback_of_socketio_may_do_anything) {
    play_all(of_sockets, &stage::live_sio, GetParam());
}
TEST(close_matrix_of_http, every_callback_may_do_anything) {
    play_all(of_http, &stage::live_http, false);
}

INSTANTIATE_TEST_SUITE_P(over, sec_p2, ::testing::Bool(), [](const auto& tested) {
    return std::string(tested.param ? "tls" : "plain");
});

}  // namespace
}  // namespace weft::test
