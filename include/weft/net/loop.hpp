#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include <weft/base/log.hpp>
#include <weft/base/metrics.hpp>
#include <weft/base/result.hpp>
#include <weft/base/time.hpp>
#include <weft/base/unique_function.hpp>

namespace weft {

namespace net {
class loop_core;
class mailbox;
}  // namespace net

/// A way to reach a loop from anywhere, which may outlive it.
/// **Threads**: any. **Cost**: a post is one allocation and one atomic exchange; only the first
/// post after the loop went to sleep makes a system call.
class loop_ref {
public:
    loop_ref() noexcept = default;
    loop_ref(std::shared_ptr<net::mailbox> mail, net::loop_core& core) noexcept
        : mail_(std::move(mail)), core_(&core) {}

    /// Runs `task` on the loop's thread, in the order of posting per thread. False when the loop is
    /// gone: then the task is destroyed unrun.
    bool post(unique_function<void()> task) const;

    /// For the library: what a task that was posted here may use, and nobody else.
    [[nodiscard]] net::loop_core* core_in_task() const noexcept { return core_; }

private:
    std::shared_ptr<net::mailbox> mail_;
    net::loop_core* core_ = nullptr;
};

/// How many things of one kind a loop does before it looks at the others again.
struct loop_budgets {
    std::size_t read_bytes = 512 * 1024;  ///< Per connection and iteration.
    unsigned accepts = 64;                ///< Per listener and iteration.
    unsigned tls_handshakes = 8;   ///< Handshake steps per iteration; open connections go first.
    unsigned posted_tasks = 1024;  ///< Per iteration.
    unsigned timers = 1024;        ///< Per iteration.
};

/// How long a stream may stand still.
struct stream_limits {
    duration write_stall =
        std::chrono::seconds(30);  ///< Queued bytes, none of them taken by the peer: aborted.
    /// Closed by us: for what is queued to be taken, and a second more for each 4 KiB of it.
    duration close_grace = std::chrono::seconds(10);
    /// Then: for the peer's end.
    duration linger = std::chrono::seconds(2);
};

struct loop_options {
    std::uint8_t index = 0;  ///< The loop's number in every `conn_id` of it.
    loop_budgets budgets{};
    stream_limits limits{};
    log_sink* log = nullptr;  ///< Must outlive the loop.
};

/// One thread's event loop: it owns its connections, timers and buffers.
/// **Threads**: make it anywhere; from `run` on everything but `stop` and `ref` belongs to the
/// running thread.
class loop {
public:
    /// **Errors**: the system's, when it refuses the descriptors a loop needs.
    static result<std::unique_ptr<loop>> make(loop_options options = {});
    ~loop();
    loop(const loop&) = delete;
    loop& operator=(const loop&) = delete;

    /// Runs until `stop`. What is open then stays open until the loop is run again or destroyed.
    void run();
    /// Ends `run` after the present iteration. **Threads**: any.
    void stop();

    [[nodiscard]] loop_ref ref() const noexcept;
    /// Runs `task` once, not earlier than after `delay`.
    void after(duration delay, unique_function<void()> task);
    /// The moment this iteration began; what every deadline counts from.
    [[nodiscard]] time_point now() const noexcept;
    [[nodiscard]] bool in_loop_thread() const noexcept;
    void visit_metrics(metric_visitor visit) const;

    /// For the layers above; not for users.
    [[nodiscard]] net::loop_core& core() const noexcept { return *core_; }

private:
    explicit loop(std::unique_ptr<net::loop_core> core) noexcept;
    std::unique_ptr<net::loop_core> core_;
};

}  // namespace weft
