// Many loops hold one message at once: nobody may write into it.
// error: assignment of read-only location

#include <weft/pubsub/message.hpp>

std::byte first(const weft::message& shared) {
#ifdef WEFT_SHOULD_FAIL
    shared.bytes()[0] = std::byte{0};
#endif
    return shared.bytes()[0];
}
