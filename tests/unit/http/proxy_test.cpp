// Requests by way of a trusted proxy: whose they are, whom the limits count, and that nobody else
// can pretend to be one.

#include <gtest/gtest.h>

#include "http_world.hpp"
#include "net/traffic_meter.hpp"

namespace weft::http::testing {
namespace {

options behind_proxies() {
    options limits;
    limits.trusted_proxies = {"127.0.0.1", "10.0.0.0/8"};
    return limits;
}

/// Says whose request it is: "ADDRESS SCHEME HOST", and by whom.
struct who_world : http_world {
    explicit who_world(const options& limits = behind_proxies()) : http_world(limits) {
        (void)routes.get("/", [](const request& req) {
            return response::text(
                200, req.peer().address().address() + (req.peer().secure() ? " https " : " http ") +
                         std::string(req.host()) + (req.by_proxy() ? " by proxy" : ""));
        });
        (void)routes.get("/handshake", [](const request& req) {
            return response::text(200, std::string(handshake(req).address()));
        });
        (void)routes.post("/", [](const request& req) {
            return response::text(200,
                                  req.peer().address().address() + " " + std::string(req.host()));
        });
    }
    ~who_world() { shut_down(); }
    std::string answer(peer client, std::string_view lines, std::string_view path = "/") {
        send(client, get(path, lines));
        return body_of(take(client));
    }
    std::string ask_from(std::string_view address, std::string_view lines,
                         std::string_view path = "/") {
        return answer(open(address), lines, path);
    }
};

constexpr std::string_view told =
    "X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: example.org\r\n";

TEST(http_proxy, a_trusted_proxy_tells_about_the_client) {
    who_world world;
    EXPECT_EQ(world.ask_from("127.0.0.1", told), "192.0.2.7 https example.org by proxy");
    EXPECT_EQ(world.ask_from("::ffff:10.1.2.3", told), "192.0.2.7 https example.org by proxy");
    EXPECT_EQ(world.ask_from("127.0.0.1", told, "/handshake"), "192.0.2.7");
    EXPECT_EQ(world.ask_from("127.0.0.1", "Forwarded: for=\"[2001:db8::1]:1\"\r\n"),
              "2001:db8::1 http x by proxy");
    EXPECT_EQ(world.ask_from("127.0.0.1", ""), "127.0.0.1 http x by proxy");
    EXPECT_EQ(world.ask_from("127.0.0.1", "X-Forwarded-For: 192.0.2.7, 10.9.9.9\r\n"),
              "192.0.2.7 http x by proxy");
}

TEST(http_proxy, sec_h10_from_anybody_else_the_headers_mean_nothing) {
    who_world world;
    EXPECT_EQ(world.ask_from("192.0.2.66", told), "192.0.2.66 http x");
    EXPECT_EQ(world.ask_from("192.0.2.66", "Forwarded: for=10.0.0.1;host=y\r\n"),
              "192.0.2.66 http x");
    EXPECT_EQ(world.ask_from("::1", told), "::1 http x");
    who_world nobody_trusted{options{}};
    EXPECT_EQ(nobody_trusted.ask_from("127.0.0.1", told), "127.0.0.1 http x");
}

TEST(http_proxy, sec_h10_each_request_of_a_connection_is_its_own_clients) {
    who_world world;
    const auto proxy = world.open("10.0.0.1");
    EXPECT_EQ(world.answer(proxy, told), "192.0.2.7 https example.org by proxy");
    EXPECT_EQ(world.answer(proxy, "X-Forwarded-For: 192.0.2.8\r\n"), "192.0.2.8 http x by proxy");
    EXPECT_EQ(world.answer(proxy, ""), "10.0.0.1 http x by proxy");
    EXPECT_EQ(world.answer(proxy, "X-Forwarded-For: rubbish\r\n"), "10.0.0.1 http x by proxy");
    // With a body that comes later, the head is looked at a second time.
    world.send(proxy,
               "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n" + std::string(told) + "\r\n");
    world.send(proxy, "ab");
    EXPECT_EQ(body_of(world.take(proxy)), "192.0.2.7 example.org");
}

TEST(http_proxy, sec_h10_what_no_head_tells_of_is_not_the_last_clients) {
    net::traffic_meter meter({.per_address = {.errors_per_minute = 1}});
    who_world world;
    world.loop().limit_traffic(meter);
    const auto ask_and_break = [&] {
        const auto proxy = world.open("10.0.0.1");
        EXPECT_EQ(world.answer(proxy, told), "192.0.2.7 https example.org by proxy");
        world.send(proxy, "G@T / HTTP/1.1\r\n\r\n");
        EXPECT_EQ(statuses(world.take(proxy)), std::vector{400});
    };
    for (int i = 0; i < 4; ++i) ask_and_break();
    ASSERT_FALSE(world.notes.empty());
    EXPECT_TRUE(has(world.notes.back(), "from 10.0.0.1:")) << world.notes.back();
}

TEST(http_proxy, a_moved_connection_is_the_proxys_again) {
    who_world world;
    std::string arrived;
    (void)world.routes.get("/far", [](const request&) { return response(); });
    (void)world.routes.place("/far", [](const request&) { return std::optional<std::uint8_t>(1); });
    const auto proxy = world.open("10.0.0.1");
    world.server().on_transfer([&](std::uint8_t, net::moved_stream what) {
        struct reader final : net::acceptor {
            std::string* out;
            std::unique_ptr<net::stream_handler> on_accept(net::byte_stream& stream) override {
                *out = stream.peer().address().address() +
                       (stream.peer().secure() ? " https" : " http");
                return nullptr;
            }
        } accept;
        accept.out = &arrived;
        world.loop().arrive(std::move(what), accept);
    });
    world.send(proxy, get("/far", told));
    EXPECT_EQ(arrived, "10.0.0.1 http");
}

// ---- Names ----

TEST(http_proxy, sec_b3_only_host_itself_decides_whether_a_request_is_for_us) {
    options limits = behind_proxies();
    limits.allowed_hosts = {"localhost"};
    limits.public_origins = {"https://Example.org:8443", "http://[2001:db8::1]"};
    who_world world(limits);
    const auto status = [&](std::string_view host, std::string_view lines = "") {
        return statuses(world.ask("GET / HTTP/1.1\r\nHost: " + std::string(host) + "\r\n" +
                                  std::string(lines) + "\r\n"))[0];
    };
    EXPECT_EQ(status("localhost:80"), 200);
    EXPECT_EQ(status("example.org"), 200) << "of a public origin";
    EXPECT_EQ(status("[2001:db8::1]:80"), 200);
    EXPECT_EQ(status("evil.com"), 421);
    EXPECT_EQ(status("evil.com", "X-Forwarded-Host: localhost\r\n"), 421)
        << "a page under a foreign name can write this header";
    limits.allowed_hosts = {};
    who_world open_world(limits);
    EXPECT_EQ(statuses(open_world.ask("GET / HTTP/1.1\r\nHost: any\r\n\r\n"))[0], 200);
}

TEST(http_proxy, a_421_says_which_option_lets_it) {
    options limits;
    limits.allowed_hosts = {"localhost"};
    who_world world(limits);
    const std::string why =
        "this server does not answer to the name 'a.b:8': http::options::public_origins (weft: "
        "--public-origin https://a.b:8) or allowed_hosts lets it";
    for (int i = 0; i < 3; ++i) {
        const std::string reply = world.ask("GET / HTTP/1.1\r\nHost: a.b:8\r\n\r\n");
        EXPECT_EQ(statuses(reply), std::vector{421});
        EXPECT_EQ(body_of(reply), why + "\n");
    }
    ASSERT_EQ(world.log.size(), 1U) << "one line per minute";

    EXPECT_TRUE(has(world.log[0], "allowed_hosts: 'a.b:8', from 127.0.0.1:")) << world.log[0];
    EXPECT_EQ(world.errors(errc::misdirected), 3U);
}

// ---- Health checks ----

TEST(http_proxy, options_says_what_is_possible) {
    who_world world;
    (void)world.routes.upgrade("/ws", [](const request&, upgrade) {});
    (void)world.routes.on(method::options, "/own",
                          [](const request&) { return response::text(200, "own"); });
    const auto ask = [&](std::string_view target, std::string_view version = "1.1") {
        return world.ask("OPTIONS " + std::string(target) + " HTTP/" + std::string(version) +
                         "\r\n" + (version == "1.1" ? "Host: x\r\n\r\n" : "\r\n"));
    };
    for (const std::string& reply : {ask("/"), ask("/", "1.0")}) {
        EXPECT_EQ(statuses(reply), std::vector{204}) << reply;
        EXPECT_TRUE(has(reply, "Allow: GET, HEAD, POST, OPTIONS\r\n"));
    }
    EXPECT_EQ(statuses(ask("*")), std::vector{204});
    EXPECT_EQ(statuses(ask("*", "1.0")), std::vector{204});
    EXPECT_TRUE(has(ask("/ws"), "Allow: GET, OPTIONS\r\n"));
    EXPECT_EQ(body_of(ask("/own")), "own");
    EXPECT_EQ(statuses(ask("/missing")), std::vector{404});
}

TEST(http_proxy, options_of_the_server_has_an_answer_without_routes) {
    http_world world;
    world.routes.not_found([](const request&) { return response::text(404, "mine"); });
    EXPECT_EQ(statuses(world.ask("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n")), std::vector{204});
    EXPECT_EQ(body_of(world.ask("OPTIONS / HTTP/1.1\r\nHost: x\r\n\r\n")), "mine");
    http_world bare;
    EXPECT_EQ(statuses(bare.ask("OPTIONS / HTTP/1.0\r\n\r\n")), std::vector{204});
    world.shut_down();
    bare.shut_down();
}

}  // namespace
}  // namespace weft::http::testing
