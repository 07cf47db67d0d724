#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <system_error>

#include <weft/base/bytes.hpp>
#include <weft/base/shared_buffer.hpp>
#include <weft/base/time.hpp>
#include <weft/net/conn_id.hpp>
#include <weft/net/peer.hpp>

namespace weft::net {

class access_note;
class tls_client_context;
class loop_core;
class byte_stream;
class moved_stream;

/// What an operator wants to know of a connection. **Lifetime**: borrows its texts.
struct stream_facts {
    std::string_view kind = "other";
    std::string_view path{};
    std::size_t queued = 0;
    std::optional<time_point> since{};
};

/// One protocol on one byte stream (an HTTP/1.1 connection, a WebSocket). The stream owns its
/// handler.
///
/// **Threads**: every call comes from the stream's loop. No call is made from inside a call that
/// the handler makes on the stream: `write`, `close` and the rest only schedule.
/// **Lifetime**: the handler is destroyed at the end of the iteration in which `on_closed` ran or
/// in which it was replaced by `byte_stream::set_handler`.
class stream_handler {
public:
    stream_handler() = default;
    stream_handler(const stream_handler&) = delete;
    stream_handler& operator=(const stream_handler&) = delete;
    virtual ~stream_handler() = default;

    /// The stream is usable: connected, and TLS, if any, is done. Not called on a handler set
    /// later.
    virtual void on_open() noexcept {}

    /// Bytes came. All of them are consumed: what must wait, the handler copies. They may be
    /// changed in place and lie in the loop's receive buffer (or where `read_target` said), with at
    /// least 64 readable bytes behind them. They are gone when the call returns. When a handler
    /// replaces itself during the call, it passes the rest on to the new one itself.
    virtual void on_data(byte_span data) noexcept = 0;

    /// Where the next bytes should go, to save a copy; empty for the loop's own buffer. A hint:
    /// bytes may come in the loop's buffer all the same (TLS, other backends), so compare
    /// `data.data()`.
    virtual byte_span read_target() noexcept { return {}; }

    /// The queue, which had been above `byte_stream::high_water`, or had not been taken by the
    /// kernel at once, is empty again; or `byte_stream::ask_drained` asked.
    virtual void on_drained() noexcept {}

    /// The turn that `byte_stream::await_turn` asked for.
    virtual void on_turn() noexcept {}

    /// The peer will send no more. The default closes the stream after what is queued has been
    /// written.
    virtual void on_end(byte_stream& stream) noexcept;

    /// The peer will send no more, as `on_end` is going to say when reading goes on: it is paused,
    /// and the end may have bytes in front of it. Can be told again when reading is paused anew.
    virtual void on_end_ahead() noexcept {}

    /// The moment given to `byte_stream::set_deadline` has passed. The deadline is off until set
    /// again. Also while what is queued at `close` is still being written.
    virtual void on_deadline() noexcept {}

    /// What a client is told that speaks no TLS to a port that does: sent as it is, then the stream
    /// ends. **Lifetime**: static.
    [[nodiscard]] virtual std::string_view answer_to_plain() const noexcept { return {}; }

    /// The stream's peer has a new identity.
    virtual void on_identified() noexcept {}

    /// Fills in what it knows; `queued` is what the stream has queued.
    virtual void tell_facts(stream_facts&) const noexcept {}

    /// What its end is told with, when the stream was another protocol's and somebody listens. The
    /// default tells nothing.
    virtual void take_note(std::unique_ptr<access_note> note) noexcept;

    /// The last call, exactly once: the stream is gone; `why` says who ended it and how
    /// (`errc::closed_by_peer`, `errc::closed_locally`, a system error, a TLS error).
    virtual void on_closed(std::error_code why) noexcept = 0;
};

/// A reliable ordered stream of bytes, both ways: TCP, TLS, a unix socket, a test; later an HTTP/2
/// stream.
///
/// **Threads**: the owning loop's only. **Lifetime**: pinned; lives from accept or connect until
/// the end of the iteration in which its handler saw `on_closed`.
class byte_stream : public peer_owner {
public:
    /// Above this many queued bytes a producer that can wait should wait for `on_drained`.
    static constexpr std::size_t high_water = 64 * 1024;

    byte_stream(const byte_stream&) = delete;
    byte_stream& operator=(const byte_stream&) = delete;

    /// Queues a copy of the bytes. They leave after the read batch, at the end of the iteration, or
    /// at 64 KiB: so ten writes cost one system call. Ignored once closing. **Errors**: reported by
    /// `on_closed` only.
    virtual void write(byte_view bytes) noexcept = 0;
    /// Queues bytes by reference.
    virtual void write(buffer_slice bytes) noexcept = 0;
    /// Room for `size` bytes behind what is queued, to build them in place; what was built is
    /// queued by `commit`, which follows at once. Null when the stream is behind (`high_water`),
    /// ends, or has no memory: `write` then does what is right. A small frame so costs no second
    /// copy: bench `load`, 16 in flight.
    [[nodiscard]] virtual std::byte* prepare(std::size_t size) noexcept = 0;
    virtual void commit(std::size_t size) noexcept = 0;
    /// Bytes queued and not yet taken by the kernel.
    [[nodiscard]] virtual std::size_t queued() const noexcept = 0;
    /// The peer is behind: bytes wait that the kernel did not take. `on_drained` will tell its end.
    [[nodiscard]] virtual bool stalled() const noexcept = 0;

    /// `on_drained` will tell when all that is queued now has been taken, also if it is at once.
    virtual void ask_drained() noexcept = 0;

    /// How far what was written has come.
    struct progress {
        std::uint64_t arrived = 0;  ///< Bytes that the peer's system has acknowledged.
        std::uint64_t behind = 0;   ///< Bytes on their way to it, what is queued here included.
    };
    /// **Cost**: a system call.
    [[nodiscard]] virtual progress delivered() const noexcept = 0;

    /// Bytes that came and that were written (what is queued included) since it was opened; zeros
    /// where that is not counted.
    struct volume {
        std::uint64_t received = 0;
        std::uint64_t sent = 0;
    };
    [[nodiscard]] virtual volume carried() const noexcept { return {}; }

    /// Stops `on_data` until resumed. Bytes already delivered to the handler stay with it.
    virtual void pause_reading() noexcept = 0;
    virtual void resume_reading() noexcept = 0;

    /// For who has more to do than `loop_core::work_left`: `on_turn` is called once, behind those
    /// who asked before, with a new share.
    virtual void await_turn() noexcept = 0;

    /// Writes what is queued, then sends our end (FIN, after close_notify under TLS); reading goes
    /// on.
    virtual void shutdown() noexcept = 0;
    /// Writes what is queued, then closes; `on_data` is not called any more. Bounded by
    /// `stream_limits::close_grace`, however little the peer reads.
    virtual void close() noexcept = 0;
    /// Closes at once with a reset; drops what is queued. `why` is what `on_closed` will say.
    virtual void abort(std::error_code why) noexcept = 0;

    /// One deadline per stream; setting it again moves it. **Cost**: a store, unless it moves
    /// earlier.
    virtual void set_deadline(time_point when) noexcept = 0;
    virtual void clear_deadline() noexcept = 0;

    /// Hands the stream to another protocol. The old handler gets no further call and dies at the
    /// end of the iteration.
    virtual void set_handler(std::unique_ptr<stream_handler> handler) noexcept = 0;
    [[nodiscard]] virtual stream_handler& handler() const noexcept = 0;

    /// Takes the connection off this loop, for `loop_core::arrive` of another. The handler gets no
    /// further call and dies at the end of the iteration; this stream is gone then. Not from inside
    /// `on_data`, and not before `on_open`.
    [[nodiscard]] virtual moved_stream leave() = 0;
    /// Whether it can: one that is part of another connection stays on its loop.
    [[nodiscard]] virtual bool may_leave() const noexcept { return true; }

    [[nodiscard]] virtual loop_core& owner() const noexcept = 0;
    /// Unique among the streams of all loops: sockets have their slot's, others take theirs from
    /// `loop_core::names`.
    [[nodiscard]] virtual conn_id id() const noexcept = 0;
    /// Who is at the other end. **Lifetime**: the stream's.
    [[nodiscard]] virtual weft::peer& peer() const noexcept = 0;
    /// Begins TLS as a client, on an open connection without it; `on_open` is called again when
    /// the handshake is done. **Errors**: `not_supported` if this is no socket; OpenSSL's.
    virtual result<void> start_tls(tls_client_context&, const std::string& /*name*/) {
        return errc::not_supported;
    }
    /// The ALPN protocol, or empty.
    [[nodiscard]] virtual std::string_view alpn() const noexcept = 0;

protected:
    byte_stream() = default;
    ~byte_stream() = default;
};

}  // namespace weft::net
