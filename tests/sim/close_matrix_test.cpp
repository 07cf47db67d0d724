// sec_p2: in each callback that Weft has, at the server and at the client, the application does
// each disruptive thing: at once, in a later turn, or from another thread; over plain streams, TLS
// and compression; on a backend that completes at once and on one that completes late. Nobody
// crashes, each end is told exactly once, nothing is left, and bystanders are served. A life leads
// its connections through its callbacks; first it is only watched, so that none is missed
// unnoticed. Streams alone: close_in_callback_test.cpp.

#include <algorithm>
#include <map>
#include <stdexcept>

#include <weft/socketio/client.hpp>
#include <weft/ws/client.hpp>

#include "sim/torture_world.hpp"

namespace weft::test {
namespace {

using self = torture_world::self;

enum class action : std::uint8_t {
    nothing,
    close,
    terminate,
    send_much,
    leave_all,
    publish,
    throw_something,
    close_all,
    reset_all,
    drop_clients,
    stop_listening,
    drain,
    stop_loop
};
constexpr const char* action_names[] = {
    "nothing",        "close", "terminate",    "send much", "leave all",
    "publish",        "throw", "close all",    "reset all", "drop clients",
    "stop listening", "drain", "stop the loop"};
constexpr std::size_t action_count = std::size(action_names);

enum class moment : std::uint8_t { now, next_turn, other_thread };
constexpr const char* moment_names[] = {"at once", "in the next turn", "from another thread"};

/// What a life is played over.
struct medium {
    const char* name;
    bool tls = false;
    bool deflate = false;
    bool later_too = false;  ///< Also what is done in later turns.
};

/// What happens in one play.
struct cell {
    medium over;
    std::string callback;  // empty: all are only watched
    action what = action::nothing;
    moment when = moment::now;
    bool late = false;

    [[nodiscard]] std::string text() const {
        return std::string(action_names[static_cast<std::size_t>(what)]) + " in " + callback + ' ' +
               moment_names[static_cast<std::size_t>(when)] + ", " + over.name +
               (late ? ", late backend" : "");
    }
};

/// What is to be done to whom a callback is about; null: for this it is nobody.
const std::function<void()>* personal(action what, const self& whom) {
    switch (what) {
        case action::close: return &whom.close;
        case action::terminate: return &whom.terminate;
        case action::send_much: return &whom.send_much;
        case action::leave_all: return &whom.leave_all;
        case action::publish: return &whom.publish;
        default: return nullptr;
    }
}

class stage {
public:
    explicit stage(const cell& planned)
        : plan(planned), w(nullptr, planned.late, torture_world::handlers::all) {
        w.let_bystanders_in();
        w.acts_in = [this](std::string_view callback) { return acts_in(callback); };
        w.act = [this](const self& now, const self& later) { act(now, later); };
    }

    // ---- What is done ----

    bool acts_in(std::string_view callback) {
        if (plan.callback.empty()) {
            last_seen = callback;
            return seen.find(callback) == seen.end();
        }
        return !acted && callback == plan.callback;
    }
    void act(const self& now, const self& later) {
        if (plan.callback.empty()) return note(now, later);
        acted = true;
        if (plan.when == moment::now) return perform(now);
        auto task = [this, later] { perform(later); };
        if (plan.when == moment::next_turn) {
            w.loop.post(std::move(task));
            return;
        }
        std::thread([home = w.loop.ref(), &task] { home.post(std::move(task)); }).join();
    }
    void perform(const self& whom) {
        performed = true;
        if (const auto* const own = personal(plan.what, whom)) return (*own)();
        switch (plan.what) {
            case action::throw_something: throw std::runtime_error("thrown by a callback");
            case action::close_all: return w.close_connections();
            case action::reset_all: return w.break_connections();
            case action::drop_clients:
                ws.reset();
                sio.reset();
                return;
            case action::stop_listening: return w.stop_listening();
            case action::drain: return w.drain();
            case action::stop_loop: w.stopped = true; return w.loop.stop();
            default: return;
        }
    }
    /// What can be done in the callback that has just been seen.
    void note(const self& now, const self& later) {
        auto& possible = seen[last_seen];
        for (std::size_t i = 0; i < action_count; ++i) {
            const auto what = static_cast<action>(i);
            const auto* const at_once = personal(what, now);
            const auto* const after = personal(what, later);
            if (at_once == nullptr || *at_once) possible.emplace_back(what, moment::now);
            if (after != nullptr && !*after) continue;
            // Then it is no callback any more that does it: over what does not matter.
            if (what == action::nothing || !plan.over.later_too) continue;
            possible.emplace_back(what, moment::next_turn);
            if (!plan.late) possible.emplace_back(what, moment::other_thread);
        }
    }

    // ---- A WebSocket client ----

    self about(const torture_world::way_to<ws::client>& way) {
        return {
            .close = torture_world::there(way, [](ws::client& me) { me.close(); }),
            .terminate = torture_world::there(way, [](ws::client& me) { me.terminate(); }),
            .send_much = torture_world::there(way, [this](ws::client& me) { me.send(w.much()); }),
            .leave_all = {},
            .publish = {}};
    }
    void reach(const char* callback, ws::client& me) {
        if (!w.acts_in || !w.acts_in(callback)) return;
        act(about(torture_world::straight_to(me)),
            about([this](const std::function<void(ws::client&)>& use) {
                if (ws) use(*ws);
            }));
    }
    void make_ws(std::string_view path) {
        ws::client_options options;
        options.url = (plan.over.tls ? "wss://127.0.0.1" : "ws://127.0.0.1") + std::string(path);
        if (plan.over.deflate) options.deflate.emplace();
        ws = std::make_unique<ws::client>(w.loop.ref(), std::move(options), trusting());
        ws->on_open([this](ws::client& me) {
              ++opened;
              reach("client open", me);
          })
            .on_message([this](ws::client& me, message_view) { reach("client message", me); })
            .on_ping([this](ws::client& me, byte_view) { reach("client ping", me); })
            .on_pong([this](ws::client& me, byte_view) { reach("client pong", me); })
            .on_drain([this](ws::client& me) { reach("client drain", me); })
            .on_close([this](ws::client& me, const ws::close_event&) {
                ++closed;
                reach("client close", me);
            })
            .on_failure([this](ws::client& me, const ws::connect_failure&) {
                reach("client failure", me);
            });
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
        ws.reset();
        w.run();
        make_ws("/ws");
        with_ws([](ws::client& c) { c.send("subscribe"); });
        with_ws([](ws::client& c) { c.send("is it written?"); });
        with_ws([this](ws::client& c) {
            c.send("it is", [this](std::error_code) {
                if (ws) reach("client written", *ws);
            });
        });
        with_ws([](ws::client& c) { c.ping(); });
        with_ws([](ws::client& c) { c.send("much"); });
        with_ws([](ws::client& c) { c.send(std::string(400'000, 'c')); });
        with_ws([](ws::client& c) { c.send("publish"); });
        w.pass(20s);
        w.pass(6s);  // the server pings
        with_ws([](ws::client& c) { c.close(); });
        w.pass(6s);
        w.pass(6s);
        if (ws && !w.stopped) {
            EXPECT_EQ(closed, opened);
        }
    }

    // ---- WebSocket frames of which many come at once ----

    void live_frames() {
        const auto friendly = w.open_ws("", "10.2.0.1");
        w.send(friendly, text_frame("subscribe"));
        const auto client = w.connect();
        const std::string all = text_frame("subscribe") + text_frame("is it written?") +
                                encode({0x01, "in two "}) + encode({0x89, "ping"}) +
                                encode({0x80, "parts"}) + encode({0x8A, "pong"}) +
                                text_frame("publish") + close_frame(1000);
        w.send(client, torture_world::upgrade("/ws") + text_frame("much"));
        for (int i = 0; i < 4; ++i) {
            (void)w.take(client);
            w.run();
        }
        w.send(client, all + all);
        if (client >= 0) w.sim.peer_end(client);
        w.run();
    }

    // ---- A Socket.IO client ----

    self about(const torture_world::way_to<socketio::client_socket>& way,
               std::function<void()> disconnect) {
        using socket = socketio::client_socket;
        return {
            .close = torture_world::there(way, [](socket& me) { me.disconnect(); }),
            .terminate = std::move(disconnect),
            .send_much = torture_world::there(way, [this](socket& me) { me.emit("hm", w.much()); }),
            .leave_all = {},
            .publish = torture_world::there(way, [](socket& me) { me.emit("say", "news"); })};
    }
    void reach(const char* callback, socketio::client_socket& me) {
        if (!w.acts_in || !w.acts_in(callback)) return;
        const auto disconnect = [this] {
            if (sio) sio->disconnect();
        };
        act(about(torture_world::straight_to(me), disconnect),
            about(
                [this, name = me.ref()](const std::function<void(socketio::client_socket&)>& use) {
                    if (sio) name.with([use](socketio::client_socket& there) { use(there); });
                },
                disconnect));
    }
    void reach(const char* callback) {
        if (sio) reach(callback, sio->socket());
    }
    void make_sio() {
        socketio::client_options options;
        options.url = plan.over.tls ? "https://127.0.0.1" : "http://127.0.0.1";
        options.auto_connect = false;
        options.reconnection_attempts = 2;
        options.randomization_factor = 0;
        if (plan.over.deflate) options.per_message_deflate.emplace();
        sio = std::make_unique<socketio::client>(w.loop.ref(), std::move(options), trusting());
        using socket = socketio::client_socket;
        sio->socket()
            .on_connect([this](socket& me) {
                ++opened;
                reach("sio connect", me);
            })
            .on_disconnect([this](socket& me, const socketio::client_disconnect&) {
                ++closed;
                reach("sio disconnect", me);
            })
            .on_any([this](socket& me, std::string_view, const socketio::raw_arguments&) {
                reach("sio any", me);
            })
            .on_any_outgoing([this](socket& me, std::string_view, const socketio::raw_arguments&) {
                reach("sio any_outgoing", me);
            })
            .on_unhandled([this](socket& me, std::string_view, const socketio::raw_arguments&,
                                 const socketio::raw_ack&) { reach("sio unhandled", me); });
        sio->socket().on(
            "bytes", [this](socket& me, const std::vector<std::byte>&) { reach("sio event", me); });
        sio->socket().on("how many", [] { return 3; });
        sio->of("/made-up");
        sio->of("/nowhere").on_connect_error([this](socket& me, const socketio::connect_error&) {
            reach("sio connect_error", me);
        });
        sio->on_ping([this] { reach("sio ping"); })
            .on_upgrade([this](std::string_view) { reach("sio upgrade"); })
            .on_error([this](const error&) { reach("sio error"); })
            .on_reconnect_attempt([this](unsigned) { reach("sio reconnect_attempt"); })
            .on_reconnect([this](unsigned) { reach("sio reconnect"); })
            .on_reconnect_error([this](const error&) { reach("sio reconnect_error"); })
            .on_reconnect_failed([this] { reach("sio reconnect_failed"); });
        (void)sio->connect();
        w.run();
    }
    template <class F>
    void with_sio(F use) {
        if (sio) use(*sio);
        w.run();
    }
    void live_sio() {
        w.send(w.connect(), torture_world::get("/socket.io/?EIO=4&transport=none"));
        make_sio();
        with_sio([this](socketio::client& c) {
            c.socket().emit_with_ack<std::string>(
                "ask", "me", [this](const result<std::string>&) { reach("sio answer"); });
        });
        with_sio([](socketio::client& c) {
            c.socket().emit("bytes", std::vector<std::byte>(300, std::byte{7}));
        });
        for (const char* event : {"question", "ask all", "refused", "unheard of"})
            with_sio([event](socketio::client& c) { c.socket().emit(event); });
        w.pass(20s);
        w.pass(6s);  // the server pings
        break_line(1);
        for (int i = 0; i < 14; ++i) w.pass(1s);  // it is back, and stays
        break_line(2);                            // it gives up
        with_sio([](socketio::client& c) { (void)c.connect(); });
        with_sio([](socketio::client& c) { c.socket().disconnect(); });
        with_sio([](socketio::client& c) { (void)c.socket().connect(); });
        with_sio([](socketio::client& c) { c.disconnect(); });
        w.pass(6s);
        w.pass(6s);
        if (sio && !w.stopped) {
            EXPECT_EQ(closed, opened);
        }
    }
    /// So many attempts to connect again fail.
    void break_line(int attempts) {
        w.break_connections();
        w.run();
        w.sim.limit_descriptors(0);
        while (attempts-- > 0) w.pass(3s);
        w.run();
        w.sim.limit_descriptors(SIZE_MAX);
    }

    // ---- HTTP, event streams, and what belongs to nobody ----

    void live_http() {
        const auto home = w.loop.ref();
        home.post([this] { reach_nobody("a posted task"); });
        const auto once = home.after(1ms, [this] { reach_nobody("a timer"); });
        const auto often = home.every(1s, [this] { reach_nobody("a timer that repeats"); });
        w.pass(1s);
        const auto asks = w.connect();
        w.send(asks, torture_world::get("/hello/you") + torture_world::get("/later") +
                         torture_world::get("/hello/behind"));
        for (auto& r : std::exchange(w.waiting, {})) (void)r.send(http::response::text(200, "ok"));
        w.run();
        for (const char* path : {"/wait", "/stream", "/stream", "/events"}) {
            const auto client = w.connect();
            w.send(client, torture_world::get(path));
            if (std::string_view(path) == "/stream") {
                (void)w.take(client);
                w.run();
            }
            if (client >= 0) w.sim.peer_reset(client);
            w.run();
        }
        w.send(w.connect(), torture_world::get("/events?end"));
        const auto posts = w.connect();
        const std::string whole = torture_world::post("/parts", std::string(4'000, 'p'));
        w.send(posts, whole.substr(0, 1'000));
        w.send(posts, whole.substr(1'000, 1'000));
        if (posts >= 0) w.sim.peer_reset(posts);
        w.pass(16s);
        w.waiting.clear();
        w.streaming.clear();
        w.run();
    }
    void reach_nobody(const char* callback) {
        if (w.acts_in && w.acts_in(callback)) act({}, {});
    }

    /// Whoever is left ends, and what can be counted agrees.
    void see_the_end() {
        w.acts_in = nullptr;
        ws.reset();
        sio.reset();
        w.waiting.clear();
        w.streaming.clear();
        if (!w.stopped) {
            const bool there = !acted || plan.what != action::drain;
            EXPECT_TRUE(!there || w.bystanders_answer());
            w.let_all_end();
            EXPECT_TRUE(!there || w.bystanders_answer());
            EXPECT_EQ(w.loop.connections(), there ? 2U : 0U);
            EXPECT_EQ(w.sessions(), there ? 1U : 0U);
            EXPECT_EQ(w.closed + (there ? 1 : 0), w.opened);
        }
        w.end();
        EXPECT_EQ(w.closed, w.opened);
        EXPECT_EQ(w.streams_closed, w.streams_opened);
        EXPECT_EQ(w.sim.open_descriptors(), 0U);
        EXPECT_EQ(w.sim.damaged_sends(), 0U);
        EXPECT_EQ(w.shared.metrics.open.read(), 0U);
        EXPECT_EQ(w.shared.hub.metrics().subscriptions.read(), 0U);
    }

    const cell plan;
    std::map<std::string, std::vector<std::pair<action, moment>>, std::less<>> seen;
    std::string last_seen;
    torture_world w;
    std::unique_ptr<ws::client> ws;
    std::unique_ptr<socketio::client> sio;
    bool acted = false, performed = false;
    int opened = 0, closed = 0;

private:
    static tls_client_options trusting() {
        tls_client_options tls;
        tls.system_cas = false;
        tls.ca_pem = net::testing::test_ca().pem();
        return tls;
    }
};

/// Who lives, over what, and which callbacks that leads through.
struct life {
    const char* name;
    void (stage::*live)();
    medium over;
    std::vector<std::string> callbacks;

    friend void PrintTo(const life& what, std::ostream* out) { *out << what.name; }
};

class sec_p2 : public ::testing::TestWithParam<std::tuple<life, bool>> {
protected:
    /// True if it acted.
    bool play(const cell& planned) {
        SCOPED_TRACE(planned.text());
        const std::size_t living = allocations::living;
        {
            stage s(planned);
            (s.*std::get<0>(GetParam()).live)();
            s.see_the_end();
            if (planned.callback.empty()) {
                seen_ = std::move(s.seen);
                return true;
            }
            EXPECT_TRUE(s.acted) << "the callback was never called";
            EXPECT_TRUE(s.performed) << "it was never done";
        }
        if (HasFailure()) return false;  // its report is allocated, too
        EXPECT_EQ(allocations::living, living) << "leaked";
        return !HasFailure();
    }

    std::map<std::string, std::vector<std::pair<action, moment>>, std::less<>> seen_;
};

TEST_P(sec_p2, every_callback_may_do_anything) {
    const auto& [who, late] = GetParam();
    (void)torture_world::ten_megabytes();  // what is made once per process
    ASSERT_TRUE(play({.over = who.over, .callback = {}, .late = late}));
    std::vector<std::string> found;
    for (const auto& [callback, possible] : seen_) found.push_back(callback);
    std::vector<std::string> expected = who.callbacks;
    std::sort(expected.begin(), expected.end());
    ASSERT_EQ(found, expected);
    std::size_t plays = 0;
    for (const auto& [callback, possible] : seen_) {
        for (const auto& [what, when] : possible) {
            ASSERT_TRUE(play({who.over, callback, what, when, late}));
            ++plays;
        }
    }
    std::printf("close matrix: %s: %zu callbacks, %zu plays\n", who.name, found.size(), plays);
    RecordProperty("plays", static_cast<int>(plays));
}

const std::vector<std::string> of_websockets{
    "client close", "client drain", "client failure", "client message", "client open",
    "client ping",  "client pong",  "client written", "http filter",    "http observer",
    "ws accept",    "ws close",     "ws drain",       "ws message",     "ws open",
    "ws ping",      "ws pong",      "ws written"};
const std::vector<std::string> of_frames{"http filter", "http observer", "ws accept", "ws close",
                                         "ws drain",    "ws message",    "ws open",   "ws ping",
                                         "ws pong",     "ws written"};
const std::vector<std::string> of_sockets{"broadcast answer",
                                          "engine allow_request",
                                          "engine connection_error",
                                          "engine headers",
                                          "engine initial_headers",
                                          "engine middleware",
                                          "http filter",
                                          "http observer",
                                          "middleware",
                                          "namespace predicate",
                                          "new namespace",
                                          "sio answer",
                                          "sio any",
                                          "sio any_outgoing",
                                          "sio connect",
                                          "sio connect_error",
                                          "sio disconnect",
                                          "sio error",
                                          "sio event",
                                          "sio ping",
                                          "sio reconnect",
                                          "sio reconnect_attempt",
                                          "sio reconnect_error",
                                          "sio reconnect_failed",
                                          "sio unhandled",
                                          "sio upgrade",
                                          "socket answer",
                                          "socket any",
                                          "socket any_outgoing",
                                          "socket connect",
                                          "socket disconnect",
                                          "socket disconnecting",
                                          "socket error",
                                          "socket event",
                                          "socket filter",
                                          "socket unhandled",
                                          "socket visit",
                                          "sockets fetched"};
const std::vector<std::string> of_http{"a posted task", "a timer",        "a timer that repeats",
                                       "events accept", "events close",   "events open",
                                       "http body_cut", "http body_part", "http deferred request",
                                       "http filter",   "http gone",      "http observer",
                                       "http request",  "stream drained", "stream gone"};

constexpr medium plain{.name = "plain", .later_too = true};
constexpr medium over_tls{.name = "TLS", .tls = true};
constexpr medium compressed{.name = "compressed", .deflate = true};

const life lives[] = {
    {"websockets", &stage::live_ws, plain, of_websockets},
    {"websockets_over_tls", &stage::live_ws, over_tls, of_websockets},
    {"websockets_compressed", &stage::live_ws, compressed, of_websockets},
    {"frames", &stage::live_frames, plain, of_frames},
    {"socketio", &stage::live_sio, plain, of_sockets},
    {"socketio_over_tls", &stage::live_sio, over_tls, of_sockets},
    {"http", &stage::live_http, plain, of_http},
};

INSTANTIATE_TEST_SUITE_P(of, sec_p2,
                         ::testing::Combine(::testing::ValuesIn(lives), ::testing::Bool()),
                         [](const auto& tested) {
                             return std::string(std::get<0>(tested.param).name) +
                                    (std::get<1>(tested.param) ? "_late" : "");
                         });

}  // namespace
}  // namespace weft::test
