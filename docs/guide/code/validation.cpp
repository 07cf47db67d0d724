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

void add_orders(weft::server& server, const weft::schema& orders) {
    namespace ws = weft::ws;
    ws::options checked;
    checked.schema = orders;
    checked.violations = ws::violation_answer::close_1008;
    checked.max_violations = 5;
    server.ws("/orders", checked).on_message([](auto& c, weft::message_view order) {
        c.publish("orders", order);  // only what meets the schema comes here
    });
}

void add_feed(weft::server& server, const weft::schema& price) {
    server.ws("/feed/:topic").on_message([price](auto& c, weft::message_view what) {
        if (c.param("topic") == "prices" && c.check(price, what)) return;
        c.publish(c.param("topic"), what);
    });
}

void add_shop(weft::socketio::server& io, const weft::schema& arguments) {
    namespace socketio = weft::socketio;
    io.validate("order", arguments).on("order", [](socketio::socket& s, socketio::json_view order) {
        s.to("desk").emit("order", order);
        return "taken";
    });
}

}  // namespace validation_guide
