#pragma once

#include <string>
#include <string_view>

#include <weft/base/function_ref.hpp>
#include <weft/server/server.hpp>

#include "commands.hpp"

namespace weft {

/// What `--log-level` means.
[[nodiscard]] log_level level_of(const listen_flags& flags) noexcept;

/// Whether that is an address that only this machine can reach.
[[nodiscard]] bool on_loopback(const listen_flags& flags);

/// The server options that the flags of every command mean.
[[nodiscard]] server_options make_server_options(const listen_flags& flags, log_sink& log);

/// The same for commands that serve pages: on a loopback address they answer to its own names only,
/// so that no foreign name can be made to point here (DNS rebinding).
[[nodiscard]] server_options make_page_options(const listen_flags& flags, log_sink& log);

/// A numeric address as it stands in a URL: IPv6 in brackets.
[[nodiscard]] std::string url_host(const std::string& address);

/// Listens where the flags say, prints `listening on SCHEME://HOST:PORT/PATH` when ready, and runs
/// the server to its end. `scheme` is "ws" or "http"; TLS adds the "s". `before_ready` runs before
/// that line; when it returns false (and has said why), nothing is run. Returns the exit code.
int listen_and_run(server& target, const listen_flags& flags, std::string_view scheme,
                   std::string_view path, function_ref<bool()> before_ready);
int listen_and_run(server& target, const listen_flags& flags, std::string_view scheme,
                   std::string_view path);

}  // namespace weft
