#pragma once

#include <memory>
#include <string_view>

#include "net/backend/backend.hpp"
#include "net/byte_stream.hpp"
#include "net/send_queue.hpp"
#include "net/timer_wheel.hpp"

namespace weft::net {

class loop_core;
class tls_session;

/// A kernel socket as a byte stream, with TLS on top where the listener or the caller asked for it.
class tcp_stream final : public byte_stream {
public:
    tcp_stream(std::uint32_t slot, std::uint32_t generation, loop_core& owner, int fd,
               const socket_address& from) noexcept;
    ~tcp_stream();

    void write(byte_view bytes) noexcept override;
    void write(buffer_slice bytes) noexcept override;
    [[nodiscard]] std::byte* prepare(std::size_t size) noexcept override;
    void commit(std::size_t size) noexcept override;
    [[nodiscard]] std::size_t queued() const noexcept override;
    [[nodiscard]] bool stalled() const noexcept override { return blocked_; }
    void ask_drained() noexcept override;
    [[nodiscard]] progress delivered() const noexcept override;
    [[nodiscard]] volume carried() const noexcept override { return {received_, sent_ + queued()}; }
    void pause_reading() noexcept override;
    void resume_reading() noexcept override;
    void await_turn() noexcept override;
    void shutdown() noexcept override;
    void close() noexcept override;
    void abort(std::error_code why) noexcept override;
    void set_deadline(time_point when) noexcept override;
    void clear_deadline() noexcept override;
    void set_handler(std::unique_ptr<stream_handler> handler) noexcept override;
    [[nodiscard]] stream_handler& handler() const noexcept override { return *handler_; }
    [[nodiscard]] moved_stream leave() override;
    [[nodiscard]] loop_core& owner() const noexcept override { return loop_; }
    [[nodiscard]] conn_id id() const noexcept override { return id_; }
    [[nodiscard]] weft::peer& peer() const noexcept override { return peer_; }
    [[nodiscard]] std::string_view alpn() const noexcept override;
    [[nodiscard]] byte_budget& memory() noexcept override;
    [[nodiscard]] known_peers& peers() noexcept override;
    void on_identified() noexcept override;
    result<void> start_tls(tls_client_context& context, const std::string& name) override;

    /// Nothing has been read from it: others go first.
    void set_newcomer() noexcept { newcomer_ = true; }
    /// Waits for the outgoing connection before anything else.
    /// We open it.
    void set_connecting() noexcept { connecting_ = outgoing_ = true; }
    [[nodiscard]] bool is_outgoing() const noexcept { return outgoing_; }
    /// Puts TLS between the socket and the handler; before the first byte.
    void set_tls(std::unique_ptr<tls_session> session);
    /// Goes on where another loop's stream left off, once it has its handler.
    void resume(moved_stream& from);
    /// Takes what came behind a PROXY header as if it came now.
    void go_on_with(byte_span data);
    /// Tells the handler that the stream is open, or starts the handshake that leads there.
    void start() noexcept;

    // From the loop.
    void on_readable() noexcept;
    void on_ending() noexcept;
    void on_writable() noexcept;
    void on_broken() noexcept;
    /// The send in flight is over.
    void on_sent(const io_result& how) noexcept;
    /// Receives until nothing is left, reading is paused, or the budget of the iteration is spent.
    void read() noexcept;
    /// Goes on where `read` left off; for streams on the loop's list.
    void read_on() noexcept;
    /// Writes what is queued; for streams on the loop's dirty list.
    void flush_dirty() noexcept;
    /// Whether that may wait for the next turn, since much is queued: it stays on the list.
    [[nodiscard]] bool put_off() noexcept;
    void tell_drained() noexcept;
    /// The turn that its handler waited for.
    void take_turn() noexcept;
    /// Ends what `close` or an error marked. True when the stream may be freed.
    bool finish() noexcept;
    /// False once the handler has seen its last call: from then on the stream is the loop's alone.
    [[nodiscard]] bool has_handler() const noexcept { return handler_ != nullptr && !told_closed_; }

private:
    struct tls_state;
    struct stream_timer final : timer_node {
        explicit stream_timer(tcp_stream& owner) noexcept : timer_node(&on_timer), stream(owner) {}
        tcp_stream& stream;
    };

    void fail(std::error_code why) noexcept;
    void read_later() noexcept;
    void peer_ended() noexcept;
    [[gnu::always_inline]] inline void deliver(
        byte_span data) noexcept;  // bench `load`: into `read`
    void deliver_tls(byte_span cipher) noexcept;
    void deliver_early() noexcept;
    [[nodiscard]] bool has_early() const noexcept;
    [[gnu::cold]] void tls_failed() noexcept;
    [[gnu::cold]] void stalled_for_good() noexcept;
    void mark_dirty() noexcept;
    void finish_later() noexcept;
    void look_for_error() noexcept;
    void on_connected() noexcept;
    void write_on() noexcept;
    void flush() noexcept;
    void charge_queue() noexcept;
    [[nodiscard]] send_queue& pending() noexcept;
    void queued_more(bool appended) noexcept;
    void flush_ahead() noexcept;
    bool write_through(byte_view bytes) noexcept;
    void block(bool took_some) noexcept;
    void await_event(bool took_some) noexcept;
    void count_sent(std::size_t bytes) noexcept;
    [[nodiscard]] bool kernel_goes_on() noexcept;
    void encrypt_pending() noexcept;
    void after_flush() noexcept;
    void update_timer() noexcept;
    static void on_timer(timer_node& node);
    [[nodiscard]] bool usable() const noexcept { return !closing_ && !dead_; }

    loop_core& loop_;
    conn_id id_;
    int fd_;
    // What the stream waits for and what it has seen.
    bool readable_ : 1 = false;  // the kernel may have bytes
    bool end_seen_ : 1 = false;  // the kernel has the peer's end, perhaps behind bytes
    bool broken_ : 1 = false;    // the kernel told that both ends were sent, or of an error
    bool ended_ : 1 = false;     // we have read the peer's end
    bool newcomer_ : 1 = false;  // accepted, and nothing was read yet
    bool paused_ : 1 = false;
    bool read_queued_ : 1 = false;  // on the loop's list of streams to read on
    bool in_line_ : 1 = false;      // on the loop's list of those who want another turn
    bool blocked_ : 1 = false;      // the kernel has not taken all we offered; an event will come
    bool in_flight_ : 1 = false;    // ... which is on_sent: until then `out_` stays as it is
    bool dirty_ : 1 = false;        // on the loop's list of streams to write
    bool want_drained_ : 1 = false;
    bool drained_queued_ : 1 = false;  // on the loop's list of streams to tell
    bool connecting_ : 1 = false;
    bool outgoing_ : 1 = false;
    bool opened_ : 1 = false;    // the handler has seen on_open
    bool shutdown_ : 1 = false;  // our end follows what is queued
    bool shutdown_sent_ : 1 = false;
    bool closing_ : 1 = false;  // close() was called
    bool lingering_ : 1 =
        false;               // our end is sent, the handler is gone, we wait for the peer's end
    bool dead_ : 1 = false;  // on the loop's closing list for good
    bool reset_ : 1 = false;
    bool finish_queued_ : 1 = false;  // on the loop's closing list
    bool told_closed_ : 1 = false;    // on_closed was called
    std::unique_ptr<stream_handler> handler_;
    send_queue out_;
    std::size_t charged_ = 0;  // of the queue, to the peer
    std::unique_ptr<tls_state> tls_;
    stream_timer timer_;
    time_point deadline_ = time_point::max();        // the handler's
    time_point write_deadline_ = time_point::max();  // no progress in writing, or lingering
    std::uint64_t received_ = 0;
    std::uint64_t sent_ = 0;          // bytes that the kernel has taken
    std::size_t left_in_kernel_ = 0;  // of them, when the deadline was set
    std::error_code why_;
    mutable weft::peer peer_;
};

}  // namespace weft::net
