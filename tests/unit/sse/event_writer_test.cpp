// Events as they stand in a stream; nothing in them can end one early or begin another.

#include "sse/proto/event_writer.hpp"

#include <gtest/gtest.h>

#include <string>

namespace weft::sse {
namespace {

using namespace std::string_view_literals;

std::string written(const event& what) {
    std::string out;
    append_event(out, what);
    return out;
}

TEST(event_writer, writes_each_field) {
    EXPECT_EQ(
        written({.data = "hello", .name = "news", .id = "7", .retry = std::chrono::seconds(2)}),
        "retry: 2000\nid: 7\nevent: news\ndata: hello\n\n");
    EXPECT_EQ(written({}), "data: \n\n");
}

TEST(event_writer, each_line_of_the_data_is_a_field) {
    EXPECT_EQ(written({.data = "a\nb\r\nc\rd"}), "data: a\ndata: b\ndata: c\ndata: d\n\n");
    EXPECT_EQ(written({.data = "a\n"}), "data: a\ndata: \n\n");
    EXPECT_EQ(written({.data = "\n\n"}), "data: \ndata: \ndata: \n\n");
    EXPECT_EQ(written({.data = "\r\n"}), "data: \ndata: \n\n");
}

TEST(event_writer, sec_h7_nothing_forges_a_field_or_an_event) {
    EXPECT_EQ(written({.data = "x\n\nevent: evil\ndata: y"}),
              "data: x\ndata: \ndata: event: evil\ndata: data: y\n\n");
    for (const std::string_view bad : {"a\nb"sv, "a\rb"sv, "a\r\nb"sv}) {
        EXPECT_EQ(written({.data = "x", .name = bad, .id = bad}), "data: x\n\n");
    }
    EXPECT_EQ(written({.data = "x", .id = "a\0b"sv}), "data: x\n\n");
}

}  // namespace
}  // namespace weft::sse
