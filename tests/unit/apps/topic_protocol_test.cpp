// What requests mean, which are refused and why, and the exact text of every answer.

#include "topics/topic_protocol.hpp"

#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace weft::topics {
namespace {

// Keeps the text in memory of exactly its size, so that a sanitizer sees reads beyond it.
struct parsed {
    explicit parsed(std::string_view text) : memory(std::make_unique<char[]>(text.size())) {
        std::memcpy(memory.get(), text.data(), text.size());
        why = parse_request({memory.get(), text.size()}, what);
    }
    std::unique_ptr<char[]> memory;
    request what;
    refusal why = refusal::none;
};

refusal refused(std::string_view text) {
    return parsed(text).why;
}

std::string publish_of(std::string_view data) {
    return R"({"type":"publish","topic":"t","data":)" + std::string(data) + "}";
}

TEST(topic_protocol, reads_every_type_of_request) {
    const parsed hello(R"({"type":"hello","name":"Ada"})");
    EXPECT_EQ(hello.why, refusal::none);
    EXPECT_EQ(hello.what.type, request_type::hello);
    EXPECT_EQ(hello.what.name, "Ada");
    EXPECT_FALSE(hello.what.id);

    const parsed publish(R"( {"data":{"a":[1, 2]},"topic":"r\u00f6om","id":7,"type":"publish"} )");
    EXPECT_EQ(publish.why, refusal::none);
    EXPECT_EQ(publish.what.type, request_type::publish);
    EXPECT_EQ(publish.what.topic, "r\xc3\xb6om");
    EXPECT_EQ(publish.what.data, R"({"a":[1, 2]})");
    EXPECT_EQ(publish.what.id, 7U);

    EXPECT_EQ(parsed(R"({"type":"subscribe","topic":"t"})").what.type, request_type::subscribe);
    EXPECT_EQ(parsed(R"({"type":"unsubscribe","topic":"t"})").what.type, request_type::unsubscribe);
    EXPECT_EQ(parsed(R"({"type":"list"})").what.type, request_type::list);
    EXPECT_EQ(parsed(R"({"type":"ping"})").what.type, request_type::ping);
}

TEST(topic_protocol, hands_data_on_exactly_as_written) {
    for (const std::string_view data :
         {"null", "true", "-1.50e+400", "1234567890123456789012345", R"("\ud800 \u0041")",
          R"({"b" : 1, "a":[ 1,2 ]})", "[ ]", "\"\xf0\x9f\xa7\xb5\""}) {
        const parsed got(publish_of(data));
        EXPECT_EQ(got.why, refusal::none) << data;
        EXPECT_EQ(got.what.data, data);
        EXPECT_EQ(parsed(publish_of(" \n" + std::string(data) + "\t ")).what.data, data);
    }
}

TEST(topic_protocol, refuses_broken_data_inside_balanced_brackets) {
    for (const std::string_view data : {"[1,,2]", R"({"a" "b"})", "[}", R"({"x":"\q"})", "[01]"}) {
        EXPECT_EQ(refused(publish_of(data)), refusal::bad_json) << data;
    }
    EXPECT_EQ(refused(publish_of("1") + "x"), refusal::bad_json);
    EXPECT_EQ(refused(publish_of(std::string(512, '[') + std::string(512, ']'))),
              refusal::too_deep);
    EXPECT_EQ(refused(publish_of(std::string(63, '[') + std::string(63, ']'))), refusal::none);
}

TEST(topic_protocol, refuses_missing_doubled_and_mistyped_fields) {
    for (const std::string_view text :
         {"[]", "1", "null", "{}", R"({"type":1})", R"({"type":"hello"})",
          R"({"type":"hello","name":1})", R"({"type":"subscribe"})",
          R"({"type":"subscribe","topic":null})", R"({"type":"publish","topic":"t"})",
          R"({"type":"publish","data":1})", R"({"type":"ping","type":"ping"})",
          R"({"type":"subscribe","topic":"a","topic":"b"})", R"({"type":"ping","id":-1})",
          R"({"type":"ping","id":1.5})", R"({"type":"ping","id":"1"})",
          R"({"type":"ping","id":9007199254740992})"}) {
        EXPECT_EQ(refused(text), refusal::bad_request) << text;
    }
}

TEST(topic_protocol, reads_half_of_a_surrogate_pair_as_browsers_do) {
    const parsed got(R"({"type":"hello","name":"\ud800"})");
    EXPECT_EQ(got.why, refusal::none);
    EXPECT_EQ(got.what.name, "\xef\xbf\xbd");
}

TEST(topic_protocol, ignores_fields_it_does_not_know) {
    EXPECT_EQ(refused(R"({"type":"ping","later":{"a":[1]},"later":2})"), refusal::none);
    EXPECT_EQ(refused(R"({"type":"hello","name":"","data":[{"type":"x"}]})"), refusal::none);
}

TEST(topic_protocol, checks_types_topics_and_names) {
    const auto subscribe = [](std::string_view topic) {
        return refused(R"({"type":"subscribe","topic":")" + std::string(topic) + "\"}");
    };
    const auto hello = [](std::string_view name) {
        return refused(R"({"type":"hello","name":")" + std::string(name) + "\"}");
    };
    EXPECT_EQ(refused(R"({"type":"shout"})"), refusal::unknown_type);
    EXPECT_EQ(subscribe(""), refusal::bad_topic);
    EXPECT_EQ(subscribe(std::string(128, 'x')), refusal::none);
    EXPECT_EQ(subscribe(std::string(129, 'x')), refusal::bad_topic);
    EXPECT_EQ(subscribe(R"(a\u0000b)"), refusal::bad_topic);
    EXPECT_EQ(subscribe("\x7f"), refusal::bad_topic);
    EXPECT_EQ(hello(""), refusal::none);
    EXPECT_EQ(hello(std::string(64, 'x')), refusal::none);
    EXPECT_EQ(hello(std::string(65, 'x')), refusal::bad_name);
    EXPECT_EQ(hello(R"(\n)"), refusal::bad_name);
    EXPECT_EQ(refused(R"({"type":"ping","name":"\u0007"})"), refusal::bad_name);
    EXPECT_EQ(refused(R"({"type":"ping","topic":""})"), refusal::bad_topic);
}

TEST(topic_protocol, keeps_type_and_id_of_a_refused_request) {
    const parsed got(R"({"type":"publish","topic":1,"data":2,"id":3})");
    EXPECT_EQ(got.why, refusal::bad_request);
    EXPECT_EQ(got.what.type, request_type::publish);
    EXPECT_EQ(got.what.id, 3U);
}

TEST(topic_protocol, writes_every_answer) {
    const parsed got(R"({"type":"publish","topic":"a\"b","data":[1],"id":4})");
    const request& what = got.what;
    const auto text = [](auto&& format) {
        std::string out;
        format(out);
        return out;
    };
    EXPECT_EQ(text([&](auto& out) {
                  format_welcome(out, what, {"c1", "Ada"});
              }),
              R"({"type":"welcome","id":4,"you":{"id":"c1","name":"Ada"}})");
    EXPECT_EQ(text([&](auto& out) {
                  format_subscribed(out, what, {2, 9});
              }),
              R"({"type":"subscribed","id":4,"topic":"a\"b","count":2,"version":9})");
    EXPECT_EQ(text([&](auto& out) { format_unsubscribed(out, what); }),
              R"({"type":"unsubscribed","id":4,"topic":"a\"b"})");
    EXPECT_EQ(text([&](auto& out) { format_published(out, what); }),
              R"({"type":"published","id":4,"topic":"a\"b"})");
    EXPECT_EQ(
        text([&](auto& out) {
            const topic_count topics[] = {{"x", 2}, {"y", 1}};
            format_topics(out, what, topics);
        }),
        R"({"type":"topics","id":4,"topics":[{"topic":"x","count":2},{"topic":"y","count":1}]})");
    EXPECT_EQ(text([&](auto& out) { format_pong(out, {}); }), R"({"type":"pong"})");
    EXPECT_EQ(text([&](auto& out) {
                  format_message(out, "t", {"c1", "A"}, "[1, 2]");
              }),
              R"({"type":"message","topic":"t","from":{"id":"c1","name":"A"},"data":[1, 2]})");
    EXPECT_EQ(text([&](auto& out) {
                  format_presence(out, "t", {3, 8});
              }),
              R"({"type":"presence","topic":"t","count":3,"version":8})");
    EXPECT_EQ(
        text([&](auto& out) { format_error(out, what, refusal::rate_limited); }),
        R"({"type":"error","id":4,"code":"rate_limited","message":"too many requests, try again later","request":"publish"})");
    EXPECT_EQ(
        text([&](auto& out) { format_error(out, {}, refusal::bad_json); }),
        R"({"type":"error","code":"bad_json","message":"the message is not one JSON value"})");
}

}  // namespace
}  // namespace weft::topics
