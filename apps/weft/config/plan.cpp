// Settings into options of the library. Whoever starts a server and whoever only checks a file come
// by here, so that what one refuses the other refuses.

#include "config/plan.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>

#include <unistd.h>

#include <weft/auth/algorithm.hpp>

#include "config/rules.hpp"
#include "config/small_file.hpp"

namespace weft::config {
namespace {

std::string joined(std::string_view section, std::size_t index, std::string_view key) {
    return concrete(std::string(section) + "." + std::string(key), index);
}

result<std::string> read_file(const std::string& path) {
    auto text = read_small_file(path);
    if (text) return text;
    return error(text.error().code(), "cannot read '" + path + "': " + text.error().what());
}

/// The bytes of a secret. Of a text in a file the line end is no part.
result<std::string> read_secret(const secret& from) {
    if (from.file.empty()) return from.text;
    auto whole = read_file(from.file);
    if (!whole) return whole;
    std::string text = whole->substr(0, whole->find_last_not_of("\r\n") + 1);
    const bool printable =
        std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
    return printable ? std::move(text) : std::move(*whole);
}

result<std::string> first_line(const secret& from) {
    if (from.file.empty()) return from.text;
    auto whole = read_file(from.file);
    if (!whole) return whole;
    std::string line = whole->substr(0, whole->find_first_of("\r\n"));
    if (line.empty())
        return error(errc::invalid_argument,
                     "'" + from.file + "' has no password in its first line");
    return line;
}

log_level level_of(std::string_view name) {
    if (name == "debug") return log_level::debug;
    if (name == "info") return log_level::info;
    return name == "error" ? log_level::error : log_level::warning;
}

class planner {
public:
    explicit planner(loaded& from) : from_(from), all_(from.values) {}

    std::optional<plan> run() {
        plan_.server = all_.server;
        plan_.server.log = nullptr;
        plan_.drain = all_.drain;
        plan_.privileges = all_.privileges;
        add_internal();
        add_log();
        add_addresses();
        add_folders();
        add_endpoints();
        add_topics();
        add_socketio();
        add_tokens();
        add_cluster();
        const traffic_limits &address = plan_.server.traffic.per_address,
                             &subject = plan_.server.traffic.per_subject;
        if (plan_.server.traffic.dry_run && is_empty(address) && is_empty(subject))
            from_.complain(
                "limits.dry_run",
                from_.called("limits.dry_run", "limits.dry_run") +
                    " needs a limit to try, such as " +
                    from_.called("limits.per_address.max_connections", "limits.dry_run") + " 100");
        if (plan_.drain.deadline < plan_.drain.window)
            from_.complain("drain.deadline", "must be at least drain.window");
        if (const auto right = plan_.server.check(); from_.problems.empty() && !right)
            from_.problems.push_back(right.error().message());
        if (!from_.problems.empty()) return std::nullopt;
        const auto has_tls = [](const server_address& each) { return each.tls.has_value(); };
        plan_.has_secrets = plan_.verifier || !all_.cluster.password.empty() ||
                            std::any_of(plan_.addresses.begin(), plan_.addresses.end(), has_tls);
        return std::move(plan_);
    }

private:
    static bool is_empty(const traffic_limits& limits) {
        return limits.max_connections == 0 && limits.connects_per_minute == 0 &&
               limits.messages_per_second == 0 && limits.bytes_per_second == 0 &&
               limits.errors_per_minute == 0;
    }

    /// Complains about a file that is named and cannot be read.
    void must_be_readable(const std::string& key, const std::string& file) {
        if (!file.empty() && ::access(file.c_str(), R_OK) != 0)
            from_.complain(key, "cannot read '" + file + "': " + std::strerror(errno));
    }

    void add_addresses();
    void add_folders();
    void add_endpoints();
    void add_topics();
    std::optional<topics::topic_rule> make_rule(const topic& one, std::size_t index);
    void add_socketio();
    void add_tokens();
    std::optional<auth::issuer> make_issuer(const issuer& one, std::size_t index);
    void add_cluster();
    void add_internal();
    void add_log();

    loaded& from_;
    const settings& all_;
    plan plan_;
};

void planner::add_addresses() {
    for (std::size_t i = 0; i < all_.listeners.size(); ++i) {
        const listener& one = all_.listeners[i];
        const std::string cert = concrete("listen[].tls_cert", i);
        const std::string key = concrete("listen[].tls_key", i);
        must_be_readable(cert, one.tls_cert);
        must_be_readable(key, one.tls_key);
        if (one.tls_cert.empty() != one.tls_key.empty()) {
            const std::string& given = one.tls_cert.empty() ? key : cert;
            from_.complain(given, from_.called(cert, given) + " and " + from_.called(key, given) +
                                      " go together: one of them is missing");
        }
        server_address address = one.address;
        if (!one.tls_cert.empty())
            address.tls.emplace().certificates.push_back({one.tls_cert, one.tls_key, {}, {}, {}});
        const std::string proxy = concrete("listen[].proxy_protocol", i);
        if (address.proxy_protocol && all_.server.http.trusted_proxies.empty())
            from_.complain(proxy, from_.called(proxy, proxy) + " needs " +
                                      from_.called("http.trusted_proxies", proxy) +
                                      ": the address of the proxy");
        if (const auto right = address.check(); !right)
            from_.complain(concrete("listen[].unix_path", i), right.error().message());
        else if (const auto files = address.check_files(); from_.problems.empty() && !files)
            from_.complain(cert, files.error().message() + "; " + from_.called(cert, cert) +
                                     " takes the certificate and its chain, " +
                                     from_.called(key, key) + " its private key: PEM");
        plan_.addresses.push_back(std::move(address));
    }
}

void planner::add_folders() {
    for (std::size_t i = 0; i < all_.folders.size(); ++i) {
        const static_folder& one = all_.folders[i];
        const std::string key = concrete("static[].folder", i);
        if (one.folder.empty()) {
            from_.complain(key, "expected the name of a folder, found none");
            continue;
        }
        auto files = http::static_files::make(one.folder, one.options);
        if (!files) {
            from_.complain(key, "folder '" + one.folder + "': " + files.error().message());
            continue;
        }
        const auto same = [&](const auto& other) { return other.first == one.path; };
        if (std::any_of(plan_.folders.begin(), plan_.folders.end(), same))
            from_.complain(concrete("static[].path", i), "'" + one.path + "' is there twice");
        plan_.folders.emplace_back(one.path, std::move(*files));
    }
}

void planner::add_endpoints() {
    for (std::size_t i = 0; i < all_.endpoints.size(); ++i) {
        const endpoint& one = all_.endpoints[i];
        const std::string path = concrete("endpoint[].path", i);
        const auto same = [&](const auto& other) { return other.first == one.path; };
        if (std::any_of(plan_.endpoints.begin(), plan_.endpoints.end(), same))
            from_.complain(path, "'" + one.path + "' is there twice");
        if (std::any_of(plan_.folders.begin(), plan_.folders.end(), same))
            from_.complain(path, "'" + one.path + "' would hide the folder's " +
                                     "index.html: choose another path");
        ws::options options = one.options;
        if (one.deflate) options.deflate.emplace();
        if (one.overflow == "drop_newest") options.overflow = overflow_policy::drop_newest;
        if (one.overflow == "drop_oldest") options.overflow = overflow_policy::drop_oldest;
        if (const auto right = options.check(); !right)
            from_.complain(concrete("endpoint[].idle_timeout", i), right.error().what());
        plan_.endpoints.emplace_back(one.path, std::move(options));
    }
}

void planner::add_topics() {
    plan_.topics.max_topics_per_client = all_.topics.max_per_client;
    plan_.topics.requests_per_second = all_.topics.requests_per_second;
    plan_.topics.burst = all_.topics.burst;
    if (all_.topics.list) plan_.topics.listing = topics::topic_listing::on;
    const bool says_who = std::any_of(all_.patterns.begin(), all_.patterns.end(), [](auto& one) {
        return !one.subscribe.empty() || !one.publish.empty();
    });
    const bool refused = all_.topics.others ? *all_.topics.others == "refused" : says_who;
    std::vector<topics::topic_rule> rules;
    for (std::size_t i = 0; i < all_.patterns.size(); ++i) {
        if (auto made = make_rule(all_.patterns[i], i)) rules.push_back(std::move(*made));
    }
    plan_.topics.rules =
        topics::topic_rules(std::move(rules), refused ? topics::topic_rules::others::refused
                                                      : topics::topic_rules::others::allowed);
}

std::optional<topics::topic_rule> planner::make_rule(const topic& one, std::size_t index) {
    topics::topic_rule made;
    if (one.match.empty()) {
        from_.complain(joined("topic[]", index, "match"),
                       "expected a topic or a pattern, found none");
        return std::nullopt;
    }
    made.topics = *topics::topic_pattern::make(one.match);
    if (!one.subscribe.empty()) made.subscribe = *topics::topic_right::make(one.subscribe);
    if (!one.publish.empty()) made.publish = *topics::topic_right::make(one.publish);
    made.max_data = one.max_data;
    if (one.overflow == "drop") made.overflow = topics::topic_overflow::drop;
    made.latest_by = one.latest_by;
    if (one.schema_file.empty()) return made;
    const auto text = read_file(one.schema_file);
    auto rules = text ? schema::make(*text) : result<schema>(text.error());
    if (!rules) {
        from_.complain(
            joined("topic[]", index, "schema_file"),
            "'" + one.match + "': " + (text ? rules.error().message() : text.error().what()));
        return std::nullopt;
    }
    made.rules = std::move(*rules);
    return made;
}

void planner::add_socketio() {
    if (all_.socketio.path.empty()) {
        for (const auto& [key, origin] : from_.origins) {
            if (!key.starts_with("socketio.")) continue;
            from_.complain(key, "needs " + from_.called("socketio.path", key));
            return;
        }
        return;
    }
    socketio::options options = all_.socketio.options;
    options.engine.path = all_.socketio.path;
    // A topic is a room.
    options.max_rooms = std::max(options.max_rooms, all_.topics.max_per_client);
    if (!all_.socketio.origins.empty())
        options.engine.cors.emplace().origins = all_.socketio.origins;
    if (const auto right = options.check(); !right)
        from_.complain("socketio.path", right.error().what());
    plan_.socketio = std::move(options);
}

std::optional<auth::issuer> planner::make_issuer(const issuer& one, std::size_t index) {
    const auto name = [index](std::string_view key) { return joined("auth.issuer[]", index, key); };
    const int sources = int{!one.secret.empty()} + int{!one.public_key_file.empty()} +
                        int{!one.jwks_file.empty()} + int{!one.jwks_url.empty()};
    if (sources != 1) {
        from_.complain(name("iss"),
                       "expected one of secret, secret_file, public_key_file, jwks_file and "
                       "jwks_url for its keys, found " +
                           std::to_string(sources));
        return std::nullopt;
    }
    auth::issuer made = one.rules;
    for (const std::string& each : one.algorithms)
        made.algorithms.push_back(*auth::algorithm_of(each));
    if (!one.secret.empty()) {
        auto bytes = read_secret(one.secret);
        if (!bytes) {
            from_.complain(name("secret"), bytes.error().what());
            return std::nullopt;
        }
        made.keys = auth::key_source::secret(std::move(*bytes));
    } else if (!one.public_key_file.empty()) {
        auto pem = read_file(one.public_key_file);
        if (!pem) {
            from_.complain(name("public_key_file"), pem.error().what());
            return std::nullopt;
        }
        made.keys = auth::key_source::pem(std::move(*pem));
    } else {
        made.keys = one.jwks_url.empty() ? auth::key_source::jwks_file(one.jwks_file)
                                         : auth::key_source::jwks_url(one.jwks_url);
    }
    return made;
}

void planner::add_tokens() {
    plan_.guarded = all_.auth.paths;
    if (all_.issuers.empty()) {
        if (!plan_.guarded.empty())
            from_.complain("auth.paths", "needs an [[auth.issuer]]: whose tokens are good?");
        return;
    }
    auth::options options = all_.auth.options;
    for (std::size_t i = 0; i < all_.issuers.size(); ++i) {
        if (auto made = make_issuer(all_.issuers[i], i))
            options.issuers.push_back(std::move(*made));
    }
    if (options.issuers.size() != all_.issuers.size()) return;
    plan_.issuers = options.issuers;
    if (auto made = auth::verifier::make(std::move(options)))
        plan_.verifier = std::move(*made);
    else
        from_.complain("auth.issuer[0].iss", made.error().message());
}

void planner::add_cluster() {
    const cluster_section& wanted = all_.cluster;
    if (!wanted.wanted()) {
        for (const auto& [key, origin] : from_.origins) {
            if (!key.starts_with("cluster.")) continue;
            from_.complain(
                key, "needs " + from_.called("cluster.redis_host", key) + ": where is Redis?");
            return;
        }
        return;
    }
    must_be_readable("cluster.redis_ca", wanted.ca_file);
    must_be_readable("cluster.redis_password", wanted.password.file);
    if (!wanted.ca_file.empty() && !wanted.tls)
        from_.complain("cluster.redis_ca",
                       "needs " + from_.called("cluster.redis_tls", "cluster.redis_ca"));
    if (!wanted.options.redis.user.empty() && wanted.password.empty())
        from_.complain("cluster.redis_user",
                       "needs " + from_.called("cluster.redis_password", "cluster.redis_user"));
    auto made = make_cluster(wanted);
    if (!made) {
        from_.complain("cluster.redis_password", made.error().what());
        return;
    }
    if (const auto right = made->check(); !right)
        from_.complain("cluster.redis_host", right.error().what());
    plan_.server.cluster = std::move(*made);
}

void planner::add_internal() {
    if (!all_.internal.port) return;
    auto made = make_internal(all_.internal);
    if (!made) return from_.complain("internal.token", made.error().what());
    if (const auto right = made->check(); !right)
        return from_.complain("internal.token", right.error().what());
    plan_.internal = std::move(*made);
}

void planner::add_log() {
    const log_section& wanted = all_.log;
    plan_.log = wanted.options;
    plan_.log.level = level_of(wanted.level);
    if (wanted.format == "text") plan_.log.format = log_format::text;
    if (wanted.format == "json") plan_.log.format = log_format::json;
}

}  // namespace

bool on_loopback(const std::vector<server_address>& addresses) {
    return std::all_of(addresses.begin(), addresses.end(), [](const server_address& each) {
        if (!each.unix_path.empty()) return true;
        const auto where = socket_address::make(each.host, each.port);
        return where && where->is_loopback();
    });
}

std::optional<plan> make_plan(loaded& from) {
    return planner(from).run();
}

result<cluster::options> make_cluster(const cluster_section& from) {
    cluster::options chosen = from.options;
    if (!from.password.empty()) {
        auto password = first_line(from.password);
        if (!password) return password.error();
        chosen.redis.password = std::move(*password);
    }
    for (const std::string& each : from.sentinels)
        chosen.redis.sentinels.push_back(*parse_host_port(each));
    for (const std::string& each : from.nodes)
        chosen.redis.cluster_nodes.push_back(*parse_host_port(each));
    if (from.tls) chosen.redis.tls.emplace().ca_file = from.ca_file;
    if (from.adapter == "sharded") chosen.adapter = cluster::adapter_kind::sharded;
    if (from.adapter == "streams") chosen.adapter = cluster::adapter_kind::streams;
    return chosen;
}

result<internal_options> make_internal(const internal_section& from) {
    internal_options made{.host = from.host, .port = from.port.value_or(0)};
    for (const auto& [secret, into] :
         {std::pair(&from.token, &made.token), {&from.publish_key, &made.publish_key}}) {
        if (secret->empty()) continue;
        auto line = first_line(*secret);
        if (!line) return line.error();
        *into = std::move(*line);
    }
    return made;
}

}  // namespace weft::config
