#pragma once

#include <csignal>
#include <exception>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include <weft/base/result.hpp>

namespace weft {

/// Blocks the signals of the process for the calling thread, while it lives. Faults, and the clock
/// of profilers, belong to the thread that they meet.
class process_signals_blocked {
public:
    process_signals_blocked() noexcept {
        sigset_t set;
        ::sigfillset(&set);
        for (const int own : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS, SIGPROF})
            ::sigdelset(&set, own);
        ::pthread_sigmask(SIG_BLOCK, &set, &before_);
    }
    ~process_signals_blocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
    process_signals_blocked(const process_signals_blocked&) = delete;
    process_signals_blocked& operator=(const process_signals_blocked&) = delete;

private:
    sigset_t before_{};
};

/// A thread, or why the system has none to give; `purpose` is for people. The one place where the
/// library makes threads, so that a refusal never is an exception that nobody expects, and so that
/// signals go to the threads of the program: it may block them in its own and read them there.
template <class F>
[[nodiscard]] result<std::thread> start_thread(std::string purpose, F&& work) {
    const process_signals_blocked inherited;
    try {
        return std::thread(std::forward<F>(work));
    } catch (const std::system_error& refused) {
        return error(refused.code(), "cannot start " + std::move(purpose));
    } catch (const std::exception&) {
        return error(std::make_error_code(std::errc::not_enough_memory),
                     "cannot start " + std::move(purpose));
    }
}

}  // namespace weft
