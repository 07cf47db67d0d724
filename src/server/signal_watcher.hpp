#pragma once

#include <thread>

#include <signal.h>

#include <weft/base/unique_function.hpp>

namespace weft {

/// Hands signals to a function, on a thread of its own, instead of interrupting anything.
/// **Lifetime**: the signals are blocked in the calling thread, and in those it starts, from
/// construction on; the destructor restores the mask.
class signal_watcher {
public:
    /// `told` gets each arrived signal's number.
    signal_watcher(std::initializer_list<int> signals, unique_function<void(int)> told);
    signal_watcher(const signal_watcher&) = delete;
    signal_watcher& operator=(const signal_watcher&) = delete;
    ~signal_watcher();

private:
    void watch();

    sigset_t before_{};
    unique_function<void(int)> told_;
    int signals_fd_ = -1;
    int quit_fd_ = -1;
    std::thread thread_;
};

}  // namespace weft
