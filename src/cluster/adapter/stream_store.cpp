// Sockets kept in Redis, and what they missed. Invariants: one server at a time has a kept socket,
// by a key that expires, and the socket stays kept until its new server keeps it anew: it is
// neither had twice nor lost with a server that dies on the way. What was missed is complete, or
// nobody gets any of it: each page that is read begins with the entry that the last one ended with,
// and who may have had some of it already, from a server that was without Redis, gets none.

#include "cluster/adapter/stream_store.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <iterator>
#include <utility>

#include "cluster/adapter/proto/cluster_codec.hpp"
#include "cluster/adapter/proto/stream_position.hpp"
#include "net/loop_core.hpp"

namespace weft::cluster {

using socketio::cluster_message;
using socketio::kept_socket;
using socketio::log_position;

namespace {

constexpr std::size_t id_length = 20;                    // of a socket
constexpr std::size_t max_recovery_id = 64;              // what others draw may be longer than ours
constexpr duration take_time = std::chrono::seconds(2);  // that a taker has
constexpr duration take_retry = std::chrono::milliseconds(200);
constexpr int max_takes = 50;  // attempts, while another server has it
constexpr duration reader_time =
    std::chrono::seconds(2);                // by which this reader may be behind another
constexpr std::size_t max_searches = 4096;  // of clients, that wait or are in Redis
constexpr std::string_view page = "1000";   // entries

/// It becomes a part of a key.
bool is_recovery_id(std::string_view text) noexcept {
    return !text.empty() && text.size() <= max_recovery_id &&
           std::all_of(text.begin(), text.end(), [](char c) {
               return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                      c == '-' || c == '_';
           });
}

log_position position_of(std::string_view text) noexcept {
    return parse_position(text).value_or(log_position());
}

std::string text_of(const log_position& at) {
    return at == log_position() ? std::string() : at.to_string();
}

std::string milliseconds(duration time) {
    return std::to_string(
        std::max<std::int64_t>(std::chrono::ceil<std::chrono::milliseconds>(time).count(), 1));
}

}  // namespace

struct stream_store::taking {
    std::string nsp, recovery_id;
    std::optional<std::string> offset;
    taken_handler taken;
    int attempts = 0;
};

/// What one client missed is looked for.
struct stream_store::search {
    search(kept_socket socket, missed_handler handler, byte_budget& budget)
        : whom(std::move(socket)), at(whom.left), told(std::move(handler)), charge(budget) {}

    kept_socket whom;
    log_position at;  // everything up to here was looked at
    missed_handler told;
    std::unique_ptr<missed_list> missed = std::make_unique<missed_list>();
    byte_charge charge;  // of what Redis told
    bool in_redis = false;
    std::optional<time_point> until;  // that it may wait for the reader
};

stream_store::stream_store(std::shared_ptr<link> over) : link_(std::move(over)) {}

result<void> stream_store::start(socketio::adapter_target& target, entry_handler on_message) {
    const owner_scope own(link_->home().owner());
    if (!own) return weft::errc::wrong_thread;
    target_ = &target;
    on_message_ = std::move(on_message);
    memory_ = std::make_unique<stream_memory>(link_->home().core()->budget(),
                                              link_->chosen().stream_memory);
    log_ = std::make_shared<stream_log>(link_, static_cast<stream_user&>(*this));
    return log_->start(keeps_places_ ? stream_log::history::read : stream_log::history::skip);
}

void stream_store::stop() noexcept {
    target_ = nullptr;
    if (log_) log_->stop();
    early_searches_.clear();
    memory_.reset();
}

template <class F>
void stream_store::at_home(F task) {
    link_->home().post([weak = weak_from_this(), task = std::move(task)]() mutable {
        const auto self = weak.lock();
        if (self && self->target_ != nullptr) task(*self);
    });
}

// ---- The log ----

void stream_store::publish(const message_head& head, const logged_message& what) {
    log_->add(head, what, stream_log::delivery::done, {});
}

void stream_store::append(std::shared_ptr<const cluster_message> what, stored_handler stored) {
    at_home([what = std::move(what), stored = std::move(stored)](stream_store& self) mutable {
        message_head head;
        head.type = type_of(what->what);
        head.uid = self.link_->uid();
        self.log_->add(head, what, stream_log::delivery::waiting, std::move(stored));
    });
}

void stream_store::on_entry(adapter_message& what) {
    if (!keeps_places_) what.content.at = {};
    const log_position at = what.content.at;
    const bool is_broadcast = what.head.type == message_type::broadcast;
    remember(what.content);
    on_message_(what);
    if (keeps_places_ && !is_broadcast && target_ != nullptr) target_->passed(at);
    begin_early_searches();
}

void stream_store::on_place_found(const cluster_message& what) {
    remember(what);
    on_passed(what.at);
}

/// For those who come back and missed it.
void stream_store::remember(const cluster_message& what) {
    if (keeps_places_ && what.what == cluster_message::kind::broadcast && !what.droppable)
        memory_->add(std::make_shared<cluster_message>(what));
}

void stream_store::on_unplaced(const cluster_message& what) {
    if (target_ != nullptr) target_->apply(what);
}

void stream_store::on_history(const cluster_message& what) {
    remember(what);
}

void stream_store::on_passed(const log_position& at) {
    if (!keeps_places_) return;
    if (memory_->known_from() == log_position()) memory_->begin(at);
    if (target_ != nullptr) target_->passed(at);
    begin_early_searches();
}

void stream_store::on_had(std::string_view uid, const log_position& before) {
    memory_->note_had(uid, before);
}

void stream_store::on_lost(const log_position& before) {
    memory_->begin(before);
}

// ---- Kept sockets ----

std::string stream_store::key_of(std::string_view recovery_id) const {
    std::string key = link_->chosen().session_prefix;
    key += recovery_id;
    return key;
}

void stream_store::keep(kept_socket what, duration limit) {
    at_home([what = std::move(what), limit](stream_store& self) {
        const session_record record{what.id,
                                    what.recovery_id,
                                    what.rooms,
                                    what.data,
                                    what.nsp,
                                    text_of(what.since),
                                    text_of(what.last),
                                    text_of(what.left),
                                    self.link_->uid(),
                                    std::to_string(what.returns)};
        std::string value;
        if (const errc why = append_session(value, record); why != errc{})
            return self.link_->drop(make_error_code(why).message());
        const std::string key = self.key_of(what.recovery_id);
        const auto taken =
            self.link_->redis().command(key, {"SET", key, value, "PX", milliseconds(limit)});
        if (!taken) self.link_->drop(taken.error().message());
        self.forget_taken(what.recovery_id);
    });
}

void stream_store::forget(std::string_view recovery_id) {
    at_home([id = std::string(recovery_id)](stream_store& self) {
        const std::string key = self.key_of(id);
        (void)self.link_->redis().command(key, {"DEL", key});  // else it expires
        self.forget_taken(id);
    });
}

void stream_store::put_back(std::string_view recovery_id) {
    at_home([id = std::string(recovery_id)](stream_store& self) { self.forget_taken(id); });
}

void stream_store::forget_taken(const std::string& recovery_id) {
    if (taken_.erase(recovery_id) == 0) return;
    const std::string key = key_of(recovery_id) + ":taken";
    (void)link_->redis().command(key, {"DEL", key});  // else it expires
}

void stream_store::take(std::string_view nsp, std::string_view recovery_id,
                        std::optional<std::string_view> offset, taken_handler taken) {
    auto asked = std::make_shared<taking>();
    asked->nsp = nsp;
    asked->recovery_id = recovery_id;
    if (offset) asked->offset.emplace(*offset);
    asked->taken = std::move(taken);
    at_home([asked = std::move(asked)](stream_store& self) {
        if (!is_recovery_id(asked->recovery_id) ||
            (asked->offset && !parse_position(*asked->offset)))
            return asked->taken(nullptr);
        self.try_to_take(asked);
    });
}

void stream_store::try_to_take(const std::shared_ptr<taking>& asked) {
    const std::string key = key_of(asked->recovery_id), mine = key + ":taken";
    const auto sent = link_->redis().command(
        mine, {"SET", mine, link_->uid(), "NX", "PX", milliseconds(take_time)},
        [weak = weak_from_this(), asked, key](const result<redis::reply_view>& reply) {
            const auto self = weak.lock();
            if (!self || self->target_ == nullptr) return;
            if (!reply) return asked->taken(nullptr);
            if (reply->is_null()) {  // another server has it, and may die with it
                if (++asked->attempts == max_takes) return asked->taken(nullptr);
                self->link_->home().after(take_retry, [weak, asked] {
                    const auto later = weak.lock();
                    if (later && later->target_ != nullptr) later->try_to_take(asked);
                });
                return;
            }
            const auto read = self->link_->redis().command(
                key, {"GET", key}, [weak, asked](const result<redis::reply_view>& record) {
                    const auto later = weak.lock();
                    if (!later || later->target_ == nullptr) return;
                    later->found(asked, record ? record->text() : std::string_view());
                });
            if (!read) asked->taken(nullptr);
        });
    if (!sent) asked->taken(nullptr);
}

void stream_store::found(const std::shared_ptr<taking>& asked, std::string_view record) {
    const time_point now = link_->home().now();
    std::erase_if(taken_, [&](const auto& one) { return one.second <= now; });
    session_record read;
    const bool usable = !record.empty() && decode_session(record, {}, read) == errc{} &&
                        read.sid.size() == id_length && read.pid == asked->recovery_id &&
                        (read.nsp.empty() || read.nsp == asked->nsp);
    if (!usable) return asked->taken(nullptr);
    auto back = std::make_unique<kept_socket>();
    back->nsp = asked->nsp;
    back->id = std::move(read.sid);
    back->recovery_id = asked->recovery_id;
    back->rooms = std::move(read.rooms);
    if (read.data.starts_with('{')) back->data = std::move(read.data);
    back->server = std::move(read.server);
    std::from_chars(read.returns.data(), read.returns.data() + read.returns.size(), back->returns);
    ++back->returns;
    back->since = position_of(read.since);
    const log_position last = position_of(read.last);
    if (asked->offset) {
        back->last = position_of(*asked->offset);
        back->left = back->last == last ? position_of(read.left) : back->last;
    } else {
        back->left = last == log_position() ? position_of(read.left) : back->since;
    }
    taken_.insert_or_assign(asked->recovery_id, later(now, take_time));
    asked->taken(std::move(back));
}

// ---- What was missed ----

void stream_store::find_missed(const kept_socket& whom, missed_handler told) {
    at_home([whom, told = std::move(told)](stream_store& self) mutable {
        if (whom.left == log_position()) return told(nullptr);
        self.search_memory(std::make_shared<search>(std::move(whom), std::move(told),
                                                    self.link_->home().core()->budget()));
    });
}

/// Where memory begins is known, and everything that was delivered here is in it.
bool stream_store::is_ready() const noexcept {
    return memory_->known_from() != log_position() && !log_->reads_history() &&
           !log_->has_unplaced();
}

/// The client may have heard on another server what this one has yet to read, and deliver.
bool stream_store::is_ready_for(const search& wanted) const noexcept {
    return is_ready() && wanted.at <= log_->position();
}

void stream_store::begin_early_searches() {
    if (early_searches_.empty() || !is_ready()) return;
    for (const auto& one : std::exchange(early_searches_, {})) search_memory(one);
}

void stream_store::finish(search& what, std::unique_ptr<missed_list> missed) {
    if (what.in_redis) --searches_;
    what.told(std::move(missed));
}

void stream_store::wait_for_reader(const std::shared_ptr<search>& wanted) {
    const time_point now = link_->home().now();
    if (!wanted->until) {
        wanted->until = later(now, reader_time);
        link_->home().after(reader_time, [weak = weak_from_this()] {
            const auto self = weak.lock();
            if (self && self->target_ != nullptr) self->begin_early_searches();
        });
    }
    // No reader is so far behind: the place is in no stream.
    const bool in_vain = is_ready() && now >= *wanted->until;
    if (in_vain || early_searches_.size() == max_searches) return finish(*wanted, nullptr);
    early_searches_.push_back(wanted);
}

/// The rest of what was missed, if memory reaches back so far; else the next page of Redis.
void stream_store::search_memory(const std::shared_ptr<search>& wanted) {
    if (!is_ready_for(*wanted)) return wait_for_reader(wanted);
    if (memory_->known_from() <= wanted->at) {
        const bool known = memory_->find(wanted->whom, wanted->at, *wanted->missed);
        return finish(*wanted, known ? std::move(wanted->missed) : nullptr);
    }
    if (!wanted->in_redis) {
        if (searches_ == max_searches) return finish(*wanted, nullptr);
        ++searches_;
        wanted->in_redis = true;
    }
    const std::string from = wanted->at.to_string();
    const auto asked = link_->redis().command(
        log_->name(), {"XRANGE", log_->name(), from, "+", "COUNT", page},
        [weak = weak_from_this(), wanted](const result<redis::reply_view>& reply) {
            const auto self = weak.lock();
            if (!self || self->target_ == nullptr) return;
            if (reply) return self->search_page(wanted, *reply);
            self->finish(*wanted, nullptr);
        });
    if (!asked) finish(*wanted, nullptr);
}

void stream_store::search_page(const std::shared_ptr<search>& wanted,
                               const redis::reply_view& entries) {
    const auto lost = [&] { finish(*wanted, nullptr); };
    bool first = true;
    for (const redis::reply_view entry : entries) {
        const auto read = read_entry(entry);
        if (!read) return lost();
        if (std::exchange(first, false)) {
            if (read->at != wanted->at) return lost();  // the stream was cut behind it
            continue;
        }
        if (read->at > memory_->known_from()) {
            // Memory has the rest, up to where we have read: what comes behind that is delivered.
            wanted->at = memory_->known_from();
            break;
        }
        wanted->at = read->at;
        if (read->had && read->entry.uid == wanted->whom.server) return lost();
        adapter_message what;
        if (decode_entry(read->entry, {}, what) != errc{}) continue;
        what.content.at = read->at;
        if (!is_meant_for(what.content, wanted->whom)) continue;
        if (!wanted->charge.try_add(memory_of(what.content))) return lost();
        wanted->missed->push_back(std::make_shared<cluster_message>(std::move(what.content)));
    }
    // Memory begins within the stream: behind its end there is nothing to look for.
    if (first || entries.size() == 1) return lost();
    search_memory(wanted);
}

}  // namespace weft::cluster
