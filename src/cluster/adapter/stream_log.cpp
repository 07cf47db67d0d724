// Adding to a stream and reading it. Invariants: what we add is in `additions_` until we have read
// it, or know that Redis refuses it, so nothing is added twice and nothing is forgotten; what waits
// for its place is delivered in the order of the stream, or given up for delivery.
//
// Why we read our own entries: then every server delivers in one order, that of the stream, and the
// last entry that a client has heard says exactly what it has missed.

#include "cluster/adapter/stream_log.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <iterator>
#include <utility>

#include "cluster/adapter/proto/stream_position.hpp"

namespace weft::cluster {

namespace {

constexpr std::string_view page = "100";  // entries per reply
constexpr std::size_t page_size = 100;
constexpr std::uint64_t history_time = 120'000;  // ms
constexpr duration retry_after = std::chrono::milliseconds(100);

/// For reading, which waits for news.
redis_options options_of_reader(const options& chosen) {
    redis_options made = chosen.redis;
    made.command_timeout = std::max<duration>(made.command_timeout, std::chrono::seconds(3));
    return made;
}

duration longest_wait(const options& chosen) {
    // A sign of life that is asked for waits behind.
    const duration half = chosen.redis.ping_timeout / 2;
    return std::clamp<duration>(half, std::chrono::milliseconds(10), std::chrono::seconds(1));
}

}  // namespace

std::optional<read_stream_entry> read_entry(const redis::reply_view& entry) {
    if (entry.size() != 2) return {};
    const auto at = parse_position((*entry.begin()).text());
    if (!at) return {};
    read_stream_entry read;
    read.at = *at;
    const redis::reply_view fields = *std::next(entry.begin());
    for (auto field = fields.begin(); field != fields.end(); ++field) {
        const std::string_view name = (*field).text();
        if (++field == fields.end()) break;
        const std::string_view text = (*field).text();
        if (name == "uid") read.entry.uid = text;
        if (name == "nsp") read.entry.nsp = text;
        if (name == "type") read.entry.type = text;
        if (name == "data") read.entry.data = text;
        if (name == "number") read.number = text;
        if (name == "superseded_by")
            std::from_chars(text.data(), text.data() + text.size(), read.superseded_by);
        if (name == "had") read.had = text == "1";
    }
    return read;
}

stream_log::stream_log(std::shared_ptr<link> over, stream_user& user)
    : link_(std::move(over)),
      user_(user),
      max_length_(std::to_string(link_->chosen().stream_length)),
      block_(std::to_string(
          std::chrono::duration_cast<std::chrono::milliseconds>(longest_wait(link_->chosen()))
              .count())) {}

result<void> stream_log::start(history past) {
    past_ = past;
    reader_ = std::make_unique<redis::router>(link_->home(), options_of_reader(link_->chosen()));
    if (auto begun = reader_->start(); !begun) return begun;
    running_ = true;
    link_->home().post([weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->read();
    });
    return {};
}

void stream_log::stop() noexcept {
    running_ = false;
    reader_.reset();
}

// ---- Adding ----

void stream_log::add(const message_head& head, const logged_message& what, delivery here,
                     stored_handler stored) {
    addition one{last_number_ + 1, {}, what, here == delivery::waiting, std::move(stored)};
    const auto give_up = [&](const error& why) {
        link_->drop(why.message());
        if (one.waits) user_.on_unplaced(*what);
        if (one.stored) one.stored(why);
    };
    if (const errc why = make_entry(one.what.entry, head, *what); why != errc{})
        return give_up(error(make_error_code(why)));
    one.what.number = std::to_string(one.number);
    if (what->superseded_by != 0) one.what.superseded_by = std::to_string(what->superseded_by);
    const std::uint64_t most = link_->chosen().redis.max_queue;
    if (one.what.size() > most - std::min<std::uint64_t>(most, bytes_))
        return give_up(
            error(weft::errc::limit_exceeded, "too many wait: redis_options::max_queue"));
    ++last_number_;
    const bool at_once = now_ == state::out_of_step && give_up_waiting(one);
    bytes_ += one.what.size();
    additions_.push_back(std::move(one));
    if (now_ == state::in_step) send(additions_.back());
    if (at_once) user_.on_unplaced(*what);  // who may say more
}

void stream_log::send(addition& one) {
    one.under_way = true;
    const auto command = one.what.command(name(), max_length_);
    const auto taken = link_->redis().command(
        name(), command, [weak = weak_from_this(), number = one.number](const auto& reply) {
            const auto self = weak.lock();
            if (self && self->running_) self->sent(number, reply);
        });
    if (taken) return link_->metrics.of(traffic::broadcasts).published.add();
    one.under_way = false;
    fall_behind();
}

void stream_log::sent(std::uint64_t number, const result<redis::reply_view>& reply) {
    const auto found = find(number);
    if (found == additions_.end()) return;  // it was read already
    found->under_way = false;
    if (reply) {
        found->at = parse_position(reply->text()).value_or(position_);
        if (auto stored = std::exchange(found->stored, nullptr)) stored({});
        give_up_passed();
    } else if (reply.error().code() == redis::errc::refused_by_server) {
        link_->drop(reply.error().message());
        const logged_message said = found->waits ? std::move(found->said) : nullptr;
        auto stored = std::move(found->stored);
        erase(found);
        if (said) user_.on_unplaced(*said);
        if (stored) stored(reply.error());
        user_.on_passed(position_);  // for who waits until nothing is unplaced
    } else {
        fall_behind();
    }
}

std::deque<stream_log::addition>::iterator stream_log::find(std::uint64_t number) noexcept {
    const auto found =
        std::partition_point(additions_.begin(), additions_.end(),
                             [&](const addition& one) { return one.number < number; });
    return found != additions_.end() && found->number == number ? found : additions_.end();
}

void stream_log::erase(std::deque<addition>::iterator which) noexcept {
    bytes_ -= which->what.size();
    if (which->unplaced) --unplaced_;
    additions_.erase(which);
}

bool stream_log::give_up_waiting(addition& one) noexcept {
    if (!std::exchange(one.waits, false)) return false;
    one.unplaced = some_had_ = true;
    ++unplaced_;
    return true;
}

/// Nobody here waits for Redis any longer.
void stream_log::fall_behind() {
    now_ = state::out_of_step;
    // By index: whoever is told may say more.
    for (std::size_t i = 0; i < additions_.size(); ++i) {
        if (!give_up_waiting(additions_[i])) continue;
        const logged_message said = additions_[i].said;
        user_.on_unplaced(*said);
    }
}

/// The reader has seen all that is in the stream: what it did not see of ours is not there.
void stream_log::be_in_step() {
    if (now_ == state::in_step) return;
    now_ = state::in_step;
    if (std::exchange(some_had_, false)) {
        addition one{++last_number_, {{link_->uid(), "/", "2", {}}, {}}, nullptr, false, {}};
        one.what.number = std::to_string(one.number);
        one.what.had = true;
        bytes_ += one.what.size();
        additions_.push_back(std::move(one));
    }
    for (std::size_t i = 0; i < additions_.size() && now_ == state::in_step; ++i) {
        if (!additions_[i].under_way && additions_[i].at == socketio::log_position())
            send(additions_[i]);
    }
}

// ---- Reading ----

void stream_log::read() {
    if (!running_) return;
    if (position_text_.empty() && history_until_ != socketio::log_position()) {
        const std::uint64_t end = history_until_.time;
        const std::string from = std::to_string(end - std::min(end, history_time));
        ask({"XRANGE", name(), from, "+", "COUNT", "1"}, &stream_log::on_history_found);
    } else if (position_text_.empty()) {
        ask({"XREVRANGE", name(), "+", "-", "COUNT", "1"}, &stream_log::on_end_found);
    } else if (now_ != state::in_step || behind_) {
        ask({"XRANGE", name(), position_text_, "+", "COUNT", page}, &stream_log::on_page);
    } else {
        ask({"XREAD", "COUNT", page, "BLOCK", block_, "STREAMS", name(), position_text_},
            &stream_log::on_news);
    }
}

void stream_log::ask(std::initializer_list<std::string_view> command,
                     void (stream_log::*then)(const redis::reply_view&)) {
    const auto asked = reader_->command(
        name(), command, [weak = weak_from_this(), then](const result<redis::reply_view>& reply) {
            const auto self = weak.lock();
            if (!self || !self->running_) return;
            if (reply) {
                ((*self).*then)(*reply);
                return self->read();
            }
            self->fall_behind();
            self->link_->home().after(retry_after, [weak] {
                if (const auto later = weak.lock()) later->read();
            });
        });
    if (!asked && running_) {
        fall_behind();
        link_->home().after(retry_after, [weak = weak_from_this()] {
            if (const auto self = weak.lock()) self->read();
        });
    }
}

void stream_log::on_end_found(const redis::reply_view& entries) {
    if (entries.size() != 0) {
        const redis::reply_view last = *entries.begin();
        if (last.size() == 0) return;
        if (past_ == history::skip) return on_begun(*last.begin());
        history_until_ = parse_position((*last.begin()).text()).value_or(socketio::log_position());
        return;
    }
    // So that there is an entry that clients have had everything before.
    const stream_addition beginning{{link_->uid(), "/", "2", {}}, {}};
    const auto command = beginning.command(name(), max_length_);
    const auto added = reader_->command(
        name(), command, [weak = weak_from_this()](const result<redis::reply_view>& reply) {
            const auto self = weak.lock();
            if (self && self->running_ && reply) self->on_begun(*reply);
        });
    (void)added;  // without it we look again
}

void stream_log::on_history_found(const redis::reply_view& entries) {
    if (entries.size() == 0) {  // it was emptied meanwhile
        history_until_ = {};
        return;
    }
    const redis::reply_view first = *entries.begin();
    if (first.size() != 0) on_begun(*first.begin());
}

void stream_log::on_begun(const redis::reply_view& id) {
    const auto at = parse_position(id.text());
    if (!at || !position_text_.empty()) return;
    position_ = *at;
    position_text_ = position_.to_string();
    reads_history() ? user_.on_lost(position_) : user_.on_passed(position_);
}

void stream_log::on_page(const redis::reply_view& entries) {
    // It begins with the last one that was read, unless that was cut off.
    const auto read = entries.size() != 0 ? read_entry(*entries.begin()) : std::nullopt;
    if (!read || read->at != position_) {
        link_->lose("the stream was cut before this node had read all: stream_length");
        user_.on_lost(read ? read->at : position_);
    }
    take(entries);
    if (!behind_) be_in_step();
}

void stream_log::on_news(const redis::reply_view& streams) {
    // A map in RESP3, pairs in an array before; null when nothing came.
    behind_ = false;
    if (streams.size() == 0) return;
    if (streams.type() == redis::reply_type::map) return take(*std::next(streams.begin()));
    const redis::reply_view pair = *streams.begin();
    if (pair.size() == 2) take(*std::next(pair.begin()));
}

void stream_log::take(const redis::reply_view& entries) {
    behind_ = entries.size() == page_size;
    for (const redis::reply_view entry : entries) {
        if (!running_) return;
        take_entry(entry);
    }
    give_up_passed();
}

/// Of ours that the reader is past and has not seen: they were cut off before it came there.
void stream_log::give_up_passed() {
    while (running_ && !additions_.empty() && additions_.front().at != socketio::log_position() &&
           additions_.front().at <= position_) {
        const addition& first = additions_.front();
        const logged_message said = first.waits ? first.said : nullptr;
        erase(additions_.begin());
        if (said) user_.on_unplaced(*said);
    }
}

void stream_log::take_entry(const redis::reply_view& entry) {
    const auto read = read_entry(entry);
    if (!read || read->at <= position_) return;
    position_ = read->at;
    position_text_ = read->at.to_string();
    if (read->had) user_.on_had(read->entry.uid, position_);
    if (position_ <= history_until_) return take_history(*read);
    adapter_message what;
    if (read->entry.uid == link_->uid()) {
        std::uint64_t mine = 0;
        std::from_chars(read->number.data(), read->number.data() + read->number.size(), mine);
        const auto found = find(mine);
        if (found == additions_.end()) return user_.on_passed(position_);
        const bool waits = found->waits;
        const logged_message said = std::move(found->said);
        auto stored = std::move(found->stored);
        erase(found);
        if (stored) stored({});
        if (!said) return user_.on_passed(position_);
        what.head.type = type_of(said->what);
        what.head.uid = read->entry.uid;
        what.content = *said;
        if (!waits) {
            what.content.at = position_;
            return user_.on_place_found(what.content);
        }
    } else if (read->had) {
        return user_.on_passed(position_);
    } else if (const errc why = decode_entry(read->entry, {}, what); why != errc{}) {
        link_->ignore(name(), make_error_code(why));
        return user_.on_passed(position_);
    } else if (is_for_stream(what.head)) {  // not a sign of life
        link_->metrics.of(traffic::broadcasts).received.add();
    }
    what.content.at = position_;
    what.content.superseded_by = read->superseded_by;
    user_.on_entry(what);
}

void stream_log::take_history(const read_stream_entry& read) {
    adapter_message what;
    if (!read.had && decode_entry(read.entry, {}, what) == errc{} && is_for_stream(what.head)) {
        what.content.at = position_;
        user_.on_history(what.content);
    }
    if (!reads_history()) user_.on_passed(position_);
}

}  // namespace weft::cluster
