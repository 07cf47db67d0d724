#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <weft/base/admission.hpp>
#include <weft/base/result.hpp>
#include <weft/base/shared_function.hpp>
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

/// Which pages of other origins may read our replies. **See**: the CORS protocol of the Fetch
/// standard.
struct cors_options {
    /// `https://example.org` and so on, or `*` alone for any. These are also allowed origins of the
    /// server (see `options::origins`).
    std::vector<std::string> origins{};
    /// Asked about an origin that is not in the list. **Threads**: every loop's, several at once.
    shared_function<bool(std::string_view origin)> accept_origin{};
    std::vector<std::string> methods{"GET", "HEAD", "PUT", "PATCH", "POST", "DELETE"};
    /// Empty: those the request asks for.
    std::vector<std::string> allowed_headers{};
    std::vector<std::string> exposed_headers{};
    /// Browsers send cookies. Not allowed with `*`.
    bool credentials = false;
    std::optional<std::chrono::seconds> max_age{};
    int options_success_status = 204;  ///< The status for preflight requests.

    /// **Errors**: `invalid_argument`. Says which option is wrong and what it may be.
    [[nodiscard]] result<void> check() const;
};

/// Decides about a request. Made from `A(const http::handshake&)` or a coroutine
/// `task<A>(http::handshake)`, which has `http::options::reply_timeout` to decide. `A` makes an
/// `admission<>`. **Threads**: called on the loop of the request; with several loops, on several at
/// once.
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
    shared_function<admission<>(const http::handshake&)> now_;
    shared_function<task<admission<>>(http::handshake)> later_;
};

/// A refused request. **Lifetime**: the call.
struct connection_error {
    errc code;
    std::string_view message;  ///< What we told the client.
    std::string_view context;  ///< The wrong value, or a reason. May come from the peer.
    std::string_view url;
    std::string_view address;
};

/// The options of an Engine.IO server. **Units**: bytes.
///
/// **Threads**: callbacks are called on the loop of their request; with several loops, on several
/// at once.
struct options {
    std::string path = "/socket.io";
    /// False: the path also works without a slash at its end.
    bool add_trailing_slash = true;
    /// How clients may connect: one or both.
    std::vector<transport_kind> transports{transport_kind::polling, transport_kind::websocket};
    /// Clients may upgrade from polling to WebSocket.
    bool allow_upgrades = true;
    /// Allows clients of Socket.IO 2 (Engine.IO protocol 3).
    bool allow_eio3 = false;

    /// A text message for every client, right after the handshake. Empty: none. Socket.IO clients
    /// expect none.
    std::string initial_packet{};

    // Liveness. A waiting poll is answered at the next ping at the latest, so `ping_interval` must
    // be less than `http::options::reply_timeout`.
    duration ping_interval = std::chrono::seconds(25);
    /// How long we wait for anything from the client after a ping.
    duration ping_timeout = std::chrono::seconds(20);
    /// From the WebSocket's handshake to the client's `5`.
    duration upgrade_timeout = std::chrono::seconds(10);
    /// How long a closing session waits for its last polls.
    duration close_timeout = std::chrono::seconds(30);
    /// How long a polling session waits for its second request. One whose client never comes back
    /// ends.
    duration handshake_timeout = std::chrono::seconds(20);

    // Limits.
    std::uint64_t max_http_buffer_size =
        1'000'000;  ///< Of a POST (above: 413) and of a WebSocket message (above: 1009).
    /// In one POST. Above: 400, and the session ends. Clients put all waiting packets into one
    /// POST, limited only by its size. 0: no limit.
    std::size_t max_packets = 0;
    /// Over all loops. Above, one ends that has waited for its second request for longest; if all
    /// have come back: 503.
    std::size_t max_sessions = 1'000'000;
    /// Of one IPv4 address or IPv6 /64. Above: the same, among those of the address. Large enough
    /// for an office behind one address. Behind a proxy all clients have one address: make it as
    /// large as `max_sessions`. 0: no limit.
    std::size_t max_sessions_per_address = 10'000;
    /// How much may wait for one client. At least 128 KiB.
    std::size_t max_queue = 4 * 1024 * 1024;
    /// What happens when the queue is full. Packets of one event are kept or dropped together.
    overflow_policy overflow = overflow_policy::close;
    /// How fast a client may send. Who polls gets the answer to a POST when it is even again.
    /// Unset: no limit.
    std::optional<receive_rate> rate{};

    // Compression.
    /// Compresses polling replies from this size on, if the client takes gzip or deflate. Unset:
    /// never.
    std::optional<std::size_t> http_compression = 1024;
    std::optional<ws::deflate_options> per_message_deflate{};

    // Who may connect.
    /// For polling and WebSocket. A foreign origin gets 403 before anything else is checked.
    ws::origin_check origin = ws::origin_check::same_or_listed;
    /// `https://example.org` and so on. `null` stands for opaque origins.
    std::vector<std::string> origins{};
    std::optional<cors_options> cors{};
    /// Set by the first polling reply, for load balancers: `{.name = "io"}`. Its value is the id of
    /// the session.
    std::optional<http::cookie> cookie{};
    /// Asked about every request, one after the other. A refusal without a status is 400, "Bad
    /// request". If they return an `identity` when a session opens, all its requests must have the
    /// same one.
    std::vector<guard> middlewares{};
    /// Asked about the first request of a session. A refusal without a status is 403 with its text
    /// (400 for a WebSocket, as in Node).
    std::optional<guard> allow_request{};

    // Headers and events.
    /// May add headers to the first response of a session (also a 101).
    shared_function<void(http::response& headers, const http::request&)> initial_headers{};
    /// May add headers to every response.
    shared_function<void(http::response& headers, const http::request&)> headers{};
    shared_function<void(const connection_error&)> on_connection_error{};

    /// **Errors**: `invalid_argument`. Says which option is wrong and what it may be.
    [[nodiscard]] result<void> check() const;
};

}  // namespace weft::engineio
