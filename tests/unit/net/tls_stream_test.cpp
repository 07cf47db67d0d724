// A TLS stream on a backend that completes late: what it encrypted stays as it is until it is sent,
// while more is encrypted behind it.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

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

/// A protocol that has something to say to who speaks no TLS.
class polite final : public stream_handler {
public:
    void on_open() noexcept override {}
    void on_data(byte_span) noexcept override { ADD_FAILURE() << "plain bytes came through"; }
    void on_closed(std::error_code why) noexcept override { EXPECT_EQ(why, tls_errc::not_tls); }
    [[nodiscard]] std::string_view answer_to_plain() const noexcept override { return "speak TLS"; }
};

struct polite_acceptor final : acceptor {
    std::unique_ptr<stream_handler> on_accept(byte_stream&) override {
        return std::make_unique<polite>();
    }
};

struct kept_lines final : log_sink {
    void write(const log_record& record) noexcept override {
        if (record.level >= log_level::warning) lines.emplace_back(record.message);
    }
    std::vector<std::string> lines;
};

class TlsPlain : public ::testing::TestWithParam<const char*> {};

TEST_P(TlsPlain, a_client_that_speaks_no_tls_is_told_so) {
    kept_lines log;
    weft::test::sim_world world({.log = &log});
    polite_acceptor acceptor;
    listen_options where;
    where.port = 443;
    ASSERT_TRUE(world.core.listen(where, acceptor, make_server()));
    const auto peer = world.io.connect_client(443);
    world.io.peer_send(peer, GetParam());
    world.run(4);
    EXPECT_EQ(world.io.peer_take(peer), "speak TLS");
    EXPECT_TRUE(world.io.peer_sees_end(peer));
    EXPECT_EQ(world.core.metrics().tls_failures.read(), 1U);
    ASSERT_EQ(log.lines.size(), 1U);
    EXPECT_TRUE(log.lines[0].starts_with("the peer does not speak TLS, which this port does: '"))
        << log.lines[0];
    EXPECT_NE(log.lines[0].find("', from 127.0.0.1:"), std::string::npos) << log.lines[0];
}

INSTANTIATE_TEST_SUITE_P(requests, TlsPlain,
                         ::testing::Values("GET / HTTP/1.1\r\n\r\n", "POST / HTTP/1.1\r\n\r\n",
                                           "OPTIONS / HTTP/1.1\r\n\r\n",
                                           "DELETE / HTTP/1.1\r\n\r\n",
                                           "CONNECT h:1 HTTP/1.1\r\n\r\n"));

}  // namespace
}  // namespace weft::net::testing
