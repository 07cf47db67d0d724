// What stands around the routes: filters before them, observers behind them, and what no pattern
// matches.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "http_world.hpp"

namespace weft::http {
namespace {

using namespace testing;

struct filtered_world : http_world {
    filtered_world() {
        EXPECT_TRUE(routes.get("/", [](const request&) { return response::text(200, "root"); }));
        EXPECT_TRUE(routes.get("/admin/:what", [this](const request&) {
            ++admitted;
            return response::text(200, "secret");
        }));
        EXPECT_TRUE(routes.post("/admin/:what", [this](const request&) {
            ++admitted;
            return response(204);
        }));
        EXPECT_TRUE(
            routes.get("/later", [this](const request&, responder r) { waiting = std::move(r); }));
        EXPECT_TRUE(routes.upgrade("/admin/chat", [this](const request&, upgrade u) {
            ++admitted;
            (void)u.accept(header_lines().add("Upgrade", "x"), std::make_unique<silent>());
        }));
    }
    ~filtered_world() { shut_down(); }
    void log_all() {
        routes.after([this](const owned_request& asked, const reply_facts& reply) {
            log_lines.push_back(
                std::string(to_string(asked.method())) + " " + std::string(asked.url()) + " " +
                std::to_string(reply.status) + " " + std::to_string(reply.body_size) + " " +
                std::string(asked.header("x-id")) + " " + std::to_string(reply.took / 1s));
        });
    }
    struct silent final : net::stream_handler {
        void on_data(byte_span) noexcept override {}
        void on_closed(std::error_code) noexcept override {}
    };
    responder waiting;
    int admitted = 0;
    std::vector<std::string> log_lines;
};

TEST(http_filter, lets_pass_or_answers) {
    filtered_world world;
    world.routes.before("/admin", [](const request& r) -> admission<void> {
        if (r.header("authorization") == "Bearer me") return true;
        return refusal(401, "who are you?").header("WWW-Authenticate", "Bearer");
    });
    const std::string reply = world.ask(get("/admin/x") + get("/"));
    EXPECT_EQ(statuses(reply), (std::vector{401, 200})) << "the connection goes on";
    EXPECT_TRUE(has(reply, "WWW-Authenticate: Bearer\r\n"));
    EXPECT_TRUE(has(reply, "who are you?"));
    EXPECT_EQ(world.admitted, 0);
    EXPECT_EQ(body_of(world.ask(get("/admin/x", "Authorization: Bearer me\r\n"))), "secret");
}

TEST(http_filter, may_say_who_the_peer_is) {
    http_world world;
    world.routes.before([](const request& r) -> admission<void> {
        return identity{std::string(r.header("x-user"))};
    });
    ASSERT_TRUE(world.routes.get("/", [](const request& r) {
        return response::text(200, r.peer().who() != nullptr ? r.peer().who()->subject : "nobody");
    }));
    EXPECT_EQ(body_of(world.ask(get("/", "X-User: ann\r\n"))), "ann");
}

TEST(http_filter, an_identity_is_that_of_one_request) {
    http_world world;
    world.routes.before("/who", [](const request&) -> admission<void> { return identity{"ann"}; });
    const auto who = [](const request& r) {
        return response::text(200, r.peer().who() != nullptr ? r.peer().who()->subject : "nobody");
    };
    ASSERT_TRUE(world.routes.get("/who", who));
    ASSERT_TRUE(world.routes.get("/", who));
    EXPECT_TRUE(has(world.ask(get("/who")), "ann"));
    EXPECT_TRUE(has(world.ask(get("/who") + get("/")), "nobody"))
        << "behind a proxy, that is somebody else";
}

TEST(http_filter, of_a_prefix_sees_whole_segments) {
    filtered_world world;
    world.routes.before("/admin/", [](const request&) { return false; });
    for (const auto* path : {"/admin", "/admin/", "/admin/x", "/admin/x/y"}) {
        EXPECT_EQ(statuses(world.ask(get(path))), std::vector{403}) << path;
    }
    for (const auto* path : {"/administrator", "/x/admin"}) {
        EXPECT_EQ(statuses(world.ask(get(path))), std::vector{404}) << path;
    }
    EXPECT_EQ(statuses(world.ask(get("/"))), std::vector{200});
    EXPECT_EQ(statuses(world.ask(get("/admin/%2e%2e/x"))), std::vector{400}) << "no way around";
}

TEST(http_filter, refuses_a_body_before_it_comes_and_an_upgrade) {
    filtered_world world;
    world.routes.before([](const request&) { return refusal(403); });
    auto client = world.open();
    world.send(client, "POST /admin/x HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n\r\n");
    EXPECT_EQ(statuses(world.take(client)), std::vector{403});
    EXPECT_TRUE(world.ended(client)) << "what follows would be read as a request";
    client = world.open();
    world.send(client, get("/admin/chat", "Upgrade: x\r\n"));
    EXPECT_EQ(statuses(world.take(client)), std::vector{403});
    EXPECT_EQ(world.admitted, 0);
}

TEST(http_filter, the_first_answer_counts) {
    filtered_world world;
    std::string asked;
    world.routes.before([&](const request&) -> std::optional<response> {
        asked += "a";
        return {};
    });
    world.routes.before([&](const request& r) -> std::optional<response> {
        asked += "b";
        if (r.path() != "/old") return {};
        return response::redirect(301, "/");
    });
    world.routes.before([&](const request&) {
        asked += "c";
        return true;
    });
    EXPECT_EQ(statuses(world.ask(get("/old") + get("/"))), (std::vector{301, 200}));
    EXPECT_EQ(asked, "ababc");
}

TEST(http_filter, that_throws_costs_500_and_nobody_gets_in) {
    filtered_world world;
    world.routes.before([](const request&) -> bool { throw std::runtime_error("no database"); });
    EXPECT_EQ(statuses(world.ask(get("/admin/x") + get("/"))), std::vector{500});
    EXPECT_EQ(world.admitted, 0);
    EXPECT_TRUE(world.log.at(0).starts_with("a filter of route '/admin/x' for 127.0.0.1:"));
    EXPECT_TRUE(world.log.at(0).ends_with(" threw: no database"));
}

TEST(http_observer, sees_each_answer_with_its_request) {
    filtered_world world;
    world.log_all();
    world.routes.before("/admin", [](const request& r) { return r.header("x-id") != "evil"; });
    const auto client = world.open();
    world.send(client, get("/?a=b", "X-Id: 1\r\n") + get("/none") +
                           get("/admin/x", "X-Id: evil\r\n") + post("/admin/x", "body") +
                           get("/later", "X-Id: 2\r\n"));
    world.pass(3s);
    ASSERT_FALSE(world.waiting.send(response::text(202, "abc")));
    world.run();
    EXPECT_EQ(statuses(world.take(client)), (std::vector{200, 404, 403, 204, 202}));
    const std::string none = std::to_string(response::plain_error(404).body_size());
    const std::string forbidden = std::to_string(response::plain_error(403).body_size());
    EXPECT_EQ(world.log_lines,
              (std::vector<std::string>{"GET /?a=b 200 4 1 0", "GET /none 404 " + none + "  0",
                                        "GET /admin/x 403 " + forbidden + " evil 0",
                                        "POST /admin/x 204 0  0", "GET /later 202 3 2 3"}));
}

TEST(http_observer, sees_upgrades_and_answers_of_the_library_itself) {
    filtered_world world;
    world.log_all();
    EXPECT_EQ(statuses(world.ask(get("/admin/chat", "Upgrade: x\r\n"))), std::vector{101});
    EXPECT_EQ(statuses(world.ask("PUT / HTTP/1.1\r\nHost: x\r\n\r\n")), std::vector{405});
    const auto client = world.open();
    world.send(client, get("/later"));
    world.pass(120s);
    EXPECT_EQ(statuses(world.take(client)), std::vector{503});
    ASSERT_EQ(world.log_lines.size(), 3U);
    EXPECT_TRUE(world.log_lines[0].starts_with("GET /admin/chat 101 "));
    EXPECT_TRUE(world.log_lines[1].starts_with("PUT / 405 "));
    EXPECT_TRUE(world.log_lines[2].starts_with("GET /later 503 "));
}

TEST(http_observer, that_throws_harms_nobody) {
    filtered_world world;
    world.routes.after([](const owned_request&, const reply_facts&) { throw 1; });
    world.log_all();
    EXPECT_EQ(statuses(world.ask(get("/") + get("/"))), (std::vector{200, 200}));
    EXPECT_EQ(world.log_lines.size(), 2U);
    EXPECT_EQ(world.errors(errc::handler_failed), 2U);
}

TEST(http_not_found, answers_what_no_pattern_matches) {
    filtered_world world;
    world.routes.not_found(
        [](const request& r) {
            return response::text(404, "no " + std::string(r.path()) + std::string(r.body_text()));
        },
        {.max_body = 4});
    EXPECT_EQ(body_of(world.ask(get("/x/y"))), "no /x/y");
    EXPECT_EQ(statuses(world.ask(post("/x", "1234") + get("/"))), (std::vector{404, 200}));
    EXPECT_EQ(statuses(world.ask(post("/x", "12345"))), std::vector{413});
    EXPECT_EQ(body_of(world.ask("OPTIONS /x HTTP/1.1\r\nHost: x\r\n\r\n")), "no /x");
    EXPECT_EQ(statuses(world.ask("PUT / HTTP/1.1\r\nHost: x\r\n\r\n")), std::vector{405});
}

}  // namespace
}  // namespace weft::http
