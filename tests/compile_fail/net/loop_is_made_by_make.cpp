// Making a loop can fail, so only `make` does it.
// error: no matching function|is private within this context

#include <weft/net/loop.hpp>

void start() {
    const auto made = weft::loop::make();
    static_cast<void>(made.has_value());
#ifdef WEFT_SHOULD_FAIL
    weft::loop direct{};
#endif
}
