// Event streams over HTTP on the sim backend: topics, what a browser says when it comes again,
// heartbeats, slow peers, and every way to end.

#include <weft/sse/endpoint.hpp>

#include <gtest/gtest.h>

#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <weft/base/log.hpp>
#include <weft/http/router.hpp>
#include <weft/sse/message.hpp>

#include "http/service.hpp"
#include "net/backend/sim/sim_backend.hpp"
#include "net/loop_core.hpp"
#include "pubsub/hub.hpp"
#include "sse/event_stream.hpp"

namespace weft::sse {
namespace {

using namespace std::chrono_literals;

class sse_world final : private net::acceptor, private log_sink {
public:
    using peer = net::sim_backend::peer;

    explicit sse_world(options chosen = {})
        : io(*new net::sim_backend),
          loop(std::unique_ptr<net::backend>(&io), {}),
          hub(loop, all),
          events(chosen, "/events"),
          service_(loop, routes_, {}) {
        EXPECT_TRUE(events.prepare({{loop, hub, this}}));
        EXPECT_TRUE(routes_.get("/events", [this](const http::request& r, http::responder a) {
            events.handle(r, std::move(a));
        }));
        EXPECT_TRUE(routes_.get("/now", [](const http::request&) { return http::response(204); }));
        events
            .on_open([this](stream& s, const http::request& r) {
                s.subscribe("news");
                const auto last = r.header("last-event-id");
                if (!last.empty()) s.send({.data = "after " + std::string(last)});
                ++opened;
                if (on_open) on_open(s);
            })
            .on_close([this](stream&) { ++closed; });
        listen_options where;
        where.port = 80;
        EXPECT_TRUE(loop.listen(where, *this));
    }
    ~sse_world() {
        loop.shut_down();
        events.shut_down();
    }

    void run(int iterations = 8) {
        while (iterations-- > 0) {
            loop.turn(duration::zero());
            io.advance(1ms);
        }
    }
    void pass(duration time) {
        io.advance(time);
        run();
    }
    peer open(std::string_view lines = "", std::string_view method = "GET",
              std::string_view version = "1.1") {
        const peer client = io.connect_client(80);
        io.peer_send(client, std::string(method) + " /events HTTP/" + std::string(version) +
                                 "\r\nHost: x\r\n" + std::string(lines) + "\r\n");
        run();
        head = io.peer_take(client);
        const std::size_t end = head.find("\r\n\r\n");
        rest = end != std::string::npos ? head.substr(end + 4) : "";
        head.resize(head.size() - rest.size());
        return client;
    }
    /// What came, without the framing of the chunks.
    std::string take(peer client) { return unchunked(io.peer_take(client)); }
    static std::string unchunked(std::string_view bytes) {
        std::string out;
        while (!bytes.empty()) {
            const std::size_t line = bytes.find("\r\n");
            const std::size_t size = std::stoul(std::string(bytes.substr(0, line)), nullptr, 16);
            out += bytes.substr(line + 2, size);
            bytes.remove_prefix(line + 2 + size + 2);
        }
        return out;
    }
    void publish(const message& what) {
        hub.publish(pubsub::program_topic("news"), what);
        run();
    }
    /// As a server does.
    void drain() {
        loop.begin_drain(duration::zero());
        net::slot_walk walk;
        (void)events.close_some(loop.index(), walk, SIZE_MAX);
    }
    bool ended(peer client) const { return io.peer_sees_end(client) || io.peer_sees_reset(client); }

    net::sim_backend& io;
    net::loop_core loop;
    pubsub::exchange all;
    pubsub::hub hub;
    endpoint events;
    std::string head, rest;  // of the last `open`
    int opened = 0, closed = 0;
    unique_function<void(stream&)> on_open;
    std::vector<std::string> log;

private:
    std::unique_ptr<net::stream_handler> on_accept(net::byte_stream& s) noexcept override {
        return service_.make_connection(s);
    }
    void write(const log_record& record) noexcept override { log.emplace_back(record.message); }

    http::router routes_;
    http::service service_;
};

TEST(event_stream, gets_what_is_published_to_its_topics) {
    sse_world world;
    const auto client = world.open();
    EXPECT_TRUE(world.head.starts_with("HTTP/1.1 200 OK\r\n")) << world.head;
    EXPECT_NE(world.head.find("Content-Type: text/event-stream\r\n"), std::string::npos);
    EXPECT_NE(world.head.find("Cache-Control: no-store\r\n"), std::string::npos);
    world.publish(message::text("one\ntwo"));
    world.publish(make_message({.data = "three", .name = "n", .id = "3"}));
    EXPECT_EQ(world.take(client), "data: one\ndata: two\n\nid: 3\nevent: n\ndata: three\n\n");
}

TEST(event_stream, subscribers_share_one_encoding) {
    sse_world world;
    const auto a = world.open(), b = world.open();
    const message what = message::text("shared");
    world.publish(what);
    const buffer_slice form = what.encoded(message_encoding::event_stream(), [](const message&) {
        ADD_FAILURE() << "it was there";
        return buffer_slice{};
    });
    EXPECT_EQ(as_text(form.bytes), "data: shared\n\n");
    EXPECT_EQ(world.take(a), "data: shared\n\n");
    EXPECT_EQ(world.take(b), "data: shared\n\n");
}

TEST(event_stream, a_browser_that_comes_again_says_where_it_was) {
    sse_world world;
    (void)world.open("Last-Event-ID: 41\r\n");
    EXPECT_EQ(world.unchunked(world.rest), "data: after 41\n\n");
}

TEST(event_stream, may_be_refused) {
    sse_world world;
    world.events.on_accept([](const http::request& r) -> admission<void> {
        if (r.cookie("who")) return true;
        return refusal(401, "who are you?").header("WWW-Authenticate", "Cookie");
    });
    (void)world.open();
    EXPECT_TRUE(world.head.starts_with("HTTP/1.1 401 "));
    EXPECT_NE(world.head.find("WWW-Authenticate: Cookie\r\n"), std::string::npos);
    EXPECT_EQ(world.opened, 0);
    (void)world.open("Cookie: who=me\r\n");
    EXPECT_EQ(world.opened, 1);
}

TEST(event_stream, ends_with_the_identity_of_its_peer) {
    sse_world world;
    world.events.on_accept([&](const http::request&) -> admission<void> {
        return identity{"ann", world.loop.now() + 20s};
    });
    const auto client = world.open();
    world.pass(15s);
    EXPECT_EQ(world.take(client), ":\n\n");
    world.pass(5s);
    EXPECT_EQ(world.io.peer_take(client), "0\r\n\r\n");
    EXPECT_EQ(world.closed, 1);
}

TEST(event_stream, silence_is_broken_by_comments) {
    sse_world world;
    const auto client = world.open();
    world.pass(14s);
    EXPECT_EQ(world.take(client), "");
    world.pass(1s);
    EXPECT_EQ(world.take(client), ":\n\n");
    world.pass(10s);
    world.publish(message::text("x"));
    EXPECT_EQ(world.take(client), "data: x\n\n");
    world.pass(14s);
    EXPECT_EQ(world.take(client), "") << "what is sent counts";
    world.pass(1s);
    EXPECT_EQ(world.take(client), ":\n\n");
}

TEST(event_stream, ends_when_the_browser_goes) {
    sse_world world;
    const auto client = world.open();
    world.io.peer_reset(client);
    world.run();
    EXPECT_EQ(world.closed, 1);
    EXPECT_EQ(world.hub.subscribers(pubsub::program_topic("news")), 0U);
    world.publish(message::text("x"));
    world.pass(60s);
}

TEST(event_stream, closed_by_us_leaves_the_connection_usable) {
    sse_world world;
    world.on_open = [](stream& s) {
        EXPECT_EQ(s.send({.data = "bye"}), send_status::sent);
        s.close();
        EXPECT_EQ(s.send({.data = "too late"}), send_status::closed);
    };
    const auto client = world.open();
    EXPECT_EQ(world.unchunked(world.rest), "data: bye\n\n");
    EXPECT_EQ(world.closed, 1);
    world.io.peer_send(client, "GET /now HTTP/1.1\r\nHost: x\r\n\r\n");
    world.run();
    EXPECT_TRUE(world.io.peer_take(client).starts_with("HTTP/1.1 204 "));
}

TEST(event_stream, a_drain_ends_it_whole) {
    sse_world world;
    const auto client = world.open();
    world.drain();
    world.run();
    EXPECT_EQ(world.io.peer_take(client), "0\r\n\r\n");
    EXPECT_EQ(world.closed, 1);
}

TEST(event_stream, a_drain_sends_what_waits_before_it_ends) {
    sse_world world;
    const auto client = world.open();
    for (int i = 0; i < 10; ++i) world.publish(message::text(std::string(60'000, 'w')));
    world.drain();
    std::string bytes;
    for (int i = 0; i < 10; ++i) {
        bytes += world.io.peer_take(client);
        world.run();
    }
    ASSERT_TRUE(bytes.ends_with("\r\n0\r\n\r\n")) << bytes.size();
    EXPECT_GT(sse_world::unchunked(bytes).size(), 600'000U);
    EXPECT_EQ(world.closed, 1);
}

TEST(event_stream, that_is_new_while_the_loop_drains_is_refused) {
    sse_world world;
    world.loop.begin_drain(30s);
    (void)world.open();
    EXPECT_TRUE(world.head.starts_with("HTTP/1.1 503 ")) << world.head;
    EXPECT_NE(world.head.find("\r\nRetry-After: "), std::string::npos);
}

TEST(event_stream, that_is_closed_when_its_loop_ends_hears_its_end) {
    sse_world world;
    (void)world.open();
    world.drain();
    world.loop.shut_down();
    EXPECT_EQ(world.closed, 0);
    world.events.shut_down();
    EXPECT_EQ(world.closed, 1);
    world.events.shut_down();
    EXPECT_EQ(world.closed, 1);
}

TEST(event_stream, of_http_1_0_has_no_chunks) {
    sse_world world;
    const auto client = world.open("", "GET", "1.0");
    world.publish(message::text("x"));
    EXPECT_EQ(world.io.peer_take(client), "data: x\n\n");
}

TEST(event_stream, to_head_is_its_headers) {
    sse_world world;
    const auto client = world.open("", "HEAD");
    EXPECT_NE(world.head.find("text/event-stream"), std::string::npos);
    EXPECT_EQ(world.opened, 0);
    EXPECT_FALSE(world.ended(client));
}

TEST(event_stream, a_binary_message_is_not_for_it) {
    sse_world world;
    const auto client = world.open();
    world.publish(message::binary(as_bytes("x")));
    EXPECT_EQ(world.take(client), "");
    EXPECT_FALSE(world.ended(client));
}

TEST(event_stream, a_peer_that_is_behind_is_cut_or_loses_events_under_the_policy) {
    for (const overflow_policy policy : {overflow_policy::close, overflow_policy::drop_oldest}) {
        sse_world world({.max_queue = 100'000, .overflow = policy});
        const auto slow = world.open();
        const auto quick = world.open();
        world.io.peer_window(slow, 1'000);
        const std::string text(20'000, 'x');
        for (int i = 0; i < 40; ++i) {
            world.publish(message::text(std::to_string(i) + " " + text));
            EXPECT_NE(world.take(quick), "");
        }
        EXPECT_FALSE(world.ended(quick));
        if (policy == overflow_policy::close) {
            EXPECT_TRUE(world.io.peer_sees_reset(slow));
            EXPECT_EQ(world.closed, 1);
            continue;
        }
        EXPECT_FALSE(world.ended(slow));
        world.io.peer_window(slow, SIZE_MAX);
        std::string got;
        for (int i = 0; i < 50; ++i) {
            world.run();
            got += world.io.peer_take(slow);
        }
        const std::string seen = world.unchunked(got);
        EXPECT_NE(seen.find("data: 0 x"), std::string::npos);
        EXPECT_EQ(seen.find("data: 20 x"), std::string::npos) << "dropped";
        EXPECT_NE(seen.find("data: 39 x"), std::string::npos) << "the newest is kept";
        world.publish(message::text("again"));
        EXPECT_EQ(world.take(slow), "data: again\n\n");
    }
}

TEST(event_stream, a_handler_that_throws_costs_its_stream_only) {
    sse_world world;
    const auto well = world.open();
    world.on_open = [](stream&) { throw std::runtime_error("no such feed"); };
    const auto ill = world.open();
    EXPECT_EQ(world.log, std::vector<std::string>{
                             "on_open of route '/events' for 127.0.0.1:20004 threw: no such feed"});
    EXPECT_TRUE(world.ended(ill));
    EXPECT_EQ(world.closed, 1);
    world.events.on_close([](stream&) { throw std::runtime_error("no end"); });
    world.io.peer_reset(world.open());
    world.run();
    EXPECT_EQ(world.log.back(), "on_close of route '/events' threw: no end");
    world.publish(message::text("x"));
    EXPECT_EQ(world.take(well), "data: x\n\n");
}

TEST(event_stream, options_that_cannot_work_are_refused) {
    EXPECT_FALSE(options{.heartbeat = 0s}.check());
    EXPECT_FALSE(options{.max_queue = 0}.check());
    EXPECT_TRUE(options{}.check());
}

}  // namespace
}  // namespace weft::sse
