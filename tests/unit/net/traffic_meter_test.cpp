#include "net/traffic_meter.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace weft::net {
namespace {

using namespace std::chrono_literals;

constexpr time_point start{1h};

socket_address address(std::string_view text) {
    return *socket_address::make(text, 0);
}

class traffic : public testing::Test {
protected:
    /// A connection from there; nothing if there is one too many.
    std::unique_ptr<traffic_account> connect(traffic_meter& meter, std::string_view from,
                                             time_point now = start) {
        auto made = std::make_unique<traffic_account>(&meter);
        made->set_address(address(from));
        last = made->enter_address(now);
        return last && !last->dry_run ? nullptr : std::move(made);
    }
    std::uint64_t met(const traffic_meter& meter, std::string_view label) {
        std::uint64_t found = 0;
        meter.visit_metrics([&](const metric_sample& sample) {
            if (sample.labels == label) found += sample.value;
        });
        return found;
    }

    std::optional<traffic_refusal> last;
};

TEST_F(traffic, of_an_address_is_one_whatever_the_connection) {
    traffic_meter meter({.per_address = {.max_connections = 2}});
    const auto first = connect(meter, "192.0.2.1");
    auto second = connect(meter, "192.0.2.1");
    EXPECT_NE(second, nullptr);
    EXPECT_EQ(connect(meter, "192.0.2.1"), nullptr);
    EXPECT_EQ(last->why,
              "too many connections of one address: traffic.per_address.max_connections");
    EXPECT_NE(connect(meter, "192.0.2.2"), nullptr);
    EXPECT_EQ(met(meter, R"(scope="address",limit="connections")"), 1U);
    second = nullptr;
    EXPECT_NE(connect(meter, "192.0.2.1"), nullptr) << "one has gone";
    EXPECT_EQ(meter.addresses.size(), 1U) << "what nobody holds and owes nothing is forgotten";
}

TEST_F(traffic, of_ipv6_counts_by_64_bits) {
    traffic_meter meter({.per_address = {.max_connections = 1}});
    const auto first = connect(meter, "2001:db8::1");
    EXPECT_EQ(connect(meter, "2001:db8::ffff"), nullptr);
    EXPECT_NE(connect(meter, "2001:db8:0:1::1"), nullptr);
}

TEST_F(traffic, connects_are_counted_although_they_end) {
    traffic_meter meter({.per_address = {.connects_per_minute = 6}});
    for (int i = 0; i < 6; ++i) EXPECT_NE(connect(meter, "192.0.2.1"), nullptr) << i;
    EXPECT_EQ(connect(meter, "192.0.2.1"), nullptr);
    EXPECT_EQ(last->retry_after, 10s);
    EXPECT_EQ(connect(meter, "192.0.2.1", start + 9s), nullptr) << "a refused one costs nothing";
    EXPECT_NE(connect(meter, "192.0.2.1", start + 10s), nullptr);
    EXPECT_EQ(connect(meter, "192.0.2.1", start + 10s), nullptr);
    EXPECT_EQ(met(meter, R"(scope="address",limit="connects")"), 3U);
}

TEST_F(traffic, tables_forget_who_owes_nothing) {
    traffic_meter meter({.per_address = {.connects_per_minute = 60}});
    for (int i = 0; i < 100; ++i) connect(meter, "192.0.2." + std::to_string(i));
    EXPECT_EQ(meter.addresses.size(), 100U);
    for (int i = 0; i < 100; ++i) connect(meter, "198.51.100.1", start + 3min);
    EXPECT_EQ(meter.addresses.size(), 1U);
}

TEST_F(traffic, messages_and_bytes_are_paid_with_time) {
    traffic_meter meter({.per_address = {.messages_per_second = 10, .bytes_per_second = 1000}});
    const auto one = connect(meter, "192.0.2.1");
    const auto two = connect(meter, "192.0.2.1");
    EXPECT_LE(one->spend(10, 10, start).due, start) << "two seconds are saved up";
    EXPECT_LE(two->spend(10, 10, start).due, start);
    const auto late = two->spend(5, 10, start);
    EXPECT_EQ(late.due, start + 500ms);
    EXPECT_EQ(late.why,
              "an address sends too many messages: traffic.per_address.messages_per_second");
    EXPECT_EQ(one->due(), start + 500ms) << "they share it";
    EXPECT_EQ(one->spend(0, 3000, start + 1s).why,
              "an address sends too many bytes: traffic.per_address.bytes_per_second");
}

TEST_F(traffic, requests_are_refused_and_then_cost_nothing) {
    traffic_meter meter({.per_address = {.messages_per_second = 1, .burst = 1s}});
    const auto client = connect(meter, "192.0.2.1");
    EXPECT_EQ(client->request(0, start), std::nullopt);
    EXPECT_EQ(client->request(0, start), std::nullopt);
    const auto no = client->request(0, start);
    ASSERT_TRUE(no);
    EXPECT_EQ(no->retry_after, 1s);
    const refusal told = no->to_refusal();
    EXPECT_EQ(told.status, 429);
    EXPECT_EQ(told.headers.at(0).first, "Retry-After");
    EXPECT_EQ(told.headers.at(0).second, "1");
    EXPECT_EQ(client->request(0, start + 1s), std::nullopt);
}

TEST_F(traffic, an_error_budget_closes_the_door) {
    traffic_meter meter({.per_address = {.errors_per_minute = 2}});
    const auto client = connect(meter, "192.0.2.1");
    for (int i = 0; i < 2; ++i) client->note_error(start);
    EXPECT_NE(connect(meter, "192.0.2.1"), nullptr);
    client->note_error(start);
    EXPECT_EQ(connect(meter, "192.0.2.1"), nullptr);
    EXPECT_EQ(last->why, "an address makes too many errors: traffic.per_address.errors_per_minute");
    EXPECT_TRUE(client->request(0, start));
    EXPECT_NE(connect(meter, "192.0.2.1", start + 30s), nullptr);
}

TEST_F(traffic, of_a_subject_counts_what_stays_open) {
    traffic_meter meter({.per_subject = {.max_connections = 1, .messages_per_second = 5}});
    const auto one = connect(meter, "192.0.2.1");
    one->set_subject("ann");
    EXPECT_EQ(one->enter(start), std::nullopt);
    auto two = connect(meter, "192.0.2.2");
    two->set_subject("ann");
    const auto no = two->enter(start);
    ASSERT_TRUE(no);
    EXPECT_EQ(no->why, "too many connections of one subject: traffic.per_subject.max_connections");
    two->set_subject("bob");
    EXPECT_EQ(two->enter(start), std::nullopt);
    (void)one->spend(15, 0, start);
    EXPECT_EQ(one->due(), start + 1s);
    EXPECT_EQ(two->due(), time_point::min());
    two->set_subject("ann");  // logged in anew: it counts for ann from now on
    EXPECT_EQ(two->due(), start + 1s);
    auto three = connect(meter, "192.0.2.3");
    three->set_subject("bob");
    EXPECT_EQ(three->enter(start), std::nullopt) << "bob has none any more";
    EXPECT_EQ(meter.subjects.size(), 2U);
}

TEST_F(traffic, a_copy_shares_the_subject_and_the_door_but_is_no_connection) {
    traffic_meter meter({.per_address = {.max_connections = 1, .messages_per_second = 1},
                         .per_subject = {.messages_per_second = 1}});
    auto stream = connect(meter, "192.0.2.1");
    stream->set_subject("ann");
    traffic_account session(*stream);
    EXPECT_EQ(session.enter(start), std::nullopt);
    EXPECT_LE(session.spend(2, 0, start).due, start) << "both have two seconds saved up";
    EXPECT_EQ(stream->spend(1, 0, start).why,
              "a subject sends too many messages: traffic.per_subject.messages_per_second")
        << "the request that carried them counted for one of them";
    const std::string_view label = R"(scope="address",limit="messages")";
    EXPECT_EQ(met(meter, label), 0U);
    (void)stream->spend(1, 0, start);
    EXPECT_EQ(met(meter, label), 1U) << "the session counted for the other";
    stream = nullptr;
    EXPECT_NE(connect(meter, "192.0.2.1"), nullptr);
}

TEST_F(traffic, of_a_session_behind_a_proxy_counts_itself) {
    traffic_meter meter({.per_address = {.max_connections = 1}});
    traffic_account request(&meter);
    request.set_address(address("192.0.2.1"));
    auto session = std::make_unique<traffic_account>(request);
    EXPECT_EQ(session->enter(start), std::nullopt);
    traffic_account other(request);
    EXPECT_TRUE(other.enter(start));
    session = nullptr;
    EXPECT_EQ(other.enter(start), std::nullopt);
}

TEST_F(traffic, in_a_dry_run_is_only_counted) {
    traffic_meter meter({.per_address = {.max_connections = 1,
                                         .connects_per_minute = 1,
                                         .messages_per_second = 1,
                                         .errors_per_minute = 1},
                         .dry_run = true});
    const auto one = connect(meter, "192.0.2.1");
    std::vector<std::unique_ptr<traffic_account>> more;
    for (int i = 0; i < 5; ++i) more.push_back(connect(meter, "192.0.2.1"));
    EXPECT_TRUE(last && last->dry_run);
    EXPECT_EQ(one->spend(100, 0, start).due, time_point::min());
    EXPECT_EQ(one->due(), time_point::min());
    EXPECT_EQ(one->request(0, start), std::nullopt) << "the one that makes it even";
    EXPECT_TRUE(one->request(0, start)->dry_run);
    EXPECT_EQ(met(meter, R"(scope="address",limit="connections")"), 5U);
    EXPECT_EQ(met(meter, R"(scope="address",limit="messages")"), 2U);
    more.clear();
    EXPECT_EQ(met(meter, R"(scope="address",limit="connections")"), 5U);
    EXPECT_NE(connect(meter, "192.0.2.1"), nullptr);
}

TEST_F(traffic, in_a_dry_run_adds_up_to_no_debt) {
    traffic_meter meter({.per_address = {.messages_per_second = 10}, .dry_run = true});
    const auto one = connect(meter, "192.0.2.1");
    for (int i = 0; i < 1000; ++i) (void)one->spend(1, 0, start);
    const std::string_view label = R"(scope="address",limit="messages")";
    EXPECT_EQ(met(meter, label), 980U) << "two seconds are saved up";
    EXPECT_EQ(one->request(0, start + 1s), std::nullopt);
    EXPECT_LE(one->spend(9, 0, start + 1s).due, start + 1s);
    EXPECT_EQ(met(meter, label), 980U) << "whoever is slow again meets nothing";
}

TEST_F(traffic, an_own_rate_lets_a_burst_through_after_silence) {
    const receive_paces paces(
        receive_rate{.messages_per_second = 10, .bytes_per_second = 1000, .burst = 2s});
    traffic_account alone(nullptr);
    alone.set_own(&paces);
    EXPECT_LE(alone.spend(20, 20, start).due, start);
    EXPECT_EQ(alone.spend(1, 1, start).due, start + 100ms);
    EXPECT_EQ(alone.spend(0, 0, start).why, "messages come faster than rate allows");
    EXPECT_LE(alone.spend(10, 10, start + 10s).due, start + 10s) << "no more than a burst is saved";
    EXPECT_EQ(alone.spend(20, 20, start + 10s).due, start + 11s);
    EXPECT_EQ(alone.spend(0, 2000, start + 20s).due, start + 20s);
    EXPECT_EQ(alone.spend(0, 500, start + 20s).due, start + 20s + 500ms) << "bytes apart";
}

TEST_F(traffic, other_limits_count_from_now_on_and_nobody_is_uncounted) {
    traffic_meter meter({.per_address = {.max_connections = 1}});
    auto first = connect(meter, "192.0.2.1");
    EXPECT_EQ(connect(meter, "192.0.2.1"), nullptr);
    meter.change({.per_address = {.max_connections = 2, .messages_per_second = 1}});
    auto second = connect(meter, "192.0.2.1");
    EXPECT_NE(second, nullptr);
    EXPECT_EQ(connect(meter, "192.0.2.1"), nullptr);
    for (int i = 0; i < 5; ++i) (void)first->spend(1, 0, start);
    EXPECT_GT(first->due(), start) << "it came before there was a rate, and has one now";
    meter.change({});
    EXPECT_FALSE(meter);
    EXPECT_NE(connect(meter, "192.0.2.1"), nullptr);
    meter.change({.per_address = {.max_connections = 2}});
    EXPECT_EQ(connect(meter, "192.0.2.1"), nullptr) << "the two of before count";
    first = nullptr;
    second = nullptr;
    EXPECT_NE(connect(meter, "192.0.2.1"), nullptr);
}

TEST_F(traffic, errors_of_before_do_not_count_without_their_limit) {
    traffic_meter meter({.per_address = {.errors_per_minute = 1}});
    const auto one = connect(meter, "192.0.2.1");
    for (int i = 0; i < 5; ++i) one->note_error(start);
    EXPECT_EQ(connect(meter, "192.0.2.1"), nullptr);
    meter.change({.per_address = {.max_connections = 9}});
    EXPECT_NE(connect(meter, "192.0.2.1"), nullptr);
    EXPECT_FALSE(one->request(0, start));
}

TEST_F(traffic, does_not_overflow) {
    const receive_paces slow(receive_rate{.messages_per_second = 1, .bytes_per_second = 1});
    traffic_account alone(nullptr);
    alone.set_own(&slow);
    for (int i = 0; i < 1000; ++i)
        EXPECT_GT(alone.spend(SIZE_MAX, SIZE_MAX, start).due, start + net::max_debt);
}

TEST_F(traffic, is_shared_by_threads) {
    traffic_meter meter({.per_address = {.messages_per_second = 1'000'000, .burst = 0s}});
    const auto work = [&] {
        auto account = connect(meter, "192.0.2.1");
        for (int i = 0; i < 10'000; ++i) (void)account->spend(1, 0, start);
    };
    std::thread other([&] {
        traffic_account account(&meter);
        account.set_address(address("192.0.2.1"));
        for (int i = 0; i < 10'000; ++i) (void)account.spend(1, 0, start);
    });
    work();
    other.join();
    traffic_account last_one(&meter);
    last_one.set_address(address("192.0.2.1"));
    EXPECT_EQ(last_one.due(), start + 20ms) << "no message was lost";
}

}  // namespace
}  // namespace weft::net
