// Outgoing connections whose name has several addresses: the race of RFC 8305, on a clock that the
// test moves.

#include "net/connector.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/sim_world.hpp"

namespace weft::net {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

struct idle_handler final : stream_handler {
    void on_data(byte_span) noexcept override {}
    void on_closed(std::error_code) noexcept override {}
};

class race : public testing::Test {
protected:
    static constexpr std::uint16_t mute = 1, refused = 2, served = 3, served_too = 4;

    race() {
        world.io.serve_port(served);
        world.io.serve_port(served_too);
        world.io.mute_port(mute);
    }

    void start(const std::vector<std::pair<std::string_view, std::uint16_t>>& to) {
        std::vector<socket_address> addresses;
        for (const auto& [address, port] : to)
            addresses.push_back(*socket_address::make(address, port));
        connect_options options;
        options.timeout = 10s;
        auto made = std::make_shared<connect_race>(
            world.core, options, [this](result<byte_stream*> outcome) {
                ++told;
                if (!outcome) {
                    failure = outcome.error().code();
                    return;
                }
                winner = (*outcome)->peer().address().port();
                (*outcome)->set_handler(std::make_unique<idle_handler>());
            });
        made->start(std::move(addresses), error(errc::name_not_found));
        made.reset();
        world.run(3);
    }
    void pass(duration time) {
        world.pass(time);
        world.run(3);
    }
    /// The listener's descriptor does not count.
    [[nodiscard]] std::size_t open_here() const { return world.io.open_descriptors() - 1; }

    test::sim_world world;
    int told = 0;
    std::uint16_t winner = 0;
    std::error_code failure;
};

TEST_F(race, a_dead_address_costs_a_quarter_of_a_second) {
    start({{"::1", mute}, {"127.0.0.1", served}});
    pass(249ms);
    EXPECT_EQ(told, 0);
    pass(1ms);
    EXPECT_EQ(told, 1);
    EXPECT_EQ(winner, served);
    EXPECT_EQ(world.core.connections(), 1U);  // the slower attempt is gone
    pass(20s);
    EXPECT_EQ(told, 1);
    EXPECT_EQ(world.core.connections(), 1U);
}

TEST_F(race, an_address_that_refuses_costs_nothing) {
    start({{"::1", refused}, {"127.0.0.1", served}});
    EXPECT_EQ(winner, served);
    EXPECT_EQ(told, 1);
}

TEST_F(race, the_first_that_answers_leaves_the_others_untried) {
    start({{"::1", served}, {"127.0.0.1", served_too}});
    EXPECT_EQ(winner, served);
    pass(20s);
    EXPECT_EQ(told, 1);
    EXPECT_TRUE(world.io.taken_connections(served_too).empty());
}

TEST_F(race, without_any_answer_the_time_is_over_once) {
    start({{"::1", mute}, {"127.0.0.1", mute}, {"::1", refused}});
    pass(9999ms);
    EXPECT_EQ(told, 0);
    pass(1ms);
    EXPECT_EQ(told, 1);
    EXPECT_EQ(failure, errc::timed_out);
    EXPECT_EQ(world.core.connections(), 0U);
}

TEST_F(race, when_all_refuse_the_last_reason_is_told) {
    start({{"::1", refused}, {"127.0.0.1", refused}});
    EXPECT_EQ(told, 1);
    EXPECT_EQ(failure, std::errc::connection_refused);
}

TEST_F(race, without_addresses_the_given_reason_is_told) {
    start({});
    EXPECT_EQ(failure, errc::name_not_found);
}

TEST_F(race, a_loop_that_ends_tells_nobody) {
    start({{"::1", mute}, {"127.0.0.1", mute}});
    pass(300ms);
    EXPECT_EQ(world.core.connections(), 2U);
    world.core.shut_down();
    EXPECT_EQ(told, 0);
}

TEST_F(race, nobody_who_takes_the_winner_ends_it) {
    auto made = std::make_shared<connect_race>(world.core, connect_options{},
                                               [this](result<byte_stream*>) { ++told; });
    made->start({*socket_address::make("127.0.0.1", served)}, error(errc::name_not_found));
    made.reset();
    world.run(3);
    EXPECT_EQ(told, 1);
    EXPECT_EQ(world.core.connections(), 0U);
}

TEST(interleaved, families_take_turns_beginning_with_the_first) {
    const auto order = [](std::initializer_list<std::string_view> found) {
        std::vector<socket_address> addresses;
        for (const std::string_view a : found) addresses.push_back(*socket_address::make(a, 1));
        std::vector<std::string> text;
        for (const socket_address& a : interleaved(std::move(addresses)))
            text.push_back(a.address());
        return text;
    };
    EXPECT_THAT(order({"::1", "::2", "::3", "1.1.1.1", "2.2.2.2"}),
                ElementsAre("::1", "1.1.1.1", "::2", "2.2.2.2", "::3"));
    EXPECT_THAT(order({"1.1.1.1", "::1", "2.2.2.2"}), ElementsAre("1.1.1.1", "::1", "2.2.2.2"));
    EXPECT_THAT(order({"1.1.1.1"}), ElementsAre("1.1.1.1"));
    EXPECT_THAT(order({}), ElementsAre());
}

}  // namespace
}  // namespace weft::net
