#pragma once

// An Engine.IO server on the sim backend: loop, HTTP service, clients made of raw bytes, and users
// of sessions that write down what they are told.

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <weft/http/router.hpp>

#include "engineio/engine.hpp"
#include "http/service.hpp"
#include "net/backend/sim/sim_backend.hpp"
#include "net/loop_core.hpp"
#include "unit/ws/ws_world.hpp"
#include "ws/connection_core.hpp"

namespace weft::engineio::test {

using namespace std::chrono_literals;
using ws::test::server_frame;

/// An HTTP reply taken apart.
struct reply {
    int status = 0;
    std::string head;
    std::string body;

    [[nodiscard]] bool has(std::string_view line) const {
        return head.find(line) != std::string::npos;
    }
};

/// Takes the first whole reply off the front; status 0 when there is none.
inline reply take_reply(std::string& bytes) {
    reply out;
    const std::size_t end = bytes.find("\r\n\r\n");
    if (end == std::string::npos) return out;
    out.head = bytes.substr(0, end + 2);
    out.status = std::stoi(out.head.substr(9, 3));
    std::size_t size = 0;
    if (const auto at = out.head.find("Content-Length: "); at != std::string::npos)
        size = std::stoul(out.head.substr(at + 16));
    out.body = bytes.substr(end + 4, size);
    bytes.erase(0, end + 4 + size);
    return out;
}

/// What the user of one session was told; outlives it.
struct told {
    session_id name;
    std::string sid;
    bool open = false;
    std::vector<std::string> messages;
    int drained = 0;
    std::vector<close_reason> closed;
};

class eio_world final : private net::acceptor, private log_sink {
public:
    using peer = net::sim_backend::peer;

    explicit eio_world(options chosen = {})
        : io(*new net::sim_backend),
          loop(std::unique_ptr<net::backend>(&io), {.log = this}),
          shared(loop, all, 64 * 1024 * 1024),
          engine(std::move(chosen)),
          service_(loop, routes, {}, this) {
        loop.start();
        prepared = engine.prepare();
        engine.on_session([this](session& s) { return std::make_unique<user>(*this, s); });
        (void)engine.add_routes(routes);
        engine.set_loops({&shared});
        listen_options where;
        where.port = 80;
        (void)loop.listen(where, *this);
    }
    ~eio_world() {
        loop.shut_down();
        engine.shut_down();
    }

    void run(int iterations = 8) {
        while (iterations-- > 0) loop.turn(duration::zero());
    }
    void pass(duration time) {
        io.advance(time);
        run();
    }
    peer connect() { return io.connect_client(80); }
    void send(peer client, std::string_view bytes) {
        io.peer_send(client, bytes);
        run();
    }
    std::string take(peer client) { return io.peer_take(client); }
    reply take_one(peer client) {
        std::string bytes = take(client);
        return take_reply(bytes);
    }
    /// What a fresh connection gets for these bytes.
    reply ask(std::string_view bytes) {
        const peer client = connect();
        send(client, bytes);
        return take_one(client);
    }
    [[nodiscard]] bool ended(peer client) const {
        return io.peer_sees_end(client) || io.peer_sees_reset(client);
    }

    static std::string get(std::string_view query, std::string_view lines = "",
                           std::string_view method = "GET") {
        return std::string(method) + " /socket.io/?" + std::string(query) +
               " HTTP/1.1\r\nHost: here\r\n" + std::string(lines) + "\r\n";
    }
    static std::string post(std::string_view query, std::string_view body,
                            std::string_view lines = "Content-Type: text/plain;charset=UTF-8\r\n") {
        return "POST /socket.io/?" + std::string(query) +
               " HTTP/1.1\r\nHost: here\r\nContent-Length: " + std::to_string(body.size()) +
               "\r\n" + std::string(lines) + "\r\n" + std::string(body);
    }
    static std::string upgrade(std::string_view query, std::string_view lines = "") {
        return get(query,
                   "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                   "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n" +
                       std::string(lines));
    }

    /// A polling session; its id.
    std::string open_polling(std::string_view query = "EIO=4&transport=polling",
                             std::string_view lines = "") {
        first = ask(get(query, lines));
        const std::size_t at = first.body.find("\"sid\":\"");
        return at == std::string::npos ? "" : first.body.substr(at + 7, 20);
    }
    /// The query of a request of that session.
    static std::string of(std::string_view sid) {
        return "EIO=4&transport=polling&sid=" + std::string(sid);
    }
    reply poll(std::string_view sid) { return ask(get(of(sid))); }
    reply submit(std::string_view sid, std::string_view body) { return ask(post(of(sid), body)); }
    /// A poll that is left hanging.
    peer hang(std::string_view sid) {
        const peer client = connect();
        send(client, get(of(sid)));
        return client;
    }

    /// A WebSocket behind its 101; the frames that came with it stay to be taken.
    peer open_websocket(std::string_view query = "EIO=4&transport=websocket",
                        std::string_view lines = "") {
        const peer client = connect();
        send(client, upgrade(query, lines));
        std::string bytes = take(client);
        first = take_reply(bytes);
        pending_[client] = std::move(bytes);
        return client;
    }
    std::vector<server_frame> frames(peer client) {
        std::string& bytes = pending_[client];
        bytes += take(client);
        return ws::test::take_frames(bytes);
    }
    /// The payloads of the text and binary frames since the last call.
    std::vector<std::string> texts(peer client) {
        std::vector<std::string> out;
        for (server_frame& f : frames(client)) {
            if (f.op() == 1 || f.op() == 2) out.push_back(std::move(f.payload));
        }
        return out;
    }
    void say(peer client, std::string_view text) { send(client, ws::test::text_frame(text)); }

    session* find(std::size_t index) { return engine.find(users.at(index)->name); }
    session& at(std::size_t index) {
        session* s = find(index);
        if (s == nullptr) throw std::logic_error("the session is gone");
        return *s;
    }
    std::uint64_t metric(std::string_view name, std::string_view labels = "") {
        std::uint64_t sum = 0;
        engine.visit_metrics([&](const metric_sample& s) {
            if (s.name == name && (labels.empty() || s.labels == labels)) sum += s.value;
        });
        return sum;
    }
    std::uint64_t errors(errc what) {
        return metric("weft_engineio_errors_total", describe(what).label);
    }

    net::sim_backend& io;
    /// As a server does.
    void drain() {
        loop.begin_drain(duration::zero());
        net::slot_walk walk;
        (void)engine.close_some(loop.index(), walk, SIZE_MAX);
    }

    net::loop_core loop;
    pubsub::exchange all;
    ws::connection_shared shared;
    engineio::engine engine;
    http::router routes;
    result<void> prepared;
    reply first;  // to the last `open_`
    std::vector<std::shared_ptr<told>> users;
    std::vector<std::string> log;  // of warnings and errors
    std::vector<std::string> notes;
    std::function<void(session&)> on_open;
    std::function<void(session&, const message_view&)> on_message;
    std::function<void(session&)> on_drained;
    std::function<void()> on_close;

private:
    class user final : public session_user {
    public:
        user(eio_world& world, session& s)
            : world_(world), session_(s), told_(std::make_shared<told>()) {
            told_->name = s.name();
            told_->sid = s.id();
            world.users.push_back(told_);
        }
        void on_open() override {
            told_->open = true;
            if (world_.on_open) world_.on_open(session_);
        }
        void on_message(const message_view& data) override {
            EXPECT_TRUE(told_->open && told_->closed.empty());
            told_->messages.emplace_back((data.is_text() ? "" : "bytes:") +
                                         std::string(as_text(data.bytes())));
            if (world_.on_message) world_.on_message(session_, data);
        }
        void on_drained() override {
            ++told_->drained;
            if (world_.on_drained) world_.on_drained(session_);
        }
        void on_close(close_reason why) override {
            EXPECT_TRUE(told_->closed.empty());
            told_->closed.push_back(why);
            if (world_.on_close) world_.on_close();
        }

    private:
        eio_world& world_;
        session& session_;
        std::shared_ptr<told> told_;
    };

    std::unique_ptr<net::stream_handler> on_accept(net::byte_stream& stream) override {
        return service_.make_connection(stream);
    }
    void write(const log_record& record) noexcept override {
        (record.level >= log_level::warning ? log : notes).emplace_back(record.message);
    }

    http::service service_;
    std::map<peer, std::string> pending_;
};

}  // namespace weft::engineio::test
