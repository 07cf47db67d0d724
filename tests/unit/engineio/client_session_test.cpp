// A client's session against a server that plays by the rules, or does not: both transports, the
// upgrade, the heartbeat, and every way to end.

#include "engineio/client_session.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "support/engineio_peer.hpp"

namespace weft::engineio {
namespace {

using namespace std::chrono_literals;
using strings = std::vector<std::string>;

class engineio_client_test : public ::testing::Test, public client_user {
protected:
    engineio_client_test()
        : io(*new net::sim_backend),
          core(
              std::make_unique<net::loop_core>(std::unique_ptr<net::backend>(&io), loop_options{})),
          server(io, *core) {
        core->start();
        options.url = "http://127.0.0.1";
    }

    void begin() {
        subject = std::make_unique<client_session>(*core, ws::client_context(core->ref()), options,
                                                   *this);
        ASSERT_TRUE(subject->open());
    }
    void open() {
        begin();
        server.run();
        ASSERT_EQ(seen, strings{"open"});
    }
    void on_open() override { note("open"); }
    void on_message(message_view what) override {
        note((what.is_text() ? "text " : "binary ") + std::string(what.text()));
    }
    void on_ping() override { ++pings; }
    void on_upgrade() override { ++upgrades; }
    void on_close(close_cause cause, const error& why,
                  const http::client_response* response) override {
        if (response != nullptr) refusal = std::string(response->body);
        static const strings names{"ping timeout", "transport close", "transport error",
                                   "forced close"};
        code = why.code();
        text = why.message();
        note(names[static_cast<std::size_t>(cause)]);
    }
    void note(std::string what) {
        seen.push_back(std::move(what));
        if (at_event) at_event(seen.back());
    }

    int pings = 0;
    int upgrades = 0;
    net::sim_backend& io;
    std::unique_ptr<net::loop_core> core;
    test::engineio_peer server;
    client_options options;
    std::unique_ptr<client_session> subject;
    strings seen;
    std::error_code code;
    std::string text, refusal;
    std::function<void(const std::string&)> at_event;
};

TEST_F(engineio_client_test, polls) {
    options.upgrade = false;
    options.query = {{"token", "a&b"}};
    options.headers = {{"X-One", "1"}};
    options.url = "http://me:secret@127.0.0.1/ignored?x=y";
    open();
    EXPECT_EQ(server.requests.at(0).substr(0, server.requests.at(0).find("\r\n")),
              "GET /socket.io/?x=y&token=a%26b&EIO=4&transport=polling&t=1 HTTP/1.1");
    EXPECT_NE(server.requests.at(0).find("X-One: 1\r\n"), std::string::npos);
    EXPECT_NE(server.requests.at(0).find("Authorization: Basic bWU6c2VjcmV0\r\n"),
              std::string::npos);
    EXPECT_NE(server.requests.at(1).find("&t=2&sid=session-1 "), std::string::npos);
    EXPECT_EQ(subject->id(), "session-1");
    EXPECT_EQ(subject->send(message::text("4hello")), send_status::sent);
    EXPECT_EQ(subject->send(message::binary(as_bytes("raw"))), send_status::queued);
    server.run();
    EXPECT_EQ(server.packets, (strings{"4hello", "bcmF3"}));
    server.send(
        "4hi\x1E"
        "bcmF3");
    server.send("4again");
    EXPECT_EQ(seen, (strings{"open", "text hi", "binary raw", "text again"}));
}

TEST_F(engineio_client_test, names_itself_and_tells_a_refusal_with_what_the_server_wrote) {
    server.status = "503 Busy";
    for (const auto how : {transport_kind::polling, transport_kind::websocket}) {
        options.transports = {how};
        refusal.clear();
        begin();
        server.run();
        EXPECT_NE(server.requests.back().find("\r\nUser-Agent: weft/"), std::string::npos);
        EXPECT_EQ(refusal, "no");
    }
    options.headers = {{"user-agent", "mine"}};
    options.transports = {transport_kind::polling};
    begin();
    server.run();
    EXPECT_NE(server.requests.back().find("user-agent: mine"), std::string::npos);
    EXPECT_EQ(server.requests.back().find("weft/"), std::string::npos);
}

TEST_F(engineio_client_test, begins_with_websocket) {
    options.transports = {transport_kind::websocket};
    open();
    EXPECT_TRUE(server.on_websocket());
    EXPECT_EQ(subject->transport(), transport_kind::websocket);
    EXPECT_EQ(subject->send(message::text("4hello")), send_status::sent);
    subject->send(message::binary(as_bytes("raw")));
    server.run();
    EXPECT_EQ(server.packets, (strings{"4hello", "braw"}));
    server.send("4hi");
    server.send_binary("bytes");
    EXPECT_EQ(seen, (strings{"open", "text hi", "binary bytes"}));
}

TEST_F(engineio_client_test, upgrades_and_keeps_the_order) {
    int sent = 0;
    at_event = [&](const std::string&) {
        while (sent < 3) subject->send(message::text("4" + std::to_string(sent++)));
    };
    open();
    EXPECT_TRUE(server.on_websocket());
    EXPECT_EQ(subject->transport(), transport_kind::websocket);
    subject->send(message::text("4after"));
    server.run();
    EXPECT_EQ(server.packets, (strings{"40", "41", "42", "4after"}));
    server.send("4hi");
    EXPECT_EQ(seen, (strings{"open", "text hi"}));
}

TEST_F(engineio_client_test, what_is_sent_during_the_upgrade_follows_it) {
    server.answers_probes = false;
    server.answers_posts = false;
    open();
    subject->send(message::text("4one"));
    server.run();
    server.answers_probes = true;
    EXPECT_EQ(subject->transport(), transport_kind::polling);
    EXPECT_TRUE(subject->behind());
    EXPECT_EQ(subject->send(message::text("4two")), send_status::queued);
    server.run();
    EXPECT_EQ(server.packets, strings{"4one"});
    server.answers_posts = true;
    server.answer_post();
    EXPECT_EQ(server.packets, (strings{"4one", "4two"}));
}

TEST_F(engineio_client_test, stays_with_polling_when_the_upgrade_fails) {
    server.refuses_websockets = true;
    open();
    EXPECT_EQ(subject->transport(), transport_kind::polling);
    subject->send(message::text("4one"));
    server.send("4hi");
    EXPECT_EQ(server.packets, strings{"4one"});
    EXPECT_EQ(seen, (strings{"open", "text hi"}));
}

TEST_F(engineio_client_test, polls_again_when_the_upgrade_fails_half_way) {
    server.answers_posts = false;
    at_event = [&](const std::string& what) {
        if (what == "open") subject->send(message::text("4one"));
    };
    open();
    EXPECT_FALSE(server.polled()) << "paused, until the POST is answered";
    server.close_websocket();
    EXPECT_TRUE(server.polled());
    EXPECT_EQ(subject->transport(), transport_kind::polling);
    server.send("4hi");
    EXPECT_EQ(seen, (strings{"open", "text hi"}));
}

TEST_F(engineio_client_test, does_not_ask_to_upgrade_when_told_not_to) {
    server.upgrades = false;
    open();
    EXPECT_FALSE(server.on_websocket());
    EXPECT_EQ(server.requests.size(), 2U);
}

TEST_F(engineio_client_test, a_polling_body_holds_what_the_server_takes) {
    options.upgrade = false;
    server.max_payload = 10;
    server.answers_posts = false;
    open();
    for (const char* one : {"4first", "4abc", "4def", "4longer than allowed", "4x"}) {
        subject->send(message::text(one));
    }
    server.run();
    server.answers_posts = true;
    server.answer_post();
    EXPECT_EQ(server.bodies, (strings{"4first",
                                      "4abc\x1E"
                                      "4def",
                                      "4longer than allowed", "4x"}));
}

TEST_F(engineio_client_test, the_queue_is_bounded) {
    options.upgrade = false;
    options.max_queue = 1000;
    server.answers_posts = false;
    open();
    const std::string big = "4" + std::string(500, 'x');
    EXPECT_EQ(subject->send(message::text(big)), send_status::sent);
    EXPECT_EQ(subject->send(message::text(big)), send_status::queued);
    EXPECT_EQ(subject->send(message::text(big)), send_status::dropped);
}

TEST_F(engineio_client_test, answers_pings_and_gives_up_without_them) {
    for (const bool upgrade : {false, true}) {
        options.upgrade = upgrade;
        seen.clear();
        server.packets.clear();
        open();
        server.pass(44s);
        server.send("2");
        EXPECT_EQ(server.packets, strings{"3"});
        server.pass(44s);
        EXPECT_EQ(seen, strings{"open"});
        server.pass(2s);
        EXPECT_EQ(seen, (strings{"open", "ping timeout"}));
        subject.reset();
        server.run();
    }
}

TEST_F(engineio_client_test, a_large_packet_over_a_slow_line_is_life) {
    const std::string piece(5'000, 'x');
    constexpr int pieces = 10;
    const std::string size = std::to_string(pieces * piece.size() + 1);
    for (const bool upgrade : {false, true}) {
        options.upgrade = upgrade;
        seen.clear();
        open();
        server.send_raw(upgrade ? std::string("\x81\x7E\xC3\x51", 4) + '4'
                                : "HTTP/1.1 200 OK\r\nContent-Length: " + size + "\r\n\r\n4");
        for (int i = 1; i < pieces; ++i) {
            server.pass(20s);
            server.send_raw(piece);
        }
        EXPECT_EQ(seen, strings{"open"});
        server.send_raw(piece);
        ASSERT_EQ(seen.size(), 2U) << upgrade;
        EXPECT_EQ(seen[1].size(), pieces * piece.size() + 5);
        server.pass(46s);
        EXPECT_EQ(seen.back(), "ping timeout");
        subject.reset();
        server.run();
    }
}

TEST_F(engineio_client_test, closes_in_order_behind_what_was_sent) {
    for (const bool upgrade : {false, true}) {
        options.upgrade = upgrade;
        seen.clear();
        server.packets.clear();
        open();
        subject->send(message::text("41"));
        subject->close();
        subject->close();
        EXPECT_EQ(subject->send(message::text("4late")), send_status::closed);
        server.run();
        EXPECT_EQ(server.packets, upgrade ? strings{"41"} : (strings{"41", "1"}));
        EXPECT_EQ(seen, (strings{"open", "forced close"}));
        server.run();
    }
}

TEST_F(engineio_client_test, may_be_closed_before_it_is_open) {
    begin();
    subject->close();
    server.run();
    EXPECT_EQ(seen, strings{"forced close"});
}

TEST_F(engineio_client_test, tells_how_the_server_ended_it) {
    options.upgrade = false;
    open();
    server.send("1");
    EXPECT_EQ(seen.back(), "transport close");
    begin();
    server.run();
    server.vanish();
    EXPECT_EQ(seen.back(), "transport error");
    options.transports = {transport_kind::websocket};
    begin();
    server.run();
    server.close_websocket();
    EXPECT_EQ(seen.back(), "transport close");
    begin();
    server.run();
    server.send("x");
    EXPECT_EQ(seen.back(), "transport error");
    EXPECT_EQ(code, errc::bad_packet);
}

TEST_F(engineio_client_test, what_breaks_the_protocol_ends_it) {
    options.upgrade = false;
    for (const char* bad : {"", "9", "4a\x1E", "b=a", "4\xFF", "0{}", "bQUJDR"}) {
        seen.clear();
        open();
        server.answer_poll_with("HTTP/1.1 200 OK\r\nContent-Length: " +
                                std::to_string(std::string_view(bad).size()) + "\r\n\r\n" + bad);
        EXPECT_EQ(seen.back(), "transport error") << bad;
    }
}

TEST_F(engineio_client_test, a_refusal_tells_status_and_reason) {
    server.status = "403 Forbidden";
    begin();
    server.run();
    EXPECT_EQ(seen, strings{"transport error"});
    EXPECT_NE(text.find("403 no"), std::string::npos) << text;
}

TEST_F(engineio_client_test, tries_the_other_transport_when_asked_to) {
    options.transports = {transport_kind::websocket, transport_kind::polling};
    options.try_all_transports = true;
    options.upgrade = false;
    server.refuses_websockets = true;
    open();
    EXPECT_EQ(subject->transport(), transport_kind::polling);
}

TEST_F(engineio_client_test, keeps_cookies_only_when_asked_to) {
    server.set_cookie = "node=7; Path=/";
    options.with_credentials = true;
    open();
    EXPECT_NE(server.requests.back().find("\r\nCookie: node=7\r\n"), std::string::npos);
    options.with_credentials = false;
    seen.clear();
    open();
    EXPECT_EQ(server.requests.back().find("Cookie"), std::string::npos);
}

TEST_F(engineio_client_test, says_what_is_wrong_with_its_options) {
    const auto refused = [&] {
        return !client_session(*core, ws::client_context(core->ref()), options, *this).open();
    };
    options.url = "ftp://x";
    EXPECT_TRUE(refused());
    options.url = "http://127.0.0.1";
    options.transports.clear();
    EXPECT_TRUE(refused());
    options.transports = {transport_kind::polling};
    options.path = "x";
    EXPECT_TRUE(refused());
}

TEST_F(engineio_client_test, may_be_destroyed_wherever_it_reports) {
    for (const char* where : {"open", "text hi", "transport close", "ping timeout"}) {
        for (const bool upgrade : {false, true}) {
            options.upgrade = upgrade;
            seen.clear();
            at_event = [&](const std::string& what) {
                if (what == where) subject.reset();
            };
            begin();
            server.run();
            if (subject != nullptr) server.send("4hi");
            if (subject != nullptr && std::string(where) != "ping timeout") server.send("1");
            if (subject != nullptr) server.pass(50s);
            EXPECT_EQ(subject, nullptr) << where;
            EXPECT_EQ(seen.back(), where);
            server.run();
        }
    }
}

TEST_F(engineio_client_test, survives_a_failure_at_every_operation) {
    std::size_t at = 0;
    for (bool failed = true; failed && at < 400; ++at) {
        seen.clear();
        begin();
        io.fail_operation(io.operations() + at, std::errc::connection_reset);
        const std::size_t until = io.operations() + at;
        server.run();
        subject->send(message::text("4hello"));
        server.run();
        subject->close();
        server.run();
        failed = io.operations() > until;
        ASSERT_FALSE(seen.empty()) << at;
        EXPECT_NE(seen.back(), "open") << at;
        subject.reset();
        server.run();
        server.vanish();
    }
    EXPECT_GT(at, 10U);
    EXPECT_LT(at, 400U);
    EXPECT_EQ(seen, (strings{"open", "forced close"}));
}

TEST_F(engineio_client_test, the_loop_may_end_first) {
    open();
    core->shut_down();
    EXPECT_EQ(seen, (strings{"open", "transport error"}));
    subject.reset();
    EXPECT_EQ(seen.size(), 2U);
}

}  // namespace
}  // namespace weft::engineio
