#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include <weft/base/unique_function.hpp>

namespace weft::net {

/// A few threads for work that blocks (name resolution, slow signatures). Results go back by
/// `loop_core::post`.
/// **Threads**: `run` any. **Lifetime**: destruction waits for running jobs and drops queued ones.
class worker_pool {
public:
    explicit worker_pool(unsigned threads = 2) : limit_(threads) {}
    worker_pool(const worker_pool&) = delete;
    worker_pool& operator=(const worker_pool&) = delete;
    ~worker_pool();

    /// Threads are started as jobs come, up to the limit.
    void run(unique_function<void()> job);

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

}  // namespace weft::net
