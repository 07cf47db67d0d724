// Lines on a descriptor. Only the log's own thread is here, so that it may block.

#include "log/log_file.hpp"

#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

namespace weft {
namespace {

constexpr int nobody = -1;

int open_for_lines(const std::string& path) noexcept {
    return ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
}

}  // namespace

log_file::log_file(int fd, std::string path) noexcept : fd_(fd), path_(std::move(path)) {}

log_file::log_file(log_file&& other) noexcept
    : fd_(std::exchange(other.fd_, nobody)), path_(std::move(other.path_)) {}

log_file::~log_file() {
    if (!path_.empty() && fd_ != nobody) ::close(fd_);
}

result<log_file> log_file::open(const std::string& path) {
    const int fd = open_for_lines(path);
    if (fd < 0) return error(std::error_code(errno, std::system_category()), "'" + path + "'");
    return log_file(fd, path);
}

bool log_file::is_terminal() const noexcept {
    return ::isatty(fd_) == 1;
}

void log_file::follow_path() noexcept {
    if (!reopen_.exchange(false) || path_.empty()) return;
    const int fresh = open_for_lines(path_);
    if (fresh < 0) return;
    ::close(std::exchange(fd_, fresh));
    in_line_ = false;
}

/// For a descriptor that somebody has made non-blocking.
bool log_file::wait() const noexcept {
    constexpr int patience = 100;  // milliseconds; then `give_up` is looked at again
    pollfd room{fd_, POLLOUT, 0};
    return !giving_up_ && ::poll(&room, 1, patience) >= 0;
}

void log_file::write(std::string_view line) noexcept {
    follow_path();
    if (in_line_ && ::write(fd_, "\n", 1) == 1) in_line_ = false;
    while (!line.empty()) {
        const ssize_t size = ::write(fd_, line.data(), line.size());
        if (size >= 0) {
            line.remove_prefix(static_cast<std::size_t>(size));
            in_line_ = !line.empty();
        } else if (errno != EINTR && !(errno == EAGAIN && wait())) {
            ++lost_;
            return;
        }
    }
    ++written_;
}

}  // namespace weft
