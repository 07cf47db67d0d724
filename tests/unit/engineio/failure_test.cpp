// One scenario from the first poll to the end on a WebSocket, again and again with a failure at
// operation 0, 1, 2 and so on. Whatever fails: nothing crashes, every session that began ends, its
// user is told exactly once, and nothing is left.

#include <gtest/gtest.h>

#include "eio_world.hpp"

namespace weft::engineio::test {
namespace {

/// Everything that can go on in one session; returns how many operations that took.
std::size_t live(std::size_t fail_at, std::errc how) {
    eio_world world;
    world.on_message = [](session& s, const message_view& m) {
        s.send(message_view("4" + std::string(m.text())));
    };
    world.io.fail_operation(fail_at, how);

    const std::string sid = world.open_polling();
    const auto poll = world.hang(sid);
    world.submit(sid, "4one");
    (void)world.take(poll);
    world.submit(sid, "4two");
    const auto socket = world.open_websocket("EIO=4&transport=websocket&sid=" + sid);
    const auto waiting = world.hang(sid);
    world.say(socket, "2probe");
    (void)world.take(waiting);
    world.say(socket, "5");
    world.say(socket, "4three");
    if (!world.users.empty() && world.find(0) != nullptr) world.at(0).close();
    world.run();
    world.send(socket, ws::test::close_frame(1000));
    for (int i = 0; i < 10; ++i) world.pass(10s);  // what hangs is given up

    EXPECT_EQ(world.engine.sessions(), 0U) << fail_at;
    EXPECT_LE(world.users.size(), 1U) << fail_at;
    for (const auto& user : world.users) EXPECT_EQ(user->closed.size(), 1U) << fail_at;
    return world.io.operations();
}

TEST(failure, at_every_operation_leaves_nothing_behind) {
    const std::size_t all = live(SIZE_MAX, std::errc::connection_reset);
    EXPECT_GT(all, 30U);
    for (const std::errc how : {std::errc::connection_reset, std::errc::not_enough_memory,
                                std::errc::too_many_files_open}) {
        for (std::size_t at = 0; at < all; ++at) live(at, how);
    }
}

// What an idle session costs beside its WebSocket: this, its id in a table, and its request's text.
TEST(memory, a_session_is_small) {
    EXPECT_LE(sizeof(session), 400U);
}

}  // namespace
}  // namespace weft::engineio::test
