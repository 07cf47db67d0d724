// `weft emit`: one event into a cluster of Socket.IO servers, from a shell or a cron job.

#include <cstdio>
#include <memory>
#include <string>
#include <utility>

#include <weft/cluster/emitter.hpp>
#include <weft/net/loop.hpp>
#include <weft/socketio/json.hpp>

#include "commands.hpp"
#include "config/plan.hpp"

namespace weft {
namespace {

int complain(const std::string& what) {
    std::fprintf(stderr, "weft emit: %s\n", what.c_str());
    return 1;
}

}  // namespace

int run_emit(const emit_flags& flags) {
    socketio::rest<socketio::json_text> arguments;
    for (const std::string& each : flags.arguments) {
        auto parsed = socketio::json_text::parse(each);
        if (!parsed) return complain("'" + each + "' is not JSON: " + parsed.error().message());
        arguments.values.push_back(std::move(*parsed));
    }
    const config::loaded settings = config::load(flags.from);
    auto chosen = config::make_cluster(settings.values.cluster);
    if (!chosen) return complain(chosen.error().message());

    auto made = loop::make();
    if (!made) return complain(made.error().message());
    loop& home = **made;
    cluster::emitter into(home.ref(), std::move(*chosen));
    result<void> outcome = into.start();
    if (!outcome) return complain(outcome.error().message());
    home.ref().post([&] {
        cluster::emission chain = into.of(flags.nsp);
        for (const std::string& room : flags.rooms) (void)std::move(chain).to(room);
        for (const std::string& room : flags.except) (void)std::move(chain).except(room);
        outcome = flags.server_side ? std::move(chain).server_side_emit(flags.event, arguments)
                                    : std::move(chain).emit(flags.event, arguments);
        if (!outcome) return home.stop();
        into.flush([&](result<void> how) {
            outcome = std::move(how);
            home.stop();
        });
    });
    home.run();
    if (!outcome) return complain(outcome.error().message());
    return 0;
}

}  // namespace weft
