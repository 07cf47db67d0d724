// Bytes in, requests out: where the bytes are split and whether they are copied makes no
// difference to what is read.

#include "http/proto/request_reader.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace weft::http {
namespace {

using event = request_reader::event;

/// One loop's readers, and what one of them has told.
struct reading {
    explicit reading(std::uint64_t budget_limit = UINT64_MAX, head_limits limits = {})
        : budget(budget_limit), common(limits, budget), reader(common) {}

    void feed(std::string bytes) {
        byte_span in(reinterpret_cast<std::byte*>(bytes.data()), bytes.size());
        while (!in.empty()) {
            switch (reader.next(in)) {
                case event::more: EXPECT_TRUE(in.empty()); break;
                case event::head:
                    if (const errc e = reader.take_body(max_body); e != errc::none) {
                        return fail(e);
                    }
                    if (reader.next(in) == event::request) request();
                    break;
                case event::request: request(); break;
                case event::failed: return fail(reader.error());
            }
            if (reader.error() != errc::none) return fail(reader.error());
        }
    }
    void request() {
        told.append(reader.head().target()).append("=").append(as_text(reader.body())).append(" ");
        reader.reset();
    }
    void fail(errc why) { told += "error " + std::to_string(static_cast<int>(why)); }

    byte_budget budget;
    request_reader::shared common;
    request_reader reader;
    std::uint64_t max_body = 100;
    std::string told;
};

const std::string get_a = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n";
const std::string post_b = "POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello";
const std::string post_c =
    "POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";

TEST(request_reader, any_split_gives_the_same_requests) {
    const std::string bytes = get_a + post_b + post_c + get_a;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        for (std::size_t j = i; j < bytes.size(); ++j) {
            reading r;
            r.feed(bytes.substr(0, i));
            r.feed(bytes.substr(i, j - i));
            r.feed(bytes.substr(j));
            ASSERT_EQ(r.told, "/a= /b=hello /c=abcde /a= ") << i << " " << j;
            ASSERT_EQ(r.budget.used(), 0U);
        }
    }
}

TEST(request_reader, a_request_in_one_piece_is_read_where_it_lies) {
    reading r;
    std::string bytes = post_b;
    byte_span in(reinterpret_cast<std::byte*>(bytes.data()), bytes.size());
    ASSERT_EQ(r.reader.next(in), event::head);
    EXPECT_EQ(as_text(r.reader.head_bytes()), bytes.substr(0, bytes.size() - 5));
    ASSERT_EQ(r.reader.take_body(5), errc::none);
    ASSERT_EQ(r.reader.next(in), event::request);
    EXPECT_EQ(as_text(r.reader.body()).data(), bytes.data() + bytes.size() - 5);
    EXPECT_EQ(r.reader.head().header("host").data(), bytes.data() + bytes.find("x\r\n"));
    EXPECT_EQ(r.budget.used(), 0U);
}

TEST(request_reader, says_which_part_has_come) {
    reading r;
    EXPECT_TRUE(r.reader.between_requests());
    r.feed("POST /b HT");
    EXPECT_TRUE(r.reader.in_head());
    r.feed("TP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhe");
    EXPECT_TRUE(r.reader.in_body());
    EXPECT_EQ(r.reader.body_received(), 2U);
    EXPECT_GT(r.budget.used(), 0U) << "what is kept is charged";
    r.feed("llo");
    EXPECT_EQ(r.told, "/b=hello ");
    EXPECT_TRUE(r.reader.between_requests());
    EXPECT_EQ(r.budget.used(), 0U);
}

TEST(request_reader, never_reads_behind_an_error) {
    for (const char* wrong : {"GET /a HTTP/9.9\r\n\r\n",
                              "POST /c HTTP/1.1\r\nHost: x\r\n"
                              "Transfer-Encoding: chunked\r\n\r\nzz\r\n"}) {
        reading r;
        r.feed(wrong);
        EXPECT_TRUE(r.told.starts_with("error ")) << r.told;
        std::string bytes = get_a;
        byte_span in(reinterpret_cast<std::byte*>(bytes.data()), bytes.size());
        EXPECT_EQ(r.reader.next(in), event::failed);
        EXPECT_EQ(in.size(), get_a.size());
    }
}

TEST(request_reader, a_body_above_the_limit_is_refused_before_it_comes) {
    reading r;
    r.max_body = 4;
    r.feed(post_b.substr(0, post_b.size() - 5));
    EXPECT_EQ(r.told, "error " + std::to_string(static_cast<int>(errc::body_too_large)));
    reading chunks;
    chunks.max_body = 4;
    chunks.feed(post_c);
    EXPECT_EQ(chunks.told, r.told);
}

TEST(request_reader, a_body_that_the_budget_has_no_room_for_is_refused) {
    reading r(100);
    r.feed("POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 90\r\n\r\n");
    EXPECT_EQ(r.told, "");
    r.feed(std::string(80, 'x'));
    EXPECT_EQ(r.told, "error " + std::to_string(static_cast<int>(errc::out_of_memory)));
}

}  // namespace
}  // namespace weft::http
