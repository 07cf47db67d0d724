// The command line of `weft`: what can be asked, in words that teach. The commands themselves are
// elsewhere; CLI11 is heavy to compile, so that it stays here. Every value is judged while the line
// is parsed, so that what is wrong is said with the name of its flag.

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <CLI/CLI.hpp>

#include <arpa/inet.h>
#include <sys/resource.h>
#include <unistd.h>

#include <weft/auth/algorithm.hpp>
#include <weft/http/options.hpp>

#include "bench_command.hpp"
#include "commands.hpp"

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

CLI::Validator numeric_address() {
    const auto judge = [](const std::string& host) -> std::string {
        in6_addr address{};
        if (::inet_pton(AF_INET, host.c_str(), &address) == 1) return {};
        if (::inet_pton(AF_INET6, host.c_str(), &address) == 1) return {};
        return "'" + host + "' is not a numeric address, such as 127.0.0.1, ::1 or 0.0.0.0";
    };
    return {judge, {}};
}

CLI::Validator host_name() {
    const auto judge = [](const std::string& name) -> std::string {
        if (!name.empty() && name.find_first_of(" /:*") == std::string::npos) return {};
        return "'" + name + "' is not a name, such as example.org: it has no scheme and no port";
    };
    return {judge, {}};
}

CLI::Validator redis_host() {
    const auto judge = [](const std::string& host) -> std::string {
        const bool has_port = std::count(host.begin(), host.end(), ':') == 1;
        if (!host.empty() && !has_port && host.find_first_of(" /") == std::string::npos) return {};
        return "'" + host +
               "' is not a host, such as redis.internal or 10.0.0.7: the port goes to --redis-port";
    };
    return {judge, {}};
}

CLI::Validator channel_prefix() {
    const auto judge = [](const std::string& prefix) -> std::string {
        weft::cluster::options options;
        options.prefix = prefix;
        if (options.check()) return {};
        return "'" + prefix + "' does not begin the name of a channel: it has 1 to 128 bytes";
    };
    return {judge, {}};
}

CLI::Validator page_origin() {
    const auto judge = [](const std::string& origin) -> std::string {
        weft::http::options options;
        options.public_origins = {origin};
        if (options.check()) return {};
        return "'" + origin + "' is not an origin, such as https://example.org or " +
               "http://example.org:8080: it has a scheme and no path";
    };
    return {judge, {}};
}

CLI::Validator proxy_network() {
    const auto judge = [](const std::string& network) -> std::string {
        weft::http::options options;
        options.trusted_proxies = {network};
        if (options.check()) return {};
        return "'" + network + "' is not a network, such as 10.0.0.0/8, an address, or unix";
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

CLI::Validator plain_path() {
    const auto judge = [](const std::string& path) -> std::string {
        const bool plain = std::none_of(path.begin(), path.end(), [](char c) {
            return c <= ' ' || c == '\x7f' || std::strchr("?#:*%", c) != nullptr;
        });
        if (plain && path.starts_with('/')) return {};
        return "'" + path + "' is not a path: it begins with / and has no spaces, ?, #, :, * or %";
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

void add_limit_flags(CLI::App& command, weft::listen_flags& flags) {
    weft::traffic_limits& limits = flags.traffic.per_address;
    command
        .add_option("--connects-per-second", flags.connects_per_second,
                    "New connections of all addresses, for each of the threads; more get 503 and "
                    "are told when to come back, each at another time")
        ->check(number(1, 1'000'000))
        ->type_name("N");
    command
        .add_option("--max-connections-per-address", limits.max_connections,
                    "Connections of one client address (a /64 of IPv6) at once; more get 429")
        ->check(number(1, 1'000'000))
        ->type_name("N");
    command
        .add_option("--connects-per-minute", limits.connects_per_minute,
                    "New connections of one address; more get 429")
        ->check(number(1, 1'000'000))
        ->type_name("N");
    command
        .add_option("--messages-per-second", limits.messages_per_second,
                    "WebSocket messages and HTTP requests of one address; a client that sends more "
                    "is slowed down, then closed (1008)")
        ->check(number(1, 1'000'000))
        ->type_name("N");
    command.add_flag("--limits-dry-run", flags.traffic.dry_run,
                     "Only log and count what the limits of an address would refuse");
}

void add_listen_flags(CLI::App& command, weft::listen_flags& flags) {
    command.add_option("--port", flags.port, "Port; 0 picks a free one")
        ->check(number(0, 65'535))
        ->type_name("PORT")
        ->capture_default_str();
    command.add_option("--host", flags.host, "Numeric address to listen on; 0.0.0.0 or :: for all")
        ->check(numeric_address())
        ->type_name("ADDRESS")
        ->capture_default_str();
    command.add_option("--threads", flags.threads, "Loops, each on a thread of its own")
        ->check(number(1, 255))
        ->type_name("N")
        ->capture_default_str();
    command
        .add_option("--tls-cert", flags.tls_cert,
                    "PEM file with the certificate and its chain: serves wss:// and https://")
        ->check(readable_file())
        ->type_name("FILE");
    command.add_option("--tls-key", flags.tls_key, "PEM file with the certificate's private key")
        ->check(readable_file())
        ->type_name("FILE");
    command
        .add_option("--public-origin", flags.public_origins,
                    "Where the public sees this server, such as https://example.org, when a proxy "
                    "or tunnel is in front; repeatable")
        ->check(page_origin())
        ->type_name("ORIGIN")
        ->allow_extra_args(false);
    command
        .add_option("--trusted-proxy", flags.trusted_proxies,
                    "Believe X-Forwarded-For, -Proto, -Host and Forwarded of this proxy: an "
                    "address, a network such as 10.0.0.0/8, or unix; repeatable")
        ->check(proxy_network())
        ->type_name("NETWORK")
        ->allow_extra_args(false);
    command.add_flag("--proxy-protocol", flags.proxy_protocol,
                     "Connections begin with a PROXY header (v1 or v2) of a trusted proxy");
    add_limit_flags(command, flags);
    command
        .add_option("--log-level", flags.log_level,
                    "What standard error gets: debug (each refused client), info (start, drain, "
                    "reload), warning or error")
        ->check(CLI::IsMember({"debug", "info", "warning", "error"}).description(""))
        ->type_name("LEVEL")
        ->capture_default_str();
}

void add_endpoint_flags(CLI::App& command, std::string& path, std::vector<std::string>& origins,
                        bool& deflate) {
    command.add_option("--path", path, "Path of the WebSocket endpoint")
        ->check(plain_path())
        ->type_name("PATH")
        ->capture_default_str();
    command
        .add_option("--origin", origins,
                    "Allow pages of this origin besides our own, such as https://example.org; "
                    "repeatable")
        ->type_name("ORIGIN")
        ->allow_extra_args(false);
    command.add_flag("--deflate", deflate, "Accept permessage-deflate");
}

/// Returns the option for the host.
CLI::Option* add_cluster_flags(CLI::App& command, weft::cluster_flags& flags,
                               const std::string& about_host) {
    CLI::Option* const host = command.add_option("--redis-host", flags.redis_host, about_host)
                                  ->check(redis_host())
                                  ->type_name("HOST");
    command.add_option("--redis-port", flags.redis_port, "Its port")
        ->check(number(1, 65'535))
        ->capture_default_str()
        ->type_name("PORT");
    CLI::Option* const password =
        command
            .add_option("--redis-password-file", flags.redis_password_file,
                        "File whose first line is the password")
            ->check(readable_file())
            ->type_name("FILE");
    command.add_option("--redis-user", flags.redis_user, "User of its ACL")
        ->needs(password)
        ->type_name("NAME");
    CLI::Option* const tls = command.add_flag("--redis-tls", flags.redis_tls, "With TLS");
    command
        .add_option("--redis-ca", flags.redis_ca,
                    "PEM file with the CA of its certificate, if that is not one of the system's")
        ->check(readable_file())
        ->needs(tls)
        ->type_name("FILE");
    command
        .add_option("--cluster-prefix", flags.prefix,
                    "What the names of the cluster's channels begin with")
        ->check(channel_prefix())
        ->capture_default_str()
        ->type_name("TEXT");
    command
        .add_option("--cluster-adapter", flags.adapter,
                    "How its Socket.IO servers speak with each other")
        ->check(CLI::IsMember({"classic", "sharded", "streams"}))
        ->capture_default_str()
        ->type_name("KIND");
    return host;
}

CLI::App* add_demo(CLI::App& program, weft::demo_flags& flags) {
    CLI::App* command = program.add_subcommand("demo",
                                               "A chat, a shared text, a ticker and a page that "
                                               "tries tokens, origins, schemas and limits, on one "
                                               "loopback port: open the printed URL in two tabs");
    flags.listen.port = 8080;
    add_listen_flags(*command, flags.listen);
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
    flags.listen.port = 9001;
    add_listen_flags(*command, flags.listen);
    add_endpoint_flags(*command, flags.path, flags.origins, flags.deflate);
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

CLI::App* add_serve(CLI::App& program, weft::serve_flags& flags) {
    CLI::App* command = program.add_subcommand(
        "serve", "Serves a folder, and topics to subscribe and publish to over a WebSocket (JSON)");
    flags.listen.port = 8080;
    command->add_option("FOLDER", flags.folder, "Files to serve; without it there are only topics")
        ->check(CLI::ExistingDirectory.description(""))
        ->type_name("");
    add_listen_flags(*command, flags.listen);
    add_endpoint_flags(*command, flags.path, flags.origins, flags.deflate);
    command
        ->add_option("--allow-host", flags.hosts,
                     "On loopback, answer requests for this name too: that of the proxy in front; "
                     "repeatable")
        ->check(host_name())
        ->type_name("NAME")
        ->allow_extra_args(false);
    command->add_flag("--list-topics", flags.list_topics, "Let clients ask which topics exist");
    command
        ->add_option("--schema", flags.schemas,
                     "What may be published to a topic, or to those that begin as PATTERN does "
                     "before its '*': a JSON Schema (draft-07); repeatable, the first one that "
                     "matches counts")
        ->type_name("PATTERN=FILE")
        ->allow_extra_args(false);
    command
        ->add_option(
            "--metrics-port", flags.metrics_port,
            "Serve the counters (Prometheus text) at /metrics on a port of their own, with "
            "/ready (503 says why not) and /live")
        ->check(number(0, 65'535))
        ->type_name("PORT");
    command
        ->add_option("--metrics-host", flags.metrics_host,
                     "The address for that; another one than loopback shows them to its network")
        ->type_name("ADDRESS")
        ->capture_default_str();
    CLI::Option* const redis =
        add_cluster_flags(*command, flags.cluster,
                          "Join the processes that use this Redis: topics reach the clients of "
                          "all; counts and lists of topics stay those of one process");
    for (const char* const name :
         {"--redis-port", "--redis-user", "--redis-password-file", "--redis-tls", "--redis-ca",
          "--cluster-prefix", "--cluster-adapter"})
        command->get_option(name)->needs(redis);
    command
        ->add_option("--ready-without-redis", flags.ready_without_redis,
                     "How long Redis may be away until /ready says 503")
        ->check(number(0, 86'400))
        ->needs(redis)
        ->type_name("SECONDS")
        ->default_str("10");
    command->footer(R"(
Examples:
  weft serve ./public                                   pages at http://127.0.0.1:8080/
  weft serve --origin https://example.org               topics for the pages of another server
  weft serve ./public --metrics-port 9100               then: curl http://127.0.0.1:9100/metrics
  weft serve --redis-host redis.internal                one of several processes
  weft serve --schema 'prices/*=price.json'             refuses what price.json does not allow
  weft serve --public-origin https://example.org --trusted-proxy 127.0.0.1
                                                        behind a proxy that is https://example.org
  weft serve --max-connections-per-address 100 --limits-dry-run
                                                        whom would this limit refuse? See the log

In a page:
  const socket = new WebSocket(`ws://${location.host}/ws`);
  socket.onopen = () => socket.send('{"type":"subscribe","topic":"news"}');
  socket.onmessage = ({ data }) => console.log(JSON.parse(data));

docs/guide/topic-protocol.md describes the protocol.)");
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
    add_cluster_flags(*command, flags.cluster, "Where Redis is")->capture_default_str();
    command->footer(R"(
Examples:
  weft emit news '"the shop is open"'
  weft emit price '{"AAPL":214.5}' --to prices --nsp /ticker
  weft emit reload --server-side --redis-host redis.internal

The servers may be of Weft or of Node.)");
    return command;
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
    program.set_version_flag("--version", "weft " WEFT_VERSION);
    program.require_subcommand(1);
    program.failure_message(explain);
    program.footer("`weft COMMAND --help` explains a command. `weft demo` is a good start.");

    weft::demo_flags demo;
    weft::echo_flags echo;
    weft::serve_flags serve;
    std::string backend = "epoll";
    int bench_exit_code = 0;
    const CLI::App* demo_command = add_demo(program, demo);
    const CLI::App* echo_command = add_echo(program, echo, backend);
    const CLI::App* serve_command = add_serve(program, serve);
    raise_descriptor_limit();
    weft::add_bench_command(program, bench_exit_code);
    weft::token_mint_flags mint;
    weft::token_inspect_flags inspect;
    const auto [mint_command, inspect_command] = add_token(program, mint, inspect);
    weft::emit_flags emit;
    const CLI::App* emit_command = add_emit(program, emit);
    try {
        program.parse(argc, argv);
    } catch (const CLI::ParseError& wrong) {
        return program.exit(wrong) == 0 ? 0 : usage_error;
    }
    if (*demo_command) return weft::run_demo(demo);
    if (*echo_command) return weft::run_echo(echo);
    if (*serve_command) return weft::run_serve(serve);
    if (*mint_command) return weft::run_token_mint(mint);
    if (*emit_command) return weft::run_emit(emit);
    if (*inspect_command) return weft::run_token_inspect(inspect);
    return bench_exit_code;
}
