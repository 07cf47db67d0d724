// One connection of a client: each stage of an attempt, what may be wrong with a response,
// redirects.

#include "client_world.hpp"

#include <gmock/gmock.h>

#include <thread>

namespace weft::ws {
namespace {

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

TEST_F(client_test, answers_pings_and_tells_of_them) {
    make();
    subject->on_ping(
        [this](client&, byte_view payload) { note("ping " + std::string(as_text(payload))); });
    EXPECT_EQ(subject->pong(), send_status::closed);
    ASSERT_TRUE(subject->connect());
    serve();
    answer(answer_to(request) + frame(0x89, "you?"));
    EXPECT_EQ(seen, (strings{"open", "ping you?"}));
    EXPECT_EQ(subject->pong(as_bytes("unasked")), send_status::sent);
    EXPECT_EQ(subject->ping(as_bytes(std::string(126, 'x'))), send_status::misuse);
    run();
    const auto frames = read_frames(io.peer_take(server));
    ASSERT_EQ(frames.size(), 2U);
    EXPECT_EQ(frames[0].first, 0x8A);
    EXPECT_EQ(frames[0].payload, "you?");
    EXPECT_EQ(frames[1].payload, "unasked");
}

TEST_F(client_test, without_auto_pong_a_ping_is_only_told) {
    client_options options;
    options.auto_pong = false;
    options.deliver_while_closing = true;
    make(options).on_ping([this](client& c, byte_view) {
        note("ping");
        c.close(close_code::no_status);
    });
    ASSERT_TRUE(subject->connect());
    serve();
    answer(answer_to(request) + frame(0x89, "you?") + frame(0x81, "more") + frame(0x88, ""));
    io.peer_end(server);
    run();
    EXPECT_EQ(seen, (strings{"open", "ping", "message more", "close 1005 clean"}));
    const auto frames = read_frames(io.peer_take(server));
    ASSERT_EQ(frames.size(), 1U);
    EXPECT_EQ(frames[0].first, 0x88);
    EXPECT_EQ(frames[0].payload, "");
}

TEST_F(client_test, sends_fragments_and_tells_when_they_are_written) {
    open();
    const auto tell = [this](std::string what) {
        return [this, what](std::error_code failed) { note(what + (failed ? " lost" : "")); };
    };
    EXPECT_EQ(subject->send_fragment("a", fragment::more, tell("a")), send_status::sent);
    EXPECT_EQ(subject->send("waits", tell("waits")), send_status::queued);
    run();
    EXPECT_EQ(seen, (strings{"open", "a"}));
    EXPECT_EQ(subject->send_fragment("b", fragment::last, tell("b")), send_status::sent);
    EXPECT_EQ(seen, (strings{"open", "a"})) << "nothing is called from inside";
    run();
    EXPECT_EQ(seen, (strings{"open", "a", "waits", "b"}));
    const auto frames = read_frames(io.peer_take(server));
    ASSERT_EQ(frames.size(), 3U);
    EXPECT_EQ(frames[0].first, 0x01);
    EXPECT_EQ(frames[1].first, 0x80);
    EXPECT_EQ(frames[2].payload, "waits");
}

TEST_F(client_test, a_client_that_is_gone_is_told_of_nothing_written) {
    open();
    EXPECT_EQ(subject->send("1", [this](std::error_code) { subject.reset(); }), send_status::sent);
    EXPECT_EQ(subject->send("2", [this](std::error_code) { note("2"); }), send_status::sent);
    run();
    EXPECT_EQ(subject, nullptr);
    answer(frame(0x88, ""));
    io.peer_end(server);
    run();
    EXPECT_EQ(seen, (strings{"open"}));
}

TEST_F(client_test, pauses_one_connection) {
    make(reconnecting());
    subject->pause();  // there is none to pause
    ASSERT_TRUE(subject->connect());
    serve();
    at_message = [](client& c) { c.pause(); };
    answer(answer_to(request) + frame(0x81, "1") + frame(0x81, "2"));
    EXPECT_TRUE(subject->is_paused());
    EXPECT_EQ(seen, (strings{"open", "message 1"}));
    subject->resume();
    run();
    EXPECT_TRUE(subject->is_paused());
    EXPECT_EQ(seen, (strings{"open", "message 1", "message 2"}));
    at_message = nullptr;
    subject->resume();
    EXPECT_FALSE(subject->is_paused());
    answer(frame(0x81, "3"));
    EXPECT_EQ(seen.back(), "message 3");
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
    EXPECT_EQ(header_of(request, "Sec-WebSocket-Extensions"),
              "permessage-deflate; client_max_window_bits")
        << "what browsers offer";
    EXPECT_TRUE(header_of(request, "User-Agent").starts_with("weft/"));
    answer(answer_to(request, "Sec-WebSocket-Protocol: v1\r\n"));
    EXPECT_TRUE(subject->is_open());
    EXPECT_EQ(subject->subprotocol(), "v1");
}

TEST_F(client_test, calls_itself_what_the_user_wants) {
    client_options options;
    options.headers = {{"user-agent", "mine/1"}};
    options.deflate = deflate_options{.window_bits = 10};
    begin(options);
    serve();
    EXPECT_EQ(header_of(request, "user-agent"), "mine/1");
    EXPECT_EQ(header_of(request, "User-Agent"), "(none)");
    EXPECT_EQ(header_of(request, "Sec-WebSocket-Extensions"),
              "permessage-deflate; server_max_window_bits=10; client_max_window_bits=10");
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
    EXPECT_TRUE(refused([](auto& o) { o.max_queue = 128 * 1024 - 1; }));
    EXPECT_TRUE(refused([](auto& o) { o.ping_interval = 0s; }));
    EXPECT_TRUE(refused([](auto& o) { o.close_timeout = 0s; }));
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

TEST_F(client_test, what_clients_share_is_for_the_thread_of_their_loop) {
    EXPECT_TRUE(context.tls());
    std::thread([&] { EXPECT_EQ(context.tls().error().code(), weft::errc::wrong_thread); }).join();
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

TEST_F(client_test, a_refusal_is_told_with_its_headers_and_body) {
    const auto told_for = [this](std::string_view first, std::string_view second, auto then) {
        std::string told = "nothing";
        make().on_failure([&](client&, const connect_failure& failure) {
            const http::client_response& got = *failure.response;
            told = std::to_string(failure.status) + " " + std::string(got.head.header("x-why")) +
                   " " + std::string(got.body);
        });
        EXPECT_TRUE(subject->connect());
        serve();
        answer("HTTP/1.1 401 No\r\nX-Why: token\r\n" + std::string(first));
        if (!second.empty()) answer(second);
        then();
        EXPECT_EQ(subject->state(), client_state::idle);
        return told;
    };
    const auto is_closed = [this] { EXPECT_TRUE(server_sees_end()); };
    EXPECT_EQ(told_for("Content-Length: 4\r\n\r\nbo", "dy", is_closed), "401 token body");
    EXPECT_EQ(told_for("Content-Length: 0\r\n\r\n", "", is_closed), "401 token ");
    EXPECT_EQ(told_for("Transfer-Encoding: chunked\r\n\r\n", "4\r\nbody\r\n0\r\n\r\n", is_closed),
              "401 token body");
    const auto ends = [this] {
        io.peer_end(server);
        run();
    };
    EXPECT_EQ(told_for("\r\nuntil", " the end", ends), "401 token until the end");
    const auto resets = [this] {
        io.peer_reset(server);
        run();
    };
    EXPECT_EQ(told_for("Content-Length: 9\r\n\r\n", "body", resets), "401 token body");
    EXPECT_EQ(told_for("Content-Length: 9\r\n\r\n", "slow", [this] { pass(1100ms); }),
              "401 token slow");
    EXPECT_EQ(told_for("\r\n", std::string(70'000, 'x'), is_closed).size(),
              10 + std::size_t{64} * 1024);
}

TEST_F(client_test, who_ends_while_a_refusal_is_read_hears_no_more) {
    begin();
    serve();
    answer("HTTP/1.1 401 No\r\nContent-Length: 9\r\n\r\nbody");
    subject->close();
    pass(2s);
    EXPECT_TRUE(seen.empty());
    begin();
    serve();
    answer("HTTP/1.1 401 No\r\nContent-Length: 9\r\n\r\nbody");
    subject.reset();
    pass(2s);
    EXPECT_TRUE(seen.empty());
}

TEST_F(client_test, a_url_without_a_scheme_is_told_at_once) {
    for (const char* const url : {"localhost:3000", "127.0.0.1:80/x", "example.org", "//host"}) {
        client_options options;
        options.url = url;
        EXPECT_THAT(options.check().error().what(),
                    testing::HasSubstr("url URL: it has no scheme"));
        EXPECT_THAT(make(options).connect().error().what(), testing::HasSubstr("ws://"));
    }
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

}  // namespace
}  // namespace weft::ws
