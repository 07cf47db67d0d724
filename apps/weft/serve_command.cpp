// `weft serve`: a folder of files, and topics over a WebSocket (docs/guide/topic-protocol.md).

#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <weft/server/server.hpp>

#include "commands.hpp"
#include "internal/internal_listener.hpp"
#include "listening.hpp"
#include "log/program_log.hpp"
#include "topic_endpoint.hpp"

namespace weft {

namespace {

internal_actions actions_for(server& target, program_log& log) {
    internal_actions actions;
    actions.drain = [&target] { target.drain(std::chrono::seconds(10)); };
    actions.reload = [&target, &log]() -> result<std::string> {
        log.reopen();
        if (auto done = target.reload_certificates(); !done) return done.error();
        return std::string("the certificates were read again");
    };
    actions.visit_metrics = [&log](metric_visitor visitor) { log.visit_metrics(visitor); };
    return actions;
}

/// False when it was asked for and cannot be; that was told.
bool start_internal(std::optional<internal_listener>& internal, const std::string& host,
                    program_log& log) {
    if (!internal) return true;
    const auto port = internal->start();
    if (!port) {
        std::fprintf(stderr, "weft: --metrics-port: %s\n", port.error().message().c_str());
        return false;
    }
    log.announce("metrics on http://" + url_host(host) + ":" + std::to_string(*port) + "/metrics");
    return true;
}

}  // namespace

int run_serve(const config::sources& from) {
    auto plan = make_plan(from);
    if (!plan) return 2;
    const auto opened = program_log::make(plan->log);
    if (!opened) {
        std::fprintf(stderr, "weft: log.file: %s\n", opened.error().message().c_str());
        return 1;
    }
    program_log& log = **opened;
    server_options all = page_options(plan->server, plan->addresses, log);
    // Who ended is told to the log; and that listener tells of paths, which are kept for it.
    if (plan->log.access && (log.wants(log_level::info) || plan->internal)) all.access = &log;
    if (all.cluster) plan->topics.node = random_node_name();
    topics::topic_hub hub(std::move(plan->topics));
    server target(std::move(all));
    for (const std::string& path : plan->guarded) target.require(path, *plan->verifier);
    for (auto& [path, files] : plan->folders)
        (void)target.http().get(path == "/" ? "/*path" : path + "/*path", std::move(files));
    for (auto& [path, options] : plan->endpoints)
        add_topic_endpoint(target, path, hub, std::move(options), plan->verifier);
    std::optional<internal_listener> internal;
    if (plan->internal) internal.emplace(target, *plan->internal, actions_for(target, log), log);
    const auto ready = [&] {
        return start_internal(internal, plan->internal ? plan->internal->host : "", log);
    };
    return listen_and_run(target, *plan, "http", "/", ready);
}

}  // namespace weft
