// Connection state recovery: what a client that comes back gets, and what nobody gets.

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/socketio/sio_world.hpp"

namespace weft::socketio::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

std::string member(const std::string& packet, const std::string& name) {
    const std::size_t at = packet.find("\"" + name + "\":\"");
    if (at == std::string::npos) return "";
    const std::size_t begin = at + name.size() + 4;
    return packet.substr(begin, packet.find('"', begin) - begin);
}
/// The last argument of an event.
std::string offset_in(const std::string& packet) {
    const std::size_t end = packet.rfind('"');
    const std::size_t begin = packet.rfind('"', end - 1);
    return packet.substr(begin + 1, end - begin - 1);
}

struct recovery : testing::Test {
    recovery() : w(chosen()) {
        w.server.on_connect([this](socket& s) {
            s.join("r");
            ++connected;
            was_recovered = s.recovered();
            found = s.data<int>();
            s.data<int>() = 7;
        });
        w.start();
        c = w.open();
        w.say(c, "40");
        const std::string reply = w.packet(c);
        sid = member(reply, "sid");
        pid = member(reply, "pid");
    }
    static options chosen() {
        options o;
        o.connection_state_recovery.emplace();
        o.connection_state_recovery->max_bytes = 64 * 1024;
        return o;
    }
    void emit(int n) {
        w.server.to("r").emit("e", n);
        w.run();
    }
    std::vector<std::string> come_back(const std::string& id, const std::string& offset) {
        c = w.open();
        w.say(c,
              R"(40{"pid":")" + id + (offset.empty() ? "\"}" : R"(","offset":")" + offset + "\"}"));
        w.run();
        return w.packets(c);
    }

    sio_world w;
    sio_world::peer c{};
    std::string sid, pid;
    int connected = 0, found = 0;
    bool was_recovered = false;
};

TEST_F(recovery, brings_back_id_rooms_data_and_what_was_missed_before_the_reply) {
    emit(1);
    const std::string seen = offset_in(w.packet(c));
    w.drop(c);
    emit(2);
    w.server.in(sid).emit("direct");
    w.run();
    w.server.to("elsewhere").emit("other");
    w.server.except(sid).emit("not you");
    const auto got = come_back(pid, seen);
    ASSERT_THAT(got, SizeIs(3));
    EXPECT_THAT(got[0], StartsWith(R"(42["e",2,)"));
    EXPECT_THAT(got[1], StartsWith(R"(42["direct",)"));
    EXPECT_EQ(member(got[2], "sid"), sid);
    EXPECT_EQ(member(got[2], "pid"), pid);
    EXPECT_TRUE(was_recovered);
    EXPECT_EQ(found, 7);
    emit(3);
    EXPECT_THAT(w.packets(c), SizeIs(1));
}

TEST_F(recovery, works_without_a_first_event) {
    w.drop(c);
    emit(1);
    EXPECT_THAT(come_back(pid, ""), SizeIs(2));
    EXPECT_TRUE(was_recovered);
}

TEST_F(recovery, what_was_sent_and_lost_is_sent_again) {
    emit(1);
    emit(2);
    const auto before = w.packets(c);
    w.drop(c);
    const auto got = come_back(pid, offset_in(before[0]));
    ASSERT_THAT(got, SizeIs(2));
    EXPECT_EQ(got[0], before[1]);
}

TEST_F(recovery, works_again_and_again_under_one_recovery_id) {
    for (int round = 0; round < 3; ++round) {
        emit(round);
        const std::string seen = offset_in(w.packets(c).back());
        w.drop(c);
        emit(100 + round);
        ASSERT_THAT(come_back(pid, seen), SizeIs(2)) << round;
    }
}

TEST_F(recovery, a_recovery_id_serves_once) {
    w.drop(c);
    come_back(pid, "");
    EXPECT_TRUE(was_recovered);
    const auto second = come_back(pid, "");
    EXPECT_FALSE(was_recovered);
    EXPECT_NE(member(second.back(), "sid"), sid);
}

TEST_F(recovery, a_living_socket_cannot_be_taken_over) {
    const auto got = come_back(pid, "");
    EXPECT_FALSE(was_recovered);
    EXPECT_NE(member(got.back(), "sid"), sid);
}

TEST_F(recovery, volatile_events_and_questions_are_not_sent_again) {
    w.drop(c);
    w.server.to("r").volatile_().emit("position", 1);
    w.run();
    EXPECT_THAT(come_back(pid, ""), SizeIs(1));
}

TEST_F(recovery, a_client_that_was_quiet_for_long_has_missed_nothing) {
    const auto others_speak = [&] {
        for (int i = 0; i < 10; ++i) {
            w.pass(20s);
            w.say(c, "3");  // a pong
            w.server.to("elsewhere").emit("other");
        }
    };
    others_speak();
    w.drop(c);
    emit(1);
    auto got = come_back(pid, "");
    EXPECT_TRUE(was_recovered) << "it has heard nothing at all";
    ASSERT_THAT(got, SizeIs(2));
    const std::string seen = offset_in(got[0]);
    for (int round = 0; round < 2; ++round) {  // the second time as one that came back
        others_speak();
        w.drop(c);
        was_recovered = false;
        come_back(pid, seen);
        EXPECT_TRUE(was_recovered) << round;
    }
    emit(2);
    others_speak();
    w.drop(c);
    come_back(pid, seen);
    EXPECT_FALSE(was_recovered) << "it was sent 2, which is no longer there";
}

TEST_F(recovery, what_is_said_as_it_leaves_is_missed) {
    w.server.on_disconnecting([&](socket&, disconnect_reason) { w.server.to("r").emit("bye"); });
    w.drop(c);
    EXPECT_THAT(come_back(pid, ""), SizeIs(2));
}

TEST_F(recovery, foreign_offsets_and_ids_recover_nothing) {
    for (const std::string offset : {"hello", "1795343544322-0", "Q82xtA4", "x.0.1", "."}) {
        emit(1);
        w.packets(c);
        w.drop(c);
        const auto got = come_back(pid, offset);
        EXPECT_FALSE(was_recovered) << offset;
        pid = member(got.back(), "pid");
    }
    for (const std::string id : {"x", "AAAAAAAAAAAAAAAAAAAAff", "AAAAAAAAAAAAAAAAAAAA00", "/"}) {
        come_back(id, "");
        EXPECT_FALSE(was_recovered) << id;
    }
}

TEST_F(recovery, ends_with_its_time_its_log_and_a_chosen_leave) {
    w.drop(c);
    w.pass(3min);
    come_back(pid, "");
    EXPECT_FALSE(was_recovered);

    sio_world::peer fresh = w.open();
    w.say(fresh, "40");
    const std::string reply = w.packet(fresh);
    w.drop(fresh);
    for (int i = 0; i < 100; ++i) w.server.to("r").emit("big", std::string(2000, 'x'));
    w.run();
    come_back(member(reply, "pid"), "");
    EXPECT_FALSE(was_recovered);

    fresh = w.open();
    w.say(fresh, "40");
    const std::string last = member(w.packet(fresh), "pid");
    w.say(fresh, "41");
    w.drop(fresh);
    come_back(last, "");
    EXPECT_FALSE(was_recovered);
}

TEST(recovery_limits, the_oldest_sessions_go_first) {
    options chosen;
    chosen.connection_state_recovery.emplace();
    chosen.connection_state_recovery->max_sessions = 2;
    sio_world w(chosen);
    std::vector<bool> recovered;
    w.server.on_connect([&](socket& s) { recovered.push_back(s.recovered()); });
    w.start();
    std::vector<std::string> pids;
    for (int i = 0; i < 3; ++i) {
        const auto c = w.open();
        w.say(c, "40");
        pids.push_back(member(w.packet(c), "pid"));
        w.drop(c);
    }
    for (const std::string& pid : pids) w.join(w.open(), "/", R"({"pid":")" + pid + "\"}");
    w.run();
    EXPECT_THAT(recovered, ElementsAre(false, false, false, false, true, true));
}

TEST(recovery_limits, who_came_back_and_left_again_is_not_the_oldest) {
    options chosen;
    chosen.connection_state_recovery.emplace();
    chosen.connection_state_recovery->max_sessions = 2;
    sio_world w(chosen);
    std::vector<bool> recovered;
    w.server.on_connect([&](socket& s) { recovered.push_back(s.recovered()); });
    w.start();
    std::vector<std::string> pids;
    const auto come_and_go = [&](const std::string& auth) {
        const auto c = w.open();
        w.say(c, "40" + auth);
        pids.push_back(member(w.packet(c), "pid"));
        w.drop(c);
    };
    const auto back = [](const std::string& pid) { return R"({"pid":")" + pid + "\"}"; };
    come_and_go("");
    come_and_go("");
    come_and_go(back(pids[0]));
    come_and_go("");
    EXPECT_THAT(recovered, ElementsAre(false, false, true, false));
    recovered.clear();
    for (const std::size_t who : {0U, 1U, 3U}) w.say(w.open(), "40" + back(pids[who]));
    w.run();
    EXPECT_THAT(recovered, ElementsAre(true, false, true));
}

TEST_F(recovery, of_another_namespace_is_refused_and_stays_for_its_own) {
    w.server.of("/other");
    w.drop(c);
    c = w.open();
    w.say(c, R"(40/other,{"pid":")" + pid + "\"}");
    w.run();
    EXPECT_NE(member(w.packet(c), "sid"), sid);
    come_back(pid, "");
    EXPECT_TRUE(was_recovered);
}

}  // namespace
}  // namespace weft::socketio::test
