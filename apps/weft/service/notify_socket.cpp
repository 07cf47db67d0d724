// The protocol of sd_notify(3), which is one datagram per message, without its library.

#include "notify_socket.hpp"

#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <utility>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace weft {
namespace {

std::string take_variable(const char* name) {
    const char* const value = std::getenv(name);
    std::string taken = value != nullptr ? value : "";
    ::unsetenv(name);
    return taken;
}

std::optional<std::int64_t> number(std::string_view text) noexcept {
    std::int64_t value = 0;
    const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (wrong != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

}  // namespace

notify_socket notify_socket::of_environment() {
    notify_socket made;
    made.path_ = take_variable("NOTIFY_SOCKET");
    const auto period = number(take_variable("WATCHDOG_USEC"));
    const auto whose = number(take_variable("WATCHDOG_PID"));
    const bool known = made.path_.starts_with('/') || made.path_.starts_with('@');
    if (!known || made.path_.size() >= sizeof sockaddr_un{}.sun_path) return {};
    if (made.path_[0] == '@') made.path_[0] = '\0';
    made.fd_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (period && *period > 0 && (!whose || *whose == ::getpid()))
        made.watchdog_ = std::chrono::microseconds(*period);
    return made;
}

notify_socket::notify_socket(notify_socket&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      path_(std::move(other.path_)),
      watchdog_(other.watchdog_) {}

notify_socket::~notify_socket() {
    if (fd_ >= 0) ::close(fd_);
}

void notify_socket::tell(std::string_view lines) const noexcept {
    if (fd_ < 0) return;
    sockaddr_un to{};
    to.sun_family = AF_UNIX;
    path_.copy(to.sun_path, sizeof to.sun_path);
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path_.size());
    (void)!::sendto(fd_, lines.data(), lines.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
                    reinterpret_cast<const sockaddr*>(&to), size);
}

notify_socket::reload notify_socket::tell_reload() const {
    // The steady clock is CLOCK_MONOTONIC.
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    const auto usec = std::chrono::duration_cast<std::chrono::microseconds>(now).count();
    tell("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(usec));
    return reload(*this);
}

}  // namespace weft
