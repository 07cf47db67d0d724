// `weft publish`: a message to a topic, from a shell or a cron job. One request, then the end; so
// it blocks, with a limit.

#include <cstdio>
#include <iostream>
#include <iterator>
#include <string>
#include <utility>

#include <netdb.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "commands.hpp"
#include "config/plan.hpp"
#include "listening.hpp"

namespace weft {
namespace {

constexpr timeval patience{.tv_sec = 10, .tv_usec = 0};
constexpr std::size_t longest_answer = 64 * 1024;

int complain(const std::string& what) {
    std::fprintf(stderr, "weft publish: %s\n", what.c_str());
    return 1;
}

/// As it stands in a path.
std::string escaped(const std::string& text) {
    std::string out;
    char code[4];
    for (const char c : text) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                           (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~' ||
                           c == '/';
        std::snprintf(code, sizeof code, "%%%02X", unsigned{static_cast<unsigned char>(c)});
        plain ? out += c : out += code;
    }
    return out;
}

class owned_socket {
public:
    explicit owned_socket(int fd = -1) noexcept : fd_(fd) {}
    owned_socket(owned_socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    owned_socket& operator=(owned_socket&&) = delete;
    ~owned_socket() {
        if (fd_ >= 0) ::close(fd_);
    }
    [[nodiscard]] int get() const noexcept { return fd_; }

private:
    int fd_;
};

/// Without a descriptor when nobody is there.
owned_socket connect_to(const internal_options& where) {
    addrinfo hints{};
    hints.ai_flags = AI_NUMERICHOST;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (::getaddrinfo(where.host.c_str(), std::to_string(where.port).c_str(), &hints, &found) != 0)
        return owned_socket();
    owned_socket made(::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    for (const int limit : {SO_RCVTIMEO, SO_SNDTIMEO})
        ::setsockopt(made.get(), SOL_SOCKET, limit, &patience, sizeof patience);
    const int connected = ::connect(made.get(), found->ai_addr, found->ai_addrlen);
    ::freeaddrinfo(found);
    return connected == 0 ? std::move(made) : owned_socket();
}

/// The whole answer; what of it there is when the connection breaks.
std::string exchange(int fd, std::string_view request) {
    while (!request.empty()) {
        const ssize_t sent = ::send(fd, request.data(), request.size(), MSG_NOSIGNAL);
        if (sent <= 0) return {};
        request.remove_prefix(static_cast<std::size_t>(sent));
    }
    std::string answer;
    char part[4096];
    while (answer.size() < longest_answer) {
        const ssize_t got = ::recv(fd, part, sizeof part, 0);
        if (got <= 0) break;
        answer.append(part, static_cast<std::size_t>(got));
    }
    return answer;
}

}  // namespace

int run_publish(const publish_flags& flags) {
    config::loaded settings = config::load(flags.from);
    for (const std::string& problem : settings.problems) complain(problem);
    if (!settings.problems.empty()) return 2;
    const auto where = config::make_internal(settings.values.internal);
    if (!where) return complain(where.error().what());
    const std::string& key = where->publish_key.empty() ? where->token : where->publish_key;
    if (key.empty()) return complain("no key: --publish-key-file, or [internal] publish_key_file");
    std::string data = flags.data;
    if (data == "-") data.assign(std::istreambuf_iterator<char>(std::cin), {});

    const std::string authority = url_host(where->host) + ":" + std::to_string(where->port);
    const owned_socket to = connect_to(*where);
    if (to.get() < 0)
        return complain("cannot reach http://" + authority + ": is [internal] port right?");
    const std::string answer =
        exchange(to.get(), "POST /topics/" + escaped(flags.topic) +
                               " HTTP/1.1\r\nHost: " + authority + "\r\nAuthorization: Bearer " +
                               key + "\r\nContent-Length: " + std::to_string(data.size()) +
                               "\r\nConnection: close\r\n\r\n" + data);
    if (answer.starts_with("HTTP/1.1 202 ")) return 0;
    const std::size_t body = answer.find("\r\n\r\n");
    if (body == std::string::npos) return complain("http://" + authority + " gave no answer");
    std::string words = answer.substr(body + 4);
    return complain(words.substr(0, words.find_last_not_of('\n') + 1));
}

}  // namespace weft
