// A whole server in this process: what is called from other threads, with one loop and with three.

#include "server_world.hpp"

#include <map>
#include <set>

namespace weft::test {
namespace {

class server_threads : public testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(loops, server_threads, testing::Values(1U, 3U));

TEST_P(server_threads, send_and_close_reach_a_connection_from_any_thread) {
    server s(with_threads(GetParam()));
    inbox<conn_id> opened;
    inbox<conn_id> closed;
    s.ws("/ws").on_open([&](auto& c) { opened.put(c.id()); }).on_close([&](auto& c, auto&) {
        closed.put(c.id());
    });
    const auto port = s.listen(loopback());
    ASSERT_TRUE(port);
    running run(s);
    std::vector<client> clients;
    for (int i = 0; i < 12; ++i) {
        clients.emplace_back(*port);
        ASSERT_TRUE(clients.back().handshake().starts_with("HTTP/1.1 101 "));
        (void)opened.wait_for(clients.size());
    }
    const auto ids = opened.wait_for(clients.size());
    std::set<std::uint64_t> distinct;
    for (const conn_id id : ids) distinct.insert(id.value());
    EXPECT_EQ(distinct.size(), clients.size());
    for (std::size_t i = 0; i < clients.size(); ++i) {
        EXPECT_EQ(s.send(ids[i], message::text("for " + std::to_string(i))), send_status::queued);
    }
    for (std::size_t i = 0; i < clients.size(); ++i) {
        EXPECT_EQ(clients[i].frame().payload, "for " + std::to_string(i));
    }
    s.close(ids[5], ws::close_code{4005}, "go");
    EXPECT_EQ(clients[5].frame().close_code(), 4005);
    clients[5].send(close_frame(4005));
    EXPECT_EQ(closed.wait_for(1)[0], ids[5]);
    // A stale id, one of no loop, and none at all do nothing.
    EXPECT_NE(s.send(ids[5], message::text("nobody")), send_status::sent);
    s.close(ids[5]);
    EXPECT_EQ(s.send(conn_id(200, 1, 1), message::text("nowhere")), send_status::closed);
    EXPECT_NE(s.send(conn_id(), message::text("nobody")), send_status::sent);
    s.send(ids[6], message::text("still"));
    EXPECT_EQ(clients[6].frame().payload, "still");
}

TEST_P(server_threads, publish_reaches_every_loop_in_order) {
    server s(with_threads(GetParam()));
    inbox<int> loops;
    s.ws("/ws")
        .on_open([&](auto& c) {
            c.subscribe("news");
            loops.put(c.id().loop());
        })
        .on_message([](auto& c, message_view m) { c.publish("news", m); });
    const auto port = s.listen(loopback());
    ASSERT_TRUE(port);
    running run(s);
    std::vector<client> clients;
    for (int i = 0; i < 24; ++i) {
        clients.emplace_back(*port);
        clients.back().handshake();
    }
    const auto on = loops.wait_for(clients.size());
    EXPECT_EQ(std::set<int>(on.begin(), on.end()).size(), GetParam());
    for (int i = 0; i < 100; ++i) s.publish("news", message::text(std::to_string(i)));
    for (client& c : clients) {
        for (int i = 0; i < 100; ++i) ASSERT_EQ(c.frame().payload, std::to_string(i));
    }
    clients[0].send(text_frame("from a client"));
    for (std::size_t i = 1; i < clients.size(); ++i) {
        EXPECT_EQ(clients[i].frame().payload, "from a client");
    }
}

TEST_P(server_threads, an_event_stream_hears_the_topics_of_websockets_and_ends_with_a_drain) {
    server s(with_threads(GetParam()));
    inbox<int> opened;
    s.ws("/ws").on_message([](auto& c, message_view m) { c.publish("news", m); });
    s.sse("/events/:topic").on_open([&](sse::stream& stream, const http::request& asked) {
        stream.subscribe(asked.param("topic"));
        opened.put(1);
    });
    const auto port = s.listen(loopback());
    ASSERT_TRUE(port);
    running run(s);
    std::vector<client> browsers;
    for (int i = 0; i < 6; ++i) {
        browsers.emplace_back(*port);
        browsers.back().send("GET /events/news HTTP/1.0\r\nHost: x\r\n\r\n");
        EXPECT_TRUE(browsers.back().head().starts_with("HTTP/1.1 200 "));
    }
    (void)opened.wait_for(browsers.size());
    client speaker(*port);
    speaker.handshake();
    speaker.send(text_frame("hello"));
    for (client& b : browsers) EXPECT_EQ(b.take("data: hello\n\n"), "data: hello\n\n");
    s.drain(10s);
    for (client& b : browsers) EXPECT_EQ(b.rest(), "");
}

TEST_P(server_threads, drain_says_1001_flushes_and_returns_0) {
    server s(with_threads(GetParam()));
    inbox<ws::close_code> closed;
    inbox<conn_id> opened;
    s.ws("/ws")
        .on_open([&](auto& c) { opened.put(c.id()); })
        .on_close([&](auto&, const ws::close_event& e) { closed.put(e.code); });
    const auto port = s.listen(loopback());
    ASSERT_TRUE(port);
    running run(s);
    std::vector<client> clients;
    for (int i = 0; i < 9; ++i) {
        clients.emplace_back(*port);
        clients.back().handshake();
    }
    clients.emplace_back(*port);  // one that has asked nothing
    client& idle = clients.back();
    const std::string large(1'000'000, 'q');
    for (const conn_id id : opened.wait_for(9)) s.send(id, message::text(large));
    s.drain(10s);
    for (std::size_t i = 0; i < 9; ++i) {
        client& c = clients[i];
        EXPECT_EQ(c.frame().payload.size(), large.size());
        const server_frame last = c.frame();
        EXPECT_EQ(last.op(), 8);
        EXPECT_EQ(last.close_code(), 1001);
        c.send(close_frame(1001));
        EXPECT_EQ(c.rest(), "");
    }
    EXPECT_EQ(idle.rest(), "");
    { const std::vector<client> gone = std::move(clients); }
    EXPECT_EQ(run.join(), 0);
    for (const auto code : closed.wait_for(9)) EXPECT_EQ(code, ws::close_code::going_away);
    EXPECT_FALSE(client(*port).connected());
}

TEST_P(server_threads, a_client_that_never_answers_is_dropped_at_the_drains_deadline) {
    server s(with_threads(GetParam()));
    inbox<std::error_code> closed;
    s.ws("/ws").on_close([&](auto&, const ws::close_event& e) { closed.put(e.cause); });
    const auto port = s.listen(loopback());
    ASSERT_TRUE(port);
    running run(s);
    client silent(*port);
    silent.handshake();
    const auto began = std::chrono::steady_clock::now();
    s.drain(200ms);
    EXPECT_EQ(run.join(), 0);
    const auto took = std::chrono::steady_clock::now() - began;
    EXPECT_GE(took, 200ms);
    EXPECT_LT(took, 5s);
    EXPECT_EQ(closed.wait_for(1)[0], condition::shutting_down);
}

TEST_P(server_threads, stop_ends_at_once) {
    server s(with_threads(GetParam()));
    inbox<int> closed;
    s.ws("/ws").on_close([&](auto&, auto&) { closed.put(1); });
    const auto port = s.listen(loopback());
    ASSERT_TRUE(port);
    running run(s);
    client open(*port);
    open.handshake();
    s.stop();
    EXPECT_EQ(run.join(), 0);
    (void)closed.wait_for(1);
    EXPECT_EQ(open.frame().payload, "end");
}

TEST_P(server_threads, a_second_server_on_the_port_is_refused) {
    server first(with_threads(GetParam()));
    const auto port = first.listen(loopback());
    ASSERT_TRUE(port);
    for (const unsigned threads : {1U, 3U}) {
        server second(with_threads(threads));
        const auto refused = second.listen({"127.0.0.1", *port});
        ASSERT_FALSE(refused);
        EXPECT_NE(refused.error().message().find(std::to_string(*port)), std::string::npos)
            << refused.error().message();
        run_options options;
        options.host = "127.0.0.1";
        options.port = *port;
        options.signals = signal_handling::none;
        EXPECT_EQ(second.run(options), 1);
        EXPECT_NE(second.failure(), "");
    }
}

TEST(server_setup, says_which_endpoint_or_option_is_wrong) {
    const auto failure = [](std::string_view pattern, const ws::options& options) {
        server s;
        s.ws(pattern, options);
        const auto port = s.listen(loopback());
        EXPECT_FALSE(port);
        EXPECT_EQ(s.run(signal_handling::none), 1);
        return s.failure();
    };
    const auto contains = [](const std::string& text, std::string_view part) {
        return text.find(part) != std::string::npos;
    };
    EXPECT_TRUE(contains(failure("no-slash", {}), "no-slash"));
    ws::options o;
    o.origins = {"*"};
    EXPECT_TRUE(contains(failure("/ws", o), "origins"));
    o = {};
    o.max_queue = 1000;
    EXPECT_TRUE(contains(failure("/ws", o), "max_queue"));
    o = {};
    o.idle_timeout = 1s;
    EXPECT_TRUE(contains(failure("/ws", o), "idle_timeout"));
    o = {};
    o.subprotocols = {"two words"};
    EXPECT_TRUE(contains(failure("/ws", o), "two words"));
    o = {};
    o.deflate.emplace().window_bits = 8;
    EXPECT_TRUE(contains(failure("/ws", o), "window_bits"));
    server twice;
    twice.ws("/ws");
    twice.ws("/ws");
    EXPECT_FALSE(twice.listen(loopback()));
}

TEST(server_setup, listens_on_a_unix_socket_and_on_an_adopted_descriptor) {
    for (const unsigned threads : {1U, 3U}) {
        server s(with_threads(threads));
        s.ws("/ws").on_message([](auto& c, message_view m) { c.send(m); });
        const std::string path =
            testing::TempDir() + "weft_server_test." + std::to_string(::getpid());
        server_address where;
        where.unix_path = path;
        ASSERT_TRUE(s.listen(where));
        const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in any{};
        any.sin_family = AF_INET;
        any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&any), sizeof any), 0);
        ASSERT_EQ(::listen(fd, 16), 0);
        where = {};
        where.adopt_fd = fd;
        const auto port = s.listen(where);
        ASSERT_TRUE(port);
        running run(s);
        client by_path(path);
        EXPECT_TRUE(by_path.handshake().starts_with("HTTP/1.1 101 "));
        by_path.send(text_frame("unix"));
        EXPECT_EQ(by_path.frame().payload, "unix");
        client by_port(*port);
        EXPECT_TRUE(by_port.handshake().starts_with("HTTP/1.1 101 "));
        by_port.send(text_frame("adopted"));
        EXPECT_EQ(by_port.frame().payload, "adopted");
    }
}

TEST(server_setup, proxies_are_trusted_on_unix_sockets_and_by_the_proxy_protocol) {
    for (const unsigned threads : {1U, 3U}) {
        server_options options = with_threads(threads);
        server_address where = loopback();
        where.proxy_protocol = true;
        const auto refused = server(options).listen(where);
        ASSERT_FALSE(refused);
        EXPECT_EQ(
            refused.error().what(),
            "server_address::proxy_protocol needs http::options::trusted_proxies: the proxies "
            "that it comes from");
        options.http.trusted_proxies = {"unix", "127.0.0.1"};
        server s(options);
        s.ws("/ws").on_open([](auto& c, const http::handshake& asked) { c.send(asked.address()); });
        const auto port = s.listen(where);
        ASSERT_TRUE(port);
        where = {};
        where.unix_path = testing::TempDir() + "weft_proxied." + std::to_string(::getpid());
        ASSERT_TRUE(s.listen(where));
        running run(s);
        client by_path(where.unix_path);
        EXPECT_TRUE(
            by_path.handshake("X-Forwarded-For: 192.0.2.7\r\n").starts_with("HTTP/1.1 101 "));
        EXPECT_EQ(by_path.frame().payload, "192.0.2.7");
        client by_port(*port);
        by_port.send("PROXY TCP6 2001:db8::1 ::1 1 2\r\n");
        EXPECT_TRUE(by_port.handshake().starts_with("HTTP/1.1 101 "));
        EXPECT_EQ(by_port.frame().payload, "2001:db8::1");
    }
}

TEST(server_limits, connections_above_the_limit_are_closed_at_once) {
    server_options options;
    options.max_connections = 3;
    server s(options);
    s.ws("/ws").on_message([](auto& c, message_view m) { c.send(m); });
    const auto port = s.listen(loopback());
    ASSERT_TRUE(port);
    running run(s);
    std::vector<client> held;
    for (int i = 0; i < 3; ++i) {
        held.emplace_back(*port);
        EXPECT_TRUE(held.back().handshake().starts_with("HTTP/1.1 101 "));
    }
    client extra(*port);
    EXPECT_EQ(extra.rest(), "");
    held[0].send(text_frame("fine"));
    EXPECT_EQ(held[0].frame().payload, "fine");
    EXPECT_NE(s.metrics_text().find("\nweft_ws_connections 3\n"), std::string::npos);
}

/// The text format, strictly: HELP and TYPE once per family and before its samples, families not
/// interleaved, no series twice.
std::map<std::string, double> parse_metrics(const std::string& text) {
    std::map<std::string, double> series;
    std::set<std::string> families;
    std::string family;
    std::size_t at = 0;
    EXPECT_TRUE(text.ends_with('\n'));
    bool histogram = false;
    bool typed = false;
    while (at < text.size()) {
        const std::size_t end = text.find('\n', at);
        const std::string line = text.substr(at, end - at);
        at = end + 1;
        const bool help = line.starts_with("# HELP ");
        if (help || line.starts_with("# TYPE ")) {
            const std::string name = line.substr(7, line.find(' ', 7) - 7);
            const std::string what = line.substr(8 + name.size());
            if (help) {
                EXPECT_TRUE(families.insert(name).second) << line;
                EXPECT_FALSE(what.empty());
                family = name;
                typed = false;
            } else {
                EXPECT_EQ(name, family) << line;
                EXPECT_FALSE(std::exchange(typed, true)) << line;
                EXPECT_TRUE(what == "counter" || what == "gauge" || what == "histogram") << line;
                histogram = what == "histogram";
                EXPECT_TRUE(what != "counter" || name.ends_with("_total")) << line;
            }
            continue;
        }
        const std::size_t space = line.rfind(' ');
        const std::string key = line.substr(0, space);
        std::string name = key.substr(0, key.find('{'));
        for (const std::string_view part : {"_bucket", "_sum", "_count"}) {
            if (histogram && name.ends_with(part)) name.resize(name.size() - part.size());
        }
        EXPECT_EQ(name, family) << line;
        EXPECT_TRUE(typed) << line;
        EXPECT_TRUE(key.find('{') == std::string::npos || key.ends_with("\"}")) << line;
        std::size_t used = 0;
        const std::string number = line.substr(space + 1);
        EXPECT_TRUE(series.emplace(key, std::stod(number, &used)).second) << line;
        EXPECT_EQ(used, number.size()) << line;
    }
    return series;
}

TEST_P(server_threads, metrics_are_summed_over_the_loops_and_parse) {
    server s(with_threads(GetParam()));
    s.ws("/ws").on_message([](auto& c, message_view m) { c.send(m); });
    const auto port = s.listen(loopback());
    ASSERT_TRUE(port);
    running run(s);
    std::vector<client> clients;
    for (int i = 0; i < 10; ++i) {
        clients.emplace_back(*port);
        clients.back().handshake();
        clients.back().send(text_frame("x"));
        EXPECT_EQ(clients.back().frame().payload, "x");
    }
    auto seen = parse_metrics(s.metrics_text());
    EXPECT_EQ(seen.at("weft_ws_connections"), 10);
    EXPECT_EQ(seen.at("weft_ws_opened_total"), 10);
    EXPECT_EQ(seen.at("weft_ws_messages_received_total"), 10);
    EXPECT_EQ(seen.at("weft_ws_messages_sent_total"), 10);
    EXPECT_GT(seen.size(), 50U);
}

}  // namespace
}  // namespace weft::test
