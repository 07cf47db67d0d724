#pragma once

#include <initializer_list>
#include <optional>

#include <signal.h>

#include <weft/base/unique_function.hpp>

#include "net/loop_core.hpp"

namespace weft {

/// Hands signals to a function, on a loop, instead of interrupting anything.
/// **Lifetime**: the signals are blocked in the calling thread, and in those it starts, from
/// construction on; the destructor, which needs the loop, restores the mask.
class signal_watcher {
public:
    /// `told` gets each arrived signal's number.
    signal_watcher(net::loop_core& loop, std::initializer_list<int> signals,
                   unique_function<void(int)> told);
    signal_watcher(const signal_watcher&) = delete;
    signal_watcher& operator=(const signal_watcher&) = delete;
    ~signal_watcher();

private:
    net::loop_core& loop_;
    sigset_t before_{};
    std::optional<net::listener_id> watched_;
};

}  // namespace weft
