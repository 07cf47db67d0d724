#pragma once

#include <optional>
#include <span>
#include <string>

#include <weft/base/result.hpp>
#include <weft/http/request.hpp>
#include <weft/http/response.hpp>
#include <weft/ws/options.hpp>

#include "ws/connection_shared.hpp"
#include "ws/proto/extensions.hpp"
#include "ws/proto/origin_policy.hpp"

namespace weft::ws {

/// What the Origin check looks at in a request.
[[nodiscard]] origin_facts origin_facts_of(const http::request& request) noexcept;

/// What a server agrees to. **Lifetime**: refers to the server's settings.
struct handshake_terms {
    const origin_policy* origins = nullptr;  ///< Null: the caller has looked at the origin itself.
    const deflate_options* deflate = nullptr;     ///< Null: messages are not compressed.
    std::span<const std::string> subprotocols{};  ///< Those that are spoken here.
    bool any_subprotocol = false;                 ///< Instead: whichever is the client's first.
};

/// What was agreed on.
struct handshake_answer {
    std::string accept;       ///< The value of `Sec-WebSocket-Accept`.
    std::string subprotocol;  ///< The client's first wish that is spoken here, or empty.
    std::optional<deflate_agreement> deflate;
};

/// Decides whether a request becomes a WebSocket, whoever wants it: a plain endpoint, Engine.IO.
/// What is wrong with the request is counted. **Errors**: `ws::errc`; or why we cannot answer, such
/// as `weft::errc::not_supported` when OpenSSL has no SHA-1.
[[nodiscard]] result<handshake_answer> answer_handshake(const http::request& request,
                                                        const handshake_terms& terms,
                                                        connection_shared& shared);

/// The headers of the response that grants it.
[[nodiscard]] http::header_lines headers_of(const handshake_answer& granted);

/// The response to a request that `answer_handshake` did not accept.
[[nodiscard]] http::response answer_of(const error& why);

}  // namespace weft::ws
