#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include <weft/base/log.hpp>
#include <weft/base/metrics.hpp>
#include <weft/base/result.hpp>
#include <weft/base/time.hpp>
#include <weft/base/unique_function.hpp>
#include <weft/base/weak_handle.hpp>

namespace weft {

class loop;

namespace net {
class loop_core;
class mailbox;
class scheduled_task;
}  // namespace net

/// The name of what `loop_ref::after` or `every` has begun.
/// **Threads**: any. **Lifetime**: may outlive the timer and the loop. Destroying it cancels
/// nothing.
class timer_ref {
public:
    timer_ref() noexcept = default;

    /// On the loop's thread nothing is run any more once this returns. From elsewhere that travels
    /// there: the task may be running now, and once more until the loop learns of it. The task is
    /// destroyed on the loop's thread.
    void cancel() const;

private:
    friend class loop_ref;
    timer_ref(std::shared_ptr<net::mailbox> mail, weak_handle<net::scheduled_task> task) noexcept
        : mail_(std::move(mail)), task_(std::move(task)) {}

    std::shared_ptr<net::mailbox> mail_;
    weak_handle<net::scheduled_task> task_;
};

/// The handle to a loop. What it is asked for works before the loop runs (it begins with it), while
/// it runs, and does nothing when it has ended.
/// **Threads**: any. **Lifetime**: may outlive the loop. **Cost**: a post is one allocation and one
/// atomic exchange; only the first post after the loop went to sleep makes a system call.
class loop_ref {
public:
    /// Of no loop.
    loop_ref() noexcept = default;
    loop_ref(const loop& of) noexcept;  // NOLINT(google-explicit-constructor)

    /// Runs `task` on the loop's thread, in the order of posting per thread. False when the loop is
    /// gone: then the task is destroyed unrun.
    bool post(unique_function<void()> task) const;
    /// Runs `task` once on the loop's thread, not earlier than after `delay`. When the loop goes
    /// first, the task is destroyed unrun.
    timer_ref after(duration delay, unique_function<void()> task) const;
    /// Runs `task` after each `period`, until it is cancelled or the loop goes. A loop that is late
    /// runs it once, not once for each period that has passed. **Units**: at least a millisecond.
    timer_ref every(duration period, unique_function<void()> task) const;
    /// On the loop's thread the moment at which the present turn began, what every deadline counts
    /// from; elsewhere the clock.
    [[nodiscard]] time_point now() const noexcept;
    /// Whether the loop is attached to the calling thread: whoever runs it, or drives it between
    /// `start` and `finish`.
    [[nodiscard]] bool in_loop_thread() const noexcept {
        return owner_ != nullptr && owner_->here();
    }
    /// Whether the loop has ended, or there never was one.
    [[nodiscard]] bool ended() const noexcept { return owner_ == nullptr || owner_->ended(); }

    /// For the library.
    loop_ref(std::shared_ptr<net::mailbox> mail, std::shared_ptr<thread_owner> owner,
             weak_handle<net::loop_core> core) noexcept
        : mail_(std::move(mail)), owner_(std::move(owner)), core_(std::move(core)) {}
    /// For the library: the loop on its thread, else null.
    [[nodiscard]] net::loop_core* core() const noexcept { return core_.get(); }
    /// For the library: not null unless this is of no loop.
    [[nodiscard]] const std::shared_ptr<thread_owner>& owner() const noexcept { return owner_; }

private:
    timer_ref schedule(duration delay, duration period, unique_function<void()> task) const;

    std::shared_ptr<net::mailbox> mail_;
    std::shared_ptr<thread_owner> owner_;
    weak_handle<net::loop_core> core_;
};

/// How many things of one kind a loop does before it looks at the others again. Together they bound
/// how long a turn takes, apart from the time that handlers take.
struct loop_budgets {
    std::size_t read_bytes = 512 * 1024;  ///< Per connection and iteration.
    /// Of all connections, per iteration: for those with news, and again for those that a budget
    /// has cut off before. Who gets nothing is the first of the next iteration.
    std::size_t turn_bytes = 8 * 1024 * 1024;
    unsigned accepts = 64;         ///< Per listener and iteration.
    unsigned tls_handshakes = 8;   ///< Handshake steps per iteration; open connections go first.
    unsigned posted_tasks = 1024;  ///< Per iteration.
    unsigned timers = 1024;        ///< Per iteration.

    /// **Errors**: `invalid_argument`; which option is wrong, and what it may be.
    [[nodiscard]] result<void> check() const;
};

/// How long a stream may stand still.
struct stream_limits {
    duration write_stall =
        std::chrono::seconds(30);  ///< Queued bytes, none of them taken by the peer: aborted.
    /// Closed by us: for what is queued to be taken, and a second more for each 4 KiB of it.
    duration close_grace = std::chrono::seconds(10);
    /// Then: for the peer's end.
    duration linger = std::chrono::seconds(2);

    /// **Errors**: `invalid_argument`; which option is wrong, and what it may be.
    [[nodiscard]] result<void> check() const;
};

struct loop_options {
    std::uint8_t index = 0;  ///< The loop's number in every `conn_id` of it.
    loop_budgets budgets{};
    stream_limits limits{};
    log_sink* log = default_log();  ///< `nullptr` for none. Must outlive the loop.

    /// **Errors**: `invalid_argument`; which option is wrong, and what it may be.
    [[nodiscard]] result<void> check() const;
};

/// One thread's event loop: it owns its connections, timers and buffers.
///
/// `run` gives it a thread. A program that has a loop of its own (Boost.Asio, Qt, libuv, epoll)
/// drives it instead: `start`, then `turn` whenever `descriptor` is readable or the time has come
/// that the last `turn` named, at last `finish`. See the guide to embedding.
/// **Threads**: make it anywhere; between `start` and `finish` all but `stop` and `ref` belongs to
/// the thread that started it.
class loop {
public:
    /// **Errors**: the system's, when it refuses the descriptors a loop needs.
    static result<std::unique_ptr<loop>> make(loop_options options = {});
    ~loop();
    loop(const loop&) = delete;
    loop& operator=(const loop&) = delete;

    /// Runs until `stop`: starts, turns, finishes. What is open then stays open until the loop is
    /// run again or destroyed.
    void run();
    /// Ends `run` after the present turn; `turn` tells it by returning nothing. **Threads**: any.
    void stop();

    /// Attaches the loop to the calling thread, until `finish`. **Errors**: `wrong_thread` when it
    /// is attached already, `shutting_down` when it has ended.
    result<void> start();
    /// Poll it for reading. Never read from it.
    [[nodiscard]] int descriptor() const noexcept;
    /// Does what there is to do, waiting for it at most `max_wait`: a bounded number of things of
    /// each kind (see `loop_budgets`), the rest is left for the next turn. Returns when that is
    /// wanted at the latest, whatever the descriptor says: a moment that has passed for at once,
    /// `time_point::max()` for never. Nothing after `stop`.
    std::optional<time_point> turn(duration max_wait = duration::zero());
    /// After something was done with the loop outside of a turn (sent, connected, armed): sends
    /// what that has queued. Returns as `turn`.
    std::optional<time_point> flush();
    /// Detaches the loop. What is open stays open until it is started again or destroyed.
    void finish();

    [[nodiscard]] loop_ref ref() const noexcept;
    void visit_metrics(metric_visitor visit) const;

    /// For the layers above; not for users.
    [[nodiscard]] net::loop_core& core() const noexcept { return *core_; }

private:
    explicit loop(std::unique_ptr<net::loop_core> core) noexcept;
    std::unique_ptr<net::loop_core> core_;
};

}  // namespace weft
