#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include <weft/base/result.hpp>
#include <weft/socketio/arguments.hpp>

namespace weft::socketio {

namespace detail {

/// Where acknowledgements go: the loop of a server's socket, or a client.
/// **Threads**: every function any. **Lifetime**: shared by those who still owe an answer; what
/// comes after the end is dropped.
class ack_route {
public:
    virtual ~ack_route() = default;

    /// Answers the event `id` of the socket `peer`. On the socket's own thread nothing is copied.
    virtual void acknowledge(std::uint64_t peer, std::uint64_t id,
                             const encoded_arguments& what) noexcept = 0;
    virtual void acknowledge(std::uint64_t peer, std::uint64_t id,
                             encoded_arguments&& what) noexcept = 0;
    /// The event could not be handled: answers with an error when an `id` was given, counts, and
    /// tells `on_error`.
    virtual void refuse(std::uint64_t peer, std::optional<std::uint64_t> id,
                        const error& why) noexcept = 0;
    /// A handler of `event` threw: as `refuse`, but the peer learns no more than `internal error`;
    /// the log has the rest.
    virtual void failed(std::uint64_t peer, std::optional<std::uint64_t> id,
                        std::exception_ptr thrown, std::string_view event) noexcept = 0;
};

}  // namespace detail

/// The right to acknowledge one event, once, now or later. False when the peer asked for no
/// acknowledgement: then `send` does nothing, `refuse` and `fail` still report.
/// **Threads**: any. **Lifetime**: may outlive the socket; then it does nothing. Destroyed unused,
/// it sends nothing: the peer's time-out tells it.
class raw_ack {
public:
    raw_ack() noexcept = default;
    /// For the library.
    raw_ack(std::shared_ptr<detail::ack_route> route, std::uint64_t peer,
            std::optional<std::uint64_t> id) noexcept
        : route_(std::move(route)), peer_(peer), id_(id) {}
    raw_ack(raw_ack&&) noexcept = default;
    raw_ack& operator=(raw_ack&&) noexcept = default;

    /// Whether the peer waits for an answer that was not given yet.
    explicit operator bool() const noexcept { return route_ != nullptr && id_.has_value(); }

    void send(const encoded_arguments& what) noexcept;
    void send(encoded_arguments&& what) noexcept;
    /// `{"error":{"code":"<category>.<name>","message":"..."}}`, where it was asked for; `on_error`
    /// and a counter in any case.
    void refuse(const error& why) noexcept;
    /// What a handler of `event` threw: `{"error":{"code":"socketio.handler_failed",...}}`, and the
    /// log.
    void fail(std::exception_ptr thrown, std::string_view event = {}) noexcept;

    /// One that answers nobody, and still can report what happens after this one was given away.
    [[nodiscard]] raw_ack reporter() const noexcept { return {route_, peer_, std::nullopt}; }

private:
    std::shared_ptr<detail::ack_route> route_;
    std::uint64_t peer_ = 0;
    std::optional<std::uint64_t> id_;
};

/// The right to acknowledge one event, as the last parameter of a handler that does so itself:
///
///     io.on("save", [](socket&, std::string text, ack done) {
///         store(std::move(text), [done = std::move(done)](int version) mutable { done(version);
///         });
///     });
///
/// **Threads**: any. **Lifetime**: as `raw_ack`.
class ack {
public:
    ack() noexcept = default;
    /// For the library.
    explicit ack(raw_ack to) noexcept : to_(std::move(to)) {}

    /// Whether the peer waits for an answer that was not given yet.
    explicit operator bool() const noexcept { return static_cast<bool>(to_); }
    /// Acknowledges with these values, any that `emit` takes. The first call counts.
    template <class... A>
    void operator()(const A&... args) {
        if (to_) to_.send(detail::encode_arguments(args...));
    }
    /// Acknowledges with an error, see `raw_ack::refuse`.
    void refuse(const error& why) noexcept { to_.refuse(why); }

private:
    raw_ack to_;
};

}  // namespace weft::socketio
