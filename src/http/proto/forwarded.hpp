#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <weft/base/function_ref.hpp>
#include <weft/http/head.hpp>

namespace weft::http {

/// What a numeric address in such a header stands for.
enum class hop : std::uint8_t {
    unknown,  ///< It is no address.
    trusted,  ///< A proxy whose word counts.
    client,   ///< Anybody else.
};

/// What the proxies in front say about the client of a request. **Lifetime**: views into the head.
struct forwarded_facts {
    std::string_view address{};  ///< Without port and brackets; empty if they do not say.
    std::string_view scheme{};   ///< "http" or "https"; empty if they do not say.
    std::string_view host{};     ///< With its port, if they give one; empty if they do not say.
};

/// How many proxies a request may have passed; what stands further to the left is not looked at.
inline constexpr std::size_t max_hops = 16;

/// Reads `X-Forwarded-For`, `-Proto` and `-Host`, and `Forwarded`. Call it only if the head comes
/// from a proxy whose word counts.
///
/// Each proxy adds the address of the one before it at the right, and anybody may have written what
/// stands at the left. So the client is the first address from the right that `judge` does not
/// trust, or the last one that it does; nothing that is no address is passed. Scheme and host are
/// those that the proxy wrote which saw this client. Where `Forwarded` and the `X-` header
/// contradict each other, one of them may be the client's own: neither is believed. **Cost**:
/// linear in the head; `judge` is called at most `max_hops` times per header.
/// **See**: RFC 7239.
[[nodiscard]] forwarded_facts read_forwarded(const message_head& head,
                                             function_ref<hop(std::string_view)> judge);

}  // namespace weft::http
