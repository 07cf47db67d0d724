// What the log says of refusals that peers can cause as often as they like.

#include "base/refusal_log.hpp"

#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace weft {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view too_big = "a message is longer than max_message";
constexpr std::string_view too_slow = "a message comes slower than min_message_rate";

class kept_log final : public log_sink {
public:
    explicit kept_log(log_level level) : least(level) {}
    void write(const log_record& record) noexcept override {
        constexpr std::string_view initials = "diwe";
        lines.push_back(initials[static_cast<std::size_t>(record.level)] + std::string(" ") +
                        std::string(record.layer) + ": " + std::string(record.message));
    }
    [[nodiscard]] bool wants(log_level level) const noexcept override { return level >= least; }
    std::vector<std::string> lines;
    log_level least;
};

class RefusalLog : public testing::Test {
protected:
    void tell(std::string_view what, std::string_view peer, log_level level = log_level::warning) {
        refusals.tell(level, "ws", what, now, [&] {
            ++asked;
            return refusal_facts{.peer = std::string(peer), .route = "/chat/:room"};
        });
    }

    kept_log log{log_level::info};
    refusal_log refusals{&log};
    time_point now{};
    int asked = 0;
};

using lines = std::vector<std::string>;

TEST_F(RefusalLog, the_first_of_a_minute_has_peer_route_and_setting) {
    tell(too_big, "10.0.0.1:4000");
    EXPECT_EQ(log.lines, lines{"w ws: a message is longer than max_message, from 10.0.0.1:4000, at "
                               "/chat/:room"});
}

TEST_F(RefusalLog, sec_h8_a_query_is_not_told) {
    refusals.tell(log_level::info, "ws", too_slow, now, [] {
        return refusal_facts{.peer = "10.0.0.1:4000", .route = "/chat?token=secret"};
    });
    EXPECT_EQ(log.lines, lines{"i ws: a message comes slower than min_message_rate, from "
                               "10.0.0.1:4000, at /chat"});
}

TEST_F(RefusalLog, the_next_minute_tells_how_many_there_were) {
    for (int i = 0; i < 3; ++i) tell(too_big, "10.0.0.1:4000");
    now += 59s;
    tell(too_big, "10.0.0.2:4000");
    ASSERT_EQ(log.lines.size(), 1U);
    now += 1s;
    tell(too_big, "10.0.0.3:4000");
    ASSERT_EQ(log.lines.size(), 2U);
    EXPECT_EQ(log.lines[1],
              "w ws: a message is longer than max_message, from 10.0.0.3:4000, at /chat/:room (4 "
              "since the last such line)");
}

TEST_F(RefusalLog, each_kind_has_minutes_of_its_own) {
    tell(too_big, "10.0.0.1:4000");
    tell(too_slow, "10.0.0.1:4000");
    tell(too_slow, "10.0.0.1:4000");
    EXPECT_EQ(log.lines.size(), 2U);
}

TEST_F(RefusalLog, an_attack_costs_a_sink_without_debug_nothing) {
    for (int i = 0; i < 1000; ++i) tell(too_big, "10.0.0.1:4000");
    EXPECT_EQ(log.lines.size(), 1U);
    EXPECT_EQ(asked, 1) << "a line was made that nobody wants";
}

TEST_F(RefusalLog, a_sink_that_asks_for_debug_gets_each) {
    log.least = log_level::debug;
    for (int i = 0; i < 3; ++i) tell(too_big, "10.0.0.1:4000", log_level::info);
    ASSERT_EQ(log.lines.size(), 3U);
    EXPECT_EQ(log.lines[0].front(), 'i');
    EXPECT_EQ(log.lines[1].front(), 'd');
    EXPECT_EQ(log.lines[2].front(), 'd');
}

TEST_F(RefusalLog, what_a_peer_sent_forges_no_line) {
    refusals.tell(log_level::warning, "ws", too_big, now, [] {
        return refusal_facts{.peer = "10.0.0.1:1", .route = "/a\nb", .value = "http://x\r\nevil"};
    });
    EXPECT_EQ(log.lines, lines{"w ws: a message is longer than max_message: 'http://x??evil', from "
                               "10.0.0.1:1, at /a?b"});
}

TEST_F(RefusalLog, without_a_sink_nothing_is_done) {
    refusal_log silent(nullptr);
    silent.tell(log_level::warning, "ws", too_big, now, [&] {
        ++asked;
        return refusal_facts{};
    });
    EXPECT_EQ(asked, 0);
}

}  // namespace
}  // namespace weft
