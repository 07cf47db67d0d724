// The rows of SECURITY.md about namespaces, rooms and acknowledgements.

#include <map>
#include <optional>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/socketio/sio_world.hpp"

namespace weft::socketio::test {
namespace {

using testing::IsEmpty;

TEST(sec_s3, a_malformed_packet_ends_its_connection_and_no_other) {
    int handled = 0, told = 0;
    std::vector<disconnect_reason> reasons;  // the world's end adds the healthy one
    sio_world w;
    w.server.on("ping", [](socket&) { return 1; });
    w.server.on_any([&](socket&, std::string_view, const raw_arguments&) { ++handled; });
    w.server.on_error([&](socket&, const error&) { ++told; });
    w.server.on_disconnect([&](socket&, disconnect_reason why) { reasons.push_back(why); });
    w.start();
    sio_world::peer healthy{};
    w.connect(healthy);
    const std::vector<std::string> bad = {R"(4)",
                                          R"(49)",
                                          R"(42[])",
                                          R"(42[null])",
                                          R"(42{})",
                                          R"(42["connect"])",
                                          R"(42["disconnecting"])",
                                          R"(42-1["a"])",
                                          R"(421.5["a"])",
                                          R"(42["a")",
                                          R"(45["a"])",
                                          R"(450-["a"])",
                                          R"(4511-["a"])",
                                          R"(44"x")",
                                          R"(41{})",
                                          R"(40["x"])",
                                          R"(40)",
                                          R"(42/other,["a"])",
                                          R"(43/other,1[])",
                                          R"(42["a",{"_placeholder":true,"num":0}])"};
    for (const std::string& packet : bad) {
        sio_world::peer c{};
        w.connect(c);
        w.say(c, packet);
        w.run();
        EXPECT_TRUE(w.ended(c)) << packet;
    }
    EXPECT_EQ(handled, 0);
    EXPECT_EQ(told, static_cast<int>(bad.size()));
    for (const disconnect_reason why : reasons) EXPECT_EQ(why, disconnect_reason::forced_close);
    EXPECT_EQ(reasons.size(), bad.size());
    w.say(healthy, R"(420["ping"])");
    EXPECT_EQ(w.packet(healthy), "430[1]");
}

TEST(sec_s3, attachments_that_do_not_come_end_the_connection_in_time) {
    sio_world w;
    w.start();
    sio_world::peer c{};
    w.connect(c);
    w.say(c, R"(452-["a",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}])");
    w.pass(6s);
    w.say_binary(c, "x");  // does not buy time
    EXPECT_FALSE(w.ended(c));
    w.pass(5s);
    EXPECT_TRUE(w.ended(c));
}

TEST(sec_s9, nothing_is_handled_before_the_namespace_is_joined) {
    sio_world w;
    int handled = 0;
    w.server.on("x", [&](socket&) { ++handled; });
    w.server.of("/admin").on("x", [&](socket&) { ++handled; });
    w.start();
    const auto before = w.open();
    w.say(before, R"(42["x"])");
    EXPECT_TRUE(w.ended(before));
    sio_world::peer other{};
    w.connect(other);
    w.say(other, R"(42/admin,["x"])");
    EXPECT_TRUE(w.ended(other));
    EXPECT_EQ(handled, 0);
}

TEST(sec_s9, neither_in_nor_out_while_a_middleware_decides) {
    for (const bool allow : {true, false}) {
        for (const bool speak : {true, false}) {
            sio_world w;
            int handled = 0;
            unique_function<void()> decide;
            auto& admin = w.server.of("/admin");
            admin.use([&](socket_ref s) -> task<bool> {
                s.with([](socket& me) { me.join("room"); });
                co_await detail::await_reply<int>([&](unique_function<void(int)> done) {
                    decide = [done = std::move(done)]() mutable { done(0); };
                });
                co_return allow;
            });
            admin.on("x", [&](socket&) { ++handled; });
            w.start();
            const auto c = w.open();
            w.say(c, "40/admin,");
            admin.emit("secret");
            admin.to("room").emit("secret");
            w.run();
            EXPECT_THAT(w.packets(c), IsEmpty());
            if (speak) {
                w.say(c, R"(42/admin,["x"])");
                EXPECT_TRUE(w.ended(c));
                EXPECT_EQ(handled, 0);
            }
            decide();
            w.run();
            const auto got = w.packets(c);
            if (speak) {
                EXPECT_THAT(got, IsEmpty());
                EXPECT_EQ(admin.sockets_count(), 0U);
                continue;
            }
            ASSERT_EQ(got.size(), 1U);
            EXPECT_TRUE(got[0].starts_with(allow ? "40/admin,{\"sid\"" : "44/admin,"));
            w.say(c, R"(42/admin,["x"])");
            EXPECT_EQ(handled, allow ? 1 : 0);
            admin.to("room").emit("hello");
            w.run();
            EXPECT_EQ(w.packets(c).size(), allow ? 1U : 0U);
        }
    }
}

TEST(sec_s9, a_disconnect_takes_everything_back_at_once) {
    sio_world w;
    int handled = 0;
    w.server.on_connect([](socket& s) { s.join("room"); });
    w.server.on("x", [&](socket& s) {
        ++handled;
        s.disconnect();
        s.join("other");
        w.server.to("room").emit("secret");
    });
    w.start();
    sio_world::peer c{};
    w.connect(c);
    // Both events come in one read.
    w.sim.peer_send(c, ws::test::text_frame(R"(42["x"])") + ws::test::text_frame(R"(42["x"])"));
    w.run();
    EXPECT_EQ(handled, 1);
    EXPECT_THAT(w.packets(c), testing::ElementsAre("41"));
    EXPECT_EQ(w.shared.hub.subscribers({pubsub::owner_of_module(0), "/,other"}), 0U);
}

/// A WebSocket that subscribes to whatever its client names.
struct spy final : pubsub::subscriber {
    std::vector<std::string> heard;
    send_status deliver(const message& what) noexcept override {
        heard.emplace_back(what.text());
        return send_status::sent;
    }
};

TEST(sec_g, names_that_a_websocket_chooses_reach_no_room) {
    sio_world w;
    options elsewhere;
    elsewhere.engine.path = "/elsewhere";
    socketio::server second(w, std::move(elsewhere));
    second.on_connect([](socket& s) { s.join("room"); });
    w.server.on_connect([](socket& s) { s.join("room"); });
    w.start();
    sio_world::peer victim{};
    w.connect(victim);
    spy reader;
    const std::vector<std::string> names = {"/",
                                            "/,room",
                                            std::string("\x02") + "0/",
                                            std::string("\x02") + "0/,room",
                                            std::string("\1\0\0\0/", 5),
                                            std::string("\1\0\0\0/,room", 10)};
    for (const std::string& name : names)
        w.shared.hub.subscribe(reader, pubsub::program_topic(name));
    w.server.emit("secret", 42);
    w.server.to("room").emit("secret", 43);
    second.emit("secret", 44);
    w.run();
    EXPECT_THAT(reader.heard, testing::IsEmpty());
    EXPECT_THAT(w.packets(victim),
                testing::ElementsAre(R"(42["secret",42])", R"(42["secret",43])"));

    for (const std::string& name : names)
        w.shared.hub.publish(pubsub::program_topic(name), message::text(R"(42["forged"])"));
    std::size_t fetched = 0;
    w.server.fetch_sockets([&](const fetched_sockets& all) { fetched = all.sockets.size(); });
    w.run();
    EXPECT_THAT(w.packets(victim), testing::IsEmpty());
    EXPECT_EQ(fetched, 1U);
}

TEST(sec_s10, a_random_history_leaks_nothing_between_rooms_and_namespaces) {
    std::mt19937 random(7);
    const auto pick = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
    sio_world w;
    const std::vector<std::string> spaces = {"/", "/a", "/b"};
    const std::vector<std::string> rooms = {"r", "a,r", "/a", "", "r2"};
    for (const std::string& name : spaces) {
        w.server.of(name).on("join", [](socket& s, std::string room) { s.join(room); });
        w.server.of(name).on("leave", [](socket& s, std::string room) { s.leave(room); });
    }
    w.start();
    struct member {
        sio_world::peer peer{};
        std::size_t space = 0;
        std::set<std::string> in;
    };
    std::map<int, member> model;
    int next = 0, said = 0;
    for (int step = 0; step < 1500; ++step) {
        const std::size_t what = pick(10);
        if (model.size() < 3 || (what == 0 && model.size() < 12)) {
            member m;
            m.space = pick(spaces.size());
            ASSERT_NE(w.connect(m.peer, spaces[m.space]), "");
            model[next++] = m;
            continue;
        }
        auto chosen = std::next(model.begin(), static_cast<long>(pick(model.size())));
        member& m = chosen->second;
        const std::string nsp = m.space == 0 ? "" : spaces[m.space] + ",";
        const std::string room = rooms[pick(rooms.size())];
        if (what == 1) {
            w.drop(m.peer);
            model.erase(chosen);
        } else if (what < 5) {
            w.say(m.peer, "42" + nsp + R"(["join",")" + room + R"("])");
            m.in.insert(room);
        } else if (what < 7) {
            w.say(m.peer, "42" + nsp + R"(["leave",")" + room + R"("])");
            m.in.erase(room);
        } else {
            const std::size_t space = pick(spaces.size());
            const std::string other = rooms[pick(rooms.size())];
            w.server.of(spaces[space]).to(room).except(other).emit("e", ++said);
            w.run();
            for (auto& [id, each] : model) {
                const bool meant =
                    each.space == space && each.in.contains(room) && !each.in.contains(other);
                ASSERT_EQ(w.packets(each.peer).size(), meant ? 1U : 0U) << "step " << step;
            }
        }
    }
    EXPECT_GT(said, 100);
}

TEST(sec_s11, a_million_acknowledgements_that_nobody_asked_for) {
    sio_world w;
    w.server.on("ping", [](socket&) { return 1; });
    w.start();
    sio_world::peer c{};
    w.connect(c);
    std::string thousand;
    for (int i = 0; i < 1000; ++i)
        thousand += ws::test::text_frame("43" + std::to_string(i * 7919) + "[1]");
    for (int i = 0; i < 1000; ++i) {
        w.sim.peer_send(c, thousand);
        w.run(2);
    }
    w.run(64);
    EXPECT_EQ(w.metric("weft_socketio_acks_unknown_total"), 1'000'000U);
    w.say(c, R"(420["ping"])");
    EXPECT_EQ(w.packet(c), "430[1]");
}

TEST(sec_s11, pending_acknowledgements_are_bounded_expire_and_end_with_the_socket) {
    options chosen;
    chosen.max_pending_acks = 3;
    chosen.ack_timeout = 5s;
    sio_world w(chosen);
    std::map<std::string, int> ends;
    w.server.on("ask", [&](socket& s) {
        s.emit_with_ack<int>("q", [&](result<int> answer) {
            const auto is = [&](condition what) { return answer.error().code() == what; };
            ++ends[answer                          ? "answered"
                   : is(condition::limit_exceeded) ? "full"
                   : is(condition::timed_out)      ? "late"
                   : is(condition::peer_gone)      ? "gone"
                                                   : "?"];
        });
    });
    w.start();
    sio_world::peer a{}, b{};
    w.connect(a);
    w.connect(b);
    for (int i = 0; i < 5; ++i) w.say(a, R"(42["ask"])");
    EXPECT_EQ(ends["full"], 2);
    w.say(b, "430[1]");  // another's
    EXPECT_EQ(ends["answered"], 0);
    w.say(a, "430[1]");
    EXPECT_EQ(ends["answered"], 1);
    w.pass(6s);
    EXPECT_EQ(ends["late"], 2);
    w.say(a, R"(42["ask"])");
    w.drop(a);
    EXPECT_EQ(ends["gone"], 1);
}

/// A namespace that nobody wants any more goes at once, and its socket with it.
TEST(socketio_predicate, that_throws_refuses_and_is_told_of) {
    sio_world w;
    w.server.of_matching(
        [](std::string_view, std::string_view) -> bool { throw std::runtime_error("secret"); });
    w.start();
    const auto client = w.open();
    w.say(client, "40/a-name-of-more-than-sixteen-bytes,");
    const std::string refusal = w.packet(client);
    EXPECT_TRUE(refusal.starts_with("44/a-name-of-more-than-sixteen-bytes,")) << refusal;
    EXPECT_EQ(refusal.find("secret"), std::string::npos);
    ASSERT_FALSE(w.lines.empty());
    EXPECT_NE(w.lines.front().find("a predicate in namespace '/a-name-of-more-than-sixteen-bytes'"),
              std::string::npos)
        << w.lines.front();
}

}  // namespace
}  // namespace weft::socketio::test
