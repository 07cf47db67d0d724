// `weft serve`: a folder of files, and topics over a WebSocket (docs/guide/topic-protocol.md).

#include <cstdio>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <weft/http/static_files.hpp>
#include <weft/server/server.hpp>

#include "commands.hpp"
#include "internal/internal_listener.hpp"
#include "listening.hpp"
#include "log/program_log.hpp"
#include "topic_endpoint.hpp"

namespace weft {

namespace {

/// False when it was asked for and cannot be; that was told.
bool start_internal(std::optional<internal_listener>& internal, const serve_flags& flags) {
    if (!internal) return true;
    const auto port = internal->start();
    if (!port) {
        std::fprintf(stderr, "weft: --metrics-port: %s\n", port.error().message().c_str());
        return false;
    }
    std::fprintf(stderr, "metrics on http://%s:%u/metrics\n", url_host(flags.metrics_host).c_str(),
                 unsigned{*port});
    return true;
}

internal_actions internal_actions_for(server& target, program_log& log) {
    internal_actions actions;
    actions.drain = [&target] { target.drain(std::chrono::seconds(10)); };
    actions.reload = [&target]() -> result<std::string> {
        if (auto done = target.reload_certificates(); !done) return done.error();
        return std::string("the certificates were read again");
    };
    actions.visit_metrics = [&log](metric_visitor visitor) { log.visit_metrics(visitor); };
    return actions;
}

/// False when one of them cannot be used; that was told.
bool load_schemas(const std::vector<std::string>& wanted, std::vector<topics::topic_schema>& into) {
    for (const std::string& each : wanted) {
        const std::size_t equals = each.find('=');
        if (equals == 0 || equals == std::string::npos) {
            std::fprintf(stderr, "weft: --schema '%s': write PATTERN=FILE\n", each.c_str());
            return false;
        }
        std::ifstream file(each.substr(equals + 1), std::ios::binary);
        const std::string text{std::istreambuf_iterator<char>(file), {}};
        auto rules = schema::make(text);
        if (!file || !rules) {
            std::fprintf(stderr, "weft: --schema '%s': %s\n", each.c_str(),
                         !file ? "cannot read the file" : rules.error().message().c_str());
            return false;
        }
        into.push_back({each.substr(0, equals), std::move(*rules)});
    }
    return true;
}

}  // namespace

int run_serve(const serve_flags& flags) {
    log_options lines{.level = level_of(flags.listen)};
    const auto log = program_log::make(lines);
    if (!log) {
        std::fprintf(stderr, "weft: %s\n", log.error().message().c_str());
        return 1;
    }
    topics::hub_options hub_options;
    if (flags.list_topics) hub_options.listing = topics::topic_listing::on;
    if (!load_schemas(flags.schemas, hub_options.schemas)) return 1;
    server_options all = make_page_options(flags.listen, **log);
    // Who ended is told to the log, and asked for there.
    if ((*log)->wants(log_level::info) || flags.metrics_port) all.access = log->get();
    std::vector<std::string>& names = all.http.allowed_hosts;
    if (!names.empty()) names.insert(names.end(), flags.hosts.begin(), flags.hosts.end());
    if (!flags.cluster.redis_host.empty()) {
        auto cluster = make_cluster_options(flags.cluster);
        if (!cluster) {
            std::fprintf(stderr, "weft: %s\n", cluster.error().message().c_str());
            return 1;
        }
        cluster->ready_without_redis = flags.ready_without_redis;
        all.cluster = std::move(*cluster);
        hub_options.node = random_node_name();
    }
    topics::topic_hub hub(hub_options);
    server target(std::move(all));

    if (!flags.folder.empty()) {
        if (flags.path == "/") {
            std::fputs("weft: --path / would hide the folder's index.html: choose another path\n",
                       stderr);
            return 1;
        }
        auto files = http::static_files::make(flags.folder);
        if (!files) {
            std::fprintf(stderr, "weft: folder '%s': %s\n", flags.folder.c_str(),
                         files.error().message().c_str());
            return 1;
        }
        (void)target.http().get("/*path", std::move(*files));
    }
    ws::options options;
    options.origins = flags.origins;
    if (flags.deflate) options.deflate.emplace();
    add_topic_endpoint(target, flags.path, hub, std::move(options));
    // What is for the operator has an address of its own, which keeps it off the public one,
    // whatever stands in front of that.
    std::optional<internal_listener> internal;
    if (flags.metrics_port) {
        internal.emplace(target, internal_options{flags.metrics_host, *flags.metrics_port, {}},
                         internal_actions_for(target, **log), **log);
    }
    const auto ready = [&] { return start_internal(internal, flags); };
    return listen_and_run(target, flags.listen, "http", "/", ready);
}

}  // namespace weft
