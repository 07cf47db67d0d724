// Socket activation as in sd_listen_fds(3): descriptors from 3 on, meant for the process that
// LISTEN_PID names.

#include "activation.hpp"

#include <charconv>
#include <cstdlib>
#include <string_view>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace weft {
namespace {

constexpr int first_fd = 3;

int number_in(const char* name) {
    const char* const value = std::getenv(name);
    int number = 0;
    if (value != nullptr) {
        const std::string_view text(value);
        std::from_chars(text.data(), text.data() + text.size(), number);
    }
    return number;
}

bool listens(int fd) noexcept {
    int value = 0;
    socklen_t size = sizeof value;
    return ::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &value, &size) == 0 && value != 0;
}

activated_socket describe(int fd) {
    activated_socket found;
    found.fd = fd;
    sockaddr_storage at{};
    socklen_t size = sizeof at;
    char text[INET6_ADDRSTRLEN] = "";
    if (::getsockname(fd, reinterpret_cast<sockaddr*>(&at), &size) != 0) return found;
    if (at.ss_family == AF_INET) {
        const auto& v4 = reinterpret_cast<const sockaddr_in&>(at);
        found.host = ::inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
        found.port = ntohs(v4.sin_port);
    } else if (at.ss_family == AF_INET6) {
        const auto& v6 = reinterpret_cast<const sockaddr_in6&>(at);
        found.host = ::inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
        found.port = ntohs(v6.sin6_port);
    }
    return found;
}

}  // namespace

result<std::optional<activated_socket>> take_activated_socket() {
    const bool ours = number_in("LISTEN_PID") == ::getpid();
    const int count = number_in("LISTEN_FDS");
    for (const char* const name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) ::unsetenv(name);
    if (!ours || count <= 0) return std::optional<activated_socket>();
    for (int i = 0; i < count; ++i) ::fcntl(first_fd + i, F_SETFD, FD_CLOEXEC);
    if (count > 1) {
        return error(
            errc::invalid_argument,
            "the service manager passed " + std::to_string(count) +
                " sockets (LISTEN_FDS): pass one, such as one ListenStream= of weft.socket");
    }
    if (!listens(first_fd)) {
        return error(errc::invalid_argument,
                     "what the service manager passed (LISTEN_FDS) is no stream socket that "
                     "listens: use ListenStream= with Accept=no");
    }
    return std::optional(describe(first_fd));
}

}  // namespace weft
