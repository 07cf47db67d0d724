// A real Redis Cluster of three masters, whose slots move while the router is at work.

#include "cluster/redis/proto/slot.hpp"
#include "cluster/redis/router.hpp"
#include "unit/cluster/redis_process.hpp"

namespace weft::cluster::redis {
namespace {

class redis_slots : public redis_masters {
protected:
    ~redis_slots() override { subject.reset(); }
    void SetUp() override {
        redis_masters::SetUp();
        if (IsSkipped() || HasFatalFailure()) return;
        subject = std::make_unique<router>(
            home(), redis_options{.cluster_nodes = {{"127.0.0.1", 1}, {"127.0.0.1", ports[0]}}});
        subject->on_gap([this](gap which) {
            seen.emplace_back(which == gap::begins ? "gap begins" : "gap ends");
        });
        ASSERT_TRUE(subject->start());
        await([&] { return subject->is_open(); });
    }

    static int node_of(std::string_view key) {
        int node = 0;
        while (slot_of(key) >= first_of(node + 1)) ++node;
        return node;
    }
    std::string route(std::string_view key, std::initializer_list<std::string_view> words) {
        return answer_to(
            [&](reply_handler done) { return subject->command(key, words, std::move(done)); });
    }
    void subscribe(channel_kind kind, const std::string& name) {
        ASSERT_TRUE(subject->subscribe(
            kind, name,
            [this, name](std::string_view, std::string_view payload) {
                seen.push_back(name + " got " + std::string(payload));
            },
            [this, name](const result<void>& how) {
                seen.push_back(name + (how ? " subscribed" : " " + how.error().what()));
            }));
    }
    /// Tells all nodes who serves a slot now, the old owner last: it then ends its channels.
    void assign(const std::string& slot, int to, int from) {
        for (const int node : {to, 3 - to - from, from}) {
            EXPECT_EQ(ask(*admin[static_cast<std::size_t>(node)],
                          {"CLUSTER", "SETSLOT", slot, "NODE", ids[static_cast<std::size_t>(to)]}),
                      "OK");
        }
    }
    [[nodiscard]] auto count(const std::string& what) const {
        return std::count(seen.begin(), seen.end(), what);
    }

    std::unique_ptr<router> subject;
};

/// A key for every slot.
const std::vector<std::string>& keys() {
    static const std::vector<std::string> all = [] {
        std::vector<std::string> made(slot_count);
        std::size_t left = slot_count;
        for (int i = 0; left > 0; ++i) {
            std::string key = "c" + std::to_string(i);
            std::string& place = made[slot_of(key)];
            if (!place.empty()) continue;
            place = std::move(key);
            --left;
        }
        return made;
    }();
    return all;
}

TEST_F(redis_slots, carry_channels_and_commands_of_every_slot) {
    std::size_t subscribed = 0;
    std::size_t received = 0;
    for (const std::string& key : keys()) {
        ASSERT_TRUE(subject->subscribe(
            channel_kind::shard, key,
            [&, key](std::string_view channel, std::string_view payload) {
                if (channel == key && payload == key) ++received;
            },
            [&](const result<void>& how) { subscribed += how ? 1U : 0U; }));
    }
    await([&] { return subscribed == slot_count; });
    std::size_t answered = 0;
    for (const std::string& key : keys()) {
        ASSERT_TRUE(subject->publish(
            channel_kind::shard, key, key,
            [&](const result<reply_view>& r) { answered += r && r->integer() == 1 ? 1U : 0U; }));
        ASSERT_TRUE(subject->command(
            key, {"SET", key, "v"}, [&](const result<reply_view>& r) { answered += r ? 1U : 0U; }));
    }
    await([&] { return received == slot_count && answered == 2 * slot_count; });
    EXPECT_EQ(subject->metrics().redirected.read(), 0U);
    EXPECT_EQ(count("gap begins"), 0);
    std::size_t keys_there = 0;
    for (auto& one : admin) keys_there += std::stoul(ask(*one, {"DBSIZE"}));
    EXPECT_EQ(keys_there, slot_count);
}

TEST_F(redis_slots, carry_plain_channels_patterns_and_streams) {
    subscribe(channel_kind::plain, "foo");
    subscribe(channel_kind::pattern, "b*");
    await_seen("foo subscribed");
    await_seen("b* subscribed");
    ASSERT_TRUE(subject->publish(channel_kind::plain, "foo", "1"));
    ASSERT_TRUE(subject->publish(channel_kind::plain, "bar", "2"));
    await_seen("foo got 1");
    await_seen("b* got 2");
    EXPECT_EQ(route("stream", {"XADD", "stream", "1-1", "f", "v"}), "1-1");
    EXPECT_EQ(route("stream", {"XREAD", "STREAMS", "stream", "0"}), "11:2");
}

TEST_F(redis_slots, may_move_amid_commands_and_subscriptions) {
    const std::string slot = std::to_string(slot_of("{foo}"));
    const int from = node_of("{foo}");
    const int to = (from + 1) % nodes;
    client& source = *admin[static_cast<std::size_t>(from)];
    client& target = *admin[static_cast<std::size_t>(to)];
    subscribe(channel_kind::shard, "{foo}");
    subscribe(channel_kind::shard, "{foo}2");
    subscribe(channel_kind::plain, "{foo}");
    await([&] { return count("{foo} subscribed") == 2 && count("{foo}2 subscribed") == 1; });
    ASSERT_EQ(route("{foo}old", {"SET", "{foo}old", "1"}), "OK");

    // In transit: what is not at the source is asked for at the target.
    ASSERT_EQ(
        ask(target, {"CLUSTER", "SETSLOT", slot, "IMPORTING", ids[static_cast<std::size_t>(from)]}),
        "OK");
    ASSERT_EQ(
        ask(source, {"CLUSTER", "SETSLOT", slot, "MIGRATING", ids[static_cast<std::size_t>(to)]}),
        "OK");
    EXPECT_EQ(route("{foo}old", {"GET", "{foo}old"}), "1");
    EXPECT_EQ(subject->metrics().redirected.read(), 0U);
    EXPECT_EQ(route("{foo}new", {"SET", "{foo}new", "2"}), "OK") << "by way of ASK";
    EXPECT_EQ(subject->metrics().redirected.read(), 1U);
    EXPECT_EQ(ask(target, {"CLUSTER", "COUNTKEYSINSLOT", slot}), "1");
    const std::string port = std::to_string(ports[static_cast<std::size_t>(to)]);
    ASSERT_EQ(ask(source, {"MIGRATE", "127.0.0.1", port, "{foo}old", "0", "5000"}), "OK");

    assign(slot, to, from);
    await_seen("gap ends");
    EXPECT_EQ(count("gap begins"), count("gap ends"));
    EXPECT_EQ(route("{foo}old", {"GET", "{foo}old"}), "1");
    EXPECT_EQ(route("{foo}new", {"GET", "{foo}new"}), "2");
    EXPECT_EQ(answer_to([&](reply_handler done) {
                  return subject->publish(channel_kind::shard, "{foo}", "moved", std::move(done));
              }),
              "1");
    EXPECT_EQ(ask(target, {"SPUBLISH", "{foo}2", "moved, too"}), "1");
    ASSERT_TRUE(subject->publish(channel_kind::plain, "{foo}", "plain"));
    await_seen("{foo} got moved");
    await_seen("{foo}2 got moved, too");
    await_seen("{foo} got plain");
    EXPECT_EQ(count("{foo} subscribed") + count("{foo}2 subscribed"), 3) << "told once";

    // The map was fetched: another key of the slot goes there at once.
    await([&] { return subject->is_open(); });
    const auto redirected = subject->metrics().redirected.read();
    EXPECT_EQ(route("{foo}3", {"GET", "{foo}3"}), "");
    EXPECT_EQ(subject->metrics().redirected.read(), redirected);
    // And back.
    ASSERT_TRUE(subject->unsubscribe(channel_kind::shard, "{foo}2"));
    EXPECT_EQ(route("{foo}", {"DEL", "{foo}old", "{foo}new"}), "2");
    seen.clear();
    assign(slot, from, to);
    await_seen("gap ends");
    EXPECT_EQ(ask(source, {"SPUBLISH", "{foo}", "back"}), "1");
    EXPECT_EQ(ask(source, {"SPUBLISH", "{foo}2", "nobody"}), "0");
    await_seen("{foo} got back");
}

TEST_F(redis_slots, come_back_with_a_node_that_was_killed) {
    const auto killed = static_cast<std::size_t>(node_of("foo"));
    subscribe(channel_kind::shard, "foo");
    await_seen("foo subscribed");
    servers[killed].kill();
    await_seen("gap begins");
    const std::string other = node_of("bar") == static_cast<int>(killed) ? "hello" : "bar";
    EXPECT_EQ(route(other, {"SET", other, "1"}), "OK") << "the others are there";
    servers[killed].run();
    await_seen("gap ends");
    await([&] { return route("foo", {"SET", "foo", "1"}) == "OK"; });
    await([&] {
        return answer_to([&](reply_handler done) {
                   return subject->publish(channel_kind::shard, "foo", "back", std::move(done));
               }) == "1";
    });
    await_seen("foo got back");
}

}  // namespace
}  // namespace weft::cluster::redis
