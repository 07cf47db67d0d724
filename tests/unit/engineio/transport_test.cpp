// Sessions on a transport that is neither polling nor a WebSocket: all that a session asks of the
// way to its client is what `server_transport` says.

#include "engineio/transport.hpp"

#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "engineio/shard.hpp"
#include "unit/engineio/eio_world.hpp"

namespace weft::engineio::test {
namespace {

/// Writes down what it is told.
class paper_transport final : public server_transport {
public:
    using server_transport::send;
    [[nodiscard]] transport_kind kind() const noexcept override {
        return transport_kind::websocket;
    }
    send_status send(std::span<const message> group) override {
        for (const message& one : group) sent.emplace_back(as_text(one.bytes()));
        return send_status::sent;
    }
    send_status send(const message_view& packet) override {
        sent.emplace_back(packet.text());
        return send_status::sent;
    }
    [[nodiscard]] bool keeps_up() const noexcept override { return !behind; }
    [[nodiscard]] time_point last_received() const noexcept override { return heard; }
    void watch_delivery() noexcept override {}
    [[nodiscard]] bool comes_on() noexcept override { return false; }
    void close(const farewell& last) noexcept override { closed.push_back(last); }
    void dismiss(const farewell& last) noexcept override { left.push_back(last); }
    void hand_over(server_transport&) override {}

    std::vector<std::string> sent;
    std::vector<farewell> closed, left;
    time_point heard{};
    bool behind = false;
};

class transport_test : public testing::Test {
protected:
    transport_test() {
        all.make_user = [this](session& s) { return std::make_unique<user>(*this, s); };
        paper.heard = world.loop.now();
    }

    session& begin(transport_kind kind) {
        EXPECT_EQ(all.census.enter(socket_address()), std::nullopt);
        session* const made =
            sessions.make(http::handshake(), peer(nullptr, {}), {.transport = kind});
        EXPECT_NE(made, nullptr);
        return *made;
    }
    session& begin_on_paper() {
        session& s = begin(transport_kind::websocket);
        s.carry(paper);
        s.open();
        return s;
    }

    struct user final : session_user {
        user(transport_test& owner, session&) : test(owner) {}
        void on_open() override { test.told.emplace_back("open"); }
        void on_message(const message_view& data) override { test.told.emplace_back(data.text()); }
        void on_drained() override { test.told.emplace_back("drained"); }
        void on_close(close_reason why) override { test.told.emplace_back(to_string(why)); }
        transport_test& test;
    };

    std::vector<std::string> told;
    paper_transport paper;
    eio_world world;
    common all{{}};
    shard sessions{all, world.shared};  // the first to go: it tells who is left
};

using texts = std::vector<std::string>;

TEST_F(transport_test, carries_a_session_from_its_beginning_to_its_end) {
    session& s = begin_on_paper();
    EXPECT_EQ(s.greeting().substr(0, 8), R"(0{"sid":)");
    s.receive(*parse_packet("4hello"));
    EXPECT_EQ(s.send(message_view("4one")), send_status::sent);
    const message group[] = {message::text("4two"), message::binary(as_bytes("three"))};
    EXPECT_EQ(s.send(group), send_status::sent);
    EXPECT_EQ(paper.sent, (texts{"4one", "4two", "three"}));

    s.close(close_reason::forced_close);
    ASSERT_EQ(paper.closed.size(), 1U);
    EXPECT_EQ(paper.closed[0].text, "forced close");
    EXPECT_EQ(s.send(message_view("4late")), send_status::closed);
    s.transport_ended(paper, close_reason::transport_close);
    world.run();
    EXPECT_EQ(told, (texts{"open", "hello", "forced close"}));
    EXPECT_TRUE(paper.left.empty());
    EXPECT_EQ(sessions.size(), 0U);
}

TEST_F(transport_test, takes_over_from_polling_with_what_waits) {
    session& s = begin(transport_kind::polling);
    s.open();
    EXPECT_EQ(s.send(message_view("4first")), send_status::queued);
    EXPECT_TRUE(s.may_upgrade());
    s.try_out(paper);
    EXPECT_FALSE(s.may_upgrade());
    EXPECT_EQ(s.send(message_view("4second")), send_status::queued);
    EXPECT_TRUE(paper.sent.empty());

    s.switch_to(paper);
    EXPECT_EQ(s.transport(), paper.kind());
    EXPECT_EQ(s.polls(), nullptr);
    EXPECT_EQ(s.send(message_view("4third")), send_status::sent);
    EXPECT_EQ(paper.sent, (texts{"4first", "4second", "4third"}));
}

TEST_F(transport_test, a_probe_that_fails_leaves_the_session_as_it_was) {
    session& s = begin(transport_kind::polling);
    s.open();
    s.try_out(paper);
    s.transport_ended(paper, close_reason::transport_error);
    EXPECT_TRUE(s.is_open());
    EXPECT_TRUE(s.may_upgrade());
    EXPECT_NE(s.polls(), nullptr);
}

TEST_F(transport_test, is_let_go_when_the_session_ends) {
    session& s = begin_on_paper();
    s.fail(close_reason::parse_error);
    ASSERT_EQ(paper.left.size(), 1U);
    EXPECT_EQ(paper.left[0].code, ws::close_code::policy_violation);
    EXPECT_EQ(paper.left[0].packet, packet_type::close);
    world.run();
    EXPECT_EQ(told, (texts{"open", "parse error"}));
}

TEST_F(transport_test, says_when_the_client_is_behind_and_when_it_was_last_heard) {
    session& s = begin_on_paper();
    paper.behind = true;
    const message news = message::text("4news", {.droppable = true});
    EXPECT_EQ(s.send(news), send_status::dropped);
    EXPECT_FALSE(s.writable());
    paper.behind = false;
    EXPECT_EQ(s.send(news), send_status::sent);

    world.pass(all.chosen.ping_interval);
    EXPECT_EQ(paper.sent.back(), "2");
    world.pass(all.chosen.ping_timeout - 1ms);
    paper.heard = world.loop.now();  // no pong, but a sign of life
    world.pass(1ms);
    EXPECT_TRUE(s.is_open());
    world.pass(all.chosen.ping_timeout);
    EXPECT_EQ(told, (texts{"open", "ping timeout"}));
}

TEST_F(transport_test, a_session_that_is_closed_ends_in_time_whatever_its_transport_does) {
    session& s = begin_on_paper();
    s.close();
    world.pass(all.chosen.close_timeout - 1ms);
    EXPECT_EQ(told, (texts{"open"}));
    world.pass(1ms);
    EXPECT_EQ(told, (texts{"open", "forced close"}));
    EXPECT_EQ(paper.left.size(), 1U);
}

}  // namespace
}  // namespace weft::engineio::test
