// A handler of the process that writes a number to the eventfd of every watcher, which is all that
// a handler may do. Blocking the signals and reading them from a signalfd would need every thread
// of the program to block them, those that were started before us too. And no thread of ours waits
// for them: a second thread makes each system call of the first dearer, because the kernel then
// counts the users of every file that a call uses (bench `load`, 1 in flight: 2 %).
//
// Invariant: a descriptor in `listening` is open. Who takes it out waits until no handler runs that
// may have read it.

#include "server/signal_watcher.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include <sys/eventfd.h>
#include <unistd.h>

namespace weft {
namespace {

constexpr std::array<int, 3> watched_signals{SIGTERM, SIGINT, SIGHUP};
constexpr std::size_t most_watchers = 64;
// Both wishes travel in the one number of an eventfd: nothing is lost, as in a full pipe.
constexpr std::uint64_t one_end = 1;
constexpr std::uint64_t one_reload = std::uint64_t{1} << 32U;

/// A watcher's descriptor, or -1.
struct place {
    std::atomic<int> fd{-1};
};
std::array<place, most_watchers> listening;
std::atomic<unsigned> handlers_running{0};
std::atomic<pid_t> owner{0};  // a child of `fork` has our handlers, and must not speak for us

std::mutex installing;  // guards what follows, but for a handler in a child, which has no threads
std::size_t watchers = 0;
std::array<struct sigaction, watched_signals.size()> before;

}  // namespace

extern "C" {
static void weft_on_signal(int which) {
    const int errno_before = errno;
    handlers_running.fetch_add(1);
    if (::getpid() == owner.load()) {
        const std::uint64_t wish = which == SIGHUP ? one_reload : one_end;
        for (const place& one : listening) {
            if (const int fd = one.fd.load(); fd >= 0) (void)!::write(fd, &wish, sizeof wish);
        }
    } else {
        for (std::size_t i = 0; i < watched_signals.size(); ++i) {
            if (watched_signals[i] == which) ::sigaction(which, &before[i], nullptr);
        }
        ::raise(which);  // comes when we return
    }
    handlers_running.fetch_sub(1);
    errno = errno_before;
}
}

namespace {

void install() {
    struct sigaction ours {};
    ours.sa_handler = &weft_on_signal;
    ours.sa_flags = SA_RESTART;
    sigemptyset(&ours.sa_mask);
    for (const int which : watched_signals) sigaddset(&ours.sa_mask, which);
    for (std::size_t i = 0; i < watched_signals.size(); ++i) {
        struct sigaction found {};
        ::sigaction(watched_signals[i], &ours, &found);
        if (found.sa_handler != &weft_on_signal) before[i] = found;
    }
}

void uninstall() {
    for (std::size_t i = 0; i < watched_signals.size(); ++i) {
        struct sigaction now {};
        ::sigaction(watched_signals[i], nullptr, &now);
        if (now.sa_handler == &weft_on_signal) ::sigaction(watched_signals[i], &before[i], nullptr);
    }
}

/// Takes a free place. **Errors**: nothing when there is none.
std::optional<std::size_t> enter(int fd) {
    const std::lock_guard lock(installing);
    if (owner.load() != ::getpid()) {  // the first, or a child of a process that had some
        for (place& one : listening) one.fd = -1;
        watchers = 0;
        owner = ::getpid();
    }
    for (std::size_t i = 0; i < most_watchers; ++i) {
        if (listening[i].fd.load() >= 0) continue;
        listening[i].fd = fd;
        if (++watchers == 1) install();
        return i;
    }
    return std::nullopt;
}

void leave(std::size_t i) {
    const std::lock_guard lock(installing);
    listening[i].fd = -1;
    if (--watchers == 0) uninstall();
    while (handlers_running.load() != 0) std::this_thread::yield();
}

sigset_t set_of_watched() noexcept {
    sigset_t all;
    sigemptyset(&all);
    for (const int which : watched_signals) sigaddset(&all, which);
    return all;
}

}  // namespace

result<std::unique_ptr<signal_watcher>> signal_watcher::make(
    net::loop_core& loop, unique_function<void(signal_wish)> told) {
    const int fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd < 0) return error({errno, std::system_category()}, "an eventfd for signals");
    std::unique_ptr<signal_watcher> made(new signal_watcher(loop, std::move(told)));
    const auto watched = loop.watch(fd, [self = made.get(), fd] { self->read(fd); });
    if (!watched) return watched.error();
    made->watched_ = *watched;
    made->place_ = enter(fd);
    if (!made->place_) {
        return error(errc::limit_exceeded, std::to_string(most_watchers) +
                                               " servers of this process handle signals already: "
                                               "run this one with signal_handling::none");
    }
    const sigset_t ours = set_of_watched();
    ::pthread_sigmask(SIG_UNBLOCK, &ours, &made->mask_before_);
    return made;
}

signal_watcher::~signal_watcher() {
    if (place_) {
        sigset_t blocked;
        sigemptyset(&blocked);
        for (const int which : watched_signals) {
            if (sigismember(&mask_before_, which) == 1) sigaddset(&blocked, which);
        }
        ::pthread_sigmask(SIG_BLOCK, &blocked, nullptr);
        leave(*place_);
    }
    if (watched_) loop_.close_listener(*watched_);
}

void signal_watcher::read(int fd) {
    std::uint64_t wishes = 0;
    if (::read(fd, &wishes, sizeof wishes) != static_cast<ssize_t>(sizeof wishes)) return;
    if (wishes >= one_reload) told_(signal_wish::reload);
    // The second says what no further one can say louder.
    for (std::uint64_t ends = std::min<std::uint64_t>(wishes % one_reload, 2); ends > 0; --ends)
        told_(signal_wish::end);
}

}  // namespace weft
