// What clients missed. Invariant: it is complete, or nobody gets any of it. Each page that is read
// begins with the entry that the last one ended with, and who may have had some of it already, from
// a server that was without Redis, gets none.

#include "cluster/adapter/missed_search.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/heap_cost.hpp"
#include "cluster/adapter/proto/cluster_codec.hpp"
#include "net/loop_core.hpp"

namespace weft::cluster {

using socketio::cluster_message;
using socketio::log_position;

namespace {

constexpr duration reader_time =
    std::chrono::seconds(2);                // by which this reader may be behind another
constexpr std::size_t max_searches = 4096;  // of clients
constexpr std::string_view page = "1000";   // entries

}  // namespace

missed_search::missed_search(std::shared_ptr<link> over, const stream_log& log,
                             const stream_memory& memory)
    : link_(std::move(over)), log_(log), memory_(memory) {}

void missed_search::stop() noexcept {
    running_ = false;
    early_.clear();
    (void)in_redis_.leave();
}

/// What is called later is not called once this has stopped.
template <class F>
void missed_search::later_here(F call) {
    link_->home().post([weak = weak_from_this(), call] {
        const auto self = weak.lock();
        if (self && self->running_) call(*self);
    });
}

void missed_search::find(const socketio::kept_socket& whom,
                         socketio::recovery_store::missed_handler told) {
    if (whom.left == log_position() || searches_ == max_searches) return told(nullptr);
    auto one = std::make_unique<returner>(whom, std::move(told), link_->home().core()->budget());
    if (!one->charge.try_add(memory_of(whom) + heap_cost_of<returner>)) return one->told(nullptr);
    early_.push_back(std::move(one));
    ++searches_;
    go_on();
}

/// Soon, so that those who come at a time begin together.
void missed_search::go_on() {
    if (early_.empty() || begins_) return;
    begins_ = true;
    later_here([](missed_search& self) {
        self.begins_ = false;
        self.begin();
    });
}

/// Where memory begins is known, and everything that was delivered here is in it.
bool missed_search::is_ready() const noexcept {
    return memory_.known_from() != log_position() && !log_.reads_history() && !log_.has_unplaced();
}

/// The client may have heard on another server what this one has yet to read, and deliver.
bool missed_search::may_wait(returner& one) {
    const time_point now = link_->home().now();
    if (one.until) return now < *one.until;
    one.until = later(now, reader_time);
    link_->home().after(reader_time, [weak = weak_from_this()] {
        if (const auto self = weak.lock(); self && self->running_) self->go_on();
    });
    return true;
}

void missed_search::begin() {
    if (!is_ready()) return;
    search_group in_memory;
    std::vector<member> in_vain;
    for (member& one : std::exchange(early_, {})) {
        if (one->at > log_.position()) {
            // No reader is so far behind for long: the place is in no stream.
            (may_wait(*one) ? early_ : in_vain).push_back(std::move(one));
        } else if (memory_.known_from() <= one->at) {
            in_memory.add(std::move(one));
        } else if (!reading_ || one->at >= at_) {
            in_redis_.add(std::move(one));
        } else {
            early_.push_back(std::move(one));  // for the next reading
        }
    }
    if (const auto first = in_memory.first_place()) search_memory(in_memory, *first);
    tell_nothing(in_vain);
    if (running_ && !reading_) read();
}

void missed_search::tell(const std::vector<member>& all) {
    searches_ -= all.size();
    for (const member& one : all) {
        if (running_) one->told(std::move(one->missed));
    }
}

void missed_search::tell_nothing(const std::vector<member>& all) {
    for (const member& one : all) one->missed = nullptr;
    tell(all);
}

/// What the group has yet to look at is behind this, and in memory.
void missed_search::search_memory(search_group& group, const log_position& behind) {
    memory_.visit_had(
        [&](const log_position& before, std::string_view server) { group.spoil(server, before); });
    memory_.visit_behind(behind, [&](const logged_message& m) {
        group.reach_before(m->at);
        group.offer(m, search_group::keeping::free);
    });
    tell(group.leave());
}

// ---- In Redis ----

/// The next page, up to where memory begins.
void missed_search::read() {
    if (!reading_) {
        const auto first = in_redis_.first_place();
        if (!first) return;
        at_ = *first;
        reading_ = true;
    }
    if (memory_.known_from() <= at_) return end_reading();
    const auto asked = link_->redis().command(
        log_.name(), {"XRANGE", log_.name(), at_.to_string(), "+", "COUNT", page},
        [weak = weak_from_this()](const result<redis::reply_view>& reply) {
            const auto self = weak.lock();
            if (!self || !self->running_) return;
            reply ? self->read_page(*reply) : self->give_up_reading();
        });
    if (!asked) give_up_reading();
}

void missed_search::read_page(const redis::reply_view& entries) {
    bool first = true;
    for (const redis::reply_view entry : entries) {
        const auto read = read_entry(entry);
        if (!read) return give_up_reading();
        if (std::exchange(first, false) && read->at != at_) in_redis_.spoil();  // cut behind it
        if (read->at > memory_.known_from()) {
            // Memory has the rest, up to where we have read: what comes behind that is delivered.
            at_ = memory_.known_from();
            return end_reading();
        }
        if (read->at > at_) offer(*read);
        in_redis_.reach(read->at);
        at_ = read->at;
    }
    // Memory begins within the stream: behind its end there is nothing to look for.
    if (entries.size() <= 1) return give_up_reading();
    read();
}

void missed_search::offer(const read_stream_entry& read) {
    if (read.had) in_redis_.spoil(read.entry.uid, read.at);
    adapter_message what;
    if (decode_entry(read.entry, {}, what) != errc{}) return;
    what.content.at = read.at;
    in_redis_.offer(std::make_shared<cluster_message>(std::move(what.content)),
                    search_group::keeping::charged);
}

void missed_search::end_reading() {
    reading_ = false;
    in_redis_.reach(memory_.known_from());
    search_memory(in_redis_, at_);
    go_on();
}

void missed_search::give_up_reading() {
    reading_ = false;
    tell_nothing(in_redis_.leave());
    go_on();
}

}  // namespace weft::cluster
