// The code of docs/guide/authentication.md: compiled, and compared with the page by
// tests/structure/docs_code_test.py.

#include <chrono>
#include <cstdio>
#include <string>
#include <utility>

#include <weft/socketio/json.hpp>
#include <weft/testing/token_signer.hpp>
#include <weft/weft.hpp>

namespace authentication_guide {

namespace auth = weft::auth;
using namespace std::chrono_literals;

weft::result<auth::verifier> by_key_set() {
    auth::options options;
    options.issuers.push_back({
        .name = "https://id.example.org",
        .keys = auth::key_source::jwks_url("https://id.example.org/jwks.json"),
        .algorithms = {auth::algorithm::es256, auth::algorithm::rs256},
        .audience = {"chat"},
    });
    return auth::verifier::make(options);
}

auth::issuer by_secret(std::string secret, std::string previous) {
    return {
        .name = "our-login",
        .keys = auth::key_source::secret(std::move(secret), std::move(previous),
                                         std::chrono::system_clock::now() + 24h),
        .algorithms = {auth::algorithm::hs256},
        .audience = {"chat"},
    };
}

void places(auth::options& options) {
    options.from.authorization = true;  // Authorization: Bearer TOKEN; the only one at first
    options.from.subprotocol = true;    // new WebSocket(url, ["chat.v1", "bearer.TOKEN"])
    options.from.cookie = "__Host-token";
    options.from.query = "ticket";
}

void doors(weft::server& server, weft::socketio::server& io, const auth::verifier& verifier) {
    server.require("/api", verifier);      // routes below /api
    server.ws("/chat").require(verifier);  // a WebSocket endpoint
    io.of("/members").require(verifier);   // a namespace of Socket.IO
}

void everything(weft::server& server, const auth::verifier& verifier) {
    server.require(verifier);
}

void routes(weft::server& server) {
    (void)server.http().get("/api/me", [](const weft::http::request& asked) {
        return weft::http::response::text(200, asked.peer().who()->subject);
    });
}

void expiring(weft::ws::endpoint<void>& chat) {
    chat.on_expiring([](weft::ws::connection<void>& c, std::chrono::seconds left) {
        c.send("your login ends in " + std::to_string(left.count()) + " seconds");
    });
}

struct profile {
    std::string name;
    std::string role;
};
WEFT_FIELDS(profile, name, role)

void who_is_it(const weft::identity& who) {
    const auth::claims claims(who);
    std::printf("%s, token %s\n", who.subject.c_str(), claims.id().c_str());
    if (const auto own = weft::from_json<profile>(claims.json())) {
        std::printf("%s is %s\n", own->name.c_str(), own->role.c_str());
    }
}

void revoke(const auth::verifier& verifier, const std::string& id, const std::string& user) {
    (void)verifier.revoke_token(id);      // this token
    (void)verifier.revoke_subject(user);  // all of a user up to now, for "log out everywhere"
    (void)verifier.revoke_issued_before(std::chrono::system_clock::now());  // everybody
}

std::string for_a_test() {
    const auto signer = weft::token_signer::generate(auth::algorithm::es256);
    if (!signer) return {};
    const auto keys = auth::key_source::pem(signer->public_pem());
    const auto token = signer->sign(auth::algorithm::es256, R"({"iss":"test","sub":"ada"})");
    return token ? *token : signer->public_pem() + keys.text();
}

}  // namespace authentication_guide
