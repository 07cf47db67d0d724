// The text form of packets. The table holds what socket.io-parser 4.2.7 says to each input, and
// where we differ on purpose, why.

#include "socketio/proto/packet.hpp"

#include <gtest/gtest.h>

#include <sstream>

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
    return summary(parse_packet(text, {}, version));
}

std::string failed(errc why) {
    return std::string(describe(why).label);
}

struct vector {
    std::string_view text;
    std::string_view expected;  // empty: refused, with `error`
    errc error{};
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

}  // namespace
}  // namespace weft::socketio
