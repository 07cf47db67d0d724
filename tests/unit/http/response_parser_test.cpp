// Responses as a client reads them: framing, limits, interim responses, and that pieces do not
// matter.

#include "http/proto/response_parser.hpp"

#include <string>

#include <gtest/gtest.h>

namespace weft::http {
namespace {

struct outcome {
    parse_status status;
    std::size_t consumed;
    errc error;
    std::string body;
};

outcome read(std::string_view bytes, std::uint64_t max_body = 1000, std::size_t step = SIZE_MAX) {
    response_parser parser(max_body);
    response_parser::step last{parse_status::incomplete, 0};
    std::size_t consumed = 0;
    while (!bytes.empty() && last.status == parse_status::incomplete) {
        const std::string part(bytes.substr(0, step));
        last = parser.feed(part);
        consumed += last.consumed;
        bytes.remove_prefix(part.size());
    }
    if (last.status == parse_status::incomplete) last.status = parser.end();
    return {last.status, consumed, parser.error(), parser.body()};
}

TEST(response_parser, reads_every_framing_in_any_pieces) {
    const std::string ok = "HTTP/1.1 200 OK\r\n";
    const std::string responses[] = {
        ok + "Content-Length: 5\r\n\r\nhello",
        ok + "Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
        ok + "\r\nhello",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\n" + ok +
            "Content-Length: 5\r\n\r\nhello",
    };
    for (const std::string& response : responses) {
        for (std::size_t step = 1; step <= response.size(); ++step) {
            const outcome out = read(response, 1000, step);
            EXPECT_EQ(out.status, parse_status::complete) << response;
            EXPECT_EQ(out.body, "hello") << response << " in pieces of " << step;
            EXPECT_EQ(out.consumed, response.size());
        }
    }
}

TEST(response_parser, a_response_without_a_body_ends_with_its_head) {
    EXPECT_EQ(read("HTTP/1.1 204 No Content\r\n\r\n").status, parse_status::complete);
    EXPECT_EQ(read("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").status, parse_status::complete);
    EXPECT_EQ(read("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n").status,
              parse_status::complete);
}

TEST(response_parser, what_follows_a_response_is_not_consumed) {
    const std::string one = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    EXPECT_EQ(read(one + "HTTP/1.1 200 OK").consumed, one.size());
}

TEST(response_parser, the_limit_holds_for_every_framing) {
    const std::string ok = "HTTP/1.1 200 OK\r\n";
    EXPECT_EQ(read(ok + "Content-Length: 6\r\n\r\n", 5).error, errc::body_too_large);
    EXPECT_EQ(read(ok + "Transfer-Encoding: chunked\r\n\r\n6\r\n", 5).error, errc::body_too_large);
    EXPECT_EQ(read(ok + "\r\nhello!", 5).error, errc::body_too_large);
    EXPECT_EQ(read(ok + "\r\nhello", 5).body, "hello");
}

TEST(response_parser, an_end_that_comes_too_soon_is_a_failure) {
    EXPECT_EQ(read("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello").status,
              parse_status::failed);
    EXPECT_EQ(read("HTTP/1.1 200 OK\r\nContent-Le").status, parse_status::failed);
    EXPECT_EQ(read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n").status,
              parse_status::failed);
}

TEST(response_parser, refuses_what_could_mean_two_things) {
    const std::string ok = "HTTP/1.1 200 OK\r\n";
    EXPECT_EQ(read(ok + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n").error,
              errc::conflicting_framing);
    EXPECT_EQ(read(ok + "Content-Length: 2\r\nContent-Length: 2\r\n\r\nok").error,
              errc::conflicting_framing);
    EXPECT_EQ(read("HTTP/1.1 20 OK\r\n\r\n").error, errc::bad_status_line);
    EXPECT_EQ(read(ok + "A: b\nC: d\r\n\r\n").error, errc::bad_line_end);
}

TEST(response_parser, heads_share_one_limit) {
    std::string interim;
    while (interim.size() < 17U * 1024) interim += "HTTP/1.1 103 Hints\r\nLink: x\r\n\r\n";
    EXPECT_EQ(read(interim).error, errc::header_too_long);
    EXPECT_EQ(read(interim, 1000, 7).error, errc::header_too_long);
}

TEST(response_parser, says_whether_the_connection_can_be_used_again) {
    const auto reusable = [](std::string_view bytes) {
        response_parser parser(100);
        (void)parser.feed(bytes);
        return parser.keep_alive();
    };
    EXPECT_TRUE(reusable("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
    EXPECT_FALSE(reusable("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"));
    EXPECT_FALSE(reusable("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"));
    EXPECT_FALSE(reusable("HTTP/1.1 200 OK\r\n\r\n"));
}

}  // namespace
}  // namespace weft::http
