// The memory limit and Socket.IO, on one loop of the sim backend: what waits for polls counts, and
// goes when it is too much.

#include "server/memory_guard.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "unit/socketio/sio_world.hpp"

namespace weft::socketio::test {
namespace {

constexpr std::size_t mib = 1024 * 1024;

/// A server with a limit of 4 MiB.
struct guarded {
    explicit guarded(options chosen = {}) : w(std::move(chosen)) {
        guard = std::make_unique<memory_guard>(w.loop, account);
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

}  // namespace
}  // namespace weft::socketio::test
