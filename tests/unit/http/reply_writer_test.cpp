// Which form a reply has: as the request asked for it, and framed in one way only.

#include "http/proto/reply_writer.hpp"

#include <gtest/gtest.h>

#include <string>

#include "http/proto/head_parser.hpp"

namespace weft::http {
namespace {

constexpr std::string_view date = "Sun, 06 Nov 1994 08:49:37 GMT";

class reply_form : public testing::Test {
protected:
    void asked(std::string request) {
        bytes_ = std::move(request) + "\r\n";
        ASSERT_EQ(parser_.emplace(head_kind::request).parse(bytes_), parse_status::complete);
        writer.begin(parser_->head());
    }
    /// Without what every head has.
    std::string whole(const response& reply) {
        head_memory memory;
        return shorten(writer.whole(reply, date, memory));
    }
    std::string streamed(const response& reply) {
        head_memory memory;
        return shorten(writer.streamed(reply, date, memory));
    }
    reply_writer writer;

private:
    static std::string shorten(std::string_view head) {
        std::string text(head);
        const std::string line = "Date: " + std::string(date) + "\r\n";
        text.erase(text.find(line), line.size());
        EXPECT_TRUE(text.ends_with("\r\n\r\n"));
        text.resize(text.size() - 4);
        return text;
    }
    std::string bytes_;
    std::optional<head_parser> parser_;
};

TEST_F(reply_form, of_a_whole_reply) {
    asked("GET / HTTP/1.1\r\nHost: x\r\n");
    EXPECT_EQ(whole(response(200).body("abc")), "HTTP/1.1 200 OK\r\nContent-Length: 3");
    EXPECT_TRUE(writer.sends_body());
    EXPECT_FALSE(writer.is_last());
    EXPECT_EQ(whole(response(304)), "HTTP/1.1 304 Not Modified");
    EXPECT_FALSE(writer.sends_body());
}

TEST_F(reply_form, to_head_has_the_length_and_no_body) {
    asked("HEAD / HTTP/1.1\r\nHost: x\r\n");
    EXPECT_EQ(whole(response(200).body("abc")), "HTTP/1.1 200 OK\r\nContent-Length: 3");
    EXPECT_FALSE(writer.sends_body());
    EXPECT_EQ(streamed(response(200)), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked");
    EXPECT_FALSE(writer.sends_body());
}

TEST_F(reply_form, in_pieces_is_chunks_or_ends_the_connection) {
    asked("GET / HTTP/1.1\r\nHost: x\r\n");
    EXPECT_EQ(streamed(response(200)), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked");
    EXPECT_TRUE(writer.in_chunks());
    EXPECT_FALSE(writer.is_last());
    asked("GET / HTTP/1.0\r\nConnection: keep-alive\r\n");
    EXPECT_EQ(streamed(response(200)), "HTTP/1.1 200 OK\r\nConnection: close");
    EXPECT_FALSE(writer.in_chunks());
    EXPECT_TRUE(writer.is_last());
}

TEST_F(reply_form, without_a_body_has_no_chunks) {
    asked("GET / HTTP/1.1\r\nHost: x\r\n");
    EXPECT_EQ(streamed(response(204)), "HTTP/1.1 204 No Content");
    EXPECT_FALSE(writer.sends_body());
    EXPECT_FALSE(writer.in_chunks());
}

TEST_F(reply_form, says_whether_the_connection_stays) {
    asked("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n");
    EXPECT_EQ(whole(response(204)), "HTTP/1.1 204 No Content\r\nConnection: close");
    asked("GET / HTTP/1.0\r\nConnection: keep-alive\r\n");
    EXPECT_EQ(whole(response(204)), "HTTP/1.1 204 No Content\r\nConnection: keep-alive");
    writer.make_last();
    EXPECT_EQ(whole(response(204)), "HTTP/1.1 204 No Content\r\nConnection: close");
}

TEST_F(reply_form, takes_any_number_of_headers) {
    asked("GET / HTTP/1.1\r\nHost: x\r\n");
    response reply(204);
    std::string lines;
    for (int i = 0; i < 200; ++i) {
        reply.header("X-Long", "01234567890123456789");
        lines += "\r\nX-Long: 01234567890123456789";
    }
    EXPECT_EQ(whole(reply), "HTTP/1.1 204 No Content" + lines);
}

TEST_F(reply_form, of_an_upgrade) {
    head_memory memory;
    EXPECT_EQ(reply_writer::switching(header_lines().add("Upgrade", "x"), memory),
              "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n");
}

}  // namespace
}  // namespace weft::http
