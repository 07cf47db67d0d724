// Connection state recovery. Invariants: a session is given away at most once; an offset that is
// not ours (another server's, another process's, a string that a client mistook for one) recovers
// nothing; what the log and the sessions hold is bounded, and the oldest goes first.

#include "socketio/recovery.hpp"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <unordered_set>
#include <utility>

#include <weft/base/json_reader.hpp>

#include "base/heap_cost.hpp"
#include "socketio/socket_core.hpp"

namespace weft::socketio::detail {
namespace {

constexpr std::size_t random_part = 20;

/// Whether a packet was meant for who is in `topics`.
bool meant_for(const logged_packet& packet, const std::vector<std::string>& topics) {
    const auto in = [&](const std::string& topic) {
        return std::find(topics.begin(), topics.end(), topic) != topics.end();
    };
    return std::any_of(packet.topics.begin(), packet.topics.end(), in) &&
           std::none_of(packet.except.begin(), packet.except.end(), in);
}

/// Gathers what was missed: each packet once, and those of one loop in their order. In a log one
/// may stand twice, and behind younger ones; see `resume`.
class gathering {
public:
    explicit gathering(std::vector<logged_packet>& into) : into_(into) {
        for (const logged_packet& packet : into_) {
            seen_.insert(packet.named.packed());
            note(packet.named);
        }
    }
    void add(const logged_packet& packet) {
        if (!seen_.insert(packet.named.packed()).second) return;
        auto place = into_.end();
        if (!note(packet.named)) {
            place = std::find_if(into_.begin(), into_.end(), [&](const logged_packet& there) {
                return there.named.loop == packet.named.loop &&
                       there.named.number > packet.named.number;
            });
        }
        into_.insert(place, packet);
    }

private:
    /// False when a younger one of its loop is there.
    bool note(stamp s) {
        std::uint64_t& youngest = youngest_[s.loop];
        if (s.number < youngest) return false;
        youngest = s.number;
        return true;
    }

    std::vector<logged_packet>& into_;
    std::unordered_set<std::uint64_t> seen_;
    std::unordered_map<std::uint32_t, std::uint64_t> youngest_;
};

/// Of `latest` events only the newest of each key is left.
void keep_latest(std::vector<logged_packet>& packets) {
    std::unordered_set<std::string_view, keyed_hash> keys;  // they lie in the messages
    const auto superseded = [&](const logged_packet& packet) {
        if (packet.group.empty() || !packet.group.front().latest()) return false;
        return !keys.insert(packet.group.front().key()).second;
    };
    // From behind; what is kept moves to the back, and keeps its order.
    const auto kept = std::remove_if(packets.rbegin(), packets.rend(), superseded);
    packets.erase(packets.begin(), kept.base());
}

std::size_t cost_of(const std::vector<std::string>& names) noexcept {
    std::size_t cost = heap_cost(names);
    for (const std::string& name : names) cost += heap_cost(name);
    return cost;
}

/// A message counts in whole, whoever else holds it.
std::size_t cost_of(const std::vector<message>& group) noexcept {
    std::size_t cost = heap_cost(group);
    for (const message& one : group) cost += one.memory();
    return cost;
}

/// With its nodes in the list and in the table, which has the id, too.
std::size_t cost_of(const kept_session& gone) noexcept {
    constexpr std::size_t node = heap_cost(2 * sizeof(void*) + sizeof(kept_session));
    constexpr std::size_t entry = heap_cost(sizeof(std::string) + 3 * sizeof(void*));
    constexpr std::size_t buckets = sizeof(void*) * 3 / 2;
    return node + entry + buckets + 2 * heap_cost(gone.place.id) + heap_cost(gone.nsp) +
           cost_of(gone.topics) + socket_core::cost_of(gone.data.get()) +
           (gone.place.resumed ? heap_cost(gone.place.resumed->sent) : 0);
}

}  // namespace

recovery_log::recovery_log(net::loop_core& loop, const recovery_options& chosen,
                           std::string_view epoch, std::size_t loops)
    : byte_holder(loop.budget()),
      loop_(loop),
      chosen_(chosen),
      epoch_(epoch),
      charge_(loop.budget()),
      heard_(loops),
      index_(loops),
      expiry_([this] { forget_expired(); }) {}

/// Two numbers with a dash between them, as a Redis stream names its entries: clients that look at
/// the last argument of an event before they take it for an offset know that form.
std::string recovery_log::offset_of(stamp s) const {
    return epoch_ + '-' + std::to_string(s.number * heard_.size() + s.loop);
}

std::optional<stamp> recovery_log::parse(std::string_view offset) const {
    if (!offset.starts_with(epoch_)) return {};
    offset.remove_prefix(epoch_.size());
    if (!offset.starts_with('-')) return {};
    offset.remove_prefix(1);
    std::uint64_t both = 0;
    const char* const last = offset.data() + offset.size();
    const auto [end, failed] = std::from_chars(offset.data(), last, both);
    if (failed != std::errc{} || end != last) return {};
    return stamp{static_cast<std::uint32_t>(both % heard_.size()), both / heard_.size()};
}

void recovery_log::append(logged_packet&& packet) {
    packet.bytes = sizeof(logged_packet) + sizeof(place_in_log) + cost_of(packet.topics) +
                   cost_of(packet.except) + cost_of(packet.group);
    packet.when = loop_.now();
    auto& numbers = index_[packet.named.loop];
    const place_in_log place{packet.named.number, end()};
    const bool newest = numbers.empty() || numbers.back() < place;
    const auto noted = numbers.insert(
        newest ? numbers.end() : std::upper_bound(numbers.begin(), numbers.end(), place), place);
    try {
        log_.push_back(std::move(packet));
    } catch (...) {
        numbers.erase(noted);
        throw;
    }
    bytes_ += log_.back().bytes;
    trim();
    recharge();
    if (!expiry_.armed()) wait_for_next();
}

void recovery_log::record(const pubsub::audience& receivers, std::span<const message> group) {
    const auto named = group.empty() ? std::nullopt : stamp::of(group.front().stamp());
    if (!named) return;
    // Not in `append`: what another loop gave us says nothing about the packets before it.
    heard_[named->loop] = named->number;
    append({*named,
            {receivers.topics.begin(), receivers.topics.end()},
            {receivers.except_topics.begin(), receivers.except_topics.end()},
            {group.begin(), group.end()}});
}

void recovery_log::record_direct(std::string_view topic, std::span<const message> group) {
    const auto named = group.empty() ? std::nullopt : stamp::of(group.front().stamp());
    if (!named) return;
    heard_[named->loop] = named->number;
    append({*named, {std::string(topic)}, {}, {group.begin(), group.end()}, true});
}

void recovery_log::trim() {
    const time_point oldest = loop_.now() - chosen_.max_disconnection_duration;
    while (!log_.empty() && (bytes_ > chosen_.max_bytes || log_.front().when <= oldest))
        drop_oldest_packet();
}

void recovery_log::drop_oldest_packet() noexcept {
    const logged_packet& oldest = log_.front();
    auto& numbers = index_[oldest.named.loop];
    numbers.erase(std::lower_bound(numbers.begin(), numbers.end(),
                                   place_in_log{oldest.named.number, first_}));
    bytes_ -= oldest.bytes;
    log_.pop_front();
    ++first_;
    recharge();
}

void recovery_log::drop_oldest_session() noexcept {
    session_bytes_ -= sessions_.front().bytes;
    by_id_.erase(sessions_.front().place.id);
    sessions_.pop_front();
    recharge();
}

void recovery_log::let_go(std::uint64_t wanted) noexcept {
    const std::uint64_t before = held();
    const auto more = [&] { return before - held() < wanted; };
    while (more() && !log_.empty()) drop_oldest_packet();
    while (more() && !sessions_.empty()) drop_oldest_session();
}

void recovery_log::forget_expired() {
    trim();
    while (!sessions_.empty()) {
        const kept_session& oldest = sessions_.front();
        if (oldest.until > loop_.now() && sessions_.size() <= chosen_.max_sessions &&
            session_bytes_ <= chosen_.max_bytes) {
            break;
        }
        drop_oldest_session();
    }
    wait_for_next();
}

/// For the next packet or session to be over.
void recovery_log::wait_for_next() {
    time_point next = time_point::max();
    if (!log_.empty()) next = later(log_.front().when, chosen_.max_disconnection_duration);
    if (!sessions_.empty()) next = std::min(next, sessions_.front().until);
    if (next != time_point::max()) loop_.arm(expiry_, next);
}

std::unique_ptr<recovery_place> recovery_log::begin(std::span<const char, 20> random) const {
    constexpr std::string_view digits = "0123456789abcdef";
    auto place = std::make_unique<recovery_place>(
        recovery_place{.id = std::string(random.begin(), random.end()), .since = end()});
    place->id += digits[loop_.index() >> 4U];
    place->id += digits[loop_.index() & 15U];
    return place;
}

void recovery_log::keep(kept_session&& gone) {
    gone.until = later(loop_.now(), chosen_.max_disconnection_duration);
    gone.bytes = cost_of(gone);
    sessions_.push_back(std::move(gone));
    try {
        by_id_.insert_or_assign(sessions_.back().place.id, std::prev(sessions_.end()));
    } catch (...) {
        sessions_.pop_back();
        throw;
    }
    session_bytes_ += sessions_.back().bytes;
    recharge();
    forget_expired();
}

void recovery_log::note_moved(std::string_view recovery_id, std::size_t to_loop) {
    if (moved_.insert_or_assign(std::string(recovery_id), to_loop).second)
        moved_order_.emplace_back(recovery_id);
    if (moved_order_.size() > chosen_.max_sessions) {
        moved_.erase(moved_order_.front());
        moved_order_.pop_front();
    }
    recharge();
}

// A node of the map and its bucket, a place in the order, two copies of the id.
const std::size_t recovery_log::cost_of_moved =
    heap_cost(sizeof(decltype(moved_)::value_type) + 2 * sizeof(void*)) + sizeof(void*) * 3 / 2 +
    sizeof(std::string) + 2 * heap_cost(random_part + 2 + 1);

void recovery_log::recharge() noexcept {
    charge_.set(held() + moved_order_.size() * cost_of_moved);
}

std::size_t recovery_place::cost() const noexcept {
    return heap_cost_of<recovery_place> + heap_cost(id) + (resumed ? heap_cost(resumed->sent) : 0);
}

std::size_t restored_session::cost() const noexcept {
    std::size_t all = heap_cost_of<restored_session> + session.bytes + heap_cost(missed);
    for (const logged_packet& packet : missed) all += packet.bytes;
    if (stored) all += heap_cost_of<kept_socket> + cost_of(stored->rooms) + heap_cost(stored->data);
    if (stored_missed) all += heap_cost(*stored_missed);
    return all;
}

std::optional<std::size_t> recovery_log::moved_to(std::string_view recovery_id) const {
    const auto found = moved_.find(recovery_id);
    const bool came_back = by_id_.find(recovery_id) != by_id_.end();
    if (found == moved_.end() || came_back) return {};
    return found->second;
}

std::optional<std::uint64_t> recovery_log::find(stamp s) const noexcept {
    const auto& numbers = index_[s.loop];
    const auto behind =
        std::upper_bound(numbers.begin(), numbers.end(), place_in_log{s.number, UINT64_MAX});
    if (behind == numbers.begin() || std::prev(behind)->number != s.number) return {};
    return std::prev(behind)->position;
}

std::unique_ptr<restored_session> recovery_log::take(std::string_view recovery_id,
                                                     std::string_view nsp,
                                                     std::optional<std::string_view> offset) {
    trim();
    const auto found = by_id_.find(recovery_id);
    if (found == by_id_.end() || found->second->nsp != nsp) return nullptr;
    auto back = std::make_unique<restored_session>();
    session_bytes_ -= found->second->bytes;
    recharge();
    back->session = std::move(*found->second);
    sessions_.erase(found->second);
    by_id_.erase(found);
    if (back->session.until <= loop_.now()) return nullptr;

    if (offset) {
        back->offset = parse(*offset);
        if (!back->offset) return nullptr;
    }
    const recovery_place& place = back->session.place;
    std::uint64_t from = place.since;
    std::span<const stamp> again;  // what it was sent when it came back the last time
    const auto& resumed = place.resumed;
    if (resumed) again = resumed->sent;
    if (back->offset == stamp::of(place.last)) {
        again = {};
        from = place.left;
    } else if (back->offset && !(resumed && resumed->offset == back->offset)) {
        const auto heard = std::find(again.begin(), again.end(), *back->offset);
        if (heard != again.end()) {
            again = again.subspan(static_cast<std::size_t>(heard - again.begin()) + 1);
        } else {
            const auto position = find(*back->offset);
            if (!position) return nullptr;
            again = {};
            from = *position + 1;
        }
    }
    if (from < first_ || !find_again(again, *back)) return nullptr;
    gathering missed(back->missed);
    for (std::uint64_t position = from; position < end(); ++position) {
        const logged_packet& packet = packet_at(position);
        if (meant_for(packet, back->session.topics)) missed.add(packet);
    }
    back->heard = heard_;
    return back;
}

/// Adds these packets to what was missed; false when the log has lost one.
bool recovery_log::find_again(std::span<const stamp> wanted, restored_session& back) const {
    for (const stamp s : wanted) {
        const auto position = find(s);
        if (!position) return false;
        back.missed.push_back(packet_at(*position));
    }
    return true;
}

/// Whether this loop is yet to hear of a broadcast: its sockets will get it like any other.
bool recovery_log::on_its_way(const logged_packet& packet) const noexcept {
    const stamp named = packet.named;
    return !packet.direct && named.number > heard_[named.loop];
}

std::unique_ptr<recovery_place> recovery_log::resume(restored_session& back) {
    std::erase_if(back.missed, [&](const logged_packet& one) { return on_its_way(one); });
    std::vector<std::uint64_t> news;  // where stands what the loop that kept it had not heard of
    for (std::size_t loop = 0; loop < index_.size(); ++loop) {
        const auto& numbers = index_[loop];
        const place_in_log heard{back.heard[loop], UINT64_MAX};
        for (auto behind = std::upper_bound(numbers.begin(), numbers.end(), heard);
             behind != numbers.end(); ++behind) {
            news.push_back(behind->position);
        }
    }
    std::sort(news.begin(), news.end());
    gathering missed(back.missed);
    for (const std::uint64_t position : news) {
        const logged_packet& packet = packet_at(position);
        // What was said to the socket alone while it was here went away with it.
        if (!packet.direct && meant_for(packet, back.session.topics)) missed.add(packet);
    }
    std::vector<const logged_packet*> foreign;  // told apart before the log is trimmed
    for (const logged_packet& packet : back.missed) {
        if (!find(packet.named)) foreign.push_back(&packet);
    }
    for (const logged_packet* packet : foreign) append(logged_packet(*packet));
    keep_latest(back.missed);
    resumption resumed{back.offset, {}};
    for (const logged_packet& packet : back.missed) resumed.sent.push_back(packet.named);
    const auto last = resumed.sent.empty() ? back.offset : std::optional(resumed.sent.back());
    return std::make_unique<recovery_place>(recovery_place{
        back.session.place.id, end(), std::move(resumed), last ? last->packed() : 0});
}

std::optional<std::size_t> loop_of_recovery_id(std::string_view id) noexcept {
    if (id.size() != random_part + 2) return {};
    std::size_t loop = 0;
    const char* const end = id.data() + id.size();
    const auto [stopped, failed] = std::from_chars(end - 2, end, loop, 16);
    if (failed != std::errc{} || stopped != end) return {};
    return loop;
}

std::optional<recovery_request> find_recovery_request(std::string_view auth) {
    if (auth.find("\"pid\"") == std::string_view::npos) return {};
    recovery_request request;
    json_reader json(auth);
    std::string_view key;
    std::string scratch;
    json.begin_object();
    while (json.next_key(key, scratch)) {
        if (key == "pid" && json.peek() == json_kind::string) {
            json.read(request.id);
        } else if (key == "offset" && json.peek() == json_kind::string) {
            json.read(request.offset.emplace());
        } else {
            json.skip();
        }
    }
    if (!json.ok() || request.id.empty()) return {};
    return request;
}

}  // namespace weft::socketio::detail
