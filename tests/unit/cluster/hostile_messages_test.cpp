// What somebody who may write to Redis could send: nothing of it crashes, and limits hold.

#include <gtest/gtest.h>

#include <functional>

#include "cluster/adapter/proto/classic_codec.hpp"
#include "cluster/adapter/proto/cluster_codec.hpp"
#include "unit/cluster/adapter_text.hpp"

namespace weft::cluster {
namespace {

/// In a block of its own, so that reading beyond its end is seen.
errc decode(std::string_view body, adapter_message& out, const message_limits& limits = {}) {
    const std::vector<char> block(body.begin(), body.end());
    return decode_message(as_bytes({block.data(), block.size()}), limits, out);
}

errc decode_broadcast(std::string_view body, adapter_message& out,
                      const message_limits& limits = {}) {
    const std::vector<char> block(body.begin(), body.end());
    return classic::decode_broadcast(as_bytes({block.data(), block.size()}), "/", limits, out);
}

adapter_message everything() {
    adapter_message m;
    m.head.uid = "10fdff8e357d80a2";
    m.head.request_id = "d304974d2b946759";
    m.head.timeout = 70'000;
    m.head.expect_single_response = true;
    m.content.to = {"/", {"a", std::string(300, 'r')}, {"b\"\n"}};
    m.content.event = "event\u20ac";
    m.content.arguments = R"(1,-70000,1.5,{"_placeholder":true,"num":1},"x\n",{"a":[[],{}]},)"
                          R"(true,false,null,{"_placeholder":true,"num":0},1e300)";
    m.content.attachments = {message::binary(as_bytes("\x01\x02")),
                             message::binary(as_bytes(std::string(70'000, 'b')))};
    m.content.droppable = true;
    m.content.uncompressed = true;
    m.content.latest = "key";
    return m;
}

TEST(sec_p7, cut_anywhere_are_refused) {
    adapter_message m = everything();
    m.content.attachments.clear();
    m.content.arguments = R"(1,"x\u00e9\n",{"a":[[],{}]},true,null,1e300)";
    std::string json;
    ASSERT_EQ(append_message(json, m.head, m.content, body_form::json), errc{});
    m = everything();
    m.content.attachments[1] = message::binary(as_bytes(std::string(300, 'b')));
    std::string msgpack;
    ASSERT_EQ(append_message(msgpack, m.head, m.content, body_form::msgpack), errc{});
    std::string broadcast;
    ASSERT_EQ(classic::append_broadcast(broadcast, m.head, m.content), errc{});
    adapter_message out;
    for (std::size_t i = 0; i < json.size(); ++i) {
        EXPECT_NE(decode(json.substr(0, i), out), errc{}) << i;
    }
    for (std::size_t i = 0; i < msgpack.size(); ++i) {
        EXPECT_NE(decode(msgpack.substr(0, i), out), errc{}) << i;
    }
    for (std::size_t i = 0; i < broadcast.size(); ++i) {
        EXPECT_NE(decode_broadcast(broadcast.substr(0, i), out), errc{}) << i;
    }
    EXPECT_EQ(decode(json, out), errc{});
    EXPECT_EQ(decode(msgpack, out), errc{});
    EXPECT_EQ(decode_broadcast(broadcast, out), errc{});
}

TEST(sec_p7, with_any_byte_changed_do_no_harm) {
    const adapter_message m = everything();
    std::string body;
    ASSERT_EQ(append_message(body, m.head, m.content, body_form::msgpack), errc{});
    body.resize(600);  // the beginning of the large attachment is enough
    adapter_message out;
    for (std::size_t i = 0; i < body.size(); ++i) {
        for (const char byte : {'\x00', '\x7f', '\x80', '\xc1', '\xc6', '\xdb', '\xdf', '\xff'}) {
            std::string changed = body;
            changed[i] = byte;
            static_cast<void>(decode(changed, out));
        }
    }
}

TEST(sec_p7, come_back_from_every_form) {
    const adapter_message m = everything();
    std::string body;
    ASSERT_EQ(append_message(body, m.head, m.content, body_form::msgpack), errc{});
    adapter_message out;
    ASSERT_EQ(decode(body, out), errc{});
    // Attachments are numbered in their order, and numbers are shortest.
    adapter_message expected = m;
    expected.content.arguments =
        R"(1,-70000,1.5,{"_placeholder":true,"num":0},"x\n",{"a":[[],{}]},)"
        R"(true,false,null,{"_placeholder":true,"num":1},1e+300)";
    std::swap(expected.content.attachments[0], expected.content.attachments[1]);
    EXPECT_EQ(describe(out), describe(expected));
    std::string again;
    ASSERT_EQ(append_message(again, out.head, out.content, body_form::msgpack), errc{});
    EXPECT_EQ(again, body);
}

TEST(sec_p7, nested_too_deep_are_refused) {
    adapter_message out;
    const auto json = [](std::size_t depth) {
        return R"({"type":9,"uid":"u","nsp":"/","data":{"packet":["e",)" + std::string(depth, '[') +
               std::string(depth, ']') + "]}}";
    };
    EXPECT_EQ(decode(json(509), out), errc{});
    EXPECT_EQ(decode(json(510), out), errc::body_too_deep);
    EXPECT_EQ(decode(json(1'000'000), out), errc::body_too_deep);
    const auto msgpack = [](std::size_t depth) {
        return unhex(
                   "84 a474797065 09 a3756964 a175 a36e7370 a12f a464617461 81 a67061636b6574 92 "
                   "a165") +
               std::string(depth - 1, '\x91') + '\x90';
    };
    EXPECT_EQ(decode(msgpack(509), out), errc{});
    EXPECT_EQ(decode(msgpack(510), out), errc::body_too_deep);
    EXPECT_EQ(decode(msgpack(1'000'000), out), errc::body_too_deep);
    EXPECT_EQ(decode(std::string(1'000'000, '\x81'), out), errc::malformed_body) << "no key";
    std::string skipped = unhex("81 a178");  // what find_member skips
    for (int i = 0; i < 100'000; ++i) skipped += unhex("81 a178");
    EXPECT_EQ(decode(skipped, out), errc::body_too_deep);
}

TEST(sec_p7, that_announce_what_does_not_come_cost_nothing) {
    adapter_message out;
    for (const std::string_view digits :
         {"dfffffffff", "ddffffffff", "dbffffffff61", "c6ffffffff61", "c9ffffffff0061",
          "81a474797065dfffffffff", "ddffffffffddffffffffddffffffff"}) {
        EXPECT_EQ(decode(unhex(digits), out), errc::malformed_body) << digits;
        EXPECT_EQ(decode_broadcast(unhex(digits), out), errc::malformed_body) << digits;
    }
}

TEST(sec_p7, have_one_placeholder_for_each_attachment) {
    adapter_message out;
    const auto arguments = [&](std::string_view digits) {
        return decode(
            unhex("84 a474797065 09 a3756964 a175 a36e7370 a12f a464617461 81 a67061636b6574"
                  " 93 a165" +
                  std::string(digits)),
            out);
    };
    constexpr std::string_view lookalike = "82 ac5f706c616365686f6c646572 c3 a36e756d 00";
    EXPECT_EQ(arguments("c40107 01"), errc{});
    EXPECT_EQ(arguments("c40107 " + std::string(lookalike)), errc::bad_placeholder);
    EXPECT_EQ(arguments("01 " + std::string(lookalike)), errc::bad_placeholder);
    EXPECT_EQ(decode(R"({"type":9,"uid":"u","nsp":"/","data":{"packet":["e",)"
                     R"({"_placeholder":true,"num":0}]}})",
                     out),
              errc::bad_placeholder);
    // Binary values where none are told: in a member that means nothing, and in a name.
    EXPECT_EQ(
        decode(unhex("85 a474797065 09 a3756964 a175 a36e7370 a12f a464617461 81 a67061636b6574 "
                     "91 a165 a178 c40107"),
               out),
        errc::bad_placeholder);
    EXPECT_EQ(decode(unhex("83 a474797065 01 a3756964 c40175 a36e7370 a12f"), out),
              errc::bad_member);
}

TEST(sec_p7, have_at_most_64_attachments) {
    adapter_message out;
    const auto with = [](int count) {
        std::string body =
            unhex("84 a474797065 09 a3756964 a175 a36e7370 a12f a464617461 81 a67061636b6574 dc00");
        body += static_cast<char>(count + 1);
        body += unhex("a165");
        for (int i = 0; i < count; ++i) body += unhex("c40107");
        return body;
    };
    EXPECT_EQ(decode(with(64), out), errc{});
    EXPECT_EQ(out.content.attachments.size(), 64U);
    EXPECT_EQ(decode(with(65), out), errc::too_many_attachments);
}

TEST(sec_p7, keep_the_limits) {
    adapter_message out;
    const message_limits limits{
        .max_rooms = 2, .max_names = 4, .max_sockets = 2, .max_event_name = 3};
    const auto with = [&](std::string_view type, std::string_view data) {
        return decode(R"({"uid":"u","nsp":"/","type":)" + std::string(type) + R"(,"data":)" +
                          std::string(data) + '}',
                      out, limits);
    };
    EXPECT_EQ(with("4", R"({"opts":{"rooms":["a","b"],"except":["c","d"]},"rooms":["e","f"]})"),
              errc{});
    EXPECT_EQ(with("4", R"({"opts":{"rooms":["a","b","c"]},"rooms":[]})"), errc::too_many_rooms);
    EXPECT_EQ(with("4", R"({"opts":{"except":["a","b","c"]},"rooms":[]})"), errc::too_many_rooms);
    EXPECT_EQ(with("4", R"({"opts":{},"rooms":["a","b","c"]})"), errc::too_many_rooms);
    EXPECT_EQ(with("9", R"({"packet":["abc"]})"), errc{});
    EXPECT_EQ(with("9", R"({"packet":["abcd"]})"), errc::bad_event_name);
    EXPECT_EQ(with("8", R"({"requestId":"i","sockets":[{"id":"a","rooms":["a","b","c"]},)"
                        R"({"id":"b","rooms":["b"]}]})"),
              errc{});
    EXPECT_EQ(with("8", R"({"requestId":"i","sockets":[{"id":"a","rooms":["a","b","c"]},)"
                        R"({"id":"b","rooms":["b","c"]}]})"),
              errc::too_many_names);
    EXPECT_EQ(with("8", R"({"requestId":"i","sockets":[{"id":"a"},{"id":"b"},{"id":"c"}]})"),
              errc::too_many_sockets);
    const auto answer = [&](std::string_view json) {
        return classic::decode_response(as_bytes(json), "/", limits, out);
    };
    EXPECT_EQ(answer(R"({"requestId":"i","rooms":["a","b","c","d"]})"), errc{});
    EXPECT_EQ(answer(R"({"requestId":"i","rooms":["a","b","c","d","e"]})"), errc::too_many_names);
    EXPECT_EQ(answer(R"({"requestId":"i","sockets":["a","b","c","d","e"]})"), errc::too_many_names);
}

TEST(sec_p7, in_msgpack_are_utf8) {
    adapter_message out;
    EXPECT_EQ(decode(unhex("83 a474797065 01 a3756964 a1ff a36e7370 a12f"), out),
              errc::invalid_utf8);
    EXPECT_EQ(decode(unhex("84 a474797065 01 a3756964 a175 a36e7370 a12f a1ff 00"), out),
              errc::invalid_utf8)
        << "what means nothing, too";
}

TEST(sec_p7, have_waits_that_are_numbers) {
    adapter_message out;
    const auto wait = [&](std::string_view text) {
        const errc bad = decode(R"({"type":3,"uid":"u","nsp":"/","data":{"packet":{"type":2,)"
                                R"("data":["e"]},"opts":{"flags":{"timeout":)" +
                                    std::string(text) + "}}}}",
                                out);
        return bad == errc{} ? std::to_string(out.head.timeout.value_or(7)) : "refused";
    };
    EXPECT_EQ(wait("1000"), "1000");
    EXPECT_EQ(wait("1.9"), "1");
    EXPECT_EQ(wait("-5"), "0");
    EXPECT_EQ(wait("1e300"), "9007199254740992");
    EXPECT_EQ(wait("1e400"), "refused");
    EXPECT_EQ(wait("\"1\""), "refused");
    EXPECT_EQ(wait("null"), "7");
}

TEST(cluster_errors, name_their_limit_and_have_a_condition) {
    EXPECT_NE(make_error_code(errc::too_many_rooms).message().find("max_rooms"), std::string::npos);
    EXPECT_TRUE(make_error_code(errc::too_many_names) == condition::limit_exceeded);
    EXPECT_TRUE(make_error_code(errc::bad_member) == condition::protocol_violation);
    EXPECT_EQ(std::string(error_category().name()), "weft.cluster");
}

}  // namespace
}  // namespace weft::cluster
