// A loop owns its connections and its thread; there is one of each.
// error: use of deleted function

#include <weft/net/loop.hpp>

void run(weft::loop& own) {
    const weft::loop_ref reference = own.ref();
    static_cast<void>(reference);
#ifdef WEFT_SHOULD_FAIL
    weft::loop copy(own);
#endif
}
