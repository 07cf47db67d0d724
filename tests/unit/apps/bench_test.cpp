#include <gtest/gtest.h>

#include <unistd.h>

#include "bench/histogram.hpp"
#include "bench/options.hpp"
#include "bench/payloads.hpp"
#include "bench/process_stats.hpp"

namespace weft::bench {
namespace {

TEST(histogram, quantiles_are_within_two_percent_at_every_size) {
    for (std::uint64_t value = 1; value < 60'000'000'000; value = value * 7 / 3 + 1) {
        histogram h;
        h.record(value);
        h.record(value * 1000);  // keeps the maximum from hiding the bucket's width
        const auto got = static_cast<double>(h.quantile(0.5));
        EXPECT_GE(got, static_cast<double>(value));
        EXPECT_LE(got, static_cast<double>(value) * 1.016) << value;
    }
}

TEST(histogram, quantiles_count_values_not_buckets) {
    histogram h;
    for (std::uint64_t i = 1; i <= 1000; ++i) h.record(i == 1000 ? 1'000'000 : 10);
    EXPECT_EQ(h.quantile(0.5), 10U);
    EXPECT_EQ(h.quantile(0.999), 10U);
    EXPECT_EQ(h.quantile(1), 1'000'000U);
    EXPECT_EQ(h.max(), 1'000'000U);
    EXPECT_EQ(histogram().quantile(0.99), 0U);
}

TEST(histogram, takes_values_beyond_its_range) {
    histogram h;
    h.record(UINT64_MAX);
    EXPECT_GT(h.quantile(0.5), 1'000'000'000'000U);
    EXPECT_EQ(h.max(), UINT64_MAX);
}

TEST(histogram, adds_up) {
    histogram a;
    histogram b;
    a.record(10);
    b.record(20);
    a.add(b);
    EXPECT_EQ(a.count(), 2U);
    EXPECT_EQ(a.quantile(0.5), 10U);
    EXPECT_EQ(a.max(), 20U);
}

TEST(target, takes_urls_apart) {
    const auto plain = parse_target("ws://localhost:9000/chat?room=1");
    ASSERT_TRUE(plain);
    EXPECT_EQ(plain->how, scheme::plain);
    EXPECT_EQ(plain->host, "localhost");
    EXPECT_EQ(plain->authority, "localhost:9000");
    EXPECT_EQ(plain->port, 9000);
    EXPECT_EQ(plain->path, "/chat?room=1");

    const auto tls = parse_target("wss://example.org");
    ASSERT_TRUE(tls);
    EXPECT_EQ(tls->how, scheme::tls);
    EXPECT_EQ(tls->port, 443);
    EXPECT_EQ(tls->path, "/");

    const auto query = parse_target("ws://h?x");
    ASSERT_TRUE(query);
    EXPECT_EQ(query->path, "/?x");

    const auto six = parse_target("tcp://[::1]:7");
    ASSERT_TRUE(six);
    EXPECT_EQ(six->how, scheme::raw);
    EXPECT_EQ(six->host, "::1");
    EXPECT_EQ(six->authority, "[::1]:7");
    EXPECT_EQ(six->port, 7);
}

TEST(target, says_what_is_wrong_with_a_url) {
    for (const char* url : {"", "ws://", "https://h/", "localhost:9000", "ws://h:0/", "ws://h:x/",
                            "ws://h:65536/", "ws://:80/", "ws://[::1/", "ws://[]/", "tcp://h"}) {
        const auto found = parse_target(url);
        EXPECT_FALSE(found) << url;
        if (found) continue;
        EXPECT_NE(found.error().what().find("ws://HOST"), std::string::npos) << url;
    }
}

TEST(payloads, begin_with_their_number) {
    payloads some(20, payload_style::letters);
    EXPECT_EQ(some.make(0x2a), "0000002aijklmnopqrst");
    EXPECT_TRUE(some.matches("0000002bijklmnopqrst", 0x2b));
    EXPECT_FALSE(some.matches("0000002bijklmnopqrst", 0x2c));
    EXPECT_FALSE(some.matches("0000002bijklmnopqrsx", 0x2b));
    EXPECT_FALSE(some.matches("0000002bijklmnopqrs", 0x2b));
}

TEST(payloads, below_eight_bytes_are_only_letters) {
    payloads some(3, payload_style::letters);
    EXPECT_EQ(some.make(7), "abc");
    payloads none(0, payload_style::letters);
    EXPECT_EQ(none.make(7), "");
}

TEST(payloads, json_changes_from_message_to_message_but_not_from_run_to_run) {
    payloads one(500, payload_style::json);
    payloads two(500, payload_style::json);
    const std::string first(one.make(0));
    EXPECT_EQ(first.size(), 500U);
    EXPECT_NE(first.substr(8), one.make(1).substr(8));
    EXPECT_EQ(first, two.make(0));
    EXPECT_NE(first.find("{\"id\":"), std::string::npos);
    EXPECT_EQ(payloads(500, payload_style::unquoted_json).make(0).find('"'), std::string::npos);
}

TEST(process_stats, read_this_process) {
    const auto before = read_thread_times(::getpid());
    ASSERT_TRUE(before);
    const auto memory = read_memory(::getpid());
    ASSERT_TRUE(memory);
    EXPECT_GT(memory->anonymous, 0U);
    EXPECT_GT(memory->resident, memory->anonymous);
}

TEST(process_stats, name_the_option_when_the_process_is_not_there) {
    const auto times = read_thread_times(-1);
    ASSERT_FALSE(times);
    EXPECT_NE(times.error().what().find("--server-pid"), std::string::npos);
    EXPECT_FALSE(read_memory(-1));
}

TEST(process_stats, count_threads_that_began_in_between) {
    const thread_times before{{1, {100, 10}}, {2, {500, 0}}};
    const thread_times after{{1, {400, 20}}, {3, {50, 0}}};
    const cpu_use used = between(before, after);
    EXPECT_EQ(used.total, 350U);
    EXPECT_EQ(used.busiest.running, 300U);
    EXPECT_EQ(used.busiest.waiting, 10U);
}

}  // namespace
}  // namespace weft::bench
