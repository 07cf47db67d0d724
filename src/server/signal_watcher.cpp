// Signals through signalfd: no handler ever runs in an interrupted thread. And no thread waits for
// them: a second thread makes each system call of the first dearer, because the kernel then counts
// the users of every file that a call uses (bench `load`, 1 in flight: 2 %).

#include "server/signal_watcher.hpp"

#include <utility>

#include <sys/signalfd.h>
#include <unistd.h>

namespace weft {

signal_watcher::signal_watcher(net::loop_core& loop, std::initializer_list<int> signals,
                               unique_function<void(int)> told)
    : loop_(loop) {
    sigset_t watched;
    sigemptyset(&watched);
    for (const int signal : signals) sigaddset(&watched, signal);
    ::pthread_sigmask(SIG_BLOCK, &watched, &before_);
    const int fd = ::signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0) return;
    const auto id = loop_.watch(fd, [fd, told = std::move(told)]() mutable {
        signalfd_siginfo info{};
        if (::read(fd, &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
            told(static_cast<int>(info.ssi_signo));
        }
    });
    if (id) watched_ = *id;
}

signal_watcher::~signal_watcher() {
    if (watched_) loop_.close_listener(*watched_);
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

}  // namespace weft
