#pragma once

// A server on one loop or more, each on a sim backend of its own, and a client that comes and goes:
// for playing their races in every order, see support/every_order.hpp.
//
// In every order: of each loop's events the client gets an unbroken run, in its order and none of
// them twice, as long as it is told that it was recovered; a fresh session gets whatever is sent
// from then on; a recovery id serves one client at a time; and nothing is left.

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <weft/http/router.hpp>
#include <weft/socketio/server.hpp>

#include "http/service.hpp"
#include "net/backend/sim/sim_backend.hpp"
#include "net/loop_core.hpp"
#include "socketio/recovery.hpp"
#include "unit/ws/ws_world.hpp"
#include "ws/connection_core.hpp"

namespace weft::socketio::test {

using namespace std::chrono_literals;

class recovery_scene final : private host {
    struct side final : private net::acceptor {
        side(std::uint8_t index, const http::router& routes, pubsub::exchange& all)
            : sim(*new net::sim_backend),
              loop(std::unique_ptr<net::backend>(&sim), {.index = index}),
              web(loop, all, 64 * 1024 * 1024),
              service(loop, routes, {}) {}
        void listen() {
            listen_options where;
            where.port = 80;
            ASSERT_TRUE(loop.listen(where, *this));
        }
        /// One iteration, as the thread of this loop.
        void turn() {
            loop.post([this] { loop.stop(); });
            loop.run();
        }
        std::unique_ptr<net::stream_handler> on_accept(net::byte_stream& stream) override {
            return service.make_connection(stream);
        }
        net::sim_backend& sim;
        net::loop_core loop;
        ws::connection_shared web;
        http::service service;
        std::size_t emitted = 0;  // events of this loop
    };
    using peer = net::sim_backend::peer;

public:
    /// Whoever has the client's recovery id.
    struct client {
        std::size_t loop = 0;
        std::size_t home = 0;  // where its session began
        peer at = -1;
        std::string in;
        std::string sid, id, offset;
        bool asked = false;      // to be recovered; no answer yet
        bool deaf = false;       // what comes is lost
        bool noticed = false;    // its absence has lasted
        bool connected = false;  // as it knows
        bool recovered = false;
        int returns = 0;
        std::map<std::size_t, std::vector<std::size_t>> got;     // by loop, of this session
        std::map<std::size_t, std::size_t> begins;               // what it gets at least
        std::vector<std::pair<std::size_t, std::size_t>> early;  // before the answer
    };

    explicit recovery_scene(std::size_t loops = 1) : server_(*this, chosen()) {
        server_.on_connect([this](socket& s) {
            s.join("r");
            for (std::size_t i = 0; i < sides_.size(); ++i)
                begins_[std::string(s.id())][i] = sides_[i]->emitted;
        });
        server_.on("ask", [this](socket& s) {
            for (std::size_t i = 0; i < sides_.size(); ++i) {
                if (sides_[i]->loop.in_loop_thread()) s.emit("e", i, sides_[i]->emitted++);
            }
        });
        std::vector<ws::connection_shared*> shared;
        for (std::size_t i = 0; i < loops; ++i) {
            sides_.push_back(
                std::make_unique<side>(static_cast<std::uint8_t>(i), routes_, exchange_));
            shared.push_back(&sides_.back()->web);
        }
        for (const auto& m : modules_) EXPECT_TRUE(m->prepare(shared));
        for (const auto& s : sides_) s->listen();
        connect(first, 0);
        settle();
        EXPECT_TRUE(first.connected);
    }
    ~recovery_scene() {
        for (const auto& s : sides_) s->loop.shut_down();
        for (const auto& m : modules_) m->shut_down();
    }

    // ---- What the server does ----

    void emit(std::size_t loop = 0) {
        sides_[loop]->loop.post(
            [this, loop] { server_.to("r").emit("e", loop, sides_[loop]->emitted++); });
    }
    /// Has the server say something to one socket alone.
    void ask(client& c) {
        if (c.connected) sides_[c.loop]->sim.peer_send(c.at, ws::test::text_frame("42[\"ask\"]"));
    }
    void emit_volatile() {
        sides_[0]->loop.post([this] { server_.to("r").volatile_().emit("v"); });
    }
    void pass(duration time) {
        for (const auto& s : sides_) s->sim.advance(time);
    }

    // ---- What the client does ----

    /// What it has not read by now, it never gets.
    void drop(client& c) {
        if (c.at < 0) return;
        sides_[c.loop]->sim.peer_reset(c.at);
        c.at = -1;
        c.connected = c.noticed = c.asked = c.deaf = false;
    }
    /// Without a sign to the server.
    void go_dark(client& c) {
        if (c.at < 0) return;
        dark_.emplace_back(c.loop, c.at);
        c.at = -1;
        c.connected = c.noticed = c.asked = false;
    }
    void dark_ones_are_noticed() {
        for (const auto& [loop, at] : std::exchange(dark_, {})) sides_[loop]->sim.peer_reset(at);
    }
    void connect(client& c, std::size_t loop) {
        if (c.at >= 0) return;
        c.loop = loop;
        c.at = sides_[loop]->sim.connect_client(80);
        c.in.clear();
        c.asked = true;
        c.early.clear();
        std::string auth;
        if (!c.id.empty()) {
            auth = R"({"pid":")" + c.id + '"';
            if (!c.offset.empty()) auth += R"(,"offset":")" + c.offset + '"';
            auth += '}';
        }
        sides_[loop]->sim.peer_send(c.at,
                                    "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\n"
                                    "Host: here\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                    "Sec-WebSocket-Version: 13\r\n"
                                    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n" +
                                        ws::test::text_frame("40" + auth));
    }

    // ---- What must hold ----

    void turn() { sides_[turns_++ % sides_.size()]->turn(); }
    void settle() {
        for (int i = 0; i < 12; ++i) {
            for (const auto& s : sides_) s->turn();
        }
        for (client* c : {&first, &second}) {
            react(*c);
            c->noticed = c->noticed || c->at < 0;
        }
    }
    void finish() {
        settle();
        dark_ones_are_noticed();
        if (first.at < 0) connect(first, 0);
        settle();
        for (std::size_t i = 0; i < sides_.size(); ++i) emit(i);
        settle();
        for (client* c : {&first, &second}) {
            if (c->at >= 0) check(*c);
        }
        EXPECT_TRUE(first.connected);
        if (second.connected) {
            EXPECT_NE(first.sid, second.sid);
            EXPECT_NE(first.id, second.id);
        }
        end();
    }

    client first;
    client second;

private:
    static options chosen() {
        options o;
        o.connection_state_recovery.emplace();
        return o;
    }

    static std::string member(const std::string& packet, const std::string& name) {
        const std::size_t at = packet.find('"' + name + "\":\"");
        if (at == std::string::npos) return "";
        const std::size_t begin = at + name.size() + 4;
        return packet.substr(begin, packet.find('"', begin) - begin);
    }

    void react(client& c) {
        if (c.at < 0 || c.deaf) return;
        c.in += sides_[c.loop]->sim.peer_take(c.at);
        if (c.in.starts_with("HTTP/1.1 101")) c.in.erase(0, c.in.find("\r\n\r\n") + 4);
        for (const auto& frame : ws::test::take_frames(c.in)) {
            const std::string& packet = frame.payload;
            if (packet.starts_with("42[\"e\",")) take_event(c, packet);
            if (packet.starts_with("40")) answered(c, packet);
            if (packet == "2") sides_[c.loop]->sim.peer_send(c.at, ws::test::text_frame("3"));
            if (frame.op() == 8) return drop(c);
        }
    }
    void take_event(client& c, const std::string& packet) {
        std::size_t loop = 0;
        std::size_t number = 0;
        EXPECT_EQ(std::sscanf(packet.c_str(), "42[\"e\",%zu,%zu,", &loop, &number), 2) << packet;
        const std::size_t begin = packet.rfind('"', packet.size() - 3) + 1;
        c.offset = packet.substr(begin, packet.size() - 2 - begin);
        if (c.asked) {
            c.early.emplace_back(loop, number);
        } else {
            c.got[loop].push_back(number);
        }
    }
    void answered(client& c, const std::string& packet) {
        EXPECT_TRUE(std::exchange(c.asked, false));
        const std::string id = member(packet, "pid");
        const std::string sid = member(packet, "sid");
        c.recovered = id == c.id;
        EXPECT_EQ(c.recovered, sid == c.sid);
        if (!c.id.empty()) ++c.returns;
        if (!c.recovered) {
            EXPECT_TRUE(c.early.empty());
            EXPECT_FALSE(c.noticed && must_recover && !c.id.empty());
            c.got.clear();
            c.begins = begins_.at(sid);
            c.offset.clear();
            c.home = c.loop;
        }
        for (const auto& [loop, number] : std::exchange(c.early, {})) c.got[loop].push_back(number);
        c.id = id;
        c.sid = sid;
        c.connected = true;
    }
    void check(client& c) {
        for (std::size_t loop = 0; loop < sides_.size(); ++loop) {
            std::vector<std::size_t> expected;
            const std::vector<std::size_t>& got = c.got[loop];
            // What was on its way to another loop when the client joined there is welcome, too.
            std::size_t from = c.begins[loop];
            if (loop != c.home && !got.empty()) from = std::min(from, got.front());
            for (std::size_t n = from; n < sides_[loop]->emitted; ++n) expected.push_back(n);
            EXPECT_EQ(got, expected) << "of loop " << loop;
        }
    }
    void end() {
        for (client* c : {&first, &second}) {
            if (c->at < 0) continue;
            sides_[c->loop]->sim.peer_send(c->at, ws::test::text_frame("41"));
            settle();
            drop(*c);
        }
        settle();
        pass(5min);
        settle();
        for (const char* gauge : {"weft_socketio_sockets", "weft_socketio_clients"})
            EXPECT_EQ(metric(gauge), 0U) << gauge;
        for (const auto& s : sides_) {
            EXPECT_EQ(s->loop.connections(), 0U);
            EXPECT_EQ(s->loop.budget().used() % socketio::detail::recovery_log::cost_of_moved, 0U)
                << "only notes of where sessions went stay";
            EXPECT_EQ(s->web.budget.used(), 0U);
        }
    }
    std::uint64_t metric(std::string_view name) {
        std::uint64_t sum = 0;
        for (const auto& m : modules_) {
            m->visit_metrics([&](const metric_sample& s) {
                if (s.name == name) sum += s.value;
            });
        }
        return sum;
    }

    http::router& routes() noexcept override { return routes_; }
    log_sink* log() const noexcept override { return nullptr; }
    std::size_t attach(std::shared_ptr<module> what) override {
        modules_.push_back(std::move(what));
        return modules_.size() - 1;
    }

    std::vector<std::shared_ptr<module>> modules_;
    http::router routes_;
    pubsub::exchange exchange_;
    std::vector<std::unique_ptr<side>> sides_;
    socketio::server server_;
    std::map<std::string, std::map<std::size_t, std::size_t>> begins_;  // by socket
    std::vector<std::pair<std::size_t, peer>> dark_;
    std::size_t turns_ = 0;

public:
    /// Whether a client whose absence the server has noticed must be recovered.
    bool must_recover = true;
};

}  // namespace weft::socketio::test
