// The code of docs/guide/threads.md: compiled, and compared with the page by
// tests/structure/docs_code_test.py.

#include <cstdio>
#include <string>
#include <thread>

#include <weft/weft.hpp>

using namespace std::chrono_literals;

// What is tested.
static void set_up(weft::server& server) {
    server.ws("/echo").on_message([](auto& c, weft::message_view what) { c.send(what); });
}

int main() {
    weft::server server;
    set_up(server);
    const auto port = server.listen({.host = "127.0.0.1", .port = 0});
    if (!port) return 1;
    std::thread serving([&] { server.run(weft::signal_handling::none); });

    const auto loop = weft::loop::make();
    if (!loop) return 1;
    weft::ws::client client(**loop, {.url = "ws://127.0.0.1:" + std::to_string(*port) + "/echo"});
    std::string heard;
    client.on_open([](auto& c) { c.send("hello"); })
        .on_message([&](auto&, weft::message_view what) {
            heard = what.text();
            (*loop)->stop();
        });
    if (!client.connect()) return 1;
    loop.value()->ref().after(10s, [&] { (*loop)->stop(); });  // a test that hangs fails instead
    (*loop)->run();

    server.stop();
    serving.join();
    std::puts(heard == "hello" ? "passed" : "failed");
    return heard == "hello" ? 0 : 1;
}
