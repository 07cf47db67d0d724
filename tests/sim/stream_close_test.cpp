// How streams end: who is told what, when the descriptor goes, and which time-outs bound it.

#include "support/sim_world.hpp"

namespace weft::test {
namespace {

TEST(stream_close, writes_then_ends_then_waits_for_the_peer) {
    sim_world world;
    auto [peer, stream] = world.open();
    world.io.peer_window(peer, 1000);
    const std::string bytes = pattern(100'000);
    stream->write(bytes);
    stream->stream->close();
    world.run();
    std::string got;
    while (got.size() < bytes.size()) {
        if (got.size() + 1000 < bytes.size()) {  // not all of it is in the peer's window yet
            EXPECT_FALSE(world.io.peer_sees_end(peer));
            EXPECT_EQ(stream->closed, 0);
        }
        const std::string part = world.io.peer_take(peer);
        ASSERT_FALSE(part.empty());
        got += part;
        world.run();
    }
    EXPECT_EQ(got, bytes);
    EXPECT_TRUE(world.io.peer_sees_end(peer));
    EXPECT_EQ(stream->closed, 1);
    EXPECT_EQ(stream->why, make_error_code(errc::closed_locally));
    EXPECT_TRUE(stream->buried);
    EXPECT_EQ(world.core.find(stream->id), nullptr);
    EXPECT_EQ(world.io.open_descriptors(), 2U) << "lingers";
    world.io.peer_send(peer, "too late");
    world.run();
    EXPECT_EQ(stream->received, "");
    world.io.peer_end(peer);
    world.run();
    EXPECT_EQ(world.io.open_descriptors(), 1U);
    EXPECT_EQ(world.core.connections(), 0U);
    EXPECT_FALSE(world.io.peer_sees_reset(peer));
}

TEST(stream_close, lingers_for_two_seconds_at_most) {
    sim_world world;
    auto [peer, stream] = world.open();
    stream->stream->close();
    world.run();
    EXPECT_EQ(stream->closed, 1);
    world.pass(1999ms);
    EXPECT_EQ(world.core.connections(), 1U);
    world.pass(2ms);
    EXPECT_EQ(world.core.connections(), 0U);
    EXPECT_EQ(world.io.open_descriptors(), 1U);
    EXPECT_EQ(world.core.metrics().write_timeouts.read(), 0U);
    EXPECT_EQ(world.core.metrics().broken.read(), 0U);
}

TEST(stream_close, unread_bytes_of_a_paused_stream_are_drained_while_lingering) {
    sim_world world;
    auto [peer, stream] = world.open();
    stream->stream->pause_reading();
    world.io.peer_send(peer, pattern(100'000));
    world.io.peer_end(peer);
    world.run();
    stream->stream->close();
    world.run(3);
    EXPECT_EQ(stream->received, "");
    EXPECT_EQ(world.core.connections(), 0U);
}

TEST(stream_close, peer_that_takes_nothing_is_aborted_after_30_seconds) {
    sim_world world;
    auto [peer, stream] = world.open();
    world.io.peer_window(peer, 1000);
    stream->write(pattern(10'000));
    world.run();
    world.pass(29s);
    EXPECT_EQ(stream->closed, 0);
    world.io.peer_take(peer);  // progress
    world.run();
    world.pass(29s);
    EXPECT_EQ(stream->closed, 0) << "the peer took something a moment ago";
    stream->write("more does not count as progress");
    world.run();
    world.pass(2s);
    EXPECT_EQ(stream->closed, 1);
    EXPECT_EQ(stream->why, make_error_code(errc::timed_out));
    EXPECT_TRUE(world.io.peer_sees_reset(peer));
    EXPECT_EQ(world.core.metrics().write_timeouts.read(), 1U);
    world.run();
    EXPECT_EQ(world.core.connections(), 0U);
}

TEST(stream_close, stalled_large_write_is_aborted_too) {
    sim_world world;
    auto [peer, stream] = world.open();
    world.io.peer_window(peer, 1000);
    stream->write(pattern(100'000));  // offered to the kernel from where it is
    world.pass(31s);
    world.run();
    EXPECT_EQ(stream->closed, 1);
    EXPECT_EQ(stream->why, condition::timed_out);
}

TEST(stream_close, peer_that_empties_the_kernels_buffer_is_not_stalled) {
    sim_world world;
    auto [peer, stream] = world.open();
    world.io.peer_window(peer, 10'000);
    stream->write(pattern(20'000));
    world.run();
    world.io.peer_window(peer, 1000);  // the kernel says that there is room when much of it is free
    for (int i = 0; i < 8; ++i) {
        world.pass(29s);
        EXPECT_EQ(world.io.peer_take(peer, 1000).size(), 1000U);
        world.pass(2s);
        ASSERT_EQ(stream->closed, 0) << i;
    }
    world.pass(60s);
    EXPECT_EQ(stream->closed, 1);
    EXPECT_EQ(stream->why, condition::timed_out);
}

TEST(stream_close, write_stall_ends_with_the_queue) {
    sim_world world;
    auto [peer, stream] = world.open();
    world.io.peer_window(peer, 1000);
    stream->write(pattern(1500));
    world.run();
    world.io.peer_take(peer);
    world.run();
    world.pass(1h);
    EXPECT_EQ(stream->closed, 0);
}

TEST(stream_close, abort_resets_and_drops_what_is_queued) {
    sim_world world;
    auto [peer, stream] = world.open();
    stream->write("never sent");
    stream->stream->abort(make_error_code(errc::limit_exceeded));
    EXPECT_EQ(stream->closed, 0) << "inside the call";
    EXPECT_NE(world.core.find(stream->id), nullptr);
    world.run();
    EXPECT_EQ(stream->closed, 1);
    EXPECT_EQ(stream->why, make_error_code(errc::limit_exceeded));
    EXPECT_TRUE(world.io.peer_sees_reset(peer));
    EXPECT_EQ(world.io.peer_take(peer), "");
    EXPECT_EQ(world.core.find(stream->id), nullptr);
    EXPECT_EQ(world.core.connections(), 0U);
}

TEST(stream_close, abort_after_close_says_why_it_was_aborted) {
    sim_world world;
    auto [peer, stream] = world.open();
    world.io.peer_window(peer, 1);
    stream->write("blocked");
    stream->stream->close();
    world.run();
    stream->stream->abort(make_error_code(errc::timed_out));
    world.run();
    EXPECT_EQ(stream->why, make_error_code(errc::timed_out));
    EXPECT_EQ(world.core.connections(), 0U);
}

TEST(stream_close, reset_by_the_peer_is_a_system_error) {
    sim_world world;
    auto [peer, stream] = world.open();
    world.io.peer_reset(peer);
    world.run();
    EXPECT_EQ(stream->closed, 1);
    EXPECT_EQ(stream->why, std::errc::connection_reset);
    EXPECT_EQ(stream->why, condition::peer_gone);
}

TEST(stream_close, stale_id_finds_nothing_when_the_slot_is_used_again) {
    sim_world world;
    auto [peer, stream] = world.open();
    stream->stream->abort(make_error_code(errc::closed_locally));
    world.run();
    auto [next_peer, next] = world.open();
    EXPECT_EQ(next->id.slot(), stream->id.slot());
    EXPECT_EQ(world.core.find(stream->id), nullptr);
    EXPECT_EQ(world.core.find(next->id), next->stream);
    EXPECT_EQ(world.core.find(conn_id(1, next->id.slot(), next->id.generation())), nullptr)
        << "another loop's";
    EXPECT_EQ(world.core.find({}), nullptr);
}

TEST(stream_close, stream_cannot_be_found_or_given_a_handler_once_on_closed_runs) {
    sim_world world;
    auto [peer, stream] = world.open();
    auto late = std::make_shared<record>();
    stream->on_closed = [&](record& r) {
        EXPECT_EQ(world.core.find(r.id), nullptr);
        r.stream->set_handler(std::make_unique<probe>(*r.stream, late));
    };
    stream->stream->close();
    world.run();
    EXPECT_TRUE(late->buried);
    EXPECT_TRUE(late->calls.empty());
    world.io.peer_send(peer, "x");
    world.io.peer_end(peer);
    world.run(2);
    EXPECT_EQ(world.core.connections(), 0U);
}

TEST(stream_close, aborting_a_lingering_stream_in_on_closed_frees_it_once) {
    sim_world world;
    auto [peer, stream] = world.open();
    stream->on_closed = [](record& r) { r.stream->abort(make_error_code(errc::timed_out)); };
    stream->stream->close();
    world.run(2);
    EXPECT_EQ(stream->closed, 1);
    EXPECT_EQ(world.core.connections(), 0U);
    auto [next_peer, next] = world.open();
    world.run(2);
    EXPECT_EQ(next->closed, 0);
}

TEST(stream_close, writing_and_aborting_in_on_drained_leaves_nothing_behind) {
    sim_world world;
    auto [peer, stream] = world.open();
    world.io.peer_window(peer, 1000);
    stream->write(pattern(1500));
    world.run();
    stream->on_drained = [](record& r) {
        r.write("dirty again");
        r.stream->abort(make_error_code(errc::closed_locally));
    };
    world.io.peer_take(peer);
    world.run(2);
    EXPECT_EQ(stream->closed, 1);
    EXPECT_EQ(world.core.connections(), 0U);
    world.open();
    world.run(2);
}

TEST(stream_close, destructor_of_a_handler_may_replace_another) {
    class domino final : public net::stream_handler {
    public:
        domino(net::loop_core& core, conn_id next) : core_(core), next_(next) {}
        ~domino() override {
            if (auto* s = core_.find(next_)) {
                s->set_handler(std::make_unique<domino>(core_, conn_id{}));
                s->write(as_bytes("goodbye"));
            }
        }
        void on_data(byte_span) noexcept override {}
        void on_closed(std::error_code) noexcept override {}

    private:
        net::loop_core& core_;
        conn_id next_;
    };
    sim_world world;
    auto [peer_a, a] = world.open();
    auto [peer_b, b] = world.open();
    a->stream->set_handler(std::make_unique<domino>(world.core, b->id));
    a->stream->abort(make_error_code(errc::closed_locally));
    world.run(2);
    EXPECT_TRUE(b->buried);
    EXPECT_EQ(world.io.peer_take(peer_b), "goodbye");
}

TEST(stream_close, refused_connections_are_reset) {
    sim_world world;
    world.acceptor.refuse = true;
    const auto peer = world.io.connect_client(80);
    world.run(2);
    EXPECT_TRUE(world.io.peer_sees_reset(peer));
    EXPECT_EQ(world.core.connections(), 0U);
    EXPECT_EQ(world.core.metrics().refused_limit.read(), 1U);
}

TEST(stream_close, loop_that_ends_tells_every_handler) {
    std::vector<record_ptr> records;
    {
        sim_world world;
        for (int i = 0; i < 100; ++i) records.push_back(world.open().record);
        records[3]->stream->close();
        records[4]->stream->shutdown();
        world.core.shut_down();
        EXPECT_EQ(world.io.open_descriptors(), 0U);
        world.core.shut_down();
    }
    for (const auto& r : records) {
        EXPECT_EQ(r->closed, 1);
        EXPECT_TRUE(r->buried);
        EXPECT_EQ(r->why, condition::shutting_down);
    }
}

// ---- Deadlines ----

TEST(stream_deadline, fires_once_when_it_passes) {
    sim_world world;
    auto [peer, stream] = world.open();
    stream->stream->set_deadline(world.core.now() + 100ms);
    world.pass(99ms);
    EXPECT_EQ(stream->deadlines, 0);
    world.pass(2ms);
    EXPECT_EQ(stream->deadlines, 1);
    world.pass(10s);
    EXPECT_EQ(stream->deadlines, 1);
}

TEST(stream_deadline, moves_later_and_earlier_and_off) {
    sim_world world;
    auto [peer, stream] = world.open();
    for (int i = 0; i < 20; ++i) {
        stream->stream->set_deadline(world.core.now() + 100ms);
        world.pass(60ms);
    }
    EXPECT_EQ(stream->deadlines, 0);
    stream->stream->set_deadline(world.core.now() + 10ms);
    world.pass(11ms);
    EXPECT_EQ(stream->deadlines, 1);
    stream->stream->set_deadline(world.core.now() + 10ms);
    stream->stream->clear_deadline();
    world.pass(1h);
    EXPECT_EQ(stream->deadlines, 1);
}

TEST(stream_deadline, may_set_the_next_one_or_end_the_stream) {
    sim_world world;
    auto [peer, stream] = world.open();
    stream->on_deadline = [&](record& r) {
        if (r.deadlines < 3) {
            r.stream->set_deadline(world.core.now() + 10ms);
        } else {
            r.stream->abort(make_error_code(errc::timed_out));
        }
    };
    stream->stream->set_deadline(world.core.now() + 10ms);
    for (int i = 0; i < 4; ++i) world.pass(11ms);
    EXPECT_EQ(stream->deadlines, 3);
    EXPECT_EQ(stream->why, make_error_code(errc::timed_out));
}

TEST(stream_deadline, belongs_to_the_stream_and_not_to_the_handler) {
    sim_world world;
    auto [peer, first] = world.open();
    auto second = std::make_shared<record>();
    first->stream->set_deadline(world.core.now() + 10ms);
    first->stream->set_handler(std::make_unique<probe>(*first->stream, second));
    world.pass(11ms);
    EXPECT_EQ(first->deadlines, 0);
    EXPECT_EQ(second->deadlines, 1);
}

}  // namespace
}  // namespace weft::test
