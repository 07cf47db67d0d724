// Chunked bodies: what is data, what is refused (every vector, at every split), and the budgets.

#include "http/proto/chunked.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "smuggling_vectors.hpp"

namespace weft::http {
namespace {

struct outcome {
    parse_status status = parse_status::incomplete;
    errc error = errc::none;
    std::string data;
    std::size_t consumed = 0;
    friend bool operator==(const outcome&, const outcome&) = default;
};

void feed(chunked_decoder& decoder, std::string_view in, outcome& out) {
    while (!in.empty() && out.status == parse_status::incomplete) {
        const auto step = decoder.feed(in);
        out.data += step.data;
        out.consumed += step.consumed;
        out.status = step.status;
        in.remove_prefix(step.consumed);
    }
    out.error = decoder.error();
}

outcome decode(const std::vector<std::string_view>& parts, chunked_limits limits = {1'000'000}) {
    chunked_decoder decoder(limits);
    outcome out;
    for (const auto part : parts) feed(decoder, part, out);
    return out;
}

outcome decode_at_every_split(std::string_view bytes, chunked_limits limits = {1'000'000}) {
    const outcome whole = decode({bytes}, limits);
    std::vector<std::string_view> single;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        EXPECT_EQ(decode({bytes.substr(0, i), bytes.substr(i)}, limits), whole) << "split at " << i;
        single.push_back(bytes.substr(i, 1));
    }
    EXPECT_EQ(decode(single, limits), whole) << "byte by byte";
    return whole;
}

TEST(chunked_decoder, joins_chunks_and_stops_behind_the_last) {
    const std::string body =
        "5;name=\"a b\"\r\nhello\r\n00006\r\n world\r\n0\r\nTrailer: x\r\nB:\r\n\r\n";
    const auto out = decode_at_every_split(body + "GET /");
    EXPECT_EQ(out.status, parse_status::complete);
    EXPECT_EQ(out.data, "hello world");
    EXPECT_EQ(out.consumed, body.size());
}

TEST(chunked_decoder, gives_data_as_a_part_of_the_input) {
    const std::string in = "a\r\n0123456789\r\n0\r\n\r\n";
    chunked_decoder decoder({100});
    const auto step = decoder.feed(in);
    EXPECT_EQ(step.data.data(), in.data() + 3);
    EXPECT_EQ(step.data.size(), 10U);
}

TEST(chunked_decoder, body_limit_is_exact_and_refused_before_the_data_comes) {
    EXPECT_EQ(decode({"5\r\nhello\r\n0\r\n\r\n"}, {5}).status, parse_status::complete);
    EXPECT_EQ(decode({"3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"}, {5}).status, parse_status::complete);
    EXPECT_EQ(decode({"6\r"}, {5}).error, errc::body_too_large);
    EXPECT_EQ(decode({"3\r\nhel\r\n3\r"}, {5}).error, errc::body_too_large);
    EXPECT_EQ(decode({"3\r\nhel\r\nFFFFFFFFFFFFFFFF\r"}, {5}).error, errc::body_too_large);
}

TEST(chunked_decoder, extensions_and_trailers_have_budgets) {
    const std::string extension = "1;" + std::string(4096, 'x') + "\r\na\r\n";
    EXPECT_EQ(decode_at_every_split(extension + "0\r\n\r\n").status, parse_status::complete);
    EXPECT_EQ(decode({extension, "1;x"}).error, errc::bad_chunk);

    const std::string trailer = "0\r\nX: " + std::string(8192 - 4, 'x') + "\r\n";
    EXPECT_EQ(decode({trailer, "\r\n"}).status, parse_status::complete);
    EXPECT_EQ(decode({trailer, "Y"}).error, errc::trailers_too_large);
    EXPECT_EQ(status_of(errc::trailers_too_large), 431);
}

class sec_h1_chunk_vector : public ::testing::TestWithParam<testing::vector> {};

TEST_P(sec_h1_chunk_vector, is_refused_at_every_split) {
    const auto& v = GetParam();
    const std::string bytes = v.bytes + std::string(testing::smuggled);
    const auto body = std::string_view(bytes).substr(bytes.find("\r\n\r\n") + 4);
    const auto out = decode_at_every_split(body);
    EXPECT_EQ(out.status, parse_status::failed);
    EXPECT_EQ(status_of(out.error), v.status);
}

std::vector<testing::vector> body_vectors() {
    std::vector<testing::vector> out;
    for (const auto& v : testing::smuggling_vectors()) {
        if (v.in_body) out.push_back(v);
    }
    return out;
}

INSTANTIATE_TEST_SUITE_P(vectors, sec_h1_chunk_vector, ::testing::ValuesIn(body_vectors()),
                         [](const auto& v) { return v.param.name; });

}  // namespace
}  // namespace weft::http
