// Who may connect and who is told what: the table of refusals, origins and CORS, headers,
// limits. For admissions see guard_test.cpp.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "eio_world.hpp"
#include "engineio/shard.hpp"

namespace weft::engineio::test {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using texts = std::vector<std::string>;

constexpr const char* first_poll = "EIO=4&transport=polling";
constexpr const char* first_websocket = "EIO=4&transport=websocket";

std::string origin(std::string_view value) {
    return "Origin: " + std::string(value) + "\r\n";
}

struct refused_case {
    std::string bytes;
    int status;
    std::string body;
    errc code;
};

TEST(refusals, each_has_its_status_and_body) {
    eio_world world({.allow_eio3 = false});
    const std::string sid = world.open_polling();
    const std::string on = eio_world::of(sid);
    const auto json = [](int code, const std::string& text) {
        return R"({"code":)" + std::to_string(code) + R"(,"message":")" + text + R"("})";
    };
    const std::string bad = json(3, "Bad request");
    const refused_case cases[] = {
        {eio_world::get("EIO=4"), 400, json(0, "Transport unknown"), errc::transport_unknown},
        {eio_world::get("EIO=4&transport=tcp"), 400, json(0, "Transport unknown"),
         errc::transport_unknown},
        {eio_world::get("EIO=4&transport=polling&transport=tcp"), 400, json(0, "Transport unknown"),
         errc::transport_unknown},
        {eio_world::get("EIO=4&transport=webtransport"), 400, json(0, "Transport unknown"),
         errc::transport_unknown},
        {eio_world::get("EIO=4&transport=polling&sid=nobody"), 400, json(1, "Session ID unknown"),
         errc::session_unknown},
        {eio_world::get("EIO=4&transport=polling&sid="), 400, json(1, "Session ID unknown"),
         errc::session_unknown},
        {eio_world::post(first_poll, "4a"), 400, json(2, "Bad handshake method"), errc::bad_method},
        {eio_world::get(first_poll, "", "DELETE"), 400, json(2, "Bad handshake method"),
         errc::bad_method},
        {eio_world::get(first_poll, "", "OPTIONS"), 400, json(2, "Bad handshake method"),
         errc::bad_method},
        {eio_world::get(first_websocket), 400, bad, errc::handshake_failed},
        {eio_world::get("EIO=4&transport=websocket&sid=" + sid), 400, bad,
         errc::transport_mismatch},
        {eio_world::get("EIO=3&transport=polling&sid=" + sid), 400, bad, errc::protocol_mismatch},
        {eio_world::get("transport=polling"), 400, json(5, "Unsupported protocol version"),
         errc::unsupported_protocol},
        {eio_world::get("EIO=5&transport=polling"), 400, json(5, "Unsupported protocol version"),
         errc::unsupported_protocol},
        {eio_world::get(first_poll, origin("https://evil.example")), 403, json(4, "Forbidden"),
         errc::origin_refused},
        {eio_world::get("EIO=4&transport=tcp&sid=x", origin("https://evil.example")), 403,
         json(4, "Forbidden"), errc::origin_refused},
        // Of upgrade requests: the bare text, and the end of the connection.
        {eio_world::upgrade("EIO=4&transport=websocket&sid=nobody"), 400, "Session ID unknown",
         errc::session_unknown},
        {eio_world::upgrade("EIO=4"), 400, "Transport unknown", errc::transport_unknown},
        {eio_world::upgrade(first_poll), 400, "Bad request", errc::handshake_failed},
        {eio_world::upgrade("transport=websocket"), 400, "Unsupported protocol version",
         errc::unsupported_protocol},
        {eio_world::upgrade("transport=websocket&sid=" + sid), 400, "Bad request",
         errc::protocol_mismatch},
        {eio_world::upgrade(on), 400, "Bad request", errc::transport_mismatch},
        {eio_world::upgrade(first_websocket, origin("https://evil.example")), 403, "Forbidden",
         errc::origin_refused},
        {eio_world::get(first_websocket, "Upgrade: websocket\r\nConnection: Upgrade\r\n"), 400,
         "Bad request", errc::handshake_failed},
    };
    for (const refused_case& c : cases) {
        const std::uint64_t before = world.errors(c.code);
        const auto client = world.connect();
        world.send(client, c.bytes);
        const reply got = world.take_one(client);
        EXPECT_EQ(got.status, c.status) << c.bytes;
        EXPECT_EQ(got.body, c.body) << c.bytes;
        const bool upgrade = c.bytes.find("Upgrade: ") != std::string::npos;
        EXPECT_TRUE(got.has(upgrade ? "Content-Type: text/html" : "Content-Type: application/json"))
            << c.bytes;
        EXPECT_EQ(got.has("Connection: close"), upgrade) << c.bytes;
        EXPECT_EQ(world.errors(c.code), before + 1) << c.bytes;
    }
    EXPECT_EQ(world.users.size(), 1U);
    EXPECT_NE(world.find(0), nullptr);
    EXPECT_EQ(world.poll("").status, 400);
}

TEST(refusals, are_told_to_the_application) {
    texts told;
    eio_world world({.on_connection_error = [&told](const connection_error& e) {
        EXPECT_EQ(e.url.substr(0, 12), "/socket.io/?");
        EXPECT_EQ(e.address, "127.0.0.1");
        told.push_back(std::string(e.message) + "|" + std::string(e.context));
    }});
    world.ask(eio_world::get("EIO=4&transport=tcp"));
    world.ask(eio_world::get("EIO=4&transport=polling&sid=x"));
    world.ask(eio_world::post(first_poll, ""));
    world.ask(eio_world::get(first_poll, origin("https://evil.io")));
    EXPECT_EQ(told, (texts{"Transport unknown|tcp", "Session ID unknown|x",
                           "Bad handshake method|POST", "Forbidden|https://evil.io"}));
}

TEST(refusals, transports_may_be_turned_off) {
    eio_world no_polling({.transports = {transport_kind::websocket}});
    EXPECT_EQ(no_polling.ask(eio_world::get(first_poll)).body,
              R"({"code":0,"message":"Transport unknown"})");
    eio_world no_websocket({.transports = {transport_kind::polling}});
    EXPECT_EQ(no_websocket.ask(eio_world::upgrade(first_websocket)).body, "Transport unknown");
    no_websocket.open_polling();
    EXPECT_NE(no_websocket.first.body.find(R"("upgrades":[])"), std::string::npos);
}

TEST(initial_packet, follows_the_handshake_at_once) {
    eio_world world({.initial_packet = "welcome"});
    const std::string sid = world.open_polling();
    EXPECT_EQ(world.first.body, world.at(0).greeting() + "\x1E" + "4welcome");
    EXPECT_EQ(world.take(world.hang(sid)), "");
    const auto client = world.open_websocket();
    const auto came = world.texts(client);
    ASSERT_EQ(came.size(), 2U);
    EXPECT_TRUE(came[0].starts_with("0{"));
    EXPECT_EQ(came[1], "4welcome");
}

TEST(refusals, the_path_is_a_prefix_up_to_a_slash) {
    eio_world world({.add_trailing_slash = false});
    for (const char* path : {"/socket.io/", "/socket.io", "/socket.io/any/thing"}) {
        EXPECT_EQ(world
                      .ask("GET " + std::string(path) + "?" + first_poll +
                           " HTTP/1.1\r\nHost: here\r\n\r\n")
                      .status,
                  200)
            << path;
    }
    EXPECT_EQ(world.ask("GET /socket.iofoo HTTP/1.1\r\nHost: here\r\n\r\n").status, 404);
    eio_world slash;
    EXPECT_EQ(slash.ask("GET /socket.io HTTP/1.1\r\nHost: here\r\n\r\n").status, 404);
}

// ---- Origins ----

struct origin_case {
    const char* value;
    bool allowed;
};

// The server is http://here; https://good.com, http://good.com:8080 and http://[::1]:3000 are
// listed.
constexpr origin_case origin_table[] = {
    {"http://here", true},
    {"http://here:80", true},
    {"HTTP://HERE", true},
    {"https://good.com", true},
    {"https://good.com:443", true},
    {"https://GOOD.com", true},
    {"http://good.com:8080", true},
    {"http://[::1]:3000", true},
    {"https://here", true},  // a proxy may end TLS
    // No browser makes these of a page's origin: they are programs.
    {"file://", true},
    {"http://here/", true},
    {"http://here#", true},
    {"http://user@here", true},
    {"https:good.com", true},
    {"good.com", true},
    {"", true},
    {"//good.com", true},
    // Pages of others.
    {"http://here:81", false},
    {"http://here.", false},
    {"http://here.evil.io", false},
    {"http://evilhere", false},
    {"http://good.com", false},
    {"https://good.com:8080", false},
    {"http://good.com:8081", false},
    {"https://good.com.evil.io", false},
    {"https://evil-good.com", false},
    {"https://good.com.", false},
    {"https://good.com:", false},
    {"https://good.com:0443", false},
    {"https://good.com:99999", false},
    {"https://www.good.com", false},
    {"https://good.co", false},
    {"https://g\xC3\xB6od.com", false},
    {"https://good.com, https://evil.io", false},
    {"https://good.com:443.evil.io", false},
    {"https://[::1]:3000", false},
    {"http://[::1]", false},
    {"http://[::1].evil.io:3000", false},
    {"chrome-extension://good.com", false},
    {"capacitor://here", false},
    {"null", false},
};
static_assert(std::size(origin_table) >= 40);

options listed() {
    options chosen;
    chosen.origins = {"https://good.com"};
    chosen.cors = cors_options{};
    chosen.cors->origins = {"http://good.com:8080", "http://[::1]:3000"};
    return chosen;
}

TEST(origins, sec_b2_one_table_for_polling_upgrade_and_websocket) {
    for (const origin_case& c : origin_table) {
        eio_world world(listed());
        const std::string line = origin(c.value);
        const std::string sid = world.open_polling();
        const reply polled = world.ask(eio_world::get(first_poll, line));
        EXPECT_EQ(polled.status, c.allowed ? 200 : 403) << c.value;
        EXPECT_EQ(polled.has("Vary: Origin\r\n"), c.allowed) << c.value;  // no cache keeps a 403
        EXPECT_TRUE(c.allowed || !polled.has("Access-Control-Allow-Origin")) << c.value;
        EXPECT_EQ(world.ask(eio_world::post(eio_world::of(sid), "4a", line)).status,
                  c.allowed ? 200 : 403)
            << c.value;
        EXPECT_EQ(world.ask(eio_world::get(first_poll, line, "OPTIONS")).status,
                  c.allowed ? 204 : 403)
            << c.value;
        EXPECT_EQ(world.ask(eio_world::upgrade(first_websocket, line)).status,
                  c.allowed ? 101 : 403)
            << c.value;
        EXPECT_EQ(
            world.ask(eio_world::upgrade("EIO=4&transport=websocket&sid=" + sid, line)).status,
            c.allowed ? 101 : 403)
            << c.value;
    }
}

TEST(origins, sec_b1_sec_b2_two_origins_are_none) {
    eio_world world;
    const std::string two = origin("http://here") + origin("http://here");
    EXPECT_EQ(world.ask(eio_world::get(first_poll, two)).status, 403);
    EXPECT_EQ(world.ask(eio_world::upgrade(first_websocket, two)).status, 403);
}

// A page's own polls carry cookies and no Origin. What a foreign page can make a browser send
// without Origin says where it comes from, or is a script, whose reply the page could read.
TEST(origins, sec_b2_requests_without_origin) {
    eio_world world;
    const std::string cookie = "Cookie: id=1\r\n";
    const auto status = [&](const std::string& bytes) { return world.ask(bytes).status; };
    const std::string script = std::string(first_poll) + "&j=0";
    EXPECT_EQ(status(eio_world::get(first_poll)), 200);
    EXPECT_EQ(status(eio_world::get(first_poll, cookie)), 200);
    EXPECT_EQ(status(eio_world::get(first_poll, cookie + "Sec-Fetch-Site: same-origin\r\n")), 200);
    EXPECT_EQ(status(eio_world::get(first_poll, cookie + "Sec-Fetch-Site: none\r\n")), 200);
    EXPECT_EQ(status(eio_world::get(first_poll, cookie + "Sec-Fetch-Site: cross-site\r\n")), 403);
    EXPECT_EQ(status(eio_world::get(first_poll, cookie + "Sec-Fetch-Site: same-site\r\n")), 403);
    EXPECT_EQ(status(eio_world::get(script)), 200);
    EXPECT_EQ(status(eio_world::get(script, cookie)), 403);
    EXPECT_EQ(status(eio_world::get(script, cookie + "Sec-Fetch-Site: same-origin\r\n")), 200);
    EXPECT_EQ(status(eio_world::upgrade(first_websocket)), 101);
    EXPECT_EQ(status(eio_world::upgrade(first_websocket, cookie)), 101) << "no page: RFC 6455 4.1";
}

TEST(origins, the_check_may_be_turned_off) {
    eio_world world({.origin = ws::origin_check::any});
    const std::string foreign = origin("https://evil.io") + "Cookie: id=1\r\n";
    const reply got = world.ask(eio_world::get(first_poll, foreign));
    EXPECT_EQ(got.status, 200);
    EXPECT_FALSE(got.has("Access-Control"));
    EXPECT_EQ(world.ask(eio_world::upgrade(first_websocket, foreign)).status, 101);
}

TEST(cors, reflects_listed_origins_only) {
    options chosen = listed();
    chosen.cors->credentials = true;
    chosen.cors->exposed_headers = {"X-A", "X-B"};
    chosen.cors->accept_origin = [](std::string_view o) { return o == "https://asked.org"; };
    eio_world world(std::move(chosen));
    for (const char* from : {"http://good.com:8080", "https://asked.org"}) {
        const reply got = world.ask(eio_world::get(first_poll, origin(from)));
        EXPECT_EQ(got.status, 200);
        EXPECT_TRUE(got.has("Access-Control-Allow-Origin: " + std::string(from) + "\r\n"));
        EXPECT_TRUE(got.has("Vary: Origin\r\n"));
        EXPECT_TRUE(got.has("Access-Control-Allow-Credentials: true\r\n"));
        EXPECT_TRUE(got.has("Access-Control-Expose-Headers: X-A,X-B\r\n"));
    }
    const reply own = world.ask(eio_world::get(first_poll, origin("http://here")));
    EXPECT_EQ(own.status, 200);
    EXPECT_FALSE(own.has("Access-Control-Allow-Origin"));
    EXPECT_TRUE(own.has("Vary: Origin\r\n"));
    // Errors too, or the page could not read why.
    EXPECT_TRUE(world.ask(eio_world::get("EIO=4", origin("https://asked.org")))
                    .has("Access-Control-Allow-Origin: https://asked.org\r\n"));
}

TEST(cors, preflight) {
    options chosen = listed();
    chosen.cors->max_age = 600s;
    eio_world world(chosen);
    const std::string asked =
        origin("http://good.com:8080") + "Access-Control-Request-Headers: x-token\r\n";
    reply got = world.ask(eio_world::get(first_poll, asked, "OPTIONS"));
    EXPECT_EQ(got.status, 204);
    EXPECT_TRUE(got.has("Access-Control-Allow-Methods: GET,HEAD,PUT,PATCH,POST,DELETE\r\n"));
    EXPECT_TRUE(got.has("Access-Control-Allow-Headers: x-token\r\n"));
    EXPECT_TRUE(got.has("Access-Control-Max-Age: 600\r\n"));
    EXPECT_TRUE(got.has("Vary: Origin\r\n"));
    EXPECT_TRUE(got.has("Vary: Access-Control-Request-Headers\r\n"));
    chosen.cors->allowed_headers = {"x-one", "x-two"};
    eio_world fixed(chosen);
    EXPECT_TRUE(fixed.ask(eio_world::get(first_poll, asked, "OPTIONS"))
                    .has("Access-Control-Allow-Headers: x-one,x-two\r\n"));
}

TEST(cors, any_origin_is_a_choice_and_excludes_credentials) {
    options chosen;
    chosen.cors = cors_options{};
    chosen.cors->origins = {"*"};
    eio_world world(chosen);
    const reply got = world.ask(eio_world::get(first_poll, origin("https://any.org")));
    EXPECT_EQ(got.status, 200);
    EXPECT_TRUE(got.has("Access-Control-Allow-Origin: *\r\n"));
    chosen.cors->credentials = true;
    EXPECT_FALSE(engine(chosen).prepare());
    chosen.cors->credentials = false;
    chosen.cors->origins = {"*", "https://any.org"};
    EXPECT_FALSE(engine(chosen).prepare());
}

TEST(cors, a_function_alone_may_accept_origins_but_never_two_at_once) {
    options chosen;
    chosen.cors = cors_options{};
    chosen.cors->accept_origin = [](std::string_view) { return true; };
    eio_world world(chosen);
    const std::string one = origin("https://asked.org");
    EXPECT_EQ(world.ask(eio_world::get(first_poll, one)).status, 200);
    EXPECT_EQ(world.ask(eio_world::get(first_poll, one + one)).status, 403);
}

// ---- Headers ----

TEST(headers, hooks_and_cookie) {
    options chosen;
    chosen.cookie = http::cookie{.name = "io"};
    chosen.headers = [](http::response& to, const http::request&) { to.header("X-Every", "1"); };
    chosen.initial_headers = [](http::response& to, const http::request& of) {
        to.header("X-First", of.header("x-echo"));
    };
    eio_world world(std::move(chosen));
    const std::string sid = world.open_polling(first_poll, "X-Echo: yes\r\n");
    EXPECT_TRUE(world.first.has("X-Every: 1\r\n"));
    EXPECT_TRUE(world.first.has("X-First: yes\r\n"));
    EXPECT_TRUE(world.first.has("Set-Cookie: io=" + sid + "; Path=/; HttpOnly; SameSite=Lax\r\n"));
    const reply second = world.submit(sid, "6");
    EXPECT_TRUE(second.has("X-Every: 1\r\n"));
    EXPECT_FALSE(second.has("X-First"));
    EXPECT_FALSE(second.has("Set-Cookie"));
    world.open_websocket();
    EXPECT_TRUE(world.first.has("X-Every: 1\r\n"));
    EXPECT_TRUE(world.first.has("X-First:"));
    EXPECT_FALSE(world.first.has("Set-Cookie"));
}

TEST(headers, a_cookie_with_everything) {
    options chosen;
    chosen.cookie = http::cookie{.name = "io"};
    chosen.cookie->name = "id";
    chosen.cookie->path = "/app";
    chosen.cookie->max_age = 60s;
    chosen.cookie->http_only = false;
    chosen.cookie->secure = true;
    chosen.cookie->same_site = http::same_site::none;
    eio_world world(std::move(chosen));
    const std::string sid = world.open_polling();
    EXPECT_TRUE(world.first.has("Set-Cookie: id=" + sid +
                                "; Path=/app; Max-Age=60; Secure; SameSite=None\r\n"));
}

TEST(handshake, keeps_what_the_first_request_said) {
    eio_world world;
    world.open_polling("EIO=4&transport=polling&t=x%20y",
                       "User-Agent: me\r\nX-Two: a\r\nX-Two: b\r\n");
    const http::handshake& h = world.at(0).request();
    EXPECT_EQ(h.url(), "/socket.io/?EIO=4&transport=polling&t=x%20y");
    EXPECT_EQ(h.query(), "EIO=4&transport=polling&t=x%20y");
    EXPECT_EQ(h.query_value("t"), "x y");
    EXPECT_EQ(h.query_value("none"), std::nullopt);
    EXPECT_EQ(h.header("user-agent"), "me");
    EXPECT_EQ(h.header("x-two"), "a");
    EXPECT_EQ(h.header("none"), "");
    EXPECT_EQ(h.address(), "127.0.0.1");
    EXPECT_FALSE(h.secure());
    texts names;
    h.each_header([&](std::string_view name, std::string_view value) {
        names.push_back(std::string(name) + "=" + std::string(value));
    });
    EXPECT_EQ(names, (texts{"Host=here", "User-Agent=me", "X-Two=a", "X-Two=b"}));
}

// ---- Limits and the end ----

TEST(limits, sessions_in_all_and_of_one_address) {
    for (const bool by_address : {false, true}) {
        options chosen;
        (by_address ? chosen.max_sessions_per_address : chosen.max_sessions) = 2;
        eio_world world(std::move(chosen));
        const std::string sid = world.open_polling();
        world.hang(sid);
        world.open_websocket();
        const auto refused = world.ask(eio_world::get(first_poll));
        EXPECT_EQ(refused.status, 503);
        EXPECT_THAT(refused.body,
                    HasSubstr(by_address ? ": max_sessions_per_address\"" : ": max_sessions\""));
        EXPECT_EQ(world.ask(eio_world::upgrade(first_websocket)).status, 503);
        EXPECT_EQ(
            world.errors(by_address ? errc::too_many_sessions_of_address : errc::too_many_sessions),
            2U);
        world.submit(sid, "1");
        EXPECT_EQ(world.ask(eio_world::get(first_poll)).status, 200);
        EXPECT_EQ(world.engine.sessions(), 2U);
    }
}

TEST(limits, a_refusal_is_logged_with_its_setting_now_and_then) {
    options chosen;
    chosen.max_sessions_per_address = 1;
    chosen.handshake_timeout = chosen.ping_interval = 10min;
    eio_world world(std::move(chosen));
    world.hang(world.open_polling());
    for (int i = 0; i < 5; ++i) EXPECT_EQ(world.ask(eio_world::get(first_poll)).status, 503);
    ASSERT_EQ(world.log.size(), 1U);
    EXPECT_THAT(world.log[0],
                StartsWith("Too many sessions: max_sessions_per_address, from 127.0.0.1:"));
    EXPECT_THAT(world.log[0], EndsWith(", at /socket.io"));
    world.pass(60s);
    EXPECT_EQ(world.ask(eio_world::get(first_poll)).status, 503);
    EXPECT_THAT(world.log.back(), StartsWith("Too many sessions: max_sessions_per_address, from "));
    EXPECT_THAT(world.log.back(), EndsWith(" (5 since the last such line)"));
}

TEST(limits, a_refused_origin_is_logged_with_its_value_and_the_setting) {
    eio_world world;
    EXPECT_EQ(world.ask(eio_world::get(first_poll, origin("https://evil.example"))).status, 403);
    ASSERT_EQ(world.log.size(), 1U);
    EXPECT_THAT(world.log[0],
                HasSubstr("in origins or cors: 'https://evil.example', from 127.0.0.1:"));
}

TEST(limits, an_id_of_a_session_is_not_logged) {
    eio_world world;
    const std::string sid = world.open_polling();
    EXPECT_EQ(world.ask(eio_world::get("EIO=3&transport=polling&sid=" + sid)).status, 400);
    EXPECT_EQ(world.ask(eio_world::get("EIO=4&transport=polling&sid=unknown")).status, 400);
    ASSERT_EQ(world.notes.size(), 2U);
    for (const std::string& line : world.notes) {
        EXPECT_THAT(line, Not(HasSubstr(sid)));
        EXPECT_THAT(line, Not(HasSubstr("unknown'")));
    }
}

TEST(limits, a_session_that_never_comes_back_ends_soon) {
    eio_world world;
    const std::string once = world.open_polling();
    const std::string polls = world.open_polling();
    const std::string posts = world.open_polling();
    world.hang(polls);
    world.submit(posts, "4hello");
    world.pass(19s);
    EXPECT_EQ(world.engine.sessions(), 3U);
    world.pass(1s + 10ms);
    EXPECT_EQ(world.engine.sessions(), 2U);
    EXPECT_EQ(world.errors(errc::handshake_timeout), 1U);
    world.pass(6s);
    EXPECT_EQ(world.engine.sessions(), 2U);
    world.pass(21s);
    EXPECT_EQ(world.engine.sessions(), 0U) << "the heartbeat goes on for the others";
    EXPECT_EQ(world.errors(errc::handshake_timeout), 1U);
}

TEST(limits, the_session_that_has_waited_for_longest_gives_way_to_a_newcomer) {
    options chosen;
    chosen.max_sessions_per_address = 3;
    eio_world world(std::move(chosen));
    const std::string first = world.open_polling();
    const std::string second = world.open_polling();
    const std::string third = world.open_polling();
    world.hang(first);  // it has come back
    const std::string fourth = world.open_polling();
    EXPECT_EQ(world.first.status, 200);
    EXPECT_EQ(world.engine.sessions(), 3U);
    EXPECT_EQ(world.errors(errc::gave_way), 1U);
    EXPECT_EQ(world.users[1]->closed, std::vector{close_reason::ping_timeout});
    EXPECT_EQ(world.poll(second).status, 400) << "it is gone";
    EXPECT_THAT(world.log.at(0), StartsWith("too many sessions: one without a second request "
                                            "made room (max_sessions_per_address, max_sessions"));
    EXPECT_EQ(world.submit(third, "4hello").status, 200);
    world.open_websocket();
    EXPECT_EQ(world.first.status, 101) << "a WebSocket needs room, too";
    EXPECT_EQ(world.poll(fourth).status, 400);
    EXPECT_EQ(world.ask(eio_world::get(first_poll)).status, 503) << "all have come back";
    EXPECT_EQ(world.engine.sessions(), 3U);
}

TEST(limits, one_connection_cannot_take_all_sessions) {
    options chosen;
    chosen.max_sessions_per_address = 100;
    eio_world world(std::move(chosen));
    const std::uint64_t before = world.loop.budget().used();
    const auto greedy = world.connect();
    for (int i = 0; i < 1000; ++i) {
        world.send(greedy, eio_world::get(first_poll));
        if (i % 100 != 99) continue;
        EXPECT_LE(world.engine.sessions(), 100U);
        const std::string sid = world.open_polling();
        world.pass(100ms);
        EXPECT_EQ(world.submit(sid, "1").status, 200) << "a newcomer of this very address";
    }
    EXPECT_EQ(world.take(greedy).find("HTTP/1.1 503"), std::string::npos);
    world.io.peer_end(greedy);
    world.pass(21s);
    EXPECT_EQ(world.engine.sessions(), 0U);
    world.pass(60s);
    world.pass(10s);
    EXPECT_EQ(world.loop.budget().used(), before) << "the connections have gone, too";
}

TEST(limits, at_the_memory_limit_a_session_gives_way_too) {
    eio_world world;
    memory_account account(1 << 20);
    world.loop.budget().report_to(account, [] {});
    const std::string waits = world.open_polling();
    const std::string back = world.open_polling();
    world.hang(back);
    world.loop.budget().charge(2 << 20);
    world.open_polling();
    EXPECT_EQ(world.first.status, 200);
    EXPECT_EQ(world.poll(waits).status, 400);
    EXPECT_EQ(world.errors(errc::gave_way), 1U);
    world.loop.budget().release(2 << 20);
}

TEST(limits, an_ipv6_network_counts_as_one) {
    session_census census(10, 1);
    const auto address = [](const char* numbers) { return *socket_address::make(numbers, 80); };
    EXPECT_FALSE(census.enter(address("2001:db8::1")));
    EXPECT_TRUE(census.enter(address("2001:db8::2")));
    EXPECT_FALSE(census.enter(address("2001:db8:0:1::1")));
    EXPECT_FALSE(census.enter(address("10.0.0.1")));
    EXPECT_FALSE(census.enter(address("10.0.0.2")));
    census.leave(address("2001:db8::7"));
    EXPECT_FALSE(census.enter(address("2001:db8::2")));
    EXPECT_FALSE(census.enter(address("::ffff:10.0.0.3")));
    EXPECT_FALSE(census.enter(address("::ffff:10.0.0.4")));
    EXPECT_TRUE(census.enter(address("10.0.0.4")));
    EXPECT_EQ(census.size(), 6U);
}

TEST(drain, closes_all_and_refuses_more) {
    eio_world world;
    const auto poll = world.hang(world.open_polling());
    const auto socket = world.open_websocket();
    (void)world.frames(socket);
    world.drain();
    world.run();
    EXPECT_EQ(world.take_one(poll).body, "1");
    EXPECT_EQ(world.frames(socket).back().close_code(), 1001);
    world.send(socket, ws::test::close_frame(1001));
    for (const auto& user : world.users)
        EXPECT_EQ(user->closed, std::vector{close_reason::server_shutting_down});
    EXPECT_EQ(world.ask(eio_world::get(first_poll)).status, 503);
    EXPECT_EQ(world.engine.sessions(), 0U);
}

TEST(drain, users_are_told_when_the_loop_ends_first) {
    std::vector<std::shared_ptr<told>> users;
    {
        eio_world world;
        world.hang(world.open_polling());
        world.open_websocket();
        world.open_polling();
        users = world.users;
    }
    for (const auto& user : users) EXPECT_EQ(user->closed.size(), 1U);
}

TEST(options, wrong_ones_are_named) {
    const auto complaint = [](auto change) {
        options chosen;
        change(chosen);
        const auto said = engine(std::move(chosen)).prepare();
        return said ? "" : said.error().what();
    };
    EXPECT_EQ(complaint([](options&) {}), "");
    EXPECT_NE(complaint([](options& o) { o.path = "x"; }).find("path"), std::string::npos);
    EXPECT_NE(complaint([](options& o) { o.max_queue = 1; }).find("max_queue"), std::string::npos);
    EXPECT_NE(complaint([](options& o) { o.ping_timeout = 0s; }).find("ping_timeout"),
              std::string::npos);
    EXPECT_NE(complaint([](options& o) { o.transports = {}; }).find("transports"),
              std::string::npos);
    EXPECT_NE(complaint([](options& o) { o.ping_interval = 366 * 24h; }).find("ping_interval"),
              std::string::npos);
    for (const int bits : {8, 16}) {
        EXPECT_NE(complaint([&](options& o) {
                      o.per_message_deflate.emplace();
                      o.per_message_deflate->window_bits = bits;
                  }).find("window_bits"),
                  std::string::npos)
            << bits;
    }
    EXPECT_NE(complaint([](options& o) { o.origins = {"*"}; }).find("'*'"), std::string::npos);
    EXPECT_NE(
        complaint([](options& o) { o.max_http_buffer_size = 0; }).find("max_http_buffer_size"),
        std::string::npos);
}

// ---- Rows of the security table ----

TEST(security, sec_s4_texts_of_the_peer_are_only_ever_data) {
    eio_world world;
    const std::string long_text(8000, 'x');
    for (const std::string& value :
         {std::string("__proto__"), std::string("constructor"), std::string("toString"),
          std::string(), long_text, std::string("%00"), std::string("hasOwnProperty")}) {
        for (const char* key : {"transport", "sid", "EIO", "j", "b64", "__proto__"}) {
            const std::string pair = std::string(key) + "=" + value;
            for (const char* rest : {"", "&EIO=4", "&EIO=4&transport=polling"}) {
                const int status = world.ask(eio_world::get(pair + rest)).status;
                EXPECT_TRUE(status == 200 || status == 400 || status == 414) << pair;
                const int upgraded = world.ask(eio_world::upgrade(pair + rest)).status;
                EXPECT_TRUE(upgraded == 101 || upgraded == 400 || upgraded == 414) << pair;
            }
        }
    }
}

TEST(security, sec_s5_an_upgrade_must_fit_its_session) {
    options chosen;
    chosen.allow_eio3 = true;
    chosen.middlewares.emplace_back([](const http::handshake& h) -> admission<> {
        if (h.header("cookie").empty()) return true;
        return identity{std::string(h.header("cookie"))};
    });
    eio_world world(std::move(chosen));
    const std::string mine = "Cookie: user=me\r\n" + origin("http://here");
    const std::string sid = world.open_polling(first_poll, mine);
    for (const char* version : {"EIO=3&", "", "EIO=4,4&", "EIO=4&EIO=3&", "eio=4&"}) {
        EXPECT_EQ(world.ask(eio_world::upgrade(version + ("transport=websocket&sid=" + sid), mine))
                      .status,
                  400)
            << version;
    }
    const std::string query = "EIO=4&transport=websocket&sid=" + sid;
    EXPECT_EQ(
        world.ask(eio_world::upgrade(query, "Cookie: user=you\r\n" + origin("http://here"))).status,
        400);
    EXPECT_EQ(world.ask(eio_world::upgrade(query, origin("http://here"))).status, 400);
    EXPECT_EQ(world.ask(eio_world::get(eio_world::of(sid))).body,
              R"({"code":1,"message":"Session ID unknown"})");
    EXPECT_EQ(world.errors(errc::principal_mismatch), 3U);
    EXPECT_EQ(world.ask(eio_world::upgrade(query, mine)).status, 101);
}

TEST(security, sec_s6_refused_polls_leak_nothing) {
    eio_world world;
    for (int i = 0; i < 2000; ++i) {
        const auto client = world.connect();
        const std::string sid = i % 2 == 0 ? world.open_polling() : "nobody";
        world.send(client, eio_world::post(eio_world::of(sid), "4a",
                                           "Content-Type: application/octet-stream\r\n"));
        EXPECT_EQ(world.take_one(client).status, 400);
        world.io.peer_end(client);
        world.run(2);
    }
    for (int i = 0; i < 20; ++i) world.pass(10s);  // idle connections go
    EXPECT_EQ(world.engine.sessions(), 0U);
    EXPECT_EQ(world.loop.connections(), 0U);
}

TEST(security, sec_s6_a_reset_at_any_moment_of_an_upgrade_is_harmless) {
    for (int moment = 0; moment < 4; ++moment) {
        eio_world world;
        const std::string sid = world.open_polling();
        const auto client = world.connect();
        world.io.peer_send(client, eio_world::upgrade("EIO=4&transport=websocket&sid=" + sid));
        if (moment > 0) world.run();
        if (moment > 1) world.say(client, "2probe");
        if (moment > 2) world.io.peer_send(client, ws::test::text_frame("5"));
        world.io.peer_reset(client);
        world.run();
        for (int i = 0; i < 10; ++i) world.pass(5s);  // ping and its timeout
        EXPECT_EQ(world.engine.sessions(), 0U) << moment;
        EXPECT_EQ(world.users[0]->closed.size(), 1U);
    }
}

// Not by the clock: each byte of the body is moved as often when the body is larger.
TEST(security, sec_s7_a_body_in_single_bytes_is_read_once) {
    eio_world world({.max_http_buffer_size = 100'000});
    const std::string sid = world.open_polling();
    const std::string body = "4" + std::string(99'999, 'x');
    const std::string bytes = eio_world::post(eio_world::of(sid), body);
    world.io.limit_receive(1);
    const auto client = world.connect();
    world.io.peer_send(client, bytes);
    const auto before = std::chrono::steady_clock::now();
    world.run(4);
    world.io.limit_receive(SIZE_MAX);
    world.run(4);
    EXPECT_LT(std::chrono::steady_clock::now() - before, 5s);  // quadratic would take minutes
    EXPECT_EQ(world.take_one(client).body, "ok");
    ASSERT_EQ(world.users[0]->messages.size(), 1U);
    EXPECT_EQ(world.users[0]->messages[0].size(), 99'999U);
}

TEST(security, sec_s8_ids_are_random_and_never_taken_from_the_client) {
    eio_world world;
    EXPECT_EQ(world.ask(eio_world::get("EIO=4&transport=polling&sid=AAAAAAAAAAAAAAAAAAAA")).status,
              400);
    EXPECT_EQ(world.users.size(), 0U);
    std::set<std::string> seen;
    std::array<std::set<char>, 20> letters;
    for (int i = 0; i < 2000; ++i) {
        const std::string sid = world.open_polling();
        ASSERT_EQ(sid.size(), 20U);
        EXPECT_TRUE(seen.insert(sid).second);
        for (std::size_t at = 0; at < 20; ++at) letters[at].insert(sid[at]);
    }
    for (const auto& at : letters) EXPECT_EQ(at.size(), 64U);  // each place uses the whole alphabet
}

TEST(engineio_request, counts_a_refused_websocket_as_a_plain_endpoint_does) {
    eio_world world;
    const auto first = [&](std::string_view key) {
        return world.ask(eio_world::get("EIO=4&transport=websocket",
                                        "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                                        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " +
                                            std::string(key) + "\r\n"));
    };
    EXPECT_EQ(first("short").status, 400);
    EXPECT_EQ(world.shared.metrics.errors.read(ws::errc::bad_key), 1U);
    EXPECT_EQ(world.shared.metrics.refused.read(), 1U);
    // What we cannot do is not the client's fault.
    world.shared.sha1.reset();
    EXPECT_EQ(first("dGhlIHNhbXBsZSBub25jZQ==").status, 400);
    EXPECT_EQ(world.shared.metrics.errors.read(ws::errc::bad_key), 1U);
}

}  // namespace
}  // namespace weft::engineio::test
