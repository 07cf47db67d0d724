// `weft serve`: a folder of files, and topics over a WebSocket (docs/guide/topic-protocol.md).

#include <cstdio>
#include <string>
#include <utility>

#include <weft/net/awaitable.hpp>
#include <weft/server/server.hpp>

#include "commands.hpp"
#include "listening.hpp"
#include "side_server.hpp"
#include "topic_endpoint.hpp"

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
bool start_metrics(side_server& metrics, const config::internal_section& where) {
    if (!where.port) return true;
    const auto port = metrics.start(where.host, *where.port);
    if (!port) {
        std::fprintf(stderr, "weft: --metrics-port: %s\n", port.error().message().c_str());
        return false;
    }
    std::fprintf(stderr, "metrics on http://%s:%u/metrics\n", url_host(where.host).c_str(),
                 unsigned{*port});
    return true;
}

}  // namespace

int run_serve(const config::sources& from) {
    auto plan = make_plan(from);
    if (!plan) return 2;
    stderr_log log(plan->log);
    server_options all = page_options(plan->server, plan->addresses, log);
    if (all.cluster) plan->topics.node = random_node_name();
    topics::topic_hub hub(std::move(plan->topics));
    server target(std::move(all));
    for (const std::string& path : plan->guarded) target.require(path, *plan->verifier);
    for (auto& [path, files] : plan->folders)
        (void)target.http().get(path == "/" ? "/*path" : path + "/*path", std::move(files));
    for (auto& [path, options] : plan->endpoints)
        add_topic_endpoint(target, path, hub, std::move(options), plan->verifier);
    // Counters are for the operator: an address of their own keeps them off the public one,
    // whatever stands in front of that.
    side_server metrics(page_options({}, {{.host = plan->internal.host}}, log));
    add_probes(metrics, target);
    const auto ready = [&] { return start_metrics(metrics, plan->internal); };
    return listen_and_run(target, *plan, "http", "/", ready);
}

}  // namespace weft
