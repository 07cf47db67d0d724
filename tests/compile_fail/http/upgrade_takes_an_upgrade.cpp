// Who decides about an upgrade gets it.
// error: weft: an upgrade handler takes \(const request&, http::upgrade\)

#include <weft/http/router.hpp>

void set_up(weft::http::router& routes) {
#ifdef WEFT_SHOULD_FAIL
    static_cast<void>(routes.upgrade("/", [](const weft::http::request&) {}));
#else
    static_cast<void>(routes.upgrade("/", [](const weft::http::request&, weft::http::upgrade) {}));
#endif
}
