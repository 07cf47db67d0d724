// Long-polling: each rule of the protocol once, on the sim backend.

#include <gtest/gtest.h>

#include "eio_world.hpp"

namespace weft::engineio::test {
namespace {

using reasons = std::vector<close_reason>;
using texts = std::vector<std::string>;

TEST(polling, greets_with_the_open_packet) {
    eio_world world;
    const std::string sid = world.open_polling();
    ASSERT_EQ(sid.size(), 20U);
    EXPECT_EQ(world.first.status, 200);
    EXPECT_EQ(world.first.body, R"(0{"sid":")" + sid +
                                    R"(","upgrades":["websocket"],"pingInterval":25000,)"
                                    R"("pingTimeout":20000,"maxPayload":1000000})");
    EXPECT_TRUE(world.first.has("Content-Type: text/plain; charset=UTF-8"));
    EXPECT_TRUE(world.first.has("Cache-Control: no-store"));
    ASSERT_EQ(world.users.size(), 1U);
    EXPECT_TRUE(world.users[0]->open);
    EXPECT_EQ(world.at(0).id(), sid);
    EXPECT_EQ(world.at(0).transport(), transport_kind::polling);
}

TEST(polling, answers_a_poll_when_something_is_sent_and_gathers_what_belongs_together) {
    eio_world world;
    const auto client = world.hang(world.open_polling());
    EXPECT_EQ(world.take(client), "");
    EXPECT_EQ(world.at(0).send(message::text("4a")), send_status::sent);
    EXPECT_EQ(world.at(0).send(message::binary(as_bytes("\x01\x02\x03"))), send_status::sent);
    EXPECT_EQ(world.take(client), "");  // not from inside the call
    world.run();
    EXPECT_EQ(world.take_one(client).body,
              "4a\x1E"
              "bAQID");
    EXPECT_EQ(world.users[0]->drained, 1);
}

TEST(polling, what_is_sent_between_polls_waits) {
    eio_world world;
    const std::string sid = world.open_polling();
    EXPECT_EQ(world.at(0).send(message::text("4a")), send_status::queued);
    EXPECT_EQ(world.at(0).send(message_view("4b")), send_status::queued);
    EXPECT_EQ(world.poll(sid).body,
              "4a\x1E"
              "4b");
}

TEST(polling, takes_packets_and_answers_ok) {
    eio_world world;
    const std::string sid = world.open_polling();
    const reply got = world.submit(sid,
                                   "4hello\x1E"
                                   "bAQID\x1E"
                                   "4\xE2\x82\xAC\x1E"
                                   "6\x1E"
                                   "4");
    EXPECT_EQ(got.status, 200);
    EXPECT_EQ(got.body, "ok");
    EXPECT_TRUE(got.has("Content-Type: text/html"));
    EXPECT_EQ(world.users[0]->messages, (texts{"hello", "bytes:\x01\x02\x03", "\xE2\x82\xAC", ""}));
}

TEST(polling, a_second_poll_ends_the_session) {
    eio_world world;
    const std::string sid = world.open_polling();
    const auto first = world.hang(sid);
    const reply second = world.poll(sid);
    EXPECT_EQ(second.status, 400);
    EXPECT_EQ(second.body, "");
    EXPECT_EQ(world.take_one(first).body, "1");
    EXPECT_EQ(world.users[0]->closed, reasons{close_reason::transport_error});
    EXPECT_EQ(world.poll(sid).body, R"({"code":1,"message":"Session ID unknown"})");
    EXPECT_EQ(world.errors(errc::overlapping_poll), 1U);
}

TEST(polling, two_posts_at_once_end_the_session) {
    const auto begin = [](eio_world& world, std::string_view sid, std::string_view body) {
        const auto client = world.connect();
        std::string bytes = eio_world::post(eio_world::of(sid), std::string(body) + "!");
        bytes.pop_back();
        world.send(client, bytes);
        return client;
    };
    for (const bool whole : {true, false}) {
        eio_world world;
        const std::string sid = world.open_polling();
        const auto first = begin(world, sid, "4first");
        if (whole) {
            EXPECT_EQ(world.submit(sid, "4second").status, 400);
        } else {
            const auto second = begin(world, sid, "4second");
            world.send(second, "!");
            EXPECT_EQ(world.take_one(second).status, 400);
        }
        EXPECT_EQ(world.users[0]->closed, reasons{close_reason::transport_error});
        EXPECT_EQ(world.users[0]->messages, texts{});
        EXPECT_EQ(world.errors(errc::overlapping_post), 1U);
        world.send(first, "!");
        EXPECT_EQ(world.take_one(first).status, 400);
    }
    eio_world world;
    const std::string sid = world.open_polling();
    const auto first = begin(world, sid, "4first");
    world.send(first, "!");
    EXPECT_EQ(world.take_one(first).status, 200);
    EXPECT_EQ(world.submit(sid, "4second").status, 200) << "one after the other";
    EXPECT_EQ(world.users[0]->messages, (texts{"first!", "second"}));
}

TEST(polling, a_post_of_a_client_that_is_told_to_wait_is_under_way) {
    options chosen;
    chosen.rate = receive_rate{.messages_per_second = 1, .bytes_per_second = 1 << 20, .burst = 1s};
    eio_world world(std::move(chosen));
    const std::string sid = world.open_polling();
    const auto client = world.connect();
    world.send(client, eio_world::post(eio_world::of(sid),
                                       "4a\x1E"
                                       "4b\x1E"
                                       "4c"));
    EXPECT_EQ(world.take(client), "") << "its answer comes later";
    world.pass(5s);
    EXPECT_EQ(world.take_one(client).status, 200);
    EXPECT_EQ(world.submit(sid, "4d").status, 200);
    world.send(client, eio_world::post(eio_world::of(sid),
                                       "4e\x1E"
                                       "4f\x1E"
                                       "4g"));
    EXPECT_EQ(world.submit(sid, "4h").status, 400);
    EXPECT_EQ(world.users[0]->closed, reasons{close_reason::transport_error});
    world.pass(5s);
    EXPECT_EQ(world.take_one(client).status, 200) << "it was processed";
}

TEST(polling, a_post_that_is_cut_half_way_ends_the_session) {
    eio_world world;
    const std::string sid = world.open_polling();
    const std::string other = world.open_polling();
    std::string bytes = eio_world::post(eio_world::of(sid), "4hello");
    bytes.resize(bytes.size() - 2);
    const auto client = world.connect();
    world.send(client, bytes);
    EXPECT_EQ(world.engine.sessions(), 2U);
    world.io.peer_reset(client);
    world.run();
    EXPECT_EQ(world.users[0]->closed, reasons{close_reason::transport_error});
    EXPECT_EQ(world.users[0]->messages, texts{});
    EXPECT_EQ(world.engine.sessions(), 1U);
    EXPECT_EQ(world.submit(other, "4hello").status, 200);
}

TEST(polling, half_a_post_of_another_user_does_nothing) {
    options chosen;
    chosen.middlewares.emplace_back([](const http::handshake& asked) -> admission<> {
        return identity{.subject = std::string(asked.header("x-user"))};
    });
    eio_world world(std::move(chosen));
    const std::string sid = world.open_polling("EIO=4&transport=polling", "X-User: me\r\n");
    ASSERT_EQ(sid.size(), 20U);
    std::string bytes = eio_world::post(eio_world::of(sid), "4hello", "X-User: other\r\n");
    bytes.resize(bytes.size() - 2);
    const auto client = world.connect();
    world.send(client, bytes);
    EXPECT_EQ(world.ask(eio_world::post(eio_world::of(sid), "4mine", "X-User: me\r\n")).status,
              200);
    world.io.peer_reset(client);
    world.run();
    EXPECT_EQ(world.engine.sessions(), 1U);
    EXPECT_EQ(world.users[0]->messages, texts{"mine"});
}

TEST(polling, what_waits_goes_out_before_the_end_of_who_broke_a_protocol_above) {
    eio_world world;
    world.on_message = [](session& s, const message_view& data) {
        if (data.text() == "good") s.send(message::text("4answer"));
        if (data.text() == "bad") s.expel(close_reason::parse_error, "broken");
    };
    const std::string sid = world.open_polling();
    EXPECT_EQ(world
                  .submit(sid,
                          "4good\x1E"
                          "4bad\x1E"
                          "4good")
                  .status,
              200);
    EXPECT_EQ(world.poll(sid).body, "4answer");
    EXPECT_EQ(world.users[0]->messages, (texts{"good", "bad"}));
    EXPECT_EQ(world.users[0]->closed, reasons{});
    EXPECT_EQ(world.poll(sid).body, "1");
    EXPECT_EQ(world.users[0]->closed, reasons{close_reason::parse_error});
    const std::string other = world.open_polling();
    const auto hangs = world.hang(other);
    EXPECT_EQ(world.submit(other, "4bad").status, 200);
    EXPECT_EQ(world.take_one(hangs).body, "1") << "nothing waits: at once";
    EXPECT_EQ(world.users[1]->closed, reasons{close_reason::parse_error});
}

TEST(polling, protocol_3_gets_binary_data_as_bytes_unless_it_wants_base64) {
    options chosen;
    chosen.allow_eio3 = true;
    eio_world world(std::move(chosen));
    const auto poll_of = [&](std::string_view query, std::string_view more = "") {
        const std::string sid = world.open_polling(query);
        session& s = *world.engine.find(world.users.back()->name);
        s.send(message::text("4\xC3\xA9"));
        s.send(message::binary(as_bytes(std::string_view("\x01\xFF", 2))));
        return world.ask(eio_world::get(std::string(query) + "&sid=" + sid + std::string(more)));
    };
    const reply bytes = poll_of("EIO=3&transport=polling");
    EXPECT_TRUE(bytes.has("Content-Type: application/octet-stream\r\n"));
    EXPECT_EQ(bytes.body, std::string("\x00\x03\xFF"
                                      "4\xC3\xA9"
                                      "\x01\x03\xFF"
                                      "\x04\x01\xFF",
                                      12));
    const reply text = poll_of("EIO=3&transport=polling&b64=1");
    EXPECT_TRUE(text.has("Content-Type: text/plain; charset=UTF-8\r\n"));
    EXPECT_EQ(text.body,
              "2:4\xC3\xA9"
              "6:b4Af8=");
    const reply script = poll_of("EIO=3&transport=polling", "&j=0");
    EXPECT_NE(script.body.find("b4Af8="), std::string::npos) << script.body;
    // Text alone is text.
    const std::string sid = world.open_polling("EIO=3&transport=polling");
    world.engine.find(world.users.back()->name)->send(message::text("4a"));
    EXPECT_EQ(world.ask(eio_world::get("EIO=3&transport=polling&sid=" + sid)).body, "2:4a");
}

TEST(polling, a_poll_that_the_client_gives_up_ends_the_session) {
    eio_world world;
    const auto client = world.hang(world.open_polling());
    world.io.peer_reset(client);
    world.run();
    EXPECT_EQ(world.users[0]->closed, reasons{close_reason::transport_error});
    EXPECT_EQ(world.find(0), nullptr);
}

TEST(polling, a_poll_with_a_request_behind_it_tells_of_the_end_too) {
    eio_world world;
    const std::string sid = world.open_polling();
    const auto client = world.hang(sid);
    world.send(client, eio_world::post(eio_world::of(sid), "4behind"));
    EXPECT_TRUE(world.users[0]->closed.empty());
    world.io.peer_end(client);
    world.run();
    EXPECT_EQ(world.users[0]->closed, reasons{close_reason::transport_error});
    EXPECT_TRUE(world.users[0]->messages.empty());
}

TEST(polling, a_binary_body_ends_the_session) {
    eio_world world;
    const std::string sid = world.open_polling();
    const reply got = world.ask(
        eio_world::post(eio_world::of(sid), "4x", "Content-Type: application/octet-stream\r\n"));
    EXPECT_EQ(got.status, 400);
    EXPECT_EQ(world.users[0]->closed, reasons{close_reason::transport_error});
    EXPECT_EQ(world.errors(errc::bad_content_type), 1U);
}

TEST(polling, a_body_over_the_limit_is_refused_and_the_session_stays) {
    eio_world world({.max_http_buffer_size = 10});
    const std::string sid = world.open_polling();
    EXPECT_EQ(world.submit(sid, "4345678901").status, 200);
    EXPECT_EQ(world.submit(sid, "43456789012").status, 413);
    EXPECT_EQ(world.submit(sid, "4again").status, 200);
    EXPECT_EQ(world.users[0]->messages, (texts{"345678901", "again"}));
}

TEST(polling, other_methods_get_500) {
    eio_world world;
    const std::string sid = world.open_polling();
    for (const char* method : {"PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"}) {
        const reply got = world.ask(eio_world::get(eio_world::of(sid), "", method));
        EXPECT_EQ(got.status, 500) << method;
        EXPECT_EQ(got.body, "");
    }
    EXPECT_NE(world.find(0), nullptr);
}

TEST(polling, a_malformed_body_ends_the_session_with_ok) {
    for (const char* body : {"", "7", "x", "4a\x1E", "4a\x1Ezzz", "bAQ!D", "4\xFF", "4\xC0\x80"}) {
        eio_world world;
        const std::string sid = world.open_polling();
        const reply got = world.submit(sid, body);
        EXPECT_EQ(got.status, 200) << body;
        EXPECT_EQ(got.body, "ok");
        EXPECT_EQ(world.users[0]->closed, reasons{close_reason::parse_error}) << body;
    }
}

TEST(polling, takes_as_many_packets_as_fit_into_a_post) {
    eio_world world;
    const std::string sid = world.open_polling();
    std::string body = "4a";
    for (int i = 1; i < 20'000; ++i)
        body +=
            "\x1E"
            "4a";
    EXPECT_EQ(world.submit(sid, body).body, "ok");
    EXPECT_EQ(world.users[0]->messages.size(), 20'000U);
}

TEST(polling, more_packets_than_the_limit_end_the_session) {
    eio_world world({.max_packets = 3});
    const std::string sid = world.open_polling();
    EXPECT_EQ(world
                  .submit(sid,
                          "41\x1E"
                          "42\x1E"
                          "43")
                  .status,
              200);
    EXPECT_EQ(world
                  .submit(sid,
                          "41\x1E"
                          "42\x1E"
                          "43\x1E"
                          "44")
                  .status,
              400);
    EXPECT_EQ(world.users[0]->closed, reasons{close_reason::parse_error});
    EXPECT_EQ(world.errors(errc::too_many_packets), 1U);
}

TEST(polling, the_client_closes) {
    eio_world world;
    const std::string sid = world.open_polling();
    const auto client = world.hang(sid);
    EXPECT_EQ(world
                  .submit(sid,
                          "4a\x1E"
                          "1\x1E"
                          "4b")
                  .body,
              "ok");
    EXPECT_EQ(world.take_one(client).body, "6");
    EXPECT_EQ(world.users[0]->messages, texts{"a"});
    EXPECT_EQ(world.users[0]->closed, reasons{close_reason::transport_close});
}

TEST(polling, the_server_closes_while_a_poll_hangs) {
    eio_world world;
    const std::string sid = world.open_polling();
    const auto client = world.hang(sid);
    world.at(0).send(message::text("4bye"));
    world.at(0).close();
    EXPECT_EQ(world.at(0).send(message::text("4late")), send_status::closed);
    EXPECT_TRUE(world.users[0]->closed.empty());
    world.run();
    EXPECT_EQ(world.take_one(client).body, "4bye");
    EXPECT_EQ(world.poll(sid).body, "1");
    EXPECT_EQ(world.users[0]->closed, reasons{close_reason::forced_close});
}

TEST(polling, a_close_waits_for_the_next_poll_but_not_for_ever) {
    eio_world world;
    const std::string sid = world.open_polling();
    world.at(0).send(message::text("41"));
    world.at(0).close();
    world.pass(29s);
    EXPECT_EQ(world.poll(sid).body, "41");
    EXPECT_EQ(world.poll(sid).body, "1");
    EXPECT_EQ(world.users[0]->closed, reasons{close_reason::forced_close});

    world.open_polling();
    world.at(1).close();
    world.pass(29s);
    EXPECT_TRUE(world.users[1]->closed.empty());
    world.pass(2s);
    EXPECT_EQ(world.users[1]->closed, reasons{close_reason::forced_close});
}

TEST(polling, pings_and_gives_up_on_silence) {
    eio_world world;
    const std::string sid = world.open_polling();
    const auto client = world.hang(sid);
    world.pass(25s);
    EXPECT_EQ(world.take_one(client).body, "2");
    EXPECT_EQ(world.submit(sid, "3").body, "ok");
    const auto again = world.hang(sid);
    world.pass(24s);
    EXPECT_EQ(world.take(again), "");
    world.pass(1s);
    EXPECT_EQ(world.take_one(again).body, "2");
    world.pass(19s);
    EXPECT_NE(world.find(0), nullptr);
    world.pass(1s);
    EXPECT_EQ(world.users[0]->closed, reasons{close_reason::ping_timeout});
}

TEST(polling, any_packet_is_a_sign_of_life) {
    eio_world world;
    const std::string sid = world.open_polling();
    const auto client = world.hang(sid);
    world.pass(25s);
    EXPECT_EQ(world.take_one(client).body, "2");
    world.pass(15s);
    world.submit(sid, "4busy");
    world.pass(15s);
    EXPECT_NE(world.find(0), nullptr);
    world.pass(6s);
    EXPECT_EQ(world.users[0]->closed, reasons{close_reason::ping_timeout});
}

TEST(polling, a_poll_is_a_sign_of_life) {
    eio_world world;
    const std::string sid = world.open_polling();
    world.submit(sid, "3");  // it came back within handshake_timeout
    world.pass(25s);
    world.pass(15s);
    EXPECT_EQ(world.poll(sid).body, "2");
    world.pass(19s);
    EXPECT_NE(world.find(0), nullptr);
    world.pass(1s);
    EXPECT_EQ(world.users[0]->closed, reasons{close_reason::ping_timeout});
}

TEST(polling, a_long_upload_is_no_silence) {
    for (const std::string_view framing :
         {"Content-Length: 60001\r\n", "Transfer-Encoding: chunked\r\n"}) {
        eio_world world;
        const std::string sid = world.open_polling();
        const auto up = world.connect();
        world.send(up, eio_world::get(eio_world::of(sid), framing, "POST"));
        if (framing.starts_with("Transfer"))
            world.send(up, "ea61\r\n4");
        else
            world.send(up, "4");
        for (int part = 0; part < 12; ++part) {
            world.pass(4s);
            world.send(up, std::string(5'000, 'x'));
            ASSERT_TRUE(world.users[0]->closed.empty()) << framing << part;
        }
        if (framing.starts_with("Transfer")) world.send(up, "\r\n0\r\n\r\n");
        EXPECT_EQ(world.take_one(up).body, "ok") << framing;
        EXPECT_EQ(world.users[0]->messages.size(), 1U);
        world.pass(26s);
        world.pass(21s);
        EXPECT_EQ(world.users[0]->closed, reasons{close_reason::ping_timeout});
    }
}

TEST(polling, a_long_download_is_no_silence) {
    for (const bool hangs : {true, false}) {
        eio_world world;
        const std::string sid = world.open_polling();
        const std::string big = "4" + std::string(200'000, 'x');
        if (!hangs) world.at(0).send(message::text(big));
        const auto client = world.connect();
        world.io.peer_window(client, 4096);
        world.send(client, eio_world::get(eio_world::of(sid)));
        if (hangs) world.at(0).send(message::text(big));
        world.run();
        std::string got;
        while (got.size() < big.size()) {
            world.pass(5s);
            ASSERT_TRUE(world.users[0]->closed.empty()) << got.size();
            got += world.io.peer_take(client, 4096);
        }
        got += world.take(client);
        EXPECT_EQ(take_reply(got).body, big);
        world.pass(21s);
        world.pass(21s);
        EXPECT_EQ(world.users[0]->closed, reasons{close_reason::ping_timeout});
    }
}

TEST(polling, a_pong_that_nobody_asked_for_puts_no_ping_off) {
    eio_world world;
    const std::string sid = world.open_polling();
    world.pass(19s);
    world.submit(sid, "3");
    world.pass(6s);
    EXPECT_EQ(world.poll(sid).body, "2");
}

TEST(polling, a_ping_from_a_client_of_protocol_4_ends_the_session) {
    eio_world world;
    EXPECT_EQ(world.submit(world.open_polling(), "2").body, "ok");
    EXPECT_EQ(world.users[0]->closed, reasons{close_reason::transport_error});
    EXPECT_EQ(world.errors(errc::wrong_heartbeat), 1U);
}

TEST(polling, droppable_messages_do_not_wait) {
    eio_world world;
    const std::string sid = world.open_polling();
    EXPECT_EQ(world.at(0).send(message::text("4a", {.droppable = true})), send_status::queued);
    EXPECT_EQ(world.at(0).send(message::text("4b", {.droppable = true})), send_status::dropped);
    EXPECT_EQ(world.at(0).send(message::text("4c")), send_status::queued);
    EXPECT_EQ(world.poll(sid).body,
              "4a\x1E"
              "4c");
    EXPECT_EQ(world.metric("weft_engineio_dropped_total"), 1U);
    const std::vector<message> group{message::text("451-x", {.droppable = true}),
                                     message::binary(as_bytes("y"))};
    world.at(0).send(message::text("4first"));
    EXPECT_EQ(world.at(0).send(group), send_status::dropped);
    EXPECT_EQ(world.poll(sid).body, "4first");
}

TEST(polling, a_full_queue_ends_the_session) {
    eio_world world({.max_queue = 128 * 1024});
    world.open_polling();
    const std::string big = "4" + std::string(60'000, 'x');
    EXPECT_EQ(world.at(0).send(message::text(big)), send_status::queued);
    EXPECT_EQ(world.at(0).send(message::text(big)), send_status::queued);
    EXPECT_EQ(world.at(0).send(message::text(big)), send_status::closed);
    world.run();
    EXPECT_EQ(world.users[0]->closed, reasons{close_reason::transport_error});
    EXPECT_EQ(world.errors(errc::slow_consumer), 1U);
}

TEST(polling, a_packet_above_the_queue_is_no_slow_client_when_nothing_waits) {
    eio_world world({.max_queue = 128 * 1024});
    const std::string sid = world.open_polling();
    const std::string big = "4" + std::string(300'000, 'x');
    EXPECT_EQ(world.at(0).send(message::text(big)), send_status::queued);
    EXPECT_EQ(world.at(0).send(message::text("4y")), send_status::queued);
    const auto client = world.connect();
    world.io.peer_window(client, 1'000'000);
    world.send(client, eio_world::get(eio_world::of(sid)));
    EXPECT_EQ(world.take_one(client).body, big + "\x1E" + "4y");
    EXPECT_TRUE(world.users[0]->closed.empty());
}

TEST(polling, each_packet_in_the_queue_costs_more_than_its_bytes) {
    eio_world world({.max_queue = 128 * 1024});
    world.open_polling();
    for (int i = 0; i < 20'000; ++i) world.at(0).send(message::text("4"));
    world.run();
    EXPECT_EQ(world.users[0]->closed, reasons{close_reason::transport_error});
}

TEST(polling, a_message_without_memory_is_dropped_and_the_session_stays) {
    eio_world world;
    const std::string sid = world.open_polling();
    EXPECT_EQ(world.at(0).send(message()), send_status::dropped);
    world.at(0).send(message::text("4a"));
    EXPECT_EQ(world.poll(sid).body, "4a");
}

TEST(polling, a_handler_that_throws_ends_its_session_with_500) {
    eio_world world;
    world.on_message = [](session&, const message_view&) { throw std::runtime_error("oh"); };
    EXPECT_EQ(world
                  .submit(world.open_polling(),
                          "4a\x1E"
                          "4b")
                  .status,
              500);
    EXPECT_EQ(world.users[0]->messages, texts{"a"});
    EXPECT_EQ(world.users[0]->closed, reasons{close_reason::forced_close});
    EXPECT_EQ(world.log, texts{"on_message of route '/socket.io' for 127.0.0.1:20002 threw: oh"});
    EXPECT_EQ(world.metric("weft_engineio_handler_exceptions_total"), 1U);
}

TEST(polling, a_user_may_end_the_session_in_any_call) {
    for (const int kind : {0, 1, 2}) {
        eio_world world;
        const auto end = [kind](session& s) {
            if (kind == 0) s.close();
            if (kind == 1) s.fail(close_reason::parse_error);
            if (kind == 2) throw std::runtime_error("end");
        };
        world.on_open = end;
        world.open_polling();
        world.pass(31s);
        EXPECT_EQ(world.users[0]->closed.size(), 1U);
        world.on_open = nullptr;
        world.on_drained = end;
        const auto client = world.hang(world.open_polling());
        world.at(1).send(message::text("4x"));
        world.run();
        EXPECT_EQ(world.take_one(client).body, "4x");
        world.pass(31s);
        EXPECT_EQ(world.users[1]->closed.size(), 1U);
        EXPECT_EQ(world.engine.sessions(), 0U);
    }
}

TEST(polling, jsonp) {
    eio_world world;
    world.open_polling("EIO=4&transport=polling&j=0");
    EXPECT_EQ(world.first.body.substr(0, 17), R"(___eio[0]("0{\"si)");
    EXPECT_TRUE(world.first.has("Content-Type: text/javascript"));
    const std::string sid = world.users[0]->sid;
    const reply got =
        world.ask(eio_world::post(eio_world::of(sid) + "&j=1", "d=4a%5Cnb%1E4%5C%5Cn+c",
                                  "Content-Type: application/x-www-form-urlencoded\r\n"));
    EXPECT_EQ(got.body, "ok");
    EXPECT_EQ(world.users[0]->messages, (texts{"a\nb", "\\n c"}));
    world.at(0).send(message::text("4\"\xE2\x80\xA8<"));
    EXPECT_EQ(world.ask(eio_world::get(eio_world::of(sid) + "&j=2x%5D")).body,
              "___eio[25]("
              R"("4\"\u2028<");)");
}

TEST(polling, compresses_what_is_large) {
    eio_world world;
    const std::string sid = world.open_polling();
    const auto ask = [&](const message& what, std::string_view coding) {
        world.at(0).send(what);
        return world.ask(
            eio_world::get(eio_world::of(sid), "Accept-Encoding: " + std::string(coding) + "\r\n"));
    };
    const std::string big = "4" + std::string(5000, 'x');
    const reply zipped = ask(message::text(big), "br, gzip");
    EXPECT_TRUE(zipped.has("Content-Encoding: gzip"));
    EXPECT_LT(zipped.body.size(), 100U);
    EXPECT_EQ(zipped.body.substr(0, 2), "\x1F\x8B");
    EXPECT_TRUE(ask(message::text(big), "deflate").has("Content-Encoding: deflate"));
    EXPECT_TRUE(ask(message::text(big), "gzip, deflate").has("Content-Encoding: gzip"));
    EXPECT_EQ(ask(message::text(big), "gzip;q=0").body, big);
    EXPECT_EQ(ask(message::text(big, {.uncompressed = true}), "gzip").body, big);
    EXPECT_EQ(ask(message::text("4small"), "gzip").body, "4small");
}

TEST(polling, a_post_with_many_packets_is_processed_a_share_per_turn) {
    eio_world world;
    const std::string sid = world.open_polling();
    std::string body;
    for (int i = 0; i < 20'000; ++i)
        body += (i == 0 ? "4"
                        : "\x1E"
                          "4") +
                std::to_string(i);
    const auto client = world.connect();
    world.io.peer_send(client, eio_world::post(eio_world::of(sid), body));
    world.run(2);
    EXPECT_LE(world.users[0]->messages.size(), 32U * 1024 / 256 + 2 * 2 * 1024 * 1024 / 256);
    EXPECT_EQ(world.take(client), "");
    world.run(30);
    ASSERT_EQ(world.users[0]->messages.size(), 20'000U);
    for (std::size_t i = 0; i < 20'000; ++i)
        ASSERT_EQ(world.users[0]->messages[i], std::to_string(i));
    EXPECT_EQ(world.take_one(client).body, "ok");
}

TEST(polling, a_second_post_amid_another_ends_the_session) {
    eio_world world;
    const std::string sid = world.open_polling();
    std::string body = "4x";
    for (int i = 0; i < 20'000; ++i)
        body +=
            "\x1E"
            "4x";
    const auto first = world.connect();
    const auto second = world.connect();
    world.run();
    world.io.peer_send(first, eio_world::post(eio_world::of(sid), body));
    world.run(1);
    world.io.peer_send(second, eio_world::post(eio_world::of(sid), "4y"));
    world.run(20);
    EXPECT_EQ(world.take_one(second).status, 400);
    EXPECT_EQ(world.take_one(first).status, 200);
    EXPECT_LT(world.users[0]->messages.size(), 20'000U);
    EXPECT_EQ(world.users[0]->closed, reasons{close_reason::transport_error});
    EXPECT_EQ(world.errors(errc::overlapping_post), 1U);
}

}  // namespace
}  // namespace weft::engineio::test
