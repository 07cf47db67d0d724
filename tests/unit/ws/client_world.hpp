#pragma once

// A client against a server that the test plays by hand, on the sim backend.

#include <algorithm>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include <weft/http/error.hpp>
#include <weft/ws/client.hpp>

#include "base/digest.hpp"
#include "net/backend/sim/sim_backend.hpp"
#include "net/loop_core.hpp"
#include "ws/client_core.hpp"
#include "ws/client_url.hpp"
#include "ws/proto/frame.hpp"
#include "ws/proto/handshake.hpp"

namespace weft::ws {

using namespace std::chrono_literals;
using net::sim_backend;

inline std::string header_of(std::string_view request, std::string_view name) {
    const std::size_t at = request.find("\r\n" + std::string(name) + ": ");
    if (at == std::string_view::npos) return "(none)";
    const std::string_view rest = request.substr(at + name.size() + 4);
    return std::string(rest.substr(0, rest.find("\r\n")));
}

inline std::string answer_to(std::string_view request, std::string_view extra = {}) {
    sha1_digest sha1 = std::move(*sha1_digest::make());
    const auto accept = *accept_value(sha1, header_of(request, "Sec-WebSocket-Key"));
    return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           "Sec-WebSocket-Accept: " +
           std::string(accept.data(), accept.size()) + "\r\n" + std::string(extra) + "\r\n";
}

inline std::string redirect_to(std::string_view where, int status = 302) {
    return "HTTP/1.1 " + std::to_string(status) + " Found\r\nLocation: " + std::string(where) +
           "\r\nContent-Length: 0\r\n\r\n";
}

/// A frame as a server sends it.
inline std::string frame(std::uint8_t first, std::string_view payload) {
    return std::string{static_cast<char>(first), static_cast<char>(payload.size())} +
           std::string(payload);
}

struct masked_frame {
    std::uint8_t first = 0;
    std::string key;
    std::string payload;
};

inline std::vector<masked_frame> read_frames(std::string_view wire) {
    std::vector<masked_frame> out;
    while (wire.size() >= 6) {
        const auto second = static_cast<std::uint8_t>(wire[1]);
        EXPECT_TRUE(second & 0x80U) << "a client's frame is masked";
        const std::size_t size = second & 0x7FU;
        masked_frame one{static_cast<std::uint8_t>(wire[0]), std::string(wire.substr(2, 4)), {}};
        for (std::size_t i = 0; i < size; ++i) {
            one.payload += static_cast<char>(wire[6 + i] ^ one.key[i % 4]);
        }
        out.push_back(one);
        wire.remove_prefix(6 + size);
    }
    return out;
}

class client_test : public ::testing::Test {
protected:
    client_test()
        : io(*new sim_backend),
          core(
              std::make_unique<net::loop_core>(std::unique_ptr<net::backend>(&io), loop_options{})),
          context(core->ref()) {
        core->start();
        io.serve_port(80);
    }

    client& make(client_options options = {}) {
        if (options.url.empty()) options.url = "ws://127.0.0.1/chat";
        subject = std::make_unique<client>(context, std::move(options));
        listen_to(*subject);
        return *subject;
    }
    void begin(client_options options = {}) { ASSERT_TRUE(make(std::move(options)).connect()); }
    void listen_to(client& c) {
        c.on_open([this](client& me) {
             note("open");
             if (at_open) at_open(me);
         })
            .on_message([this](client& me, message_view what) {
                note("message " + std::string(what.text()));
                if (at_message) at_message(me);
            })
            .on_pong([this](client&, byte_view payload) {
                note("pong " + std::string(as_text(payload)));
            })
            .on_close([this](client& me, const close_event& event) {
                note("close " + std::to_string(static_cast<int>(event.code)) +
                     (event.clean ? " clean" : ""));
                cause = event.cause;
                if (at_close) at_close(me);
            })
            .on_failure([this](client& me, const connect_failure& failure) {
                note("failure " + std::to_string(failure.attempt));
                why = failure.why.code();
                text = failure.why.message();
                status = failure.status;
                if (at_failure) at_failure(me);
            });
    }
    void note(std::string what) { seen.push_back(std::move(what)); }
    void run(int iterations = 4) {
        while (iterations-- > 0) core->turn(duration::zero());
    }
    void pass(duration time) {
        io.advance(time);
        run();
    }
    /// The server's end of the newest connection, and what was asked there.
    void serve(std::uint16_t port = 80) {
        run();
        const auto taken = io.taken_connections(port);
        ASSERT_EQ(taken.size(), 1U);
        server = taken[0];
        run();
        request = io.peer_take(server);
    }
    void answer(std::string_view bytes) {
        io.peer_send(server, bytes);
        run();
    }
    void open(client_options options = {}) {
        make(std::move(options));
        ASSERT_TRUE(subject->connect());
        serve();
        answer(answer_to(request));
        ASSERT_TRUE(subject->is_open());
    }
    [[nodiscard]] bool server_sees_end() const {
        return io.peer_sees_end(server) || io.peer_sees_reset(server);
    }

    sim_backend& io;
    std::unique_ptr<net::loop_core> core;
    client_context context;
    std::unique_ptr<client> subject;
    std::vector<std::string> seen;
    std::error_code why, cause;
    std::string text;
    int status = 0;
    sim_backend::peer server = -1;
    std::string request;
    std::function<void(client&)> at_open, at_message, at_close, at_failure;
};

using strings = std::vector<std::string>;

inline client_options reconnecting(backoff how = {.spread = jitter::none}) {
    client_options options;
    options.reconnect = how;
    return options;
}

}  // namespace weft::ws
