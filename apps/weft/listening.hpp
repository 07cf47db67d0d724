#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <weft/base/function_ref.hpp>
#include <weft/server/server.hpp>

#include "config/plan.hpp"

namespace weft {

/// Reads the settings of a command, and leaves them in `read`, and makes a plan of them. What is
/// wrong is told; then there is none, and the exit code is 2.
[[nodiscard]] std::optional<config::plan> make_plan(const config::sources& from,
                                                    config::settings* read = nullptr);

/// Options for a server with pages: on loopback addresses it answers to its own names only, besides
/// those that are allowed already, so that no foreign name can be made to point here (DNS
/// rebinding).
[[nodiscard]] server_options page_options(server_options all,
                                          const std::vector<server_address>& addresses,
                                          log_sink& log);

/// A numeric address as it stands in a URL: IPv6 in brackets.
[[nodiscard]] std::string url_host(const std::string& address);

/// Listens where the plan says, prints `listening on SCHEME://HOST:PORT/PATH` for each address when
/// ready, and runs the server to its end. `scheme` is "ws" or "http"; TLS adds the "s".
/// `before_ready` runs before that; when it returns false (and has said why), nothing is run.
/// Returns the exit code.
int listen_and_run(server& target, const config::plan& where, std::string_view scheme,
                   std::string_view path, function_ref<bool()> before_ready);
int listen_and_run(server& target, const config::plan& where, std::string_view scheme,
                   std::string_view path);

}  // namespace weft
