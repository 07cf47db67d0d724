// `weft serve`: a folder of files, and topics over a WebSocket (docs/guide/topic-protocol.md).

#include <cstdio>
#include <string>
#include <utility>

#include <weft/net/awaitable.hpp>
#include <weft/server/server.hpp>

#include "commands.hpp"
#include "leveled_log.hpp"
#include "listening.hpp"
#include "reloader.hpp"
#include "service/activation.hpp"
#include "service/notify_socket.hpp"
#include "service/privileges.hpp"
#include "service/service_status.hpp"
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

/// Puts the socket that the service manager listens to in the place of the one address.
result<void> use_activated_socket(config::plan& plan) {
    auto socket = take_activated_socket();
    if (!socket) return socket.error();
    if (!*socket) return {};
    if (plan.addresses.size() > 1) {
        return error(errc::invalid_argument,
                     "the service manager listens to one socket (LISTEN_FDS), and the "
                     "configuration has several [[listen]]: leave one");
    }
    server_address& address = plan.addresses.front();
    address.adopt_fd = (*socket)->fd;
    address.host = (*socket)->host;
    address.port = (*socket)->port;
    address.unix_path.clear();
    return {};
}

int refuse(const error& why) {
    std::fprintf(stderr, "weft: %s\n", why.message().c_str());
    return 1;
}

}  // namespace

int run_serve(const config::sources& from) {
    auto manager = notify_socket::of_environment();
    config::settings running;
    auto plan = make_plan(from, &running);
    if (!plan) return 2;
    if (const auto right = check_privileges(plan->privileges); !right) return refuse(right.error());
    if (const auto used = use_activated_socket(*plan); !used) return refuse(used.error());
    leveled_log log(plan->log);
    server_options all = page_options(plan->server, plan->addresses, log);
    if (all.cluster) plan->topics.node = random_node_name();
    topics::topic_hub hub(std::move(plan->topics));
    server target(std::move(all));
    reloadable parts{.target = target,
                     .hub = hub,
                     .log = log,
                     .manager = manager,
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
    // Counters are for the operator: an address of their own keeps them off the public one,
    // whatever stands in front of that.
    side_server metrics(page_options({}, {{.host = plan->internal.host}}, log));
    add_probes(metrics, target);
    const service_status status(target, manager);
    const auto ready = [&] { return start_metrics(metrics, plan->internal); };
    return listen_and_run(target, *plan, "http", "/", ready);
}

}  // namespace weft
