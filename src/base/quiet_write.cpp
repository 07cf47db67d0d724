// SIGPIPE goes to the thread that writes. It is blocked there for the length of the call, and taken
// back if this call caused it; one that the user has pending stays.

#include "base/quiet_write.hpp"

#include <cerrno>
#include <ctime>

#include <signal.h>
#include <unistd.h>

namespace weft {

void quiet_write(int fd, std::string_view bytes) noexcept {
    const int errno_before = errno;
    sigset_t broken_pipe;
    sigset_t before;
    sigset_t pending;
    sigemptyset(&broken_pipe);
    sigaddset(&broken_pipe, SIGPIPE);
    sigemptyset(&pending);
    ::sigpending(&pending);
    const bool was_pending = sigismember(&pending, SIGPIPE) == 1;
    if (::pthread_sigmask(SIG_BLOCK, &broken_pipe, &before) != 0) return;
    ssize_t written = 0;
    do {
        written = ::write(fd, bytes.data(), bytes.size());
    } while (written < 0 && errno == EINTR);
    if (written < 0 && errno == EPIPE && !was_pending) {
        const timespec at_once{};
        while (::sigtimedwait(&broken_pipe, nullptr, &at_once) < 0 && errno == EINTR) {
        }
    }
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    errno = errno_before;
}

}  // namespace weft
