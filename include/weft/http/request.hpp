#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include <weft/base/bytes.hpp>
#include <weft/http/head.hpp>
#include <weft/http/trace_context.hpp>
#include <weft/net/conn_id.hpp>
#include <weft/net/peer.hpp>

namespace weft::net {
class byte_stream;
}

namespace weft::http {

struct options;

/// One request with its whole body, lent to a handler.
/// **Threads**: the loop's. **Lifetime**: the request and all views of it are valid during the
/// handler's call only. If you answer later, copy what you need first.
class request {
public:
    request(const request&) = delete;
    request& operator=(const request&) = delete;

    [[nodiscard]] http::method method() const noexcept { return head_.method(); }
    /// The request target exactly as sent, for logs.
    [[nodiscard]] std::string_view target() const noexcept { return head_.target(); }
    /// The path, percent-decoded once. Paths with `.`, `..`, `//` or an encoded slash were refused.
    [[nodiscard]] std::string_view path() const noexcept { return path_; }
    /// What follows the '?', still encoded; empty without one.
    [[nodiscard]] std::string_view query() const noexcept { return query_; }
    /// The last query value under this name, decoded ('+' is a blank). Nothing if it is absent or
    /// its encoding is broken.
    [[nodiscard]] std::optional<std::string> query_value(std::string_view name) const;
    /// What the route's `:name` or `*name` stands for; empty if the route has no such parameter.
    [[nodiscard]] std::string_view param(std::string_view name) const noexcept;

    /// Calls `visit(name, value)` for each parameter of the route.
    template <class F>
    void each_param(F visit) const {
        for (std::size_t i = 0; i < param_count_; ++i) visit(params_[i].name, params_[i].value);
    }

    /// All header lines, and how to look them up.
    [[nodiscard]] const message_head& head() const noexcept { return head_; }
    /// The first value under this name (any case), or an empty text.
    [[nodiscard]] std::string_view header(std::string_view name) const noexcept {
        return head_.header(name);
    }
    /// The host and port that the client asked for: what a trusted proxy says, else `Host`.
    [[nodiscard]] std::string_view host() const noexcept {
        return forwarded_host_.empty() ? head_.header("host") : forwarded_host_;
    }
    /// Whether it came from one of `options::trusted_proxies`.
    [[nodiscard]] bool by_proxy() const noexcept { return by_proxy_; }
    /// The trace that the client says it belongs to. Nothing without a `traceparent`, with a
    /// malformed one, or with several. **Lifetime**: the request's.
    [[nodiscard]] std::optional<trace_context> trace() const noexcept;
    /// The decoded value of a cookie. Nothing if it is absent or broken.
    [[nodiscard]] std::optional<std::string> cookie(std::string_view name) const;
    [[nodiscard]] byte_view body() const noexcept { return body_; }
    [[nodiscard]] std::string_view body_text() const noexcept { return as_text(body_); }

    [[nodiscard]] conn_id id() const noexcept;
    /// The client that asks. **Lifetime**: the connection's.
    [[nodiscard]] weft::peer& peer() const noexcept;
    /// For the library: the server's.
    [[nodiscard]] const http::options& limits() const noexcept { return limits_; }

private:
    friend class service;
    friend class router;

    request(const message_head& head, const net::byte_stream& stream,
            const http::options& limits) noexcept
        : head_(head), stream_(stream), limits_(limits) {}

    struct parameter {
        std::string_view name;
        std::string_view value;
    };
    static constexpr std::size_t max_params = 8;

    const message_head& head_;
    const net::byte_stream& stream_;
    const http::options& limits_;
    std::string_view forwarded_host_;
    std::string_view path_;
    std::string_view query_;
    byte_view body_;
    std::array<parameter, max_params> params_{};
    std::size_t param_count_ = 0;
    bool by_proxy_ = false;
};

}  // namespace weft::http
