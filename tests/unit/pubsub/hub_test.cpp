#include "pubsub/hub.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>
#include <new>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "net/backend/sim/sim_backend.hpp"

namespace weft::pubsub {
namespace {

struct listener final : subscriber {
    std::vector<std::string> heard;
    send_status answer = send_status::sent;

    send_status deliver(const message& what) noexcept override {
        heard.emplace_back(what.text());
        return answer;
    }
};

using texts = std::vector<std::string>;

/// Three loops in one thread.
class hub_test : public testing::Test {
protected:
    static constexpr std::size_t count = 3;

    hub_test() {
        for (std::size_t i = 0; i < count; ++i) {
            loops[i] = std::make_unique<net::loop_core>(std::make_unique<net::sim_backend>(),
                                                        loop_options{});
            hubs[i] = std::make_unique<hub>(*loops[i], all);
        }
    }
    /// Enough turns for a message to leave its loop and to arrive.
    void settle() {
        for (int turn = 0; turn < 3; ++turn) {
            for (auto& l : loops) {
                if (l != nullptr) l->turn(duration::zero());
            }
        }
    }

    std::array<std::unique_ptr<net::loop_core>, count> loops;
    exchange all;
    std::array<std::unique_ptr<hub>, count> hubs;
};

TEST_F(hub_test, delivers_to_members_only) {
    listener in, out, other_topic;
    EXPECT_TRUE(hubs[0]->subscribe(in, program_topic("news")));
    EXPECT_TRUE(hubs[0]->subscribe(other_topic, program_topic("sports")));
    EXPECT_EQ(hubs[0]->publish(program_topic("news"), message::text("hello")), 1U);
    EXPECT_EQ(in.heard, texts{"hello"});
    EXPECT_TRUE(out.heard.empty());
    EXPECT_TRUE(other_topic.heard.empty());
    EXPECT_EQ(hubs[0]->publish(program_topic("nobody's"), message::text("lost")), 0U);
}

TEST_F(hub_test, subscribing_twice_changes_nothing) {
    listener who;
    EXPECT_TRUE(hubs[0]->subscribe(who, program_topic("t")));
    EXPECT_FALSE(hubs[0]->subscribe(who, program_topic("t")));
    EXPECT_EQ(who.subscriptions(), 1U);
    EXPECT_EQ(hubs[0]->subscribers(program_topic("t")), 1U);
    hubs[0]->publish(program_topic("t"), message::text("once"));
    EXPECT_EQ(who.heard.size(), 1U);
    EXPECT_TRUE(hubs[0]->unsubscribe(who, program_topic("t")));
    EXPECT_FALSE(hubs[0]->unsubscribe(who, program_topic("t")));
    EXPECT_FALSE(hubs[0]->is_subscribed(who, program_topic("t")));
}

TEST_F(hub_test, empty_topics_go_and_gauges_follow) {
    listener a, b;
    hubs[0]->subscribe(a, program_topic("t"));
    hubs[0]->subscribe(b, program_topic("t"));
    hubs[0]->subscribe(a, program_topic("u"));
    EXPECT_EQ(hubs[0]->metrics().topics.read(), 2U);
    EXPECT_EQ(hubs[0]->metrics().subscriptions.read(), 3U);
    hubs[0]->unsubscribe_all(a);
    EXPECT_EQ(a.subscriptions(), 0U);
    EXPECT_EQ(hubs[0]->metrics().topics.read(), 1U);
    hubs[0]->unsubscribe(b, program_topic("t"));
    EXPECT_EQ(hubs[0]->metrics().topics.read(), 0U);
    EXPECT_EQ(hubs[0]->metrics().subscriptions.read(), 0U);
}

TEST_F(hub_test, leaves_out_the_one_excepted) {
    listener a, b;
    hubs[0]->subscribe(a, program_topic("t"));
    hubs[0]->subscribe(b, program_topic("t"));
    EXPECT_EQ(hubs[0]->publish(program_topic("t"), message::text("m"), &a), 1U);
    EXPECT_TRUE(a.heard.empty());
    EXPECT_EQ(b.heard.size(), 1U);
}

TEST_F(hub_test, what_is_under_way_to_a_loop_is_bounded) {
    exchange narrow{1000};
    hub sender(*loops[0], narrow), other(*loops[1], narrow);
    listener far;
    other.subscribe(far, program_topic("t"));
    const std::string large(2000, 'x');
    // One that is larger than the bound may travel alone.
    sender.publish(program_topic("t"), message::text(large));
    settle();
    ASSERT_EQ(far.heard, texts{large});
    // The other loop stands still: what one iteration published is one post, the rest waits here.
    for (const char* text : {"a", "b", "c"}) {
        sender.publish(program_topic("t"), message::text(large.substr(0, 450) + text));
        loops[0]->turn(duration::zero());
    }
    settle();
    EXPECT_EQ(far.heard.size(), 2U) << "with what it costs besides, only one fits";
    EXPECT_EQ(far.heard.back().back(), 'a');
    EXPECT_EQ(other.metrics().dropped_on_the_way.read(), 2U);
    sender.publish(program_topic("t"), message::text("again"));
    settle();
    EXPECT_EQ(far.heard.back(), "again");
    EXPECT_EQ(other.metrics().dropped_on_the_way.read(), 2U);
}

TEST_F(hub_test, a_post_to_a_loop_that_does_not_keep_up_says_so) {
    exchange narrow{1000};
    hub home(*loops[0], narrow);
    int arrived = 0;
    EXPECT_EQ(home.post(500, [&] { ++arrived; }), send_status::queued);
    EXPECT_EQ(home.post(500, [&] { ++arrived; }), send_status::dropped);
    settle();
    EXPECT_EQ(home.post(500, [&] { ++arrived; }), send_status::queued);
    settle();
    EXPECT_EQ(arrived, 2);
    EXPECT_EQ(home.metrics().dropped_on_the_way.read(), 1U);
    loops[0]->shut_down();
    EXPECT_EQ(home.post(1, [] {}), send_status::closed);
}

TEST_F(hub_test, counts_those_who_took_it) {
    listener slow, full, gone;
    slow.answer = send_status::queued;
    full.answer = send_status::dropped;
    gone.answer = send_status::closed;
    for (listener* l : {&slow, &full, &gone}) hubs[0]->subscribe(*l, program_topic("t"));
    EXPECT_EQ(hubs[0]->publish(program_topic("t"), message::text("m")), 1U);
    EXPECT_EQ(hubs[0]->metrics().published.read(), 1U);
    EXPECT_EQ(hubs[0]->metrics().delivered.read(), 1U);
}

TEST_F(hub_test, subscriber_leaves_when_destroyed) {
    listener stays;
    {
        listener goes;
        for (const char* t : {"a", "b", "c"}) {
            hubs[0]->subscribe(goes, program_topic(t));
            hubs[0]->subscribe(stays, program_topic(t));
        }
    }
    EXPECT_EQ(hubs[0]->subscribers(program_topic("b")), 1U);
    EXPECT_EQ(hubs[0]->publish(program_topic("b"), message::text("m")), 1U);
}

TEST_F(hub_test, subscriber_may_outlive_the_hub) {
    listener who;
    hubs[0]->subscribe(who, program_topic("a"));
    hubs[0]->subscribe(who, program_topic("b"));
    hubs[0].reset();
    EXPECT_EQ(who.subscriptions(), 0U);
}

TEST_F(hub_test, reaches_other_loops_in_order) {
    listener near, far;
    hubs[0]->subscribe(near, program_topic("t"));
    hubs[2]->subscribe(far, program_topic("t"));
    texts expected;
    for (int i = 0; i < 5; ++i) {
        expected.push_back(std::to_string(i));
        EXPECT_EQ(hubs[0]->publish(program_topic("t"), message::text(expected.back())), 1U);
    }
    EXPECT_EQ(near.heard, expected);
    EXPECT_TRUE(far.heard.empty()) << "other loops are reached through their mailbox only";
    settle();
    EXPECT_EQ(far.heard, expected);
    EXPECT_EQ(near.heard, expected) << "nothing comes back";
}

TEST_F(hub_test, posts_once_per_loop_and_iteration) {
    listener far;
    hubs[1]->subscribe(far, program_topic("t"));
    for (int i = 0; i < 100; ++i) hubs[0]->publish(program_topic("t"), message::text("m"));
    settle();
    EXPECT_EQ(far.heard.size(), 100U);
    EXPECT_EQ(loops[1]->metrics().posted_tasks.read(), 1U);
    hubs[0]->publish(program_topic("t"), message::text("m"));
    settle();
    EXPECT_EQ(far.heard.size(), 101U);
    EXPECT_EQ(loops[1]->metrics().posted_tasks.read(), 2U);
}

TEST_F(hub_test, exchange_publishes_everywhere) {
    std::array<listener, count> who;
    for (std::size_t i = 0; i < count; ++i) hubs[i]->subscribe(who[i], program_topic("t"));
    all.publish(program_topic("t"), message::text("1"));
    all.publish(program_topic("t"), message::text("2"));
    settle();
    for (const auto& w : who) EXPECT_EQ(w.heard, (texts{"1", "2"}));
}

TEST_F(hub_test, messages_to_a_hub_or_loop_that_is_gone_vanish) {
    listener near, far;
    hubs[0]->subscribe(near, program_topic("t"));
    hubs[1]->subscribe(far, program_topic("t"));
    hubs[0]->publish(program_topic("t"), message::text("under way"));
    loops[0]->turn(duration::zero());
    hubs[0]->publish(program_topic("t"), message::text("not even sent"));
    hubs[1].reset();
    hubs[2].reset();
    loops[2].reset();
    settle();
    all.publish(program_topic("t"), message::text("later"));
    settle();
    EXPECT_TRUE(far.heard.empty());
    EXPECT_EQ(near.heard, (texts{"under way", "not even sent", "later"}));
}

TEST_F(hub_test, hub_may_go_with_messages_unsent) {
    listener far;
    hubs[1]->subscribe(far, program_topic("t"));
    hubs[0]->publish(program_topic("t"), message::text("m"));
    hubs[0].reset();
    settle();
    EXPECT_TRUE(far.heard.empty());
}

/// Against a model: nobody hears what is not for him, nothing is lost, order holds per publisher.
TEST_F(hub_test, random_operations_agree_with_the_model) {
    constexpr std::size_t people = 24, names = 8;
    std::mt19937 random(20261122);
    const auto any = [&](std::size_t n) { return random() % n; };
    std::array<std::unique_ptr<listener>, people> who;
    for (auto& w : who) w = std::make_unique<listener>();
    const auto home = [](std::size_t person) { return person % count; };
    std::array<std::set<std::string>, people> model;
    std::size_t serial = 0, total = 0;

    for (int round = 0; round < 1500; ++round) {
        for (std::size_t i = any(12); i > 0; --i) {
            const std::size_t p = any(people);
            hub& h = *hubs[home(p)];
            const std::string name = "topic" + std::to_string(any(names));
            switch (any(12)) {
                case 0:
                    h.unsubscribe_all(*who[p]);
                    model[p].clear();
                    break;
                case 1:
                    who[p] = std::make_unique<listener>();
                    model[p].clear();
                    break;
                case 2:
                case 3:
                case 4:
                case 5:
                    ASSERT_EQ(h.unsubscribe(*who[p], program_topic(name)),
                              model[p].erase(name) == 1);
                    break;
                default:
                    ASSERT_EQ(h.subscribe(*who[p], program_topic(name)),
                              model[p].insert(name).second);
            }
        }
        std::array<texts, people> expected;
        for (std::size_t i = any(6); i > 0; --i) {
            const std::size_t from = any(count + 1);  // the last one is the exchange
            const std::string name = "topic" + std::to_string(any(names));
            const std::size_t but = any(2 * people);  // often nobody
            char text[32];
            std::snprintf(text, sizeof text, "%zu/%08zu", from, serial++);
            const bool local = from < count && but < people && home(but) == from;
            if (from == count) {
                all.publish(program_topic(name), message::text(text));
            } else {
                hubs[from]->publish(program_topic(name), message::text(text),
                                    local ? who[but].get() : nullptr);
            }
            for (std::size_t p = 0; p < people; ++p) {
                if (model[p].contains(name) && !(local && p == but)) expected[p].push_back(text);
            }
        }
        settle();
        std::size_t subscriptions = 0;
        for (std::size_t p = 0; p < people; ++p) {
            auto& heard = who[p]->heard;
            total += heard.size();
            // Stable by publisher: what is left of the order is each publisher's own.
            std::stable_sort(heard.begin(), heard.end(),
                             [](const auto& a, const auto& b) { return a.front() < b.front(); });
            std::sort(expected[p].begin(), expected[p].end());
            ASSERT_EQ(heard, expected[p]) << "person " << p << " in round " << round;
            heard.clear();
            ASSERT_EQ(who[p]->subscriptions(), model[p].size());
            for (const auto& name : model[p])
                ASSERT_TRUE(hubs[home(p)]->is_subscribed(*who[p], program_topic(name)));
            subscriptions += model[p].size();
        }
        std::size_t counted = 0;
        for (auto& h : hubs) counted += h->metrics().subscriptions.read();
        ASSERT_EQ(counted, subscriptions);
    }
    EXPECT_GT(total, 10'000U) << "the test did not do much";
}

struct group_listener final : subscriber {
    std::vector<std::string> heard;
    std::string refuse;

    send_status deliver(const message& what) noexcept override {
        if (what.text() == refuse) return send_status::dropped;
        heard.emplace_back(what.text());
        return send_status::sent;
    }
};

TEST_F(hub_test, an_audience_is_a_union_in_which_everyone_is_once) {
    listener both, first, second, neither;
    hubs[0]->subscribe(both, program_topic("a"));
    hubs[0]->subscribe(both, program_topic("b"));
    hubs[0]->subscribe(first, program_topic("a"));
    hubs[0]->subscribe(second, program_topic("b"));
    hubs[0]->subscribe(neither, program_topic("c"));
    const std::array<std::string_view, 2> topics{"a", "b"};
    const message what = message::text("x");
    EXPECT_EQ(hubs[0]->publish({.owner = topic_owner::program, .topics = topics}, {&what, 1}), 3U);
    EXPECT_EQ(hubs[0]->publish({.owner = topic_owner::program, .topics = topics}, {&what, 1}), 3U)
        << "marks of before do not count";
    EXPECT_EQ(both.heard, (texts{"x", "x"}));
    EXPECT_EQ(first.heard.size() + second.heard.size(), 4U);
    EXPECT_TRUE(neither.heard.empty());
}

TEST_F(hub_test, an_audience_leaves_out_members_of_other_topics_and_one_subscriber) {
    listener plain, muted, sender;
    for (auto* who : {&plain, &muted, &sender}) hubs[1]->subscribe(*who, program_topic("room"));
    hubs[1]->subscribe(muted, program_topic("muted"));
    const std::array<std::string_view, 1> in{"room"}, out{"muted"};
    const message what = message::text("x");
    EXPECT_EQ(hubs[1]->publish({topic_owner::program, in, out, &sender}, {&what, 1}), 1U);
    EXPECT_EQ(plain.heard, texts{"x"});
    EXPECT_TRUE(muted.heard.empty());
    EXPECT_TRUE(sender.heard.empty());
}

TEST_F(hub_test, topics_of_two_owners_never_meet_whatever_their_names) {
    const std::array<topic_key, 4> same_name{
        program_topic("/,room"), topic_key{owner_of_module(0), "/,room"},
        topic_key{owner_of_module(1), "/,room"}, topic_key{owner_of_module(2), "/,room"}};
    std::array<listener, 4> members, far_members;
    for (std::size_t i = 0; i < members.size(); ++i) {
        EXPECT_TRUE(hubs[0]->subscribe(members[i], same_name[i]));
        EXPECT_TRUE(hubs[1]->subscribe(far_members[i], same_name[i]));
    }
    EXPECT_EQ(hubs[0]->metrics().topics.read(), members.size());
    for (std::size_t i = 0; i < members.size(); ++i) {
        EXPECT_EQ(hubs[0]->subscribers(same_name[i]), 1U);
        EXPECT_EQ(hubs[0]->publish(same_name[i], message::text(std::to_string(i))), 1U);
        EXPECT_FALSE(hubs[0]->is_subscribed(members[i], same_name[(i + 1) % members.size()]));
        settle();
        all.publish(same_name[i], message::text("all" + std::to_string(i)));
        settle();
        EXPECT_EQ(members[i].heard, (texts{std::to_string(i), "all" + std::to_string(i)}));
        EXPECT_EQ(far_members[i].heard, members[i].heard);
    }
    EXPECT_FALSE(hubs[0]->unsubscribe(members[0], same_name[1]));
}

TEST_F(hub_test, an_audience_and_a_group_reach_other_loops_in_order) {
    listener here, there, muted;
    hubs[0]->subscribe(here, program_topic("a"));
    hubs[1]->subscribe(there, program_topic("a"));
    hubs[1]->subscribe(there, program_topic("b"));
    hubs[1]->subscribe(muted, program_topic("b"));
    hubs[1]->subscribe(muted, program_topic("quiet"));
    const std::array<std::string_view, 2> in{"a", "b"};
    const std::array<std::string_view, 1> out{"quiet"};
    const std::array<message, 2> group{message::text("1"), message::text("2")};
    hubs[0]->publish({topic_owner::program, in, out}, group);
    hubs[0]->publish(program_topic("a"), message::text("3"));
    settle();
    EXPECT_EQ(here.heard, (texts{"1", "2", "3"}));
    EXPECT_EQ(there.heard, (texts{"1", "2", "3"}));
    EXPECT_TRUE(muted.heard.empty());
}

TEST_F(hub_test, a_group_ends_at_the_first_message_that_is_not_taken) {
    group_listener who;
    who.refuse = "2";
    hubs[0]->subscribe(who, program_topic("t"));
    const std::array<std::string_view, 1> in{"t"};
    const std::array<message, 3> group{message::text("1"), message::text("2"), message::text("3")};
    EXPECT_EQ(hubs[0]->publish({.owner = topic_owner::program, .topics = in}, group), 0U);
    EXPECT_EQ(who.heard, texts{"1"});
}

/// Notes what it is told, as a cluster would hear it.
struct recording_bus final : bus {
    texts told;
    bool out_of_memory = false;

    void on_used(topic_key topic) override {
        if (out_of_memory) throw std::bad_alloc();
        told.push_back("used " + std::string(topic.name));
    }
    void on_unused(topic_key topic) noexcept override {
        told.push_back("unused " + std::string(topic.name));
    }
    std::size_t memory_of(topic_key topic) const noexcept override {
        return topic.name == "large" ? 100'000 : 0;
    }
    void publish(std::string_view topic, const message& what) override {
        told.push_back(std::string(topic) + ": " + std::string(what.text()));
    }
};

class hub_bus : public hub_test {
protected:
    hub_bus() { all.connect(others); }
    // The hubs go first: they tell it so.
    ~hub_bus() override {
        for (auto& h : hubs) h.reset();
    }
    recording_bus others;
};

TEST_F(hub_bus, hears_which_topics_each_loop_uses) {
    listener a, b, c;
    hubs[0]->subscribe(a, program_topic("t"));
    hubs[0]->subscribe(b, program_topic("t"));
    hubs[1]->subscribe(c, program_topic("t"));
    EXPECT_EQ(others.told, (texts{"used t", "used t"}));
    hubs[0]->unsubscribe(a, program_topic("t"));
    EXPECT_EQ(others.told.size(), 2U);
    hubs[0]->unsubscribe_all(b);
    hubs[1].reset();
    EXPECT_EQ(others.told, (texts{"used t", "used t", "unused t", "unused t"}));
}

TEST_F(hub_bus, gets_what_the_program_publishes_and_nothing_of_modules) {
    const topic_key rooms{owner_of_module(0), "room"};
    listener a;
    hubs[0]->subscribe(a, rooms);
    hubs[0]->publish(rooms, message::text("to a room"));
    all.publish(rooms, message::text("to a room"));
    EXPECT_EQ(others.told, texts{});
    hubs[0]->publish(program_topic("t"), message::text("1"));
    all.publish(program_topic("t"), message::text("2"));
    EXPECT_EQ(others.told, (texts{"t: 1", "t: 2"}));
    const std::string_view name = "t";
    const message what = message::text("from another process");
    all.publish({.owner = topic_owner::program, .topics = {&name, 1}}, {&what, 1});
    EXPECT_EQ(others.told.size(), 2U) << "an audience is of this process";
}

TEST_F(hub_bus, what_it_keeps_of_a_topic_is_charged_while_that_is_used) {
    byte_budget& memory = loops[0]->budget();
    listener a, b;
    const std::uint64_t before = memory.used();
    hubs[0]->subscribe(a, program_topic("large"));
    EXPECT_GE(memory.used() - before, 100'000U);
    hubs[0]->subscribe(b, program_topic("large"));
    EXPECT_LT(memory.used() - before, 101'000U) << "once";
    hubs[0]->unsubscribe_all(a);
    hubs[0]->unsubscribe_all(b);
    EXPECT_LT(memory.used() - before, 1'000U);
}

TEST_F(hub_bus, a_module_may_watch_its_own_topics) {
    recording_bus watcher;
    all.watch(owner_of_module(1), watcher);
    {
        listener a;
        hubs[0]->subscribe(a, {owner_of_module(1), "room"});
        hubs[0]->subscribe(a, {owner_of_module(2), "foreign"});
    }
    EXPECT_EQ(watcher.told, (texts{"used room", "unused room"}));
    EXPECT_EQ(others.told, texts{});
}

TEST_F(hub_bus, nobody_is_subscribed_when_it_has_no_memory) {
    listener a;
    others.out_of_memory = true;
    EXPECT_THROW(hubs[0]->subscribe(a, program_topic("t")), std::bad_alloc);
    EXPECT_EQ(hubs[0]->subscribers(program_topic("t")), 0U);
    EXPECT_EQ(a.subscriptions(), 0U);
    others.out_of_memory = false;
    EXPECT_TRUE(hubs[0]->subscribe(a, program_topic("t")));
    EXPECT_EQ(others.told, (texts{"used t"}));
    EXPECT_EQ(hubs[0]->publish(program_topic("t"), message::text("m")), 1U);
}

}  // namespace
}  // namespace weft::pubsub
