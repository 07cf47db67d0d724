// One HTTP connection over the sim backend: keep-alive, pipelining, bodies, errors, and that
// nothing hidden behind a refused request is ever served.

#include "http/connection.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "http_world.hpp"
#include "smuggling_vectors.hpp"

namespace weft::http {
namespace {

using namespace testing;

/// A server that echoes: GET / gives "hi", POST / its body, /smuggled counts who got there.
struct echo_world : http_world {
    explicit echo_world(const options& limits = {}) : http_world(limits) {
        EXPECT_TRUE(routes.get("/", [](const request&) { return response::text(200, "hi"); }));
        EXPECT_TRUE(routes.post("/", [this](const request& r) {
            bodies.emplace_back(r.body_text());
            return response::text(200, std::string(r.body_text()));
        }));
        EXPECT_TRUE(routes.get("/smuggled", [this](const request&) {
            ++smuggled_requests;
            return response::text(200, "smuggled");
        }));
    }
    std::vector<std::string> bodies;
    int smuggled_requests = 0;
};

TEST(http_connection, an_idle_one_is_small) {
    EXPECT_LE(sizeof(connection), 96U);
}

TEST(http_connection, answers_with_date_length_and_body) {
    echo_world world;
    const std::string reply = world.ask(get("/"));
    EXPECT_TRUE(reply.starts_with("HTTP/1.1 200 OK\r\nDate: ")) << reply;
    EXPECT_TRUE(
        has(reply, " GMT\r\nContent-Length: 2\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"));
    EXPECT_EQ(body_of(reply), "hi");
    EXPECT_FALSE(has(reply, "Connection:"));
    EXPECT_EQ(world.counters().requests.read(), 1U);
    EXPECT_EQ(world.counters().replies[1].read(), 1U);
}

TEST(http_connection, keeps_the_connection_for_further_requests) {
    echo_world world;
    const auto client = world.open();
    for (int i = 0; i < 3; ++i) {
        world.send(client, get("/"));
        EXPECT_EQ(body_of(world.take(client)), "hi");
    }
    EXPECT_FALSE(world.ended(client));
    EXPECT_EQ(world.counters().connections.read(), 1U);
}

TEST(http_connection, answers_pipelined_requests_in_order) {
    echo_world world;
    const std::string reply =
        world.ask(post("/", "one") + get("/") + post("/", "two") + get("/missing") + get("/"));
    EXPECT_EQ(statuses(reply), (std::vector{200, 200, 200, 404, 200}));
    EXPECT_LT(reply.find("one"), reply.find("two"));
    EXPECT_EQ(world.bodies, (std::vector<std::string>{"one", "two"}));
}

TEST(http_connection, any_split_of_pipelined_requests_gives_the_same_replies) {
    const std::string bytes = post("/", "one") +
                              "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                              "3;x=y\r\ntwo\r\n0\r\nT: u\r\n\r\n" +
                              get("/missing") + get("/", "Connection: close\r\n") +
                              get("/smuggled");
    for (std::size_t i = 1; i < bytes.size(); ++i) {
        echo_world world;
        const auto client = world.open();
        world.send(client, bytes.substr(0, i));
        world.send(client, bytes.substr(i));
        EXPECT_EQ(statuses(world.take(client)), (std::vector{200, 200, 404, 200})) << i;
        EXPECT_EQ(world.bodies, (std::vector<std::string>{"one", "two"})) << i;
        EXPECT_TRUE(world.ended(client)) << i;
        EXPECT_EQ(world.smuggled_requests, 0) << i;
    }
}

TEST(http_connection, byte_by_byte_gives_the_same_replies) {
    echo_world world;
    world.io.limit_receive(1);
    const auto client = world.open();
    world.io.peer_send(client, post("/", "one") + get("/"));
    world.run(400);
    EXPECT_EQ(statuses(world.take(client)), (std::vector{200, 200}));
    EXPECT_EQ(world.bodies, std::vector<std::string>{"one"});
}

TEST(http_connection, closes_when_the_request_asks_for_it) {
    echo_world world;
    const auto client = world.open();
    world.send(client, get("/", "Connection: close\r\n"));
    EXPECT_TRUE(has(world.take(client), "Connection: close\r\n"));
    EXPECT_TRUE(world.ended(client));
}

TEST(http_connection, http_1_0_closes_unless_it_asks_to_stay) {
    echo_world world;
    auto client = world.open();
    world.send(client, "GET / HTTP/1.0\r\n\r\n");
    EXPECT_TRUE(has(world.take(client), "Connection: close\r\n"));
    EXPECT_TRUE(world.ended(client));
    client = world.open();
    world.send(client, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    EXPECT_TRUE(has(world.take(client), "Connection: keep-alive\r\n"));
    EXPECT_FALSE(world.ended(client));
}

TEST(http_connection, head_is_get_without_body) {
    echo_world world;
    const std::string reply = world.ask("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n" + get("/"));
    EXPECT_EQ(statuses(reply), (std::vector{200, 200}));
    EXPECT_TRUE(
        has(reply, "Content-Length: 2\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nHTTP/1.1"));
}

TEST(http_connection, a_wrong_method_gets_405_with_allow) {
    echo_world world;
    const std::string reply = world.ask("PUT / HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(statuses(reply), std::vector{405});
    EXPECT_TRUE(has(reply, "Allow: GET, HEAD, POST, OPTIONS\r\n"));
}

TEST(http_connection, a_refused_request_with_a_body_ends_the_connection) {
    echo_world world;
    const auto client = world.open();
    world.send(client, post("/missing", std::string(smuggled)));
    EXPECT_EQ(statuses(world.take(client)), std::vector{404});
    EXPECT_TRUE(world.ended(client));
    EXPECT_EQ(world.smuggled_requests, 0);
}

TEST(http_connection, a_half_closed_peer_still_gets_its_replies) {
    echo_world world;
    const auto client = world.open();
    world.io.peer_send(client, get("/") + get("/"));
    world.io.peer_end(client);
    world.run();
    EXPECT_EQ(statuses(world.take(client)), (std::vector{200, 200}));
    EXPECT_EQ(world.connections(), 0U);
}

TEST(http_connection, body_limit_is_exact_for_both_framings) {
    options limits;
    limits.max_body = 5;
    echo_world world(limits);
    const auto chunked = [](std::string_view chunks) {
        return "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" +
               std::string(chunks);
    };
    EXPECT_EQ(statuses(world.ask(post("/", "12345"))), std::vector{200});
    EXPECT_EQ(statuses(world.ask(post("/", "123456"))), std::vector{413});
    EXPECT_EQ(statuses(world.ask(
                  "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 18446744073709551615\r\n\r\n")),
              std::vector{413});
    EXPECT_EQ(statuses(world.ask(chunked("5\r\n12345\r\n0\r\n\r\n"))), std::vector{200});
    EXPECT_EQ(statuses(world.ask(chunked("3\r\n123\r\n3\r"))), std::vector{413});
    EXPECT_EQ(world.errors(errc::body_too_large), 3U);
}

TEST(http_connection, a_route_has_its_own_body_limit) {
    http_world world;
    ASSERT_TRUE(
        world.routes.post("/small", [](const request&) { return response(204); }, {.max_body = 2}));
    EXPECT_EQ(statuses(world.ask(post("/small", "12"))), std::vector{204});
    EXPECT_EQ(statuses(world.ask(post("/small", "123"))), std::vector{413});
}

TEST(http_connection, a_route_is_told_of_each_part_of_a_body_and_of_its_end) {
    http_world world;
    std::vector<std::string> told;
    ASSERT_TRUE(world.routes.post(
        "/of/:who", [](const request&) { return response(204); },
        {.on_body_part = [&](const request& req) { told.emplace_back(req.param("who")); },
         .on_body_cut =
             [&](const request& req) {
                 told.emplace_back("cut " + std::string(req.param("who")));
             }}));
    ASSERT_TRUE(world.routes.post("/other", [](const request&) { return response(204); }));
    const auto client = world.open();
    const auto send_in_parts = [&](std::string_view path) {
        world.send(client, "POST " + std::string(path) +
                               " HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\n");
        for (const std::string_view part : {"ab", "cd", "ef"}) world.send(client, part);
        EXPECT_EQ(statuses(world.take(client)), std::vector{204});
    };
    send_in_parts("/of/me");
    const std::vector<std::string> thrice{"me", "me", "me"};
    EXPECT_EQ(told, thrice) << "without its body, and with two parts; the last makes it a request";
    send_in_parts("/other");
    send_in_parts("/of/you");
    EXPECT_EQ(told.size(), 6U);
    EXPECT_EQ(told.back(), "you");
    world.io.peer_reset(client);
    world.run();
    EXPECT_EQ(told.size(), 6U) << "it was whole";
    const std::string begins = "POST /of/half HTTP/1.1\r\nHost: x\r\n";
    const auto ends = [&](std::string_view bytes, auto end) {
        told.clear();
        const auto other = world.open();
        world.send(other, begins + std::string(bytes));
        end(other);
        world.run();
        EXPECT_EQ(told, (std::vector<std::string>{"half", "cut half"})) << bytes;
    };
    ends("Content-Length: 6\r\n\r\nab", [&](auto p) { world.io.peer_reset(p); });
    ends("Content-Length: 7\r\n\r\nab", [&](auto p) { world.io.peer_end(p); });
    ends("Content-Length: 8\r\n\r\nab", [&](auto) { world.pass(11s); });
    ends("Transfer-Encoding: chunked\r\n\r\n2\r\n", [&](auto p) { world.send(p, "abX"); });
}

TEST(http_connection, expect_continue_is_answered_when_the_body_is_not_there) {
    echo_world world;
    const auto client = world.open();
    world.send(client,
               "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    EXPECT_EQ(world.take(client), "HTTP/1.1 100 Continue\r\n\r\n");
    world.send(client, "ab");
    EXPECT_EQ(body_of(world.take(client)), "ab");
    EXPECT_EQ(statuses(world.ask(post("/", "ab", "Expect: 100-continue\r\n"))), std::vector{200});
}

TEST(http_connection, expect_continue_is_refused_before_the_body_is_sent) {
    options limits;
    limits.max_body = 1;
    echo_world world(limits);
    EXPECT_EQ(
        statuses(world.ask(
            "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")),
        std::vector{413});
    EXPECT_EQ(statuses(world.ask(get("/", "Expect: magic\r\n"))), std::vector{417});
}

TEST(http_connection, a_handler_that_throws_costs_its_connection_only) {
    echo_world world;
    ASSERT_TRUE(world.routes.get("/throws", [](const request&) -> response {
        throw std::runtime_error("the \r\n disk is full");
    }));
    ASSERT_TRUE(world.routes.get("/throws_later", [](const request&, responder) { throw 1; }));
    const auto other = world.open();
    for (const std::string_view path : {"/throws", "/throws_later"}) {
        const auto client = world.open();
        world.send(client, get(path) + get("/smuggled"));
        EXPECT_EQ(statuses(world.take(client)), std::vector{500});
        EXPECT_TRUE(world.ended(client));
    }
    EXPECT_EQ(world.smuggled_requests, 0);
    EXPECT_EQ(world.errors(errc::handler_failed), 2U);
    ASSERT_EQ(world.log.size(), 2U);
    EXPECT_TRUE(world.log[0].starts_with("a handler of route '/throws' for 127.0.0.1:"));
    EXPECT_TRUE(world.log[0].ends_with(" threw: the ?? disk is full")) << world.log[0];
    world.send(other, get("/"));
    EXPECT_EQ(statuses(world.take(other)), std::vector{200});
}

TEST(http_connection, gives_decoded_path_parameters_and_query) {
    http_world world;
    ASSERT_TRUE(world.routes.get("/user/:id/*rest", [](const request& r) {
        return response::text(
            200, std::string(r.param("id")) + "|" + std::string(r.param("rest")) + "|" +
                     std::string(r.param("none")) + "|" + r.query_value("q").value_or("-") + "|" +
                     r.query_value("empty").value_or("-") + "|" +
                     r.query_value("bad").value_or("-") + "|" + std::string(r.query()));
    }));
    EXPECT_EQ(body_of(world.ask(get("/user/a%20b/c/d?x=1&q=%C3%A4+b&empty&bad=%zz"))),
              "a b|c/d||\xC3\xA4 b||-|x=1&q=%C3%A4+b&empty&bad=%zz");
}

TEST(http_connection, counts_what_it_refuses_under_static_labels) {
    echo_world world;
    EXPECT_EQ(statuses(world.ask("GET / HTTP/3.0\r\n\r\n")), std::vector{505});
    metrics_page page;
    world.counters().visit([&](const metric_sample& s) { page.add(s); });
    EXPECT_TRUE(has(page.text(), "weft_http_errors_total{error=\"unsupported_version\"} 1\n"));
    EXPECT_TRUE(has(page.text(), "weft_http_replies_total{class=\"5xx\"} 1\n"));
}

TEST(http_connection, draining_ends_idle_connections_and_those_that_are_answered) {
    echo_world world;
    responder later;
    ASSERT_TRUE(
        world.routes.get("/later", [&](const request&, responder r) { later = std::move(r); }));
    const auto idle = world.open();
    const auto busy = world.open();
    world.send(busy, get("/later"));
    world.loop().begin_drain(0s);
    EXPECT_TRUE(world.server().end_idle(1));
    EXPECT_FALSE(world.server().end_idle(2));
    world.run();
    EXPECT_TRUE(world.ended(idle));
    EXPECT_FALSE(world.ended(busy));
    EXPECT_FALSE(later.send(response::text(200, "done")));
    world.run();
    EXPECT_TRUE(has(world.take(busy), "Connection: close\r\n"));
    EXPECT_TRUE(world.ended(busy));
}

// ---- Security: named after the rows of the threat table ----

class sec_h1_vector : public ::testing::TestWithParam<testing::vector> {};

void expect_one_refusal(echo_world& world, http_world::peer client, int status,
                        const std::string& where) {
    const std::string reply = world.take(client);
    EXPECT_EQ(statuses(reply), std::vector{status}) << where << reply;
    EXPECT_TRUE(world.ended(client)) << where;
    EXPECT_EQ(world.smuggled_requests, 0) << where;
}

TEST_P(sec_h1_vector, gets_one_reply_and_the_smuggled_request_is_never_seen) {
    const auto& v = GetParam();
    const std::string bytes = v.bytes + std::string(smuggled);
    for (std::size_t i = 1; i < bytes.size(); ++i) {
        echo_world world;
        const auto client = world.open();
        world.send(client, bytes.substr(0, i));
        world.send(client, bytes.substr(i));
        expect_one_refusal(world, client, v.status, "split at " + std::to_string(i) + ": ");
    }
    echo_world world;
    world.io.limit_receive(1);
    const auto client = world.open();
    world.io.peer_send(client, bytes);
    world.run(static_cast<int>(bytes.size()) + 8);
    expect_one_refusal(world, client, v.status, "byte by byte: ");
    world.send(client, get("/smuggled"));
    EXPECT_EQ(world.smuggled_requests, 0);
}

INSTANTIATE_TEST_SUITE_P(vectors, sec_h1_vector, ::testing::ValuesIn(smuggling_vectors()),
                         [](const auto& v) { return v.param.name; });

TEST(sec_h3_connection, a_16_kib_head_in_single_bytes_is_answered) {
    echo_world world;
    std::string lines;
    for (int i = 0; i < 62; ++i) lines += "X: " + std::string(250, 'a') + "\r\n";
    const std::string bytes = get("/", lines);
    ASSERT_GT(bytes.size(), 15'000U);
    const auto client = world.open();
    for (const char c : bytes) world.io.peer_send(client, std::string_view(&c, 1)), world.run(1);
    EXPECT_TRUE(
        statuses(world.take(client)).empty());  // ten seconds have passed on the sim's clock
    EXPECT_EQ(world.errors(errc::head_too_slow), 1U);

    world.io.limit_receive(1);
    const auto quick = world.open();
    world.io.peer_send(quick, bytes);
    world.run(static_cast<int>(bytes.size()) + 8, 0ms);
    EXPECT_EQ(statuses(world.take(quick)), std::vector{200});
}

TEST(sec_h3_connection, floods_get_414_or_431_and_the_end) {
    echo_world world;
    const std::string million(1'000'000, 'a');
    std::string many;
    for (int i = 0; i < 2'000; ++i) many += "a: b\r\n";
    const auto expect_status = [&](const std::string& bytes, int status) {
        const auto client = world.open();
        world.send(client, bytes);
        EXPECT_EQ(statuses(world.take(client)), std::vector{status});
        EXPECT_TRUE(world.ended(client));
    };
    expect_status("GET /" + million, 414);
    expect_status("GET / HTTP/1.1\r\nX: " + million, 431);
    expect_status("GET / HTTP/1.1\r\n" + million, 431);
    expect_status(get("/", many), 431);
}

TEST(sec_h7_response, reflected_values_cannot_split_it) {
    http_world world;
    ASSERT_TRUE(world.routes.get("/go", [](const request& r) {
        return response::redirect(302, r.query_value("to").value_or(""));
    }));
    const std::string reply = world.ask(get("/go?to=a%0d%0aSet-Cookie:%20b%1b"));
    EXPECT_EQ(statuses(reply), std::vector{302});
    EXPECT_TRUE(has(reply, "Location: a  Set-Cookie: b \r\n")) << reply;
}

TEST(sec_b3_host, others_than_the_listed_get_421) {
    options limits;
    limits.allowed_hosts = {"localhost", "127.0.0.1", "[::1]"};
    echo_world world(limits);
    const auto with_host = [&](std::string_view host) {
        return statuses(world.ask("GET / HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n"));
    };
    for (const auto host : {"localhost", "LOCALHOST:8080", "127.0.0.1:80", "[::1]:80"}) {
        EXPECT_EQ(with_host(host), std::vector{200}) << host;
    }
    for (const auto host : {"evil.com", "localhost.evil.com", "127.0.0.1.", "localhost:80.evil"}) {
        EXPECT_EQ(with_host(host),
                  std::vector{host == std::string("localhost:80.evil") ? 400 : 421})
            << host;
    }
    EXPECT_EQ(statuses(world.ask("GET / HTTP/1.0\r\n\r\n")), std::vector{200})
        << "a health check: there is no name that could be foreign";
    EXPECT_EQ(world.errors(errc::misdirected), 3U);
}

}  // namespace
}  // namespace weft::http
