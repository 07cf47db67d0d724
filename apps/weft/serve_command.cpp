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
#include "reloader.hpp"
#include "topic_endpoint.hpp"

namespace weft {

namespace {

internal_actions actions_for(server& target, reloader& again, program_log& log) {
    internal_actions actions;
    actions.drain = [&target] { target.drain(std::chrono::seconds(10)); };
    actions.reload = [&again]() -> result<std::string> {
        if (auto done = again.reload(); !done) return done.error();
        return std::string("reloaded: the log says what is other");
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
    config::settings running;
    auto plan = make_plan(from, &running);
    if (!plan) return 2;
    const auto opened = program_log::make(plan->log);
    if (!opened) {
        std::fprintf(stderr, "weft: log.file: %s\n", opened.error().message().c_str());
        return 1;
    }
    program_log& log = **opened;
    server_options all = page_options(plan->server, plan->addresses, log);
    if (plan->log.access) all.access = &log;
    if (all.cluster) plan->topics.node = random_node_name();
    topics::topic_hub hub(std::move(plan->topics));
    server target(std::move(all));
    reloadable parts{.target = target,
                     .hub = hub,
                     .log = log,
                     .verifier = plan->verifier,
                     .addresses = plan->addresses};
    for (const std::string& path : plan->guarded) target.require(path, *plan->verifier);
    for (auto& [path, files] : plan->folders)
        (void)target.http().get(path == "/" ? "/*path" : path + "/*path", std::move(files));
    for (auto& [path, options] : plan->endpoints)
        parts.endpoints.push_back(
            &add_topic_endpoint(target, path, hub, std::move(options), plan->verifier));
    reloader again(from, std::move(running), std::move(parts));
    target.on_reload([&again] { again.request(); });
    std::optional<internal_listener> internal;
    if (plan->internal)
        internal.emplace(target, *plan->internal, actions_for(target, again, log), log);
    const auto ready = [&] {
        return start_internal(internal, plan->internal ? plan->internal->host : "", log);
    };
    return listen_and_run(target, *plan, "http", "/", ready);
}

}  // namespace weft
