#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <weft/socketio/ack.hpp>
#include <weft/socketio/socket.hpp>

namespace weft::socketio {

/// A reference to a socket, to keep in coroutines, other threads and containers. It can do what the
/// socket can. If the socket is gone, calls do nothing, but you can still send to rooms.
///
/// **Threads**: any. From another thread a call travels to the socket's loop as a task; `queued`
/// then means only that. **Cost**: from another thread, a copy of the arguments and one or two
/// allocations.
class socket_ref : public event_verbs<socket_ref>, public room_verbs<socket_ref> {
public:
    using ref_type = socket_ref;
    static constexpr bool has_latest = true;

    /// Refers to no socket.
    socket_ref() noexcept = default;

    [[nodiscard]] std::string_view id() const noexcept {
        return space_ != nullptr ? std::string_view(id_.data(), id_.size()) : std::string_view();
    }
    /// The name of the namespace.
    [[nodiscard]] std::string_view nsp() const noexcept;
    [[nodiscard]] socket_ref ref() const { return *this; }
    /// The loop of the socket. Wait on it: `co_await sleep_for(s.loop(), 1s)`.
    [[nodiscard]] loop_ref loop() const;

    [[nodiscard]] broadcast_operator broadcast() const { return others(); }

    void join(std::string_view room) const;
    void leave(std::string_view room) const;
    void disconnect(disconnect_scope what = disconnect_scope::this_namespace) const;
    /// Runs `task(socket&)` on the socket's loop; at once if this is its thread. Does nothing if
    /// the socket is gone.
    void with(unique_function<void(socket&)> task) const;

    friend bool operator==(const socket_ref& a, const socket_ref& b) noexcept {
        return a.id() == b.id();
    }

private:
    friend class socket;
    friend class emission<socket_ref>;
    friend class event_verbs<socket_ref>;
    friend class room_verbs<socket_ref>;

    [[nodiscard]] emission<socket_ref> phrase() const noexcept {
        return emission<socket_ref>(*this);
    }
    [[nodiscard]] broadcast_operator others() const;
    [[nodiscard]] socket* here() const noexcept;
    send_status emit_encoded(std::string_view event, const encoded_arguments& args,
                             const detail::emit_flags& flags) const;
    void emit_awaiting(std::string_view event, const encoded_arguments& args,
                       const detail::emit_flags& flags, detail::ack_callback on_ack) const;

    std::shared_ptr<detail::loop_context> context_;
    std::shared_ptr<const detail::space_info> space_;
    std::uint64_t key_ = 0;  // slot and generation
    std::array<char, 20> id_{};
};

}  // namespace weft::socketio
