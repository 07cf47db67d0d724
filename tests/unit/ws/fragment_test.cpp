// Messages that the user sends in fragments, and what is told when messages are written. Whatever
// else is sent meanwhile: no frame of another message comes between, nothing is lost without a
// word, and each watch ends once.

#include <algorithm>
#include <functional>

#include <gtest/gtest.h>

#include "support/every_order.hpp"
#include "ws_world.hpp"

namespace weft::ws::test {
namespace {

/// The frames as "01:begin 00:more 80:end".
std::string written(const std::vector<server_frame>& frames) {
    std::string text;
    for (const server_frame& frame : frames) {
        constexpr const char* digits = "0123456789ABCDEF";
        text += text.empty() ? "" : " ";
        text += {digits[frame.first >> 4], digits[frame.first & 15], ':'};
        text += frame.payload.size() > 20 ? std::to_string(frame.payload.size()) : frame.payload;
    }
    return text;
}

struct open_connection {
    explicit open_connection(options chosen = {}) : world(chosen) {
        world.endpoint
            .on_open([this](auto& c) {
                self = &c;
                c.subscribe("news");
            })
            .on_drain([this](auto&) { ++drained; })
            .on_close([this](auto&, const close_event& e) {
                told += " closed";
                event = e;
                self = nullptr;
            });
        client = world.open();
    }
    auto tell(std::string what) {
        return [this, what](std::error_code why) {
            told += " " + what + (why ? "(" + why.message() + ")" : "");
        };
    }
    std::string got() {
        std::string bytes = world.take_all(client);
        return written(take_frames(bytes));
    }
    void publish(std::string_view text) {
        world.shared.hub.publish(pubsub::program_topic("news"), message::text(text));
    }

    connection_base* self = nullptr;
    std::string told;
    int drained = 0;
    close_event event;
    ws_world<> world;
    net::sim_backend::peer client;
};

TEST(ws_fragments, make_one_message_with_control_frames_between) {
    open_connection scene;
    EXPECT_EQ(scene.self->send_fragment("be", fragment::more), send_status::sent);
    scene.self->ping(as_bytes("p"));
    scene.self->send_fragment("tw", fragment::more);
    scene.self->pong(as_bytes("q"));
    scene.self->send_fragment("een", fragment::last);
    scene.self->send_fragment(as_bytes("\x01"), fragment::more);
    scene.self->send_fragment(as_bytes(""), fragment::last);
    scene.self->send_fragment("whole", fragment::last);
    EXPECT_EQ(scene.got(), "01:be 89:p 00:tw 8A:q 80:een 02:\x01 80: 81:whole");
    EXPECT_EQ(scene.world.shared.metrics.messages_sent.read(), 3U);
}

TEST(ws_fragments, other_messages_wait_for_the_end_in_their_order) {
    open_connection scene;
    scene.self->send("before");
    scene.self->send_fragment("a", fragment::more);
    EXPECT_EQ(scene.self->send("1"), send_status::queued);
    scene.publish("2");
    EXPECT_EQ(scene.self->send(message::text("3")), send_status::queued);
    scene.self->send_fragment("b", fragment::more);
    EXPECT_EQ(scene.got(), "81:before 01:a 00:b");
    scene.self->send_fragment("c", fragment::last);
    EXPECT_EQ(scene.self->send("4"), send_status::sent);
    EXPECT_EQ(scene.got(), "80:c 81:1 81:2 81:3 81:4");
}

TEST(ws_fragments, what_waits_for_the_end_is_bounded_by_the_policy) {
    options chosen;
    chosen.max_queue = 128 * 1024;
    open_connection scene(chosen);
    scene.self->send_fragment("a", fragment::more);
    const std::string large(100'000, 'x');
    EXPECT_EQ(scene.self->send(large), send_status::queued);
    EXPECT_EQ(scene.self->send(large), send_status::closed);
    scene.world.run();
    std::string bytes = scene.world.take_all(scene.client);
    EXPECT_EQ(take_frames(bytes).back().close_code(), 1013);
    EXPECT_EQ(scene.world.shared.hub.metrics().dropped_at_close.read(), 1U);
}

TEST(ws_fragments, are_refused_above_max_queue_and_may_be_sent_again) {
    options chosen;
    chosen.max_queue = 128 * 1024;
    open_connection scene(chosen);
    scene.world.io.peer_window(scene.client, 1000);
    const std::string piece(50'000, 'x');
    int sent = 0;
    send_status last = send_status::sent;
    for (int i = 0; i < 10 && last != send_status::dropped; ++i) {
        last = scene.self->send_fragment(piece, fragment::more);
        if (last != send_status::dropped) ++sent;
        scene.world.run();
    }
    EXPECT_EQ(last, send_status::dropped);
    EXPECT_GE(sent, 2);
    EXPECT_LE(scene.self->queued(), chosen.max_queue);
    EXPECT_EQ(scene.drained, 0);
    scene.world.io.peer_window(scene.client, SIZE_MAX);
    std::string bytes = scene.world.take_all(scene.client);
    EXPECT_EQ(scene.drained, 1);
    EXPECT_EQ(scene.self->send_fragment(piece, fragment::last), send_status::sent);
    bytes += scene.world.take_all(scene.client);
    const auto frames = take_frames(bytes);
    ASSERT_EQ(frames.size(), static_cast<std::size_t>(sent) + 1);
    EXPECT_EQ(frames.back().first, 0x80);
}

TEST(ws_fragments, cannot_begin_while_others_wait) {
    open_connection scene;
    scene.world.io.peer_window(scene.client, 1000);
    for (int i = 0; i < 10; ++i) scene.self->send(std::string(10'000, 'x'));
    scene.world.run();
    scene.self->send("waits");
    EXPECT_EQ(scene.self->send_fragment("a", fragment::more), send_status::dropped);
    scene.world.io.peer_window(scene.client, SIZE_MAX);
    EXPECT_TRUE(scene.got().ends_with("81:10000 81:waits"));
    EXPECT_EQ(scene.self->send_fragment("a", fragment::more), send_status::sent);
}

TEST(ws_fragments, closing_gives_up_what_is_not_finished) {
    open_connection scene;
    scene.self->send_fragment("half", fragment::more, scene.tell("half"));
    scene.self->send("waits", scene.tell("waits"));
    scene.self->close(close_code::normal, {});
    EXPECT_EQ(scene.self->send_fragment("late", fragment::last, scene.tell("late")),
              send_status::closed);
    EXPECT_EQ(scene.got(), "01:half 88:\x03\xE8");
    scene.world.send(scene.client, close_frame(1000));
    EXPECT_TRUE(scene.event.clean);
    EXPECT_EQ(scene.told, " half waits(closed by this side) closed");
}

TEST(ws_fragments, are_not_compressed) {
    options chosen;
    chosen.deflate.emplace();
    open_connection scene(chosen);
    const auto client = scene.world.open("Sec-WebSocket-Extensions: permessage-deflate\r\n");
    EXPECT_NE(scene.world.response.find("permessage-deflate"), std::string::npos);
    scene.self->send_fragment(std::string(500, 'a'), fragment::more);
    scene.self->send_fragment("", fragment::last);
    scene.self->send(std::string(500, 'a'));
    std::string bytes = scene.world.take_all(client);
    const auto frames = take_frames(bytes);
    ASSERT_EQ(frames.size(), 3U);
    EXPECT_EQ(frames[0].first, 0x01);
    EXPECT_EQ(frames[0].payload.size(), 500U);
    EXPECT_EQ(frames[2].first, 0xC1);
}

// ---- Written ----

TEST(ws_written, is_told_later_and_once) {
    open_connection scene;
    EXPECT_EQ(scene.self->send("1", scene.tell("1")), send_status::sent);
    EXPECT_EQ(scene.self->send(as_bytes("2"), scene.tell("2")), send_status::sent);
    EXPECT_EQ(scene.told, "");
    scene.world.run();
    EXPECT_EQ(scene.told, " 1 2");
    EXPECT_EQ(scene.got(), "81:1 82:2");
    scene.world.run();
    EXPECT_EQ(scene.told, " 1 2");
}

TEST(ws_written, waits_for_the_kernel_and_for_the_outbox) {
    open_connection scene;
    scene.world.io.peer_window(scene.client, 1000);
    scene.self->send(std::string(50'000, 'x'), scene.tell("first"));
    scene.self->send(std::string(50'000, 'y'), scene.tell("second"));
    EXPECT_EQ(scene.self->send("third", scene.tell("third")), send_status::queued);
    scene.world.run();
    EXPECT_EQ(scene.told, "");
    scene.world.io.peer_window(scene.client, SIZE_MAX);
    EXPECT_EQ(scene.got(), "81:50000 81:50000 81:third");
    EXPECT_EQ(scene.told, " first second third");
}

TEST(ws_written, of_a_message_that_a_policy_drops_is_an_error) {
    options chosen;
    chosen.max_queue = 128 * 1024;
    chosen.overflow = overflow_policy::drop_oldest;
    open_connection scene(chosen);
    scene.world.io.peer_window(scene.client, 1000);
    const std::string large(60'000, 'x');
    scene.self->send(large);
    scene.world.run();
    scene.self->send(large);
    ASSERT_EQ(scene.self->send(large.substr(0, 10'000), scene.tell("oldest")), send_status::queued);
    EXPECT_EQ(scene.self->send(large.substr(0, 5'000), scene.tell("newest")), send_status::dropped);
    scene.world.io.peer_window(scene.client, SIZE_MAX);
    (void)scene.got();
    EXPECT_EQ(scene.told, " oldest(more than max_queue waits for the peer to read)");
}

TEST(ws_written, a_lost_connection_is_the_error) {
    open_connection scene;
    scene.world.io.peer_window(scene.client, 1000);
    scene.self->send(std::string(50'000, 'x'), scene.tell("x"));
    scene.world.run();
    scene.self->terminate();
    scene.world.run();
    EXPECT_EQ(scene.told, " x(closed by this side) closed");
}

TEST(ws_written, the_callback_may_do_anything) {
    for (const std::string what : {"send", "close", "terminate", "throw", "again"}) {
        SCOPED_TRACE(what);
        open_connection scene;
        int calls = 0;
        std::function<void(std::error_code)> act = [&](std::error_code why) {
            if (++calls > 3) return;
            EXPECT_FALSE(why && what != "again");
            if (what == "send") scene.self->send("more");
            if (what == "close") scene.self->close();
            if (what == "terminate") scene.self->terminate();
            if (what == "throw") throw 1;
            if (what == "again") scene.self->send("again", act);
        };
        scene.self->send("go", act);
        scene.self->send("on", scene.tell("on"));
        scene.world.run();
        scene.world.send(scene.client, close_frame(1000));
        scene.world.pass(10s);
        EXPECT_EQ(calls, what == "again" ? 4 : 1);
        EXPECT_EQ(scene.told, " on closed");
    }
}

TEST(ws_written, a_sender_can_pace_itself_by_it) {
    open_connection scene;
    int left = 200;
    std::size_t most = 0;
    std::function<void(std::error_code)> next = [&](std::error_code why) {
        EXPECT_FALSE(why);
        if (left-- == 0) return;
        scene.self->send_fragment(std::string(10'000, 'x'),
                                  left == 0 ? fragment::last : fragment::more, next);
        most = std::max(most, scene.self->queued());
    };
    next({});
    EXPECT_EQ(scene.got().size(), std::string("01:10000").size() * 200 + 199);
    EXPECT_EQ(left, -1);
    EXPECT_LT(most, 11'000U);
}

/// Fragments, other messages, a broadcast and a close, in every order.
struct race : open_connection {
    void turn() { world.run(1); }
    void settle() { world.run(); }
    void finish() {
        settle();
        world.send(client, close_frame(1000));
        world.pass(10s);
        // A continuation where none is due, or another message inside of one, would show here.
        bool inside = false;
        for (const server_frame& frame : frames()) {
            if (frame.op() >= 8) continue;
            EXPECT_EQ(frame.op() == 0, inside);
            inside = (frame.first & 0x80) == 0;
        }
        EXPECT_EQ(std::count(told.begin(), told.end(), 'w'), watched);
        EXPECT_TRUE(told.ends_with(" closed"));
    }
    std::vector<server_frame> frames() {
        std::string bytes = world.take_all(client);
        return take_frames(bytes);
    }
    void send() {
        if (self == nullptr) return;
        if (self->send("s", tell("w")) != send_status::closed) ++watched;
    }
    void piece(fragment which) {
        if (self == nullptr) return;
        if (self->send_fragment("f", which, tell("w")) != send_status::closed) ++watched;
    }
    std::ptrdiff_t watched = 0;
};

TEST(ws_fragments, in_every_order_frames_follow_the_rules_and_each_watch_ends_once) {
    using ::weft::test::actor;
    const actor<race> pieces{{"begin", [](race& s) { s.piece(fragment::more); }},
                             {"go on", [](race& s) { s.piece(fragment::more); }},
                             {"end", [](race& s) { s.piece(fragment::last); }}};
    const actor<race> others{{"send", [](race& s) { s.send(); }},
                             {"publish", [](race& s) { s.publish("p"); }}};
    const actor<race> end{{"close", [](race& s) {
                               if (s.self != nullptr) s.self->close();
                           }}};
    ::weft::test::expect_in_every_order<race>({pieces, others, end},
                                              [] { return std::make_unique<race>(); });
}

TEST(ws_fragments, a_failure_anywhere_ends_at_most_that_connection_and_each_watch) {
    bool ran_through = false;
    for (std::size_t at = 0; at < 100 && !ran_through; ++at) {
        SCOPED_TRACE("operation " + std::to_string(at));
        open_connection scene;
        scene.world.io.peer_window(scene.client, 30'000);
        const std::size_t start = scene.world.io.operations();
        scene.world.io.fail_operation(start + at, std::errc::connection_reset);
        int watched = 0;
        const auto send = [&](fragment which) {
            if (scene.self == nullptr) return;
            const auto status =
                scene.self->send_fragment(std::string(20'000, 'x'), which, scene.tell("w"));
            if (status == send_status::sent || status == send_status::queued) ++watched;
            scene.world.run();
        };
        send(fragment::more);
        send(fragment::more);
        if (scene.self != nullptr && scene.self->send("s", scene.tell("w")) == send_status::queued)
            ++watched;
        send(fragment::last);
        scene.world.io.peer_window(scene.client, SIZE_MAX);
        (void)scene.world.take_all(scene.client);
        scene.world.io.peer_end(scene.client);
        scene.world.pass(10s);
        ran_through = scene.world.io.operations() <= start + at;
        EXPECT_EQ(std::count(scene.told.begin(), scene.told.end(), 'w'), watched) << scene.told;
        EXPECT_TRUE(scene.told.ends_with(" closed"));
        if (HasFailure()) return;
    }
    EXPECT_TRUE(ran_through);
}

}  // namespace
}  // namespace weft::ws::test
