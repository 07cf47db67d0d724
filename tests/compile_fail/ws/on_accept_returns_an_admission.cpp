// What on_accept returns is the connection's data or a refusal.
// error: weft: on_accept must return the data of the connection

#include <string>

#include <weft/ws/endpoint.hpp>

struct user {
    std::string name;
};

void set_up(weft::ws::endpoint<user>& endpoint) {
#ifdef WEFT_SHOULD_FAIL
    endpoint.on_accept([](const weft::http::handshake&) { return true; });
#else
    endpoint.on_accept([](const weft::http::handshake& asked) -> weft::admission<user> {
        if (asked.header("Authorization").empty()) return weft::refusal(401);
        return user{"Ann"};
    });
#endif
}
