// The PROXY header, split at every byte, and a connection that begins with one: who the peer is,
// who is refused, and what comes behind the header, with and without TLS.

#include <gtest/gtest.h>

#include "net/proto/proxy_header.hpp"
#include "support/sim_world.hpp"
#include "tls_peer.hpp"

namespace weft::net::testing {
namespace {

using namespace std::chrono_literals;
using parser = proxy_header_parser;

constexpr std::string_view mark("\r\n\r\n\0\r\nQUIT\n", 12);

/// `what` is version and command, `family` that and the transport.
std::string binary(int what, int family, std::string_view rest, std::size_t length) {
    std::string all(mark);
    for (const std::size_t byte : {static_cast<std::size_t>(what), static_cast<std::size_t>(family),
                                   length >> 8U, length & 255U})
        all += static_cast<char>(byte);
    return all.append(rest);
}
std::string binary(int what, int family, std::string_view rest) {
    return binary(what, family, rest, rest.size());
}

const std::string v4_addresses("\xC0\x00\x02\x07\x7F\x00\x00\x01\x12\x34\x00\x50", 12);
const std::string v6_addresses = std::string("\x20\x01\x0D\xB8", 4) + std::string(11, '\0') +
                                 "\x01" + std::string(16, '\x02') +
                                 std::string("\x12\x34\x00\x50", 4);

/// What becomes of a header: "ADDRESS PORT", "own" or "failed".
std::string read(std::string_view bytes, std::size_t step) {
    parser p;
    std::size_t at = 0;
    while (at < bytes.size()) {
        const std::string part(bytes.substr(at, step));
        const auto [now, consumed] = p.parse(as_bytes(part));
        at += consumed;
        if (now == parser::status::failed) return "failed";
        if (now == parser::status::incomplete) {
            EXPECT_EQ(consumed, part.size());
            continue;
        }
        EXPECT_EQ(bytes.substr(at).substr(0, 4), "GET ") << "behind the header";
        return p.address().empty() ? "own" : p.address() + " " + std::to_string(p.port());
    }
    return "incomplete";
}

std::string outcome(const std::string& header) {
    const std::string bytes = header + "GET / HTTP/1.1";
    const std::string whole = read(bytes, bytes.size());
    for (std::size_t step = 1; step < header.size() + 2; ++step)
        EXPECT_EQ(read(bytes, step), whole) << "in steps of " << step;
    return whole;
}

TEST(proxy_header, version_1_is_a_line_of_text) {
    EXPECT_EQ(outcome("PROXY TCP4 192.0.2.7 127.0.0.1 4660 80\r\n"), "192.0.2.7 4660");
    EXPECT_EQ(outcome("PROXY TCP6 2001:db8::1 ::1 1 65535\r\n"), "2001:db8::1 1");
    EXPECT_EQ(outcome("PROXY UNKNOWN\r\n"), "own");
    EXPECT_EQ(outcome("PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n"), "own");
    EXPECT_EQ(outcome("PROXY UNKNOWN " + std::string(91, 'x') + "\r\n"), "own") << "107 bytes";
    for (const std::string bad :
         {"PROXY TCP4 192.0.2.7 127.0.0.1 4660 80\n", "PROXY TCP5 1.2.3.4 1.2.3.4 1 2\r\n",
          "PROXY tcp4 1.2.3.4 1.2.3.4 1 2\r\n", "PROXY TCP4 1.2.3.4 1.2.3.4 1 65536\r\n",
          "PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n", "PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n",
          "PROXY TCP4 1.2.3.4  1.2.3.4 1 2\r\n", "PROXY TCP4 1.2.3.4 1.2.3.4 1 2 \r\n",
          "PROXY TCP4 1.2.3.4 1.2.3.4 +1 2\r\n", "PROXY TCP4 1.\r.3.4 1.2.3.4 1 2\r\n",
          "PROXY TCP4\r\n", "PROXY \r\n", "PROXY\r\n", "proxy TCP4 1.2.3.4 1.2.3.4 1 2\r\n",
          "GET / HTTP/1.1\r\n"})
        EXPECT_EQ(outcome(bad), "failed") << bad;
    EXPECT_EQ(outcome("PROXY UNKNOWN " + std::string(92, 'x') + "\r\n"), "failed") << "108 bytes";
}

TEST(proxy_header, version_2_is_binary) {
    EXPECT_EQ(outcome(binary(0x21, 0x11, v4_addresses)), "192.0.2.7 4660");
    EXPECT_EQ(outcome(binary(0x21, 0x21, v6_addresses)),
              "2001:0db8:0000:0000:0000:0000:0000:0001 4660");
    EXPECT_EQ(outcome(binary(0x20, 0x11, v4_addresses)), "own") << "LOCAL: a health check";
    EXPECT_EQ(outcome(binary(0x20, 0x00, "")), "own");
    EXPECT_EQ(outcome(binary(0x21, 0x00, "")), "own") << "unspecified";
    EXPECT_EQ(outcome(binary(0x21, 0x31, std::string(216, '/'))), "own") << "a unix socket";
    EXPECT_EQ(outcome(binary(0x21, 0x12, v4_addresses)), "own") << "of a datagram";
    EXPECT_EQ(outcome(binary(0x11, 0x11, v4_addresses)), "failed") << "version 1";
    EXPECT_EQ(outcome(binary(0x22, 0x11, v4_addresses)), "failed") << "command 2";
    EXPECT_EQ(outcome(binary(0x21, 0x11, v4_addresses.substr(1))), "failed") << "too short";
    EXPECT_EQ(outcome(binary(0x21, 0x21, v6_addresses.substr(1))), "failed");
    EXPECT_EQ(outcome(binary(0x21, 0x31, std::string(215, '/'))), "failed");
    EXPECT_EQ(outcome("\r\n\r\n\r\n\r\nQUIT\n"), "failed");
}

TEST(proxy_header, skips_tlvs_up_to_a_bound) {
    const auto with_tlvs = [](std::size_t size) {
        return binary(0x21, 0x11, v4_addresses + std::string(size, '\x04'));
    };
    EXPECT_EQ(outcome(with_tlvs(9)), "192.0.2.7 4660");
    parser p;
    const std::string longest = with_tlvs(parser::longest_binary - 28);
    ASSERT_EQ(longest.size(), 4096U);
    EXPECT_EQ(p.parse(as_bytes(longest)).what, parser::status::complete);
    parser q;
    const auto [now, consumed] = q.parse(as_bytes(with_tlvs(parser::longest_binary - 27)));
    EXPECT_EQ(now, parser::status::failed);
    EXPECT_EQ(consumed, 16U) << "as soon as the length is known";
}

// ---- Connections ----

struct log_lines : log_sink {
    void write(const log_record& record) noexcept override { lines.emplace_back(record.message); }
    std::vector<std::string> lines;
};

loop_options logging_to(log_sink& sink) {
    loop_options options;
    options.log = &sink;
    return options;
}

struct proxied_world : log_lines, weft::test::sim_world {
    explicit proxied_world(std::shared_ptr<tls_server_context> tls = {})
        : sim_world(logging_to(*this)) {
        acceptor.prepare = [](weft::test::record& r) { r.echo = true; };
        listen_options where;
        where.port = 81;
        where.proxy_protocol_from = {"127.0.0.0/8"};
        EXPECT_TRUE(core.listen(where, acceptor, std::move(tls)));
    }
    sim_backend::peer connect(std::string_view bytes, std::string_view from = "127.0.0.1") {
        const auto peer = io.connect_client(81, from);
        run();
        io.peer_send(peer, bytes);
        run(2);
        return peer;
    }
    [[nodiscard]] std::uint64_t refused() { return core.metrics().unproxied.read(); }
    [[nodiscard]] std::string client() {
        return acceptor.accepted.back()->stream->peer().address().to_string();
    }
};

TEST(proxy_protocol, sec_h10_the_peer_is_the_client_that_the_proxy_names) {
    proxied_world world;
    auto peer = world.connect("PROXY TCP4 192.0.2.7 127.0.0.1 4660 80\r\nhello");
    EXPECT_EQ(world.client(), "192.0.2.7:4660");
    EXPECT_EQ(world.acceptor.accepted.back()->opened, 1);
    EXPECT_EQ(world.io.peer_take(peer), "hello");
    peer = world.connect(binary(0x21, 0x21, v6_addresses) + "hello");
    EXPECT_EQ(world.client(), "[2001:db8::1]:4660");
    EXPECT_EQ(world.io.peer_take(peer), "hello");
    peer = world.connect(binary(0x20, 0x00, "") + "hello");
    EXPECT_TRUE(world.client().starts_with("127.0.0.1:")) << "the proxy itself: a health check";
    world.pass(1min);
    EXPECT_EQ(world.core.connections(), 3U) << "the header's deadline is over";
    EXPECT_EQ(world.refused(), 0U);
    EXPECT_TRUE(world.lines.empty());
}

TEST(proxy_protocol, nobody_is_asked_before_the_header_is_there) {
    proxied_world world;
    const std::string header = "PROXY TCP6 2001:db8::1 ::1 1 2\r\n";
    const auto peer = world.connect("");
    for (const char c : header) {
        EXPECT_TRUE(world.acceptor.accepted.empty());
        world.io.peer_send(peer, std::string_view(&c, 1));
        world.run();
    }
    ASSERT_EQ(world.acceptor.accepted.size(), 1U);
    world.io.peer_send(peer, "x");
    world.run(2);
    EXPECT_EQ(world.io.peer_take(peer), "x");
}

TEST(proxy_protocol, sec_h10_others_than_trusted_proxies_are_refused) {
    proxied_world world;
    const auto peer = world.connect("PROXY TCP4 192.0.2.7 127.0.0.1 1 80\r\nhello", "10.0.0.1");
    EXPECT_TRUE(world.io.peer_sees_end(peer) || world.io.peer_sees_reset(peer));
    EXPECT_EQ(world.core.connections(), 0U);
    EXPECT_EQ(world.refused(), 1U);
    ASSERT_EQ(world.lines.size(), 1U);
    EXPECT_TRUE(world.lines[0].starts_with(
        "a listener with proxy_protocol closed a connection: 'it is none "
        "of the trusted proxies (trusted_proxies)', from 10.0.0.1:"))
        << world.lines[0];
}

TEST(proxy_protocol, sec_h10_a_header_that_is_wrong_or_late_ends_the_connection) {
    proxied_world world;
    for (const std::string bad :
         {"GET / HTTP/1.1\r\n", "PROXY TCP4 nobody 127.0.0.1 1 2\r\n",
          "PROXY TCP4 ::1 127.0.0.1 1 2\r\n", "PROXY TCP6 1.2.3.4 ::1 1 2\r\n"}) {
        const auto refused = world.refused();
        const auto peer = world.connect(bad);
        EXPECT_TRUE(world.io.peer_sees_reset(peer)) << bad;
        EXPECT_EQ(world.refused(), refused + 1);
    }
    const auto late = world.connect("PROXY ");
    const auto silent = world.connect("");
    world.pass(4900ms);
    EXPECT_EQ(world.core.connections(), 2U);
    world.pass(200ms);
    EXPECT_EQ(world.core.connections(), 0U);
    EXPECT_TRUE(world.io.peer_sees_reset(late));
    EXPECT_TRUE(world.io.peer_sees_reset(silent));
    EXPECT_EQ(world.refused(), 6U);
    EXPECT_EQ(world.lines.size(), 1U) << "one line per minute";
    EXPECT_TRUE(world.acceptor.accepted.empty());
}

TEST(proxy_protocol, who_goes_without_a_word_is_not_counted) {
    proxied_world world;
    world.io.peer_end(world.connect(""));
    world.run(2);
    EXPECT_EQ(world.refused(), 0U);
    world.io.peer_end(world.connect("PROXY TCP4"));
    world.run(2);
    EXPECT_EQ(world.refused(), 1U);
    EXPECT_EQ(world.core.connections(), 0U);
}

TEST(proxy_protocol, comes_before_tls) {
    for (const bool together : {true, false}) {
        proxied_world world(make_server());
        openssl_peer tls(openssl_peer::role::client);
        const std::string header = "PROXY TCP4 192.0.2.7 127.0.0.1 4660 80\r\n";
        const auto peer = world.connect(together ? header + tls.step() : header);
        if (!together) world.io.peer_send(peer, tls.step());
        for (int i = 0; i < 10; ++i) {
            world.run();
            world.io.peer_send(peer, tls.step(world.io.peer_take(peer)));
        }
        ASSERT_EQ(SSL_is_init_finished(tls.ssl()), 1);
        EXPECT_EQ(world.client(), "192.0.2.7:4660");
        EXPECT_TRUE(world.acceptor.accepted.back()->stream->peer().secure());
        world.io.peer_send(peer, tls.write("hello"));
        world.run(2);
        (void)tls.step(world.io.peer_take(peer));
        EXPECT_EQ(tls.plain, "hello");
    }
}

// A handshake costs a millisecond: those whose first bytes came with the header wait, too.
TEST(proxy_protocol, handshakes_behind_a_header_keep_to_the_budget) {
    proxied_world world(make_server());
    std::vector<std::unique_ptr<openssl_peer>> all;
    std::vector<sim_backend::peer> peers;
    while (all.size() < 40) {
        all.push_back(std::make_unique<openssl_peer>(openssl_peer::role::client));
        peers.push_back(world.io.connect_client(81));
    }
    world.run();
    for (std::size_t i = 0; i < all.size(); ++i)
        world.io.peer_send(peers[i], "PROXY TCP4 192.0.2.7 127.0.0.1 1 80\r\n" + all[i]->step());
    const auto answered = [&] {
        std::size_t count = 0;
        for (std::size_t i = 0; i < all.size(); ++i) {
            const std::string flight = world.io.peer_take(peers[i]);
            if (flight.empty()) continue;
            ++count;
            world.io.peer_send(peers[i], all[i]->step(flight));
        }
        return count;
    };
    world.run();
    const std::size_t first = answered();
    EXPECT_GT(first, 0U);
    EXPECT_LE(first, loop_budgets{}.tls_handshakes);
    for (int i = 0; i < 60; ++i) {
        world.run();
        (void)answered();
    }
    for (const auto& one : all) EXPECT_EQ(SSL_is_init_finished(one->ssl()), 1);
}

}  // namespace
}  // namespace weft::net::testing
