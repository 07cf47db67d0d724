#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include <weft/base/result.hpp>

namespace weft::bench {

/// Which load is put on the server.
enum class workload : std::uint8_t {
    echo,       ///< Every connection keeps messages in flight and checks what comes back.
    broadcast,  ///< One more connection publishes to a topic that all others subscribe to.
    idle,       ///< The connections are opened and do nothing.
};

/// What the command line said.
struct options {
    std::string url;
    workload work = workload::echo;
    unsigned connections = 64;
    std::size_t size = 20;
    unsigned in_flight = 1;
    double seconds = 5;
    double warmup = 1;
    unsigned threads = 1;
    bool deflate = false;
    bool socketio = false;  ///< The server speaks Socket.IO.
    bool text = false;
    bool insecure = false;
    int server_pid = 0;  ///< 0: unknown, or not on this machine.
};

/// How messages travel.
enum class scheme : std::uint8_t {
    raw,      ///< tcp://: no handshake and no frames, only as many bytes as a server's frame has.
    polling,  ///< http://: Socket.IO by long-polling.
    plain,
    tls,
};

/// The parts of a URL that a connection needs.
struct target {
    scheme how = scheme::plain;
    std::string host;       ///< Without the brackets of an IPv6 address.
    std::string authority;  ///< As the `Host` header says it.
    std::uint16_t port = 0;
    std::string path;
};

/// **Errors**: a sentence that says what a URL looks like.
[[nodiscard]] result<target> parse_target(const std::string& url);

}  // namespace weft::bench
