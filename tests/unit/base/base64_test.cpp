#include <gtest/gtest.h>

#include <array>
#include <random>
#include <vector>

#include <weft/base/base64.hpp>

namespace weft {
namespace {

std::optional<std::string> decoded(std::string_view text, std::size_t room = 64) {
    std::vector<std::byte> out(room);
    const auto size = base64_decode(text, out);
    if (!size) return std::nullopt;
    return std::string(as_text(byte_view(out).first(*size)));
}

TEST(base64, encodes_the_vectors_of_rfc_4648) {
    EXPECT_EQ(base64_encode(as_bytes("")), "");
    EXPECT_EQ(base64_encode(as_bytes("f")), "Zg==");
    EXPECT_EQ(base64_encode(as_bytes("fo")), "Zm8=");
    EXPECT_EQ(base64_encode(as_bytes("foo")), "Zm9v");
    EXPECT_EQ(base64_encode(as_bytes("foob")), "Zm9vYg==");
    EXPECT_EQ(base64_encode(as_bytes("\xFB\xFF\xBF")), "+/+/");
}

TEST(base64, decodes_what_was_encoded) {
    std::mt19937 random(3);
    for (std::size_t size = 0; size < 64; ++size) {
        std::string bytes(size, '\0');
        for (char& c : bytes) c = static_cast<char>(random());
        EXPECT_EQ(decoded(base64_encode(as_bytes(bytes))), bytes);
    }
}

TEST(base64, refuses_what_is_not_canonical) {
    for (const std::string_view text :
         {"Z", "Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "=Zg=", "Z=g=", "Zg==Zg==", "Zm 9v", "Zm9v\n",
          "Zm9-", "Zm9_", "====", "Zm9v=", "Z\xC3\xA9v"}) {
        EXPECT_FALSE(decoded(text)) << text;
    }
}

TEST(base64, never_writes_more_than_there_is_room_for) {
    EXPECT_FALSE(decoded("Zm9v", 2));
    EXPECT_EQ(decoded("Zm9v", 3), "foo");
    EXPECT_EQ(decoded("Zg==", 1), "f");
}

}  // namespace
}  // namespace weft
