// A text is no response.
// error: weft: a handler is response\(const request&\)

#include <weft/http/router.hpp>

void set_up(weft::http::router& routes) {
#ifdef WEFT_SHOULD_FAIL
    static_cast<void>(routes.get("/", [](const weft::http::request&) { return "text"; }));
#else
    static_cast<void>(
        routes.get("/", [](const weft::http::request&) { return weft::http::response(); }));
#endif
}
