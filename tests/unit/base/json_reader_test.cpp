// What the reader accepts, what it refuses and where; that skipping and pulling values agree; and
// that no cut of a text is accepted.

#include <weft/base/json_reader.hpp>

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace weft {
namespace {

using namespace std::literals;

bool skips(std::string_view text) {
    json_reader json(text);
    return json.skip() && json.finish();
}

/// Reads a value by pulling all that is in it.
bool pull(json_reader& json) {
    std::string scratch;
    std::string_view view;
    bool truth = false;
    double number = 0;
    switch (json.peek()) {
        case json_kind::null: return json.read_null();
        case json_kind::boolean: return json.read(truth);
        case json_kind::number: return json.read(number);
        case json_kind::string: return json.read(view, scratch);
        case json_kind::array:
            if (!json.begin_array()) return false;
            while (json.next_element()) {
                if (!pull(json)) return false;
            }
            return json.ok();
        case json_kind::object:
            if (!json.begin_object()) return false;
            while (json.next_key(view, scratch)) {
                if (!pull(json)) return false;
            }
            return json.ok();
        case json_kind::none: return json.skip();
    }
    return false;
}

bool pulls(std::string_view text) {
    json_reader json(text);
    return pull(json) && json.finish();
}

template <class T>
T read_as(std::string_view text) {
    json_reader json(text);
    T out{};
    EXPECT_TRUE(json.read(out) && json.finish()) << text << ": " << describe(json.error());
    return out;
}

template <class T>
json_errc refusal_of(std::string_view text) {
    json_reader json(text);
    T out{};
    EXPECT_FALSE(json.read(out)) << text;
    return json.error();
}

TEST(json_reader, accepts_what_rfc_8259_accepts) {
    for (const std::string_view text : {"null",
                                        "true",
                                        "false",
                                        "0",
                                        "-0",
                                        "-1",
                                        "1.5",
                                        "1e3",
                                        "1E+3",
                                        "1e-3",
                                        "0.0e0",
                                        "123456789012345678901234567890",
                                        "\"\"",
                                        "\"a\"",
                                        R"("\"\\\/\b\f\n\r\t\u00e9")",
                                        R"("\ud83e\uddf5")",
                                        R"("\ud800")",
                                        "\"\x7f\"",
                                        "\"\xc3\xa9\"",
                                        "[]",
                                        "[[]]",
                                        "[1]",
                                        "[1,2]",
                                        " [ 1 , 2 ] ",
                                        "{}",
                                        "{\"a\":1}",
                                        "{\"a\":{\"b\":[]},\"c\":null}",
                                        "\t\r\n {\"a\" : 1 } ",
                                        "{\"\":0}",
                                        "{\"a\":1,\"a\":2}",
                                        "[null,true,false,\"x\",{}]"}) {
        EXPECT_TRUE(skips(text)) << text;
        EXPECT_TRUE(pulls(text)) << text;
    }
    EXPECT_TRUE(skips("1e400"));  // a number; no double holds it
}

TEST(json_reader, refuses_what_is_not_json_and_says_where) {
    struct row {
        std::string_view text;
        json_errc why;
        std::size_t where;
    };
    for (const row& each : {
             row{"", json_errc::unexpected_end, 0},
             row{" ", json_errc::unexpected_end, 1},
             row{"nul", json_errc::unexpected_character, 0},
             row{"nulL", json_errc::unexpected_character, 0},
             row{"True", json_errc::unexpected_character, 0},
             row{"NaN", json_errc::unexpected_character, 0},
             row{"Infinity", json_errc::unexpected_character, 0},
             row{"-Infinity", json_errc::bad_number, 1},
             row{"+1", json_errc::unexpected_character, 0},
             row{".5", json_errc::unexpected_character, 0},
             row{"01", json_errc::bad_number, 1},
             row{"-", json_errc::bad_number, 1},
             row{"-01", json_errc::bad_number, 2},
             row{"1.", json_errc::bad_number, 2},
             row{"1.e1", json_errc::bad_number, 2},
             row{"1e", json_errc::bad_number, 2},
             row{"1e+", json_errc::bad_number, 3},
             row{"0x10", json_errc::unexpected_character, 1},
             row{"1 2", json_errc::unexpected_character, 2},
             row{"\"", json_errc::unexpected_end, 1},
             row{"\"a", json_errc::unexpected_end, 2},
             row{"\"\\", json_errc::unexpected_end, 2},
             row{"\"\\u12", json_errc::unexpected_end, 5},
             row{R"("\x")", json_errc::bad_escape, 1},
             row{R"("\u12g4")", json_errc::bad_escape, 5},
             row{"\"\n\"", json_errc::control_character, 1},
             row{"\"\0\""sv, json_errc::control_character, 1},
             row{"'a'", json_errc::unexpected_character, 0},
             row{"[", json_errc::unexpected_end, 1},
             row{"[1", json_errc::unexpected_end, 2},
             row{"[1,", json_errc::unexpected_end, 3},
             row{"[1,]", json_errc::unexpected_character, 3},
             row{"[,1]", json_errc::unexpected_character, 1},
             row{"[1 2]", json_errc::unexpected_character, 3},
             row{"[1}", json_errc::unexpected_character, 2},
             row{"]", json_errc::unexpected_character, 0},
             row{"{", json_errc::unexpected_end, 1},
             row{"{a:1}", json_errc::unexpected_character, 1},
             row{"{1:1}", json_errc::unexpected_character, 1},
             row{"{\"a\"}", json_errc::unexpected_character, 4},
             row{"{\"a\":}", json_errc::unexpected_character, 5},
             row{"{\"a\":1,}", json_errc::unexpected_character, 7},
             row{"{,\"a\":1}", json_errc::unexpected_character, 1},
             row{"{\"a\":1]", json_errc::unexpected_character, 6},
             row{"{\"a\" 1}", json_errc::unexpected_character, 5},
             row{"[]]", json_errc::unexpected_character, 2},
             row{"\xef\xbb\xbf[]", json_errc::unexpected_character, 0},
             row{"[1]//x", json_errc::unexpected_character, 3},
             row{"\v1", json_errc::unexpected_character, 0},
             row{"\0"sv, json_errc::unexpected_character, 0},
         }) {
        json_reader json(each.text);
        EXPECT_FALSE(json.skip() && json.finish()) << each.text;
        EXPECT_EQ(json.error(), each.why) << each.text << ": " << describe(json.error());
        EXPECT_EQ(json.position(), each.where) << each.text;
        EXPECT_FALSE(pulls(each.text)) << each.text;
    }
}

TEST(json_reader, refuses_every_cut_of_a_text) {
    constexpr std::string_view text =
        R"([{"name":"a\u00e9b","list":[1,-2.5e+3,true,false,null]},"a long string, longer than 16"])";
    ASSERT_TRUE(skips(text));
    for (std::size_t size = 0; size < text.size(); ++size) {
        // On the heap, so that a sanitizer sees a read behind the end.
        const std::vector<char> cut(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(size));
        EXPECT_FALSE(skips({cut.data(), cut.size()})) << size;
        EXPECT_FALSE(pulls({cut.data(), cut.size()})) << size;
    }
}

TEST(json_reader, finds_special_bytes_at_every_position_of_a_string) {
    for (std::size_t size = 1; size <= 40; ++size) {
        for (std::size_t at = 0; at < size; ++at) {
            std::string text(size, 'x');
            text[at] = '\x1f';
            EXPECT_FALSE(skips('"' + text + '"'));
            text[at] = '"';
            EXPECT_FALSE(skips('"' + text + '"'));
            text[at] = '\x80';
            EXPECT_TRUE(skips('"' + text + '"'));
        }
    }
}

TEST(json_reader, bounds_nesting) {
    const auto nested = [](std::size_t depth) {
        return std::string(depth, '[') + std::string(depth, ']');
    };
    EXPECT_TRUE(skips(nested(json_reader::max_depth)));
    EXPECT_TRUE(pulls(nested(json_reader::max_depth)));
    EXPECT_FALSE(skips(nested(json_reader::max_depth + 1)));
    EXPECT_FALSE(pulls(nested(json_reader::max_depth + 1)));
    EXPECT_FALSE(skips(std::string(1'000'000, '[')));

    const std::string objects = nested(json_reader::max_depth + 1);
    json_reader json(objects);
    json.begin_array();
    json.next_element();
    EXPECT_FALSE(json.skip());  // what is around a skipped value counts
    EXPECT_EQ(json.error(), json_errc::too_deep);
}

TEST(json_reader, skips_objects_with_any_number_of_keys) {
    std::string text = "{\"a\":[{\"b\":1}]";
    for (int i = 0; i < 70'000; ++i) text += ",\"a\":0";
    EXPECT_TRUE(skips(text + "}"));
}

TEST(json_reader, reads_integers_exactly_and_checks_their_range) {
    EXPECT_EQ(read_as<int>("0"), 0);
    EXPECT_EQ(read_as<int>("-0"), 0);
    EXPECT_EQ(read_as<unsigned>("-0.0"), 0U);
    EXPECT_EQ(read_as<int>("1.0"), 1);
    EXPECT_EQ(read_as<int>("1e3"), 1000);
    EXPECT_EQ(read_as<int>("1500e-2"), 15);
    EXPECT_EQ(read_as<int>("0.00012e5"), 12);
    EXPECT_EQ(read_as<int>("0e99999999999999999999"), 0);
    EXPECT_EQ(read_as<int>("100000000000000000000000000000e-29"), 1);
    EXPECT_EQ(read_as<std::int64_t>("9223372036854775807"), INT64_MAX);
    EXPECT_EQ(read_as<std::int64_t>("-9223372036854775808"), INT64_MIN);
    EXPECT_EQ(read_as<std::uint64_t>("18446744073709551615"), UINT64_MAX);
    EXPECT_EQ(read_as<std::uint64_t>("18446744073709551615.000"), UINT64_MAX);
    EXPECT_EQ(read_as<std::int8_t>("-128"), -128);
    EXPECT_EQ(read_as<std::uint8_t>("255"), 255);

    EXPECT_EQ(refusal_of<int>("1.5"), json_errc::not_integral);
    EXPECT_EQ(refusal_of<int>("15e-1"), json_errc::not_integral);
    EXPECT_EQ(refusal_of<int>("1e-99999999999999999999"), json_errc::not_integral);
    EXPECT_EQ(refusal_of<int>("1e99999999999999999999"), json_errc::out_of_range);
    EXPECT_EQ(refusal_of<int>("2147483648"), json_errc::out_of_range);
    EXPECT_EQ(refusal_of<unsigned>("-1"), json_errc::out_of_range);
    EXPECT_EQ(refusal_of<std::int8_t>("128"), json_errc::out_of_range);
    EXPECT_EQ(refusal_of<std::int8_t>("-129"), json_errc::out_of_range);
    EXPECT_EQ(refusal_of<std::int64_t>("9223372036854775808"), json_errc::out_of_range);
    EXPECT_EQ(refusal_of<std::int64_t>("-9223372036854775809"), json_errc::out_of_range);
    EXPECT_EQ(refusal_of<std::uint64_t>("18446744073709551616"), json_errc::out_of_range);
    EXPECT_EQ(refusal_of<int>("\"1\""), json_errc::wrong_kind);
    EXPECT_EQ(refusal_of<int>("true"), json_errc::wrong_kind);
    EXPECT_EQ(refusal_of<int>("01"), json_errc::bad_number);
}

TEST(json_reader, reads_the_nearest_double) {
    EXPECT_EQ(read_as<double>("0.1"), 0.1);
    EXPECT_EQ(read_as<double>("1"), 1.0);
    EXPECT_TRUE(std::signbit(read_as<double>("-0")));
    EXPECT_EQ(read_as<double>("1.7976931348623157e308"), std::numeric_limits<double>::max());
    EXPECT_EQ(read_as<double>("5e-324"), std::numeric_limits<double>::denorm_min());
    EXPECT_EQ(read_as<double>("1e-400"), 0.0);
    EXPECT_TRUE(std::signbit(read_as<double>("-0.000001e-400")));
    EXPECT_EQ(refusal_of<double>("1e400"), json_errc::out_of_range);
    EXPECT_EQ(refusal_of<double>("-1000000e308"), json_errc::out_of_range);
    EXPECT_EQ(refusal_of<double>("null"), json_errc::wrong_kind);
}

TEST(json_reader, unescapes_strings_and_lends_those_without_escapes) {
    EXPECT_EQ(read_as<std::string>(R"("a\"\\\/\b\f\n\r\tb")"), "a\"\\/\b\f\n\r\tb");
    EXPECT_EQ(read_as<std::string>(R"("\u0041\u00e9\u20AC\ud83e\uddf5\u0000")"),
              "A\xc3\xa9\xe2\x82\xac\xf0\x9f\xa7\xb5\0"s);
    constexpr std::string_view replacement = "\xef\xbf\xbd";
    for (const std::string_view lone :
         {R"("\ud800")", R"("\udc00")", R"("\udfff")", R"("\udbff")"}) {
        EXPECT_EQ(read_as<std::string>(lone), replacement);
    }
    EXPECT_EQ(read_as<std::string>(R"("\ud800\ud83e\uddf5")"),
              std::string(replacement) + "\xf0\x9f\xa7\xb5");
    EXPECT_EQ(read_as<std::string>(R"("\ud800\n")"), std::string(replacement) + "\n");

    constexpr std::string_view text = R"(["plain","esc\u0061ped"])";
    json_reader json(text);
    std::string scratch;
    std::string_view view;
    ASSERT_TRUE(json.begin_array() && json.next_element() && json.read(view, scratch));
    EXPECT_EQ(view.data(), text.data() + 2);
    ASSERT_TRUE(json.next_element() && json.read(view, scratch));
    EXPECT_EQ(view, "escaped");
    EXPECT_EQ(view.data(), scratch.data());
}

TEST(json_reader, lends_the_text_of_a_value) {
    json_reader json(R"( {"a": [1, 2] , "b":3})");
    std::string scratch;
    std::string_view key;
    std::string_view raw;
    ASSERT_TRUE(json.begin_object() && json.next_key(key, scratch) && json.raw(raw));
    EXPECT_EQ(raw, "[1, 2]");
    ASSERT_TRUE(json.next_key(key, scratch) && json.raw(raw));
    EXPECT_EQ(raw, "3");
    EXPECT_FALSE(json.next_key(key, scratch));
    EXPECT_TRUE(json.finish());
}

TEST(json_reader, lends_keys_as_they_stand) {
    json_reader json(R"({"a\u0062":1, "":{"x":2},"c" :3})");
    std::string_view key;
    ASSERT_TRUE(json.begin_object() && json.next_raw_key(key) && json.skip());
    EXPECT_EQ(key, R"(a\u0062)");
    ASSERT_TRUE(json.next_raw_key(key) && json.skip());
    EXPECT_EQ(key, "");
    ASSERT_TRUE(json.next_raw_key(key) && json.skip());
    EXPECT_EQ(key, "c");
    EXPECT_FALSE(json.next_raw_key(key));
    EXPECT_TRUE(json.finish());
    json_reader bad(R"({"a\x":1})");
    ASSERT_TRUE(bad.begin_object());
    EXPECT_FALSE(bad.next_raw_key(key));
    EXPECT_EQ(bad.error(), json_errc::bad_escape);
}

TEST(json_reader, takes_a_key_that_was_guessed_and_only_that_one) {
    json_reader json(R"({"a":1,"b":2, "c":3,"d" :4})");
    std::string_view key;
    std::string scratch;
    int number = 0;
    ASSERT_TRUE(json.begin_object());
    EXPECT_FALSE(json.next_key_if(R"("b":)"));
    EXPECT_TRUE(json.next_key_if(R"("a":)") && json.read(number));
    EXPECT_EQ(number, 1);
    EXPECT_FALSE(json.next_key_if(R"("a":)"));
    EXPECT_TRUE(json.next_key_if(R"("b":)") && json.read(number));
    EXPECT_EQ(number, 2);
    EXPECT_FALSE(json.next_key_if(R"("c":)")) << "written otherwise: next_key takes it";
    EXPECT_TRUE(json.next_key(key, scratch) && key == "c" && json.skip());
    EXPECT_FALSE(json.next_key_if(R"("d":)"));
    EXPECT_TRUE(json.next_key(key, scratch) && key == "d" && json.skip());
    EXPECT_FALSE(json.next_key_if(R"("e":)"));
    EXPECT_FALSE(json.next_key(key, scratch));
    EXPECT_TRUE(json.finish());

    json_reader cut(R"({"a)");
    ASSERT_TRUE(cut.begin_object());
    EXPECT_FALSE(cut.next_key_if(R"("a":)"));
    EXPECT_TRUE(cut.ok());
    EXPECT_FALSE(cut.next_key(key, scratch));
    EXPECT_FALSE(cut.next_key_if(R"("a)")) << "nothing is read after an error";
}

TEST(json_reader, reads_elements_without_brackets) {
    json_reader json(R"( 1 , [2] )");
    int number = 0;
    EXPECT_TRUE(json.next_in_sequence() && json.read(number));
    EXPECT_TRUE(json.next_in_sequence() && json.skip());
    EXPECT_FALSE(json.next_in_sequence());
    EXPECT_TRUE(json.finish());

    json_reader none("");
    EXPECT_FALSE(none.next_in_sequence());
    EXPECT_TRUE(none.finish());
    for (const std::string_view text : {",", "1,", "1 2", ",1", "1]"}) {
        json_reader bad(text);
        while (bad.next_in_sequence() && bad.skip()) {
        }
        EXPECT_FALSE(bad.finish()) << text;
    }
}

TEST(json_reader, keeps_its_first_error) {
    json_reader json("[1,x]");
    int number = 0;
    ASSERT_TRUE(json.begin_array() && json.next_element() && json.read(number));
    ASSERT_TRUE(json.next_element());
    EXPECT_FALSE(json.read(number));
    const std::size_t where = json.position();
    std::string text;
    EXPECT_FALSE(json.read(text));
    EXPECT_FALSE(json.next_element());
    EXPECT_FALSE(json.skip());
    EXPECT_FALSE(json.finish());
    EXPECT_EQ(json.error(), json_errc::unexpected_character);
    EXPECT_EQ(json.position(), where);
    EXPECT_EQ(where, 3U);
}

}  // namespace
}  // namespace weft
