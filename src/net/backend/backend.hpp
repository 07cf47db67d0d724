#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <system_error>

#include <sys/uio.h>

#include <weft/base/bytes.hpp>
#include <weft/base/result.hpp>
#include <weft/base/time.hpp>
#include <weft/net/listen_options.hpp>
#include <weft/net/socket_address.hpp>

namespace weft::net {

/// What an event is about: a kind, a slot and its generation, so that an event which outlived its
/// object (a descriptor reused within one batch) finds nothing.
struct io_token {
    enum class kind : std::uint8_t { stream = 1, listener = 2 };
    kind what = kind::stream;
    std::uint32_t slot = 0;  // 24 bits
    std::uint32_t generation = 0;

    [[nodiscard]] std::uint64_t pack() const noexcept {
        return std::uint64_t{static_cast<std::uint8_t>(what)} << 56U | std::uint64_t{slot} << 32U |
               generation;
    }
    static io_token unpack(std::uint64_t value) noexcept {
        return {static_cast<kind>(value >> 56U),
                static_cast<std::uint32_t>(value >> 32U) & 0xFF'FFFFU,
                static_cast<std::uint32_t>(value)};
    }
};

/// How an operation on a descriptor went.
struct io_result {
    enum class status : std::uint8_t {
        done,         ///< `bytes` were moved; when sending, fewer than offered means no more room
        in_flight,    ///< sending only: the backend works on the bytes until `on_sent`
        would_block,  ///< nothing moved; an event will come
        ended,        ///< receiving only: the peer will send no more
        failed,       ///< `error` says why
    };
    status what = status::done;
    std::size_t bytes = 0;
    std::error_code error{};
};

/// What was received, and where it lies.
struct receive_result {
    io_result::status what = io_result::status::done;
    /// Nothing is left for now: the next bytes come with an event of their own.
    bool emptied = false;
    byte_span data{};
    std::error_code error{};
};

/// Told by `backend::wait` what happened.
class event_sink {
public:
    /// The first call of every `wait`, with the time of the events that follow.
    virtual void on_wake(time_point now) noexcept = 0;
    virtual void on_acceptable(io_token listener) noexcept = 0;
    /// There are bytes to receive. Edge-triggered: it is said once for all that is there.
    virtual void on_readable(io_token stream) noexcept = 0;
    /// The peer's end is there, perhaps behind bytes: receive until it shows.
    virtual void on_ending(io_token stream) noexcept = 0;
    /// Connected, or room to send again after `would_block`. Edge-triggered.
    virtual void on_writable(io_token stream) noexcept = 0;
    /// Room and bytes at once: what an edge-triggered kernel says of a healthy stream each time.
    virtual void on_ready(io_token stream) noexcept {
        on_writable(stream);
        on_readable(stream);
    }
    /// The stream is over in both directions (reset, failed connect, both ends sent): receive what
    /// is left.
    virtual void on_broken(io_token stream) noexcept = 0;
    /// The end of the send that was `in_flight`: `done` or `failed`. Said exactly once for each,
    /// also when the stream was closed or left since.
    virtual void on_sent(io_token stream, const io_result& how) noexcept = 0;

protected:
    ~event_sink() = default;
};

/// The system as a loop sees it: descriptors, readiness and the clock. One implementation per way
/// of asking the kernel, and one in memory for tests; the loop's code is the same above all of
/// them.
///
/// A backend may complete at once (epoll) or later (io_uring: it keeps its receives armed and
/// answers `receive` from the buffers that have completed; `send` holds its submission until
/// `wait`, where one system call carries all of them). So the loop keeps the rules of the latter:
/// what a send offered stays where and as it is until the send is over, and received bytes are
/// taken from where the backend says.
/// **Threads**: all calls from the loop's thread, except `wake`.
class backend {
public:
    virtual ~backend() = default;

    [[nodiscard]] virtual time_point now() const noexcept = 0;
    /// Blocks for at most `timeout` and reports at most one batch of events.
    virtual void wait(duration timeout, event_sink& sink) noexcept = 0;
    /// Readable when `wait` would report something: for those who have a loop of their own. -1
    /// without one.
    [[nodiscard]] virtual int descriptor() const noexcept { return -1; }
    /// Makes the running or next `wait` return. **Threads**: any.
    virtual void wake() noexcept = 0;

    virtual result<int> listen(const listen_options& options) = 0;
    [[nodiscard]] virtual result<socket_address> local_address(int fd) = 0;
    /// One waiting connection, non-blocking and with Nagle's algorithm off.
    virtual io_result accept(int listener, int& fd, socket_address& peer) noexcept = 0;
    /// Starts connecting; `on_writable` or `on_broken` tells the end.
    virtual result<int> connect(const socket_address& address) = 0;
    /// Why a connect failed or a connection was reset; none when neither happened. The system
    /// forgets it when asked.
    [[nodiscard]] virtual std::error_code take_error(int fd) noexcept = 0;

    virtual std::error_code watch_listener(int fd, io_token token) noexcept = 0;
    virtual void pause_listener(int fd, io_token token, bool paused) noexcept = 0;
    virtual std::error_code watch_stream(int fd, io_token token) noexcept = 0;
    /// No more events but `on_sent`; the descriptor stays open, for another backend of this kind
    /// to watch. A send in flight moves no further: returns how many of its bytes were sent.
    virtual std::size_t unwatch(int fd) noexcept = 0;

    /// Receives into `into` or hands out a buffer of the backend: it may be written to, and is
    /// good until the next `receive` or `wait`. Either has 64 readable bytes behind the data.
    virtual receive_result receive(int fd, byte_span into) noexcept = 0;
    /// Sends from the pieces in order; never raises SIGPIPE. With `in_flight` the backend uses
    /// what the pieces point to (not the array of them) until `on_sent`: it must neither change
    /// nor go, whatever becomes of the stream. The descriptor sends nothing else meanwhile, and
    /// gets no `shutdown`.
    virtual io_result send(int fd, std::span<const iovec> pieces) noexcept = 0;
    /// As `send`, for bytes that cannot wait: never `in_flight`.
    virtual io_result send_now(int fd, std::span<const iovec> pieces) noexcept = 0;
    /// Bytes sent that the other system has not acknowledged yet; 0 when nobody knows.
    [[nodiscard]] virtual std::size_t undelivered(int fd) noexcept = 0;
    /// Sends our end after everything sent before.
    virtual void shutdown(int fd) noexcept = 0;
    /// A send in flight is cut short, here and by `reset`: its `on_sent` comes soon, and nobody
    /// else gets the descriptor's number before.
    virtual void close(int fd) noexcept = 0;
    /// Closes with a reset.
    virtual void reset(int fd) noexcept = 0;
    /// The loop ends, all is closed: waits until nothing is in flight any more and tells it.
    virtual void finish_sends(event_sink& sink) noexcept = 0;

    /// Frees one descriptor for a moment to take a connection from the full queue and drop it, so
    /// that its client learns at once and the listener does not spin. False when even that is
    /// impossible.
    virtual bool shed_connection(int listener) noexcept = 0;
};

}  // namespace weft::net
