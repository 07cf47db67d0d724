// The values of other libraries, there and back. Built where their packages are.

#include <array>
#include <string>
#include <string_view>

#include <gtest/gtest.h>
#include <weft/socketio/adapt/boost_json.hpp>
#include <weft/socketio/adapt/nlohmann.hpp>
#include <weft/socketio/arguments.hpp>

#include <boost/json/src.hpp>

namespace weft::socketio {
namespace {

constexpr std::string_view text =
    R"({"a":[null,true,-3,2.5,"x\n"],"b":{"c":18446744073709551615}})";

template <class Json>
result<std::tuple<Json>> decoded(std::string_view json,
                                 std::span<const byte_view> attachments = {}) {
    borrowed_texts texts;
    return detail::decode_arguments<Json>("say", raw_arguments{json, attachments}, texts);
}

TEST(socketio_adapt, brings_nlohmann_json_there_and_back) {
    const auto all = decoded<nlohmann::json>(text);
    ASSERT_TRUE(all);
    EXPECT_EQ(std::get<0>(*all), nlohmann::json::parse(text));
    EXPECT_EQ(detail::encode_arguments(std::get<0>(*all)).json, text);

    const std::array<byte_view, 1> attachments{as_bytes("bytes")};
    const auto binary = decoded<nlohmann::json>(R"({"_placeholder":true,"num":0})", attachments);
    ASSERT_TRUE(binary);
    const auto sent = detail::encode_arguments(std::get<0>(*binary));
    EXPECT_EQ(sent.json, R"({"_placeholder":true,"num":0})");
    ASSERT_EQ(sent.attachments.size(), 1U);
    EXPECT_EQ(as_text(sent.attachments[0].bytes()), "bytes");
}

TEST(socketio_adapt, brings_boost_json_there_and_back) {
    const auto all = decoded<boost::json::value>(text);
    ASSERT_TRUE(all);
    EXPECT_EQ(std::get<0>(*all), boost::json::parse({text.data(), text.size()}));
    EXPECT_EQ(detail::encode_arguments(std::get<0>(*all)).json, text);

    const std::array<byte_view, 1> attachments{as_bytes("bytes")};
    EXPECT_FALSE(decoded<boost::json::value>(R"([{"_placeholder":true,"num":0}])", attachments));
}

}  // namespace
}  // namespace weft::socketio
