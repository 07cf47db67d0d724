// The code of docs/guide/json.md: compiled, and compared with the page by
// tests/structure/docs_code_test.py.

#include <weft/socketio/json.hpp>
#include <weft/weft.hpp>

namespace json_guide {

namespace http = weft::http;

enum class side { buy, sell };
WEFT_ENUM(side, buy, sell)

struct order {
    std::string symbol;
    side what;
    double price;
    std::optional<int> size;
};
WEFT_FIELDS(order, symbol, what, price, size)

struct placed {
    int number;
    order what;
};
WEFT_FIELDS(placed, number, what)

weft::result<int> place(const order& wish);

void over_http(weft::server& server) {
    (void)server.http().post("/orders", [](const http::request& asked) {
        const auto wish = weft::from_json<order>(asked.body_text());
        if (!wish) return http::response::text(400, wish.error().message());
        const auto number = place(*wish);
        if (!number) return http::response::text(409, number.error().message());
        return http::response::json(201, weft::to_json(placed{*number, *wish}));
    });
}

void over_websockets(weft::server& server) {
    server.ws("/orders").on_message([&server](auto& c, weft::message_view what) {
        const auto wish = weft::from_json<order>(what.text());
        if (!wish) {
            c.close(weft::ws::close_code::invalid_payload, "not an order");
            return;
        }
        server.publish("orders", weft::to_json(*wish));
    });
}

}  // namespace json_guide
