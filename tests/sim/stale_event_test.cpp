// sec_p3: events that outlived their stream (its descriptor and slot are in use again) do nothing.
// The backend of this test repeats, before every batch, every event it has ever reported.

#include <vector>

#include "support/sim_world.hpp"

namespace weft::test {
namespace {

class repeating_backend final : public net::backend, private net::event_sink {
public:
    net::sim_backend io;

    void wait(duration timeout, net::event_sink& sink) noexcept override {
        to_ = &sink;
        io.wait(timeout, *this);
    }
    time_point now() const noexcept override { return io.now(); }
    void wake() noexcept override { io.wake(); }
    result<int> listen(const listen_options& o) override { return io.listen(o); }
    result<socket_address> local_address(int fd) override { return io.local_address(fd); }
    net::io_result accept(int l, int& fd, socket_address& p) noexcept override {
        return io.accept(l, fd, p);
    }
    result<int> connect(const socket_address& a) override { return io.connect(a); }
    std::size_t undelivered(int fd) noexcept override { return io.undelivered(fd); }
    std::error_code take_error(int fd) noexcept override { return io.take_error(fd); }
    std::error_code watch_listener(int fd, net::io_token t) noexcept override {
        return io.watch_listener(fd, t);
    }
    void pause_listener(int fd, net::io_token t, bool p) noexcept override {
        io.pause_listener(fd, t, p);
    }
    std::size_t unwatch(int fd) noexcept override { return io.unwatch(fd); }
    std::error_code watch_stream(int fd, net::io_token t) noexcept override {
        seen_.push_back(t);
        return io.watch_stream(fd, t);
    }
    net::receive_result receive(int fd, byte_span into) noexcept override {
        return io.receive(fd, into);
    }
    net::io_result send(int fd, std::span<const iovec> p) noexcept override {
        return io.send(fd, p);
    }
    net::io_result send_now(int fd, std::span<const iovec> p) noexcept override {
        return io.send_now(fd, p);
    }
    void finish_sends(net::event_sink& sink) noexcept override { io.finish_sends(sink); }
    void shutdown(int fd) noexcept override { io.shutdown(fd); }
    void close(int fd) noexcept override { io.close(fd); }
    void reset(int fd) noexcept override { io.reset(fd); }
    bool shed_connection(int l) noexcept override { return io.shed_connection(l); }

private:
    void on_wake(time_point now) noexcept override {
        to_->on_wake(now);
        for (const net::io_token t : seen_) {
            to_->on_writable(t);
            to_->on_readable(t);
            if (dead(t)) {
                to_->on_ending(t);
                to_->on_broken(t);
            }
        }
    }
    void on_acceptable(net::io_token t) noexcept override { to_->on_acceptable(t); }
    void on_readable(net::io_token t) noexcept override { to_->on_readable(t); }
    void on_ending(net::io_token t) noexcept override { to_->on_ending(t); }
    void on_writable(net::io_token t) noexcept override { to_->on_writable(t); }
    void on_broken(net::io_token t) noexcept override { to_->on_broken(t); }
    void on_sent(net::io_token t, const net::io_result& how) noexcept override {
        to_->on_sent(t, how);
    }

    /// All but the last generation of a slot.
    bool dead(net::io_token t) const {
        for (const net::io_token other : seen_) {
            if (other.slot == t.slot && other.generation > t.generation) return true;
        }
        return false;
    }

    net::event_sink* to_ = nullptr;
    std::vector<net::io_token> seen_;
};

TEST(sec_p3, events_of_a_stream_that_is_gone_do_not_reach_its_successor) {
    auto owned = std::make_unique<repeating_backend>();
    net::sim_backend& io = owned->io;
    net::loop_core core(std::move(owned), {});
    probe_acceptor acceptor;
    acceptor.prepare = [](record& r) { r.echo = true; };
    listen_options where;
    where.port = 80;
    ASSERT_TRUE(core.listen(where, acceptor));
    for (int round = 0; round < 20; ++round) {
        const auto peer = io.connect_client(80);
        core.turn(duration::zero());
        core.turn(duration::zero());
        const record_ptr stream = acceptor.accepted.back();
        const std::string text = "round " + std::to_string(round);
        io.peer_send(peer, text);
        core.turn(duration::zero());
        ASSERT_EQ(stream->received, text);
        ASSERT_EQ(io.peer_take(peer), text);
        ASSERT_EQ(stream->closed, 0);
        ASSERT_EQ(stream->ended, 0);
        ASSERT_EQ(stream->drained, 0);
        ASSERT_EQ(stream->id.slot(), acceptor.accepted.front()->id.slot()) << "reused";
        stream->stream->abort(make_error_code(errc::closed_locally));
        core.turn(duration::zero());
        ASSERT_EQ(stream->closed, 1);
    }
    core.shut_down();
}

TEST(sec_p3, stream_aborted_earlier_in_the_batch_gets_no_event) {
    sim_world world;
    auto [peer_a, a] = world.open();
    auto [peer_b, b] = world.open();
    a->on_data = [b = b](record&) { b->stream->abort(make_error_code(errc::closed_locally)); };
    world.io.peer_send(peer_a, "kill b");
    world.io.peer_send(peer_b, "unseen");
    const auto next = world.io.connect_client(80);  // accepted in the same batch
    world.io.peer_send(next, "hello");
    world.run(2);
    EXPECT_EQ(b->received, "");
    EXPECT_EQ(b->closed, 1);
    EXPECT_EQ(world.acceptor.accepted.back()->received, "hello");
}

}  // namespace
}  // namespace weft::test
