// What happens when memory is out at the doors: where tokens are required, messages must meet a
// schema, and traffic is limited. Each scenario is played with a failure at each of its
// allocations. That costs at most the connections that take part in it: nothing leaks, nobody gets
// in without a token, and those beside them go on as if nothing had been.

#include <gtest/gtest.h>

#include <array>
#include <ctime>
#include <memory>
#include <new>
#include <ostream>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <weft/auth/verifier.hpp>
#include <weft/http/router.hpp>
#include <weft/net/awaitable.hpp>
#include <weft/socketio/server.hpp>
#include <weft/testing/token_signer.hpp>
#include <weft/ws/endpoint.hpp>

#include "auth/gate.hpp"
#include "auth/token_cache.hpp"
#include "http/service.hpp"
#include "net/backend/sim/sim_backend.hpp"
#include "net/loop_core.hpp"
#include "net/traffic_meter.hpp"
#include "support/fail_allocations.hpp"
#include "unit/ws/proto_support.hpp"
#include "unit/ws/ws_world.hpp"
#include "ws/connection_core.hpp"

namespace weft::test {
namespace {

using namespace std::chrono_literals;
using ws::test::text_frame;

// ---- The cache of tokens ----

TEST(cache_memory, an_entry_that_fails_has_changed_nothing) {
    bool ran_through = false;
    for (std::size_t number = 0; !ran_through; ++number) {
        SCOPED_TRACE("allocation " + std::to_string(number));
        ASSERT_LT(number, 20U);
        const std::size_t living = allocations::living;
        {
            auth::token_cache cache(2, 1 << 20);
            const auto what = std::make_shared<const auth::verified_token>();
            cache.add({1, 1}, what);
            cache.add({2, 2}, what);
            const std::size_t before = cache.bytes();
            allocations::fail_at(number);
            try {
                const allocations::watch on(true);
                cache.add({3, 3}, what);
            } catch (const std::bad_alloc&) {
                EXPECT_EQ(cache.find({3, 3}), nullptr);
            }
            ran_through = !allocations::failed;
            EXPECT_NE(cache.find({2, 2}), nullptr);
            cache.add({4, 4}, what);
            EXPECT_EQ(cache.bytes(), before);
            for (std::uint64_t n = 1; n < 5; ++n) cache.remove({n, n});
            EXPECT_EQ(cache.bytes(), 0U);
        }
        EXPECT_EQ(allocations::living, living);
        if (::testing::Test::HasFailure()) return;
    }
}

// ---- Coroutines that wait ----

task<void> wait_twice(loop_ref loop, int* steps) {
    const auto end = std::make_unique<int>(0);  // dies with the coroutine
    co_await sleep_for(loop, 1s);
    ++*steps;
    auto work = [] {};
    co_await run_blocking(loop, std::move(work));
    ++*steps;
}

TEST(coroutine_memory, that_is_out_is_thrown_to_the_coroutine_that_wanted_to_wait) {
    bool ran_through = false;
    for (std::size_t number = 0; !ran_through; ++number) {
        SCOPED_TRACE("allocation " + std::to_string(number));
        ASSERT_LT(number, 100U);
        const std::size_t living = allocations::living;
        {
            auto& sim = *new net::sim_backend;
            net::loop_core loop(
                std::make_unique<unwatched_backend>(std::unique_ptr<net::backend>(&sim)),
                {.log = nullptr});
            loop.start();
            int steps = 0;
            bool thrown = false;
            allocations::fail_at(number);
            const auto turn = [&] {
                const allocations::watch on(true);
                loop.turn(duration::zero());
            };
            try {
                const allocations::watch on(true);
                loop.post([&] {
                    try {
                        weft::detail::spawn(wait_twice(loop.ref(), &steps),
                                            [&](const std::exception_ptr&) { thrown = true; });
                    } catch (const std::bad_alloc&) {
                        thrown = true;
                    }
                });
            } catch (const std::bad_alloc&) {
                thrown = true;
            }
            turn();
            sim.advance(1s);
            turn();
            for (int i = 0; steps == 1 && !thrown && i < 10'000'000; ++i) {
                if (i == 1) sim.advance(100ms);
                turn();
                std::this_thread::yield();
            }
            ran_through = !allocations::failed;
            EXPECT_NE(steps == 2, thrown);
            EXPECT_FALSE(thrown && ran_through);
            loop.shut_down();
        }
        EXPECT_EQ(allocations::living, living) << "leaked";
        if (::testing::Test::HasFailure()) return;
    }
}

// ---- Whole connections ----

const token_signer& issuer_key() {
    static const token_signer made = *token_signer::generate(auth::algorithm::es256);
    return made;
}

std::string sign(std::string_view subject, std::string_view id, int lives = 3600) {
    return *issuer_key().sign(auth::algorithm::es256,
                              R"({"iss":"https://id.example","aud":"chat","sub":")" +
                                  std::string(subject) + R"(","jti":")" + std::string(id) +
                                  R"(","exp":)" + std::to_string(std::time(nullptr) + lives) + "}");
}

/// Signed once for all plays. Those whose name says so are in the cache of each world.
struct tokens {
    std::string beside = sign("those who are there before", "1");
    std::string ada = sign("a subject with a long name", "2");
    std::string newer = sign("a subject with a long name", "3");
    std::string short_lived = sign("a subject with a long name", "4", 60);
    std::string slow = sign("a subject with a long name", "5");
    std::string slow_too = sign("a subject with a long name", "6");
    std::string bob = sign("somebody else", "7");
    std::string forged = ada.substr(0, ada.size() - 8) + "AAAAAAAA";

    static const tokens& all() {
        static const tokens made;
        return made;
    }
};

schema schema_of_numbers() {
    return *schema::make(R"({"type":"array","items":{"type":"integer"},"maxItems":3})");
}

class world final : public socketio::host, private net::acceptor, private log_sink {
public:
    using peer = net::sim_backend::peer;

    world()
        : sim(*new net::sim_backend),
          loop(std::make_unique<unwatched_backend>(std::unique_ptr<net::backend>(&sim)),
               {.log = this}),
          login(*auth::verifier::make(rules())),
          meter(traffic()),
          shared(loop, all, 64 * 1024 * 1024),
          server(*this, socketio::options()),
          service_(loop, routes_, {}, this) {
        for (const std::string* known :
             {&tokens::all().beside, &tokens::all().ada, &tokens::all().newer,
              &tokens::all().short_lived, &tokens::all().bob})
            EXPECT_TRUE(login.verify(*known));
        loop.limit_traffic(meter);
        use_websocket();
        use_socketio();
        routes_.before("/private", [this](const http::request& asked) {
            return auth::gate(login).admit(asked, loop);
        });
        EXPECT_TRUE(routes_.get("/private/page", [this](const http::request& asked) {
            ++(asked.peer().who() != nullptr ? let_in : let_in_unknown);
            return http::response::text(200, "welcome");
        }));
        EXPECT_TRUE(module_->prepare({&shared}));
        listen_options where;
        where.port = 80;
        EXPECT_TRUE(loop.listen(where, *this));
        loop.start();
    }
    ~world() { end(); }
    void end() {
        loop.shut_down();
        module_->shut_down();
    }

    void turn(int times) {
        const allocations::watch on(watching);
        while (times-- > 0) loop.turn(duration::zero());
    }
    /// Until what has come is handled, also by workers.
    void run() {
        turn(8);
        if (waiting() == 0) return;
        if (allocations::failed) pass(100ms);  // when a thread is tried for again
        for (int i = 0; waiting() != 0; ++i) {
            ASSERT_LT(i, 10'000'000);
            std::this_thread::yield();
            turn(1);
        }
        turn(8);
    }
    void pass(duration time) {
        sim.advance(time);
        turn(8);
    }
    peer connect(std::string_view from = "127.0.0.1") {
        made.push_back(sim.connect_client(80, from));
        return made.back();
    }
    void send(peer client, std::string_view bytes) {
        sim.peer_send(client, bytes);
        run();
    }
    std::string ask(peer client, std::string_view bytes) {
        send(client, bytes);
        return sim.peer_take(client);
    }
    static std::string bearer(std::string_view token) {
        return "Authorization: Bearer " + std::string(token) + "\r\n";
    }
    static std::string get(std::string_view path, std::string_view lines = "") {
        return "GET " + std::string(path) + " HTTP/1.1\r\nHost: here\r\n" + std::string(lines) +
               "\r\n";
    }
    static std::string upgrade(std::string_view path, std::string_view lines = "") {
        return get(path,
                   "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: "
                   "dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n" +
                       std::string(lines));
    }
    static std::string first_message(std::string_view token) {
        return text_frame(R"({"type":"auth","token":")" + std::string(token) + "\"}");
    }
    static std::string login_packet(std::string_view token) {
        return text_frame(R"(40/members,{"token":")" + std::string(token) + "\"}");
    }
    peer open_ws(std::string_view lines = "", std::string_view from = "127.0.0.1") {
        const peer client = connect(from);
        (void)ask(client, upgrade("/ws", lines));
        return client;
    }
    peer open_sio(std::string_view packet, std::string_view from = "127.0.0.1") {
        const peer client = connect(from);
        send(client, upgrade("/socket.io/?EIO=4&transport=websocket"));
        send(client, packet);
        return client;
    }
    /// A WebSocket and a Socket.IO client are still there.
    void answer_pings(peer a_plain, peer an_events) {
        const bool watched = std::exchange(watching, false);
        send(a_plain, ws::test::encode({0x8A, ""}));
        send(an_events, text_frame("3"));
        watching = watched;
    }
    /// The scenario's clients are gone.
    void leave() {
        for (const peer each : std::exchange(made, {})) sim.peer_reset(each);
        run();
    }

    net::sim_backend& sim;
    bool watching = false;
    net::loop_core loop;
    auth::verifier login;
    net::traffic_meter meter;
    pubsub::exchange all;
    ws::connection_shared shared;
    ws::endpoint<void> endpoint{ws_options()};
    std::vector<peer> made;        // clients of the scenario
    peer plain = -1, events = -1;  // those beside it
    int opened = 0, closed = 0, heard = 0;
    int let_in = 0, let_in_unknown = 0;  // without an identity

    static constexpr std::size_t most = 6;  // connections of one address, and of one subject

private:
    static auth::options rules() {
        auth::options made;
        made.issuers.push_back({.name = "https://id.example",
                                .keys = auth::key_source::pem(issuer_key().public_pem()),
                                .algorithms = {auth::algorithm::es256},
                                .audience = {"chat"}});
        made.from.first_message = true;
        made.from.socketio_auth = true;
        return made;
    }
    static traffic_options traffic() {
        traffic_options made;
        made.per_address = {.max_connections = most,
                            .messages_per_second = 10,
                            .bytes_per_second = 10'000,
                            .errors_per_minute = 4};
        made.per_subject = {.max_connections = most - 1, .messages_per_second = 10};
        return made;
    }
    static ws::options ws_options() {
        ws::options chosen;
        chosen.schema = schema_of_numbers();
        chosen.max_violations = 2;
        return chosen;
    }
    std::size_t waiting() const {
        const allocations::watch off(false);
        std::size_t found = 0;
        login.visit_metrics([&](const metric_sample& one) {
            if (one.name == "weft_auth_waiting") found = one.value;
        });
        return found;
    }
    void use_websocket() {
        endpoint.require(login);
        endpoint
            .on_open([this](auto& c) {
                ++opened;
                ++(c.peer().who() != nullptr ? let_in : let_in_unknown);
            })
            .on_message([this](auto& c, message_view m) {
                ++heard;
                c.send(m);
            })
            .on_close([this](auto&, const ws::close_event&) { ++closed; });
        EXPECT_TRUE(endpoint.prepare());
        endpoint.set_loops({&shared});
        EXPECT_TRUE(routes_.upgrade("/ws", [this](const http::request& request, http::upgrade way) {
            endpoint.handle(request, std::move(way));
        }));
    }
    void use_socketio() {
        server.of("/members")
            .require(login)
            .validate("numbers", schema_of_numbers())
            .on_connect([this](socketio::socket& s) {
                ++(s.peer().who() != nullptr ? let_in : let_in_unknown);
            })
            .on("numbers", [this](socketio::socket&, int first) {
                ++heard;
                return first;
            });
    }
    http::router& routes() noexcept override { return routes_; }
    log_sink* log() const noexcept override { return nullptr; }
    std::size_t attach(std::shared_ptr<socketio::module> what) override {
        module_ = std::move(what);
        return 0;
    }
    std::unique_ptr<net::stream_handler> on_accept(net::byte_stream& stream) override {
        return service_.make_connection(stream);
    }
    void write(const log_record&) noexcept override {}

    http::router routes_;
    std::shared_ptr<socketio::module> module_;

public:
    socketio::server server;

private:
    http::service service_;
};

struct scenario {
    const char* name;
    void (*play)(world&);

    friend void PrintTo(const scenario& what, std::ostream* out) { *out << what.name; }
};

const tokens& t() {
    return tokens::all();
}

const scenario scenarios[] = {
    {"a page for bearers",
     [](world& w) {
         (void)w.ask(w.connect(), world::get("/private/page", world::bearer(t().ada)));
     }},
    {"a page for bearers, and a signature to verify",
     [](world& w) {
         (void)w.ask(w.connect(), world::get("/private/page", world::bearer(t().slow)));
     }},
    {"a page without a token, with two, and with a forged one",
     [](world& w) {
         (void)w.ask(w.connect(), world::get("/private/page"));
         (void)w.ask(w.connect(), world::get("/private/page",
                                             world::bearer(t().ada) + world::bearer(t().newer)));
         (void)w.ask(w.connect(), world::get("/private/page", world::bearer(t().forged)));
     }},
    {"a WebSocket of a bearer",
     [](world& w) { (void)w.ask(w.open_ws(world::bearer(t().ada)), text_frame("[1,2]")); }},
    {"a WebSocket of a bearer, and a signature to verify",
     [](world& w) { (void)w.ask(w.open_ws(world::bearer(t().slow)), text_frame("[1,2]")); }},
    {"a WebSocket with a forged token",
     [](world& w) { (void)w.open_ws(world::bearer(t().forged)); }},
    {"a first message",
     [](world& w) {
         const auto client = w.open_ws();
         (void)w.ask(client, world::first_message(t().ada));
         (void)w.ask(client, text_frame("[1,2]"));
     }},
    {"a first message, and a signature to verify",
     [](world& w) {
         const auto client = w.open_ws();
         w.sim.peer_send(client, world::first_message(t().slow));
         const std::string said = w.ask(client, text_frame("[1,2]"));
         EXPECT_TRUE(!said.empty() || w.sim.peer_sees_end(client) || w.sim.peer_sees_reset(client))
             << "it waits for ever";
     }},
    {"first messages that are none",
     [](world& w) {
         (void)w.ask(w.open_ws(), text_frame("[1,2]"));
         (void)w.ask(w.open_ws(), world::first_message(t().forged));
         (void)w.open_ws();
         w.pass(6s);
     }},
    {"newer tokens of a WebSocket",
     [](world& w) {
         const auto client = w.open_ws(world::bearer(t().ada));
         (void)w.ask(client, world::first_message(t().newer));
         (void)w.ask(client, world::first_message(t().slow));
         (void)w.ask(client, world::first_message(t().bob));
         (void)w.ask(client, world::first_message(t().forged));
     }},
    {"tokens that end",
     [](world& w) {
         const auto plain = w.open_ws(world::bearer(t().short_lived));
         const auto events = w.open_sio(world::login_packet(t().short_lived));
         for (int i = 0; i < 5; ++i) {
             w.pass(20s);
             w.answer_pings(plain, events);
             w.answer_pings(w.plain, w.events);
         }
     }},
    {"Socket.IO with a token",
     [](world& w) {
         const auto client = w.open_sio(world::login_packet(t().ada));
         (void)w.ask(client, text_frame(R"(42/members,0["numbers",7])"));
     }},
    {"Socket.IO with a token, and a signature to verify",
     [](world& w) {
         const auto client = w.open_sio(world::login_packet(t().slow));
         (void)w.ask(client, text_frame(R"(42/members,0["numbers",7])"));
     }},
    {"Socket.IO without a token, and with a forged one",
     [](world& w) {
         (void)w.open_sio(text_frame("40/members,"));
         (void)w.open_sio(world::login_packet(t().forged));
     }},
    {"Socket.IO with newer tokens",
     [](world& w) {
         const auto client = w.open_sio(world::login_packet(t().ada));
         for (const std::string* newer : {&t().newer, &t().slow, &t().bob, &t().forged})
             (void)w.ask(client, text_frame(R"(42/members,1["refresh_token",")" + *newer + "\"]"));
     }},
    {"messages that break a schema",
     [](world& w) {
         const auto client = w.open_ws(world::bearer(t().ada));
         for (const char* wrong : {"[1,\"two\"]", "no JSON", "[1,2,3,4,5]", "{}"})
             (void)w.ask(client, text_frame(wrong));
     }},
    {"events that break a schema",
     [](world& w) {
         const auto client = w.open_sio(world::login_packet(t().ada));
         (void)w.ask(client, text_frame(R"(42/members,0["numbers","seven"])"));
         (void)w.ask(client, text_frame(R"(42/members,["numbers",1,2,3,4,5])"));
     }},
    {"too many connections",
     [](world& w) {
         for (std::size_t i = 0; i < world::most; ++i) (void)w.open_ws(world::bearer(t().ada));
         (void)w.ask(w.connect(), world::get("/private/page", world::bearer(t().ada)));
         (void)w.open_ws();
     }},
    {"too many connections of a subject",
     [](world& w) {
         for (std::size_t i = 0; i + 1 < world::most; ++i)
             (void)w.open_ws(world::bearer(t().ada), "10.3.0." + std::to_string(i));
         (void)w.ask(w.open_ws("", "10.3.1.1"), world::first_message(t().ada));
         (void)w.open_sio(world::login_packet(t().ada), "10.3.1.2");
     }},
    {"too many messages",
     [](world& w) {
         const auto client = w.open_ws(world::bearer(t().ada), "10.3.0.1");
         const auto events = w.open_sio(world::login_packet(t().bob), "10.3.0.1");
         std::string many;
         for (int i = 0; i < 60; ++i) many += text_frame("[1]");
         w.send(client, many);
         w.send(events, text_frame(R"(42/members,["numbers",1])"));
         w.pass(2s);
         w.send(client, many + many + many);
         w.pass(2s);
     }},
    {"too many errors",
     [](world& w) {
         for (int i = 0; i < 3; ++i)
             (void)w.ask(w.connect("10.3.0.1"),
                         world::get("/private/page", world::bearer(t().forged)));
         (void)w.open_ws(world::bearer(t().forged), "10.3.0.1");
         (void)w.open_ws(world::bearer(t().ada), "10.3.0.1");
         (void)w.ask(w.connect("10.3.0.1"), world::get("/private/page"));
     }},
};

class door_memory : public ::testing::TestWithParam<scenario> {};

/// Plays it once; false when no allocation of that number was made.
bool play(const scenario& what, std::size_t number) {
    world w;
    w.plain = w.open_ws(world::bearer(t().beside), "10.1.0.1");
    w.events = w.open_sio(world::login_packet(t().beside), "10.1.0.2");
    (void)w.sim.peer_take(w.events);
    w.made.clear();
    w.pass(1s);
    allocations::fail_at(number);
    w.watching = true;
    what.play(w);
    w.watching = false;
    const bool failed = allocations::failed;

    w.run();
    (void)w.sim.peer_take(w.plain);
    (void)w.sim.peer_take(w.events);
    EXPECT_NE(w.ask(w.plain, text_frame("[1,2,3]")).find("[1,2,3]"), std::string::npos);
    EXPECT_NE(w.ask(w.events, text_frame(R"(42/members,5["numbers",8])")).find("43/members,5[8]"),
              std::string::npos);
    // Whoever has gone counts no longer: all places are free again.
    w.leave();
    for (std::size_t i = 0; i + 1 < world::most; ++i) {
        const auto fresh = w.open_ws(world::bearer(t().ada));
        EXPECT_NE(w.ask(fresh, text_frame("[4]")).find("[4]"), std::string::npos) << i;
    }
    EXPECT_EQ(w.let_in_unknown, 0) << "somebody came in without a token";
    w.end();
    EXPECT_EQ(w.closed, w.opened);
    EXPECT_EQ(w.sim.open_descriptors(), 0U);
    EXPECT_EQ(w.shared.metrics.open.read(), 0U);
    return failed;
}

TEST_P(door_memory, that_is_out_costs_at_most_the_connections_that_met_it) {
    play(GetParam(), SIZE_MAX);  // what is made once per process
    for (std::size_t number = 0;; ++number) {
        SCOPED_TRACE("allocation " + std::to_string(number));
        ASSERT_LT(number, 3'000U);
        const std::size_t living = allocations::living;
        const bool failed = play(GetParam(), number);
        if (HasFailure()) break;  // its report is allocated, too
        EXPECT_EQ(allocations::living, living) << "leaked";
        if (!failed) break;
    }
}

INSTANTIATE_TEST_SUITE_P(out, door_memory, ::testing::ValuesIn(scenarios), [](const auto& played) {
    std::string name = played.param.name;
    for (char& c : name) {
        if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
    }
    return name;
});

}  // namespace
}  // namespace weft::test
