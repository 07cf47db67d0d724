// Torture at the doors: where tokens are required, messages must meet a schema, and traffic is
// limited. Nobody gets in without a token, and whoever has gone counts no longer.

#include <ctime>

#include <weft/testing/token_signer.hpp>

#include "sim/torture.hpp"

namespace weft::test {
namespace {

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

constexpr std::size_t most = 6;  // connections of one address, and of one subject

const guard& doors() {
    static const guard made = [] {
        guard g;
        g.rules.issuers.push_back({.name = "https://id.example",
                                   .keys = auth::key_source::pem(issuer_key().public_pem()),
                                   .algorithms = {auth::algorithm::es256},
                                   .audience = {"chat"}});
        g.rules.from.first_message = true;
        g.rules.from.socketio_auth = true;
        g.traffic.per_address = {.max_connections = most,
                                 .messages_per_second = 10,
                                 .bytes_per_second = 10'000,
                                 .errors_per_minute = 4};
        g.traffic.per_subject = {.max_connections = most - 1, .messages_per_second = 10};
        const tokens& all = tokens::all();
        g.known = {all.beside, all.ada, all.newer, all.short_lived, all.bob};
        return g;
    }();
    return made;
}

std::string first_message(std::string_view token) {
    return text_frame(R"({"type":"auth","token":")" + std::string(token) + "\"}");
}
std::string login(std::string_view token) {
    return torture_world::login_packet(token);
}
/// Of clients whose memory never runs out.
void answer_pings(torture_world& w, torture_world::peer plain, torture_world::peer events) {
    const bool watched = std::exchange(w.watching, false);
    w.send(plain, encode({0x8A, ""}));
    w.send(events, text_frame("3"));
    w.watching = watched;
}

const tokens& t() {
    return tokens::all();
}

const scenario scenarios[] = {
    {"a page for bearers",
     [](torture_world& w) {
         (void)w.ask(w.connect(),
                     torture_world::get("/private/page", torture_world::bearer(t().ada)));
     }},
    {"a page for bearers, and a signature to verify",
     [](torture_world& w) {
         (void)w.ask(w.connect(),
                     torture_world::get("/private/page", torture_world::bearer(t().slow)));
     }},
    {"a page without a token, with two, and with a forged one",
     [](torture_world& w) {
         (void)w.ask(w.connect(), torture_world::get("/private/page"));
         (void)w.ask(w.connect(),
                     torture_world::get("/private/page", torture_world::bearer(t().ada) +
                                                             torture_world::bearer(t().newer)));
         (void)w.ask(w.connect(),
                     torture_world::get("/private/page", torture_world::bearer(t().forged)));
     }},
    {"a WebSocket of a bearer",
     [](torture_world& w) {
         (void)w.ask(w.open_ws(torture_world::bearer(t().ada)), text_frame("[1,2]"));
     }},
    {"a WebSocket of a bearer, and a signature to verify",
     [](torture_world& w) {
         (void)w.ask(w.open_ws(torture_world::bearer(t().slow)), text_frame("[1,2]"));
     }},
    {"a WebSocket with a forged token",
     [](torture_world& w) { (void)w.open_ws(torture_world::bearer(t().forged)); }},
    {"a first message",
     [](torture_world& w) {
         const auto client = w.open_ws();
         (void)w.ask(client, first_message(t().ada));
         (void)w.ask(client, text_frame("[1,2]"));
     }},
    {"a first message, and a signature to verify",
     [](torture_world& w) {
         const auto client = w.open_ws();
         w.sim.peer_send(client, first_message(t().slow));
         const std::string said = w.ask(client, text_frame("[1,2]"));
         EXPECT_TRUE(!said.empty() || w.sim.peer_sees_end(client) || w.sim.peer_sees_reset(client))
             << "it waits for ever";
     }},
    {"first messages that are none",
     [](torture_world& w) {
         (void)w.ask(w.open_ws(), text_frame("[1,2]"));
         (void)w.ask(w.open_ws(), first_message(t().forged));
         (void)w.open_ws();
         w.pass(6s);
     }},
    {"newer tokens of a WebSocket",
     [](torture_world& w) {
         const auto client = w.open_ws(torture_world::bearer(t().ada));
         (void)w.ask(client, first_message(t().newer));
         (void)w.ask(client, first_message(t().slow));
         (void)w.ask(client, first_message(t().bob));
         (void)w.ask(client, first_message(t().forged));
     }},
    {"tokens that end",
     [](torture_world& w) {
         const auto plain = w.open_ws(torture_world::bearer(t().short_lived));
         const auto events = w.open_sio(login(t().short_lived));
         for (int i = 0; i < 5; ++i) {
             w.pass(20s);
             answer_pings(w, plain, events);
         }
     }},
    {"Socket.IO with a token",
     [](torture_world& w) {
         const auto client = w.open_sio(login(t().ada));
         (void)w.ask(client, text_frame(R"(42/members,0["numbers",7])"));
     }},
    {"Socket.IO with a token, and a signature to verify",
     [](torture_world& w) {
         const auto client = w.open_sio(login(t().slow));
         (void)w.ask(client, text_frame(R"(42/members,0["numbers",7])"));
     }},
    {"Socket.IO without a token, and with a forged one",
     [](torture_world& w) {
         (void)w.open_sio("40/members,");
         (void)w.open_sio(login(t().forged));
     }},
    {"Socket.IO with newer tokens",
     [](torture_world& w) {
         const auto client = w.open_sio(login(t().ada));
         for (const std::string* newer : {&t().newer, &t().slow, &t().bob, &t().forged})
             (void)w.ask(client, text_frame(R"(42/members,1["refresh_token",")" + *newer + "\"]"));
     }},
    {"messages that break a schema",
     [](torture_world& w) {
         const auto client = w.open_ws(torture_world::bearer(t().ada));
         for (const char* wrong : {"[1,\"two\"]", "no JSON", "[1,2,3,4,5]", "{}"})
             (void)w.ask(client, text_frame(wrong));
     }},
    {"events that break a schema",
     [](torture_world& w) {
         const auto client = w.open_sio(login(t().ada));
         (void)w.ask(client, text_frame(R"(42/members,0["numbers","seven"])"));
         (void)w.ask(client, text_frame(R"(42/members,["numbers",1,2,3,4,5])"));
     }},
    {"too many connections",
     [](torture_world& w) {
         for (std::size_t i = 0; i < most; ++i) (void)w.open_ws(torture_world::bearer(t().ada));
         (void)w.ask(w.connect(),
                     torture_world::get("/private/page", torture_world::bearer(t().ada)));
         (void)w.open_ws();
     }},
    {"too many connections of a subject",
     [](torture_world& w) {
         for (std::size_t i = 0; i + 1 < most; ++i)
             (void)w.open_ws(torture_world::bearer(t().ada), "10.3.0." + std::to_string(i));
         (void)w.ask(w.open_ws("", "10.3.1.1"), first_message(t().ada));
         (void)w.open_sio(login(t().ada), "10.3.1.2");
     }},
    {"too many messages",
     [](torture_world& w) {
         const auto client = w.open_ws(torture_world::bearer(t().ada), "10.3.0.1");
         const auto events = w.open_sio(login(t().bob), "10.3.0.1");
         std::string many;
         for (int i = 0; i < 60; ++i) many += text_frame("[1]");
         w.send(client, many);
         w.send(events, text_frame(R"(42/members,["numbers",1])"));
         w.pass(2s);
         w.send(client, many + many + many);
         w.pass(2s);
     }},
    {"too many errors",
     [](torture_world& w) {
         for (int i = 0; i < 3; ++i)
             (void)w.ask(w.connect("10.3.0.1"),
                         torture_world::get("/private/page", torture_world::bearer(t().forged)));
         (void)w.open_ws(torture_world::bearer(t().forged), "10.3.0.1");
         (void)w.open_ws(torture_world::bearer(t().ada), "10.3.0.1");
         (void)w.ask(w.connect("10.3.0.1"), torture_world::get("/private/page"));
     }},
};

class door_torture : public ::testing::TestWithParam<scenario> {};

TEST_P(door_torture, costs_at_most_the_connections_that_met_it) {
    torture(GetParam(), &doors(), [](torture_world& w) {
        for (std::size_t i = 0; i + 1 < most; ++i) {
            const auto fresh = w.open_ws(torture_world::bearer(t().ada));
            EXPECT_NE(w.ask(fresh, text_frame("[4]")).find("[4]"), std::string::npos) << i;
        }
        EXPECT_EQ(w.unknown, 0) << "somebody came in without a token";
    }).run();
}

INSTANTIATE_TEST_SUITE_P(of, door_torture, ::testing::ValuesIn(scenarios), name_of);

}  // namespace
}  // namespace weft::test
