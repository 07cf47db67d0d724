// Requests for event streams, and the streams of each loop.

#include <weft/sse/endpoint.hpp>

#include <string>
#include <utility>

#include <weft/http/response.hpp>

#include "http/retry_after.hpp"
#include "net/traffic_meter.hpp"
#include "sse/event_stream.hpp"

namespace weft::sse {

result<void> options::check() const {
    const auto wrong = [](const char* what) {
        return error(weft::errc::invalid_argument, std::string("sse::options::") + what);
    };
    if (heartbeat < std::chrono::milliseconds(1)) return wrong("heartbeat must be at least 1 ms");
    if (max_queue == 0) return wrong("max_queue must not be 0");
    return {};
}

endpoint::endpoint(options chosen, std::string_view route) : options_(chosen), route_(route) {}
endpoint::~endpoint() = default;

endpoint& endpoint::on_open(unique_function<void(stream&, const http::request&)> handler) {
    open_ = std::move(handler);
    return *this;
}

endpoint& endpoint::on_close(unique_function<void(stream&)> handler) {
    close_ = std::move(handler);
    return *this;
}

result<void> endpoint::prepare(const std::vector<loop_services>& loops) {
    if (!shards_.empty()) return {};
    if (auto right = options_.check(); !right) return right;
    for (const loop_services& one : loops) shards_.push_back(std::make_unique<shard>(*this, one));
    return {};
}

void endpoint::handle(const http::request& asked, http::responder answer) {
    shards_[asked.id().loop()]->open(asked, std::move(answer));
}

std::size_t endpoint::streams(std::uint8_t loop) const noexcept {
    return shards_[loop]->streams.size();
}

std::size_t endpoint::close_some(std::uint8_t loop, net::slot_walk& walk,
                                 std::size_t slots) noexcept {
    std::size_t closed = 0;
    shards_[loop]->streams.for_some(walk, slots, [&](event_stream& open, std::uint32_t) {
        if (open.leave()) ++closed;
    });
    return closed;
}

void endpoint::shut_down() noexcept {
    // The counters stay: any thread may read them.
    for (const auto& s : shards_) {
        // Those that were about to end: the others went with their connections.
        s->streams.for_each([&s](event_stream& left, std::uint32_t) { s->end(left); });
    }
}

void endpoint::visit_metrics(metric_visitor visitor) const {
    for (const auto& s : shards_) {
        const auto count = [&](std::string_view name, std::string_view help, std::uint64_t value,
                               metric_kind kind = metric_kind::counter) {
            visitor({name, {}, help, kind, value});
        };
        count("weft_sse_opened_total", "Event streams opened.", s->opened.read());
        count("weft_sse_events_total", "Events sent to event streams.", s->events.read());
        count("weft_sse_heartbeats_total", "Comments sent to silent event streams.",
              s->heartbeats.read());
        count("weft_sse_slow_total", "Event streams cut because their peers did not keep up.",
              s->slow.read());
        count("weft_sse_handler_exceptions_total", "Exceptions caught from handlers.",
              s->exceptions.read());
    }
}

endpoint::shard::shard(endpoint& e, const loop_services& services) noexcept
    : owner(e),
      loop(services.loop),
      hub(services.hub),
      boundary("sse", services.log, exceptions, services.loop.callbacks()) {}

void endpoint::shard::open(const http::request& asked, http::responder answer) {
    if (loop.draining()) {
        (void)answer.send(http::response::refused(http::shutting_down(loop), 503));
        return;
    }
    if (owner.accept_) {
        const admission<void> said = owner.accept_(asked);
        if (!said.allowed()) {
            (void)answer.send(http::response::refused(said.why(), 403));
            return;
        }
        if (said.who()) asked.peer().identify(*said.who());
    }
    if (net::traffic_account* const account = asked.peer().traffic()) {
        if (const auto no =
                net::tell(loop, "sse", account->enter(loop.now()), asked.peer(), owner.route_)) {
            (void)answer.send(http::response::refused(no->to_refusal(), 429));
            return;
        }
    }
    http::response head;
    head.header("Content-Type", "text/event-stream");
    head.header("Cache-Control", "no-store");
    head.header("X-Accel-Buffering", "no");  // or nginx would hold events back
    if (asked.method() == http::method::head) {
        (void)answer.send(std::move(head));
        return;
    }
    http::body_stream out = answer.start(std::move(head));
    event_stream* const fresh = out ? streams.make(*this, asked.id()) : nullptr;
    if (fresh == nullptr) return;
    opened.add();
    fresh->open(std::move(out), asked);
}

void endpoint::shard::end(event_stream& which) noexcept {
    which.open_ = false;
    if (owner.close_) {
        boundary.call([&] { owner.close_(which.face()); },
                      [this] { return user_place{.callback = "on_close", .route = owner.route_}; });
    }
    hub.unsubscribe_all(which);
    streams.free(which.slot_);
}

}  // namespace weft::sse
