// The contract with backends that complete late, as io_uring does: what is being sent stays where
// and as it is until `on_sent`, whatever becomes of the stream; received bytes may lie in the
// backend's own buffer.

#include "net/moved_stream.hpp"
#include "support/sim_world.hpp"

namespace weft::test {
namespace {

class completions : public testing::Test {
protected:
    completions() {
        world.io.behave({.completes_late = true, .lends_buffers = true});
        world.acceptor.prepare = [](record& r) { r.echo = true; };
    }
    ~completions() override {
        world.io.hold_sends(false);
        world.run(2);
        EXPECT_EQ(world.io.sends_in_flight(), 0U);
        EXPECT_EQ(world.io.damaged_sends(), 0U);
    }

    /// A stream with a send that the backend holds.
    sim_world::connection open_sending(std::string_view text = "in flight ") {
        auto opened = world.open();
        world.io.hold_sends(true);
        opened.record->write(text);
        world.run();
        EXPECT_EQ(world.io.sends_in_flight(), 1U);
        return opened;
    }

    /// Uses up what the loop has of free memory for sending, so that what was given back too early
    /// is written over.
    void reuse_memory() {
        auto other = world.open();
        for (int i = 0; i < 50; ++i) other.record->write(std::string(3000, '#'));
        world.run();
    }

    sim_world world;
};

TEST_F(completions, sent_bytes_stay_until_the_send_is_over) {
    auto [peer, stream] = open_sending();
    EXPECT_EQ(stream->stream->queued(), 10U);
    EXPECT_EQ(stream->stream->peer().charged(), 10U);
    stream->write("behind");
    reuse_memory();
    EXPECT_EQ(world.io.peer_take(peer), "in flight ");
    world.io.hold_sends(false);
    world.run(2);
    EXPECT_EQ(world.io.peer_take(peer), "behind");
    EXPECT_EQ(stream->stream->queued(), 0U);
    world.run();
    EXPECT_EQ(stream->stream->peer().charged(), 0U);
}

TEST_F(completions, a_shared_buffer_lives_until_the_send_is_over) {
    auto [peer, stream] = world.open();
    buffer_ref block = shared_buffer::allocate(4);
    std::fill_n(block->data(), 4, std::byte{'s'});
    world.io.hold_sends(true);
    const byte_view bytes(block->data(), 4);
    stream->stream->write(buffer_slice{std::move(block), bytes});
    world.run();
    stream->stream->abort(make_error_code(errc::closed_locally));
    world.run(2);
    reuse_memory();
}

TEST_F(completions, one_send_at_a_time_and_the_rest_in_order) {
    auto [peer, stream] = world.open();
    const std::string all = pattern(300'000);
    world.io.peer_window(peer, 10'000);
    stream->stream->write(as_bytes(std::string_view(all).substr(0, 1000)));
    world.run();
    for (std::size_t at = 1000; at < all.size(); at += 1000) {
        stream->stream->write(as_bytes(std::string_view(all).substr(at, 1000)));
    }
    std::string got;
    for (int i = 0; i < 100; ++i) {
        world.run();
        EXPECT_LE(world.io.sends_in_flight(), 1U);
        got += world.io.peer_take(peer);
    }
    EXPECT_EQ(got, all);
    EXPECT_EQ(stream->drained, 1);
}

TEST_F(completions, large_bytes_of_the_caller_are_never_in_flight) {
    auto [peer, stream] = world.open();
    world.io.hold_sends(true);
    world.io.peer_window(peer, 20'000);
    {
        std::string text = pattern(50'000);
        stream->stream->write(as_bytes(text));
        std::fill(text.begin(), text.end(), '#');
    }
    EXPECT_EQ(world.io.sends_in_flight(), 0U);
    std::string got = world.io.peer_take(peer);
    world.io.hold_sends(false);
    for (int i = 0; i < 10; ++i) {
        world.run();
        got += world.io.peer_take(peer);
    }
    EXPECT_EQ(got, pattern(50'000));
}

TEST_F(completions, an_aborted_stream_keeps_its_bytes_and_its_descriptor_until_the_send_is_over) {
    auto [peer, stream] = open_sending();
    const auto open = world.io.open_descriptors();
    stream->stream->abort(make_error_code(errc::closed_locally));
    world.run();
    EXPECT_EQ(stream->closed, 1);
    EXPECT_TRUE(stream->buried);
    EXPECT_TRUE(world.io.peer_sees_reset(peer));
    EXPECT_EQ(world.core.find(stream->id), nullptr);
    EXPECT_EQ(world.core.connections(), 1U);
    EXPECT_EQ(world.io.open_descriptors(), open);
    reuse_memory();
    world.io.hold_sends(false);
    world.run(2);
    EXPECT_EQ(world.core.connections(), 1U);  // reuse_memory's
    EXPECT_EQ(world.io.open_descriptors(), open);
}

TEST_F(completions, a_late_end_of_a_send_finds_no_successor_of_the_stream) {
    auto [peer, stream] = open_sending();
    stream->stream->abort(make_error_code(errc::closed_locally));
    world.run();
    const auto next = world.open();
    EXPECT_NE(next.record->id, stream->id);
    next.record->write("hello");
    world.io.hold_sends(false);
    world.run(3);
    EXPECT_EQ(world.io.peer_take(next.peer), "hello");
    EXPECT_EQ(next.record->stream->queued(), 0U);
    EXPECT_EQ(next.record->closed, 0);
}

TEST_F(completions, close_waits_for_the_send_and_what_is_behind_it) {
    auto [peer, stream] = open_sending();
    stream->write("behind");
    stream->stream->close();
    world.run(3);
    EXPECT_FALSE(world.io.peer_sees_end(peer));
    world.io.hold_sends(false);
    world.run(3);
    EXPECT_EQ(world.io.peer_take(peer), "in flight behind");
    EXPECT_TRUE(world.io.peer_sees_end(peer));
    EXPECT_EQ(stream->closed, 1);
}

TEST_F(completions, a_send_that_does_not_end_is_a_stalled_peer) {
    auto [peer, stream] = open_sending();
    EXPECT_TRUE(stream->stream->stalled());
    const duration patience = world.core.options().limits.write_stall;
    world.pass(patience - 1s);
    EXPECT_EQ(stream->closed, 0);
    world.pass(2s);
    world.run();
    EXPECT_EQ(stream->closed, 1);
    EXPECT_EQ(stream->why, errc::timed_out);
    reuse_memory();
}

TEST_F(completions, a_send_that_fails_ends_the_stream) {
    auto [peer, stream] = open_sending();
    world.io.hold_sends(false);
    world.io.break_sends();
    world.run(2);
    EXPECT_EQ(stream->closed, 1);
    EXPECT_EQ(stream->why, std::errc::broken_pipe);
    EXPECT_EQ(world.core.connections(), 0U);
}

TEST_F(completions, a_stream_that_leaves_takes_along_what_was_not_sent) {
    auto [peer, stream] = world.open();
    world.io.peer_window(peer, 4);
    world.io.hold_sends(true);
    stream->write("in flight");
    world.run();
    stream->write(", behind");
    world.core.post([&, s = stream] { world.core.arrive(s->stream->leave(), world.acceptor); });
    world.run(2);
    reuse_memory();
    std::string got;
    world.io.hold_sends(false);
    for (int i = 0; i < 20; ++i) {
        got += world.io.peer_take(peer);
        world.run();
    }
    EXPECT_EQ(got, "in flight, behind");
}

TEST_F(completions, a_loop_that_ends_waits_for_what_is_in_flight) {
    open_sending();
    world.core.shut_down();
    EXPECT_EQ(world.io.sends_in_flight(), 0U);
    EXPECT_EQ(world.core.connections(), 0U);
    EXPECT_EQ(world.io.open_descriptors(), 0U);
}

TEST_F(completions, received_bytes_are_taken_from_where_the_backend_says) {
    auto [peer, stream] = world.open();
    stream->target_size = 1000;  // a hint that such a backend does not follow
    stream->on_data = [&](record& r) { r.write(pattern(20'000)); };
    for (const std::size_t size : {1U, 5'000U, 300'000U}) {
        stream->received.clear();
        world.io.peer_send(peer, pattern(size));
        for (int i = 0; i < 400; ++i) {
            world.run();
            world.io.peer_take(peer);
        }
        EXPECT_EQ(stream->received, pattern(size));
    }
}

}  // namespace
}  // namespace weft::test
