// An echo at /ws for everybody and at /members for bearers of ES384 tokens, with counters at
// /metrics. What bad_tokens.py and handshake_cost.py ask. Prints "listening on URL", a good token,
// and one with a signature of a wrong key.

#include <cstdio>
#include <ctime>
#include <string>

#include <weft/auth/verifier.hpp>
#include <weft/server/server.hpp>
#include <weft/testing/token_signer.hpp>

int main() {
    using weft::auth::algorithm;
    const auto signer = weft::token_signer::generate(algorithm::es384);
    const auto wrong = weft::token_signer::generate(algorithm::es384);
    weft::auth::options rules;
    rules.issuers.push_back(
        {.name = "bench",
         .keys = weft::auth::key_source::jwks(signer->jwk(algorithm::es384, "k")),
         .algorithms = {algorithm::es384},
         .audience = {"bench"}});
    const auto login = weft::auth::verifier::make(std::move(rules));
    if (!login) return std::fprintf(stderr, "%s\n", login.error().message().c_str()), 1;

    weft::server_options options;
    options.log = nullptr;
    weft::server server(options);
    server.ws("/ws").on_message([](auto& c, weft::message_view m) { c.send(m); });
    server.ws("/members").require(*login).on_message([](auto& c, weft::message_view m) {
        c.send(m);
    });
    (void)server.http().get("/metrics", [&](const weft::http::request&) {
        return weft::http::response::text(200, server.metrics_text());
    });
    const auto port = server.listen({.host = "127.0.0.1", .port = 0});
    if (!port) return std::fprintf(stderr, "%s\n", port.error().message().c_str()), 1;
    const std::string claims =
        R"({"iss":"bench","aud":"bench","sub":"ada","jti":"00000000","exp":)" +
        std::to_string(std::time(nullptr) + 12 * 3600) + "}";
    std::printf("listening on http://127.0.0.1:%u/\n%s\n%s\n", unsigned{*port},
                signer->sign(algorithm::es384, claims, "k")->c_str(),
                wrong->sign(algorithm::es384, claims, "k")->c_str());
    std::fflush(stdout);
    return server.run();
}
