// A Redis Cluster whose nodes the test plays: maps, MOVED, ASK, and subscriptions that follow.

#include "cluster/redis/proto/slot.hpp"
#include "cluster/redis/router.hpp"
#include "unit/cluster/redis_world.hpp"

namespace weft::cluster::redis {
namespace {

/// "foo" is in slot 12182, "bar" in 5061.
class redis_cluster : public redis_world {
protected:
    struct played_node {
        sim_backend::peer commands = -1, channels = -1;
    };

    redis_cluster() {
        io.serve_port(7000);
        io.serve_port(7001);
        io.serve_port(7002);
        wanted.ping_interval = std::chrono::hours(1);
        wanted.cluster_nodes = {{"127.0.0.1", 7000}, {"127.0.0.1", 7009}};
    }
    ~redis_cluster() override {
        routing.reset();
        if (core != nullptr) run();
    }
    void begin() {
        routing = std::make_unique<router>(core->ref(), wanted);
        routing->on_gap([this](gap which) {
            note(which == gap::begins ? "gap begins" : "gap ends");
            if (at_gap) at_gap();
        });
        const auto begun = routing->start();
        ASSERT_TRUE(begun) << begun.error().message();
        run();
    }
    /// Greets those who have connected to the node at this port.
    void greet(std::uint16_t port) {
        const auto taken = io.taken_connections(port);
        ASSERT_EQ(taken.size(), 2U) << port;
        nodes[port] = {taken[0], taken[1]};
        for (const auto peer : taken) {
            EXPECT_EQ(said(peer), wire({"HELLO", "3"}));
            say(peer, greeting);
        }
    }
    static std::string entry(int first, int last, std::uint16_t port) {
        return "*3\r\n:" + std::to_string(first) + "\r\n:" + std::to_string(last) +
               "\r\n*2\r\n$9\r\n127.0.0.1\r\n:" + std::to_string(port) + "\r\n";
    }
    static std::string two_halves() {
        return "*2\r\n" + entry(0, 8191, 7000) + entry(8192, 16383, 7001);
    }
    void tell_map(std::uint16_t port, const std::string& map) {
        ASSERT_EQ(said(nodes[port].commands), wire({"CLUSTER", "SLOTS"}));
        say(nodes[port].commands, map);
    }
    void open_cluster() {
        begin();
        greet(7000);
        tell_map(7000, two_halves());
        greet(7001);
        ASSERT_TRUE(routing->is_open());
    }
    void get(std::string_view key) {
        ASSERT_TRUE(routing->command(key, {"GET", key}, noting(std::string(key))));
        run();
    }
    void follow(std::string name, channel_kind kind = channel_kind::shard) {
        ASSERT_TRUE(routing->subscribe(kind, name, noting_messages(name), noting_subscribed(name)));
        run();
    }

    redis_options wanted;
    std::unique_ptr<router> routing;
    std::map<std::uint16_t, played_node> nodes;
};

TEST_F(redis_cluster, sends_commands_and_channels_to_the_nodes_of_their_slots) {
    open_cluster();
    get("foo");
    get("bar");
    EXPECT_EQ(said(nodes[7000].commands), wire({"GET", "bar"}));
    EXPECT_EQ(said(nodes[7001].commands), wire({"GET", "foo"}));
    say(nodes[7001].commands, "+1\r\n");
    say(nodes[7000].commands, "+2\r\n");
    EXPECT_EQ(take_seen(), (strings{"foo = 1", "bar = 2"}));
    follow("foo");
    follow("bar");
    follow("foo", channel_kind::plain);
    EXPECT_EQ(said(nodes[7000].channels), wire({"SSUBSCRIBE", "bar"}));
    EXPECT_EQ(said(nodes[7001].channels), wire({"SSUBSCRIBE", "foo"}));
    say(nodes[7001].channels, confirmed("ssubscribe", "foo"));
    EXPECT_EQ(said(nodes[7001].channels), wire({"SUBSCRIBE", "foo"}));
    say(nodes[7000].channels, confirmed("ssubscribe", "bar"));
    EXPECT_EQ(take_seen(), (strings{"foo subscribed", "bar subscribed"}));
    say(nodes[7001].channels, pushed({"smessage", "foo", "hi"}));
    EXPECT_EQ(take_seen(), strings{"foo got hi on foo"});
    ASSERT_TRUE(routing->publish(channel_kind::shard, "foo", "m"));
    ASSERT_TRUE(routing->publish(channel_kind::plain, "bar", "m"));
    run();
    EXPECT_EQ(said(nodes[7001].commands), wire({"SPUBLISH", "foo", "m"}));
    EXPECT_EQ(said(nodes[7000].commands), wire({"PUBLISH", "bar", "m"}));
    EXPECT_TRUE(routing->unsubscribe(channel_kind::shard, "bar"));
    EXPECT_FALSE(routing->unsubscribe(channel_kind::shard, "bar"));
    run();
    EXPECT_EQ(said(nodes[7000].channels), wire({"SUNSUBSCRIBE", "bar"}));
}

TEST_F(redis_cluster, keeps_what_is_given_before_the_map_is_there) {
    begin();
    get("foo");
    follow("bar");
    greet(7000);
    EXPECT_EQ(said(nodes[7000].channels), "");
    tell_map(7000, two_halves());
    EXPECT_EQ(said(nodes[7000].channels), wire({"SSUBSCRIBE", "bar"}));
    const auto taken = io.taken_connections(7001);
    ASSERT_EQ(taken.size(), 2U);
    say(taken[0], greeting);
    EXPECT_EQ(said(taken[0]), wire({"HELLO", "3"}) + wire({"GET", "foo"}));
}

TEST_F(redis_cluster, answers_what_no_node_takes_in_time) {
    wanted.command_timeout = 2s;
    begin();
    get("foo");
    pass(1s);
    get("bar");
    pass(999ms);
    EXPECT_EQ(take_seen(), strings{});
    pass(2ms);
    ASSERT_EQ(seen.size(), 1U);
    EXPECT_NE(take_seen()[0].find("foo: command_timeout: no node"), std::string::npos);
    pass(1s);
    EXPECT_EQ(take_seen().size(), 1U);
    EXPECT_EQ(routing->metrics().timed_out.read(), 2U);
}

TEST_F(redis_cluster, bounds_what_waits_for_all_nodes) {
    wanted.max_queue = 64 * 1024;
    begin();
    std::size_t taken = 0;
    while (taken < 10'000 && routing->command("foo", {"SET", "foo", "a value"}, noting("x")))
        ++taken;
    EXPECT_GT(taken, 100U);
    EXPECT_LT(taken, 1000U);
    const auto refused = routing->command("bar", {"GET", "bar"}, noting("y"));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), errc::queue_full);
    pass(6s);
    EXPECT_EQ(take_seen().size(), taken);
    EXPECT_TRUE(routing->command("bar", {"GET", "bar"}, noting("y"))) << "there is room again";
}

TEST_F(redis_cluster, follows_moved_and_fetches_the_map_anew_from_who_knew_better) {
    open_cluster();
    get("foo");
    said(nodes[7001].commands);
    pass(51ms);
    say(nodes[7001].commands, "-MOVED 12182 127.0.0.1:7002\r\n");
    EXPECT_EQ(take_seen(), strings{});
    const auto taken = io.taken_connections(7002);
    ASSERT_EQ(taken.size(), 2U);
    nodes[7002] = {taken[0], taken[1]};
    EXPECT_EQ(said(nodes[7000].commands), "") << "its map may be old";
    say(taken[0], greeting);
    say(taken[1], greeting);
    EXPECT_EQ(said(taken[0]),
              wire({"HELLO", "3"}) + wire({"GET", "foo"}) + wire({"CLUSTER", "SLOTS"}));
    get("foo");
    EXPECT_EQ(said(nodes[7001].commands), "") << "the map was mended at once";
    say(taken[0], "+1\r\n*3\r\n" + entry(0, 8191, 7000) + entry(8192, 12000, 7001) +
                      entry(12001, 16383, 7002) + "+2\r\n");
    EXPECT_EQ(take_seen(), (strings{"foo = 1", "foo = 2"}));
    EXPECT_EQ(routing->metrics().redirected.read(), 1U);
    // Slot 12001 has come, too, though nobody was told.
    ASSERT_TRUE(routing->command("foo", {"GET", "foo"}));
    run();
    EXPECT_EQ(said(taken[0]), wire({"GET", "foo"}) + wire({"GET", "foo"}));
}

TEST_F(redis_cluster, follows_ask_for_one_command_only) {
    open_cluster();
    get("foo");
    say(nodes[7001].commands, "-ASK 12182 :7000\r\n");
    EXPECT_EQ(said(nodes[7000].commands), wire({"ASKING"}) + wire({"GET", "foo"}));
    say(nodes[7000].commands, "+OK\r\n+1\r\n");
    EXPECT_EQ(take_seen(), strings{"foo = 1"});
    said(nodes[7001].commands);
    get("foo");
    EXPECT_EQ(said(nodes[7001].commands), wire({"GET", "foo"}));
}

TEST_F(redis_cluster, gives_up_on_a_command_that_is_sent_around) {
    open_cluster();
    get("foo");
    for (int i = 0; i < 3; ++i) {
        say(nodes[7001].commands, "-MOVED 12182 127.0.0.1:7000\r\n");
        say(nodes[7000].commands, "-MOVED 12182 127.0.0.1:7001\r\n");
    }
    ASSERT_EQ(seen.size(), 1U);
    EXPECT_NE(take_seen()[0].find("sent the command around"), std::string::npos);
}

TEST_F(redis_cluster, waits_while_the_cluster_is_down_or_a_slot_in_transit) {
    open_cluster();
    get("foo");
    said(nodes[7001].commands);
    say(nodes[7001].commands, "-CLUSTERDOWN Hash slot not served\r\n");
    EXPECT_EQ(take_seen(), strings{});
    pass(1s);
    tell_map(7001, "*2\r\n" + entry(0, 8191, 7001) + entry(8192, 16383, 7000));
    EXPECT_EQ(said(nodes[7000].commands), wire({"GET", "foo"}));
    pass(51ms);
    say(nodes[7000].commands, "-TRYAGAIN Multiple keys request during rehashing of slot\r\n");
    tell_map(7000, two_halves());
    EXPECT_EQ(said(nodes[7001].commands), wire({"GET", "foo"}));
    say(nodes[7001].commands, "-WRONGTYPE no\r\n");
    EXPECT_EQ(take_seen(), strings{"foo: WRONGTYPE no: the Redis server refused the command"});
}

TEST_F(redis_cluster, moves_a_shard_channel_that_the_server_has_ended) {
    open_cluster();
    follow("foo");
    say(nodes[7001].channels, confirmed("ssubscribe", "foo"));
    said(nodes[7001].channels);
    take_seen();
    say(nodes[7001].channels, confirmed("sunsubscribe", "foo"));
    EXPECT_EQ(take_seen(), strings{"gap begins"});
    EXPECT_EQ(said(nodes[7001].channels), wire({"SSUBSCRIBE", "foo"}));
    say(nodes[7001].channels, "-MOVED 12182 127.0.0.1:7000\r\n");
    EXPECT_EQ(said(nodes[7000].channels), wire({"SSUBSCRIBE", "foo"}));
    EXPECT_EQ(take_seen(), strings{}) << "it is not in place yet";
    say(nodes[7000].channels, confirmed("ssubscribe", "foo") + pushed({"smessage", "foo", "m"}));
    EXPECT_EQ(take_seen(), (strings{"gap ends", "foo got m on foo"}));
    EXPECT_EQ(routing->metrics().subscriptions_lost.read(), 0U);
}

TEST_F(redis_cluster, tells_its_own_unsubscribing_from_that_of_the_server) {
    open_cluster();
    for (const char* name : {"foo", "{foo}2"}) follow(name);
    say(nodes[7001].channels, confirmed("ssubscribe", "foo"));
    say(nodes[7001].channels, confirmed("ssubscribe", "{foo}2"));
    said(nodes[7001].channels);
    take_seen();
    ASSERT_TRUE(routing->unsubscribe(channel_kind::shard, "foo"));
    run();
    EXPECT_EQ(said(nodes[7001].channels), wire({"SUNSUBSCRIBE", "foo"}));
    say(nodes[7001].channels, confirmed("sunsubscribe", "{foo}2"));
    EXPECT_EQ(take_seen(), strings{"gap begins"});
    EXPECT_EQ(said(nodes[7001].channels), "") << "ours is not confirmed yet";
    say(nodes[7001].channels, confirmed("sunsubscribe", "foo"));
    EXPECT_EQ(said(nodes[7001].channels), wire({"SSUBSCRIBE", "{foo}2"}));
    say(nodes[7001].channels, confirmed("ssubscribe", "{foo}2"));
    EXPECT_EQ(take_seen(), strings{"gap ends"});
}

TEST_F(redis_cluster, asks_for_shard_channels_of_each_slot_by_themselves) {
    begin();
    for (const char* name : {"foo", "{foo}2", "bar"}) follow(name);
    greet(7000);
    tell_map(7000, "*1\r\n" + entry(0, 16383, 7000));
    const std::string asked = said(nodes[7000].channels);
    EXPECT_NE(asked.find(wire({"SSUBSCRIBE", "bar"})), std::string::npos) << asked;
    EXPECT_NE(asked.find("{foo}2"), std::string::npos) << "without waiting for each other";
    EXPECT_NE(asked.find("\r\nfoo\r\n"), std::string::npos);
    io.peer_reset(nodes[7000].channels);
    run();
    pass(51ms);
    const auto back = io.taken_connections(7000);
    ASSERT_EQ(back.size(), 1U);
    say(back[0], greeting);
    EXPECT_NE(said(back[0]).find(wire({"SSUBSCRIBE", "bar"})), std::string::npos)
        << "nodes refuse several slots in one command";
}

TEST_F(redis_cluster, moves_subscriptions_with_the_map) {
    open_cluster();
    follow("foo");
    say(nodes[7001].channels, confirmed("ssubscribe", "foo"));
    follow("foo", channel_kind::plain);
    say(nodes[7001].channels, confirmed("subscribe", "foo"));
    said(nodes[7001].channels);
    take_seen();
    io.peer_reset(nodes[7001].commands);
    io.peer_reset(nodes[7001].channels);
    io.close_port(7001);
    run();
    EXPECT_EQ(take_seen(), strings{"gap begins"});
    pass(1s);
    tell_map(7000, "*1\r\n" + entry(0, 16383, 7000));
    EXPECT_TRUE(routing->is_open()) << "the other one serves nothing";
    const std::string asked = said(nodes[7000].channels);
    say(nodes[7000].channels,
        asked.find("SSUB") == 14 ? confirmed("ssubscribe", "foo") : confirmed("subscribe", "foo"));
    EXPECT_EQ(take_seen(), strings{});
    const std::string next = said(nodes[7000].channels);
    say(nodes[7000].channels, next.find("SSUBSCRIBE") != std::string::npos
                                  ? confirmed("ssubscribe", "foo")
                                  : confirmed("subscribe", "foo"));
    EXPECT_EQ(take_seen(), strings{"gap ends"}) << "whatever becomes of the other one";
    for (int i = 0; i < 70; ++i) pass(1s);
    io.serve_port(7001);
    pass(2s);
    EXPECT_EQ(io.taken_connections(7001).size(), 0U) << "it was forgotten";
}

TEST_F(redis_cluster, leaves_plain_channels_where_they_are_when_only_slots_move) {
    open_cluster();
    follow("foo", channel_kind::plain);
    say(nodes[7001].channels, confirmed("subscribe", "foo"));
    follow("foo");
    say(nodes[7001].channels, confirmed("ssubscribe", "foo"));
    said(nodes[7001].channels);
    take_seen();
    pass(51ms);
    get("foo");
    said(nodes[7001].commands);
    say(nodes[7001].commands, "-MOVED 12182 127.0.0.1:7000\r\n");
    const std::string asked = said(nodes[7000].commands);
    EXPECT_EQ(asked, wire({"CLUSTER", "SLOTS"}) + wire({"GET", "foo"}));
    say(nodes[7000].commands,
        "*3\r\n" + entry(0, 8191, 7000) + entry(12182, 12182, 7000) + entry(12183, 16383, 7001));
    EXPECT_EQ(said(nodes[7001].channels), wire({"SUNSUBSCRIBE", "foo"}));
    EXPECT_EQ(said(nodes[7000].channels), wire({"SSUBSCRIBE", "foo"}));
    EXPECT_EQ(take_seen(), strings{"gap begins"});
    say(nodes[7000].channels, confirmed("ssubscribe", "foo"));
    EXPECT_EQ(take_seen(), strings{"gap ends"});
}

TEST_F(redis_cluster, tells_whose_subscription_was_refused) {
    open_cluster();
    follow("foo");
    say(nodes[7001].channels, "-NOPERM no\r\n");
    EXPECT_EQ(take_seen(), strings{"foo: NOPERM no: the Redis server refused the command"});
    EXPECT_EQ(routing->metrics().subscriptions_lost.read(), 1U);
    EXPECT_FALSE(routing->unsubscribe(channel_kind::shard, "foo"));
}

TEST_F(redis_cluster, asks_another_node_when_one_has_no_map) {
    io.serve_port(7009);
    begin();
    greet(7000);
    tell_map(7000, "-ERR This instance has cluster support disabled\r\n");
    EXPECT_NE(log.lines.back().find("127.0.0.1:7000 does not say which node has which slots"),
              std::string::npos);
    greet(7009);
    pass(1001ms);
    tell_map(7009, two_halves());
    greet(7001);
    EXPECT_TRUE(routing->is_open());
}

TEST_F(redis_cluster, answers_all_when_the_router_or_the_loop_goes) {
    for (const bool by_loop : {false, true}) {
        begin();
        get("foo");
        follow("foo");
        greet(7000);
        tell_map(7000, "*1\r\n" + entry(0, 8191, 7000));
        get("bar");
        follow("bar");
        EXPECT_EQ(take_seen(), strings{});
        if (by_loop) {
            core.reset();
        } else {
            routing.reset();
            EXPECT_EQ(take_seen(), strings{}) << "not inside of the destructor";
            run();
        }
        EXPECT_EQ(take_seen().size(), 4U) << by_loop;
    }
}

TEST_F(redis_cluster, lets_the_router_be_destroyed_in_each_handler) {
    const auto end = [this](auto&&...) {
        routing.reset();
        note("gone");
    };
    open_cluster();
    ASSERT_TRUE(routing->command("foo", {"GET", "foo"}, end));
    say(nodes[7001].commands, "+1\r\n");
    EXPECT_EQ(take_seen(), strings{"gone"});

    open_cluster();
    ASSERT_TRUE(routing->subscribe(channel_kind::shard, "foo", noting_messages("foo"), end));
    run();
    say(nodes[7001].channels, confirmed("ssubscribe", "foo"));
    EXPECT_EQ(take_seen(), strings{"gone"});

    open_cluster();
    ASSERT_TRUE(routing->subscribe(channel_kind::shard, "foo", end));
    run();
    say(nodes[7001].channels, confirmed("ssubscribe", "foo") + pushed({"smessage", "foo", "m"}));
    EXPECT_EQ(take_seen(), strings{"gone"});

    open_cluster();
    at_gap = end;
    io.peer_reset(nodes[7001].channels);
    run();
    EXPECT_EQ(take_seen(), (strings{"gap begins", "gone"}));
    at_gap = nullptr;

    wanted.command_timeout = 1s;
    begin();
    ASSERT_TRUE(routing->command("foo", {"GET", "foo"}, end));
    ASSERT_TRUE(routing->command("foo", {"GET", "foo"}, noting("second")));
    pass(1001ms);
    EXPECT_EQ(take_seen().size(), 2U);
}

TEST_F(redis_cluster, refuses_calls_out_of_place) {
    routing = std::make_unique<router>(core->ref(), wanted);
    EXPECT_EQ(routing->command("k", {"PING"}).error().code(), weft::errc::invalid_state);
    EXPECT_EQ(routing->subscribe(channel_kind::plain, "a", noting_messages("a")).error().code(),
              weft::errc::invalid_state);
    ASSERT_TRUE(routing->start());
    EXPECT_EQ(routing->start().error().code(), weft::errc::invalid_state);
    follow("a");
    EXPECT_EQ(routing->subscribe(channel_kind::shard, "a", noting_messages("a")).error().code(),
              weft::errc::invalid_state);
    EXPECT_EQ(routing->subscribe(channel_kind::plain, std::string(17000, 'x'), {}).error().code(),
              weft::errc::invalid_argument);
    EXPECT_EQ(routing->publish(channel_kind::pattern, "p*", "m").error().code(),
              weft::errc::invalid_argument);
}

TEST_F(redis_cluster, is_a_plain_client_of_what_is_none) {
    wanted.cluster_nodes.clear();
    begin();
    const auto taken = io.taken_connections(6379);
    ASSERT_EQ(taken.size(), 2U);
    for (const auto peer : taken) {
        said(peer);
        say(peer, greeting);
    }
    EXPECT_TRUE(routing->is_open());
    get("foo");
    EXPECT_EQ(said(taken[0]), wire({"GET", "foo"}));
    say(taken[0], "+1\r\n");
    follow("foo");
    EXPECT_EQ(said(taken[1]), wire({"SSUBSCRIBE", "foo"}));
    say(taken[1], confirmed("ssubscribe", "foo"));
    EXPECT_EQ(take_seen(), (strings{"foo = 1", "foo subscribed"}));
    EXPECT_TRUE(routing->unsubscribe(channel_kind::shard, "foo"));
    io.peer_reset(taken[1]);
    run();
    EXPECT_EQ(take_seen(), strings{"gap begins"});
}

}  // namespace
}  // namespace weft::cluster::redis
