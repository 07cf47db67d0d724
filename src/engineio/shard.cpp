// The sessions of one loop: where they live, how they are found, and when their users are told.
// What must not happen inside a call of a handler is put off to a task of the loop, one for all,
// through lists that need no memory.

#include "engineio/shard.hpp"

#include <algorithm>
#include <utility>

#include "base/heap_cost.hpp"

namespace weft::engineio {
namespace {

constexpr duration never = duration::max();

ws::options websocket_options(const options& chosen) {
    ws::options made;
    made.max_message = chosen.max_http_buffer_size;
    made.rate = chosen.rate;
    made.ping_interval = never;  // the engine has a heartbeat of its own
    made.idle_timeout = never;
    made.max_queue = chosen.max_queue;
    made.overflow = chosen.overflow;
    made.deflate = chosen.per_message_deflate;
    return made;
}

}  // namespace

void metrics::visit(metric_visitor visitor) const {
    const auto count = [&](std::string_view name, std::string_view help, const counter& c,
                           std::string_view labels = {}, metric_kind kind = metric_kind::counter) {
        visitor({name, labels, help, kind, c.read()});
    };
    constexpr std::string_view sessions = "weft_engineio_sessions";
    constexpr std::string_view sessions_help = "Open Engine.IO sessions.";
    count(sessions, sessions_help, polling_sessions, R"(transport="polling")", metric_kind::gauge);
    count(sessions, sessions_help, websocket_sessions, R"(transport="websocket")",
          metric_kind::gauge);
    count("weft_engineio_opened_total", "Engine.IO sessions opened.", opened);
    count("weft_engineio_upgrades_total", "Sessions that went from polling to WebSocket.",
          upgrades);
    count("weft_engineio_packets_received_total", "Packets received.", packets_received);
    count("weft_engineio_packets_sent_total", "Packets sent.", packets_sent);
    count("weft_engineio_dropped_total", "Droppable packets that a slow client did not get.",
          dropped_droppable);
    count("weft_engineio_handler_exceptions_total", "Exceptions caught from handlers.",
          handler_exceptions);
    constexpr std::array<std::string_view, close_reasons> reasons{
        R"(reason="transport_error")", R"(reason="transport_close")",
        R"(reason="forced_close")",    R"(reason="ping_timeout")",
        R"(reason="parse_error")",     R"(reason="server_shutting_down")"};
    for (std::size_t i = 0; i < close_reasons; ++i) {
        count("weft_engineio_closed_total", "Sessions ended, by reason.", closed[i], reasons[i]);
    }
    for (std::size_t i = 0; i < errc_count; ++i) {
        count("weft_engineio_errors_total", "What Engine.IO clients did wrong.", errors[i],
              describe(static_cast<errc>(i + 1)).label);
    }
}

// ---- The census ----

std::optional<errc> session_census::enter(const socket_address& address) {
    const std::uint64_t network = network_of(address);
    bool made_room = false;
    if (most_per_address_ != 0) {
        const std::lock_guard lock(mutex_);
        std::size_t& here = by_network_[network];
        made_room = here >= most_per_address_;
        if (made_room && !waiting.end_one_of(network)) return errc::too_many_sessions_of_address;
        ++here;
    }
    if (all_.fetch_add(1, std::memory_order_relaxed) < most_ || made_room || waiting.end_one())
        return std::nullopt;
    all_.fetch_sub(1, std::memory_order_relaxed);
    leave_network(network);
    return errc::too_many_sessions;
}

void session_census::leave(const socket_address& address) noexcept {
    all_.fetch_sub(1, std::memory_order_relaxed);
    leave_network(network_of(address));
}

void session_census::leave_network(std::uint64_t network) noexcept {
    if (most_per_address_ == 0) return;
    const std::lock_guard lock(mutex_);
    const auto found = by_network_.find(network);
    if (found != by_network_.end() && --found->second == 0) by_network_.erase(found);
}

std::size_t session_census::cost() noexcept {
    return heap_cost(sizeof(void*) + sizeof(decltype(by_network_)::value_type)) +
           sizeof(void*) * 3 / 2;
}

common::common(options wanted)
    : chosen(std::move(wanted)),
      websocket(websocket_options(chosen)),
      census(chosen.max_sessions, chosen.max_sessions_per_address) {}

std::uint8_t loop_of(std::string_view sid, std::size_t loops) noexcept {
    const std::uint64_t hash = siphash_1_3(siphash_key::of_process(), as_bytes(sid));
    return static_cast<std::uint8_t>(hash % std::max<std::size_t>(loops, 1));
}

bool common::is_foreign(std::string_view sid) const noexcept {
    if (carrier == nullptr || sid.size() != session_key{}.size()) return false;
    const node_tag ours = carrier->tag();
    return !sid.ends_with(std::string_view(ours.data(), ours.size()));
}

// ---- The shard ----

shard::shard(common& shared, ws::connection_shared& with) noexcept
    : all(shared),
      web(with),
      waiting(shared.census.waiting, with.loop),
      users("engineio", with.loop.options().log, metrics.handler_exceptions, with.loop.callbacks()),
      timer_([this] { turn(); }) {}

shard::~shard() {
    shut_down();
}

session* shard::make(http::handshake asked, const peer& from, const session::beginning& how) {
    std::array<std::byte, 15> random;
    session_key key;
    std::string_view sid(key.data(), key.size());
    do {
        if (!web.random.fill(random)) return nullptr;
        key = make_key(random);
        if (all.carrier != nullptr) {
            const node_tag ours = all.carrier->tag();
            std::copy(ours.begin(), ours.end(), key.end() - ours.size());
        }
    } while (all.loop_of(sid) != web.loop.index() || part_of(sid).contains(sid));
    session* made = sessions_.make(*this, key, std::move(asked), from, how);
    if (made == nullptr) return nullptr;
    try {
        part_of(made->id()).emplace(made->id(), made);
    } catch (...) {
        sessions_.free(made->name().slot());
        throw;
    }
    metrics.opened.add();
    (how.transport == transport_kind::polling ? metrics.polling_sessions
                                              : metrics.websocket_sessions)
        .add();
    return made;
}

std::size_t shard::cost_of_session(const http::handshake& asked) noexcept {
    // A node of `by_id_`: the next one, the pair, the hash. Buckets double when they are all full.
    constexpr std::size_t node = heap_cost(2 * sizeof(void*) + sizeof(id_table::value_type));
    constexpr std::size_t buckets = sizeof(void*) * 3 / 2;
    return net::slab<session>::slot_size() + node + buckets + session_census::cost() +
           (asked ? heap_cost(asked.memory()) : 0);
}

session* shard::find(std::string_view sid) noexcept {
    const id_table& part = part_of(sid);
    const auto found = part.find(sid);
    return found != part.end() ? found->second : nullptr;
}

void shard::forget(session& gone) noexcept {
    part_of(gone.id()).erase(gone.id());
    all.census.leave(gone.peer().address());
    (gone.transport() == transport_kind::polling ? metrics.polling_sessions
                                                 : metrics.websocket_sessions)
        .sub();
    metrics.closed[static_cast<std::size_t>(gone.reason_)].add();
}

std::optional<byte_view> shard::decode(std::string_view base64) {
    const std::size_t most = decoded_size(base64.size());
    if (decoding_.size() < most) decoding_.resize(most);
    const auto size = decode_base64(base64, decoding_);
    if (!size) return std::nullopt;
    return byte_view(decoding_).first(*size);
}

void shard::note(errc why, const peer* from, std::string_view value) noexcept {
    metrics.count(why);
    if (why == errc::handler_failed) return;  // what it threw is in the log
    const error_row& row = describe(why);
    const bool by_setting = row.kind == condition::limit_exceeded || why == errc::origin_refused;
    web.loop.tell_refusal(by_setting ? log_level::warning : log_level::info, "engineio",
                          row.log.empty() ? row.text : row.log, [&] {
                              refusal_facts facts{.route = all.chosen.path, .value = value};
                              if (from != nullptr) facts.peer = from->address().to_string();
                              return facts;
                          });
}

void shard::flush_later(session& s) noexcept {
    if (s.flush_queued_) return;
    s.flush_queued_ = true;
    s.next_flush_ = std::exchange(flushes_, &s);
    post_turn();
}

void shard::finish_later(session& s) noexcept {
    s.next_end_ = std::exchange(ends_, &s);
    post_turn();
}

void shard::post_turn() noexcept {
    if (turn_posted_) return;
    turn_posted_ = true;
    try {
        web.loop.post([this] { turn(); });
    } catch (...) {  // memory is out: a tick later, then
        web.loop.arm(timer_, web.loop.now());
    }
}

void shard::turn() noexcept {
    turn_posted_ = false;
    for (session* s = std::exchange(flushes_, nullptr); s != nullptr;) {
        session* const next = std::exchange(s->next_flush_, nullptr);
        s->flush_queued_ = false;
        s->flush();
        s = next;
    }
    // Only now may anything be freed: what ended is on no other list.
    for (session* s = std::exchange(ends_, nullptr); s != nullptr;) {
        session* const next = std::exchange(s->next_end_, nullptr);
        s->finish();
        sessions_.free(s->name().slot());
        s = next;
    }
}

std::size_t shard::close_some(net::slot_walk& walk, std::size_t slots) noexcept {
    std::size_t closed = 0;
    sessions_.for_some(walk, slots, [&](session& s, std::uint32_t) {
        if (s.is_leaving()) return;
        ++closed;
        s.close(close_reason::server_shutting_down);
    });
    return closed;
}

void shard::shut_down() noexcept {
    timer_.cancel();
    for_each([](session& s) { s.fail(close_reason::server_shutting_down); });
    while (flushes_ != nullptr || ends_ != nullptr) turn();
}

}  // namespace weft::engineio
