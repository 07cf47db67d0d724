#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include <weft/base/unique_function.hpp>

namespace weft::net {

class loop_core;

/// A few threads for work that blocks (name resolution, slow signatures). Results go back by
/// `loop_core::post`.
/// **Threads**: `run` any. **Lifetime**: destruction waits for running jobs and drops queued ones.
class worker_pool {
public:
    explicit worker_pool(unsigned threads = 2) : limit_(threads) {}
    worker_pool(const worker_pool&) = delete;
    worker_pool& operator=(const worker_pool&) = delete;
    ~worker_pool();

    /// Threads are started as jobs come, up to the limit. False when there is none, because the
    /// system has none to give: the job waits until there is.
    bool run(unique_function<void()> job);
    /// Tries again; whether there is a thread now.
    bool start_first();

private:
    void start_thread();
    void work();

    const unsigned limit_;
    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<unique_function<void()>> jobs_;
    std::vector<std::thread> threads_;
    unsigned idle_ = 0;
    bool stopping_ = false;
};

/// Runs `job` on a worker of the loop. While the system has no thread at all to give, the loop
/// tries again now and then. **Threads**: the loop's.
void run_on_worker(loop_core& loop, unique_function<void()> job);

}  // namespace weft::net
