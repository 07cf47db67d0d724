// A number is not a message: nobody's int becomes a text of one character.
// error: no matching function|call of overloaded|invalid conversion

#include <weft/ws/endpoint.hpp>

void handle(weft::ws::connection<void>& c) {
#ifdef WEFT_SHOULD_FAIL
    c.send(42);
#else
    c.send("42");
#endif
}
