#pragma once

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <weft/base/owned_ptr.hpp>
#include <weft/base/result.hpp>
#include <weft/base/unique_function.hpp>
#include <weft/engineio/transport_kind.hpp>
#include <weft/http/handshake.hpp>
#include <weft/net/loop.hpp>
#include <weft/net/peer.hpp>
#include <weft/pubsub/message.hpp>
#include <weft/socketio/broadcast.hpp>
#include <weft/socketio/codec.hpp>
#include <weft/socketio/detail/emit.hpp>
#include <weft/socketio/disconnect_reason.hpp>
#include <weft/socketio/emission.hpp>

namespace weft::socketio {

class socket_ref;

/// What a `disconnect` ends.
enum class disconnect_scope : std::uint8_t {
    this_namespace,  ///< This socket. The client's other namespaces stay.
    connection,      ///< All sockets of the client, and its connection.
};

/// One client in one namespace, lent to handlers.
///
/// No function here calls a handler before it returns. You may call them in any handler.
/// **Threads**: its loop's. On other threads use a `socket_ref`.
/// **Lifetime**: borrowed for the length of a handler call. You cannot copy, move or make one. Keep
/// `ref()` instead; coroutine handlers get a `socket_ref`.
class socket : public event_verbs<socket>, public room_verbs<socket> {
public:
    static constexpr bool has_latest = true;
    using ref_type = socket_ref;

    socket(const socket&) = delete;
    socket& operator=(const socket&) = delete;

    /// 20 unpredictable characters. Not the id of the connection below. Also the name of a room
    /// that only this socket is in.
    [[nodiscard]] std::string_view id() const noexcept;
    /// The name of the namespace, such as "/chat".
    [[nodiscard]] std::string_view nsp() const noexcept;
    /// Keep it where a reference would dangle.
    [[nodiscard]] socket_ref ref() const;
    /// False in a middleware, and once the socket is disconnected.
    [[nodiscard]] bool connected() const noexcept;
    /// Whether connection state recovery brought back id, rooms and data of an earlier socket.
    [[nodiscard]] bool recovered() const noexcept;
    /// The request that began the client's connection.
    [[nodiscard]] const http::handshake& handshake() const noexcept;
    /// The client, the same in all its namespaces. **Lifetime**: the client's connection.
    [[nodiscard]] weft::peer& peer() const noexcept;
    /// What carries the connection now: polling, or WebSocket after the upgrade.
    [[nodiscard]] engineio::transport_kind transport() const noexcept;
    /// The `auth` that the client sent for this namespace, a JSON object; "{}" if it sent none.
    [[nodiscard]] std::string_view auth() const noexcept;
    /// The same, decoded: `s.auth<credentials>()`. **Errors**: `errc::bad_argument`; says what is
    /// wrong ("auth: token: missing").
    template <class T>
    [[nodiscard]] result<T> auth() const {
        return detail::decode_auth<T>(auth());
    }
    /// The loop of the socket. Coroutines wait on it.
    [[nodiscard]] loop_ref loop() const;

    /// This socket's own `T`. The first call makes it by default. You may keep several types side
    /// by side. It is destroyed with the socket, after `on_disconnect`; connection state recovery
    /// brings it back.
    /// **Cost**: nothing while unused. A look-up compares one pointer per type in use.
    template <class T>
    [[nodiscard]] T& data() {
        static_assert(std::is_default_constructible_v<T>,
                      "weft: data<T>() makes its T by default; give it a default constructor");
        for (detail::data_node* node = first_data(); node != nullptr; node = node->next.get()) {
            if (node->type == &detail::data_type<T>)
                return static_cast<detail::typed_data<T>*>(node)->value;
        }
        auto* const made = new detail::typed_data<T>();
        add_data(weft::detail::owned_ptr<detail::data_node>(made));
        if constexpr (detail::can_be_stored<T>) {
            if (const std::string_view stored = data_of_other_server(); !stored.empty()) {
                if (auto read = from_json<T>(stored)) made->value = *std::move(read);
            }
        }
        return made->value;
    }

    /// Enters a room. False if it was in the room, or above `options::max_rooms`, `max_room_length`
    /// or `server_options::memory_limit`. In a middleware it takes effect once the socket is
    /// connected. After a disconnect it does nothing.
    bool join(std::string_view room);
    bool leave(std::string_view room);
    [[nodiscard]] bool in_room(std::string_view room) const;
    /// All rooms, also its own. `on_disconnecting` can still read them.
    [[nodiscard]] std::vector<std::string> rooms() const;

    /// Sends arguments without decoding them, such as those of a received event.
    send_status relay(std::string_view event, const raw_arguments& args) const;
    /// All other sockets of the namespace.
    [[nodiscard]] broadcast_operator broadcast() const noexcept { return others(); }

    /// Disconnects the client. From now on nothing is sent or handled. `on_disconnecting` and
    /// `on_disconnect` are called later in this turn of the loop.
    void disconnect(disconnect_scope what = disconnect_scope::this_namespace);

protected:
    socket() = default;
    ~socket() = default;

private:
    friend class socket_ref;
    friend class emission<socket>;
    friend class event_verbs<socket>;
    friend class room_verbs<socket>;
    [[nodiscard]] emission<socket> phrase() const noexcept { return emission<socket>(*this); }
    send_status emit_encoded(std::string_view event, const encoded_arguments& args,
                             const detail::emit_flags& flags) const;
    send_status emit_recoverable(std::string_view event, const encoded_arguments& args,
                                 const detail::emit_flags& flags) const;
    void emit_awaiting(std::string_view event, const encoded_arguments& args,
                       const detail::emit_flags& flags, detail::ack_callback on_ack) const;
    [[nodiscard]] broadcast_operator others() const noexcept;
    [[nodiscard]] detail::data_node* first_data() const noexcept;
    [[nodiscard]] std::string_view data_of_other_server() const noexcept;
    void add_data(weft::detail::owned_ptr<detail::data_node> made) noexcept;
};

}  // namespace weft::socketio
