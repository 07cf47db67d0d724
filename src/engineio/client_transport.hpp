#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <weft/base/result.hpp>
#include <weft/base/unique_function.hpp>
#include <weft/engineio/options.hpp>
#include <weft/pubsub/message.hpp>
#include <weft/ws/client.hpp>

#include "engineio/client_cookies.hpp"
#include "engineio/proto/packet.hpp"
#include "engineio/transport.hpp"
#include "http/client_connection.hpp"
#include "ws/client_url.hpp"

namespace weft::engineio {

/// What the transports of one session have in common. **Lifetime**: outlives them.
struct client_route {
    net::loop_core& loop;
    ws::client_context& websockets;
    ws::client_url url;                      ///< Its target is path and user's query.
    std::vector<ws::client_header> headers;  ///< `Authorization` of the URL included.
    std::string proxy;                       ///< As `ws::client_options::proxy`.
    bool with_cookies = false;
    std::size_t max_message = 0;  ///< Of a WebSocket message, and of a polling reply.
    std::size_t max_queue = 0;
    duration timeout{};                         ///< For making a connection.
    std::optional<duration> request_timeout{};  ///< Of polling requests.
    std::optional<ws::deflate_options> deflate{};
    std::uint64_t requests = 0;  ///< Makes each URL a new one, for caches between.
    std::string sid{};           ///< Empty until the session is open.
    cookie_jar cookies{};

    /// Path and query of the next request.
    [[nodiscard]] std::string target(transport_kind how);
    /// The user's headers, and the cookies.
    [[nodiscard]] std::vector<ws::client_header> request_headers() const;
};

/// Who hears of a transport. May destroy it in every call.
class client_transport_user {
public:
    /// `data` is valid for the call; text is valid UTF-8, base64 is decoded.
    virtual void on_packet(packet_type type, message_view data) = 0;
    /// The transport takes packets again.
    virtual void on_writable() = 0;
    /// The last call. No error: the other side closed in order. `response`: how it refused.
    virtual void on_transport_closed(std::optional<error> why,
                                     const http::client_response* response = nullptr) = 0;

protected:
    ~client_transport_user() = default;
};

/// The client's side of a transport. `send` only while it is `writable`. Nothing here calls the
/// user before it returns.
/// **Lifetime**: may be destroyed at any time, also in a call to its user; drops its connections.
class client_transport : public transport {
public:
    explicit client_transport(client_transport_user& user) noexcept : user_(&user) {}
    virtual ~client_transport() = default;

    void set_user(client_transport_user& user) noexcept { user_ = &user; }
    /// **Errors**: of the options.
    virtual result<void> open() = 0;
    /// Whether `send` may be called.
    [[nodiscard]] virtual bool writable() const noexcept = 0;
    /// When a part of what is not complete yet last came; nothing if that has not begun.
    [[nodiscard]] virtual std::optional<time_point> receiving() const noexcept = 0;
    /// Stops asking for packets; `done` is called later, when no request is under way any more.
    virtual void pause(unique_function<void()> done) = 0;
    virtual void resume() = 0;
    /// Takes leave in order; `on_transport_closed` follows.
    virtual void close() = 0;

protected:
    [[nodiscard]] client_transport_user& user() const noexcept { return *user_; }

private:
    client_transport_user* user_;
};

[[nodiscard]] std::unique_ptr<client_transport> make_client_polling(client_route& route,
                                                                    client_transport_user& user);
[[nodiscard]] std::unique_ptr<client_transport> make_client_websocket(client_route& route,
                                                                      client_transport_user& user);

}  // namespace weft::engineio
