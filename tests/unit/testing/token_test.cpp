// Tokens at every door: routes, WebSockets, event streams, Socket.IO; their end, their refresh, and
// revocation while connections are open.

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <weft/auth/claims.hpp>
#include <weft/auth/verifier.hpp>
#include <weft/http/router.hpp>
#include <weft/socketio/client.hpp>
#include <weft/socketio/json.hpp>
#include <weft/socketio/server.hpp>
#include <weft/socketio/value.hpp>
#include <weft/testing/token_signer.hpp>
#include <weft/testing/world.hpp>
#include <weft/ws/client.hpp>
#include <weft/ws/endpoint.hpp>

namespace weft {
namespace {

using namespace std::chrono_literals;
using auth::algorithm;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

struct kept_lines : log_sink {
    void write(const log_record& record) noexcept override { lines.emplace_back(record.message); }
    [[nodiscard]] std::string all() const {
        std::string text;
        for (const std::string& line : lines) text += line + "\n";
        return text;
    }
    std::vector<std::string> lines;
};

/// A server in memory, and who makes tokens for it.
class token_world : public kept_lines, public test_world {
public:
    explicit token_world(algorithm how = algorithm::hs256, traffic_options traffic = {})
        : test_world([&] {
              server_options made;
              made.log = this;
              made.traffic = traffic;
              return made;
          }()),
          how_(how),
          signer_(how == algorithm::hs256 ? token_signer::secret(secret)
                                          : *token_signer::generate(how)) {}

    auth::verifier verifier(auth::token_sources from = {}) const {
        auth::options made;
        made.from = std::move(from);
        auth::issuer trusted;
        trusted.name = "test";
        trusted.keys = how_ == algorithm::hs256 ? auth::key_source::secret(secret)
                                                : auth::key_source::pem(signer_.public_pem());
        trusted.algorithms = {how_};
        trusted.audience = {"here"};
        made.issuers.push_back(std::move(trusted));
        auto ready = auth::verifier::make(std::move(made));
        EXPECT_TRUE(ready) << (ready ? "" : ready.error().message());
        return *ready;
    }
    /// Good for so long.
    std::string token(std::string_view subject, std::chrono::seconds ttl = 1h,
                      std::string_view id = "t1") const {
        const auto now = std::chrono::duration_cast<std::chrono::seconds>(
            std::chrono::system_clock::now().time_since_epoch());
        const std::string claims = R"({"iss":"test","aud":"here","role":"admin","sub":")" +
                                   std::string(subject) + R"(","jti":")" + std::string(id) +
                                   R"(","iat":)" + std::to_string(now.count()) + R"(,"exp":)" +
                                   std::to_string((now + ttl).count()) + "}";
        return *signer_.sign(how_, claims);
    }
    ws::client_options at(std::string_view path, std::string_view bearer = {}) const {
        ws::client_options made;
        made.url = url(path);
        if (!bearer.empty()) made.headers = {{"Authorization", "Bearer " + std::string(bearer)}};
        return made;
    }

private:
    static constexpr const char* secret = "0123456789abcdef0123456789abcdef";

    algorithm how_;
    token_signer signer_;
};

std::string greet(const http::request& asked) {
    const identity* const who = asked.peer().who();
    return who != nullptr ? who->subject : "nobody";
}

class token_doors : public testing::TestWithParam<algorithm> {};
INSTANTIATE_TEST_SUITE_P(fast_and_slow, token_doors,
                         testing::Values(algorithm::hs256, algorithm::es256));

TEST_P(token_doors, of_a_server_hold_for_all_it_serves) {
    token_world w(GetParam());
    w.server().require(w.verifier());
    (void)w.server().http().get(
        "/", [](const http::request& r) { return http::response::text(200, greet(r)); });
    std::string who;
    w.server().ws("/ws").on_open([&](ws::connection<void>& c) { who = c.peer().who()->subject; });
    w.server().sse("/events");
    socketio::server io{w.server()};
    ASSERT_TRUE(w.start());
    const auto refused = w.ask({});
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->status, 401);
    EXPECT_EQ(refused->header("WWW-Authenticate"), "Bearer");
    EXPECT_EQ(refused->body, "a token is required");
    const std::string bearer = "Bearer " + w.token("ann");
    const auto let_in = w.ask({.headers = {{"Authorization", bearer}}});
    ASSERT_TRUE(let_in) << let_in.error().message() << w.all();
    EXPECT_EQ(let_in->body, "ann");
    EXPECT_EQ(w.ask({.headers = {{"Authorization", bearer + "x"}}})->body, "invalid token");
    EXPECT_THAT(w.all(), Not(HasSubstr(bearer.substr(10, 40)))) << "never in the log";
    EXPECT_EQ(w.ask({.target = "/events"})->status, 401);
    EXPECT_EQ(w.ask({.target = "/socket.io/?EIO=4&transport=polling"})->status, 401);
    ws::client out(w.loop(), w.at("/ws"));
    ASSERT_TRUE(out.connect());
    w.run();
    EXPECT_FALSE(out.is_open());
    ws::client in(w.loop(), w.at("/ws", w.token("ann")));
    ASSERT_TRUE(in.connect());
    w.run();
    EXPECT_TRUE(in.is_open());
    EXPECT_EQ(who, "ann");
    socketio::client_options options;
    options.url = test_world::url();
    options.extra_headers = {{"Authorization", bearer}};
    socketio::client sio(w.loop(), options);
    const auto& main = sio.socket();
    w.run();
    EXPECT_TRUE(main.connected());
}

TEST_P(token_doors, of_an_endpoint_tell_its_handlers_who_came) {
    token_world w(GetParam());
    std::vector<std::string> asked;
    w.server()
        .ws("/ws")
        .require(w.verifier({.authorization = true, .subprotocol = true, .query = "ticket"}))
        .on_accept([&](const http::handshake&) { return true; })
        .on_open([&](ws::connection<void>& c) {
            const auth::claims claims(*c.peer().who());
            asked.push_back(claims.subject() + " " + claims.id());
        });
    ASSERT_TRUE(w.start());
    ws::client none(w.loop(), w.at("/ws"));
    int status = 0;
    none.on_failure([&](ws::client&, const ws::connect_failure& why) { status = why.status; });
    ASSERT_TRUE(none.connect());
    ws::client header(w.loop(), w.at("/ws", w.token("ann")));
    ASSERT_TRUE(header.connect());
    ws::client_options offered = w.at("/ws");
    offered.subprotocols = {"bearer." + w.token("bob")};
    ws::client subprotocol(w.loop(), offered);
    ASSERT_TRUE(subprotocol.connect());
    ws::client query(w.loop(), w.at("/ws?ticket=" + w.token("eve", 1min, "t2")));
    ASSERT_TRUE(query.connect());
    w.pass(5ms);
    EXPECT_EQ(status, 401);
    EXPECT_THAT(asked, UnorderedElementsAre("ann t1", "bob t1", "eve t2")) << w.all();
    EXPECT_EQ(subprotocol.subprotocol(), "") << "a token is never echoed";
}

TEST_P(token_doors, take_a_first_message_and_newer_tokens_after_it) {
    token_world w(GetParam());
    std::vector<std::string> got;
    std::vector<std::string> opened;
    w.server()
        .ws("/ws")
        .require(w.verifier({.authorization = false, .first_message = true}))
        .on_open([&](ws::connection<void>& c) { opened.push_back(c.peer().who()->subject); })
        .on_message([&](ws::connection<void>&, message_view m) { got.emplace_back(m.text()); });
    ASSERT_TRUE(w.start());
    std::vector<std::string> told;
    ws::client c(w.loop(), w.at("/ws"));
    c.on_message([&](ws::client&, message_view m) { told.emplace_back(m.text()); });
    ASSERT_TRUE(c.connect());
    w.run();
    EXPECT_THAT(opened, IsEmpty());
    const auto message = [](std::string_view token) {
        return R"({"type":"auth","token":")" + std::string(token) + R"("})";
    };
    c.send(message(w.token("ann", 100s)));
    c.send("hello");
    w.run();
    EXPECT_THAT(opened, ElementsAre("ann"));
    EXPECT_THAT(got, ElementsAre("hello"));
    ASSERT_EQ(told.size(), 1U);
    EXPECT_THAT(told[0], HasSubstr(R"({"type":"auth","ok":true,"expires_in":)"));
    w.pass(71s);
    ASSERT_EQ(told.size(), 2U);
    EXPECT_THAT(told[1], HasSubstr(R"({"type":"auth","expires_in":)"));
    c.send(message(w.token("bob", 1h)));
    w.run();
    EXPECT_THAT(told.back(), HasSubstr("the token of another subject"));
    c.send(message(w.token("ann", 1h)));
    w.run();
    EXPECT_THAT(told.back(), HasSubstr(R"("ok":true)"));
    w.pass(30min);
    EXPECT_TRUE(c.is_open()) << "the newer token counts";
    ws::close_event ended{};
    c.on_close([&](ws::client&, const ws::close_event& e) {
        EXPECT_EQ(e.reason, "token expired");
        ended = e;
    });
    w.pass(40min);
    EXPECT_FALSE(c.is_open());
    EXPECT_EQ(static_cast<int>(ended.code), 4001);
}

// As the JSON libraries of Python and Go write it.
TEST_P(token_doors, take_a_first_message_with_blanks_and_in_any_order) {
    token_world w(GetParam());
    std::vector<std::string> opened;
    w.server()
        .ws("/ws")
        .require(w.verifier({.authorization = false, .first_message = true}))
        .on_open([&](ws::connection<void>& c) { opened.push_back(c.peer().who()->subject); });
    ASSERT_TRUE(w.start());
    const auto enter = [&](const std::string& first) {
        ws::client c(w.loop(), w.at("/ws"));
        EXPECT_TRUE(c.connect());
        w.run();
        c.send(first);
        w.run();
    };
    enter(R"({"type": "auth", "token": ")" + w.token("ann") + R"("})");
    enter(R"({"token":")" + w.token("bob") + R"(","type":"auth"})");
    enter("\n{ \"type\" : \"auth\" ,\t\"token\" : \"" + w.token("eve") + "\" }\r\n");
    EXPECT_THAT(opened, ElementsAre("ann", "bob", "eve")) << w.all();
}

TEST_P(token_doors, close_on_who_sends_no_token_or_a_bad_one) {
    token_world w(GetParam());
    int opened = 0;
    int closed = 0;
    w.server()
        .ws("/ws")
        .require(w.verifier({.authorization = false, .first_message = true}))
        .on_open([&](ws::connection<void>&) { ++opened; })
        .on_close([&](ws::connection<void>&, const ws::close_event&) { ++closed; });
    ASSERT_TRUE(w.start());
    const auto ending = [&](const std::string& first, duration wait) {
        ws::client c(w.loop(), w.at("/ws"));
        std::string why;
        c.on_close([&](ws::client&, const ws::close_event& e) {
            why = std::to_string(static_cast<int>(e.code)) + " " + std::string(e.reason);
        });
        EXPECT_TRUE(c.connect());
        w.run();
        if (!first.empty()) c.send(first);
        w.pass(wait);
        return why;
    };
    EXPECT_EQ(ending("", 4s), "");
    EXPECT_EQ(ending("", 6s), "4001 no token came within first_message_timeout");
    EXPECT_THAT(ending("hello", 0s), HasSubstr("4001 the first message must be"));
    EXPECT_THAT(w.all(), HasSubstr("no token at any place that auth::options::from allows, from "));
    EXPECT_THAT(w.server().metrics_text(),
                HasSubstr("weft_auth_errors_total{error=\"token_missing\"} 2\n"));
    EXPECT_EQ(ending(R"({"type":"auth","token":")" + w.token("ann") + R"(x"})", 0s),
              "4001 invalid token");
    EXPECT_THAT(ending(std::string(9000, 'x'), 0s), HasSubstr("1009"))
        << "little may come before a token";
    EXPECT_EQ(opened, 0);
    EXPECT_EQ(closed, 0) << "the application never heard of them";
}

TEST_P(token_doors, of_a_namespace_take_the_auth_of_its_clients) {
    token_world w(GetParam());
    socketio::server io{w.server()};
    std::vector<std::string> came;
    io.of("/members")
        .require(w.verifier({.authorization = false, .socketio_auth = true}))
        .on_connect([&](socketio::socket& s) { came.push_back(s.peer().who()->subject); });
    ASSERT_TRUE(w.start());
    socketio::client_options options;
    options.url = test_world::url();
    options.reconnection = false;
    socketio::client c(w.loop(), options);
    auto& members = c.of("/members");
    std::string why;
    std::vector<std::int64_t> expiring;
    members.on_connect_error(
        [&](socketio::client_socket&, const socketio::connect_error& e) { why = e.message; });
    members.on("token_expiring",
               [&](socketio::client_socket&, std::int64_t left) { expiring.push_back(left); });
    (void)members.connect();
    w.run();
    EXPECT_EQ(why, "a token is required");
    members.set_auth(std::map<std::string, std::string>{{"token", w.token("ann", 100s)}});
    (void)members.connect();
    w.run();
    EXPECT_THAT(came, ElementsAre("ann"));
    w.pass(60s);
    ASSERT_EQ(expiring.size(), 1U);
    EXPECT_GE(expiring[0], 30);
    std::vector<std::string> answers;
    const auto refresh = [&](const std::string& token) {
        members.emit_with_ack<socketio::value>(
            "refresh_token", token, [&](const result<socketio::value>& answer) {
                answers.push_back(answer ? to_json(*answer) : answer.error().message());
            });
        w.run();
    };
    refresh(w.token("bob"));
    refresh(w.token("ann", 1h));
    ASSERT_EQ(answers.size(), 2U);
    EXPECT_EQ(answers[0], R"({"ok":false,"error":"the token of another subject"})");
    EXPECT_THAT(answers[1], HasSubstr(R"({"ok":true,"expires_in":)"));
    w.pass(30min);
    EXPECT_TRUE(members.connected());
    w.pass(40min);
    EXPECT_FALSE(members.connected());
}

TEST(token_end, is_told_to_socketio_clients_before_it_also_when_no_ping_is_due) {
    token_world w;
    socketio::server io{w.server()};
    io.require(w.verifier({.authorization = false, .socketio_auth = true}));
    ASSERT_TRUE(w.start());
    socketio::client_options options;
    options.url = test_world::url();
    options.reconnection = false;
    socketio::client c(w.loop(), options);
    auto& main = c.of("/");
    std::vector<std::int64_t> expiring;
    main.on("token_expiring",
            [&](socketio::client_socket&, std::int64_t left) { expiring.push_back(left); });
    // Its leeway is left: ten seconds, less than until the first ping.
    main.set_auth(std::map<std::string, std::string>{{"token", w.token("ann", -20s)}});
    (void)main.connect();
    w.pass(8s);
    EXPECT_THAT(expiring, ElementsAre(0)) << "by its own words it has ended";
    EXPECT_TRUE(main.connected());
    w.pass(4s);
    EXPECT_FALSE(main.connected());
}

TEST(token_revocation, ends_what_is_open_at_once) {
    token_world w;
    const auth::verifier by = w.verifier({.authorization = true, .socketio_auth = true});
    w.server().ws("/ws").require(by);
    socketio::server io{w.server()};
    io.require(by);
    w.server().http().before("/events", [&](const http::request& r) -> admission<void> {
        auto token = std::string(r.header("authorization").substr(7));
        auto said = by.verify(token);
        if (!said) return refusal(401);
        return *std::move(said);
    });
    int streams = 0;
    w.server()
        .sse("/events")
        .on_open([&](sse::stream&, const http::request&) { ++streams; })
        .on_close([&](sse::stream&) { --streams; });
    ASSERT_TRUE(w.start());
    ws::client one(w.loop(), w.at("/ws", w.token("ann", 1h, "first")));
    ws::client two(w.loop(), w.at("/ws", w.token("ann", 1h, "second")));
    ws::client three(w.loop(), w.at("/ws", w.token("bob")));
    std::string why;
    one.on_close([&](ws::client&, const ws::close_event& e) {
        why = std::to_string(static_cast<int>(e.code)) + " " + std::string(e.reason);
    });
    for (ws::client* c : {&one, &two, &three}) ASSERT_TRUE(c->connect());
    socketio::client_options options;
    options.url = test_world::url();
    options.extra_headers = {{"Authorization", "Bearer " + w.token("ann")}};
    options.reconnection = false;
    socketio::client sio(w.loop(), options);
    const auto& main = sio.socket();
    w.run();
    EXPECT_TRUE(main.connected()) << w.all();
    ASSERT_TRUE(by.revoke_token("first"));
    w.pass(5ms);
    EXPECT_EQ(why, "4001 identity revoked") << w.all();
    EXPECT_TRUE(two.is_open());
    ASSERT_TRUE(by.revoke_subject("ann"));
    w.pass(5ms);
    EXPECT_FALSE(two.is_open());
    EXPECT_FALSE(main.connected());
    EXPECT_TRUE(three.is_open());
    ws::client again(w.loop(), w.at("/ws", w.token("bob", 1h, "first")));
    ASSERT_TRUE(again.connect());
    w.run();
    EXPECT_FALSE(again.is_open()) << "its jti is revoked, whoever has it";
}

TEST(token_cookie, opens_nothing_to_foreign_pages) {
    token_world w;
    auth::token_sources from{.authorization = false, .cookie = "__Host-t"};
    from.cookie_origins = {"https://app.example.org"};
    w.server().require(w.verifier(std::move(from)));
    (void)w.server().http().any(
        "/", [](const http::request& r) { return http::response::text(200, greet(r)); });
    ASSERT_TRUE(w.start());
    const std::string cookie = "__Host-t=" + w.token("ann");
    const auto status = [&](std::vector<std::pair<std::string_view, std::string_view>> lines) {
        lines.emplace_back("Cookie", cookie);
        return w.ask({.method = http::method::post, .headers = lines, .body = "x"})->status;
    };
    EXPECT_EQ(status({}), 200) << "no browser";
    EXPECT_EQ(status({{"Origin", "http://127.0.0.1"}}), 200);
    EXPECT_EQ(status({{"Origin", "https://app.example.org"}}), 200);
    EXPECT_EQ(status({{"Origin", "https://evil.example"}}), 403);
    EXPECT_EQ(status({{"Origin", "null"}}), 403);
    EXPECT_EQ(status({{"Sec-Fetch-Site", "cross-site"}}), 403);
    EXPECT_EQ(status({{"Sec-Fetch-Site", "same-origin"}}), 200);
}

TEST_P(token_doors, are_shut_to_who_shows_one_bad_token_after_the_other) {
    for (const std::string_view door : {"/routes", "/ws"}) {
        token_world w(GetParam(), {.per_address = {.errors_per_minute = 3}});
        w.server().require("/routes", w.verifier());
        w.server().ws("/ws").require(w.verifier());
        ASSERT_TRUE(w.start());
        const auto status = [&] {
            int found = 0;
            ws::client c(w.loop(), w.at(door, w.token("ann") + "x"));
            c.on_failure([&](ws::client&, const ws::connect_failure& e) { found = e.status; });
            EXPECT_TRUE(c.connect());
            w.pass(5ms);
            return found;
        };
        for (int i = 0; i < 4; ++i) EXPECT_EQ(status(), 401) << door << i;
        EXPECT_EQ(status(), 429) << door;
    }
}

TEST(token_subject, has_so_many_connections_and_no_more) {
    token_world w(algorithm::hs256, {.per_subject = {.max_connections = 1}});
    w.server().ws("/ws").require(w.verifier({.authorization = false, .first_message = true}));
    socketio::server io{w.server()};
    io.require(w.verifier({.authorization = false, .socketio_auth = true}));
    ASSERT_TRUE(w.start());
    ws::client one(w.loop(), w.at("/ws"));
    ws::client two(w.loop(), w.at("/ws"));
    ASSERT_TRUE(one.connect());
    ASSERT_TRUE(two.connect());
    w.run();
    const std::string message = R"({"type":"auth","token":")" + w.token("ann") + R"("})";
    one.send(message);
    two.send(message);
    w.run();
    EXPECT_TRUE(one.is_open());
    EXPECT_FALSE(two.is_open());
    socketio::client_options options;
    options.url = test_world::url();
    options.reconnection = false;
    options.auth = std::map<std::string, std::string>{{"token", w.token("ann")}};
    socketio::client sio(w.loop(), options);
    const auto& main = sio.socket();
    w.run();
    EXPECT_FALSE(main.connected());
    EXPECT_THAT(w.all(), HasSubstr("traffic.per_subject.max_connections"));
}

}  // namespace
}  // namespace weft
