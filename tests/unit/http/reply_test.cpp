// Answers that come later or bit by bit: order, back-pressure, handles that outlive their
// connection, and misuse.

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "http_world.hpp"

namespace weft::http {
namespace {

using namespace testing;

struct later_world : http_world {
    explicit later_world(const options& limits = {}) : http_world(limits) {
        EXPECT_TRUE(routes.get("/now", [](const request&) { return response::text(200, "now"); }));
        EXPECT_TRUE(routes.get("/large", [](const request&) {
            return response::text(200, std::string(1'000'000, 'x'));
        }));
        EXPECT_TRUE(routes.get("/later", [this](const request&, responder r) {
            r.on_gone([this] { ++gone; });
            waiting.push_back(std::move(r));
        }));
        EXPECT_TRUE(routes.post("/later", [this](const request& r, responder answer) {
            body = r.body_text();
            waiting.push_back(std::move(answer));
        }));
        EXPECT_TRUE(routes.get("/stream", [this](const request&, responder r) {
            stream = r.start(response::text(200, "first"));
            stream.on_gone([this] { ++gone; });
        }));
    }
    ~later_world() { shut_down(); }
    std::vector<responder> waiting;
    std::string body;
    body_stream stream;
    int gone = 0;
};

TEST(deferred_reply, comes_when_it_is_given) {
    later_world world;
    const auto client = world.open();
    world.send(client, get("/later"));
    EXPECT_EQ(world.take(client), "");
    ASSERT_TRUE(world.waiting[0]);
    EXPECT_EQ(world.waiting[0].send(response::text(200, "at last")), std::error_code{});
    EXPECT_FALSE(world.waiting[0]);
    world.run();
    EXPECT_EQ(body_of(world.take(client)), "at last");
    world.send(client, get("/now"));
    EXPECT_EQ(body_of(world.take(client)), "now");
    EXPECT_EQ(world.gone, 0);
}

TEST(deferred_reply, holds_back_the_requests_behind_it) {
    later_world world;
    const auto client = world.open();
    world.send(client, get("/later") + get("/now") + get("/later"));
    world.send(client, get("/now"));
    EXPECT_EQ(world.take(client), "");
    ASSERT_EQ(world.waiting.size(), 1U);
    EXPECT_FALSE(world.waiting[0].send(response::text(200, "one")));
    // The requests behind are not handled inside send.
    EXPECT_EQ(world.waiting.size(), 1U);
    world.run();
    EXPECT_EQ(statuses(world.take(client)), (std::vector{200, 200}));
    ASSERT_EQ(world.waiting.size(), 2U);
    EXPECT_FALSE(world.waiting[1].send(response::text(202, "two")));
    world.run();
    EXPECT_EQ(statuses(world.take(client)), (std::vector{202, 200}));
}

TEST(deferred_reply, given_inside_the_handler_leaves_the_request_readable) {
    http_world world;
    std::string seen;
    ASSERT_TRUE(world.routes.post("/", [&](const request& r, responder answer) {
        EXPECT_FALSE(answer.send(response::text(200, "ok")));
        EXPECT_EQ(answer.send(response::text(200, "again")), errc::already_answered);
        seen = std::string(r.header("x-name")) + r.body_text().data()[0];
    }));
    const std::string bytes = post("/", "body", "X-Name: value\r\n");
    const auto client = world.open();
    world.send(client, bytes.substr(0, 20));
    world.send(client, bytes.substr(20, bytes.size() - 22));
    world.send(client, bytes.substr(bytes.size() - 2) + get("/none"));
    EXPECT_EQ(seen, "valueb");
    EXPECT_EQ(statuses(world.take(client)), (std::vector{200, 404}));
}

TEST(deferred_reply, bounds_what_a_pipelining_peer_can_make_it_keep) {
    later_world world;
    const auto client = world.open();
    world.send(client, get("/later"));
    std::string flood;
    while (flood.size() < 4'000'000) flood += get("/now");
    world.io.peer_window(client, 1'000'000'000);
    world.send(client, flood);
    world.run(50);
    // Reading is paused after one read: the rest is still with the sender.
    EXPECT_LE(world.bytes_read(), 256U * 1024 + get("/later").size());
    EXPECT_EQ(world.counters().requests.read(), 1U);
    EXPECT_FALSE(world.waiting[0].send(response(204)));
    world.run(20'000);
    EXPECT_EQ(world.counters().requests.read(), 1 + flood.size() / get("/now").size());
}

TEST(deferred_reply, outlives_its_connection_safely) {
    later_world world;
    const auto client = world.open();
    world.send(client, get("/later"));
    world.io.peer_reset(client);
    world.run();
    EXPECT_EQ(world.gone, 1);
    EXPECT_EQ(world.connections(), 0U);
    EXPECT_FALSE(world.waiting[0]);
    EXPECT_EQ(world.waiting[0].send(response(200)), errc::gone);
    EXPECT_EQ(world.waiting[0].send(response(200)), condition::peer_gone);
    EXPECT_EQ(world.waiting[0].start(response(200)).write("x"), write_status::closed);
}

TEST(deferred_reply, a_peer_that_ends_its_side_is_gone) {
    later_world world;
    const auto client = world.open();
    world.send(client, get("/later"));
    world.io.peer_end(client);
    world.run();
    EXPECT_EQ(world.gone, 1);
    EXPECT_FALSE(world.waiting[0]);
    EXPECT_EQ(world.connections(), 0U);
}

TEST(deferred_reply, a_peer_that_ends_its_side_behind_further_requests_is_gone) {
    for (const char* pipelined : {"/now", "/later"}) {
        later_world world;
        const auto client = world.open();
        world.send(client, get("/later") + get(pipelined));
        EXPECT_EQ(world.gone, 0);
        world.io.peer_send(client, get("/now"));
        world.io.peer_end(client);
        world.run();
        EXPECT_EQ(world.gone, 1);
        EXPECT_EQ(world.connections(), 0U);
    }
}

TEST(deferred_reply, a_peer_that_has_ended_its_side_before_is_gone) {
    later_world world;
    const auto client = world.open();
    world.io.peer_window(client, 1000);
    world.send(client, get("/large") + get("/later") + get("/now"));
    world.io.peer_end(client);
    world.run();
    EXPECT_EQ(world.gone, 0);
    std::string reply;
    for (int i = 0; i < 2000; ++i) {
        reply += world.take(client);
        world.run(1);
    }
    EXPECT_EQ(statuses(reply), std::vector{200});
    EXPECT_EQ(world.gone, 1);
    EXPECT_EQ(world.connections(), 0U);
}

TEST(deferred_reply, dropped_unanswered_is_500) {
    later_world world;
    const auto client = world.open();
    world.send(client, get("/later"));
    world.waiting.clear();
    world.run();
    EXPECT_EQ(statuses(world.take(client)), std::vector{500});
    EXPECT_TRUE(world.ended(client));
    EXPECT_EQ(world.errors(errc::handler_failed), 1U);
}

TEST(deferred_reply, from_another_thread_is_misuse_and_harmless) {
    later_world world;
    const auto client = world.open();
    world.send(client, get("/later"));
    std::error_code sent;
    write_status wrote{};
    std::thread([&] {
        sent = world.waiting[0].send(response(200));
        wrote = world.waiting[0].start(response(200)).write("x");
    }).join();
    EXPECT_EQ(sent, errc::wrong_thread);
    EXPECT_EQ(sent, condition::misuse);
    EXPECT_EQ(wrote, write_status::closed);
    EXPECT_FALSE(world.waiting[0].send(response::text(200, "still mine")));
    world.run();
    EXPECT_EQ(body_of(world.take(client)), "still mine");
}

TEST(deferred_reply, too_late_is_503) {
    later_world world;
    const auto client = world.open();
    world.send(client, get("/later"));
    world.pass(119s);
    EXPECT_EQ(world.take(client), "");
    world.pass(1s);
    EXPECT_EQ(statuses(world.take(client)), std::vector{503});
    EXPECT_TRUE(world.ended(client));
    EXPECT_EQ(world.gone, 1);
    EXPECT_EQ(world.waiting[0].send(response(200)), errc::gone);
    EXPECT_EQ(world.errors(errc::reply_too_slow), 1U);
}

TEST(streamed_reply, goes_out_in_chunks_and_keeps_the_connection) {
    later_world world;
    const auto client = world.open();
    world.send(client, get("/stream") + get("/now"));
    EXPECT_EQ(world.stream.write(" second"), write_status::ready);
    EXPECT_EQ(world.stream.write(""), write_status::ready);
    world.run();
    const std::string begun = world.take(client);
    EXPECT_TRUE(has(begun, "Transfer-Encoding: chunked\r\n"));
    EXPECT_FALSE(has(begun, "Content-Length"));
    EXPECT_EQ(body_of(begun), "5\r\nfirst\r\n7\r\n second\r\n");
    world.stream.finish();
    EXPECT_FALSE(world.stream);
    EXPECT_EQ(world.stream.write("x"), write_status::closed);
    world.run();
    const std::string rest = world.take(client);
    EXPECT_TRUE(rest.starts_with("0\r\n\r\nHTTP/1.1 200")) << rest;
    EXPECT_EQ(world.gone, 0);
}

TEST(streamed_reply, to_http_1_0_ends_with_the_connection) {
    later_world world;
    const auto client = world.open();
    world.send(client, "GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    world.stream.finish();
    world.run();
    const std::string reply = world.take(client);
    EXPECT_FALSE(has(reply, "chunked"));
    EXPECT_TRUE(has(reply, "Connection: close\r\n"));
    EXPECT_EQ(body_of(reply), "first");
    EXPECT_TRUE(world.ended(client));
}

TEST(streamed_reply, to_head_has_no_body) {
    later_world world;
    const auto client = world.open();
    world.send(client, "HEAD /stream HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(world.stream.write("x"), write_status::ready);
    world.stream.finish();
    world.run();
    EXPECT_EQ(body_of(world.take(client)), "");
    EXPECT_FALSE(world.ended(client));
}

TEST(streamed_reply, tells_full_and_drained_and_drops_beyond_its_limit) {
    options limits;
    limits.max_stream_queue = 180'000;
    later_world world(limits);
    const auto client = world.open();
    world.io.peer_window(client, 1'000);
    world.send(client, get("/stream"));
    int drained = 0;
    world.stream.on_drained([&] { ++drained; });
    const std::string piece(50'000, 'a');
    std::vector<write_status> got;
    for (int i = 0; i < 5; ++i) got.push_back(world.stream.write(piece));
    using enum write_status;
    EXPECT_EQ(got, (std::vector{ready, full, full, dropped, dropped}));
    world.run();
    EXPECT_EQ(drained, 0);
    std::string reply = world.take(client);
    for (int i = 0; i < 500 && drained == 0; ++i) {
        world.run(1);
        reply += world.take(client);
    }
    EXPECT_EQ(drained, 1);
    EXPECT_EQ(world.stream.write("end"), ready);
    world.run();
    reply += world.take(client);
    const std::string body = body_of(reply);
    EXPECT_EQ(std::count(body.begin(), body.end(), 'a'), 150'000);
}

TEST(streamed_reply, let_go_unfinished_resets_the_connection) {
    later_world world;
    const auto client = world.open();
    world.send(client, get("/stream"));
    world.stream = {};
    world.run();
    EXPECT_TRUE(world.io.peer_sees_reset(client));
    EXPECT_EQ(world.connections(), 0U);
}

TEST(streamed_reply, has_no_deadline_of_its_own) {
    later_world world;
    const auto client = world.open();
    world.send(client, get("/stream"));
    world.pass(3600s);
    EXPECT_TRUE(world.stream);
    world.io.peer_end(client);
    world.run();
    EXPECT_EQ(world.gone, 1);
    EXPECT_FALSE(world.stream);
}

TEST(streamed_reply, may_be_finished_inside_on_drained) {
    later_world world;
    const auto client = world.open();
    world.io.peer_window(client, 1'000);
    world.send(client, get("/stream") + get("/now"));
    world.stream.on_drained([&] { world.stream.finish(); });
    EXPECT_EQ(world.stream.write(std::string(100'000, 'x')), write_status::full);
    std::string reply;
    for (int i = 0; i < 500; ++i) {
        world.run(1);
        reply += world.take(client);
    }
    EXPECT_EQ(statuses(reply), (std::vector{200, 200}));
    EXPECT_TRUE(has(reply, "\r\n0\r\n\r\nHTTP/1.1 200"));
}

// ---- H4: slow peers ----

TEST(sec_h4_deadlines, a_dripping_head_is_cut_ten_seconds_after_accept) {
    later_world world;
    const auto client = world.open();
    const std::string bytes = get("/now");
    for (int i = 0; i < 9; ++i) {
        world.pass(1s);
        world.send(client, bytes.substr(static_cast<std::size_t>(i), 1));
        EXPECT_FALSE(world.ended(client)) << i;
    }
    world.pass(1s);
    EXPECT_TRUE(world.ended(client));
    EXPECT_EQ(world.take(client), "");
    EXPECT_EQ(world.errors(errc::head_too_slow), 1U);
    EXPECT_EQ(world.connections(), 0U);
}

TEST(sec_h4_deadlines, a_silent_connection_is_cut_too) {
    later_world world;
    const auto client = world.open();
    world.pass(10s);
    EXPECT_TRUE(world.ended(client));
    EXPECT_EQ(world.errors(errc::head_too_slow), 1U);
}

TEST(sec_h4_deadlines, a_later_head_has_ten_seconds_from_its_first_byte) {
    later_world world;
    const auto client = world.open();
    world.send(client, get("/now"));
    world.pass(59s);
    world.send(client, "GET ");
    world.pass(9s);
    EXPECT_FALSE(world.ended(client));
    world.pass(1s);
    EXPECT_TRUE(world.ended(client));
}

TEST(sec_h4_deadlines, an_idle_connection_outlives_the_minute_of_balancers) {
    later_world world;
    const auto client = world.open();
    world.send(client, get("/now"));
    world.pass(74s);
    EXPECT_FALSE(world.ended(client));
    world.pass(1s);
    EXPECT_TRUE(world.io.peer_sees_end(client));
    EXPECT_EQ(world.errors(errc::idle), 1U);
}

TEST(sec_h4_deadlines, a_body_that_drips_gets_408) {
    later_world world;
    const auto client = world.open();
    world.send(client, "POST /later HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n");
    for (int i = 0; i < 9; ++i) {
        world.pass(1s);
        world.send(client, "x");
        EXPECT_FALSE(world.ended(client));
    }
    world.pass(1s);
    EXPECT_EQ(statuses(world.take(client)), std::vector{408});
    EXPECT_TRUE(world.ended(client));
    EXPECT_EQ(world.errors(errc::body_too_slow), 1U);
}

TEST(sec_h4_deadlines, a_body_at_the_minimum_rate_is_taken) {
    later_world world;
    const auto client = world.open();
    world.send(client, "POST /later HTTP/1.1\r\nHost: x\r\nContent-Length: 40960\r\n\r\n");
    for (int i = 0; i < 40; ++i) {
        world.pass(990ms);
        world.send(client, std::string(1024, 'x'));
    }
    ASSERT_EQ(world.waiting.size(), 1U);
    EXPECT_EQ(world.body.size(), 40960U);
}

TEST(sec_h4_deadlines, a_fast_beginning_does_not_buy_a_long_silence) {
    later_world world;
    const auto client = world.open();
    world.send(client, "POST /later HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n\r\n" +
                           std::string(800'000, 'x'));
    world.pass(9s);
    EXPECT_FALSE(world.ended(client));
    world.pass(2s);
    EXPECT_EQ(statuses(world.take(client)), std::vector{408});
}

// Each option in turn is `duration::max()`, and a day passes where it counts.
TEST(sec_h4_deadlines, an_option_that_says_never_means_never) {
    const std::string half = "GET", rest = " /now HTTP/1.1\r\nHost: x\r\n\r\n";
    const std::string post = "POST /later HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n";
    struct {
        const char* what;
        duration options::*option;
        std::string before, after;
    } const cases[] = {
        {"the first head", &options::head_timeout, half, rest},
        {"a later head", &options::head_timeout, get("/now") + half, rest},
        {"the next request", &options::idle_timeout, get("/now"), get("/now")},
        {"a body", &options::body_grace, post + "x", "xxxxxxxx"},
        {"an answer", &options::reply_timeout, get("/later"), ""},
    };
    for (const auto& waited : cases) {
        SCOPED_TRACE(waited.what);
        options limits;
        limits.*waited.option = duration::max();
        later_world world(limits);
        const auto client = world.open();
        world.send(client, waited.before);
        (void)world.take(client);
        world.pass(24h);
        EXPECT_FALSE(world.ended(client));
        world.send(client, waited.after);
        for (auto& answer : std::exchange(world.waiting, {})) (void)answer.send(response(200));
        world.run();
        EXPECT_TRUE(world.take(client).starts_with("HTTP/1.1 200 "));
        EXPECT_FALSE(world.ended(client));
    }
}

TEST(sec_h4_deadlines, a_reader_that_takes_nothing_is_cut) {
    http_world world;
    ASSERT_TRUE(world.routes.get(
        "/", [](const request&) { return response::text(200, std::string(1'000'000, 'x')); }));
    const auto client = world.open();
    world.io.peer_window(client, 1'000);
    world.send(client, get("/"));
    world.pass(29s);
    EXPECT_FALSE(world.ended(client));
    world.pass(3s);
    EXPECT_TRUE(world.ended(client));
    EXPECT_EQ(world.connections(), 0U);
}

TEST(sec_h4_deadlines, replies_nobody_reads_stop_further_requests) {
    http_world world;
    int handled = 0;
    ASSERT_TRUE(world.routes.get("/", [&](const request&) {
        ++handled;
        return response::text(200, std::string(50'000, 'x'));
    }));
    const auto client = world.open();
    world.io.peer_window(client, 1'000);
    std::string many;
    for (int i = 0; i < 100; ++i) many += get("/");
    world.send(client, many);
    EXPECT_EQ(handled, 2);
    std::string reply;
    for (int i = 0; i < 8000 && handled < 100; ++i) {
        world.run(1);
        reply += world.take(client);
    }
    EXPECT_EQ(handled, 100);
}

}  // namespace
}  // namespace weft::http
