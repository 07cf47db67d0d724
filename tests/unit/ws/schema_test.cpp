// Messages against the schema of their endpoint: what reaches the handler, what the peer is told,
// and what it costs to go on.

#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "net/traffic_meter.hpp"
#include "ws_world.hpp"

namespace weft::ws::test {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view good = R"({"price":7})";
constexpr std::string_view dear = R"({"price":101})";

options checked(violation_answer answer = violation_answer::error_message) {
    options chosen;
    chosen.schema = *schema::make(R"({
        "type": "object",
        "additionalProperties": false,
        "properties": {"price": {"type": "number", "maximum": 100}}
    })");
    chosen.violations = answer;
    return chosen;
}

/// Remembers what its handler got.
struct market {
    explicit market(options chosen) : world(std::move(chosen)) {
        world.endpoint
            .on_message([this](auto&, message_view what) { got.emplace_back(what.text()); })
            .on_close([this](auto&, const close_event& event) { cause = event.cause; });
    }
    [[nodiscard]] std::uint64_t violations(std::string_view rule) const {
        return world.shared.metrics.violations.read(rule);
    }
    /// The text of the one frame that the client got.
    std::string answer(ws_world<>::peer client) {
        const auto frames = world.frames(client);
        EXPECT_EQ(frames.size(), 1U);
        return frames.empty() ? "" : frames[0].payload;
    }

    ws_world<> world;
    std::vector<std::string> got;
    std::error_code cause;
};

TEST(ws_schema, messages_that_meet_it_reach_the_handler) {
    market scene(checked());
    const auto client = scene.world.open();
    scene.world.send(client, text_frame(good));
    EXPECT_EQ(scene.got, std::vector<std::string>{std::string(good)});
    EXPECT_TRUE(scene.world.frames(client).empty());
    EXPECT_TRUE(scene.world.log.empty());
}

TEST(ws_schema, others_do_not_and_are_answered_with_path_rule_and_kind) {
    market scene(checked());
    const auto client = scene.world.open();
    scene.world.send(client, text_frame(dear));
    EXPECT_EQ(scene.answer(client),
              R"({"error":"invalid","path":"/price","rule":"maximum","kind":"number"})");
    scene.world.send(client, text_frame("{oops"));
    EXPECT_EQ(scene.answer(client), R"({"error":"invalid","path":"","rule":"json","kind":"none"})");
    EXPECT_TRUE(scene.got.empty());
    scene.world.send(client, text_frame(good));
    EXPECT_EQ(scene.got.size(), 1U) << "the connection goes on";
    EXPECT_EQ(scene.violations("maximum"), 1U);
    EXPECT_EQ(scene.violations("json"), 1U);
    EXPECT_EQ(scene.violations("type"), 0U);
}

TEST(ws_schema, a_binary_message_breaks_it) {
    market scene(checked());
    const auto client = scene.world.open();
    scene.world.send(client, binary_frame(good));
    EXPECT_EQ(scene.answer(client), R"({"error":"invalid","path":"","rule":"text","kind":"none"})");
    EXPECT_TRUE(scene.got.empty());
    EXPECT_EQ(scene.violations("text"), 1U);
}

TEST(ws_schema, the_operator_is_told_the_place_and_no_value) {
    market scene(checked());
    const auto client = scene.world.open();
    scene.world.send(client, text_frame(dear));
    ASSERT_EQ(scene.world.log.size(), 1U);
    const std::string& line = scene.world.log[0];
    EXPECT_TRUE(
        line.starts_with("a message breaks the schema of its endpoint or topic: '"
                         "/price: maximum (schema /properties/price/maximum): a number'"))
        << line;
    EXPECT_EQ(line.find("101"), std::string::npos);
}

TEST(ws_schema, the_endpoint_may_close_instead) {
    for (const auto& [answer, code] : {std::pair{violation_answer::close_1007, 1007},
                                       std::pair{violation_answer::close_1008, 1008}}) {
        market scene(checked(answer));
        const auto client = scene.world.open();
        scene.world.send(client, text_frame(dear) + text_frame(good));
        const auto frames = scene.world.frames(client);
        ASSERT_EQ(frames.size(), 1U);
        EXPECT_EQ(frames[0].op(), 8);
        EXPECT_EQ(frames[0].close_code(), code);
        EXPECT_EQ(frames[0].payload.substr(2), "invalid message: maximum at /price");
        EXPECT_TRUE(scene.got.empty()) << "nothing follows";
        scene.world.pass(1s);
        scene.world.io.peer_end(client);
        scene.world.run();
        EXPECT_EQ(scene.cause, errc::invalid_message);
        EXPECT_EQ(scene.world.shared.metrics.errors.read(errc::invalid_message), 1U);
        EXPECT_EQ(scene.world.log.size(), 1U);
    }
}

TEST(ws_schema, a_long_path_leaves_the_rule_in_the_close_reason) {
    options chosen = checked(violation_answer::close_1008);
    chosen.schema =
        *schema::make(R"({"additionalProperties": {"additionalProperties": {"maximum": 1}}})");
    market scene(std::move(chosen));
    const auto client = scene.world.open();
    std::string key;  // of two bytes each, so that the cut meets the middle of one
    for (int i = 0; i < 60; ++i) key += "\u00e4";
    scene.world.send(client, text_frame("{\"a" + key + "\":{\"" + key + "\":2}}"));
    const auto frames = scene.world.frames(client);
    ASSERT_EQ(frames.size(), 1U);
    EXPECT_TRUE(frames[0].payload.substr(2).starts_with("invalid message: maximum at /a"));
    EXPECT_EQ(frames[0].payload.size(), 124U) << "a byte less than there is room for";
    EXPECT_TRUE(validate_utf8(as_bytes(std::string_view(frames[0].payload).substr(2))));
}

TEST(ws_schema, who_keeps_breaking_it_is_closed_with_the_name_of_the_option) {
    options chosen = checked();
    chosen.max_violations = 3;
    market scene(chosen);
    const auto client = scene.world.open();
    for (int i = 0; i < 3; ++i) scene.world.send(client, text_frame(dear));
    EXPECT_EQ(scene.world.frames(client).size(), 3U);
    scene.world.pass(20s);  // one more is allowed now
    scene.world.send(client, text_frame(dear));
    EXPECT_EQ(scene.world.frames(client).at(0).op(), 1);
    scene.world.send(client, text_frame(dear) + text_frame(good));
    const auto frames = scene.world.frames(client);
    ASSERT_EQ(frames.size(), 1U);
    EXPECT_EQ(frames[0].close_code(), 1008);
    EXPECT_NE(frames[0].payload.find("max_violations"), std::string::npos);
    EXPECT_TRUE(scene.got.empty());
    EXPECT_EQ(scene.world.shared.metrics.errors.read(errc::too_many_violations), 1U);
    EXPECT_NE(scene.world.log.back().find("max_violations"), std::string::npos);
}

TEST(ws_schema, what_a_handler_checks_is_its_own_to_answer_but_on_the_same_account) {
    options chosen;
    chosen.max_violations = 2;
    market scene(chosen);
    std::vector<std::string> rules;
    scene.world.endpoint.on_message([&](auto& c, message_view what) {
        const auto wrong = c.check(*checked().schema, what);
        rules.emplace_back(wrong ? wrong->rule : "none");
    });
    const auto client = scene.world.open();
    scene.world.send(client, text_frame(good) + text_frame(dear) + binary_frame(good));
    EXPECT_EQ(rules, (std::vector<std::string>{"none", "maximum", "text"}));
    EXPECT_TRUE(scene.world.frames(client).empty());
    EXPECT_EQ(scene.violations("maximum"), 1U);
    scene.world.send(client, text_frame(dear));
    EXPECT_EQ(scene.world.frames(client).at(0).close_code(), 1008);
    EXPECT_EQ(rules.back(), "maximum");
}

TEST(ws_schema, each_violation_is_an_error_of_the_address) {
    net::traffic_meter meter({.per_address = {.errors_per_minute = 2}});
    market scene(checked());
    scene.world.loop.limit_traffic(meter);
    const auto client = scene.world.open();
    for (int i = 0; i < 2; ++i) scene.world.send(client, text_frame(dear));
    scene.world.open();
    EXPECT_TRUE(scene.world.response.starts_with("HTTP/1.1 101 ")) << scene.world.response;
    scene.world.send(client, text_frame(dear));
    scene.world.open();
    EXPECT_TRUE(scene.world.response.starts_with("HTTP/1.1 429 ")) << scene.world.response;
}

TEST(ws_schema, the_metrics_page_has_a_line_for_each_rule) {
    market scene(checked());
    const auto client = scene.world.open();
    scene.world.send(client, text_frame(dear));
    metrics_page page;
    scene.world.shared.metrics.visit([&](const metric_sample& s) { page.add(s); });
    const std::string text = page.text();
    EXPECT_NE(text.find("weft_schema_violations_total{rule=\"maximum\"} 1\n"), std::string::npos);
    for (const char* const rule : {"additionalItems", "uniqueItems", "false", "json", "utf-8",
                                   "depth", "duplicate", "budget", "text"}) {
        EXPECT_NE(text.find("weft_schema_violations_total{rule=\"" + std::string(rule) + "\"} 0\n"),
                  std::string::npos)
            << rule;
    }
    EXPECT_EQ(text.find("rule=\"$ref\""), std::string::npos);
}

TEST(ws_schema, the_options_are_checked) {
    options chosen = checked();
    chosen.max_violations = 0;
    const auto wrong = chosen.check();
    ASSERT_FALSE(wrong);
    EXPECT_NE(wrong.error().message().find("max_violations"), std::string::npos);
}

}  // namespace
}  // namespace weft::ws::test
