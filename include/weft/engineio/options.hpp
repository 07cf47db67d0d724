#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <weft/base/admission.hpp>
#include <weft/base/result.hpp>
#include <weft/base/task.hpp>
#include <weft/base/time.hpp>
#include <weft/engineio/error.hpp>
#include <weft/engineio/transport_kind.hpp>
#include <weft/http/cookie.hpp>
#include <weft/http/handshake.hpp>
#include <weft/http/response.hpp>
#include <weft/pubsub/message.hpp>
#include <weft/ws/options.hpp>

namespace weft::engineio {

/// Which pages of other origins may read replies, as headers tell browsers. **See**: the CORS
/// protocol of the Fetch standard.
struct cors_options {
    /// `https://example.org` and so on; `*` alone for any. What is here is also an allowed origin
    /// of the server (see `options::origins`).
    std::vector<std::string> origins{};
    /// Asked about an origin that is not in the list; must be callable from every loop's thread.
    std::function<bool(std::string_view origin)> accept_origin{};
    std::vector<std::string> methods{"GET", "HEAD", "PUT", "PATCH", "POST", "DELETE"};
    /// Empty: whatever the request asks for.
    std::vector<std::string> allowed_headers{};
    std::vector<std::string> exposed_headers{};
    /// Cookies are sent along. Not with `*`.
    bool credentials = false;
    std::optional<std::chrono::seconds> max_age{};
    int options_success_status = 204;  ///< Of the answer to a preflight request.

    /// **Errors**: `invalid_argument`. Says which option is wrong and what it may be.
    [[nodiscard]] result<void> check() const;
};

/// Decides about a request: made of `A(const http::handshake&)`, or of a coroutine
/// `task<A>(http::handshake)` that takes its time (bounded by `http::options::reply_timeout`),
/// where `A` makes an `admission<>`. **Threads**: called on the loop of the request; with several
/// loops, on several at once.
class guard {
public:
    template <class F>
    requires(!std::is_same_v<std::remove_cvref_t<F>, guard>)
        guard(F decide) {  // NOLINT(google-explicit-constructor)
        using returned = std::invoke_result_t<const F&, http::handshake>;
        if constexpr (weft::detail::is_task_of_admission<returned, void>) {
            later_ = [decide = std::move(decide)](http::handshake asked) {
                return weft::detail::admit<void>(decide(std::move(asked)));
            };
        } else {
            static_assert(weft::detail::makes_admission<returned, void>,
                          "weft: a guard returns bool, result<void>, refusal or admission, or is a "
                          "coroutine task of these");
            now_ = std::move(decide);
        }
    }
    [[nodiscard]] bool waits() const noexcept { return static_cast<bool>(later_); }
    [[nodiscard]] admission<> decide(const http::handshake& asked) const { return now_(asked); }
    [[nodiscard]] task<admission<>> decide_later(http::handshake asked) const {
        return later_(std::move(asked));
    }

private:
    std::function<admission<>(const http::handshake&)> now_;
    std::function<task<admission<>>(http::handshake)> later_;
};

/// A request that was refused. **Lifetime**: the call.
struct connection_error {
    errc code;
    std::string_view message;  ///< What the client was told.
    std::string_view context;  ///< The value that was wrong, or a reason; may come from the peer.
    std::string_view url;
    std::string_view address;
};

/// What an Engine.IO server allows and how it behaves. **Units**: bytes.
///
/// **Threads**: every callback here is called on the loop of its request; with several loops, on
/// several at once.
struct options {
    std::string path = "/socket.io";
    /// False: the path without a slash at its end works too.
    bool add_trailing_slash = true;
    /// How clients may connect: one of them or both.
    std::vector<transport_kind> transports{transport_kind::polling, transport_kind::websocket};
    /// From polling to WebSocket.
    bool allow_upgrades = true;
    /// Clients of Socket.IO 2 (protocol 3) too.
    bool allow_eio3 = false;

    /// A text message that every client gets right after the handshake; empty for none. Clients of
    /// Socket.IO expect none.
    std::string initial_packet{};

    // Liveness. A hanging poll is answered at the next ping, so `ping_interval` must stay below
    // `http::options::reply_timeout`.
    duration ping_interval = std::chrono::seconds(25);
    /// For any sign of life after a ping.
    duration ping_timeout = std::chrono::seconds(20);
    /// From the WebSocket's handshake to the client's `5`.
    duration upgrade_timeout = std::chrono::seconds(10);
    /// For the last polls of a session that is closing.
    duration close_timeout = std::chrono::seconds(30);

    // Limits.
    std::uint64_t max_http_buffer_size =
        1'000'000;  ///< Of a POST (413) and of a WebSocket message (1009).
    /// Of one POST: 400, and the session ends. Clients put all that waits into one, cut only by its
    /// size.
    std::size_t max_packets = 1024;
    std::size_t max_sessions = 1'000'000;  ///< Over all loops: 503.
    /// Of one IPv4 address or IPv6 /64: 503. 0: no limit, since behind a proxy all share one.
    std::size_t max_sessions_per_address = 0;
    /// What may wait for one client, at least 128 KiB.
    std::size_t max_queue = 4 * 1024 * 1024;
    /// At a full queue. Packets that belong together share their fate.
    overflow_policy overflow = overflow_policy::close;
    std::optional<ws::receive_rate> rate = ws::receive_rate{};  ///< Over WebSocket.

    // Compression.
    /// Polling replies from this size on, when the client takes gzip or deflate. Unset: never.
    std::optional<std::size_t> http_compression = 1024;
    std::optional<ws::deflate_options> per_message_deflate{};

    // Who may connect.
    /// Polling and WebSocket alike; a foreign origin gets 403 before anything else is looked at.
    ws::origin_check origin = ws::origin_check::same_or_listed;
    /// `https://example.org`; `null` for opaque ones.
    std::vector<std::string> origins{};
    std::optional<cors_options> cors{};
    /// Of the first polling reply, for load balancers, as `{.name = "io"}`; its value is the
    /// session's id.
    std::optional<http::cookie> cookie{};
    /// Asked about every request, one after the other; a refusal without a status is 400, "Bad
    /// request". A session answers only to the `identity` that they named when it was opened.
    std::vector<guard> middlewares{};
    /// Asked about the first request of a session; a refusal without a status is 403 with its text
    /// (400 for a WebSocket, as in Node).
    std::optional<guard> allow_request{};

    // Headers and events.
    /// May add to the headers of a session's first response (the 101 included), or of every one.
    std::function<void(http::response& headers, const http::request&)> initial_headers{};
    std::function<void(http::response& headers, const http::request&)> headers{};
    std::function<void(const connection_error&)> on_connection_error{};

    /// **Errors**: `invalid_argument`. Says which option is wrong and what it may be.
    [[nodiscard]] result<void> check() const;
};

}  // namespace weft::engineio
