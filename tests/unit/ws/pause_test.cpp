// Pause and resume: nothing is told meanwhile, nothing is lost, what is kept is one read, and an
// honest peer is not blamed for our silence.

#include <gtest/gtest.h>

#include "support/every_order.hpp"
#include "ws_world.hpp"

namespace weft::ws::test {
namespace {

struct pausing {
    explicit pausing(options chosen = {}) : world(chosen) {
        world.endpoint
            .on_message([this](auto& c, message_view m) {
                told += std::string(m.text()) + " ";
                if (m.text() == pause_at) c.pause();
            })
            .on_ping([this](auto&, byte_view) { told += "ping "; })
            .on_close([this](auto&, const close_event& e) {
                told += e.clean ? "clean" : "lost";
                cause = e.cause;
            });
        client = world.open();
    }
    connection_core& core() {
        connection_core* found = nullptr;
        world.shared.connections.for_each([&](connection_core& open) { found = &open; });
        return *found;
    }

    std::string pause_at, told;
    std::error_code cause;
    ws_world<> world;
    net::sim_backend::peer client;
};

TEST(ws_pause, stops_amid_a_read_and_goes_on_where_it_stopped) {
    pausing scene;
    scene.pause_at = "2";
    scene.world.send(scene.client, text_frame("1") + text_frame("2") + text_frame("3") +
                                       encode({0x89, ""}) + encode({0x01, "4"}) +
                                       encode({0x80, "4"}));
    EXPECT_EQ(scene.told, "1 2 ");
    EXPECT_TRUE(scene.core().is_paused());
    scene.world.send(scene.client, text_frame("5"));
    EXPECT_EQ(scene.told, "1 2 ");
    scene.core().resume();
    scene.world.run();
    EXPECT_EQ(scene.told, "1 2 3 ping 44 5 ");
    EXPECT_FALSE(scene.core().is_paused());
}

TEST(ws_pause, the_handlers_of_the_connection_may_call_it) {
    ws_world world;
    std::string told;
    world.endpoint
        .on_open([](auto& c) {
            c.pause();
            EXPECT_TRUE(c.is_paused());
            c.resume();
            c.resume();
            EXPECT_FALSE(c.is_paused());
            c.pause();
        })
        .on_message([&](auto&, message_view m) { told += m.text(); });
    const auto client = world.io.connect_client(80);
    world.send(client, world.request() + text_frame("early"));
    world.send(client, text_frame(" later"));
    EXPECT_EQ(told, "");
    world.shared.connections.for_each([](connection_core& open) { open.resume(); });
    world.run();
    EXPECT_EQ(told, "early later");
}

TEST(ws_pause, keeps_one_read_and_charges_it) {
    pausing scene;
    const std::uint64_t idle = scene.world.loop.budget().used();
    scene.pause_at = "stop";
    std::string flood = text_frame("stop");
    while (flood.size() < 4'000'000) flood += text_frame(std::string(1000, 'x'));
    scene.world.send(scene.client, flood);
    const std::uint64_t kept = scene.world.loop.budget().used() - idle;
    EXPECT_GT(kept, 60'000U);
    EXPECT_LT(kept, 300'000U);
    EXPECT_EQ(scene.told, "stop ");
    scene.core().resume();
    for (int i = 0; i < 100; ++i) scene.world.run();
    EXPECT_GT(scene.told.size(), 3'900'000U);
    EXPECT_LT(scene.world.loop.budget().used(), idle + 2000);
}

TEST(ws_pause, no_time_out_of_the_peer_runs_meanwhile_and_none_is_shortened) {
    options chosen;
    chosen.message_grace = 30s;
    pausing scene(chosen);
    // A message has begun almost a grace ago when we stop to listen.
    scene.world.send(scene.client, encode({0x01, "half"}));
    for (int i = 0; i < 29; ++i) {
        scene.world.pass(1s);
        scene.world.send(scene.client, encode({0x00, "."}));
    }
    scene.core().pause();
    for (int i = 0; i < 601; ++i) scene.world.pass(1s);
    EXPECT_FALSE(scene.world.ended(scene.client)) << "it cannot be heard";
    scene.core().resume();
    scene.world.pass(25s);
    EXPECT_FALSE(scene.world.ended(scene.client)) << "it has as long as ever to go on";
    scene.world.send(scene.client, encode({0x80, "half"}));
    EXPECT_EQ(scene.told,
              "half............................."
              "half ");
}

TEST(ws_pause, then_the_time_outs_count_from_the_resumption) {
    pausing scene;
    scene.core().pause();
    scene.world.pass(600s);
    scene.core().resume();
    for (int i = 0; i < 59; ++i) scene.world.pass(1s);
    EXPECT_FALSE(scene.world.ended(scene.client));
    for (int i = 0; i < 4; ++i) scene.world.pass(1s);
    EXPECT_TRUE(scene.world.ended(scene.client));
    EXPECT_EQ(scene.cause, weft::errc::timed_out);
}

TEST(ws_pause, close_resumes_to_see_the_answer) {
    pausing scene;
    scene.pause_at = "1";
    scene.world.send(scene.client, text_frame("1") + text_frame("2"));
    scene.world.send(scene.client, close_frame(1000));
    EXPECT_EQ(scene.told, "1 ");
    scene.core().close(close_code::normal, {});
    scene.world.run();
    EXPECT_EQ(scene.told, "1 clean");
}

TEST(ws_pause, the_peers_end_is_told_behind_what_it_had_sent) {
    pausing scene;
    scene.pause_at = "1";
    scene.world.send(scene.client, text_frame("1") + text_frame("2"));
    scene.world.io.peer_end(scene.client);
    scene.world.pass(100s);
    EXPECT_EQ(scene.told, "1 ");
    scene.pause_at = "2";
    scene.core().resume();
    scene.world.run();
    EXPECT_EQ(scene.told, "1 2 ");
    scene.core().resume();
    scene.world.run();
    EXPECT_EQ(scene.told, "1 2 lost");
    EXPECT_EQ(scene.cause, weft::errc::closed_by_peer);
}

/// For every order of pausing, resuming and receiving.
struct race : pausing {
    race() { pause_at = "2"; }
    void send() {
        std::string two;
        for (int i = 0; i < 2; ++i) two += text_frame(std::to_string(sent++));
        world.io.peer_send(client, two);
    }
    void turn() { world.run(1); }
    void settle() { world.run(); }
    void finish() {
        pause_at.clear();
        core().resume();
        settle();
        EXPECT_EQ(told, "0 1 2 3 4 5 ");
    }
    int sent = 0;
};

TEST(ws_pause, in_every_order_all_is_told_once_and_in_order) {
    using ::weft::test::actor;
    const actor<race> peer(3, {"send", [](race& s) { s.send(); }});
    const actor<race> user{{"pause", [](race& s) { s.core().pause(); }},
                           {"resume", [](race& s) { s.core().resume(); }},
                           {"pause", [](race& s) { s.core().pause(); }},
                           {"resume", [](race& s) { s.core().resume(); }}};
    ::weft::test::expect_in_every_order<race>({peer, user},
                                              [] { return std::make_unique<race>(); });
}

}  // namespace
}  // namespace weft::ws::test
