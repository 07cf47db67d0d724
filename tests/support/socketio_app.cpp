// The application of tests/e2e/socketio_scenario.mjs on weft, so that the same scenario runs
// against Node's server and against ours. Prints "listening on URL" when ready; SIGTERM drains it.
//
// Arguments: --threads N --recovery --eio3 --msgpack --any-origin

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <weft/server/server.hpp>
#include <weft/socketio/server.hpp>
#include <weft/socketio/value.hpp>

namespace {

using namespace std::chrono_literals;
using weft::byte_view;
using weft::task;
using weft::socketio::disconnect_reason;
using weft::socketio::disconnect_scope;
using weft::socketio::json_text;
using weft::socketio::packet_parser;
using weft::socketio::raw_arguments;
using weft::socketio::refuse;
using weft::socketio::rest;
using weft::socketio::socket;  // not the system call
using weft::socketio::socket_ref;
using weft::socketio::value;
using io_server = weft::socketio::server;

/// Why sockets left; asked for by the scenario.
class journal {
public:
    void add(std::string what) {
        const std::lock_guard lock(mutex_);
        entries_.push_back(std::move(what));
    }
    std::vector<std::string> take() {
        const std::lock_guard lock(mutex_);
        std::sort(entries_.begin(), entries_.end());
        return std::exchange(entries_, {});
    }

private:
    std::mutex mutex_;
    std::vector<std::string> entries_;
};

struct reversed {
    std::vector<std::byte> reversed;
};
WEFT_FIELDS(reversed, reversed)

void rooms(io_server& io) {
    io.on("join", [](socket& s, std::string room) {
        s.join(room);
        return s.rooms().size();
    });
    io.on("leave", [](socket& s, std::string room) {
        s.leave(room);
        return s.rooms().size();
    });
    io.on("say",
          [](socket& s, std::string room, rest<value> what) { s.to(room).emit("said", what); });
    io.on("shout", [&io](socket&, rest<value> what) { io.emit("shouted", what); });
    io.on("others", [](socket& s, value what) { s.broadcast().emit("other", what); });
    io.on("two_rooms", [&io](socket&, std::string a, std::string b, value what) {
        io.to(a).to(b).emit("said", what);
    });
    io.on("except",
          [&io](socket&, std::string room, value what) { io.except(room).emit("excepted", what); });
    io.on("count", [&io](socket_ref, std::string room) -> task<std::size_t> {
        co_return (co_await io.in(room).fetch_sockets()).sockets.size();
    });
    io.on("pull",
          [&io](socket&, std::string from, std::string to) { io.in(from).sockets_join(to); });
    io.on("push_out", [&io](socket&, std::string from) {
        io.in(from).disconnect_sockets(disconnect_scope::this_namespace);
    });
}

void questions(io_server& io) {
    io.on("ask", [](socket_ref s, std::string question) -> task<weft::result<std::string>> {
        co_return co_await s.timeout(2s).emit_with_ack<std::string>("question", question);
    });
    io.on("ask_room",
          [&io](socket_ref, std::string room,
                std::string question) -> task<std::vector<std::string>> {
              auto replies =
                  co_await io.to(room).timeout(2s).emit_with_ack<std::string>("question", question);
              std::vector<std::string> texts;
              for (auto& answer : replies.answers) texts.push_back(answer ? *answer : "error");
              co_return texts;
          });
    io.on("ask_deaf", [](socket_ref s) -> task<std::string> {
        const auto answer = co_await s.timeout(50ms).emit_with_ack("deaf");
        co_return answer ? "answered" : "timed out";
    });
}

void events(io_server& io, journal& reasons) {
    io.on_connect([](socket& s) {
        if (!s.recovered()) s.emit("welcome", *s.auth<json_text>(), s.recovered());
    });
    io.use(
        [](socket&, std::string_view event, const raw_arguments&) { return event != "forbidden"; });
    io.on("echo", [](socket&, rest<value> what) { return what; });
    io.on("sum", [](socket&, double a, double b) { return a + b; });
    io.on("binary", [](socket&, byte_view bytes) {
        return reversed{{bytes.rbegin(), bytes.rend()}};
    });
    io.on("volatile", [](socket& s) { s.volatile_().emit("volatile", 1); });
    io.on("many", [](socket& s, int count) {
        for (int i = 0; i < count; ++i) s.emit("n", i);
    });
    io.on("kick", [](socket& s) { s.disconnect(); });
    io.on("kick_hard", [](socket& s) { s.disconnect(disconnect_scope::connection); });
    io.on("reasons", [&reasons](socket&) { return reasons.take(); });
    io.on_disconnecting([&reasons](socket& s, disconnect_reason why) {
        reasons.add(std::string(to_string(why)) + " in " + std::to_string(s.rooms().size()));
    });
}

struct credentials {
    std::optional<std::string> token;
};
WEFT_FIELDS(credentials, token)

void namespaces(io_server& io) {
    io.of("/admin").use([](socket& s) -> weft::admission<> {
        const auto given = s.auth<credentials>();
        if (given && given->token == "secret") return true;
        return refuse("not authorized", std::map<std::string, int>{{"code", 42}});
    });
    io.of("/admin").on_connect([](socket& s) { s.emit("granted", *s.auth<json_text>()); });
    io.of_matching([](std::string_view name, std::string_view) {
          constexpr std::string_view prefix = "/room-";
          return name.starts_with(prefix) && name.size() > prefix.size() &&
                 name.find_first_not_of("0123456789", prefix.size()) == std::string_view::npos;
      }).on_connect([](socket& s) { s.emit("where", s.nsp()); });
}

}  // namespace

int main(int argc, char** argv) {
    weft::server_options server_options;
    weft::socketio::options options;
    for (int i = 1; i < argc; ++i) {
        const std::string_view flag = argv[i];
        if (flag == "--threads" && i + 1 < argc) {
            const std::string_view count = argv[++i];
            std::from_chars(count.data(), count.data() + count.size(), server_options.threads);
        } else if (flag == "--recovery") {
            options.connection_state_recovery.emplace();
        } else if (flag == "--eio3") {
            options.engine.allow_eio3 = true;
        } else if (flag == "--msgpack") {
            options.parser = packet_parser::msgpack;
        } else if (flag == "--any-origin") {
            options.engine.origin = weft::ws::origin_check::any;
        } else {
            std::fprintf(stderr, "socketio_app: unknown flag %s\n", argv[i]);
            return 2;
        }
    }
    journal reasons;
    weft::server server(server_options);
    weft::socketio::server io(server, options);
    events(io, reasons);
    rooms(io);
    questions(io);
    namespaces(io);
    const auto port = server.listen({.host = "127.0.0.1", .port = 0});
    if (!port) {
        std::fprintf(stderr, "socketio_app: %s\n", port.error().message().c_str());
        return 1;
    }
    std::printf("listening on http://127.0.0.1:%d\n", int{*port});
    std::fflush(stdout);
    return server.run();
}
