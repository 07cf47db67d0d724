// Values as JSON text for those who speak no Socket.IO.

#include <weft/socketio/json.hpp>

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <weft/socketio/value.hpp>

namespace market {

enum class side { buy, sell };
WEFT_ENUM(side, buy, sell)

struct order {
    std::string symbol;
    double price = 0;
    side what = side::buy;
    std::optional<int> size;
    std::vector<std::byte> note;
};
WEFT_FIELDS(order, symbol, price, what, size, note)

}  // namespace market

namespace weft {
namespace {

std::string why(const error& refused) {
    return refused.message();
}

template <class T>
std::string refusal(std::string_view text) {
    const result<T> got = from_json<T>(text);
    return got ? "taken" : why(got.error());
}

TEST(json, structures_go_out_and_in) {
    market::order sold{"WFT", 12.5, market::side::sell, {}, {std::byte{0xff}, std::byte{0}}};
    const std::string text = to_json(sold);
    EXPECT_EQ(text, R"({"symbol":"WFT","price":12.5,"what":"sell","note":"/wA="})");
    const result<market::order> back = from_json<market::order>(text);
    ASSERT_TRUE(back) << why(back.error());
    EXPECT_EQ(to_json(*back), text);
    EXPECT_EQ(back->note, sold.note);
}

TEST(json, any_type_with_a_codec_does) {
    EXPECT_EQ(to_json("text \"\xff"), "\"text \\\"\xef\xbf\xbd\"");
    EXPECT_EQ(to_json(std::map<std::string, std::vector<int>>{{"a", {1, 2}}}), R"({"a":[1,2]})");
    EXPECT_EQ(to_json(socketio::value(socketio::value::bytes(3))), R"("AAAA")");
    EXPECT_EQ(from_json<std::vector<int>>(" [1, 2]\n")->size(), 2U);
    EXPECT_EQ(*from_json<std::string>(R"("\u00e4")"), "\xc3\xa4");
    EXPECT_EQ(from_json<socketio::json_text>(R"({"_placeholder":true,"num":0})")->text(),
              R"({"_placeholder":true,"num":0})");
}

TEST(json, an_error_says_where_and_why) {
    EXPECT_THAT(refusal<market::order>(R"({"symbol":7})"),
                testing::HasSubstr("symbol: expected a string"));
    EXPECT_THAT(refusal<market::order>(R"({"symbol":"a"})"), testing::HasSubstr("price: missing"));
    EXPECT_THAT(
        refusal<market::order>(R"({"symbol":"a","price":1,"what":"buy","note":"not base64"})"),
        testing::HasSubstr("note: expected binary data as base64"));
    EXPECT_THAT(refusal<int>("1 2"), testing::HasSubstr("unexpected character"));
    EXPECT_THAT(refusal<int>(""), testing::HasSubstr("end"));
    EXPECT_THAT(refusal<std::string>("\"\xff\""), testing::HasSubstr("UTF-8"));
}

}  // namespace
}  // namespace weft
