// A user's program, as small as it gets: it must compile, link, and open its port.

#include <cstdio>
#include <string>

#include <weft/weft.hpp>

struct visitor {
    std::string name;
};

int main() {
    weft::server server;
    server.ws<visitor>("/chat/:room")
        .on_open([](auto& c) { c.subscribe(c.param("room")); })
        .on_message([](auto& c, weft::message_view m) { c.publish(c.param("room"), m); });

    const auto names = weft::schema::make(R"({"pattern":"^[a-z]+$"})");  // needs RE2 to be linked
    if (names && !names->check("\"A\"")) return 1;

    const auto port = server.listen({.host = "127.0.0.1", .port = 0});
    std::puts(port ? "listening" : port.error().message().c_str());
    return port ? 0 : 1;
}
