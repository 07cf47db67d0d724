// A TLS stream on a backend that completes late: what it encrypted stays as it is until it is sent,
// while more is encrypted behind it.

#include <gtest/gtest.h>

#include "support/sim_world.hpp"
#include "tls_peer.hpp"

namespace weft::net::testing {
namespace {

TEST(tls_stream, records_in_flight_stay_as_they_are) {
    weft::test::sim_world world;
    world.io.behave({.completes_late = true, .lends_buffers = true});
    weft::test::probe_acceptor acceptor;
    acceptor.prepare = [](weft::test::record& r) { r.echo = true; };
    listen_options where;
    where.port = 443;
    ASSERT_TRUE(world.core.listen(where, acceptor, make_server()));

    openssl_peer tls(openssl_peer::role::client);
    const auto peer = world.io.connect_client(443);
    const auto exchange = [&](const std::string& first) {
        world.io.peer_send(peer, first);
        for (int i = 0; i < 20; ++i) {
            world.run();
            world.io.peer_send(peer, tls.step(world.io.peer_take(peer)));
        }
    };
    exchange(tls.step());
    ASSERT_EQ(SSL_is_init_finished(tls.ssl()), 1);

    const std::string large = weft::test::pattern(200'000);
    std::string expected;
    for (const bool held : {true, false}) {
        world.io.hold_sends(held);
        for (const std::string& text : {std::string("one"), large, std::string("two")}) {
            expected += text;
            exchange(tls.write(text));
            exchange(tls.key_updates(1));
        }
        EXPECT_EQ(world.io.sends_in_flight() > 0, held);
    }
    EXPECT_EQ(tls.plain.size(), expected.size());
    EXPECT_TRUE(tls.plain == expected);
    EXPECT_EQ(world.io.damaged_sends(), 0U);
}

}  // namespace
}  // namespace weft::net::testing
