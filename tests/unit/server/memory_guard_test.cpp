// The memory limit on one loop of the sim backend: who is closed, who is refused, and when it ends.

#include "server/memory_guard.hpp"

#include <gtest/gtest.h>

#include <string>
#include <system_error>
#include <vector>

#include "unit/ws/ws_world.hpp"

namespace weft::ws::test {
namespace {

constexpr std::size_t mib = 1024 * 1024;

/// A server with a limit of 4 MiB, whose WebSockets send as many bytes as they are asked for.
class guarded_world final : private net::acceptor {
public:
    using peer = net::sim_backend::peer;

    explicit guarded_world(options chosen = {})
        : io(*new net::sim_backend),
          loop(std::unique_ptr<net::backend>(&io), {}),
          shared(loop, all, 64 * mib),
          endpoint(std::move(chosen)),
          http_(loop, routes, {}),
          guard(shared, account) {
        loop.start();
        guard.set_all({&guard});
        guard.watch(loop.budget());
        guard.watch(shared.budget);
        EXPECT_TRUE(endpoint.prepare());
        endpoint.set_loops({&shared});
        endpoint
            .on_message([](auto& c, message_view m) {
                c.send(std::string(std::stoul(std::string(m.text())), 'x'));
            })
            .on_close([this](auto&, const close_event& e) { causes.push_back(e.cause); });
        (void)routes.upgrade("/ws", [this](const http::request& request, http::upgrade upgrade) {
            endpoint.handle(request, std::move(upgrade));
        });
        (void)routes.post("/body",
                          [](const http::request&) { return http::response::text(200, "ok"); });
        listen_options where;
        where.port = 80;
        (void)loop.listen(where, *this);
    }
    ~guarded_world() { loop.shut_down(); }

    void run(int iterations = 8) {
        while (iterations-- > 0) loop.turn(duration::zero());
    }
    void pass(duration time) {
        io.advance(time);
        run();
    }
    void send(peer client, std::string_view bytes) {
        io.peer_send(client, bytes);
        run();
    }
    /// A WebSocket, open if there is room for one.
    peer open(std::string_view lines = "") {
        const peer client = io.connect_client(80);
        send(client, ws_world<>::request(lines));
        response = io.peer_take(client);
        return client;
    }
    /// One that does not read while `bytes` wait for it.
    peer open_stuck(std::size_t bytes) {
        const peer client = open();
        io.peer_window(client, 0);
        send(client, text_frame(std::to_string(bytes)));
        return client;
    }
    [[nodiscard]] bool serves(peer client) {
        send(client, text_frame("5"));
        return io.peer_take(client) == "\x81\x05xxxxx";
    }
    [[nodiscard]] std::uint64_t metric(std::string_view name) const {
        std::uint64_t value = 0;
        guard.visit_metrics([&](const metric_sample& s) {
            if (s.name == name) value = s.value;
        });
        return value;
    }

    memory_account account{4 * mib};
    net::sim_backend& io;
    net::loop_core loop;
    pubsub::exchange all;
    connection_shared shared;
    ws::endpoint<void> endpoint;
    http::router routes;
    std::string response;
    std::vector<std::error_code> causes;

private:
    std::unique_ptr<net::stream_handler> on_accept(net::byte_stream& stream) noexcept override {
        return http_.make_connection(stream);
    }
    bool may_accept() noexcept override { return guard.may_accept(); }

    http::service http_;

public:
    memory_guard guard;
};

TEST(memory_guard, sec_w11_the_largest_queue_goes_first_and_others_stay) {
    guarded_world world;
    const auto healthy = world.open();
    const auto small = world.open_stuck(mib / 4);
    const auto largest = world.open_stuck(2 * mib);
    const auto middle = world.open_stuck(mib);
    EXPECT_TRUE(world.causes.empty());
    EXPECT_EQ(world.metric("weft_memory_shed_total"), 0U) << "within the limit";
    const auto last = world.open_stuck(mib);
    EXPECT_TRUE(world.account.exceeded());
    EXPECT_EQ(world.metric("weft_memory_shed_total"), 1U);
    EXPECT_EQ(world.shared.metrics.errors.read(errc::shed), 1U);
    EXPECT_TRUE(world.serves(healthy));
    // Until it has gone nobody is accepted, and nobody else is closed for it.
    world.pass(100ms);
    const auto waiting = world.io.connect_client(80);
    world.send(waiting, ws_world<>::request());
    EXPECT_EQ(world.io.peer_take(waiting), "");
    EXPECT_GT(world.metric("weft_memory_accept_pauses_total"), 0U);
    EXPECT_TRUE(world.serves(healthy));
    world.pass(5s);
    EXPECT_TRUE(world.io.peer_sees_reset(largest));
    EXPECT_EQ(world.causes, std::vector<std::error_code>{make_error_code(errc::shed)});
    EXPECT_FALSE(world.account.exceeded());
    world.pass(100ms);
    EXPECT_TRUE(world.io.peer_take(waiting).starts_with("HTTP/1.1 101 "));
    EXPECT_EQ(world.metric("weft_memory_shed_total"), 1U);
    for (const auto client : {small, middle, last}) {
        EXPECT_FALSE(world.io.peer_sees_reset(client));
    }
}

TEST(memory_guard, sec_w11_far_beyond_the_limit_as_many_go_as_must) {
    guarded_world world;
    std::vector<guarded_world::peer> stuck;
    for (int i = 0; i < 3; ++i) stuck.push_back(world.open());
    for (const auto client : stuck) world.io.peer_window(client, 0);
    for (const auto client : stuck) world.io.peer_send(client, text_frame(std::to_string(3 * mib)));
    world.run();
    EXPECT_EQ(world.metric("weft_memory_shed_total"), 2U) << "one of them fits";
    world.pass(6s);
    EXPECT_FALSE(world.account.exceeded());
    EXPECT_GT(world.metric("weft_memory_used_bytes"), 2 * mib);
    EXPECT_LE(world.metric("weft_memory_used_bytes"), 4 * mib);
}

TEST(memory_guard, messages_that_wait_in_an_outbox_count_and_go_at_once) {
    options chosen;
    chosen.max_queue = 16 * mib;
    chosen.pause_reading_at = 16 * mib;
    guarded_world world(chosen);
    const auto client = world.open();
    world.io.peer_window(client, 0);
    for (int i = 0; i < 10; ++i) world.send(client, text_frame(std::to_string(mib / 2)));
    EXPECT_EQ(world.metric("weft_memory_shed_total"), 1U);
    EXPECT_FALSE(world.account.exceeded()) << "what waited in the outbox is gone at once";
    EXPECT_GT(world.shared.hub.metrics().dropped_at_close.read(), 5U);
}

TEST(memory_guard, bodies_are_refused_while_there_is_no_room) {
    guarded_world world;
    const std::string half(mib / 2, 'b');
    const auto head = "POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n\r\n";
    const auto early = world.io.connect_client(80);
    world.send(early, head);
    const auto stuck = world.open_stuck(4 * mib - 128 * 1024);
    EXPECT_FALSE(world.account.exceeded());
    world.send(early, half);
    EXPECT_TRUE(world.io.peer_take(early).starts_with("HTTP/1.1 503 "));
    EXPECT_FALSE(world.io.peer_sees_reset(stuck)) << "what was refused was not kept";
    world.io.peer_reset(stuck);
    world.run();
    const auto late = world.io.connect_client(80);
    world.run();
    const std::uint64_t idle = world.loop.budget().used();
    world.send(late, head);
    world.send(late, half);
    EXPECT_GE(world.loop.budget().used(), idle + half.size() + std::string_view(head).size());
    world.send(late, std::string(900'000 - half.size(), 'b'));
    EXPECT_TRUE(world.io.peer_take(late).starts_with("HTTP/1.1 200 "));
    EXPECT_EQ(world.loop.budget().used(), idle);
}

TEST(memory_guard, incomplete_messages_are_refused_while_there_is_no_room) {
    guarded_world world;
    const auto sender = world.open();
    const auto stuck = world.open_stuck(4 * mib - 128 * 1024);
    const std::string whole = text_frame(std::string(mib / 2, '1'));
    world.send(sender, whole.substr(0, mib / 4));
    EXPECT_EQ(world.shared.metrics.errors.read(errc::out_of_budget), 1U);
    EXPECT_FALSE(world.io.peer_sees_reset(stuck));
}

TEST(memory_guard, compression_counts_and_is_given_back_when_idle) {
    options chosen;
    chosen.deflate.emplace();
    guarded_world world(chosen);
    const auto client = world.open("Sec-WebSocket-Extensions: permessage-deflate\r\n");
    const std::uint64_t idle = world.loop.budget().used();
    EXPECT_LT(idle, 1000U);
    world.send(client, text_frame("1000"));
    EXPECT_GT(world.loop.budget().used(), 30'000U);
    EXPECT_LT(world.loop.budget().used(), 60'000U);
    (void)world.io.peer_take(client);  // else we would watch how it takes that
    world.pass(26s);
    EXPECT_EQ(world.loop.budget().used(), idle);
    world.send(client, text_frame("1000"));
    world.io.peer_reset(client);
    world.run();
    EXPECT_EQ(world.loop.budget().used(), 0U);
}

}  // namespace
}  // namespace weft::ws::test
