// What a loop says of a turn that took long, and of the callback that it went to.

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "support/sim_world.hpp"

namespace weft::test {
namespace {

class kept_log final : public log_sink {
public:
    void write(const log_record& record) noexcept override {
        if (record.level == log_level::warning) lines.emplace_back(record.message);
    }
    std::vector<std::string> lines;
};

/// A loop whose tasks take time: they move the clock.
class SlowTurn : public testing::Test {
protected:
    explicit SlowTurn(duration limit = 200ms) {
        loop_options options;
        options.slow_turn = limit;
        options.log = &log;
        world.emplace(options);
    }

    /// One turn with a task for each of these times.
    void turn_of(std::initializer_list<duration> times) {
        for (const duration time : times)
            world->core.post([this, time] { world->io.advance(time); });
        world->run();
    }
    [[nodiscard]] std::string metric(std::string_view line_begin) {
        metrics_page page;
        world->core.metrics().visit([&](const metric_sample& sample) { page.add(sample); });
        const std::string text = page.text();
        const std::size_t at = text.find("\n" + std::string(line_begin) + " ");
        if (at == std::string::npos) return "none";
        const std::size_t value = at + 1 + line_begin.size() + 1;
        return text.substr(value, text.find('\n', value) - value);
    }

    kept_log log;
    std::optional<sim_world> world;
};

TEST_F(SlowTurn, is_counted_and_logged) {
    turn_of({199ms});
    turn_of({200ms});
    EXPECT_TRUE(log.lines.empty());
    turn_of({150ms, 51ms});
    ASSERT_EQ(log.lines.size(), 1U);
    EXPECT_EQ(log.lines[0],
              "a turn took 201 ms: a handler may block this loop, and the next one will be named "
              "(slow_turn is 200 ms)");
    EXPECT_EQ(metric("weft_net_slow_turns_total"), "1");
}

TEST_F(SlowTurn, lets_the_callback_of_the_next_one_be_named) {
    turn_of({300ms});
    world->pass(10s);
    turn_of({10ms, 250ms, 20ms});
    ASSERT_EQ(log.lines.size(), 2U);
    EXPECT_EQ(log.lines[1],
              "a turn took 280 ms, 250 ms of it in a posted task (slow_turn is 200 ms)");
}

TEST_F(SlowTurn, names_no_callback_where_many_small_ones_fill_it) {
    turn_of({300ms});
    world->pass(10s);
    turn_of({90ms, 90ms, 90ms});
    ASSERT_EQ(log.lines.size(), 2U);
    EXPECT_EQ(log.lines[1],
              "a turn took 270 ms, spread over many short callbacks (slow_turn is 200 ms)");
}

TEST_F(SlowTurn, does_not_blame_a_callback_of_an_earlier_one) {
    turn_of({300ms});
    turn_of({180ms});  // not slow, and noted
    world->pass(10s);
    turn_of({90ms, 90ms, 90ms});
    ASSERT_EQ(log.lines.size(), 2U);
    EXPECT_NE(log.lines[1].find("spread"), std::string::npos) << log.lines[1];
}

TEST_F(SlowTurn, is_told_once_in_ten_seconds) {
    for (int i = 0; i < 30; ++i) turn_of({300ms});  // nine seconds
    EXPECT_EQ(log.lines.size(), 1U);
    world->pass(1s);
    turn_of({300ms});
    ASSERT_EQ(log.lines.size(), 2U);
    EXPECT_EQ(
        log.lines[1],
        "a turn took 300 ms, 300 ms of it in a posted task (slow_turn is 200 ms); 29 more since "
        "the last such line");
    EXPECT_EQ(metric("weft_net_slow_turns_total"), "31");
}

TEST_F(SlowTurn, ends_the_watch_after_a_minute) {
    turn_of({300ms});
    EXPECT_TRUE(world->core.callbacks().on());
    world->pass(59s);
    EXPECT_TRUE(world->core.callbacks().on());
    world->pass(2s);
    EXPECT_FALSE(world->core.callbacks().on());
}

TEST_F(SlowTurn, is_a_histogram_of_all_turns) {
    turn_of({0ms});
    turn_of({1ms});
    turn_of({40ms});
    turn_of({5s});
    EXPECT_EQ(metric(R"(weft_net_turn_seconds_bucket{le="0.001"})"), "2");
    EXPECT_EQ(metric(R"(weft_net_turn_seconds_bucket{le="0.005"})"), "2");
    EXPECT_EQ(metric(R"(weft_net_turn_seconds_bucket{le="0.025"})"), "2");
    EXPECT_EQ(metric(R"(weft_net_turn_seconds_bucket{le="0.05"})"), "3");
    EXPECT_EQ(metric(R"(weft_net_turn_seconds_bucket{le="1"})"), "3");
    EXPECT_EQ(metric(R"(weft_net_turn_seconds_bucket{le="+Inf"})"), "4");
    EXPECT_EQ(metric("weft_net_turn_seconds_sum"), "5.041");
    EXPECT_EQ(metric("weft_net_turn_seconds_count"), "4");
}

class NoSlowTurn : public SlowTurn {
protected:
    NoSlowTurn() : SlowTurn(duration::zero()) {}
};

TEST_F(NoSlowTurn, is_looked_for_when_the_limit_is_zero) {
    turn_of({1h});
    EXPECT_TRUE(log.lines.empty());
    EXPECT_EQ(metric("weft_net_slow_turns_total"), "0");
    EXPECT_FALSE(world->core.callbacks().on());
}

}  // namespace
}  // namespace weft::test
