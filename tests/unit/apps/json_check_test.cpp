// The grammar of RFC 8259, by hand-picked texts and by mutated ones against simdjson's DOM parser.

#include "topics/json_check.hpp"

#include <random>
#include <string>
#include <string_view>

#include <gtest/gtest.h>
#include <simdjson.h>

namespace weft::topics {
namespace {

TEST(json_check, accepts_every_kind_of_value) {
    for (const std::string_view text :
         {"null", "true", "false", "0", "-0", "12.5e-3", "1E+9", R"("")", R"("a\u00e9\n\"\\\/")",
          "[]", "{}", " [ 1 , [ ] , { } ] ", R"({"a":{"b":[1,2,{"c":null}]},"":0})", "\t1\r\n"}) {
        EXPECT_EQ(check_json(text), json_verdict::valid) << text;
    }
}

TEST(json_check, accepts_what_javascript_accepts_and_strict_readers_refuse) {
    for (const std::string_view text : {R"("\ud800")", "1e400", "1234567890123456789012345"}) {
        EXPECT_EQ(check_json(text), json_verdict::valid) << text;
    }
}

TEST(json_check, rejects_what_is_not_one_json_value) {
    for (const std::string_view text : {"",
                                        " ",
                                        "nul",
                                        "truee",
                                        "TRUE",
                                        "NaN",
                                        "-",
                                        "+1",
                                        "01",
                                        "1.",
                                        ".5",
                                        "1e",
                                        "1e+",
                                        "0x1",
                                        "\"",
                                        "\"\n\"",
                                        R"("\x")",
                                        R"("\u12g4")",
                                        R"("\u12)",
                                        "\"\\",
                                        "'a'",
                                        "[",
                                        "]",
                                        "[1,]",
                                        "[,1]",
                                        "[1 2]",
                                        "[1}",
                                        "{",
                                        "}",
                                        "{]",
                                        R"({"a"})",
                                        R"({"a":})",
                                        R"({"a":1,})",
                                        R"({a:1})",
                                        R"({1:1})",
                                        R"({"a" 1})",
                                        R"({"a":1 "b":2})",
                                        R"({"a":1]})",
                                        "1 2",
                                        "[] []",
                                        "{},",
                                        "\xef\xbb\xbf{}",
                                        "[1]x"}) {
        EXPECT_EQ(check_json(text), json_verdict::malformed) << text;
    }
    EXPECT_EQ(check_json(std::string_view("1\0", 2)), json_verdict::malformed);
}

TEST(json_check, limits_the_depth) {
    const auto nested = [](std::size_t depth, const char* open, const char* close) {
        std::string text;
        for (std::size_t i = 0; i < depth; ++i) text += open;
        text += "1";
        for (std::size_t i = 0; i < depth; ++i) text += close;
        return text;
    };
    EXPECT_EQ(check_json(nested(64, "[", "]")), json_verdict::valid);
    EXPECT_EQ(check_json(nested(65, "[", "]")), json_verdict::too_deep);
    EXPECT_EQ(check_json(nested(64, "{\"a\":", "}")), json_verdict::valid);
    EXPECT_EQ(check_json(nested(65, "{\"a\":", "}")), json_verdict::too_deep);
    EXPECT_EQ(check_json(std::string(1'000'000, '[')), json_verdict::too_deep);
    EXPECT_EQ(check_json("[1]", 0), json_verdict::too_deep);
    EXPECT_EQ(check_json(nested(64, "[", "]"), 1000), json_verdict::valid);
    EXPECT_EQ(check_json(nested(65, "[", "]"), 1000), json_verdict::too_deep);
}

TEST(json_check, remembers_which_bracket_is_open_at_every_depth) {
    EXPECT_EQ(check_json(R"([{"a":[{"b":[]}]}])"), json_verdict::valid);
    EXPECT_EQ(check_json(R"([{"a":[{"b":[]}}]])"), json_verdict::malformed);
    EXPECT_EQ(check_json(R"([{"a":[{"b":[1,"c":2]}]}])"), json_verdict::malformed);
}

TEST(json_check, agrees_with_simdjson_on_mutated_texts) {
    const std::string seed = R"({"a":[1,-25.5,true,false,null,"x\n\u0041y",{}],"b":{"c":[[]]}} )";
    const std::string_view alphabet = "{}[]:,\"\\0123456789.eE+-truefalsn \n\tux";
    simdjson::dom::parser parser;
    std::mt19937 random(7);
    std::size_t valid = 0;
    for (int round = 0; round < 200'000; ++round) {
        std::string text = seed;
        for (std::size_t edits = 1 + random() % 2; edits > 0; --edits) {
            const std::size_t at = random() % text.size();
            const char c = alphabet[random() % alphabet.size()];
            switch (random() % 3) {
                case 0: text[at] = c; break;
                case 1: text.erase(at, 1); break;
                default: text.insert(at, 1, c);
            }
        }
        const bool expected = !parser.parse(text).error();
        ASSERT_EQ(check_json(text) == json_verdict::valid, expected) << text;
        valid += expected ? 1 : 0;
    }
    EXPECT_GT(valid, 10'000U);
}

}  // namespace
}  // namespace weft::topics
