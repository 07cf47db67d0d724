// A WebSocket client that comes back: it prints what it receives, and connects again for as long
// as it runs. SIGTERM and Ctrl-C close the connection first.
//
//     weft_example_reconnect wss://localhost:8443/rooms/lobby?name=Ada [CA FILE]

#include <cstdio>
#include <string>
#include <thread>
#include <utility>

#include <weft/net/loop.hpp>
#include <weft/ws/client.hpp>

#include <signal.h>

namespace {

using weft::ws::client_state;

/// A loop leaves signals to the program. Threads that start later inherit the mask, also those that
/// the loop starts to look up names: so call it before `connect`.
void on_termination(weft::loop_ref loop, weft::unique_function<void()> task) {
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    ::pthread_sigmask(SIG_BLOCK, &ends, nullptr);
    std::thread([ends, loop = std::move(loop), task = std::move(task)]() mutable {
        int which = 0;
        ::sigwait(&ends, &which);
        loop.post(std::move(task));
    }).detach();
}

void tell_what_follows(const weft::ws::client& feed, weft::loop& loop) {
    if (const auto pause = feed.retry_in())
        std::printf("next attempt in %.1f s\n", std::chrono::duration<double>(*pause).count());
    if (feed.state() == client_state::idle) loop.stop();
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) return std::fputs("usage: reconnect URL [CA FILE]\n", stderr), 2;
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    const auto loop = weft::loop::make();
    if (!loop) return std::fprintf(stderr, "reconnect: %s\n", loop.error().message().c_str()), 1;

    weft::ws::client feed(**loop, {.url = argv[1], .reconnect = weft::ws::backoff{}},
                          {.ca_file = argc > 2 ? argv[2] : ""});
    feed.on_open([](auto& c) {
            std::puts("connected");
            c.send("hello");
        })
        .on_message([](auto&, weft::message_view what) {
            std::printf("> %s\n", std::string(what.text()).c_str());
        })
        .on_failure([&](auto& c, const weft::ws::connect_failure& failure) {
            std::printf("not connected: %s\n", failure.why.message().c_str());
            if (failure.status >= 400 && failure.status < 500) c.close();  // it will not change
            tell_what_follows(c, **loop);
        })
        .on_close([&](auto& c, const weft::ws::close_event& end) {
            std::printf("closed: %u\n", static_cast<unsigned>(end.code));
            tell_what_follows(c, **loop);
        });
    on_termination(**loop, [&] {
        feed.close();
        tell_what_follows(feed, **loop);
    });
    if (const auto begun = feed.connect(); !begun)
        return std::fprintf(stderr, "reconnect: %s\n", begun.error().message().c_str()), 1;
    (*loop)->run();
}
