// Who keeps us waiting for the first request, and who gives way when too many do (H4). Whatever a
// flood does, those who come after it and send their request get their answer.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "../net/tls_peer.hpp"
#include "http_world.hpp"

namespace weft::http {
namespace {

using namespace testing;
using peer_id = http_world::peer;
using net::testing::openssl_peer;

std::string host(std::size_t i) {
    return "10.0." + std::to_string(i / 250) + "." + std::to_string(1 + i % 250);
}

/// A world with room for three late connections of an address and five in all.
struct gated_world : http_world {
    explicit gated_world(net::handshake_gate& by, const options& limits = {}) : http_world(limits) {
        gate = &by;
        serve();
    }
    explicit gated_world(const options& limits = {}) : gated_world(three_of_five, limits) {}
    ~gated_world() { shut_down(); }

    void serve() {
        EXPECT_TRUE(routes.get("/", [](const request&) { return response::text(200, "hi"); }));
        EXPECT_TRUE(routes.post("/", [](const request&) { return response::text(200, "got"); }));
    }
    /// Connections from `address` that say no more than this for more than a second.
    std::vector<peer_id> open_late(std::size_t count, std::string_view address,
                                   std::string_view bytes = "G") {
        std::vector<peer_id> opened;
        while (opened.size() < count) {
            opened.push_back(open(address));
            send(opened.back(), bytes);
        }
        pass(1100ms);
        return opened;
    }
    /// What a prompt client at this address gets: the status, or 0 when it is just closed.
    int status_for(std::string_view address) {
        const peer_id client = open(address);
        send(client, get("/"));
        const auto found = statuses(take(client));
        io.peer_end(client);
        run();
        return found.empty() ? 0 : found[0];
    }
    net::handshake_gate three_of_five{{3, 5}};
};

TEST(http_late, sec_h4_the_one_that_is_late_for_longest_gives_way_to_others_of_its_address) {
    gated_world world;
    const auto first = world.open_late(2, "10.0.0.1");
    const auto second = world.open_late(1, "10.0.0.1");
    EXPECT_EQ(world.counters().late.read(), 3U);
    EXPECT_FALSE(world.ended(first[0])) << "as many as may be";
    EXPECT_EQ(world.status_for("10.0.0.1"), 200);
    const auto third = world.open_late(1, "10.0.0.1");
    EXPECT_EQ(world.counters().late.read(), 3U);
    const std::string reply = world.take(first[0]);
    EXPECT_TRUE(reply.starts_with("HTTP/1.1 408 Request Timeout\r\n")) << reply;
    EXPECT_TRUE(has(reply, "\r\nContent-Type: text/plain; charset=utf-8\r\n"));
    EXPECT_TRUE(has(reply, "\r\nConnection: close\r\n"));
    EXPECT_FALSE(has(reply, "Retry-After"));
    EXPECT_TRUE(
        has(reply, "\r\nContent-Length: " + std::to_string(body_of(reply).size()) + "\r\n"));
    EXPECT_EQ(body_of(reply),
              "too many connections have not sent their first request "
              "(max_handshakes_per_address, max_handshakes)\n");
    EXPECT_TRUE(world.ended(first[0]));
    EXPECT_EQ(world.errors(errc::too_many_late), 1U);
    EXPECT_EQ(world.counters().turned_away.read(), 1U);
    ASSERT_EQ(world.log.size(), 1U);
    EXPECT_EQ(world.log[0],
              "too many connections have not sent their first request "
              "(max_handshakes_per_address, max_handshakes), from 10.0.0.1:20002");
    (void)world.open_late(1, "10.0.0.1");
    EXPECT_EQ(world.log.size(), 1U) << "one line per minute";
    // The others may still go on.
    for (const peer_id p : {second[0], third[0]}) {
        world.send(p, get("/").substr(1));
        EXPECT_EQ(statuses(world.take(p)), std::vector{200});
    }
    EXPECT_EQ(world.counters().late.read(), 1U);
}

TEST(http_late, sec_h4_one_of_the_address_that_has_most_gives_way_when_there_are_too_many_in_all) {
    gated_world world;
    const auto lone = world.open_late(1, "10.0.0.1");
    const auto many = world.open_late(3, "10.0.0.2");
    const auto other = world.open_late(1, "10.0.0.3");
    EXPECT_EQ(world.counters().late.read(), 5U);
    const auto last = world.open_late(1, "10.0.0.4");
    EXPECT_EQ(world.counters().late.read(), 5U);
    EXPECT_TRUE(world.ended(many[0]));
    EXPECT_EQ(statuses(world.take(many[0])), std::vector{408});
    (void)world.open_late(1, "10.0.0.5");
    EXPECT_TRUE(world.ended(many[1])) << "two are more than one";
    EXPECT_FALSE(world.ended(many[2]));
    (void)world.open_late(1, "10.0.0.6");
    EXPECT_TRUE(world.ended(lone[0])) << "all have one, and this address has had it for longest";
    EXPECT_FALSE(world.ended(other[0]));
    EXPECT_FALSE(world.ended(last[0]));
    world.pass(10s);
    EXPECT_EQ(world.counters().late.read(), 0U) << "their time is up";
}

TEST(http_late, sec_h4_a_late_one_goes_on_until_it_gives_way) {
    gated_world world;
    const auto late = world.open_late(3, "10.0.0.1");
    world.send(late[0], get("/").substr(1));
    EXPECT_EQ(statuses(world.take(late[0])), std::vector{200});
    world.io.peer_reset(late[1]);
    world.run();
    EXPECT_EQ(world.counters().late.read(), 1U);
    (void)world.open_late(2, "10.0.0.1");
    EXPECT_FALSE(world.ended(late[0]));
    EXPECT_FALSE(world.ended(late[2])) << "those that went on made room";
    world.send(late[0], get("/"));
    EXPECT_EQ(statuses(world.take(late[0])), std::vector{200});
    EXPECT_EQ(world.errors(errc::too_many_late), 0U);
}

TEST(http_late, sec_h4_as_many_are_told_why_at_once_as_may_be_late) {
    gated_world world;
    std::vector<peer_id> flood{world.open("10.0.0.1")};
    for (int i = 1; i < 40; ++i) {
        flood.push_back(world.io.connect_client(80, "10.0.0.1"));
    }
    world.run();
    world.pass(1100ms);
    EXPECT_EQ(world.counters().late.read(), 3U);
    EXPECT_EQ(world.errors(errc::too_many_late), 37U);
    EXPECT_EQ(world.counters().turned_away.read(), 5U);
    EXPECT_EQ(world.counters().cut_off.read(), 32U);
    EXPECT_LE(world.connections(), 8U) << "the limit, and those that have not read their answer";
    world.pass(2100ms);
    EXPECT_EQ(world.connections(), 3U) << "whoever does not close is cut";
    EXPECT_EQ(world.status_for("10.0.0.1"), 200);
    (void)world.open_late(1, "10.0.0.1");
    EXPECT_EQ(world.counters().turned_away.read(), 6U) << "there is room for answers again";
}

TEST(http_late, sec_h4_an_ipv6_network_is_one_address) {
    gated_world world;
    std::vector<peer_id> late;
    for (const char* from : {"2001:db8::1", "2001:db8::2", "2001:db8::ffff:3"})
        late.push_back(world.open_late(1, from)[0]);
    (void)world.open_late(1, "2001:db8:0:1::4");
    EXPECT_FALSE(world.ended(late[0])) << "the next /64";
    (void)world.open_late(1, "2001:db8::5");
    EXPECT_TRUE(world.ended(late[0]));
}

TEST(http_late, sec_h4_an_ipv4_client_of_an_ipv6_socket_is_its_ipv4_address) {
    gated_world world;
    const auto late = world.open_late(3, "::ffff:10.0.0.1");
    (void)world.open_late(1, "::ffff:10.0.0.2");
    EXPECT_FALSE(world.ended(late[0]));
    (void)world.open_late(1, "10.0.0.1");
    EXPECT_TRUE(world.ended(late[0]));
}

TEST(http_late, sec_h4_a_proxy_does_not_count_in_the_limits_of_an_address) {
    for (const bool trusted : {true, false}) {
        options limits;
        if (trusted) limits.trusted_proxies = {"10.0.0.0/8"};
        gated_world world(limits);
        (void)world.open_late(20, "10.0.0.1");
        EXPECT_EQ(world.counters().late.read(), trusted ? 20U : 3U);
        EXPECT_EQ(world.status_for("10.0.0.1"), 200);
    }
}

TEST(http_late, a_burst_of_prompt_clients_is_welcome) {
    gated_world world;
    std::vector<peer_id> burst{world.open("10.0.0.1")};
    while (burst.size() < 200) burst.push_back(world.io.connect_client(80, "10.0.0.1"));
    const int turns = 200 / static_cast<int>(loop_budgets{}.accepts) + 1;
    world.run(turns);
    for (const peer_id client : burst) world.io.peer_send(client, get("/"));
    world.run(turns);
    for (const peer_id client : burst)
        EXPECT_EQ(statuses(world.take(client)), std::vector<int>{200});
    world.pass(2s);  // idle after a request is not late
    EXPECT_EQ(world.status_for("10.0.0.1"), 200);
    EXPECT_EQ(world.errors(errc::too_many_late), 0U);
}

TEST(http_late, sec_h4_a_loop_ends_its_own_whoever_came_to_another) {
    net::handshake_gate shared{{3, 5}};
    gated_world one(shared), other(shared);
    const auto here = one.open_late(3, "10.0.0.1");
    const auto there = other.open_late(3, "10.0.0.1");
    EXPECT_EQ(one.counters().late.read(), 3U) << "its loop has not run since";
    one.run();
    EXPECT_EQ(one.counters().late.read(), 0U);
    for (const peer_id p : here) EXPECT_EQ(statuses(one.take(p)), std::vector{408});
    for (const peer_id p : there) EXPECT_FALSE(other.ended(p));
    // One that is chosen and goes by itself before its loop comes to it.
    (void)one.open_late(3, "10.0.0.2");
    one.io.peer_reset(here[0]);
    EXPECT_EQ(other.status_for("10.0.0.1"), 200);
    (void)one.open_late(1, "10.0.0.1");
    other.io.peer_reset(there[0]);
    other.run();
    EXPECT_EQ(one.counters().late.read() + other.counters().late.read(), 5U);
    one.shut_down();
    (void)other.open_late(3, "10.0.0.3");
    EXPECT_EQ(other.counters().late.read(), 5U) << "what the other loop had is free";
}

// ---- Floods ----

struct flood {
    const char* name;
    bool tls;
    const char* bytes;       // that each connection says
    std::size_t addresses;   // that it comes from
    std::size_t per_second;  // connections, of each
};

class http_late_flood : public ::testing::TestWithParam<flood> {};

TEST_P(http_late_flood, sec_h4_keeps_out_nobody_who_is_prompt) {
    const flood& how = GetParam();
    net::handshake_gate gate{{20, 40}};
    gated_world world(gate);
    if (how.tls) world.tls = net::testing::make_server();
    std::size_t asked = 0;
    std::size_t answered = 0;
    // A client is at the other end of a link where an answer takes 50 ms.
    const auto visit = [&](std::string_view from) {
        ++asked;
        openssl_peer tls(openssl_peer::role::client);
        const peer_id client = world.open(from);
        for (int i = 0; how.tls && i < 10 && SSL_is_init_finished(tls.ssl()) == 0; ++i) {
            world.send(client, tls.step(world.take(client)));
            world.pass(50ms);
        }
        world.send(client, how.tls ? tls.write(get("/")) : get("/"));
        world.run();
        std::string reply = world.take(client);
        if (how.tls) {
            tls.step(reply);
            reply = tls.plain;
        }
        answered += statuses(reply) == std::vector{200};
        world.io.peer_end(client);
    };
    visit(host(0));
    std::size_t opened = 0;
    std::size_t most = 0;
    for (int tenth = 0; tenth < 30; ++tenth) {
        for (std::size_t a = 0; a < how.addresses; ++a) {
            for (std::size_t i = 0; i < how.per_second / 10; ++i, ++opened)
                world.io.peer_send(world.io.connect_client(80, host(a)), how.bytes);
        }
        world.pass(100ms);
        visit("192.0.2.7");
        visit(host(0));  // whom the flood comes from
        most = std::max(most, static_cast<std::size_t>(world.counters().late.read()));
    }
    EXPECT_EQ(answered, asked);
    EXPECT_LE(most, 40U);
    EXPECT_GE(opened, 1800U);
    if (how.bytes[0] != 'P') {
        EXPECT_GT(world.errors(errc::too_many_late), 1000U);
    } else {
        EXPECT_EQ(most, 0U) << "a body that is slow makes nobody late";
        world.pass(11s);
        EXPECT_GE(world.errors(errc::body_too_slow), opened) << "but has a limit of its own";
    }
    world.shut_down();
    EXPECT_EQ(world.loop().budget().used(), 0U);
}

INSTANTIATE_TEST_SUITE_P(all, http_late_flood,
                         ::testing::Values(flood{"hello", true, "\x16", 60, 10},
                                           flood{"hello_of_one", true, "\x16", 1, 600},
                                           flood{"head", false, "G", 60, 10},
                                           flood{"head_of_many", false, "G", 100, 10},
                                           flood{"silence", false, "", 4, 150},
                                           flood{"body", false,
                                                 "POST / HTTP/1.1\r\nHost: x\r\n"
                                                 "Content-Length: 900\r\n\r\nx",
                                                 60, 10}),
                         [](const auto& v) { return std::string(v.param.name); });

}  // namespace
}  // namespace weft::http
