// What goes wrong around whole connections. Failure loops: a scenario again and again, with a
// failure at each of its operations; that costs at most the connection that met it. sec_p2: every
// callback does every disruptive thing. Run under AddressSanitizer.

#include <gtest/gtest.h>

#include <stdexcept>

#include "ws_world.hpp"

namespace weft::ws::test {
namespace {

struct tally {
    int opened = 0;
    int closed = 0;
};

ws_world<tally*>& use(ws_world<tally*>& world, tally& all) {
    world.endpoint.on_accept([&all](const http::handshake&) -> admission<tally*> { return &all; })
        .on_open([](auto& c) {
            // The first one is the bystander: it has no part in what fails.
            if (++c.data()->opened > 1) c.subscribe("room");
        })
        .on_message([](auto& c, message_view m) {
            if (m.text() == "publish") {
                c.publish("room", m);
            } else if (m.text() == "close") {
                c.close(close_code{4000}, "as asked");
            } else {
                c.send(m);
            }
        })
        .on_close([](auto& c, const close_event&) { ++c.data()->closed; });
    return world;
}

void scenario(ws_world<tally*>& world) {
    net::sim_backend::peer clients[3];
    for (auto& client : clients) client = world.io.connect_client(80);
    for (const auto client : clients) {
        if (client >= 0) world.send(client, world.request());
    }
    const auto say = [&](std::size_t who, const std::string& bytes) {
        if (clients[who] < 0) return;
        world.send(clients[who], bytes);
        world.io.peer_take(clients[who]);
    };
    say(0, text_frame("hello"));
    say(1, encode({0x02, "begin"}));
    say(1, encode({0x80, std::string(70'000, 'e')}));
    say(2, text_frame("publish"));
    say(0, encode({0x89, "ping"}));
    say(0, text_frame("close"));
    say(0, close_frame(4000));
    say(1, close_frame(1001));
    for (const auto client : clients) {
        if (client >= 0) world.io.peer_end(client);
    }
    for (int i = 0; i < 10; ++i) world.pass(1s);
}

TEST(ws_failure_loop, costs_at_most_the_connection_that_met_it) {
    for (const std::errc why : {std::errc::connection_reset, std::errc::broken_pipe,
                                std::errc::too_many_files_open, std::errc::no_buffer_space}) {
        bool ran_through = false;
        for (std::size_t at = 0; at < 1000 && !ran_through; ++at) {
            SCOPED_TRACE("operation " + std::to_string(at) + " fails with " +
                         std::make_error_code(why).message());
            tally all;
            ws_world<tally*> world;
            use(world, all);
            const auto bystander = world.open();
            const std::size_t start = world.io.operations();
            world.io.fail_operation(start + at, why);
            scenario(world);
            ran_through = world.io.operations() <= start + at;
            world.io.fail_operation(SIZE_MAX, why);
            (void)world.frames(bystander);
            world.send(bystander, text_frame("still here?"));
            const auto got = world.frames(bystander);
            ASSERT_EQ(got.size(), 1U);
            EXPECT_EQ(got[0].payload, "still here?");
            EXPECT_EQ(world.loop.connections(), 1U);
            EXPECT_EQ(all.closed, all.opened - 1);
            EXPECT_EQ(world.shared.hub.subscribers(pubsub::program_topic("room")), 0U);
            const auto fresh = world.open();
            EXPECT_TRUE(world.response.starts_with("HTTP/1.1 101 "));
            EXPECT_FALSE(world.ended(fresh));
            world.loop.shut_down();
            EXPECT_EQ(all.closed, all.opened);
            EXPECT_EQ(world.io.open_descriptors(), 0U);
            EXPECT_EQ(world.shared.metrics.open.read(), 0U);
            if (HasFailure()) return;
        }
        EXPECT_TRUE(ran_through);
    }
}

constexpr const char* callbacks[] = {"accept", "open", "message", "pong", "drain", "close"};
constexpr const char* actions[] = {"close self",     "terminate self", "close peer",
                                   "terminate peer", "leave",          "publish",
                                   "send 10 MB",     "throw",          "close twice and send",
                                   "post shut down", "throw an int"};

struct stage {
    explicit stage(std::string in, std::string what)
        : callback(std::move(in)), action(std::move(what)) {
        world.endpoint
            .on_accept([this](const http::handshake&) -> admission<int> {
                at("accept", nullptr);
                return ++accepted;
            })
            .on_open([this](auto& c) {
                ++opened;
                (c.data() == 1 ? first : other) = c.id();
                c.subscribe("room");
                if (c.data() == 1) at("open", &c);
            })
            .on_message([this](auto& c, message_view) {
                c.ping();
                c.send(std::string(300'000, 'd'));
                at("message", &c);
            })
            .on_pong([this](auto& c, byte_view) { at("pong", &c); })
            .on_drain([this](auto& c) { at("drain", &c); })
            .on_close([this](auto& c, const close_event&) {
                ++closed;
                if (c.data() == 1) at("close", &c);
            });
    }
    connection_core* connection_of(conn_id id) { return world.shared.connections.find(id); }
    void at(const std::string& where, connection<int>* c) {
        if (where != callback || std::exchange(acted, true)) return;
        const message text = message::text("published");
        if (action == "publish") world.shared.hub.publish(pubsub::program_topic("room"), text);
        if (action == "post shut down") world.loop.post([this] { world.loop.shut_down(); });
        if (connection_core* peer = connection_of(other)) {
            if (action == "close peer") peer->close(close_code::going_away, "");
            if (action == "terminate peer") peer->terminate();
        }
        if (c != nullptr) {
            if (action == "close self") c->close();
            if (action == "terminate self") c->terminate();
            if (action == "leave") c->unsubscribe("room");
            if (action == "publish") c->publish("room", text);
            if (action == "send 10 MB") c->send(std::string(10'000'000, 'x'));
            if (action == "close twice and send") {
                c->close(close_code{4001}, "first");
                c->close(close_code{4002}, "second");
                EXPECT_NE(c->send("late"), send_status::sent);
                c->terminate();
                c->ping();
                c->subscribe("late");
            }
        }
        if (action == "throw") throw std::runtime_error("thrown in " + where);
        if (action == "throw an int") throw 7;
    }
    /// Leads the first connection through all of its callbacks.
    void live() {
        const auto client = world.io.connect_client(80);
        const auto bystander = world.io.connect_client(80);
        world.send(client, world.request());
        world.send(bystander, world.request());
        if (callback == "close" || callback == "drain" || callback == "pong") {
            world.io.peer_window(client, 1000);
        }
        world.send(client, text_frame("go") + text_frame("go on"));
        world.send(client, encode({0x8A, ""}));
        world.io.peer_window(client, SIZE_MAX);
        for (int i = 0; i < 20; ++i) {
            world.io.peer_take(client);
            world.io.peer_take(bystander);
            world.run(2);
        }
        world.send(client, close_frame(1000));
        world.pass(6s);
        world.io.peer_end(client);
        world.pass(6s);
    }

    std::string callback;
    std::string action;
    bool acted = false;
    int accepted = 0;
    int opened = 0;
    int closed = 0;
    conn_id first;
    conn_id other;
    ws_world<int> world;
};

TEST(ws_callbacks, sec_p2_may_do_anything) {
    for (const std::string callback : callbacks) {
        for (const std::string action : actions) {
            SCOPED_TRACE(action + " in on_" + callback);
            stage s(callback, action);
            s.live();
            EXPECT_TRUE(s.acted);
            s.world.loop.shut_down();
            EXPECT_EQ(s.closed, s.opened);
            EXPECT_EQ(s.world.io.open_descriptors(), 0U);
            EXPECT_EQ(s.world.loop.connections(), 0U);
            EXPECT_EQ(s.world.shared.hub.subscribers(pubsub::program_topic("room")), 0U);
            EXPECT_EQ(s.world.shared.hub.subscribers(pubsub::program_topic("late")), 0U);
            EXPECT_EQ(s.world.shared.metrics.open.read(), 0U);
            EXPECT_EQ(s.world.shared.metrics.handler_exceptions.read(),
                      action.starts_with("throw") ? 1U : 0U);
        }
    }
}

}  // namespace
}  // namespace weft::ws::test
