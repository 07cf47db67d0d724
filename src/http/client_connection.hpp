#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <weft/base/result.hpp>
#include <weft/base/time.hpp>
#include <weft/base/unique_function.hpp>
#include <weft/http/head.hpp>

#include "http/tunnel.hpp"

namespace weft::http {

/// Whom a client talks to. `timeout` bounds connecting, the rest is as for any connection.
struct client_origin {
    net::connect_options to;
    std::optional<client_proxy> proxy;
    std::string authority;  ///< The value of `Host`.
};

/// What to ask. **Lifetime**: the call of `request`.
struct client_request {
    http::method method = http::method::get;
    std::string_view target{};                ///< Path and query, checked by the caller.
    std::span<const header_field> headers{};  ///< Besides `Host`, `Content-Length`, `User-Agent`.
    std::string_view body{};                  ///< Not sent when empty, unless the method is POST.
    /// For connecting, sending and the whole response. Unset: as long as the server likes.
    std::optional<duration> timeout{};
    std::uint64_t max_body = 1024 * 1024;  ///< Of the response.
};

/// One HTTP/1.1 connection to one origin, made when first needed, kept while the server keeps it,
/// and made again when it is gone. One request at a time; redirects are not followed.
///
/// A kept connection is not used in the last second that the server announced for it
/// (`Keep-Alive: timeout=n`): a request must not meet its end.
/// **Threads**: the loop's. **Lifetime**: pinned; may be destroyed at any time, also while it
/// reports. A request that is under way is then forgotten, and its connection reset.
class client_connection {
public:
    using callback = unique_function<void(result<client_response>)>;

    client_connection(net::loop_core& loop, client_origin origin);
    ~client_connection();
    client_connection(const client_connection&) = delete;
    client_connection& operator=(const client_connection&) = delete;

    /// Asks; `done` is told the outcome later, once, unless the request is cancelled or the loop
    /// ends. **Errors**: `busy`, a header that cannot be sent.
    result<void> request(const client_request& what, callback done);
    [[nodiscard]] bool busy() const noexcept { return static_cast<bool>(done_); }
    /// When a part of the response under way last came; nothing if that has not begun.
    [[nodiscard]] std::optional<time_point> receiving() const noexcept { return receiving_; }
    /// Forgets the request that is under way, and resets its connection.
    void cancel() noexcept;

private:
    class exchange;

    result<std::string> write(const client_request& what) const;
    void connected(result<net::byte_stream*> made);
    void send();
    void finish(result<client_response> outcome);
    [[nodiscard]] bool reusable() const noexcept;

    net::loop_core& loop_;
    const client_origin origin_;
    std::shared_ptr<client_connection*> self_;  // what a connect under way finds us by

    exchange* exchange_ = nullptr;  // owned by its stream; null without a connection
    std::optional<time_point> receiving_;
    time_point idle_until_{};  // when the server may close the kept connection

    // The request under way.
    std::string text_;
    std::uint64_t max_body_ = 0;
    std::optional<time_point> deadline_;
    callback done_;
};

}  // namespace weft::http
