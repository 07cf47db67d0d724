#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <weft/net/traffic_options.hpp>

#include "cluster_flags.hpp"

namespace weft {

/// Where a command listens, and with what. **Errors** of the commands name the flag to change.
struct listen_flags {
    std::string host = "127.0.0.1";
    std::uint16_t port = 0;
    unsigned threads = 1;
    std::string tls_cert{};
    std::string tls_key{};
    std::vector<std::string> public_origins{};
    std::vector<std::string> trusted_proxies{};
    bool proxy_protocol = false;
    traffic_options traffic{};
    unsigned connects_per_second = 0;
    std::string log_level = "warning";
};

struct echo_flags {
    listen_flags listen{};
    std::string path = "/";
    bool deflate = false;
    static constexpr std::uint64_t largest_message = 1024 * 1024 * 1024;
    std::uint64_t max_message = 16 * 1024 * 1024;
    std::vector<std::string> origins{};
    std::vector<std::string> subprotocols{};
};

struct serve_flags {
    listen_flags listen{};
    std::string folder{};
    std::string path = "/ws";
    std::vector<std::string> origins{};
    std::vector<std::string> hosts{};  ///< Names besides our own that requests may use.
    bool deflate = false;
    bool list_topics = false;
    std::vector<std::string> schemas{};  ///< PATTERN=FILE.
    std::string metrics_host = "127.0.0.1";
    std::optional<std::uint16_t> metrics_port{};  ///< Of a listener of its own; none without.
    cluster_flags cluster{};                      ///< Without a host: none.
    std::chrono::seconds ready_without_redis{10};
};

struct demo_flags {
    listen_flags listen{};
    unsigned nodes = 1;  ///< Processes. More than one are a cluster.
};

struct token_mint_flags {
    std::string secret_file{};  ///< One of this and `key_file`.
    std::string key_file{};
    std::string alg{};  ///< Empty: HS256, or what the key is for.
    std::string issuer{};
    std::string subject{};
    std::vector<std::string> audience{};
    std::chrono::seconds lifetime = std::chrono::hours(1);
    std::string kid{};
    std::string type = "JWT";
    std::vector<std::string> claims{};  ///< "name=json".
};

struct token_inspect_flags {
    std::string token{};  ///< "-": the first line of standard input.
    std::string secret_file{};
    std::string pem_file{};
    std::string jwks_file{};
    std::vector<std::string> algorithms{};  ///< None: what the token says.
    std::string issuer{};                   ///< Empty: what the token says.
    std::vector<std::string> audience{};    ///< None: what the token says.
};

struct emit_flags {
    std::string event{};
    std::vector<std::string> arguments{};  ///< JSON.
    std::string nsp = "/";
    std::vector<std::string> rooms{};
    std::vector<std::string> except{};
    bool server_side = false;
    cluster_flags cluster{.redis_host = "127.0.0.1"};
};

/// Sends an event into a cluster. The exit code is 0 when Redis has it.
int run_emit(const emit_flags& flags);

/// Print a token, or what is in one. The exit code of `inspect` is 0 for a token that is good, 1
/// for one that is not, and 2 when no key was given to tell.
int run_token_mint(const token_mint_flags& flags);
int run_token_inspect(const token_inspect_flags& flags);

/// Each listens, prints `listening on URL` to standard output, runs until SIGTERM or SIGINT,
/// drains, and returns the exit code. What goes wrong is told on standard error.
int run_echo(const echo_flags& flags);
int run_serve(const serve_flags& flags);
int run_demo(const demo_flags& flags);

}  // namespace weft
