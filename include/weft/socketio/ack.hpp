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
/// **Threads**: any. **Lifetime**: shared by all that still owe an answer. Answers after the end
/// are dropped.
class ack_route {
public:
    virtual ~ack_route() = default;

    /// Answers the event `id` of the socket `peer`. Copies nothing on the socket's own thread.
    virtual void acknowledge(std::uint64_t peer, std::uint64_t id,
                             const encoded_arguments& what) noexcept = 0;
    virtual void acknowledge(std::uint64_t peer, std::uint64_t id,
                             encoded_arguments&& what) noexcept = 0;
    /// The event could not be handled: answers with an error if there is an `id`, counts it, and
    /// calls `on_error`.
    virtual void refuse(std::uint64_t peer, std::optional<std::uint64_t> id,
                        const error& why) noexcept = 0;
    /// A handler of `event` threw: as `refuse`, but tells the peer only `internal error`. The log
    /// has the rest.
    virtual void failed(std::uint64_t peer, std::optional<std::uint64_t> id,
                        std::exception_ptr thrown, std::string_view event) noexcept = 0;
};

}  // namespace detail

/// The right to acknowledge one event, once, now or later. It is false if the peer did not ask for
/// an acknowledgement: then `send` does nothing, but `refuse` and `fail` still report.
/// **Threads**: any. **Lifetime**: may outlive the socket; then it does nothing. If destroyed
/// unused, it sends nothing, and the peer's time-out passes.
class raw_ack {
public:
    raw_ack() noexcept = default;
    /// For the library.
    raw_ack(std::shared_ptr<detail::ack_route> route, std::uint64_t peer,
            std::optional<std::uint64_t> id) noexcept
        : route_(std::move(route)), peer_(peer), id_(id) {}
    raw_ack(raw_ack&&) noexcept = default;
    raw_ack& operator=(raw_ack&&) noexcept = default;

    /// Whether the peer still waits for an answer.
    explicit operator bool() const noexcept { return route_ != nullptr && id_.has_value(); }

    void send(const encoded_arguments& what) noexcept;
    void send(encoded_arguments&& what) noexcept;
    /// Answers `{"error":{"code":"<category>.<name>","message":"..."}}` if the peer asked for an
    /// answer. Calls `on_error` and counts in any case.
    void refuse(const error& why) noexcept;
    /// A handler of `event` threw: answers `{"error":{"code":"socketio.handler_failed",...}}` and
    /// logs the exception.
    void fail(std::exception_ptr thrown, std::string_view event = {}) noexcept;

    /// A copy that cannot answer. It reports errors after the original was given away.
    [[nodiscard]] raw_ack reporter() const noexcept { return {route_, peer_, std::nullopt}; }

private:
    std::shared_ptr<detail::ack_route> route_;
    std::uint64_t peer_ = 0;
    std::optional<std::uint64_t> id_;
};

/// The right to acknowledge one event. The last parameter of a handler that acknowledges by itself:
///
///     io.on("save", [](socket&, std::string text, ack done) {
///         store(std::move(text),
///               [done = std::move(done)](int version) mutable { done(version); });
///     });
///
/// **Threads**: any. **Lifetime**: as `raw_ack`.
class ack {
public:
    ack() noexcept = default;
    /// For the library.
    explicit ack(raw_ack reply) noexcept : reply_(std::move(reply)) {}

    /// Whether the peer still waits for an answer.
    explicit operator bool() const noexcept { return static_cast<bool>(reply_); }
    /// Acknowledges with these values. Takes what `emit` takes. Only the first call counts.
    template <class... A>
    void operator()(const A&... args) {
        if (reply_) reply_.send(detail::encode_arguments(args...));
    }
    /// Acknowledges with an error; see `raw_ack::refuse`.
    void refuse(const error& why) noexcept { reply_.refuse(why); }

private:
    raw_ack reply_;
};

}  // namespace weft::socketio
