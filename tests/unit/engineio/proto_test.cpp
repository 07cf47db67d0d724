// Packets and payloads: vectors, every split, broken input.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "engineio/proto/jsonp.hpp"
#include "engineio/proto/packet.hpp"
#include "engineio/proto/payload.hpp"
#include "engineio/proto/query.hpp"

namespace weft::engineio {
namespace {

using texts = std::vector<std::string>;

/// What a reader finds: each packet as digit, form and data, then how it ended.
texts read(std::string_view body, payload_form form, std::size_t most = 64) {
    texts out;
    payload_reader reader(as_bytes(body), form, most);
    for (;;) {
        packet got;
        switch (reader.next(got)) {
            case payload_status::packet: break;
            case payload_status::end: out.emplace_back("end"); return out;
            case payload_status::malformed: out.emplace_back("malformed"); return out;
            case payload_status::not_utf8: out.emplace_back("not utf8"); return out;
            case payload_status::too_many: out.emplace_back("too many"); return out;
        }
        const char* form_name = got.form == packet_data::text     ? "t:"
                                : got.form == packet_data::base64 ? "b:"
                                                                  : "r:";
        out.push_back(digit_of(got.type) + std::string(form_name) + std::string(got.text()));
    }
}

std::string decoded(std::string_view text) {
    std::vector<std::byte> room(decoded_size(text.size()));
    const auto size = decode_base64(text, room);
    return size ? std::string(as_text({room.data(), *size})) : "none";
}

TEST(packet, is_a_digit_and_text) {
    EXPECT_EQ(parse_packet("4hi")->type, packet_type::message);
    EXPECT_EQ(parse_packet("4hi")->text(), "hi");
    EXPECT_EQ(parse_packet("0")->type, packet_type::open);
    EXPECT_EQ(parse_packet("6")->text(), "");
    for (const char* wrong : {"", "7", "-1", "x", " 4", "b", "\x34\x80"}) {
        const auto got = parse_packet(wrong);
        EXPECT_EQ(got.has_value(), std::string_view(wrong) == "\x34\x80") << wrong;
    }
}

TEST(base64, takes_what_clients_send) {
    EXPECT_EQ(decoded("aGVsbG8="), "hello");
    EXPECT_EQ(decoded("aGVsbG8"), "hello");
    EXPECT_EQ(decoded("aGVs\nbG8=\n"), "hello");
    EXPECT_EQ(decoded("aGVs\r\n bG8="), "hello");
    EXPECT_EQ(decoded("-_-_"), decoded("+/+/"));
    EXPECT_EQ(decoded(""), "");
    EXPECT_EQ(decoded("aA=="), "h");
    EXPECT_EQ(decoded("aA"), "h");
    EXPECT_EQ(decoded("aGVsbG8=="), "hello");
    for (const char* wrong : {"a", "aGVsb", "aG=s", "a!", "aGVs:", "\xFF\xFF", "aA==aA=="})
        EXPECT_EQ(decoded(wrong), "none") << wrong;
}

TEST(payload, separated) {
    constexpr auto v4 = payload_form::separated;
    EXPECT_EQ(read("4hi", v4), (texts{"4t:hi", "end"}));
    EXPECT_EQ(read("4hi\x1E"
                   "2probe\x1E"
                   "bAQID\x1E"
                   "6",
                   v4),
              (texts{"4t:hi", "2t:probe", "4b:AQID", "6t:", "end"}));
    EXPECT_EQ(read("b", v4), (texts{"4b:", "end"}));
    EXPECT_EQ(read("", v4), texts{"malformed"});
    EXPECT_EQ(read("\x1E", v4), texts{"malformed"});
    EXPECT_EQ(read("4a\x1E", v4), (texts{"4t:a", "malformed"}));
    EXPECT_EQ(read("4a\x1E\x1E"
                   "4b",
                   v4),
              (texts{"4t:a", "malformed"}));
    EXPECT_EQ(read("4a\x1E"
                   "7",
                   v4),
              (texts{"4t:a", "malformed"}));
    EXPECT_EQ(read("4\xED\xA0\x80", v4), texts{"not utf8"});
    EXPECT_EQ(read("41\x1E"
                   "42\x1E"
                   "43",
                   v4, 2),
              (texts{"4t:1", "4t:2", "too many"}));
}

TEST(payload, counted) {
    constexpr auto v3 = payload_form::counted;
    EXPECT_EQ(read("3:4hi2:2p", v3), (texts{"4t:hi", "2t:p", "end"}));
    EXPECT_EQ(read("2:4\xE2\x82\xAC"
                   "3:4\xF0\x9F\x98\x80",
                   v3),
              (texts{"4t:\xE2\x82\xAC", "4t:\xF0\x9F\x98\x80", "end"}));
    EXPECT_EQ(read("6:b4AQID", v3), (texts{"4b:AQID", "end"}));
    for (const char* wrong :
         {"", "3", "3:", "3:4h", ":4", "-1:4", "+1:4", " 1:4", "1 :4", "x:4", "0:", "0x1:4",
          "99999999999999999999:4", "2:4\xF0\x9F\x98\x80", "3:bAQ", "2:b3", "1:b"}) {
        EXPECT_EQ(read(wrong, v3), texts{"malformed"}) << wrong;
    }
    EXPECT_EQ(read("2:4\xC3", v3), texts{"not utf8"});
}

TEST(payload, counted_bytes) {
    constexpr auto binary = payload_form::counted_bytes;
    const auto of = [](std::initializer_list<int> bytes) {
        std::string out;
        for (const int b : bytes) out += static_cast<char>(b);
        return out;
    };
    EXPECT_EQ(
        read(of({0, 3, 255, '4', 'h', 'i', 1, 1, 0, 255, 4, 1, 2, 3, 4, 5, 6, 7, 8, 9}), binary),
        (texts{"4t:hi", "4r:\x01\x02\x03\x04\x05\x06\x07\x08\x09", "end"}));
    EXPECT_EQ(read(of({0, 6, 255, 'b', '4', 'A', 'Q', 'I', 'D'}), binary),
              (texts{"4b:AQID", "end"}));
    for (const auto& wrong : {of({}), of({2, 1, 255, '4'}), of({0}), of({0, 1}), of({0, 255}),
                              of({0, 0, 255}), of({0, 2, 255, '4'}), of({0, 10, 255, '4'}),
                              of({1, 1, 255, 2}), of({0, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 255, '4'})})
        EXPECT_EQ(read(wrong, binary), texts{"malformed"});
    EXPECT_EQ(read(of({0, 2, 255, '4', 255}), binary), texts{"not utf8"});
}

// Cut at each byte, a body gives a prefix of its packets, then an error or an end, and never
// anything else.
TEST(payload, cut_anywhere) {
    const std::pair<payload_form, std::string> bodies[] = {
        {payload_form::separated,
         "4h\xE2\x82\xAC\x1E"
         "bAQID\x1E"
         "2"},
        {payload_form::counted,
         "3:4h\xE2\x82\xAC"
         "6:b4AQID1:2"},
        {payload_form::counted_bytes, std::string("\x00\x02\xFF"
                                                  "4h\x01\x02\xFF\x04x",
                                                  10)}};
    for (const auto& [form, body] : bodies) {
        const texts whole = read(body, form);
        EXPECT_EQ(whole.back(), "end");
        for (std::size_t cut = 0; cut < body.size(); ++cut) {
            const texts part = read(std::string_view(body).substr(0, cut), form);
            ASSERT_LE(part.size(), whole.size());
            for (std::size_t i = 0; i + 2 < part.size(); ++i) EXPECT_EQ(part[i], whole[i]);
        }
    }
}

TEST(payload, is_written_as_it_is_read) {
    for (const payload_form form : {payload_form::separated, payload_form::counted}) {
        std::string body;
        append_packet(body, form, "4h\xF0\x9F\x98\x80");
        append_base64_packet(body, form, "AQID");
        append_packet(body, form, "2");
        EXPECT_EQ(read(body, form), (texts{"4t:h\xF0\x9F\x98\x80", "4b:AQID", "2t:", "end"}));
    }
}

TEST(open_packet, json) {
    EXPECT_EQ(write_open({"abc", true, 25000, 20000, 1000000}),
              R"(0{"sid":"abc","upgrades":["websocket"],"pingInterval":25000,)"
              R"("pingTimeout":20000,"maxPayload":1000000})");
    EXPECT_EQ(write_open({"x", false, 1, 2, 3}),
              R"(0{"sid":"x","upgrades":[],"pingInterval":1,"pingTimeout":2,"maxPayload":3})");
}

TEST(session_key, is_base64url) {
    std::array<std::byte, 15> bytes{};
    const auto text = [&] {
        const session_key key = make_key(bytes);
        return std::string(key.data(), key.size());
    };
    EXPECT_EQ(text(), "AAAAAAAAAAAAAAAAAAAA");
    bytes.fill(std::byte{0xFF});
    EXPECT_EQ(text(), "____________________");
    bytes[0] = std::byte{0xFB};
    EXPECT_EQ(text(),
              "-_______"
              "____________");
}

TEST(jsonp, replies_are_safe_in_a_script) {
    EXPECT_EQ(write_jsonp("0", "4\"a\\\n"), R"(___eio[0]("4\"a\\\n");)");
    EXPECT_EQ(write_jsonp("12]alert(1)//", "6"), R"(___eio[121]("6");)");
    EXPECT_EQ(write_jsonp("", "\xE2\x80\xA8\xE2\x80\xA9\xE2\x80\xAA\xE2\x80"),
              "___eio[](\"\\u2028\\u2029\xE2\x80\xAA\xE2\x80\");");
    // Not UTF-8, and yet no line end may come through.
    EXPECT_EQ(write_jsonp("0", "\xE2\x80\xE2\x80\xA9"), "___eio[0](\"\xE2\x80\\u2029\");");
    EXPECT_EQ(write_jsonp(std::string(100, '7'), "6"), "___eio[7777777777777777](\"6\");");
}

TEST(jsonp, forms) {
    const auto read_form = [](std::string_view form) {
        std::string room(form.size(), '\0');
        const auto got = read_jsonp(form, room);
        return got ? std::string(*got) : "none";
    };
    EXPECT_EQ(read_form("d=4hi"), "4hi");
    EXPECT_EQ(read_form("x=1&d=4a%20b+c&d=no"), "4a b c");
    EXPECT_EQ(read_form("d=4a%5Cnb"), "4a\nb");
    EXPECT_EQ(read_form("d=4a%5C%5Cnb"), "4a\\nb");
    EXPECT_EQ(read_form("d="), "");
    for (const char* wrong : {"", "dd=4", "x", "d=%", "d=%4", "d=%zz", "D=4"})
        EXPECT_EQ(read_form(wrong), "none") << wrong;
}

TEST(query, takes_what_it_knows) {
    const query_facts f = parse_query("EIO=4&transport=polling&t=abc&sid=x&j=3&b64=1");
    EXPECT_EQ(f.protocol, 4);
    EXPECT_EQ(f.transport, "polling");
    EXPECT_EQ(f.sid, "x");
    EXPECT_EQ(f.jsonp, "3");
    EXPECT_TRUE(f.base64);
    const query_facts none = parse_query("");
    EXPECT_EQ(none.protocol, 3);
    EXPECT_FALSE(none.sid || none.jsonp || none.base64);
    for (const char* three :
         {"EIO=3", "EIO=04", "EIO=4,4", "EIO=4&EIO=3", "EIO", "EIO=", "eio=4", "%45IO=4", "EIO=4 "})
        EXPECT_EQ(parse_query(three).protocol, 3) << three;
    EXPECT_EQ(parse_query("transport=polling&transport=x").transport, "x");
    EXPECT_EQ(parse_query("sid=a&sid=b").sid, "b");
    EXPECT_EQ(parse_query("EIO=3&EIO=4").protocol, 4);
    EXPECT_EQ(parse_query("EIO=4&EIO=3").protocol, 3);
    EXPECT_EQ(parse_query("&&=&sid").sid, "");
}

}  // namespace
}  // namespace weft::engineio
