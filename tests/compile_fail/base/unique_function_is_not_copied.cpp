// What a callable owns has one owner.
// error: use of deleted function

#include <utility>

#include <weft/base/unique_function.hpp>

void hand_over(weft::unique_function<void()> task) {
    const weft::unique_function<void()> moved = std::move(task);
#ifdef WEFT_SHOULD_FAIL
    const weft::unique_function<void()> copied = moved;
#endif
}
