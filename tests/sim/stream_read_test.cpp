// How bytes arrive: budgets, pausing, the peer's end.

#include "support/sim_world.hpp"

namespace weft::test {
namespace {

TEST(stream_read, delivers_split_bytes_in_order_with_readable_padding) {
    for (const std::size_t limit : {1U, 3U, 1000U}) {
        sim_world world;
        auto [peer, stream] = world.open();
        world.io.limit_receive(limit);
        const std::string bytes = pattern(3000);
        world.io.peer_send(peer, bytes);
        for (int i = 0; i < 4000 && stream->received.size() < bytes.size(); ++i) world.run();
        EXPECT_EQ(stream->received, bytes);
    }
}

TEST(stream_read, fast_sender_gets_its_budget_and_no_more) {
    loop_options options;
    options.budgets.read_bytes = 1000;
    sim_world world(options);
    auto [fast_peer, fast] = world.open();
    auto [slow_peer, slow] = world.open();
    fast->target_size = 100;  // every receive is full, so there is always reason to read on
    world.io.peer_send(fast_peer, pattern(200'000));
    for (int i = 1; i <= 20; ++i) {
        // New bytes bring a new event while the stream still waits for its turn.
        world.io.peer_send(fast_peer, "more");
        world.io.peer_send(slow_peer, "x");
        world.run();
        EXPECT_EQ(fast->received.size(), static_cast<std::size_t>(i) * 1000);
        EXPECT_EQ(slow->received.size(), static_cast<std::size_t>(i));
    }
    world.run(300);
    EXPECT_EQ(fast->received.size(), 200'080U);
}

TEST(stream_read, a_turn_reads_so_much_in_all_and_everybody_gets_a_turn) {
    loop_options options;
    options.budgets.read_bytes = 1000;
    options.budgets.turn_bytes = 2000;
    sim_world world(options);
    constexpr std::size_t count = 6, each = 5000;
    std::vector<sim_world::connection> all;
    for (std::size_t i = 0; i < count; ++i) {
        all.push_back(world.open());
        all.back().record->target_size = 100;
    }
    const auto received = [&] {
        std::size_t sum = 0;
        for (const auto& one : all) sum += one.record->received.size();
        return sum;
    };
    for (const auto& one : all) world.io.peer_send(one.peer, pattern(each));
    for (int turn = 1; turn <= 6; ++turn) {
        const std::size_t before = received();
        world.io.peer_send(all[0].peer, "x");  // always has news
        world.run();
        EXPECT_LE(received() - before, 4000U) << "turn " << turn;
    }
    for (const auto& one : all) EXPECT_GE(one.record->received.size(), 1000U);
    world.run(20);
    EXPECT_EQ(received(), count * each + 6);
}

TEST(stream_read, pausing_keeps_bytes_and_their_end) {
    sim_world world;
    auto [peer, stream] = world.open();
    stream->target_size = 10;
    stream->on_data = [](record& r) { r.stream->pause_reading(); };
    const std::string bytes = pattern(95);
    world.io.peer_send(peer, bytes);
    world.io.peer_end(peer);
    world.run(5);
    EXPECT_EQ(stream->received, bytes.substr(0, 10));
    EXPECT_EQ(stream->ended, 0);
    for (int i = 0; i < 9; ++i) {
        stream->stream->resume_reading();
        stream->stream->resume_reading();
        EXPECT_EQ(stream->received.size(), 10U * static_cast<unsigned>(i + 1)) << "inside the call";
        world.run(2);
    }
    EXPECT_EQ(stream->received, bytes);
    stream->stream->resume_reading();
    world.run(2);
    EXPECT_EQ(stream->ended, 1);
    EXPECT_EQ(stream->why, make_error_code(errc::closed_by_peer));
}

TEST(stream_read, pausing_keeps_bytes_when_both_ends_are_sent) {
    sim_world world;
    auto [peer, stream] = world.open();
    stream->stream->pause_reading();
    stream->stream->shutdown();
    world.run();
    world.io.peer_send(peer, "the answer");
    world.io.peer_end(peer);  // reported as hang-up: both directions are over
    world.run(3);
    ASSERT_EQ(stream->closed, 0);
    stream->stream->resume_reading();
    world.run(3);
    EXPECT_EQ(stream->received, "the answer");
    EXPECT_EQ(stream->ended, 1);
    EXPECT_EQ(stream->why, make_error_code(errc::closed_by_peer));
}

TEST(stream_read, reset_is_noticed_while_paused) {
    sim_world world;
    auto [peer, stream] = world.open();
    stream->stream->pause_reading();
    world.run();
    world.io.peer_reset(peer);
    world.run();
    EXPECT_EQ(stream->closed, 1);
    EXPECT_EQ(stream->why, condition::peer_gone);
    EXPECT_EQ(world.core.metrics().broken.read(), 1U);
}

TEST(stream_read, reset_is_noticed_behind_an_end_that_was_read) {
    sim_world world;
    auto [peer, stream] = world.open();
    stream->on_end = [](record&) {};  // half open: we still send
    world.io.peer_end(peer);
    world.run();
    ASSERT_EQ(stream->ended, 1);
    world.io.peer_reset(peer);
    world.run();
    EXPECT_EQ(stream->closed, 1);
    EXPECT_EQ(stream->why, std::errc::connection_reset);
}

TEST(stream_read, reset_is_noticed_by_who_was_to_read_on_and_then_pauses) {
    loop_options options;
    options.budgets.read_bytes = 4;
    sim_world world(options);
    auto [peer, stream] = world.open();
    stream->target_size = 4;
    stream->on_data = [](record& r) {
        if (r.received.size() == 8) r.stream->pause_reading();
    };
    world.io.peer_send(peer, "onlyhalf of it");
    world.run();
    ASSERT_EQ(stream->received, "only") << "the rest is read in the next turn";
    world.io.peer_end(peer);
    world.io.peer_reset(peer);
    world.run(3);
    EXPECT_EQ(stream->received, "onlyhalf");
    EXPECT_EQ(stream->closed, 1);
    EXPECT_EQ(stream->why, std::errc::connection_reset);
}

TEST(stream_read, half_closed_peer_still_gets_answers) {
    sim_world world;
    auto [peer, stream] = world.open();
    stream->on_end = [](record&) {};
    world.io.peer_send(peer, "question");
    world.io.peer_end(peer);
    world.run(2);
    EXPECT_EQ(stream->ended, 1);
    stream->write("answer");
    world.run();
    EXPECT_EQ(world.io.peer_take(peer), "answer");
    stream->stream->close();
    world.run();
    EXPECT_EQ(stream->closed, 1);
    EXPECT_EQ(world.core.connections(), 0U) << "both ends are sent: nothing to linger for";
}

TEST(stream_read, end_without_a_hook_closes_after_what_is_queued) {
    sim_world world;
    auto [peer, stream] = world.open();
    world.io.peer_window(peer, 10);
    stream->write("this takes several windows");
    world.run();
    world.io.peer_end(peer);
    world.run();
    EXPECT_EQ(stream->closed, 0);
    std::string got;
    for (int i = 0; i < 6; ++i) {
        got += world.io.peer_take(peer);
        world.run();
    }
    EXPECT_EQ(got + world.io.peer_take(peer), "this takes several windows");
    EXPECT_TRUE(world.io.peer_sees_end(peer));
    EXPECT_EQ(stream->why, make_error_code(errc::closed_by_peer));
    EXPECT_EQ(world.io.open_descriptors(), 1U) << "the listener";
}

TEST(stream_read, handler_replaced_in_its_call_gets_nothing_more) {
    sim_world world;
    auto [peer, first] = world.open();
    auto second = std::make_shared<record>();
    first->target_size = 4;
    first->on_data = [&](record& r) {
        r.stream->set_handler(std::make_unique<probe>(*r.stream, second));
        EXPECT_FALSE(r.buried) << "it still runs";
    };
    world.io.peer_send(peer, "onlythe second sees this");
    world.run();
    EXPECT_EQ(first->received, "only");
    EXPECT_TRUE(first->buried);
    EXPECT_EQ(first->closed, 0);
    EXPECT_EQ(second->received, "the second sees this");
    EXPECT_EQ(second->opened, 0);
    world.io.peer_end(peer);
    world.run(2);
    EXPECT_EQ(second->closed, 1);
    EXPECT_EQ(first->closed, 0);
}

}  // namespace
}  // namespace weft::test
