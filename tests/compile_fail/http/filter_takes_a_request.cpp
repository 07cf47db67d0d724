// A filter sees the request.
// error: weft: a filter takes \(const request&\)

#include <weft/http/router.hpp>

void set_up(weft::http::router& routes) {
#ifdef WEFT_SHOULD_FAIL
    routes.before([](int) { return true; });
#else
    routes.before([](const weft::http::request&) { return true; });
#endif
}
