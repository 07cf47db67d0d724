// Servers that carry each other's sessions, over a real redis-server and real sockets: what a load
// balancer without sticky sessions does to clients.

#include <algorithm>
#include <charconv>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <weft/socketio/server.hpp>

#include "cluster/nodes/proto/frame.hpp"
#include "cluster/nodes/proto/greeting.hpp"
#include "cluster/nodes/proto/stream_account.hpp"
#include "cluster/nodes/proto/stream_facts.hpp"
#include "cluster/nodes/secret.hpp"
#include "support/certificates.hpp"
#include "unit/cluster/redis_process.hpp"
#include "unit/server/server_world.hpp"

namespace weft::test {
namespace {

using ::testing::HasSubstr;

constexpr std::string_view secret = "a secret of more than sixteen bytes";

/// Keeps what was logged.
class line_log final : public log_sink {
public:
    void write(const log_record& what) noexcept override {
        const std::lock_guard lock(mutex_);
        lines_ += std::string(what.message) + '\n';
    }
    [[nodiscard]] std::string lines() const {
        const std::lock_guard lock(mutex_);
        return lines_;
    }

private:
    mutable std::mutex mutex_;
    std::string lines_;
};

/// Until it holds; false after ten seconds.
template <class F>
bool await(F holds) {
    const auto end = later(std::chrono::steady_clock::now(), 10s);
    while (!holds()) {
        if (std::chrono::steady_clock::now() > end) return false;
        usleep(5'000);
    }
    return true;
}

struct answer {
    int status = 0;
    std::string head, body;
};

answer split(const std::string& text) {
    answer got;
    const auto end = text.find("\r\n\r\n");
    if (text.size() < 12 || end == text.npos) return got;
    got.status = std::atoi(text.c_str() + 9);
    got.head = text.substr(0, end);
    got.body = text.substr(end + 4);
    return got;
}

std::string request(std::string_view method, std::string_view query, std::string_view body = "",
                    std::string_view lines = "") {
    std::string text(method);
    text.append(" /socket.io/?EIO=4&transport=polling").append(query);
    text.append(" HTTP/1.1\r\nHost: here\r\nConnection: close\r\n").append(lines);
    if (method == "POST")
        text.append("Content-Length: ").append(std::to_string(body.size())).append("\r\n");
    return text.append("\r\n").append(body);
}

std::string sid_of(const std::string& opening) {
    const auto at = opening.find("\"sid\":\"");
    return at == opening.npos ? "" : opening.substr(at + 7, opening.find('"', at + 7) - at - 7);
}

std::string masked(unsigned op, std::string_view payload) {
    std::string frame(1, static_cast<char>(0x80U | op));
    if (payload.size() < 126) {
        frame += static_cast<char>(0x80U | payload.size());
    } else {
        frame += static_cast<char>(0xFF);
        for (int shift = 56; shift >= 0; shift -= 8)
            frame += static_cast<char>(payload.size() >> static_cast<unsigned>(shift));
    }
    return frame.append(4, '\0').append(payload);
}

/// One server of the cluster, with sockets that echo.
class node {
public:
    explicit node(server_options chosen) : server_(std::move(chosen)), io_(server_) {
        io_.on("echo", [](socketio::socket& s, const std::string& what) { s.emit("echo", what); });
        io_.on("flood", [](socketio::socket& s, int megabytes) {
            for (int i = 0; i < megabytes * 16; ++i) s.emit("drop", std::string(64 * 1024, 'x'));
        });
        io_.on("whoami",
               [](socketio::socket& s) { s.emit("you", std::string(s.handshake().address())); });
        io_.on_connect([this](socketio::socket&) { ++connected; });
        io_.on_disconnect([this](socketio::socket&, socketio::disconnect_reason) { ++gone; });
        const auto port = server_.listen(loopback());
        EXPECT_TRUE(port) << port.error().message();
        port_ = port ? *port : std::uint16_t{0};
        running_.emplace(server_);
    }
    /// Whole, on a connection of its own.
    answer ask(std::string_view method, std::string_view query, std::string_view body = "",
               std::string_view lines = "") {
        client one(port_);
        one.send(request(method, query, body, lines));
        return split(one.rest());
    }
    answer poll(const std::string& sid) { return ask("GET", "&sid=" + sid); }
    answer post(const std::string& sid, std::string_view body) {
        return ask("POST", "&sid=" + sid, body);
    }
    /// A session with its socket.
    std::string connect() {
        const std::string sid = sid_of(ask("GET", "").body);
        EXPECT_EQ(post(sid, "40").body, "ok");
        EXPECT_THAT(poll(sid).body, HasSubstr("40{\"sid\""));
        return sid;
    }
    client upgrade(const std::string& sid, std::string_view lines = "") {
        client one(port_);
        std::string text(upgrade_request);
        text.replace(4, 3, "/socket.io/?EIO=4&transport=websocket&sid=" + sid);
        text.insert(text.size() - 2, lines);
        one.send(text);
        return one;
    }
    /// The session's WebSocket through this node, in use.
    client upgraded(const std::string& sid) {
        client one = upgrade(sid);
        EXPECT_THAT(one.head(), HasSubstr(" 101 "));
        one.send(masked(1, "2probe"));
        EXPECT_EQ(one.frame().payload, "3probe");
        one.send(masked(1, "5"));
        return one;
    }
    [[nodiscard]] std::int64_t metric(const std::string& name) {
        const std::string text = "\n" + server_.metrics_text();
        const auto at = text.find("\n" + name + " ");
        std::int64_t value = -1;
        if (at != text.npos)
            std::from_chars(text.data() + at + name.size() + 2, text.data() + text.size(), value);
        return value;
    }
    weft::server& operator*() { return server_; }
    weft::server* operator->() { return &server_; }
    [[nodiscard]] std::uint16_t port() const { return port_; }
    int drained() {
        server_.drain(10s);
        return running_->join();
    }

    std::atomic<int> connected{0}, gone{0};

private:
    weft::server server_;
    socketio::server io_;
    std::uint16_t port_ = 0;
    std::optional<running> running_;
};

namespace wire = cluster::nodes;

std::string frame_of(wire::frame_type type, std::uint32_t stream, std::string_view payload = {}) {
    std::string out;
    wire::append_frame(out, type, stream, payload);
    return out;
}

/// A node that is played: it says what a test wants.
class played_node {
public:
    explicit played_node(std::uint16_t port) : socket_(port) {}

    /// Proves itself to the node of this tag. False when that hangs up.
    bool greet(std::string_view tag, std::string_view with = secret) {
        hello_.asker = {'p', 'l', 'a', 'y'};
        std::copy_n(tag.data(), hello_.owner.size(), hello_.owner.begin());
        send(frame_of(wire::frame_type::hello, 0, wire::write_hello(hello_)));
        const std::string challenge = socket_.take(std::string(9 + wire::challenge_size, ' '));
        if (challenge.size() != 9 + wire::challenge_size) return false;
        wire::nonce theirs{};
        std::copy_n(challenge.data() + 9, theirs.size(), theirs.begin());
        const wire::shared_secret known{std::string(with)};
        const auto proof = known.sign(wire::proof_text(wire::side::asker, hello_, theirs));
        send(frame_of(wire::frame_type::proof, 0, {proof->data(), proof->size()}));
        const std::string welcome = socket_.take(std::string(9 + wire::proof_size, ' '));
        return welcome.size() == 9 + wire::proof_size &&
               known.is_proof(std::string_view(welcome).substr(9),
                              wire::proof_text(wire::side::owner, hello_, theirs));
    }
    void send(std::string_view bytes) const { socket_.send(bytes); }
    /// Waits for it.
    bool is_cut_off() {
        (void)socket_.rest();
        return true;
    }
    /// The next one, as "type/stream/payload".
    std::string frame() {
        const std::string header = socket_.take(std::string(9, ' '));
        if (header.size() < 9) return "end";
        std::size_t size = 0;
        for (std::size_t i = 0; i < 4; ++i)
            size = size << 8U | static_cast<unsigned char>(header[i]);
        const std::string payload = socket_.take(std::string(size, ' '));
        return std::to_string(int{header[4]}) + '/' + std::to_string(int{header[8]}) + '/' +
               payload;
    }

private:
    client socket_;
    wire::hello_facts hello_;
};

class nodes : public ::testing::Test {
protected:
    void SetUp() override {
        if (!cluster::redis::has_redis_7()) GTEST_SKIP() << "no redis-server of version 7";
        port = cluster::redis::free_port();
        redis.start(port, "");
        ASSERT_TRUE(await([&] { return client(port).connected(); }));
    }
    server_options chosen(unsigned threads = 1) {
        server_options o;
        o.threads = threads;
        o.log = &log;
        o.cluster.emplace();
        o.cluster->redis.port = port;
        o.cluster->nodes.emplace().secret = secret;
        return o;
    }
    std::unique_ptr<node> add(server_options options) {
        auto made = std::make_unique<node>(std::move(options));
        await_nodes(++count);
        return made;
    }
    std::unique_ptr<node> add(unsigned threads = 1) { return add(chosen(threads)); }
    /// Until so many are announced.
    void await_nodes(int wanted) {
        EXPECT_TRUE(await([&] { return announced() == wanted; })) << announced();
    }
    int announced() {
        client asking(port);
        asking.send("KEYS socket.io:node:*\r\n");
        const std::string reply = asking.take("*1\r\n");
        return reply.size() < 2 ? -1 : reply[1] - '0';
    }

    std::uint16_t port = 0;
    int count = 0;
    cluster::redis::redis_process redis;
    line_log log;
};

TEST_F(nodes, polls_and_posts_about_a_session_of_another_node_reach_it) {
    const auto a = add(), b = add();
    const std::string sid = sid_of(a->ask("GET", "").body);
    EXPECT_EQ(sid.size(), 20U);
    EXPECT_EQ(b->post(sid, "40").body, "ok");
    EXPECT_THAT(b->poll(sid).body, HasSubstr("40{\"sid\""));
    EXPECT_EQ(a->post(sid, R"(42["echo","one"])").body, "ok");
    EXPECT_EQ(b->poll(sid).body, R"(42["echo","one"])");
    EXPECT_EQ(b->post(sid, R"(42["echo","two"])").body, "ok");
    EXPECT_EQ(a->poll(sid).body, R"(42["echo","two"])");
    EXPECT_EQ(a->connected, 1);
    EXPECT_EQ(b->connected, 0);
    EXPECT_EQ(b->metric(R"(weft_node_carried_total{side="asker"})"), 4);
    EXPECT_EQ(a->metric(R"(weft_node_carried_total{side="owner"})"), 4);
    EXPECT_TRUE(await([&] { return a->metric(R"(weft_node_streams{side="owner"})") == 0; }));
    EXPECT_TRUE(await([&] { return b->metric(R"(weft_node_streams{side="asker"})") == 0; }));
}

TEST_F(nodes, a_poll_waits_at_the_owner_until_there_is_something) {
    const auto a = add(2), b = add(3);
    for (int i = 0; i < 8; ++i) {
        const std::string sid = a->connect();
        client waits(b->port());
        waits.send(request("GET", "&sid=" + sid));
        EXPECT_EQ(a->post(sid, R"(42["echo","late"])").body, "ok");
        EXPECT_EQ(split(waits.rest()).body, R"(42["echo","late"])");
    }
}

TEST_F(nodes, an_upgrade_goes_through_another_node) {
    const auto a = add(2), b = add(2);
    for (int i = 0; i < 8; ++i) {
        const std::string sid = a->connect();
        client over = b->upgraded(sid);
        over.send(masked(1, R"(42["echo","hello"])"));
        EXPECT_EQ(over.frame().payload, R"(42["echo","hello"])");
        const std::string large = R"(42["echo",")" + std::string(900'000, 'y') + R"("])";
        over.send(masked(1, large));
        EXPECT_TRUE(over.frame().payload == large);
    }
    EXPECT_TRUE(await([&] { return a->gone == 8; })) << "the clients have gone";
    EXPECT_TRUE(await([&] { return a->metric(R"(weft_node_streams{side="owner"})") == 0; }));
}

TEST_F(nodes, what_the_owner_cuts_off_leaves_nothing) {
    const auto a = add(), b = add();
    client over = b->upgraded(a->connect());
    over.send(masked(1, "4" + std::string(3'000'000, 'y')));
    EXPECT_THAT(over.frame().payload, HasSubstr("max_message"));
    EXPECT_EQ(over.frame().payload, "end");
    EXPECT_TRUE(await([&] { return a->metric(R"(weft_node_streams{side="owner"})") == 0; }));
    EXPECT_TRUE(await([&] { return b->metric(R"(weft_node_streams{side="asker"})") == 0; }));
}

TEST_F(nodes, sec_p13_a_session_whose_owner_is_gone_is_one_that_nobody_knows) {
    auto a = add();
    const auto b = add();
    const std::string sid = a->connect();
    EXPECT_EQ(b->post(sid, R"(42["echo","one"])").body, "ok");
    client waits(b->port());
    EXPECT_THAT(b->poll(sid).body, HasSubstr("one"));
    waits.send(request("GET", "&sid=" + sid));
    EXPECT_TRUE(await([&] { return a->metric(R"(weft_node_streams{side="owner"})") == 1; }));
    a.reset();  // without a farewell
    for (const answer& got : {split(waits.rest()), b->poll(sid), b->post(sid, "3")}) {
        EXPECT_EQ(got.status, 400);
        EXPECT_EQ(got.body, R"({"code":1,"message":"Session ID unknown"})");
    }
    EXPECT_THAT(b->upgrade(sid).head(), HasSubstr(" 400 "));
    EXPECT_THAT(log.lines(), HasSubstr("it is gone or cannot be reached"));
    const answer page = b->ask("GET", "&sid=" + sid, "", "Origin: http://here\r\n");
    EXPECT_EQ(page.status, 400);
}

TEST_F(nodes, tags_that_peers_make_up_are_unknown_at_once_and_forgotten) {
    const auto b = add();
    for (int i = 0; i < 50; ++i) {
        const std::string sid = "0123456789abcdef" + std::to_string(1000 + i);
        EXPECT_EQ(b->poll(sid).body, R"({"code":1,"message":"Session ID unknown"})");
    }
    EXPECT_EQ(b->metric(R"(weft_node_refused_total{reason="unknown_node"})"), 50);
    EXPECT_EQ(b->poll("short").status, 400);
}

TEST_F(nodes, who_does_not_know_the_secret_is_not_served) {
    const auto a = add();
    server_options other = chosen();
    other.cluster->nodes->secret = "another secret of sixteen bytes";
    const auto b = add(other);
    const std::string sid = a->connect();
    EXPECT_EQ(b->poll(sid).body, R"({"code":1,"message":"Session ID unknown"})");
    EXPECT_EQ(a->metric("weft_node_authentication_failures_total"), 1);
    EXPECT_THAT(log.lines(), HasSubstr("the other side does not know the secret"));
    EXPECT_THAT(log.lines(), HasSubstr("127.0.0.1"));
}

TEST_F(nodes, parallel_polls_do_not_wait_for_each_other) {
    const auto a = add(2), b = add(2);
    std::vector<std::string> sids;
    std::vector<client> waiting;
    for (int i = 0; i < 20; ++i) {
        sids.push_back(a->connect());
        waiting.emplace_back(b->port()).send(request("GET", "&sid=" + sids.back()));
    }
    for (int i = 19; i >= 0; --i) {
        const auto at = static_cast<std::size_t>(i);
        const std::string event = R"(42["echo",")" + std::to_string(i) + R"("])";
        EXPECT_EQ(b->post(sids[at], event).body, "ok");
        EXPECT_EQ(split(waiting[at].rest()).body, event);
    }
}

TEST_F(nodes, a_client_that_goes_ends_its_poll_at_the_owner) {
    const auto a = add(), b = add();
    const std::string sid = a->connect();
    {
        client waits(b->port());
        waits.send(request("GET", "&sid=" + sid));
        EXPECT_TRUE(await([&] { return a->metric(R"(weft_node_streams{side="owner"})") == 1; }));
        EXPECT_EQ(a->gone, 0);
    }
    EXPECT_TRUE(await([&] { return a->gone == 1; }));
    EXPECT_TRUE(await([&] { return a->metric(R"(weft_node_streams{side="owner"})") == 0; }));
}

TEST_F(nodes, a_slow_client_is_waited_for_by_the_owner_and_blocks_nobody) {
    const auto a = add(), b = add();
    client slow = b->upgraded(a->connect());
    client quick = b->upgraded(a->connect());
    // A megabyte more as long as there is room for it: that of a window and of sockets.
    const auto sent = [&] { return a->metric("weft_node_sent_bytes_total"); };
    constexpr std::int64_t too_much = 64'000'000;
    for (std::int64_t before = -1; sent() < too_much && sent() > before;) {
        before = sent();
        slow.send(masked(1, R"(42["flood",1])"));
        for (int i = 0; i < 50; ++i) {
            quick.send(masked(1, R"(42["echo","x"])"));
            EXPECT_EQ(quick.frame().payload, R"(42["echo","x"])");
            usleep(2'000);
        }
        before += 10'000;  // what the quick one got
    }
    EXPECT_LT(sent(), too_much);
    EXPECT_EQ(a->gone, 0);
}

TEST_F(nodes, binary_data_of_a_megabyte_goes_both_ways) {
    const auto a = add(), b = add();
    const std::string sid = a->connect();
    const std::string text(900'000, 'z');
    EXPECT_EQ(b->post(sid, R"(42["echo",")" + text + R"("])").body, "ok");
    EXPECT_TRUE(b->poll(sid).body == R"(42["echo",")" + text + R"("])");
}

TEST_F(nodes, between_nodes_there_may_be_tls) {
    const weft::testing::certificate_authority trusted;
    const auto made = trusted.issue({.names = {}, .addresses = {"127.0.0.1"}});
    server_options o = chosen();
    tls_certificate& own = o.cluster->nodes->tls.emplace().certificates.emplace_back();
    own.cert_pem = made.cert_pem;
    own.key_pem = made.key_pem;
    tls_client_options& others = o.cluster->nodes->tls_client.emplace();
    others.system_cas = false;
    others.ca_pem = trusted.pem();
    const auto a = add(o), b = add(o);
    const std::string sid = a->connect();
    EXPECT_EQ(b->post(sid, R"(42["echo","sealed"])").body, "ok");
    EXPECT_EQ(b->poll(sid).body, R"(42["echo","sealed"])");
}

TEST_F(nodes, certificates_of_nodes_are_read_again_with_the_others) {
    const weft::testing::certificate_authority trusted;
    const auto made = trusted.issue({.names = {}, .addresses = {"127.0.0.1"}});
    server_options o = chosen();
    tls_certificate& own = o.cluster->nodes->tls.emplace().certificates.emplace_back();
    own.cert_file = redis.folder.keep("cert.pem", made.cert_pem);
    own.key_file = redis.folder.keep("key.pem", made.key_pem);
    o.cluster->nodes->tls_client.emplace().ca_pem = trusted.pem();
    const auto a = add(o);
    EXPECT_TRUE((*a)->reload_certificates());
    std::filesystem::remove(own.cert_file);
    const auto again = (*a)->reload_certificates();
    ASSERT_FALSE(again);
    EXPECT_THAT(again.error().message(), HasSubstr("cert.pem"));
}

TEST_F(nodes, a_node_without_the_right_certificate_is_not_believed) {
    const weft::testing::certificate_authority trusted, strange;
    const auto with = [&](const weft::testing::certificate_authority& of) {
        server_options o = chosen();
        const auto made = of.issue({.names = {}, .addresses = {"127.0.0.1"}});
        tls_certificate& own = o.cluster->nodes->tls.emplace().certificates.emplace_back();
        own.cert_pem = made.cert_pem;
        own.key_pem = made.key_pem;
        tls_client_options& others = o.cluster->nodes->tls_client.emplace();
        others.system_cas = false;
        others.ca_pem = trusted.pem();
        return o;
    };
    const auto a = add(with(strange)), b = add(with(trusted));
    EXPECT_EQ(b->poll(a->connect()).status, 400);
    EXPECT_EQ(a->metric(R"(weft_node_carried_total{side="owner"})"), 0);
}

TEST_F(nodes, a_drain_releases_the_name_and_does_not_wait_for_other_nodes) {
    server_options o = chosen(2);
    o.cluster->nodes->lease = 1h;
    const auto a = add(o), b = add(o);
    const std::string sid = a->connect();
    client waits(b->port());
    waits.send(request("GET", "&sid=" + sid));
    EXPECT_TRUE(await([&] { return a->metric(R"(weft_node_streams{side="owner"})") == 1; }));
    EXPECT_EQ(b->drained(), 0);
    EXPECT_EQ(split(waits.rest()).status, 400);
    await_nodes(1);
    EXPECT_TRUE(await([&] { return a->gone == 1; }));
    EXPECT_EQ(a->drained(), 0);
    await_nodes(0);
}

TEST_F(nodes, a_drain_of_the_owner_ends_sessions_as_it_does_without_nodes) {
    const auto a = add(2), b = add(2);
    client over = b->upgraded(a->connect());
    EXPECT_EQ(a->drained(), 0);
    EXPECT_EQ(over.frame().op(), 8);
}

TEST_F(nodes, what_is_known_of_nodes_outlives_redis) {
    server_options o = chosen();
    o.cluster->nodes->lease = 1s;
    const auto a = add(o), b = add(o);
    const std::string sid = a->connect();
    EXPECT_EQ(b->post(sid, R"(42["echo","one"])").body, "ok");
    redis.kill();
    EXPECT_EQ(b->poll(sid).body, R"(42["echo","one"])");
    EXPECT_EQ(b->post(sid, R"(42["echo","two"])").body, "ok");
    redis.run();
    await_nodes(2);
}

TEST_F(nodes, the_address_of_the_client_is_known_to_the_owner) {
    const auto a = add(), b = add();
    const std::string sid = a->connect();
    client over = b->upgraded(sid);
    over.send(masked(1, R"(42["whoami"])"));
    EXPECT_THAT(over.frame().payload, HasSubstr("127.0.0.1"));
}

class played_nodes : public nodes {
protected:
    void SetUp() override {
        nodes::SetUp();
        if (IsSkipped()) return;
        server_options o = chosen();
        of_nodes = o.cluster->nodes->port = cluster::redis::free_port();
        o.cluster->nodes->connect_timeout = 300ms;
        o.cluster->nodes->ping_interval = 1h;
        a = add(o);
        sid = a->connect();
        tag = sid.substr(16);
        opening = wire::write_stream_facts({"192.0.2.7", 4711, false, false, sid});
    }
    std::string request_of(std::string_view body) { return request("POST", "&sid=" + sid, body); }

    std::uint16_t of_nodes = 0;
    std::unique_ptr<node> a;
    std::string sid, tag, opening;
};

TEST_F(played_nodes, a_stream_is_a_connection_of_the_client_that_it_names) {
    played_node other(of_nodes);
    ASSERT_TRUE(other.greet(tag));
    other.send(frame_of(wire::frame_type::open, 1, opening) +
               frame_of(wire::frame_type::data, 1, request_of("3")));
    EXPECT_THAT(other.frame(), HasSubstr("6/1/HTTP/1.1 200 OK"));
    EXPECT_EQ(other.frame(), "8/1/");
    other.send(frame_of(wire::frame_type::end, 1));
    EXPECT_TRUE(await([&] { return a->metric(R"(weft_node_streams{side="owner"})") == 0; }));
    other.send(frame_of(wire::frame_type::data, 1, "too late, and no fault"));
    other.send(frame_of(wire::frame_type::open, 2, opening) + frame_of(wire::frame_type::reset, 2) +
               frame_of(wire::frame_type::open, 3, opening) +
               frame_of(wire::frame_type::data, 3, request_of("3")));
    EXPECT_THAT(other.frame(), HasSubstr("6/3/HTTP/1.1 200 OK"));
}

TEST_F(played_nodes, a_client_that_came_by_tls_is_one_to_the_owner) {
    played_node other(of_nodes);
    ASSERT_TRUE(other.greet(tag));
    const std::string of_plain_page =
        request("POST", "&sid=" + sid, "3", "Origin: http://here\r\n");
    for (const bool secure : {false, true}) {
        const std::uint32_t id = secure ? 2 : 1;
        const std::string facts = wire::write_stream_facts({"192.0.2.7", 4711, secure, false, sid});
        other.send(frame_of(wire::frame_type::open, id, facts) +
                   frame_of(wire::frame_type::data, id, of_plain_page));
        EXPECT_THAT(other.frame(), HasSubstr(secure ? " 403 " : " 200 "));
        EXPECT_THAT(other.frame(), HasSubstr("8/"));
    }
}

TEST_F(played_nodes, sec_p13_nobody_is_served_before_it_has_proved_itself) {
    EXPECT_FALSE(played_node(of_nodes).greet(tag, "a secret that is not the one"));
    EXPECT_FALSE(played_node(of_nodes).greet("none")) << "it wants another node";
    played_node hasty(of_nodes), rude(of_nodes), silent(of_nodes), web(of_nodes);
    hasty.send(frame_of(wire::frame_type::open, 1, opening));
    EXPECT_TRUE(hasty.is_cut_off());
    rude.send(std::string(100'000, 'x'));
    EXPECT_TRUE(rude.is_cut_off());
    web.send("GET / HTTP/1.1\r\nHost: here\r\n\r\n");
    EXPECT_TRUE(web.is_cut_off());
    EXPECT_TRUE(silent.is_cut_off()) << "after connect_timeout";
    EXPECT_EQ(a->metric("weft_node_authentication_failures_total"), 1);
    EXPECT_EQ(a->metric("weft_node_protocol_errors_total"), 5);
    EXPECT_EQ(a->metric(R"(weft_node_carried_total{side="owner"})"), 0);
    EXPECT_TRUE(await([&] { return a->metric(R"(weft_node_connections{side="owner"})") == 0; }));
}

TEST_F(played_nodes, sec_p13_too_many_that_do_not_greet_are_turned_away) {
    std::vector<played_node> all;
    for (int i = 0; i < 64; ++i) all.emplace_back(of_nodes);
    EXPECT_TRUE(await([&] { return a->metric(R"(weft_node_connections{side="owner"})") == 64; }));
    EXPECT_TRUE(played_node(of_nodes).is_cut_off());
    EXPECT_THAT(log.lines(), HasSubstr("64 others have not greeted yet"));
    EXPECT_TRUE(await([&] { return a->metric(R"(weft_node_connections{side="owner"})") == 0; }));
    EXPECT_TRUE(played_node(of_nodes).greet(tag));
}

TEST_F(played_nodes, sec_p13_who_breaks_the_protocol_loses_its_connection_and_nothing_else) {
    const std::string begin = frame_of(wire::frame_type::open, 1, opening);
    std::string overflow = begin;
    wire::append_window(overflow, 1, 1);
    const std::vector<std::string> wrong{
        begin + begin,
        overflow,
        frame_of(wire::frame_type::data, 7, "of no stream"),
        frame_of(wire::frame_type::open, 1, std::string(10, '\xFF')),
        begin + frame_of(wire::frame_type::end, 1) + frame_of(wire::frame_type::data, 1, "x"),
        begin + frame_of(wire::frame_type::end, 1) + frame_of(wire::frame_type::end, 1),
        frame_of(wire::frame_type::hello, 0, std::string(wire::hello_size, 'x')),
        frame_of(static_cast<wire::frame_type>(99), 0),
    };
    for (const std::string& bytes : wrong) {
        played_node other(of_nodes);
        ASSERT_TRUE(other.greet(tag));
        other.send(bytes);
        EXPECT_TRUE(other.is_cut_off());
    }
    EXPECT_EQ(a->metric("weft_node_protocol_errors_total"), std::ssize(wrong));
    EXPECT_EQ(a->post(sid, "3").body, "ok") << "the session is as it was";
    EXPECT_TRUE(await([&] { return a->metric(R"(weft_node_streams{side="owner"})") == 0; }));
}

TEST_F(played_nodes, sec_p13_a_node_that_takes_nothing_gets_one_window) {
    played_node other(of_nodes);
    ASSERT_TRUE(other.greet(tag));
    std::string asked = upgrade_request.data();
    asked.replace(4, 3, "/socket.io/?EIO=4&transport=websocket");
    other.send(frame_of(wire::frame_type::open, 1, opening) +
               frame_of(wire::frame_type::data, 1,
                        asked + masked(1, "40") + masked(1, R"(42["flood",2])")));
    const auto sent = [&] { return a->metric("weft_node_sent_bytes_total"); };
    EXPECT_TRUE(await([&] { return sent() == wire::stream_window; })) << sent();
    std::string more;
    wire::append_window(more, 1, 65'536);
    other.send(more);
    EXPECT_TRUE(await([&] { return sent() == wire::stream_window + 65'536; })) << sent();
}

TEST_F(played_nodes, sec_p13_what_nobody_reads_is_one_window) {
    played_node other(of_nodes);
    ASSERT_TRUE(other.greet(tag));
    // The poll waits, so what follows it is held, and no more is read.
    const std::string poll = request("GET", "&sid=" + sid);
    std::string sent =
        frame_of(wire::frame_type::open, 1, opening) + frame_of(wire::frame_type::data, 1, poll);
    for (int i = 0; i < 3; ++i)
        sent += frame_of(wire::frame_type::data, 1, std::string(wire::max_data, 'x'));
    other.send(sent);
    const auto all = static_cast<std::int64_t>(poll.size() + 3 * wire::max_data);
    EXPECT_TRUE(await([&] { return a->metric("weft_node_received_bytes_total") == all; }));
    EXPECT_EQ(a->post(sid, R"(42["echo","x"])").body, "ok");
    int windows = 0;
    std::string answer = other.frame();
    for (; answer.starts_with("7/1/"); answer = other.frame()) ++windows;
    EXPECT_THAT(answer, HasSubstr(R"(42["echo","x"])"));
    EXPECT_LE(windows, 1);
}

TEST_F(played_nodes, a_node_that_is_silent_for_too_long_is_gone) {
    server_options o = chosen();
    of_nodes = o.cluster->nodes->port = cluster::redis::free_port();
    o.cluster->nodes->ping_interval = 20ms;
    o.cluster->nodes->ping_timeout = 50ms;
    const auto b = add(o);
    played_node other(of_nodes);
    ASSERT_TRUE(other.greet(b->connect().substr(16)));
    EXPECT_EQ(other.frame(), "10/0/") << "a ping, which it does not answer";
    EXPECT_EQ(other.frame(), "end");
    EXPECT_THAT(log.lines(), HasSubstr("no sign of life"));
}

TEST_F(nodes, what_a_trusted_proxy_says_of_the_client_counts_at_the_owner) {
    constexpr std::string_view through_proxy =
        "Origin: https://chat.example\r\nX-Forwarded-Host: chat.example\r\n"
        "X-Forwarded-Proto: https\r\nX-Forwarded-For: 192.0.2.9\r\n";
    server_options trusting = chosen();
    trusting.http.trusted_proxies = {"127.0.0.1"};
    const auto a = add(chosen()), b = add(trusting), c = add(chosen());
    const std::string sid = a->connect();
    EXPECT_EQ(b->ask("POST", "&sid=" + sid, "3", through_proxy).body, "ok");
    EXPECT_EQ(c->ask("POST", "&sid=" + sid, "3", through_proxy).status, 403) << "anyone can say so";
}

TEST_F(nodes, a_tag_that_redis_has_forgotten_is_said_again) {
    server_options o = chosen();
    o.cluster->nodes->lease = 1s;
    const auto a = add(o);
    const std::string before = a->connect();
    client console(port);
    console.send("FLUSHALL\r\n");
    EXPECT_EQ(console.take("+OK\r\n"), "+OK\r\n");
    await_nodes(1);
    EXPECT_EQ(a->connect().substr(16), before.substr(16));
}

TEST_F(nodes, a_name_is_renewed_before_it_ends) {
    server_options o = chosen();
    o.cluster->nodes->lease = 3s;
    const auto a = add(o);
    client console(port);
    const std::string key = "socket.io:node:" + a->connect().substr(16);
    const auto left = [&] {
        console.send("PTTL " + key + "\r\n");
        std::string reply;
        while (!reply.ends_with('\n')) reply += console.take(" ");
        return std::atoi(reply.c_str() + 1);
    };
    int last = left();
    EXPECT_TRUE(await([&] {
        const int before = std::exchange(last, left());
        EXPECT_GT(last, 500) << "two thirds are left when it is renewed";
        return last > before;
    }));
}

TEST_F(nodes, a_websocket_ends_when_the_node_that_carries_it_drains) {
    const auto a = add(2), b = add(2);
    client over = b->upgraded(a->connect());
    EXPECT_EQ(a->gone, 0);
    std::thread reader([&] { (void)over.rest(); });
    EXPECT_EQ(b->drained(), 0);
    reader.join();
    EXPECT_TRUE(await([&] { return a->gone == 1; }));
}

TEST(node_options, are_checked) {
    const auto complaint = [](auto change) {
        server_options o;
        o.cluster.emplace().nodes.emplace().secret = secret;
        change(*o.cluster->nodes);
        const auto right = o.check();
        return right ? std::string() : right.error().message();
    };
    EXPECT_EQ(complaint([](auto&) {}), "");
    EXPECT_THAT(complaint([](auto& n) { n.secret = "fifteen bytes.."; }),
                HasSubstr("cluster::node_options::secret must have at least 16 bytes"));
    EXPECT_THAT(complaint([](auto& n) { n.host = "0.0.0.0"; }), HasSubstr("announce"));
    EXPECT_EQ(complaint([](auto& n) {
                  n.host = "::";
                  n.announce = "node1.internal";
              }),
              "");
    EXPECT_THAT(complaint([](auto& n) { n.host = "a name"; }), HasSubstr("host"));
    EXPECT_THAT(complaint([](auto& n) { n.tls.emplace(); }), HasSubstr("tls_client"));
    EXPECT_THAT(complaint([](auto& n) { n.lease = 1ms; }), HasSubstr("lease"));
    EXPECT_THAT(complaint([](auto& n) { n.ping_timeout = 0s; }), HasSubstr("ping_timeout"));
}

}  // namespace
}  // namespace weft::test
