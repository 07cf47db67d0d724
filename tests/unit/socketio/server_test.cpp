// Whole sessions: what a client says and gets, over WebSocket on the sim backend.

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <weft/net/awaitable.hpp>

#include "unit/socketio/sio_world.hpp"

namespace weft::socketio::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;
using testing::UnorderedElementsAre;

TEST(socketio_server, connects_and_answers_with_a_fresh_id) {
    sio_world w;
    w.start();
    sio_world::peer a{}, b{};
    const std::string first = w.connect(a), second = w.connect(b);
    EXPECT_EQ(first.size(), 20U);
    EXPECT_NE(first, second);
    EXPECT_EQ(w.server.sockets_count(), 2U);
    EXPECT_EQ(w.metric("weft_socketio_sockets"), 2U);
}

TEST(socketio_server, the_return_value_is_the_acknowledgement) {
    sio_world w;
    w.server.on("sum", [](socket&, int a, int b) { return a + b; });
    w.start();
    sio_world::peer c{};
    w.connect(c);
    w.say(c, R"(427["sum",2,3])");
    EXPECT_EQ(w.packet(c), "437[5]");
    w.say(c, R"(428["sum","x",3])");
    EXPECT_THAT(w.packet(c), HasSubstr(R"(438[{"error":{"code":"socketio.bad_argument")"));
}

TEST(socketio_server, an_error_is_the_acknowledgement_too) {
    sio_world w;
    w.server.on("age", [](socket&, int age) -> result<int> {
        if (age < 0) return error(weft::errc::invalid_argument, "nobody is that young");
        return age;
    });
    w.start();
    sio_world::peer c{};
    w.connect(c);
    w.say(c, R"(421["age",-1])");
    EXPECT_EQ(
        w.packet(c),
        R"(431[{"error":{"code":"base.invalid_argument","message":"nobody is that young"}}])");
}

TEST(socketio_server, a_room_hears_what_others_say_and_the_speaker_does_not) {
    sio_world w;
    w.server.on_connect([](socket& s) { s.join("lobby"); });
    w.server.on("say", [](socket& s, std::string text) { s.to("lobby").emit("said", text); });
    w.start();
    sio_world::peer a{}, b{};
    w.connect(a);
    w.connect(b);
    w.say(a, R"(42["say","hi"])");
    EXPECT_EQ(w.packet(b), R"(42["said","hi"])");
    EXPECT_THAT(w.packets(a), IsEmpty());
}

TEST(socketio_server, unions_exceptions_and_own_rooms) {
    sio_world w;
    w.server.on("join", [](socket& s, std::string room) { return s.join(room); });
    w.server.on("go", [&](socket&, std::string not_to) {
        w.server.to({"x", "y"}).except(not_to).emit("e");
    });
    w.start();
    sio_world::peer a{}, b{}, c{};
    w.connect(a);
    const std::string b_id = w.connect(b);
    w.connect(c);
    for (const auto who : {a, b}) {
        w.say(who, R"(42["join","x"])");
        w.say(who, R"(42["join","y"])");
    }
    w.say(c, R"(42["go",")" + b_id + R"("])");
    EXPECT_THAT(w.packets(a), ElementsAre(R"(42["e"])"));
    EXPECT_THAT(w.packets(b), IsEmpty());
    EXPECT_THAT(w.packets(c), IsEmpty());
}

TEST(socketio_server, binary_both_ways) {
    sio_world w;
    w.server.on("bin", [](socket& s, std::vector<std::byte> bytes) { s.emit("bin", bytes); });
    w.start();
    sio_world::peer c{};
    w.connect(c);
    w.say(c, R"(451-["bin",{"_placeholder":true,"num":0}])");
    w.say_binary(c, "\x01\x02");
    EXPECT_THAT(w.packets(c),
                ElementsAre(R"(451-["bin",{"_placeholder":true,"num":0}])", "\x01\x02"));
}

TEST(socketio_server, middlewares_decide_in_order_and_say_why) {
    sio_world w;
    std::vector<int> asked;
    w.server.use([&](socket&) {
        asked.push_back(1);
        return true;
    });
    w.server.use([&](socket& s) -> admission<> {
        asked.push_back(2);
        if (s.auth() == R"({"token":"good"})") return true;
        return refuse("bad token", 7);
    });
    w.start();
    auto c = w.open();
    w.say(c, R"(40{"token":"bad"})");
    EXPECT_EQ(w.packet(c), R"(44{"message":"bad token","data":7})");
    EXPECT_NE(w.join(c, "/", R"({"token":"good"})"), "");
    EXPECT_THAT(asked, ElementsAre(1, 2, 1, 2));
}

TEST(socketio_server, a_middleware_says_who_the_client_is) {
    sio_world w;
    w.server.use([](socket&) { return identity{"ann"}; });
    w.server.of("/guests").use([](socket& s) {  // of the same client
        return s.peer().who() != nullptr && s.peer().who()->subject == "ann";
    });
    std::string seen;
    w.server.on_connect(
        [&](socket& s) { seen = s.peer().who()->subject + " at " + s.peer().address().address(); });
    w.start();
    auto c = w.open();
    EXPECT_NE(w.join(c, "/"), "");
    EXPECT_EQ(seen, "ann at 127.0.0.1");
    EXPECT_NE(w.join(c, "/guests"), "");
    auto other = w.open();
    w.say(other, "40/guests,");
    EXPECT_EQ(w.packet(other), R"(44/guests,{"message":"not allowed"})");
}

TEST(socketio_server, an_awaited_middleware_may_take_its_time) {
    sio_world w;
    w.server.use([](socket_ref s) -> task<result<void>> {
        co_await sleep_for(s.loop(), 1s);
        co_return result<void>{};
    });
    w.start();
    auto c = w.open();
    w.say(c, "40");
    EXPECT_THAT(w.packets(c), IsEmpty());
    w.pass(1100ms);
    EXPECT_THAT(w.packet(c), StartsWith(R"(40{"sid":")"));
}

TEST(socketio_server, a_middleware_that_throws_refuses_and_tells_nothing) {
    sio_world w;
    w.server.use([](socket&) -> bool { throw std::runtime_error("secret"); });
    w.start();
    auto c = w.open();
    w.say(c, "40");
    EXPECT_EQ(w.packet(c), R"(44{"message":"internal error"})");
    EXPECT_EQ(w.metric("weft_socketio_handler_exceptions_total"), 1U);
}

task<void> throws_later(socket_ref) {
    throw std::runtime_error("in a coroutine");
    co_return;
}

TEST(socketio_server, the_log_says_where_a_handler_threw) {
    sio_world w;
    w.server.on("now", [](int) { throw std::runtime_error("at once"); });
    w.server.on("later", [](socket_ref s) { return throws_later(s); });
    w.server.of("/admin").on_connect([](socket&) { throw std::runtime_error("no"); });
    w.server.use([](socket&, std::string_view event, const raw_arguments&) -> bool {
        if (event == "filtered") throw std::runtime_error("in a filter");
        return true;
    });
    w.start();
    auto c = w.open();
    w.join(c, "/");
    w.join(c, "/admin");
    w.say(c, R"(42["now",1])");
    w.say(c, R"(42["later"])");
    w.say(c, R"(42["filtered"])");
    EXPECT_THAT(
        w.lines,
        ElementsAre(
            "on_connect in namespace '/admin' for 127.0.0.1:20002 threw: no",
            "a handler of event 'now' in namespace '/' for 127.0.0.1:20002 threw: at once",
            "a handler of event 'later' in namespace '/' for 127.0.0.1:20002 threw: in a coroutine",
            "a handler of event 'filtered' in namespace '/' for 127.0.0.1:20002 threw: in a "
            "filter"));
    EXPECT_EQ(w.metric("weft_socketio_handler_exceptions_total"), 4U);
}

TEST(socketio_server, an_event_middleware_refuses) {
    sio_world w;
    int handled = 0;
    std::string told;
    w.server.use(
        [](socket&, std::string_view event, const raw_arguments&) { return event != "forbidden"; });
    w.server.on("forbidden", [&](socket&) { ++handled; });
    w.server.on_error([&](socket&, const error& why) { told = why.what(); });
    w.start();
    sio_world::peer c{};
    w.connect(c);
    w.say(c, R"(421["forbidden"])");
    EXPECT_THAT(w.packet(c), HasSubstr("socketio.event_refused"));
    EXPECT_EQ(handled, 0);
    EXPECT_EQ(told, "not allowed");
}

TEST(socketio_server, patterns_make_namespaces_that_share_handlers) {
    options chosen;
    chosen.cleanup_empty_child_namespaces = true;
    sio_world w(chosen);
    std::vector<std::string> made;
    auto& orgs = w.server.of_matching("/org-*");
    orgs.on("who", [](socket& s) { return std::string(s.nsp()); });
    orgs.on_new_namespace([&](std::string_view name) { made.emplace_back(name); });
    w.start();
    sio_world::peer a{}, b{};
    w.connect(a, "/org-1");
    w.connect(b, "/org-2");
    w.say(a, R"(42/org-1,0["who"])");
    EXPECT_EQ(w.packet(a), R"(43/org-1,0["/org-1"])");
    orgs.emit("all", 1);
    w.run();
    EXPECT_EQ(w.packet(a), R"(42/org-1,["all",1])");
    EXPECT_EQ(w.packet(b), R"(42/org-2,["all",1])");
    auto c = w.open();
    w.say(c, "40/other,");
    EXPECT_EQ(w.packet(c), R"(44/other,{"message":"Invalid namespace"})");
    w.say(a, "41/org-1,");
    w.join(a, "/org-1");
    EXPECT_THAT(made, ElementsAre("/org-1", "/org-2", "/org-1"));
}

TEST(socketio_server, disconnecting_still_has_the_rooms_and_disconnect_has_the_reason) {
    sio_world w;
    std::vector<std::string> told;
    w.server.on_connect([](socket& s) { s.join("r"); });
    w.server.on_disconnecting([&](socket& s, disconnect_reason) {
        told.push_back("ing " + std::to_string(s.rooms().size()));
    });
    w.server.on_disconnect([&](socket& s, disconnect_reason why) {
        told.push_back(std::string(to_string(why)) + " " + std::to_string(s.rooms().size()));
    });
    w.server.on("leave", [](socket& s) {
        s.disconnect();
        EXPECT_EQ(s.emit("late"), send_status::closed);
    });
    w.start();
    sio_world::peer a{}, b{}, c{};
    w.connect(a);
    w.connect(b);
    w.connect(c);
    w.say(a, "41");
    w.say(b, R"(42["leave"])");
    EXPECT_EQ(w.packet(b), "41");
    w.say(b, R"(42["leave"])");  // was under way: late, not wrong
    EXPECT_FALSE(w.ended(b));
    w.drop(c);
    EXPECT_THAT(told, ElementsAre("ing 2", "client namespace disconnect 0", "ing 2",
                                  "server namespace disconnect 0", "ing 2",
                                  testing::AnyOf("transport error 0", "transport close 0")));
}

TEST(socketio_server, asks_the_client_and_awaits_its_answer) {
    sio_world w;
    std::vector<std::string> got;
    w.server.on("start", [&](socket_ref s) -> task<void> {
        const result<int> answer = co_await s.emit_with_ack<int>("ask", "n");
        got.push_back(answer ? std::to_string(*answer) : answer.error().message());
    });
    w.server.on("start2", [&](socket& s) {
        s.timeout(2s).emit_with_ack<int>("ask", [&](result<int> answer) {
            got.push_back(!answer && answer.error().code() == condition::timed_out ? "late" : "?");
        });
    });
    w.start();
    sio_world::peer c{};
    w.connect(c);
    w.say(c, R"(42["start"])");
    EXPECT_EQ(w.packet(c), R"(420["ask","n"])");
    w.say(c, "430[42]");
    w.say(c, "430[43]");  // twice: ignored
    w.say(c, R"(42["start2"])");
    w.pass(2500ms);
    EXPECT_THAT(got, ElementsAre("42", "late"));
    EXPECT_EQ(w.metric("weft_socketio_acks_unknown_total"), 1U);
}

TEST(socketio_server, a_broadcast_gathers_answers_and_counts_who_is_missing) {
    sio_world w;
    std::vector<std::string> got;
    w.server.on("all", [&](socket& s) {
        s.broadcast().timeout(1s).emit_with_ack<int>("ask", [&](broadcast_replies<int> all) {
            for (const auto& one : all.answers) got.push_back(one ? std::to_string(*one) : "bad");
            got.push_back("missing " + std::to_string(all.missing));
        });
    });
    w.start();
    sio_world::peer a{}, b{}, c{}, d{}, e{};
    for (auto* p : {&a, &b, &c, &d, &e}) w.connect(*p);
    w.say(a, R"(42["all"])");
    EXPECT_EQ(w.packet(b), R"(420["ask"])");
    w.say(b, "430[1]");
    w.say(b, "430[1]");
    w.say(c, R"(430["x"])");
    w.drop(d);
    w.pass(1100ms);
    EXPECT_THAT(got, ElementsAre("1", "bad", "missing 2"));
}

TEST(socketio_server, looks_at_and_moves_other_sockets) {
    sio_world w;
    std::vector<std::string> ids;
    w.server.on("look", [&](socket& s) {
        s.in("r").fetch_sockets([&](const fetched_sockets& found) {
            for (const auto& one : found.sockets) ids.push_back(one.id);
        });
    });
    w.start();
    sio_world::peer a{}, b{};
    w.connect(a);
    const std::string b_id = w.connect(b);
    w.server.in(b_id).sockets_join("r");
    w.run();
    w.say(a, R"(42["look"])");
    EXPECT_THAT(ids, ElementsAre(b_id));
    w.server.in("r").disconnect_sockets(disconnect_scope::this_namespace);
    w.run();
    EXPECT_EQ(w.packet(b), "41");
    EXPECT_EQ(w.server.sockets_count(), 1U);
}

TEST(socketio_server, every_event_is_seen_by_on_any_and_the_unknown_by_the_catch_all) {
    sio_world w;
    std::vector<std::string> seen;
    w.server.on_any(
        [&](socket&, std::string_view event, const raw_arguments&) { seen.emplace_back(event); });
    w.server.on_unhandled(
        [](socket& s, std::string_view event, const raw_arguments& args, raw_ack ack) {
            s.relay(event, args);
            ack.send(encoded_arguments{std::string(args.json), {}});
        });
    w.start();
    sio_world::peer c{};
    w.connect(c);
    w.say(c, R"(423["a\u0062c",{"x":[1,"é"]},null])");
    EXPECT_THAT(seen, ElementsAre("abc"));
    EXPECT_THAT(w.packets(c),
                ElementsAre(R"(42["abc",{"x":[1,"é"]},null])", R"(433[{"x":[1,"é"]},null])"));
}

TEST(socketio_server, data_of_several_types_lives_as_long_as_the_socket) {
    struct tracker {
        std::shared_ptr<int> alive;
    };
    sio_world w;
    const auto alive = std::make_shared<int>();
    w.server.on_connect([&](socket& s) {
        s.data<tracker>().alive = alive;
        s.data<int>() = 5;
    });
    w.server.on("get", [](socket& s) { return s.data<int>(); });
    w.start();
    sio_world::peer c{};
    w.connect(c);
    w.say(c, R"(421["get"])");
    EXPECT_EQ(w.packet(c), "431[5]");
    EXPECT_EQ(alive.use_count(), 2);
    w.drop(c);
    EXPECT_EQ(alive.use_count(), 1);
}

TEST(socketio_server, closes_a_connection_that_joins_nothing) {
    sio_world w;
    w.start();
    const auto c = w.open();
    w.say(c, "40/nothing,");
    w.pass(19s);
    EXPECT_FALSE(w.ended(c));
    w.pass(2s);
    EXPECT_TRUE(w.ended(c));
}

TEST(socketio_server, a_name_of_a_socket_finds_nothing_when_it_is_gone) {
    sio_world w;
    socket_ref name;
    w.server.on_connect([&](socket& s) { name = s.ref(); });
    w.start();
    sio_world::peer c{};
    const std::string id = w.connect(c);
    EXPECT_EQ(name.emit("x"), send_status::sent);
    w.drop(c);
    EXPECT_EQ(name.emit("x"), send_status::closed);
    EXPECT_EQ(name.id(), id);
    bool called = false;
    name.with([&](socket&) { called = true; });
    EXPECT_FALSE(called);
}

TEST(socketio_server, an_offer_of_the_msgpack_parser) {
    options chosen;
    chosen.parser = packet_parser::msgpack;
    sio_world w(chosen);
    w.server.on("e", [](socket& s, std::vector<std::byte> bytes) { s.emit("r", bytes); });
    w.start();
    const auto c = w.open();
    using namespace std::string_literals;
    w.say_binary(c, "\x83\xa4type\x00\xa4\x64\x61ta\x80\xa3nsp\xa1/"s);
    EXPECT_THAT(w.packet(c), HasSubstr("sid"));
    w.say_binary(c, "\x83\xa4type\x02\xa4\x64\x61ta\x92\xa1\x65\xc4\x01\x09\xa3nsp\xa1/"s);
    EXPECT_THAT(w.packet(c), HasSubstr("\x92\xa1r\xc4\x01\x09"s));
}

TEST(socketio_server, clients_of_version_2_are_connected_without_asking) {
    options chosen;
    chosen.engine.allow_eio3 = true;
    sio_world w(chosen);
    std::string auth;
    w.server.of("/x").on_connect([&](socket& s) { auth = s.auth(); });
    w.start();
    const auto c = w.open("EIO=3&transport=websocket");
    w.say(c, "40/x?token=a%20b,");
    EXPECT_THAT(w.packets(c), ElementsAre("40/x,"));
    EXPECT_EQ(auth, R"({"token":"a b"})");
    EXPECT_EQ(w.server.sockets_count(), 1U);
}

TEST(socketio_server, a_version_2_client_gets_the_data_of_a_refusal_or_its_words) {
    options chosen;
    chosen.engine.allow_eio3 = true;
    sio_world w(chosen);
    w.server.of("/data").use([](socket&) -> admission<> { return refuse("bad", 7); });
    w.server.of("/nothing").use([](socket&) -> admission<> { return refuse("bad", 0); });
    w.server.of("/words").use([](socket&) -> admission<> { return refusal("bad"); });
    w.start();
    const auto c = w.open("EIO=3&transport=websocket");
    (void)w.packets(c);
    for (const char* name : {"/data", "/nothing", "/words"})
        w.say(c, "40" + std::string(name) + ",");
    EXPECT_THAT(w.packets(c), ElementsAre("44/data,7", R"(44/nothing,"bad")", R"(44/words,"bad")"));
}

TEST(socketio_server, the_query_of_a_version_2_client_is_decoded) {
    options chosen;
    chosen.engine.allow_eio3 = true;
    sio_world w(chosen);
    std::string auth;
    w.server.of("/x").on_connect([&](socket& s) { auth = s.auth(); });
    w.start();
    const auto c = w.open("EIO=3&transport=websocket");
    w.say(c, "40/x?a=1+2&b=%21&c&=4&d=%2&e=%ff,");
    EXPECT_EQ(auth, R"({"a":"1 2","b":"!","c":"","d":"%2"})");
}

// ---- Limits ----

TEST(socketio_limits, namespaces_of_a_connection) {
    options chosen;
    chosen.max_namespaces = 2;
    sio_world w(chosen);
    for (const char* name : {"/a", "/b"}) w.server.of(name);
    w.start();
    sio_world::peer c{};
    w.connect(c);
    EXPECT_NE(w.join(c, "/a"), "");
    EXPECT_FALSE(w.ended(c));
    EXPECT_EQ(w.join(c, "/b"), "");
    EXPECT_TRUE(w.ended(c));
}

TEST(socketio_limits, namespaces_that_patterns_make) {
    options chosen;
    chosen.max_child_namespaces = 2;
    sio_world w(chosen);
    w.server.of_matching("/org-*");
    w.start();
    sio_world::peer a{}, b{}, c{};
    EXPECT_NE(w.connect(a, "/org-1"), "");
    EXPECT_NE(w.connect(b, "/org-"), "");  // the star may stand for nothing
    EXPECT_EQ(w.connect(c, "/org-3"), "");
    EXPECT_NE(w.join(c, "/org-1"), "");
}

TEST(socketio_limits, an_empty_namespace_makes_room_for_a_new_one) {
    for (const bool cleanup : {false, true}) {
        options chosen;
        chosen.max_child_namespaces = 2;
        chosen.cleanup_empty_child_namespaces = cleanup;
        sio_world w(chosen);
        std::vector<std::string> made;
        auto& orgs = w.server.of_matching("/org-*");
        orgs.use([](socket& s) { return s.auth() == "{}"; });
        orgs.on_new_namespace([&](std::string_view name) { made.emplace_back(name); });
        w.start();
        sio_world::peer stays{}, goes{}, c{};
        EXPECT_NE(w.connect(stays, "/org-stays"), "");
        EXPECT_NE(w.connect(goes, "/org-goes"), "");
        EXPECT_EQ(w.connect(c, "/org-3"), "") << "both are used";
        EXPECT_THAT(w.packet(c), "");
        w.drop(goes);
        for (int i = 0; i < 100; ++i) {
            const std::string name = "/org-refused-" + std::to_string(i);
            EXPECT_EQ(w.join(c, name, R"({"refuse":"me"})"), "") << "by a middleware";
        }
        EXPECT_NE(w.join(c, "/org-3"), "");
        EXPECT_NE(w.connect(goes, "/org-stays"), "");
        EXPECT_EQ(made.size(), 103U);
    }
}

TEST(socketio_limits, rooms_of_a_socket_and_their_names) {
    options chosen;
    chosen.max_rooms = 2;
    chosen.max_room_length = 4;
    sio_world w(chosen);
    std::vector<bool> early, late;
    w.server.use([&](socket& s) {
        early = {s.join("long5"), s.join("long"), s.join("b"),
                 s.join("c"),     s.leave("b"),   s.leave("b")};
        return true;
    });
    w.server.on_connect([&](socket& s) {
        late = {s.join("d"), s.join("e"), s.leave("d"), s.join("long5"), s.join("e")};
        EXPECT_THAT(s.rooms(), UnorderedElementsAre(s.id(), "long", "e"));
        EXPECT_EQ(s.rooms().front(), s.id());
        EXPECT_TRUE(s.in_room("long") && s.in_room("e"));
    });
    w.start();
    sio_world::peer c{};
    w.connect(c);
    EXPECT_EQ(early, (std::vector<bool>{false, true, true, false, true, false}));
    EXPECT_EQ(late, (std::vector<bool>{true, false, true, false, true}));
}

TEST(socketio_limits, attachments_are_at_most_64) {
    for (const std::size_t most : {64U, 65U}) {
        options chosen;
        chosen.max_attachments = most;
        struct bare final : host {
            http::router& routes() noexcept override { return to; }
            log_sink* log() const noexcept override { return nullptr; }
            std::size_t attach(std::shared_ptr<module> what) override {
                modules.push_back(std::move(what));
                return 0;
            }
            http::router to;
            std::vector<std::shared_ptr<module>> modules;
        } where;
        server io(where, chosen);
        EXPECT_EQ(static_cast<bool>(where.modules[0]->prepare({})), most == 64);
    }
}

// ---- Who leaves in the middle of something ----

TEST(socketio_server, a_handler_that_disconnects_is_the_last_one) {
    sio_world w;
    std::vector<std::string> told;
    w.server.on_connect([&](socket& s) {
        told.emplace_back("connect");
        if (s.auth() == R"({"x":1})") s.disconnect();
    });
    w.server.on_connect([&](socket&) { told.emplace_back("connect 2"); });
    w.server.on_any([&](socket& s, std::string_view event, const raw_arguments&) {
        told.emplace_back("any");
        if (event == "e") s.disconnect();
    });
    w.server.on("e", [&](socket&) { told.emplace_back("e"); });
    w.server.on("f", [&](socket& s) {
        s.disconnect();
        return 1;  // nobody is there to be told
    });
    w.start();
    sio_world::peer c{};
    w.connect(c, "/", R"({"x":1})");
    EXPECT_THAT(told, ElementsAre("connect"));
    told.clear();
    w.connect(c);
    w.say(c, R"(42["e"])");
    EXPECT_THAT(told, ElementsAre("connect", "connect 2", "any"));
    w.connect(c);
    w.say(c, R"(427["f"])");
    EXPECT_THAT(w.packets(c), ElementsAre("41"));
}

TEST(socketio_server, nothing_is_let_in_behind_the_end_of_a_connection) {
    sio_world w;
    int connected = 0;
    w.server.on_connect([&](socket&) { ++connected; });
    w.server.of("/b").on_connect([&](socket&) { ++connected; });
    w.server.on("end", [](socket& s) { s.disconnect(disconnect_scope::connection); });
    w.start();
    sio_world::peer c{};
    w.connect(c);
    // Both come in one read.
    w.sim.peer_send(c, ws::test::text_frame(R"(42["end"])") + ws::test::text_frame("40/b,"));
    w.run();
    EXPECT_EQ(connected, 1);
    EXPECT_THAT(w.packets(c), ElementsAre("41"));
    EXPECT_TRUE(w.ended(c));
}

TEST(socketio_server, who_is_leaving_is_not_looked_at) {
    sio_world w;
    std::vector<std::size_t> found;
    std::vector<socket_ref> names;
    w.server.on_connect([&](socket& s) {
        s.join("r");
        names.push_back(s.ref());
    });
    w.server.on("look", [&](socket& s) {
        for (int i = 0; i < 2; ++i) {
            s.in("r").fetch_sockets(
                [&](const fetched_sockets& all) { found.push_back(all.sockets.size()); });
            names[1].disconnect();
        }
    });
    w.start();
    sio_world::peer a{}, b{};
    w.connect(a);
    w.connect(b);
    w.say(a, R"(42["look"])");
    EXPECT_THAT(found, ElementsAre(1U, 0U));
}

TEST(socketio_server, who_leaves_is_not_waited_for) {
    sio_world w;
    std::vector<std::size_t> missing;
    w.server.on("all", [&](socket& s) {
        s.broadcast().emit_with_ack<int>("ask", [&](broadcast_replies<int> all) {
            EXPECT_EQ(all.answers.size(), 1U);
            missing.push_back(all.missing);
        });
    });
    w.start();
    sio_world::peer a{}, b{}, c{};
    for (auto* p : {&a, &b, &c}) w.connect(*p);
    w.say(a, R"(42["all"])");
    w.say(b, "430[1]");
    EXPECT_THAT(missing, IsEmpty());
    w.drop(c);
    EXPECT_THAT(missing, ElementsAre(1U));
}

TEST(socketio_server, who_has_all_answers_may_end_who_gave_them_and_ask_again) {
    sio_world w;
    std::size_t again = 0;
    w.server.on("all", [&](socket&) {
        w.server.emit_with_ack<int>("ask", [&](const broadcast_replies<int>&) {
            w.server.disconnect_sockets(disconnect_scope::connection);
            for (int i = 0; i < 100; ++i) {  // whatever table they are in grows
                w.server.emit_with_ack<int>("ask again",
                                            [&](const broadcast_replies<int>&) { ++again; });
            }
        });
    });
    w.start();
    for (const bool answers : {true, false}) {  // or leaves
        sio_world::peer c{};
        w.connect(c);
        w.say(c, R"(42["all"])");
        const std::string asked = w.packet(c);
        ASSERT_TRUE(asked.starts_with("42") && asked.ends_with(R"(["ask"])")) << asked;
        if (answers) {
            w.say(c, "43" + asked.substr(2, asked.find('[') - 2) + "[1]");
            EXPECT_TRUE(w.ended(c));
        } else {
            w.drop(c);
        }
        EXPECT_EQ(again, answers ? 100U : 200U);
    }
    EXPECT_EQ(w.metric("weft_socketio_sockets"), 0U);
}

TEST(socketio_server, attachments_are_due_whoever_joins_meanwhile) {
    sio_world w;
    w.server.of("/slow").use([](socket_ref s) -> task<bool> {
        co_await sleep_for(s.loop(), 1s);
        co_return true;
    });
    w.start();
    sio_world::peer c{};
    w.connect(c);
    w.say(c, "40/slow,");
    w.say(c, R"(451-["a",{"_placeholder":true,"num":0}])");
    w.pass(2s);
    EXPECT_THAT(w.packet(c), StartsWith("40/slow,"));
    w.pass(9s);
    EXPECT_TRUE(w.ended(c));
}

TEST(socketio_server, patterns_keep_to_their_own) {
    sio_world w;
    std::vector<std::string> made;
    auto& orgs = w.server.of_matching("/org-*");
    auto& users = w.server.of_matching("/user-*");
    orgs.on_new_namespace([&](std::string_view name) { made.emplace_back(name); });
    w.start();
    sio_world::peer a{}, b{};
    w.connect(a, "/org-1");
    w.connect(b, "/user-1");
    orgs.emit("e");
    w.run();
    EXPECT_THAT(w.packets(a), ElementsAre(R"(42/org-1,["e"])"));
    EXPECT_THAT(w.packets(b), IsEmpty());
    EXPECT_EQ(users.sockets_count(), 1U);
    w.say(a, "41/org-1,");
    EXPECT_NE(w.join(a, "/org-1"), "");
    EXPECT_THAT(made, ElementsAre("/org-1"));  // it is not forgotten unless that was asked for
}

TEST(socketio_server, volatile_events_are_dropped_for_a_client_that_is_behind) {
    sio_world w;
    std::vector<send_status> said;
    w.server.on("go", [&](socket& s) {
        said.push_back(s.volatile_().emit("a"));
        said.push_back(s.emit("big", std::string(200'000, 'x')));
        said.push_back(s.volatile_().emit("b"));
        said.push_back(s.emit("c"));
    });
    w.start();
    sio_world::peer c{};
    w.connect(c);
    w.sim.peer_window(c, 1000);
    w.say(c, R"(42["go"])");
    EXPECT_THAT(said, ElementsAre(send_status::sent, testing::_, send_status::dropped,
                                  send_status::queued));
}

TEST(socketio_server, volatile_events_have_no_offset) {
    options chosen;
    chosen.connection_state_recovery.emplace();
    sio_world w(chosen);
    w.server.on("go", [](socket& s) {
        s.emit("kept", 1);
        s.volatile_().emit("position", 1);
    });
    w.start();
    sio_world::peer c{};
    w.connect(c);
    w.say(c, R"(42["go"])");
    EXPECT_THAT(w.packets(c), ElementsAre(StartsWith(R"(42["kept",1,")"), R"(42["position",1])"));
}

TEST(socketio_server, what_is_said_uncompressed_is_not_compressed) {
    options chosen;
    chosen.engine.per_message_deflate.emplace();
    sio_world w(chosen);
    const std::string text(2000, 'x');
    w.server.on("go", [&](socket& s) {
        s.emit("e", text);
        s.uncompressed().emit("e", text);
    });
    w.start();
    const auto c = w.sim.connect_client(80);
    w.sim.peer_send(c,
                    "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: here\r\n"
                    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                    "Sec-WebSocket-Extensions: permessage-deflate\r\n"
                    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
    w.run();
    EXPECT_THAT(w.sim.peer_take(c), HasSubstr("permessage-deflate"));
    w.say(c, "40");
    w.packets(c);
    w.say(c, R"(42["go"])");
    const auto got = w.packets(c);
    ASSERT_EQ(got.size(), 2U);
    EXPECT_LT(got[0].size(), 200U);
    EXPECT_EQ(got[1], R"(42["e",")" + text + R"("])");
}

}  // namespace
}  // namespace weft::socketio::test
