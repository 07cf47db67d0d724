#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include <weft/base/log.hpp>
#include <weft/base/metrics.hpp>
#include <weft/base/owned_ptr.hpp>
#include <weft/base/result.hpp>
#include <weft/base/time.hpp>
#include <weft/base/unique_function.hpp>
#include <weft/base/weak_handle.hpp>

namespace weft {

class access_sink;
class loop;

namespace net {
class loop_core;
class mailbox;
class scheduled_task;
}  // namespace net

/// A timer that `loop_ref::after` or `every` started.
/// **Threads**: any. **Lifetime**: may outlive the timer and the loop. Destroying it does not
/// cancel the timer.
class timer_ref {
public:
    timer_ref() noexcept = default;

    /// Cancels the timer. On the loop's thread, the task does not run again. From another thread,
    /// the request travels to the loop: the task may be running now, and may run once more before
    /// the loop gets the request. The task is destroyed on the loop's thread.
    void cancel() const;

private:
    friend class loop_ref;
    timer_ref(std::shared_ptr<net::mailbox> mail, weak_handle<net::scheduled_task> task) noexcept
        : mail_(std::move(mail)), task_(std::move(task)) {}

    std::shared_ptr<net::mailbox> mail_;
    weak_handle<net::scheduled_task> task_;
};

/// The handle to a loop. Calls work while the loop runs, and before: what you ask for then is done
/// when the loop runs. After the loop has ended they do nothing.
/// **Threads**: any. **Lifetime**: may outlive the loop. **Cost**: a post is one allocation and one
/// atomic exchange. Only the first post to a sleeping loop makes a system call.
class loop_ref {
public:
    /// Refers to no loop.
    loop_ref() noexcept = default;
    loop_ref(const loop& target) noexcept;  // NOLINT(google-explicit-constructor)

    /// Runs `task` on the loop's thread. Tasks from one thread run in order. Returns false if the
    /// loop is gone; the task is then destroyed and does not run. What it captured dies on the
    /// thread that called, or, if the loop ends while the task waits, on the thread that ends it.
    bool post(unique_function<void()> task) const;
    /// Runs `task` once on the loop's thread, after `delay` or later. If the loop goes first, the
    /// task is destroyed and does not run.
    timer_ref after(duration delay, unique_function<void()> task) const;
    /// Runs `task` after each `period`, until you cancel it or the loop goes. A loop that is late
    /// runs it once, not once per period that passed. **Units**: at least a millisecond.
    timer_ref every(duration period, unique_function<void()> task) const;
    /// On the loop's thread: when the present turn began; all deadlines count from it. Elsewhere:
    /// the time of the clock.
    [[nodiscard]] time_point now() const noexcept;
    /// Whether the loop is attached to the calling thread: the one that runs it, or that drives it
    /// between `start` and `finish`.
    [[nodiscard]] bool in_loop_thread() const noexcept {
        return owner_ != nullptr && owner_->here();
    }
    /// Whether the loop has ended. True without a loop.
    [[nodiscard]] bool ended() const noexcept { return owner_ == nullptr || owner_->ended(); }

    /// For the library.
    loop_ref(std::shared_ptr<net::mailbox> mail, std::shared_ptr<thread_owner> owner,
             weak_handle<net::loop_core> core) noexcept
        : mail_(std::move(mail)), owner_(std::move(owner)), core_(std::move(core)) {}
    /// For the library: the loop if called on its thread, else null.
    [[nodiscard]] net::loop_core* core() const noexcept { return core_.get(); }
    /// For the library: null only without a loop.
    [[nodiscard]] const std::shared_ptr<thread_owner>& owner() const noexcept { return owner_; }

private:
    timer_ref schedule(duration delay, duration period, unique_function<void()> task) const;

    std::shared_ptr<net::mailbox> mail_;
    std::shared_ptr<thread_owner> owner_;
    weak_handle<net::loop_core> core_;
};

/// How many things of one kind a loop does before it turns to the others. Together they bound how
/// long a turn takes, apart from the time in handlers.
struct loop_budgets {
    std::size_t read_bytes = 512 * 1024;  ///< Per connection and iteration.
    /// Of all connections, per iteration: once for connections with new data, once for those that a
    /// budget cut off before. A connection that gets nothing is the first of the next iteration.
    /// As much is sent: beyond it, long queues wait.
    std::size_t turn_bytes = 8 * 1024 * 1024;
    /// What one connection may make us do in a turn before the others have had theirs, and all
    /// those together that want more; they wait in a line. A unit is about a nanosecond: a byte
    /// that is inflated, 4 for one that is compressed, 64 for a frame, 256 for a WebSocket message
    /// or a packet and for each subscriber that one is delivered to, 4 Ki for an HTTP request,
    /// 32 Ki for a new Engine.IO session, a quarter for a byte that is read from a file.
    std::size_t connection_work = 32 * 1024;
    std::size_t turn_work = 2 * 1024 * 1024;
    /// How long a turn may go on with one kind of thing when that takes longer than a budget in
    /// units foresees: with what has come, timers, posted tasks, what was cut off before, the line,
    /// sending long queues, and what remains of connections that have ended. The rest waits for the
    /// next turn.
    duration phase_time = std::chrono::microseconds(500);
    unsigned accepts = 16;  ///< Per listener and iteration.
    /// Connections whose first bytes are read per iteration: of those that have come, and as many
    /// of those that wait. Open connections go first.
    unsigned newcomers = 16;
    unsigned tls_handshakes = 8;  ///< Handshake steps per iteration. Open connections go first.
    /// New connections that a server's loop takes per second; up to a second's worth may come at
    /// once. As many again are let in to resume something (see `http::router::resumes`); all others
    /// get 503 with a `Retry-After` that spreads them, or are closed under TLS. 0: no limit.
    unsigned connects_per_second = 0;
    unsigned posted_tasks = 1024;  ///< Per iteration.
    unsigned timers = 1024;        ///< Per iteration.

    /// **Errors**: `invalid_argument`. Says which option is wrong and what it may be.
    [[nodiscard]] result<void> check() const;
};

/// How long a stream may make no progress.
struct stream_limits {
    /// The peer takes none of the queued bytes: abort, after at most twice that.
    duration write_stall = std::chrono::seconds(30);
    /// After we close: until the peer has taken what is queued. One more second per 4 KiB of it.
    duration close_grace = std::chrono::seconds(10);
    /// After that: until the peer closes too.
    duration linger = std::chrono::seconds(2);
    /// For the PROXY header; see `listen_options::proxy_protocol_from`.
    duration proxy_header = std::chrono::seconds(5);

    /// **Errors**: `invalid_argument`. Says which option is wrong and what it may be.
    [[nodiscard]] result<void> check() const;
};

struct loop_options {
    std::uint8_t index = 0;  ///< The loop's number in every `conn_id` of it.
    loop_budgets budgets{};
    stream_limits limits{};
    /// A longer turn is counted and logged: a handler blocks, and all connections of the loop wait.
    /// Zero: never. **Units**: at least a millisecond.
    duration slow_turn = std::chrono::milliseconds(200);
    log_sink* log = default_log();  ///< `nullptr`: none. Must outlive the loop.
    access_sink* access = nullptr;  ///< `nullptr`: none. Must outlive the loop.

    /// **Errors**: `invalid_argument`. Says which option is wrong and what it may be.
    [[nodiscard]] result<void> check() const;
};

/// One thread's event loop: it owns its connections, timers and buffers.
///
/// `run` runs it on the calling thread. A program with its own loop (Boost.Asio, Qt, libuv, epoll)
/// drives it instead: call `start`; call `turn` when `descriptor` is readable or at the time that
/// the last `turn` returned; call `finish`. See docs/guide/embedding.md.
/// **Threads**: make it on any thread. Between `start` and `finish`, only the thread that started
/// it may call it, except for `stop` and `ref`.
class loop {
public:
    /// **Errors**: the system's, if it refuses the descriptors.
    static result<std::unique_ptr<loop>> make(loop_options options = {});
    ~loop();
    loop(const loop&) = delete;
    loop& operator=(const loop&) = delete;

    /// Starts, turns until `stop`, and finishes. Connections stay open until the loop runs again or
    /// is destroyed. Signals are the program's: block those that it waits for before the first
    /// client connects, because the threads that look up names inherit the mask.
    void run();
    /// Ends `run` after the present turn. `turn` then returns nothing. **Threads**: any.
    void stop();

    /// Attaches the loop to the calling thread, until `finish`. **Errors**: `wrong_thread` if it is
    /// attached already, `shutting_down` if it has ended.
    result<void> start();
    /// Poll it for reading. Never read from it.
    [[nodiscard]] int descriptor() const noexcept;
    /// Waits for work for at most `max_wait`, and does a bounded amount of it (see `loop_budgets`).
    /// Returns when to call it next at the latest, even if the descriptor is not readable: a time
    /// that has passed means now, `time_point::max()` means never. Returns nothing after `stop`.
    std::optional<time_point> turn(duration max_wait = duration::zero());
    /// Call it after you used the loop outside of a turn (sent, connected, started a timer): sends
    /// what is queued. Returns the same as `turn`.
    std::optional<time_point> flush();
    /// Detaches the loop. Connections stay open until it is started again or destroyed.
    void finish();

    [[nodiscard]] loop_ref ref() const noexcept;
    void visit_metrics(metric_visitor visit) const;

    /// For the layers above; not for users.
    [[nodiscard]] net::loop_core& core() const noexcept { return *core_; }

private:
    explicit loop(detail::owned_ptr<net::loop_core> core) noexcept;
    detail::owned_ptr<net::loop_core> core_;
};

}  // namespace weft
