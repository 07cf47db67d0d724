// The client against a server that the test plays by hand, on the sim backend: each stage of an
// attempt, what may be wrong with a response, redirects, the pauses between attempts, and dying at
// any moment.

#include <algorithm>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include <weft/http/error.hpp>
#include <weft/ws/client.hpp>

#include "base/digest.hpp"
#include "net/backend/sim/sim_backend.hpp"
#include "net/loop_core.hpp"
#include "ws/client_core.hpp"
#include "ws/client_url.hpp"
#include "ws/proto/frame.hpp"
#include "ws/proto/handshake.hpp"

namespace weft::ws {
namespace {

using namespace std::chrono_literals;
using net::sim_backend;

std::string header_of(std::string_view request, std::string_view name) {
    const std::size_t at = request.find("\r\n" + std::string(name) + ": ");
    if (at == std::string_view::npos) return "(none)";
    const std::string_view rest = request.substr(at + name.size() + 4);
    return std::string(rest.substr(0, rest.find("\r\n")));
}

std::string answer_to(std::string_view request, std::string_view extra = {}) {
    sha1_digest sha1 = std::move(*sha1_digest::make());
    const auto accept = *accept_value(sha1, header_of(request, "Sec-WebSocket-Key"));
    return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           "Sec-WebSocket-Accept: " +
           std::string(accept.data(), accept.size()) + "\r\n" + std::string(extra) + "\r\n";
}

std::string redirect_to(std::string_view where, int status = 302) {
    return "HTTP/1.1 " + std::to_string(status) + " Found\r\nLocation: " + std::string(where) +
           "\r\nContent-Length: 0\r\n\r\n";
}

/// A frame as a server sends it.
std::string frame(std::uint8_t first, std::string_view payload) {
    return std::string{static_cast<char>(first), static_cast<char>(payload.size())} +
           std::string(payload);
}

struct masked_frame {
    std::uint8_t first = 0;
    std::string key;
    std::string payload;
};

std::vector<masked_frame> read_frames(std::string_view wire) {
    std::vector<masked_frame> out;
    while (wire.size() >= 6) {
        const auto second = static_cast<std::uint8_t>(wire[1]);
        EXPECT_TRUE(second & 0x80U) << "a client's frame is masked";
        const std::size_t size = second & 0x7FU;
        masked_frame one{static_cast<std::uint8_t>(wire[0]), std::string(wire.substr(2, 4)), {}};
        for (std::size_t i = 0; i < size; ++i) {
            one.payload += static_cast<char>(wire[6 + i] ^ one.key[i % 4]);
        }
        out.push_back(one);
        wire.remove_prefix(6 + size);
    }
    return out;
}

class client_test : public ::testing::Test {
protected:
    client_test()
        : io(*new sim_backend),
          core(
              std::make_unique<net::loop_core>(std::unique_ptr<net::backend>(&io), loop_options{})),
          context(*core) {
        io.serve_port(80);
    }

    client& make(client_options options = {}) {
        if (options.url.empty()) options.url = "ws://127.0.0.1/chat";
        subject = std::make_unique<client>(context, std::move(options));
        listen_to(*subject);
        return *subject;
    }
    void begin(client_options options = {}) { ASSERT_TRUE(make(std::move(options)).connect()); }
    void listen_to(client& c) {
        c.on_open([this](client& me) {
             note("open");
             if (at_open) at_open(me);
         })
            .on_message([this](client& me, message_view what) {
                note("message " + std::string(what.text()));
                if (at_message) at_message(me);
            })
            .on_pong([this](client&, byte_view payload) {
                note("pong " + std::string(as_text(payload)));
            })
            .on_close([this](client& me, const close_event& event) {
                note("close " + std::to_string(static_cast<int>(event.code)) +
                     (event.clean ? " clean" : ""));
                cause = event.cause;
                if (at_close) at_close(me);
            })
            .on_failure([this](client& me, const connect_failure& failure) {
                note("failure " + std::to_string(failure.attempt));
                why = failure.why.code();
                text = failure.why.message();
                status = failure.status;
                if (at_failure) at_failure(me);
            });
    }
    void note(std::string what) { seen.push_back(std::move(what)); }
    void run(int iterations = 4) {
        while (iterations-- > 0) core->run_once(duration::zero());
    }
    void pass(duration time) {
        io.advance(time);
        run();
    }
    /// The server's end of the newest connection, and what was asked there.
    void serve(std::uint16_t port = 80) {
        run();
        const auto taken = io.taken_connections(port);
        ASSERT_EQ(taken.size(), 1U);
        server = taken[0];
        run();
        request = io.peer_take(server);
    }
    void answer(std::string_view bytes) {
        io.peer_send(server, bytes);
        run();
    }
    void open(client_options options = {}) {
        make(std::move(options));
        ASSERT_TRUE(subject->connect());
        serve();
        answer(answer_to(request));
        ASSERT_TRUE(subject->is_open());
    }
    [[nodiscard]] bool server_sees_end() const {
        return io.peer_sees_end(server) || io.peer_sees_reset(server);
    }

    sim_backend& io;
    std::unique_ptr<net::loop_core> core;
    client_context context;
    std::unique_ptr<client> subject;
    std::vector<std::string> seen;
    std::error_code why, cause;
    std::string text;
    int status = 0;
    sim_backend::peer server = -1;
    std::string request;
    std::function<void(client&)> at_open, at_message, at_close, at_failure;
};

using strings = std::vector<std::string>;

client_options reconnecting(backoff how = {.spread = jitter::none}) {
    client_options options;
    options.reconnect = how;
    return options;
}

// ---- URLs ----

TEST(client_url_test, takes_urls_apart) {
    const auto url = client_url::parse("wss://us%40er:p%3aw@Example.ORG:8443/a/b?c=d");
    ASSERT_TRUE(url);
    EXPECT_TRUE(url->secure);
    EXPECT_EQ(url->host, "example.org");
    EXPECT_EQ(url->port, 8443);
    EXPECT_EQ(url->target, "/a/b?c=d");
    EXPECT_EQ(url->user_info, "us@er:p:w");
    EXPECT_EQ(url->authority(), "example.org:8443");
    EXPECT_EQ(client_url::parse("ws://h")->target, "/");
    EXPECT_EQ(client_url::parse("HTTP://h?x")->target, "/?x");
    EXPECT_EQ(client_url::parse("ws://h")->authority(), "h");
    EXPECT_EQ(client_url::parse("https://h")->port, 443);
    EXPECT_EQ(client_url::parse("ws://[::1]:81/")->host, "::1");
    EXPECT_EQ(client_url::parse("ws://[::1]:81/")->authority(), "[::1]:81");
    EXPECT_EQ(client_url::parse("ws://user@h")->user_info, "user:");
    const auto local = client_url::parse("ws+unix:/run/x.sock:/y?z");
    ASSERT_TRUE(local);
    EXPECT_EQ(local->unix_path, "/run/x.sock");
    EXPECT_EQ(local->target, "/y?z");
    EXPECT_EQ(client_url::parse("ws+unix:/run/x.sock")->target, "/");
}

TEST(client_url_test, refuses_what_cannot_be_asked_for) {
    for (const char* const bad : {"",
                                  "ws",
                                  "ws:",
                                  "ws:/h",
                                  "ws://",
                                  "ws:///p",
                                  "ftp://h/",
                                  "//h/",
                                  "/p",
                                  "ws://h/#f",
                                  "ws://h#f",
                                  "ws://h/a b",
                                  "ws://h/\r\nX: y",
                                  "ws://h/\x7f",
                                  "ws://h:0/",
                                  "ws://h:65536/",
                                  "ws://h:x/",
                                  "ws://::1/",
                                  "ws://[::1/",
                                  "ws://[h]/",
                                  "ws://u%4@h/",
                                  "ws://u%zz@h/",
                                  "ws://h\xC3\xA4/",
                                  "ws+unix:",
                                  "ws+unix::/x",
                                  "ws+unix:/s:x"}) {
        EXPECT_FALSE(client_url::parse(bad)) << bad;
    }
    EXPECT_FALSE(client_url::parse("ws://h/" + std::string(9000, 'a')));
    const auto secret = client_url::parse("ws://user:secret@h:x/");
    EXPECT_EQ(secret.error().message().find("secret"), std::string::npos);
}

TEST(client_url_test, resolves_redirects) {
    const auto from = *client_url::parse("ws://h:81/a/b/c?q");
    const std::map<std::string, std::string> cases{{"d", "/a/b/d"},
                                                   {"/d?e", "/d?e"},
                                                   {"?e", "/a/b/c?e"},
                                                   {"../d", "/a/d"},
                                                   {"../../../d", "/d"},
                                                   {"./d/", "/a/b/d/"},
                                                   {"..", "/a/"},
                                                   {"", "/a/b/c?q"},
                                                   {"d#f", "/a/b/d"},
                                                   {"http://i/x", "/x"},
                                                   {"//i", "/"},
                                                   {"/a/./b/../c", "/a/c"},
                                                   {"d?u=http://x/", "/a/b/d?u=http://x/"}};
    for (const auto& [location, target] : cases) {
        const auto to = from.resolve(location);
        ASSERT_TRUE(to) << location;
        EXPECT_EQ(to->target, target) << location;
    }
    EXPECT_TRUE(from.resolve("x")->same_origin(from));
    EXPECT_TRUE(from.resolve("http://H:81/")->same_origin(from));
    EXPECT_FALSE(from.resolve("ws://h/")->same_origin(from));
    EXPECT_FALSE(from.resolve("wss://h:81/")->same_origin(from));
    EXPECT_FALSE(from.resolve("//i:81/")->same_origin(from));
    for (const char* const bad : {"ftp://h/", "javascript:x", "ws+unix:/s:/x", "http:x",
                                  "ws://u@h/", "ws://h:0/", "/a b", "\xFF"}) {
        EXPECT_FALSE(from.resolve(bad)) << bad;
    }
    EXPECT_FALSE(client_url::parse("wss://h/")->resolve("ws://h/"));
    EXPECT_TRUE(client_url::parse("wss://h/")->resolve("//i/")->secure);
    EXPECT_EQ(client_url::parse("ws+unix:/s:/x")->resolve("/y")->unix_path, "/s");
    EXPECT_FALSE(client_url::parse("ws+unix:/s:/x")->resolve("//h/y"));
}

// ---- One connection ----

TEST_F(client_test, opens_and_exchanges_messages) {
    open();
    EXPECT_EQ(request.substr(0, request.find("\r\n")), "GET /chat HTTP/1.1");
    EXPECT_EQ(header_of(request, "Host"), "127.0.0.1");
    EXPECT_EQ(header_of(request, "Sec-WebSocket-Extensions"), "(none)");
    EXPECT_EQ(subject->send("hi"), send_status::sent);
    EXPECT_EQ(subject->send(as_bytes("raw")), send_status::sent);
    subject->ping(as_bytes("p"));
    run();
    const auto frames = read_frames(io.peer_take(server));
    ASSERT_EQ(frames.size(), 3U);
    EXPECT_EQ(frames[0].first, 0x81);
    EXPECT_EQ(frames[0].payload, "hi");
    EXPECT_EQ(frames[1].first, 0x82);
    EXPECT_EQ(frames[2].first, 0x89);
    answer(frame(0x81, "hello") + frame(0x8A, "p"));
    EXPECT_EQ(seen, (strings{"open", "message hello", "pong p"}));
}

TEST_F(client_test, bytes_behind_the_answer_are_messages) {
    begin();
    serve();
    answer(answer_to(request) + frame(0x81, "early") + frame(0x81, "bird"));
    EXPECT_EQ(seen, (strings{"open", "message early", "message bird"}));
}

TEST_F(client_test, an_answer_in_single_bytes_is_the_same) {
    begin();
    serve();
    const std::string all =
        "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + answer_to(request) + frame(0x81, "one");
    for (const char c : all) answer(std::string(1, c));
    EXPECT_EQ(seen, (strings{"open", "message one"}));
}

TEST_F(client_test, sends_what_the_options_say) {
    client_options options;
    options.url = "ws://me:secret@127.0.0.1/x";
    options.headers = {{"X-One", "1"}, {"Cookie", "a=b"}};
    options.origin = "https://example.org";
    options.subprotocols = {"v2", "v1"};
    options.deflate.emplace();
    begin(options);
    serve();
    EXPECT_EQ(header_of(request, "X-One"), "1");
    EXPECT_EQ(header_of(request, "Cookie"), "a=b");
    EXPECT_EQ(header_of(request, "Origin"), "https://example.org");
    EXPECT_EQ(header_of(request, "Authorization"), "Basic bWU6c2VjcmV0");
    EXPECT_EQ(header_of(request, "Sec-WebSocket-Protocol"), "v2, v1");
    EXPECT_NE(header_of(request, "Sec-WebSocket-Extensions").find("permessage-deflate"),
              std::string::npos);
    answer(answer_to(request, "Sec-WebSocket-Protocol: v1\r\n"));
    EXPECT_TRUE(subject->is_open());
    EXPECT_EQ(subject->subprotocol(), "v1");
}

TEST_F(client_test, refuses_bad_options_before_connecting) {
    const auto refused = [&](auto change) {
        client_options options;
        options.url = "ws://127.0.0.1/";
        change(options);
        return !make(options).connect() && subject->state() == client_state::idle;
    };
    EXPECT_TRUE(refused([](auto& o) { o.url = "nonsense"; }));
    EXPECT_TRUE(refused([](auto& o) { o.headers = {{"Bad Name", ""}}; }));
    EXPECT_TRUE(refused([](auto& o) { o.headers = {{"Host", "other"}}; }));
    EXPECT_TRUE(refused([](auto& o) { o.headers = {{"X", "a\r\nY: b"}}; }));
    EXPECT_TRUE(refused([](auto& o) { o.subprotocols = {"a", "a"}; }));
    EXPECT_TRUE(refused([](auto& o) { o.deflate = deflate_options{true, 8}; }));
    EXPECT_TRUE(refused([](auto& o) { o.deflate = deflate_options{true, 12, 0}; }));
    EXPECT_TRUE(refused([](auto& o) { o.idle_timeout = 1s; }));
    EXPECT_TRUE(refused([](auto& o) { o.max_message = 0; }));
    EXPECT_TRUE(refused([](auto& o) { o.handshake_timeout = 0s; }));
    EXPECT_TRUE(refused([](auto& o) { o.reconnect = backoff{.factor = 0.5}; }));
    EXPECT_TRUE(refused([](auto& o) { o.reconnect = backoff{.initial = 0s}; }));
    run();
    EXPECT_TRUE(seen.empty());
    EXPECT_TRUE(io.taken_connections(80).empty());
}

TEST_F(client_test, connect_twice_is_misuse) {
    begin();
    EXPECT_EQ(subject->connect().error().code(), weft::errc::invalid_state);
    serve();
    answer(answer_to(request));
    EXPECT_EQ(subject->connect().error().code(), weft::errc::invalid_state);
}

TEST_F(client_test, close_runs_the_closing_handshake) {
    open();
    subject->send("last");
    subject->close(static_cast<close_code>(4000), "done");
    EXPECT_EQ(subject->state(), client_state::closing);
    EXPECT_EQ(subject->send("late"), send_status::closed);
    run();
    const auto frames = read_frames(io.peer_take(server));
    ASSERT_EQ(frames.size(), 2U);
    EXPECT_EQ(frames[1].payload,
              "\x0F\xA0"
              "done");
    answer(frame(0x88,
                 "\x0F\xA0"
                 "done"));
    io.peer_end(server);
    run();
    EXPECT_EQ(seen, (strings{"open", "close 4000 clean"}));
    EXPECT_EQ(subject->state(), client_state::idle);
    EXPECT_TRUE(subject->connect()) << "a closed client can be used again";
}

TEST_F(client_test, terminate_is_at_once) {
    open();
    subject->terminate();
    run();
    EXPECT_TRUE(io.peer_sees_reset(server));
    EXPECT_EQ(seen, (strings{"open", "close 1006"}));
    EXPECT_EQ(cause, weft::errc::closed_locally);
}

TEST_F(client_test, what_a_handler_throws_closes_with_1011) {
    at_message = [](client&) { throw std::runtime_error("no"); };
    open();
    answer(frame(0x81, "x"));
    const auto frames = read_frames(io.peer_take(server));
    ASSERT_EQ(frames.size(), 1U);
    EXPECT_EQ(frames[0].payload.substr(0, 2), "\x03\xF3");
}

TEST_F(client_test, sec_w12_masks_are_unpredictable) {
    open();
    constexpr int count = 4000;
    std::set<std::string> keys;
    std::array<int, 32> ones{};
    for (int i = 0; i < count; ++i) {
        subject->send("x");
        run(1);
        const auto frames = read_frames(io.peer_take(server));
        ASSERT_EQ(frames.size(), 1U);
        keys.insert(frames[0].key);
        for (std::size_t bit = 0; bit < 32; ++bit) {
            ones[bit] += (static_cast<unsigned char>(frames[0].key[bit / 8]) >> (bit % 8)) & 1;
        }
    }
    // 4,000 draws of 2^32 share a value in 1 of 500 runs, two in almost none.
    EXPECT_GE(keys.size(), count - 2U);
    for (const int n : ones) EXPECT_NEAR(n, count / 2, 250);  // 8 standard deviations
}

// ---- Failures of an attempt ----

TEST_F(client_test, a_refused_connection_is_a_failure) {
    client_options options;
    options.url = "ws://127.0.0.1:81/";
    begin(options);
    EXPECT_EQ(subject->state(), client_state::connecting);
    run();
    EXPECT_EQ(seen, (strings{"failure 1"}));
    EXPECT_EQ(subject->state(), client_state::idle);
}

TEST_F(client_test, a_silent_server_is_given_up) {
    begin();
    serve();
    answer("HTTP/1.1 101 Switching");
    pass(9s);
    EXPECT_TRUE(seen.empty());
    pass(1100ms);
    EXPECT_EQ(seen, (strings{"failure 1"}));
    EXPECT_EQ(why, condition::timed_out);
    EXPECT_TRUE(server_sees_end());
}

TEST_F(client_test, a_silent_tls_server_is_given_up) {
    client_options options;
    options.url = "wss://127.0.0.1:80/";
    begin(options);
    serve();
    EXPECT_EQ(request.substr(0, 1), "\x16") << "a TLS handshake record";
    pass(10100ms);
    EXPECT_EQ(seen, (strings{"failure 1"}));
    EXPECT_EQ(why, condition::timed_out);
}

TEST_F(client_test, a_server_that_is_not_tls_is_a_failure) {
    client_options options;
    options.url = "wss://127.0.0.1:80/";
    begin(options);
    serve();
    answer("HTTP/1.1 400 Bad Request\r\n\r\n");
    EXPECT_EQ(seen, (strings{"failure 1"}));
    EXPECT_EQ(why.category(), tls_category()) << why.message();
}

TEST_F(client_test, one_deadline_covers_all_redirects) {
    client_options options;
    options.max_redirects = 5;
    begin(options);
    for (int i = 0; i < 3; ++i) {
        serve();
        pass(3s);
        answer(redirect_to("/again"));
    }
    serve();
    pass(1100ms);
    EXPECT_EQ(seen, (strings{"failure 1"}));
    EXPECT_EQ(why, condition::timed_out);
}

struct bad_answer {
    const char* name;
    std::function<std::string(const std::string& request)> bytes;
    std::error_code why;
};

TEST_F(client_test, each_wrong_answer_has_its_error) {
    const auto without = [](const std::string& from, const std::string& line) {
        std::string all = from;
        const std::size_t at = all.find(line);
        return all.erase(at, all.find("\r\n", at) + 2 - at);
    };
    const std::vector<bad_answer> cases{
        {"refused", [](auto&) { return "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"; },
         errc::not_switching},
        {"redirect not wanted", [](auto&) { return redirect_to("/x"); }, errc::not_switching},
        {"ok", [](auto&) { return "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"; },
         errc::not_switching},
        {"no upgrade", [&](auto& r) { return without(answer_to(r), "Upgrade:"); },
         errc::not_switching},
        {"no connection", [&](auto& r) { return without(answer_to(r), "Connection:"); },
         errc::not_switching},
        {"http 1.0", [](auto& r) { return answer_to(r).replace(7, 1, "0"); }, errc::not_switching},
        {"no accept", [&](auto& r) { return without(answer_to(r), "Sec-WebSocket-Accept"); },
         errc::bad_accept},
        {"other accept",
         [](auto&) { return answer_to("\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"); },
         errc::bad_accept},
        {"two accepts",
         [](auto& r) {
             return answer_to(r, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n");
         },
         errc::bad_accept},
        {"subprotocol", [](auto& r) { return answer_to(r, "Sec-WebSocket-Protocol: x\r\n"); },
         errc::unexpected_subprotocol},
        {"extension", [](auto& r) { return answer_to(r, "Sec-WebSocket-Extensions: x\r\n"); },
         errc::unexpected_extensions},
        {"not http", [](auto&) { return "SSH-2.0-x\r\n"; }, http::errc::bad_status_line},
        {"bare line end", [](auto&) { return "HTTP/1.1 101 X\nA: b\n\n"; },
         http::errc::bad_line_end},
        {"folded", [](auto& r) { return answer_to(r, "A: b\r\n c\r\n"); }, http::errc::bad_header},
    };
    for (const bad_answer& one : cases) {
        SCOPED_TRACE(one.name);
        seen.clear();
        begin();
        serve();
        answer(one.bytes(request));
        EXPECT_EQ(seen, (strings{"failure 1"}));
        EXPECT_EQ(why, one.why) << why.message();
        EXPECT_TRUE(server_sees_end());
    }
}

TEST_F(client_test, a_subprotocol_that_was_asked_for_must_come) {
    client_options options;
    options.subprotocols = {"v1"};
    for (const char* const extra : {"", "Sec-WebSocket-Protocol: v2\r\n"}) {
        begin(options);
        serve();
        answer(answer_to(request, extra));
        EXPECT_EQ(why, errc::unexpected_subprotocol);
    }
}

TEST_F(client_test, a_refusal_is_told_within_bounds) {
    begin();
    serve();
    answer("HTTP/1.1 401 " + std::string(5000, 'x') + "\r\nContent-Length: 0\r\n\r\n");
    EXPECT_EQ(status, 401);
    EXPECT_NE(text.find("401 xxx"), std::string::npos);
    EXPECT_LT(text.size(), 200U);
}

TEST_F(client_test, sec_h4_a_response_head_is_bounded) {
    for (const bool interim : {false, true}) {
        begin();
        serve();
        const std::string piece = interim ? "HTTP/1.1 100 Continue\r\n\r\n" : "X: y\r\n";
        std::size_t sent = 0;
        if (!interim) answer("HTTP/1.1 101 X\r\n");
        while (seen.empty() && sent < 64 * 1024) {
            answer(piece);
            sent += piece.size();
        }
        EXPECT_EQ(seen, (strings{"failure 1"}));
        EXPECT_LE(sent, 16U * 1024 + piece.size());
        EXPECT_TRUE(server_sees_end());
        seen.clear();
    }
}

TEST_F(client_test, an_end_or_reset_while_opening_is_a_failure) {
    for (const bool reset : {false, true}) {
        seen.clear();
        begin();
        serve();
        answer("HTTP/1.1 101 Sw");
        reset ? io.peer_reset(server) : io.peer_end(server);
        run();
        EXPECT_EQ(seen, (strings{"failure 1"}));
        EXPECT_EQ(why, condition::peer_gone) << why.message();
    }
}

// ---- Redirects ----

class redirect_test : public client_test {
protected:
    redirect_test() {
        io.serve_port(81);
        options.url = "ws://me:pw@127.0.0.1/a";
        options.headers = {{"Cookie", "c=1"}, {"X-Api-Key", "k", true}, {"X-Plain", "p"}};
        options.max_redirects = 3;
    }
    void expect_credentials(bool there) {
        EXPECT_EQ(header_of(request, "Cookie") != "(none)", there);
        EXPECT_EQ(header_of(request, "X-Api-Key") != "(none)", there);
        EXPECT_EQ(header_of(request, "Authorization") != "(none)", there);
        EXPECT_EQ(header_of(request, "X-Plain"), "p");
    }
    client_options options;
};

TEST_F(redirect_test, is_followed_with_credentials_at_the_same_origin) {
    begin(options);
    for (const int code : {301, 307, 308}) {
        serve();
        expect_credentials(true);
        answer(redirect_to("/b?" + std::to_string(code), code));
    }
    serve();
    EXPECT_EQ(request.substr(0, request.find("\r\n")), "GET /b?308 HTTP/1.1");
    answer(answer_to(request));
    EXPECT_EQ(seen, (strings{"open"}));
}

TEST_F(redirect_test, drops_credentials_for_another_port_and_for_good) {
    begin(options);
    serve();
    const std::string first_key = header_of(request, "Sec-WebSocket-Key");
    answer(redirect_to("http://127.0.0.1:81/b"));
    serve(81);
    expect_credentials(false);
    EXPECT_EQ(header_of(request, "Host"), "127.0.0.1:81");
    EXPECT_NE(header_of(request, "Sec-WebSocket-Key"), first_key);
    answer(redirect_to("ws://127.0.0.1/c"));
    serve();
    expect_credentials(false);
}

TEST_F(redirect_test, the_next_attempt_has_its_credentials_again) {
    options.reconnect = backoff{.spread = jitter::none};
    begin(options);
    serve();
    answer(redirect_to("http://127.0.0.1:81/b"));
    serve(81);
    answer("HTTP/1.1 503 x\r\nContent-Length: 0\r\n\r\n");
    pass(501ms);
    serve();
    expect_credentials(true);
}

TEST_F(redirect_test, stops_at_the_limit) {
    begin(options);
    for (int i = 0; i < 4; ++i) {
        serve();
        answer(redirect_to("/again"));
    }
    EXPECT_EQ(seen, (strings{"failure 1"}));
    EXPECT_EQ(why, errc::not_switching);
    EXPECT_NE(text.find("max_redirects"), std::string::npos);
}

TEST_F(redirect_test, refuses_bad_targets) {
    for (const char* const where : {"ftp://h/", "file:///etc/passwd", "ws+unix:/s:/x",
                                    "ws://127.0.0.1:0/", "ws://u:p@127.0.0.1/", "/a b"}) {
        seen.clear();
        begin(options);
        serve();
        answer(redirect_to(where));
        EXPECT_EQ(seen, (strings{"failure 1"})) << where;
        EXPECT_EQ(why, errc::not_switching) << where;
    }
}

// ---- Coming back ----

TEST(backoff_test, grows_to_the_limit_and_spreads) {
    const backoff plain{.spread = jitter::none};
    EXPECT_EQ(detail::pause_before_retry(plain, 0, 0), 500ms);
    EXPECT_EQ(detail::pause_before_retry(plain, 1, 0), 500ms);
    EXPECT_EQ(detail::pause_before_retry(plain, 2, 0), 1s);
    EXPECT_EQ(detail::pause_before_retry(plain, 7, 0), 30s);
    EXPECT_EQ(detail::pause_before_retry(plain, UINT32_MAX, 0), 30s);
    const backoff half{.spread = jitter::half};
    EXPECT_EQ(detail::pause_before_retry(half, 1, 0), 250ms);
    EXPECT_EQ(detail::pause_before_retry(half, 1, UINT32_MAX), 500ms);
    const backoff full{};
    EXPECT_EQ(detail::pause_before_retry(full, 1, 0), 0ms);
    EXPECT_EQ(detail::pause_before_retry(full, 1, UINT32_MAX), 500ms);
}

TEST_F(client_test, tries_again_with_growing_pauses) {
    client_options options = reconnecting();
    options.url = "ws://127.0.0.1:81/";
    begin(options);
    run();
    for (const duration pause : {duration(500ms), duration(1s), duration(2s), duration(4s)}) {
        EXPECT_EQ(subject->state(), client_state::waiting);
        EXPECT_EQ(subject->retry_in(), pause);
        const std::size_t before = seen.size();
        pass(pause - 2ms);
        EXPECT_EQ(seen.size(), before);
        pass(4ms);
        EXPECT_EQ(seen.size(), before + 1);
    }
    EXPECT_EQ(seen.back(), "failure 5");
}

TEST_F(client_test, gives_up_after_max_attempts) {
    client_options options = reconnecting({.spread = jitter::none, .max_attempts = 2});
    options.url = "ws://127.0.0.1:81/";
    begin(options);
    run();
    pass(501ms);
    EXPECT_EQ(subject->state(), client_state::idle);
    pass(1min);
    EXPECT_EQ(seen, (strings{"failure 1", "failure 2"}));
    EXPECT_TRUE(subject->connect());
    run();
    EXPECT_EQ(subject->state(), client_state::waiting) << "a new beginning";
}

TEST_F(client_test, comes_back_after_a_lost_connection) {
    at_close = [this](client& me) { note(me.state() == client_state::waiting ? "again" : "over"); };
    open(reconnecting());
    io.advance(11s);
    io.peer_reset(server);
    run();
    EXPECT_EQ(seen, (strings{"open", "close 1006", "again"}));
    EXPECT_EQ(subject->send("x"), send_status::closed);
    pass(501ms);
    serve();
    answer(answer_to(request));
    EXPECT_EQ(seen.back(), "open");
}

TEST_F(client_test, a_server_that_drops_its_clients_is_not_hammered) {
    open(reconnecting());
    for (const duration pause : {duration(500ms), duration(1s), duration(2s)}) {
        io.peer_reset(server);
        run();
        EXPECT_EQ(subject->retry_in(), pause);
        pass(pause + 2ms);
        serve();
        answer(answer_to(request));
    }
    io.advance(10s);
    io.peer_reset(server);
    run();
    EXPECT_EQ(subject->retry_in(), 500ms) << "a connection that lasted begins anew";
}

TEST_F(client_test, close_ends_reconnecting) {
    for (const bool at_once : {false, true}) {
        client_options options = reconnecting();
        options.url = "ws://127.0.0.1:81/";
        begin(options);
        run();
        ASSERT_EQ(subject->state(), client_state::waiting);
        at_once ? subject->terminate() : subject->close();
        EXPECT_EQ(subject->state(), client_state::idle);
        seen.clear();
        pass(1min);
        EXPECT_TRUE(seen.empty());
    }
    open(reconnecting());
    at_close = [](client& me) { me.close(); };
    io.peer_reset(server);
    run();
    EXPECT_EQ(subject->state(), client_state::idle);
}

TEST_F(client_test, connect_while_waiting_connects_now) {
    open(reconnecting());
    at_close = [](client& me) { EXPECT_TRUE(me.connect()); };
    io.peer_reset(server);
    run();
    serve();
    answer(answer_to(request));
    EXPECT_TRUE(subject->is_open());
    pass(5s);
    EXPECT_TRUE(io.taken_connections(80).empty()) << "the pause's own attempt must not come too";
}

TEST_F(client_test, close_while_connecting_is_silent) {
    begin();
    subject->close();
    EXPECT_EQ(subject->state(), client_state::idle);
    run();
    EXPECT_EQ(io.taken_connections(80).size(), 1U);
    begin();
    serve();
    subject->close();
    run();
    EXPECT_TRUE(server_sees_end());
    pass(1min);
    EXPECT_TRUE(seen.empty());
}

TEST_F(client_test, a_late_connection_of_a_given_up_attempt_is_dropped) {
    begin();
    subject->close();
    ASSERT_TRUE(subject->connect());
    run();
    const auto taken = io.taken_connections(80);
    ASSERT_EQ(taken.size(), 2U);
    run();
    EXPECT_TRUE(io.peer_sees_reset(taken[0]));
    EXPECT_FALSE(io.peer_sees_reset(taken[1]));
}

// ---- Dying at any moment ----

TEST_F(client_test, may_be_destroyed_in_each_of_its_handlers) {
    const auto destroy = [this](client&) { subject.reset(); };
    at_open = destroy;
    begin();
    serve();
    answer(answer_to(request) + frame(0x81, "never heard"));
    EXPECT_EQ(seen, (strings{"open"}));
    auto frames = read_frames(io.peer_take(server));
    ASSERT_EQ(frames.size(), 1U);
    EXPECT_EQ(frames[0].payload, "\x03\xE9") << "1001";
    at_open = nullptr;

    at_message = destroy;
    open();
    answer(frame(0x81, "x") + frame(0x81, "never heard"));
    EXPECT_EQ(seen.back(), "message x");

    at_message = nullptr;
    at_close = destroy;
    open(reconnecting());
    io.peer_reset(server);
    run();
    EXPECT_EQ(seen.back(), "close 1006");

    at_failure = destroy;
    client_options options = reconnecting();
    options.url = "ws://127.0.0.1:81/";
    begin(options);
    run();
    EXPECT_EQ(seen.back(), "failure 1");
    pass(1min);
    EXPECT_EQ(seen.back(), "failure 1");
}

TEST_F(client_test, may_be_destroyed_in_each_state) {
    make();
    subject.reset();
    begin();
    subject.reset();  // connecting
    run();
    EXPECT_EQ(io.taken_connections(80).size(), 1U);
    begin();
    serve();
    subject.reset();  // waiting for the answer
    run();
    EXPECT_TRUE(server_sees_end());
    client_options options = reconnecting();
    options.url = "ws://127.0.0.1:81/";
    begin(options);
    run();
    subject.reset();  // waiting for the next attempt
    open();
    subject->close();
    subject.reset();  // closing
    pass(1min);
    EXPECT_EQ(seen, (strings{"failure 1", "open"}));
    EXPECT_EQ(core->connections(), 0U);
}

TEST_F(client_test, handlers_die_with_the_client) {
    const auto resource = std::make_shared<int>(1);
    open();
    subject->on_pong([resource](client&, byte_view) {});
    EXPECT_EQ(resource.use_count(), 2);
    subject.reset();  // its closing handshake goes on
    EXPECT_EQ(resource.use_count(), 1);
    open();
    subject->on_message([this, resource](client&, message_view) {
        subject.reset();
        EXPECT_EQ(resource.use_count(), 2) << "not while it runs";
    });
    answer(frame(0x81, "x"));
    EXPECT_EQ(resource.use_count(), 1);
}

TEST_F(client_test, the_loop_may_go_first) {
    const auto survive = [&](auto prepare) {
        prepare();
        core.reset();
        EXPECT_EQ(subject->state(), client_state::idle);
        EXPECT_EQ(subject->send("x"), send_status::misuse);
        EXPECT_EQ(subject->connect().error().code(), weft::errc::shutting_down);
        subject->ping();
        subject->close();
        subject->terminate();
        EXPECT_EQ(subject->retry_in(), std::nullopt);
    };
    survive([this] { open(reconnecting()); });
    EXPECT_EQ(seen, (strings{"open", "close 1006"}));
    EXPECT_EQ(cause, weft::errc::shutting_down);
}

TEST_F(client_test, the_loop_may_go_while_connecting) {
    begin(reconnecting());
    core.reset();
    EXPECT_EQ(subject->state(), client_state::idle);
}

TEST_F(client_test, the_loop_may_go_while_the_answer_is_awaited) {
    begin(reconnecting());
    serve();
    core.reset();
    EXPECT_EQ(subject->state(), client_state::idle);
    EXPECT_TRUE(seen.empty());
}

TEST_F(client_test, the_loop_may_go_while_waiting) {
    client_options options = reconnecting();
    options.url = "ws://127.0.0.1:81/";
    begin(options);
    run();
    core.reset();
    EXPECT_EQ(subject->state(), client_state::idle);
}

TEST_F(client_test, survives_a_failure_at_every_operation) {
    for (std::size_t at = 0;; ++at) {
        SCOPED_TRACE(at);
        seen.clear();
        begin(reconnecting());
        const std::size_t first = io.operations();
        io.fail_operation(first + at, std::errc::connection_reset);
        const auto play = [this] {
            run();
            for (const auto peer : io.taken_connections(80)) {
                server = peer;
                run();
                request = io.peer_take(server);
                if (request.find("\r\n\r\n") != std::string::npos) answer(answer_to(request));
            }
            run();
        };
        play();
        if (subject->is_open()) {
            answer(frame(0x81, "a"));
            subject->send("b");
            run();
        }
        const bool reached = io.operations() > first + at;
        for (int i = 0; i < 8 && !subject->is_open(); ++i) {
            pass(31s);
            play();
        }
        EXPECT_TRUE(subject->is_open()) << "it came back";
        subject.reset();
        pass(1min);
        EXPECT_EQ(core->connections(), 0U);
        if (!reached) break;
        ASSERT_LT(at, 200U);
    }
}

// ---- Coroutines ----

task<void> wait_for(client& who, std::vector<std::string>& log) {
    const auto outcome = co_await who.open();
    log.push_back(outcome ? "opened" : outcome.error().code().message());
}
void spawn(task<void> what) {
    weft::detail::spawn(std::move(what), [](std::exception_ptr) { ADD_FAILURE(); });
}

TEST_F(client_test, open_waits_for_the_connection) {
    strings log;
    make();
    spawn(wait_for(*subject, log));
    EXPECT_TRUE(log.empty());
    serve();
    answer(answer_to(request));
    EXPECT_EQ(log, (strings{"opened"}));
    spawn(wait_for(*subject, log));
    EXPECT_EQ(log.size(), 2U) << "open already";
}

TEST_F(client_test, open_waits_for_the_last_failure) {
    strings log;
    client_options options = reconnecting({.spread = jitter::none, .max_attempts = 2});
    options.url = "ws://127.0.0.1:81/";
    make(options);
    spawn(wait_for(*subject, log));
    run();
    EXPECT_TRUE(log.empty());
    pass(501ms);
    ASSERT_EQ(log.size(), 1U);
    EXPECT_NE(log[0], "opened");
    options.url = "nonsense";
    make(options);
    spawn(wait_for(*subject, log));
    EXPECT_EQ(log.size(), 2U) << "at once";
}

TEST_F(client_test, open_ends_with_close_and_with_the_client) {
    strings log;
    const std::string closed = make_error_code(weft::errc::closed_locally).message();
    make();
    spawn(wait_for(*subject, log));
    spawn(wait_for(*subject, log));
    EXPECT_EQ(log.size(), 1U) << "one at a time";
    subject->close();
    run();
    EXPECT_EQ(log.back(), closed);
    spawn(wait_for(*subject, log));
    subject.reset();
    run();
    EXPECT_EQ(log.size(), 3U);
    EXPECT_EQ(log.back(), closed);
}

task<void> own_client(client_context context, std::string url,
                      [[maybe_unused]] std::shared_ptr<int> alive) {
    client mine(context, {.url = url, .reconnect = backoff{}});
    (void)co_await mine.open();
    ADD_FAILURE() << "never resumed";
}

TEST_F(client_test, a_coroutine_that_waits_dies_with_the_loop) {
    const auto alive = std::make_shared<int>(0);
    spawn(own_client(context, "ws://127.0.0.1/silent", alive));
    spawn(own_client(context, "ws://127.0.0.1:81/retrying", alive));
    run();
    spawn(own_client(context, "ws://127.0.0.1/just-begun", alive));
    EXPECT_GT(alive.use_count(), 1);
    core.reset();
    EXPECT_EQ(alive.use_count(), 1);
}

}  // namespace
}  // namespace weft::ws
