#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <weft/http/handshake.hpp>
#include <weft/http/head.hpp>
#include <weft/net/conn_id.hpp>

namespace weft::http {

/// A request that owns its texts and its body. For coroutine handlers: a `request` would be gone
/// after the first wait. **Cost**: a block for the head and one for the body.
class owned_request : public handshake {
public:
    explicit owned_request(const request& asked);

    [[nodiscard]] http::method method() const noexcept { return method_; }
    /// The decoded value of a cookie. Nothing if it is absent or broken.
    [[nodiscard]] std::optional<std::string> cookie(std::string_view name) const;
    [[nodiscard]] const std::string& body() const noexcept { return body_; }
    /// The connection it came on. `server.loop_of(id)` is the loop to wait on.
    [[nodiscard]] conn_id id() const noexcept { return id_; }

private:
    std::string body_;
    conn_id id_;
    http::method method_;
};

}  // namespace weft::http
