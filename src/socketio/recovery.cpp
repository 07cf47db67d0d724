// Connection state recovery. Invariants: a session is given away at most once; an offset that is
// not ours (another server's, another process's, a string that a client mistook for one) recovers
// nothing; what the log and the sessions hold is bounded, and the oldest goes first.

#include "socketio/recovery.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include <weft/base/json_reader.hpp>

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

/// Adds a packet unless it is there already: one may stand in the log twice, see `catch_up`.
void add_once(std::vector<logged_packet>& to, const logged_packet& packet) {
    for (const logged_packet& there : to) {
        if (there.named == packet.named) return;
    }
    to.push_back(packet);
}

}  // namespace

recovery_log::recovery_log(net::loop_core& loop, const recovery_options& chosen,
                           std::string_view epoch, std::size_t loops)
    : loop_(loop), chosen_(chosen), epoch_(epoch), heard_(loops), expiry_([this] {
          forget_expired();
      }) {}

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
    packet.bytes = sizeof packet;
    for (const message& one : packet.group) packet.bytes += one.size();
    packet.when = loop_.now();
    bytes_ += packet.bytes;
    log_.push_back(std::move(packet));
    trim();
}

void recovery_log::record(stamp named, const pubsub::audience& to, std::span<const message> group) {
    // Not in `append`: what another loop gave us says nothing about the packets before it.
    if (named.loop < heard_.size()) heard_[named.loop] = named.number;
    append({named,
            {to.topics.begin(), to.topics.end()},
            {to.except_topics.begin(), to.except_topics.end()},
            {group.begin(), group.end()}});
}

void recovery_log::record_direct(stamp named, std::string_view topic,
                                 std::span<const message> group) {
    heard_[named.loop] = named.number;
    append({named, {std::string(topic)}, {}, {group.begin(), group.end()}, true});
}

void recovery_log::trim() {
    const time_point oldest = loop_.now() - chosen_.max_disconnection_duration;
    while (!log_.empty() && (bytes_ > chosen_.max_bytes || log_.front().when < oldest)) {
        bytes_ -= log_.front().bytes;
        log_.pop_front();
        ++first_;
    }
}

void recovery_log::forget_expired() {
    while (!order_.empty()) {
        const auto found = sessions_.find(order_.front());
        if (found != sessions_.end()) {
            const bool over = found->second.until <= loop_.now();
            if (!over && sessions_.size() <= chosen_.max_sessions) {
                loop_.arm(expiry_, found->second.until);
                return;
            }
            sessions_.erase(found);
        }
        order_.pop_front();
    }
}

void recovery_log::keep(kept_session&& gone) {
    gone.until = loop_.now() + chosen_.max_disconnection_duration;
    order_.push_back(gone.recovery_id);
    std::string name = gone.recovery_id;
    sessions_.insert_or_assign(std::move(name), std::move(gone));
    forget_expired();
}

void recovery_log::note_moved(std::string_view recovery_id, std::size_t to_loop) {
    if (moved_.insert_or_assign(std::string(recovery_id), to_loop).second)
        moved_order_.emplace_back(recovery_id);
    if (moved_order_.size() <= chosen_.max_sessions) return;
    moved_.erase(moved_order_.front());
    moved_order_.pop_front();
}

std::optional<std::size_t> recovery_log::moved_to(std::string_view recovery_id) const {
    const auto found = moved_.find(recovery_id);
    const bool came_back = sessions_.find(recovery_id) != sessions_.end();
    if (found == moved_.end() || came_back) return {};
    return found->second;
}

std::optional<std::uint64_t> recovery_log::position_behind(stamp s) const {
    for (std::size_t i = log_.size(); i-- > 0;) {
        if (log_[i].named == s) return first_ + i + 1;
    }
    return {};
}

std::unique_ptr<restored_session> recovery_log::take(std::string_view recovery_id,
                                                     std::string_view nsp,
                                                     std::optional<std::string_view> offset) {
    trim();
    const auto found = sessions_.find(recovery_id);
    if (found == sessions_.end() || found->second.nsp != nsp) return nullptr;
    auto back = std::make_unique<restored_session>();
    back->session = std::move(found->second);
    sessions_.erase(found);
    if (back->session.until <= loop_.now()) return nullptr;

    std::uint64_t from = back->session.since;  // a client that has heard nothing yet
    if (offset) {
        back->offset = parse(*offset);
        if (!back->offset) return nullptr;
        if (back->offset != back->session.resumed) {
            const auto behind = position_behind(*back->offset);
            if (!behind) return nullptr;
            from = *behind;
        }
    }
    if (from < first_) return nullptr;
    for (std::uint64_t at = from; at < end(); ++at) {
        const logged_packet& packet = log_[at - first_];
        if (meant_for(packet, back->session.topics)) add_once(back->missed, packet);
    }
    back->heard = heard_;
    return back;
}

recovery_place recovery_log::catch_up(restored_session& back) {
    recovery_place place{back.session.recovery_id, end(), {}};
    const std::size_t before = back.missed.size();
    for (std::size_t i = 0; i < log_.size(); ++i) {
        const stamp named = log_[i].named;
        const bool heard = named.loop < back.heard.size() && named.number <= back.heard[named.loop];
        // What was said to the socket alone while it was here went away with it.
        if (heard || log_[i].direct || !meant_for(log_[i], back.session.topics)) continue;
        add_once(back.missed, log_[i]);
        place.since = std::min(place.since, first_ + i);
    }
    for (std::size_t i = 0; i < before; ++i) {
        if (const auto behind = position_behind(back.missed[i].named)) {
            place.since = std::min(place.since, *behind - 1);
        } else {
            append(logged_packet(back.missed[i]));
        }
    }
    if (back.missed.empty()) place.resumed = back.offset;
    return place;
}

void recovery_log::close() noexcept {
    sessions_.clear();
    log_.clear();
    moved_.clear();
    expiry_.cancel();
}

std::optional<std::size_t> loop_of_recovery_id(std::string_view id) noexcept {
    if (id.size() != random_part + 2) return {};
    std::size_t loop = 0;
    const char* const end = id.data() + id.size();
    const auto [stopped, failed] = std::from_chars(end - 2, end, loop, 16);
    if (failed != std::errc{} || stopped != end) return {};
    return loop;
}

std::optional<recovery_wish> find_recovery_wish(std::string_view auth) {
    if (auth.find("\"pid\"") == std::string_view::npos) return {};
    recovery_wish wish;
    json_reader json(auth);
    std::string_view key;
    std::string scratch;
    json.begin_object();
    while (json.next_key(key, scratch)) {
        if (key == "pid" && json.peek() == json_kind::string) {
            json.read(wish.id);
        } else if (key == "offset" && json.peek() == json_kind::string) {
            json.read(wish.offset.emplace());
        } else {
            json.skip();
        }
    }
    if (!json.ok() || wish.id.empty()) return {};
    return wish;
}

}  // namespace weft::socketio::detail
