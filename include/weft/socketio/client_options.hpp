#pragma once

#include <concepts>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <weft/base/result.hpp>
#include <weft/base/shared_function.hpp>
#include <weft/base/time.hpp>
#include <weft/engineio/options.hpp>
#include <weft/socketio/arguments.hpp>
#include <weft/socketio/options.hpp>

namespace weft::socketio {

/// The credentials of a client: an object, such as a map or a structure with `WEFT_FIELDS`, or a
/// function that makes one for each connection.
class client_auth {
public:
    client_auth() = default;
    template <class T>
    requires(!std::is_same_v<std::remove_cvref_t<T>, client_auth>)
        client_auth(T what) {  // NOLINT(google-explicit-constructor)
        if constexpr (std::invocable<const T&>) {
            make_ = [make = std::move(what)] { return detail::encode_arguments(make()).json; };
        } else {
            make_ = [json = detail::encode_arguments(what).json] { return json; };
        }
    }

    /// For the library: a JSON object, or empty.
    [[nodiscard]] std::string json() const { return make_ ? make_() : std::string(); }

private:
    shared_function<std::string()> make_;
};

/// The options of a client. Names and defaults are those of the JavaScript client. **Units**:
/// bytes.
struct client_options {
    /// `http://host:port/namespace?query`, `https://`, `ws://`, or `wss://`. The path names the
    /// namespace of `client::socket`; the connection does not use it.
    std::string url{};

    // The connection below.
    std::string path = "/socket.io";
    bool add_trailing_slash = true;
    std::vector<std::pair<std::string, std::string>> query{};
    std::vector<std::pair<std::string, std::string>> extra_headers{};
    /// An HTTP proxy that tunnels by CONNECT: `http://user:password@host:port`. The environment is
    /// not asked.
    std::string proxy{};
    /// The client begins with the first.
    std::vector<engineio::transport_kind> transports{engineio::transport_kind::polling,
                                                     engineio::transport_kind::websocket};
    bool upgrade = true;
    /// Begins with WebSocket if the last connection had been upgraded to it.
    bool remember_upgrade = false;
    /// If one transport cannot connect, tries the next.
    bool try_all_transports = false;
    /// Keeps the server's cookies while connected. Load balancers need them for polling.
    bool with_credentials = false;
    /// For one polling request. Unset: only the heartbeat limits it.
    std::optional<duration> request_timeout{};
    /// Offers to compress WebSocket messages. The JavaScript client always offers it; Node's server
    /// accepts it only if configured.
    std::optional<ws::deflate_options> per_message_deflate{};

    // Connecting and reconnecting.
    /// Connects in the next turn of the loop, without a call of `connect`.
    bool auto_connect = true;
    bool reconnection = true;
    /// Gives up after so many attempts without a connection that lasts. Unset: never.
    std::optional<unsigned> reconnection_attempts{};
    /// After a connection that lasted so long the count and the delays begin again. One that ends
    /// sooner counts as another attempt that failed.
    duration reconnection_stable_after = std::chrono::seconds(10);
    duration reconnection_delay = std::chrono::seconds(1);
    duration reconnection_delay_max = std::chrono::seconds(5);
    /// 0 to 1: how much of a delay is random.
    double randomization_factor = 0.5;
    /// For one attempt to connect.
    duration timeout = std::chrono::seconds(20);

    // Namespaces and packets.
    client_auth auth{};
    packet_parser parser = packet_parser::text;
    /// For acknowledgements without their own `timeout`. Unset: they wait as long as the connection
    /// lasts.
    std::optional<duration> ack_timeout{};
    /// How often an event is sent again if the server does not acknowledge it within `ack_timeout`.
    /// If set, events go out one by one, each after the one before was acknowledged.
    std::optional<unsigned> retries{};

    // Limits.
    std::size_t max_message = 16 * 1024 * 1024;  ///< Of a packet and of a polling reply.
    std::size_t max_attachments = 10;            ///< Of one packet; at most 64.
    /// How much may wait for the server and, per namespace, for the connection. If an event does
    /// not fit, `emit` drops it and says so. At least 128 KiB.
    std::size_t max_queue = 32 * 1024 * 1024;
    /// How many acknowledgements the server may owe each namespace. Further ones fail at once.
    std::size_t max_pending_acks = 10'000;

    /// **Errors**: `invalid_argument`. Says which option is wrong and what it may be.
    [[nodiscard]] result<void> check() const;
};

}  // namespace weft::socketio
