// Signals through signalfd: no handler ever runs in an interrupted thread.

#include "server/signal_watcher.hpp"

#include <cstdint>
#include <initializer_list>
#include <utility>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace weft {

signal_watcher::signal_watcher(std::initializer_list<int> signals, unique_function<void(int)> told)
    : told_(std::move(told)) {
    sigset_t watched;
    sigemptyset(&watched);
    for (const int signal : signals) sigaddset(&watched, signal);
    ::pthread_sigmask(SIG_BLOCK, &watched, &before_);
    signals_fd_ = ::signalfd(-1, &watched, SFD_CLOEXEC);
    quit_fd_ = ::eventfd(0, EFD_CLOEXEC);
    thread_ = std::thread([this] { watch(); });
}

signal_watcher::~signal_watcher() {
    const std::uint64_t one = 1;
    (void)!::write(quit_fd_, &one, sizeof one);
    thread_.join();
    ::close(signals_fd_);
    ::close(quit_fd_);
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

void signal_watcher::watch() {
    for (;;) {
        pollfd waiting[] = {{signals_fd_, POLLIN, 0}, {quit_fd_, POLLIN, 0}};
        if (::poll(waiting, 2, -1) < 0) continue;
        if (waiting[1].revents != 0) return;
        signalfd_siginfo info{};
        if (::read(signals_fd_, &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
            told_(static_cast<int>(info.ssi_signo));
        }
    }
}

}  // namespace weft
