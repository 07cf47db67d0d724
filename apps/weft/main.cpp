// The command line of `weft`: what can be asked, in words that teach. The commands themselves are
// elsewhere; CLI11 is heavy to compile, so that it stays here. Every value is judged while the line
// is parsed, so that what is wrong is said with the name of its flag.

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>

#include <sys/resource.h>
#include <unistd.h>

#include <weft/auth/algorithm.hpp>

#include "bench_command.hpp"
#include "commands.hpp"
#include "config/flags.hpp"
#include "pages/command_pages.hpp"
#include "serve_command_line.hpp"
#include "version.hpp"

namespace {

constexpr int usage_error = 2;

/// One connection is one descriptor: we may as well use all that we are allowed.
void raise_descriptor_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

// ---- What values may be ----

CLI::Validator number(std::uint64_t least, std::uint64_t most) {
    const auto judge = [least, most](const std::string& text) -> std::string {
        std::uint64_t value = 0;
        const char* end = text.data() + text.size();
        const auto [stop, why] = std::from_chars(text.data(), end, value);
        if (why == std::errc{} && stop == end && value >= least && value <= most) return {};
        return "'" + text + "' is not a number from " + std::to_string(least) + " to " +
               std::to_string(most);
    };
    return {judge, {}};
}

CLI::Validator readable_file() {
    const auto judge = [](const std::string& path) -> std::string {
        if (::access(path.c_str(), R_OK) == 0) return {};
        return "cannot read '" + path + "': " + std::strerror(errno);
    };
    return {judge, {}};
}

CLI::Validator subprotocol_name() {
    const auto judge = [](const std::string& name) -> std::string {
        const bool token = std::none_of(name.begin(), name.end(), [](char c) {
            return c <= ' ' || c >= '\x7f' || std::strchr("()<>@,;:\\\"/[]?={}", c) != nullptr;
        });
        if (token && !name.empty()) return {};
        return "'" + name + "' is not a subprotocol: one word without separators, such as chat.v2";
    };
    return {judge, {}};
}

/// "15m" in seconds, for a flag; what is wrong with it, or nothing.
std::string to_seconds(std::string& text) {
    std::uint64_t number = 0;
    const char* const end = text.data() + text.size();
    const auto [unit, why] = std::from_chars(text.data(), end, number);
    const std::string_view units = "smhd";
    constexpr std::uint64_t sizes[] = {1, 60, 3600, 86'400};
    const std::size_t which = unit + 1 == end ? units.find(*unit) : units.npos;
    if (why != std::errc{} || which == units.npos || number == 0 || number > 100'000) {
        return "'" + text + "' is not a time, such as 90s, 15m, 1h or 7d";
    }
    text = std::to_string(number * sizes[which]);
    return {};
}

// ---- The commands ----

/// The flags of commands that listen, and further ones.
std::vector<std::string_view> listen_flags(std::initializer_list<std::string_view> further = {}) {
    std::vector<std::string_view> all = {"--port",
                                         "--host",
                                         "--threads",
                                         "--tls-cert",
                                         "--tls-key",
                                         "--public-origin",
                                         "--trusted-proxy",
                                         "--proxy-protocol",
                                         "--connects-per-second",
                                         "--max-connections-per-address",
                                         "--connects-per-minute",
                                         "--messages-per-second",
                                         "--limits-dry-run",
                                         "--log-level"};
    all.insert(all.end(), further);
    return all;
}

CLI::App* add_demo(CLI::App& program, weft::demo_flags& flags) {
    CLI::App* command = program.add_subcommand("demo",
                                               "A chat, a shared text, a ticker and a page that "
                                               "tries tokens, origins, schemas and limits, on one "
                                               "loopback port: open the printed URL in two tabs");
    weft::config::add_flags(*command, flags.from, listen_flags());
    CLI::Option* const nodes =
        command
            ->add_option("--nodes", flags.nodes,
                         "Processes, which are a cluster over a Redis of their own and listen to "
                         "one port after the other; a page can kill the one that serves it")
            ->check(number(1, 8))
            ->type_name("N")
            ->capture_default_str();
    for (const char* const name : {"--tls-cert", "--public-origin", "--proxy-protocol"})
        nodes->excludes(command->get_option(name));
    command->footer(R"(
Examples:
  weft demo                          then open http://127.0.0.1:8080/ in two tabs
  weft demo --nodes 3                one chat of three processes: kill one and go on
  weft demo --port 0                 prints the URL with the free port that was found
  weft demo --host 0.0.0.0           for the phone next to you: http://ADDRESS-OF-THIS-MACHINE:8080/
  weft demo --public-origin https://NAME.ngrok.app
                                     behind a tunnel or forwarded port of that name

/security.html shows its log and counters. On loopback, a second free port serves a page of another
origin, which that page lets try to connect. Ctrl-C ends it.)");
    return command;
}

CLI::App* add_echo(CLI::App& program, weft::echo_flags& flags, std::string& backend) {
    CLI::App* command = program.add_subcommand(
        "echo", "Sends every WebSocket message back: to test clients and to measure");
    flags.from.initial.listeners.front().address.port = 9001;
    flags.from.initial.endpoints.front().path = "/";
    weft::config::add_flags(*command, flags.from,
                            listen_flags({"--path", "--origin", "--deflate"}));
    command
        ->add_option("--max-message", flags.max_message,
                     "Largest message in bytes, also once inflated; larger ones close with 1009")
        ->check(number(1, weft::echo_flags::largest_message))
        ->type_name("BYTES")
        ->capture_default_str();
    command
        ->add_option("--subprotocol", flags.subprotocols,
                     "Speak this subprotocol with clients that offer it; repeatable")
        ->check(subprotocol_name())
        ->type_name("NAME")
        ->allow_extra_args(false);
    command->add_option("--backend", backend, "How the kernel is asked for events: epoll")
        ->check(CLI::IsMember({"epoll"}).description(""))
        ->type_name("NAME")
        ->capture_default_str();
    command->footer(R"(
Examples:
  weft echo --port 0                                    prints: listening on ws://127.0.0.1:PORT/
  weft echo --deflate --max-message 1000000
  weft echo --host :: --tls-cert cert.pem --tls-key key.pem
  weft bench ws://127.0.0.1:9001/                       how fast is it?

SIGTERM closes every connection with 1001, then exits 0; SIGHUP reads the certificate again.)");
    return command;
}

CLI::Validator algorithm_name() {
    const auto judge = [](const std::string& name) -> std::string {
        if (weft::auth::algorithm_of(name)) return {};
        return "'" + name +
               "' is not an algorithm: HS256, HS384, HS512, RS256, RS384, RS512, PS256, PS384, "
               "PS512, ES256, ES384 or EdDSA";
    };
    return {judge, {}};
}

CLI::App* add_mint(CLI::App& token, weft::token_mint_flags& flags) {
    CLI::App* command = token.add_subcommand("mint", "Makes a token, for tests and development");
    auto* const secret =
        command
            ->add_option("--secret-file", flags.secret_file,
                         "File with the secret, for HMAC; of a text, without the line end")
            ->check(readable_file())
            ->type_name("FILE");
    command
        ->add_option("--key", flags.key_file,
                     "PEM file with a private key: RSA, P-256, P-384 or Ed25519")
        ->check(readable_file())
        ->type_name("FILE")
        ->excludes(secret);
    command->add_option("--alg", flags.alg, "Algorithm; without it, the usual one of the key")
        ->check(algorithm_name())
        ->type_name("NAME");
    command->add_option("--iss", flags.issuer, "Issuer")->type_name("TEXT")->required();
    command->add_option("--sub", flags.subject, "Subject: who it is for")->type_name("TEXT");
    command->add_option("--aud", flags.audience, "Audience: which service it is for; repeatable")
        ->type_name("TEXT")
        ->allow_extra_args(false);
    command->add_option("--ttl", flags.lifetime, "How long it is good: 90s, 15m, 1h, 7d")
        ->transform(CLI::Validator(to_seconds, ""))
        ->type_name("TIME")
        ->default_str("1h");
    command->add_option("--kid", flags.kid, "Name of the key in the header")->type_name("TEXT");
    command->add_option("--typ", flags.type, "Type in the header")
        ->type_name("TEXT")
        ->capture_default_str();
    command->add_option("--claim", flags.claims, "A claim of your own, as NAME=JSON; repeatable")
        ->type_name("NAME=JSON")
        ->allow_extra_args(false);
    command->footer(R"(
Examples:
  openssl rand -base64 48 > secret
  weft token mint --secret-file secret --iss me --sub ada --aud chat
  openssl genpkey -algorithm ed25519 -out key.pem
  weft token mint --key key.pem --iss me --sub ada --aud chat --ttl 15m --claim 'role="admin"'

Each has iat, exp and a random jti. Real services have an identity provider that makes tokens.)");
    return command;
}

CLI::App* add_inspect(CLI::App& token, weft::token_inspect_flags& flags) {
    CLI::App* command = token.add_subcommand(
        "inspect", "Shows what is in a token, and whether a server would accept it, or why not");
    command->add_option("TOKEN", flags.token, "The token; - reads it from standard input")
        ->type_name("")
        ->required();
    auto* const secret =
        command->add_option("--secret-file", flags.secret_file, "File with the secret, for HMAC")
            ->check(readable_file())
            ->type_name("FILE");
    auto* const pem =
        command
            ->add_option("--pem", flags.pem_file, "PEM file with the public key or a certificate")
            ->check(readable_file())
            ->type_name("FILE")
            ->excludes(secret);
    command->add_option("--jwks", flags.jwks_file, "File with a JWK Set")
        ->check(readable_file())
        ->type_name("FILE")
        ->excludes(secret)
        ->excludes(pem);
    command
        ->add_option("--alg", flags.algorithms,
                     "Algorithm that the server allows; repeatable; without it, the token's")
        ->check(algorithm_name())
        ->type_name("NAME")
        ->allow_extra_args(false);
    command
        ->add_option("--iss", flags.issuer,
                     "Issuer that the server trusts; without it, the token's")
        ->type_name("TEXT");
    command
        ->add_option("--aud", flags.audience,
                     "What the server is called; repeatable; without it, what the token says")
        ->type_name("TEXT")
        ->allow_extra_args(false);
    command->footer(R"(
Examples:
  weft token inspect - < token                          header and claims
  weft token inspect - --jwks jwks.json --iss https://id.example.org --aud chat < token

The exit code is 0 for a good token, 1 for one that a server would refuse, 2 without a key.)");
    return command;
}

std::pair<CLI::App*, CLI::App*> add_token(CLI::App& program, weft::token_mint_flags& mint,
                                          weft::token_inspect_flags& inspect) {
    CLI::App* command =
        program.add_subcommand("token", "Makes and explains the tokens (JWT) that servers verify");
    command->require_subcommand(1);
    return {add_mint(*command, mint), add_inspect(*command, inspect)};
}

CLI::App* add_emit(CLI::App& program, weft::emit_flags& flags) {
    CLI::App* command = program.add_subcommand(
        "emit", "Sends an event to the clients of a cluster of Socket.IO servers, over Redis");
    command->add_option("EVENT", flags.event, "Name of the event")->required();
    command->add_option("JSON", flags.arguments, "Arguments of the event: JSON");
    command->add_option("--nsp", flags.nsp, "Namespace")->capture_default_str()->type_name("NAME");
    command->add_option("--to", flags.rooms, "Only to this room, or socket id; repeatable")
        ->type_name("ROOM")
        ->allow_extra_args(false);
    command->add_option("--except", flags.except, "Not to this room, or socket id; repeatable")
        ->type_name("ROOM")
        ->allow_extra_args(false);
    command->add_flag("--server-side", flags.server_side,
                      "To the servers' own handlers, not to clients");
    flags.from.initial.cluster.options.redis.host = "127.0.0.1";
    weft::config::add_flags(
        *command, flags.from,
        {"--redis-host", "--redis-port", "--redis-user", "--redis-password-file", "--redis-tls",
         "--redis-ca", "--cluster-prefix", "--cluster-adapter"});
    command->footer(R"(
Examples:
  weft emit news '"the shop is open"'
  weft emit price '{"AAPL":214.5}' --to prices --nsp /ticker
  weft emit reload --server-side --redis-host redis.internal

The servers may be of Weft or of Node.)");
    return command;
}

CLI::App* add_publish(CLI::App& program, weft::publish_flags& flags) {
    CLI::App* command = program.add_subcommand(
        "publish", "Says something to a topic of `weft serve`, by its internal listener");
    command->add_option("TOPIC", flags.topic, "The topic")->required();
    command->add_option("JSON", flags.data, "The data; - reads it from standard input")->required();
    command
        ->add_option("--config", flags.from.file,
                     "The server's file, which says where that listener is")
        ->check(readable_file())
        ->type_name("FILE");
    flags.from.initial.internal.port = 9100;
    weft::config::add_flags(*command, flags.from,
                            {"--metrics-host", "--metrics-port", "--publish-key-file"});
    command->footer(R"(
Examples:
  weft serve --metrics-port 9100 --publish-key-file key
  weft publish news '"the shop is open"' --publish-key-file key
  weft publish --config weft.toml ticker.AAPL '{"price":214.5}'

The same without this program:
  curl -H 'Authorization: Bearer KEY' --data 214.5 http://127.0.0.1:9100/topics/ticker.AAPL)");
    return command;
}

void add_pages(CLI::App& program) {
    CLI::App* const completion = program.add_subcommand(
        "completion", "Prints a script with which a shell completes the commands of weft");
    const auto shell = std::make_shared<std::string>();
    completion->add_option("SHELL", *shell, "bash, zsh or fish")
        ->check(CLI::IsMember({"bash", "zsh", "fish"}).description(""))
        ->required()
        ->type_name("");
    completion->footer(R"(
Examples:
  weft completion bash > ~/.local/share/bash-completion/completions/weft
  weft completion zsh > "${fpath[1]}/_weft"
  weft completion fish > ~/.config/fish/completions/weft.fish

The Debian package has them.)");
    completion->callback([&program, shell] {
        const auto which = *shell == "bash"  ? weft::shell::bash
                           : *shell == "zsh" ? weft::shell::zsh
                                             : weft::shell::fish;
        std::fputs(weft::completion_script(program, which).c_str(), stdout);
    });
    CLI::App* const man =
        program.add_subcommand("man", "Prints this help as a manual page, in roff");
    man->footer("\nExamples:\n  weft man | man -l -");
    man->callback([&program] { std::fputs(weft::manual_page(program).c_str(), stdout); });
}

/// "demo, echo or serve": the commands of a command.
std::string choices_of(const CLI::App* command) {
    const auto all = command->get_subcommands({});
    std::string text;
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (i != 0) text += i + 1 == all.size() ? " or " : ", ";
        text += all[i]->get_name();
    }
    return text;
}

/// What is wrong with the line, and where to read on.
std::string explain(const CLI::App* program, const CLI::Error& wrong) {
    const CLI::App* chosen = program;
    std::string command = "weft";
    while (!chosen->get_subcommands().empty()) {
        chosen = chosen->get_subcommands().front();
        command += " " + chosen->get_name();
    }
    const auto rest = program->remaining(true);
    if (chosen == program && rest.empty()) return program->help();
    const std::string choices = choices_of(chosen);
    std::string what = wrong.what();
    if (!choices.empty()) {
        what =
            (rest.empty() ? "" : "'" + rest.front() + "' is not a command: ") + "choose " + choices;
    } else if (!rest.empty()) {
        what = "'" + rest.front() + "' is " +
               (rest.front().starts_with('-') ? "not a flag of this command" : "one too many");
    }
    return command + ": " + what + "\n  " + command + " --help explains all flags\n";
}

}  // namespace

// NOLINTNEXTLINE(bugprone-exception-escape): without memory at its start it may end
int main(int argc, char** argv) {
    CLI::App program("Weft: WebSocket and HTTP on one port.", "weft");
    program.set_version_flag("--version", weft::version_text());
    program.require_subcommand(1);
    program.failure_message(explain);
    program.footer("`weft COMMAND --help` explains a command. `weft demo` is a good start.");

    weft::demo_flags demo;
    weft::echo_flags echo;
    std::string backend = "epoll";
    int exit_code = 0;
    const CLI::App* demo_command = add_demo(program, demo);
    const CLI::App* echo_command = add_echo(program, echo, backend);
    weft::add_serve_commands(program, exit_code);
    raise_descriptor_limit();
    weft::add_bench_command(program, exit_code);
    weft::token_mint_flags mint;
    weft::token_inspect_flags inspect;
    const auto [mint_command, inspect_command] = add_token(program, mint, inspect);
    weft::emit_flags emit;
    const CLI::App* emit_command = add_emit(program, emit);
    weft::publish_flags publish;
    const CLI::App* publish_command = add_publish(program, publish);
    add_pages(program);
    try {
        program.parse(argc, argv);
    } catch (const CLI::ParseError& wrong) {
        return program.exit(wrong) == 0 ? 0 : usage_error;
    }
    if (*demo_command) return weft::run_demo(demo);
    if (*echo_command) return weft::run_echo(echo);
    if (*mint_command) return weft::run_token_mint(mint);
    if (*emit_command) return weft::run_emit(emit);
    if (*publish_command) return weft::run_publish(publish);
    if (*inspect_command) return weft::run_token_inspect(inspect);
    return exit_code;
}
