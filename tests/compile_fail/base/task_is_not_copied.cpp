// A task owns its frame: it moves, and is never copied.
// error: use of deleted function

#include <utility>

#include <weft/base/task.hpp>

void keep(weft::task<int> first) {
    weft::task<int> second = std::move(first);
#ifdef WEFT_SHOULD_FAIL
    weft::task<int> third = second;
#endif
}
