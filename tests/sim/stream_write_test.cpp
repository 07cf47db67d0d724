// How queued bytes leave: when, in how many sends, and what is told about it.

#include "support/sim_world.hpp"

namespace weft::test {
namespace {

TEST(stream_write, ten_writes_in_a_handler_are_one_send) {
    sim_world world;
    auto [peer, stream] = world.open();
    stream->on_data = [](record& r) {
        for (int i = 0; i < 10; ++i) r.write("ab");
    };
    world.io.peer_send(peer, "go");
    const auto before = world.io.sends();
    world.run();
    EXPECT_EQ(world.io.sends() - before, 1U);
    EXPECT_EQ(world.io.peer_take(peer), "abababababababababab");
    world.run(3);
    EXPECT_EQ(world.io.sends() - before, 1U);
}

TEST(stream_write, what_the_peer_does_not_take_is_charged_until_it_does) {
    sim_world world;
    byte_budget& budget = world.core.budget();
    for (const std::size_t size : {1'000U, 100'000U}) {  // by way of the queue, and past it
        auto [peer, stream] = world.open();
        const std::uint64_t idle = budget.used();
        world.io.peer_window(peer, 100);
        stream->write(pattern(size));
        world.run(2);
        EXPECT_EQ(budget.used(), idle + size - 100);
        EXPECT_EQ(world.io.peer_take(peer).size(), 100U);
        world.run(2);
        EXPECT_EQ(budget.used(), idle + size - 200);
        world.io.peer_window(peer, SIZE_MAX);
        world.io.peer_take(peer);
        world.run(2);
        EXPECT_EQ(budget.used(), idle);
        world.io.peer_window(peer, 0);
        stream->write(pattern(size));
        world.run(2);
        EXPECT_EQ(budget.used(), idle + size);
        world.io.peer_reset(peer);
        world.run(2);
        EXPECT_EQ(budget.used(), 0U);
    }
}

TEST(stream_write, what_is_built_in_place_leaves_in_order_with_what_is_written) {
    sim_world world;
    auto [peer, stream] = world.open();
    const auto build = [](record& r, std::string_view text) {
        std::byte* const room = r.stream->prepare(text.size() + 10);
        ASSERT_NE(room, nullptr);
        std::copy(text.begin(), text.end(), reinterpret_cast<char*>(room));
        r.stream->commit(text.size());
    };
    stream->on_data = [&](record& r) {
        build(r, "one ");
        r.write("two ");
        build(r, "three");
    };
    world.io.peer_send(peer, "go");
    const auto before = world.io.sends();
    world.run();
    EXPECT_EQ(world.io.sends() - before, 1U);
    EXPECT_EQ(world.io.peer_take(peer), "one two three");
}

TEST(stream_write, gives_no_room_when_it_is_behind_or_ends) {
    sim_world world;
    auto [peer, stream] = world.open();
    world.io.peer_window(peer, 0);
    world.core.post([&] {
        std::size_t built = 0;
        while (std::byte* const room = stream->stream->prepare(1000)) {
            *room = std::byte{'r'};
            stream->stream->commit(1000);
            built += 1000;
        }
        EXPECT_GE(built, net::byte_stream::high_water);
        EXPECT_EQ(stream->stream->queued(), built);
    });
    world.run();
    auto [other, ending] = world.open();
    world.core.post([&] {
        ending->stream->shutdown();
        EXPECT_EQ(ending->stream->prepare(1), nullptr);
        ending->stream->close();
        EXPECT_EQ(ending->stream->prepare(1), nullptr);
    });
    world.run();
    EXPECT_EQ(world.io.peer_take(other), "");
}

TEST(stream_write, sends_to_a_thousand_others_are_one_send_each) {
    sim_world world;
    std::vector<sim_world::connection> others;
    for (int i = 0; i < 1000; ++i) others.push_back(world.open());
    auto [peer, stream] = world.open();
    stream->on_data = [&](record&) {
        for (int round = 0; round < 3; ++round) {
            for (auto& other : others) other.record->write("news ");
        }
    };
    const auto before = world.io.sends();
    world.io.peer_send(peer, "go");
    world.run();
    EXPECT_EQ(world.io.sends() - before, 1000U);
    for (auto& other : others) EXPECT_EQ(world.io.peer_take(other.peer), "news news news ");
}

TEST(stream_write, a_large_write_behind_many_pieces_does_not_wait_for_the_iteration) {
    sim_world world;
    world.io.behave({});  // completes at once
    auto [peer, stream] = world.open();
    stream->on_data = [](record& r) {
        buffer_ref block = shared_buffer::allocate(1);
        *block->data() = std::byte{'p'};
        for (int i = 0; i < 64; ++i) {
            r.stream->write(buffer_slice{block, byte_view(block->data(), 1)});
        }
        r.write(std::string(70'000, 'L'));
        EXPECT_EQ(r.stream->queued(), 0U);  // else somebody would wait for on_drained in vain
    };
    world.io.peer_send(peer, "go");
    world.run();
    EXPECT_EQ(world.io.peer_take(peer).size(), 70'064U);
}

TEST(stream_write, posted_tasks_and_timers_share_the_flush_of_the_iteration) {
    sim_world world;
    auto [peer, stream] = world.open();
    world.core.post([&] { stream->write("posted "); });
    world.core.after(0ms, [&] { stream->write("timed "); });
    stream->on_data = [](record& r) { r.write("read "); };
    world.io.peer_send(peer, "go");
    const auto before = world.io.sends();
    world.pass(1ms);
    EXPECT_EQ(world.io.sends() - before, 1U);
    EXPECT_EQ(world.io.peer_take(peer), "read timed posted ");
}

TEST(stream_write, flushes_at_64_kib_inside_the_handler) {
    sim_world world;
    auto [peer, stream] = world.open();
    const std::string piece = pattern(8 * 1024);
    std::vector<std::size_t> sends;
    stream->on_data = [&](record& r) {
        const auto before = world.io.sends();
        for (int i = 0; i < 9; ++i) {
            r.write(piece);
            sends.push_back(world.io.sends() - before);
        }
    };
    world.io.peer_send(peer, "go");
    world.run();
    EXPECT_EQ(sends, (std::vector<std::size_t>{0, 0, 0, 0, 0, 0, 0, 1, 1}));
    EXPECT_EQ(world.io.peer_take(peer).size(), 9 * piece.size());
}

TEST(stream_write, large_bytes_go_out_at_once_behind_what_is_queued) {
    sim_world world;
    auto [peer, stream] = world.open();
    const std::string large = pattern(20 * 1024);
    stream->on_data = [&](record& r) {
        const auto before = world.io.sends();
        r.write("first ");
        r.write(large);
        EXPECT_EQ(world.io.sends() - before, 1U);
        EXPECT_EQ(r.stream->queued(), 0U);
        r.write(" last");
    };
    world.io.peer_send(peer, "go");
    world.run();
    EXPECT_EQ(world.io.peer_take(peer), "first " + large + " last");
}

TEST(stream_write, partial_writes_keep_every_byte_in_order) {
    for (const std::size_t limit : {1U, 7U, 1000U, 40'000U}) {
        sim_world world;
        auto [peer, stream] = world.open();
        world.io.limit_send(limit);
        std::string expected;
        const std::size_t sizes[] = {1, 100, 17'000, 1023, 1, 64'000, 30};
        auto shared = shared_buffer::allocate(5000);
        const std::string by_reference = pattern(5000, 9);
        std::copy(by_reference.begin(), by_reference.end(),
                  reinterpret_cast<char*>(shared->data()));
        for (const std::size_t size : sizes) {
            const std::size_t shrunk = limit == 1 ? size % 1500 : size;
            expected += pattern(shrunk, static_cast<std::uint32_t>(size));
            stream->write(pattern(shrunk, static_cast<std::uint32_t>(size)));
            stream->stream->write(buffer_slice{shared, {shared->data() + 10, 300}});
            expected += by_reference.substr(10, 300);
        }
        std::string got;
        for (int i = 0; i < 20'000 && got.size() < expected.size(); ++i) {
            world.run();
            got += world.io.peer_take(peer);
        }
        world.run(2);
        EXPECT_EQ(got, expected) << "at most " << limit << " bytes per send";
        EXPECT_EQ(stream->stream->queued(), 0U);
        EXPECT_TRUE(shared->unique()) << "a reference was kept";
    }
}

TEST(stream_write, blocked_stream_is_told_once_when_drained) {
    sim_world world;
    world.io.behave({});  // one that completes late tells it for every send
    auto [peer, stream] = world.open();
    world.io.peer_window(peer, 1000);
    const std::string bytes = pattern(150'000);
    stream->on_data = [&](record& r) {
        r.write(bytes);
        EXPECT_EQ(r.drained, 0);
    };
    world.io.peer_send(peer, "go");
    world.run();
    std::string got;
    for (int i = 0; i < 500 && got.size() < bytes.size(); ++i) {
        EXPECT_EQ(stream->drained, stream->stream->queued() == 0 ? 1 : 0);
        got += world.io.peer_take(peer);
        world.run();
    }
    EXPECT_EQ(got + world.io.peer_take(peer), bytes);
    world.run(3);
    EXPECT_EQ(stream->drained, 1);
    stream->write("small");
    world.run(2);
    EXPECT_EQ(stream->drained, 1) << "nothing was blocked";
}

TEST(stream_write, drained_is_not_lost_when_somebody_writes_first) {
    sim_world world;
    auto [peer_a, a] = world.open();
    auto [peer_b, b] = world.open();
    for (const auto peer : {peer_a, peer_b}) world.io.peer_window(peer, 1000);
    a->write(pattern(1500));
    b->write(pattern(1500));
    world.run();
    a->on_drained = [b = b](record&) { b->write("more"); };
    world.io.peer_take(peer_a);
    world.io.peer_take(peer_b);
    world.run(4);
    EXPECT_EQ(a->drained, 1);
    EXPECT_EQ(b->drained, 1);
}

TEST(stream_write, drained_twice_in_one_iteration_is_told_once) {
    sim_world world;
    auto [peer, stream] = world.open();
    world.io.peer_window(peer, 1000);
    stream->write(pattern(1500));
    world.run();
    world.io.peer_take(peer);  // writable: drains when the event comes
    world.core.post([&] {
        for (int i = 0; i < 2; ++i) {
            world.io.peer_window(peer, 1);
            stream->write(pattern(20'000));
            world.io.peer_window(peer, 1'000'000);
        }
    });
    world.run();
    world.io.peer_take(peer);
    world.run(4);
    EXPECT_LE(stream->drained, 2);
    EXPECT_GE(stream->drained, 1);
    EXPECT_EQ(stream->stream->queued(), 0U);
}

TEST(stream_write, after_close_or_shutdown_nothing_is_queued) {
    sim_world world;
    auto [peer, stream] = world.open();
    stream->on_end = [](record&) {};
    stream->write("a");
    stream->stream->shutdown();
    stream->write("b");
    world.run(2);
    EXPECT_EQ(world.io.peer_take(peer), "a");
    EXPECT_TRUE(world.io.peer_sees_end(peer));
    stream->stream->close();
    stream->write("c");
    EXPECT_EQ(stream->stream->queued(), 0U);
}

TEST(stream_write, counters_agree_with_the_wire) {
    sim_world world;
    auto [peer, stream] = world.open();
    stream->echo = true;
    world.io.peer_send(peer, pattern(5000));
    world.run(2);
    EXPECT_EQ(world.core.metrics().bytes_received.read(), 5000U);
    EXPECT_EQ(world.core.metrics().bytes_sent.read(), 5000U);
    EXPECT_EQ(world.core.metrics().sends.read(), world.io.sends());
    EXPECT_EQ(world.core.metrics().accepted.read(), 1U);
    EXPECT_EQ(world.core.metrics().open.read(), 1U);
    world.io.peer_end(peer);
    world.run(3);
    EXPECT_EQ(world.core.metrics().open.read(), 0U);
}

}  // namespace
}  // namespace weft::test
