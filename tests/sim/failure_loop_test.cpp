// Each scenario again and again, with a failure at operation 0, 1, 2, ... until it runs through
// without one. A failure may cost the connection that met it; never the loop, a descriptor, or a
// bystander.

#include "support/sim_world.hpp"

namespace weft::test {
namespace {

using scenario = void (*)(sim_world&);

void settle(sim_world& world) {
    for (int i = 0; i < 30; ++i) world.pass(200ms);
}

void echo(sim_world& world) {
    world.acceptor.prepare = [](record& r) { r.echo = true; };
    const auto peer = world.io.connect_client(80);
    for (int i = 0; i < 5; ++i) {
        world.io.peer_send(peer, "message " + std::to_string(i));
        world.run();
        world.io.peer_take(peer);
    }
    world.io.peer_end(peer);
    settle(world);
}

void large_transfer(sim_world& world) {
    world.acceptor.prepare = [](record& r) { r.echo = true; };
    const auto peer = world.io.connect_client(80);
    world.io.peer_window(peer, 10'000);
    world.io.limit_receive(30'000);
    world.io.peer_send(peer, pattern(200'000));
    for (int i = 0; i < 40; ++i) {
        world.run();
        world.io.peer_take(peer);
    }
    world.io.peer_end(peer);
    settle(world);
}

void connect_and_echo(sim_world& world) {
    world.acceptor.prepare = [](record& r) { r.echo = true; };
    net::connect_options to;
    to.host = "127.0.0.1";
    to.port = 80;
    int outcomes = 0;
    auto stream = std::make_shared<record>();
    stream->on_data = [](record& r) {
        if (r.received.size() >= 5) r.stream->close();
    };
    world.core.connect(to, [&outcomes, stream](result<net::byte_stream*> got) {
        ++outcomes;
        if (!got) return;
        (*got)->set_handler(std::make_unique<probe>(**got, stream));
        stream->write("hello");
    });
    settle(world);
    EXPECT_EQ(outcomes, 1);
    if (stream->id) {
        EXPECT_EQ(stream->closed, 1);
    }
}

void accept_burst(sim_world& world) {
    for (int i = 0; i < 20; ++i) {
        const auto peer = world.io.connect_client(80);
        world.io.peer_send(peer, "x");
        world.io.peer_end(peer);
    }
    settle(world);
}

void close_during_write(sim_world& world) {
    world.acceptor.prepare = [](record& r) {
        r.on_open = [](record& opened) {
            opened.write(std::string(30'000, 'a'));
            opened.write("tail");
            opened.stream->close();
        };
    };
    const auto peer = world.io.connect_client(80);
    world.io.peer_window(peer, 4'000);
    for (int i = 0; i < 12; ++i) {
        world.run();
        world.io.peer_take(peer);
    }
    world.io.peer_end(peer);
    settle(world);
}

class failure_loop : public testing::TestWithParam<std::pair<const char*, scenario>> {};

TEST_P(failure_loop, costs_at_most_the_connection_that_met_it) {
    const scenario run = GetParam().second;
    for (const std::errc why :
         {std::errc::connection_reset, std::errc::broken_pipe, std::errc::too_many_files_open,
          std::errc::not_enough_memory, std::errc::no_buffer_space, std::errc::timed_out}) {
        std::size_t operations = 1;
        for (std::size_t at = 0; at < operations; ++at) {
            SCOPED_TRACE(std::string(GetParam().first) + ", operation " + std::to_string(at) +
                         " fails with " + std::make_error_code(why).message());
            sim_world world;
            auto [peer, bystander] = world.open();
            bystander->echo = true;
            const std::size_t start = world.io.operations();
            world.io.fail_operation(start + at, why);
            run(world);
            if (at == 0) operations = 10'000;  // until one runs through
            if (world.io.operations() <= start + at) operations = at + 1;

            world.io.fail_operation(SIZE_MAX, why);
            world.io.limit_receive(SIZE_MAX);
            world.io.peer_send(peer, "still here?");
            world.run(2);
            EXPECT_EQ(world.io.peer_take(peer), "still here?");
            EXPECT_EQ(bystander->closed, 0);
            EXPECT_EQ(world.core.connections(), 1U);
            world.acceptor.prepare = nullptr;
            EXPECT_EQ(world.open().record->opened, 1) << "accepts no more";
            world.core.shut_down();
            EXPECT_EQ(world.io.open_descriptors(), 0U);
            for (const auto& r : world.acceptor.accepted) {
                EXPECT_EQ(r->closed, 1);
                EXPECT_TRUE(r->buried);
            }
            if (HasFailure()) return;
        }
        EXPECT_GT(operations, 5U);
        EXPECT_LT(operations, 10'000U);
    }
}

INSTANTIATE_TEST_SUITE_P(net, failure_loop,
                         testing::Values(std::pair{"echo", &echo},
                                         std::pair{"large_transfer", &large_transfer},
                                         std::pair{"connect_and_echo", &connect_and_echo},
                                         std::pair{"accept_burst", &accept_burst},
                                         std::pair{"close_during_write", &close_during_write}),
                         [](const auto& tested) { return std::string(tested.param.first); });

}  // namespace
}  // namespace weft::test
