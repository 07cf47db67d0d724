// What every backend must do, whatever is below it: one suite, once per backend. A new backend
// joins by a line at the end.

#include <gtest/gtest.h>

#include <ostream>
#include <tuple>

#include "net/backend/epoll/epoll_backend.hpp"
#include "net/backend/sim/sim_backend.hpp"
#include "support/net_probe.hpp"

namespace weft::test {
namespace {

using namespace std::chrono_literals;

struct backend_kind {
    const char* name;
    std::unique_ptr<net::backend> (*make)();

    friend void PrintTo(const backend_kind& what, std::ostream* out) { *out << what.name; }
};

std::unique_ptr<net::backend> make_sim() {
    return std::make_unique<net::sim_backend>();
}
std::unique_ptr<net::backend> make_late_sim() {
    auto made = std::make_unique<net::sim_backend>();
    made->behave({.completes_late = true, .lends_buffers = true});
    return made;
}
std::unique_ptr<net::backend> make_epoll() {
    auto made = net::make_epoll_backend();
    return made ? std::move(*made) : nullptr;
}

class every_backend : public testing::TestWithParam<backend_kind> {
protected:
    every_backend() : owned_(GetParam().make()), io_(owned_.get()), core(std::move(owned_), {}) {
        auto made = core.listen({}, acceptor);
        if (made) to.port = core.local_address(*made)->port();
        to.host = "127.0.0.1";
    }

    /// Runs the loop until it is so, at most a few seconds of the backend's own time.
    bool until(const std::function<bool()>& so) {
        const time_point end = core.now() + 10s;
        while (!so() && core.now() < end) {
            core.turn(1ms);
            if (auto* sim = dynamic_cast<net::sim_backend*>(io_)) sim->advance(1ms);
        }
        return so();
    }

    /// Both ends of a new connection; the first one connected.
    std::pair<record_ptr, record_ptr> pair() {
        const std::size_t before = acceptor.accepted.size();
        record_ptr client = connect_probe(core, to);
        EXPECT_TRUE(until([&] {
            return client->opened == 1 && acceptor.accepted.size() > before &&
                   acceptor.accepted.back()->opened == 1;
        }));
        return {client, acceptor.accepted.back()};
    }

    std::unique_ptr<net::backend> owned_;
    net::backend* io_;

public:
    probe_acceptor acceptor;
    net::loop_core core;
    net::connect_options to;
};

TEST_P(every_backend, echoes) {
    record_ptr client, server;  // no structured binding: clang 14 does not capture those
    std::tie(client, server) = pair();
    server->echo = true;
    for (int i = 0; i < 20; ++i) {
        const std::string text = "message " + std::to_string(i);
        client->received.clear();
        client->write(text);
        ASSERT_TRUE(until([&] { return client->received.size() == text.size(); }));
        ASSERT_EQ(client->received, text);
    }
}

TEST_P(every_backend, moves_megabytes_both_ways_at_once) {
    record_ptr client, server;
    std::tie(client, server) = pair();
    const std::string up = pattern(5'000'000, 1), down = pattern(4'000'000, 2);
    client->write(up);
    for (std::size_t at = 0; at < down.size(); at += 1000) {
        server->write(std::string_view(down).substr(at, 1000));
    }
    ASSERT_TRUE(until([&] {
        return server->received.size() >= up.size() && client->received.size() >= down.size();
    }));
    EXPECT_TRUE(server->received == up);
    EXPECT_TRUE(client->received == down);
    ASSERT_TRUE(until([&] { return client->drained + server->drained >= 2; }));
}

TEST_P(every_backend, half_close_lets_the_answer_through) {
    record_ptr client, server;
    std::tie(client, server) = pair();
    server->on_end = [](record& r) {
        r.write("answer to " + r.received);
        r.stream->close();
    };
    client->write("question");
    client->stream->shutdown();
    ASSERT_TRUE(until([&] { return client->closed == 1 && server->closed == 1; }));
    EXPECT_EQ(client->received, "answer to question");
    EXPECT_EQ(client->why, make_error_code(errc::closed_by_peer));
    EXPECT_TRUE(until([&] { return core.connections() == 0; }));
}

TEST_P(every_backend, close_sends_everything_first) {
    record_ptr client, server;
    std::tie(client, server) = pair();
    const std::string bytes = pattern(3'000'000);
    server->write(bytes);
    server->stream->close();
    ASSERT_TRUE(until([&] { return client->closed == 1; }));
    EXPECT_TRUE(client->received == bytes);
    EXPECT_EQ(server->why, make_error_code(errc::closed_locally));
    EXPECT_EQ(client->why, make_error_code(errc::closed_by_peer));
    EXPECT_TRUE(until([&] { return core.connections() == 0; }));
}

TEST_P(every_backend, abort_is_seen_as_a_reset) {
    record_ptr client, server;
    std::tie(client, server) = pair();
    server->stream->abort(make_error_code(errc::limit_exceeded));
    ASSERT_TRUE(until([&] { return client->closed == 1; }));
    EXPECT_EQ(client->why, condition::peer_gone);
    EXPECT_EQ(client->why, std::errc::connection_reset);
    EXPECT_EQ(server->why, make_error_code(errc::limit_exceeded));
}

TEST_P(every_backend, abort_amid_sending_frees_the_stream_and_its_bytes) {
    record_ptr client, server;
    std::tie(client, server) = pair();
    server->stream->pause_reading();
    constexpr std::size_t size = 1'000'000;
    buffer_ref block = shared_buffer::allocate(size);
    std::fill_n(block->data(), size, std::byte{'b'});
    const byte_view bytes(block->data(), size);
    for (int i = 0; i < 20; ++i) client->stream->write(buffer_slice{block, bytes});
    ASSERT_TRUE(until([&] { return client->stream->stalled(); }));
    client->stream->abort(make_error_code(errc::closed_locally));
    server->stream->abort(make_error_code(errc::closed_locally));
    EXPECT_TRUE(until([&] { return core.connections() == 0; }));
    EXPECT_TRUE(block->unique());
}

TEST_P(every_backend, sec_p4_peer_resets_while_we_send) {
    record_ptr client, server;
    std::tie(client, server) = pair();
    client->stream->pause_reading();
    server->write(pattern(20'000'000));  // more than fits anywhere
    until([&] { return server->stream->queued() < 20'000'000; });
    client->stream->abort(make_error_code(errc::closed_locally));
    ASSERT_TRUE(until([&] { return server->closed == 1; })) << "alive, and no SIGPIPE";
    EXPECT_EQ(server->why, condition::peer_gone);
}

TEST_P(every_backend, reset_is_noticed_by_a_paused_and_by_a_half_open_stream) {
    record_ptr paused_client, paused;
    std::tie(paused_client, paused) = pair();
    record_ptr half_client, half;
    std::tie(half_client, half) = pair();
    paused->stream->pause_reading();
    half->on_end = [](record&) {};
    half_client->stream->shutdown();
    ASSERT_TRUE(until([&, half = half] { return half->ended == 1; }));
    half->write("unread bytes make the close a reset");
    core.turn(1ms);
    paused_client->stream->abort(make_error_code(errc::closed_locally));
    half_client->stream->abort(make_error_code(errc::closed_locally));
    EXPECT_TRUE(until([&, paused = paused] { return paused->closed == 1; }));
    EXPECT_TRUE(until([&, half = half] { return half->closed == 1; }));
    EXPECT_EQ(paused->why, condition::peer_gone);
    EXPECT_EQ(half->why, condition::peer_gone);
}

TEST_P(every_backend, pause_keeps_bytes_when_both_ends_are_sent) {
    record_ptr client, server;
    std::tie(client, server) = pair();
    server->stream->pause_reading();
    server->stream->shutdown();
    client->on_end = [](record& r) {
        r.write("the last word");
        r.stream->close();
    };
    ASSERT_TRUE(until([&] { return client->closed == 1; }));
    for (int i = 0; i < 5; ++i) core.turn(1ms);
    ASSERT_EQ(server->closed, 0);
    server->stream->resume_reading();
    ASSERT_TRUE(until([&] { return server->closed == 1; }));
    EXPECT_EQ(server->received, "the last word");
    EXPECT_EQ(server->why, make_error_code(errc::closed_by_peer));
}

TEST_P(every_backend, a_paused_stream_is_told_of_an_end_behind_unread_bytes) {
    for (const bool pauses_in_time : {true, false}) {
        record_ptr client, server;
        std::tie(client, server) = pair();
        if (pauses_in_time) {
            server->stream->pause_reading();
        } else {  // what it reads makes it pause
            server->on_data = [](record& r) { r.stream->pause_reading(); };
        }
        client->write("unread");
        client->stream->shutdown();
        ASSERT_TRUE(until([&, server = server] { return server->end_ahead == 1; }));
        EXPECT_EQ(server->received, pauses_in_time ? "" : "unread");
        EXPECT_EQ(server->ended, 0);
        server->stream->resume_reading();
        ASSERT_TRUE(until([&, server = server] { return server->closed == 1; }));
        EXPECT_EQ(server->received, "unread");
        EXPECT_EQ(server->ended, 1);
        EXPECT_EQ(server->end_ahead, 1);
    }
}

TEST_P(every_backend, refused_connection_is_an_error) {
    const auto failure = std::make_shared<error>(errc::invalid_state);
    core.close_listener(0);
    connect_probe(core, to, failure);
    ASSERT_TRUE(until([&] { return failure->code() != errc::invalid_state; }));
    EXPECT_EQ(failure->code(), std::errc::connection_refused);
    EXPECT_EQ(core.connections(), 0U);
}

TEST_P(every_backend, many_connections_at_once) {
    std::vector<record_ptr> clients;
    acceptor.prepare = [](record& r) { r.echo = true; };
    for (int i = 0; i < 200; ++i) {
        clients.push_back(connect_probe(core, to));
        clients.back()->on_open = [i](record& r) { r.write(std::to_string(i)); };
    }
    for (std::size_t i = 0; i < clients.size(); ++i) {
        EXPECT_TRUE(until([&] { return clients[i]->received == std::to_string(i); })) << i;
    }
    for (const auto& c : clients) c->stream->close();
    EXPECT_TRUE(until([&] { return core.connections() == 0; }));
    for (const auto& r : acceptor.accepted) EXPECT_EQ(r->closed, 1);
}

TEST_P(every_backend, fast_sender_does_not_starve_the_others) {
    record_ptr fast_client, fast;
    std::tie(fast_client, fast) = pair();
    record_ptr slow_client, slow;
    std::tie(slow_client, slow) = pair();
    slow->echo = true;
    fast_client->write(pattern(30'000'000));
    slow_client->write("ping");
    ASSERT_TRUE(until([&, c = slow_client] { return c->received == "ping"; }));
    EXPECT_LT(fast->received.size(), 30'000'000U);
}

TEST_P(every_backend, timers_and_deadlines_are_never_early) {
    record_ptr client, server;
    std::tie(client, server) = pair();
    bool rang = false;
    const time_point armed = core.now();
    server->stream->set_deadline(armed + 20ms);
    core.after(20ms, [&] { rang = true; });
    ASSERT_TRUE(until([&] { return rang && server->deadlines == 1; }));
    EXPECT_GE(core.now() - armed, 20ms);
}

INSTANTIATE_TEST_SUITE_P(net, every_backend,
                         testing::Values(backend_kind{"sim", &make_sim},
                                         backend_kind{"late_sim", &make_late_sim},
                                         backend_kind{"epoll", &make_epoll}),
                         [](const auto& tested) { return std::string(tested.param.name); });

}  // namespace
}  // namespace weft::test
