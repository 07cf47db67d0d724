#include <gtest/gtest.h>

#include <zlib.h>

#include <array>
#include <chrono>
#include <limits>
#include <random>

#include "unit/ws/proto_support.hpp"
#include "ws/proto/deflate.hpp"
#include "ws/proto/message_assembler.hpp"

namespace weft::ws {
namespace {

using namespace test;

constexpr std::size_t plenty = std::numeric_limits<std::int64_t>::max();

/// A raw deflate stream made by zlib alone.
class zlib_peer {
public:
    explicit zlib_peer(int window_bits = 15) {
        deflateInit2(&stream_, 6, Z_DEFLATED, -window_bits, 8, Z_DEFAULT_STRATEGY);
    }
    ~zlib_peer() { deflateEnd(&stream_); }
    zlib_peer(const zlib_peer&) = delete;
    zlib_peer& operator=(const zlib_peer&) = delete;

    std::string run(std::string_view text, int flush) {
        std::string out(deflateBound(&stream_, text.size()) + 100'000, '\0');
        stream_.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(text.data()));
        stream_.avail_in = static_cast<uInt>(text.size());
        stream_.next_out = reinterpret_cast<Bytef*>(out.data());
        stream_.avail_out = static_cast<uInt>(out.size());
        deflate(&stream_, flush);
        return out.substr(0, out.size() - stream_.avail_out);
    }
    /// As RFC 7692 section 7.2.1 says.
    std::string message(std::string_view text) {
        std::string out = run(text, Z_SYNC_FLUSH);
        out.resize(out.size() - 4);
        return out;
    }
    /// With a final block, as section 7.2.3.5 shows.
    std::string final_message(std::string_view text) {
        std::string out = run(text, Z_FINISH);
        deflateReset(&stream_);
        return out + '\0';
    }

private:
    z_stream stream_{};
};

struct inflated {
    inflate_status status;
    std::string text;
    friend bool operator==(const inflated&, const inflated&) = default;
};

/// One message in runs of `step` input bytes, `room` output bytes at a time.
inflated inflate_all(inflater& in, std::string_view message, std::size_t step = plenty,
                     std::size_t room = 1000) {
    inflated out{inflate_status::need_input, {}};
    std::string buffer(room, '\0');
    do {
        byte_view now = as_bytes(message.substr(0, step));
        message.remove_prefix(now.size());
        inflater::step result{};
        do {
            result = in.run(now, message.empty(), writable(buffer));
            EXPECT_LE(result.produced, room);
            out.text.append(buffer, 0, result.produced);
        } while (result.status == inflate_status::output_full);
        out.status = result.status;
    } while (out.status == inflate_status::need_input && !message.empty());
    return out;
}

std::string json(int i) {
    return R"({"event":"message","room":"lobby","user":"alice","seq":)" + std::to_string(i) +
           R"(,"text":"hello there, hello again"})";
}

std::string noise(std::size_t size, unsigned seed = 1) {
    std::mt19937 random(seed);
    std::string out(size, '\0');
    for (char& c : out) c = static_cast<char>(random());
    return out;
}

TEST(deflater, round_trips_with_and_without_history) {
    for (const int window : {9, 10, 12, 15}) {
        for (const bool keep : {false, true}) {
            deflater out({window, 5, 1});
            inflater in(window, keep);
            for (int i = 0; i < 50; ++i) {
                const std::string text = i % 7 == 0   ? std::string()
                                         : i % 5 == 0 ? noise(70'000, static_cast<unsigned>(i))
                                                      : json(i);
                if (!keep) out.forget_history();
                const auto message = out.compress(as_bytes(text));
                ASSERT_TRUE(message);
                const auto got =
                    inflate_all(in, as_text(message->bytes), static_cast<std::size_t>(1 + i * 13));
                ASSERT_EQ(got.status, inflate_status::finished)
                    << window << " " << keep << " " << i;
                ASSERT_EQ(got.text, text);
            }
        }
    }
}

TEST(deflater, history_makes_later_messages_smaller) {
    deflater out({});
    const auto first = out.compress(as_bytes(json(1)));
    const auto second = out.compress(as_bytes(json(2)));
    ASSERT_TRUE(first && second);
    EXPECT_LT(second->bytes.size() * 2, first->bytes.size());
    out.forget_history();
    EXPECT_GE(out.compress(as_bytes(json(3)))->bytes.size(), first->bytes.size() - 2);
}

TEST(deflater, never_sends_a_final_block_or_the_flush_tail) {
    deflater out({});
    EXPECT_EQ(bytes_to_string(out.compress({})->bytes), std::string(1, '\0'));
    const auto hello = out.compress(as_bytes("Hello"));
    ASSERT_TRUE(hello);
    EXPECT_EQ(std::to_integer<int>(hello->bytes[0]) & 1, 0);  // BFINAL
    // The example of RFC 7692 section 7.2.3.1.
    EXPECT_EQ(bytes_to_string(hello->bytes), std::string("\xF2\x48\xCD\xC9\xC9\x07\x00", 7));
}

TEST(deflater, a_foreign_frame_in_between_needs_the_history_forgotten) {
    // What a publisher does: a frame compressed once with a small window goes to a connection that
    // has its own 32 KiB history. With the reset the peer decodes all; without, it does not.
    for (const bool forget : {true, false}) {
        deflater own({15, 8, 6});
        shared_deflaters shared;
        inflater peer(15, true);
        std::string sent;
        std::string got;
        bool corrupt = false;
        for (int i = 0; i < 20; ++i) {
            const std::string text = json(i) + noise(3000, static_cast<unsigned>(i % 3));
            std::optional<buffer_slice> message;
            if (i % 3 == 2) {
                message = shared.compress_once(as_bytes(text), 12);
                if (forget) own.forget_history();
            } else {
                message = own.compress(as_bytes(text));
            }
            ASSERT_TRUE(message);
            const auto result = inflate_all(peer, as_text(message->bytes));
            corrupt = corrupt || result.status != inflate_status::finished;
            sent += text;
            got += result.text;
        }
        EXPECT_EQ(!corrupt && sent == got, forget);
    }
}

TEST(deflater, released_memory_comes_back_without_history) {
    deflater out({});
    inflater in(12, true);
    for (int i = 0; i < 10; ++i) {
        const auto message = out.compress(as_bytes(json(i)));
        ASSERT_TRUE(message);
        EXPECT_EQ(inflate_all(in, as_text(message->bytes)).text, json(i));
        EXPECT_TRUE(out.holds_memory());
        out.release();
        EXPECT_FALSE(out.holds_memory());
    }
}

TEST(shared_deflaters, compress_once_stands_alone_and_fits_any_window) {
    shared_deflaters shared;
    for (const int window : {9, 12, 15}) {
        for (int i = 0; i < 3; ++i) {
            const std::string text = json(i) + std::string(50'000, 'a') + json(i);
            const auto message = shared.compress_once(as_bytes(text), window);
            ASSERT_TRUE(message);
            inflater fresh(window, false);
            EXPECT_EQ(inflate_all(fresh, as_text(message->bytes)).text, text);
        }
        shared.release();
    }
    EXPECT_FALSE(shared.compress_once(as_bytes("x"), 8));
    EXPECT_FALSE(shared.compress_once(as_bytes("x"), 16));
}

TEST(inflater, every_split_gives_the_same) {
    zlib_peer peer;
    const std::string message = peer.message(json(1) + noise(300));
    const inflated expected{inflate_status::finished, json(1) + noise(300)};
    for (std::size_t step = 1; step <= message.size(); ++step) {
        for (const std::size_t room : {1, 3, 1000}) {
            inflater in(15, true);
            ASSERT_EQ(inflate_all(in, message, step, room), expected) << step << " " << room;
        }
    }
}

TEST(inflater, finishes_when_the_output_fits_exactly) {
    for (const std::string& text : {json(1), noise(100), std::string(5000, 'a')}) {
        for (const std::size_t room : {std::size_t{1}, text.size()}) {
            inflater in(15, true);
            EXPECT_EQ(inflate_all(in, zlib_peer().message(text), plenty, room),
                      (inflated{inflate_status::finished, text}));
        }
    }
}

TEST(inflater, keeps_the_history_across_a_final_block) {
    inflater in(15, true);
    EXPECT_EQ(inflate_all(in, {"\xF3\x48\xCD\xC9\xC9\x07\x00\x00", 8}).text, "Hello");
    // The second message of RFC 7692 section 7.2.3.2 refers to the first.
    EXPECT_EQ(inflate_all(in, {"\xF2\x00\x11\x00\x00", 5}),
              (inflated{inflate_status::finished, "Hello"}));
}

TEST(inflater, release_keeps_what_the_peer_may_refer_to) {
    zlib_peer peer;
    inflater in(15, true);
    for (int i = 0; i < 20; ++i) {
        // At first the history is small and is copied out; later the stream stays.
        const std::string text = json(i) + noise(i < 10 ? 10 : 3000, static_cast<unsigned>(i % 4));
        EXPECT_EQ(inflate_all(in, peer.message(text)).text, text);
        in.release();
        EXPECT_EQ(in.holds_memory(), i >= 10) << i;
    }
    inflater forgetful(15, false);
    EXPECT_EQ(inflate_all(forgetful, zlib_peer().message("text")).text, "text");
    forgetful.release();
    EXPECT_FALSE(forgetful.holds_memory());
}

TEST(inflater, sec_w8_final_blocks_are_accepted) {
    for (const bool keep : {true, false}) {
        zlib_peer peer;
        inflater in(15, keep);
        for (int i = 0; i < 5; ++i) {
            EXPECT_EQ(inflate_all(in, peer.final_message(json(i)), 3),
                      (inflated{inflate_status::finished, json(i)}));
        }
        // And ordinary messages after them.
        zlib_peer ordinary;
        EXPECT_EQ(inflate_all(in, ordinary.message("after")).text, "after");
    }
    // Without the byte behind the final block; with two streams in one message.
    inflater in(15, true);
    zlib_peer peer;
    std::string bare = peer.final_message("bare");
    bare.pop_back();
    EXPECT_EQ(inflate_all(in, bare), (inflated{inflate_status::finished, "bare"}));
    std::string one = peer.final_message("one ");
    one.pop_back();
    EXPECT_EQ(inflate_all(in, one + peer.final_message("two")),
              (inflated{inflate_status::finished, "one two"}));
}

TEST(inflater, sec_w8_the_vectors_of_rfc_7692) {
    inflater in(15, true);
    const auto text = [&](std::string_view bytes) { return inflate_all(in, bytes); };
    const inflated hello{inflate_status::finished, "Hello"};
    EXPECT_EQ(text({"\xF2\x48\xCD\xC9\xC9\x07\x00", 7}), hello);
    EXPECT_EQ(text({"\xF2\x00\x11\x00\x00", 5}), hello);  // refers to the history
    EXPECT_EQ(text({"\x00\x05\x00\xFA\xFF\x48\x65\x6C\x6C\x6F\x00", 11}), hello);  // stored
    EXPECT_EQ(text({"\xF3\x48\xCD\xC9\xC9\x07\x00\x00", 8}), hello);               // BFINAL
    EXPECT_EQ(text({"\xF2\x48\x05\x00\x00\x00\xFF\xFF\xCA\xC9\xC9\x07\x00", 13}), hello);
    EXPECT_EQ(text({"\x00", 1}), (inflated{inflate_status::finished, ""}));
}

TEST(inflater, sec_w8_missing_or_left_over_bytes_are_corrupt) {
    const std::string good = zlib_peer().message(json(1));
    for (std::size_t size = 0; size < good.size(); ++size) {
        inflater in(15, true);
        EXPECT_EQ(inflate_all(in, good.substr(0, size)).status, inflate_status::corrupt) << size;
    }
    for (const std::string& tail : {std::string("\x41\x42", 2), std::string("\xFF", 1),
                                    std::string("\x00\x00", 2), std::string("\x07", 1)}) {
        inflater in(15, true);
        EXPECT_EQ(inflate_all(in, zlib_peer().final_message("x") + tail).status,
                  inflate_status::corrupt);
    }
    inflater unstripped(15, true);  // the sender left 00 00 FF FF in: an empty block more, legal
    EXPECT_EQ(inflate_all(unstripped, zlib_peer().run("x", Z_SYNC_FLUSH) + '\0').status,
              inflate_status::finished);
    inflater empty(15, true);
    EXPECT_EQ(inflate_all(empty, "").status, inflate_status::corrupt);
}

TEST(inflater, random_bit_flips_do_no_harm) {
    std::mt19937 random(9);
    int found = 0;
    for (int round = 0; round < 3000; ++round) {
        zlib_peer peer;
        inflater in(15, true);
        for (int i = 0; i < 3; ++i) {
            std::string message = peer.message(json(i));
            message[random() % message.size()] ^= static_cast<char>(1U << random() % 8);
            if (inflate_all(in, message, 1 + random() % 50).status == inflate_status::corrupt) {
                ++found;
                break;
            }
        }
    }
    EXPECT_GT(found, 1000);  // most flips show; the others make another text of the same form
}

/// Compressed messages through the assembler.
class compressed_messages : public testing::Test {
protected:
    void restart(bool keep = true) {
        assembler.emplace(role::server, limits, shared, inflate_settings{15, keep});
        events.clear();
        texts.clear();
    }

    static std::string frames(const std::string& message, std::size_t fragment = plenty) {
        std::string out;
        std::size_t at = 0;
        do {
            const std::string part = message.substr(at, fragment);
            const std::uint8_t first = static_cast<std::uint8_t>(at == 0 ? 0x41 : 0x00);
            at += part.size();
            out += encode(
                {static_cast<std::uint8_t>(first | (at == message.size() ? 0x80 : 0)), part});
        } while (at < message.size());
        return out;
    }

    message_event feed(std::string input, std::size_t step = plenty,
                       std::int64_t allowance_each = plenty) {
        byte_span rest = writable(input);
        std::size_t arrived = 0;
        message_event event = message_event::need_more;
        std::string held;  // what a connection keeps after `yielded`
        while (!rest.empty()) {
            const byte_span now = rest.first(std::min(step, rest.size()));
            rest = rest.subspan(now.size());
            held.append(as_text(now));
            byte_span in = writable(held);
            std::int64_t allowance = allowance_each;
            arrived += now.size();
            do {
                event = assembler->next(in, {}, allowance);
                highest = std::max(highest, assembler->held());
                if (event == message_event::failed) return event;
                if (event == message_event::yielded) {
                    ++yields;
                    held = bytes_to_string(in);
                    in = writable(held);
                    allowance = allowance_each;
                } else if (event != message_event::need_more) {
                    events.push_back(event);
                    texts.push_back(bytes_to_string(assembler->payload()));
                }
            } while (event != message_event::need_more);
            held.clear();
        }
        return event;
    }

    message_limits limits;
    std::array<std::byte, 64 * 1024> scratch;
    byte_budget budget{1ull << 30};
    assembler_shared shared{budget, scratch};
    std::optional<message_assembler> assembler;
    std::vector<message_event> events;
    std::vector<std::string> texts;
    std::size_t highest = 0;
    int yields = 0;
};

TEST_F(compressed_messages, every_split_tells_the_same) {
    zlib_peer peer;
    std::string input;
    std::vector<std::string> expected;
    for (int i = 0; i < 4; ++i) {
        expected.push_back(json(i));
        input += frames(peer.message(json(i)), i == 0 ? plenty : 20) + encode({0x89, "p"});
        expected.push_back("p");
    }
    for (std::size_t step = 1; step <= input.size(); ++step) {
        for (const std::int64_t allowance : {std::int64_t{10}, std::int64_t{plenty}}) {
            restart();
            feed(input, step, allowance);
            ASSERT_EQ(texts, expected) << step << " " << allowance;
        }
    }
    EXPECT_EQ(budget.used(), 0U);
}

TEST_F(compressed_messages, a_small_one_is_delivered_without_a_buffer) {
    restart();
    feed(frames(zlib_peer().message(json(1))));
    EXPECT_EQ(texts, std::vector<std::string>{json(1)});
    EXPECT_EQ(highest, 0U);
}

TEST_F(compressed_messages, compressed_and_plain_ones_mix) {
    restart();
    zlib_peer peer;
    std::string input = frames(peer.message(json(1)));
    input += encode({0x81, "plain"});
    input += frames(peer.message(json(2)));
    feed(input);
    EXPECT_EQ(texts, (std::vector<std::string>{json(1), "plain", json(2)}));
}

TEST_F(compressed_messages, sec_w8_each_output_belongs_to_its_own_message) {
    for (const bool keep : {true, false}) {
        restart(keep);
        zlib_peer peer;
        std::string input;
        std::vector<std::string> expected;
        for (int i = 0; i < 5; ++i) {
            input += frames(peer.final_message(json(i)), 30);
            expected.push_back(json(i));
        }
        feed(input, 11);
        EXPECT_EQ(texts, expected);
    }
}

TEST_F(compressed_messages, sec_w8_bad_data_is_1007) {
    restart();
    EXPECT_EQ(feed(frames(zlib_peer().message(json(1)).substr(0, 20))), message_event::failed);
    EXPECT_EQ(assembler->error(), errc::bad_deflate_data);
    EXPECT_EQ(describe(assembler->error()).close, close_code::invalid_payload);
    restart();
    EXPECT_EQ(feed(frames(zlib_peer().message("text \xFF"))), message_event::failed);
    EXPECT_EQ(assembler->error(), errc::invalid_utf8);
}

TEST_F(compressed_messages, sec_w7_bombs_end_at_the_limit) {
    for (const std::size_t size :
         {std::size_t{1} << 20, std::size_t{16} << 20, std::size_t{256} << 20}) {
        zlib_peer peer;
        std::string bomb;
        const std::string zeros(1 << 20, '\0');
        for (std::size_t made = 0; made < size; made += zeros.size()) {
            bomb += peer.run(zeros, Z_NO_FLUSH);
        }
        bomb += peer.message("");
        for (const std::size_t step : {std::size_t{1000}, plenty}) {
            restart();
            highest = 0;
            yields = 0;
            const auto event = feed(frames(bomb), step, 256 * 1024);
            EXPECT_EQ(event == message_event::failed, size > limits.max_message);
            if (event == message_event::failed) {
                EXPECT_EQ(assembler->error(), errc::message_too_big);
                EXPECT_EQ(describe(assembler->error()).close, close_code::message_too_big);
            }
            EXPECT_LE(highest, limits.max_message + 64 * 1024);
            EXPECT_GT(yields, step == plenty ? 2 : -1);
            assembler.reset();
            EXPECT_EQ(budget.used(), 0U);
        }
    }
}

TEST_F(compressed_messages, sec_w7_bombs_in_other_shapes) {
    const std::string zeros(3 << 20, '\0');
    // In the last fragment.
    restart();
    zlib_peer peer;
    const std::string start = peer.run("harmless", Z_SYNC_FLUSH);
    const std::string rest = peer.message(zeros);
    std::string input = encode({0x42, start}) + encode({0x80, rest});
    EXPECT_EQ(feed(input), message_event::failed);
    EXPECT_EQ(assembler->error(), errc::message_too_big);
    // In fragments that are as small as the limits allow.
    restart();
    EXPECT_EQ(feed(frames(zlib_peer().message(zeros), 16)), message_event::failed);
    EXPECT_EQ(assembler->error(), errc::message_too_big);
    // A corrupt block behind the limit changes nothing.
    restart();
    EXPECT_EQ(feed(frames(zlib_peer().message(zeros) + "\xFF\xFF\xFF")), message_event::failed);
    EXPECT_EQ(assembler->error(), errc::message_too_big);
    EXPECT_EQ(feed(encode({0x81, "x"})), message_event::failed);
}

TEST_F(compressed_messages, sec_w7_the_limit_is_exact) {
    limits.max_message = 100'000;
    for (const std::size_t size : {99'999, 100'000, 100'001}) {
        for (const std::size_t step : {std::size_t{17}, plenty}) {
            restart();
            const auto event = feed(frames(zlib_peer().message(std::string(size, 'a'))), step);
            EXPECT_EQ(event == message_event::failed, size > 100'000) << size;
        }
    }
}

TEST_F(compressed_messages, sec_w7_the_allowance_bounds_each_turn) {
    restart();
    zlib_peer peer;
    std::string input;
    for (int i = 0; i < 50; ++i) {
        input += frames(peer.message(std::string(500'000, 'a')));
    }
    byte_span rest = writable(input);
    std::size_t turns = 0;
    for (;;) {
        std::int64_t allowance = 100'000;
        message_event event{};
        do {
            event = assembler->next(rest, {}, allowance);
        } while (event == message_event::text);
        ++turns;
        if (event == message_event::need_more) break;
        ASSERT_EQ(event, message_event::yielded);
    }
    EXPECT_GE(turns, 50U * 5);
}

}  // namespace
}  // namespace weft::ws
