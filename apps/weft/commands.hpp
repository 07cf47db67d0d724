#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "config/load.hpp"

namespace weft {

struct echo_flags {
    config::sources from{};
    static constexpr std::uint64_t largest_message = 1024 * 1024 * 1024;
    std::uint64_t max_message = 16 * 1024 * 1024;
    std::vector<std::string> subprotocols{};
};

struct demo_flags {
    config::sources from{};
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
    config::sources from{};
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
int run_serve(const config::sources& from);
int run_demo(const demo_flags& flags);

/// `weft init`, `weft check` and the commands of `weft config`; an empty name is standard output,
/// or no file. The exit code is 2 when something is wrong, which is told on standard error.
int run_init(const std::string& file);
int run_check(const config::sources& from);
int run_config_print(const config::sources& from);
int run_config_explain(const std::string& key);
int run_config_reference();

}  // namespace weft
