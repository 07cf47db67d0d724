// The code of docs/guide/validation.md: compiled, and compared with the page by
// tests/structure/docs_code_test.py.

#include <cstdio>

#include <weft/base/json_writer.hpp>
#include <weft/weft.hpp>

namespace validation_guide {

namespace http = weft::http;

weft::result<weft::schema> load_orders() {
    return weft::schema::make(R"({
        "type": "object",
        "required": ["symbol", "side", "price"],
        "additionalProperties": false,
        "properties": {
            "symbol": {"type": "string", "pattern": "^[A-Z]{3,12}$"},
            "side": {"enum": ["buy", "sell"]},
            "price": {"type": "number", "exclusiveMinimum": 0, "multipleOf": 0.01},
            "note": {"type": "string", "maxLength": 200}
        }
    })");
}

bool take_orders(weft::server& server) {
    const auto orders = load_orders();
    if (!orders) {
        std::fprintf(stderr, "%s\n", orders.error().message().c_str());
        return false;
    }
    (void)server.http().post("/orders", [orders = *orders](const http::request& asked) {
        if (const auto wrong = orders.check(asked.body_text())) {
            std::string body;
            weft::json_writer json(body);
            wrong->write(json);
            return http::response::json(422, body);
        }
        return http::response(204);
    });
    return true;
}

weft::result<weft::schema> load_with_limits(std::string_view text) {
    return weft::schema::make(text, {.max_text = 16 * 1024, .steps_per_byte = 4});
}

}  // namespace validation_guide
