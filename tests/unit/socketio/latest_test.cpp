// `latest`: a client that keeps up gets everything, one that is behind the newest of each key.

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/socketio/sio_world.hpp"

namespace weft::socketio::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

using texts = std::vector<std::string>;

/// A server that tells quotes, and one client over WebSocket whose reading the test controls.
struct market {
    explicit market(options chosen = {}) : w(std::move(chosen)) {
        w.server.on_connect([](socket& s) { s.join("prices"); });
        w.server.of("/other").on_connect([](socket& s) { s.join("prices"); });
    }
    void start() {
        w.start();
        id = w.connect(client);
    }
    /// From now on the kernel takes nothing more for the client.
    void stop_reading() {
        w.sim.peer_window(client, 1);
        w.server.emit("before");
        w.run();
    }
    texts read_on() {
        w.run();
        w.sim.peer_window(client, 1'000'000);
        texts all;
        for (int i = 0; i < 4; ++i) {
            for (std::string& one : w.packets(client)) all.push_back(std::move(one));
            w.run();
        }
        return all;
    }
    void quote(std::string_view symbol, int price, space& of) {
        of.to("prices").latest(symbol).emit("quote", symbol, price);
        w.run();
    }
    void quote(std::string_view symbol, int price) { quote(symbol, price, w.server); }

    sio_world w;
    sio_world::peer client{};
    std::string id;
};

TEST(socketio_latest, who_keeps_up_gets_everything) {
    market m;
    m.start();
    for (int price = 1; price <= 3; ++price) m.quote("WEFT", price);
    EXPECT_THAT(m.w.packets(m.client),
                ElementsAre(R"(42["quote","WEFT",1])", R"(42["quote","WEFT",2])",
                            R"(42["quote","WEFT",3])"));
}

TEST(socketio_latest, who_is_behind_gets_the_newest_of_each_key_in_the_place_of_the_first) {
    market m;
    m.start();
    m.stop_reading();
    m.quote("WEFT", 1);
    m.quote("SILK", 1);
    m.w.server.emit("news");
    for (int price = 2; price <= 9; ++price) {
        m.quote("WEFT", price);
        m.quote("SILK", 10 * price);
    }
    EXPECT_EQ(m.w.shared.hub.metrics().conflated.read(), 16U);
    EXPECT_THAT(m.read_on(), ElementsAre(R"(42["before"])", R"(42["quote","WEFT",9])",
                                         R"(42["quote","SILK",90])", R"(42["news"])"));
    m.quote("WEFT", 10);
    EXPECT_THAT(m.w.packets(m.client), ElementsAre(R"(42["quote","WEFT",10])"));
}

TEST(socketio_latest, a_socket_says_it_to_its_own_client_too) {
    market m;
    socket_ref name;
    m.w.server.on("ask", [&](socket& s) { name = s.ref(); });
    m.start();
    m.w.say(m.client, R"(42["ask"])");
    m.stop_reading();
    for (int i = 0; i < 3; ++i) {
        name.latest("position").emit("at", i);
        name.with([i](socket& s) { s.latest("time").volatile_().emit("never", i); });
        name.with([i](socket& s) { s.latest("time").emit("time", i); });
    }
    EXPECT_THAT(m.read_on(), ElementsAre(R"(42["before"])", R"(42["at",2])", R"(42["time",2])"));
}

TEST(socketio_latest, namespaces_have_keys_of_their_own) {
    market m;
    m.start();
    m.w.join(m.client, "/other");
    m.stop_reading();
    m.quote("WEFT", 1);
    m.quote("WEFT", 2, m.w.server.of("/other"));
    m.quote("WEFT", 3);
    EXPECT_THAT(m.read_on(), ElementsAre(R"(42["before"])", R"(42["quote","WEFT",3])",
                                         R"(42/other,["quote","WEFT",2])"));
}

TEST(socketio_latest, attachments_are_replaced_with_their_event) {
    market m;
    m.start();
    m.stop_reading();
    const auto picture = [&](std::string_view bytes) {
        m.w.server.to("prices").latest("chart").emit("chart", as_bytes(bytes));
    };
    picture("one");
    m.w.server.emit("news");
    picture("two");
    EXPECT_THAT(m.read_on(),
                ElementsAre(R"(42["before"])", R"(451-["chart",{"_placeholder":true,"num":0}])",
                            "two", R"(42["news"])"));
}

TEST(socketio_latest, an_event_that_is_to_be_answered_is_never_replaced) {
    market m;
    socket_ref name;
    m.w.server.on("ask", [&](socket& s) { name = s.ref(); });
    m.start();
    m.w.say(m.client, R"(42["ask"])");
    m.stop_reading();
    for (int i = 0; i < 2; ++i)
        name.latest("k").emit_with_ack<int>("answer", i, [](result<int>) {});
    m.w.server.latest("k").emit("plain");
    EXPECT_THAT(m.read_on(), ElementsAre(R"(42["before"])", R"(420["answer",0])",
                                         R"(421["answer",1])", R"(42["plain"])"));
}

TEST(socketio_latest, keeps_a_client_that_never_reads_within_its_queue) {
    options chosen;
    chosen.engine.max_queue = 128 * 1024;
    market m(chosen);
    m.start();
    m.stop_reading();
    const std::string large(2'000, '.');
    for (int i = 0; i < 1'000; ++i) m.w.server.latest("page").emit("page", i, large);
    EXPECT_FALSE(m.w.ended(m.client));
    EXPECT_EQ(m.read_on().size(), 2U);
}

TEST(socketio_latest, over_polling_what_waits_for_the_next_poll_is_replaced) {
    sio_world w;
    w.server.on_connect([](socket& s) {
        EXPECT_EQ(s.transport(), engineio::transport_kind::polling);
        s.join("prices");
    });
    w.start();
    const auto client = w.sim.connect_client(80);
    const auto ask = [&](std::string_view method, std::string_view query, std::string_view body) {
        w.sim.peer_send(client, std::string(method) + " /socket.io/?EIO=4&transport=polling" +
                                    std::string(query) + " HTTP/1.1\r\nHost: here\r\n" +
                                    "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
                                    std::string(body));
        w.run();
        const std::string reply = w.sim.peer_take(client);
        const std::size_t head = reply.find("\r\n\r\n");
        return head == std::string::npos ? "" : reply.substr(head + 4);
    };
    const std::string open = ask("GET", "", "");
    const std::string sid = "&sid=" + open.substr(open.find("\"sid\":\"") + 7, 20);
    ask("POST", sid, "40");
    ask("GET", sid, "");
    for (int price = 1; price <= 3; ++price) {
        w.server.to("prices").latest("WEFT").emit("quote", price);
        w.server.to("prices").latest("SILK").emit("chart", price, as_bytes("x"));
        w.run();
    }
    EXPECT_EQ(ask("GET", sid, ""),
              "42[\"quote\",3]\x1E"
              "451-[\"chart\",3,{\"_placeholder\":true,\"num\":0}]\x1E"
              "beA==");
}

TEST(socketio_latest, who_comes_back_gets_the_newest_of_each_key_that_was_missed) {
    options chosen;
    chosen.connection_state_recovery.emplace();
    market m(chosen);
    m.w.start();
    m.client = m.w.open();
    m.w.say(m.client, "40");
    const std::string greeting = m.w.packet(m.client);
    const std::string pid = greeting.substr(greeting.find("\"pid\":\"") + 7, 22);
    m.w.drop(m.client);
    for (int price = 1; price <= 3; ++price) {
        m.quote("WEFT", price);
        m.w.server.emit("news", price);
    }
    m.client = m.w.open();
    m.w.say(m.client, R"(40{"pid":")" + pid + "\"}");
    texts events;
    for (const std::string& packet : m.w.packets(m.client))
        events.push_back(packet.substr(0, packet.rfind(",\"")));
    ASSERT_EQ(events.size(), 5U) << "the last one connects";
    events.pop_back();
    EXPECT_THAT(events, ElementsAre(R"(42["news",1)", R"(42["news",2)", R"(42["quote","WEFT",3)",
                                    R"(42["news",3)"));
}

}  // namespace
}  // namespace weft::socketio::test
