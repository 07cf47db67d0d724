#pragma once

#include <string>
#include <string_view>
#include <utility>

#include <weft/pubsub/message.hpp>
#include <weft/socketio/codec.hpp>
#include <weft/socketio/detail/emit.hpp>
#include <weft/socketio/detail/reply_awaitable.hpp>
#include <weft/socketio/detail/typed.hpp>

namespace weft::socketio {

/// A chain of calls that sends an event to one peer: `s.timeout(5s).emit_with_ack<int>("ask")`.
/// `Target` is `socket`, `socket_ref`, `client_socket` or `client_socket_ref`. **Lifetime**: one
/// expression; you cannot keep it.
template <class Target>
class emission : public detail::phrase_links<emission<Target>> {
public:
    static constexpr bool has_latest = Target::has_latest;

    template <class... Args>
    send_status emit(std::string_view event, const Args&... args) && {
        return target_.emit_encoded(event, detail::encode_arguments(args...), flags_);
    }
    template <class... Args>
    send_status send(const Args&... args) && {
        return std::move(*this).emit("message", args...);
    }
    /// See `event_verbs::emit_with_ack`.
    template <class R = void, class... Args>
    auto emit_with_ack(std::string_view event, Args&&... args) && {
        if constexpr (detail::last_is<result<R>, Args...>) {
            detail::with_callback(
                [&](auto told, const encoded_arguments& encoded) {
                    target_.emit_awaiting(event, encoded, flags_, decoding<R>(std::move(told)));
                },
                std::forward<Args>(args)...);
        } else {
            return detail::await_reply<result<R>>(
                [target = target_.ref(), event = std::string(event), flags = flags_,
                 encoded = detail::encode_arguments(args...)](auto told) {
                    target.emit_awaiting(event, encoded, flags, decoding<R>(std::move(told)));
                });
        }
    }

private:
    friend Target;
    friend class detail::phrase_links<emission<Target>>;
    explicit emission(const Target& target) noexcept : target_(target) {}

    [[nodiscard]] detail::emit_flags& flags() noexcept { return flags_; }
    /// Decodes the answer for `told`, which takes a `result<R>`.
    template <class R, class Told>
    static auto decoding(Told told) {
        return [told = std::move(told)](const result<raw_arguments>& answer) mutable {
            told(detail::decode_answer<R>(answer));
        };
    }

    const Target& target_;
    detail::emit_flags flags_;
};

/// The functions that send events or begin a chain that does. `Self` derives from this: `socket`,
/// `socket_ref`, `client_socket`, `client_socket_ref`, and `space`, which sends to all its sockets.
template <class Self>
class event_verbs {
public:
    /// Sends an event. `args` may have any type that codec.hpp can encode. An event of a client
    /// that is disconnected waits: `queued`. Names that Socket.IO uses itself (`disconnect`), or
    /// that are not UTF-8, are not sent: `misuse`.
    /// **Cost**: encodes once, and writes straight into the queues of the connections.
    template <class... Args>
    auto emit(std::string_view event, const Args&... args) const {
        return begin().emit(event, args...);
    }
    /// `emit("message", args...)`.
    template <class... Args>
    auto send(const Args&... args) const {
        return begin().send(args...);
    }
    /// Sends an event that the peer acknowledges with an `R`. Await it:
    ///
    ///     weft::result<int> answer = co_await s.emit_with_ack<int>("ask", "how many?");
    ///
    /// or pass a callback `void(weft::result<R>)` as the last argument. If you do neither, nothing
    /// is sent. A `space` gives a `broadcast_replies<R>` instead of a `result<R>`.
    /// **Errors**: `condition::timed_out`; `peer_gone` if the socket disconnects; `limit_exceeded`
    /// above `max_pending_acks`; the error that the peer sent.
    template <class R = void, class... Args>
    auto emit_with_ack(std::string_view event, Args&&... args) const {
        return begin().template emit_with_ack<R>(event, std::forward<Args>(args)...);
    }
    /// These begin a chain: `s.volatile_().emit("position", x, y)`. See `detail::phrase_links`.
    [[nodiscard]] auto volatile_() const { return begin().volatile_(); }
    template <class S = Self>  // Self is incomplete here
    requires(S::has_latest) [[nodiscard]] auto latest(std::string_view key) const {
        return begin().latest(key);
    }
    [[nodiscard]] auto uncompressed() const { return begin().uncompressed(); }
    [[nodiscard]] auto timeout(duration limit) const { return begin().timeout(limit); }

private:
    [[nodiscard]] auto begin() const { return static_cast<const Self&>(*this).phrase(); }
};

}  // namespace weft::socketio
