// Sentinel: whom it is asked, what becomes of the answers, and a real failover.

#include "unit/cluster/redis_process.hpp"
#include "unit/cluster/redis_world.hpp"

namespace weft::cluster::redis {
namespace {

class redis_sentinel : public redis_world {
protected:
    redis_sentinel() {
        wanted.sentinels = {{"127.0.0.1", 1001}, {"127.0.0.1", 1002}};
        wanted.master_name = "main";
        wanted.sentinel_password = "sp";
        wanted.password = "p";
        io.serve_port(1001);
    }
    void begin() {
        ASSERT_TRUE(make(wanted).start());
        run();
    }
    /// Who asks the Sentinel at this port is answered so.
    std::size_t answer(std::uint16_t port, const std::string& reply) {
        const auto asking = io.taken_connections(port);
        for (const auto peer : asking) {
            EXPECT_EQ(said(peer), wire({"HELLO", "3", "AUTH", "default", "sp"}));
            say(peer, greeting);
            EXPECT_EQ(said(peer), wire({"SENTINEL", "get-master-addr-by-name", "main"}));
            say(peer, reply);
            EXPECT_TRUE(io.peer_sees_end(peer)) << "asked once";
        }
        return asking.size();
    }
    /// Who connects to the server at this port hears that it is this.
    std::size_t show_role(std::uint16_t port, const std::string& role) {
        const auto taken = io.taken_connections(port);
        for (const auto peer : taken) {
            EXPECT_EQ(said(peer), wire({"HELLO", "3", "AUTH", "default", "p"}));
            say(peer, greeting);
            EXPECT_EQ(said(peer), wire({"ROLE"}));
            EXPECT_FALSE(subject->is_open());
            say(peer, "*3\r\n$" + std::to_string(role.size()) + "\r\n" + role + "\r\n:0\r\n*0\r\n");
        }
        if (taken.size() == 2) {
            commands = taken[0];
            channels = taken[1];
        }
        return taken.size();
    }
    static std::string address(const std::string& port) { return wire({"127.0.0.1", port}); }

    redis_options wanted;
};

TEST_F(redis_sentinel, names_the_master_which_must_say_so_itself) {
    begin();
    EXPECT_EQ(io.taken_connections(6379).size(), 0U);
    EXPECT_EQ(answer(1001, address("6379")), 2U);
    EXPECT_EQ(show_role(6379, "master"), 2U);
    EXPECT_TRUE(subject->is_open());
}

TEST_F(redis_sentinel, is_followed_by_the_next_when_it_is_gone_or_does_not_know) {
    io.close_port(1001);
    io.serve_port(1002);
    begin();
    EXPECT_EQ(answer(1002, address("6379")), 2U);
    EXPECT_EQ(show_role(6379, "master"), 2U);
    io.serve_port(1001);
    io.peer_reset(channels);
    run();
    pass(51ms);
    EXPECT_EQ(io.taken_connections(1001).size(), 0U) << "who knew it last is asked first";
    EXPECT_EQ(answer(1002, "_\r\n"), 1U);
    EXPECT_EQ(answer(1001, address("6379")), 1U);
    EXPECT_EQ(show_role(6379, "master"), 1U);
    EXPECT_TRUE(subject->is_open());
}

TEST_F(redis_sentinel, may_be_behind_the_times) {
    io.serve_port(1002);
    io.serve_port(7000);
    begin();
    EXPECT_EQ(answer(1001, address("6379")), 2U);
    EXPECT_EQ(show_role(6379, "slave"), 2U);
    EXPECT_FALSE(subject->is_open());
    EXPECT_NE(log.lines.at(0).find("127.0.0.1:6379: the server is not the master"),
              std::string::npos);
    pass(51ms);
    std::size_t asked = answer(1002, address("7000")) + answer(1001, address("7000"));
    EXPECT_EQ(asked, 2U);
    EXPECT_EQ(show_role(7000, "master"), 2U);
    EXPECT_TRUE(subject->is_open());
}

TEST_F(redis_sentinel, is_asked_again_when_none_has_named_the_master) {
    for (const std::string reply :
         {"_\r\n", "-ERR no\r\n", "*1\r\n+a\r\n", "*2\r\n+a\r\n+0\r\n", "*2\r\n+a\r\n+65536\r\n",
          "*2\r\n$0\r\n\r\n+1\r\n", "*2\r\n+a\r\n+1x\r\n", "+OK\r\n"}) {
        log.lines.clear();
        wanted.sentinels.resize(1);
        begin();
        EXPECT_EQ(answer(1001, reply), 2U);
        ASSERT_EQ(log.lines.size(), 2U) << reply;
        EXPECT_NE(log.lines[0].find("Redis at main: the last of the sentinels, 127.0.0.1:1001"),
                  std::string::npos)
            << log.lines[0];
        pass(51ms);
        EXPECT_EQ(io.taken_connections(1001).size(), 2U);
        subject.reset();
        run();
    }
}

TEST_F(redis_sentinel, has_connect_timeout_to_answer) {
    io.serve_port(1002);
    begin();
    EXPECT_EQ(io.taken_connections(1001).size(), 2U);
    pass(1499ms);
    EXPECT_EQ(io.taken_connections(1002).size(), 0U);
    pass(2ms);
    EXPECT_EQ(answer(1002, address("6379")), 2U);
}

TEST_F(redis_sentinel, is_asked_when_the_master_takes_no_more_writes) {
    begin();
    answer(1001, address("6379"));
    show_role(6379, "master");
    said(commands);
    ASSERT_TRUE(subject->command({"SET", "k", "v"}, noting("k")));
    say(commands, "-READONLY You can't write against a read only replica.\r\n");
    EXPECT_EQ(take_seen().size(), 1U);
    EXPECT_FALSE(subject->is_open());
    pass(51ms);
    EXPECT_EQ(answer(1001, address("6379")), 1U);
}

TEST_F(redis_sentinel, may_be_being_asked_when_the_client_or_the_loop_goes) {
    for (const bool by_loop : {false, true}) {
        begin();
        ASSERT_TRUE(subject->command({"GET", "k"}, noting("k")));
        for (const auto peer : io.taken_connections(1001)) say(peer, greeting);
        by_loop ? core.reset() : subject.reset();
        if (!by_loop) run();
        EXPECT_EQ(take_seen().size(), 1U);
    }
}

TEST(redis_sentinel_options, must_fit_together) {
    const auto complaint = [](redis_options o) { return o.check().error().what(); };
    const redis_address one{"h", 1};
    EXPECT_TRUE((redis_options{.sentinels = {one}, .master_name = "m"}).check());
    EXPECT_NE(complaint({.sentinels = {one}}).find("master_name"), std::string::npos);
    EXPECT_NE(complaint({.master_name = "m"}).find("master_name"), std::string::npos);
    EXPECT_NE(complaint({.sentinels = {{"h", 0}}, .master_name = "m"}).find("::sentinels"),
              std::string::npos);
    EXPECT_NE(complaint({.sentinels = {one}, .master_name = "m", .cluster_nodes = {one}})
                  .find("cluster_nodes"),
              std::string::npos);
    EXPECT_NE(complaint({.cluster_nodes = {one}, .database = 1}).find("database"),
              std::string::npos);
    EXPECT_NE(complaint({.unix_path = "/s", .cluster_nodes = {one}}).find("unix_path"),
              std::string::npos);
}

/// A master, its replica and a Sentinel; the test forces it to fail over.
class redis_failover : public redis_loop {
protected:
    ~redis_failover() override { subject.reset(); }
    redis_process first, second, sentinel;
    std::unique_ptr<client> subject;
};

TEST_F(redis_failover, is_followed_with_all_subscriptions) {
    const std::uint16_t ports[] = {free_port(), free_port(), free_port()};
    first.start(ports[0], "requirepass p\nmasterauth p\nrepl-diskless-sync-delay 0\n");
    second.start(ports[1],
                 "requirepass p\nmasterauth p\nrepl-diskless-sync-delay 0\nreplicaof 127.0.0.1 " +
                     std::to_string(ports[0]) + "\n");
    const auto to = [&](std::uint16_t port) {
        redis_options there{.port = port, .password = "p"};
        auto made = std::make_unique<client>(home(), there);
        EXPECT_TRUE(made->start());
        return made;
    };
    const auto old_master = to(ports[0]);
    const auto replica = to(ports[1]);
    await([&] { return old_master->is_open() && replica->is_open(); });
    await([&] {
        return ask(*replica, {"INFO", "replication"}).find("master_link_status:up") !=
               std::string::npos;
    });
    sentinel.start(
        ports[2],
        "sentinel monitor main 127.0.0.1 " + std::to_string(ports[0]) +
            " 1\nsentinel auth-pass main p\nsentinel down-after-milliseconds main 60000\n"
            "sentinel failover-timeout main 10000\nrequirepass sp\n",
        true);
    client watcher(home(), {.port = ports[2], .password = "sp"});
    ASSERT_TRUE(watcher.start());
    await([&] { return watcher.is_open(); });
    // The Sentinel must know the replica, as its first INFO tells.
    await([&] { return ask(watcher, {"SENTINEL", "replicas", "main"}) == "9:1"; });

    redis_options wanted{.sentinels = {{"127.0.0.1", 1}, {"127.0.0.1", ports[2]}},
                         .master_name = "main",
                         .sentinel_password = "sp",
                         .password = "p"};
    subject = std::make_unique<client>(home(), wanted);
    subject->on_gap(
        [this](gap which) { seen.emplace_back(which == gap::begins ? "gap begins" : "gap ends"); });
    ASSERT_TRUE(subject->start());
    await([&] { return subject->is_open(); });
    EXPECT_EQ(ask(*subject, {"CONFIG", "GET", "port"}), "11:2");
    ASSERT_TRUE(subject->subscribe(channel_kind::plain, "news",
                                   [this](auto, auto payload) { seen.emplace_back(payload); }));
    EXPECT_EQ(ask(*subject, {"SET", "k", "v"}), "OK");
    EXPECT_EQ(ask(*subject, {"WAIT", "1", "5000"}), "1");

    // Right after its start a Sentinel may not dare yet.
    await([&] { return ask(watcher, {"SENTINEL", "FAILOVER", "main"}) == "OK"; });
    await_seen("gap ends");
    await([&] { return subject->is_open(); });
    EXPECT_EQ(ask(*subject, {"SET", "k", "new"}), "OK");
    await([&] { return ask(*replica, {"GET", "k"}) == "new"; });
    EXPECT_EQ(ask(*replica, {"ROLE"}), "9:3");
    await([&] { return ask(*replica, {"PUBLISH", "news", "from the new master"}) == "1"; });
    await_seen("from the new master");
}

}  // namespace
}  // namespace weft::cluster::redis
