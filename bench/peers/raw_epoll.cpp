// What the kernel alone costs: a TCP server on one epoll that receives and sends, and does nothing
// else. No framing, no checks, no limits, no list of things to do later. Every WebSocket server
// pays at least this; the comparison in bench/load measures how much more ours pays.
//
//   raw_epoll [--port N] [--broadcast]
//
// Echo sends back what a recv returned. Broadcast sends it to every connection, with one send each.
// Edge-triggered, one recv per event (another only when it filled the buffer), and at once one
// send; a connection whose send buffer is full is not read until there is room. It prints
// "listening on tcp://127.0.0.1:PORT" and runs until it is killed.

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

struct connection {
    int fd;
    std::vector<char> unsent{};  // non-empty: the kernel was full
};

[[noreturn]] void die(const char* what) {
    std::fprintf(stderr, "raw_epoll: %s: %s\n", what, std::strerror(errno));
    std::exit(1);
}

int listen_on(std::uint16_t& port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    const int on = 1;
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* raw = reinterpret_cast<sockaddr*>(&address);
    if (::bind(fd, raw, size) != 0 || ::listen(fd, 4096) != 0) die("cannot listen");
    ::getsockname(fd, raw, &size);
    port = ntohs(address.sin_port);
    return fd;
}

class server {
public:
    server(int listener, bool broadcast)
        : epoll_(::epoll_create1(0)), listener_(listener), broadcast_(broadcast) {
        watch(listener_, nullptr, EPOLLIN);
    }

    [[noreturn]] void run() {
        epoll_event events[128];
        for (;;) {
            const int count = ::epoll_wait(epoll_, events, 128, -1);
            for (int i = 0; i < count; ++i) {
                auto* const who = static_cast<connection*>(events[i].data.ptr);
                if (who == nullptr) {
                    accept_all();
                } else {
                    serve(*who);
                }
            }
        }
    }

private:
    void watch(int fd, connection* who, unsigned events) {
        epoll_event event{};
        event.events = events;
        event.data.ptr = who;
        if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) die("epoll_ctl");
    }

    void accept_all() {
        for (;;) {
            const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK);
            if (fd < 0) return;
            const int on = 1;
            ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            auto& slot = connections_[fd];
            slot = std::make_unique<connection>(connection{fd});
            watch(fd, slot.get(), EPOLLIN | EPOLLOUT | EPOLLET);
        }
    }

    void serve(connection& from) {
        if (!from.unsent.empty()) {
            std::vector<char> rest = std::move(from.unsent);
            from.unsent.clear();
            send_to(from, rest.data(), rest.size());
        }
        while (from.unsent.empty()) {
            const ssize_t got = ::recv(from.fd, buffer_.get(), buffer_size, 0);
            if (got <= 0) {
                if (got < 0 && errno == EAGAIN) return;
                ::close(from.fd);
                connections_.erase(from.fd);
                return;
            }
            const auto size = static_cast<std::size_t>(got);
            if (broadcast_) {
                for (auto& [fd, to] : connections_) send_to(*to, buffer_.get(), size);
            } else {
                send_to(from, buffer_.get(), size);
            }
            if (size < buffer_size) return;
        }
    }

    static void send_to(connection& to, const char* data, std::size_t size) {
        if (!to.unsent.empty()) {
            to.unsent.insert(to.unsent.end(), data, data + size);
            return;
        }
        const ssize_t sent = ::send(to.fd, data, size, MSG_NOSIGNAL);
        const std::size_t taken = sent > 0 ? static_cast<std::size_t>(sent) : 0;
        if (taken < size) to.unsent.assign(data + taken, data + size);
    }

    static constexpr std::size_t buffer_size = 256 * 1024;

    int epoll_;
    int listener_;
    bool broadcast_;
    std::unique_ptr<char[]> buffer_ = std::make_unique<char[]>(buffer_size);
    std::unordered_map<int, std::unique_ptr<connection>> connections_;
};

}  // namespace

int main(int argc, char** argv) {
    std::uint16_t port = 0;
    bool broadcast = false;
    for (int i = 1; i < argc; ++i) {
        const std::string_view option = argv[i];
        if (option == "--broadcast") {
            broadcast = true;
        } else if (option == "--port" && i + 1 < argc) {
            port = static_cast<std::uint16_t>(std::atoi(argv[++i]));
        } else {
            std::fprintf(stderr, "usage: raw_epoll [--port N] [--broadcast]\n");
            return 2;
        }
    }
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
    const int listener = listen_on(port);
    std::printf("listening on tcp://127.0.0.1:%u\n", unsigned{port});
    std::fflush(stdout);
    server(listener, broadcast).run();
}
