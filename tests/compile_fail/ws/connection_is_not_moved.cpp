// A connection is pinned from accept to free: it cannot be moved out of a handler.
// error: use of deleted function

#include <utility>

#include <weft/ws/endpoint.hpp>

void handle(weft::ws::connection<void>& c) {
    weft::ws::connection<void>& borrowed = c;
#ifdef WEFT_SHOULD_FAIL
    weft::ws::connection<void> stolen(std::move(borrowed));
#endif
    borrowed.close();
}
