// The strict head parser: what it refuses (every smuggling vector, at every split), what it keeps,
// and that its work is linear in the bytes.

#include "http/proto/head_parser.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "smuggling_vectors.hpp"

namespace weft::http {
namespace {

struct outcome {
    parse_status status;
    errc error;
    std::size_t size;
    friend bool operator==(const outcome&, const outcome&) = default;
};

// Feeds growing prefixes, each at another address, the way a kept buffer grows.
outcome parse_in_steps(std::string_view bytes, std::vector<std::size_t> ends,
                       head_kind kind = head_kind::request) {
    head_parser parser(kind);
    ends.push_back(bytes.size());
    auto status = parse_status::incomplete;
    for (const std::size_t end : ends) {
        const std::string copy(bytes.substr(0, end));
        status = parser.parse(copy);
        if (status != parse_status::incomplete) break;
    }
    return {status, parser.error(), status == parse_status::complete ? parser.size() : 0};
}

outcome parse_whole(std::string_view bytes, head_kind kind = head_kind::request) {
    return parse_in_steps(bytes, {}, kind);
}

void expect_same_at_every_split(std::string_view bytes, head_kind kind = head_kind::request) {
    const outcome whole = parse_whole(bytes, kind);
    std::vector<std::size_t> every_byte;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        EXPECT_EQ(parse_in_steps(bytes, {i}, kind), whole) << "split at " << i;
        every_byte.push_back(i);
    }
    EXPECT_EQ(parse_in_steps(bytes, every_byte, kind), whole) << "byte by byte";
}

errc error_of(std::string_view bytes) {
    return parse_whole(bytes).error;
}

std::string request_with(std::string_view lines) {
    return "GET / HTTP/1.1\r\nHost: x\r\n" + std::string(lines) + "\r\n";
}

class sec_h1_head_vector : public ::testing::TestWithParam<testing::vector> {};

TEST_P(sec_h1_head_vector, is_refused_at_every_split) {
    const auto& v = GetParam();
    const std::string bytes = v.bytes + std::string(testing::smuggled);
    const outcome whole = parse_whole(bytes);
    if (v.in_body) {
        EXPECT_EQ(whole.status, parse_status::complete);
    } else {
        EXPECT_EQ(whole.status, parse_status::failed);
        EXPECT_EQ(status_of(whole.error), v.status)
            << category().message(static_cast<int>(whole.error));
    }
    expect_same_at_every_split(bytes);
}

INSTANTIATE_TEST_SUITE_P(vectors, sec_h1_head_vector,
                         ::testing::ValuesIn(testing::smuggling_vectors()),
                         [](const auto& v) { return v.param.name; });

TEST(head_parser, keeps_request_line_and_fields) {
    const std::string bytes =
        "GET /chat?room=a HTTP/1.1\r\nHost: example.com:80\r\nX-Empty:\r\n"
        "Accept:\t text/html \t\r\nConnection: keep-alive, Upgrade\r\nconnection: x\r\n\r\nrest";
    head_parser parser(head_kind::request);
    ASSERT_EQ(parser.parse(bytes), parse_status::complete);
    EXPECT_EQ(bytes.substr(parser.size()), "rest");
    const message_head& head = parser.head();
    EXPECT_EQ(head.method(), method::get);
    EXPECT_EQ(head.target(), "/chat?room=a");
    EXPECT_EQ(head.minor_version(), 1);
    EXPECT_EQ(head.field_count(), 5U);
    EXPECT_EQ(head.header("HOST"), "example.com:80");
    EXPECT_EQ(head.header("x-empty"), "");
    EXPECT_EQ(head.header("accept"), "text/html");
    EXPECT_EQ(head.header("absent"), "");
    EXPECT_EQ(head.header_count("Connection"), 2U);
    EXPECT_TRUE(head.has_item("connection", "upgrade"));
    EXPECT_TRUE(head.has_item("connection", "X"));
    EXPECT_FALSE(head.has_item("connection", "keep"));
    EXPECT_EQ(head.framing(), body_framing::none);
    EXPECT_TRUE(head.keep_alive());
}

TEST(head_parser, views_follow_the_bytes_when_rebased) {
    std::string bytes = request_with("X: y\r\n");
    head_parser parser(head_kind::request);
    ASSERT_EQ(parser.parse(bytes), parse_status::complete);
    const std::string moved = bytes;
    parser.head().rebase(moved.data());
    bytes.assign(bytes.size(), '-');
    EXPECT_EQ(parser.head().header("x"), "y");
    EXPECT_EQ(parser.head().target(), "/");
}

TEST(head_parser, accepts_what_rfc_9112_allows_at_every_split) {
    for (const std::string_view bytes : {
             "GET / HTTP/1.0\r\n\r\n",
             "\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n",
             "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
             "GET http://x.org:80/a?b HTTP/1.1\r\nHost: X.org:80\r\n\r\n",
             "GET https://[::1]:1 HTTP/1.1\r\nHost: [::1]:1\r\n\r\n",
             "GET /a|{}?\"<>` HTTP/1.1\r\nHost: 127.0.0.1\r\nX: \xC3\xA4\r\n\r\n",
             "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
             "DELETE / HTTP/1.1\r\nHost: x:\r\nTransfer-Encoding: Chunked\r\n\r\n",
         }) {
        EXPECT_EQ(parse_whole(bytes).status, parse_status::complete) << bytes;
        expect_same_at_every_split(bytes);
    }
}

TEST(head_parser, says_how_the_body_is_framed) {
    const auto framing = [](std::string_view lines) {
        const std::string bytes = request_with(lines);
        head_parser parser(head_kind::request);
        EXPECT_EQ(parser.parse(bytes), parse_status::complete);
        return std::pair(parser.head().framing(), parser.head().content_length());
    };
    using enum body_framing;
    EXPECT_EQ(framing(""), std::pair(none, std::uint64_t{0}));
    EXPECT_EQ(framing("Content-Length: 0\r\n"), std::pair(none, std::uint64_t{0}));
    EXPECT_EQ(framing("Content-Length: 007\r\n"), std::pair(length, std::uint64_t{7}));
    EXPECT_EQ(framing("Content-Length: 18446744073709551615\r\n"), std::pair(length, UINT64_MAX));
    EXPECT_EQ(framing("Transfer-Encoding: chunked\r\n"), std::pair(chunked, std::uint64_t{0}));
}

TEST(head_parser, keep_alive_follows_version_and_connection) {
    const auto keeps = [](std::string_view bytes) {
        head_parser parser(head_kind::request);
        EXPECT_EQ(parser.parse(bytes), parse_status::complete);
        return parser.head().keep_alive();
    };
    EXPECT_TRUE(keeps("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
    EXPECT_FALSE(keeps("GET / HTTP/1.1\r\nHost: x\r\nConnection: a, Close\r\n\r\n"));
    EXPECT_FALSE(keeps("GET / HTTP/1.0\r\n\r\n"));
    EXPECT_TRUE(keeps("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"));
}

TEST(sec_h3_head, sixty_four_headers_are_taken_and_one_more_is_431) {
    const auto with = [](int count) {
        std::string lines;
        for (int i = 1; i < count; ++i) lines += "a: b\r\n";
        return request_with(lines);
    };
    EXPECT_EQ(error_of(with(64)), errc::none);
    EXPECT_EQ(error_of(with(65)), errc::too_many_headers);
    EXPECT_EQ(error_of(with(2500)), errc::too_many_headers);
    EXPECT_EQ(status_of(errc::too_many_headers), 431);
}

TEST(sec_h3_head, request_line_limit_is_exact_and_gives_414) {
    const auto with_line = [](std::size_t size) {
        const std::string_view around = "GET / HTTP/1.1\r\n";
        return "GET /" + std::string(size - around.size(), 'a') + " HTTP/1.1\r\nHost: x\r\n\r\n";
    };
    EXPECT_EQ(error_of(with_line(8192)), errc::none);
    EXPECT_EQ(error_of(with_line(8193)), errc::request_line_too_long);
    EXPECT_EQ(error_of("GET /" + std::string(1'000'000, 'a')), errc::request_line_too_long);
    EXPECT_EQ(error_of(std::string(1'000'000, 'A')), errc::request_line_too_long);
    EXPECT_EQ(status_of(errc::request_line_too_long), 414);
}

TEST(sec_h3_head, header_line_limit_is_exact_and_gives_431) {
    const auto with_header = [](std::size_t size) {
        return request_with("X: " + std::string(size - 5, 'a') + "\r\n");
    };
    EXPECT_EQ(error_of(with_header(8192)), errc::none);
    EXPECT_EQ(error_of(with_header(8193)), errc::header_too_long);
    EXPECT_EQ(error_of(with_header(1'000'000)), errc::header_too_long);
    EXPECT_EQ(error_of(request_with(std::string(9000, 'a'))), errc::header_too_long);
    EXPECT_EQ(status_of(errc::header_too_long), 431);
}

TEST(sec_h3_head, whole_head_limit_is_exact_and_gives_431) {
    const auto with_head = [](std::size_t size) {
        const std::string base = request_with("a: \r\nb: \r\nc: \r\n");
        const std::size_t fill = size - base.size();
        return request_with("a: " + std::string(fill / 3, 'x') +
                            "\r\nb: " + std::string(fill / 3, 'x') +
                            "\r\nc: " + std::string(fill - 2 * (fill / 3), 'x') + "\r\n");
    };
    ASSERT_EQ(with_head(16384).size(), 16384U);
    EXPECT_EQ(error_of(with_head(16384)), errc::none);
    EXPECT_EQ(error_of(with_head(16385)), errc::header_too_long);
}

// The parser may look at each byte once. It is given one byte at a time, and everything it has
// passed is destroyed behind it: if it went back, the outcome would change.
TEST(sec_h3_head, sixteen_kib_one_byte_at_a_time_are_never_read_twice) {
    std::string bytes = "GET / HTTP/1.1\r\nHost: x\r\n";
    for (int i = 0; i < 60; ++i) bytes += "X: " + std::string(250, 'a') + "\r\n";
    bytes += "\r\n";
    ASSERT_GT(bytes.size(), 15'000U);
    ASSERT_LT(bytes.size(), 16'384U);

    head_parser parser(head_kind::request);
    std::string growing;
    auto status = parse_status::incomplete;
    for (const char c : bytes) {
        growing += c;
        status = parser.parse(growing);
        // The first two lines are needed for the check of Host; one line may be in progress.
        if (growing.size() > 400) growing[growing.size() - 300] = '\0';
    }
    EXPECT_EQ(status, parse_status::complete);
    EXPECT_EQ(parser.head().field_count(), 61U);
}

TEST(head_parser, reads_response_heads_at_every_split) {
    const std::string bytes =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n\x81";
    head_parser parser(head_kind::response);
    ASSERT_EQ(parser.parse(bytes), parse_status::complete);
    EXPECT_EQ(parser.head().status(), 101);
    EXPECT_EQ(parser.head().reason(), "Switching Protocols");
    EXPECT_EQ(parser.head().header("upgrade"), "websocket");
    EXPECT_EQ(parser.head().framing(), body_framing::none);
    EXPECT_EQ(parser.size(), bytes.size() - 1);
    expect_same_at_every_split(bytes, head_kind::response);
}

TEST(head_parser, takes_status_lines_without_reason) {
    for (const std::string_view bytes : {"HTTP/1.1 200\r\n\r\n", "HTTP/1.0 200 \r\n\r\n"}) {
        head_parser parser(head_kind::response);
        ASSERT_EQ(parser.parse(bytes), parse_status::complete) << bytes;
        EXPECT_EQ(parser.head().status(), 200);
        EXPECT_EQ(parser.head().reason(), "");
        EXPECT_EQ(parser.head().framing(), body_framing::until_close);
    }
}

TEST(head_parser, refuses_malformed_status_lines) {
    for (const std::string_view bytes :
         {"HTTP/1.1 20\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n", "HTTP/1.1 099 OK\r\n\r\n",
          "HTTP/1.1 2x0 OK\r\n\r\n", "HTTP/1.1  200 OK\r\n\r\n", "HTTP/1.1 200 O\rK\r\n\r\n",
          "HTTP/1.1 200 OK\nA: b\r\n\r\n", "HTTP/2.0 200 OK\r\n\r\n", "ICY 200 OK\r\n\r\n",
          "\r\nHTTP/1.1 200 OK\r\n\r\n",
          "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n"}) {
        EXPECT_EQ(parse_whole(bytes, head_kind::response).status, parse_status::failed) << bytes;
        expect_same_at_every_split(bytes, head_kind::response);
    }
}

TEST(head_parser, responses_without_body_by_status_have_none) {
    for (const std::string_view status : {"100", "204", "304"}) {
        const std::string bytes =
            "HTTP/1.1 " + std::string(status) + " X\r\nContent-Length: 5\r\n\r\n";
        head_parser parser(head_kind::response);
        ASSERT_EQ(parser.parse(bytes), parse_status::complete);
        EXPECT_EQ(parser.head().framing(), body_framing::none);
    }
}

}  // namespace
}  // namespace weft::http
