// Outgoing connections, accepting under a full descriptor table, timers and posted tasks of a loop.

#include <future>
#include <memory>
#include <stdexcept>

#include "support/sim_world.hpp"

namespace weft::test {
namespace {

net::connect_options to_port(std::uint16_t port) {
    net::connect_options to;
    to.host = "127.0.0.1";
    to.port = port;
    return to;
}

TEST(stream_connect, talks_to_a_server) {
    sim_world world;
    world.io.serve_port(5000);
    const record_ptr stream = connect_probe(world.core, to_port(5000));
    EXPECT_EQ(stream->opened, 0) << "inside the call";
    world.run(3);
    ASSERT_EQ(stream->opened, 1);
    const auto taken = world.io.taken_connections(5000);
    ASSERT_EQ(taken.size(), 1U);
    stream->write("hello");
    world.run();
    EXPECT_EQ(world.io.peer_take(taken[0]), "hello");
    world.io.peer_send(taken[0], "welcome");
    world.run();
    EXPECT_EQ(stream->received, "welcome");
    world.pass(1h);
    EXPECT_EQ(stream->closed, 0) << "the deadline was for connecting";
    EXPECT_EQ(world.core.metrics().connected.read(), 1U);
}

TEST(stream_connect, refusal_is_reported_once) {
    sim_world world;
    const auto failure = std::make_shared<error>(errc::invalid_state);
    connect_probe(world.core, to_port(5001), failure);
    world.run(4);
    EXPECT_EQ(failure->code(), std::errc::connection_refused);
    EXPECT_EQ(world.io.open_descriptors(), 1U);
    EXPECT_EQ(world.core.metrics().connect_failed.read(), 1U);
}

TEST(stream_connect, both_ends_in_one_loop) {
    sim_world world;
    world.acceptor.prepare = [](record& r) { r.echo = true; };
    const record_ptr stream = connect_probe(world.core, to_port(80));
    world.run(4);
    ASSERT_EQ(stream->opened, 1);
    stream->write("there and back");
    world.run(4);
    EXPECT_EQ(stream->received, "there and back");
    stream->stream->close();
    world.run(6);
    EXPECT_EQ(world.core.connections(), 0U);
    EXPECT_EQ(world.acceptor.accepted.back()->why, make_error_code(errc::closed_by_peer));
    EXPECT_EQ(stream->why, make_error_code(errc::closed_locally));
}

TEST(stream_connect, done_that_throws_is_caught_and_the_stream_stays_bounded) {
    sim_world world;
    world.io.serve_port(5000);
    for (const std::uint16_t port : {std::uint16_t{5000}, std::uint16_t{5001}}) {
        world.core.connect(to_port(port), [](const result<net::byte_stream*>&) {
            throw std::runtime_error("from done");
        });
    }
    world.run(5);
    EXPECT_EQ(world.core.metrics().handler_exceptions.read(), 2U);
}

TEST(stream_connect, loop_that_ends_destroys_done_uncalled) {
    const auto token = std::make_shared<int>(1);
    bool called = false;
    {
        sim_world world;
        world.io.serve_port(5000);
        world.core.connect(to_port(5000),
                           [token, &called](const result<net::byte_stream*>&) { called = true; });
        world.core.turn(duration::zero());  // the attempt is under way
        world.core.connect(to_port(5000),
                           [token, &called](const result<net::byte_stream*>&) { called = true; });
        world.core.shut_down();
        EXPECT_EQ(world.io.open_descriptors(), 0U);
    }
    EXPECT_EQ(token.use_count(), 1);
    EXPECT_FALSE(called);
}

TEST(accepting, full_table_drops_waiting_clients_rests_and_goes_on) {
    sim_world world;
    auto [peer, stream] = world.open();
    stream->echo = true;
    world.io.limit_descriptors(world.io.open_descriptors());
    std::vector<net::sim_backend::peer> crowd;
    for (int i = 0; i < 10; ++i) crowd.push_back(world.io.connect_client(80));
    world.run(3);
    EXPECT_EQ(world.io.connections_shed(), 10U);
    EXPECT_EQ(world.core.metrics().refused_no_descriptor.read(), 10U);
    for (const auto p : crowd) EXPECT_TRUE(world.io.peer_sees_reset(p));
    world.io.peer_send(peer, "still here?");
    world.run(2);
    EXPECT_EQ(world.io.peer_take(peer), "still here?");
    world.io.limit_descriptors(100);
    world.io.connect_client(80);
    world.pass(49ms);
    EXPECT_EQ(world.acceptor.accepted.size(), 1U) << "rests";
    world.pass(2ms);
    world.run(2);
    EXPECT_EQ(world.acceptor.accepted.size(), 2U);
}

TEST(accepting, budget_leaves_the_rest_for_the_next_iteration) {
    loop_options options;
    options.budgets.accepts = 3;
    sim_world world(options);
    for (int i = 0; i < 10; ++i) world.io.connect_client(80);
    world.run();
    EXPECT_LE(world.acceptor.accepted.size(), 3U * 10U);
    for (int i = 0; i < 10; ++i) world.run();
    EXPECT_EQ(world.acceptor.accepted.size(), 10U);
}

TEST(accepting, closed_listener_takes_nobody_and_its_slot_is_reused) {
    sim_world world;
    world.core.close_listener(world.listener);
    EXPECT_LT(world.io.connect_client(80), 0);
    EXPECT_EQ(world.io.open_descriptors(), 0U);
    EXPECT_FALSE(world.core.local_address(world.listener));
    world.core.close_listener(world.listener);
    world.core.close_listener(77);
    listen_options where;
    where.port = 80;
    const auto again = world.core.listen(where, world.acceptor);
    ASSERT_TRUE(again);
    EXPECT_EQ(*again, world.listener);
    EXPECT_EQ(world.core.local_address(*again)->port(), 80);
    EXPECT_EQ(world.open().record->opened, 1);
}

TEST(loop_tasks, run_in_order_and_an_exception_ends_with_its_task) {
    sim_world world;
    std::string order;
    world.core.post([&] { order += "a"; });
    world.core.post([&] {
        order += "b";
        throw std::runtime_error("b");
    });
    world.core.post([&] {
        order += "c";
        throw 7;  // NOLINT
    });
    world.core.post([&] { order += "d"; });
    world.run();
    EXPECT_EQ(order, "abcd");
    EXPECT_EQ(world.core.metrics().handler_exceptions.read(), 2U);
}

TEST(loop_tasks, budget_keeps_the_order) {
    loop_options options;
    options.budgets.posted_tasks = 3;
    sim_world world(options);
    std::vector<int> order;
    for (int i = 0; i < 10; ++i) world.core.post([&, i] { order.push_back(i); });
    world.run();
    EXPECT_EQ(order.size(), 3U);
    world.core.post([&] { order.push_back(10); });
    world.run(4);
    EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}));
}

TEST(loop_timers, count_from_the_call_and_not_from_the_iteration) {
    sim_world world;
    bool rang = false;
    world.io.advance(1h);  // nobody ran the loop meanwhile
    world.core.after(10ms, [&] { rang = true; });
    world.run();
    EXPECT_FALSE(rang);
    world.pass(11ms);
    EXPECT_TRUE(rang);
}

TEST(loop_timers, exception_of_one_does_not_lose_the_others) {
    sim_world world;
    int rang = 0;
    net::timer bad([] { throw std::runtime_error("timer"); });
    net::timer good([&] { ++rang; });
    world.core.arm(bad, world.core.now() + 5ms);
    world.core.arm(good, world.core.now() + 5ms);
    world.core.after(5ms, [&] {
        ++rang;
        throw std::runtime_error("task");
    });
    world.core.after(5ms, [&] { world.core.after(1ms, [&] { ++rang; }); });
    for (int i = 0; i < 4; ++i) world.pass(6ms);
    EXPECT_EQ(rang, 3);
    EXPECT_EQ(world.core.metrics().handler_exceptions.read(), 2U);
}

TEST(loop_timers, destroyed_timer_does_not_fire) {
    sim_world world;
    bool rang = false;
    {
        net::timer gone([&] { rang = true; });
        world.core.arm(gone, world.core.now() + 5ms);
    }
    world.pass(10ms);
    EXPECT_FALSE(rang);
}

TEST(stream_connect, a_name_server_that_does_not_answer_is_a_time_out) {
    std::promise<void> answer;
    const std::shared_future<void> answered = answer.get_future().share();
    int freed = 0;
    sim_world world;
    // Both workers are busy, so the name waits as it would for a name server.
    for (int i = 0; i < 2; ++i) {
        world.core.run_blocking([answered] { answered.wait(); }, [&freed] { ++freed; });
    }
    net::connect_options to;
    to.host = "localhost";
    to.port = 80;
    to.timeout = 3s;
    const auto failure = std::make_shared<error>(errc::invalid_state);
    const auto client = connect_probe(world.core, to, failure);
    world.pass(2999ms);
    EXPECT_EQ(failure->code(), errc::invalid_state);
    world.pass(10ms);
    EXPECT_EQ(failure->code(), errc::timed_out);
    EXPECT_NE(failure->message().find("localhost"), std::string::npos) << failure->message();
    EXPECT_EQ(world.core.metrics().connect_failed.read(), 1U);
    // The answer that comes after all finds nobody.
    answer.set_value();
    while (freed < 2) world.run();
    bool behind_it = false;
    world.core.run_blocking([] {}, [&] { behind_it = true; });
    while (!behind_it) world.run();
    world.run(3);
    EXPECT_EQ(client->opened, 0);
    EXPECT_EQ(world.acceptor.accepted.size(), 0U);
    EXPECT_EQ(world.core.connections(), 0U);
}

// "Never", written as duration::max(), once overflowed and came at once.
TEST(never, does_not_come) {
    loop_options options;
    options.limits.write_stall = options.limits.close_grace = options.limits.linger =
        duration::max();
    sim_world world(options);
    bool fired = false;
    world.core.after(duration::max(), [&] { fired = true; });
    world.io.serve_port(5000);
    net::connect_options to = to_port(5000);
    to.timeout = duration::max();
    const record_ptr connecting = connect_probe(world.core, to);
    const auto lingering = world.open();
    lingering.record->stream->close();
    world.run(3);
    EXPECT_EQ(connecting->opened, 1);
    for (int year = 0; year < 100; ++year) world.pass(24h * 365);
    EXPECT_FALSE(fired);
    EXPECT_EQ(world.core.connections(), 2U) << "the peer's end is awaited";
    world.io.peer_end(lingering.peer);
    world.run(3);
    EXPECT_EQ(world.core.connections(), 1U);
}

}  // namespace
}  // namespace weft::test
