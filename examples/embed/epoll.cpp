// A server inside a program that has an epoll loop of its own. The library brings no thread and
// takes none: the program polls one descriptor, and calls `turn` when that is readable or the time
// has come that the last `turn` named.
//
//     weft_example_embed_epoll [PORT]

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string_view>

#include <weft/weft.hpp>

#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace {

/// How long epoll may sleep: until the server wants its next turn, rounded up.
int timeout_until(weft::time_point next) {
    using namespace std::chrono;
    if (next == weft::time_point::max()) return -1;
    const auto left = ceil<milliseconds>(next - steady_clock::now()).count();
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
}

void watch(int epoll, int fd) {
    epoll_event what{};
    what.events = EPOLLIN;
    what.data.fd = fd;
    ::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &what);
}

}  // namespace

int main(int argc, char** argv) {
    std::uint16_t port = 8080;
    if (argc > 1) std::from_chars(argv[1], argv[1] + std::string_view(argv[1]).size(), port);

    weft::server server;
    server.ws("/echo").on_message([](auto& c, weft::message_view what) { c.send(what); });
    const auto listening = server.listen({.host = "127.0.0.1", .port = port});
    if (!listening) return 1;
    if (const auto started = server.start(); !started) return 1;

    // What the program does besides: here, it ends when it is told to.
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    ::sigprocmask(SIG_BLOCK, &ends, nullptr);
    const int signals = ::signalfd(-1, &ends, SFD_CLOEXEC);

    const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
    watch(epoll, server.descriptor());
    watch(epoll, signals);
    std::printf("listening on http://127.0.0.1:%u/\n", unsigned{*listening});
    std::fflush(stdout);

    std::optional<weft::time_point> next = server.turn();
    while (next) {
        std::array<epoll_event, 8> events{};
        const int count = ::epoll_wait(epoll, events.data(), static_cast<int>(events.size()),
                                       timeout_until(*next));
        for (int i = 0; i < count; ++i) {
            if (events[static_cast<std::size_t>(i)].data.fd != signals) continue;
            signalfd_siginfo told{};
            (void)!::read(signals, &told, sizeof told);
            server.drain(std::chrono::seconds(10));
        }
        next = server.turn();
    }
    server.finish();
    ::close(epoll);
    ::close(signals);
}
