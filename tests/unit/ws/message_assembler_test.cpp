#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <limits>
#include <random>

#include "unit/ws/proto_support.hpp"
#include "ws/proto/message_assembler.hpp"

namespace weft::ws {
namespace {

using namespace test;
using namespace std::chrono_literals;

constexpr std::uint8_t fin = 0x80;
constexpr std::size_t plenty = std::numeric_limits<std::int64_t>::max();

/// One connection's assembler with what a loop would give it.
class message_assembler_test : public testing::Test {
protected:
    void restart(std::optional<inflate_settings> inflate = std::nullopt) {
        assembler.emplace(role::server, limits, shared, inflate);
        told.clear();
    }

    /// Feeds bytes in runs of `step` and notes what is told: an event and its payload.
    message_event feed(std::string input, std::size_t step = plenty) {
        byte_span rest = writable(input);
        message_event event = message_event::need_more;
        while (!rest.empty()) {
            byte_span now = rest.first(std::min(step, rest.size()));
            rest = rest.subspan(now.size());
            std::int64_t allowance = plenty;
            while ((event = assembler->next(now, clock, allowance)) != message_event::need_more) {
                std::string text = bytes_to_string(assembler->payload());
                if (event == message_event::failed) return event;
                told.emplace_back(event, std::move(text));
            }
            EXPECT_TRUE(now.empty());
            highest = std::max(highest, assembler->held());
        }
        return event;
    }

    errc error_of(const std::string& input, std::size_t step = plenty) {
        restart();
        return feed(input, step) == message_event::failed ? assembler->error() : errc{};
    }

    message_limits limits;
    std::array<std::byte, 64 * 1024> scratch;
    byte_budget budget{64 * 1024 * 1024};
    assembler_shared shared{budget, scratch};
    time_point clock{};
    std::vector<std::pair<message_event, std::string>> told;
    std::size_t highest = 0;
    std::optional<message_assembler> assembler;
};

using told_list = std::vector<std::pair<message_event, std::string>>;

TEST_F(message_assembler_test, delivers_a_single_read_message_as_a_view) {
    restart();
    std::string input = encode({fin | 0x1, "twenty bytes of text"});
    byte_span rest = writable(input);
    std::int64_t allowance = plenty;
    ASSERT_EQ(assembler->next(rest, clock, allowance), message_event::text);
    EXPECT_EQ(assembler->payload().data(), writable(input).data() + 6);
    EXPECT_EQ(assembler->held(), 0U);
    EXPECT_EQ(budget.used(), 0U);
    const buffer_slice kept = assembler->take_payload();
    EXPECT_EQ(bytes_to_string(kept.bytes), "twenty bytes of text");
    EXPECT_NE(kept.bytes.data(), writable(input).data() + 6);
}

TEST_F(message_assembler_test, every_split_tells_the_same) {
    const std::string input =
        encode({0x01, "Grüße "}) + encode({fin | 0x9, "ping"}) + encode({0x00, "из "}) +
        encode({fin | 0x0, "世界"}) + encode({fin | 0xA, std::string(125, 'p')}) +
        encode({fin | 0x2, std::string(3000, '\xFF')}) + encode({fin | 0x1, ""}) +
        encode({fin | 0x8,
                "\x03\xE8"
                "bye"}) +
        encode({fin | 0x1, "ignored"});
    const told_list expected{{message_event::ping, "ping"},
                             {message_event::text, "Grüße из 世界"},
                             {message_event::pong, std::string(125, 'p')},
                             {message_event::binary, std::string(3000, '\xFF')},
                             {message_event::text, ""},
                             {message_event::close,
                              "\x03\xE8"
                              "bye"}};
    for (std::size_t step = 1; step <= input.size(); step += step < 200 ? 1 : 61) {
        restart();
        feed(input, step);
        ASSERT_EQ(told, expected) << step;
        EXPECT_EQ(assembler->close_frame().code, close_code::normal);
        EXPECT_EQ(budget.used(), 0U);
    }
}

TEST_F(message_assembler_test, a_split_message_can_be_taken_without_a_copy) {
    restart();
    std::string input = encode({fin | 0x2, std::string(50'000, 'z')});
    byte_span first = writable(input).first(20'000);
    byte_span second = writable(input).subspan(20'000);
    std::int64_t allowance = plenty;
    ASSERT_EQ(assembler->next(first, clock, allowance), message_event::need_more);
    EXPECT_TRUE(assembler->in_message());
    ASSERT_EQ(assembler->next(second, clock, allowance), message_event::binary);
    const std::byte* const place = assembler->payload().data();
    EXPECT_GT(budget.used(), 0U);
    const buffer_slice kept = assembler->take_payload();
    EXPECT_EQ(kept.bytes.data(), place);
    EXPECT_EQ(budget.used(), 0U);
    assembler.reset();
    EXPECT_EQ(bytes_to_string(kept.bytes), std::string(50'000, 'z'));
}

TEST_F(message_assembler_test, a_large_frame_is_received_straight_into_the_message) {
    restart();
    std::string payload(900'000, '\0');
    for (std::size_t i = 0; i < payload.size(); ++i) payload[i] = static_cast<char>(i * 7);
    std::string input = encode({fin | 0x2, payload});
    byte_span rest = writable(input);
    byte_span head = rest.first(64 * 1024);
    rest = rest.subspan(head.size());
    std::int64_t allowance = plenty;
    std::size_t in_place = 0;
    std::size_t arrived = head.size();
    message_event event = assembler->next(head, clock, allowance);
    while (event == message_event::need_more && !rest.empty()) {
        const byte_span target = assembler->read_target();
        EXPECT_LE(assembler->held(), 2 * arrived + 64 * 1024);
        byte_span now;
        if (!target.empty()) {
            // As a short recv() would do it.
            const std::size_t size = std::min<std::size_t>({target.size(), rest.size(), 50'001});
            std::copy_n(rest.begin(), size, target.begin());
            now = target.first(size);
            in_place += size;
        } else {
            now = rest.first(std::min<std::size_t>(rest.size(), 64 * 1024));
        }
        rest = rest.subspan(now.size());
        arrived += now.size();
        event = assembler->next(now, clock, allowance);
    }
    ASSERT_EQ(event, message_event::binary);
    EXPECT_EQ(bytes_to_string(assembler->payload()), payload);
    EXPECT_GT(in_place, 700'000U);
}

TEST_F(message_assembler_test, has_no_target_where_a_header_could_come) {
    restart();
    EXPECT_TRUE(assembler->read_target().empty());
    std::string frame = encode({0x02, std::string(100'000, 'a')});
    feed(frame.substr(0, 50'000));
    EXPECT_FALSE(assembler->read_target().empty());
    EXPECT_LE(assembler->read_target().size(), frame.size() - 50'000);
    feed(frame.substr(50'000));
    EXPECT_TRUE(assembler->read_target().empty());
}

TEST_F(message_assembler_test, sec_w2_nothing_is_allocated_for_what_was_only_announced) {
    for (const std::uint64_t announced : {std::uint64_t{70'000}, std::uint64_t{1024 * 1024}}) {
        restart();
        feed(encode({fin | 0x2, "", true, std::uint8_t{127}, announced}));
        EXPECT_LE(assembler->held(), 1024U);
        EXPECT_TRUE(assembler->read_target().empty());
        EXPECT_LE(assembler->held(), 1024U);
        feed(std::string(100, 'x'));
        EXPECT_LE(assembler->held(), 1024U);
    }
    EXPECT_EQ(error_of(encode({fin | 0x2, "", true, std::uint8_t{127}, 1024 * 1024 + 1})),
              errc::message_too_big);
    EXPECT_EQ(budget.used(), 0U);
}

TEST_F(message_assembler_test, sec_w2_the_limit_counts_the_whole_message) {
    limits.max_message = 100;
    const std::string sixty = encode({0x02, std::string(60, 'a')});
    EXPECT_EQ(error_of(sixty + encode({fin, std::string(40, 'b')})), errc{});
    EXPECT_EQ(error_of(sixty + encode({fin, std::string(41, 'b')})), errc::message_too_big);
    EXPECT_EQ(error_of(encode({fin | 0x2, std::string(100, 'a')})), errc{});
    EXPECT_EQ(error_of(encode({fin | 0x2, std::string(101, 'a')})), errc::message_too_big);
}

TEST_F(message_assembler_test, sec_w3_memory_follows_what_arrived) {
    for (const std::size_t fragment : {16, 100, 1000}) {
        for (const std::size_t step : {1, 7, 5000}) {
            restart();
            std::size_t arrived = 0;
            std::string frame = encode({0x02, std::string(fragment, 'a')});
            while (arrived < 300'000) {
                feed(frame, step);
                arrived += frame.size();
                ASSERT_LE(assembler->held(), 2 * arrived + 64 * 1024);
                ASSERT_EQ(budget.used(), assembler->held());
                frame[0] = 0x00;
            }
        }
    }
    // One frame of 1 MiB in segments of one byte.
    restart();
    const std::string frame = encode({fin | 0x2, std::string(1024 * 1024, 'b')});
    std::size_t arrived = 0;
    std::string copy = frame;
    for (std::byte& b : writable(copy)) {
        byte_span one(&b, 1);
        std::int64_t allowance = plenty;
        const message_event event = assembler->next(one, clock, allowance);
        ++arrived;
        ASSERT_LE(assembler->held(), 2 * arrived + 64 * 1024);
        ASSERT_EQ(event == message_event::binary, arrived == frame.size());
    }
}

TEST_F(message_assembler_test, a_message_may_come_in_as_many_frames_as_it_has_bytes) {
    limits.max_message = 5'000'000;
    for (const std::size_t size : {std::size_t{1}, std::size_t{3}, std::size_t{4096}}) {
        std::string input = encode({0x01, std::string(size, 'x')});
        const std::string part = encode({0x00, std::string(size, 'x')});
        for (std::size_t sent = 2 * size; sent <= limits.max_message; sent += size) input += part;
        restart();
        EXPECT_EQ(feed(input + encode({fin, ""}), 60'000), message_event::need_more);
        ASSERT_EQ(told.size(), 1U);  // libraries that stream end it with an empty frame
        EXPECT_EQ(told[0].second.size(), limits.max_message / size * size);
    }
}

TEST_F(message_assembler_test, sec_w3_number_of_empty_frames) {
    limits.max_message = 1000;
    const auto empties = [](std::size_t n) {
        std::string input = encode({0x02, ""});
        for (std::size_t i = 1; i < n; ++i) input += encode({0x00, ""});
        return input;
    };
    EXPECT_EQ(error_of(empties(1015) + encode({fin, "x"})), errc{});
    EXPECT_EQ(error_of(empties(1016)), errc{});
    EXPECT_EQ(error_of(empties(1017)), errc::too_many_fragments);
    EXPECT_EQ(error_of(empties(1016) + encode({fin, ""})), errc::too_many_fragments);
    EXPECT_EQ(describe(errc::too_many_fragments).close, close_code::message_too_big);
    limits.max_message = 1;
    EXPECT_EQ(error_of(empties(10) + encode({0x00, "x"}) + encode({fin, ""})), errc{});
}

TEST_F(message_assembler_test, sec_w3_counts_begin_anew_with_each_message) {
    restart();
    for (int message = 0; message < 3000; ++message) {
        std::string input = encode({0x02, "a"});
        for (int i = 0; i < 15; ++i) input += encode({0x00, i % 2 == 0 ? "" : "b"});
        ASSERT_EQ(feed(input + encode({fin, ""})), message_event::need_more) << message;
    }
    EXPECT_EQ(told.size(), 3000U);
}

TEST_F(message_assembler_test, sec_w3_the_budget_of_the_loop_bounds_all) {
    byte_budget small{100'000};
    assembler_shared tight{small, scratch};
    assembler.emplace(role::server, limits, tight);
    EXPECT_EQ(feed(encode({0x02, std::string(45'000, 'a')})), message_event::need_more);
    EXPECT_LE(small.used(), 100'000U);
    EXPECT_EQ(feed(encode({0x00, std::string(60'000, 'a')})), message_event::failed);
    EXPECT_EQ(assembler->error(), errc::out_of_budget);
    EXPECT_EQ(small.used(), 0U);
    assembler.reset();  // which refers to the budget
}

TEST_F(message_assembler_test, pongs_that_answer_our_pings_may_come_all_at_once) {
    restart();
    const std::string pong = encode({fin | 0xA, ""});
    for (int i = 0; i < 100; ++i) assembler->expect_pong();
    for (int i = 0; i < 100; ++i) ASSERT_EQ(feed(pong), message_event::need_more) << i;
    // From here on they are unasked for.
    for (int i = 0; i < 40; ++i) ASSERT_EQ(feed(pong), message_event::need_more) << i;
    EXPECT_EQ(feed(pong), message_event::failed);
    EXPECT_EQ(assembler->error(), errc::control_flood);
    restart();
    for (int i = 0; i < 100; ++i) assembler->expect_pong();
    for (int i = 0; i < 40; ++i) ASSERT_EQ(feed(encode({fin | 0x9, ""})), message_event::need_more);
    EXPECT_EQ(feed(encode({fin | 0x9, ""})), message_event::failed) << "pings are none";
}

TEST_F(message_assembler_test, sec_w4_control_frames_are_limited_in_rate) {
    restart();
    const std::string ping = encode({fin | 0x9, ""});
    for (int i = 0; i < 40; ++i) ASSERT_EQ(feed(ping), message_event::need_more) << i;
    clock += 49ms;
    EXPECT_EQ(feed(ping), message_event::failed);
    EXPECT_EQ(assembler->error(), errc::control_flood);

    restart();
    for (int i = 0; i < 40; ++i) feed(ping);
    for (int i = 0; i < 1000; ++i) {
        clock += 50ms;
        ASSERT_EQ(feed(ping), message_event::need_more) << i;
    }
    clock += 1h;  // no more than the burst is saved up
    for (int i = 0; i < 40; ++i) ASSERT_EQ(feed(ping), message_event::need_more);
    EXPECT_EQ(feed(encode({fin | 0xA, ""})), message_event::failed);
}

TEST_F(message_assembler_test, sec_w4_illegal_control_frames) {
    EXPECT_EQ(error_of(encode({0x09, "x"})), errc::fragmented_control);
    EXPECT_EQ(error_of(encode({fin | 0x9, std::string(126, 'x')})), errc::control_too_long);
    EXPECT_EQ(error_of(encode({fin | 0x9, std::string(125, 'x')}), 3), errc{});
}

TEST_F(message_assembler_test, sec_w5_bad_text_fails_before_the_message_ends) {
    const std::string good = "κόσμε";
    // In the first fragment, with the message open.
    EXPECT_EQ(error_of(encode({0x01, good + "\xF4\x90"})), errc::invalid_utf8);
    // A character split over fragments, then broken.
    EXPECT_EQ(error_of(encode({0x01, good + "\xE2\x82"}) + encode({0x00, "\xAC ok"})), errc{});
    EXPECT_EQ(error_of(encode({0x01, good + "\xE2\x82"}) + encode({0x00, "x"})),
              errc::invalid_utf8);
    // In the middle of a frame that has not ended.
    const std::string frame = encode({fin | 0x1, std::string(500, 'a') + "\xED\xA0" + "rest"});
    EXPECT_EQ(error_of(frame.substr(0, 510)), errc::invalid_utf8);
    // Ends inside a character.
    EXPECT_EQ(error_of(encode({fin | 0x1, "\xE2\x82"})), errc::invalid_utf8);
    EXPECT_EQ(error_of(encode({0x01, "\xE2"}) + encode({fin, "\x82"})), errc::invalid_utf8);
    EXPECT_EQ(error_of(encode({0x01, "\xE2"}) + encode({fin, ""})), errc::invalid_utf8);
    // ASCII behind an open character: the skip of ASCII pieces must not hide it.
    EXPECT_EQ(error_of(encode({0x01, "\xE2"}) + encode({0x00, "aaaaaaaa"})), errc::invalid_utf8);
    // Binary may hold anything.
    EXPECT_EQ(error_of(encode({0x02, "\xFF"}) + encode({fin, "\xC0"})), errc{});
    EXPECT_EQ(describe(errc::invalid_utf8).close, close_code::invalid_payload);
}

TEST_F(message_assembler_test, sec_w6_close_frames) {
    EXPECT_EQ(error_of(encode({fin | 0x8, "\x03"})), errc::bad_close_payload);
    EXPECT_EQ(error_of(encode({fin | 0x8, std::string("\x03\xED", 2)})), errc::bad_close_code);
    EXPECT_EQ(error_of(encode({fin | 0x8, "\x03\xE8\xFF"}), 1), errc::invalid_utf8);
    restart();
    EXPECT_EQ(feed(encode({fin | 0x8, ""}) + encode({fin | 0x8, "\x03"}) + "garbage"),
              message_event::need_more);
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(assembler->close_frame().code, close_code::no_status);
}

TEST_F(message_assembler_test, stays_failed_and_holds_nothing) {
    restart();
    feed(encode({0x02, std::string(1000, 'a')}));
    EXPECT_EQ(feed(encode({0x83, ""})), message_event::failed);
    EXPECT_EQ(budget.used(), 0U);
    EXPECT_EQ(feed(encode({fin | 0x1, "fine"})), message_event::failed);
    EXPECT_EQ(assembler->error(), errc::reserved_opcode);
}

}  // namespace
}  // namespace weft::ws
