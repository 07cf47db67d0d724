// A small thread pool. A thread is started only when a job finds none idle.

#include "net/worker_pool.hpp"

#include <utility>

#include "base/start_thread.hpp"

namespace weft::net {

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

void worker_pool::run(unique_function<void()> job) {
    {
        const std::lock_guard lock(mutex_);
        jobs_.push_back(std::move(job));
        if (idle_ < jobs_.size() && threads_.size() < limit_) start_thread();
    }
    wake_.notify_one();
}

void worker_pool::start_thread() {
    threads_.reserve(limit_);
    // When the system has no thread to give, the job waits for one that runs already, or for the
    // next attempt; whoever wants its answer has a deadline.
    if (auto started = weft::start_thread("a worker", [this] { work(); }))
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

}  // namespace weft::net
