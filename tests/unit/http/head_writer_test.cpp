// Heads as written: exact bytes, no room for response splitting, dates without a locale.

#include "http/proto/head_writer.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <string_view>

namespace weft::http {
namespace {

TEST(head_writer, writes_exact_lines) {
    std::array<char, 256> out;
    head_writer w(out);
    w.status_line(404);
    w.field("Content-Length", std::uint64_t{12});
    w.field("Connection", "close");
    w.lines("X: y\r\n");
    EXPECT_EQ(w.finish(),
              "HTTP/1.1 404 Not Found\r\nContent-Length: 12\r\nConnection: close\r\nX: y\r\n\r\n");
}

TEST(head_writer, unknown_status_has_an_empty_reason) {
    std::array<char, 64> out;
    head_writer w(out);
    w.status_line(299);
    EXPECT_EQ(w.finish(), "HTTP/1.1 299 \r\n\r\n");
}

TEST(head_writer, says_so_when_it_does_not_fit) {
    std::array<char, 32> out;
    head_writer w(out);
    w.status_line(200);
    w.field("Content-Type", "text/plain");
    EXPECT_EQ(w.finish(), std::nullopt);
}

TEST(sec_h7_head_writer, refuses_whatever_could_end_a_line) {
    using namespace std::string_view_literals;
    for (const std::string_view value :
         {"a\r\nSet-Cookie: b"sv, "a\rb"sv, "a\nb"sv, "a\0b"sv, "\x1B[31m"sv}) {
        std::array<char, 256> out;
        head_writer w(out);
        w.field("X", value);
        EXPECT_EQ(w.finish(), std::nullopt);
    }
    std::array<char, 256> out;
    head_writer w(out);
    w.field("X\r\nY", "a");
    EXPECT_EQ(w.finish(), std::nullopt);
}

TEST(http_date, is_written_and_read_back) {
    const auto text = http_date(784111777);
    EXPECT_EQ(std::string_view(text.data(), text.size()), "Sun, 06 Nov 1994 08:49:37 GMT");
    EXPECT_EQ(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), 784111777);
    EXPECT_EQ(parse_http_date("Thu, 29 Feb 2024 23:59:59 GMT"), 1709251199);
}

TEST(http_date, refuses_what_is_no_date) {
    for (const std::string_view text :
         {"", "Mon, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 UTC",
          "Sunday, 06-Nov-94 08:49:37 GMT", "Sun, 31 Feb 2024 00:00:00 GMT",
          "Sun, 06 Nov 1994 25:49:37 GMT", "Sun, 06 Xxx 1994 08:49:37 GMT",
          "Sun, -6 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 GMTx"}) {
        EXPECT_EQ(parse_http_date(text), std::nullopt) << text;
    }
}

}  // namespace
}  // namespace weft::http
