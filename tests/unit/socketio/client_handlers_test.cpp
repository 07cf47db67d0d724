// The client's handlers, as many as there may be of one kind, and what the connection tells.

#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "unit/socketio/client_world.hpp"

namespace weft::socketio::test {
namespace {

using socketio_client_handlers = client_world;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

TEST_F(socketio_client_handlers, several_run_in_order_and_the_first_acknowledges) {
    client_socket& s = open();
    (void)sent();
    s.on("n", [this](int n) {
         note("first " + std::to_string(n));
         return n;
     }).on("n", [this](int n) {
        note("second");
        return -n;
    });
    server.send(R"(427["n",5])");
    EXPECT_THAT(seen, ElementsAre("connect id-1", "first 5", "second"));
    EXPECT_EQ(sent(), strings{"437[5]"});
}

TEST_F(socketio_client_handlers, once_is_for_one_event) {
    client_socket& s = open();
    s.once("e", [this] { note("once"); }).on("e", [this] { note("always"); });
    server.send(R"(42["e"])");
    server.send(R"(42["e"])");
    EXPECT_THAT(seen, ElementsAre("connect id-1", "once", "always", "always"));
    s.off("e").once("e", [this] { note("again"); });
    server.send(R"(42["e"])");
    server.send(R"(42["e"])");
    EXPECT_EQ(seen.size(), 5U);
    EXPECT_EQ(seen.back(), "again");
}

TEST_F(socketio_client_handlers, may_add_and_remove_handlers) {
    client_socket& s = open();
    s.once("e", [this](client_socket& me) {
        me.off("e").once("e", [this](client_socket& again) {
            note("second");
            again.off();
        });
        note("first");
    });
    s.once("e", [this] { note("beside"); });
    s.on("f", [this] { note("f"); });
    for (int i = 0; i < 3; ++i) server.send(R"(42["e"])");
    server.send(R"(42["f"])");
    EXPECT_THAT(seen, ElementsAre("connect id-1", "first", "beside", "second"));
}

TEST_F(socketio_client_handlers, the_socket_may_leave_between_two) {
    client_socket& s = open();
    s.on_any([this](client_socket&, std::string_view, const raw_arguments&) { note("any"); });
    s.on("e", [](client_socket& me) { me.disconnect(); }).on("e", [this] { note("second"); });
    server.send(R"(42["e"])");
    EXPECT_THAT(seen, ElementsAre("connect id-1", "any", "second", "io client disconnect"));
}

TEST_F(socketio_client_handlers, unhandled_events_have_one_of_their_own) {
    client_socket& s = open();
    (void)sent();
    s.on("known", [] {});
    s.on_unhandled(
        [this](client_socket&, std::string_view event, const raw_arguments& args, raw_ack to) {
            note(std::string(event) + ' ' + std::string(args.json));
            to.send(detail::encode_arguments("x"));
        });
    server.send(R"(42["known"])");
    server.send(R"(423["other",1,[2]])");
    EXPECT_THAT(seen, ElementsAre("connect id-1", "other 1,[2]"));
    EXPECT_EQ(sent(), strings{R"(433["x"])"});
}

TEST_F(socketio_client_handlers, hear_what_is_sent_when_it_is) {
    client_socket& s = make().socket();
    s.on_any_outgoing([this](client_socket&, std::string_view event, const raw_arguments& args) {
        note("out " + std::string(event) + ' ' + std::string(args.json) + ' ' +
             std::to_string(args.attachments.size()));
    });
    s.emit("early", 1);
    EXPECT_THAT(seen, IsEmpty());
    server.run();
    s.emit("b\"", std::vector<std::byte>(3));
    EXPECT_EQ(s.volatile_().emit("c"), send_status::sent);
    server.run();
    EXPECT_THAT(seen, ElementsAre("connect id-1", "out early 1 0",
                                  R"(out b" {"_placeholder":true,"num":0} 1)", "out c  0"));
    s.off_any_outgoing().emit("d");
    server.run();
    EXPECT_EQ(seen.size(), 4U);
    s.emit("e");
    subject.reset();  // and nobody is told any more
    server.run();
    EXPECT_EQ(seen.size(), 4U);
}

TEST_F(socketio_client_handlers, are_told_of_pings_and_the_upgrade) {
    options.transports = client_options{}.transports;
    make().on_ping([this] { note("ping"); }).on_upgrade([this](std::string_view to) {
        note("upgrade " + std::string(to));
    });
    server.run();
    server.send("2");
    EXPECT_THAT(seen, ElementsAre("connect id-1", "upgrade websocket", "ping"));
}

TEST_F(socketio_client_handlers, several_of_the_connection_too) {
    client& made = make();
    made.on_reconnect_attempt([this](unsigned) { note("attempt heard"); });
    made.socket().on_connect([this](client_socket&) { note("connect heard"); });
    server.run();
    server.vanish();
    server.pass(1100ms);
    EXPECT_THAT(seen, ElementsAre("connect id-1", "connect heard", "transport error", "attempt 1",
                                  "attempt heard", "reconnect 1", "connect id-2", "connect heard"));
}

TEST_F(socketio_client_handlers, a_remembered_upgrade_saves_the_next_one) {
    options.transports = client_options{}.transports;
    options.remember_upgrade = true;
    options.reconnection_stable_after = 0s;
    open();
    const auto come_back = [this] {
        server.requests.clear();
        server.vanish();
        server.pass(1100ms);
        server.pass(2100ms);
        return server.requests;
    };
    EXPECT_THAT(come_back(), ElementsAre(HasSubstr("transport=websocket ")));
    server.refuses_websockets = true;
    const auto failed = come_back();
    ASSERT_GE(failed.size(), 2U);
    EXPECT_THAT(failed[0], HasSubstr("transport=websocket "));
    EXPECT_THAT(failed[1], HasSubstr("transport=polling"));
}

TEST_F(socketio_client_handlers, compression_is_offered_on_request) {
    open();
    EXPECT_THAT(server.requests.at(0), Not(HasSubstr("permessage-deflate")));
    options.per_message_deflate.emplace();
    open();
    EXPECT_THAT(server.requests.at(1), HasSubstr("permessage-deflate"));
}

TEST_F(socketio_client_handlers, offsets_are_taken_off_and_words_are_not) {
    more = R"(,"pid":"p1")";
    options.reconnection_stable_after = 0s;
    client_socket& s = open();
    s.on_any([this](client_socket&, std::string_view, const raw_arguments& args) {
        note(std::string(args.json));
    });
    for (const char* offset : {"1795343544322-0", "1795343544322-18446744073709551615", "Q82xtA4",
                               "Q82xtA4.12", "6565a0b2c3d4e5f601234567"}) {
        server.send(R"(42["e",1,")" + std::string(offset) + R"("])");
        EXPECT_EQ(seen.back(), "1") << offset;
        server.vanish();
        (void)sent();
        server.pass(1100ms);
        EXPECT_EQ(sent(), strings{R"(40{"pid":"p1","offset":")" + std::string(offset) + "\"}"});
    }
    for (const char* word : {"", "offline", "goodbye", "10-20", "2026-11-22", "179534354432-10",
                             "17953435443220-1", "1795343544322-", "1795343544322-x", "Q82xtA4.",
                             "Q82xtA4x", "example.co.uk", "6565a0b2c3d4e5f60123456g"}) {
        server.send(R"(42["e",1,")" + std::string(word) + R"("])");
        EXPECT_EQ(seen.back(), "1,\"" + std::string(word) + '"');
    }
    server.send(R"(42["e","Q82xtA4","offline"])");
    EXPECT_EQ(seen.back(), R"("Q82xtA4","offline")");
}

TEST_F(socketio_client_handlers, msgpack_is_sent_without_the_limits_of_what_is_received) {
    options.parser = packet_parser::msgpack;
    options.max_attachments = 1;
    client_socket& s = make().socket();
    server.on_packet = nullptr;
    server.run();
    using namespace std::string_literals;
    server.send_binary("\x83\xa4type\x00\xa4"s + "data\x81\xa3sid\xa1x\xa3nsp\xa1/");
    const std::vector<std::byte> bytes(2);
    EXPECT_EQ(s.emit("two", bytes, bytes), send_status::sent);
}

}  // namespace
}  // namespace weft::socketio::test
