#pragma once

// A session with a client that keeps to the protocol, for playing their races in every order: see
// support/every_order.hpp. The client is told what to begin and reacts to what comes as engine.io's
// own does: one POST at a time, pongs for pings, no `5` while a request is under way. What a step
// asks for and the protocol does not allow at that moment, it does later or not at all.
//
// In every order: what arrives is the beginning of what was sent, in its order, and all of it when
// nothing ended the session; the user is told of one end, with a reason that the scene allows;
// replies have documented codes; and nothing is left.

#include <algorithm>
#include <initializer_list>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "eio_world.hpp"

namespace weft::engineio::test {

class race_scene {
public:
    explicit race_scene(options chosen = {}) : world(patient(std::move(chosen))) {
        world.on_message = [this](session& s, const message_view& m) {
            tell(s, "re:" + std::string(m.text()));
            if (handler_closes) close(s);
        };
        sid_ = world.open_polling();
    }

    /// The order may have no request before the first ping: that is not what races are about.
    static options patient(options chosen) {
        chosen.handshake_timeout = chosen.ping_interval + chosen.ping_timeout;
        return chosen;
    }

    // ---- What the server does ----

    void emit() {
        const std::string text = "s" + std::to_string(++emitted_);
        if (session* s = world.find(0)) tell(*s, text);
    }
    void server_closes() {
        if (session* s = world.find(0)) close(*s);
    }
    bool handler_closes = false;  ///< As soon as a message comes.
    void server_drains() {
        world.drain();
        server_closed_ = true;
    }
    void server_fails() {
        if (session* s = world.find(0)) s->fail(close_reason::parse_error);
        lossy_ = true;
    }
    void pass(duration time) {
        if (time >= 10s) patient_ = false;
        world.io.advance(time);
    }

    // ---- What the client does ----

    void poll() {
        react();
        if (gone_ || closed_ || five_sent_ || (wants_five_ && probed_)) return;
        if (polling_.busy || second_.busy) return;
        ask(polling_, eio_world::get(eio_world::of(sid_)));
    }
    /// As a confused client does: on a connection of its own.
    void poll_twice() {
        react();
        if (gone_ || closed_ || five_sent_) return;
        ask(second_, eio_world::get(eio_world::of(sid_)));
        lossy_ = true;
    }
    void submit() {
        react();
        const std::string text = "c" + std::to_string(++submitted_);
        said_.push_back(text);
        outbox_.push_back("4" + text);
        send_outbox();
    }
    /// A POST that does not wait for its turn: it may come when polling is over.
    void post_late() {
        react();
        if (gone_ || closed_ || late_.busy) return;
        ask(late_, eio_world::post(eio_world::of(sid_), "4late"));
    }
    void client_closes() {
        react();
        outbox_.push_back("1");
        lossy_ = true;
        send_outbox();
    }
    void open_socket() {
        react();
        if (gone_ || closed_ || socket_ >= 0) return;
        socket_ = world.connect();
        world.io.peer_send(socket_, eio_world::upgrade("EIO=4&transport=websocket&sid=" + sid_));
    }
    void probe() {
        react();
        if (gone_ || socket_ < 0 || socket_over_) return;
        world.io.peer_send(socket_, ws::test::text_frame("2probe"));
        probe_sent_ = true;
    }
    /// Says `5` as soon as it may.
    void upgrade() {
        react();
        wants_five_ = !gone_ && probe_sent_ && !socket_over_;
        react();
    }
    /// Says `5` although a poll still hangs.
    void upgrade_swiftly() {
        react();
        if (gone_ || closed_ || !probed_ || five_sent_ || posting_.busy || socket_over_) return;
        say_five();
    }
    void socket_ends(bool reset) {
        if (socket_ < 0 || gone_ || socket_over_) return;
        leave(socket_, reset);
        if (five_sent_) closed_ = lossy_ = true;
        lose_socket();
    }
    void vanish(bool reset) {
        if (gone_) return;
        for (const line* l : {&polling_, &posting_, &second_, &late_}) leave(l->id, reset);
        leave(socket_, reset);
        gone_ = lossy_ = true;
    }

    /// The same, when nothing else is under way: a poll that hangs tells of it at once.
    void hang_up() {
        settle();
        const bool hangs = polling_.busy && !five_sent_ && !closed_;
        vanish(false);
        world.run();
        if (hangs) {
            EXPECT_THAT(world.users[0]->closed,
                        testing::ElementsAre(close_reason::transport_error));
        }
    }

    // ---- What must hold ----

    void settle() {
        do {
            news_ = false;
            world.run(iterations_);
            react();
        } while (news_);
    }
    void turn() { world.run(1); }
    /// Reads and writes are short from now on.
    void split_everything() {
        world.io.limit_receive(50);
        world.io.limit_send(20);
        iterations_ = 20;
    }
    /// The reasons for which the session may end before the scene is over.
    std::set<close_reason> may_end{};
    /// What becomes of requests then: statuses besides 200.
    std::set<int> may_answer{};

    void finish() {
        go_on();
        pass(11s);  // a finished upgrade has no deadline any more
        go_on();
        check_end();
        check_delivery();
        server_closes();
        go_on();
        for (int i = 0; i < 4; ++i) world.pass(10s);  // what hangs is given up
        react();
        EXPECT_TRUE(gone_ || closed_) << "a client that was not told of the end";
        vanish(false);
        for (int i = 0; i < 3; ++i) world.pass(30s);
        check_nothing_left();
    }

    [[nodiscard]] bool upgraded() { return world.metric("weft_engineio_upgrades_total") > 0; }

    eio_world world;

private:
    using peer = eio_world::peer;
    struct line {  // one kept-alive connection for requests, one at a time
        peer id = -1;
        std::string in;
        bool busy = false;
    };

    void close(session& s) {
        s.close();
        server_closed_ = true;
    }
    void tell(session& s, const std::string& text) {
        const auto status = s.send(message::text("4" + text));
        if (status == send_status::sent || status == send_status::queued) promised_.push_back(text);
    }
    void ask(line& on, const std::string& bytes) {
        if (on.id < 0) on.id = world.connect();
        world.io.peer_send(on.id, bytes);
        on.busy = true;
    }
    void leave(peer p, bool reset) {
        if (p < 0) return;
        reset ? world.io.peer_reset(p) : world.io.peer_end(p);
    }

    /// Takes what came and does what follows from it.
    void react() {
        if (gone_) return;
        for (line* l : {&polling_, &posting_, &second_, &late_}) take_reply_of(*l);
        take_frames();
        const bool quiet = !polling_.busy && !posting_.busy;
        if (wants_five_ && !five_sent_ && probed_ && quiet && !closed_ && !socket_over_) say_five();
        send_outbox();
    }
    void take_reply_of(line& l) {
        if (l.id < 0) return;
        const std::string came = world.take(l.id);
        news_ = news_ || !came.empty();
        l.in += came;
        if (l.busy) {
            const reply got = take_reply(l.in);
            if (got.status != 0) {
                l.busy = false;
                const bool polled = &l == &polling_ || &l == &second_;
                if (got.status == 200 && polled) take_packets(got.body);
                if (got.status == 200 && &l == &late_) late_taken_ = true;
                if (got.status != 200) refused(got, l);
            }
        }
        if (!world.ended(l.id)) return;
        EXPECT_FALSE(l.busy) << "a request without an answer";
        leave(l.id, false);
        l = {};
    }
    void refused(const reply& got, const line& by) {
        // Overtaken by the upgrade.
        if (five_sent_ && (&by == &polling_ || &by == &late_) && got.status == 400) return;
        EXPECT_TRUE(may_answer.contains(got.status)) << got.head << got.body;
        closed_ = true;
    }
    void take_packets(const std::string& body) {
        for (std::size_t at = 0; at <= body.size();) {
            const std::size_t end = std::min(body.find('\x1E', at), body.size());
            take_packet(body.substr(at, end - at));
            at = end + 1;
        }
    }
    void take_packet(const std::string& packet) {
        if (packet.substr(0, 1) == "4") {
            EXPECT_FALSE(saw_close_) << "behind the close: " << packet;
            got_.push_back(packet.substr(1));
        } else if (packet == "2") {
            outbox_.insert(outbox_.begin(), "3");
        } else if (packet == "1") {
            closed_ = saw_close_ = true;
        } else {
            EXPECT_EQ(packet, "6");
        }
    }
    void take_frames() {
        if (socket_ < 0 || socket_over_) return;
        const std::string came = world.take(socket_);
        news_ = news_ || !came.empty();
        socket_in_ += came;
        if (!switched_) {
            const reply got = take_reply(socket_in_);
            if (got.status == 0 && !world.ended(socket_)) return;
            switched_ = got.status == 101;
            if (!switched_) {
                EXPECT_TRUE(got.status == 0 || may_answer.contains(got.status)) << got.head;
                return lose_socket();
            }
        }
        for (const server_frame& f : ws::test::take_frames(socket_in_)) {
            if (f.op() == 8) {
                EXPECT_THAT(f.close_code(), testing::AnyOf(1000, 1001, 1008));
                world.io.peer_send(socket_, ws::test::close_frame(1000));
                world.io.peer_end(socket_);
                if (five_sent_) closed_ = saw_close_ = true;
                lose_socket();
                return;
            }
            if (f.payload == "3probe") {
                probed_ = true;
            } else {
                EXPECT_TRUE(five_sent_) << "before the upgrade: " << f.payload;
                take_packet(f.payload);
            }
        }
        if (world.ended(socket_)) {
            if (five_sent_) closed_ = true;
            lose_socket();
        }
    }
    /// A client whose upgrade fails goes on polling.
    void lose_socket() {
        socket_over_ = true;
        wants_five_ = false;
    }
    void say_five() {
        world.io.peer_send(socket_, ws::test::text_frame("5"));
        five_sent_ = true;
    }
    void send_outbox() {
        if (gone_ || closed_ || outbox_.empty()) return;
        if (five_sent_) {
            for (const std::string& packet : outbox_)
                world.io.peer_send(socket_, ws::test::text_frame(packet));
        } else {
            if (posting_.busy || (wants_five_ && probed_)) return;
            std::string body;
            for (const std::string& packet : outbox_) body += (body.empty() ? "" : "\x1E") + packet;
            ask(posting_, eio_world::post(eio_world::of(sid_), body));
        }
        if (outbox_.back() == "1") closed_ = true;
        outbox_.clear();
    }

    /// A client that is still there goes on until all is told.
    void go_on() {
        settle();
        for (int round = 0; round < 12; ++round) {
            const bool waits = polling_.busy || closed_ || gone_ || five_sent_;
            if (waits && !(wants_five_ && polling_.busy)) break;
            if (waits) pass(100ms);  // the poll is let go
            poll();
            settle();
        }
    }
    void check_end() {
        ASSERT_EQ(world.users.size(), 1U);
        const told& user = *world.users[0];
        ASSERT_LE(user.closed.size(), 1U);
        if (user.closed.empty()) return;
        EXPECT_TRUE(may_end.contains(user.closed[0])) << to_string(user.closed[0]);
    }
    void check_delivery() {
        const auto begins = [](const std::vector<std::string>& whole,
                               const std::vector<std::string>& part) {
            return part.size() <= whole.size() &&
                   std::equal(part.begin(), part.end(), whole.begin());
        };
        std::vector<std::string> heard = world.users[0]->messages;
        EXPECT_EQ(std::erase(heard, "late"), late_taken_ ? 1U : 0U);
        EXPECT_TRUE(begins(said_, heard)) << testing::PrintToString(heard);
        EXPECT_TRUE(begins(promised_, got_))
            << testing::PrintToString(got_) << " of " << testing::PrintToString(promised_);
        const bool ended = !world.users[0]->closed.empty();
        if (!ended && !gone_ && !server_closed_ && !lossy_) {
            EXPECT_FALSE(closed_);
        }
        if (!ended && !gone_ && !closed_ && !server_closed_) {
            EXPECT_EQ(heard, said_);
        }
        // A server that closes first delivers what it has taken.
        const bool timed_out = ended && world.users[0]->closed[0] == close_reason::ping_timeout;
        if (!lossy_ && !timed_out) {
            EXPECT_EQ(got_, promised_);
        }
        if (server_closed_ && !lossy_ && patient_) {
            EXPECT_TRUE(saw_close_);
        }
    }
    void check_nothing_left() {
        const told& user = *world.users[0];
        EXPECT_TRUE(user.open);
        EXPECT_EQ(user.closed.size(), 1U);
        EXPECT_EQ(world.engine.sessions(), 0U);
        EXPECT_EQ(world.find(0), nullptr);
        EXPECT_EQ(world.metric("weft_engineio_sessions"), 0U);
        EXPECT_EQ(world.metric("weft_engineio_closed_total"), 1U);
        EXPECT_EQ(world.loop.connections(), 0U);
        EXPECT_EQ(world.loop.budget().used(), 0U);
        EXPECT_EQ(world.shared.budget.used(), 0U);
        EXPECT_EQ(world.io.open_descriptors(), 1U);  // the listener
        EXPECT_TRUE(world.log.empty());
    }

    std::string sid_;
    line polling_, posting_, second_, late_;
    peer socket_ = -1;
    std::string socket_in_;
    std::vector<std::string> outbox_;
    std::vector<std::string> said_, promised_, got_;
    int emitted_ = 0, submitted_ = 0;
    bool switched_ = false, probe_sent_ = false, probed_ = false, wants_five_ = false,
         five_sent_ = false, socket_over_ = false;
    bool late_taken_ = false;
    int iterations_ = 8;
    bool news_ = false;       // something came, to which there may be an answer
    bool gone_ = false;       // the client, without a word
    bool closed_ = false;     // as the client knows
    bool saw_close_ = false;  // and was told
    bool server_closed_ = false;
    bool lossy_ = false;   // somebody ended it at once
    bool patient_ = true;  // no time-out was due
};

}  // namespace weft::engineio::test
