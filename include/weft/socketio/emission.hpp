#pragma once

#include <string>
#include <string_view>
#include <utility>

#include <weft/pubsub/message.hpp>
#include <weft/socketio/codec.hpp>
#include <weft/socketio/detail/emit.hpp>
#include <weft/socketio/detail/typed.hpp>

namespace weft::socketio {

/// A phrase that ends in an event for one client: `s.timeout(5s).emit_with_ack<int>("ask")`.
/// `Target` is `socket` or `const socket_ref`. **Lifetime**: its expression; it cannot be kept.
template <class Target>
class emission {
public:
    /// Not sent when the client is behind: what is wanted of a position, not of a move.
    [[nodiscard]] emission&& volatile_() && noexcept {
        flags_.droppable = true;
        return std::move(*this);
    }
    /// While the client is behind, only the newest event of this key waits for it, in the place of
    /// the one before: `s.latest("AAPL").emit("quote", price)`. Keys belong to the namespace. An
    /// event that asks for an acknowledgement is never replaced.
    [[nodiscard]] emission&& latest(std::string_view key) && requires requires { &Target::latest; }
    {
        flags_.latest = key;
        return std::move(*this);
    }
    /// Never compressed, such as a secret beside text that others choose.
    [[nodiscard]] emission&& uncompressed() && noexcept {
        flags_.uncompressed = true;
        return std::move(*this);
    }
    /// How long to wait for an acknowledgement.
    [[nodiscard]] emission&& timeout(duration limit) && noexcept {
        flags_.timeout = limit;
        return std::move(*this);
    }

    template <class... Args>
    send_status emit(std::string_view event, const Args&... args) && {
        return target_.emit_encoded(event, detail::encode_arguments(args...), flags_);
    }
    template <class... Args>
    send_status send(const Args&... args) && {
        return std::move(*this).emit("message", args...);
    }
    /// See `socket::emit_with_ack`.
    template <class R = void, class... Args>
    auto emit_with_ack(std::string_view event, Args&&... args) && {
        if constexpr (detail::last_is<result<R>, Args...>) {
            detail::with_callback(
                [&](auto told, const encoded_arguments& encoded) {
                    target_.emit_awaiting(
                        event, encoded, flags_,
                        [told = std::move(told)](const result<raw_arguments>& answer) mutable {
                            told(detail::decode_answer<R>(answer));
                        });
                },
                std::forward<Args>(args)...);
        } else {
            return detail::ack_awaitable<R>(
                [where = target_.ref(), name = std::string(event), flags = flags_,
                 encoded = detail::encode_arguments(args...)](detail::ack_callback told) {
                    where.emit_awaiting(name, encoded, flags, std::move(told));
                });
        }
    }

private:
    friend Target;
    explicit emission(Target& target) noexcept : target_(target) {}

    Target& target_;
    detail::emit_flags flags_;
};

}  // namespace weft::socketio
