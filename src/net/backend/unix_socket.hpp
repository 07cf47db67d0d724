#pragma once

#include <string>

#include <weft/base/result.hpp>
#include <weft/net/listen_options.hpp>
#include <weft/net/socket_address.hpp>

namespace weft::net {

/// Before a unix socket is bound: removes the file of one that nobody listens on any more, and
/// nothing else. **Errors**: somebody listens there, or that cannot be known.
result<void> remove_stale_socket(const socket_address& address, const std::string& path);

/// Between bind and listen, so that nobody can have connected before: gives the socket file its
/// group and its permissions. **Errors**: the system's; which option.
result<void> restrict_access(const listen_options& options);

}  // namespace weft::net
