// The application of tests/e2e/foreign_origin.test.mjs and log_hygiene_test.py: every kind of way
// in, open or with a token, and counters of whom a handler has met. Log lines go to standard error
// as the library makes them, all levels, nothing escaped. Prints "listening on URL" when ready;
// SIGTERM drains it.
//
// Argument: the secret of the tokens

#include <atomic>
#include <chrono>
#include <cstdio>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>

#include <weft/server/server.hpp>
#include <weft/socketio/server.hpp>
#include <weft/weft.hpp>

namespace {

namespace auth = weft::auth;
using weft::http::request;
using weft::http::response;
using namespace std::chrono_literals;

class raw_log final : public weft::log_sink {
public:
    void write(const weft::log_record& record) noexcept override {
        std::fprintf(stderr, "%d %.*s: %.*s\n", static_cast<int>(record.level),
                     static_cast<int>(record.layer.size()), record.layer.data(),
                     static_cast<int>(record.message.size()), record.message.data());
    }
    bool wants(weft::log_level) const noexcept override { return true; }
};

/// How often a handler met somebody, by the way in.
class census {
public:
    void came(std::string_view where) { ++met_[std::string(where)]; }
    response show() { return response::json(200, weft::to_json(met_)); }

private:
    std::map<std::string, int> met_;  // there is one loop
};

std::optional<auth::verifier> make_verifier(std::string secret) {
    auth::options rules;
    rules.leeway = 0s;
    rules.issuers.push_back({.name = "doors",
                             .keys = auth::key_source::secret(std::move(secret)),
                             .algorithms = {auth::algorithm::hs256},
                             .audience = {"doors"}});
    rules.from = {.authorization = true,
                  .subprotocol = true,
                  .cookie = "token",
                  .query = "token",
                  .first_message = true,
                  .socketio_auth = true};
    auto made = auth::verifier::make(std::move(rules));
    if (!made) return std::fprintf(stderr, "%s\n", made.error().message().c_str()), std::nullopt;
    return *std::move(made);
}

void serve_pages(weft::server& app, census& seen) {
    const auto add = [&](std::string path, auto handler) {
        (void)app.http().get(path, [&seen, path, handler](const request& asked) {
            seen.came(path);
            return handler(asked);
        });
    };
    add("/members/secret", [](const request&) { return response::text(200, "a secret"); });
    add("/throw", [](const request&) -> response { throw std::runtime_error("broken"); });
    add("/slow", [](const request&) {
        std::this_thread::sleep_for(60ms);
        return response::text(200, "at last");
    });
    (void)app.http().post("/members/act", [&seen](const request&) {
        seen.came("/members/act");
        return response::text(200, "done");
    });
    (void)app.http().get("/", [](const request&) {
        return response::html(
            "<!doctype html><title>own</title><script src='/socket.io/socket.io.js'></script>");
    });
    (void)app.http().get("/census", [&seen](const request&) { return seen.show(); });
    (void)app.http().get(
        "/metrics", [&app](const request&) { return response::text(200, app.metrics_text()); });
}

void serve_streams(weft::server& app, census& seen) {
    for (const char* path : {"/events", "/members/events"}) {
        app.sse(path).on_open([&seen, path](weft::sse::stream& s, const request&) {
            seen.came(path);
            s.send({.data = "welcome"});
        });
    }
}

void serve_websockets(weft::server& app, census& seen, const auth::verifier& login) {
    const auto echo = [&](std::string path, weft::ws::endpoint<void>& at) {
        at.on_open([&seen, path](auto& c) {
              seen.came(path);
              c.send("welcome");
          }).on_message([](auto& c, weft::message_view m) {
            if (m.text() == "throw") throw std::runtime_error("broken");
            c.send(m);
        });
    };
    weft::ws::options open;
    open.subprotocols = {"doors.v1"};
    echo("/ws", app.ws("/ws", open));
    echo("/member-ws", app.ws("/member-ws", open).require(login));
    open.schema = *weft::schema::make(R"({"type":"object","properties":{"n":{"type":"integer"}}})");
    echo("/checked", app.ws("/checked", open));
}

void serve_socketio(weft::socketio::server& io, census& seen, const auth::verifier& login) {
    for (const char* space : {"/", "/members"}) {
        auto& of = io.of(space);
        if (of.name() != "/") of.require(login);
        of.on_connect([&seen, space](weft::socketio::socket& s) {
            seen.came(std::string("socket.io ") + space);
            s.emit("welcome", 1);
        });
        of.on("say", [](weft::socketio::socket&, std::string what) { return what; });
        of.on("number", [](weft::socketio::socket&, int n) { return n; });
        of.on("throw", [](weft::socketio::socket&) { throw std::runtime_error("broken"); });
        of.on("join", [](weft::socketio::socket& s, std::string room) { s.join(room); });
    }
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) return std::fputs("usage: doors_app SECRET\n", stderr), 2;
    const auto login = make_verifier(argv[1]);
    if (!login) return 1;

    raw_log log;
    weft::server_options options;
    options.threads = 1;
    options.log = &log;
    options.slow_turn = 20ms;
    options.http.allowed_hosts = {"localhost", "127.0.0.1"};
    options.traffic.per_address.errors_per_minute = 1000;
    weft::server app(options);
    census seen;
    app.require("/members", *login);
    serve_pages(app, seen);
    serve_streams(app, seen);
    serve_websockets(app, seen, *login);
    weft::socketio::server io(app);
    serve_socketio(io, seen, *login);

    const auto port = app.listen({.host = "127.0.0.1", .port = 0});
    if (!port) return std::fprintf(stderr, "%s\n", port.error().message().c_str()), 1;
    std::printf("listening on http://127.0.0.1:%u/\n", unsigned{*port});
    std::fflush(stdout);
    return app.run();
}
