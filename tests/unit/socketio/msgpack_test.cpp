// Msgpack packets, against bytes that npm's socket.io-msgpack-parser and notepack.io wrote.

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "socketio/proto/msgpack.hpp"
#include "socketio/proto/msgpack_json.hpp"
#include "socketio/proto/msgpack_packet.hpp"

namespace weft::socketio {
namespace {

using namespace std::string_literals;

std::string unhex(std::string_view hex) {
    std::string out;
    unsigned value = 0;
    bool half = false;
    for (const char c : hex) {
        if (c == ' ') continue;
        value = value << 4 | static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10);
        if (half) out += static_cast<char>(value);
        half = !half;
    }
    return out;
}

std::string hex(std::string_view bytes) {
    std::string out;
    for (const char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        out += "0123456789abcdef"[byte >> 4];
        out += "0123456789abcdef"[byte & 15];
    }
    return out;
}

struct translated {
    errc error{};
    std::string text;
    std::vector<std::string> attachments;
};

translated to_text(std::string_view message) {
    translated out;
    std::vector<byte_view> attachments;
    out.error = msgpack_to_text(as_bytes(message), {}, out.text, attachments);
    for (const byte_view bytes : attachments) out.attachments.emplace_back(as_text(bytes));
    return out;
}

/// The JSON that an event with this one argument, in hex, arrives with; or the error's label.
std::string argument(std::string_view value) {
    const translated packet = to_text(unhex("83 a474797065 02 a464617461 92 a161") + unhex(value) +
                                      unhex("a36e7370 a12f"));
    if (packet.error != errc{}) return std::string(describe(packet.error).label);
    const packet_result parsed = parse_packet(packet.text, {}, protocol_version::v4);
    return parsed ? std::string(parsed.packet.arguments)
                  : std::string(describe(parsed.error).label);
}

std::string failed(errc why) {
    return std::string(describe(why).label);
}

std::string written(std::string_view text, std::vector<std::string> attachments = {}) {
    const packet_result parsed = parse_packet(text, {}, protocol_version::v4);
    EXPECT_TRUE(parsed) << text;
    std::vector<byte_view> views;
    for (const std::string& bytes : attachments) views.push_back(as_bytes(bytes));
    std::string out;
    append_msgpack_packet(out, parsed.packet, views);
    return hex(out);
}

/// What is written for one argument, in hex.
std::string written_argument(std::string_view json) {
    const std::string all = written("2[\"a\"," + std::string(json) + ']');
    constexpr std::string_view before = "83a47479706502a46461746192a161";
    constexpr std::string_view behind = "a36e7370a12f";
    EXPECT_TRUE(all.starts_with(before) && all.ends_with(behind)) << all;
    return all.substr(before.size(), all.size() - before.size() - behind.size());
}

TEST(msgpack_packet, captured_packets_are_translated) {
    EXPECT_EQ(to_text(unhex("83 a474797065 00 a464617461 81a17401 a36e7370 a12f")).text,
              R"(0/,{"t":1})");
    EXPECT_EQ(to_text(unhex("83 a474797065 00 a464617461 82 a3736964 a178 a3706964 d40000 "
                            "a36e7370 a12f"))
                  .text,
              R"(0/,{"sid":"x"})");
    const translated event = to_text(
        unhex("85a47479706502a46461746192a165c40109a76f7074696f6e7381a8636f6d7072657373c3a2696400"
              "a36e7370a12f"));
    EXPECT_EQ(event.text, R"(51-/,0["e",{"_placeholder":true,"num":0}])");
    EXPECT_EQ(event.attachments, std::vector<std::string>{"\x09"});
    const translated ack =
        to_text(unhex("84a2696400a47479706503a46461746192a172c40101a36e7370a12f"));
    EXPECT_EQ(ack.text, R"(61-/,0["r",{"_placeholder":true,"num":0}])");
    EXPECT_EQ(ack.attachments, std::vector<std::string>{"\x01"});
    EXPECT_EQ(to_text(unhex("82 a474797065 01 a36e7370 a22f61")).text, "1/a,");
}

TEST(msgpack_packet, packets_are_written_as_node_does) {
    EXPECT_EQ(written(R"(0{"t":1})"), "83a47479706500a46461746181a17401a36e7370a12f");
    EXPECT_EQ(written("0/a"), "82a47479706500a36e7370a22f61");
    EXPECT_EQ(written("1"), "82a47479706501a36e7370a12f");
    EXPECT_EQ(written(R"(4{"message":"m"})"),
              "83a47479706504a46461746181a76d657373616765a16da36e7370a12f");
    EXPECT_EQ(written(R"(51-0["e",{"_placeholder":true,"num":0}])", {"\x09"}),
              "84a47479706502a46461746192a165c40109a2696400a36e7370a12f");
    EXPECT_EQ(written(R"(61-0["r",{"_placeholder":true,"num":0}])", {"\x01"}),
              "84a2696400a47479706503a46461746192a172c40101a36e7370a12f");
    EXPECT_EQ(written(R"(2["hello","world",1,-5,3.5,true,null,{"a":[1]}])"),
              "83a47479706502a46461746198a568656c6c6fa5776f726c6401fbcb400c000000000000c3c081a16191"
              "01a36e7370a12f");
}

TEST(msgpack_packet, numbers_have_their_shortest_form) {
    const std::pair<const char*, const char*> forms[] = {
        {"0", "00"},
        {"-0", "00"},
        {"127", "7f"},
        {"128", "cc80"},
        {"255", "ccff"},
        {"256", "cd0100"},
        {"65535", "cdffff"},
        {"65536", "ce00010000"},
        {"70000", "ce00011170"},
        {"4294967295", "ceffffffff"},
        {"4294967296", "cf0000000100000000"},
        {"1e12", "cf000000e8d4a51000"},
        {"1000000000000.0", "cf000000e8d4a51000"},
        {"18446744073709551615", "cfffffffffffffffff"},
        {"-1", "ff"},
        {"-32", "e0"},
        {"-33", "d0df"},
        {"-128", "d080"},
        {"-129", "d1ff7f"},
        {"-32768", "d18000"},
        {"-32769", "d2ffff7fff"},
        {"-2147483648", "d280000000"},
        {"-2147483649", "d3ffffffff7fffffff"},
        {"-4294967296", "d3ffffffff00000000"},
        {"-9223372036854775808", "d38000000000000000"},
        {"1.5", "cb3ff8000000000000"},
        {"18446744073709551616", "cb43f0000000000000"},
        {"-1e300", "cbfe37e43c8800759c"},
        {"1e400", "cb7ff0000000000000"},
        {"-1e400", "cbfff0000000000000"},
        {"1e-400", "cb0000000000000000"}};
    for (const auto& [json, bytes] : forms) EXPECT_EQ(written_argument(json), bytes) << json;
}

TEST(msgpack_packet, sizes_have_their_shortest_form) {
    const auto begins = [](const std::string& json, std::string_view head) {
        EXPECT_TRUE(written_argument(json).starts_with(head)) << head;
        std::string message;
        const std::string packet = "2[\"a\"," + json + ']';
        append_msgpack_packet(message, parse_packet(packet, {}, protocol_version::v4).packet, {});
        EXPECT_EQ(to_text(message).text, "2/,[\"a\"," + json + ']');
    };
    const auto text = [](std::size_t size) { return '"' + std::string(size, 'x') + '"'; };
    begins(text(31), "bf78");
    begins(text(32), "d92078");
    begins(text(255), "d9ff78");
    begins(text(256), "da010078");
    begins(text(65535), "daffff78");
    begins(text(65536), "db0001000078");
    const auto array = [](std::size_t size) {
        std::string out = "[";
        for (std::size_t i = 0; i < size; ++i) out += "1,";
        out.back() = ']';
        return out;
    };
    begins("[]", "90");
    begins(array(15), "9f01");
    begins(array(16), "dc001001");
    begins(array(65535), "dcffff01");
    begins(array(65536), "dd0001000001");
    const auto object = [](std::size_t size) {
        std::string out = "{";
        for (std::size_t i = 0; i < size; ++i) out += "\"k\":1,";
        out.back() = '}';
        return out;
    };
    begins("{}", "80");
    begins(object(15), "8fa16b01");
    begins(object(16), "de0010a16b01");
}

TEST(msgpack_packet, binaries_have_their_shortest_form) {
    const std::pair<std::size_t, const char*> forms[] = {
        {0, "c400"}, {255, "c4ff"}, {256, "c50100"}, {65535, "c5ffff"}, {65536, "c600010000"}};
    for (const auto& [size, head] : forms) {
        const std::string all =
            written(R"(51-["a",{"num":0,"_placeholder":true}])", {std::string(size, 'x')});
        EXPECT_EQ(all.substr(30, std::string_view(head).size()), head);
        const translated back = to_text(unhex(all));
        EXPECT_EQ(back.text, R"(51-/,["a",{"_placeholder":true,"num":0}])");
        EXPECT_EQ(back.attachments, std::vector<std::string>{std::string(size, 'x')});
    }
}

TEST(msgpack_packet, attachments_are_numbered_by_their_place) {
    const std::string bytes = unhex(
        written(R"(52-["a",{"_placeholder":true,"num":1},[{"x":{"_placeholder":true,"num":0}}]])",
                {"first", "second"}));
    const translated back = to_text(bytes);
    EXPECT_EQ(back.text,
              R"(52-/,["a",{"_placeholder":true,"num":0},[{"x":{"_placeholder":true,"num":1}}]])");
    EXPECT_EQ(back.attachments, (std::vector<std::string>{"second", "first"}));
}

TEST(msgpack_packet, values_become_json) {
    const std::pair<const char*, const char*> values[] = {
        {"c0", "null"},
        {"c2", "false"},
        {"c3", "true"},
        {"7f", "127"},
        {"e0", "-32"},
        {"ccff", "255"},
        {"cdffff", "65535"},
        {"ceffffffff", "4294967295"},
        {"cfffffffffffffffff", "18446744073709551615"},
        {"d0ff", "-1"},
        {"d07f", "127"},
        {"d18000", "-32768"},
        {"d280000000", "-2147483648"},
        {"d38000000000000000", "-9223372036854775808"},
        {"ca3fc00000", "1.5"},
        {"cb3ff8000000000000", "1.5"},
        {"cb7ff8000000000000", "null"},
        {"cb7ff0000000000000", "null"},
        {"cbfff0000000000000", "null"},
        {"a0", R"("")"},
        {"a36122 0a", R"("a\"\n")"},
        {"d901 61", R"("a")"},
        {"da0001 61", R"("a")"},
        {"db00000001 61", R"("a")"},
        {"90", "[]"},
        {"80", "{}"},
        {"920102", "[1,2]"},
        {"dc0001 01", "[1]"},
        {"dd00000001 01", "[1]"},
        {"82a16101a16290", R"({"a":1,"b":[]})"},
        {"de0001 a16101", R"({"a":1})"},
        {"df00000001 a16101", R"({"a":1})"},
        {"82 01 02 ff 03", R"({"1":2,"-1":3})"},
        {"d40000", "null"},
        {"91d40000", "[null]"},
        {"83a161d40000a16201a163d40000", R"({"b":1})"},
        {"81a161d40000", "{}"}};
    for (const auto& [bytes, json] : values) EXPECT_EQ(argument(bytes), json) << bytes;
}

TEST(msgpack_packet, dates_become_iso_texts) {
    const std::pair<const char*, const char*> values[] = {
        {"d6ff00000000", R"("1970-01-01T00:00:00.000Z")"},
        {"d6ffffffffff", R"("2106-02-07T06:28:15.000Z")"},
        {"d7ff 2faf0800 65920080", R"("2024-01-01T00:00:00.200Z")"},
        {"d7ff 00000003 ffffffff", R"("2514-05-30T01:53:03.000Z")"},
        {"c70cff 3b9aca00 ffffffffffffffff", R"("1970-01-01T00:00:00.000Z")"},
        {"c70cff 00000000 fffffff1868b8400", R"("0000-01-01T00:00:00.000Z")"},
        {"c70cff 00000000 fffffff1868b83ff", R"("-000001-12-31T23:59:59.000Z")"},
        {"c70cff 00000000 000007dba8218000", R"("+275760-09-13T00:00:00.000Z")"},
        {"c70cff 00000000 000007dba8218001", "null"},
        {"c70cff 00000000 0000000065e079f0", R"("2024-02-29T12:34:56.000Z")"},
        {"c70cff 00000000 ffffffff7ca34a00", R"("1900-03-01T00:00:00.000Z")"},
        {"c70cff 00000000 000000003a4fc87f", R"("2000-12-31T23:59:59.000Z")"},
        {"c70cff 00000000 7fffffffffffffff", "null"},
        {"c70cff 00000000 8000000000000000", "null"},
        {"d700 0000018cc251f400", R"("2024-01-01T00:00:00.000Z")"},
        {"d700 ffffffffffffffff", R"("1969-12-31T23:59:59.999Z")"},
        {"d700 8000000000000000", "null"}};
    for (const auto& [bytes, json] : values) EXPECT_EQ(argument(bytes), json) << bytes;
}

TEST(msgpack_packet, array_buffers_and_unknown_extensions_are_attachments) {
    const auto arguments = [](std::string_view value) {
        return to_text(unhex("83 a474797065 02 a464617461 92 a161") + unhex(value) +
                       unhex("a36e7370 a12f"));
    };
    EXPECT_EQ(arguments("c70200 0102").attachments, std::vector<std::string>{"\x01\x02"});
    EXPECT_EQ(arguments("c8000200 0102").attachments, std::vector<std::string>{"\x01\x02"});
    EXPECT_EQ(arguments("c90000000200 0102").text, R"(51-/,["a",{"_placeholder":true,"num":0}])");
    EXPECT_EQ(arguments("d505 0102").text, R"(51-/,["a",[5,{"_placeholder":true,"num":0}]])");
    EXPECT_EQ(arguments("d5fb 0102").attachments, std::vector<std::string>{"\x01\x02"});
}

TEST(msgpack_packet, members_may_come_in_any_order_and_the_last_counts) {
    EXPECT_EQ(to_text(unhex("84 a36e7370 a22f61 a464617461 92 a161 c40101 a464617461 91 a162 "
                            "a474797065 02"))
                  .text,
              R"(2/a,["b"])");
    const translated options =
        to_text(unhex("84 a464617461 92 a161 c40101 a178 81 a179 c40102 a36e7370 a12f "
                      "a474797065 02"));
    EXPECT_EQ(options.text, R"(51-/,["a",{"_placeholder":true,"num":0}])");
    EXPECT_EQ(options.attachments, std::vector<std::string>{"\x01"});
}

TEST(msgpack_packet, sec_s3_malformed_packets_are_refused) {
    const std::pair<const char*, errc> packets[] = {
        {"", errc::bad_msgpack},
        {"90", errc::bad_msgpack},
        {"01", errc::bad_msgpack},
        {"c1", errc::bad_msgpack},
        {"80", errc::unknown_packet_type},
        {"81 01 02", errc::bad_msgpack},
        {"82 a474797065 01 a36e7370 a12f 00", errc::bad_msgpack},
        {"82 a474797065 01", errc::bad_msgpack},
        {"81 a474797065 01", errc::bad_namespace},
        {"82 a474797065 01 a36e7370 a0", errc::bad_namespace},
        {"82 a474797065 01 a36e7370 a161", errc::bad_namespace},
        {"82 a474797065 01 a36e7370 01", errc::bad_namespace},
        {"82 a474797065 01 a36e7370 a42f612c62", errc::bad_namespace},  // a comma
        {"82 a474797065 05 a36e7370 a12f", errc::unknown_packet_type},
        {"82 a474797065 ff a36e7370 a12f", errc::unknown_packet_type},
        {"82 a474797065 a130 a36e7370 a12f", errc::unknown_packet_type},
        {"82 a474797065 cb4000000000000000 a36e7370 a12f", errc::unknown_packet_type},
        {"83 a474797065 02 a36e7370 a12f a26964 ff", errc::bad_ack_id},
        {"83 a474797065 02 a36e7370 a12f a464617461 05", errc::bad_payload},
        {"82 a474797065 02 a36e7370 a12f", errc::bad_payload},
        {"83 a474797065 03 a36e7370 a12f a464617461 d40000", errc::bad_payload},
        {"82 a474797065 04 a36e7370 a12f", errc::bad_payload},
        {"83 a474797065 00 a36e7370 a12f a464617461 81 a161 c400", errc::bad_payload},
        {"83 a474797065 02 a36e7370 a12f a464617461 91 81 c0 c0", errc::bad_msgpack},
    };
    for (const auto& [bytes, error] : packets)
        EXPECT_EQ(to_text(unhex(bytes)).error, error) << bytes;
    // What parse_packet has to say about the text.
    EXPECT_EQ(argument("a1ff"), failed(errc::invalid_utf8));
    EXPECT_EQ(argument("82 ac5f706c616365686f6c646572 c3 a36e756d 00"),
              failed(errc::bad_placeholder));
    EXPECT_EQ(argument("92 c400 82 ac5f706c616365686f6c646572 c3 a36e756d 00"),
              failed(errc::bad_placeholder));
}

TEST(msgpack_packet, announced_sizes_are_not_believed) {
    for (const auto* value : {"dbffffffff", "c6ffffffff", "ddffffffff", "dfffffffff",
                              "c9ffffffff00", "d9ff61", "9f", "8f", "cb00", "d8ff00"}) {
        EXPECT_EQ(argument(value), failed(errc::bad_msgpack)) << value;
    }
}

TEST(msgpack_packet, nesting_and_attachments_are_limited) {
    const auto nested = [](std::size_t depth) {
        std::string value;
        for (std::size_t i = 0; i < depth; ++i) value += "91";
        return value + "c0";
    };
    EXPECT_EQ(argument(nested(511)), std::string(511, '[') + "null" + std::string(511, ']'));
    EXPECT_EQ(argument(nested(512)), failed(errc::json_too_deep));
    EXPECT_EQ(argument(nested(100'000)), failed(errc::json_too_deep));
    std::string ten = "9a";
    for (int i = 0; i < 10; ++i) ten += "c400";
    EXPECT_TRUE(argument(ten).starts_with("[{\"_placeholder\""));
    EXPECT_EQ(argument("92 c400" + ten), failed(errc::bad_attachment_count));
    // At once, before the rest of the message costs anything.
    EXPECT_EQ(to_text(unhex("81 a464617461 92" + ten + "c400 c1")).error,
              errc::bad_attachment_count);
}

TEST(msgpack_packet, every_truncation_and_every_changed_byte_is_survived) {
    const std::string message =
        unhex(written(R"(52-/chat,300["say",{"a":[1,-2.5,true,null,"x\n",70000,-70000]},)"
                      R"({"_placeholder":true,"num":0},{"_placeholder":true,"num":1}])",
                      {"first", "second"}));
    ASSERT_EQ(to_text(message).error, errc{});
    for (std::size_t size = 0; size < message.size(); ++size) {
        EXPECT_NE(to_text(std::string(message, 0, size)).error, errc{});
    }
    for (std::size_t at = 0; at < message.size(); ++at) {
        for (int byte = 0; byte < 256; ++byte) {
            std::string changed = message;
            changed[at] = static_cast<char>(byte);
            const translated packet = to_text(changed);
            EXPECT_LE(packet.attachments.size(), 10U);
        }
    }
}

TEST(msgpack_json, without_a_list_of_attachments_binaries_are_base64) {
    const std::string bytes = unhex("95 c400 c40101 c403010203 d60501020304 c7030005060a");
    msgpack_reader in(as_bytes(bytes));
    std::string out = "before ";
    EXPECT_EQ(append_json(out, in, nullptr), errc{});
    EXPECT_EQ(out, R"(before ["","AQ==","AQID",[5,"AQIDBA=="],"BQYK"])");
    EXPECT_TRUE(in.at_end());
}

TEST(msgpack_json, values_are_read_one_by_one) {
    const std::string bytes = unhex("91c40107 a178 d40000 c40108");
    msgpack_reader in(as_bytes(bytes));
    attachment_list list{{}, 2};
    std::string out;
    for (int i = 0; i < 4; ++i) EXPECT_EQ(append_json(out, in, &list), errc{});
    EXPECT_EQ(out, R"([{"_placeholder":true,"num":0}]"x"{"_placeholder":true,"num":1})");
    EXPECT_EQ(list.found.size(), 2U);
    EXPECT_EQ(append_json(out, in, &list), errc::bad_msgpack);
}

TEST(msgpack_json, nothing_is_made_of_what_is_no_json) {
    const auto nested = [](std::size_t depth) {
        return std::string(depth, '[') + std::string(depth, ']');
    };
    std::string out = "before";
    for (const std::string& json :
         {std::string(), std::string("[1"), std::string("1 2"), std::string("{\"a\":}"),
          std::string("[01]"), nested(513), std::string(100'000, '[')}) {
        EXPECT_FALSE(append_msgpack(out, json, {})) << json.substr(0, 20);
    }
    EXPECT_EQ(out, "before");
    EXPECT_TRUE(append_msgpack(out, nested(512), {}));
    EXPECT_TRUE(append_msgpack(out, " { \"a\" : 1 } ", {}));
    EXPECT_TRUE(out.ends_with("\x81\xa1\x61\x01"));
}

}  // namespace
}  // namespace weft::socketio
