// The code of docs/guide/threads.md: compiled, and compared with the page by
// tests/structure/docs_code_test.py.

#include <atomic>
#include <map>
#include <mutex>
#include <thread>

#include <weft/weft.hpp>

namespace threads_guide {

using namespace std::chrono_literals;
namespace http = weft::http;

struct row {
    std::string text;
};
row find_in_database(std::string id);
std::string measure();

void several_loops() {
    weft::server server{{.threads = 4}};
    server.ws("/echo").on_message([](auto& c, weft::message_view what) { c.send(what); });
    server.run({.port = 8080});
}

void shared_state(weft::server& server) {
    struct scores {
        std::mutex mutex;
        std::map<std::string, int> of;
    };
    const auto all = std::make_shared<scores>();
    server.ws("/score/:player").on_message([all](auto& c, weft::message_view) {
        const std::lock_guard lock(all->mutex);
        ++all->of[std::string(c.param("player"))];
    });
}

int with_a_worker() {
    weft::server server;
    std::jthread worker([&server](const std::stop_token& end) {
        while (!end.stop_requested()) server.publish("measurements", measure());
    });
    return server.run({.port = 8080});
}

void blocking_work(weft::server& server) {
    (void)server.http().get(
        "/rows/:id", [&server](http::owned_request asked) -> weft::task<http::response> {
            std::string id(asked.param("id"));
            auto find = [id] { return find_in_database(id); };
            const row found =
                co_await weft::run_blocking(server.loop_of(asked.id()), std::move(find));
            co_return http::response::text(200, found.text);
        });
}

void answer_from_elsewhere(weft::server& server) {
    server.ws("/jobs").on_message([&server](auto& c, weft::message_view) {
        std::thread([&server, id = c.id()] {
            server.send(id, measure());  // if the connection is gone, nothing happens
        }).detach();
    });
}

void on_a_loop(weft::server& server) {
    const weft::loop_ref loop = server.loop(0);
    loop.post([] { /* on the loop's thread */ });
    loop.after(5s, [] { /* once */ });
    const weft::timer_ref often = loop.every(1s, [&server] { server.publish("time", "tick"); });
    often.cancel();
}

weft::task<void> tick(weft::server& server) {
    for (;;) {
        co_await weft::sleep_for(server.loop(0), 1s);
        server.publish("time", "tick");
    }
}

void spawn_it(weft::server& server) {
    weft::spawn(server.loop(0), tick(server));
}

}  // namespace threads_guide
