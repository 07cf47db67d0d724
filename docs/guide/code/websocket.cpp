// The code of docs/guide/websocket.md: compiled, and compared with the page by
// tests/structure/docs_code_test.py.

#include <weft/weft.hpp>

namespace websocket_guide {

using namespace std::chrono_literals;
namespace http = weft::http;
namespace ws = weft::ws;

struct player {
    std::string name;
    int moves = 0;
};

void log(std::string_view what);
weft::task<std::string> user_of(std::string token);
weft::task<std::string> evaluate(std::string position);
void write_to_disk(weft::byte_view what);

void endpoint(weft::server& server) {
    server.ws<player>("/games/:game", {.max_message = 4096})
        .on_accept([](const http::handshake& asked) -> weft::admission<player> {
            const auto name = asked.query_value("name");
            if (!name || name->empty()) return weft::refusal(400, "?name= is missing");
            return player{.name = *name};
        })
        .on_open([](auto& c) { c.subscribe(c.param("game")); })
        .on_message([](auto& c, weft::message_view move) {
            ++c->moves;
            c.publish(c.param("game"), move);
        })
        .on_close([](auto& c, const ws::close_event&) {
            log(c->name + " made " + std::to_string(c->moves) + " moves");
        });
}

void accept(weft::server& server) {
    server.ws<player>("/ranked").on_accept(
        [](http::handshake asked) -> weft::task<weft::admission<player>> {
            std::string user = co_await user_of(std::string(asked.header("authorization")));
            if (user.empty()) co_return weft::refusal(401, "who are you?");
            co_return weft::admission<player>(player{.name = user},
                                              weft::identity{.subject = user});
        });
}

void later(weft::server& server) {
    server.ws("/analysis")
        .on_message([&server](weft::conn_id id, weft::message position) -> weft::task<void> {
            server.send(id, co_await evaluate(std::string(position.text())));
        });
}

void slow_readers(weft::server& server) {
    server.ws("/prices",
              {.max_queue = 256 * 1024, .overflow = weft::overflow_policy::latest_per_key});
    server.publish("prices", weft::message::text("WEFT 311.20", {.key = "WEFT"}));
    server.publish("prices", weft::message::text("cursor 3 4", {.droppable = true}));
}

void producer(weft::server& server) {
    struct download {
        int next = 0;
    };
    const auto fill = [](ws::connection<download>& c) {
        while (c->next < 1'000'000) {
            if (c.send(std::to_string(c->next++)) != weft::send_status::sent) return;
        }
        c.close();
    };
    server.ws<download>("/numbers").on_open(fill).on_drain(fill);
}

void fragments(weft::server& server) {
    server.ws("/report").on_message([](auto& c, weft::message_view) {
        c.send_fragment("a long report, ", ws::fragment::more);
        c.send_fragment("and its end", ws::fragment::last);
    });
}

weft::task<void> store(weft::loop_ref loop, ws::endpoint<void>& imports, weft::conn_id id,
                       weft::message what) {
    auto work = [what] { write_to_disk(what.bytes()); };
    co_await weft::run_blocking(loop, std::move(work));
    co_await imports.visit(id, [](auto& c) { c.resume(); });
}

void flow(weft::server& server) {
    auto& imports = server.ws("/import");
    imports.on_message([&server, &imports](auto& c, weft::message_view what) {
        c.pause();
        const weft::loop_ref loop = server.loop_of(c.id());
        weft::spawn(loop, store(loop, imports, c.id(), weft::message(what)));
    });
}

void pings(weft::server& server) {
    server.ws("/latency", {.auto_pong = false})
        .on_ping([](auto& c, weft::byte_view payload) { c.pong(payload); })
        .on_pong([](auto&, weft::byte_view) { log("pong"); });
}

void closing(weft::server& server) {
    server.ws("/short").on_message([](auto& c, weft::message_view what) {
        if (what.text() == "bye") c.close(ws::close_code::normal, "see you");
        if (what.text() == "away") c.close(ws::close_code{4002}, "an own code");
        if (what.text() == "now") c.terminate();
    });
}

weft::task<void> who_is_there(weft::server& server, ws::endpoint<player>& games) {
    std::vector<std::string> names;
    co_await games.visit([&names](auto& c) { names.push_back(c->name); });
    const std::size_t watching = co_await server.subscriber_count("final");
    log(std::to_string(games.connection_count()) + " play, " + std::to_string(watching) + " watch");
}

}  // namespace websocket_guide
