#pragma once

// A WebSocket server on the sim backend: loop, HTTP service, one endpoint at /ws, and clients made
// of raw bytes.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <weft/http/router.hpp>
#include <weft/ws/endpoint.hpp>

#include "http/service.hpp"
#include "net/backend/sim/sim_backend.hpp"
#include "net/loop_core.hpp"
#include "proto_support.hpp"
#include "ws/connection_core.hpp"

namespace weft::ws::test {

using namespace std::chrono_literals;

/// A whole frame that a server sent.
struct server_frame {
    std::uint8_t first = 0;
    std::string payload;

    [[nodiscard]] int op() const { return first & 0xF; }
    [[nodiscard]] int close_code() const {
        return payload.size() < 2 ? 1005
                                  : static_cast<unsigned char>(payload[0]) << 8 |
                                        static_cast<unsigned char>(payload[1]);
    }
};

inline std::string text_frame(std::string_view text) {
    return encode({0x81, std::string(text)});
}
inline std::string binary_frame(std::string_view bytes) {
    return encode({0x82, std::string(bytes)});
}
inline std::string close_frame(int code) {
    return encode({0x88, {static_cast<char>(code >> 8), static_cast<char>(code)}});
}

/// Takes the frames off the front of what a server sent; what is incomplete stays.
inline std::vector<server_frame> take_frames(std::string& bytes) {
    std::vector<server_frame> out;
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
    while (bytes.size() >= 2) {
        const unsigned code = byte(1) & 0x7F;
        const std::size_t width = code == 126 ? 2 : code == 127 ? 8 : 0;
        if (bytes.size() < 2 + width) break;
        std::uint64_t size = width == 0 ? code : 0;
        for (std::size_t i = 0; i < width; ++i) size = size << 8 | byte(2 + i);
        if (bytes.size() - 2 - width < size) break;
        out.push_back({byte(0), bytes.substr(2 + width, size)});
        bytes.erase(0, 2 + width + size);
    }
    return out;
}

template <class T = void>
class ws_world final : private net::acceptor, private log_sink {
public:
    using peer = net::sim_backend::peer;

    explicit ws_world(options chosen = {})
        : io(*new net::sim_backend),
          loop(std::unique_ptr<net::backend>(&io), {.log = this}),
          shared(loop, all, 64 * 1024 * 1024),
          endpoint(std::move(chosen)),
          service_(loop, routes, {}, this) {
        loop.start();
        prepared = static_cast<bool>(endpoint.prepare());
        endpoint.set_loops({&shared});
        (void)routes.upgrade("/ws", [this](const http::request& request, http::upgrade upgrade) {
            endpoint.handle(request, std::move(upgrade));
        });
        (void)routes.upgrade("/room/:name",
                             [this](const http::request& request, http::upgrade upgrade) {
                                 endpoint.handle(request, std::move(upgrade));
                             });
        listen_options where;
        where.port = 80;
        (void)loop.listen(where, *this);
    }
    ~ws_world() { loop.shut_down(); }

    void run(int iterations = 8) {
        while (iterations-- > 0) loop.turn(duration::zero());
    }
    void pass(duration time) {
        io.advance(time);
        run();
    }
    void send(peer client, std::string_view bytes) {
        io.peer_send(client, bytes);
        run();
    }

    static std::string request(std::string_view lines = "", std::string_view path = "/ws") {
        return "GET " + std::string(path) +
               " HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
               "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n" +
               std::string(lines) + "\r\n";
    }
    /// What a fresh connection gets for these bytes.
    std::string ask(std::string_view bytes) {
        const peer client = io.connect_client(80);
        send(client, bytes);
        return io.peer_take(client);
    }
    /// A client whose handshake is done.
    peer open(std::string_view lines = "", std::string_view path = "/ws") {
        const peer client = io.connect_client(80);
        send(client, request(lines, path));
        response = io.peer_take(client);
        return client;
    }
    /// The frames that the client has got since the last call.
    std::vector<server_frame> frames(peer client) {
        std::string bytes = io.peer_take(client);
        return take_frames(bytes);
    }
    /// All that the client gets while it keeps reading.
    std::string take_all(peer client) {
        std::string bytes;
        for (int quiet = 0; quiet < 3;) {
            const std::string more = io.peer_take(client);
            quiet = more.empty() ? quiet + 1 : 0;
            bytes += more;
            run(2);
        }
        return bytes;
    }
    [[nodiscard]] http::service& service() { return service_; }
    [[nodiscard]] bool ended(peer client) const {
        return io.peer_sees_end(client) || io.peer_sees_reset(client);
    }

    net::sim_backend& io;
    net::loop_core loop;
    pubsub::exchange all;
    connection_shared shared;
    ws::endpoint<T> endpoint;
    http::router routes;
    std::string response;  // to the last `open`
    std::vector<std::string> log;
    bool prepared = false;

private:
    std::unique_ptr<net::stream_handler> on_accept(net::byte_stream& stream) noexcept override {
        return service_.make_connection(stream);
    }
    void write(const log_record& record) noexcept override { log.emplace_back(record.message); }

    http::service service_;
};

}  // namespace weft::ws::test
