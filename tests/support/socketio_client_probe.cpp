// A Socket.IO client for the end-to-end tests: connects to the given URL, holds a conversation and
// prints what it sees, until the server sends "finish".
//
//     socketio_client_probe URL [--transports a,b] [--ca FILE] [--msgpack] [--token T] [--admin]

#include <cstdio>
#include <future>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include <weft/socketio/client_thread.hpp>

namespace {

using namespace std::chrono_literals;
using weft::socketio::client;
using weft::socketio::client_socket;
using bytes = std::vector<std::byte>;

bytes pattern(std::size_t size) {
    bytes out(size);
    for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<std::byte>((i * i >> 7U) + i);
    return out;
}

struct settings {
    weft::socketio::client_options options;
    weft::tls_client_options tls;
    bool admin = false;
};

settings parse(int count, char** arguments) {
    settings all;
    all.options.url = count > 1 ? arguments[1] : "";
    all.options.reconnection_delay = 50ms;
    for (int i = 2; i < count; ++i) {
        const std::string_view name = arguments[i];
        if (name == "--msgpack") {
            all.options.parser = weft::socketio::packet_parser::msgpack;
        } else if (name == "--admin") {
            all.admin = true;
        } else if (i + 1 < count && name == "--transports") {
            const std::string_view wanted = arguments[++i];
            all.options.transports.clear();
            for (const auto kind : {weft::engineio::transport_kind::polling,
                                    weft::engineio::transport_kind::websocket}) {
                if (wanted.find(to_string(kind)) != std::string_view::npos) {
                    all.options.transports.push_back(kind);
                }
            }
        } else if (i + 1 < count && name == "--ca") {
            all.tls.ca_file = arguments[++i];
        } else if (i + 1 < count && name == "--token") {
            all.options.auth = std::map<std::string, std::string>{{"token", arguments[++i]}};
        }
    }
    return all;
}

void say(const std::string& line) {
    std::printf("%s\n", line.c_str());
    std::fflush(stdout);
}

void report(client_socket& s, const std::string& who) {
    s.on_connect(
         [who](client_socket& me) { say(who + "connect" + (me.recovered() ? " recovered" : "")); })
        .on_disconnect([who](client_socket&, const weft::socketio::client_disconnect& how) {
            say(who + "disconnect " + std::string(to_string(how.reason)));
        })
        .on_connect_error([who](client_socket& me, const weft::socketio::connect_error& how) {
            say(who + "connect_error " + std::string(how.message) + ' ' + std::string(how.data) +
                (me.active() ? " active" : ""));
        });
}

void converse(client_socket& s) {
    s.emit_with_ack<std::tuple<std::string, int>>("echo", "h\xC3\xA9", 3, [](auto answer) {
        say(answer ? "echo " + std::get<0>(*answer) + ' ' + std::to_string(std::get<1>(*answer))
                   : "echo failed: " + answer.error().message());
    });
    const bytes sent = pattern(70'000);
    s.emit_with_ack<bytes>("blob", sent, [sent](weft::result<bytes> back) {
        say(back && *back == sent ? "blob intact" : "blob damaged");
    });
    s.timeout(100ms).emit_with_ack<void>("silence", [](weft::result<void> answer) {
        say(!answer && answer.error().code() == weft::condition::timed_out ? "silence"
                                                                           : "an answer?");
    });
}

}  // namespace

int main(int count, char** arguments) {
    settings all = parse(count, arguments);
    std::promise<void> finished;
    auto io = weft::socketio::client_thread::make(
        all.options,
        [&](client& c) {
            client_socket& s = c.socket();
            report(s, "");
            if (all.admin) report(c.of("/admin"), "admin ");
            c.on_reconnect([](unsigned) { say("reconnect"); });
            s.on("sum", [](int a, int b) { return a + b; })
                .on("reverse", [](bytes what) { return bytes(what.rbegin(), what.rend()); })
                .on("news", [](std::string text) { say("news " + text); })
                .on("start", [](client_socket& me) { converse(me); })
                .on("question", [](std::string text) { return text + " me"; })
                .on("transport", [&c] { return std::string(c.transport()); })
                .on("finish", [&] { finished.set_value(); });
        },
        all.tls);
    if (!io) return 2;
    // What is emitted before it is connected waits.
    (*io)->emit("early", 1);
    finished.get_future().wait();
    return 0;
}
