// Packets with their attachments, from the messages of a session.

#include "socketio/proto/packet_assembler.hpp"

#include <gtest/gtest.h>

namespace weft::socketio {
namespace {

using namespace std::string_literals;

constexpr std::string_view one = R"(51-["a",{"_placeholder":true,"num":0}])";
constexpr std::string_view two =
    R"(52-/n,3["a",{"_placeholder":true,"num":1},{"_placeholder":true,"num":0}])";

class packet_assembler_test : public testing::Test {
protected:
    packet_limits limits_{};
    byte_budget memory_;
    packet_assembler assembler_{limits_, protocol_version::v4, memory_};

    std::string attachment(std::size_t index) {
        return std::string(as_text(assembler_.attachments()[index]));
    }
};

TEST_F(packet_assembler_test, text_without_attachments_is_a_view_of_what_was_fed) {
    const std::string text = R"(2["a",1])";
    ASSERT_EQ(assembler_.text(text), packet_event::packet);
    EXPECT_EQ(assembler_.packet().data.data(), text.data() + 1);
    EXPECT_TRUE(assembler_.attachments().empty());
    EXPECT_FALSE(assembler_.incomplete());
    EXPECT_EQ(assembler_.held(), 0U);
}

TEST_F(packet_assembler_test, the_only_attachment_is_a_view_of_what_was_fed) {
    ASSERT_EQ(assembler_.text(std::string(one)), packet_event::need_more);
    EXPECT_TRUE(assembler_.incomplete());
    EXPECT_GE(assembler_.held(), one.size());
    const std::string bytes = "\0\xff"s;
    ASSERT_EQ(assembler_.binary(as_bytes(bytes)), packet_event::packet);
    EXPECT_FALSE(assembler_.incomplete());
    ASSERT_EQ(assembler_.attachments().size(), 1U);
    EXPECT_EQ(assembler_.attachments()[0].data(), as_bytes(bytes).data());
    EXPECT_EQ(assembler_.packet().event, "\"a\"");
    EXPECT_EQ(assembler_.packet().arguments, R"({"_placeholder":true,"num":0})");
}

TEST_F(packet_assembler_test, several_attachments_come_out_in_order) {
    for (int round = 0; round < 3; ++round) {
        ASSERT_EQ(assembler_.text(std::string(two)), packet_event::need_more);
        ASSERT_EQ(assembler_.binary(as_bytes(std::string(5000, 'x'))), packet_event::need_more);
        const std::string last = "y";
        ASSERT_EQ(assembler_.binary(as_bytes(last)), packet_event::packet);
        ASSERT_EQ(assembler_.attachments().size(), 2U);
        EXPECT_EQ(attachment(0), std::string(5000, 'x'));
        EXPECT_EQ(attachment(1), "y");
        EXPECT_EQ(assembler_.packet().nsp, "/n");
        EXPECT_EQ(assembler_.packet().id, 3U);
        ASSERT_EQ(assembler_.text("2"), packet_event::packet);
        EXPECT_TRUE(assembler_.attachments().empty());
    }
}

TEST_F(packet_assembler_test, empty_attachments_count) {
    ASSERT_EQ(assembler_.text(two), packet_event::need_more);
    ASSERT_EQ(assembler_.binary({}), packet_event::need_more);
    ASSERT_EQ(assembler_.binary({}), packet_event::packet);
    ASSERT_EQ(assembler_.attachments().size(), 2U);
    EXPECT_TRUE(assembler_.attachments()[0].empty());
}

TEST_F(packet_assembler_test, text_while_attachments_are_due_is_an_error) {
    ASSERT_EQ(assembler_.text(one), packet_event::need_more);
    EXPECT_EQ(assembler_.text("2"), packet_event::failed);
    EXPECT_EQ(assembler_.error(), errc::expected_attachment);
    EXPECT_FALSE(assembler_.incomplete());
}

TEST_F(packet_assembler_test, binary_when_none_is_due_is_an_error) {
    EXPECT_EQ(assembler_.binary({}), packet_event::failed);
    EXPECT_EQ(assembler_.error(), errc::unexpected_binary);
}

TEST_F(packet_assembler_test, nothing_follows_an_error) {
    EXPECT_EQ(assembler_.text("x"), packet_event::failed);
    EXPECT_EQ(assembler_.text("2"), packet_event::failed);
    EXPECT_EQ(assembler_.binary({}), packet_event::failed);
    EXPECT_EQ(assembler_.error(), errc::unknown_packet_type);
}

TEST_F(packet_assembler_test, the_limit_counts_text_and_attachments_together) {
    limits_.max_packet = two.size() + 10;
    const auto feed = [this](std::size_t first, std::size_t second) {
        packet_assembler assembler(limits_, protocol_version::v4, memory_);
        EXPECT_EQ(assembler.text(two), packet_event::need_more);
        if (assembler.binary(as_bytes(std::string(first, 'x'))) == packet_event::failed) {
            return assembler.error();
        }
        const std::string last(second, 'y');
        static_cast<void>(assembler.binary(as_bytes(last)));
        return assembler.error();
    };
    EXPECT_EQ(feed(4, 6), errc{});
    EXPECT_EQ(feed(10, 0), errc{});
    EXPECT_EQ(feed(5, 6), errc::packet_too_big);
    EXPECT_EQ(feed(11, 0), errc::packet_too_big);
    EXPECT_EQ(assembler_.text('2' + std::string(limits_.max_packet, ' ')), packet_event::failed);
    EXPECT_EQ(assembler_.error(), errc::packet_too_big);
}

TEST_F(packet_assembler_test, sec_s1_announced_attachments_take_no_memory) {
    for (const auto* text : {R"(51000000-["a"])", R"(50-["a"])", "5-", R"(51e1-["a"])"}) {
        packet_assembler assembler(limits_, protocol_version::v4, memory_);
        EXPECT_EQ(assembler.text(text), packet_event::failed) << text;
        EXPECT_FALSE(assembler.incomplete());
        EXPECT_EQ(assembler.held(), 0U);
    }
    ASSERT_EQ(assembler_.text(two), packet_event::need_more);
    EXPECT_LE(assembler_.held(), 2 * two.size());
}

TEST_F(packet_assembler_test, large_packets_leave_no_large_buffers) {
    const std::string large =
        R"(52-["a",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1},")" +
        std::string(100'000, 'x') + "\"]";
    ASSERT_EQ(assembler_.text(large), packet_event::need_more);
    ASSERT_EQ(assembler_.binary(as_bytes(large)), packet_event::need_more);
    ASSERT_EQ(assembler_.binary({}), packet_event::packet);
    ASSERT_EQ(assembler_.text(two), packet_event::need_more);
    EXPECT_LT(assembler_.held(), 10'000U);
}

}  // namespace
}  // namespace weft::socketio
