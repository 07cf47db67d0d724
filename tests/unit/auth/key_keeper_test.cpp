// Key sets from a server that the test plays by hand over TLS on the sim backend, key files, and
// tokens that wait: for a thread, or for keys.

#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <memory>
#include <optional>
#include <thread>

#include <gtest/gtest.h>

#include <weft/net/awaitable.hpp>

#include "auth_world.hpp"
#include "net/backend/sim/sim_backend.hpp"
#include "net/loop_core.hpp"
#include "unit/net/tls_peer.hpp"

namespace weft::auth::test {
namespace {

using net::sim_backend;
using net::testing::openssl_peer;

constexpr algorithm es = algorithm::es256;
constexpr std::uint16_t port = 443;

std::int64_t present() {
    return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now())
        .time_since_epoch()
        .count();
}

/// Claims that are good by the real clock, which tokens on a loop are compared with.
std::string claims_of_now() {
    return good_claims()
        .set("iat", std::to_string(present() - 10))
        .set("exp", std::to_string(present() + 3600))
        .json();
}

std::string set_of(std::initializer_list<std::string> keys) {
    std::string json = "{\"keys\":[";
    for (const std::string& k : keys) json += (json.back() == '[' ? "" : ",") + k;
    return json + "]}";
}

std::uint64_t metric(const verifier& v, std::string_view name) {
    std::uint64_t found = 0;
    v.visit_metrics([&](const metric_sample& one) {
        if (one.name == name) found += one.value;
    });
    return found;
}

/// One loop on the sim backend, the keys' server at its other side.
class world : public log_sink {
public:
    world()
        : io(*new sim_backend),
          core(std::make_unique<net::loop_core>(std::unique_ptr<net::backend>(&io),
                                                loop_options{.log = this})) {
        core->start();
        io.serve_port(port);
    }
    ~world() override { core.reset(); }

    /// Turns, and goes on until no worker has anything to do.
    void run(int turns = 6) {
        for (int i = 0; i < turns || core->working(); ++i) {
            core->turn(duration::zero());
            serve();
            if (core->working()) std::this_thread::yield();
        }
    }
    void pass(duration time) {
        io.advance(time);
        run();
    }
    /// What waits for a while, in steps as short as those of a token that waits for keys.
    void pass_slowly(duration time) {
        for (duration passed{}; passed < time; passed += 20ms) pass(20ms);
    }

    [[nodiscard]] loop_ref loop() const { return core->ref(); }
    /// Requests that came so far.
    int requests = 0;
    std::string last_request;
    /// What the server answers with; without, it stays silent.
    std::optional<std::string> reply;
    void serve_keys(const std::string& json) {
        reply =
            "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(json.size()) + "\r\n\r\n" + json;
    }
    std::vector<std::string> log;

    sim_backend& io;
    std::unique_ptr<net::loop_core> core;

private:
    struct server_end {
        sim_backend::peer peer;
        openssl_peer tls;
    };

    void write(const log_record& record) noexcept override {
        if (record.level >= log_level::info) log.emplace_back(record.message);
    }
    void serve() {
        for (const auto taken : io.taken_connections(port)) {
            ends_.push_back(std::make_unique<server_end>(server_end{
                taken, openssl_peer(openssl_peer::role::server, [](SSL_CTX* ctx) {
                    static const auto issued =
                        net::testing::test_ca().issue({.names = {}, .addresses = {"127.0.0.1"}});
                    net::testing::use_issued(ctx, issued);
                })}));
            SSL_set_app_data(ends_.back()->tls.ssl(), &ends_.back()->tls);
        }
        for (const auto& end : ends_) {
            const std::string bytes = io.peer_take(end->peer);
            if (bytes.empty()) continue;
            io.peer_send(end->peer, end->tls.step(bytes));
            if (end->tls.plain.find("\r\n\r\n") == std::string::npos) continue;
            ++requests;
            last_request = std::exchange(end->tls.plain, {});
            if (reply) io.peer_send(end->peer, end->tls.write(*reply));
        }
    }

    std::vector<std::unique_ptr<server_end>> ends_;
};

options url_options() {
    options made = good_options(es);
    tls_client_options tls;
    tls.system_cas = false;
    tls.ca_pem = net::testing::test_ca().pem();
    made.issuers[0].keys = key_source::jwks_url("https://127.0.0.1/jwks.json?v=1", tls);
    return made;
}

std::string token_by(const token_signer& by, std::string_view kid) {
    const auto made = by.sign(es, claims_of_now(), kid);
    EXPECT_TRUE(made);
    return made ? *made : std::string();
}

/// A verification as a server does it.
struct asked {
    asked(world& w, const verifier& v, std::string token) {
        EXPECT_TRUE(spawn(w.loop(), ask(v, w.loop(), std::move(token), outcome)));
    }
    [[nodiscard]] bool done() const { return outcome->has_value(); }
    [[nodiscard]] errc refused() const {
        if (!done()) return errc::too_busy;
        return **outcome ? errc{} : errc_of((*outcome)->error());
    }

    std::shared_ptr<std::optional<result<identity>>> outcome =
        std::make_shared<std::optional<result<identity>>>();

private:
    static task<void> ask(verifier v, loop_ref loop, std::string token,
                          std::shared_ptr<std::optional<result<identity>>> out) {
        auto got = co_await v.verify(loop, std::move(token));
        EXPECT_TRUE(loop.in_loop_thread());
        out->emplace(std::move(got));
    }
};

errc at_once(world& w, const verifier& v, const std::string& token) {
    const asked one(w, v, token);
    w.run();
    EXPECT_TRUE(one.done());
    return one.refused();
}

const token_signer& second_signer() {
    static const token_signer made = *token_signer::generate(es);
    return made;
}

TEST(key_keeper, keys_are_fetched_when_the_loop_runs) {
    world w;
    const verifier v = make(url_options());
    const std::string token = token_by(signer_of(es), "a");
    EXPECT_EQ(at_once(w, v, token), errc::keys_unavailable) << "nobody fetches";
    w.serve_keys(set_of({signer_of(es).jwk(es, "a"), "{\"kty\":\"X\"}"}));
    v.start(w.loop());
    v.start(w.loop());
    w.run(20);
    EXPECT_EQ(w.requests, 1);
    EXPECT_TRUE(w.last_request.starts_with("GET /jwks.json?v=1 HTTP/1.1\r\nHost: 127.0.0.1\r\n"))
        << w.last_request;
    EXPECT_EQ(at_once(w, v, token), errc{});
    ASSERT_FALSE(w.log.empty());
    EXPECT_NE(w.log.back().find("1 keys, without 1 that cannot be used (an unknown kty)"),
              std::string::npos)
        << w.log.back();
}

TEST(key_keeper, a_token_waits_for_the_first_fetch) {
    world w;
    const verifier v = make(url_options());
    v.start(w.loop());
    const asked one(w, v, token_by(signer_of(es), "a"));
    w.run(10);
    EXPECT_FALSE(one.done());
    EXPECT_EQ(metric(v, "weft_auth_waiting"), 1U);
    w.serve_keys(set_of({signer_of(es).jwk(es, "a")}));
    w.pass(10s);  // the first request had no answer
    w.pass_slowly(6s);
    EXPECT_TRUE(one.done());
    EXPECT_EQ(metric(v, "weft_auth_waiting"), 0U);
}

TEST(key_keeper, an_issuer_that_stays_keeps_its_key_set_and_a_new_one_is_fetched) {
    world w;
    w.serve_keys(set_of({signer_of(es).jwk(es, "a")}));
    const verifier v = make(url_options());
    v.start(w.loop());
    w.run(20);
    ASSERT_EQ(w.requests, 1);
    auto issuers = url_options().issuers;
    issuers.push_back(good_issuer(algorithm::hs256));
    issuers[1].name = "https://other.example";
    ASSERT_TRUE(v.change_issuers(issuers));
    EXPECT_EQ(at_once(w, v, token_by(signer_of(es), "a")), errc{});
    w.run(20);
    EXPECT_EQ(w.requests, 1) << "it is not fetched again";
    w.serve_keys(set_of({signer_of(es).jwk(es, "a"), second_signer().jwk(es, "b")}));
    w.pass(10min);
    w.run(20);
    EXPECT_EQ(w.requests, 2) << "the keeper goes on";
    issuers[0].audience.push_back("more");
    ASSERT_TRUE(v.change_issuers(issuers));
    w.run(20);
    EXPECT_EQ(w.requests, 3) << "it is another one now";
    EXPECT_EQ(at_once(w, v, token_by(second_signer(), "b")), errc{});
}

TEST(key_keeper, begins_when_the_first_issuer_comes_whose_keys_change) {
    world w;
    w.serve_keys(set_of({signer_of(es).jwk(es, "a")}));
    const verifier v = make(good_options(algorithm::hs256));
    v.start(w.loop());
    w.run(20);
    EXPECT_EQ(w.requests, 0);
    ASSERT_TRUE(v.change_issuers(url_options().issuers));
    w.run(20);
    EXPECT_EQ(w.requests, 1);
    EXPECT_EQ(at_once(w, v, token_by(signer_of(es), "a")), errc{});
    ASSERT_TRUE(v.change_issuers(good_options(algorithm::hs256).issuers));
    w.pass(1h);
    w.run(20);
    EXPECT_EQ(w.requests, 1) << "nothing is left to fetch";
}

TEST(key_keeper, sec_j9_a_rotation_refuses_nobody) {
    world w;
    w.serve_keys(set_of({signer_of(es).jwk(es, "a")}));
    const verifier v = make(url_options());
    v.start(w.loop());
    w.run(20);
    ASSERT_EQ(at_once(w, v, token_by(signer_of(es), "a")), errc{});
    w.pass(60s);
    w.serve_keys(set_of({signer_of(es).jwk(es, "a"), second_signer().jwk(es, "b")}));
    const asked fresh(w, v, token_by(second_signer(), "b"));
    w.pass_slowly(200ms);
    EXPECT_EQ(fresh.refused(), errc{});
    EXPECT_EQ(w.requests, 2);
}

TEST(key_keeper, sec_j9_unknown_kids_lead_to_one_fetch_in_30_seconds) {
    world w;
    w.serve_keys(set_of({signer_of(es).jwk(es, "a")}));
    const verifier v = make(url_options());
    v.start(w.loop());
    w.run(20);
    EXPECT_EQ(at_once(w, v, token_by(signer_of(es), "b")), errc::unknown_key) << "just fetched";
    EXPECT_EQ(w.requests, 1);
    w.pass(31s);
    std::vector<asked> flood;
    for (int i = 0; i < 50; ++i) {
        flood.emplace_back(w, v, token_by(signer_of(es), "x" + std::to_string(i)));
    }
    w.pass_slowly(200ms);
    for (const asked& one : flood) EXPECT_EQ(one.refused(), errc::unknown_key);
    EXPECT_EQ(w.requests, 2);
    for (int i = 0; i < 20; ++i) {
        EXPECT_EQ(at_once(w, v, token_by(signer_of(es), "y" + std::to_string(i))),
                  errc::unknown_key);
    }
    EXPECT_EQ(w.requests, 2);
    w.pass(31s);
    EXPECT_EQ(w.requests, 2) << "nobody asked";
}

TEST(key_keeper, sec_j9_the_last_good_set_counts_for_a_bounded_time) {
    world w;
    w.serve_keys(set_of({signer_of(es).jwk(es, "a")}));
    const verifier v = make(url_options());
    v.start(w.loop());
    w.run(20);
    const std::string token = token_by(signer_of(es), "a");
    ASSERT_EQ(at_once(w, v, token), errc{});
    w.reply = "HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n";
    for (int minute = 0; minute < 59; ++minute) {
        w.pass(1min);
        EXPECT_EQ(at_once(w, v, token), errc{}) << minute;  // use makes it no longer
    }
    EXPECT_GT(metric(v, "weft_auth_fetch_failures_total"), 5U);
    w.pass(1min);
    const asked late(w, v, token);
    w.pass_slowly(11s);
    EXPECT_EQ(late.refused(), errc::keys_unavailable) << "also what is in the cache";
    w.serve_keys(set_of({signer_of(es).jwk(es, "a")}));
    w.pass(31s);
    w.run(20);
    EXPECT_EQ(at_once(w, v, token), errc{});
}

TEST(key_keeper, sec_j9_a_withdrawn_key_is_gone_after_the_next_fetch) {
    world w;
    w.serve_keys(set_of({signer_of(es).jwk(es, "a"), second_signer().jwk(es, "b")}));
    const verifier v = make(url_options());
    v.start(w.loop());
    w.run(20);
    const std::string token = token_by(signer_of(es), "a");
    ASSERT_EQ(at_once(w, v, token), errc{});
    ASSERT_EQ(at_once(w, v, token), errc{});
    EXPECT_EQ(metric(v, "weft_auth_cached_total"), 1U);
    w.serve_keys(set_of({second_signer().jwk(es, "b")}));
    w.pass(10min);
    w.run(20);
    EXPECT_EQ(w.requests, 2);
    EXPECT_EQ(at_once(w, v, token), errc::unknown_key) << "also from the cache";
    EXPECT_EQ(at_once(w, v, token_by(second_signer(), "b")), errc{});
}

TEST(key_keeper, an_unchanged_set_keeps_the_cache) {
    world w;
    w.serve_keys(set_of({signer_of(es).jwk(es, "a")}));
    const verifier v = make(url_options());
    v.start(w.loop());
    w.run(20);
    const std::string token = token_by(signer_of(es), "a");
    ASSERT_EQ(at_once(w, v, token), errc{});
    w.pass(10min);
    w.run(20);
    EXPECT_EQ(w.requests, 2);
    EXPECT_EQ(at_once(w, v, token), errc{});
    EXPECT_EQ(metric(v, "weft_auth_cached_total"), 1U);
}

TEST(key_keeper, sec_j9_bad_answers_change_nothing) {
    const std::string good = set_of({signer_of(es).jwk(es, "a")});
    const std::string other = set_of({second_signer().jwk(es, "b")});
    const auto body = [](const std::string& text, const char* status = "200 OK") {
        return std::string("HTTP/1.1 ") + status +
               "\r\nContent-Length: " + std::to_string(text.size()) + "\r\n\r\n" + text;
    };
    for (const std::string& bad :
         {body(other, "302 Found"), body(other, "404 Not Found"), body("nonsense"), body(""),
          body("{\"keys\":{}}"), body(other + std::string(64 * 1024, ' ')),
          std::string("HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n") + other,
          std::string("HTTP/1.1 302 Found\r\nLocation: https://127.0.0.1/x\r\n"
                      "Content-Length: 0\r\n\r\n"),
          std::string("SSH-2.0-x\r\n\r\n"), std::string()}) {
        world w;
        w.serve_keys(good);
        const verifier v = make(url_options());
        v.start(w.loop());
        w.run(20);
        w.reply = bad;
        w.pass(10min);
        w.run(20);
        if (bad.empty()) w.pass(10s);  // nothing comes: the only one that costs time
        EXPECT_EQ(metric(v, "weft_auth_fetch_failures_total"), 1U) << bad.substr(0, 80);
        EXPECT_EQ(at_once(w, v, token_by(signer_of(es), "a")), errc{});
        EXPECT_NE(w.log.back().find("the last one counts on"), std::string::npos) << w.log.back();
        const int before = w.requests;
        w.serve_keys(other);
        w.pass(31s);
        w.run(20);
        EXPECT_EQ(w.requests, before + 1) << "tried again";
        EXPECT_EQ(at_once(w, v, token_by(second_signer(), "b")), errc{});
    }
}

TEST(key_keeper, sec_j9_a_server_without_a_trusted_certificate_is_not_believed) {
    world w;
    w.serve_keys(set_of({signer_of(es).jwk(es, "a")}));
    options from = url_options();
    tls_client_options tls;
    tls.system_cas = false;
    const weft::testing::certificate_authority stranger("A stranger");
    tls.ca_pem = stranger.pem();
    from.issuers[0].keys = key_source::jwks_url("https://127.0.0.1/jwks.json", tls);
    const verifier v = make(from);
    v.start(w.loop());
    w.run(20);
    EXPECT_EQ(w.requests, 0);
    EXPECT_EQ(metric(v, "weft_auth_fetch_failures_total"), 1U);
    ASSERT_FALSE(w.log.empty());
    EXPECT_NE(w.log.back().find("its tokens are refused"), std::string::npos) << w.log.back();
}

TEST(key_keeper, published_secrets_are_not_used) {
    world w;
    options from = url_options();
    w.serve_keys(set_of(
        {signer_of(es).jwk(es, "a"), signer_of(algorithm::hs256).jwk(algorithm::hs256, "s")}));
    const verifier v = make(from);
    v.start(w.loop());
    w.run(20);
    EXPECT_NE(w.log.back().find("1 keys, without 1"), std::string::npos) << w.log.back();
    from.issuers[0].algorithms.push_back(algorithm::hs256);
    const auto refused = verifier::make(from);
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().what().find("no secret"), std::string::npos);
}

TEST(key_keeper, sec_j9_tokens_that_wait_for_keys_take_half_of_the_places) {
    world w;
    options from = url_options();
    from.max_waiting = 4;
    const verifier v = make(from);
    v.start(w.loop());
    std::vector<asked> flood;
    for (int i = 0; i < 10; ++i) flood.emplace_back(w, v, token_by(signer_of(es), "x"));
    w.run(10);
    EXPECT_EQ(metric(v, "weft_auth_waiting"), 2U);
    int busy = 0;
    for (const asked& one : flood) busy += one.done() ? 1 : 0;
    EXPECT_EQ(busy, 8);
    w.pass(10s);
    w.pass_slowly(1s);
    for (const asked& one : flood) EXPECT_TRUE(one.done());
    EXPECT_EQ(metric(v, "weft_auth_waiting"), 0U);
}

TEST(key_keeper, another_loop_goes_on_when_one_ends) {
    auto first = std::make_unique<world>();
    world second;
    second.serve_keys(set_of({signer_of(es).jwk(es, "a")}));
    const verifier v = make(url_options());
    v.start(first->loop());
    v.start(second.loop());
    first->run(20);  // asks, and gets no answer
    EXPECT_EQ(first->requests, 1);
    second.run(20);
    EXPECT_EQ(second.requests, 0) << "one at a time";
    first.reset();
    second.pass(5s);
    second.run(20);
    EXPECT_EQ(second.requests, 1);
    EXPECT_EQ(at_once(second, v, token_by(signer_of(es), "a")), errc{});
}

TEST(key_keeper, the_verifier_may_go_at_any_time) {
    for (int turns = 0; turns < 12; ++turns) {
        world w;
        w.serve_keys(set_of({signer_of(es).jwk(es, "a")}));
        std::optional<verifier> v = make(url_options());
        v->start(w.loop());
        for (int i = 0; i < turns; ++i) w.run(1);
        v.reset();
        w.run(20);
        w.pass(6s);
        w.pass(1h);
        EXPECT_LE(w.requests, 1);
    }
}

/// A file in the folder of tests, removed at the end.
class temporary_file {
public:
    explicit temporary_file(const std::string& text)
        : path_(::testing::TempDir() + "weft_keys_" + std::to_string(::getpid()) + ".json") {
        write(text);
    }
    ~temporary_file() { std::remove(path_.c_str()); }
    void write(const std::string& text) const { std::ofstream(path_) << text; }
    void remove() const { std::remove(path_.c_str()); }
    [[nodiscard]] const std::string& path() const { return path_; }

private:
    std::string path_;
};

TEST(key_keeper, a_file_is_read_again) {
    const temporary_file file(set_of({signer_of(es).jwk(es, "a")}));
    options from = good_options(es);
    from.issuers[0].keys = key_source::jwks_file(file.path());
    const verifier v = make(from);
    world w;
    EXPECT_EQ(at_once(w, v, token_by(signer_of(es), "a")), errc{}) << "before any loop";
    v.start(w.loop());
    w.run();
    file.write(set_of({second_signer().jwk(es, "b")}));
    w.pass(5s);
    EXPECT_EQ(at_once(w, v, token_by(second_signer(), "b")), errc{});
    EXPECT_EQ(at_once(w, v, token_by(signer_of(es), "a")), errc::unknown_key);
    file.write("half a fi");
    w.pass(5s);
    EXPECT_EQ(at_once(w, v, token_by(second_signer(), "b")), errc{});
    file.remove();
    w.pass(5s);
    EXPECT_EQ(at_once(w, v, token_by(second_signer(), "b")), errc{});
    w.pass(1h);
    w.pass(5s);
    const asked late(w, v, token_by(second_signer(), "b"));
    w.pass_slowly(11s);
    EXPECT_EQ(late.refused(), errc::keys_unavailable);
}

TEST(verify_on_a_loop, sec_j8_a_slow_signature_is_verified_on_another_thread) {
    world w;
    for (const algorithm by : all_algorithms()) {
        const verifier v = make(good_options(by));
        const std::string token = *signer_of(by).sign(by, claims_of_now());
        const auto fast = v.try_verify(token, w.loop());
        EXPECT_EQ(fast.has_value(), is_hmac(by)) << to_string(by);
        EXPECT_EQ(at_once(w, v, token), errc{}) << to_string(by);
        const auto again = v.try_verify(token, w.loop());
        ASSERT_TRUE(again.has_value()) << "from the cache";
        EXPECT_TRUE(*again);
        EXPECT_EQ((*again)->expires > w.core->now() + 3600s, true);
        std::string bad = token;
        bad[bad.size() - 5] = bad[bad.size() - 5] == 'A' ? 'B' : 'A';
        EXPECT_EQ(v.try_verify(bad, w.loop()).has_value(), is_hmac(by));
        EXPECT_EQ(at_once(w, v, bad), errc::bad_signature);
        EXPECT_TRUE(v.try_verify("nonsense", w.loop()).has_value());
    }
}

TEST(verify_on_a_loop, sec_j8_the_number_that_waits_is_bounded) {
    world w;
    options from = good_options(es);
    from.max_waiting = 2;
    const verifier v = make(from);
    const std::string token = *signer_of(es).sign(es, claims_of_now());
    std::vector<asked> all;
    for (int i = 0; i < 5; ++i) all.emplace_back(w, v, token);
    w.run();
    int good = 0, busy = 0;
    for (const asked& one : all) {
        ASSERT_TRUE(one.done());
        good += one.refused() == errc{} ? 1 : 0;
        busy += one.refused() == errc::too_busy ? 1 : 0;
    }
    EXPECT_EQ(good, 2);
    EXPECT_EQ(busy, 3);
    EXPECT_EQ(metric(v, "weft_auth_waiting"), 0U);
    EXPECT_EQ(at_once(w, v, token), errc{});
}

TEST(verify_on_a_loop, the_loop_may_go_while_a_token_waits) {
    const verifier v = make(good_options(es));
    {
        world w;
        const asked one(w, v, *signer_of(es).sign(es, claims_of_now()));
        w.core->turn(duration::zero());
    }
    EXPECT_EQ(metric(v, "weft_auth_waiting"), 0U);
}

}  // namespace
}  // namespace weft::auth::test
