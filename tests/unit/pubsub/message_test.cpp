#include <weft/pubsub/message.hpp>

#include <atomic>
#include <barrier>
#include <cstring>
#include <string>
#include <thread>

#include <gtest/gtest.h>

namespace weft {
namespace {

/// A block that tells when it dies.
struct tracked final : shared_buffer::recycler {
    int alive = 0;
    buffer_slice make(std::string_view text) {
        buffer_ref block = shared_buffer::allocate(text.size(), this);
        std::memcpy(block->data(), text.data(), text.size());
        ++alive;
        return {block, {block->data(), text.size()}};
    }
    void recycle(shared_buffer* block) noexcept override {
        --alive;
        shared_buffer::destroy(block);
    }
};

std::size_t write_header(byte_span headroom, std::string_view header) {
    std::memcpy(headroom.data() + headroom.size() - header.size(), header.data(), header.size());
    return header.size();
}

TEST(message, keeps_kind_bytes_and_key) {
    std::string text = "price";
    std::string key = "EUR/USD";
    const auto m = message::text(text, {.key = key});
    text = key = "other";
    ASSERT_TRUE(m);
    EXPECT_EQ(m.kind(), message_kind::text);
    EXPECT_EQ(m.text(), "price");
    EXPECT_EQ(m.key(), "EUR/USD");

    const std::byte raw[] = {std::byte{0}, std::byte{255}};
    const auto b = message::binary(raw);
    EXPECT_EQ(b.kind(), message_kind::binary);
    EXPECT_EQ(b.size(), 2U);
    EXPECT_EQ(b.bytes()[1], std::byte{255});
    EXPECT_TRUE(b.key().empty());
    EXPECT_FALSE(b.view().is_text());
}

TEST(message, without_content_is_false_and_harmless) {
    const message none;
    EXPECT_FALSE(none);
    EXPECT_EQ(none.size(), 0U);
    EXPECT_TRUE(none.key().empty());
    EXPECT_TRUE(none.framed([](byte_span) -> std::size_t { return 1; }).bytes.empty());
    EXPECT_TRUE(
        none.encoded(message_encoding::base64(), [](const message&) { return buffer_slice{}; })
            .bytes.empty());

    const auto empty = message::text("");
    EXPECT_TRUE(empty);
    EXPECT_EQ(empty.size(), 0U);
}

TEST(message, copies_share_one_payload) {
    const auto m = message::text("shared");
    const message copy = m;
    EXPECT_EQ(copy.bytes().data(), m.bytes().data());
}

TEST(message, has_64_readable_bytes_behind_the_payload) {
    const auto m = message::text("x", {.key = "key"});
    volatile unsigned sum = 0;  // the address sanitizer objects if they are not there
    for (std::size_t i = 0; i < 65; ++i) sum = sum + std::to_integer<unsigned>(m.bytes().data()[i]);
    SUCCEED();
}

TEST(message, is_framed_once_in_front_of_the_payload) {
    const auto m = message::text("payload", {.key = "key"});
    int calls = 0;
    const auto write = [&](byte_span headroom) {
        ++calls;
        EXPECT_EQ(headroom.size(), message::headroom);
        return write_header(headroom, "HEAD:");
    };
    const buffer_slice first = m.framed(write);
    const buffer_slice second = message(m).framed(write);
    EXPECT_EQ(as_text(first.bytes), "HEAD:payload");
    EXPECT_EQ(first.bytes.data(), second.bytes.data());
    EXPECT_EQ(calls, 1);
    EXPECT_EQ(m.key(), "key") << "the header must not run over the key";
}

TEST(message, header_may_fill_all_the_headroom) {
    const auto m = message::text("p", {.key = "key"});
    const buffer_slice framed =
        m.framed([](byte_span headroom) { return write_header(headroom, "0123456789abcdef"); });
    EXPECT_EQ(as_text(framed.bytes), "0123456789abcdefp");
    EXPECT_EQ(m.key(), "key");
    const auto bare = message::text("q");
    EXPECT_EQ(as_text(bare.framed([](byte_span) -> std::size_t { return 0; }).bytes), "q");
}

TEST(message, framed_slice_outlives_the_message) {
    auto m = message::text("kept");
    const buffer_slice framed = m.framed([](byte_span h) { return write_header(h, ">"); });
    m = {};
    EXPECT_EQ(as_text(framed.bytes), ">kept");
}

TEST(message, makes_each_encoding_once_and_frees_it_with_the_last_reference) {
    tracked home;
    auto m = message::text("payload");
    int calls = 0;
    const auto make = [&](const message& from) {
        ++calls;
        return home.make("enc:" + std::string(from.text()));
    };
    EXPECT_EQ(as_text(m.encoded(message_encoding::base64(), make).bytes), "enc:payload");
    EXPECT_EQ(as_text(m.encoded(message_encoding::base64(), make).bytes), "enc:payload");
    EXPECT_EQ(calls, 1);
    EXPECT_EQ(as_text(m.encoded(message_encoding::deflated_frame(15), make).bytes), "enc:payload");
    EXPECT_EQ(calls, 2);
    EXPECT_EQ(home.alive, 2);

    message copy = m;
    m = {};
    EXPECT_EQ(home.alive, 2);
    copy = {};
    EXPECT_EQ(home.alive, 0);
}

TEST(message, remembers_that_an_encoding_is_not_worth_having) {
    const auto m = message::text("random");
    int calls = 0;
    const auto refuse = [&](const message&) {
        ++calls;
        return buffer_slice{};
    };
    EXPECT_TRUE(m.encoded(message_encoding::base64(), refuse).bytes.empty());
    EXPECT_TRUE(m.encoded(message_encoding::base64(), refuse).bytes.empty());
    EXPECT_EQ(calls, 1);
}

TEST(message, does_not_keep_itself_alive_through_an_encoding) {
    // Would leak; the address sanitizer's leak check is the judge.
    const auto m = message::text("identity");
    const auto itself = [](const message& from) {
        return from.framed([](byte_span) -> std::size_t { return 0; });
    };
    EXPECT_EQ(as_text(m.encoded(message_encoding::base64(), itself).bytes), "identity");
}

TEST(message, threads_agree_on_the_frame_and_on_every_encoding) {
    for (int round = 0; round < 200; ++round) {
        const auto m = message::text("contended");
        std::atomic<int> writes{0};
        std::barrier start(2);
        buffer_slice framed[2], encoded[2];
        const auto work = [&](std::size_t me) {
            start.arrive_and_wait();
            framed[me] = m.framed([&](byte_span headroom) {
                ++writes;
                std::this_thread::yield();  // let the other one find it unfinished
                return write_header(headroom, "H");
            });
            encoded[me] = m.encoded(message_encoding::base64(), [](const message& from) {
                buffer_ref block = shared_buffer::allocate(from.size());
                std::memcpy(block->data(), from.bytes().data(), from.size());
                return buffer_slice{block, {block->data(), from.size()}};
            });
        };
        std::thread other(work, 1);
        work(0);
        other.join();
        EXPECT_EQ(writes, 1);
        EXPECT_EQ(as_text(framed[0].bytes), "Hcontended");
        EXPECT_EQ(framed[0].bytes.data(), framed[1].bytes.data());
        EXPECT_EQ(as_text(encoded[1].bytes), "contended");
        EXPECT_EQ(encoded[0].bytes.data(), encoded[1].bytes.data());
    }
}

TEST(message, keeps_how_it_wants_to_be_delivered) {
    const auto plain = message::text("x");
    EXPECT_FALSE(plain.droppable() || plain.uncompressed() || message().droppable());
    const auto m = message::text("x", {.droppable = true, .uncompressed = true});
    EXPECT_TRUE(m.droppable() && m.uncompressed());
}

}  // namespace
}  // namespace weft
