// What is refused when a schema is loaded, and how it is said.

#include <weft/base/json_reader.hpp>

#include "unit/schema/check.hpp"

namespace weft {
namespace {

using testing_schema::refusal;

std::error_code code_of(std::string_view text, const schema_limits& limits = {}) {
    const auto compiled = schema::make(text, limits);
    return compiled ? std::error_code() : compiled.error().code();
}

TEST(schema_load, unknown_keywords_are_refused_with_their_place) {
    EXPECT_EQ(refusal(R"({"properties":{"a":{"maxLenght":3}}})"),
              "schema /properties/a/maxLenght: this is no keyword of draft-07");
    EXPECT_EQ(code_of(R"({"$defs":{}})"), errc::not_supported);
    EXPECT_EQ(refusal(R"({"false":1})"), "schema /false: this is no keyword of draft-07");
    EXPECT_EQ(refusal(R"({"annotation":1})"), "schema /annotation: this is no keyword of draft-07");
    EXPECT_EQ(refusal(R"({"definitions":{"unused":{"x":1}}})"),
              "schema /definitions/unused/x: this is no keyword of draft-07");
}

TEST(schema_load, unknown_formats_and_dialects_are_refused) {
    EXPECT_EQ(refusal(R"({"items":{"format":"hostname"}})"),
              "schema /items/format: Weft does not know this format");
    EXPECT_EQ(code_of(R"({"$schema":"http://json-schema.org/draft-04/schema#"})"),
              errc::not_supported);
    EXPECT_EQ(refusal(R"({"$schema":"http://json-schema.org/draft-07/schema"})"), "loaded");
}

TEST(schema_load, references_elsewhere_or_to_nothing_are_refused) {
    EXPECT_EQ(refusal(R"({"items":{"$ref":"other.json"}})"),
              "schema /items/$ref: this leads to another document, and Weft loads none");
    EXPECT_EQ(code_of(R"({"$ref":"http://json-schema.org/draft-07/schema#"})"),
              errc::not_supported);
    EXPECT_EQ(refusal(R"({"$ref":"#/definitions/a"})"),
              "schema /$ref: there is nothing at this place");
    EXPECT_EQ(refusal(R"({"$ref":"#named"})"), "schema /$ref: there is nothing at this place");
    EXPECT_EQ(refusal(R"({"enum":[{}],"items":{"$ref":"#/enum/0"}})"),
              "schema /items/$ref: there is no schema at this place");
    EXPECT_EQ(code_of(R"({"$ref":1})"), errc::invalid_argument);
}

TEST(schema_load, equal_ids_are_refused) {
    EXPECT_EQ(refusal(R"({"definitions":{"a":{"$id":"x"},"b":{"$id":"x"}}})"),
              "schema /definitions/b/$id: two schemas have this $id");
    EXPECT_EQ(code_of(R"({"$id":7})"), errc::invalid_argument);
}

TEST(schema_load, circles_that_consume_nothing_are_refused) {
    constexpr auto circle =
        ": this schema leads to itself without going into a member or an element";
    EXPECT_EQ(refusal(R"({"$ref":"#"})"), "schema: this $ref leads to itself");
    EXPECT_EQ(
        code_of(
            R"({"definitions":{"a":{"$ref":"#/definitions/b"},"b":{"$ref":"#/definitions/a"}}})"),
        errc::invalid_argument);
    EXPECT_EQ(refusal(R"({"allOf":[{"$ref":"#"}]})"), std::string("schema") + circle);
    EXPECT_EQ(refusal(R"({"definitions":{"a":{"not":{"$ref":"#/definitions/b"}},
        "b":{"if":true,"then":{"$ref":"#/definitions/a"}}}})")
                  .substr(0, 20),
              "schema /definitions/");
    EXPECT_EQ(refusal(R"({"dependencies":{"x":{"anyOf":[{"$ref":"#"}]}}})"),
              std::string("schema") + circle);
    // A member is one step closer to the end of the document.
    EXPECT_EQ(refusal(R"({"allOf":[{"properties":{"a":{"$ref":"#"}}}]})"), "loaded");
    EXPECT_EQ(refusal(R"({"items":{"$ref":"#"},"contains":{"$ref":"#"}})"), "loaded");
}

TEST(schema_load, wrong_values_of_keywords_are_refused) {
    const std::string_view wrong[] = {
        R"({"type":"int"})",
        R"({"type":[]})",
        R"({"type":1})",
        R"({"minimum":"1"})",
        R"({"multipleOf":0})",
        R"({"multipleOf":-1})",
        R"({"maxLength":-1})",
        R"({"minItems":1.5})",
        R"({"maxProperties":1e30})",
        R"({"pattern":1})",
        R"({"format":null})",
        R"({"uniqueItems":1})",
        R"({"items":1})",
        R"({"contains":[]})",
        R"({"properties":[]})",
        R"({"properties":{"a":1}})",
        R"({"required":"a"})",
        R"({"required":[1]})",
        R"({"dependencies":[]})",
        R"({"dependencies":{"a":[1]}})",
        R"({"allOf":{}})",
        R"({"anyOf":[]})",
        R"({"oneOf":[1]})",
        R"({"not":null})",
        R"({"enum":1})",
        R"({"definitions":[]})",
        R"({"patternProperties":[]})",
        "[]",
        "1",
        "null",
    };
    for (const auto text : wrong) EXPECT_EQ(code_of(text), errc::invalid_argument) << text;
    EXPECT_EQ(refusal(R"({"items":{"minItems":-2}})"),
              "schema /items/minItems: this is an integer, at least 0");
}

TEST(schema_load, a_schema_that_is_no_json_is_malformed) {
    EXPECT_EQ(refusal("{"), "the schema is no JSON: unexpected end at byte 1");
    EXPECT_EQ(code_of(""), errc::malformed);
    EXPECT_EQ(code_of("{} {}"), errc::malformed);
    EXPECT_EQ(refusal("\"\xff\""), "the schema is not UTF-8");
    EXPECT_EQ(refusal(R"({"properties":{"a":true,"\u0061":false}})"),
              "schema /properties/a: this key is there twice");
}

TEST(schema_load, limits_are_named) {
    EXPECT_EQ(refusal("{\"title\":\"a long one\"}", {.max_text = 10}),
              "the schema has 22 bytes, more than schema_limits::max_text (10)");
    EXPECT_EQ(code_of("{\"title\":\"a long one\"}", {.max_text = 10}), errc::limit_exceeded);
    EXPECT_EQ(refusal(R"({"items":{"items":{}}})", {.max_depth = 3}), "loaded");
    EXPECT_EQ(refusal(R"({"items":{"items":{}}})", {.max_depth = 2}),
              "the schema is nested deeper than schema_limits::max_depth");
    EXPECT_EQ(code_of(R"({"items":{"items":{}}})", {.max_depth = 2}), errc::limit_exceeded);
    EXPECT_EQ(code_of(R"({"multipleOf":1.00000000000000000001})"), errc::limit_exceeded);
    EXPECT_EQ(code_of("{}", {.max_depth = 0}), errc::invalid_argument);
    EXPECT_EQ(refusal("{}", {.max_depth = 1'000}),
              "schema_limits::max_depth is 1000: it must be 1 to 128");
    EXPECT_EQ(code_of("{}", {.base_steps = 0}), errc::invalid_argument);
}

TEST(schema_load, nesting_far_beyond_the_limit_is_refused_at_the_limit) {
    const std::string deep(100'000, '[');
    EXPECT_EQ(code_of(deep), errc::limit_exceeded);
    std::string nots;
    for (int i = 0; i < 10'000; ++i) nots += "{\"not\":";
    EXPECT_EQ(code_of(nots), errc::limit_exceeded);
}

TEST(schema_load, copies_share_what_was_compiled_and_outlive_the_text) {
    auto text = std::make_unique<std::string>(R"({"maximum":123456789012345678901234567890})");
    auto first = schema::make(*text);
    text.reset();
    ASSERT_TRUE(first);
    auto second = std::make_unique<schema>(*first);
    first = schema::make("false");
    EXPECT_FALSE(second->check("123456789012345678901234567890"));
    EXPECT_TRUE(second->check("123456789012345678901234567891"));
}

}  // namespace
}  // namespace weft
