// Two servers of a cluster over a real redis-server, and clients of both that enter rooms, leave
// them and speak, as a seed has it. A model knows who must hear what: each member of a room once,
// and in its order, whatever one speaker says; nobody whom the server told that it is out.
//
// Rounds: at the end of each, everyone says a last word to everyone. Who has heard those has heard
// all that came before them. WEFT_SEED=n plays another story, WEFT_DELIVERIES=n a longer one.

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <memory>
#include <numeric>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <weft/net/loop.hpp>
#include <weft/socketio/client.hpp>
#include <weft/socketio/server.hpp>

#include "unit/cluster/redis_process.hpp"
#include "unit/server/server_world.hpp"

namespace weft::test {
namespace {

using cluster::adapter_kind;

constexpr std::array spaces{"/", "/chat"};
constexpr std::size_t servers = 2, people_per_server = 40, people = servers * people_per_server;
constexpr std::size_t rooms = 8, everyone = rooms;  // the latter is a whole namespace
constexpr int actions_per_round = 20;

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
    const char* const text = std::getenv(name);  // NOLINT(concurrency-mt-unsafe)
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

std::string name_of_room(std::size_t room) {
    return "room " + std::to_string(room);
}

/// A server of the cluster on its own threads.
class node {
public:
    node(std::uint16_t redis, adapter_kind kind, unsigned threads)
        : server_(chosen(redis, kind, threads)), io_(server_, chosen(kind)) {
        for (const char* name : spaces) serve(io_.of(name));
        const auto port = server_.listen(loopback());
        EXPECT_TRUE(port) << port.error().message();
        url_ = "http://127.0.0.1:" + std::to_string(*port);
        running_.emplace(server_);
    }
    [[nodiscard]] const std::string& url() const { return url_; }
    [[nodiscard]] std::string metrics() const { return server_.metrics_text(); }

private:
    static server_options chosen(std::uint16_t redis, adapter_kind kind, unsigned threads) {
        server_options o;
        o.threads = threads;
        o.cluster.emplace();
        o.cluster->redis.port = redis;
        o.cluster->adapter = kind;
        return o;
    }
    static socketio::options chosen(adapter_kind kind) {
        socketio::options o;
        if (kind == adapter_kind::streams) o.connection_state_recovery.emplace();
        return o;
    }
    static void serve(socketio::space& in) {
        in.on("enter", [](socketio::socket& s, std::size_t room) {
            s.join(name_of_room(room));
            return true;
        });
        in.on("leave", [](socketio::socket& s, std::size_t room) {
            s.leave(name_of_room(room));
            return true;
        });
        in.on("say", [&in](std::size_t speaker, std::uint64_t number, std::size_t room, int round) {
            if (room == everyone) {
                in.emit("said", speaker, number, room, round);
            } else {
                in.to(name_of_room(room)).emit("said", speaker, number, room, round);
            }
            return true;
        });
    }

    weft::server server_;
    socketio::server io_;
    std::string url_;
    std::optional<running> running_;
};

/// What the model knows of a client and a room. What was said to it since the server confirmed
/// that it is in must come, until it asks to leave.
struct membership {
    enum class state : std::uint8_t { out, entering, in, leaving };
    state now = state::out;
    unsigned farewells = 0;
};

/// Something that one client is to hear from one speaker.
struct due_event {
    std::uint64_t number;
    std::size_t room;
    unsigned farewells;  // it is not due any more when there were more of them
};

struct person {
    std::size_t space = 0;
    bool stays = false;
    std::unique_ptr<socketio::client> client;
    std::array<membership, rooms> in{};
    std::uint64_t said = 0, last_word = 0;
    std::array<std::deque<due_event>, people> due;  // by speaker
    std::array<std::uint64_t, people> heard{};      // the newest of each speaker
    std::uint64_t order = 0;                        // of what was said to the namespace; a hash

    [[nodiscard]] bool must_hear(const due_event& what) const {
        return what.room == everyone || in[what.room].farewells == what.farewells;
    }
};

class story {
public:
    explicit story(std::uint64_t seed) : random_(seed), loop_(loop::make()), people_(people) {
        EXPECT_TRUE(loop_);
        EXPECT_TRUE((*loop_)->start());
    }
    ~story() {
        people_.clear();
        (*loop_)->turn();
        (*loop_)->finish();
    }

    /// One of each namespace on each server is in all rooms and stays there, so that no server has
    /// to begin to listen to a room while somebody speaks.
    void connect(const std::array<std::string, servers>& urls) {
        for (std::size_t i = 0; i < people; ++i) {
            person& p = people_[i];
            p.space = i / servers % spaces.size();
            p.stays = i < servers * spaces.size();
            p.client = std::make_unique<socketio::client>(
                (*loop_)->ref(),
                socketio::client_options{.url = urls[i % servers] + spaces[p.space],
                                         .transports = {engineio::transport_kind::websocket}});
            auto& socket = p.client->socket();
            socket.on("said", [this, i](std::size_t speaker, std::uint64_t number, std::size_t room,
                                        int round) { hear(i, speaker, number, room, round); });
            ++asked_;
            socket.on_connect([this](socketio::client_socket&) { --asked_; });
            socket.on_disconnect(
                [this](socketio::client_socket&, const socketio::client_disconnect& how) {
                    broken("disconnected: " + how.why.message());
                });
        }
        await([&] { return asked_ == 0; });
        for (std::size_t i = 0; i < people; ++i) {
            if (!people_[i].stays) continue;
            for (std::size_t room = 0; room < rooms; ++room) move(i, room);
        }
        await([&] { return asked_ == 0; });
    }

    /// Everyone does something, some times over; then all that was said has come.
    void play_round(bool in_one_order) {
        ++round_;
        std::vector<std::size_t> all(people);
        std::iota(all.begin(), all.end(), 0U);
        for (int n = 0; n < actions_per_round; ++n) {
            std::shuffle(all.begin(), all.end(), random_);
            for (const std::size_t who : all) act(who);
        }
        last_words_ = 0;
        for (std::size_t i = 0; i < people; ++i) {
            people_[i].last_word = people_[i].said + 1;
            say(i, everyone);
        }
        await([&] { return asked_ == 0 && last_words_ == people * people / spaces.size(); });
        for (std::size_t i = 0; in_one_order && i < people; ++i) {
            const auto first = std::find_if(people_.begin(), people_.end(), [&](const person& p) {
                return p.space == people_[i].space;
            });
            if (people_[i].order != first->order) broken(i, "heard all in another order");
        }
    }

    [[nodiscard]] bool holds() const { return faults_.empty(); }
    [[nodiscard]] const std::vector<std::string>& faults() const { return faults_; }
    [[nodiscard]] std::uint64_t deliveries() const { return deliveries_; }
    [[nodiscard]] std::uint64_t moves() const { return moves_; }
    [[nodiscard]] int rounds() const { return round_; }

private:
    using state = membership::state;

    std::size_t draw(std::size_t below) { return random_() % below; }

    void act(std::size_t who) {
        const std::size_t what = draw(10), room = draw(rooms), pause = draw(4);
        if (what == 0) {
            say(who, everyone);
        } else if (what < 4) {
            if (!people_[who].stays) move(who, room);
        } else {
            say(who, room);
        }
        if (pause == 0) (*loop_)->turn();
    }

    /// Into a room, or out of it.
    void move(std::size_t who, std::size_t room) {
        membership& there = people_[who].in[room];
        if (there.now != state::in && there.now != state::out) return;
        const bool enters = there.now == state::out;
        if (!enters) ++there.farewells;
        there.now = enters ? state::entering : state::leaving;
        ++moves_;
        ask(
            who, enters ? "enter" : "leave",
            [this, who, room, enters] {
                people_[who].in[room].now = enters ? state::in : state::out;
            },
            room);
    }

    void say(std::size_t who, std::size_t room) {
        const std::uint64_t number = ++people_[who].said;
        for (person& p : people_) {
            if (p.space != people_[who].space) continue;
            if (room == everyone || p.in[room].now == state::in)
                p.due[who].push_back({number, room, room == everyone ? 0 : p.in[room].farewells});
        }
        ask(
            who, "say", [] {}, who, number, room, round_);
    }

    template <class Done, class... Args>
    void ask(std::size_t who, std::string_view event, Done done, const Args&... args) {
        ++asked_;
        people_[who].client->socket().emit_with_ack<bool>(
            event, args..., [this, who, done = std::move(done)](result<bool> answer) mutable {
                --asked_;
                if (!answer) return broken(who, "was not answered: " + answer.error().message());
                done();
            });
    }

    void hear(std::size_t who, std::size_t speaker, std::uint64_t number, std::size_t room,
              int round) {
        person& p = people_[who];
        ++deliveries_;
        const auto what = [&](std::uint64_t n, std::size_t to) {
            return std::to_string(n) + " of " + std::to_string(speaker) + ", to " +
                   (to == everyone ? "everyone" : name_of_room(to));
        };
        if (round != round_) broken(who, "heard late: " + what(number, room));
        if (people_[speaker].space != p.space) broken(who, "is in another namespace");
        if (number <= p.heard[speaker])
            broken(who, "heard twice, or out of order: " + what(number, room));
        if (room != everyone && p.in[room].now == state::out)
            broken(who, "is not in the room: " + what(number, room));
        p.heard[speaker] = std::max(number, p.heard[speaker]);
        auto& due = p.due[speaker];
        for (; !due.empty() && due.front().number < number; due.pop_front()) {
            if (p.must_hear(due.front()))
                broken(who, "did not hear " + what(due.front().number, due.front().room));
        }
        if (!due.empty() && due.front().number == number) due.pop_front();
        if (room == everyone) p.order = (p.order ^ (speaker << 40U ^ number)) * 0x100000001B3U;
        if (number == people_[speaker].last_word) ++last_words_;
    }

    void broken(std::size_t who, const std::string& what) {
        broken("client " + std::to_string(who) + " " + what);
    }
    void broken(const std::string& what) {
        if (faults_.size() < 10) faults_.push_back("round " + std::to_string(round_) + ": " + what);
    }

    template <class F>
    void await(F there) {
        const auto end = later(steady_clock::now(), 20s);
        while (holds() && !there()) {
            (*loop_)->turn(20ms);
            if (steady_clock::now() > end)
                broken(std::to_string(asked_) + " answers did not come, and " +
                       std::to_string(last_words_) + " last words came");
        }
    }

    std::mt19937_64 random_;
    result<std::unique_ptr<loop>> loop_;
    std::vector<person> people_;
    std::vector<std::string> faults_;
    std::uint64_t deliveries_ = 0, moves_ = 0;
    std::size_t asked_ = 0, last_words_ = 0;
    int round_ = 0;
};

class cluster_model : public testing::TestWithParam<adapter_kind> {
protected:
    void SetUp() override {
        if (!cluster::redis::has_redis_7()) GTEST_SKIP() << "no redis-server of version 7";
        redis_.start(port, "");
        await_reply("PING", "+PONG");
    }
    /// Asks Redis until it says so.
    void await_reply(const std::string& command, std::string_view wanted) {
        std::string reply;
        const auto end = later(steady_clock::now(), 10s);
        while (reply.find(wanted) == std::string::npos && steady_clock::now() < end) {
            client asking(port);
            asking.send(command + "\r\nQUIT\r\n");
            reply = asking.rest();
        }
        ASSERT_THAT(reply, testing::HasSubstr(wanted)) << command;
    }
    /// Until the servers are a cluster.
    void await_cluster() {
        const std::string both = ":" + std::to_string(servers) + "\r\n";
        if (GetParam() == adapter_kind::streams)
            return await_reply("INFO clients", "blocked_clients:" + std::to_string(servers));
        const std::string count =
            GetParam() == adapter_kind::sharded ? "PUBSUB SHARDNUMSUB " : "PUBSUB NUMSUB ";
        for (const std::string space : spaces) {
            await_reply(count + "socket.io#" + space + "#", both);
            for (std::size_t room = 0; room < rooms; ++room)
                await_reply(count + "\"socket.io#" + space + "#" + name_of_room(room) + "#\"",
                            both);
        }
    }

    std::uint16_t port = cluster::redis::free_port();

private:
    cluster::redis::redis_process redis_;
};

TEST_P(cluster_model, who_is_in_a_room_hears_all_that_is_said_there_once_and_nobody_else_does) {
    const std::uint64_t seed = from_environment("WEFT_SEED", 1);
    const std::uint64_t wanted = from_environment("WEFT_DELIVERIES", 150'000);
    const auto began = steady_clock::now();
    const node a(port, GetParam(), 1), b(port, GetParam(), 2);
    story told(seed);
    told.connect({a.url(), b.url()});
    await_cluster();
    while (told.holds() && told.deliveries() < wanted)
        told.play_round(GetParam() == adapter_kind::streams);
    EXPECT_THAT(told.faults(), testing::IsEmpty()) << "WEFT_SEED=" << seed;
    for (const node* one : {&a, &b}) {
        EXPECT_THAT(one->metrics(), testing::HasSubstr("weft_cluster_ignored_total 0"));
        EXPECT_THAT(one->metrics(), testing::HasSubstr("weft_cluster_gaps_total 0"));
        EXPECT_THAT(one->metrics(), testing::HasSubstr("weft_cluster_dropped_total 0"));
    }
    const auto took =
        std::chrono::duration_cast<std::chrono::milliseconds>(steady_clock::now() - began);
    std::printf("seed %llu: %llu deliveries and %llu moves in %d rounds, %lld ms\n",
                static_cast<unsigned long long>(seed),
                static_cast<unsigned long long>(told.deliveries()),
                static_cast<unsigned long long>(told.moves()), told.rounds(),
                static_cast<long long>(took.count()));
}

INSTANTIATE_TEST_SUITE_P(, cluster_model,
                         testing::Values(adapter_kind::classic, adapter_kind::sharded,
                                         adapter_kind::streams),
                         [](const auto& each) {
                             switch (each.param) {
                                 case adapter_kind::classic: return "classic";
                                 case adapter_kind::sharded: return "sharded";
                                 default: return "streams";
                             }
                         });

}  // namespace
}  // namespace weft::test
