// The messages between nodes about topics.

#include "cluster/proto/topic_batch.hpp"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace weft::cluster {
namespace {

std::string batch_of(std::initializer_list<message> all, std::string_view uid = "node") {
    std::string out;
    begin_topic_batch(out, uid);
    for (const message& one : all) EXPECT_TRUE(append_to_topic_batch(out, one));
    return out;
}

TEST(topic_batch, brings_messages_as_they_were) {
    const std::string bytes("\0\xFF", 2);
    const std::string batch =
        batch_of({message::text("first", {.key = "k", .droppable = true, .latest = true}),
                  message::binary(as_bytes(bytes), {.uncompressed = true}), message::text("")});
    topic_batch_reader reader(as_bytes(batch));
    EXPECT_EQ(reader.uid(), "node");
    const message first = reader.next();
    ASSERT_TRUE(first);
    EXPECT_EQ(first.kind(), message_kind::text);
    EXPECT_EQ(first.text(), "first");
    EXPECT_EQ(first.key(), "k");
    EXPECT_TRUE(first.droppable() && first.latest() && !first.uncompressed());
    const message second = reader.next();
    ASSERT_TRUE(second);
    EXPECT_EQ(second.kind(), message_kind::binary);
    EXPECT_EQ(second.text(), bytes);
    EXPECT_TRUE(second.uncompressed() && !second.droppable() && !second.latest());
    const message third = reader.next();
    ASSERT_TRUE(third);
    EXPECT_EQ(third.size(), 0U);
    EXPECT_FALSE(reader.next());
    EXPECT_FALSE(reader.is_malformed());
}

TEST(topic_batch, cut_anywhere_is_malformed_or_shorter) {
    const std::string batch = batch_of({message::text("one"), message::text("two", {.key = "k"})});
    std::size_t whole = 0;
    for (std::size_t size = 0; size < batch.size(); ++size) {
        const std::string part = batch.substr(0, size);  // a block of its own
        topic_batch_reader reader(as_bytes(part));
        while (reader.next()) {
        }
        if (!reader.is_malformed()) ++whole;
    }
    EXPECT_EQ(whole, 2U) << "behind the name and behind the first message";
}

TEST(topic_batch, refuses_what_is_none) {
    const auto malformed = [](std::string batch) {
        topic_batch_reader reader(as_bytes(batch));
        while (reader.next()) {
        }
        return reader.is_malformed();
    };
    std::string batch = batch_of({message::text("t")});
    EXPECT_FALSE(malformed(batch));
    const std::size_t flags = 2 + 4;
    for (const char wrong : {'\x10', '\x80'}) {
        std::string other = batch;
        other[flags] = wrong;
        EXPECT_TRUE(malformed(other)) << "unknown flags";
    }
    std::string other = batch;
    other[0] = 2;
    EXPECT_TRUE(malformed(other)) << "another version";
    other = batch;
    other.back() = '\xFF';
    EXPECT_TRUE(malformed(other)) << "a text that is not UTF-8";
    other = batch;
    other[flags + 1] = other[flags + 5] = other[flags + 8] = '\xFF';
    EXPECT_TRUE(malformed(other)) << "sizes whose sum would overflow";
}

}  // namespace
}  // namespace weft::cluster
