// Torture of nodes that carry each other's sessions: whatever goes wrong, it costs the requests
// that are carried then, and when Redis and the other node are well again, so is the carrying.

#include <algorithm>
#include <map>

#include "cluster/nodes/carrier.hpp"
#include "cluster/redis/proto/reply_reader.hpp"
#include "sim/torture.hpp"

namespace weft::test {
namespace {

using namespace cluster::nodes;
namespace redis = cluster::redis;

constexpr std::string_view secret = "a secret that all nodes know";
constexpr std::string_view other_sid = "0123456789abcdefNODE";

std::string frame_of(frame_type type, std::uint32_t stream, std::string_view payload = {}) {
    std::string out;
    append_frame(out, type, stream, payload);
    return out;
}

std::string proof_of(side who, const hello_facts& hello, const nonce& owner) {
    const auto proof = shared_secret(std::string(secret)).sign(proof_text(who, hello, owner));
    return {proof->data(), proof->size()};
}

/// A node, and all that it deals with: Redis at 7000, which knows one other node, that at 6001,
/// and one that connects to 7777. Requests for /carry are about a session of the other, or about
/// the one that their query is.
class nodes_world {
public:
    explicit nodes_world(torture_world& w) : w_(w) {
        const allocations::watch off(false);
        w.sim.serve_port(redis_port);
        w.sim.serve_port(node_port);
        cluster::options chosen;
        chosen.redis.port = redis_port;
        chosen.nodes.emplace().secret = secret;
        chosen.nodes->port = own_port;
        link_ = std::make_shared<cluster::link>(chosen, nullptr);
        carrier_ = std::make_shared<carrier>(
            link_, std::vector<net::loop_core*>{&w.loop},
            [&w](net::byte_stream& stream, bool) { return w.serve(stream); }, nullptr);
        w.at_end.emplace_back([by = carrier_] { by->shut_down(); });
        add_routes();
    }
    nodes_world(const nodes_world&) = delete;
    nodes_world& operator=(const nodes_world&) = delete;
    /// All others are gone.
    ~nodes_world() {
        w_.watching = false;
        w_.sim.fail_operation(SIZE_MAX, std::errc::io_error);
        for (const auto& [peer, one] : open_) w_.sim.peer_reset(peer);
        w_.sim.close_port(redis_port);
        w_.sim.close_port(node_port);
        w_.run();
    }

    bool start() {
        bool started = false;
        w_.call([&] {
            started = link_->join(w_.loop.ref()).has_value() && carrier_->start().has_value();
        });
        run();
        return started;
    }
    /// Answers until nothing is asked any more.
    void run() {
        for (int i = 0; i < 30; ++i) {
            w_.run();
            const allocations::watch off(false);
            if (!answer_all()) break;
        }
    }
    std::string ask(torture_world::peer client, const std::string& bytes) {
        w_.send(client, bytes);
        run();
        return w_.take(client);
    }
    [[nodiscard]] std::string tag() const {
        const auto own = carrier_->tag();
        return {own.data(), own.size()};
    }
    void pass(duration time) {
        w_.pass(time);
        run();
    }
    void drain() {
        w_.call([&] { carrier_->drain(); });
        run();
    }
    void reset_all() {
        for (const auto& [peer, one] : open_) w_.sim.peer_reset(peer);
        open_.clear();
        run();
    }
    [[nodiscard]] std::uint64_t refused(const std::string& why) const {
        std::uint64_t found = 0;
        carrier_->visit_metrics([&](const metric_sample& one) {
            if (one.labels == "reason=\"" + why + "\"") found = one.value;
        });
        return found;
    }
    bool answers = true;      // requests
    bool finds_nodes = true;  // Redis

    static constexpr std::uint16_t redis_port = 7000, node_port = 6001, own_port = 7777;

private:
    struct connection {
        std::uint16_t port;
        std::string text{};  // of the node
        hello_facts hello{};
        redis::reply_reader reader{{}};
    };

    void add_routes() {
        http::router& routes = static_cast<socketio::host&>(w_).routes();
        const std::weak_ptr<carrier> by = carrier_;
        const auto carry = [by](const http::request& asked, auto answer) {
            const auto self = by.lock();
            if (!self) return;
            const auto sid = asked.query().empty() ? other_sid : asked.query();
            self->carry(asked, sid, std::move(answer), [](auto unanswered) {
                if constexpr (std::is_same_v<decltype(unanswered), http::responder>)
                    (void)unanswered.send(http::response::text(400, "lost"));
            });
        };
        EXPECT_TRUE(routes.any("/carry", [carry](const http::request& asked, http::responder a) {
            carry(asked, std::move(a));
        }));
        EXPECT_TRUE(routes.upgrade("/carry", [carry](const http::request& asked, http::upgrade a) {
            carry(asked, std::move(a));
        }));
    }
    bool answer_all() {
        for (const std::uint16_t port : {redis_port, node_port}) {
            for (const auto peer : w_.sim.taken_connections(port)) open_.try_emplace(peer, port);
        }
        bool asked = false;
        for (auto& [peer, one] : open_) {
            const std::string said = w_.sim.peer_take(peer);
            const std::string out =
                one.port == redis_port ? answer_redis(one, said) : answer_node(one, said);
            if (out.empty()) continue;
            asked = true;
            w_.sim.peer_send(peer, out);
        }
        return asked;
    }
    std::string answer_redis(connection& one, std::string_view said) const {
        std::string out;
        while (!said.empty()) {
            const auto [status, consumed] = one.reader.feed(said);
            if (status == redis::reply_status::failed) break;
            said.remove_prefix(consumed);
            if (status != redis::reply_status::complete) continue;
            std::string verb;
            for (const redis::reply_view word : one.reader.reply()) {
                verb = word.text();
                break;
            }
            const std::string_view found = finds_nodes ? "$14\r\n127.0.0.1:6001\r\n" : "_\r\n";
            out += verb == "HELLO" ? "%0\r\n" : verb == "GET" ? found : "+OK\r\n";
        }
        return out;
    }
    std::string answer_node(connection& one, std::string_view said) const {
        one.text += said;
        std::string out;
        while (one.text.size() >= frame_header_size) {
            std::size_t size = 0;
            for (std::size_t i = 0; i < 4; ++i)
                size = size << 8U | static_cast<unsigned char>(one.text[i]);
            if (one.text.size() < frame_header_size + size) break;
            const auto id = static_cast<std::uint32_t>(static_cast<unsigned char>(one.text[8]));
            const auto type = static_cast<frame_type>(one.text[4]);
            out += answer_frame(one, type, id, one.text.substr(frame_header_size, size));
            one.text.erase(0, frame_header_size + size);
        }
        return out;
    }
    std::string answer_frame(connection& one, frame_type type, std::uint32_t id,
                             const std::string& payload) const {
        const nonce mine{};
        switch (type) {
            case frame_type::hello:
                (void)read_hello(payload, one.hello);
                return frame_of(frame_type::challenge, 0, {mine.data(), mine.size()});
            case frame_type::proof:
                return frame_of(frame_type::welcome, 0, proof_of(side::owner, one.hello, mine));
            case frame_type::ping: return frame_of(frame_type::pong, 0);
            case frame_type::end: return frame_of(frame_type::end, id);
            case frame_type::data: break;
            default: return "";
        }
        if (payload.find("Upgrade: websocket") != payload.npos)
            return frame_of(frame_type::data, id,
                            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                            "Connection: Upgrade\r\n\r\nwelcome");
        if (!answers) return "";
        if (payload.find("\r\n\r\n") != payload.npos)
            return frame_of(
                frame_type::data, id,
                "HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n\r\ncarried");
        return frame_of(frame_type::data, id, payload);  // what came behind an upgrade
    }

    torture_world& w_;
    std::shared_ptr<cluster::link> link_;
    std::shared_ptr<carrier> carrier_;
    std::map<net::sim_backend::peer, connection> open_;
};

/// What a node gets that asks this one, without what keeps the connection.
std::string greet(torture_world& w, nodes_world& nodes, torture_world::peer asker) {
    hello_facts hello;
    hello.asker = {'P', 'L', 'A', 'Y'};
    std::copy_n(nodes.tag().data(), hello.owner.size(), hello.owner.begin());
    const std::string challenge =
        nodes.ask(asker, frame_of(frame_type::hello, 0, write_hello(hello)));
    if (challenge.size() < frame_header_size + challenge_size) return "";
    nonce theirs{};
    std::copy_n(challenge.data() + frame_header_size, theirs.size(), theirs.begin());
    (void)w;
    return nodes.ask(asker, frame_of(frame_type::proof, 0, proof_of(side::asker, hello, theirs)));
}

std::string ask_other_node(torture_world& w) {
    nodes_world nodes(w);
    if (!nodes.start()) return "";
    const auto client = w.connect();
    std::string got = nodes.ask(client, torture_world::get("/carry"));
    got += nodes.ask(client, torture_world::post("/carry", "a body"));
    const auto gone = w.connect();
    w.send(gone, torture_world::get("/carry"));
    w.sim.peer_reset(gone);
    nodes.run();
    const auto upgraded = w.connect();
    got += nodes.ask(upgraded, torture_world::upgrade("/carry"));
    got += nodes.ask(upgraded, "and back");
    nodes.pass(4s);  // the name is told again, the connection is looked at
    w.sim.peer_end(upgraded);
    nodes.run();
    return got;
}

std::string serve_other_node(torture_world& w) {
    nodes_world nodes(w);
    if (!nodes.start()) return "";
    const auto asker = w.connect("127.0.0.1", nodes_world::own_port);
    if (asker < 0) return "";
    (void)greet(w, nodes, asker);
    const std::string opening =
        write_stream_facts({"192.0.2.1", 4711, false, false, std::string(other_sid)});
    std::string got =
        nodes.ask(asker, frame_of(frame_type::open, 1, opening) +
                             frame_of(frame_type::data, 1, torture_world::get("/hello/you")));
    got += nodes.ask(asker, frame_of(frame_type::end, 1) + frame_of(frame_type::open, 2, opening) +
                                frame_of(frame_type::data, 2, torture_world::upgrade("/ws")));
    got += nodes.ask(asker, frame_of(frame_type::data, 2, text_frame("echo this")));
    got += nodes.ask(
        asker, frame_of(frame_type::data, 2, close_frame(1000)) + frame_of(frame_type::end, 2));
    (void)nodes.ask(asker, frame_of(frame_type::open, 3, opening) +
                               frame_of(frame_type::data, 3, torture_world::get("/later")) +
                               frame_of(frame_type::reset, 3));
    w.sim.peer_reset(asker);
    nodes.run();
    return got;
}

/// The other node goes, comes back, and then this one goes.
std::string lose_other_node(torture_world& w) {
    nodes_world nodes(w);
    if (!nodes.start()) return "";
    const auto upgraded = w.connect();
    (void)nodes.ask(upgraded, torture_world::upgrade("/carry"));
    nodes.answers = false;
    std::string got;
    const auto waits = w.connect();
    w.send(waits, torture_world::get("/carry"));
    nodes.run();
    nodes.reset_all();
    got += w.take(waits);
    nodes.pass(2s);
    const auto again = w.connect(), too = w.connect();
    w.send(again, torture_world::get("/carry"));
    (void)nodes.ask(too, torture_world::upgrade("/carry"));
    nodes.drain();
    got += w.take(again);
    got += nodes.ask(w.connect(), torture_world::get("/carry"));
    return got;
}

const scenario scenarios[] = {
    {"a node that goes", [](torture_world& w) { (void)lose_other_node(w); }},
    {"requests to another node", [](torture_world& w) { (void)ask_other_node(w); }},
    {"requests of another node", [](torture_world& w) { (void)serve_other_node(w); }},
};

class nodes_torture : public ::testing::TestWithParam<scenario> {};

TEST_P(nodes_torture, costs_what_is_carried_and_nothing_else) {
    torture(GetParam()).run();
}

INSTANTIATE_TEST_SUITE_P(of, nodes_torture, ::testing::ValuesIn(scenarios), name_of);

TEST(nodes_torture, sec_p13_so_many_nodes_are_remembered_and_no_more) {
    torture_world w(nullptr);
    nodes_world nodes(w);
    ASSERT_TRUE(nodes.start());
    nodes.finds_nodes = false;
    constexpr int most = 4096;
    for (int i = 0; i <= most; ++i)
        w.sim.peer_send(w.connect(),
                        torture_world::get("/carry?0123456789abcdef" + std::to_string(1000 + i)));
    nodes.run();
    EXPECT_EQ(nodes.refused("unknown_node"), 4096U);
    EXPECT_EQ(nodes.refused("limit"), 1U);
    nodes.pass(1s);
    nodes.finds_nodes = true;
    EXPECT_NE(nodes.ask(w.connect(), torture_world::get("/carry")).find("carried"),
              std::string::npos)
        << "they are forgotten";
}

TEST(nodes_torture, carries_what_is_asked_when_nothing_goes_wrong) {
    {
        torture_world w(nullptr);
        const std::string got = ask_other_node(w);
        EXPECT_NE(got.find("carried"), got.npos) << got;
        EXPECT_NE(got.find(" 101 "), got.npos) << got;
        EXPECT_NE(got.find("welcomeand back"), got.npos) << got;
    }
    {
        torture_world w(nullptr);
        const std::string got = lose_other_node(w);
        std::size_t lost = 0;
        for (auto at = got.find("lost"); at != got.npos; at = got.find("lost", at + 1)) ++lost;
        EXPECT_EQ(lost, 3U) << got;
    }
    torture_world w(nullptr);
    const std::string got = serve_other_node(w);
    EXPECT_NE(got.find(" 200 OK"), got.npos) << got;
    EXPECT_NE(got.find(" 101 "), got.npos) << got;
    EXPECT_NE(got.find("echo this"), got.npos) << got;
}

}  // namespace
}  // namespace weft::test
