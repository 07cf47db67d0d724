// The code of docs/guide/http.md: compiled, and compared with the page by
// tests/structure/docs_code_test.py.

#include <chrono>
#include <iostream>
#include <memory>
#include <string>

#include <weft/base/printable.hpp>
#include <weft/weft.hpp>

namespace http_guide {

using namespace std::chrono_literals;
namespace http = weft::http;
namespace sse = weft::sse;

weft::task<std::string> load(std::string key);
std::string user_of(std::string_view token);
void keep(std::string_view name, weft::byte_view content);

void routes(weft::server& server) {
    auto& http = server.http();
    (void)http.get("/hello/:name", [](const http::request& asked) {
        return http::response::text(200, "hello " + std::string(asked.param("name")));
    });
    (void)http.put("/things/:id", [](const http::request& asked) {
        return http::response::json(200, std::string(asked.body_text()));
    });
    (void)http.del("/things/:id", [](const http::request&) { return http::response(204); });
    (void)http.any("/old/*rest", [](const http::request& asked) {
        return http::response::redirect(308, "/new/" + std::string(asked.param("rest")));
    });
    http.not_found([](const http::request& asked) {
        return http::response::text(404, "there is no " + std::string(asked.path()) + "\n");
    });
}

void coroutines(weft::server& server) {
    (void)server.http().get(
        "/things/:id", [&server](http::owned_request asked) -> weft::task<http::response> {
            co_await weft::sleep_for(server.loop_of(asked.id()), 10ms);
            co_return http::response::text(200, co_await load(std::string(asked.param("id"))));
        });
}

void filters(weft::server& server) {
    auto& http = server.http();
    http.before("/admin", [](const http::request& asked) -> weft::admission<void> {
        const std::string user = user_of(asked.header("authorization"));
        if (user.empty()) {
            return weft::refusal(401, "who are you?").header("WWW-Authenticate", "Bearer");
        }
        return weft::identity{.subject = user};
    });
    http.before([](const http::request& asked) -> std::optional<http::response> {
        if (asked.peer().secure()) return std::nullopt;
        return http::response::redirect(308, "https://example.org" + std::string(asked.target()));
    });
    http.after([](const http::owned_request& asked, const http::reply_facts& reply) {
        std::clog << asked.address() << ' ' << to_string(asked.method()) << ' ' << asked.url()
                  << ' ' << reply.status << ' ' << reply.took / 1us << " us\n";
    });
}

void waiting_filter(weft::server& server) {
    server.http().before(
        "/members", [](http::owned_request asked) -> weft::task<weft::admission<void>> {
            const std::string user = co_await load(asked.cookie("session").value_or(""));
            if (user.empty()) co_return weft::refusal(401, "log in first");
            co_return weft::identity{.subject = user};
        });
}

void cookies(weft::server& server) {
    (void)server.http().post("/login", [](const http::request& asked) {
        const std::string before = asked.cookie("session").value_or("none");
        return http::response(204).set_cookie(
            {.name = "session", .value = "after " + before, .max_age = 24h, .secure = true});
    });
}

void websocket_headers(weft::server& server) {
    server.ws<std::string>("/chat").on_accept([](const http::handshake& asked) {
        return weft::admission<std::string>(std::string(asked.header("x-name")))
            .header("Set-Cookie", to_string(http::cookie{.name = "seen", .value = "chat"}));
    });
}

weft::result<void> files(weft::server& server) {
    const auto site = http::static_files::make("/srv/site", {.cache_control = "max-age=60"});
    if (!site) return site.error();
    return server.http().get("/*path", *site);
}

weft::result<void> several_folders(weft::server& server, const http::static_files& site) {
    const auto images = http::static_files::make("/srv/images");
    if (!images) return images.error();
    (void)server.http().get("/images/*path", *images);
    return server.http().get("/members/*path", [files = *images, site](const http::request& asked) {
        return asked.peer().who() != nullptr ? files(asked) : site(asked);
    });
}

void upload(weft::server& server) {
    (void)server.http().put("/notes/:name",
                            [](const http::request& asked) {
                                keep(asked.param("name"), asked.body());
                                return http::response(204);
                            },
                            {.max_body = 10'000'000});
}

void stream(weft::server& server) {
    (void)server.http().get("/count", [](const http::request&, http::responder answer) {
        http::body_stream out = answer.start(http::response::text(200, ""));
        for (int i = 0; i < 10; ++i) out.write(std::to_string(i) + "\n");
        out.finish();
    });
}

void events(weft::server& server) {
    server.sse("/events/:topic").on_open([](sse::stream& stream, const http::request& asked) {
        stream.subscribe(asked.param("topic"));
        const std::string_view last = asked.header("last-event-id");
        if (!last.empty()) stream.send({.data = "you were at " + std::string(last)});
    });
    server.publish("news", "to browsers and WebSockets alike");
    server.publish("news", sse::make_message({.data = "with a name", .name = "alert", .id = "7"}));
}

/// One line for each request and connection that ends.
class access_lines final : public weft::access_sink {
public:
    void write(const weft::access_record& ended) noexcept override {
        std::string line = ended.whose.address().to_string() + ' ';
        line.append(to_string(ended.kind)).append(" ");
        weft::append_printable(line, ended.path, 200);  // whatever the peer sent
        std::clog << line + ' ' + std::to_string(ended.code) + '\n';
    }
};

void access() {
    access_lines lines;
    weft::server_options options;
    options.access = &lines;
    weft::server server(std::move(options));
}

void trace(weft::server& server) {
    (void)server.http().get("/orders", [](const http::request& asked) {
        const auto trace = asked.trace();
        const std::string id(trace ? trace->trace_id : "none");
        return http::response::text(200, "trace " + id);
    });
}

}  // namespace http_guide
