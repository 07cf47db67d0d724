// The races of connection state recovery, each in every order: what the server sends against a
// client that goes and comes back, on one loop and on two.

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "socketio/recovery.hpp"
#include "support/every_order.hpp"
#include "unit/socketio/recovery_scene.hpp"

namespace weft::socketio::test {
namespace {

using scene = recovery_scene;
using actor = weft::test::actor<scene>;

actor emits(std::size_t count, std::size_t loop = 0) {
    actor made;
    while (count-- > 0)
        made.push_back({"emit " + std::to_string(loop), [loop](scene& s) { s.emit(loop); }});
    return made;
}
/// Goes and comes back, to one of these loops after the other.
actor returns(const std::vector<std::size_t>& loops) {
    actor made;
    for (const std::size_t loop : loops) {
        made.push_back({"drop", [](scene& s) { s.drop(s.first); }});
        made.push_back(
            {"return to " + std::to_string(loop), [loop](scene& s) { s.connect(s.first, loop); }});
    }
    return made;
}

const actor asks{{"ask", [](scene& s) { s.ask(s.first); }}};

void expect_in_every_order(const std::vector<actor>& actors, std::size_t loops = 1,
                           bool must_recover = true) {
    weft::test::expect_in_every_order(actors, [&] {
        auto made = std::make_unique<scene>(loops);
        made->must_recover = must_recover;
        return made;
    });
}

TEST(recovery_race, a_client_that_comes_and_goes) {
    expect_in_every_order({emits(2), asks, returns({0, 0, 0})});
}

TEST(recovery_race, among_volatile_events) {
    expect_in_every_order({emits(2),
                           {{"volatile", [](scene& s) { s.emit_volatile(); }},
                            {"volatile", [](scene& s) { s.emit_volatile(); }}},
                           returns({0, 0})});
}

TEST(recovery_race, a_client_back_before_its_absence_is_noticed) {
    expect_in_every_order({emits(3),
                           {{"go dark", [](scene& s) { s.go_dark(s.first); }},
                            {"return", [](scene& s) { s.connect(s.first, 0); }}},
                           {{"the server notices", [](scene& s) { s.dark_ones_are_noticed(); }}}},
                          1, false);
}

TEST(recovery_race, two_clients_of_one_recovery_id) {
    const auto steal = [](scene& s) {
        s.second.id = s.first.id;
        s.second.sid = s.first.sid;
        s.second.offset = s.first.offset;
        s.second.got = s.first.got;
        s.second.begins = s.first.begins;
        s.connect(s.second, 0);
    };
    expect_in_every_order({emits(2), returns({0}), {{"another returns", steal}}}, 1, false);
    expect_in_every_order({emits(2), returns({1}), {{"another returns", steal}}}, 2, false);
}

TEST(recovery_race, the_time_runs_out) {
    const auto wait = [](scene& s) { s.pass(70s); };
    expect_in_every_order({emits(2), returns({0}), {{"wait", wait}, {"wait", wait}}}, 1, false);
}

TEST(recovery_race, from_loop_to_loop) {
    expect_in_every_order({emits(2, 0), emits(1, 1), asks, returns({1, 0})}, 2);
}

TEST(recovery_race, of_answers_that_are_lost) {
    const auto deaf_on = [](std::size_t loop) {
        return [loop](scene& s) {
            s.connect(s.first, loop);
            s.first.deaf = true;
        };
    };
    const actor lost{{"stop reading", [](scene& s) { s.first.deaf = true; }},
                     {"drop", [](scene& s) { s.drop(s.first); }},
                     {"return to 1, deaf", deaf_on(1)},
                     {"drop", [](scene& s) { s.drop(s.first); }},
                     {"return to 0, deaf", deaf_on(0)},
                     {"drop", [](scene& s) { s.drop(s.first); }},
                     {"return to 1", [](scene& s) { s.connect(s.first, 1); }}};
    expect_in_every_order({emits(1, 0), emits(1, 1), asks, lost}, 2);
}

TEST(recovery_race, among_three_loops) {
    expect_in_every_order({emits(1, 0), emits(1, 1), emits(1, 2), asks, returns({1, 2})}, 3);
}

TEST(recovery_race, from_loop_to_loop_and_back) {
    expect_in_every_order({emits(1, 0), emits(1, 1), returns({1, 0, 0, 1})}, 2);
}

// What threads can do and these loops, which take turns, cannot: the loop that kept the session has
// heard of a third one's broadcast, the new loop has not.
TEST(recovery_log, leaves_out_what_is_still_on_its_way) {
    const recovery_options chosen;
    net::loop_core loops[2]{{std::make_unique<net::sim_backend>(), {.index = 0}},
                            {std::make_unique<net::sim_backend>(), {.index = 1}}};
    detail::recovery_log from(loops[0], chosen, "1", 3);
    detail::recovery_log to(loops[1], chosen, "1", 3);
    const std::string_view room = "room";
    const detail::stamp broadcast{2, 1};
    const detail::stamp direct = from.next();
    const message said = message::text("4x", {.stamp = broadcast.packed()});
    const message whispered = message::text("4y", {.stamp = direct.packed()});
    from.record({.owner = pubsub::owner_of_module(0), .topics = {&room, 1}}, {&said, 1});
    from.record_direct("own", {&whispered, 1});

    detail::kept_session session;
    session.place.id = "id";
    session.nsp = "/";
    session.topics = {"room", "own"};
    from.keep(std::move(session));
    auto back = from.take("id", "/", {});
    ASSERT_NE(back, nullptr);
    EXPECT_EQ(back->missed.size(), 2U);
    const auto place = to.resume(*back);
    ASSERT_EQ(back->missed.size(), 1U);
    EXPECT_EQ(back->missed[0].named, direct);
    EXPECT_EQ(place->since, to.end());  // where it is going to stand
}

}  // namespace
}  // namespace weft::socketio::test
