// A chat for members: a token (JWT) says who somebody is, a schema what may be said, and limits how
// much of it.
//
//     openssl rand -base64 48 > secret
//     weft_example_members secret [PORT]
//     weft token mint --secret-file secret --iss members --sub ada --aud chat --ttl 15m
//
// A client sends {"type":"auth","token":"..."} and then {"text":"hi"}.

#include <charconv>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>

#include <weft/weft.hpp>

namespace auth = weft::auth;
using weft::ws::connection;

struct saying {
    std::optional<std::string> from;
    std::string text;
};
WEFT_FIELDS(saying, from, text)

int main(int argc, char** argv) {
    if (argc < 2) return std::fprintf(stderr, "usage: members SECRET [PORT]\n"), 2;
    std::ifstream file(argv[1]);
    std::string secret{std::istreambuf_iterator<char>(file), {}};
    while (secret.ends_with('\n')) secret.pop_back();

    auth::options rules;
    rules.issuers.push_back({.name = "members",
                             .keys = auth::key_source::secret(secret),
                             .algorithms = {auth::algorithm::hs256},
                             .audience = {"chat"}});
    rules.from.first_message = true;  // besides the header Authorization
    const auto login = auth::verifier::make(std::move(rules));
    const auto form = weft::schema::make(R"({
        "type": "object",
        "required": ["text"],
        "additionalProperties": false,
        "properties": {"text": {"type": "string", "minLength": 1, "maxLength": 500}}
    })");
    if (!login) return std::fprintf(stderr, "members: %s\n", login.error().message().c_str()), 1;
    if (!form) return std::fprintf(stderr, "members: %s\n", form.error().message().c_str()), 1;

    weft::server server(
        {.traffic = {.per_address = {.max_connections = 200, .errors_per_minute = 60},
                     .per_subject = {.max_connections = 5, .messages_per_second = 10}}});
    server.ws("/chat", {.schema = *form})
        .require(*login)
        .on_open([](connection<void>& c) { c.subscribe("members"); })
        .on_message([&](connection<void>& c, weft::message_view message) {
            auto said = weft::from_json<saying>(message.text());
            if (!said) return;  // the schema has seen to that
            said->from = c.peer().who()->subject;
            server.publish("members", weft::to_json(*said));
        });
    server.require("/logout", *login);
    (void)server.http().post("/logout", [&](const weft::http::request& asked) {
        (void)login->revoke_subject(asked.peer().who()->subject);  // wherever they are connected
        return weft::http::response(204);
    });

    std::uint16_t port = 8080;
    if (argc > 2) std::from_chars(argv[2], argv[2] + std::string_view(argv[2]).size(), port);
    const auto listening = server.listen({.host = "127.0.0.1", .port = port});
    if (!listening)
        return std::fprintf(stderr, "members: %s\n", listening.error().message().c_str()), 1;
    std::printf("listening on http://127.0.0.1:%u/\n", unsigned{*listening});
    std::fflush(stdout);
    return server.run();
}
