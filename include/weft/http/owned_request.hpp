#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <weft/http/handshake.hpp>
#include <weft/http/head.hpp>
#include <weft/net/conn_id.hpp>

namespace weft::http {

/// A request that owns its texts and its body: for a coroutine handler, to which a `request` would
/// be gone after its first wait. **Cost**: a block for the head, one for the body.
class owned_request : public handshake {
public:
    explicit owned_request(const request& asked);

    [[nodiscard]] http::method method() const noexcept { return method_; }
    /// The value of a cookie, decoded; nothing when it did not come or is broken.
    [[nodiscard]] std::optional<std::string> cookie(std::string_view name) const;
    [[nodiscard]] const std::string& body() const noexcept { return body_; }
    /// The connection it came on, with `server.loop_of(id)` to wait on.
    [[nodiscard]] conn_id id() const noexcept { return id_; }

private:
    std::string body_;
    conn_id id_;
    http::method method_;
};

}  // namespace weft::http
