// The memory limit and Socket.IO, on one loop of the sim backend: what waits for polls counts, and
// goes when it is too much.

#include "server/memory_guard.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "unit/socketio/sio_world.hpp"

namespace weft::socketio::test {
namespace {

constexpr std::size_t mib = 1024 * 1024;

/// A server with a limit of 4 MiB.
struct guarded {
    explicit guarded(options chosen = {}) : w(std::move(chosen)) {
        guard = std::make_unique<memory_guard>(w.shared, account);
        guard->set_all({guard.get()});
        guard->watch(w.loop.budget());
        guard->watch(w.shared.budget);
        w.server.on_connect([](socket& s) { s.join(std::string(s.auth())); });
    }

    /// A client over polling in the room of its `auth`; its session's id.
    std::string poll_from(std::string_view auth) {
        const std::string open = ask("GET", "", "");
        std::string sid = open.substr(open.find("\"sid\":\"") + 7, 20);
        ask("POST", sid, "40" + std::string(auth));
        ask("GET", sid, "");
        return sid;
    }
    std::string ask(std::string_view method, std::string_view sid, std::string_view body) {
        const auto client = w.sim.connect_client(80);
        std::string target = " /socket.io/?EIO=4&transport=polling";
        if (!sid.empty()) target += "&sid=" + std::string(sid);
        w.sim.peer_send(client, std::string(method) + target + " HTTP/1.1\r\nHost: here\r\n" +
                                    "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
                                    std::string(body));
        std::string reply;
        for (int i = 0; i < 16; ++i) {
            w.run();
            reply += w.sim.peer_take(client);
        }
        w.drop(client);
        const std::size_t head = reply.find("\r\n\r\n");
        return head == std::string::npos ? "" : reply.substr(head + 4);
    }
    void say(std::string_view room, std::size_t bytes) {
        w.server.to(room).emit("said", std::string(bytes, 'x'));
        w.run();
    }
    std::uint64_t errors(engineio::errc what) {
        return w.metric("weft_engineio_errors_total", engineio::describe(what).label);
    }

    memory_account account{4 * mib};
    std::unique_ptr<memory_guard> guard;
    sio_world w;
};

TEST(memory_socketio, sec_w11_what_waits_for_polls_counts_and_the_most_goes_first) {
    guarded g;
    g.w.start();
    const std::string small = g.poll_from(R"({"a":1})"), large = g.poll_from(R"({"a":2})");
    sio_world::peer healthy{};
    g.w.connect(healthy, "/", R"({"a":3})");
    g.say(R"({"a":1})", mib);
    g.say(R"({"a":2})", 3 * mib / 2);
    g.say(R"({"a":2})", mib);
    EXPECT_EQ(g.w.server.sockets_count(), 3U);
    EXPECT_FALSE(g.account.exceeded());
    g.say(R"({"a":2})", mib);
    EXPECT_EQ(g.errors(engineio::errc::shed), 1U);
    EXPECT_EQ(g.w.server.sockets_count(), 2U);
    EXPECT_FALSE(g.account.exceeded());
    EXPECT_NE(g.ask("GET", large, "").find("Session ID unknown"), std::string::npos);
    EXPECT_GT(g.ask("GET", small, "").size(), mib);
    g.say(R"({"a":3})", 10);
    EXPECT_EQ(g.w.packets(healthy).size(), 1U);
}

TEST(memory_socketio, what_a_client_asks_for_is_refused_without_room_and_leaves_nothing) {
    guarded g;
    bool joined = true;
    g.w.server.on("join", [&](socket& s) { joined = s.join(std::string(200, 'r')); });
    g.w.start();
    sio_world::peer last{}, sends{};
    g.w.connect(last);
    g.w.connect(sends);
    const std::string auth = R"({"t":")" + std::string(900'000, 'x') + "\"}";
    std::vector<sio_world::peer> clients;
    for (int i = 0; i < 3; ++i) g.w.connect(clients.emplace_back(), "/", auth);
    EXPECT_EQ(g.w.server.sockets_count(), 5U);
    const std::uint64_t full = g.w.loop.budget().used();
    EXPECT_GT(full, 2'700'000U);

    EXPECT_EQ(g.w.connect(clients.emplace_back(), "/", auth), "");
    g.w.say(clients.back(), "40" + auth);
    EXPECT_EQ(g.w.packet(clients.back()), R"(44{"message":"no memory is left: memory_limit"})");
    g.w.drop(clients.back());
    EXPECT_EQ(g.w.loop.budget().used(), full);

    // Most of what is left goes to a body that never ends.
    const auto body = g.w.sim.connect_client(80);
    g.w.sim.peer_send(body,
                      "POST /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: here\r\n"
                      "Content-Length: 999999\r\n\r\n" +
                          std::string(520'000, 'b'));
    g.w.run();
    g.w.say(last, R"(42["join"])");
    EXPECT_TRUE(joined) << "there is a little";
    std::string head = R"(457-["put")";
    for (int i = 0; i < 7; ++i) head += R"(,{"_placeholder":true,"num":)" + std::to_string(i) + "}";
    g.w.say(sends, head + "]");
    int kept = 0;
    while (kept < 7 && !g.w.ended(sends)) {
        g.w.say_binary(sends, std::string(140'000, 'a'));
        ++kept;
    }
    EXPECT_EQ(kept, 4) << "the one that found no room ends the connection";
    EXPECT_EQ(g.errors(engineio::errc::out_of_memory), 1U);
    for (const auto client : clients) g.w.drop(client);
    g.w.drop(body);
    g.w.drop(sends);
    g.w.drop(last);
    EXPECT_EQ(g.w.loop.budget().used(), 0U);
}

TEST(memory_socketio, the_recovery_log_counts_and_gives_way) {
    options chosen;
    chosen.connection_state_recovery.emplace();
    chosen.engine.ping_interval = 1h;
    guarded g(chosen);
    g.w.start();
    sio_world::peer client{};
    g.w.connect(client);
    const std::uint64_t before = g.w.loop.budget().used();
    g.w.server.to("nobody").emit("said", std::string(mib, 'x'));
    g.w.run();
    EXPECT_GT(g.w.loop.budget().used(), before + mib);
    g.w.pass(3min);
    EXPECT_EQ(g.w.loop.budget().used(), before) << "nobody can miss it any more";
    for (int i = 0; i < 9; ++i) {
        g.w.server.to("nobody").emit("said", std::string(mib, 'x'));
        g.w.pass(50ms);
    }
    EXPECT_FALSE(g.account.exceeded()) << "16 MiB of max_bytes are four times the limit";
    EXPECT_GT(g.w.loop.budget().used(), 2 * mib) << "no more than must";
    EXPECT_FALSE(g.w.ended(client));
    g.w.server.emit("said", "still here");
    g.w.run();
    EXPECT_EQ(g.w.packets(client).size(), 1U);
}

TEST(memory_socketio, rooms_of_those_who_left_count_and_are_bounded) {
    options chosen;
    chosen.connection_state_recovery.emplace().max_bytes = 128 * 1024;
    guarded g(chosen);
    g.w.server.on_connect([](socket& s) {
        for (int i = 0; i < 200; ++i) s.join(std::to_string(i) + std::string(200, 'r'));
    });
    g.w.start();
    const std::uint64_t before = g.w.loop.budget().used();
    for (int i = 0; i < 10; ++i) {
        sio_world::peer client{};
        g.w.connect(client);
        g.w.drop(client);
    }
    const std::uint64_t kept = g.w.loop.budget().used() - before;
    EXPECT_GT(kept, 64 * 1024U);
    EXPECT_LE(kept, 128 * 1024U);
    g.w.pass(3min);
    EXPECT_EQ(g.w.loop.budget().used(), before);
}

}  // namespace
}  // namespace weft::socketio::test
