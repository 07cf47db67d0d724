#pragma once

// An Engine.IO server that a test plays, on the sim backend: it answers what comes on port 80 by
// the protocol and keeps what it was sent. What is unusual about it, the test sets.

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "base/digest.hpp"
#include "net/backend/sim/sim_backend.hpp"
#include "net/loop_core.hpp"
#include "ws/proto/handshake.hpp"

namespace weft::test {

using namespace std::chrono_literals;

class engineio_peer {
public:
    engineio_peer(net::sim_backend& io, net::loop_core& core) : io_(io), core_(core) {
        io_.serve_port(80);
    }

    // ---- What it does ----

    bool upgrades = true;  ///< Offers to upgrade.
    bool answers_posts = true;
    bool answers_probes = true;
    bool refuses_websockets = false;
    bool accepts = true;  ///< False: new connections get no answer.
    std::string status = "200 OK";
    std::string set_cookie;
    unsigned max_payload = 1'000'000;
    int ping_interval = 25'000;
    int ping_timeout = 20'000;
    std::string open_packet;  ///< In place of the usual one.
    /// Told each packet: text with its digit, binary as `b` and the bytes.
    std::function<void(const std::string&)> on_packet;

    // ---- What it saw ----

    std::vector<std::string> requests;  ///< Heads.
    std::vector<std::string> bodies;    ///< Of POSTs.
    std::vector<std::string> packets;
    int sessions = 0;

    [[nodiscard]] bool polled() const { return poll_ >= 0; }
    [[nodiscard]] bool on_websocket() const { return websocket_ >= 0 && upgraded_; }

    /// Runs the loop and serves until nothing happens any more.
    void run(int turns = 12) {
        while (turns-- > 0) {
            for (int i = 0; i < 3; ++i) core_.turn(duration::zero());
            serve();
        }
    }
    void pass(duration time) {
        io_.advance(time);
        run();
    }

    /// Sends a packet by the transport in use.
    void send(std::string packet) {
        if (on_websocket()) {
            send_frame(packet);
        } else {
            queue_.push_back(std::move(packet));
            answer_poll();
        }
        run();
    }
    void send_binary(const std::string& bytes) {
        ASSERT_TRUE(on_websocket());
        send_frame(bytes, 0x82);
        run();
    }
    /// Raw bytes, over the WebSocket or to the hanging poll, which goes on hanging.
    void send_raw(std::string_view bytes) {
        io_.peer_send(on_websocket() ? websocket_ : poll_, bytes);
        run();
    }
    /// Raw bytes as the whole answer to the hanging poll.
    void answer_poll_with(std::string_view reply) {
        ASSERT_TRUE(polled());
        io_.peer_send(std::exchange(poll_, -1), reply);
        run();
    }
    void answer_post() {
        ASSERT_GE(post_, 0);
        reply_to(std::exchange(post_, -1), "ok");
        run();
    }
    /// All connections vanish, and the session with them.
    void vanish() {
        for (auto& [peer, bytes] : open_) io_.peer_reset(peer);
        open_.clear();
        forget();
        run();
    }
    void close_websocket() {
        io_.peer_send(websocket_, std::string("\x88\x00", 2));
        io_.peer_end(websocket_);
        run();
    }

private:
    static std::string header_of(std::string_view head, std::string_view name) {
        const std::size_t at = head.find("\r\n" + std::string(name) + ": ");
        if (at == std::string_view::npos) return {};
        const std::string_view rest = head.substr(at + name.size() + 4);
        return std::string(rest.substr(0, rest.find("\r\n")));
    }

    void forget() {
        poll_ = post_ = websocket_ = -1;
        upgraded_ = false;
        queue_.clear();
    }

    /// The session goes with it, unless it is still polling.
    void forget_websocket() {
        if (upgraded_) return forget();
        websocket_ = -1;
    }

    void serve() {
        for (const auto peer : io_.taken_connections(80)) open_[peer];
        const auto now = open_;  // a copy: handling one may change the map
        for (const auto& [peer, ignored] : now) {
            if (open_.count(peer) == 0) continue;
            open_[peer] += io_.peer_take(peer);
            if (io_.peer_sees_end(peer) || io_.peer_sees_reset(peer)) {
                if (peer == websocket_) forget_websocket();
                if (peer == poll_) poll_ = -1;
                open_.erase(peer);
                continue;
            }
            if (accepts) take_from(peer);
        }
    }

    void take_from(net::sim_backend::peer peer) {
        while (open_.count(peer) > 0) {
            if (peer == websocket_) {
                if (!take_frame(peer)) return;
                continue;
            }
            std::string& bytes = open_[peer];
            const std::size_t end = bytes.find("\r\n\r\n");
            if (end == std::string::npos) return;
            const std::string length = header_of(bytes.substr(0, end + 2), "Content-Length");
            const std::size_t size = length.empty() ? 0 : std::stoul(length);
            if (bytes.size() < end + 4 + size) return;
            const std::string head = bytes.substr(0, end + 2);
            const std::string body = bytes.substr(end + 4, size);
            bytes.erase(0, end + 4 + size);
            handle(peer, head, body);
        }
    }

    void handle(net::sim_backend::peer peer, const std::string& head, const std::string& body) {
        requests.push_back(head);
        if (status != "200 OK") return reply_to(peer, "no");
        if (head.find("transport=websocket") != std::string::npos) return upgrade(peer, head);
        if (head.rfind("POST", 0) == 0) {
            bodies.push_back(body);
            post_ = peer;
            for (std::size_t at = 0; at <= body.size();) {
                const std::size_t end = std::min(body.find('\x1E', at), body.size());
                take(body.substr(at, end - at));
                at = end + 1;
            }
            if (answers_posts && post_ == peer) reply_to(std::exchange(post_, -1), "ok");
            return;
        }
        if (head.find("sid=") == std::string::npos) {
            forget();
            return reply_to(peer, make_open_packet());
        }
        poll_ = peer;
        answer_poll();
    }

    std::string make_open_packet() {
        ++sessions;
        if (!open_packet.empty()) return open_packet;
        return "0{\"sid\":\"session-" + std::to_string(sessions) + "\",\"upgrades\":[" +
               (upgrades ? "\"websocket\"" : "") +
               "],\"pingInterval\":" + std::to_string(ping_interval) +
               ",\"pingTimeout\":" + std::to_string(ping_timeout) +
               ",\"maxPayload\":" + std::to_string(max_payload) + "}";
    }

    void answer_poll() {
        if (poll_ < 0 || queue_.empty()) return;
        std::string body;
        for (const std::string& one : queue_) body += (body.empty() ? "" : "\x1E") + one;
        queue_.clear();
        reply_to(std::exchange(poll_, -1), body);
    }

    void reply_to(net::sim_backend::peer peer, const std::string& body) {
        io_.peer_send(peer, "HTTP/1.1 " + status +
                                "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
                                (set_cookie.empty() ? "" : "Set-Cookie: " + set_cookie + "\r\n") +
                                "\r\n" + body);
    }

    void upgrade(net::sim_backend::peer peer, const std::string& head) {
        if (refuses_websockets) {
            io_.peer_send(peer, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
            return;
        }
        sha1_digest sha1 = std::move(*sha1_digest::make());
        const auto accept = *ws::accept_value(sha1, header_of(head, "Sec-WebSocket-Key"));
        io_.peer_send(peer,
                      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                      "Connection: Upgrade\r\nSec-WebSocket-Accept: " +
                          std::string(accept.data(), accept.size()) + "\r\n\r\n");
        if (head.find("sid=") != std::string::npos) {
            websocket_ = peer;
            return;
        }
        forget();
        websocket_ = peer;
        upgraded_ = true;
        send_frame(make_open_packet());
    }

    void send_frame(const std::string& payload, int first = 0x81) {
        std::string frame(1, static_cast<char>(first));
        if (payload.size() < 126) {
            frame += static_cast<char>(payload.size());
        } else {
            const int bytes = payload.size() < 65'536 ? 2 : 8;
            frame += static_cast<char>(bytes == 2 ? 126 : 127);
            for (int i = bytes - 1; i >= 0; --i) {
                frame += static_cast<char>(payload.size() >> (8 * i) & 0xFFU);
            }
        }
        io_.peer_send(websocket_, frame + payload);
    }

    bool take_frame(net::sim_backend::peer peer) {
        std::string& bytes = open_[peer];
        if (bytes.size() < 6) return false;
        const auto at = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
        std::size_t size = at(1) & 0x7FU;
        std::size_t head = 2;
        if (size >= 126) {
            head = size == 126 ? 4 : 10;
            if (bytes.size() < head) return false;
            size = 0;
            for (std::size_t i = 2; i < head; ++i) size = size << 8U | at(i);
        }
        if (bytes.size() < head + 4 + size) return false;
        std::string payload = bytes.substr(head + 4, size);
        for (std::size_t i = 0; i < size; ++i) {
            payload[i] = static_cast<char>(payload[i] ^ bytes[head + i % 4]);
        }
        const int opcode = at(0) & 0x0F;
        bytes.erase(0, head + 4 + size);
        if (opcode == 8) {
            io_.peer_send(peer, std::string("\x88\x00", 2));
            io_.peer_end(peer);
            open_.erase(peer);
            forget_websocket();
            return true;
        }
        if (opcode == 9) {
            send_frame(payload, 0x8A);
        } else if (opcode == 2) {
            take("b" + payload);
        } else if (payload == "2probe") {
            if (answers_probes) {
                send_frame("3probe");
                if (poll_ >= 0) reply_to(std::exchange(poll_, -1), "6");
            }
        } else if (payload == "5") {
            upgraded_ = true;
            for (const std::string& one : queue_) send_frame(one);
            queue_.clear();
        } else {
            take(payload);
        }
        return true;
    }

    void take(const std::string& packet) {
        packets.push_back(packet);
        if (packet == "1" && poll_ >= 0) reply_to(std::exchange(poll_, -1), "6");
        if (on_packet) on_packet(packet);
    }

    net::sim_backend& io_;
    net::loop_core& core_;
    std::map<net::sim_backend::peer, std::string> open_;
    net::sim_backend::peer poll_ = -1, post_ = -1, websocket_ = -1;
    bool upgraded_ = false;
    std::vector<std::string> queue_;
};

}  // namespace weft::test
