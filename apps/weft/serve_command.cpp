// `weft serve`: a folder of files, and topics over a WebSocket (docs/guide/topic-protocol.md).

#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include <weft/http/static_files.hpp>
#include <weft/server/server.hpp>

#include "commands.hpp"
#include "listening.hpp"
#include "metrics_listener.hpp"
#include "topic_endpoint.hpp"

namespace weft {

namespace {

/// False when it was asked for and cannot be; that was told.
bool start_metrics(metrics_listener& metrics, const serve_flags& flags) {
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

}  // namespace

int run_serve(const serve_flags& flags) {
    stderr_log log(level_of(flags.listen));
    topics::hub_options hub_options;
    if (flags.list_topics) hub_options.listing = topics::topic_listing::on;
    topics::topic_hub hub(hub_options);
    server_options all = make_page_options(flags.listen, log);
    std::vector<std::string>& names = all.http.allowed_hosts;
    if (!names.empty()) names.insert(names.end(), flags.hosts.begin(), flags.hosts.end());
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
    metrics_listener metrics(target, make_page_options({.host = flags.metrics_host}, log));
    const auto ready = [&] { return start_metrics(metrics, flags); };
    return listen_and_run(target, flags.listen, "http", "/", ready);
}

}  // namespace weft
