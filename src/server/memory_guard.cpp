// Shedding. Each loop gives up its share of what is too much, by the part that its own connections
// occupy, and looks again a little later until the process is within its limit: streams that stand
// still and whoever else holds bytes, the largest first. What was closed before and still holds
// bytes counts as given up, so that nobody is closed for the slowness of others' endings.

#include "server/memory_guard.hpp"

#include <algorithm>
#include <utility>

namespace weft {
namespace {

constexpr duration between_looks = std::chrono::milliseconds(50);

}  // namespace

void memory_guard::watch(byte_budget& budget) {
    budget.report_to(process_, [this] { on_excess(); });
}

bool memory_guard::may_accept() noexcept {
    if (!process_.exceeded()) return true;
    refusals_.add();
    return false;
}

void memory_guard::on_excess() noexcept {
    for (memory_guard* guard : all_) guard->wake();
}

void memory_guard::wake() noexcept {
    if (awake_.exchange(true)) return;
    try {
        loop_.post([this] { shed(); });
    } catch (...) {
        awake_ = false;  // no memory to say it: the next charge tries again
    }
}

void memory_guard::shed() {
    const std::uint64_t excess = process_.excess();
    if (excess == 0) {
        awake_ = false;
        return;
    }
    const std::uint64_t own = loop_.budget().used();
    const double share = static_cast<double>(own) / static_cast<double>(process_.used());
    give_up_the_largest(static_cast<std::uint64_t>(static_cast<double>(excess) * share) + 1);
    loop_.after(between_looks, [this] { shed(); });
}

void memory_guard::give_up_the_largest(std::uint64_t wanted) {
    struct candidate {
        std::uint64_t waits;
        conn_id id;
        byte_holder* holder = nullptr;  // instead of a connection
    };
    std::vector<candidate> found;
    std::uint64_t leaving = 0;
    connections_.for_each([&](const ws::connection_core& connection) {
        if (!connection.stream().stalled()) return;
        if (connection.is_open()) {
            found.push_back({connection.queued(), connection.id()});
        } else {
            leaving += connection.queued();
        }
    });
    // Sockets only: a stream that another one carries queues its bytes there, and ends with it.
    loop_.for_each_stream([&](net::byte_stream& stream) {
        if (!stream.stalled() || connections_.find(stream.id()) != nullptr) return;
        found.push_back({stream.queued(), stream.id()});
    });
    loop_.budget().for_each_holder([&](byte_holder& holder) {
        if (holder.held() != 0) found.push_back({holder.held(), {}, &holder});
    });
    std::sort(found.begin(), found.end(),
              [](const candidate& a, const candidate& b) { return a.waits > b.waits; });
    for (const candidate& largest : found) {
        if (leaving >= wanted) return;
        given_up_.add();
        loop_.tell_refusal(log_level::warning, "server",
                           "memory_limit is exceeded: whoever the most waits for is given up", [&] {
                               refusal_facts facts;
                               if (net::byte_stream* const s = loop_.find(largest.id))
                                   facts.peer = s->peer().address().to_string();
                               return facts;
                           });
        if (largest.holder != nullptr) {
            largest.holder->let_go(wanted - leaving);
            leaving += largest.waits - std::min(largest.waits, largest.holder->held());
            continue;
        }
        leaving += largest.waits;
        if (ws::connection_core* const connection = connections_.find(largest.id)) {
            connection->shed();
        } else {
            loop_.find(largest.id)->abort(make_error_code(errc::limit_exceeded));
        }
    }
}

void memory_guard::visit_metrics(metric_visitor visitor) const {
    visitor({"weft_memory_shed_total",
             {},
             "Connections closed, polling sessions ended and recovery logs cut because memory was "
             "short.",
             metric_kind::counter,
             given_up_.read()});
    visitor({"weft_memory_accept_pauses_total",
             {},
             "Times that accepting paused because memory was short.",
             metric_kind::counter,
             refusals_.read()});
    // Of the process, so one loop tells it.
    if (loop_.index() != 0) return;
    visitor({"weft_memory_used_bytes",
             {},
             "Bytes that queues, bodies and compression occupy.",
             metric_kind::gauge,
             process_.used()});
    visitor({"weft_memory_limit_bytes",
             {},
             "What they may occupy.",
             metric_kind::gauge,
             process_.limit()});
}

}  // namespace weft
