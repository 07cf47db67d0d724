#include "base/user_boundary.hpp"

#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace weft {
namespace {

class kept_log final : public log_sink {
public:
    void write(const log_record& record) noexcept override {
        lines.push_back(std::string(record.layer) + ": " + std::string(record.message));
    }
    std::vector<std::string> lines;
};

class UserBoundary : public testing::Test {
protected:
    kept_log log;
    counter thrown;
    time_point now{};
    callback_watch watch{[this] { return now; }};
    user_boundary users{"socketio", &log, thrown, watch};
};

TEST_F(UserBoundary, what_is_thrown_is_counted_and_logged_with_its_place) {
    const bool returned = users.call([] { throw std::runtime_error("no such row"); },
                                     [] {
                                         return user_place{.callback = "a handler",
                                                           .event = "chat",
                                                           .route = "/rooms/:id",
                                                           .nsp = "/admin",
                                                           .peer = "10.0.0.1:4000"};
                                     });
    EXPECT_FALSE(returned);
    EXPECT_EQ(thrown.read(), 1U);
    ASSERT_EQ(log.lines.size(), 1U);
    EXPECT_EQ(log.lines[0],
              "socketio: a handler of event 'chat' of route '/rooms/:id' in namespace '/admin' for "
              "10.0.0.1:4000 threw: no such row");
}

TEST_F(UserBoundary, a_place_is_made_only_when_something_was_thrown) {
    int made = 0;
    EXPECT_TRUE(users.call([] {},
                           [&] {
                               ++made;
                               return user_place{.callback = "a handler"};
                           }));
    EXPECT_EQ(made, 0);
    EXPECT_EQ(thrown.read(), 0U);
    EXPECT_TRUE(log.lines.empty());
}

TEST_F(UserBoundary, the_longest_callback_is_found_while_it_is_watched_for) {
    const auto call = [&](std::string_view name, duration before, auto&& inner) {
        users.call(
            [&] {
                now += before;
                inner();
            },
            [name] { return user_place{.callback = name}; });
    };
    call("unwatched", std::chrono::hours(1), [] {});
    watch.start(std::chrono::milliseconds(10));
    call("too short", std::chrono::milliseconds(9), [] {});
    EXPECT_EQ(watch.take().place, "");
    call("outer", std::chrono::milliseconds(20),
         [&] { call("inner", std::chrono::milliseconds(30), [] { throw 7; }); });
    const auto found = watch.take();
    EXPECT_EQ(found.place, "inner");
    EXPECT_EQ(found.took, std::chrono::milliseconds(50));  // since the last one ended
    EXPECT_EQ(thrown.read(), 1U);
    EXPECT_EQ(watch.take().place, "");
    watch.stop();
    call("unwatched", std::chrono::hours(1), [] {});
    EXPECT_EQ(watch.take().place, "");
}

TEST_F(UserBoundary, anything_can_be_thrown) {
    users.call([] { throw 7; }, [] { return user_place{.callback = "on_message"}; });
    ASSERT_EQ(log.lines.size(), 1U);
    EXPECT_EQ(log.lines[0], "socketio: on_message threw: something that is not a std::exception");
}

TEST_F(UserBoundary, a_place_that_throws_itself_is_survived) {
    EXPECT_FALSE(users.call([] { throw 7; }, []() -> user_place { throw std::bad_alloc(); }));
    EXPECT_EQ(thrown.read(), 1U);
    EXPECT_EQ(log.lines.size(), 1U);
}

TEST_F(UserBoundary, names_of_peers_cannot_forge_lines_nor_fill_the_log) {
    users.call([] { throw std::runtime_error("x\ny" + std::string(10'000, 'z')); },
               [] {
                   return user_place{.callback = "a handler",
                                     .event = "a\r\nerror net: forged",
                                     .nsp = "an endless name"};
               });
    ASSERT_EQ(log.lines.size(), 1U);
    EXPECT_EQ(log.lines[0].find_first_of("\r\n"), std::string::npos);
    EXPECT_LT(log.lines[0].size(), 1000U);
}

TEST_F(UserBoundary, without_a_log_it_still_counts) {
    user_boundary silent("ws", nullptr, thrown, watch);
    EXPECT_FALSE(silent.call([] { throw 7; }, [] { return user_place{.callback = "on_open"}; }));
    EXPECT_EQ(thrown.read(), 1U);
}

}  // namespace
}  // namespace weft
