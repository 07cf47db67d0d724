// Each type out and in again, what is refused with which sentence, and that nothing broken is
// written.

#include <weft/socketio/codec.hpp>

#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include <gtest/gtest.h>
#include <weft/base/json_writer.hpp>
#include <weft/base/utf8.hpp>
#include <weft/socketio/arguments.hpp>
#include <weft/socketio/value.hpp>

namespace weft::socketio {
namespace shop {

enum class side { buy, sell };
WEFT_ENUM(side, buy, sell)

struct item {
    std::string name;
    double price = 0;
    std::optional<int> count;
    std::vector<item> parts;
    bool operator==(const item&) const = default;
};
WEFT_FIELDS(item, name, price, count, parts)

struct cart {
    std::uint8_t id = 0;
    side direction{};
    std::vector<item> items;
    std::map<std::string, std::array<int, 2>> places;
    std::variant<int, std::string> either;
    bool operator==(const cart&) const = default;
};
WEFT_FIELDS(cart, id, direction, items, places, either)

struct grid {
    int x = 0;
};
WEFT_FIELDS(grid, x)

}  // namespace shop

namespace {

using namespace std::literals;
using std::chrono::system_clock;

template <class T>
std::string encoded(const T& what) {
    return detail::encode_arguments(what).json;
}

template <class T>
T decoded(std::string_view json, std::span<const byte_view> attachments = {}) {
    borrowed_texts texts;
    auto all = detail::decode_arguments<T>("say", raw_arguments{json, attachments}, texts);
    EXPECT_TRUE(all.has_value()) << json << ": " << all.error().what();
    return all ? std::get<0>(*std::move(all)) : T{};
}

template <class... T>
std::string refusal_of(std::string_view json, std::span<const byte_view> attachments = {}) {
    borrowed_texts texts;
    const auto all = detail::decode_arguments<T...>("say", raw_arguments{json, attachments}, texts);
    if (all) return "none";
    EXPECT_EQ(all.error().code(), errc::bad_argument);
    return all.error().what();
}

template <class T>
void expect_round_trip(const T& what, std::string_view json) {
    EXPECT_EQ(encoded(what), json);
    EXPECT_EQ(decoded<T>(json), what) << json;
}

TEST(socketio_codec, brings_every_type_there_and_back) {
    expect_round_trip(true, "true");
    expect_round_trip(-7, "-7");
    expect_round_trip(std::uint64_t{UINT64_MAX}, "18446744073709551615");
    expect_round_trip(std::int8_t{-128}, "-128");
    expect_round_trip(1.5, "1.5");
    expect_round_trip(0.1F, "0.10000000149011612");
    expect_round_trip("gr\xc3\xbc\xc3\x9f\n\"x\""s, "\"gr\xc3\xbc\xc3\x9f\\n\\\"x\\\"\"");
    expect_round_trip(std::optional<int>(), "null");
    expect_round_trip(std::optional<int>(3), "3");
    expect_round_trip(std::monostate(), "null");
    expect_round_trip(std::vector<std::string>{"a", "b"}, R"(["a","b"])");
    expect_round_trip(std::vector<bool>{true, false}, "[true,false]");
    expect_round_trip(std::array<int, 2>{1, 2}, "[1,2]");
    expect_round_trip(std::pair<int, std::string>{1, "x"}, R"([1,"x"])");
    expect_round_trip(std::tuple<int, bool, double>{1, true, 2.5}, "[1,true,2.5]");
    expect_round_trip(std::map<std::string, int>{{"a", 1}, {"b", 2}}, R"({"a":1,"b":2})");
    expect_round_trip(std::unordered_map<std::string, int>{{"a", 1}}, R"({"a":1})");
    expect_round_trip(std::variant<int, std::string>("x"), "\"x\"");
    expect_round_trip(shop::side::sell, "\"sell\"");
    EXPECT_EQ(encoded(shop::side{7}), "7");
    EXPECT_EQ((decoded<std::map<std::string, int>>(R"({"a":1,"a":2})")["a"]), 2);
    expect_round_trip(shop::item{"bolt", 0.25, 100, {{"nut", 1, {}, {}}}},
                      R"({"name":"bolt","price":0.25,"count":100,)"
                      R"("parts":[{"name":"nut","price":1,"parts":[]}]})");
    expect_round_trip(shop::cart{7, shop::side::buy, {}, {{"a", {1, 2}}}, 5},
                      R"({"id":7,"direction":"buy","items":[],"places":{"a":[1,2]},"either":5})");
    EXPECT_EQ(encoded("literal"), "\"literal\"");
    EXPECT_EQ(encoded(nullptr), "null");
    EXPECT_EQ(encoded(std::numeric_limits<double>::quiet_NaN()), "null");
    EXPECT_EQ(encoded(-std::numeric_limits<float>::infinity()), "null");
    EXPECT_EQ(decoded<std::string_view>("\"plain\""), "plain");
}

TEST(socketio_codec, lends_texts_for_the_length_of_the_call) {
    borrowed_texts texts;
    const auto all = detail::decode_arguments<std::string_view, std::string_view, json_view>(
        "say", raw_arguments{R"("a\u0062c","d\u0065f",{"x":[1]})", {}}, texts);
    ASSERT_TRUE(all);
    EXPECT_EQ(std::get<0>(*all), "abc");
    EXPECT_EQ(std::get<1>(*all), "def");
    EXPECT_EQ(std::get<2>(*all).text(), R"({"x":[1]})");
}

TEST(socketio_codec, says_which_argument_is_wrong_and_why) {
    EXPECT_EQ(refusal_of<int>("\"1\""), "say: argument 1: expected an integer");
    EXPECT_EQ((refusal_of<int, int>("1,1.5")), "say: argument 2: expected an integer");
    EXPECT_EQ(refusal_of<std::uint8_t>("256"), "say: argument 1: out of range");
    EXPECT_EQ(refusal_of<unsigned>("-1"), "say: argument 1: out of range");
    EXPECT_EQ(refusal_of<double>("1e400"), "say: argument 1: out of range");
    EXPECT_EQ(refusal_of<float>("1e39"), "say: argument 1: out of range");
    EXPECT_EQ(refusal_of<float>("-1e39"), "say: argument 1: out of range");
    EXPECT_EQ(refusal_of<double>("null"), "say: argument 1: expected a number");
    EXPECT_EQ(refusal_of<bool>("0"), "say: argument 1: expected a boolean");
    EXPECT_EQ(refusal_of<std::string>("1"), "say: argument 1: expected a string");
    EXPECT_EQ(refusal_of<std::monostate>("1"), "say: argument 1: expected null");
    EXPECT_EQ(refusal_of<std::vector<int>>("{}"), "say: argument 1: expected an array");
    EXPECT_EQ(refusal_of<shop::item>("[]"), "say: argument 1: expected an object");
    EXPECT_EQ(refusal_of<std::vector<int>>("[1,2,\"x\"]"),
              "say: argument 1: [2]: expected an integer");
    EXPECT_EQ((refusal_of<std::array<int, 2>>("[1]")), "say: argument 1: expected an array of 2");
    EXPECT_EQ((refusal_of<std::pair<int, int>>("[1,2,3]")),
              "say: argument 1: expected an array of 2");
    EXPECT_EQ(refusal_of<shop::side>("\"hold\""), "say: argument 1: expected one of buy, sell");
    EXPECT_EQ(refusal_of<shop::item>(R"({"name":"x"})"), "say: argument 1: price: missing");
    EXPECT_EQ(refusal_of<shop::grid>(R"({"x":1,"x":2})"), "say: argument 1: x: given twice");
    EXPECT_EQ((refusal_of<int, shop::cart>(
                  R"(1,{"id":1,"direction":"buy","items":[{"name":"a","price":1,"parts":[]},)"
                  R"({"name":"b","price":"2"}]})")),
              "say: argument 2: items[1].price: expected a number");
    EXPECT_EQ((refusal_of<std::map<std::string, int>>(R"({"k":"v"})")),
              "say: argument 1: k: expected an integer");
    EXPECT_EQ((refusal_of<std::variant<int, bool>>("\"x\"")),
              "say: argument 1: none of the alternatives fits");
    EXPECT_EQ((refusal_of<std::pair<std::variant<shop::grid, int>, bool>>(R"([{"x":""},true])")),
              "say: argument 1: [0]: none of the alternatives fits");
    EXPECT_EQ(refusal_of<byte_view>("\"x\""), "say: argument 1: expected binary data");
    EXPECT_EQ(refusal_of<system_clock::time_point>("true"), "say: argument 1: expected a date");
}

TEST(socketio_codec, shows_no_more_than_the_beginning_of_a_key) {
    std::string long_key;
    for (int i = 0; i < 50; ++i) long_key += "\xc3\xbc";
    const std::string why = refusal_of<std::map<std::string, int>>("{\"" + long_key + "\":\"v\"}");
    EXPECT_EQ(why, "say: argument 1: " + long_key.substr(0, 40) + ": expected an integer");
    // A character is not cut.
    const std::string odd = refusal_of<std::map<std::string, int>>("{\"x" + long_key + "\":\"v\"}");
    EXPECT_EQ(odd, "say: argument 1: x" + long_key.substr(0, 38) + ": expected an integer");
}

TEST(socketio_codec, refuses_missing_and_surplus_arguments) {
    EXPECT_EQ((refusal_of<int, int>("1")), "say: argument 2: missing");
    EXPECT_EQ(refusal_of<int>(""), "say: argument 1: missing");
    EXPECT_EQ(refusal_of<int>("1,2"), "say: argument 2: surplus");
    EXPECT_EQ(refusal_of<>("1"), "say: argument 1: surplus");
    EXPECT_EQ(refusal_of<>(""), "none");
    EXPECT_EQ((refusal_of<int, std::optional<int>>("1")), "none");
    EXPECT_EQ((refusal_of<std::optional<int>, std::optional<int>>("")), "none");
    EXPECT_EQ((refusal_of<int, std::optional<int>>("1,null")), "none");
    EXPECT_EQ((refusal_of<int, std::optional<int>>("1,2,3")), "say: argument 3: surplus");
    EXPECT_EQ((refusal_of<int, rest<int>>("1,2,3")), "none");
    EXPECT_EQ((refusal_of<int, rest<int>>("1,2,\"3\"")), "say: argument 3: expected an integer");
}

TEST(socketio_codec, ignores_members_that_the_structure_does_not_have) {
    EXPECT_EQ(decoded<shop::grid>(R"({"y":{"z":[1,2]},"x":3,"w":"4"})").x, 3);
}

TEST(socketio_codec, takes_members_in_any_order_and_spelling) {
    const shop::item bolt{"bolt", 0.25, 100, {}};
    for (const std::string_view json : {
             R"({"name":"bolt","price":0.25,"count":100,"parts":[]})",
             R"({"parts":[],"count":100,"price":0.25,"name":"bolt"})",
             R"({"price":0.25,"parts":[],"name":"bolt","count":100})",
             R"( { "name" : "bolt" , "price" : 0.25 , "count" : 100 , "parts" : [ ] } )",
             R"({"name":"bolt","x":[{}],"price":0.25,"y":1,"count":100,"z":null,"parts":[]})",
             R"({"name":"bolt","price":0.25,"count":100,"parts":[]})",
         }) {
        EXPECT_EQ(decoded<shop::item>(json), bolt) << json;
    }
}

TEST(socketio_codec, sends_bytes_as_attachments) {
    const std::vector<std::byte> one{std::byte{1}, std::byte{2}};
    const message two = message::binary(as_bytes("two"));
    const auto sent = detail::encode_arguments("x", one, two, byte_view(one));
    EXPECT_EQ(sent.json, R"("x",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1},)"
                         R"({"_placeholder":true,"num":2})");
    ASSERT_EQ(sent.attachments.size(), 3U);
    EXPECT_EQ(as_text(sent.attachments[1].bytes()), "two");
    EXPECT_EQ(sent.attachments[1].bytes().data(), two.bytes().data());  // not copied
    EXPECT_EQ(encoded(message::text("\"a\"")), R"("\"a\"")");
    const auto none = detail::encode_arguments(message());
    EXPECT_EQ(none.json, R"({"_placeholder":true,"num":0})");
    ASSERT_EQ(none.attachments.size(), 1U);
    EXPECT_TRUE(none.attachments[0]);

    const std::array<byte_view, 2> attachments{byte_view(one), as_bytes("two")};
    EXPECT_EQ(decoded<std::vector<std::byte>>(R"({"_placeholder":true,"num":0})", attachments),
              one);
    EXPECT_EQ(as_text(decoded<byte_view>(R"({"num":1,"_placeholder":true})", attachments)), "two");
    EXPECT_EQ(as_text(decoded<message>(R"({"num":1,"_placeholder":true})", attachments).bytes()),
              "two");
    for (const std::string_view wrong :
         {R"({"_placeholder":true,"num":2})", R"({"_placeholder":true,"num":-1})",
          R"({"_placeholder":false,"num":0})", R"({"_placeholder":true})", R"({"num":0})",
          R"({"_placeholder":true,"num":0,"x":1})", "null", "[]"}) {
        EXPECT_EQ(refusal_of<byte_view>(wrong, attachments),
                  "say: argument 1: expected binary data");
    }
}

TEST(socketio_codec, relays_json_without_reading_it) {
    expect_round_trip(decoded<value>("null"), "null");
    EXPECT_EQ(encoded(decoded<json_text>(R"( {"a": [1e400, "\u0041"]} )")),
              R"({"a": [1e400, "\u0041"]})");
    EXPECT_EQ(encoded(json_view()), "null");
    EXPECT_EQ(encoded(json_text()), "null");
    EXPECT_EQ(encoded(*json_text::parse("[1]")), "[1]");
    for (const char* bad : {"", "[1", "1 2", "\"\xff\""}) {
        EXPECT_FALSE(json_text::parse(bad)) << bad;
    }
    // What is binary in it would be lost, and might claim another's attachment.
    const std::array<byte_view, 1> attachments{as_bytes("x")};
    EXPECT_EQ(refusal_of<json_view>(R"([{"_placeholder":true,"num":0}])", attachments),
              "say: argument 1: expected no binary data");
    EXPECT_EQ(refusal_of<json_text>(R"({"_placeholde\u0072":true,"num":0})", attachments),
              "say: argument 1: expected no binary data");
}

TEST(socketio_codec, expands_the_rest_again) {
    const auto all = decoded<rest<json_text>>(R"(1,"x",[2])");
    ASSERT_EQ(all.values.size(), 3U);
    EXPECT_EQ(detail::encode_arguments(0, all).json, R"(0,1,"x",[2])");
}

TEST(socketio_codec, writes_and_reads_dates_as_javascript_does) {
    const auto when = system_clock::time_point(1'795'372'717'007ms);
    expect_round_trip(when, "\"2026-11-22T18:38:37.007Z\"");
    EXPECT_EQ(encoded(system_clock::time_point(-1ms)), "\"1969-12-31T23:59:59.999Z\"");
    EXPECT_EQ(encoded(system_clock::time_point(-1ns)), "\"1969-12-31T23:59:59.999Z\"");
    EXPECT_EQ(decoded<system_clock::time_point>("1795372717007"), when);
    for (const std::string_view same :
         {"\"2026-11-22T20:08:37.007+01:30\"", "\"2026-11-22T18:38:37.00799999Z\"",
          "\"2026-11-21T19:08:37.007-23:30\""}) {
        EXPECT_EQ(decoded<system_clock::time_point>(same), when) << same;
    }
    EXPECT_EQ(decoded<system_clock::time_point>("\"2026-11-22T18:38:37Z\""), when - 7ms);
    for (const std::string_view wrong :
         {"\"\"", "\"2026-11-22\"", "\"2026-13-22T18:38:37Z\"", "\"2026-02-29T18:38:37Z\"",
          "\"2026-11-22T24:38:37Z\"", "\"2026-11-22T18:60:37Z\"", "\"2026-11-22T18:38:37\"",
          "\"2026-11-22T18:38:37.Z\"", "\"2026-11-22T18:38:37Zx\"", "\"2026-11-22 18:38:37Z\"",
          "\"+026-11-22T18:38:37Z\"", "\"2026-11-22T18:38:37+24:00\"",
          "\"2026-11-22T18:38:37+01:60\"", "\"2026-11-22T18:38:60Z\""}) {
        EXPECT_EQ(refusal_of<system_clock::time_point>(wrong), "say: argument 1: expected a date")
            << wrong;
    }
    for (const std::string_view far : {"1e300", "-1e300", "\"9999-01-01T00:00:00Z\"",
                                       "\"0001-01-01T00:00:00Z\"", "9223372036855"}) {
        EXPECT_EQ(refusal_of<system_clock::time_point>(far), "say: argument 1: out of range")
            << far;
    }
}

TEST(socketio_codec, replaces_what_is_not_utf8) {
    const std::string fffd = "\xef\xbf\xbd";
    EXPECT_EQ(encoded("a\xff"s + "b"), "\"a" + fffd + "b\"");
    EXPECT_EQ(encoded("\xc3"s), '"' + fffd + '"');
    EXPECT_EQ(encoded("\xe2\x82x"s), '"' + fffd + "x\"");                 // cut short: one
    EXPECT_EQ(encoded("\xed\xa0\x80"s), '"' + fffd + fffd + fffd + '"');  // a surrogate
    EXPECT_EQ(encoded("\xf0\x9f\xa7\xb5\xf0\x9f"s), "\"\xf0\x9f\xa7\xb5" + fffd + '"');
    EXPECT_EQ(encoded("\xc3\xc3\xbc\n"s), '"' + fffd + "\xc3\xbc\\n\"");
    EXPECT_EQ(encoded(std::map<std::string, int>{{"\xff", 1}}), "{\"" + fffd + "\":1}");
}

TEST(socketio_codec, escapes_at_every_position) {
    for (std::size_t size = 1; size <= 24; ++size) {
        for (std::size_t at = 0; at < size; ++at) {
            for (const char special : {'"', '\\', '\x1f', '\0', '\x7f'}) {
                std::string text(size, 'x');
                text[at] = special;
                std::string expected;
                append_json_string(expected, text);
                EXPECT_EQ(encoded(text), expected);
            }
        }
    }
}

TEST(socketio_codec, writes_numbers_that_read_back_the_same) {
    for (const double number : {0.0,       1.0,
                                -1.0,      0.1,
                                0.25,      1.08345,
                                19.95,     123456.789,
                                -0.001,    0.0009,
                                1e-7,      1e9,
                                1e9 + 0.5, 999999999.999999,
                                0.333333,  1.0 / 3,
                                5e-324,    1.7976931348623157e308,
                                1e21,      9007199254740993.0,
                                0.1 + 0.2, 100.000001,
                                2.0000005}) {
        EXPECT_EQ(decoded<double>(encoded(number)), number) << encoded(number);
    }
    EXPECT_EQ(encoded(1.08345), "1.08345");
    EXPECT_EQ(encoded(-19.95), "-19.95");
    EXPECT_EQ(encoded(100.000001), "100.000001");
    EXPECT_EQ(encoded(3.0), "3");
}

TEST(socketio_codec, appends_to_a_text_of_any_size) {
    encoded_arguments into;
    into.json = "\"first\"";
    std::string expected = into.json;
    for (int i = 0; i < 200; ++i) {
        value_writer out(into);
        out.write(i);
        out.write("a text of some length, so that the room runs out"sv);
        expected +=
            ',' + std::to_string(i) + ",\"a text of some length, so that the room runs out\"";
    }
    EXPECT_EQ(into.json, expected);
    for (std::size_t size = 0; size < 300; ++size) {  // the room ends at every place once
        const std::string text(size, 'x');
        EXPECT_EQ(detail::encode_arguments(text, true, 7).json, '"' + text + "\",true,7");
    }
    const std::string large(100'000, 'x');
    EXPECT_EQ(encoded(large), '"' + large + '"');
}

// Alternatives inside of alternatives: without a bound each level would double the work.
struct twin;
using either = std::variant<std::vector<twin>, std::array<twin, 1>>;
struct twin {
    std::vector<either> inner;
};
WEFT_FIELDS(twin, inner)

TEST(socketio_codec, gives_up_when_trying_alternatives_takes_too_long) {
    std::string json = "1";
    for (int i = 0; i < 15; ++i) json = R"({"inner":[[)" + json + "]]}";
    EXPECT_EQ(refusal_of<twin>(json), "say: argument 1: inner[0]: too many alternatives to try");
}

TEST(socketio_codec, holds_any_value) {
    constexpr std::string_view json =
        R"({"a":[null,true,-3,2.5,"x"],"b":{"c":18446744073709551615},"a2":[]})";
    const auto any = decoded<value>(json);
    ASSERT_NE(any.find("a"), nullptr);
    const auto& list = *any.find("a")->get_if<value::array>();
    EXPECT_TRUE(list[0].is_null());
    EXPECT_EQ(list[1], value(true));
    EXPECT_EQ(list[2], value(-3));
    EXPECT_EQ(list[3], value(2.5));
    EXPECT_EQ(list[4], value("x"));
    EXPECT_EQ(*any.find("b")->find("c")->get_if<double>(), 18446744073709551615.0);
    EXPECT_EQ(any.find("x"), nullptr);
    EXPECT_EQ(*decoded<value>(R"({"a":1,"a":2})").find("a"), value(2));  // as in JavaScript
    EXPECT_EQ(decoded<value>(encoded(any)), any);

    const std::array<byte_view, 1> attachments{as_bytes("bytes")};
    const auto binary = decoded<value>(R"([{"_placeholder":true,"num":0}])", attachments);
    const auto* const content = (*binary.get_if<value::array>())[0].get_if<value::bytes>();
    ASSERT_NE(content, nullptr);
    EXPECT_EQ(as_text(*content), "bytes");
    EXPECT_EQ(encoded(decoded<value>(R"([{"num":1},{"_placeholder":true,"num":0}])", attachments)),
              R"([{"num":1},{"_placeholder":true,"num":0}])");
    EXPECT_EQ(detail::encode_arguments(binary).attachments.size(), 1U);
    EXPECT_EQ(refusal_of<value>(R"({"a":[1e400]})"), "say: argument 1: a[0]: out of range");
}

}  // namespace
}  // namespace weft::socketio
