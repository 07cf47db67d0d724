// error: nothing is sent unless it is awaited
#pragma GCC diagnostic error "-Wunused-result"
#include <weft/socketio/client.hpp>
#include <weft/socketio/server.hpp>

template <class T>
void use(T&&) {}

void ask(weft::socketio::space& io, weft::socketio::socket& s, weft::socketio::client_socket& c) {
#ifdef WEFT_SHOULD_FAIL
    io.to("room").emit_with_ack<int>("ask");
    io.emit_with_ack<int>("ask");
    s.emit_with_ack<int>("ask");
    s.ref().emit_with_ack<int>("ask");
    c.emit_with_ack<int>("ask");
#else
    use(io.to("room").emit_with_ack<int>("ask"));
    io.emit_with_ack<int>("ask", [](weft::socketio::broadcast_replies<int>) {});
    s.ref().emit_with_ack<int>("ask", [](weft::result<int>) {});
    use(c.emit_with_ack<int>("ask"));
#endif
}
