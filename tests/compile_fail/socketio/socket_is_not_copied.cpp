// error: use of deleted function
#include <weft/socketio/socket.hpp>

void keep(weft::socketio::socket& s) {
#ifdef WEFT_SHOULD_FAIL
    auto copy = s;
#else
    auto& borrowed = s;
    (void)borrowed;
#endif
}
