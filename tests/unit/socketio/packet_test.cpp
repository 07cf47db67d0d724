// The text form of packets. The table holds what socket.io-parser 4.2.7 says to each input, and
// where we differ on purpose, why.

#include "socketio/proto/packet.hpp"

#include <gtest/gtest.h>

#include <ostream>
#include <sstream>

#include "weft/base/json_reader.hpp"

namespace weft::socketio {
namespace {

using namespace std::string_literals;

/// A parsed packet as one comparable line; for errors the label of the error.
std::string summary(const packet_result& result) {
    if (!result) return std::string(describe(result.error).label);
    const packet_view& packet = result.packet;
    std::ostringstream out;
    out << static_cast<int>(packet.type) << ' ' << packet.nsp;
    if (!packet.query.empty()) out << " query " << packet.query;
    if (packet.id) out << " id " << *packet.id;
    if (packet.attachments != 0) out << " attachments " << packet.attachments;
    if (!packet.event.empty()) out << " event " << packet.event << " (" << packet.arguments << ')';
    if (packet.event.empty() && !packet.arguments.empty()) out << " (" << packet.arguments << ')';
    if (packet.event.empty() && !packet.data.empty()) out << " data " << packet.data;
    return out.str();
}

std::string parsed(std::string_view text, protocol_version version = protocol_version::v4) {
    constexpr packet_limits short_names{.max_namespace_length = 128, .max_event_name = 128};
    return summary(parse_packet(text, short_names, version));
}

std::string failed(errc why) {
    return std::string(describe(why).label);
}

struct vector {
    std::string_view text;
    std::string_view expected;  // empty: refused, with `error`
    errc error{};

    friend void PrintTo(const vector& v, std::ostream* out) { *out << v.text; }
};

class decode_vectors : public testing::TestWithParam<vector> {};

TEST_P(decode_vectors, are_told_as_the_reference_parser_does) {
    const vector& v = GetParam();
    EXPECT_EQ(parsed(v.text), v.expected.empty() ? failed(v.error) : v.expected) << v.text;
}

INSTANTIATE_TEST_SUITE_P(
    reference, decode_vectors,
    testing::Values(
        vector{"0", "0 /"}, vector{"0{}", "0 / data {}"}, vector{"0/admin", "0 /admin"},
        vector{"0/admin,", "0 /admin"}, vector{R"(0["x"])", "", errc::bad_payload},
        vector{R"(0"x")", "", errc::bad_payload}, vector{"0null", "", errc::bad_payload},
        vector{"0/admin?a=1,{}", "0 /admin?a=1 data {}"}, vector{"1", "1 /"},
        vector{"1{}", "", errc::bad_payload}, vector{R"(2["a"])", R"(2 / event "a" ())"},
        vector{"2[1]", "2 / event 1 ()"}, vector{"2[]", "", errc::bad_event_name},
        vector{"2[null]", "", errc::bad_event_name}, vector{"2{}", "", errc::bad_payload},
        vector{R"(2"a")", "", errc::bad_payload},
        vector{R"(2["connect"])", "", errc::reserved_event_name}, vector{"2", "2 /"},
        vector{R"(2["connection"])", R"(2 / event "connection" ())"},
        vector{R"(2["error"])", R"(2 / event "error" ())"},
        vector{R"(2["__proto__"])", R"(2 / event "__proto__" ())"},
        vector{R"(212["a"])", R"(2 / id 12 event "a" ())"},
        vector{R"(2007["a"])", R"(2 / id 7 event "a" ())"},
        vector{R"(2-1["a"])", "", errc::bad_payload}, vector{R"(21.5["a"])", "", errc::bad_payload},
        vector{R"(21e3["a"])", "", errc::bad_payload}, vector{R"(2/nsp["a"])", R"(2 /nsp["a"])"},
        vector{R"(2/,["a"])", R"(2 / event "a" ())"},
        vector{R"(2/a,b,["x"])", "", errc::bad_payload}, vector{"3[]", "3 / data []"},
        vector{"31[1]", "3 / id 1 (1) data [1]"}, vector{"3/a,1[]", "3 /a id 1 data []"},
        vector{R"(4"str")", R"(4 / data "str")"},
        vector{R"(4{"message":"m"})", R"(4 / data {"message":"m"})"},
        vector{R"(51-["a",{"_placeholder":true,"num":0}])",
               R"(5 / attachments 1 event "a" ({"_placeholder":true,"num":0}))"},
        vector{"5", "", errc::bad_attachment_count},
        vector{R"(50-["a"])", "", errc::bad_attachment_count},
        vector{R"(51["a"])", "", errc::bad_attachment_count},
        vector{R"(5-["a"])", "", errc::bad_attachment_count},
        vector{R"(511-["a"])", "", errc::bad_attachment_count},
        vector{R"(51-["a",{"_placeholder":true,"num":1}])", "", errc::bad_placeholder},
        vector{R"(51-["a",{"_placeholder":true,"num":"0"}])", "", errc::bad_placeholder},
        vector{R"(51-["a",{"_placeholder":true}])", "", errc::bad_placeholder},
        vector{R"(51-{"_placeholder":true,"num":0})", "", errc::bad_payload},
        vector{R"(51-[{"_placeholder":true,"num":0}])", "", errc::bad_event_name},
        vector{"7", "", errc::unknown_packet_type}, vector{"a", "", errc::unknown_packet_type},
        vector{"", "", errc::unknown_packet_type}));

// Where we refuse what the reference parser takes. No known client writes any of these.
INSTANTIATE_TEST_SUITE_P(
    stricter, decode_vectors,
    testing::Values(
        // A space is a digit there: the id would be 0.
        vector{R"(2 ["a"])", "", errc::bad_payload}, vector{R"(2/n, ["a"])", "", errc::bad_payload},
        // Ids of packets that cannot be acknowledged, and ids that JavaScript rounds.
        vector{"01", "", errc::bad_ack_id}, vector{"11", "", errc::bad_ack_id},
        vector{R"(43"x")", "", errc::bad_ack_id},
        vector{R"(29007199254740992["a"])", "", errc::bad_ack_id},
        vector{R"(299999999999999999999["a"])", "", errc::bad_ack_id},
        // Other ways to write a count.
        vector{R"(501-["a",{"_placeholder":true,"num":0}])", "", errc::bad_attachment_count},
        vector{R"(51.0-["a",{"_placeholder":true,"num":0}])", "", errc::bad_attachment_count},
        vector{R"(50x1-["a",{"_placeholder":true,"num":0}])", "", errc::bad_attachment_count},
        // Placeholders without attachment, attachments without placeholder, or with two.
        vector{R"(2["a",{"_placeholder":true,"num":0}])", "", errc::bad_placeholder},
        vector{R"(0{"_placeholder":true,"num":0})", "", errc::bad_placeholder},
        vector{R"(51-["a"])", "", errc::bad_placeholder}, vector{"51-", "", errc::bad_placeholder},
        vector{R"(51-["a",{"_placeholder":true,"num":0},{"_placeholder":true,"num":0}])", "",
               errc::bad_placeholder},
        vector{R"(51-["a",{"_placeholder":true,"num":0,"x":1}])", "", errc::bad_placeholder},
        vector{R"(51-["a",{"_placeholder":true,"num":0.0}])", "", errc::bad_placeholder},
        vector{"2[1e999999999999999999999999999999999999999999999999999999999999999999999999999999"
               "99999999999999999999999999999999999999999999999999]",
               "", errc::bad_event_name}));

INSTANTIATE_TEST_SUITE_P(
    more, decode_vectors,
    testing::Values(
        vector{R"(29007199254740991["a"])", R"(2 / id 9007199254740991 event "a" ())"},
        vector{R"(2/n,12["a","b", {"c":[1]} ,null ] )",
               R"(2 /n id 12 event "a" ("b", {"c":[1]} ,null))"},
        vector{"2[ -1.5e3 , 1]", "2 / event -1.5e3 (1)"},
        vector{R"(2["\u0063onnect"])", "", errc::reserved_event_name},
        vector{R"(2["disconnecting",1])", "", errc::reserved_event_name},
        vector{R"(2["newListener"])", "", errc::reserved_event_name},
        vector{R"(2["removeListener"])", "", errc::reserved_event_name},
        vector{R"(2["connect_error"])", "", errc::reserved_event_name},
        vector{R"(2["disconnect"])", "", errc::reserved_event_name},
        vector{R"(2["connect\u0000"])", R"(2 / event "connect\u0000" ())"},
        vector{R"(2[true])", "", errc::bad_event_name},
        vector{R"(2[["a"]])", "", errc::bad_event_name},
        vector{R"(2[{"a":1}])", "", errc::bad_event_name}, vector{"3{}", "", errc::bad_payload},
        vector{"4[]", "", errc::bad_payload}, vector{"4", "4 /"},
        vector{R"(2["a")", "", errc::bad_json}, vector{R"(2["a",])", "", errc::bad_json},
        vector{R"(2["a"]])", "", errc::bad_json}, vector{R"(2["a"]x)", "", errc::bad_json},
        vector{R"(2["a" "b"])", "", errc::bad_json}, vector{R"(2["a",01])", "", errc::bad_json},
        vector{R"(2["a",1.])", "", errc::bad_json}, vector{R"(2["a",+1])", "", errc::bad_json},
        vector{R"(2["a",NaN])", "", errc::bad_json},
        vector{R"(2["a",1e400])", R"(2 / event "a" (1e400))"},
        vector{R"(2["a","\x"])", "", errc::bad_json}, vector{"2[\"a\",\"\n\"]", "", errc::bad_json},
        vector{R"(2["a",{"k":1,"k":2}])", R"(2 / event "a" ({"k":1,"k":2}))"},
        vector{"2[\"a\",\"\xff\"]", "", errc::invalid_utf8},
        vector{"2[\"a\",\"\xed\xa0\x80\"]", "", errc::invalid_utf8},
        vector{
            R"(61-7[{"num":0,"_placeholder":true}])",
            R"(6 / id 7 attachments 1 ({"num":0,"_placeholder":true}) data [{"num":0,"_placeholder":true}])"},
        vector{
            R"(52-/n,["a",[{"b":{"_placeholder":true,"num":1}}],{"_placeholder":true,"num":0}])",
            R"(5 /n attachments 2 event "a" ([{"b":{"_placeholder":true,"num":1}}],{"_placeholder":true,"num":0}))"},
        vector{R"(2["a",{"_placeholder":false,"num":0}])",
               R"(2 / event "a" ({"_placeholder":false,"num":0}))"},
        vector{R"(2["a",{"_placeholder":1,"num":0}])",
               R"(2 / event "a" ({"_placeholder":1,"num":0}))"},
        vector{R"(2["a",{"x":{"_placeholder":"true"}}])",
               R"(2 / event "a" ({"x":{"_placeholder":"true"}}))"}));

TEST(packet, v3_cuts_the_query_from_the_namespace) {
    EXPECT_EQ(parsed("0/admin?token=x,", protocol_version::v3), "0 /admin query token=x");
    EXPECT_EQ(parsed("0/admin?token=x", protocol_version::v3), "0 /admin query token=x");
    EXPECT_EQ(parsed(R"(2/admin?token=x,["a"])", protocol_version::v3),
              R"(2 /admin query token=x event "a" ())");
    EXPECT_EQ(parsed(R"(2["a"])", protocol_version::v3), R"(2 / event "a" ())");
}

TEST(packet, namespaces_have_a_length_limit) {
    const std::string longest = '/' + std::string(127, 'n');
    EXPECT_EQ(parsed('0' + longest + ','), "0 " + longest);
    EXPECT_EQ(parsed('0' + longest + "n,"), failed(errc::bad_namespace));
    EXPECT_EQ(parsed('0' + longest + 'n'), failed(errc::bad_namespace));
}

TEST(packet, event_names_are_limited_by_what_they_mean) {
    const std::string plain(128, 'n');
    EXPECT_EQ(parsed("2[\"" + plain + "\"]"), "2 / event \"" + plain + "\" ()");
    EXPECT_EQ(parsed("2[\"" + plain + "n\"]"), failed(errc::bad_event_name));
    std::string escaped;  // 42 characters of three bytes and one of two make 128
    for (int i = 0; i < 42; ++i) escaped += "\\u20ac";
    EXPECT_EQ(parsed("2[\"" + escaped + "\\u00e4\"]"), "2 / event \"" + escaped + "\\u00e4\" ()");
    EXPECT_EQ(parsed("2[\"" + escaped + "\\u00e4n\"]"), failed(errc::bad_event_name));
    std::string pairs;
    for (int i = 0; i < 32; ++i) pairs += "\\ud83d\\ude00";
    EXPECT_EQ(parsed("2[\"" + pairs + "\"]"), "2 / event \"" + pairs + "\" ()");
    EXPECT_EQ(parsed("2[\"" + pairs + "n\"]"), failed(errc::bad_event_name));
    // Half a pair means U+FFFD, which has three bytes.
    EXPECT_EQ(parsed("2[\"" + std::string(126, 'n') + "\\ud83d\"]"), failed(errc::bad_event_name));
    EXPECT_EQ(parsed("2[\"" + std::string(126, 'n') + "\\ude00\"]"), failed(errc::bad_event_name));
}

TEST(packet, nesting_is_limited) {
    const auto nested = [](std::size_t levels) {  // inside the array of the event
        return "2[\"a\"," + std::string(levels, '[') + std::string(levels, ']') + ']';
    };
    EXPECT_EQ(parse_packet(nested(json_reader::max_depth - 1), {}, protocol_version::v4).error,
              errc{});
    EXPECT_EQ(parsed(nested(json_reader::max_depth)), failed(errc::json_too_deep));
    EXPECT_EQ(parsed("2[\"a\"," + std::string(1'000'000, '[')), failed(errc::json_too_deep));
    std::string objects = "0";
    for (std::size_t i = 0; i <= json_reader::max_depth; ++i) objects += R"({"a":)";
    EXPECT_EQ(parsed(objects), failed(errc::json_too_deep));
}

TEST(packet, objects_have_any_number_of_keys) {
    std::string members = R"("_placeholder":true,"num":0)";
    for (int i = 0; i < 70'000; ++i) members += ",\"k" + std::to_string(i) + "\":0";
    EXPECT_EQ(parse_packet("0{" + members.substr(28) + '}', {}, protocol_version::v4).error,
              errc{});
    EXPECT_EQ(parsed("51-[\"a\",{" + members + "}]"), failed(errc::bad_placeholder));
}

TEST(packet, what_looks_like_a_placeholder_may_be_data_in_a_text) {
    const std::string alike = R"(["a",{"_placeholder":true,"num":0}])";
    EXPECT_EQ(parsed('2' + alike), failed(errc::bad_placeholder));
    const std::string text = '2' + alike;
    const packet_result got =
        parse_packet(text, {.without_attachments = lookalikes::data}, protocol_version::v4);
    EXPECT_TRUE(got);
    EXPECT_EQ(got.packet.data, alike);
    EXPECT_EQ(parse_packet(R"(51-["a",{"_placeholder":true,"num":1}])",
                           {.without_attachments = lookalikes::data}, protocol_version::v4)
                  .error,
              errc::bad_placeholder);
}

TEST(packet, every_truncation_and_every_changed_byte_is_survived) {
    const std::string text =
        R"(52-/chat,12["say",{"a":[1,-2.5e3,true,null,"\u00e4\n"]},{"_placeholder":true,"num":0},)"
        R"({"num":1,"_placeholder":true}])";
    ASSERT_EQ(parse_packet(text, {}, protocol_version::v4).error, errc{});
    for (std::size_t size = 0; size < text.size(); ++size) {
        EXPECT_FALSE(parse_packet(std::string(text, 0, size), {}, protocol_version::v4)) << size;
    }
    for (std::size_t at = 0; at < text.size(); ++at) {
        for (int byte = 0; byte < 256; ++byte) {
            std::string changed = text;
            changed[at] = static_cast<char>(byte);
            const packet_result result = parse_packet(changed, {}, protocol_version::v4);
            EXPECT_LE(result.packet.data.size(), changed.size());
        }
    }
}

TEST(packet, writers_write_the_canonical_form) {
    const auto written = [](auto write) {
        std::string out;
        write(out);
        return out;
    };
    using out = std::string&;
    EXPECT_EQ(written([](out o) { append_connect(o, "/", ""); }), "0");
    EXPECT_EQ(written([](out o) { append_connect(o, "/", R"({"sid":"x"})"); }), R"(0{"sid":"x"})");
    EXPECT_EQ(written([](out o) { append_connect(o, "/a", ""); }), "0/a,");
    EXPECT_EQ(written([](out o) { append_connect_error(o, "/x", R"({"message":"m"})"); }),
              R"(4/x,{"message":"m"})");
    EXPECT_EQ(written([](out o) { append_disconnect(o, "/"); }), "1");
    EXPECT_EQ(written([](out o) { append_disconnect(o, "/a"); }), "1/a,");
    EXPECT_EQ(written([](out o) { append_event(o, "/", {}, "say", ""); }), R"(2["say"])");
    EXPECT_EQ(written([](out o) { append_event(o, "/a", 12, "s\"\n", R"(1,"x")"); }),
              R"(2/a,12["s\"\n",1,"x"])");
    EXPECT_EQ(written([](out o) {
                  append_event(o, "/a", 0, "b", R"({"_placeholder":true,"num":0})", 1);
              }),
              R"(51-/a,0["b",{"_placeholder":true,"num":0}])");
    EXPECT_EQ(written([](out o) { append_ack(o, "/", 0, ""); }), "30[]");
    EXPECT_EQ(written([](out o) { append_ack(o, "/a", 7, "1,2"); }), "3/a,7[1,2]");
    EXPECT_EQ(written([](out o) { append_ack(o, "/", 7, R"({"_placeholder":true,"num":0})", 1); }),
              R"(61-7[{"_placeholder":true,"num":0}])");
}

TEST(packet, sec_s1_attachment_counts_are_plain_digits_from_1_to_the_limit) {
    for (const auto* text :
         {"51000000-[\"a\"]", "50-[\"a\"]", "5-[\"a\"]", "51e1-[\"a\"]", "5+1-[\"a\"]",
          "5 1-[\"a\"]", "51 -[\"a\"]", "5-1-[\"a\"]", "5Infinity-[\"a\"]", "511-[\"a\"]",
          "518446744073709551617-[\"a\"]", "5999", "51", "6", "60-[]"}) {
        EXPECT_EQ(parsed(text), failed(errc::bad_attachment_count)) << text;
    }
    std::string ten = "510-[\"a\"";
    for (int i = 0; i < 10; ++i) ten += R"(,{"_placeholder":true,"num":)" + std::to_string(i) + '}';
    EXPECT_EQ(parse_packet(ten + ']', {}, protocol_version::v4).error, errc{});
}

TEST(packet, sec_s2_placeholders_name_each_attachment_exactly_once) {
    for (const auto* num :
         {R"("splice")", "-1", "-0", "1.5", "4294967296", "1", "1e0", "0.0", "null", "true", "[0]",
          "{}", R"("0")", "18446744073709551616", "256", "64", "0,\"num\":1"}) {
        const std::string text = R"(51-["a",{"_placeholder":true,"num":)" + std::string(num) + "}]";
        EXPECT_EQ(parsed(text), failed(errc::bad_placeholder)) << text;
    }
    for (const auto* object :
         {R"({"_placeholder":true})", R"({"\u005fplaceholder":true,"num":1})",
          R"({"_placeholder":false,"_placeholder":true,"num":0})",
          R"({"_placeholder":true,"num":0,"num":0})", R"({"_placeholder":"true","num":0})",
          R"({"_placeholder":1,"num":0})", R"({"_Placeholder":true,"num":0})", "1"}) {
        const std::string text = R"(51-["a",)" + std::string(object) + ']';
        EXPECT_EQ(parsed(text), failed(errc::bad_placeholder)) << text;
    }
    EXPECT_EQ(parsed(R"(52-["a",{"_placeholder":true,"num":0},{"_placeholder":true,"num":0}])"),
              failed(errc::bad_placeholder));
    // Of equal keys the last counts, as in JavaScript.
    for (const auto* last : {"false", "[]", "{}"}) {
        const std::string text =
            R"(2["a",{"_placeholder":true,"_placeholder":)" + std::string(last) + "}]";
        EXPECT_EQ(parse_packet(text, {}, protocol_version::v4).error, errc{}) << text;
    }
    // An escaped key must not smuggle one past us, to where a JavaScript client would see it.
    EXPECT_EQ(parsed(R"(2["a",{"\u005Fplaceholder":true,"n\u0075m":0}])"),
              failed(errc::bad_placeholder));
    EXPECT_EQ(parse_packet(R"(51-["a",{"\u005Fplaceholder":true,"n\u0075m":0}])", {},
                           protocol_version::v4)
                  .error,
              errc{});
}

TEST(packet, sec_s3_malformed_packets_of_past_advisories_are_refused) {
    for (const auto* text : {
             R"(2[{"toString":"foo"}])",  // CVE-2023-32695
             R"(2[{"toString":1}])",
             "2[[]]",
             "2[null,1]",                                         //
             R"(2["newListener"])",                               // an event of the emitter itself
             R"(51-["a",{"_placeholder":true,"num":"splice"}])",  // CVE-2022-2421
             "51-[\"a\",{\"_placeholder\":true,\"num\":10}]",
             "2[\"a\"",
             "9",
             "2/a,1{}",
             "\x32\xff",
         }) {
        EXPECT_FALSE(parse_packet(text, {}, protocol_version::v4)) << text;
    }
    EXPECT_EQ(parsed(R"(2["error"])"), R"(2 / event "error" ())");  // CVE-2024-38355: just a name
}

TEST(packet, sec_s4_names_of_javascript_are_only_data) {
    for (const auto* name :
         {"__proto__", "constructor", "toString", "hasOwnProperty", "valueOf", "length"}) {
        const std::string text = name;
        EXPECT_EQ(parsed("2[\"" + text + "\"]"), "2 / event \"" + text + "\" ()");
        EXPECT_EQ(parsed("0/" + text + ",{\"" + text + "\":1}"),
                  "0 /" + text + " data {\"" + text + "\":1}");
        EXPECT_EQ(parsed("2[\"a\",{\"" + text + "\":{\"_placeholder\":1}}]"),
                  "2 / event \"a\" ({\"" + text + "\":{\"_placeholder\":1}})");
    }
    EXPECT_EQ(parsed(R"(2[""])"), R"(2 / event "" ())");
    EXPECT_EQ(parsed("0/a\0b,"s), "0 /a\0b"s);
    EXPECT_EQ(parsed("2[\"a\0b\"]"s), failed(errc::bad_json));
    EXPECT_EQ(parsed("\0"
                     "2"s),
              failed(errc::unknown_packet_type));
    EXPECT_EQ(parsed("2[\"" + std::string(10'240, 'x') + "\"]"), failed(errc::bad_event_name));
    EXPECT_EQ(parsed("0/" + std::string(10'240, 'x')), failed(errc::bad_namespace));
}

TEST(packet, each_error_is_a_code_with_a_condition_and_a_text) {
    for (std::size_t value = 1; value <= errc_count; ++value) {
        const std::error_code code = static_cast<errc>(value);
        EXPECT_STREQ(code.category().name(), "weft.socketio");
        EXPECT_FALSE(code.message().empty());
        EXPECT_FALSE(describe(static_cast<errc>(value)).label.empty());
    }
    EXPECT_TRUE(make_error_code(errc::bad_json) == condition::protocol_violation);
    EXPECT_TRUE(make_error_code(errc::packet_too_big) == condition::limit_exceeded);
}

}  // namespace
}  // namespace weft::socketio
