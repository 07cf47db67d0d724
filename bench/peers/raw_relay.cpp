// What the kernel alone costs of a message from Redis to one client: one epoll, one recv and one
// send. Nothing is parsed, checked or routed. bench/load/cluster_cost.py measures how much more a
// server of a cluster pays.
//
//   raw_relay PORT_OF_REDIS CHANNEL MESSAGE FRAME
//
// MESSAGE and FRAME are the sizes of what Redis says of one message and of what the client gets for
// it. A client gets a 101 for whatever it says first. Prints "listening on ws://127.0.0.1:PORT/".

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

[[noreturn]] void die(const char* what) {
    std::perror(what);
    std::exit(1);
}

sockaddr_in local(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

void say(int fd, const std::string& text) {
    if (::send(fd, text.data(), text.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(text.size()))
        die("raw_relay: send");
}

int subscribe(std::uint16_t port, const std::string& channel) {
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    const sockaddr_in address = local(port);
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        die("raw_relay: connect");
    say(fd, "SUBSCRIBE " + channel + "\r\n");
    char answer[1024];
    if (::recv(fd, answer, sizeof answer, 0) <= 0) die("raw_relay: recv");
    return fd;
}

void watch(int epoll, int fd) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    if (::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) die("raw_relay: epoll_ctl");
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 5) {
        std::fprintf(stderr, "usage: raw_relay PORT_OF_REDIS CHANNEL MESSAGE FRAME\n");
        return 2;
    }
    const auto message = static_cast<std::size_t>(std::atoi(argv[3]));
    const auto frame = static_cast<std::size_t>(std::atoi(argv[4]));
    const int redis = subscribe(static_cast<std::uint16_t>(std::atoi(argv[1])), argv[2]);
    const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address = local(0);
    socklen_t size = sizeof address;
    auto* const raw = reinterpret_cast<sockaddr*>(&address);
    if (::bind(listener, raw, size) != 0 || ::listen(listener, 16) != 0) die("raw_relay: listen");
    ::getsockname(listener, raw, &size);
    std::printf("listening on ws://127.0.0.1:%d/\n", ntohs(address.sin_port));
    std::fflush(stdout);

    const int epoll = ::epoll_create1(0);
    watch(epoll, redis);
    watch(epoll, listener);
    int client = -1;
    std::size_t part = 0;  // of a message
    std::vector<char> buffer(256 * 1024);
    for (;;) {
        epoll_event events[16];
        const int count = ::epoll_wait(epoll, events, 16, -1);
        for (int i = 0; i < count; ++i) {
            const int fd = events[i].data.fd;
            if (fd == listener) {
                client = ::accept(listener, nullptr, nullptr);
                const int on = 1;
                ::setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
                watch(epoll, client);
                continue;
            }
            const ssize_t got = ::recv(fd, buffer.data(), buffer.size(), 0);
            if (fd == redis) {
                if (got <= 0) return 0;
                part += static_cast<std::size_t>(got);
                const std::size_t frames = part / message * frame;
                part %= message;
                if (client >= 0 && frames != 0)
                    (void)::send(client, buffer.data(), frames, MSG_NOSIGNAL);
            } else if (got <= 0) {
                ::close(fd);
                if (fd == client) client = -1;
            } else {
                say(fd, "HTTP/1.1 101 Go on\r\n\r\n");
            }
        }
    }
}
