#pragma once

// A Socket.IO server on the sim backend, with clients that speak the text protocol over WebSocket.

#include <algorithm>
#include <map>
#include <memory>
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
#include "unit/ws/ws_world.hpp"
#include "ws/connection_core.hpp"

namespace weft::socketio::test {

using namespace std::chrono_literals;

class sio_world final : public host, private net::acceptor, private log_sink {
public:
    using peer = net::sim_backend::peer;

    explicit sio_world(options chosen = {})
        : sim(*new net::sim_backend),
          loop(std::unique_ptr<net::backend>(&sim), {.log = this}),
          shared(loop, all, 64 * 1024 * 1024),
          server(*this, std::move(chosen)),
          service_(loop, routes_, {}, this) {
        loop.start();
    }
    ~sio_world() {
        loop.shut_down();
        for (const auto& m : modules_) m->shut_down();
    }

    [[nodiscard]] bool prepare() {
        return std::all_of(modules_.begin(), modules_.end(),
                           [&](const auto& m) { return static_cast<bool>(m->prepare({&shared})); });
    }
    /// After the handlers were set.
    void start() {
        ASSERT_TRUE(prepare());
        listen_options where;
        where.port = 80;
        ASSERT_TRUE(loop.listen(where, *this));
    }
    void run(int iterations = 8) {
        while (iterations-- > 0) loop.turn(duration::zero());
    }
    void pass(duration time) {
        sim.advance(time);
        run();
    }

    /// A client behind its Engine.IO handshake.
    peer open(std::string_view query = "EIO=4&transport=websocket") {
        const peer client = sim.connect_client(80);
        sim.peer_send(client, "GET /socket.io/?" + std::string(query) +
                                  " HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\n"
                                  "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                                  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
        run();
        std::string bytes = sim.peer_take(client);
        const std::size_t head = bytes.find("\r\n\r\n");
        pending_[client] = head == std::string::npos ? "" : bytes.substr(head + 4);
        packets(client);
        return client;
    }
    /// The same, connected to a namespace; the socket's id.
    std::string connect(peer& client, std::string_view nsp = "/", std::string_view auth = "") {
        client = open();
        return join(client, nsp, auth);
    }
    std::string join(peer client, std::string_view nsp, std::string_view auth = "") {
        say(client,
            "40" + (nsp == "/" ? std::string() : std::string(nsp) + ",") + std::string(auth));
        for (const std::string& packet : packets(client)) {
            if (const std::size_t at = packet.find("\"sid\":\""); at != std::string::npos)
                return packet.substr(at + 7, 20);
        }
        return "";
    }
    void say(peer client, std::string_view packet) {
        sim.peer_send(client, ws::test::text_frame(packet));
        run();
    }
    void say_binary(peer client, std::string_view bytes) {
        sim.peer_send(client, ws::test::binary_frame(bytes));
        run();
    }
    /// What came since the last call: packets with their type digit, binary messages as they are.
    std::vector<std::string> packets(peer client) {
        read(client);
        return std::exchange(came_[client], {});
    }
    std::string packet(peer client) {
        const auto all_of_them = packets(client);
        return all_of_them.empty() ? "" : all_of_them.front();
    }
    /// Whether the server has closed the connection.
    [[nodiscard]] bool ended(peer client) {
        read(client);
        return closed_.contains(client) || sim.peer_sees_end(client) || sim.peer_sees_reset(client);
    }
    /// What the server's close frame said.
    [[nodiscard]] std::string close_reason(peer client) {
        read(client);
        return reasons_[client];
    }
    /// The client is gone, and the server has noticed.
    void drop(peer client) {
        sim.peer_reset(client);
        run();
    }

    std::uint64_t metric(std::string_view name, std::string_view labels = "") {
        std::uint64_t sum = 0;
        for (const auto& m : modules_) {
            m->visit_metrics([&](const metric_sample& s) {
                if (s.name == name && (labels.empty() || s.labels == labels)) sum += s.value;
            });
        }
        return sum;
    }

    net::sim_backend& sim;
    net::loop_core loop;
    pubsub::exchange all;
    ws::connection_shared shared;

private:
    http::router& routes() noexcept override { return routes_; }
    log_sink* log() const noexcept override { return sink_; }
    std::size_t attach(std::shared_ptr<module> what) override {
        modules_.push_back(std::move(what));
        return modules_.size() - 1;
    }
    std::unique_ptr<net::stream_handler> on_accept(net::byte_stream& stream) override {
        return service_.make_connection(stream);
    }
    void write(const log_record& record) noexcept override {
        (record.level >= log_level::warning ? lines : notes).emplace_back(record.message);
    }

    void read(peer client) {
        std::string& bytes = pending_[client];
        bytes += sim.peer_take(client);
        for (auto& frame : ws::test::take_frames(bytes)) {
            if (frame.op() == 1 || frame.op() == 2)
                came_[client].push_back(std::move(frame.payload));
            else if (frame.op() == 8) {
                closed_.insert(client);
                if (frame.payload.size() > 2) reasons_[client] = frame.payload.substr(2);
            }
        }
    }

    log_sink* const sink_ = this;
    std::vector<std::shared_ptr<module>> modules_;
    http::router routes_;

public:
    socketio::server server;
    std::vector<std::string> lines;  // of the log: warnings and errors
    std::vector<std::string> notes;

private:
    http::service service_;
    std::map<peer, std::string> pending_;
    std::map<peer, std::string> reasons_;
    std::map<peer, std::vector<std::string>> came_;
    std::set<peer> closed_;
};

}  // namespace weft::socketio::test
