// The code of docs/guide/json.md that needs Boost: compiled where it is installed, and compared
// with the page by tests/structure/docs_code_test.py.

#include <weft/socketio/adapt/boost_json.hpp>
#include <weft/socketio/json.hpp>
#include <weft/weft.hpp>

namespace json_boost_guide {

namespace http = weft::http;

void any_json(weft::server& server) {
    (void)server.http().post("/count", [](const http::request& asked) {
        auto what = weft::from_json<boost::json::value>(asked.body_text());
        if (!what || !what->is_object()) return http::response(400);
        what->as_object()["members"] = what->as_object().size();
        return http::response::json(200, weft::to_json(*what));
    });
}

}  // namespace json_boost_guide
