// A server for tests/e2e/drain.test.mjs: WebSockets at /ws and Socket.IO, which all hear what is
// posted to /say, and WebSockets at /much, which get more than the kernel takes. Prints "listening
// on URL" when ready; SIGTERM drains it.
//
// Arguments, in milliseconds: not-ready-for window deadline retry-within

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

#include <sys/resource.h>

#include <weft/server/server.hpp>
#include <weft/socketio/server.hpp>

int main(int argc, char** argv) {
    if (argc != 5) return 2;
    const auto time = [&](int which) { return std::chrono::milliseconds(std::atoi(argv[which])); };
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);

    weft::server server({.threads = 2});
    server.ws("/ws").on_open([](auto& c) { c.subscribe("news"); });
    server.ws("/much", {.max_queue = 16 * 1024 * 1024}).on_open([](auto& c) {
        c.send(std::string(8 * 1024 * 1024, 'm'));
    });
    weft::socketio::server io(server);
    (void)server.http().post("/say", [&](const weft::http::request& asked) {
        server.publish("news", asked.body_text());
        io.emit("news", std::string(asked.body_text()));
        return weft::http::response(204);
    });
    (void)server.http().get("/ready", [&](const weft::http::request&) {
        return weft::http::response::text(server.ready() ? 200 : 503, "");
    });
    const auto port = server.listen({"127.0.0.1", 0});
    if (!port) return 1;
    std::printf("listening on http://127.0.0.1:%u/\n", unsigned{*port});
    std::fflush(stdout);
    return server.run(weft::signal_handling::drain, weft::drain_options{.not_ready_for = time(1),
                                                                        .window = time(2),
                                                                        .deadline = time(3),
                                                                        .retry_within = time(4)});
}
