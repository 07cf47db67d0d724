// Events against their schemas: what reaches the handlers, and what the client is told.

#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "net/traffic_meter.hpp"
#include "sio_world.hpp"

namespace weft::socketio::test {
namespace {

schema orders() {
    return *schema::make(R"({
        "type": "array",
        "minItems": 1,
        "items": [{"type": "object", "properties": {"price": {"type": "number", "maximum": 100}}},
                  {"type": "string"}],
        "additionalItems": false
    })");
}

/// A shop that takes orders.
struct shop {
    explicit shop(options chosen = {}) : world(std::move(chosen)) {
        world.server.validate("order", orders())
            .on("order",
                [this](socket&, rest<json_view>) {
                    ++handled;
                    return "taken";
                })
            .on("other", [this](socket&, rest<json_view>) { ++others; })
            .on_error([this](socket&, const error& why) { errors.push_back(why.message()); });
    }
    void open() {
        world.start();
        world.connect(client);
    }
    std::string say(std::string_view packet) {
        world.say(client, packet);
        return world.packet(client);
    }

    sio_world world;
    sio_world::peer client{};
    int handled = 0;
    int others = 0;
    std::vector<std::string> errors;
};

TEST(socketio_schema, arguments_that_meet_it_reach_the_handler) {
    shop scene;
    scene.open();
    EXPECT_EQ(scene.say(R"(421["order",{"price":7}])"), R"(431["taken"])");
    EXPECT_EQ(scene.say(R"(422["order",{"price":7},"now"])"), R"(432["taken"])");
    EXPECT_EQ(scene.handled, 2);
    EXPECT_TRUE(scene.errors.empty());
}

TEST(socketio_schema, others_are_acknowledged_with_path_rule_and_kind) {
    shop scene;
    scene.open();
    EXPECT_EQ(scene.say(R"(421["order",{"price":101}])"),
              R"(431[{"error":{"code":"socketio.bad_argument",)"
              R"("message":"order: /0/price: maximum",)"
              R"("path":"/0/price","rule":"maximum","kind":"number"}}])");
    EXPECT_EQ(scene.say(R"(422["order"])"),
              R"(432[{"error":{"code":"socketio.bad_argument","message":"order: minItems",)"
              R"("path":"","rule":"minItems","kind":"array"}}])");
    EXPECT_EQ(scene.handled, 0);
    EXPECT_EQ(scene.say(R"(423["order",{}])"), R"(433["taken"])") << "the connection goes on";
    EXPECT_EQ(scene.world.shared.metrics.violations.read("maximum"), 1U);
    EXPECT_EQ(scene.world.shared.metrics.violations.read("minItems"), 1U);
    EXPECT_EQ(scene.world.metric("weft_socketio_refused_events_total"), 2U);
}

TEST(socketio_schema, without_an_acknowledgement_an_event_tells_it) {
    shop scene;
    scene.open();
    EXPECT_EQ(scene.say(R"(42["order",{"price":101}])"),
              R"(42["error",{"event":"order","code":"socketio.bad_argument",)"
              R"("message":"order: /0/price: maximum",)"
              R"("path":"/0/price","rule":"maximum","kind":"number"}])");
}

TEST(socketio_schema, the_operator_and_on_error_are_told_the_place_and_no_value) {
    shop scene;
    scene.open();
    scene.say(R"(42["order",{"price":101}])");
    ASSERT_EQ(scene.errors.size(), 1U);
    EXPECT_NE(scene.errors[0].find("order: /0/price: maximum (schema /items/0/properties/price/"
                                   "maximum): a number"),
              std::string::npos)
        << scene.errors[0];
    ASSERT_EQ(scene.world.lines.size(), 1U);
    EXPECT_NE(scene.world.lines[0].find("or break its schema: 'order: /0/price: maximum"),
              std::string::npos)
        << scene.world.lines[0];
    EXPECT_EQ(scene.world.lines[0].find("101"), std::string::npos);
}

TEST(socketio_schema, it_is_of_one_event_in_one_namespace) {
    shop scene;
    int elsewhere = 0;
    scene.world.server.of("/b").on("order", [&](socket&, rest<json_view>) { ++elsewhere; });
    scene.open();
    scene.world.join(scene.client, "/b");
    EXPECT_EQ(scene.say(R"(42["other",{"price":101}])"), "");
    EXPECT_EQ(scene.say(R"(42/b,["order",{"price":101}])"), "");
    EXPECT_EQ(scene.others, 1);
    EXPECT_EQ(elsewhere, 1);
}

TEST(socketio_schema, middlewares_come_before_it) {
    shop scene;
    scene.world.server.use([](socket&, std::string_view, const raw_arguments&) { return false; });
    scene.open();
    EXPECT_NE(scene.say(R"(421["order",{"price":101}])").find("event_refused"), std::string::npos);
    EXPECT_EQ(scene.world.shared.metrics.violations.read("maximum"), 0U);
}

TEST(socketio_schema, it_comes_before_handlers_of_what_has_none) {
    sio_world world;
    int unhandled = 0;
    world.server.validate("order", orders())
        .on_unhandled(
            [&](socket&, std::string_view, const raw_arguments&, raw_ack) { ++unhandled; });
    world.start();
    sio_world::peer client{};
    world.connect(client);
    world.say(client, R"(42["order",7])");
    world.say(client, R"(42["order",{}])");
    EXPECT_EQ(unhandled, 1);
}

TEST(socketio_schema, an_attachment_is_its_placeholder) {
    shop scene;
    scene.world.server.validate("blob", *schema::make(R"({"items": [{"type": "object",
        "required": ["_placeholder", "num"]}, {"const": 1}]})"));
    int blobs = 0;
    scene.world.server.on("blob", [&](socket&, byte_view, int) { ++blobs; });
    scene.open();
    scene.world.say(scene.client, R"(451-["blob",{"_placeholder":true,"num":0},1])");
    scene.world.say_binary(scene.client, "bytes");
    EXPECT_EQ(blobs, 1);
    scene.world.say(scene.client, R"(451-["blob",{"_placeholder":true,"num":0},2])");
    scene.world.say_binary(scene.client, "bytes");
    EXPECT_EQ(blobs, 1);
}

TEST(socketio_schema, who_keeps_breaking_it_is_closed_with_the_name_of_the_option) {
    options chosen;
    chosen.max_violations = 2;
    shop scene(std::move(chosen));
    scene.open();
    for (int i = 0; i < 2; ++i) EXPECT_NE(scene.say(R"(42["order",7])"), "");
    EXPECT_FALSE(scene.world.ended(scene.client));
    scene.world.pass(1s);
    EXPECT_EQ(scene.say(R"(42["order",7])"), "");
    EXPECT_TRUE(scene.world.ended(scene.client));
    EXPECT_NE(scene.world.close_reason(scene.client).find("max_violations"), std::string::npos);
    EXPECT_EQ(
        scene.world.metric("weft_socketio_errors_total", describe(errc::too_many_violations).label),
        1U);
    EXPECT_NE(scene.world.lines.back().find("max_violations"), std::string::npos);
    EXPECT_EQ(scene.handled, 0);
}

TEST(socketio_schema, each_violation_is_an_error_of_the_address) {
    net::traffic_meter meter({.per_address = {.errors_per_minute = 1}});
    shop scene;
    scene.world.loop.limit_traffic(meter);
    scene.open();
    sio_world::peer other{};
    scene.say(R"(42["order",7])");
    EXPECT_NE(scene.world.connect(other), "");
    scene.say(R"(42["order",7])");
    EXPECT_EQ(scene.world.connect(other), "");
}

}  // namespace
}  // namespace weft::socketio::test
