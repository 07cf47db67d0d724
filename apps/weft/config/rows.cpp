// The one table of keys. A new key is a row here and a member of `settings`: parser, flags, help,
// `weft config`, the file of `weft init` and the reference page follow. A key is here only if it
// does something.

#include "config/table.hpp"

#include <algorithm>
#include <chrono>
#include <type_traits>
#include <utility>
#include <vector>

#include "config/rules.hpp"

namespace weft::config {
namespace {

// ---- Members of settings, as functions ----

template <class T>
constexpr bool is_list = false;
template <class T>
constexpr bool is_list<std::vector<T>> = !std::is_same_v<T, std::string>;

/// The member at the end of a path of pointers to members; of a list the element is taken.
template <auto First, auto... Rest>
auto& walk(auto& from, std::size_t index) {
    auto& found = from.*First;
    if constexpr (sizeof...(Rest) == 0) {
        return found;
    } else if constexpr (is_list<std::remove_cvref_t<decltype(found)>>) {
        return walk<Rest...>(found[index], index);
    } else {
        return walk<Rest...>(found, index);
    }
}

template <class T>
constexpr bool is_time = false;
template <class Rep, class Period>
constexpr bool is_time<std::chrono::duration<Rep, Period>> = true;
template <class T>
constexpr bool is_optional = false;
template <class T>
constexpr bool is_optional<std::optional<T>> = true;

template <class T>
value to_value(const T& from) {
    if constexpr (is_optional<T>) {
        return from ? to_value(*from) : value();
    } else if constexpr (is_time<T>) {
        return std::chrono::duration_cast<duration>(from);
    } else if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
        return static_cast<std::uint64_t>(from);
    } else {
        return from;
    }
}

/// `what` is of the kind that `to_value` gives.
template <class T>
void from_value(T& into, value what) {
    if constexpr (is_optional<T>) {
        from_value(into.emplace(), std::move(what));
    } else if constexpr (is_time<T>) {
        into = std::chrono::duration_cast<T>(std::get<duration>(what));
    } else if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
        into = static_cast<T>(std::get<std::uint64_t>(what));
    } else {
        into = std::get<T>(std::move(what));
    }
}

template <auto... Path>
constexpr member at{
    [](const settings& from, std::size_t index) { return to_value(walk<Path...>(from, index)); },
    [](settings& into, std::size_t index, value what) {
        from_value(walk<Path...>(into, index), std::move(what));
    }};

// ---- Shapes ----

constexpr std::uint64_t largest_message = 1024 * 1024 * 1024;
constexpr std::uint64_t no_end = UINT64_MAX;
constexpr shape boolean{.type = kind::boolean};
constexpr shape a_file{.type = kind::file};
constexpr shape a_folder{.type = kind::folder};
constexpr shape a_secret{.type = kind::secret};
constexpr shape permissions{.type = kind::mode, .least = 0, .most = 0777};

constexpr shape integer(std::uint64_t least, std::uint64_t most) {
    return {.type = kind::integer, .least = least, .most = most};
}
constexpr shape size(std::uint64_t least, std::uint64_t most) {
    return {.type = kind::size, .least = least, .most = most};
}
constexpr shape time(duration least, duration most = duration::max()) {
    return {.type = kind::time,
            .least = static_cast<std::uint64_t>(least.count()),
            .most = static_cast<std::uint64_t>(most.count())};
}
constexpr shape one_of(std::string_view words) {
    return {.type = kind::choice, .choices = words};
}
constexpr shape text(const text_rule& rule) {
    return {.type = kind::text, .rule = &rule};
}
constexpr shape texts(const text_rule& rule) {
    return {.type = kind::texts, .rule = &rule};
}
constexpr shape some_of(std::string_view words) {
    return {.type = kind::texts, .choices = words};
}
constexpr shape port = integer(1, 65'535);
constexpr shape any_port = integer(0, 65'535);

// ---- The sections ----

template <auto List>
constexpr section several(std::string_view name, std::string_view help) {
    return {name, [](const settings& from) { return (from.*List).size(); },
            [](settings& into, std::size_t elements) { (into.*List).resize(elements); }, help};
}
constexpr section once(std::string_view name, std::string_view help) {
    return {name, nullptr, nullptr, help};
}

constexpr section all_sections[] = {
    once("server", "The process."),
    several<&settings::listeners>("listen[]",
                                  "Where connections come in. Without any: 127.0.0.1, port 8080."),
    once("http", "Requests and who sends them."),
    several<&settings::folders>("static[]", "Folders of files."),
    several<&settings::endpoints>(
        "endpoint[]",
        "WebSockets that speak the topic protocol. Without any: one at /ws; `endpoint = []` "
        "for none."),
    once("topics", "What clients may do with topics."),
    several<&settings::patterns>("topic[]",
                                 "Rules for topics, by pattern. The first that matches counts."),
    once("auth", "Who clients are. With an issuer, endpoints need a token."),
    several<&settings::issuers>("auth.issuer[]",
                                "Whose tokens are good. Its keys are one of secret, "
                                "public_key_file, jwks_file and jwks_url."),
    once("limits", "What clients may do, over all threads."),
    once("limits.per_address",
         "What one address may do: an IPv4 address, or a /64 of IPv6. 0: no limit."),
    once("limits.per_subject", "What one subject of tokens may do, from any address. 0: no limit."),
    once("cluster", "Other processes, over Redis."),
    once("drain", "How it ends on SIGTERM. A second SIGTERM ends it at once."),
    once("internal", "The operator's own listener: /metrics, /ready, /live."),
    once("log", "What standard error gets."),
};

// ---- The keys ----

using enum change;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::string_view no_flag{};
constexpr auto server = &settings::server;
constexpr auto rights = &settings::privileges;
constexpr auto http_of = &server_options::http;
constexpr auto traffic = &server_options::traffic;
constexpr auto listen = &settings::listeners;
constexpr auto address = &listener::address;
constexpr auto folders = &settings::folders;
constexpr auto endpoints = &settings::endpoints;
constexpr auto ws = &endpoint::options;
constexpr auto auth_of = &settings::auth;
constexpr auto tokens = &auth_section::options;
constexpr auto issuers = &settings::issuers;
constexpr auto in_cluster = &settings::cluster;
constexpr auto chosen = &cluster_section::options;
constexpr auto ending = &settings::drain;
constexpr auto redis = &cluster::options::redis;

constexpr row all_rows[] = {
    {"server.threads", integer(1, 255), at<server, &server_options::threads>, on_restart,
     "--threads", "4", "Loops, each on a thread of its own"},
    {"server.memory_limit", size(0, no_end), at<server, &server_options::memory_limit>, on_restart,
     no_flag, "2GiB",
     "What all connections may keep; above it nobody is let in, and the longest queues are closed "
     "(1013). 0: 80 % of the memory there is"},
    {"server.message_budget", size(1, no_end), at<server, &server_options::message_budget>,
     on_restart, no_flag, "64MiB", "Incomplete WebSocket messages of all connections"},
    {"server.max_connections", integer(1, 100'000'000),
     at<server, &server_options::max_connections>, on_restart, no_flag, "50000",
     "Connections that are open at once; more are closed"},
    {"server.max_handshakes", integer(0, 100'000'000), at<server, &server_options::max_handshakes>,
     on_restart, no_flag, "4096",
     "Connections that owe their first request for more than a second; one more ends the oldest of "
     "the address that has most. 0: 1024 for each processor"},
    {"server.max_handshakes_per_address", integer(0, 100'000'000),
     at<server, &server_options::max_handshakes_per_address>, on_restart, no_flag, "256",
     "The same for one address. 0: half of max_handshakes"},
    {"server.slow_turn", time(seconds(0)), at<server, &server_options::slow_turn>, on_restart,
     no_flag, "500ms", "A longer turn of a loop is counted and logged. 0s: never"},

    {"server.user", text(filled_rule), at<rights, &privilege_options::user>, on_restart, "--user",
     "weft", "Whom to become once it listens, for who starts it as root: a user of the system"},
    {"server.allow_root", boolean, at<rights, &privilege_options::allow_root>, on_restart,
     "--allow-root", "true", "Run with the rights of root, which is refused otherwise"},

    {"listen[].host", text(address_rule), at<listen, address, &server_address::host>, on_restart,
     "--host", "0.0.0.0", "Numeric address to listen on; 0.0.0.0 or :: for all"},
    {"listen[].port", any_port, at<listen, address, &server_address::port>, on_restart, "--port",
     "8443", "Port; 0 picks a free one"},
    {"listen[].unix_path", text(filled_rule), at<listen, address, &server_address::unix_path>,
     on_restart, no_flag, "/run/weft/weft.sock",
     "A unix socket instead of host and port; a leading @ means the abstract namespace"},
    {"listen[].unix_mode", permissions, at<listen, address, &server_address::unix_mode>, on_restart,
     no_flag, "0660", "Permissions of the socket file; without, what the umask says"},
    {"listen[].unix_group", text(filled_rule), at<listen, address, &server_address::unix_group>,
     on_restart, no_flag, "www-data", "Group of the socket file"},
    {"listen[].tls_cert", a_file, at<listen, &listener::tls_cert>, on_restart, "--tls-cert",
     "/etc/weft/cert.pem",
     "PEM file with the certificate and its chain: serves wss:// and https://"},
    {"listen[].tls_key", a_file, at<listen, &listener::tls_key>, on_restart, "--tls-key",
     "/etc/weft/key.pem", "PEM file with the certificate's private key"},
    {"listen[].proxy_protocol", boolean, at<listen, address, &server_address::proxy_protocol>,
     on_restart, "--proxy-protocol", "true",
     "Connections begin with a PROXY header (v1 or v2) of a trusted proxy"},

    {"http.public_origins", texts(public_origin_rule),
     at<server, http_of, &http::options::public_origins>, on_reload, "--public-origin",
     "https://example.org",
     "Where the public sees this server, such as https://example.org, when a proxy or tunnel is in "
     "front"},
    {"http.trusted_proxies", texts(network_rule),
     at<server, http_of, &http::options::trusted_proxies>, on_restart, "--trusted-proxy",
     "10.0.0.0/8,unix",
     "Believe X-Forwarded-For, -Proto, -Host and Forwarded of these proxies: an address, a network "
     "such as 10.0.0.0/8, or unix"},
    {"http.allowed_hosts", texts(host_rule), at<server, http_of, &http::options::allowed_hosts>,
     on_reload, "--allow-host", "example.org",
     "Names that requests may be for, such as that of the proxy in front. On loopback besides our "
     "own; elsewhere without any: every name"},
    {"http.max_head", size(1024, 65'535), at<server, http_of, &http::options::max_head>, on_restart,
     no_flag, "32KiB", "Request line and headers together; above: 431"},
    {"http.head_timeout", time(milliseconds(1)), at<server, http_of, &http::options::head_timeout>,
     on_restart, no_flag, "5s", "For the head of a request; of the first one TLS included"},
    {"http.idle_timeout", time(milliseconds(1)), at<server, http_of, &http::options::idle_timeout>,
     on_restart, no_flag, "2m", "Between two requests of a connection"},

    {"static[].path", text(path_rule), at<folders, &static_folder::path>, on_restart, no_flag,
     "/files", "Where its files are found"},
    {"static[].folder", a_folder, at<folders, &static_folder::folder>, on_restart, no_flag,
     "/srv/weft/public", "The folder. Names that begin with a dot are not served"},
    {"static[].index", text(filled_rule),
     at<folders, &static_folder::options, &http::static_options::index>, on_restart, no_flag,
     "start.html", "The file that answers for a folder"},
    {"static[].cache_control",
     {.type = kind::text},
     at<folders, &static_folder::options, &http::static_options::cache_control>,
     on_restart,
     no_flag,
     "max-age=3600",
     "The header Cache-Control; empty: none"},

    {"endpoint[].path", text(path_rule), at<endpoints, &endpoint::path>, on_restart, "--path",
     "/live", "Path of the WebSocket endpoint"},
    {"endpoint[].origins", texts(origin_rule), at<endpoints, ws, &ws::options::origins>, on_reload,
     "--origin", "https://app.example.org,https://example.org",
     "Allow pages of these origins besides our own, such as https://example.org"},
    {"endpoint[].deflate", boolean, at<endpoints, &endpoint::deflate>, on_restart, "--deflate",
     "true", "Accept permessage-deflate"},
    {"endpoint[].max_message", size(1, largest_message),
     at<endpoints, ws, &ws::options::max_message>, on_restart, no_flag, "64KiB",
     "A message of a client, also once inflated; above: 1009"},
    {"endpoint[].max_queue", size(128 * 1024, no_end), at<endpoints, ws, &ws::options::max_queue>,
     on_restart, no_flag, "1MiB", "What may wait for a slow client"},
    {"endpoint[].overflow", one_of("close drop_newest drop_oldest"),
     at<endpoints, &endpoint::overflow>, on_restart, no_flag, "drop_oldest",
     "What happens when that is full: the client is closed (1013), or messages are left out"},
    {"endpoint[].pause_reading_at", size(1, no_end),
     at<endpoints, ws, &ws::options::pause_reading_at>, on_restart, no_flag, "256KiB",
     "While more than this waits for a client, nothing is read from it"},
    {"endpoint[].ping_interval", time(milliseconds(1)),
     at<endpoints, ws, &ws::options::ping_interval>, on_restart, no_flag, "10s",
     "After this much silence the client gets a ping"},
    {"endpoint[].idle_timeout", time(milliseconds(1)),
     at<endpoints, ws, &ws::options::idle_timeout>, on_restart, no_flag, "30s",
     "After this much silence the client is closed"},

    {"topics.list", boolean, at<&settings::topics, &topics_section::list>, on_reload,
     "--list-topics", "true", "Let clients ask which topics exist"},
    {"topics.max_per_client", integer(1, 1'000'000),
     at<&settings::topics, &topics_section::max_per_client>, on_reload, no_flag, "20",
     "Topics that one connection may be subscribed to"},
    {"topics.requests_per_second", integer(1, 1'000'000),
     at<&settings::topics, &topics_section::requests_per_second>, on_reload, no_flag, "10",
     "Requests of one connection; more are refused"},
    {"topics.burst", integer(1, 1'000'000), at<&settings::topics, &topics_section::burst>,
     on_reload, no_flag, "20", "Requests that it may send at once after some silence"},

    {"topic[].match", text(pattern_rule), at<&settings::patterns, &topic::match>, on_reload,
     no_flag, "ticker.*", "A topic, or what topics begin with and '*'"},
    {"topic[].schema_file", a_file, at<&settings::patterns, &topic::schema_file>, on_reload,
     no_flag, "/etc/weft/ticker.json", "A JSON Schema (draft-07) for what may be published"},

    {"auth.paths", texts(path_rule), at<auth_of, &auth_section::paths>, on_restart, no_flag,
     "/private", "Paths that need a token besides the endpoints: these and what is below them"},
    {"auth.authorization", boolean,
     at<auth_of, tokens, &auth::options::from, &auth::token_sources::authorization>, on_restart,
     no_flag, "false", "Take a token from `Authorization: Bearer`"},
    {"auth.subprotocol", boolean,
     at<auth_of, tokens, &auth::options::from, &auth::token_sources::subprotocol>, on_restart,
     no_flag, "true", "Take a token from the subprotocol `bearer.TOKEN`, as browsers can send it"},
    {"auth.first_message", boolean,
     at<auth_of, tokens, &auth::options::from, &auth::token_sources::first_message>, on_restart,
     no_flag, "true", "Take a token from the first message of a WebSocket"},
    {"auth.first_message_timeout", time(milliseconds(1)),
     at<auth_of, tokens, &auth::options::from, &auth::token_sources::first_message_timeout>,
     on_restart, no_flag, "2s", "How long a WebSocket may wait with it"},
    {"auth.cookie", text(filled_rule),
     at<auth_of, tokens, &auth::options::from, &auth::token_sources::cookie>, on_restart, no_flag,
     "__Host-token", "Take a token from this cookie"},
    {"auth.cookie_origins", texts(public_origin_rule),
     at<auth_of, tokens, &auth::options::from, &auth::token_sources::cookie_origins>, on_restart,
     no_flag, "https://app.example.org",
     "Pages that may use the cookie besides our own; others get 403"},
    {"auth.query", text(filled_rule),
     at<auth_of, tokens, &auth::options::from, &auth::token_sources::query>, on_restart, no_flag,
     "ticket",
     "Take a token from this query parameter. URLs end up in logs: for tokens of seconds only"},
    {"auth.leeway", time(seconds(0), seconds(120)), at<auth_of, tokens, &auth::options::leeway>,
     on_restart, no_flag, "10s", "How far the clocks of issuer and server may be apart"},
    {"auth.max_lifetime", time(seconds(1), hours(24 * 365)),
     at<auth_of, tokens, &auth::options::max_lifetime>, on_restart, no_flag, "1h",
     "How long a token may be good"},
    {"auth.max_token", size(64, 64 * 1024), at<auth_of, tokens, &auth::options::max_token>,
     on_restart, no_flag, "4KiB", "A token, before it is looked at"},
    {"auth.refresh", time(seconds(30)), at<auth_of, tokens, &auth::options::refresh>, on_restart,
     no_flag, "5m", "Until a key set at a URL is fetched again"},
    {"auth.stale_for", time(seconds(30)), at<auth_of, tokens, &auth::options::stale_for>,
     on_restart, no_flag, "2h", "How long the last key set counts while fetching fails"},

    {"auth.issuer[].iss", text(filled_rule), at<issuers, &issuer::rules, &auth::issuer::name>,
     on_reload, no_flag, "https://id.example.org", "Its name in tokens, exactly"},
    {"auth.issuer[].audience", texts(filled_rule),
     at<issuers, &issuer::rules, &auth::issuer::audience>, on_reload, no_flag, "chat",
     "What this server is called; tokens must be for one of these"},
    {"auth.issuer[].algorithms",
     some_of("HS256 HS384 HS512 RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 EdDSA"),
     at<issuers, &issuer::algorithms>, on_reload, no_flag, "HS256", "What it signs with"},
    {"auth.issuer[].secret", a_secret, at<issuers, &issuer::secret>, on_reload, no_flag,
     "0123456789abcdef0123456789abcdef", "A secret for HMAC, at least as long as the digest"},
    {"auth.issuer[].public_key_file", a_file, at<issuers, &issuer::public_key_file>, on_reload,
     no_flag, "/etc/weft/id.pem", "PEM file with a public key or a certificate"},
    {"auth.issuer[].jwks_file", a_file, at<issuers, &issuer::jwks_file>, on_reload, no_flag,
     "/etc/weft/jwks.json", "File with a JWK Set, which is read again when it changes"},
    {"auth.issuer[].jwks_url", text(url_rule), at<issuers, &issuer::jwks_url>, on_reload, no_flag,
     "https://id.example.org/jwks.json", "The same, fetched in the background"},
    {"auth.issuer[].type", text(filled_rule), at<issuers, &issuer::rules, &auth::issuer::type>,
     on_reload, no_flag, "at+jwt", "`typ` of its tokens; without, it is not looked at"},
    {"auth.issuer[].require_subject", boolean,
     at<issuers, &issuer::rules, &auth::issuer::require_subject>, on_reload, no_flag, "false",
     "Tokens must say who they are for"},
    {"auth.issuer[].require_audience", boolean,
     at<issuers, &issuer::rules, &auth::issuer::require_audience>, on_reload, no_flag, "false",
     "Tokens must say which service they are for"},

    {"limits.connects_per_second", integer(0, 1'000'000),
     at<server, &server_options::budgets, &loop_budgets::connects_per_second>, on_reload,
     "--connects-per-second", "2000",
     "New connections of all addresses, for each of the threads; more get 503 and are told when to "
     "come back, each at another time. 0: no limit"},
    {"limits.dry_run", boolean, at<server, traffic, &traffic_options::dry_run>, on_reload,
     "--limits-dry-run", "true",
     "Only log and count what the limits of an address or a subject would refuse"},
#define WEFT_LIMIT(scope, name) at<server, traffic, &traffic_options::scope, &traffic_limits::name>
    {"limits.per_address.max_connections", integer(0, 1'000'000),
     WEFT_LIMIT(per_address, max_connections), on_reload, "--max-connections-per-address", "100",
     "Connections of one client address (a /64 of IPv6) at once; more get 429"},
    {"limits.per_address.connects_per_minute", integer(0, 1'000'000),
     WEFT_LIMIT(per_address, connects_per_minute), on_reload, "--connects-per-minute", "300",
     "New connections of one address; more get 429"},
    {"limits.per_address.messages_per_second", integer(0, 1'000'000),
     WEFT_LIMIT(per_address, messages_per_second), on_reload, "--messages-per-second", "200",
     "WebSocket messages and HTTP requests of one address; a client that sends more is slowed "
     "down, "
     "then closed (1008)"},
    {"limits.per_address.bytes_per_second", size(0, no_end),
     WEFT_LIMIT(per_address, bytes_per_second), on_reload, no_flag, "1MiB", "The same in bytes"},
    {"limits.per_address.errors_per_minute", integer(0, 1'000'000),
     WEFT_LIMIT(per_address, errors_per_minute), on_reload, no_flag, "60",
     "Broken protocols, bad tokens, messages that break a schema; above: no new connection and no "
     "request"},
    {"limits.per_subject.max_connections", integer(0, 1'000'000),
     WEFT_LIMIT(per_subject, max_connections), on_reload, no_flag, "10",
     "WebSockets of one subject at once; more get 429"},
    {"limits.per_subject.connects_per_minute", integer(0, 1'000'000),
     WEFT_LIMIT(per_subject, connects_per_minute), on_reload, no_flag, "60",
     "New WebSockets of one subject; more get 429"},
    {"limits.per_subject.messages_per_second", integer(0, 1'000'000),
     WEFT_LIMIT(per_subject, messages_per_second), on_reload, no_flag, "50",
     "Messages of one subject; a client that sends more is slowed down, then closed (1008)"},
    {"limits.per_subject.bytes_per_second", size(0, no_end),
     WEFT_LIMIT(per_subject, bytes_per_second), on_reload, no_flag, "256KiB", "The same in bytes"},
    {"limits.per_subject.errors_per_minute", integer(0, 1'000'000),
     WEFT_LIMIT(per_subject, errors_per_minute), on_reload, no_flag, "20",
     "Messages that break a protocol or a schema; above: no new connection"},
#undef WEFT_LIMIT

    {"cluster.redis_host", text(redis_host_rule),
     at<in_cluster, chosen, redis, &cluster::redis_options::host>, on_restart, "--redis-host",
     "redis.internal",
     "Join the processes that use this Redis: topics reach the clients of all; counts and lists of "
     "topics stay those of one process"},
    {"cluster.redis_port", port, at<in_cluster, chosen, redis, &cluster::redis_options::port>,
     on_restart, "--redis-port", "6380", "Its port"},
    {"cluster.redis_unix_path", text(filled_rule),
     at<in_cluster, chosen, redis, &cluster::redis_options::unix_path>, on_restart, no_flag,
     "/run/redis/redis.sock", "Its unix socket, instead of host and port"},
    {"cluster.sentinels", texts(host_port_rule), at<in_cluster, &cluster_section::sentinels>,
     on_restart, no_flag, "10.0.0.7:26379,10.0.0.8:26379",
     "Sentinels that know where Redis is, instead of host and port"},
    {"cluster.sentinel_master", text(filled_rule),
     at<in_cluster, chosen, redis, &cluster::redis_options::master_name>, on_restart, no_flag,
     "mymaster", "What the Sentinels call it"},
    {"cluster.nodes", texts(host_port_rule), at<in_cluster, &cluster_section::nodes>, on_restart,
     no_flag, "10.0.0.7:6379", "Some nodes of a Redis Cluster, instead of host and port"},
    {"cluster.redis_user", text(filled_rule),
     at<in_cluster, chosen, redis, &cluster::redis_options::user>, on_restart, "--redis-user",
     "weft", "User of its ACL"},
    {"cluster.redis_password", a_secret, at<in_cluster, &cluster_section::password>, on_restart,
     "--redis-password-file", "swordfish", "Its password: the first line of the file"},
    {"cluster.redis_database", integer(0, 65'535),
     at<in_cluster, chosen, redis, &cluster::redis_options::database>, on_restart, no_flag, "1",
     "Its database"},
    {"cluster.redis_tls", boolean, at<in_cluster, &cluster_section::tls>, on_restart, "--redis-tls",
     "true", "With TLS"},
    {"cluster.redis_ca", a_file, at<in_cluster, &cluster_section::ca_file>, on_restart,
     "--redis-ca", "/etc/weft/redis-ca.pem",
     "PEM file with the CA of its certificate, if that is not one of the system's"},
    {"cluster.prefix", text(prefix_rule), at<in_cluster, chosen, &cluster::options::prefix>,
     on_restart, "--cluster-prefix", "shop", "What the names of the cluster's channels begin with"},
    {"cluster.adapter", one_of("classic sharded streams"),
     at<in_cluster, &cluster_section::adapter>, on_restart, "--cluster-adapter", "sharded",
     "How the processes speak with each other: by publish and subscribe, by the sharded kind of "
     "that (Redis 7), or by a stream"},
    {"cluster.ready_without_redis", time(seconds(0), hours(24)),
     at<in_cluster, chosen, &cluster::options::ready_without_redis>, on_restart,
     "--ready-without-redis", "30s", "How long Redis may be away until /ready says 503"},

    {"drain.not_ready_for", time(seconds(0)), at<ending, &drain_options::not_ready_for>, on_restart,
     no_flag, "5s",
     "How long /ready says 503 while it goes on as before: until load balancers have noticed"},
    {"drain.window", time(seconds(0)), at<ending, &drain_options::window>, on_restart, no_flag,
     "30s", "Then those who are connected are let go evenly over this time. 0s: all at once"},
    {"drain.deadline", time(seconds(0)), at<ending, &drain_options::deadline>, on_restart, no_flag,
     "1m", "So long after not_ready_for whoever is still there is cut; at least window"},
    {"drain.retry_within", time(seconds(0)), at<ending, &drain_options::retry_within>, on_restart,
     no_flag, "5s",
     "Each of them is told to come back at another moment within this time. 0s: they are told "
     "none"},

    {"internal.host", text(address_rule), at<&settings::internal, &internal_section::host>,
     on_restart, "--metrics-host", "10.0.0.5",
     "The address of that listener; another one than loopback shows the counters to its network"},
    {"internal.port", any_port, at<&settings::internal, &internal_section::port>, on_restart,
     "--metrics-port", "9100",
     "Its port: serves the counters (Prometheus text) at /metrics, with /ready (503 says why not) "
     "and /live. Without: no such listener"},

    {"log.level", one_of("debug info warning error"), at<&settings::log_level>, on_reload,
     "--log-level", "info",
     "What is told: debug (each refused client), info (start, drain, reload), warning or error"},
};

}  // namespace

std::span<const row> rows() noexcept {
    return all_rows;
}
std::span<const section> sections() noexcept {
    return all_sections;
}

}  // namespace weft::config
