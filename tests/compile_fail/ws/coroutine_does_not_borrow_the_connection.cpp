// A coroutine outlives the call: it gets the id and an owned message, not the connection.
// error: weft: a coroutine may not borrow the connection; take \(conn_id, message\) instead

#include <weft/ws/endpoint.hpp>

void set_up(weft::ws::endpoint<int>& endpoint) {
#ifdef WEFT_SHOULD_FAIL
    endpoint.on_message(
        [](weft::ws::connection<int>&, weft::message_view) -> weft::task<void> { co_return; });
#else
    endpoint.on_message([](weft::conn_id, weft::message) -> weft::task<void> { co_return; });
#endif
}
