// Connections through a proxy that the test plays by hand, on the sim backend.

#include "http/tunnel.hpp"

#include <memory>
#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "http/user_agent.hpp"
#include "net/backend/sim/sim_backend.hpp"

namespace weft::http {
namespace {

using namespace std::chrono_literals;
using net::sim_backend;

struct reader final : net::stream_handler {
    explicit reader(std::string& into) : text(into) {}
    void on_data(byte_span data) noexcept override { text.append(as_text(data)); }
    void on_closed(std::error_code) noexcept override {}
    std::string& text;
};

class tunnel_test : public testing::Test {
protected:
    tunnel_test()
        : io(*new sim_backend),
          core(std::make_unique<net::loop_core>(std::unique_ptr<net::backend>(&io),
                                                loop_options{})) {
        core->start();
        io.serve_port(3128);
    }

    void start(const client_proxy& by, std::string_view host = "example.org") {
        net::connect_options to;
        to.host = host;
        to.port = 8080;
        to.timeout = 5s;
        connect(*core, std::move(to), by, [this](result<net::byte_stream*> made) {
            ++told;
            if (!made) {
                outcome = made.error().message();
                return;
            }
            outcome = "open";
            stream = *made;
            stream->set_handler(std::make_unique<reader>(heard));
        });
        run();
        const auto taken = io.taken_connections(3128);
        if (taken.size() == 1) proxy = taken[0];
        run();
    }
    void answer(std::string_view text) {
        io.peer_send(proxy, std::string(text));
        run();
    }
    void run(int turns = 4) {
        while (turns-- > 0) core->turn(duration::zero());
    }

    sim_backend& io;
    std::unique_ptr<net::loop_core> core;
    sim_backend::peer proxy = -1;
    net::byte_stream* stream = nullptr;
    std::string heard;
    std::string outcome = "nothing";
    int told = 0;
};

const client_proxy plain{"127.0.0.1", 3128, ""};

TEST_F(tunnel_test, asks_the_proxy_and_hands_over_what_follows) {
    start({"127.0.0.1", 3128, "ann:secret"});
    EXPECT_EQ(io.peer_take(proxy),
              "CONNECT example.org:8080 HTTP/1.1\r\nHost: example.org:8080\r\n"
              "User-Agent: " +
                  std::string(user_agent) +
                  "\r\nProxy-Authorization: Basic YW5uOnNlY3JldA==\r\n\r\n");
    EXPECT_EQ(outcome, "nothing");
    answer("HTTP/1.1 200 Connection ");
    answer("established\r\nVia: x\r\n\r\n");
    EXPECT_EQ(outcome, "open");
    stream->write(as_bytes(std::string_view("to the destination")));
    run();
    EXPECT_EQ(io.peer_take(proxy), "to the destination");
    answer("from the destination");
    EXPECT_EQ(heard, "from the destination");
    EXPECT_EQ(told, 1);
}

TEST_F(tunnel_test, an_ipv6_address_has_brackets) {
    start(plain, "::1");
    EXPECT_EQ(io.peer_take(proxy).substr(0, 23), "CONNECT [::1]:8080 HTTP");
}

TEST_F(tunnel_test, what_the_proxy_refuses_is_told) {
    start(plain);
    answer("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 4\r\n\r\nwho?");
    EXPECT_EQ(outcome, "the proxy answered 407 to CONNECT: the proxy made no tunnel");
    EXPECT_EQ(core->connections(), 0U);
    EXPECT_EQ(told, 1);
}

TEST_F(tunnel_test, a_proxy_cannot_speak_for_the_destination) {
    start(plain);
    answer("HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 101 ");
    EXPECT_EQ(outcome.substr(0, 32), "bytes behind the proxy's respons");
    EXPECT_EQ(core->connections(), 0U);
}

TEST_F(tunnel_test, a_broken_or_silent_or_absent_proxy_is_an_error) {
    start(plain);
    answer("SSH-2.0-x\r\n\r\n");
    EXPECT_EQ(outcome.substr(0, 20), "the proxy's response");
    told = 0;
    start(plain);
    io.advance(5s);
    run();
    EXPECT_EQ(outcome, "the deadline passed");
    start({"127.0.0.1", 1, ""});
    EXPECT_EQ(outcome.substr(0, 10), "the proxy:");
    EXPECT_EQ(told, 2);
    EXPECT_EQ(core->connections(), 0U);
}

TEST_F(tunnel_test, a_loop_that_ends_tells_nobody) {
    start(plain);
    core->shut_down();
    EXPECT_EQ(told, 0);
}

TEST_F(tunnel_test, a_unix_socket_is_behind_no_proxy) {
    net::connect_options to;
    to.unix_path = "/run/x";
    connect(*core, std::move(to), plain,
            [this](result<net::byte_stream*> made) { outcome = made.error().what(); });
    EXPECT_EQ(outcome, "nothing");
    run();
    EXPECT_EQ(outcome, "a proxy leads to no unix socket");
}

}  // namespace
}  // namespace weft::http
