// `weft demo`: pages built into the program, on one loopback port. The chat talks over the topic
// protocol and plain WebSocket; the collaborative text and the ticker are the relays of
// examples/, each in a namespace of Socket.IO; the page on security tries the server's doors.

#include <cstdio>
#include <span>
#include <string>

#include <weft/http/static_files.hpp>
#include <weft/server/server.hpp>
#include <weft/socketio/server.hpp>

#include "collaborative_text/shared_text.hpp"
#include "commands.hpp"
#include "demo_log.hpp"
#include "demo_security.hpp"
#include "listening.hpp"
#include "ticker/ticker.hpp"
#include "topic_endpoint.hpp"

namespace weft {

namespace embedded {
std::span<const http::embedded_file> demo_page() noexcept;
}

int run_demo(const demo_flags& flags) {
    demo_log log(level_of(flags.listen));
    topics::topic_hub hub({.listing = topics::topic_listing::on});
    foreign_page foreign(log);
    std::string policy = "default-src 'self'; connect-src 'self'; frame-ancestors 'none'";
    server target(make_page_options(flags.listen, log));
    (void)target.http().get("/*path", [page = http::embedded_files(embedded::demo_page()),
                                       &policy](const http::request& request) {
        return page(request)
            .header("Content-Security-Policy", policy)
            .header("Referrer-Policy", "no-referrer");
    });
    add_topic_endpoint(target, "/ws", hub, {});
    socketio::server io(target);
    examples::serve_shared_text(io.of("/text"));
    examples::serve_ticker(target, io.of("/ticker"));
    if (const auto added = add_security(target, io, log, foreign); !added) {
        std::fprintf(stderr, "weft: %s\n", added.error().message().c_str());
        return 1;
    }
    return listen_and_run(target, flags.listen, "http", "/", [&] {
        if (on_loopback(flags.listen)) foreign.start();
        if (!foreign.url().empty()) policy += "; frame-src " + foreign.url();
        return true;
    });
}

}  // namespace weft
