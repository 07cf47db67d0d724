// The races of a session, each in every order: polls against what the server sends, POSTs, second
// polls, ends and the clock; and the upgrade against all of them.

#include <memory>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "race_scene.hpp"
#include "support/every_order.hpp"

namespace weft::engineio::test {
namespace {

using enum close_reason;
using actor = weft::test::actor<race_scene>;

const actor polls{{"poll", [](race_scene& s) { s.poll(); }},
                  {"poll", [](race_scene& s) { s.poll(); }}};
const actor posts{{"post", [](race_scene& s) { s.submit(); }},
                  {"post", [](race_scene& s) { s.submit(); }}};
const actor emits{{"emit", [](race_scene& s) { s.emit(); }},
                  {"emit", [](race_scene& s) { s.emit(); }}};
const actor upgrades{{"socket", [](race_scene& s) { s.open_socket(); }},
                     {"probe", [](race_scene& s) { s.probe(); }},
                     {"5", [](race_scene& s) { s.upgrade(); }}};

/// What else may happen, and what may become of the session then.
struct event {
    std::string name;
    std::function<void(race_scene&)> act;
    std::set<close_reason> may_end{};
    std::set<int> may_answer{};
};

std::ostream& operator<<(std::ostream& out, const event& e) {
    return out << e.name;
}
std::string name_of(const testing::TestParamInfo<event>& tested) {
    return tested.param.name;
}

void expect_in_every_order(std::vector<actor> actors, const event& what) {
    actors.push_back({{what.name, what.act}});
    weft::test::expect_in_every_order(actors, [&] {
        auto scene = std::make_unique<race_scene>();
        scene->may_end = what.may_end;
        scene->may_answer = what.may_answer;
        return scene;
    });
}

const std::vector<event> ends{
    {"nothing", [](race_scene&) {}},
    {"server_closes", [](race_scene& s) { s.server_closes(); }, {forced_close}, {400}},
    {"handler_closes", [](race_scene& s) { s.handler_closes = true; }, {forced_close}, {400}},
    {"server_drains", [](race_scene& s) { s.server_drains(); }, {server_shutting_down}, {400, 503}},
    {"server_fails", [](race_scene& s) { s.server_fails(); }, {parse_error}, {400}},
    {"client_closes", [](race_scene& s) { s.client_closes(); }, {transport_close}, {400}},
    {"short_reads", [](race_scene& s) { s.split_everything(); }},
    {"ping", [](race_scene& s) { s.pass(25s); }},
    {"silence",
     [](race_scene& s) {
         s.pass(25s);
         s.world.run();
         s.pass(20s);
     },
     {ping_timeout},
     {400}},
    {"client_vanishes",
     [](race_scene& s) { s.vanish(false); },
     {transport_error, transport_close, ping_timeout}},
    {"client_hangs_up",
     [](race_scene& s) { s.hang_up(); },
     {transport_error, transport_close, ping_timeout}},
    {"client_is_reset",
     [](race_scene& s) { s.vanish(true); },
     {transport_error, transport_close, ping_timeout}},
};

struct poll_race : testing::TestWithParam<event> {};

TEST_P(poll_race, in_every_order) {
    expect_in_every_order({polls, posts, emits}, GetParam());
}

const event second_poll{
    "second_poll", [](race_scene& s) { s.poll_twice(); }, {transport_error}, {400}};
INSTANTIATE_TEST_SUITE_P(each, poll_race, testing::ValuesIn(ends), name_of);
INSTANTIATE_TEST_SUITE_P(and_, poll_race, testing::Values(second_poll), name_of);

// ---- The upgrade ----

const actor one_poll{{"poll", [](race_scene& s) { s.poll(); }}};
const actor one_post{{"post", [](race_scene& s) { s.submit(); }}};
const actor one_emit{{"emit", [](race_scene& s) { s.emit(); }}};
const actor swift_upgrades{{"socket", [](race_scene& s) { s.open_socket(); }},
                           {"probe", [](race_scene& s) { s.probe(); }},
                           {"swift 5", [](race_scene& s) { s.upgrade_swiftly(); }}};

struct upgrade_race : testing::TestWithParam<event> {};

TEST_P(upgrade_race, in_every_order) {
    expect_in_every_order({upgrades, one_poll, one_post, emits}, GetParam());
}
TEST_P(upgrade_race, of_a_swift_client_in_every_order) {
    expect_in_every_order({swift_upgrades, one_poll, one_post, one_emit}, GetParam());
}

const std::vector<event> upgrade_ends{
    {"noop_time", [](race_scene& s) { s.pass(100ms); }},
    {"late_post", [](race_scene& s) { s.post_late(); }},
    {"upgrade_timeout", [](race_scene& s) { s.pass(10s); }},
    {"socket_ends", [](race_scene& s) { s.socket_ends(false); }, {transport_close, ping_timeout}},
    {"socket_is_reset",
     [](race_scene& s) { s.socket_ends(true); },
     {transport_close, ping_timeout}},
};
INSTANTIATE_TEST_SUITE_P(each, upgrade_race, testing::ValuesIn(ends), name_of);
INSTANTIATE_TEST_SUITE_P(and_, upgrade_race, testing::ValuesIn(upgrade_ends), name_of);

}  // namespace
}  // namespace weft::engineio::test
