// A Socket.IO client, three ways: with handlers on a loop, as a coroutine, and in a program that
// has no loop. The guide, docs/guide/socketio-client.md, shows pieces of it.
//
//     weft_example_client http://localhost:3000        says what you type, until you end the input

#include <cstdio>
#include <iostream>
#include <map>
#include <string>

#include <weft/net/loop.hpp>
#include <weft/socketio/client.hpp>
#include <weft/socketio/client_thread.hpp>

namespace {

using namespace std::chrono_literals;
using weft::socketio::client;
using weft::socketio::client_disconnect;
using weft::socketio::client_options;
using weft::socketio::client_socket;
using weft::socketio::client_socket_ref;
using weft::socketio::client_thread;
using weft::socketio::connect_error;

[[maybe_unused]] int on_a_loop() {
    auto loop = weft::loop::make();
    if (!loop) return 1;
    client io(**loop, {.url = "http://localhost:3000"});
    client_socket& s = io.socket();
    s.on_connect([](client_socket& me) { me.emit("hello", "from C++"); })
        .on("news", [](std::string text) { std::puts(text.c_str()); })
        .on("question", [](client_socket&, int a, int b) { return a + b; });  // acknowledged
    (*loop)->run();
    return 0;
}

[[maybe_unused]] weft::task<void> ask_twice(client_socket_ref s) {
    weft::result<int> answer = co_await s.emit_with_ack<int>("how many?");
    if (!answer) answer = co_await s.timeout(5s).emit_with_ack<int>("how many?");
    if (answer) s.emit("thank you", *answer);
}

void explain(client_socket& s) {
    s.on_disconnect([](client_socket& me, const client_disconnect& how) {
        std::printf("%s%s\n", std::string(to_string(how.reason)).c_str(),
                    me.active() ? ", coming back" : "");
    });
    s.on_connect_error([](client_socket& me, const connect_error& how) {
        std::printf("%s\n", std::string(how.message).c_str());
        if (!me.active()) me.set_auth(std::map<std::string, std::string>{{"token", "another"}});
    });
}

}  // namespace

int main(int count, char** arguments) {
    auto io = client_thread::make(
        {.url = count > 1 ? arguments[1] : "http://localhost:3000"}, [](client& c) {
            explain(c.socket());
            c.socket().on("say", [](std::string text) { std::printf("> %s\n", text.c_str()); });
        });
    if (!io) return 1;
    for (std::string line; std::getline(std::cin, line);) (*io)->emit("say", line);
}
