// The code of docs/guide/client.md: compiled, and compared with the page by
// tests/structure/docs_code_test.py.

#include <weft/net/loop.hpp>
#include <weft/ws/client.hpp>

int main() {
    auto loop = weft::loop::make();
    if (!loop) return 1;
    weft::ws::client feed(**loop, {.url = "wss://example.org/feed",
                                   .headers = {{"Authorization", "Bearer ..."}},
                                   .reconnect = weft::ws::backoff{}});
    feed.on_open([](auto& c) { c.send("hello"); })
        .on_message([](auto& c, weft::message_view what) { c.send(what); })
        .on_failure([](auto& c, const weft::ws::connect_failure& failure) {
            if (failure.status == 401) c.close();  // trying again would not help
        });
    if (auto begun = feed.connect(); !begun) return 1;  // begun.error().message() says which option
    (*loop)->run();
}

namespace client_guide {

weft::task<void> ask(weft::ws::client& feed) {
    if (auto opened = co_await feed.open(); !opened) co_return;
    feed.send("how many?");
}

void many(weft::loop& loop) {
    const weft::ws::client_context shared(loop);
    weft::ws::client first(shared, {.url = "wss://example.org/first"});
    weft::ws::client second(shared, {.url = "wss://example.org/second"});
}

void from_another_thread(weft::loop_ref loop, weft::ws::client& feed) {
    loop.post([&feed] { feed.send("from another thread"); });
}

}  // namespace client_guide
