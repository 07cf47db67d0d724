// `weft serve`: a folder of files, and topics over a WebSocket (docs/guide/topic-protocol.md).

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
#include "service/activation.hpp"
#include "service/notify_socket.hpp"
#include "service/privileges.hpp"
#include "service/service_status.hpp"
#include "topic_service.hpp"

namespace weft {

namespace {

/// Says data to a topic, for a program of the operator.
result<void> announce(topic_service& topics, std::string_view topic, std::string_view data) {
    const auto said = topics.announce(topic, data);
    if (said.what) return {};
    std::string why(topics::words_of(said.why));
    if (said.wrong) why += ": " + said.wrong->what();
    return error(errc::invalid_argument, std::move(why));
}

internal_actions actions_for(server& target, topic_service& topics, reloader& again,
                             program_log& log, const drain_options& ending) {
    internal_actions actions;
    actions.publish = [&topics](std::string_view topic, std::string_view data) {
        return announce(topics, topic, data);
    };
    actions.drain = [&target, ending] { (void)target.drain(ending); };
    actions.reload = [&again] { return again.reload(); };
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
    topic_service topics(hub);
    server target(std::move(all));
    for (const std::string& path : plan->guarded) target.require(path, *plan->verifier);
    for (auto& [path, files] : plan->folders)
        (void)target.http().get(path == "/" ? "/*path" : path + "/*path", std::move(files));
    for (auto& [path, options] : plan->endpoints)
        topics.add_web_socket(target, path, std::move(options), plan->verifier);
    std::optional<socketio::server> io;
    if (plan->socketio)
        topics.add_socketio(target, io.emplace(target, *plan->socketio), plan->verifier);
    reloader again(from, std::move(running),
                   {.target = target,
                    .hub = hub,
                    .topics = topics,
                    .log = log,
                    .manager = manager,
                    .verifier = plan->verifier,
                    .addresses = plan->addresses});
    target.on_reload([&again] { again.request(); });
    std::optional<internal_listener> internal;
    if (plan->internal)
        internal.emplace(target, *plan->internal,
                         actions_for(target, topics, again, log, plan->drain), log);
    const service_status status(target, manager);
    const auto ready = [&] {
        return start_internal(internal, plan->internal ? plan->internal->host : "", log);
    };
    return listen_and_run(target, *plan, "http", "/", ready);
}

}  // namespace weft
