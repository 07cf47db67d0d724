// sec_p2: every callback does every disruptive thing, to its own stream and to others. Whatever
// happens, each handler hears its end exactly once, nothing runs inside anything, and nothing is
// left. Run under AddressSanitizer.

#include <stdexcept>

#include "support/sim_world.hpp"

namespace weft::test {
namespace {

constexpr const char* callbacks[] = {"open", "data", "drained", "deadline", "end", "closed"};
constexpr const char* actions[] = {
    "close",       "abort",       "shutdown",        "set_handler",    "write 10 MB",
    "close other", "abort other", "write to other",  "close listener", "throw in a posted task",
    "connect",     "pause",       "write and abort", "replace other",  "deadline now"};

struct stage {
    sim_world world;
    sim_world::connection other = world.open();
    std::vector<record_ptr> replacements;

    void replace(record& r) {
        replacements.push_back(std::make_shared<record>());
        r.stream->set_handler(std::make_unique<probe>(*r.stream, replacements.back()));
    }

    void act(const std::string& what, record& r) {
        const std::error_code why = make_error_code(errc::limit_exceeded);
        if (what == "close") r.stream->close();
        if (what == "abort") r.stream->abort(why);
        if (what == "shutdown") r.stream->shutdown();
        if (what == "set_handler") replace(r);
        if (what == "write 10 MB") r.write(std::string(10'000'000, 'x'));
        if (what == "pause") r.stream->pause_reading();
        if (what == "write and abort") {
            r.write("x");
            r.stream->abort(why);
        }
        if (what == "deadline now") r.stream->set_deadline(world.core.now());
        if (net::byte_stream* s = world.core.find(other.record->id)) {
            if (what == "close other") s->close();
            if (what == "abort other") s->abort(why);
            if (what == "write to other") s->write(as_bytes(std::string(100'000, 'y')));
            if (what == "replace other") replace(*other.record);
        }
        if (what == "close listener") world.core.close_listener(world.listener);
        if (what == "throw in a posted task") {
            world.core.post([] { throw std::runtime_error("posted"); });
        }
        if (what == "connect") {
            net::connect_options to;
            to.host = "127.0.0.1";
            to.port = 80;
            connect_probe(world.core, to);
        }
    }

    /// Leads a connection through all of its callbacks.
    record_ptr live(const record::hook& prepare) {
        world.acceptor.prepare = prepare;
        const auto peer = world.io.connect_client(80);
        world.io.peer_window(peer, 1000);
        world.run();
        world.acceptor.prepare = nullptr;
        const record_ptr r = world.acceptor.accepted.back();
        const auto alive = [&] { return world.core.find(r->id); };
        world.io.peer_send(peer, "hello");
        world.run(2);
        if (auto* s = alive()) s->write(as_bytes(std::string(70'000, 'z')));
        world.run();
        for (int i = 0; i < 80; ++i) {
            world.io.peer_take(peer);
            world.run();
        }
        if (auto* s = alive()) s->set_deadline(world.core.now() + 5ms);
        world.pass(6ms);
        world.pass(6ms);
        world.io.peer_end(peer);
        world.run(3);
        return r;
    }
};

TEST(sec_p2, every_callback_may_do_anything) {
    for (const std::string callback : callbacks) {
        for (const std::string action : actions) {
            SCOPED_TRACE(action + " in on_" + callback);
            stage s;
            bool acted = false;
            const record::hook act = [&](record& r) {
                if (std::exchange(acted, true)) return;
                s.act(action, r);
            };
            const record_ptr r = s.live([&](record& fresh) {
                if (callback == "open") fresh.on_open = act;
                if (callback == "data") fresh.on_data = act;
                if (callback == "drained") fresh.on_drained = act;
                if (callback == "deadline") fresh.on_deadline = act;
                if (callback == "end") fresh.on_end = act;
                if (callback == "closed") fresh.on_closed = act;
            });
            if (callback == "closed") {
                if (net::byte_stream* left = s.world.core.find(r->id)) left->close();
                s.world.run(2);
            }
            EXPECT_TRUE(acted);
            for (int i = 0; i < 20; ++i) s.world.pass(10s);
            s.world.core.shut_down();
            EXPECT_EQ(s.world.io.open_descriptors(), 0U);
            EXPECT_EQ(s.world.core.connections(), 0U);
            EXPECT_TRUE(r->buried);
            for (const auto& accepted : s.world.acceptor.accepted) {
                EXPECT_TRUE(accepted->buried);
                EXPECT_LE(accepted->closed, 1);
            }
            for (const auto& fresh : s.replacements) EXPECT_TRUE(fresh->buried);
            // Who was not replaced heard the end.
            if (s.replacements.empty()) {
                EXPECT_EQ(r->closed, 1);
            }
        }
    }
}

TEST(sec_p2, two_streams_that_close_each_other_in_on_closed) {
    sim_world world;
    auto [peer_a, a] = world.open();
    auto [peer_b, b] = world.open();
    const auto kill = [&world](const record_ptr& victim) {
        return [&world, victim](record&) {
            if (auto* s = world.core.find(victim->id)) {
                s->write(as_bytes("last words"));
                s->abort(make_error_code(errc::closed_locally));
            }
        };
    };
    a->on_closed = kill(b);
    b->on_closed = kill(a);
    a->stream->close();
    b->stream->close();
    world.run(3);
    EXPECT_EQ(a->closed, 1);
    EXPECT_EQ(b->closed, 1);
    world.pass(3s);
    EXPECT_EQ(world.core.connections(), 0U);
    a->on_closed = b->on_closed = nullptr;
}

}  // namespace
}  // namespace weft::test
