// Servers that are a cluster, over a real redis-server.

#include <memory>
#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <weft/socketio/server.hpp>

#include "unit/cluster/redis_process.hpp"
#include "unit/server/server_world.hpp"

namespace weft::test {
namespace {

using cluster::adapter_kind;

/// One server of the cluster. A WebSocket joins the topic that its query names and publishes what
/// it says there; "who" is answered with the node's name.
class member {
public:
    member(std::uint16_t redis, adapter_kind kind, unsigned threads = 1)
        : member(cluster::redis_options{.port = redis}, kind, threads) {}
    member(const cluster::redis_options& redis, adapter_kind kind, unsigned threads = 1)
        : server_(chosen(redis, kind, threads)), io_(server_) {
        server_.ws("/ws")
            .on_open([](auto& c) { c.subscribe("news"); })
            .on_message([](auto& c, message_view what) {
                what.text() == "here" ? c.publish_here("news", what) : c.publish("news", what);
                c.send("said");
            });
        io_.on_server_side("sum", [](const socketio::raw_arguments& args, socketio::ack done) {
            done(args.json.size());
        });
        const auto port = server_.listen({.host = "127.0.0.1", .port = 0});
        EXPECT_TRUE(port) << port.error().message();
        port_ = *port;
        running_.emplace(server_);
    }
    client connect() {
        client made(port_);
        EXPECT_THAT(made.handshake(), testing::HasSubstr(" 101 "));
        return made;
    }
    weft::server& operator*() { return server_; }
    weft::server* operator->() { return &server_; }
    socketio::server& io() { return io_; }

private:
    static server_options chosen(const cluster::redis_options& redis, adapter_kind kind,
                                 unsigned threads) {
        server_options o;
        o.threads = threads;
        o.cluster.emplace();
        o.cluster->redis = redis;
        o.cluster->adapter = kind;
        return o;
    }
    weft::server server_;
    socketio::server io_;
    std::uint16_t port_ = 0;
    std::optional<running> running_;
};

class server_cluster : public testing::TestWithParam<adapter_kind> {
protected:
    server_cluster() : port(cluster::redis::free_port()) {
        if (!cluster::redis::has_redis_7()) skip = true;
    }
    void SetUp() override {
        if (skip) GTEST_SKIP() << "no redis-server of version 7";
        redis.start(port, "");
        await_redis();
    }
    void await_redis() {
        for (int i = 0; i < 1000; ++i) {
            client one(port);
            if (one.connected()) return;
            usleep(10'000);
        }
        FAIL() << "redis-server does not listen";
    }
    /// Until so many connections listen to a channel.
    void await_subscribers(std::string_view channel, int wanted) {
        const std::string count = GetParam() == adapter_kind::sharded ? "SHARDNUMSUB" : "NUMSUB";
        client asking(port);
        const std::string expected = "*2\r\n$" + std::to_string(channel.size()) + "\r\n" +
                                     std::string(channel) + "\r\n:" + std::to_string(wanted) +
                                     "\r\n";
        std::string reply;
        const auto end = std::chrono::steady_clock::now() + 10s;
        while (reply != expected && std::chrono::steady_clock::now() < end) {
            asking.send("PUBSUB " + count + " " + std::string(channel) + "\r\n");
            reply = asking.take(expected);
        }
        EXPECT_EQ(reply, expected);
    }
    static std::string why_not_ready(const weft::server& s) {
        const auto judged = s.ready();
        return judged ? "" : judged.error().message();
    }
    /// Until it gives this reason; none: until it is ready.
    static void await_ready(const weft::server& s, std::string_view reason) {
        const auto is_so = [&] {
            const std::string said = why_not_ready(s);
            return reason.empty() ? said.empty() : said.find(reason) != std::string::npos;
        };
        for (int i = 0; i < 1000 && !is_so(); ++i) usleep(10'000);
        EXPECT_TRUE(is_so()) << why_not_ready(s);
    }
    bool skip = false;
    std::uint16_t port;
    cluster::redis::redis_process redis;
};

TEST_P(server_cluster, a_topic_reaches_the_subscribers_of_all_nodes_once) {
    member a(port, GetParam(), 2), b(port, GetParam());
    client of_a = a.connect(), too = a.connect(), of_b = b.connect();
    await_subscribers("socket.io#topic#news", 2);
    of_a.send(text_frame("hello"));
    EXPECT_EQ(of_a.frame().payload, "said");
    EXPECT_EQ(too.frame().payload, "hello");
    EXPECT_EQ(of_b.frame().payload, "hello");
    for (int i = 0; i < 100; ++i) b->publish("news", std::to_string(i));
    b->publish("sports", "nobody listens");
    for (client* each : {&of_a, &too, &of_b}) {
        for (int i = 0; i < 100; ++i) EXPECT_EQ(each->frame().payload, std::to_string(i));
    }
    of_b.send(text_frame("last"));
    EXPECT_EQ(of_b.frame().payload, "said");
    EXPECT_EQ(of_a.frame().payload, "last");
    EXPECT_EQ(too.frame().payload, "last");
    EXPECT_THAT(a->metrics_text(), testing::HasSubstr("weft_cluster_ignored_total 0"));
}

TEST_P(server_cluster, what_is_published_here_stays_here) {
    member a(port, GetParam(), 2), b(port, GetParam());
    client of_a = a.connect(), too = a.connect(), of_b = b.connect();
    await_subscribers("socket.io#topic#news", 2);
    of_a.send(text_frame("here"));
    EXPECT_EQ(of_a.frame().payload, "said");
    of_a.send(text_frame("everywhere"));
    EXPECT_EQ(too.frame().payload, "here");
    EXPECT_EQ(too.frame().payload, "everywhere");
    EXPECT_EQ(of_b.frame().payload, "everywhere");
}

TEST_P(server_cluster, servers_ask_each_other) {
    member a(port, GetParam()), b(port, GetParam()), c(port, GetParam(), 2);
    await_subscribers(GetParam() == adapter_kind::classic ? "socket.io-request#/#" : "socket.io#/#",
                      3);
    inbox<socketio::server_replies<int>> told;
    a.io().server_side_emit_with_ack<int>(
        "sum", 12345, [&](socketio::server_replies<int> all) { told.put(std::move(all)); });
    const auto replies = told.wait_for(1).front();
    ASSERT_EQ(replies.answers.size(), 2U);
    EXPECT_EQ(*replies.answers[0], 5);
    EXPECT_EQ(*replies.answers[1], 5);
    EXPECT_EQ(replies.silent.count, 0U);
}

TEST_P(server_cluster, sec_p6_an_outage_of_redis_stops_nothing_here_and_ends) {
    member a(port, GetParam()), b(port, GetParam());
    client of_a = a.connect(), too = a.connect(), of_b = b.connect();
    await_subscribers("socket.io#topic#news", 2);
    redis.kill();
    of_a.send(text_frame("alone"));
    EXPECT_EQ(of_a.frame().payload, "said");
    EXPECT_EQ(too.frame().payload, "alone");
    redis.run();
    await_redis();
    await_subscribers("socket.io#topic#news", 2);
    of_a.send(text_frame("together"));
    // What was said alone came late, if Redis was back in time, or is lost.
    const std::string first = of_b.frame().payload;
    EXPECT_EQ(first == "alone" ? of_b.frame().payload : first, "together");
    EXPECT_THAT(a->metrics_text(), testing::HasSubstr("weft_cluster_gaps_total 1"));
}

TEST_P(server_cluster, subscriptions_that_redis_cut_off_come_back) {
    member a(port, GetParam()), b(port, GetParam());
    client of_a = a.connect(), of_b = b.connect();
    await_subscribers("socket.io#topic#news", 2);
    client console(port);
    console.send("CLIENT KILL TYPE pubsub\r\n");
    EXPECT_EQ(console.take(":2\r\n"), ":2\r\n") << "both";
    await_subscribers("socket.io#topic#news", 2);
    of_a.send(text_frame("together"));
    EXPECT_EQ(of_b.frame().payload, "together");
}

TEST_P(server_cluster, sec_p6_redis_that_stands_still_stops_nothing_here) {
    member a(port, GetParam()), b(port, GetParam());
    client of_a = a.connect(), too = a.connect(), of_b = b.connect();
    await_subscribers("socket.io#topic#news", 2);
    ASSERT_EQ(::kill(redis.pid, SIGSTOP), 0);
    for (int i = 0; i < 100; ++i) {
        of_a.send(text_frame(std::to_string(i)));
        EXPECT_EQ(of_a.frame().payload, "said");
        EXPECT_EQ(too.frame().payload, std::to_string(i));
    }
    ASSERT_EQ(::kill(redis.pid, SIGCONT), 0);
    for (int i = 0; i < 100; ++i) EXPECT_EQ(of_b.frame().payload, std::to_string(i));
}

TEST_P(server_cluster, a_drain_does_not_wait_for_redis) {
    server_options o;
    o.cluster.emplace();
    o.cluster->redis.port = port;
    o.cluster->adapter = GetParam();
    weft::server s(o);
    s.ws("/ws").on_open([](auto& c) { c.subscribe("news"); });
    const auto listening = s.listen(loopback());
    ASSERT_TRUE(listening);
    running run(s);
    {
        client one(*listening);
        one.handshake();
        await_subscribers("socket.io#topic#news", 1);
    }
    const auto began = std::chrono::steady_clock::now();
    s.drain(1min);
    EXPECT_EQ(run.join(), 0);
    EXPECT_LT(std::chrono::steady_clock::now() - began, 30s);
}

TEST_P(server_cluster, says_whether_it_is_ready_and_tells_of_gaps) {
    redis.kill();
    server_options o;
    o.cluster.emplace();
    o.cluster->redis.port = port;
    o.cluster->adapter = GetParam();
    o.cluster->ready_without_redis = 0s;
    weft::server s(o);
    inbox<cluster::gap> gaps;
    loop_ref first = s.loop(0);
    s.on_cluster_gap([&gaps, first](cluster::gap now) {
        EXPECT_TRUE(first.in_loop_thread());
        gaps.put(now);
    });
    EXPECT_THAT(why_not_ready(s), testing::HasSubstr("does not run"));
    ASSERT_TRUE(s.listen(loopback()));
    running run(s);
    await_ready(s, "Redis was not reached yet");
    EXPECT_THAT(s.metrics_text(), testing::HasSubstr("weft_cluster_connected 0\n"));
    redis.run();
    await_ready(s, "");
    EXPECT_THAT(s.metrics_text(), testing::HasSubstr("weft_cluster_connected 1\n"));
    redis.kill();
    EXPECT_EQ(gaps.wait_for(1), std::vector{cluster::gap::begins});
    EXPECT_THAT(why_not_ready(s), testing::AllOf(testing::HasSubstr("away for 0 s"),
                                                 testing::HasSubstr("ready_without_redis")));
    EXPECT_THAT(s.metrics_text(), testing::HasSubstr("weft_cluster_connected 0\n"));
    redis.run();
    EXPECT_EQ(gaps.wait_for(2), (std::vector{cluster::gap::begins, cluster::gap::ends}));
    await_ready(s, "");
    s.on_cluster_gap(nullptr);  // too late: it stays
    s.drain(10s);
    EXPECT_THAT(why_not_ready(s),
                testing::AnyOf(testing::HasSubstr("drains"), testing::HasSubstr("does not run")));
    EXPECT_EQ(run.join(), 0);
    EXPECT_THAT(why_not_ready(s), testing::HasSubstr("does not run"));
}

TEST_P(server_cluster, an_outage_that_is_allowed_leaves_it_ready) {
    server_options o;
    o.cluster.emplace();
    o.cluster->redis.port = port;
    o.cluster->adapter = GetParam();
    o.cluster->ready_without_redis = 1h;
    weft::server s(o);
    inbox<cluster::gap> gaps;
    s.on_cluster_gap([&gaps](cluster::gap now) { gaps.put(now); });
    running run(s);
    await_ready(s, "");
    redis.kill();
    gaps.wait_for(1);
    EXPECT_EQ(why_not_ready(s), "");
}

TEST_P(server_cluster, is_ready_without_redis_when_redis_has_no_say) {
    redis.kill();
    server_options o;
    o.cluster.emplace();
    o.cluster->redis.port = port;
    o.cluster->adapter = GetParam();
    o.cluster->ready_without_redis = duration::max();
    weft::server s(o);
    running run(s);
    await_ready(s, "");
}

TEST_P(server_cluster, counts_what_is_said_by_what_it_is_about) {
    member a(port, GetParam()), b(port, GetParam());
    client of_b = b.connect();
    await_subscribers("socket.io#topic#news", 1);
    await_subscribers(GetParam() == adapter_kind::classic ? "socket.io-request#/#" : "socket.io#/#",
                      2);
    a->publish("news", "hello");
    EXPECT_EQ(of_b.frame().payload, "hello");
    a.io().emit("to nobody");
    inbox<socketio::server_replies<int>> told;
    a.io().server_side_emit_with_ack<int>(
        "sum", 1, [&](socketio::server_replies<int> all) { told.put(std::move(all)); });
    told.wait_for(1);
    // With streams that goes another way, and comes when it comes.
    const auto end = std::chrono::steady_clock::now() + 10s;
    while (b->metrics_text().find("received_total{about=\"broadcasts\"} 1\n") ==
               std::string::npos &&
           std::chrono::steady_clock::now() < end) {
    }
    for (const std::string about : {"topics", "broadcasts", "requests"}) {
        EXPECT_THAT(a->metrics_text(), testing::HasSubstr("weft_cluster_published_total{about=\"" +
                                                          about + "\"} 1\n"));
        EXPECT_THAT(b->metrics_text(),
                    testing::HasSubstr("weft_cluster_received_total{about=\"" + about + "\"} 1\n"));
    }
    EXPECT_THAT(b->metrics_text(),
                testing::HasSubstr("weft_cluster_published_total{about=\"answers\"} 1\n"));
    EXPECT_THAT(a->metrics_text(),
                testing::HasSubstr("weft_cluster_received_total{about=\"answers\"} 1\n"));
}

TEST_P(server_cluster, a_message_of_many_megabytes_arrives) {
    member a(port, GetParam()), b(port, GetParam());
    client of_b = b.connect();
    await_subscribers("socket.io#topic#news", 1);
    const std::string large(10'000'000, 'x');
    a->publish("news", large);
    EXPECT_EQ(of_b.frame().payload, large);
}

TEST_P(server_cluster, sec_p7_what_is_no_message_of_a_node_is_ignored) {
    member a(port, GetParam()), b(port, GetParam());
    client of_a = a.connect(), of_b = b.connect();
    await_subscribers("socket.io#topic#news", 2);
    const std::string publish = GetParam() == adapter_kind::sharded ? "SPUBLISH" : "PUBLISH";
    client stranger(port);
    stranger.send(publish + " socket.io#topic#news rubbish\r\n" + publish +
                  " socket.io#/# rubbish\r\n");
    (void)stranger.take(":2\r\n:2\r\n");
    of_a.send(text_frame("still here"));
    EXPECT_EQ(of_b.frame().payload, "still here");
    EXPECT_THAT(b->metrics_text(), testing::HasSubstr("weft_cluster_ignored_total 2"));
}

class server_redis_masters : public cluster::redis::redis_masters,
                             public testing::WithParamInterface<adapter_kind> {};

TEST_P(server_redis_masters, carry_topics_and_questions) {
    const cluster::redis_options where{.cluster_nodes = {{"127.0.0.1", ports[1]}}};
    member a(where, GetParam()), b(where, GetParam(), 2);
    const auto end = std::chrono::steady_clock::now() + 20s;
    std::size_t answers = 0, silent = 1;
    while ((answers != 1 || silent != 0) && std::chrono::steady_clock::now() < end) {
        inbox<socketio::server_replies<int>> told;
        a.io().server_side_emit_with_ack<int>(
            "sum", 123, [&](socketio::server_replies<int> all) { told.put(std::move(all)); });
        const auto replies = told.wait_for(1).front();
        answers = replies.answers.size();
        silent = replies.silent.count;
    }
    EXPECT_EQ(answers, 1U);
    EXPECT_EQ(silent, 0U);
    client of_a = a.connect(), of_b = b.connect();
    // Until each listens.
    for (auto [speaker, listener] : {std::pair{&a, &of_b}, std::pair{&b, &of_a}}) {
        do {
            (*speaker)->publish("news", "hello");
        } while (!listener->hears_within(20) && std::chrono::steady_clock::now() < end);
        EXPECT_EQ(listener->frame().payload, "hello");
    }
}

std::string kind_name(const testing::TestParamInfo<adapter_kind>& each) {
    switch (each.param) {
        case adapter_kind::classic: return "classic";
        case adapter_kind::sharded: return "sharded";
        default: return "streams";
    }
}
const auto all_kinds =
    testing::Values(adapter_kind::classic, adapter_kind::sharded, adapter_kind::streams);
INSTANTIATE_TEST_SUITE_P(, server_cluster, all_kinds, kind_name);
INSTANTIATE_TEST_SUITE_P(, server_redis_masters, all_kinds, kind_name);

TEST(server_cluster_options, are_checked) {
    server_options o;
    o.cluster.emplace();
    o.cluster->prefix = "";
    weft::server server(o);
    const auto port = server.listen({.host = "127.0.0.1", .port = 0});
    ASSERT_FALSE(port);
    EXPECT_THAT(port.error().message(), testing::HasSubstr("cluster::options::prefix"));
    o.cluster->prefix = "p";
    o.cluster->ready_without_redis = -1ms;
    EXPECT_THAT(o.check().error().message(),
                testing::HasSubstr("cluster::options::ready_without_redis is -1 ms"));
}

}  // namespace
}  // namespace weft::test
