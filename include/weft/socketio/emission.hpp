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

/// A phrase that ends in an event for one peer: `s.timeout(5s).emit_with_ack<int>("ask")`.
/// `Target` is `socket`, `client_socket`, or a name of one of them. **Lifetime**: its expression;
/// it cannot be kept.
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
    /// For the answer that comes; `told` takes a `result<R>`.
    template <class R, class Told>
    static auto decoding(Told told) {
        return [told = std::move(told)](const result<raw_arguments>& answer) mutable {
            told(detail::decode_answer<R>(answer));
        };
    }

    const Target& target_;
    detail::emit_flags flags_;
};

/// The verbs that send events, and those that begin a chain which does: of a server's `socket`, of
/// a `client_socket`, of the names of both, and of a `space`, which speaks to all of its sockets.
/// `Self` derives from this.
template <class Self>
class event_verbs {
public:
    /// Sends an event. `args` are what `codec.hpp` knows how to write. A client's event waits while
    /// it is disconnected: `queued`.
    /// **Cost**: encoded once, and written straight into the connections' queues.
    template <class... Args>
    auto emit(std::string_view event, const Args&... args) const {
        return begin().emit(event, args...);
    }
    /// `emit("message", args...)`.
    template <class... Args>
    auto send(const Args&... args) const {
        return begin().send(args...);
    }
    /// Sends an event that the peer acknowledges with an `R`: awaited,
    ///
    ///     weft::result<int> answer = co_await s.emit_with_ack<int>("ask", "how many?");
    ///
    /// or told to a callback `void(weft::result<R>)`, the last argument; of a `space`, both get
    /// `broadcast_replies<R>`. What is not awaited is not sent. Fails with `condition::timed_out`,
    /// with `peer_gone` when the socket is disconnected meanwhile, with `limit_exceeded` above
    /// `max_pending_acks`, or with what the peer sent as error.
    template <class R = void, class... Args>
    auto emit_with_ack(std::string_view event, Args&&... args) const {
        return begin().template emit_with_ack<R>(event, std::forward<Args>(args)...);
    }
    /// Chains, such as `s.volatile_().emit("position", x, y)`; see `detail::phrase_links`.
    [[nodiscard]] auto volatile_() const { return begin().volatile_(); }
    [[nodiscard]] auto latest(std::string_view key) const requires(Self::has_latest) {
        return begin().latest(key);
    }
    [[nodiscard]] auto uncompressed() const { return begin().uncompressed(); }
    [[nodiscard]] auto timeout(duration limit) const { return begin().timeout(limit); }

private:
    [[nodiscard]] auto begin() const { return static_cast<const Self&>(*this).phrase(); }
};

}  // namespace weft::socketio
