// Handing a connection to another protocol: at once or later, with the bytes that came behind the
// request, or refusing it so that nothing behind it is parsed.

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "http_world.hpp"

namespace weft::http {
namespace {

using namespace testing;

struct seen {
    std::string events;
    bool had_padding = true;
};

// Writes down what it is told and answers every byte with itself in upper case.
class probe final : public net::stream_handler {
public:
    probe(net::byte_stream& stream, seen& out) : stream_(stream), out_(out) {}
    ~probe() override { out_.events += "~"; }
    void on_open() noexcept override { out_.events += "open "; }
    void on_data(byte_span data) noexcept override {
        out_.events += "data:" + std::string(as_text(data)) + " ";
        // Promised: 64 readable bytes behind the data. A sanitizer would object.
        volatile std::byte last = data.data()[data.size() + 63];
        static_cast<void>(last);
        data[0] = std::byte{'!'};
        stream_.write(data);
    }
    void on_closed(std::error_code) noexcept override { out_.events += "closed "; }

private:
    net::byte_stream& stream_;
    seen& out_;
};

struct upgrade_world : http_world {
    explicit upgrade_world(bool at_once, const options& limits = {}) : http_world(limits) {
        EXPECT_TRUE(routes.get("/", [](const request&) { return response::text(200, "plain"); }));
        EXPECT_TRUE(routes.get("/smuggled", [this](const request&) {
            ++smuggled_requests;
            return response(200);
        }));
        EXPECT_TRUE(routes.upgrade("/chat/:room", [this, at_once](const request& r, upgrade u) {
            room = r.param("room");
            pending = std::move(u);
            pending.on_gone([this] { ++gone; });
            if (at_once) {
                EXPECT_FALSE(accept());
            }
        }));
    }
    ~upgrade_world() { shut_down(); }
    std::error_code accept() {
        if (!pending) return pending.accept({}, nullptr);
        return pending.accept(header_lines().add("Upgrade", "chat").add("X-Node", "a\r\nb"),
                              std::make_unique<probe>(pending.stream(), record));
    }
    seen record;
    std::string room;
    upgrade pending;
    int gone = 0;
    int smuggled_requests = 0;
};

const std::string ask_upgrade = get("/chat/a%20b", "Upgrade: websocket\r\nConnection: Upgrade\r\n");

TEST(http_upgrade, hands_over_at_once_with_unread_bytes) {
    upgrade_world world(true);
    const auto client = world.open();
    world.send(client, ask_upgrade + "abc");
    EXPECT_EQ(world.room, "a b");
    EXPECT_EQ(world.record.events, "open data:abc ");
    EXPECT_EQ(world.take(client),
              "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: chat\r\n"
              "X-Node: a  b\r\n\r\n!bc");
    world.send(client, "de");
    EXPECT_EQ(world.record.events, "open data:abc data:de ");
    EXPECT_EQ(world.counters().upgrades.read(), 1U);
    EXPECT_EQ(world.counters().connections.read(), 0U);
    world.pass(3600s);  // no deadline of ours is left
    EXPECT_FALSE(world.ended(client));
    world.io.peer_reset(client);
    world.run();
    EXPECT_EQ(world.record.events, "open data:abc data:de closed ~");
    EXPECT_EQ(world.gone, 0);
}

TEST(http_upgrade, at_every_split_gives_the_same_bytes) {
    const std::string bytes = ask_upgrade + "abcdef";
    for (std::size_t i = 1; i < bytes.size(); ++i) {
        for (const bool at_once : {true, false}) {
            upgrade_world world(at_once);
            const auto client = world.open();
            world.send(client, bytes.substr(0, i));
            world.send(client, bytes.substr(i));
            if (!at_once) {
                EXPECT_FALSE(world.accept());
                EXPECT_EQ(world.record.events, "");  // not from inside accept
                world.run();
            }
            std::string data;
            for (std::size_t at = 0;
                 (at = world.record.events.find("data:", at)) != std::string::npos;) {
                at += 5;
                data += world.record.events.substr(at, world.record.events.find(' ', at) - at);
            }
            EXPECT_EQ(data, "abcdef") << i;
            EXPECT_TRUE(world.record.events.starts_with("open ")) << i;
        }
    }
}

TEST(http_upgrade, reads_nothing_while_undecided) {
    upgrade_world world(false);
    const auto client = world.open();
    world.send(client, ask_upgrade + "abc");
    world.send(client, "def");
    world.pass(60s);
    EXPECT_EQ(world.record.events, "");
    EXPECT_FALSE(world.accept());
    world.run();
    EXPECT_EQ(world.record.events, "open data:abc data:def ");
}

TEST(http_upgrade, refused_answers_once_and_closes) {
    for (const bool at_once : {true, false}) {
        http_world world;
        upgrade pending;
        int smuggled_requests = 0;
        ASSERT_TRUE(world.routes.get("/smuggled", [&](const request&) {
            ++smuggled_requests;
            return response(200);
        }));
        ASSERT_TRUE(world.routes.upgrade("/chat", [&](const request&, upgrade u) {
            if (at_once) return static_cast<void>(u.refuse(response::plain_error(403)));
            pending = std::move(u);
        }));
        const auto client = world.open();
        world.send(client, get("/chat", "Upgrade: x\r\n") + get("/smuggled"));
        if (!at_once) {
            EXPECT_FALSE(pending.refuse(response::plain_error(403)));
            EXPECT_EQ(pending.refuse(response(200)), errc::already_answered);
            world.run();
        }
        EXPECT_EQ(statuses(world.take(client)), std::vector{403});
        EXPECT_TRUE(world.ended(client));
        EXPECT_EQ(smuggled_requests, 0);
    }
}

TEST(sec_h2_upgrade, with_a_body_gets_400_and_the_handler_is_not_asked) {
    for (const std::string_view body :
         {"Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n"}) {
        upgrade_world world(true);
        const auto client = world.open();
        world.send(client, get("/chat/a", "Upgrade: websocket\r\n" + std::string(body)) +
                               "0\r\n\r\n" + get("/smuggled"));
        EXPECT_EQ(statuses(world.take(client)), std::vector{400});
        EXPECT_TRUE(world.ended(client));
        EXPECT_EQ(world.room, "");
        EXPECT_EQ(world.smuggled_requests, 0);
        EXPECT_EQ(world.errors(errc::upgrade_with_body), 1U);
    }
}

TEST(http_upgrade, gets_every_request_of_a_path_that_has_nothing_else) {
    upgrade_world world(false);
    const auto client = world.open();
    world.send(client, "POST /chat/a HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(world.room, "a");
    EXPECT_FALSE(world.pending.refuse(response::plain_error(405)));
    world.run();
    EXPECT_EQ(statuses(world.take(client)), std::vector{405});
}

TEST(http_upgrade, shares_its_path_with_plain_routes) {
    upgrade_world world(true);
    ASSERT_TRUE(world.routes.get("/chat/:room",
                                 [](const request&) { return response::text(200, "page"); }));
    EXPECT_EQ(body_of(world.ask(get("/chat/a"))), "page");
    EXPECT_EQ(statuses(world.ask(get("/chat/a", "Upgrade: websocket\r\n"))), std::vector{101});
}

TEST(http_upgrade, of_a_plain_route_is_ignored) {
    upgrade_world world(true);
    EXPECT_EQ(body_of(world.ask(get("/", "Upgrade: h2c\r\nConnection: Upgrade\r\n"))), "plain");
}

TEST(http_upgrade, undecided_for_too_long_is_503) {
    upgrade_world world(false);
    const auto client = world.open();
    world.send(client, ask_upgrade);
    world.pass(120s);
    EXPECT_EQ(statuses(world.take(client)), std::vector{503});
    EXPECT_EQ(world.gone, 1);
    EXPECT_EQ(world.accept(), errc::gone);
}

TEST(http_upgrade, dropped_undecided_is_500) {
    upgrade_world world(false);
    const auto client = world.open();
    world.send(client, ask_upgrade);
    world.pending = {};
    world.run();
    EXPECT_EQ(statuses(world.take(client)), std::vector{500});
    EXPECT_TRUE(world.ended(client));
}

TEST(http_upgrade, of_a_connection_that_is_gone_is_refused) {
    upgrade_world world(false);
    const auto client = world.open();
    world.send(client, ask_upgrade);
    world.io.peer_reset(client);
    world.run();
    EXPECT_EQ(world.gone, 1);
    EXPECT_EQ(world.accept(), errc::gone);
    EXPECT_EQ(world.connections(), 0U);
}

TEST(http_upgrade, lost_between_accept_and_switch_tells_the_new_protocol) {
    upgrade_world world(false);
    const auto client = world.open();
    world.send(client, ask_upgrade);
    EXPECT_FALSE(world.accept());
    world.io.peer_reset(client);
    world.io.advance(-1ms);  // the reset comes before the wake-up is due
    world.run();
    EXPECT_TRUE(world.record.events == "closed ~" || world.record.events == "open closed ~")
        << world.record.events;
}

TEST(http_upgrade, a_handler_that_throws_costs_500) {
    http_world world;
    ASSERT_TRUE(world.routes.upgrade(
        "/chat", [](const request&, upgrade) { throw std::runtime_error("no"); }));
    EXPECT_EQ(statuses(world.ask(get("/chat", "Upgrade: x\r\n") + get("/chat"))), std::vector{500});
    EXPECT_EQ(world.errors(errc::handler_failed), 1U);
}

}  // namespace
}  // namespace weft::http
