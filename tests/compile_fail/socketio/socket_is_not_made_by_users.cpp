// error: is protected within this context
#include <weft/socketio/socket.hpp>

#ifdef WEFT_SHOULD_FAIL
weft::socketio::socket* make() {
    return new weft::socketio::socket;
}
#endif
