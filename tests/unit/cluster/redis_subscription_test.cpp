// Channels, patterns and shard channels, and what becomes of them at a loss.

#include "unit/cluster/redis_world.hpp"

namespace weft::cluster::redis {
namespace {

class redis_subscription : public redis_world {
protected:
    /// The connection for channels is lost and comes back.
    void lose_channels() {
        io.peer_reset(channels);
        run();
        pass(51ms);
        const auto taken = io.taken_connections(6379);
        ASSERT_EQ(taken.size(), 1U);
        channels = taken[0];
        say(channels, greeting);
        EXPECT_TRUE(said(channels).starts_with(wire({"HELLO", "3"})));
    }
};

TEST_F(redis_subscription, receives_what_its_channels_get) {
    open();
    subscribe("a");
    EXPECT_EQ(said(channels), wire({"SUBSCRIBE", "a"}));
    EXPECT_EQ(take_seen(), strings{});
    say(channels, confirmed("subscribe", "a"));
    subscribe("p*", channel_kind::pattern);
    EXPECT_EQ(said(channels), wire({"PSUBSCRIBE", "p*"}));
    say(channels, confirmed("psubscribe", "p*"));
    subscribe("s", channel_kind::shard);
    EXPECT_EQ(said(channels), wire({"SSUBSCRIBE", "s"}));
    say(channels, confirmed("ssubscribe", "s"));
    EXPECT_EQ(take_seen(), (strings{"a subscribed", "p* subscribed", "s subscribed"}));
    say(channels, pushed({"message", "a", "1"}) + pushed({"pmessage", "p*", "pq", "2"}) +
                      pushed({"smessage", "s", "3"}) + pushed({"message", "s", "4"}));
    EXPECT_EQ(take_seen(), (strings{"a got 1 on a", "p* got 2 on pq", "s got 3 on s"}));
    EXPECT_EQ(subject->metrics().messages.read(), 3U);
    EXPECT_EQ(subject->metrics().ignored.read(), 1U) << "nobody subscribed to the plain channel s";
}

TEST_F(redis_subscription, publishes) {
    open();
    ASSERT_TRUE(subject->publish(channel_kind::plain, "a", "hi", noting("a")));
    ASSERT_TRUE(subject->publish(channel_kind::shard, "s", "ho", noting("s")));
    run();
    EXPECT_EQ(said(commands), wire({"PUBLISH", "a", "hi"}) + wire({"SPUBLISH", "s", "ho"}));
    say(commands, ":2\r\n:0\r\n");
    EXPECT_EQ(take_seen(), (strings{"a = 2", "s = 0"}));
}

TEST_F(redis_subscription, asks_for_many_channels_in_batches) {
    open();
    subscribe("first");
    EXPECT_EQ(said(channels), wire({"SUBSCRIBE", "first"}));
    for (const char* name : {"a", "b", "c"}) subscribe(name);
    EXPECT_EQ(said(channels), "") << "one batch at a time";
    say(channels, confirmed("subscribe", "first"));
    EXPECT_EQ(said(channels), wire({"SUBSCRIBE", "a", "b", "c"}));
    say(channels, confirmed("subscribe", "a") + confirmed("subscribe", "b"));
    EXPECT_EQ(take_seen(), strings{"first subscribed"});
    say(channels, confirmed("subscribe", "c"));
    EXPECT_EQ(take_seen(), (strings{"a subscribed", "b subscribed", "c subscribed"}));
}

TEST_F(redis_subscription, delivers_messages_that_come_between_confirmations) {
    open();
    subscribe("first");
    subscribe("a");
    subscribe("b");
    say(channels, confirmed("subscribe", "first"));
    take_seen();
    say(channels, confirmed("subscribe", "a") + pushed({"message", "a", "1"}) +
                      pushed({"message", "subscribe", "x"}) + confirmed("subscribe", "b"));
    EXPECT_EQ(take_seen(), (strings{"a got 1 on a", "a subscribed", "b subscribed"}));
}

TEST_F(redis_subscription, speaks_resp2_as_well) {
    ASSERT_TRUE(make({.protocol = redis_protocol::resp2}).start());
    serve();
    say(commands, "+OK\r\n");
    say(channels, "+OK\r\n");
    said(commands);
    said(channels);
    subscribe("a");
    say(channels, confirmed("subscribe", "a", '*') + pushed({"message", "a", "1"}, '*'));
    EXPECT_EQ(take_seen(), (strings{"a subscribed", "a got 1 on a"}));
    said(channels);
    pass(10001ms);
    EXPECT_EQ(said(channels), wire({"PING"}));
    say(channels, "*2\r\n$4\r\npong\r\n$0\r\n\r\n" + pushed({"message", "a", "2"}, '*'));
    EXPECT_EQ(take_seen(), strings{"a got 2 on a"});
    ASSERT_TRUE(subject->command({"LRANGE", "k", "0", "9"}, noting("k")));
    say(commands, "+PONG\r\n" + pushed({"message", "is", "data"}, '*'));
    EXPECT_EQ(take_seen(), strings{"k = "}) << "not a message on the connection for commands";
}

TEST_F(redis_subscription, unsubscribes) {
    open();
    subscribe("a");
    say(channels, confirmed("subscribe", "a"));
    EXPECT_TRUE(subject->unsubscribe(channel_kind::plain, "a"));
    EXPECT_FALSE(subject->unsubscribe(channel_kind::plain, "a"));
    run();
    said(channels);
    say(channels, pushed({"message", "a", "late"}) + confirmed("unsubscribe", "a"));
    EXPECT_EQ(take_seen(), strings{"a subscribed"});
    subscribe("a");
    EXPECT_EQ(said(channels), wire({"SUBSCRIBE", "a"}));
}

TEST_F(redis_subscription, keeps_the_order_of_subscribing_and_unsubscribing) {
    open();
    subscribe("first");
    for (int i = 0; i < 2; ++i) {
        ASSERT_TRUE(subject->subscribe(channel_kind::plain, "a", noting_messages("a"),
                                       noting_subscribed("a")));
        ASSERT_TRUE(subject->unsubscribe(channel_kind::plain, "a"));
    }
    subscribe("a");
    const std::string gone = "a: " + make_error_code(weft::errc::closed_locally).message();
    EXPECT_EQ(take_seen(), (strings{gone, gone}));
    said(channels);
    say(channels, confirmed("subscribe", "first"));
    EXPECT_EQ(said(channels), wire({"SUBSCRIBE", "a"})) << "only what is wanted in the end";
    ASSERT_TRUE(subject->unsubscribe(channel_kind::plain, "a"));
    subscribe("a");
    say(channels, confirmed("subscribe", "a"));
    EXPECT_EQ(said(channels), wire({"UNSUBSCRIBE", "a"}));
    say(channels, confirmed("unsubscribe", "a"));
    EXPECT_EQ(said(channels), wire({"SUBSCRIBE", "a"}));
    EXPECT_EQ(take_seen(), (strings{"first subscribed", gone}));
    say(channels, confirmed("subscribe", "a"));
    EXPECT_EQ(take_seen(), strings{"a subscribed"});
}

TEST_F(redis_subscription, tells_whose_subscription_the_server_refused) {
    open();
    subscribe("first");
    subscribe("a");
    subscribe("secret");
    say(channels, confirmed("subscribe", "first"));
    said(channels);
    say(channels, "-NOPERM No permissions to access a channel\r\n");
    EXPECT_EQ(said(channels), wire({"SUBSCRIBE", "a"})) << "one by one, to see which";
    say(channels, confirmed("subscribe", "a"));
    EXPECT_EQ(said(channels), wire({"SUBSCRIBE", "secret"}));
    say(channels, "-NOPERM No permissions to access a channel\r\n");
    EXPECT_EQ(take_seen(),
              (strings{"first subscribed", "a subscribed",
                       "secret: NOPERM No permissions to access a channel: the Redis server "
                       "refused the command"}));
    EXPECT_EQ(subject->metrics().subscriptions_lost.read(), 1U);
    EXPECT_FALSE(subject->unsubscribe(channel_kind::plain, "secret"));
    EXPECT_TRUE(subject->is_open());
}

TEST_F(redis_subscription, restores_all_after_a_loss_and_tells_of_the_gap) {
    open();
    subscribe("a");
    say(channels, confirmed("subscribe", "a"));
    subscribe("p*", channel_kind::pattern);
    say(channels, confirmed("psubscribe", "p*"));
    take_seen();
    lose_channels();
    EXPECT_EQ(take_seen(), strings{"gap begins"});
    say(channels, confirmed("subscribe", "a"));
    EXPECT_EQ(take_seen(), strings{});
    say(channels, confirmed("psubscribe", "p*") + pushed({"message", "a", "1"}));
    EXPECT_EQ(take_seen(), (strings{"gap ends", "a got 1 on a"}));
    EXPECT_EQ(subject->metrics().connects.read(), 3U);
}

TEST_F(redis_subscription, restores_thousands_in_batches) {
    open();
    for (int i = 0; i < 1000; ++i) {
        ASSERT_TRUE(
            subject->subscribe(channel_kind::plain, "c" + std::to_string(i), noting_messages("c")));
    }
    io.peer_reset(channels);
    run();
    pass(51ms);
    channels = io.taken_connections(6379).at(0);
    say(channels, greeting);
    said(channels);
    std::size_t commands_seen = 0;
    for (int left = 1000; left > 0; ++commands_seen) {
        const int batch = std::min(left, 256);
        std::string all;
        for (int i = 0; i < batch; ++i) all += confirmed("subscribe", "c");
        say(channels, all);
        left -= batch;
    }
    EXPECT_EQ(commands_seen, 4U);
    EXPECT_EQ(take_seen(), (strings{"gap begins", "gap ends"}));
}

TEST_F(redis_subscription, keeps_waiting_for_a_confirmation_over_a_loss) {
    open();
    subscribe("a");
    lose_channels();
    EXPECT_EQ(take_seen(), strings{"gap begins"});
    say(channels, confirmed("subscribe", "a"));
    EXPECT_EQ(take_seen(), (strings{"a subscribed", "gap ends"}));
}

TEST_F(redis_subscription, takes_subscriptions_while_there_is_no_connection) {
    ASSERT_TRUE(make().start());
    subscribe("a");
    subscribe("b");
    ASSERT_TRUE(subject->unsubscribe(channel_kind::plain, "b"));
    serve();
    say(channels, greeting);
    EXPECT_EQ(said(channels), wire({"HELLO", "3"}) + wire({"SUBSCRIBE", "a"}));
    say(channels, confirmed("subscribe", "a"));
    EXPECT_EQ(take_seen().back(), "a subscribed");
}

TEST_F(redis_subscription, may_be_ended_in_its_own_handler) {
    open();
    ASSERT_TRUE(subject->subscribe(channel_kind::plain, "a", [this](auto, auto payload) {
        note(std::string(payload));
        subject->unsubscribe(channel_kind::plain, "a");
        note("still here");
    }));
    run();
    say(channels, confirmed("subscribe", "a") + pushed({"message", "a", "1"}) +
                      pushed({"message", "a", "2"}));
    EXPECT_EQ(take_seen(), (strings{"1", "still here"}));
}

TEST_F(redis_subscription, lets_the_client_be_destroyed_in_each_handler) {
    open();
    ASSERT_TRUE(subject->subscribe(channel_kind::plain, "a", [this](auto, auto) {
        subject.reset();
        note("message");
    }));
    run();
    say(channels, confirmed("subscribe", "a") + pushed({"message", "a", "1"}) +
                      pushed({"message", "a", "2"}));
    EXPECT_EQ(take_seen(), strings{"message"});

    open();
    ASSERT_TRUE(subject->subscribe(channel_kind::plain, "a", noting_messages("a"),
                                   [this](const result<void>&) {
                                       subject.reset();
                                       note("subscribed");
                                   }));
    run();
    say(channels, confirmed("subscribe", "a") + pushed({"message", "a", "1"}));
    EXPECT_EQ(take_seen(), strings{"subscribed"});

    open();
    at_gap = [this] { subject.reset(); };
    io.peer_reset(channels);
    run();
    EXPECT_EQ(take_seen(), strings{"gap begins"});
    pass(10s);
}

TEST_F(redis_subscription, answers_all_when_the_client_goes) {
    open();
    subscribe("a");
    subscribe("b", channel_kind::shard);
    subject.reset();
    EXPECT_EQ(take_seen(), strings{});
    run();
    EXPECT_EQ(take_seen().size(), 2U);
}

TEST_F(redis_subscription, lets_others_have_their_turn_in_a_flood_of_messages) {
    open();
    subscribe("a");
    say(channels, confirmed("subscribe", "a"));
    ASSERT_TRUE(subject->command({"GET", "k"}, noting("k")));
    run();
    take_seen();
    std::string flood;
    for (int i = 0; i < 5000; ++i) flood += pushed({"message", "a", std::to_string(i)});
    io.peer_send(channels, flood);
    io.peer_send(commands, "+value\r\n");
    core->turn(duration::zero());
    const auto answered = std::find(seen.begin(), seen.end(), "k = value");
    ASSERT_NE(answered, seen.end());
    EXPECT_LT(answered - seen.begin(), 200) << "messages that came before";
    run();
    seen.erase(std::find(seen.begin(), seen.end(), "k = value"));
    ASSERT_EQ(seen.size(), 5000U);
    for (int i = 0; i < 5000; ++i) ASSERT_EQ(seen[i], "a got " + std::to_string(i) + " on a");
    take_seen();
    say(channels, pushed({"message", "a", "next"}));
    EXPECT_EQ(take_seen(), strings{"a got next on a"}) << "reading goes on";
}

TEST_F(redis_subscription, may_lose_the_connection_amid_a_flood) {
    open();
    subscribe("a");
    say(channels, confirmed("subscribe", "a"));
    std::string flood;
    for (int i = 0; i < 5000; ++i) flood += pushed({"message", "a", "x"});
    ASSERT_TRUE(subject->subscribe(channel_kind::plain, "b", noting_messages("b")));
    io.peer_send(channels, flood);
    core->turn(duration::zero());
    io.peer_reset(channels);
    run();
    pass(51ms);
    EXPECT_EQ(std::count(seen.begin(), seen.end(), "gap begins"), 1);
    EXPECT_EQ(io.taken_connections(6379).size(), 1U);
    subject.reset();
    run();
}

TEST_F(redis_subscription, refuses_a_channel_twice_and_names_that_are_too_long) {
    ASSERT_EQ(make().subscribe(channel_kind::plain, "a", noting_messages("a")).error().code(),
              weft::errc::invalid_state);
    open();
    subscribe("a");
    EXPECT_EQ(subject->subscribe(channel_kind::plain, "a", noting_messages("a")).error().code(),
              weft::errc::invalid_state);
    EXPECT_TRUE(subject->subscribe(channel_kind::shard, "a", noting_messages("a")));
    EXPECT_EQ(subject->subscribe(channel_kind::plain, std::string(17000, 'x'), {}).error().code(),
              weft::errc::invalid_argument);
}

}  // namespace
}  // namespace weft::cluster::redis
