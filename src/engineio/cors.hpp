#pragma once

#include <string_view>

#include <weft/engineio/options.hpp>
#include <weft/http/request.hpp>
#include <weft/http/response.hpp>

#include "ws/proto/origin_policy.hpp"

namespace weft::engineio {

/// Whose pages may talk to the server, and what browsers are told about it.
///
/// `ws::origin_policy` decides about requests with an `Origin`. A page's WebSocket always has one,
/// its polls have one unless page and server are of the same origin. So a request without `Origin`
/// is fine, with two exceptions: the browser says itself that it comes from elsewhere
/// (`Sec-Fetch-Site`), or it has a cookie and the reply is a script (JSONP), which any page may
/// load and run with its visitors' cookies.
class origin_guard {
public:
    enum class kind : std::uint8_t { poll, script, websocket };

    /// **Lifetime**: `chosen` outlives this.
    explicit origin_guard(const options& chosen);

    [[nodiscard]] bool allows(const http::request& request, kind what) const;
    /// Adds what a browser of another origin needs to see; nothing without `options::cors`.
    void write(const http::request& request, http::response& response) const;
    /// The answer to an OPTIONS request; `options::cors` is set.
    [[nodiscard]] http::response preflight(const http::request& request) const;

private:
    [[nodiscard]] bool accepted(const http::request& request) const;

    ws::origin_policy policy_;
    ws::origin_policy listed_;  // by `cors` alone: what may be reflected
    const cors_options* cors_ = nullptr;
    bool any_ = false;        // no check at all
    bool any_reads_ = false;  // `*`
};

}  // namespace weft::engineio
