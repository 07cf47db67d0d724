#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <utility>

#include <signal.h>

#include <weft/base/result.hpp>
#include <weft/base/unique_function.hpp>

#include "net/loop_core.hpp"

namespace weft {

/// What the operator asks for by a signal.
enum class signal_wish {
    end,     ///< SIGTERM or SIGINT.
    reload,  ///< SIGHUP.
};

/// Hands SIGTERM, SIGINT and SIGHUP to a function on a loop, whichever thread gets them: those that
/// a program started before included. Several watchers may live at once, and each hears of every
/// signal.
/// **Lifetime**: from `make` to the destructor the signals are ours. With the last watcher, the
/// process has the handlers again that it had before the first; the thread that made a watcher has
/// its mask.
/// **Threads**: the loop's. Made and destroyed by the same thread.
class signal_watcher {
public:
    /// `told` hears of each wish, and of a second `end` as well. **Errors**: the system's, and
    /// `limit_exceeded` when 64 watchers live.
    static result<std::unique_ptr<signal_watcher>> make(net::loop_core& loop,
                                                        unique_function<void(signal_wish)> told);
    signal_watcher(const signal_watcher&) = delete;
    signal_watcher& operator=(const signal_watcher&) = delete;
    ~signal_watcher();

private:
    signal_watcher(net::loop_core& loop, unique_function<void(signal_wish)> told)
        : loop_(loop), told_(std::move(told)) {}
    void read(int fd);

    net::loop_core& loop_;
    unique_function<void(signal_wish)> told_;
    std::optional<std::size_t> place_;
    std::optional<net::listener_id> watched_;
    sigset_t mask_before_{};
};

}  // namespace weft
