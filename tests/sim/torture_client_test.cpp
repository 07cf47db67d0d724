// Torture of clients, which talk to the server of the same loop: whatever goes wrong at either end,
// a program is told of each beginning how it ended, once, and of each connection that it closed.

#include <weft/socketio/client.hpp>
#include <weft/ws/client.hpp>

#include "sim/torture.hpp"

namespace weft::test {
namespace {

constexpr auto long_text = "a text of more than sixteen bytes";

/// A WebSocket client, and what it was told.
class ws_user {
public:
    explicit ws_user(torture_world& w, ws::client_options options, tls_client_options tls = {})
        : w_(w), context_(w.loop.ref(), std::move(tls)), client_(context_, std::move(options)) {
        client_
            .on_open([this](ws::client& me) {
                ++opened;
                (void)me.send(long_text);
            })
            .on_message([this](ws::client&, message_view) { ++heard; })
            .on_close([this](ws::client&, const ws::close_event&) { ++closed; })
            .on_failure([this](ws::client&, const ws::connect_failure&) { ++failed; });
    }
    ws_user(const ws_user&) = delete;
    ws_user& operator=(const ws_user&) = delete;
    ~ws_user() {
        const bool watched = std::exchange(w_.watching, false);
        client_.terminate();
        w_.run();
        EXPECT_EQ(closed, opened);
        EXPECT_EQ(client_.state(), ws::client_state::idle);
        w_.watching = watched;
    }

    void connect() {
        w_.call([this] {
            if (client_.connect()) ++begun;
        });
        w_.run();
    }
    void send(std::string_view text) {
        w_.call([&] { (void)client_.send(text); });
        w_.run();
    }
    void close() {
        w_.call([this] { client_.close(); });
        w_.run();
        w_.pass(6s);  // for a server that does not answer
        w_.pass(6s);
        // Without a new attempt each beginning had one end.
        EXPECT_EQ(opened + failed, begun);
        EXPECT_EQ(closed, opened);
    }
    [[nodiscard]] ws::client& operator*() noexcept { return client_; }

    int begun = 0, opened = 0, closed = 0, failed = 0, heard = 0;

private:
    torture_world& w_;
    ws::client_context context_;
    ws::client client_;
};

/// A Socket.IO client, and what it was told.
class sio_user {
public:
    sio_user(torture_world& w, socketio::client_options options, tls_client_options tls = {})
        : w_(w) {
        const allocations::watch on(false);  // what a program makes before is its own affair
        options.auto_connect = false;
        client_.emplace(w.loop.ref(), std::move(options), std::move(tls));
        client_->socket()
            .on_connect([this](socketio::client_socket& me) {
                ++connected;
                me.emit("say", long_text);
            })
            .on_disconnect([this](socketio::client_socket&, const socketio::client_disconnect&) {
                ++disconnected;
            })
            .on_connect_error(
                [this](socketio::client_socket&, const socketio::connect_error&) { ++refused; });
        client_->socket().on("how many", [] { return 3; });
        client_->socket().on("said", [this](const std::string&) { ++heard; });
        client_->socket().on("bytes", [this](const std::vector<std::byte>&) { ++heard; });
    }
    sio_user(const sio_user&) = delete;
    sio_user& operator=(const sio_user&) = delete;
    ~sio_user() {
        const bool watched = std::exchange(w_.watching, false);
        w_.pass(6s);
        EXPECT_TRUE(begun == 0 || left || connected + refused > 0) << "nobody told how it ended";
        client_->disconnect();
        w_.run();
        EXPECT_EQ(disconnected, connected);
        EXPECT_EQ(answers, asked);
        client_.reset();
        w_.run();
        w_.watching = watched;
    }

    void connect() {
        w_.call([this] {
            if (client_->connect()) ++begun;
        });
        w_.run();
    }
    /// Before or after it is connected: nobody is told of what was given up.
    void leave() {
        left = true;
        w_.call([this] { client_->disconnect(); });
        w_.run();
    }
    void ask() {
        const bool began = w_.call([this] {
            client_->socket().timeout(3s).emit_with_ack<std::string>(
                "ask", long_text, [this](const result<std::string>&) { ++answers; });
        });
        if (began) ++asked;
        w_.run();
    }
    template <class... Args>
    void emit(std::string_view event, const Args&... args) {
        w_.call([&] { (void)client_->socket().emit(event, args...); });
        w_.run();
    }
    [[nodiscard]] socketio::client& operator*() noexcept { return *client_; }

    int begun = 0, connected = 0, disconnected = 0, refused = 0, heard = 0, asked = 0, answers = 0;
    bool left = false;

private:
    torture_world& w_;
    std::optional<socketio::client> client_;
};

tls_client_options trusting() {
    tls_client_options tls;
    tls.system_cas = false;
    tls.ca_pem = net::testing::test_ca().pem();
    return tls;
}

ws::client_options to(std::string url) {
    ws::client_options options;
    options.url = std::move(url);
    return options;
}

ws::backoff each_second() {
    return {.initial = 1s, .factor = 1, .spread = ws::jitter::none};
}

socketio::client_options by(std::vector<engineio::transport_kind> transports) {
    socketio::client_options options;
    options.url = "http://127.0.0.1";
    options.transports = std::move(transports);
    options.reconnection = false;
    options.timeout = 5s;
    return options;
}
using engineio::transport_kind;

void talk(sio_user& user, torture_world& w) {
    user.connect();
    user.ask();
    user.emit("bytes", std::vector<std::byte>(300, std::byte{7}));
    user.emit("question");
    w.pass_until_ping();  // the bystanders' pings are their own affair
    w.run();
}

const scenario scenarios[] = {
    {"a WebSocket client",
     [](torture_world& w) {
         ws_user user(w, to("ws://127.0.0.1/ws"));
         user.connect();
         user.send(std::string(100'000, 'l'));
         user.close();
     }},
    {"a WebSocket client that compresses",
     [](torture_world& w) {
         auto options = to("ws://127.0.0.1/ws");
         options.deflate.emplace();
         ws_user user(w, std::move(options));
         user.connect();
         user.send(std::string(5'000, 'c'));
         user.close();
     }},
    {"a WebSocket client over TLS",
     [](torture_world& w) {
         ws_user user(w, to("wss://127.0.0.1/ws"), trusting());
         user.connect();
         user.send(long_text);
         user.close();
     }},
    {"a WebSocket client that is pinged",
     [](torture_world& w) {
         ws_user user(w, to("ws://127.0.0.1/ws"));
         user.connect();
         w.pass(20s);
         w.pass(10s);
         w.pass(10s);
         user.close();
     }},
    {"a WebSocket client that nobody listens to",
     [](torture_world& w) {
         ws_user refused(w, to("ws://127.0.0.1:9/"));
         refused.connect();
         w.sim.mute_port(10);
         ws_user unanswered(w, to("ws://127.0.0.1:10/"));
         unanswered.connect();
         w.pass(11s);
         unanswered.close();
         refused.close();
     }},
    {"a WebSocket client that is refused",
     [](torture_world& w) {
         ws_user user(w, to("ws://127.0.0.1/nowhere"));
         user.connect();
         user.close();
     }},
    {"a WebSocket client that reconnects",
     [](torture_world& w) {
         auto options = to("ws://127.0.0.1/ws");
         options.reconnect = each_second();
         ws_user user(w, std::move(options));
         user.connect();
         w.break_connections();
         w.run();
         for (int i = 0; i < 5; ++i) w.pass(1s);
         user.send(long_text);
         for (int i = 0; i < 3; ++i) w.pass(1s);
         EXPECT_TRUE(user.begun == 0 || (*user).is_open()) << "it has given up";
     }},
    {"a WebSocket client that goes",
     [](torture_world& w) {
         ws_user connecting(w, to("ws://127.0.0.1/ws"));
         w.call([&] { (void)(*connecting).connect(); });
         w.turn(1);
         {
             ws_user user(w, to("ws://127.0.0.1/ws"));
             user.connect();
         }
         w.run();
     }},
    {"a Socket.IO client over WebSocket",
     [](torture_world& w) {
         sio_user user(w, by({transport_kind::websocket}));
         talk(user, w);
     }},
    {"a Socket.IO client that polls",
     [](torture_world& w) {
         sio_user user(w, by({transport_kind::polling}));
         talk(user, w);
     }},
    {"a Socket.IO client that upgrades",
     [](torture_world& w) {
         sio_user user(w, by({transport_kind::polling, transport_kind::websocket}));
         talk(user, w);
     }},
    {"a Socket.IO client over TLS",
     [](torture_world& w) {
         auto options = by({transport_kind::polling, transport_kind::websocket});
         options.url = "https://127.0.0.1";
         sio_user user(w, std::move(options), trusting());
         user.connect();
         user.ask();
         w.pass(4s);
     }},
    {"a Socket.IO client that leaves",
     [](torture_world& w) {
         sio_user user(w, by({transport_kind::polling, transport_kind::websocket}));
         user.connect();
         user.leave();
         sio_user early(w, by({transport_kind::polling}));
         w.call([&] { (void)(*early).connect(); });
         early.leave();
     }},
    {"a Socket.IO client of namespaces",
     [](torture_world& w) {
         sio_user user(w, by({transport_kind::websocket}));
         w.call([&] { (void)(*user).of("/dynamic-and-of-some-length").connect(); });
         w.call([&] { (void)(*user).of("/nowhere").connect(); });
         user.connect();
         w.call([&] { (*user).of("/dynamic-and-of-some-length").disconnect(); });
         w.run();
     }},
    {"a Socket.IO client that reconnects",
     [](torture_world& w) {
         auto options = by({transport_kind::websocket});
         options.reconnection = true;
         options.reconnection_delay = 1s;
         options.randomization_factor = 0;
         sio_user user(w, std::move(options));
         user.connect();
         user.ask();
         w.break_connections();
         w.run();
         for (int i = 0; i < 20; ++i) w.pass(1s);
         user.ask();
         w.pass(4s);
         EXPECT_TRUE(user.begun == 0 || user.refused > 0 || (*user).socket().connected())
             << "it has given up";
     }},
};

class client_torture : public ::testing::TestWithParam<scenario> {};

TEST_P(client_torture, is_told_of_every_end) {
    torture(GetParam()).run();
}

INSTANTIATE_TEST_SUITE_P(of, client_torture, ::testing::ValuesIn(scenarios), name_of);

}  // namespace
}  // namespace weft::test
