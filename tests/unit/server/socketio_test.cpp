// Socket.IO on several loops, and clients on threads of their own: what is said on one loop reaches
// the sockets of all in order, and what any thread asks for is done where the socket lives. Real
// sockets: the kernel chooses the loop of each connection.

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <weft/socketio/client_thread.hpp>
#include <weft/socketio/server.hpp>

#include "unit/server/server_world.hpp"

namespace weft::test {
namespace {

using namespace socketio;
using said = std::pair<int, int>;  // who, what

constexpr int people = 6;

/// Three loops, one server, and the people that have joined it.
class crowd {
public:
    crowd() : below_(with_threads(3)), io(below_) {
        io.on_connect([this](socketio::socket& s) {
            s.join("all");
            names.put(s.ref());
        });
        io.on_disconnect(
            [this](socketio::socket& s, disconnect_reason) { left.put(std::string(s.id())); });
    }
    ~crowd() { clients.clear(); }

    void start() {
        const auto port = below_.listen(loopback());
        ASSERT_TRUE(port) << port.error().message();
        url_ = "http://127.0.0.1:" + std::to_string(*port);
        run_ = std::make_unique<running>(below_);
    }
    /// A client; every second one begins with polling, and upgrades while others speak.
    std::unique_ptr<client_thread> make(int who) {
        client_options chosen{.url = url_};
        if (who % 2 == 0) chosen.transports = {engineio::transport_kind::websocket};
        auto made = client_thread::make(chosen, [this, who](socketio::client& c) {
            c.socket().on("said", [this, who](int by, int what) { heard[who].put({by, what}); });
            c.socket().on("ask", [who] { return who; });
            c.socket().on_disconnect(
                [this, who](client_socket&, const client_disconnect&) { sent_away.put(who); });
        });
        EXPECT_TRUE(made);
        return made ? std::move(*made) : nullptr;
    }
    void gather() {
        for (int who = 0; who < people; ++who) clients.push_back(make(who));
        names.wait_for(people);
    }

private:
    weft::server below_;
    std::string url_;

public:
    socketio::server io;
    inbox<socket_ref> names;
    inbox<std::string> left;
    inbox<said> heard[people];
    inbox<int> sent_away;
    std::vector<std::unique_ptr<client_thread>> clients;

private:
    std::unique_ptr<running> run_;
};

TEST(server_socketio, everybody_hears_everybody_in_order) {
    constexpr int words = 40;
    crowd all;
    inbox<int> acknowledged;
    all.io.on("say", [&](int who, int what) {
        all.io.to("all").emit("said", who, what);
        return what;
    });
    all.start();
    all.gather();
    for (int what = 0; what < words; ++what) {
        for (int who = 0; who < people; ++who) {
            all.clients[static_cast<std::size_t>(who)]->emit_with_ack<int>(
                "say", who, what,
                [&](result<int> answer) { acknowledged.put(answer ? *answer : -1); });
        }
        all.io.to("all").emit("said", people, what);  // from a thread that runs no loop
    }
    const auto answers = acknowledged.wait_for(people * words);
    EXPECT_EQ(std::count(answers.begin(), answers.end(), -1), 0);
    for (auto& each : all.heard) {
        std::map<int, int> next;
        for (const auto& [who, what] : each.wait_for((people + 1) * words))
            EXPECT_EQ(what, next[who]++) << who;
        for (int who = 0; who <= people; ++who) EXPECT_EQ(next[who], words);
    }
}

TEST(server_socketio, any_thread_reaches_the_sockets_of_all_loops) {
    crowd all;
    all.start();
    all.gather();
    const auto names = all.names.wait_for(people);

    inbox<int> joined;
    for (const socket_ref& name : names) {
        name.with([&](socketio::socket& s) { joined.put(s.join("few") ? 1 : 0); });
        EXPECT_EQ(name.emit("said", -1, 7), send_status::queued);
    }
    joined.wait_for(people);
    for (auto& each : all.heard) EXPECT_EQ(each.wait_for(1)[0], said(-1, 7));

    const auto found = [&] {
        inbox<std::vector<std::string>> told;
        all.io.in("few").fetch_sockets([&](const fetched_sockets& some) {
            std::vector<std::string> ids;
            for (const remote_socket& one : some.sockets) ids.push_back(one.id);
            std::sort(ids.begin(), ids.end());
            told.put(std::move(ids));
        });
        return told.wait_for(1)[0];
    };
    std::vector<std::string> ids;
    for (const socket_ref& name : names) ids.emplace_back(name.id());
    std::sort(ids.begin(), ids.end());
    EXPECT_EQ(found(), ids);

    inbox<std::size_t> counted;
    all.io.in("few").count_sockets([&](std::size_t count) { counted.put(count); });
    EXPECT_EQ(counted.wait_for(1)[0], ids.size());
    inbox<std::string> visited;
    all.io.visit_sockets([&](socketio::socket& s) { visited.put(std::string(s.id())); });
    auto seen = visited.wait_for(ids.size());
    std::sort(seen.begin(), seen.end());
    EXPECT_EQ(seen, ids);

    inbox<int> sums;
    all.io.in("few").timeout(10s).emit_with_ack<int>("ask", [&](broadcast_replies<int> replies) {
        int sum = 0;
        for (const auto& one : replies.answers) sum += one ? *one : 1000;
        sums.put(sum + 1000 * static_cast<int>(replies.missing));
    });
    EXPECT_EQ(sums.wait_for(1)[0], people * (people - 1) / 2);

    all.io.in(names[0].id()).in(names[1].id()).disconnect_sockets(disconnect_scope::this_namespace);
    names[2].disconnect();
    all.left.wait_for(3);
    all.sent_away.wait_for(3);
    EXPECT_EQ(all.io.sockets_count(), static_cast<std::size_t>(people) - 3);
}

TEST(server_socketio, clients_come_and_go_while_others_speak) {
    constexpr std::size_t rounds = 12;
    crowd all;
    all.start();
    std::atomic<bool> over = false;
    std::thread speaker([&] {
        for (int what = 0; !over; ++what) {
            all.io.to("all").emit("said", -1, what);
            std::this_thread::yield();
        }
    });
    for (std::size_t round = 1; round <= rounds; ++round) {
        auto first = all.make(0), second = all.make(1), third = all.make(2);
        all.names.wait_for(2 * round);
        first.reset();
        second.reset();
    }
    // The third may have come in time or not; whoever came leaves, once.
    const auto left = all.left.wait_for(2 * rounds);
    over = true;
    speaker.join();
    EXPECT_EQ(std::set<std::string>(left.begin(), left.end()).size(), left.size());
}

}  // namespace
}  // namespace weft::test
