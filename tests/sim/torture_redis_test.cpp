// Torture of the clients of Redis: whatever goes wrong, each command that was taken is answered
// once, and when the server is well again, so is the client, with all its subscriptions.

#include "cluster/redis/proto/command_writer.hpp"
#include "cluster/redis/proto/reply_reader.hpp"
#include "cluster/redis/router.hpp"
#include "sim/torture.hpp"

namespace weft::test {
namespace {

using namespace cluster::redis;
using cluster::redis_options;

/// Plays all servers: a Sentinel at 6000, nodes (or a master) from 7000 on.
class redis_peers {
public:
    explicit redis_peers(torture_world& w) : w_(w) {
        for (const std::uint16_t port : ports) w.sim.serve_port(port);
    }
    redis_peers(const redis_peers&) = delete;
    redis_peers& operator=(const redis_peers&) = delete;
    ~redis_peers() {
        for (const std::uint16_t port : ports) w_.sim.close_port(port);
    }

    /// Answers until nothing is asked any more.
    void run() {
        for (int i = 0; i < 20; ++i) {
            w_.run();
            const allocations::watch off(false);
            if (!answer_all()) break;
        }
    }
    void publish(const std::string& channel) {
        for (auto& [peer, one] : open_) {
            if (one.channels.count(channel) == 0) continue;
            const std::array<std::string_view, 3> words{"smessage", channel, "hi"};
            std::string message;
            append_command(message, words);
            message[0] = '>';
            w_.sim.peer_send(peer, message);
        }
        run();
    }
    void reset_all() {
        for (auto& [peer, one] : open_) w_.sim.peer_reset(peer);
        open_.clear();
        w_.run();
    }
    /// The slot of "foo" moves to the other node.
    void move_slot() {
        owner_ = owner_ == 7000 ? 7001 : 7000;
        for (auto& [peer, one] : open_) {
            for (const std::string& channel : std::exchange(one.channels, {})) {
                w_.sim.peer_send(peer, confirmed("sunsubscribe", channel));
            }
        }
        run();
    }

private:
    static constexpr std::array<std::uint16_t, 3> ports{6000, 7000, 7001};
    struct connection {
        std::uint16_t port;
        reply_reader reader{{}};
        std::set<std::string> channels{};
    };

    static std::string confirmed(std::string_view kind, std::string_view channel) {
        return ">3\r\n$" + std::to_string(kind.size()) + "\r\n" + std::string(kind) + "\r\n$" +
               std::to_string(channel.size()) + "\r\n" + std::string(channel) + "\r\n:1\r\n";
    }
    bool answer_all() {
        bool asked = false;
        for (const std::uint16_t port : ports) {
            for (const auto peer : w_.sim.taken_connections(port)) open_.try_emplace(peer, port);
        }
        for (auto& [peer, one] : open_) {
            const std::string said = w_.sim.peer_take(peer);
            std::string_view left = said;
            std::string out;
            while (!left.empty()) {
                const auto [status, consumed] = one.reader.feed(left);
                EXPECT_NE(status, reply_status::failed);
                if (status == reply_status::failed) break;
                left.remove_prefix(consumed);
                if (status == reply_status::complete) out += answer(one, one.reader.reply());
            }
            if (out.empty()) continue;
            asked = true;
            w_.sim.peer_send(peer, out);
        }
        return asked;
    }
    std::string answer(connection& one, const reply_view& command) {
        std::vector<std::string> words;
        for (const reply_view word : command) words.emplace_back(word.text());
        const std::string& verb = words.at(0);
        const std::string moved = "-MOVED 12182 127.0.0.1:" + std::to_string(owner_) + "\r\n";
        if (verb == "HELLO") return "%0\r\n";
        if (verb == "ROLE") return "*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n";
        if (verb == "SENTINEL") return "*2\r\n$9\r\n127.0.0.1\r\n$4\r\n7000\r\n";
        if (verb == "CLUSTER") {
            return "*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n$9\r\n127.0.0.1\r\n:" +
                   std::to_string(owner_) + "\r\n";
        }
        if (verb == "SSUBSCRIBE" || verb == "GET") {
            if (one.port != owner_) return moved;
        }
        if (verb == "GET") return "$5\r\nvalue\r\n";
        std::string out;
        const bool adds = verb == "SSUBSCRIBE";
        if (adds || verb == "SUNSUBSCRIBE") {
            for (std::size_t i = 1; i < words.size(); ++i) {
                out += confirmed(adds ? "ssubscribe" : "sunsubscribe", words[i]);
                if (adds) {
                    one.channels.insert(words[i]);
                } else {
                    one.channels.erase(words[i]);
                }
            }
            return out;
        }
        return "+OK\r\n";
    }

    torture_world& w_;
    std::uint16_t owner_ = 7000;
    std::map<net::sim_backend::peer, connection> open_;
};

class redis_user {
public:
    redis_user(torture_world& w, redis_options options) : w_(w), peers_(w) {
        const allocations::watch off(false);
        routing_ = std::make_unique<router>(w.loop.ref(), std::move(options));
    }
    redis_user(const redis_user&) = delete;
    redis_user& operator=(const redis_user&) = delete;
    /// The world is well again: so are we.
    ~redis_user() {
        const bool watched = std::exchange(w_.watching, false);
        w_.sim.fail_operation(SIZE_MAX, std::errc::io_error);
        if (!started_) started_ = static_cast<bool>(routing_->start());
        subscribe();
        for (int i = 0; i < 12; ++i) {
            w_.pass(1s);
            peers_.run();
        }
        EXPECT_TRUE(routing_->is_open());
        const int before = heard_;
        peers_.publish("foo");
        EXPECT_EQ(heard_, before + 1) << "the subscription is in place, once";
        EXPECT_EQ(begun_, ended_) << "gaps";
        get();
        peers_.run();
        EXPECT_EQ(answers_, asked_);
        routing_.reset();
        w_.run();
        EXPECT_EQ(answers_, asked_);
        w_.watching = watched;
    }

    void start() {
        w_.call([this] {
            routing_->on_gap([this](cluster::gap which) {
                ++(which == cluster::gap::begins ? begun_ : ended_);
            });
            started_ = static_cast<bool>(routing_->start());
        });
        peers_.run();
    }
    void subscribe() {
        if (subscribed_ || !started_) return;
        w_.call([this] {
            subscribed_ = static_cast<bool>(
                routing_->subscribe(channel_kind::shard, "foo",
                                    [this](std::string_view, std::string_view) { ++heard_; }));
        });
        peers_.run();
    }
    void get() {
        w_.call([this] {
            if (routing_->command("foo", {"GET", "foo"},
                                  [this](const result<reply_view>&) { ++answers_; })) {
                ++asked_;
            }
        });
        peers_.run();
    }
    void pass(duration time) {
        w_.pass(time);
        peers_.run();
    }
    redis_peers& peers() noexcept { return peers_; }
    void live() {
        start();
        subscribe();
        get();
        peers_.publish("foo");
        pass(1s);
        peers_.reset_all();
        get();
        pass(1s);
        pass(1s);
    }

private:
    torture_world& w_;
    redis_peers peers_;
    std::unique_ptr<router> routing_;
    bool started_ = false, subscribed_ = false;
    int asked_ = 0, answers_ = 0, heard_ = 0, begun_ = 0, ended_ = 0;
};

const scenario scenarios[] = {
    {"a client of Redis",
     [](torture_world& w) {
         redis_user user(w, {.port = 7000});
         user.live();
     }},
    {"a client of the master that Sentinel names",
     [](torture_world& w) {
         redis_user user(w, {.sentinels = {{"127.0.0.1", 6000}}, .master_name = "main"});
         user.live();
     }},
    {"a client of a Redis Cluster",
     [](torture_world& w) {
         redis_user user(w, {.cluster_nodes = {{"127.0.0.1", 7000}, {"127.0.0.1", 7001}}});
         user.live();
         user.peers().move_slot();
         user.get();
         user.pass(1s);
     }},
};

class redis_torture : public ::testing::TestWithParam<scenario> {};

TEST_P(redis_torture, answers_all_and_comes_back) {
    torture(GetParam()).run();
}

INSTANTIATE_TEST_SUITE_P(of, redis_torture, ::testing::ValuesIn(scenarios), name_of);

}  // namespace
}  // namespace weft::test
