// What points at a loop stays right because a loop stays where it is; its owner moves the pointer.
// error: use of deleted function

#include <utility>

#include <weft/net/loop.hpp>

void hand_over(std::unique_ptr<weft::loop> own) {
    const std::unique_ptr<weft::loop> moved = std::move(own);
#ifdef WEFT_SHOULD_FAIL
    weft::loop stolen(std::move(*moved));
#endif
}
