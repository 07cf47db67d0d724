#pragma once

#include <algorithm>
#include <atomic>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include <weft/base/bytes.hpp>
#include <weft/base/function_ref.hpp>
#include <weft/base/log.hpp>
#include <weft/base/result.hpp>
#include <weft/base/time.hpp>
#include <weft/base/unique_function.hpp>
#include <weft/base/weak_handle.hpp>
#include <weft/net/conn_id.hpp>
#include <weft/net/listen_options.hpp>
#include <weft/net/loop.hpp>
#include <weft/net/peer.hpp>
#include <weft/net/socket_address.hpp>

#include "base/byte_budget.hpp"
#include "base/refusal_log.hpp"
#include "base/user_boundary.hpp"
#include "net/backend/backend.hpp"
#include "net/byte_stream.hpp"
#include "net/mailbox.hpp"
#include "net/net_metrics.hpp"
#include "net/network_list.hpp"
#include "net/send_queue.hpp"
#include "net/slab.hpp"
#include "net/stream_names.hpp"
#include "net/tcp_stream.hpp"
#include "net/timer_wheel.hpp"
#include "net/work.hpp"

namespace weft::net {

class tls_client_context;
class tls_server_context;
class traffic_meter;
class worker_pool;
class connect_race;

/// Decides about each connection that a listener accepted.
class acceptor {
public:
    /// The protocol for the new stream, or null to refuse it (it is closed at once). Under TLS the
    /// handshake comes after this call: `stream_handler::on_open` tells its end.
    /// What it throws (memory is out) ends this connection only.
    virtual std::unique_ptr<stream_handler> on_accept(byte_stream& stream) = 0;
    /// False: connections wait in the kernel's queue, and it is asked again some time later.
    [[nodiscard]] virtual bool may_accept() noexcept { return true; }

protected:
    ~acceptor() = default;
};

/// Names a listener of a loop.
using listener_id = std::uint32_t;

struct connect_options {
    std::string host{};  ///< A name or a numeric address; empty with `unix_path`.
    std::uint16_t port = 0;
    std::string unix_path{};
    duration timeout = std::chrono::seconds(10);  ///< For name, TCP and TLS together.
    std::shared_ptr<tls_client_context> tls{};    ///< None for plain.
    std::string tls_name{};  ///< The host name that the certificate must carry.
};

/// A one-shot timer for code above net. **Lifetime**: cancels itself when destroyed.
class timer final : public timer_node {
public:
    explicit timer(unique_function<void()> task) : timer_node(&fire), task_(std::move(task)) {}

private:
    static void fire(timer_node& node) { static_cast<timer&>(node).task_(); }
    unique_function<void()> task_;
};

/// What a loop does and owns; `weft::loop` is its public face.
/// **Threads**: the one that runs it, unless said otherwise.
class loop_core final : private event_sink {
public:
    loop_core(std::unique_ptr<backend> io, const loop_options& options);
    ~loop_core();
    loop_core(const loop_core&) = delete;
    loop_core& operator=(const loop_core&) = delete;

    /// Starts, turns until `stop`, finishes.
    void run();
    /// Attaches the loop to the calling thread until `finish`. False when another thread has it, or
    /// it has ended.
    bool start() noexcept;
    /// Turns until `stop`, after `start`.
    void turn_until_stopped() noexcept;
    /// One iteration. Blocks for at most `max_wait`, and not at all while something is left to do.
    /// Returns when it wants the next one at the latest, if the descriptor does not call for it
    /// before; nothing once stopped. A loop that was not started is attached for this turn.
    std::optional<time_point> turn(duration max_wait);
    /// Does what was begun outside of a turn: sends what is queued, ends what was closed. Returns
    /// as `turn`.
    std::optional<time_point> flush() noexcept;
    /// Detaches. What is open stays open until the loop is started again or shut down.
    void finish() noexcept;
    void stop() noexcept;  ///< **Threads**: any.
    /// Closes every listener and stream and runs what that leads to, attached to the calling
    /// thread; the loop has ended then. Part of destruction, harmless twice.
    void shut_down() noexcept;
    /// Readable when a turn would find something to do; -1 without one (the sim backend).
    [[nodiscard]] int descriptor() const noexcept { return io_->descriptor(); }

    [[nodiscard]] time_point now() const noexcept { return now_; }
    /// The time at this moment, which `now` is behind of. **Cost**: a reading of the clock.
    [[nodiscard]] time_point clock() const noexcept { return io_->now(); }
    [[nodiscard]] std::uint8_t index() const noexcept { return options_.index; }
    /// Whether the caller may touch what the loop owns: it is the thread that the loop is attached
    /// to.
    [[nodiscard]] bool in_loop_thread() const noexcept { return owner_->here(); }
    [[nodiscard]] const std::shared_ptr<thread_owner>& owner() const noexcept { return owner_; }
    /// **Threads**: any.
    [[nodiscard]] loop_ref ref() const noexcept { return {mail_, owner_, anchor_.handle()}; }
    /// **Threads**: any. False when the loop is gone.
    bool post(unique_function<void()> task) { return mail_->push(std::move(task)); }

    void arm(timer_node& t, time_point when) noexcept { wheel_.arm(t, when); }
    void arm_sooner(timer_node& t, time_point when) noexcept { wheel_.arm_sooner(t, when); }
    /// Runs `task` once, not earlier than after `delay`.
    void after(duration delay, unique_function<void()> task);
    /// For `loop_ref::after` and `every`: `anchor` leads to what is armed. A `period` of zero is
    /// for once.
    void schedule(duration delay, duration period, unique_function<void()> task,
                  weak_anchor<scheduled_task> anchor);
    static void cancel(scheduled_task& task) noexcept;

    /// `accept` must outlive the listener.
    result<listener_id> listen(const listen_options& where, acceptor& accept,
                               std::shared_ptr<tls_server_context> tls = {});
    /// Takes over a connection that left another loop; `accept` decides about it as about a new
    /// one, and its handler gets first what was unread. What throws ends this connection only.
    void arrive(moved_stream what, acceptor& accept) noexcept;
    /// Calls `readable` while the descriptor, which becomes the loop's, has something to read,
    /// until `close_listener`. `readable` must not add or close listeners.
    result<listener_id> watch(int fd, unique_function<void()> readable);
    [[nodiscard]] result<socket_address> local_address(listener_id id);
    void close_listener(listener_id id) noexcept;

    /// Calls `done` later, exactly once: with the open stream, whose handler `done` must set, or
    /// with the reason. When the loop goes first, `done` is destroyed uncalled.
    void connect(connect_options destination, unique_function<void(result<byte_stream*>)> done);

    /// The stream of that id, or null when it is gone.
    [[nodiscard]] byte_stream* find(conn_id id) noexcept {
        tcp_stream* found =
            id.loop() == options_.index ? streams_.find(id.slot(), id.generation()) : nullptr;
        return found != nullptr && found->has_handler() ? found : nullptr;
    }
    /// Ids for streams that are no sockets of this loop; `find` does not know them.
    [[nodiscard]] stream_names& names() noexcept { return names_; }
    [[nodiscard]] std::size_t connections() const noexcept { return streams_.size(); }
    /// Those of them that `connect` opened.
    [[nodiscard]] std::size_t outgoing() const noexcept { return outgoing_; }
    /// Calls `use(byte_stream&)` for every stream whose handler still listens.
    template <class F>
    void for_each_stream(F use) {
        streams_.for_each([&](tcp_stream& s, std::uint32_t) {
            if (s.has_handler()) use(static_cast<byte_stream&>(s));
        });
    }

    /// The same for some, in `count` slots from `first` on. Returns where to go on, or 0 when that
    /// was all.
    template <class F>
    std::uint32_t for_some_streams(std::uint32_t first, std::uint32_t count, F use) {
        return streams_.for_some(first, count, [&](tcp_stream& s, std::uint32_t) {
            if (s.has_handler()) use(static_cast<byte_stream&>(s));
        });
    }

    /// For work that blocks. Made on first use, one per loop.
    worker_pool& workers();
    /// Runs `work`, which must not throw, on a worker, then `done` here. When the loop goes first,
    /// `done` is destroyed uncalled on the thread that ends the loop.
    void run_blocking(unique_function<void()> work, unique_function<void()> done);
    /// Whether such work, or the resolving of a name, is under way.
    [[nodiscard]] bool working() const noexcept { return !working_.empty() || !resolving_.empty(); }

    /// What the connection that is being served may still make us do in this turn; see
    /// `loop_budgets::connection_work`. Costly steps spend it, and who has none left asks for
    /// another turn (`byte_stream::await_turn`). Each gets some in each turn, so that who does
    /// little never waits for those who do much.
    [[nodiscard]] bool has_work_left() const noexcept { return work_left_ > 0; }
    /// Below zero when the last step was larger than what was left.
    [[nodiscard]] std::int64_t& work_left() noexcept { return work_left_; }
    /// Runs `task`, which is no stream's, on a turn of its own. When the loop goes first, `task` is
    /// destroyed uncalled.
    void await_turn(unique_function<void()> task) { line_.push_back({{}, std::move(task)}); }
    /// Whether there was something left to do when the turn began: others wait for whoever takes
    /// long now.
    [[nodiscard]] bool is_pressed() const noexcept { return pressed_; }
    void spend_work(std::size_t work) noexcept { work_left_ -= static_cast<std::int64_t>(work); }

    [[nodiscard]] net_metrics& metrics() noexcept { return metrics_; }
    /// Where what users gave this loop to run is run.
    [[nodiscard]] user_boundary& users() noexcept { return users_; }
    /// For the boundaries of the layers above.
    [[nodiscard]] callback_watch& callbacks() noexcept { return callbacks_; }
    /// What the connections of this loop keep: queues, bodies, compression.
    [[nodiscard]] byte_budget& budget() noexcept { return budget_; }
    [[nodiscard]] const loop_options& options() const noexcept { return options_; }

    /// From now on whoever is new is refused, and the others are let go. Each is told to come back
    /// at another moment within `retry_within`; zero: at none.
    void begin_drain(duration retry_within) noexcept {
        draining_ = true;
        retry_within_ = retry_within;
    }
    [[nodiscard]] bool draining() const noexcept { return draining_; }
    /// When the next one who has to go may come back: at least a millisecond, or nothing.
    [[nodiscard]] std::optional<duration> comeback() noexcept;

    void log(log_level level, std::string_view layer, std::string_view message) const noexcept {
        if (options_.log != nullptr) options_.log->write({level, layer, message});
    }
    /// Those who have an identity.
    [[nodiscard]] known_peers& peers() noexcept { return peers_; }
    /// What limits the traffic of the peers; null: nothing does. **Lifetime**: outlives the loop.
    [[nodiscard]] traffic_meter* traffic() const noexcept { return traffic_; }
    void limit_traffic(traffic_meter& by) noexcept { traffic_ = &by; }
    /// Has it logged that a peer met a rule or a limit: see `refusal_log::tell`.
    void tell_refusal(log_level level, std::string_view layer, std::string_view what,
                      function_ref<refusal_facts()> about) noexcept {
        refusals_.tell(level, layer, what, now_, about);
    }

private:
    friend class tcp_stream;
    friend class proxy_entry;
    friend class connect_race;
    friend class scheduled_task;

    struct listener {
        int fd = -1;
        std::uint32_t generation = 0;
        acceptor* accept = nullptr;
        std::shared_ptr<tls_server_context> tls;
        network_list proxies;  // from which connections begin with a PROXY header; or none
        std::unique_ptr<timer> back_off;
        unique_function<void()> readable;  // set when it is not a socket that listens
    };

    /// Who wants another turn: a stream, or whoever has the task.
    struct waiting {
        conn_id stream;
        unique_function<void()> task;
    };

    static constexpr std::size_t receive_size = 256 * 1024;
    static constexpr std::size_t padding = 64;

    // event_sink
    void on_wake(time_point now) noexcept override {
        now_ = now;
        begin_phase(now);
        callbacks_.turn_began(now);
    }
    void on_acceptable(io_token token) noexcept override;
    void on_readable(io_token token) noexcept override;
    void on_ready(io_token token) noexcept override;
    void on_ending(io_token token) noexcept override;
    void on_writable(io_token token) noexcept override;
    void on_broken(io_token token) noexcept override;
    void on_sent(io_token token, const io_result& how) noexcept override;

    tcp_stream* stream_of(io_token token) noexcept {
        return streams_.find(token.slot, token.generation);
    }
    listener* listener_of(io_token token) noexcept;
    result<listener_id> add_listener(int fd);
    /// False when the kernel would not watch the descriptor, or no slot is free; the descriptor is
    /// closed then.
    tcp_stream* make_stream(int fd, const socket_address& peer);
    void accept_one(listener& from, int fd, const socket_address& peer) noexcept;
    tcp_stream* adopt(listener& from, int fd, const socket_address& peer);
    /// Gives an accepted stream its handler, or ends it.
    void admit(tcp_stream& s, acceptor& decide,
               const std::shared_ptr<tls_server_context>& tls) noexcept;
    /// Counts a connection that was refused for want of a PROXY header, and logs some of them.
    void tell_unproxied(const socket_address& peer, std::string_view why) noexcept;
    void reserve_lists();
    /// With addresses to try, or with `code` and why there are none.
    void finish_resolving(std::uint64_t ticket, std::vector<socket_address> addresses, errc code,
                          std::string_view failure);
    void pause_accepting(std::uint32_t slot, std::string_view why) noexcept;
    std::optional<time_point> iterate(duration wait) noexcept;
    void read_left_over() noexcept;
    void serve_line() noexcept;
    void run_timers() noexcept;
    void run_posted() noexcept;
    void take_up_put_off() noexcept;
    void settle() noexcept;
    void end_turn() noexcept;
    void note_long_turn(duration took) noexcept;
    void tell_slow_turn(duration took) noexcept;
    [[nodiscard]] std::optional<time_point> next_turn() const noexcept;
    void add_scheduled(duration delay, std::unique_ptr<scheduled_task> fresh);
    void run_scheduled(scheduled_task& due) noexcept;
    void drop_scheduled(scheduled_task& gone) noexcept;
    void flush_dirty() noexcept;
    void finish_closed() noexcept;
    void tell_drained() noexcept;
    [[nodiscard]] bool idle() const noexcept;
    template <class F>
    void run_guarded(std::string_view callback, F& task) noexcept {
        users_.call(task, [callback] { return user_place{.callback = callback}; });
    }
    template <class F>
    void run_guarded(std::string_view callback, F&& task) noexcept {
        run_guarded(callback, task);
    }

    // for tcp_stream
    byte_span receive_buffer() noexcept { return {receive_memory_.get() + padding, receive_size}; }
    /// Where received bytes are decrypted; handlers read from here.
    byte_span scratch() noexcept { return {scratch_memory_.get(), scratch_size}; }
    /// Where bytes are gathered to be encrypted.
    byte_span seal_buffer() noexcept { return {seal_memory_.get(), seal_size}; }
    void read_later(conn_id id) { ready_.push_back(id); }
    void flush_later(tcp_stream& s) { dirty_.push_back(&s); }
    [[nodiscard]] bool sent_enough() noexcept {
        return metrics_.bytes_sent.read() >= look_at_sent_ && look_at_sends();
    }
    bool look_at_sends() noexcept;
    /// For a connection that has something to read.
    void begin_share() noexcept {
        if (note_spent()) [[unlikely]]
            bytes_left_ = 0;
    }
    void note_received(std::size_t bytes) noexcept {
        until_look_ -= static_cast<std::int64_t>(bytes / bytes_copied_per_work);
    }
    /// Begins a new share. Whether the phase has had its time then.
    bool note_spent() noexcept {
        until_look_ -= share_ - work_left_;
        work_left_ = share_;
        return time_is_up();
    }
    /// Of the phases of a turn (see `loop_budgets::phase_time`) one begins.
    void begin_phase(time_point at) noexcept;
    /// Whether the phase has had its time. Looks at the clock after some work only.
    bool time_is_up() noexcept { return until_look_ < 0 && look_at_clock(); }
    bool look_at_clock() noexcept;
    void line_up(conn_id id) { line_.push_back({id, {}}); }
    void finish_later(tcp_stream& s) { closing_.push_back(&s); }
    void drained_later(conn_id id) { drained_.push_back(id); }
    void bury(std::unique_ptr<stream_handler> handler) { graveyard_.push_back(std::move(handler)); }
    bool take_handshake() noexcept;
    bool take_newcomer() noexcept;

    static constexpr std::size_t scratch_size = 64 * 1024;
    static constexpr std::size_t seal_size = 16 * 1024;

    loop_options options_;
    const std::int64_t share_;  // of the work of a turn
    std::unique_ptr<backend> io_;
    const std::shared_ptr<thread_owner> owner_ = std::make_shared<thread_owner>();
    const std::shared_ptr<mailbox> mail_;
    weak_anchor<loop_core> anchor_{owner_, this};
    time_point now_;         // when the turn began
    time_point turn_ended_;  // the last one
    timer_wheel wheel_;
    net_metrics metrics_;
    callback_watch callbacks_{[this] { return io_->now(); }};
    timer watch_end_{[this] { callbacks_.stop(); }};
    time_point next_slow_line_{};
    unsigned slow_turns_untold_ = 0;
    user_boundary users_{"net", options_.log, metrics_.handler_exceptions, callbacks_};
    refusal_log refusals_{options_.log};
    traffic_meter* traffic_ = nullptr;
    byte_budget budget_;
    known_peers peers_;
    send_memory memory_;
    std::unique_ptr<std::byte[]> receive_memory_;
    std::unique_ptr<std::byte[]> scratch_memory_;
    std::unique_ptr<std::byte[]> seal_memory_;
    slab<tcp_stream> streams_;
    std::size_t outgoing_ = 0;  // of them
    stream_names names_;
    std::vector<listener> listeners_;
    std::vector<conn_id> ready_, ready_now_;  // may be read on, without a new event
    std::deque<waiting> line_;
    std::vector<tcp_stream*> dirty_, dirty_now_;
    std::vector<conn_id> put_off_;  // to write: those whose long queues wait for the next turn
    std::vector<tcp_stream*> closing_, closing_now_;
    std::vector<conn_id> drained_, drained_now_;
    bool draining_ = false;
    duration retry_within_{};
    std::uint32_t comebacks_ = 0;
    std::vector<std::unique_ptr<stream_handler>> graveyard_;
    std::vector<std::unique_ptr<scheduled_task>> scheduled_;
    std::unordered_map<std::uint64_t, std::shared_ptr<connect_race>> resolving_;
    std::unordered_map<std::uint64_t, unique_function<void()>> working_;  // what follows the work
    std::uint64_t last_ticket_ = 0;
    std::shared_ptr<worker_pool> workers_;
    std::size_t list_room_ = 0;
    unsigned handshakes_left_ = 0;    // of this turn
    unsigned newcomers_left_ = 0;     // to read from, likewise
    std::size_t bytes_left_ = 0;      // to receive, likewise
    std::uint64_t send_until_ = 0;    // until so many bytes have gone out in all, likewise
    std::uint64_t look_at_sent_ = 0;  // when so many have gone out: `look_at_sends`
    std::int64_t until_look_ = 0;     // at the clock, in units of work
    time_point phase_until_;
    std::int64_t work_left_ = 0;  // of who is being served
    bool pressed_ = false;        // something was left to do when the turn began
    std::atomic<bool> stopping_{false};
};

}  // namespace weft::net
