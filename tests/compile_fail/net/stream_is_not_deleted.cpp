// A stream belongs to its loop: a handler closes it and never destroys it.
// error: is protected within this context

#include "net/byte_stream.hpp"

void end(weft::net::byte_stream* stream) {
    stream->close();
#ifdef WEFT_SHOULD_FAIL
    delete stream;
#endif
}
