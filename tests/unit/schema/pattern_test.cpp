// Patterns of ECMA-262, matched by RE2.

#include <random>

#include "schema/ecma_pattern.hpp"
#include "schema/regex.hpp"
#include "schema/run_pattern.hpp"
#include "unit/schema/check.hpp"

namespace weft {
namespace {

using json_schema::regex;
using json_schema::run_pattern;
using json_schema::translate_pattern;
using testing_schema::refusal;
using testing_schema::verdict;

std::string translated(std::string_view ecma) {
    auto re2 = translate_pattern(ecma);
    return re2 ? *re2 : "refused: " + re2.error().what();
}

TEST(schema_pattern, what_both_know_stays) {
    EXPECT_EQ(translated(R"(^[a-z]+\d\w{2,3}?|x*$)"), R"(^[a-z]+\d\w{2,3}?|x*$)");
    EXPECT_EQ(translated(R"(\b\B\D\W)"), R"(\b\B\D\W)");
}

TEST(schema_pattern, groups_capture_nothing) {
    EXPECT_EQ(translated("(a)(?:b)(?<name>c)"), "(?:a)(?:b)(?:c)");
}

TEST(schema_pattern, characters_are_written_by_number) {
    EXPECT_EQ(translated(R"(\/\-\.\x41\u00e9\u{1F600}\ud83d\ude00\cJ\t\0)"),
              R"(\x{2f}\x{2d}\x{2e}\x{41}\x{e9}\x{1f600}\x{1f600}\x{a}\x{9}\x{0})");
    EXPECT_EQ(translated(R"([\b\]\-[])"), R"([\x{8}\x{5d}\x{2d}\[])");
    EXPECT_EQ(translated("[][^]"), R"([^\x{0}-\x{10ffff}][\x{0}-\x{10ffff}])");
    EXPECT_EQ(translated(R"(\p{L}\P{Script=Greek}[\p{Lu}])"), R"(\p{L}\P{Greek}[\p{Lu}])");
}

TEST(schema_pattern, what_takes_more_than_linear_time_is_refused) {
    for (const auto text : {"(?=a)", "(?!a)", "(?<=a)", "(?<!a)", R"((a)\1)", R"((?<n>a)\k<n>)"})
        EXPECT_EQ(translate_pattern(text).error().code(), errc::not_supported) << text;
}

TEST(schema_pattern, what_ecma_does_not_know_is_refused) {
    for (const auto text :
         {R"(\A)",    R"(\z)",  R"(\Z)",  R"(\Q)", R"(\C)",   R"(\a)",     "(?i)a",
          "(?P<n>a)", "[a",     "\\",     "[\\",   R"(\u12)", R"(\ud800)", R"(\u{110000})",
          R"(\u{})",  R"(\c1)", R"(\01)", R"(\p)", R"(\_)",   "(?<n"})
        EXPECT_EQ(translate_pattern(text).error().code(), errc::invalid_argument) << text;
}

#ifdef WEFT_RE2

std::string matched(std::string_view pattern, std::string_view text) {
    std::string schema_text;
    for (const char c : pattern) schema_text += c == '\\' ? "\\\\" : std::string(1, c);
    return verdict("{\"pattern\":\"" + schema_text + "\"}", "\"" + std::string(text) + "\"");
}

constexpr auto no_match = "the document: pattern (schema /pattern): a string";

TEST(schema_pattern, matches_anywhere_unless_anchored) {
    EXPECT_EQ(matched("b+", "abbc"), "fine");
    EXPECT_EQ(matched("^b+", "abbc"), no_match);
    EXPECT_EQ(matched("^a$", "a"), "fine");
    EXPECT_EQ(matched("^a$", R"(a\n)"), no_match);
    EXPECT_EQ(matched("^a$", R"(b\na\nb)"), no_match);
    EXPECT_EQ(verdict(R"({"pattern":"a"})", "7"), "fine");
}

TEST(schema_pattern, classes_are_those_of_ecma) {
    EXPECT_EQ(matched(R"(^\s$)", R"(\u00a0)"), "fine");
    EXPECT_EQ(matched(R"(^[\s]$)", R"(\u2028)"), "fine");
    EXPECT_EQ(matched(R"(^\s$)", R"(\u000b)"), "fine");
    EXPECT_EQ(matched(R"(^\S$)", R"(\ufeff)"), no_match);
    EXPECT_EQ(matched(R"(^[\S]$)", R"(\u3000)"), no_match);
    EXPECT_EQ(matched(R"(^[\S]+$)", "a\xC3\xA9\xF0\x9F\x98\x80"), "fine");
    EXPECT_EQ(matched(R"(^\d$)", "\xD9\xA3"), no_match);
    EXPECT_EQ(matched(R"(^\w$)", "\xC3\xA9"), no_match);
    EXPECT_EQ(matched("^.$", R"(\r)"), no_match);
    EXPECT_EQ(matched("^.$", R"(\u2029)"), no_match);
    EXPECT_EQ(matched("^.$", R"(\ud83d\ude00)"), "fine");
    EXPECT_EQ(matched("^.$", R"(\ud800)"), "fine");
    EXPECT_EQ(matched("^[[:alpha:]]$", ":]"), "fine");
    EXPECT_EQ(matched("^[]$", ""), no_match);
    EXPECT_EQ(matched("^[^]$", "x"), "fine");
}

TEST(schema_pattern, bad_and_large_patterns_are_refused_with_their_place) {
    EXPECT_EQ(refusal(R"s({"items":{"pattern":"a(?=b)"}})s"),
              "schema /items/pattern: look-ahead and look-behind take more than linear time");
    EXPECT_EQ(refusal(R"({"patternProperties":{"(":true}})"),
              "schema /patternProperties/(: the pattern has an error: missing ): (?:");
    EXPECT_EQ(refusal(R"({"pattern":"^\\p{L}{1000}\\p{L}{1000}$"})"),
              "schema /pattern: the pattern takes more than schema_limits::pattern_memory");
    EXPECT_EQ(schema::make(R"({"pattern":"^\\p{L}{1000}\\p{L}{1000}$"})").error().code(),
              errc::limit_exceeded);
    constexpr auto modest = R"({"pattern":"^\\p{L}{100}$"})";
    EXPECT_EQ(refusal(modest), "loaded");
    EXPECT_NE(refusal(modest, {.pattern_memory = 16'384}), "loaded");
}

TEST(schema_pattern, members_are_found_by_pattern) {
    constexpr auto both =
        R"({"properties":{"x1":{"minimum":0}},"patternProperties":{"^x":{"type":"number"},
        "1$":{"maximum":5}},"additionalProperties":{"type":"null"}})";
    EXPECT_EQ(verdict(both, R"({"x1":3,"x2":9,"y":null})"), "fine");
    EXPECT_EQ(verdict(both, R"({"x1":9})"),
              "/x1: maximum (schema /patternProperties/1$/maximum): a number");
    EXPECT_EQ(verdict(both, R"({"x1":-1})"),
              "/x1: minimum (schema /properties/x1/minimum): a number");
    EXPECT_EQ(verdict(both, R"({"x2":""})"),
              "/x2: type (schema /patternProperties/^x/type): a string");
    EXPECT_EQ(verdict(both, R"({"z1":6})"),
              "/z1: maximum (schema /patternProperties/1$/maximum): a number");
    EXPECT_EQ(verdict(both, R"({"y":1})"),
              "/y: type (schema /additionalProperties/type): a number");
    EXPECT_EQ(verdict(both, R"({"\u0078\u0032":""})"),
              "/x2: type (schema /patternProperties/^x/type): a string");
}

TEST(schema_pattern, runs_of_characters_need_no_search) {
    for (const auto text : {"^[A-Z]{3,12}$", "^$", "^a$", R"(^\d{4}-\d\d?$)", "^[a-c]*d?[e-g]+$",
                            "^[a-z0-9_]{1,64}$", R"(^\w+\.\w{2,}$)", "^ab{2}b$", "^[]$"})
        EXPECT_TRUE(run_pattern::make(text)) << text;
    for (const auto text :
         {"a", "^a", "a$", "^a*a$", "^a?b?a$", "^(a)$", "^.$", "^[^a]$", R"(^\s$)", "^a|b$",
          "^a+?$", "^\xC3\xA9$", "^[\xC3\xA9]$", R"(^[\d-x]$)", "^a$$", R"(^\b$)", "^a{1,$", "^[a"})
        EXPECT_FALSE(run_pattern::make(text)) << text;
    EXPECT_TRUE(run_pattern::make("^a+$")->matches("aa"));
    EXPECT_FALSE(run_pattern::make("^a+$")->matches("\xC3\x80"));
}

TEST(schema_pattern, runs_match_what_re2_matches) {
    std::mt19937 random(7);
    const auto pick = [&](const auto& list) {
        return std::string(list[random() % std::size(list)]);
    };
    const std::string_view atoms[] = {"a", "b",     "[ab]",      "[b-d]", R"(\d)", R"(\w)",
                                      "-", R"(\.)", "[a-c1-3_]", " ",     "[]",    "[.$x]"};
    const std::string_view counts[] = {"",    "",      "",      "?",    "*",  "+",
                                       "{2}", "{0,1}", "{1,3}", "{2,}", "{0}"};
    const std::string_view pieces[] = {"a", "b", "c",  "d", "1", "_",        "-",
                                       ".", " ", "aa", "x", "$", "\xC3\xA9", "\n"};
    std::size_t runs = 0;
    for (int i = 0; i < 3'000; ++i) {
        std::string ecma = "^";
        for (auto n = random() % 4; n != 0; --n) ecma += pick(atoms) + pick(counts);
        ecma += '$';
        const auto quick = run_pattern::make(ecma);
        if (!quick) continue;
        ++runs;
        const auto by_re2 = regex::make("(?:" + ecma + ")", 1'000'000);
        ASSERT_TRUE(by_re2) << ecma;
        for (int k = 0; k < 30; ++k) {
            std::string text;
            for (auto n = random() % 6; n != 0; --n) text += pick(pieces);
            ASSERT_EQ(quick->matches(text), by_re2->matches(text)) << ecma << " on " << text;
        }
    }
    EXPECT_GT(runs, 1'000U);
}

// SECURITY.md: P10.
TEST(schema_pattern, sec_p10_long_texts_and_nested_quantifiers_take_linear_time) {
    const std::string letters(60'000, 'a');
    EXPECT_EQ(matched("^[a-z]*$", letters), "fine");
    EXPECT_EQ(matched("^[a-z]*$", letters + "!"), no_match);
    for (const auto evil : {"(a+)+$", "^(a+)+$", "^(a|a)*$", "^(a|aa)+$", "(.*a){20}$",
                            "^(([a-z])+.)+[A-Z]([a-z])+$"})
        EXPECT_EQ(matched(evil, letters + "!"), no_match) << evil;
    EXPECT_EQ(
        verdict(R"s({"propertyNames":{"pattern":"^(a+)+$"},"patternProperties":{"(a+)+$":true}})s",
                "{\"" + letters + "!\":1}"),
        "/" + std::string(64, 'a') + "...: propertyNames (schema /propertyNames): a number");
}

TEST(schema_pattern, sec_p10_a_pattern_that_re2_cannot_compile_refuses_the_schema) {
    for (const auto text : {"(a)\\\\1", "(?=a)", "a**", "x{1001}", "(((a{100}){100}){100})"}) {
        EXPECT_NE(refusal("{\"pattern\":\"" + std::string(text) + "\"}"), "loaded") << text;
        EXPECT_NE(refusal("{\"patternProperties\":{\"" + std::string(text) + "\":{}}}"), "loaded")
            << text;
    }
}

TEST(schema_pattern, patterns_cost_steps) {
    std::string schema_text = R"({"allOf":[)";
    for (int i = 0; i < 200; ++i) schema_text += R"({"pattern":"^a*$"},)";
    schema_text += "true]}";
    EXPECT_EQ(verdict(schema_text, "\"" + std::string(10'000, 'a') + "\""),
              "the document: budget: a string");
}

#else

TEST(schema_pattern, without_re2_patterns_are_refused) {
    EXPECT_EQ(refusal(R"({"pattern":"a"})"),
              "schema /pattern: this Weft was built without RE2 (-DWEFT_RE2=ON)");
}

#endif

}  // namespace
}  // namespace weft
