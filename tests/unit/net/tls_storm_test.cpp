// Many TLS handshakes at once on one loop of the sim backend, counted in iterations: whoever is
// connected does not wait for them.

#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "support/sim_world.hpp"
#include "tls_peer.hpp"

namespace weft::net::testing {
namespace {

class tls_storm : public ::testing::Test {
protected:
    using client = openssl_peer;

    tls_storm() {
        acceptor.prepare = world.acceptor.prepare = [](weft::test::record& r) { r.echo = true; };
        listen_options where;
        where.port = 443;
        EXPECT_TRUE(world.core.listen(where, acceptor, make_server()));
    }
    /// A TLS client whose handshake is done.
    sim_backend::peer connect(client& tls) {
        const auto peer = world.io.connect_client(443);
        world.run();
        for (int i = 0; i < 10 && SSL_is_init_finished(tls.ssl()) == 0; ++i) {
            world.io.peer_send(peer, tls.step(world.io.peer_take(peer)));
            world.run();
        }
        EXPECT_EQ(SSL_is_init_finished(tls.ssl()), 1);
        return peer;
    }
    /// So many have connected and said hello; nothing of it was handled yet.
    std::vector<sim_backend::peer> say_hello(std::size_t count) {
        std::vector<sim_backend::peer> peers;
        while (peers.size() < count) peers.push_back(world.io.connect_client(443));
        for (std::size_t i = 0; i < count; i += loop_budgets{}.accepts) world.run();
        client one(client::role::client);
        const std::string hello = one.step();
        for (const auto p : peers) world.io.peer_send(p, hello);
        return peers;
    }

    weft::test::probe_acceptor acceptor;
    weft::test::sim_world world;
};

TEST_F(tls_storm, open_connections_are_served_in_every_iteration) {
    constexpr std::size_t count = 200;
    constexpr std::size_t budget = loop_budgets{}.tls_handshakes;
    const auto plain = world.open().peer;
    client tls(client::role::client);
    const auto secure = connect(tls);
    auto waiting = say_hello(count);
    std::size_t iterations = 0;
    while (!waiting.empty() && iterations < count) {
        ++iterations;
        world.io.peer_send(plain, "x");
        world.io.peer_send(secure, tls.write("y"));
        world.run();
        EXPECT_EQ(world.io.peer_take(plain), "x");
        tls.step(world.io.peer_take(secure));
        EXPECT_EQ(tls.plain.size(), iterations);
        const std::size_t answered = std::erase_if(
            waiting, [&](sim_backend::peer p) { return !world.io.peer_take(p).empty(); });
        EXPECT_LE(answered, budget);
    }
    EXPECT_EQ(iterations, count / budget) << "all got their turn, none of it was wasted";
}

TEST_F(tls_storm, who_hangs_up_while_its_hello_waits_costs_no_handshake) {
    constexpr std::size_t budget = loop_budgets{}.tls_handshakes;
    const auto gone = say_hello(3 * budget);
    for (const auto p : gone) world.io.peer_end(p);
    world.run(5);
    std::size_t answered = 0;
    for (const auto p : gone) answered += world.io.peer_take(p).empty() ? 0 : 1;
    EXPECT_EQ(answered, budget) << "those of the first turn, whose end came in an event of its own";
    EXPECT_EQ(world.core.connections(), 0U);
}

TEST_F(tls_storm, an_end_behind_a_finished_handshake_is_no_hanging_up) {
    client tls(client::role::client);
    const auto peer = connect(tls);
    world.io.peer_send(peer, tls.write("last words"));
    world.io.peer_end(peer);
    world.run(3);
    EXPECT_EQ(acceptor.accepted.back()->received, "last words");
}

}  // namespace
}  // namespace weft::net::testing
