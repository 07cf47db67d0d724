// Sockets kept in Redis, and what they missed. Invariants: one server at a time has a kept socket,
// by a key that expires, and the socket stays kept until its new server keeps it anew: it is
// neither had twice nor lost with a server that dies on the way.

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

stream_store::stream_store(std::shared_ptr<link> over) : link_(std::move(over)) {}

result<void> stream_store::start(socketio::adapter_target& target, entry_handler on_message) {
    const owner_scope own(link_->home().owner());
    if (!own) return weft::errc::wrong_thread;
    target_ = &target;
    on_message_ = std::move(on_message);
    memory_ = std::make_unique<stream_memory>(link_->home().core()->budget(),
                                              link_->chosen().stream_memory);
    log_ = std::make_shared<stream_log>(link_, static_cast<stream_user&>(*this));
    search_ = std::make_shared<missed_search>(link_, *log_, *memory_);
    return log_->start(keeps_places_ ? stream_log::history::read : stream_log::history::skip);
}

void stream_store::stop() noexcept {
    target_ = nullptr;
    if (log_) log_->stop();
    if (search_) search_->stop();
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
    search_->go_on();
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
    search_->go_on();
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
        self.search_->find(whom, std::move(told));
    });
}

}  // namespace weft::cluster
