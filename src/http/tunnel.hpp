#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <weft/base/result.hpp>
#include <weft/base/unique_function.hpp>

#include "net/loop_core.hpp"

namespace weft::http {

/// A proxy that makes tunnels. **See**: RFC 9110 section 9.3.6 (CONNECT).
struct client_proxy {
    std::string host;
    std::uint16_t port = 0;
    std::string user_info;  ///< "user:password"; empty for none.
};

/// As `loop_core::connect`, and through a tunnel of `proxy` if there is one. The proxy resolves the
/// name; TLS is with the destination.
/// **Errors**: a unix socket has no way through a proxy; what the proxy answered.
void connect(net::loop_core& loop, net::connect_options to,
             const std::optional<client_proxy>& proxy,
             unique_function<void(result<net::byte_stream*>)> done);

}  // namespace weft::http
