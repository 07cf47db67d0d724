#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <weft/base/function_ref.hpp>
#include <weft/base/result.hpp>
#include <weft/http/head.hpp>
#include <weft/ws/error.hpp>

#include "base/digest.hpp"
#include "base/random.hpp"
#include "ws/proto/extensions.hpp"

namespace weft::ws {

/// A parsed request, as far as the opening handshake is concerned.
struct upgrade_request {
    std::string_view method;
    int http_major = 1;
    int http_minor = 1;
    bool has_body = false;  ///< A Content-Length above 0, or a Transfer-Encoding.
    std::span<const http::header_field> headers;
};

/// A short list in the order of the message, without allocation.
template <std::size_t Capacity>
class text_list {
public:
    [[nodiscard]] bool try_add(std::string_view text) noexcept {
        if (size_ == Capacity) return false;
        items_[size_++] = text;
        return true;
    }
    [[nodiscard]] bool contains(std::string_view text) const noexcept {
        for (const std::string_view item : view()) {
            if (item == text) return true;
        }
        return false;
    }
    [[nodiscard]] std::span<const std::string_view> view() const noexcept {
        return {items_.data(), size_};
    }

private:
    std::array<std::string_view, Capacity> items_;
    std::size_t size_ = 0;
};

inline constexpr std::size_t max_subprotocols = 32;
inline constexpr std::size_t max_extension_headers = 8;

/// What a valid upgrade request said. **Lifetime**: views into the request.
struct upgrade_facts {
    std::string_view key;
    text_list<max_subprotocols> subprotocols;  ///< In the client's order of preference.
    text_list<max_extension_headers> extensions;
};

/// The outcome: the facts, or why not.
struct upgrade_check {
    std::optional<errc> error;
    upgrade_facts facts;
};

/// Checks a request against RFC 6455 section 4.2.1, strictly. The Origin policy and the choice of a
/// subprotocol are the caller's. **Cost**: linear in the input, no allocation.
[[nodiscard]] upgrade_check check_upgrade(const upgrade_request& request) noexcept;

/// Headers that the refusal of `why` carries besides its status, such as `Allow`.
[[nodiscard]] std::span<const http::header_field> refusal_headers(errc why) noexcept;

/// Parses one subprotocol list. **Errors**: `bad_subprotocol` for what is not a token, a repeated
/// one, or more than 32. **Cost**: linear in the input.
[[nodiscard]] std::optional<errc> parse_subprotocols(std::string_view value,
                                                     text_list<max_subprotocols>& out) noexcept;

inline constexpr std::size_t accept_size = 28;
/// The value of `Sec-WebSocket-Accept` for a key. **Errors**: those of the digest.
[[nodiscard]] result<std::array<char, accept_size>> accept_value(sha1_digest& sha1,
                                                                 std::string_view key) noexcept;

/// What the server's 101 response says.
struct upgrade_response {
    std::string_view accept;
    std::string_view subprotocol;  ///< Empty for none.
    std::optional<deflate_agreement> deflate;
};

/// Calls `add(name, value)` for each header of the response.
void each_upgrade_header(const upgrade_response& response,
                         function_ref<void(std::string_view, std::string_view)> add);

/// What a client asks for.
struct client_request {
    std::string_view host;    ///< As in the `Host` header, with the port unless it is the default.
    std::string_view target;  ///< Path and query.
    std::string_view key;     ///< From `make_key`.
    std::span<const std::string_view> subprotocols;
    const deflate_wishes* deflate = nullptr;    ///< Offered when set.
    std::span<const http::header_field> extra;  ///< `Origin`, `Cookie`, `Authorization` and so on.
};

/// A fresh `Sec-WebSocket-Key`. **Errors**: `weft::errc::not_supported` without entropy.
[[nodiscard]] result<std::string> make_key(random_pool& random);

/// The bytes of the request. **Errors**: `weft::errc::invalid_argument` for what could break the
/// message (a line end, a name that is no token) and for an extra header that the handshake itself
/// sets.
[[nodiscard]] result<std::string> write_upgrade_request(const client_request& request);

/// What came of the response.
struct client_outcome {
    std::optional<errc> error;
    std::string_view subprotocol;  ///< **Lifetime**: a view into the response.
    std::optional<deflate_agreement> deflate;
};

/// A client's check of the response, RFC 6455 section 4.1, strictly. A status other than 101 is
/// `not_switching`: what to do with a redirect or a refusal is the caller's business.
[[nodiscard]] client_outcome check_response(int status, std::span<const http::header_field> headers,
                                            const client_request& request,
                                            sha1_digest& sha1) noexcept;

}  // namespace weft::ws
