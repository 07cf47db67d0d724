// `weft serve`: a folder of files, and topics over a WebSocket (docs/guide/topic-protocol.md).

#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include <weft/http/static_files.hpp>
#include <weft/server/server.hpp>

#include "commands.hpp"
#include "listening.hpp"
#include "topic_endpoint.hpp"

namespace weft {

int run_serve(const serve_flags& flags) {
    stderr_log log(log_level::warning);
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
    if (flags.metrics) {
        // Counters are for the operator: whoever is not on this machine is told that there is no
        // such page.
        (void)target.http().get("/metrics", [&target](const http::request& request) {
            if (!request.peer().is_loopback()) return http::response::plain_error(404);
            return http::response::text(200, target.metrics_text());
        });
    }
    ws::options options;
    options.origins = flags.origins;
    if (flags.deflate) options.deflate.emplace();
    add_topic_endpoint(target, flags.path, hub, std::move(options));
    return listen_and_run(target, flags.listen, "http", "/");
}

}  // namespace weft
