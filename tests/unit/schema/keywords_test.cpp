// Each keyword of draft-07: what it accepts, what it refuses, and where it says so.

#include "unit/schema/check.hpp"

namespace weft {
namespace {

using testing_schema::expect_broken;
using testing_schema::expect_fine;
using testing_schema::verdict;

TEST(schema_keywords, type_names_one_kind_or_several) {
    expect_fine(R"({"type":"string"})", {R"("x")", R"("")"});
    expect_broken(R"({"type":"string"})", "type", {"1", "null", "true", "[]", "{}"});
    expect_fine(R"({"type":["null","array"]})", {"null", "[1]"});
    expect_broken(R"({"type":["null","array"]})", "type", {"0", "{}", R"("null")"});
    expect_fine(R"({"type":["boolean","object"]})", {"true", "false", "{}"});
}

TEST(schema_keywords, integers_are_numbers_without_a_fraction_however_written) {
    expect_fine(R"({"type":"integer"})",
                {"0", "-0", "1.0", "1e3", "12.50e1", "1e400", "1234567890123456789012345"});
    expect_broken(R"({"type":"integer"})", "type", {"0.5", "1e-1", "12.55e1", "1e-400", R"("1")"});
    expect_fine(R"({"type":["integer","number"]})", {"0.5"});
    expect_fine(R"({"type":["integer","string"]})", {"1", R"("x")"});
    expect_broken(R"({"type":["integer","string"]})", "type", {"0.5", "null"});
}

TEST(schema_keywords, bounds_compare_numbers_exactly) {
    expect_fine(R"({"minimum":10})", {"10", "10.0", "1e1", "11", "1e400", R"("9")"});
    expect_broken(R"({"minimum":10})", "minimum", {"9", "9.999999999999999999999", "-1e400", "0"});
    expect_fine(R"({"maximum":-1.5})", {"-1.5", "-2", "-15e-1"});
    expect_broken(R"({"maximum":-1.5})", "maximum", {"-1.4999", "0", "1"});
    expect_fine(R"({"exclusiveMinimum":0})", {"1e-400", "0.1"});
    expect_broken(R"({"exclusiveMinimum":0})", "exclusiveMinimum", {"0", "-0.0", "0e9", "-1"});
    expect_fine(R"({"exclusiveMaximum":9007199254740993})", {"9007199254740992"});
    expect_broken(R"({"exclusiveMaximum":9007199254740993})", "exclusiveMaximum",
                  {"9007199254740993", "9007199254740993.0000000000000000000000001"});
}

TEST(schema_keywords, multiple_of_is_exact_for_decimals) {
    expect_fine(R"({"multipleOf":0.01})", {"0", "0.01", "19.99", "1e2", "1e300", "-4.35"});
    expect_broken(R"({"multipleOf":0.01})", "multipleOf", {"0.001", "19.995", "1e-3"});
    expect_fine(R"({"multipleOf":0.1})", {"0.3", "0.7", "1"});
    expect_fine(R"({"multipleOf":3})", {"9", "3e20", "111111111111111111111111111"});
    expect_broken(R"({"multipleOf":3})", "multipleOf",
                  {"10", "1e20", "111111111111111111111111112", "1.5"});
    expect_fine(R"({"multipleOf":1000})", {"5000", "5e3", "0"});
    expect_broken(R"({"multipleOf":1000})", "multipleOf", {"500"});
}

TEST(schema_keywords, lengths_count_code_points) {
    expect_fine(R"({"minLength":2})", {R"("ab")", R"("\u00e9\u00e9")", "\"\U0001F600x\"", "1"});
    expect_broken(R"({"minLength":2})", "minLength", {R"("a")", R"("")", R"("\ud83d\ude00")"});
    expect_fine(R"({"maxLength":2})", {R"("ab")", "\"\xC3\xA9\xC3\xA9\"", R"("\ud83d\ude00x")"});
    expect_broken(R"({"maxLength":2})", "maxLength", {R"("abc")", "\"\xC3\xA9\xC3\xA9x\""});
    expect_fine(R"({"minLength":3,"maxLength":3})", {"\"\U0001F600\U0001F600\U0001F600\""});
}

TEST(schema_keywords, enum_and_const_compare_values_not_texts) {
    constexpr auto values = R"({"enum":["a",1,null,[1,{"x":1,"y":2}],{"k":[]}]})";
    expect_fine(values, {R"("a")", R"("\u0061")", "1", "1.0", "10e-1", "null",
                         R"([ 1.0, {"y":2, "x":1} ])", R"({ "k" : [ ] })"});
    expect_broken(values, "enum",
                  {R"("b")", "2", "true", "[]", R"([1,{"x":1}])", R"({"k":{}})", "{}"});
    expect_fine(R"({"const":{"a":"\n"}})", {R"({"a":"\u000a"})"});
    expect_broken(R"({"const":0})", "const", {"1", "false", R"("")"});
    expect_fine(R"({"const":0})", {"0", "-0", "0.0", "0e5"});
    expect_broken(R"({"enum":[]})", "enum", {"1"});
    expect_fine(R"({"const":1,"enum":[1,2]})", {"1"});
    expect_broken(R"({"const":1,"enum":[1,2]})", "const", {"2"});
}

TEST(schema_keywords, large_numbers_are_equal_only_to_themselves) {
    expect_fine(R"({"const":1e400})", {"10e399", "1e400"});
    expect_broken(R"({"const":1e400})", "const", {"1e401", "1"});
    expect_broken(R"({"const":1234567890123456789012345})", "const",
                  {"1234567890123456789012346", "1.234567890123456789012346e24"});
    expect_fine(R"({"const":1234567890123456789012345})", {"1.234567890123456789012345e24"});
}

TEST(schema_keywords, items_is_one_schema_or_one_for_each_element) {
    EXPECT_EQ(verdict(R"({"items":{"type":"string"}})", R"(["a",1])"),
              "/1: type (schema /items/type): a number");
    expect_fine(R"({"items":[{"type":"string"},{"type":"number"}]})",
                {R"(["a",1])", R"(["a",1,null])", R"(["a"])", "[]", "{}"});
    EXPECT_EQ(verdict(R"({"items":[{"type":"string"},{"type":"number"}]})", R"(["a","b"])"),
              "/1: type (schema /items/1/type): a string");
}

TEST(schema_keywords, additional_items_is_for_those_behind_the_list) {
    constexpr auto one = R"({"items":[true],"additionalItems":false})";
    expect_fine(one, {"[]", "[1]"});
    EXPECT_EQ(verdict(one, "[1,[]]"), "/1: additionalItems (schema /additionalItems): an array");
    EXPECT_EQ(verdict(R"({"items":[{}],"additionalItems":{"type":"null"}})", "[1,null,2]"),
              "/2: type (schema /additionalItems/type): a number");
    expect_fine(R"({"items":{},"additionalItems":false})", {"[1,2,3]"});
    expect_fine(R"({"additionalItems":false})", {"[1,2,3]"});
}

TEST(schema_keywords, array_sizes) {
    expect_fine(R"({"minItems":1,"maxItems":2})", {"[1]", "[1,2]", "{}"});
    expect_broken(R"({"minItems":1})", "minItems", {"[]"});
    expect_broken(R"({"maxItems":2})", "maxItems", {"[1,2,3]", "[[],[],[],[]]"});
}

TEST(schema_keywords, unique_items_compares_values) {
    constexpr auto unique = R"({"uniqueItems":true})";
    expect_fine(unique, {"[]", "[1,2]", R"([1,"1",true,null,[1],{"a":1}])", "[[],{}]",
                         R"(["a","A"])", R"([{"a":1},{"a":2}])", "[0.1,0.2]"});
    expect_broken(unique, "uniqueItems",
                  {"[1,1]", "[1,1.0]", "[10,1e1]", R"(["a","\u0061"])", "[[],[ ]]",
                   R"([{"a":1,"b":2},{"b":2,"a":1.0}])", "[null,1,null]", "[0,-0]",
                   "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,3]"});
    expect_fine(R"({"uniqueItems":false})", {"[1,1]"});
}

TEST(schema_keywords, contains_needs_one_element) {
    expect_fine(R"({"contains":{"minimum":5}})", {"[1,5]", "[9,1]", "{}"});
    expect_broken(R"({"contains":{"minimum":5}})", "contains", {"[]", "[1,2]"});
    expect_broken(R"({"contains":true})", "contains", {"[]"});
    expect_broken(R"({"contains":false})", "contains", {"[1]"});
    EXPECT_EQ(verdict(R"({"contains":{"minimum":5},"items":{"maximum":6}})", "[5,7]"),
              "/1: maximum (schema /items/maximum): a number");
}

TEST(schema_keywords, object_sizes) {
    expect_fine(R"({"minProperties":1,"maxProperties":2})",
                {R"({"a":1})", R"({"a":1,"b":2})", "[]"});
    expect_broken(R"({"minProperties":1})", "minProperties", {"{}"});
    expect_broken(R"({"maxProperties":1})", "maxProperties", {R"({"a":1,"b":2})"});
    expect_broken(R"({"maxProperties":1,"properties":{"a":{},"b":{}}})", "maxProperties",
                  {R"({"a":1,"b":2})"});
}

TEST(schema_keywords, required_names_the_member_by_its_place_in_the_list) {
    constexpr auto both = R"({"required":["a","b"],"properties":{"b":{"type":"null"}}})";
    expect_fine(both, {R"({"b":null,"a":1})", R"({"\u0061":1,"x":2,"b":null})", "[]"});
    EXPECT_EQ(verdict(both, R"({"b":null})"),
              "the document: required (schema /required/0): an object");
    EXPECT_EQ(verdict(both, R"({"a":1})"),
              "the document: required (schema /required/1): an object");
}

TEST(schema_keywords, properties_apply_to_the_member_of_the_name) {
    constexpr auto two = R"({"properties":{"a":{"type":"number"},"b":{"properties":{"c":false}}}})";
    expect_fine(two, {"{}", R"({"a":1})", R"({"b":{}, "a" : 1})", R"({"c":1})", "[]"});
    EXPECT_EQ(verdict(two, R"({"a":"x"})"), "/a: type (schema /properties/a/type): a string");
    EXPECT_EQ(verdict(two, R"({ "\u0061" : "x"})"),
              "/a: type (schema /properties/a/type): a string");
    EXPECT_EQ(verdict(two, R"({"a":1,"b":{"c":null}})"),
              "/b/c: properties (schema /properties/b/properties/c): null");
}

TEST(schema_keywords, keys_are_compared_after_their_escapes) {
    constexpr auto odd = R"({"properties":{"a\"b":{"type":"null"}},"additionalProperties":false})";
    expect_fine(odd, {R"({"a\"b":null})", R"({"\u0061\u0022b":null})"});
    EXPECT_EQ(verdict(odd, R"({"a\"b":1})"),
              "/a\"b: type (schema /properties/a\"b/type): a number");
}

TEST(schema_keywords, many_properties_are_found_in_any_order) {
    std::string properties;
    std::string forward;
    std::string backward;
    for (int i = 0; i < 300; ++i) {
        const std::string key = "\"key" + std::to_string(i) + "\":";
        const std::string value = std::to_string(i);
        properties += (i == 0 ? "" : ",") + key + "{\"const\":" + value + "}";
        forward += (i == 0 ? "" : ",") + key + value;
        backward = key + value + (i == 0 ? "" : ",") + backward;
    }
    const std::string schema_text =
        R"({"additionalProperties":false,"required":["key299"],"properties":{)" + properties + "}}";
    EXPECT_EQ(verdict(schema_text, "{" + forward + "}"), "fine");
    EXPECT_EQ(verdict(schema_text, "{" + backward + "}"), "fine");
    EXPECT_EQ(verdict(schema_text, "{" + backward + ",\"key299\":299}"),
              "/key299: duplicate: a number");
    EXPECT_EQ(verdict(schema_text, R"({"key7":7})"),
              "the document: required (schema /required/0): an object");
}

TEST(schema_keywords, additional_properties_are_those_that_nothing_names) {
    constexpr auto closed = R"({"properties":{"a":{}},"additionalProperties":false})";
    expect_fine(closed, {"{}", R"({"a":1})"});
    EXPECT_EQ(verdict(closed, R"({"a":1,"b":"secret"})"),
              "/b: additionalProperties (schema /additionalProperties): a string");
    // `required` does not declare a member.
    EXPECT_EQ(verdict(R"({"required":["b"],"additionalProperties":false})", R"({"b":1})"),
              "/b: additionalProperties (schema /additionalProperties): a number");
    EXPECT_EQ(verdict(R"({"additionalProperties":{"type":"null"}})", R"({"x":null,"y":1})"),
              "/y: type (schema /additionalProperties/type): a number");
}

TEST(schema_keywords, dependencies_are_names_or_a_schema) {
    constexpr auto both =
        R"({"dependencies":{"card":["name","zip"],"vip":{"properties":{"age":{"minimum":18}}}}})";
    expect_fine(both, {"{}", R"({"name":1})", R"({"zip":1,"card":1,"name":1})", R"({"age":3})",
                       R"({"vip":1,"age":18})", "[]"});
    EXPECT_EQ(verdict(both, R"({"card":1,"name":2})"),
              "the document: dependencies (schema /dependencies/card/1): an object");
    EXPECT_EQ(verdict(both, R"({"age":3,"vip":1})"),
              "/age: minimum (schema /dependencies/vip/properties/age/minimum): a number");
}

TEST(schema_keywords, property_names_are_strings_to_a_schema) {
    constexpr auto brief = R"({"propertyNames":{"maxLength":3},"properties":{"abcd":{}}})";
    expect_fine(brief, {"{}", R"({"abc":1})", R"({"\u0061\u0062c":1})", "[]"});
    EXPECT_EQ(verdict(brief, R"({"a":1,"abcd":[]})"),
              "/abcd: propertyNames (schema /propertyNames): an array");
    expect_fine(R"({"propertyNames":{"enum":["a","b"]}})", {R"({"b":1,"\u0061":2})"});
    EXPECT_EQ(verdict(R"({"propertyNames":false})", R"({"a":1})"),
              "/a: propertyNames (schema /propertyNames): a number");
}

TEST(schema_keywords, all_of_wants_all) {
    constexpr auto all = R"({"allOf":[{"minimum":1},{"maximum":3},true]})";
    expect_fine(all, {"1", "3", "null"});
    EXPECT_EQ(verdict(all, "4"), "the document: maximum (schema /allOf/1/maximum): a number");
}

TEST(schema_keywords, any_of_wants_one) {
    constexpr auto any = R"({"anyOf":[{"type":"null"},{"required":["a"],"type":"object"}]})";
    expect_fine(any, {"null", R"({"a":1})"});
    expect_broken(any, "anyOf", {"1", "{}", "[]"});
}

TEST(schema_keywords, one_of_wants_exactly_one) {
    constexpr auto one = R"({"oneOf":[{"minimum":2},{"type":"integer"}]})";
    expect_fine(one, {"1", "2.5"});
    expect_broken(one, "oneOf", {"2", "1.5"});
}

TEST(schema_keywords, not_wants_the_opposite) {
    expect_fine(R"({"not":{"type":"string"}})", {"1", "{}"});
    expect_broken(R"({"not":{"type":"string"}})", "not", {R"("x")"});
    expect_broken(R"({"not":{}})", "not", {"1", "[]"});
    expect_fine(R"({"not":{"not":{"type":"string"}}})", {R"("x")"});
}

TEST(schema_keywords, if_chooses_between_then_and_else) {
    constexpr auto choice =
        R"({"if":{"properties":{"k":{"const":1}}},"then":{"required":["a"]},"else":{"required":["b"]}})";
    expect_fine(choice, {R"({"k":1,"a":0})", R"({"k":2,"b":0})"});
    EXPECT_EQ(verdict(choice, R"({"k":1,"b":0})"),
              "the document: required (schema /then/required/0): an object");
    EXPECT_EQ(verdict(choice, R"({"k":2,"a":0})"),
              "the document: required (schema /else/required/0): an object");
    expect_fine(R"({"then":false,"else":false})", {"1"});
    expect_fine(R"({"if":false})", {"1"});
    EXPECT_EQ(verdict(R"({"if":true,"then":false})", "1"),
              "the document: then (schema /then): a number");
}

TEST(schema_keywords, boolean_schemas) {
    expect_fine("true", {"1", R"({"a":[1]})"});
    EXPECT_EQ(verdict("false", "1"), "the document: false: a number");
    EXPECT_EQ(verdict(R"({"items":false})", "[1]"), "/0: items (schema /items): a number");
}

TEST(schema_keywords, references_lead_to_definitions_and_to_the_root) {
    constexpr auto tree = R"({"type":"object","additionalProperties":{"$ref":"#"},
        "properties":{"value":{"$ref":"#/definitions/value"}},"definitions":{"value":{"type":"number"}}})";
    expect_fine(tree, {"{}", R"({"left":{"value":1,"right":{}}})"});
    EXPECT_EQ(verdict(tree, R"({"left":{"right":{"value":"x"}}})"),
              "/left/right/value: type (schema /definitions/value/type): a string");
    // What stands beside a $ref means nothing in draft-07.
    expect_fine(R"({"definitions":{"a":{}},"items":{"$ref":"#/definitions/a","type":"null"}})",
                {"[1]"});
}

TEST(schema_keywords, references_by_id) {
    expect_fine(R"({"$id":"http://example.org/a/root.json","items":{"$ref":"part.json#/items"},
        "definitions":{"p":{"$id":"part.json","items":{"type":"null"}}}})",
                {"[null]"});
    expect_fine(R"({"items":{"$ref":"#named"},"definitions":{"p":{"$id":"#named","type":"null"}}})",
                {"[null]"});
    EXPECT_EQ(verdict(R"({"$id":"urn:a","items":{"$ref":"urn:a#/definitions/x%20%7e0y"},
        "definitions":{"x ~y":{"type":"null"}}})",
                      "[1]"),
              "/0: type (schema /definitions/x ~0y/type): a number");
}

TEST(schema_keywords, annotations_assert_nothing) {
    expect_fine(R"({"$schema":"http://json-schema.org/draft-07/schema#","$comment":"c","title":"t",
        "description":"d","default":{"type":1},"examples":[{"foo":2}],"readOnly":true,"writeOnly":false,
        "contentMediaType":"application/json","contentEncoding":"base64"})",
                {"1", R"("!")"});
}

}  // namespace
}  // namespace weft
