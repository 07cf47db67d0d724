// A placement names a loop or nothing.
// error: weft: a placement is std::optional<std::uint8_t>\(const request&\)

#include <weft/http/router.hpp>

void set_up(weft::http::router& routes) {
#ifdef WEFT_SHOULD_FAIL
    static_cast<void>(routes.place("/", [](const weft::http::request&) { return "first"; }));
#else
    static_cast<void>(
        routes.place("/", [](const weft::http::request&) { return std::uint8_t{0}; }));
#endif
}
