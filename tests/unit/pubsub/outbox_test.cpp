#include "pubsub/outbox.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace weft::pubsub {
namespace {

class outbox_test : public testing::Test {
protected:
    static constexpr std::size_t limit = 100;

    send_status push(std::string_view text, std::size_t size, overflow_policy policy,
                     std::string_view key = {}, std::size_t ahead = 0) {
        return box.push(message::text(text, {.key = key}), size, ahead, policy);
    }
    std::vector<std::string> drain() {
        std::vector<std::string> all;
        while (!box.empty()) {
            box.take([&](std::span<const message> group) {
                for (const message& one : group) all.emplace_back(one.text());
            });
        }
        EXPECT_EQ(box.bytes(), 0U);
        return all;
    }
    /// An event with an attachment, say.
    send_status push_pair(std::string_view name, std::size_t size, overflow_policy policy,
                          std::string_view key) {
        const std::string second = std::string(name) + "'";
        const message both[] = {message::text(name, {.key = key, .latest = true}),
                                message::binary(as_bytes(second))};
        return box.push(both, size, 0, policy);
    }
    void take_one() {
        box.take([](std::span<const message>) {});
    }
    using texts = std::vector<std::string>;

    queue_metrics metrics;
    byte_budget memory;
    outbox box{limit, metrics, memory};
};

constexpr auto newest = overflow_policy::drop_newest;
constexpr auto oldest = overflow_policy::drop_oldest;
constexpr auto latest = overflow_policy::latest_per_key;
constexpr auto closing = overflow_policy::close;

TEST_F(outbox_test, keeps_order) {
    for (const char* text : {"a", "b", "c"}) EXPECT_EQ(push(text, 10, newest), send_status::queued);
    EXPECT_EQ(box.bytes(), 30U);
    EXPECT_EQ(drain(), (texts{"a", "b", "c"}));
    EXPECT_EQ(metrics.queued.read(), 3U);
}

TEST_F(outbox_test, limit_is_exact_and_counts_the_new_message) {
    for (const auto policy : {newest, oldest, latest, closing}) {
        outbox fits(limit, metrics, memory);
        EXPECT_EQ(fits.push(message::text("m"), limit, 0, policy), send_status::queued);
        EXPECT_EQ(fits.bytes(), limit);
        outbox too_large(limit, metrics, memory);
        EXPECT_NE(too_large.push(message::text("m"), limit, 1, policy), send_status::queued);
        EXPECT_TRUE(too_large.empty());
    }
}

TEST_F(outbox_test, what_finds_nothing_waiting_may_be_larger_than_the_limit) {
    for (const auto policy : {newest, oldest, latest, closing}) {
        outbox idle(limit, metrics, memory);
        EXPECT_EQ(idle.push(message::text("m"), 10 * limit, 0, policy), send_status::queued);
        EXPECT_EQ(idle.push(message::text("n"), limit, 0, policy), send_status::queued);
        EXPECT_EQ(idle.bytes(), 11 * limit);
        EXPECT_NE(idle.push(message::text("o"), limit + 1, 0, policy), send_status::queued);
        idle.take([](std::span<const message>) {});
        EXPECT_NE(idle.push(message::text("p"), 1, 0, policy), send_status::queued)
            << "the limit is as it was";
    }
}

TEST_F(outbox_test, what_waits_is_charged_and_what_dies_waiting_is_counted) {
    const std::uint64_t before = memory.used();
    {
        outbox doomed(limit, metrics, memory);
        const std::uint64_t empty = memory.used();
        for (int i = 0; i < 3; ++i) (void)doomed.push(message::text("m"), 10, 0, newest);
        const std::uint64_t each = (memory.used() - empty) / 3;
        EXPECT_GT(each, message::text("m").memory()) << "not what it is on the wire";
        doomed.take([](std::span<const message>) {});
        EXPECT_EQ(memory.used(), empty + 2 * each);
    }
    EXPECT_EQ(memory.used(), before);
    EXPECT_EQ(metrics.dropped_at_close.read(), 2U);
}

TEST_F(outbox_test, what_is_ahead_counts) {
    EXPECT_EQ(push("fits", 40, newest, {}, 60), send_status::queued);
    EXPECT_EQ(push("not", 1, newest, {}, 60), send_status::dropped);
    EXPECT_EQ(push("fits now", 1, newest, {}, 59), send_status::queued);
    EXPECT_EQ(push("stream alone is over", 1, newest, {}, limit + 1), send_status::dropped);
    EXPECT_EQ(push("no overflow", 1, newest, {}, SIZE_MAX), send_status::dropped);
    EXPECT_EQ(push("no overflow", SIZE_MAX, newest), send_status::dropped);
    EXPECT_EQ(drain(), (texts{"fits", "fits now"}));
    EXPECT_EQ(metrics.dropped_newest.read(), 4U);
}

TEST_F(outbox_test, drop_newest_keeps_what_waits) {
    push("a", 60, newest);
    push("b", 40, newest);
    EXPECT_EQ(push("c", 1, newest), send_status::dropped);
    EXPECT_EQ(metrics.dropped_newest.read(), 1U);
    EXPECT_EQ(metrics.queued.read(), 2U);
    EXPECT_EQ(drain(), (texts{"a", "b"}));
}

TEST_F(outbox_test, drop_oldest_drops_until_the_new_one_fits_and_no_more) {
    push("a", 40, oldest);
    push("b", 40, oldest);
    push("c", 20, oldest);
    EXPECT_EQ(push("d", 41, oldest), send_status::dropped);  // a is not enough, a and b are
    EXPECT_EQ(metrics.dropped_oldest.read(), 2U);
    EXPECT_EQ(box.bytes(), 61U);
    EXPECT_EQ(push("e", 39, oldest), send_status::queued);
    EXPECT_EQ(drain(), (texts{"c", "d", "e"}));
    EXPECT_EQ(metrics.dropped_newest.read(), 0U);
    EXPECT_EQ(metrics.queued.read(), 5U);
}

TEST_F(outbox_test, drop_oldest_gives_nothing_up_for_what_can_never_fit) {
    push("a", 50, oldest);
    EXPECT_EQ(push("giant", limit + 1, oldest), send_status::dropped);
    EXPECT_EQ(push("behind the stream", 60, oldest, {}, 41), send_status::dropped);
    EXPECT_EQ(metrics.dropped_oldest.read(), 0U);
    EXPECT_EQ(metrics.dropped_newest.read(), 2U);
    EXPECT_EQ(drain(), texts{"a"});
}

TEST_F(outbox_test, close_says_so_and_keeps_nothing_of_it) {
    push("a", limit, closing);
    EXPECT_EQ(push("b", 1, closing), send_status::closed);
    EXPECT_EQ(metrics.closed.read(), 1U);
    EXPECT_EQ(metrics.dropped_newest.read(), 0U);
    EXPECT_EQ(drain(), texts{"a"});
}

TEST_F(outbox_test, conflation_keeps_the_place_and_the_newest_value) {
    push("x1", 10, latest, "x");
    push("y1", 10, latest, "y");
    push("plain", 10, latest);
    EXPECT_EQ(push("x2", 12, latest, "x"), send_status::dropped);
    EXPECT_EQ(push("x3", 11, latest, "x"), send_status::dropped);
    EXPECT_EQ(metrics.conflated.read(), 2U);
    EXPECT_EQ(box.bytes(), 31U);
    EXPECT_EQ(drain(), (texts{"x3", "y1", "plain"}));
}

TEST_F(outbox_test, conflation_never_joins_messages_without_a_key) {
    push("a", 10, latest);
    push("b", 10, latest);
    EXPECT_EQ(metrics.conflated.read(), 0U);
    EXPECT_EQ(drain(), (texts{"a", "b"}));
}

TEST_F(outbox_test, conflation_forgets_keys_that_left) {
    push("x1", 10, latest, "x");
    push("y1", 10, latest, "y");
    take_one();  // x1 is on the wire: too late to replace it
    EXPECT_EQ(push("x2", 10, latest, "x"), send_status::queued);
    EXPECT_EQ(push("y2", 10, latest, "y"), send_status::dropped);
    EXPECT_EQ(metrics.conflated.read(), 1U);
    EXPECT_EQ(drain(), (texts{"y2", "x2"}));
}

TEST_F(outbox_test, conflation_works_in_a_full_box_but_keeps_the_limit) {
    push("x1", 50, latest, "x");
    push("y1", 50, latest, "y");
    EXPECT_EQ(push("x2", 50, latest, "x"), send_status::dropped);
    EXPECT_EQ(metrics.conflated.read(), 1U);
    EXPECT_EQ(push("x3", 51, latest, "x"), send_status::dropped);  // one byte more than there is
    EXPECT_EQ(metrics.conflated.read(), 1U);
    EXPECT_EQ(metrics.dropped_newest.read(), 1U);
    EXPECT_EQ(push("x4", 49, latest, "x", limit), send_status::dropped);  // smaller: any time
    EXPECT_EQ(metrics.conflated.read(), 2U);
    EXPECT_EQ(push("z1", 2, latest, "z"), send_status::dropped);
    EXPECT_EQ(metrics.dropped_newest.read(), 2U);
    EXPECT_EQ(push("z2", 1, latest, "z"), send_status::queued);
    EXPECT_EQ(drain(), (texts{"x4", "y1", "z2"}));
}

TEST_F(outbox_test, conflation_survives_other_policies_in_the_same_box) {
    push("x1", 60, latest, "x");
    EXPECT_EQ(push("big", 90, oldest, "x"), send_status::dropped);  // x1 had to go
    EXPECT_EQ(push("x2", 10, latest, "x"), send_status::queued) << "must not replace big";
    EXPECT_EQ(drain(), (texts{"big", "x2"}));
    EXPECT_EQ(metrics.conflated.read(), 0U);
}

TEST_F(outbox_test, a_message_may_ask_for_conflation_under_any_policy) {
    for (const auto policy : {newest, oldest, latest, closing}) {
        outbox fresh(limit, metrics, memory);
        const auto say = [&](std::string_view text, std::size_t size) {
            return fresh.push(message::text(text, {.key = "x", .latest = true}), size, 0, policy);
        };
        EXPECT_EQ(say("x1", 40), send_status::queued);
        EXPECT_EQ(fresh.push(message::text("y", {.key = "y"}), 60, 0, policy), send_status::queued);
        EXPECT_EQ(say("x2", 40), send_status::dropped);
        EXPECT_EQ(fresh.bytes(), limit);
        texts all;
        while (!fresh.empty())
            fresh.take([&](auto group) { all.emplace_back(group.front().text()); });
        EXPECT_EQ(all, (texts{"x2", "y"}));
    }
}

TEST_F(outbox_test, drop_oldest_makes_room_for_a_larger_one_in_its_place) {
    const auto say = [&](std::string_view text, std::size_t size) {
        return box.push(message::text(text, {.key = "x", .latest = true}), size, 0, oldest);
    };
    push("a", 30, oldest);
    say("x1", 30);
    push("b", 30, oldest);
    EXPECT_EQ(say("x2", 60), send_status::dropped);  // "a" goes, then it fits
    EXPECT_EQ(box.bytes(), 90U);
    EXPECT_EQ(say("x3", 100), send_status::dropped);  // x2 itself goes, and b
    EXPECT_EQ(drain(), texts{"x3"});
    EXPECT_EQ(metrics.conflated.read(), 1U);
    EXPECT_EQ(metrics.dropped_oldest.read(), 3U);
}

TEST_F(outbox_test, what_belongs_together_is_replaced_and_given_up_together) {
    EXPECT_EQ(push_pair("a1", 40, newest, "a"), send_status::queued);
    EXPECT_EQ(push_pair("b1", 40, newest, "b"), send_status::queued);
    EXPECT_EQ(push_pair("a2", 60, newest, "a"), send_status::dropped);
    EXPECT_EQ(push_pair("c1", 1, newest, "c"), send_status::dropped);
    EXPECT_EQ(push("a3", 30, latest, "a"), send_status::dropped);  // alone in the place of two
    EXPECT_EQ(box.bytes(), 70U);
    EXPECT_EQ(push_pair("a4", 40, latest, "a"), send_status::dropped);
    EXPECT_EQ(push_pair("d1", 60, oldest, "d"), send_status::dropped);
    EXPECT_EQ(drain(), (texts{"b1", "b1'", "d1", "d1'"}));
    EXPECT_EQ(metrics.dropped_oldest.read(), 1U);
}

TEST_F(outbox_test, every_message_is_accounted_for) {
    std::uint64_t random = 1;
    std::size_t given = 0, taken = 0;
    for (int i = 0; i < 20'000; ++i) {
        random = random * 6364136223846793005U + 1442695040888963407U;
        const auto policy = static_cast<overflow_policy>(random >> 33U & 3U);
        const std::string key = (random >> 40U & 1U) != 0 ? std::to_string(random >> 50U & 7U) : "";
        const std::size_t size = (random >> 20U) % 45;
        const message_options how{.key = key, .latest = (random >> 45U & 1U) != 0};
        box.push(message::text(std::to_string(i), how), size, random % 20, policy);
        ++given;
        if ((random >> 60U) == 0 && !box.empty()) {
            take_one();
            ++taken;
        }
        ASSERT_LE(box.bytes(), limit);
    }
    const std::size_t left = drain().size();
    EXPECT_EQ(given, taken + left + metrics.dropped_newest.read() + metrics.dropped_oldest.read() +
                         metrics.conflated.read() + metrics.closed.read());
    for (const counter* c :
         {&metrics.dropped_newest, &metrics.dropped_oldest, &metrics.conflated, &metrics.closed}) {
        EXPECT_GT(c->read(), 0U);
    }
}

TEST(queue_metrics_test, shows_every_drop) {
    queue_metrics metrics;
    metrics.dropped_newest.add(3);
    metrics.dropped_oldest.add(4);
    metrics.conflated.add(5);
    metrics.closed.add(6);
    metrics_page page;
    metrics.visit([&](const metric_sample& sample) { page.add(sample); });
    const std::string text = page.text();
    for (const char* line :
         {"weft_pubsub_dropped_total{policy=\"drop_newest\"} 3",
          "weft_pubsub_dropped_total{policy=\"drop_oldest\"} 4", "weft_pubsub_conflated_total 5",
          "weft_pubsub_overflow_closed_total 6"}) {
        EXPECT_NE(text.find(line), std::string::npos) << line << "\nin\n" << text;
    }
}

}  // namespace
}  // namespace weft::pubsub
