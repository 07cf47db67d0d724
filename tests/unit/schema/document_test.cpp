// What a document can do wrong whatever the schema says, what a violation tells, and what checking
// may cost.

#include <array>
#include <string>
#include <thread>
#include <vector>

#include <weft/base/json_writer.hpp>

#include "unit/schema/check.hpp"

namespace weft {
namespace {

using testing_schema::verdict;

TEST(schema_document, what_is_no_json_is_a_violation) {
    EXPECT_EQ(verdict("{}", ""), "the document: json: no value");
    EXPECT_EQ(verdict("{}", "{} x"), "the document: json: no value");
    EXPECT_EQ(verdict("{}", R"({"a":[1,tru]})"), "/a/1: json: no value");
    EXPECT_EQ(verdict(R"({"properties":{"a":{"type":"string"}}})", R"({"a":"x)"),
              "/a: json: no value");
    EXPECT_EQ(verdict(R"({"items":{"minimum":1}})", "[1,01]"), "/1: json: no value");
    EXPECT_EQ(verdict(R"({"not":{"type":"array","items":{"minimum":1}}})", "[1,"),
              "/1: json: no value");
    EXPECT_EQ(verdict(R"({"anyOf":[{"enum":["x"]},{}]})", "\"\n\""),
              "the document: json: no value");
    EXPECT_EQ(verdict(R"({"uniqueItems":true})", "[1 2]"), "/0: json: no value");
}

TEST(schema_document, what_is_not_utf_8_is_a_violation) {
    EXPECT_EQ(verdict("{}", "\"\xc0\x80\""), "the document: utf-8: no value");
}

TEST(schema_document, every_prefix_of_a_document_is_refused) {
    constexpr auto all =
        R"({"properties":{"a":{"items":{"type":"number","multipleOf":0.5}},"b":{"enum":["x",[1]]},
        "s":{"maxLength":9}},"anyOf":[{"required":["z"]},{"required":["a"]}],"not":{"minProperties":9},
        "additionalProperties":{"uniqueItems":true}})";
    const std::string document = R"( {"a":[1,2.5e0],"b":[1],"s":"x\u00e9","t":[{"k":null},true]} )";
    ASSERT_EQ(verdict(all, document), "fine");
    for (std::size_t size = 0; size + 1 < document.size(); ++size)
        EXPECT_NE(verdict(all, document.substr(0, size)), "fine") << size;
}

TEST(schema_document, equal_keys_are_refused_wherever_they_are) {
    EXPECT_EQ(verdict("{}", R"({"a":1,"a":1})"), "/a: duplicate: a number");
    EXPECT_EQ(verdict("{}", R"([{"x":[{"b":1,"c":[],"b":null}]}])"), "/0/x/0/b: duplicate: null");
    EXPECT_EQ(verdict(R"({"properties":{"a":{}}})", R"({"a":1,"x":2,"a":{}})"),
              "/a: duplicate: an object");
    EXPECT_EQ(verdict(R"({"properties":{"a":{}}})", R"({"x":1,"y":2,"x":3})"),
              "/x: duplicate: a number");
    EXPECT_EQ(verdict(R"({"properties":{"a":{}}})", R"({"a":1,"\u0061":{}})"),
              "/a: duplicate: an object");
    EXPECT_EQ(verdict(R"({"required":["q"]})", R"({"q":{"a":1,"a":2}})"),
              "/q/a: duplicate: a number");
    EXPECT_EQ(
        verdict(R"({"anyOf":[{"required":["z"]},{"maxProperties":1},{}]})", R"({"a":1,"a":2})"),
        "/a: duplicate: a number");
    EXPECT_EQ(verdict(R"({"const":{"a":1,"b":1}})", R"({"a":1,"b":1,"a":1})"),
              "the document: const (schema /const): an object");
    EXPECT_EQ(verdict(R"({"enum":[{"a":1}]})", R"({"a":1})"), "fine");
    EXPECT_EQ(
        verdict(R"({"not":{"items":{"properties":{"a":{"type":"null"}}}}})", R"([{"a":1,"a":2}])"),
        "/0/a: duplicate: a number");
    EXPECT_EQ(verdict("{}", R"({"":1,"":2})"), "/: duplicate: a number");
    EXPECT_EQ(verdict("{}", R"({"a":{"b":1},"c":{"b":1},"b":[{"b":1}]})"), "fine");
}

TEST(schema_document, equal_keys_are_found_among_many_and_by_escapes) {
    std::string members;
    for (int i = 0; i < 5'000; ++i) members += "\"k" + std::to_string(i * 7919 % 5'000) + "\":0,";
    EXPECT_EQ(verdict("{}", "{" + members + "\"z\":1}"), "fine");
    EXPECT_EQ(verdict("{}", "{" + members + "\"k77\":{}}"), "/k77: duplicate: an object");
    EXPECT_NE(verdict("{}", "{" + members + "\"k7\\u0037\":{}}"), "fine");
    EXPECT_NE(verdict("{}", R"({"\u0061":1,"a":2})"), "fine");
}

TEST(schema_document, no_branch_hides_equal_keys) {
    // The first branch stops inside of the object, and so does not compare its keys.
    constexpr auto branches = R"({"anyOf":[
        {"properties":{"o":{"properties":{"x":{"additionalProperties":true},"y":{"type":"null"}}}}},
        {"required":["o"]}]})";
    EXPECT_EQ(verdict(branches, R"({"o":{"x":{"n":1},"y":2}})"), "fine");
    EXPECT_EQ(verdict(branches, R"({"o":{"q":0,"x":{"n":1},"q":0,"y":2}})"),
              "/o/q: duplicate: a number");
    EXPECT_EQ(verdict(branches, R"({"o":{"x":{"n":1,"n":1},"y":2}})"),
              "/o/x/n: duplicate: a number");
    EXPECT_EQ(verdict(branches, R"({"p":{"r":1,"r":2},"o":{"x":{"n":1},"y":2}})"),
              "/p/r: duplicate: a number");
    EXPECT_EQ(verdict(branches, R"({"o":{"x":{"n":1},"y":2},"p":[{"r":1,"r":2}]})"),
              "/p/0/r: duplicate: a number");
}

TEST(schema_document, lone_surrogates_are_characters) {
    EXPECT_EQ(verdict(R"({"maxLength":1,"minLength":1})", R"("\ud800")"), "fine");
    EXPECT_EQ(verdict(R"({"maxLength":1})", R"("\udc00\ud800")"),
              "the document: maxLength (schema /maxLength): a string");
    EXPECT_EQ(verdict(R"({"properties":{"a":{}},"additionalProperties":false})", R"({"\ud800":1})"),
              "/\xEF\xBF\xBD: additionalProperties (schema /additionalProperties): a number");
    EXPECT_EQ(verdict(R"({"enum":["\ud800",7]})", R"("\ud800")"), "fine");
    EXPECT_EQ(verdict(R"({"uniqueItems":true})", R"(["\ud800x","\ud800y"])"), "fine");
}

TEST(schema_document, nesting_is_limited_by_the_reader) {
    const auto nested = [](std::size_t depth) {
        return std::string(depth, '[') + std::string(depth, ']');
    };
    constexpr auto depth = json_reader::max_depth;
    for (const auto text : {"{}", R"({"items":{"$ref":"#"}})", R"({"uniqueItems":true})",
                            R"({"items":{"$ref":"#"},"uniqueItems":true})"}) {
        EXPECT_EQ(verdict(text, nested(depth), {.base_steps = 1'000'000}), "fine") << text;
        EXPECT_NE(
            verdict(text, nested(depth + 1), {.base_steps = 1'000'000}).find(": depth: an array"),
            std::string::npos)
            << text;
    }
}

TEST(schema_document, schemas_within_schemas_within_values_are_limited) {
    const std::string_view wrapped =
        R"({"allOf":[{"allOf":[{"allOf":[{"items":{"$ref":"#"}}]}]}]})";
    EXPECT_EQ(verdict(wrapped, std::string(300, '[') + std::string(300, ']')), "fine");
    EXPECT_NE(
        verdict(wrapped, std::string(500, '[') + std::string(500, ']')).find(": depth: an array"),
        std::string::npos);
}

TEST(schema_document, a_path_leads_to_the_value) {
    EXPECT_EQ(
        verdict(R"({"properties":{"items":{"items":{"properties":{"price":{"maximum":9}}}}}})",
                R"({"x":[[],{}],"items":[{},{"price":1},{}, {"a":{"b":[]}, "price" : 10}]})"),
        "/items/3/price: maximum (schema /properties/items/items/properties/price/maximum): a "
        "number");
    EXPECT_EQ(verdict(R"({"properties":{"a/b~c":{"type":"null"}}})", R"({"a/b~c":1})"),
              "/a~1b~0c: type (schema /properties/a~1b~0c/type): a number");
}

TEST(schema_document, keys_of_the_peer_are_escaped_and_cut) {
    const auto path = [](const std::string& key) {
        const std::string all = verdict(R"({"additionalProperties":false})", "{\"" + key + "\":1}");
        return all.substr(0, all.find(": "));
    };
    EXPECT_EQ(path(R"(a\nb\u001b[31m)"), R"(/a\u000ab\u001b[31m)");
    EXPECT_EQ(path("\xE2\x80\xAE"
                   "x\x7f\xC2\x85"),
              R"(/\u202ex\u007f\u0085)");
    EXPECT_EQ(path(std::string(64, 'k')), "/" + std::string(64, 'k'));
    EXPECT_EQ(path(std::string(100'000, 'k')), "/" + std::string(64, 'k') + "...");
    EXPECT_EQ(path(std::string(63, 'k') + "\xC3\xA9"), "/" + std::string(63, 'k') + "...");

    std::string deep = "1";
    for (int i = 0; i < 100; ++i) deep = "{\"" + std::string(60, 'k') + "\":" + deep + "}";
    const std::string all =
        verdict(R"({"additionalProperties":{"$ref":"#"},"type":"object"})", deep);
    const std::string key = "/" + std::string(60, 'k');
    EXPECT_EQ(all, key + key + key + key + "/...: type (schema /type): a number");
}

TEST(schema_document, a_violation_never_holds_a_value_of_the_document) {
    constexpr auto all = R"({"items":[{"maxLength":1},{"maximum":1},{"const":1},{"format":"email"},
        {"enum":["x"]},{"uniqueItems":true},{"multipleOf":2},{"not":{}}]})";
    const auto compiled = schema::make(all);
    ASSERT_TRUE(compiled);
    const std::string_view bad[] = {R"("secret")", "5551",
                                    R"("secret")", R"("secret")",
                                    R"("secret")", R"(["secret","secret"])",
                                    "5551",        R"({"a":"secret"})"};
    for (std::size_t i = 0; i < std::size(bad); ++i) {
        std::string document = "[";
        for (std::size_t k = 0; k < i; ++k) document += R"("x",)";
        document.append(bad[i]).append("]");
        // What stands before is judged too; only that a violation tells nothing matters.
        const auto wrong = compiled->check(document);
        ASSERT_TRUE(wrong);
        std::string json;
        json_writer out(json);
        wrong->write(out);
        EXPECT_EQ((wrong->what() + json).find("secret"), std::string::npos);
        EXPECT_EQ((wrong->what() + json).find("5551"), std::string::npos);
    }
}

TEST(schema_document, a_violation_is_written_as_json) {
    const auto compiled = schema::make(R"({"additionalProperties":{"maximum":1}})");
    ASSERT_TRUE(compiled);
    const auto wrong = compiled->check(R"({"a\"b":2})");
    ASSERT_TRUE(wrong);
    EXPECT_EQ(wrong->path, "/a\"b");
    EXPECT_EQ(wrong->rule, "maximum");
    EXPECT_EQ(wrong->place, "/additionalProperties/maximum");
    EXPECT_EQ(wrong->kind, json_kind::number);
    std::string text;
    json_writer out(text);
    wrong->write(out);
    EXPECT_EQ(text, R"({"path":"/a\"b","rule":"maximum","kind":"number"})");
    text.clear();
    json_writer again(text);
    compiled->check("[")->write(again);
    EXPECT_EQ(text, R"({"path":"/0","rule":"json","kind":"none"})");
}

TEST(schema_document, work_is_limited_by_steps_for_each_byte) {
    // Each level of the document is looked at four times by each look at the level above.
    constexpr auto explosive = R"({"anyOf":[{"items":{"$ref":"#"},"minItems":9},
        {"items":{"$ref":"#"},"minItems":9},{"items":{"$ref":"#"},"minItems":9},{"items":{"$ref":"#"}}]})";
    const auto nested = [](std::size_t depth) {
        return std::string(depth, '[') + std::string(depth, ']');
    };
    EXPECT_EQ(verdict(explosive, nested(4)), "fine");
    EXPECT_NE(verdict(explosive, nested(100)).find(": budget: an array"), std::string::npos);
    EXPECT_EQ(verdict(explosive, nested(6), {.base_steps = 1'000'000}), "fine");
    EXPECT_NE(
        verdict(
            R"({"not":{"anyOf":[{"$ref":"#/definitions/x"}]},"definitions":{"x":{"items":{"anyOf":
        [{"$ref":"#/definitions/x"},{"$ref":"#/definitions/x"}]},"minItems":2}}})",
            nested(100))
            .find(": budget: "),
        std::string::npos);
}

TEST(schema_document, what_ends_the_check_is_no_failed_branch) {
    // The first branch uses up the steps, or meets what is no JSON; the second would accept.
    const std::string nested = std::string(8, '[') + std::string(8, ']');
    const schema_limits few{.base_steps = 40, .steps_per_byte = 0};
    constexpr auto explosive =
        R"("definitions":{"x":{"anyOf":[{"items":{"$ref":"#/definitions/x"},"minItems":2},
        {"items":{"$ref":"#/definitions/x"},"minItems":2},{"items":{"$ref":"#/definitions/x"}}]}})";
    for (const auto around :
         {R"({"anyOf":[{"$ref":"#/definitions/x"},true],)", R"({"not":{"$ref":"#/definitions/x"},)",
          R"({"oneOf":[{"$ref":"#/definitions/x"},true],)",
          R"({"if":{"$ref":"#/definitions/x"},"else":true,"then":true,)",
          R"({"contains":{"$ref":"#/definitions/x"},)"}) {
        const std::string all = verdict(std::string(around) + explosive + "}", nested, few);
        EXPECT_NE(all.find(": budget: an array"), std::string::npos) << around << all;
    }
}

TEST(schema_document, plain_schemas_stay_far_below_the_steps) {
    std::string many = "[0";
    for (int i = 0; i < 100'000; ++i) many += ",0";
    many += "]";
    const schema_limits tight{.base_steps = 1, .steps_per_byte = 1};
    EXPECT_EQ(verdict("{}", many, tight), "fine");
    EXPECT_EQ(verdict(R"({"items":{"type":"integer","minimum":0}})", many, tight), "fine");
    EXPECT_EQ(verdict(R"({"uniqueItems":true})", "[" + std::string(20'000, ' ') + "1,2]", tight),
              "fine");
}

TEST(schema_document, unique_items_of_many_values_is_not_quadratic) {
    std::string many = "[";
    for (int i = 0; i < 50'000; ++i)
        many += (i == 0 ? "" : ",") + std::string(i % 2 == 0 ? "{\"a\":" : "[") +
                std::to_string(i) + (i % 2 == 0 ? "}" : "]");
    EXPECT_EQ(verdict(R"({"uniqueItems":true})", many + "]"), "fine");
    EXPECT_EQ(verdict(R"({"uniqueItems":true})", many + ",{ \"a\" : 4e1}]"),
              "the document: uniqueItems (schema /uniqueItems): an array");
}

TEST(schema_document, one_schema_serves_several_threads) {
    const auto compiled =
        schema::make(R"({"items":{"type":"string","minLength":1},"uniqueItems":true})");
    ASSERT_TRUE(compiled);
    std::vector<std::thread> threads;
    std::array<int, 4> wrong{};
    for (std::size_t t = 0; t < wrong.size(); ++t) {
        threads.emplace_back([&wrong, t, mine = *compiled] {
            for (int i = 0; i < 2'000; ++i) {
                wrong[t] += mine.check(R"(["a","b\u0063"])").has_value();
                wrong[t] += !mine.check(R"(["a",""])").has_value();
            }
        });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(wrong, (std::array<int, 4>{}));
}

// SECURITY.md: P11.
TEST(schema_document, sec_p11_a_million_brackets_neither_recurse_nor_take_long) {
    const std::string brackets(1'000'000, '[');
    std::string objects;
    for (int i = 0; i < 200'000; ++i) objects += "{\"a\":";
    for (const auto text :
         {"{}", R"({"items":{"$ref":"#"},"properties":{"a":{"$ref":"#"}}})",
          R"({"anyOf":[{"items":{"$ref":"#"}},{"properties":{"a":{"$ref":"#"}}}]})",
          R"({"const":[[]],"uniqueItems":true})", R"({"not":{"enum":[{},[]]}})"}) {
        EXPECT_NE(verdict(text, brackets), "fine");
        EXPECT_NE(verdict(text, objects), "fine");
        EXPECT_NE(verdict(text, brackets + std::string(1'000'000, ']')), "fine");
    }
    EXPECT_NE(testing_schema::refusal(brackets), "loaded");
    EXPECT_NE(testing_schema::refusal(objects), "loaded");
}

}  // namespace
}  // namespace weft
