// `weft echo`: sends every message back with its own opcode. A tool to test clients and to measure
// with, so nothing is throttled and everything that a client sends fits into the queue of what it
// has yet to read.

#include <algorithm>
#include <utility>

#include <weft/server/server.hpp>

#include "commands.hpp"
#include "listening.hpp"

namespace weft {

int run_echo(const echo_flags& flags) {
    auto plan = make_plan(flags.from);
    if (!plan) return 2;
    stderr_log log(plan->log);
    server_options all = plan->server;
    all.log = &log;
    // One message of the allowed size always fits, on every loop.
    all.message_budget = std::max(all.message_budget, all.threads * 2 * flags.max_message);
    // A load generator is one address, and on a busy machine its handshakes are late together.
    all.max_handshakes_per_address = all.max_handshakes = all.max_connections;
    server target(std::move(all));
    auto& [path, options] = plan->endpoints.front();
    options.max_message = flags.max_message;
    options.subprotocols = flags.subprotocols;
    // Reading pauses at 1 MiB unread; what one read may still bring must find room above that.
    options.max_queue =
        2 * static_cast<std::size_t>(flags.max_message) + 4 * options.pause_reading_at;
    target.ws(path, options).on_message([](auto& c, message_view m) { c.send(m); });
    return listen_and_run(target, *plan, "ws", path);
}

}  // namespace weft
