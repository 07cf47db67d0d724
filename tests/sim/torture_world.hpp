#pragma once

// What torture is played over (torture.hpp): a server with all that Weft has, on the sim backend,
// with a WebSocket and a Socket.IO client that have nothing to do with the scenario. With a `guard`
// its doors ask for tokens, and traffic is limited.

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <weft/auth/verifier.hpp>
#include <weft/http/router.hpp>
#include <weft/http/static_files.hpp>
#include <weft/net/access.hpp>
#include <weft/schema/schema.hpp>
#include <weft/socketio/server.hpp>
#include <weft/sse/endpoint.hpp>
#include <weft/ws/endpoint.hpp>

#include "auth/gate.hpp"
#include "http/service.hpp"
#include "net/backend/sim/sim_backend.hpp"
#include "net/loop_core.hpp"
#include "net/traffic_meter.hpp"
#include "pubsub/hub.hpp"
#include "sse/event_stream.hpp"
#include "support/fail_allocations.hpp"
#include "unit/net/tls_peer.hpp"
#include "unit/ws/proto_support.hpp"
#include "unit/ws/ws_world.hpp"
#include "ws/connection_core.hpp"

namespace weft::test {

using namespace std::chrono_literals;
using ws::test::binary_frame;
using ws::test::close_frame;
using ws::test::encode;
using ws::test::text_frame;

/// What closes the doors of a world.
struct guard {
    auth::options rules;
    traffic_options traffic;
    std::vector<std::string> known;  ///< Tokens verified before; the first is the bystanders'.
};

/// A folder of one file, for as long as the program runs.
class folder_of_a_file {
public:
    folder_of_a_file() {
        std::string name =
            (std::filesystem::temp_directory_path() / "weft_torture_XXXXXX").string();
        path = ::mkdtemp(name.data());
        std::ofstream(path + "/page.html") << std::string(100'000, 'p');
    }
    folder_of_a_file(const folder_of_a_file&) = delete;
    folder_of_a_file& operator=(const folder_of_a_file&) = delete;
    ~folder_of_a_file() { std::filesystem::remove_all(path); }
    std::string path;
};

class torture_world final : public socketio::host,
                            private net::acceptor,
                            private log_sink,
                            private access_sink {
public:
    using peer = net::sim_backend::peer;
    /// Those of a usual server, or all that there are.
    enum class handlers : std::uint8_t { usual, all };
    static constexpr std::string_view room = "a room with a name of more than sixteen bytes";
    static constexpr std::string_view lobby = "a room with quite a long name";

    explicit torture_world(const guard* doors, bool late = false, handlers set = handlers::usual)
        : guard_(doors),
          handlers_(set),
          late_(late),
          sim(*new net::sim_backend),
          loop(std::make_unique<unwatched_backend>(std::unique_ptr<net::backend>(&sim)),
               {.log = this, .access = this}),
          shared(loop, all, 64 * 1024 * 1024),
          endpoint(ws_options(doors != nullptr)),
          server(*this, socketio_options()),
          service_(loop, routes_, http_options(), this) {
        if (set == handlers::all) use_the_rest();
        sim.behave({.completes_late = late, .lends_buffers = late});
        if (doors != nullptr) close_doors();
        use_websocket();
        use_http();
        use_socketio();
        use_events();
        EXPECT_TRUE(module_->prepare({&shared}));
        static const auto tls = net::testing::make_server();
        listen_options where;
        where.port = 80;
        listen(where, nullptr);
        where.port = 443;
        listen(where, tls);
        where.port = 81;
        where.proxy_protocol_from = {"127.0.0.1"};
        listen(where, nullptr);
        loop.start();
    }
    ~torture_world() { end(); }
    void end() {
        waiting.clear();
        streaming.clear();
        loop.shut_down();
        for (auto& rest : std::exchange(at_end, {})) rest();
        streams_.shut_down();
        module_->shut_down();
    }
    /// What else is to be done when the loop has ended.
    std::vector<std::function<void()>> at_end;
    /// HTTP for a stream that is no socket.
    std::unique_ptr<net::stream_handler> serve(net::byte_stream& stream) {
        return service_.take_carried(stream, false);
    }

    // ---- Time ----

    void turn(int times) {
        const allocations::watch on(watching);
        while (times-- > 0) loop.turn(duration::zero());  // nothing once it was stopped
    }
    /// Until what has come is handled, also by workers.
    void run() {
        turn(6);
        // A worker may wake the loop between two looks.
        int turns = 0;
        for (; turns < most_turns && !stopped && !sim.quiet(); ++turns) turn(1);
        if (stopped) return;
        EXPECT_LT(turns, most_turns) << "it never comes to rest";
        if (!at_work()) return;
        if (allocations::failed) pass(100ms);  // when a thread is tried for again
        for (int i = 0; at_work(); ++i) {
            ASSERT_LT(i, 10'000'000);
            std::this_thread::yield();
            turn(1);
        }
        turn(6);
    }
    void pass(duration time) {
        sim.advance(time);
        turn(6);
        if (plain < 0) return;
        const bool watched = std::exchange(watching, false);
        sim.peer_send(plain, encode({0x8A, ""}));
        sim.peer_send(events, text_frame("3"));
        turn(2);
        watching = watched;
    }
    /// Until the scenario's connections are pinged. The bystanders are older: their pings are sent
    /// before, and succeed.
    void pass_until_ping() {
        const bool watched = std::exchange(watching, false);
        pass(25s - bystanders_age / 2);
        watching = watched;
        pass(bystanders_age);
    }
    static constexpr duration bystanders_age = 1s;
    static constexpr int most_turns = 2'000;

    /// What a program calls: it would see the exception. False if there was one.
    template <class F>
    bool call(F&& code) {
        const allocations::watch on(watching);
        try {
            code();
        } catch (const std::bad_alloc&) {
            return false;
        }
        return true;
    }

    // ---- Clients of raw bytes ----

    peer connect(std::string_view from = "127.0.0.1", std::uint16_t port = 80) {
        return sim.connect_client(port, from);
    }
    void send(peer client, std::string_view bytes) {
        if (client >= 0) sim.peer_send(client, bytes);  // else nobody listens any more
        run();
    }
    std::string take(peer client) { return client >= 0 ? sim.peer_take(client) : ""; }
    std::string ask(peer client, std::string_view bytes) {
        send(client, bytes);
        return take(client);
    }
    peer open_ws(std::string_view lines = "", std::string_view from = "127.0.0.1") {
        const peer client = connect(from);
        (void)ask(client, upgrade("/ws", lines));
        return client;
    }
    /// A Socket.IO client over WebSocket; `packets` are its first ones.
    peer open_sio(std::string_view packets = "40", std::string_view from = "127.0.0.1") {
        const peer client = connect(from);
        send(client, upgrade("/socket.io/?EIO=4&transport=websocket"));
        send(client, text_frame(packets));
        return client;
    }
    /// An Engine.IO session over polling: its id, or nothing.
    std::string open_polling(peer client) {
        const std::string reply = ask(client, get("/socket.io/?EIO=4&transport=polling"));
        const std::size_t begin = reply.find("\"sid\":\"");
        return begin == std::string::npos ? "" : reply.substr(begin + 7, 20);
    }
    static std::string get(std::string_view path, std::string_view lines = "") {
        return "GET " + std::string(path) + " HTTP/1.1\r\nHost: here\r\n" + std::string(lines) +
               "\r\n";
    }
    static std::string post(std::string_view path, std::string_view body) {
        return "POST " + std::string(path) +
               " HTTP/1.1\r\nHost: here\r\nContent-Length: " + std::to_string(body.size()) +
               "\r\n\r\n" + std::string(body);
    }
    static std::string upgrade(std::string_view path, std::string_view lines = "") {
        return get(path,
                   "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: "
                   "dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n" +
                       std::string(lines));
    }
    static std::string bearer(std::string_view token) {
        return "Authorization: Bearer " + std::string(token) + "\r\n";
    }
    static std::string login_packet(std::string_view token) {
        return R"(40/members,{"token":")" + std::string(token) + "\"}";
    }
    /// The text after `key` in what came, up to the next quotation mark.
    static std::string value_of(std::string_view came, std::string_view key) {
        const std::size_t begin = came.find(key);
        if (begin == std::string_view::npos) return "";
        const std::string_view rest = came.substr(begin + key.size());
        return std::string(rest.substr(0, rest.find('"')));
    }

    // ---- What a test does in the server's callbacks ----

    /// Whom a callback is about, and what can be done to it. What it has not is empty.
    struct self {
        std::function<void()> close, terminate, send_much, leave_all, publish;
    };
    /// Whether something is to be done in this callback, which is no bystander's.
    std::function<bool(std::string_view callback)> acts_in;
    /// What is done there: to whom it is about at once, or in a later turn, if that is still there.
    std::function<void(const self& now, const self& later)> act;

    /// How to come by a thing, now or later.
    template <class T>
    using way_to = std::function<void(const std::function<void(T&)>&)>;
    template <class T>
    static way_to<T> straight_to(T& what) {
        return [&what](const std::function<void(T&)>& use) { use(what); };
    }
    template <class T, class F>
    static std::function<void()> there(const way_to<T>& way, F use) {
        return [way, use] { way(use); };
    }
    /// More than a queue takes; on the backend that keeps a copy of what is in flight, less.
    [[nodiscard]] std::string_view much() const {
        return std::string_view(ten_megabytes()).substr(0, late_ ? 2'000'000 : 10'000'000);
    }
    static const std::string& ten_megabytes() {
        static const std::string made(10'000'000, 'x');
        return made;
    }
    static bool is_bystander(const weft::peer& who) {
        return who.address().to_string().starts_with("10.1.");
    }
    /// The server closes all WebSockets and sockets but those of bystanders.
    void close_connections() {
        std::vector<conn_id> found;
        shared.connections.for_each([&](ws::connection_core& c) {
            if (!is_bystander(c.stream().peer())) found.push_back(c.id());
        });
        for (const conn_id id : found) {
            if (auto* const c = shared.connections.find(id)) c->close(ws::close_code::normal, "");
        }
        server.disconnect_sockets(socketio::disconnect_scope::connection);
    }
    void stop_listening() {
        for (const net::listener_id id : listeners_) loop.close_listener(id);
    }
    /// The server resets the connections of the scenario.
    void break_connections() {
        std::vector<conn_id> found;
        loop.for_each_stream([&](net::byte_stream& s) {
            const bool accepted = s.peer().address().port() > 443;
            if (accepted && !is_bystander(s.peer())) found.push_back(s.id());
        });
        for (const conn_id id : found) {
            if (auto* s = loop.find(id)) s->abort(make_error_code(errc::closed_locally));
        }
    }

    // ---- Bystanders ----

    void let_bystanders_in() {
        const std::string token = guard_ != nullptr ? guard_->known.front() : "";
        plain = open_ws(token.empty() ? "" : bearer(token), "10.1.0.1");
        events = open_sio(token.empty() ? "40/members," : login_packet(token), "10.1.0.2");
        EXPECT_TRUE(bystanders_answer());
        sim.spare(plain);
        sim.spare(events);
        pass(bystanders_age);
    }
    /// Both are served, and got nothing else but pings.
    bool bystanders_answer() {
        run();
        std::string got = take(plain);
        for (const auto& frame : ws::test::take_frames(got)) EXPECT_EQ(frame.op(), 9);
        EXPECT_EQ(got.find("\r\n\r\n") == std::string::npos ? got : "", "");
        (void)take(events);
        return ask(plain, text_frame("[1,2,3]")).find("[1,2,3]") != std::string::npos &&
               ask(events, text_frame(R"(42/members,5["numbers",8])")).find("43/members,5[8]") !=
                   std::string::npos;
    }
    /// For so long that whoever is served no more has been given up.
    void let_all_end() {
        for (int i = 0; i < 10; ++i) pass(20s);
    }
    [[nodiscard]] std::size_t sessions() const {
        std::size_t found = 0;
        module_->visit_metrics([&](const metric_sample& one) {
            if (one.name == "weft_engineio_sessions") found += one.value;
        });
        return found;
    }

    /// As `weft::server` does.
    void drain() {
        const allocations::watch on(watching);
        loop.begin_drain(duration::zero());
        net::slot_walk walk;
        (void)module_->close_some(loop.index(), walk, SIZE_MAX);
        while (service_.end_idle(SIZE_MAX)) {
        }
        shared.connections.for_each([](ws::connection_core& open) {
            open.close(ws::close_code::going_away, "server shutting down");
        });
    }

private:
    const guard* guard_;
    const handlers handlers_;
    const bool late_;

public:
    net::sim_backend& sim;
    bool watching = false;
    bool stopped = false;  // the loop turns no more
    std::optional<auth::verifier> login;
    std::optional<net::traffic_meter> meter;
    net::loop_core loop;
    pubsub::exchange all;
    ws::connection_shared shared;
    ws::endpoint<void> endpoint;
    std::vector<http::responder> waiting;
    std::vector<http::body_stream> streaming;
    peer plain = -1, events = -1;  // the bystanders
    int opened = 0, closed = 0;
    int streams_opened = 0, streams_closed = 0;
    int sockets_gone = 0;
    int unknown = 0;  // who came in without an identity

private:
    void close_doors() {
        login.emplace(*auth::verifier::make(guard_->rules));
        for (const std::string& token : guard_->known) EXPECT_TRUE(login->verify(token));
        meter.emplace(guard_->traffic);
        loop.limit_traffic(*meter);
        endpoint.require(*login);
        routes_.before("/private", [this](const http::request& asked) {
            return auth::gate(*login).admit(asked, loop);
        });
        EXPECT_TRUE(routes_.get("/private/page", [this](const http::request& asked) {
            note_identity(asked.peer());
            return http::response::text(200, "welcome");
        }));
    }
    void listen(const listen_options& where, const std::shared_ptr<net::tls_server_context>& tls) {
        const auto listening = loop.listen(where, *this, tls);
        ASSERT_TRUE(listening);
        listeners_.push_back(*listening);
    }
    using websocket = ws::connection<void>;
    self about(const way_to<websocket>& way) {
        return {there(way, [](websocket& c) { c.close(); }),
                there(way, [](websocket& c) { c.terminate(); }),
                there(way, [this](websocket& c) { c.send(much()); }),
                there(way, [](websocket& c) { c.unsubscribe(room); }),
                there(way, [](websocket& c) { c.publish(room, "news"); })};
    }
    void reach(const char* callback, websocket& c) {
        if (!acts_in || is_bystander(c.peer()) || !acts_in(callback)) return;
        act(about(straight_to(c)),
            about([this, id = c.id()](const std::function<void(websocket&)>& use) {
                auto* const there = shared.connections.find(id);
                if (there == nullptr) return;
                if (auto* const face = there->user().connection_of(endpoint))
                    use(static_cast<websocket&>(*face));
            }));
    }
    self about(const way_to<socketio::socket>& way) {
        return {there(way, [](socketio::socket& s) { s.disconnect(); }),
                there(way,
                      [](socketio::socket& s) {
                          s.disconnect(socketio::disconnect_scope::connection);
                      }),
                there(way, [this](socketio::socket& s) { s.emit("much", much()); }),
                there(way,
                      [](socketio::socket& s) {
                          for (const std::string& each : s.rooms()) s.leave(each);
                      }),
                there(way, [](socketio::socket& s) { s.to(lobby).emit("said", "news"); })};
    }
    void reach(const char* callback, socketio::socket& s) {
        if (!acts_in || is_bystander(s.peer()) || !acts_in(callback)) return;
        act(about(straight_to(s)),
            about([name = s.ref()](const std::function<void(socketio::socket&)>& use) {
                name.with([use](socketio::socket& there) { use(there); });
            }));
    }
    /// It has no name by which it could be reached later.
    void reach(const char* callback, sse::stream& s) {
        if (!acts_in || !acts_in(callback)) return;
        act({.close = [&] { s.close(); },
             .terminate = {},
             .send_much = [&] { s.send({.data = std::string(much())}); },
             .leave_all = [&] { s.unsubscribe(room); },
             .publish = {}},
            {});
    }
    void reach(const char* callback) {
        if (acts_in && acts_in(callback)) act({}, {});
    }
    void note_identity(const weft::peer& who) {
        if (who.who() == nullptr) ++unknown;
    }
    static schema schema_of_numbers() {
        return *schema::make(R"({"type":"array","items":{"type":"integer"},"maxItems":3})");
    }
    static ws::options ws_options(bool guarded) {
        ws::options chosen;
        chosen.deflate.emplace();
        if (!guarded) return chosen;
        chosen.schema = schema_of_numbers();
        chosen.max_violations = 2;
        return chosen;
    }
    static http::options http_options() {
        http::options chosen;
        chosen.trusted_proxies = {"10.0.0.1"};
        return chosen;
    }
    socketio::options socketio_options() {
        socketio::options chosen;
        chosen.connection_state_recovery.emplace();
        if (handlers_ == handlers::usual) return chosen;
        const auto tell = [this](const char* callback) {
            return [this, callback](const http::handshake&) {
                reach(callback);
                return true;
            };
        };
        chosen.engine.allow_request = tell("engine allow_request");
        chosen.engine.middlewares.emplace_back(tell("engine middleware"));
        chosen.engine.initial_headers = [this](http::response&, const http::request&) {
            reach("engine initial_headers");
        };
        chosen.engine.headers = [this](http::response&, const http::request&) {
            reach("engine headers");
        };
        chosen.engine.on_connection_error = [this](const engineio::connection_error&) {
            reach("engine connection_error");
        };
        return chosen;
    }
    void answer(ws::connection<void>& c, const message_view& m) {
        if (m.text() == "subscribe") {
            c.subscribe(room);
        } else if (m.text() == "publish") {
            c.publish(room, m);
        } else if (m.text() == "is it written?") {
            c.send("it is", [this, &c](std::error_code) { reach("ws written", c); });
        } else if (m.text() == "much") {
            for (int i = 0; i < 8; ++i) c.send(std::string(100'000, 'm'));
        } else {
            c.send(m);
        }
    }
    void use_websocket() {
        endpoint
            .on_open([this](auto& c) {
                ++opened;
                note_identity(c.peer());
                reach("ws open", c);
            })
            .on_message([this](auto& c, message_view m) {
                answer(c, m);
                reach("ws message", c);
            })
            .on_ping([this](auto& c, byte_view) { reach("ws ping", c); })
            .on_pong([this](auto& c, byte_view) { reach("ws pong", c); })
            .on_drain([this](auto& c) { reach("ws drain", c); })
            .on_close([this](auto& c, const ws::close_event&) {
                ++closed;
                reach("ws close", c);
            });
        EXPECT_TRUE(endpoint.prepare());
        endpoint.set_loops({&shared});
        EXPECT_TRUE(routes_.upgrade("/ws", [this](const http::request& request, http::upgrade way) {
            endpoint.handle(request, std::move(way));
        }));
    }
    void use_http() {
        EXPECT_TRUE(routes_.get("/hello/:name", [this](const http::request&) {
            reach("http request");
            return http::response::text(200, std::string(100, 'h'));
        }));
        EXPECT_TRUE(routes_.post("/body", [](const http::request& r) {
            return http::response::text(200, std::to_string(r.body_text().size()));
        }));
        EXPECT_TRUE(routes_.get("/later", [this](const http::request&, http::responder r) {
            waiting.push_back(std::move(r));
            reach("http deferred request");
        }));
        static const folder_of_a_file folder;
        EXPECT_TRUE(routes_.get("/files/*path", *http::static_files::make(folder.path)));
    }
    void use_events() {
        streams_
            .on_open([this](sse::stream& s, const http::request& asked) {
                ++streams_opened;
                s.subscribe(room);
                if (asked.query() == "end") s.close();
                reach("events open", s);
            })
            .on_close([this](sse::stream& s) {
                ++streams_closed;
                reach("events close", s);
            });
        EXPECT_TRUE(streams_.prepare({{loop, shared.hub}}));
        EXPECT_TRUE(routes_.get("/events", [this](const http::request& r, http::responder a) {
            streams_.handle(r, std::move(a));
        }));
    }
    void use_socketio() {
        server.use([this](socketio::socket& s) {
            reach("middleware", s);
            return s.join(lobby);
        });
        server.on_connect([this](socketio::socket& s) { reach("socket connect", s); });
        server.on_any([this](socketio::socket& s, std::string_view,
                             const socketio::raw_arguments&) { reach("socket any", s); });
        server.on_disconnecting([this](socketio::socket& s, socketio::disconnect_reason) {
            reach("socket disconnecting", s);
        });
        server.on_disconnect([this](socketio::socket& s, socketio::disconnect_reason) {
            ++sockets_gone;
            reach("socket disconnect", s);
        });
        server.on("ask", [this](socketio::socket& s, std::string what) {
            reach("socket event", s);
            return what;
        });
        server.on("say",
                  [](socketio::socket& s, std::string what) { s.to(lobby).emit("said", what); });
        server.on("join", [](socketio::socket& s, std::string where) { s.join(where); });
        server.on("question", [this](socketio::socket& s) {
            s.emit_with_ack<int>("how many", [this, asked = s.ref()](const result<int>&) {
                if (!acts_in) return;
                asked.with([this](socketio::socket& there) { reach("socket answer", there); });
            });
        });
        server.on("bytes", [](socketio::socket& s, std::vector<std::byte> bytes) {
            s.emit("bytes", bytes);
        });
        server.of_matching("/dynamic-*").on_connect([](socketio::socket& s) { s.emit("hello"); });
        // Where the bystander is, out of the way of broadcasts.
        auto& members = server.of("/members");
        if (login) members.require(*login).validate("numbers", schema_of_numbers());
        members.on_connect([this](socketio::socket& s) { note_identity(s.peer()); })
            .on("numbers", [](socketio::socket&, int first) { return first; });
    }
    /// What the usual server has not.
    void use_the_rest() {
        endpoint.on_accept([this](const http::handshake&) {
            reach("ws accept");
            return true;
        });
        routes_.before([this](const http::request&) -> std::optional<http::response> {
            reach("http filter");
            return std::nullopt;
        });
        routes_.after([this](const http::owned_request&, const http::reply_facts&) {
            reach("http observer");
        });
        EXPECT_TRUE(routes_.get("/wait", [this](const http::request&, http::responder r) {
            r.on_gone([this] { reach("http gone"); });
            waiting.push_back(std::move(r));
        }));
        EXPECT_TRUE(routes_.get("/stream", [this](const http::request&, http::responder r) {
            http::body_stream body = r.start(http::response::text(200, ""));
            body.write(std::string(400'000, 's'));
            body.on_drained([this] { reach("stream drained"); });
            body.on_gone([this] { reach("stream gone"); });
            streaming.push_back(std::move(body));
        }));
        EXPECT_TRUE(routes_.post(
            "/parts", [](const http::request&) { return http::response::text(200, "whole"); },
            {.max_body = {},
             .on_body_part = [this](const http::request&) { reach("http body_part"); },
             .on_body_cut = [this](const http::request&) { reach("http body_cut"); }}));
        streams_.on_accept([this](const http::request&) {
            reach("events accept");
            return true;
        });
        server.use(
            [this](socketio::socket& s, std::string_view event, const socketio::raw_arguments&) {
                reach("socket filter", s);
                return event != "refused";
            });
        server.on_unhandled([this](socketio::socket& s, std::string_view,
                                   const socketio::raw_arguments&,
                                   const socketio::raw_ack&) { reach("socket unhandled", s); });
        server.on_any_outgoing([this](std::string_view, const socketio::raw_arguments&) {
            reach("socket any_outgoing");
        });
        server.on_error([this](socketio::socket& s, const error&) { reach("socket error", s); });
        server.on("ask all", [this](socketio::socket& s) {
            s.emit("unheard of");
            server.timeout(2s).emit_with_ack<int>(
                "how many",
                [this](const socketio::broadcast_replies<int>&) { reach("broadcast answer"); });
            server.fetch_sockets(
                [this](const socketio::fetched_sockets&) { reach("sockets fetched"); });
            server.visit_sockets([this](socketio::socket& each) { reach("socket visit", each); });
        });
        server.of_matching("/made-*").on_new_namespace(
            [this](std::string_view) { reach("new namespace"); });
        server.of_matching([this](std::string_view, std::string_view) {
            reach("namespace predicate");
            return false;
        });
    }
    [[nodiscard]] bool at_work() const {
        const allocations::watch off(false);
        std::size_t found = loop.working() ? 1 : 0;
        if (!login) return found != 0;
        login->visit_metrics([&](const metric_sample& one) {
            if (one.name == "weft_auth_waiting") found += one.value;
        });
        return found != 0;
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
    void write(const access_record&) noexcept override {}

    http::router routes_;
    sse::endpoint streams_{{}, "/events"};
    std::vector<net::listener_id> listeners_;
    std::shared_ptr<socketio::module> module_;

public:
    socketio::server server;

private:
    http::service service_;
};

}  // namespace weft::test
