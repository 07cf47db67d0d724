// A small thread pool. A thread is started only when a job finds none idle. A job never waits for a
// thread that nobody will start: with none running, the loop tries again.

#include "net/worker_pool.hpp"

#include <utility>

#include <sys/resource.h>
#include <unistd.h>

#include "base/start_thread.hpp"
#include "net/loop_core.hpp"

namespace weft::net {
namespace {

constexpr duration no_thread_back_off = std::chrono::milliseconds(100);

/// A flood of signatures to verify must not take the processor from the loops: a healthy peer's p99
/// under one is 3 to 7 ms instead of 14 to 23 (bench/load/bad_tokens.py, two busy processors).
void yield_to_loops() noexcept {
    constexpr int nicer = 10;
    (void)::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), nicer);
}

void start_first_later(loop_core& loop) {
    loop.after(no_thread_back_off, [&loop] {
        if (!loop.workers().start_first()) start_first_later(loop);
    });
}

}  // namespace

worker_pool::~worker_pool() {
    std::deque<unique_function<void()>> dropped;  // destroyed without the lock
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
        dropped.swap(jobs_);
    }
    wake_.notify_all();
    for (std::thread& t : threads_) t.join();
}

bool worker_pool::run(unique_function<void()> job) {
    bool started = false;
    {
        const std::lock_guard lock(mutex_);
        jobs_.push_back(std::move(job));
        if (idle_ < jobs_.size() && threads_.size() < limit_) start_thread();
        started = !threads_.empty();
    }
    wake_.notify_one();
    return started;
}

bool worker_pool::start_first() {
    const std::lock_guard lock(mutex_);
    if (threads_.empty()) start_thread();
    return !threads_.empty();
}

void worker_pool::start_thread() {
    threads_.reserve(limit_);
    // When the system has no thread to give, the job waits for one that runs already, or for the
    // next attempt.
    if (auto started = weft::start_thread("a worker", [this] {
            yield_to_loops();
            work();
        }))
        threads_.push_back(std::move(*started));
}

void worker_pool::work() {
    std::unique_lock lock(mutex_);
    for (;;) {
        ++idle_;
        wake_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
        --idle_;
        if (stopping_) return;
        unique_function<void()> job = std::move(jobs_.front());
        jobs_.pop_front();
        lock.unlock();
        job();
        job = nullptr;
        lock.lock();
    }
}

void run_on_worker(loop_core& loop, unique_function<void()> job) {
    if (loop.workers().run(std::move(job))) return;
    loop.log(log_level::warning, "net",
             "no thread for work that blocks: trying again every 100 ms (raise the limit of "
             "threads)");
    start_first_later(loop);
}

}  // namespace weft::net
