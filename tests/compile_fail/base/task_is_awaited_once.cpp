// Awaiting takes a task's value out of it, so a task that has a name must be given up visibly.
// error: (no match for|passing .* as 'this'|discards qualifiers|cannot bind|awaitable)

#include <utility>

#include <weft/base/task.hpp>

weft::task<int> twice(weft::task<int> once) {
#ifdef WEFT_SHOULD_FAIL
    co_return co_await once;
#else
    co_return co_await std::move(once);
#endif
}
