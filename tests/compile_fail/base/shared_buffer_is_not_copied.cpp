// A block is shared by reference, never copied; the reference is what copies.
// error: use of deleted function

#include <weft/base/shared_buffer.hpp>

void keep(weft::shared_buffer& block, const weft::buffer_ref& held) {
    const weft::buffer_ref second = held;
#ifdef WEFT_SHOULD_FAIL
    weft::shared_buffer copy = block;
#endif
    static_cast<void>(block);
}
