// `weft serve`: a folder of files, and topics over a WebSocket (docs/guide/topic-protocol.md).

#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include <weft/http/static_files.hpp>
#include <weft/net/awaitable.hpp>
#include <weft/server/server.hpp>

#include "commands.hpp"
#include "listening.hpp"
#include "side_server.hpp"
#include "topic_service.hpp"

namespace weft {

namespace {

/// What an operator and a load balancer ask for.
void add_probes(side_server& to, server& about) {
    (void)to.http().get("/metrics", [&about](const http::request&) {
        return http::response::text(200, about.metrics_text());
    });
    (void)to.http().get("/ready", [&about](const http::request&) {
        const auto judged = about.ready();
        return judged ? http::response::text(200, "ready\n")
                      : http::response::text(503, judged.error().message() + "\n");
    });
    // Nobody answers while a loop hangs.
    (void)to.http().get("/live", [&about, &to](http::owned_request) -> weft::task<http::response> {
        for (unsigned i = 0; i < about.loops(); ++i)
            co_await sleep_for(about.loop(i), duration::zero());
        co_await sleep_for(to.loop(), duration::zero());
        co_return http::response::text(200, "live\n");
    });
}

/// False when it was asked for and cannot be; that was told.
bool start_metrics(side_server& metrics, const serve_flags& flags) {
    if (!flags.metrics_port) return true;
    const auto port = metrics.start(flags.metrics_host, *flags.metrics_port);
    if (!port) {
        std::fprintf(stderr, "weft: --metrics-port: %s\n", port.error().message().c_str());
        return false;
    }
    std::fprintf(stderr, "metrics on http://%s:%u/metrics\n", url_host(flags.metrics_host).c_str(),
                 unsigned{*port});
    return true;
}

/// False when one of them cannot be used; that was told.
bool load_schemas(const std::vector<std::string>& wanted, std::vector<topics::topic_rule>& into) {
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
        auto pattern = topics::topic_pattern::make(each.substr(0, equals));
        if (!pattern) {
            std::fprintf(stderr, "weft: --schema %s\n", pattern.error().what().c_str());
            return false;
        }
        into.push_back({.topics = std::move(*pattern), .rules = std::move(*rules)});
    }
    return true;
}

}  // namespace

int run_serve(const serve_flags& flags) {
    stderr_log log(level_of(flags.listen));
    topics::hub_options hub_options;
    if (flags.list_topics) hub_options.listing = topics::topic_listing::on;
    std::vector<topics::topic_rule> rules;
    if (!load_schemas(flags.schemas, rules)) return 1;
    server_options all = make_page_options(flags.listen, log);
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
    hub.use(std::make_shared<const topics::topic_rules>(std::move(rules),
                                                        topics::topic_rules::others::allowed));
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
    topic_service topics(target, hub);
    topics.add_web_socket(flags.path, std::move(options));
    // Counters are for the operator: an address of their own keeps them off the public one,
    // whatever stands in front of that.
    side_server metrics(make_page_options({.host = flags.metrics_host}, log));
    add_probes(metrics, target);
    const auto ready = [&] { return start_metrics(metrics, flags); };
    return listen_and_run(target, flags.listen, "http", "/", ready);
}

}  // namespace weft
