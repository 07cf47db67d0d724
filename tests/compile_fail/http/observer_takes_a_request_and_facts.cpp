// An observer sees the request and how it was answered.
// error: weft: an observer takes \(const owned_request&, const reply_facts&\)

#include <weft/http/router.hpp>

void set_up(weft::http::router& routes) {
#ifdef WEFT_SHOULD_FAIL
    routes.after([](const weft::http::owned_request&) {});
#else
    routes.after([](const weft::http::owned_request&, const weft::http::reply_facts&) {});
#endif
}
