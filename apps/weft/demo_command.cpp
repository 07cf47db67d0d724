// `weft demo`: pages built into the program, on one loopback port. The chat talks over the topic
// protocol and plain WebSocket; the collaborative text and the ticker are the relays of
// examples/, each in a namespace of Socket.IO; the page on security tries the server's doors.
//
// With `--nodes` it is one of several processes (demo_nodes.cpp). The pages know all of them, go on
// with the next one when theirs is gone, and may kill theirs.

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <span>
#include <string>
#include <vector>

#include <weft/base/json_writer.hpp>
#include <weft/http/static_files.hpp>
#include <weft/server/server.hpp>
#include <weft/socketio/server.hpp>

#include "collaborative_text/shared_text.hpp"
#include "commands.hpp"
#include "demo_log.hpp"
#include "demo_nodes.hpp"
#include "demo_security.hpp"
#include "listening.hpp"
#include "ticker/ticker.hpp"
#include "topic_endpoint.hpp"

namespace weft {

namespace embedded {
std::span<const http::embedded_file> demo_page() noexcept;
}

namespace {

/// Where the pages of all nodes come from, by each name that a server on loopback answers to. A
/// Content-Security-Policy has no words for IPv6.
std::vector<std::string> origins_of(const demo_node& node, const std::vector<std::string>& names) {
    std::vector<std::string> origins;
    for (const std::uint16_t port : node.ports) {
        for (const std::string& name : names) {
            if (!name.starts_with('['))
                origins.push_back("http://" + name + ":" + std::to_string(port));
        }
    }
    return origins;
}

std::string policy_for(const std::vector<std::string>& origins) {
    std::string policy = "default-src 'self'; connect-src 'self'";
    for (const std::string& each : origins) policy += " " + each + " ws" + each.substr(4);
    return policy + "; frame-ancestors 'none'";
}

/// `/nodes` tells a page which one it comes from, from 1, and the ports of all. `/kill` ends this
/// process for pages of the demo only: every browser says with a POST where its page is from.
void add_nodes(server& target, const demo_node& node, const std::vector<std::string>& origins) {
    std::string text;
    json_writer json(text);
    json.begin_object();
    json.member("you", node.index + 1);
    json.key("ports");
    json.begin_array();
    for (const std::uint16_t port : node.ports) json.value(port);
    json.end_array();
    json.end_object();
    (void)target.http().get(
        "/nodes", [text](const http::request&) { return http::response::json(200, text); });
    (void)target.http().post("/kill", [origins](const http::request& asked) {
        if (std::ranges::find(origins, asked.header("origin")) != origins.end())
            ::kill(::getpid(), SIGKILL);
        return http::response::text(403, "only for the pages of weft demo --nodes\n");
    });
}

int serve_demo(const config::plan& plan, const demo_node& node) {
    demo_log log(plan.log);
    topics::hub_options hub_options{.listing = topics::topic_listing::on};
    foreign_page foreign(log);
    server_options all = page_options(plan.server, plan.addresses, log);
    const std::vector<std::string> origins = origins_of(node, all.http.allowed_hosts);
    if (!node.redis.empty()) {
        all.cluster = cluster::options{.redis = {.unix_path = node.redis}};
        hub_options.node = random_node_name();
    }
    topics::topic_hub hub(hub_options);
    server target(std::move(all));
    std::string policy = policy_for(origins);
    (void)target.http().get("/*path", [page = http::embedded_files(embedded::demo_page()),
                                       &policy](const http::request& request) {
        return page(request)
            .header("Content-Security-Policy", policy)
            .header("Referrer-Policy", "no-referrer");
    });
    add_nodes(target, node, origins);
    add_topic_endpoint(target, "/ws", hub, {.origins = origins});
    socketio::options chosen;
    if (!origins.empty()) chosen.engine.cors.emplace().origins = origins;
    socketio::server io(target, chosen);
    examples::serve_shared_text(io.of("/text"));
    examples::serve_ticker(target, io.of("/ticker"));
    target.on_cluster_gap([&io](cluster::gap now) {
        if (now == cluster::gap::ends) examples::ask_for_shared_text(io.of("/text"));
    });
    if (const auto added = add_security(target, io, log, foreign); !added) {
        std::fprintf(stderr, "weft: %s\n", added.error().message().c_str());
        return 1;
    }
    return listen_and_run(target, plan, "http", "/", [&] {
        if (config::on_loopback(plan.addresses)) foreign.start();
        if (!foreign.url().empty()) policy += "; frame-src " + foreign.url();
        return true;
    });
}

}  // namespace

int run_demo(const demo_flags& flags) {
    auto plan = make_plan(flags.from);
    if (!plan) return 2;
    if (flags.nodes == 1) return serve_demo(*plan, {});
    return run_demo_nodes(plan->addresses.front(), flags.nodes, [&](const demo_node& node) {
        plan->addresses.front().port = node.ports[node.index];  // in a process of its own
        return serve_demo(*plan, node);
    });
}

}  // namespace weft
