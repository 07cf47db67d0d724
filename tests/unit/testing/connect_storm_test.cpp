// More clients connect than a loop takes: who is let in, who goes first, and what the others are
// told.

#include <deque>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <weft/http/router.hpp>
#include <weft/socketio/server.hpp>
#include <weft/testing/world.hpp>
#include <weft/ws/client.hpp>
#include <weft/ws/endpoint.hpp>

namespace weft {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

struct warnings : log_sink {
    void write(const log_record& record) noexcept override {
        if (record.level >= log_level::warning) text.append(record.message).append("\n");
    }
    std::string text;
};

class storm_world : public warnings, public test_world {
public:
    explicit storm_world(unsigned connects_per_second)
        : test_world([&] {
              server_options made;
              made.budgets.connects_per_second = connects_per_second;
              made.log = this;
              return made;
          }()) {}
    /// Comes and goes, so that so much of the budget is gone.
    void use_up(int connections) {
        for (int i = 0; i < connections; ++i) (void)ask({.target = "/none"});
    }
};

TEST(connect_storm, those_above_the_budget_are_told_times_that_spread_them) {
    storm_world w(2);
    (void)w.server().http().get(
        "/", [](const http::request&) { return http::response::text(200, "hello"); });
    ASSERT_TRUE(w.start());
    EXPECT_EQ(w.ask({})->status, 200);
    EXPECT_EQ(w.ask({})->status, 200);
    std::vector<std::string> told;
    for (int i = 0; i < 6; ++i) {
        const auto answer = w.ask({});
        ASSERT_EQ(answer->status, 503);
        EXPECT_THAT(answer->body, HasSubstr("connects_per_second"));
        told.emplace_back(answer->header("Retry-After"));
    }
    EXPECT_THAT(told, ElementsAre("1", "2", "2", "3", "3", "4"));
    EXPECT_THAT(w.text, HasSubstr("connects_per_second), from 127.0.0.1"));
    EXPECT_THAT(w.server().metrics_text(),
                HasSubstr(R"(weft_http_errors_total{error="too_many_connects"} 6)"));
    w.pass(500ms);
    EXPECT_EQ(w.ask({})->status, 200) << "the budget fills again";
}

TEST(connect_storm, who_is_connected_notices_nothing) {
    storm_world w(1);
    w.server().ws("/").on_message([](ws::connection<void>& c, message_view text) { c.send(text); });
    ASSERT_TRUE(w.start());
    ws::client open(w.loop(), {.url = test_world::url()});
    int heard = 0;
    open.on_message([&](ws::client&, message_view) { ++heard; });
    ASSERT_TRUE(open.connect());
    w.run();
    w.use_up(50);
    open.send("x");
    w.run();
    EXPECT_EQ(heard, 1);
    EXPECT_TRUE(open.is_open());
}

TEST(connect_storm, a_route_says_which_requests_resume) {
    storm_world w(2);
    auto& routes = w.server().http();
    (void)routes.get("/feed",
                     [](const http::request&) { return http::response::text(200, "more"); });
    (void)routes.resumes("/feed", [](const http::request& r) { return r.query() == "after=7"; });
    ASSERT_TRUE(w.start());
    w.use_up(2);
    EXPECT_EQ(w.ask({.target = "/feed"})->status, 503);
    EXPECT_EQ(w.ask({.target = "/feed?after=7"})->status, 200);
    EXPECT_EQ(w.ask({.target = "/feed?after=7"})->status, 503) << "that budget ends, too";
}

TEST(connect_storm, our_clients_come_back_one_after_the_other_and_all_get_in) {
    storm_world w(10);
    w.server().ws("/");
    ASSERT_TRUE(w.start());
    std::deque<ws::client> crowd;
    int open = 0;
    int failures = 0;
    for (int i = 0; i < 100; ++i) {
        auto& c = crowd.emplace_back(
            w.loop(), ws::client_options{.url = test_world::url(), .reconnect = {{}}});
        c.on_open([&](ws::client&) { ++open; });
        c.on_failure([&](ws::client&, const ws::connect_failure& why) {
            EXPECT_EQ(why.status, 503);
            ++failures;
        });
        ASSERT_TRUE(c.connect());
    }
    w.run();
    EXPECT_EQ(open, 10);
    EXPECT_EQ(failures, 90);
    for (int second = 1; second <= 20; ++second) {
        const int before = open;
        w.pass(1s);
        EXPECT_LE(open - before, 20);
    }
    EXPECT_EQ(open, 100);
    EXPECT_LT(failures, 270) << "on average each asks less than three times in vain";
}

// ---- Socket.IO ----

/// A client that speaks the protocol by hand, so that it can vanish.
struct raw_client {
    explicit raw_client(storm_world& w)
        : socket(w.loop(), {.url = test_world::url("/socket.io/?EIO=4&transport=websocket")}) {
        socket.on_message(
            [this](ws::client&, message_view text) { got.emplace_back(text.text()); });
        socket.on_close([this](ws::client&, const ws::close_event& why) {
            closed = std::to_string(static_cast<int>(why.code)) + " " + std::string(why.reason);
        });
        socket.on_failure([this](ws::client&, const ws::connect_failure& why) {
            refused = std::to_string(why.status);
        });
        EXPECT_TRUE(socket.connect());
        w.run();
    }
    ws::client socket;
    std::vector<std::string> got;
    std::string closed;
    std::string refused;
};

std::string member(const std::string& packet, const std::string& name) {
    const std::size_t begin = packet.find("\"" + name + "\":\"") + name.size() + 4;
    return packet.substr(begin, packet.find('"', begin) - begin);
}

struct socketio_storm : testing::Test {
    explicit socketio_storm(bool recovers = true)
        : w(4), io(w.server(), [recovers] {
              socketio::options made;
              if (recovers) made.connection_state_recovery.emplace();
              return made;
          }()) {}
    /// Connects, vanishes, and gives its recovery id.
    std::string vanish() {
        raw_client c(w);
        c.socket.send("40");
        w.run();
        EXPECT_EQ(c.got.size(), 2U);
        c.socket.terminate();
        w.run();
        return member(c.got.back(), "pid");
    }
    storm_world w;
    socketio::server io;
};

TEST_F(socketio_storm, who_recovers_goes_first) {
    ASSERT_TRUE(w.start());
    const std::string pid = vanish();
    w.use_up(3);
    raw_client fresh(w);
    fresh.socket.send("40");
    w.run();
    EXPECT_EQ(fresh.closed, "1013 Too many clients connect: connects_per_second");
    raw_client stranger(w);
    stranger.socket.send(R"(40{"pid":"not one of ours"})");
    w.run();
    EXPECT_THAT(stranger.closed, StartsWith("1013"));
    raw_client back(w);
    back.socket.send(R"(40{"pid":")" + pid + "\"}");
    w.run();
    EXPECT_EQ(back.closed, "");
    EXPECT_EQ(member(back.got.back(), "pid"), pid);
    back.socket.send("40/,");
    w.run();
    raw_client fourth(w);
    EXPECT_EQ(fourth.refused, "");
    raw_client fifth(w);
    EXPECT_EQ(fifth.refused, "503");
}

TEST_F(socketio_storm, who_has_recovered_may_join_further_namespaces) {
    io.of("/more").on_connect([](socketio::socket&) {});
    ASSERT_TRUE(w.start());
    const std::string pid = vanish();
    w.use_up(3);
    raw_client back(w);
    back.socket.send(R"(40{"pid":")" + pid + "\"}");
    w.run();
    back.socket.send("40/more,");
    w.run();
    EXPECT_THAT(back.got.back(), StartsWith("40/more,"));
}

TEST_F(socketio_storm, a_request_of_an_open_session_passes) {
    ASSERT_TRUE(w.start());
    const auto opened = w.ask({.target = "/socket.io/?EIO=4&transport=polling"});
    const std::string sid = member(opened->body, "sid");
    w.use_up(3);
    const std::string target = "/socket.io/?EIO=4&transport=polling&sid=" + sid;
    EXPECT_EQ(w.ask({.method = http::method::post, .target = target, .body = "40"})->status, 200);
    EXPECT_EQ(w.ask({.target = target})->status, 200);
    EXPECT_EQ(w.ask({.target = "/socket.io/?EIO=4&transport=polling&sid=x"})->status, 503);
}

struct socketio_storm_without_recovery : socketio_storm {
    socketio_storm_without_recovery() : socketio_storm(false) {}
};

TEST_F(socketio_storm_without_recovery, newcomers_are_refused_at_once) {
    ASSERT_TRUE(w.start());
    w.use_up(4);
    raw_client fresh(w);
    EXPECT_EQ(fresh.refused, "503");
}

}  // namespace
}  // namespace weft
