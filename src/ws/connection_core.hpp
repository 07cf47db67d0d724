#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include <weft/base/function_ref.hpp>
#include <weft/base/unique_function.hpp>
#include <weft/pubsub/message.hpp>
#include <weft/schema/schema.hpp>
#include <weft/ws/close_event.hpp>
#include <weft/ws/fragment.hpp>

#include "net/byte_stream.hpp"
#include "pubsub/hub.hpp"
#include "ws/connection_shared.hpp"
#include "ws/message_writer.hpp"
#include "ws/proto/extensions.hpp"
#include "ws/proto/message_assembler.hpp"
#include "ws/reading_holds.hpp"

namespace weft::ws {

class connection_base;
class connection_core;
namespace detail {
class endpoint_core;
}

/// Who uses a connection: a server's `connection` or a client. Owned by the core.
/// What it throws is caught, counted and logged; the connection is closed with 1011.
class connection_user {
public:
    virtual ~connection_user() = default;
    virtual void on_open() = 0;
    virtual void on_message(const message_view& message) = 0;
    virtual void on_ping(byte_view) {}
    virtual void on_pong(byte_view) {}
    virtual void on_drained() = 0;
    /// The last call, exactly once, also when `on_open` was never reached.
    virtual void on_close(const close_event& event) = 0;
    /// What the users of this endpoint know it as; null if it is not one of theirs, or not open.
    [[nodiscard]] virtual connection_base* connection_of(const detail::endpoint_core&) noexcept {
        return nullptr;
    }
    /// Where it listens, for the log.
    [[nodiscard]] virtual std::string_view route() const noexcept { return {}; }
};

/// A WebSocket over a byte stream, from the handshake's end on, in either role.
class connection_core final : public net::stream_handler, public pubsub::subscriber {
public:
    connection_core(net::byte_stream& stream, role self, const connection_settings& settings,
                    connection_shared& shared, std::optional<deflate_agreement> deflate);
    ~connection_core() override;

    /// Before `on_open`.
    void set_user(std::unique_ptr<connection_user> user) noexcept { user_ = std::move(user); }
    [[nodiscard]] connection_user& user() const noexcept { return *user_; }

    /// Runs code of the user as a handler of this connection.
    void run_handler(std::string_view callback, function_ref<void()> code) noexcept;
    send_status send(const message_view& what) noexcept;
    send_status send(const message& what) noexcept;
    /// Messages that belong together: what happens to one at a full queue happens to all.
    send_status send(std::span<const message> group) noexcept;
    /// `done` is called once, from the loop, when the kernel has the message, or with an error when
    /// it is lost. Only if the status is `sent` or `queued`.
    send_status send(const message_view& what,
                     unique_function<void(std::error_code)> done) noexcept;
    /// A piece of a message; the first one begins it. Until the last one, other messages wait.
    send_status send_fragment(const message_view& piece, fragment which,
                              unique_function<void(std::error_code)> done) noexcept;
    send_status deliver(const message& what) noexcept override;
    send_status deliver_group(std::span<const message> group) noexcept override;
    send_status ping(byte_view payload) noexcept;
    send_status pong(byte_view payload) noexcept;
    /// Starts the closing handshake behind what is queued. `no_status`: without a code. A code or
    /// reason that may not be sent becomes 1000 without reason. Ignored when closing.
    void close(close_code code, std::string_view reason) noexcept;
    /// Reads nothing, and tells nothing that was read, until `resume` or `close`.
    void pause() noexcept;
    void resume() noexcept;
    [[nodiscard]] bool is_paused() const noexcept { return holds_.has(hold::paused); }
    /// Other limits for messages, from the next one on. **Lifetime**: they outlive the connection.
    void use_limits(const message_limits& limits) noexcept { assembler_.use_limits(limits); }
    [[nodiscard]] const connection_settings& settings() const noexcept { return out_.settings(); }
    /// Drops the connection without a closing handshake.
    void terminate() noexcept;
    /// Closes with 1013 because memory is short and much waits for this peer.
    void shed() noexcept;
    /// What is wrong with a message; no more than that.
    [[nodiscard]] static std::optional<schema::violation> examine(const schema& rules,
                                                                  const message_view& what);
    /// The same; a violation is counted, logged and on the peer's account.
    std::optional<schema::violation> check(const schema& rules, const message_view& what);
    /// Whether a message meets the endpoint's schema. If not, the peer was answered or closed.
    [[nodiscard]] bool passes(const message_view& what);

    [[nodiscard]] bool is_open() const noexcept { return state_ == state::open; }
    [[nodiscard]] std::size_t queued() const noexcept {
        return stream().queued() + (slow_ != nullptr ? waiting() : 0);
    }
    /// When bytes of any kind last came, also those of a message that is not whole yet.
    [[nodiscard]] time_point last_received() const noexcept { return last_received_; }
    /// The same, while a message is not complete.
    [[nodiscard]] std::optional<time_point> receiving() const noexcept {
        return assembler_.in_message() ? std::optional(last_received_) : std::nullopt;
    }
    /// Its stream's; `connection_shared::connections` finds it by that while it is open.
    [[nodiscard]] conn_id id() const noexcept { return stream().id(); }
    [[nodiscard]] net::byte_stream& stream() const noexcept { return out_.stream(); }
    [[nodiscard]] connection_shared& shared() const noexcept { return out_.shared(); }

    // net::stream_handler
    void on_open() noexcept override;
    void on_data(byte_span data) noexcept override;
    byte_span read_target() noexcept override;
    void on_drained() noexcept override;
    void on_turn() noexcept override;
    void on_end(net::byte_stream& stream) noexcept override;
    void on_deadline() noexcept override;
    void on_identified() noexcept override { arm(); }
    void tell_facts(net::stream_facts& facts) const noexcept override;
    void take_note(std::unique_ptr<net::access_note> about) noexcept override;
    void on_closed(std::error_code why) noexcept override;

private:
    enum class state : std::uint8_t {
        open,
        close_wanted,  // behind messages that still wait
        close_sent,    // the peer's close frame is awaited
        ended,         // nothing more is read or sent
    };
    struct slow_state;  // what only a connection under stress needs

    void consume(byte_span data);
    [[gnu::noinline]] void handled_up_to(byte_view rest, bool yielded);
    void keep_for_later(byte_view rest);
    [[nodiscard]] std::size_t waiting() const noexcept;
    void drop_kept() noexcept;
    void consume_kept();
    void dispatch_message(message_kind kind) noexcept;
    [[gnu::noinline]] void handle_timed(message_kind kind) noexcept;
    void dispatch_other(message_event event);
    void dispatch_close(const close_info& info);
    void ask();
    [[nodiscard]] bool takes_what_we_send() noexcept;
    [[gnu::noinline]] void watch_pace(bool finished_one);
    [[nodiscard]] time_point message_due() const noexcept;
    [[gnu::cold]] void fail(errc why) noexcept;
    /// `told`, which is static, instead of the row's text.
    [[gnu::cold]] void fail(errc why, std::string_view told) noexcept;
    /// The end of `fail`: the log has its line.
    [[gnu::cold]] void refuse(errc why, close_code code, std::string_view reason) noexcept;
    [[gnu::cold]] void tell_violation(const schema::violation& wrong) noexcept;
    [[nodiscard]] bool spend_violation();
    /// To the operator: what this peer met.
    [[gnu::cold]] void tell(log_level level, std::string_view what) noexcept;
    void finish() noexcept;
    send_status answer_ping(byte_view payload);
    void write_pong() noexcept;
    [[nodiscard]] send_status may_send_control(byte_view payload) const noexcept;
    [[nodiscard]] bool delivers() const noexcept;
    [[nodiscard]] net::access_note* note() const noexcept;
    void note_code(close_code code) noexcept;
    void tell_access(const close_event& event) noexcept;
    void write_close(byte_view payload) noexcept;

    [[nodiscard]] bool peer_is_behind() const noexcept;
    void throttle(std::size_t messages, std::size_t bytes) noexcept;
    void stand(hold reason) noexcept;
    void go_on(hold reason) noexcept;
    void update_behind() noexcept;
    void change_behind(bool behind) noexcept;
    void peer_was_not_heard() noexcept;

    [[gnu::noinline]] send_status send_any(const message_view& what) noexcept;
    void send_now(const message_view& what);
    [[nodiscard]] buffer_ref received_block(byte_view part) noexcept;
    send_status queue(std::span<const message> group, std::size_t wire);
    [[nodiscard]] bool goes_out_now(std::size_t wire, bool latest);
    send_status write_fragment(const message_view& piece, fragment which);
    template <class Send>
    send_status watch_written(unique_function<void(std::error_code)> done, Send&& send) noexcept;
    void advance_written() noexcept;
    void lose_watched(std::uint64_t before, std::error_code why) noexcept;
    void give_up_waiting(std::error_code why) noexcept;
    void tell_written(std::error_code why);
    void pump();
    void send_close_frame() noexcept;
    void drained();
    void start_closing(close_code code, std::string_view reason);

    void become_ended() noexcept {
        state_ = state::ended;
        stopped_ = true;
    }
    void arm() noexcept;
    [[nodiscard]] const options& chosen() const noexcept { return out_.settings().chosen; }
    [[nodiscard]] net::loop_core& loop() const noexcept { return out_.shared().loop; }
    [[nodiscard]] connection_metrics& metrics() const noexcept { return out_.shared().metrics; }
    slow_state& slow();
    template <class F>
    void guarded(std::string_view callback, F&& call) noexcept;
    template <class F>
    auto within_memory(F&& call) noexcept -> decltype(call());

    message_writer out_;
    std::unique_ptr<connection_user> user_;
    message_assembler assembler_;
    std::unique_ptr<slow_state> slow_;
    buffer_slice dispatched_;  // keeps the message alive that a handler has sent on by reference
    time_point last_received_;
    time_point next_event_;
    std::error_code cause_;
    state state_ = state::open;
    reading_holds holds_;
    bool opened_ : 1 = false;
    bool metered_ : 1 = false;  // its peer's traffic is counted
    bool stopped_ : 1 = false;  // ended, or paused by the user: one look per message
    bool close_received_ : 1 = false;
    bool ping_pending_ : 1 = false;  // we asked and wait for any sign of life
    bool pong_due_ : 1 = false;      // the latest ping came while the stream was stalled
    bool dispatching_ : 1 = false;
    bool end_waits_ : 1 = false;  // the peer's end came while what it had sent was kept
};

}  // namespace weft::ws
