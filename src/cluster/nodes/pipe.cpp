// A stream between the home loop and that of its user. Invariant: the user's end never tells more
// than the other side has room for, so what waits on the home loop is one window per stream; what
// is more than that waits here, with the user.

#include "cluster/nodes/pipe.hpp"

#include <algorithm>
#include <new>
#include <utility>

#include "cluster/nodes/connection.hpp"

namespace weft::cluster::nodes {
namespace {

/// Room is told in steps: each costs a frame.
constexpr std::uint32_t room_step = stream_window / 4;

}  // namespace

// ---- At home ----

void home_end::take(const pipe_news& news) {
    if (over_ != nullptr) return over_->send(*this, news);
    waiting_.bytes += news.bytes;
    waiting_.room += news.room;
    waiting_.end = waiting_.end || news.end;
    if (news.reset) waiting_.reset = news.reset;
    if (news.reset) user_.reset();
}

void home_end::begin(connection& over, std::uint32_t id) {
    over_ = &over;
    id_ = id;
    over.send(*this, std::exchange(waiting_, {}));
}

void home_end::lose(std::error_code why) noexcept {
    heard.reset = why;
    finish();
}

void home_end::finish() noexcept {
    pass_on();
    over_ = nullptr;
    user_.reset();
}

void home_end::pass_on() noexcept {
    pipe_news news = std::exchange(heard, {});
    if (user_ == nullptr) return;
    const auto user = user_;
    if (user->loop_.in_loop_thread()) return user->hear(std::move(news));
    try {
        user->loop_.post([user, news = std::move(news)]() mutable { user->hear(std::move(news)); });
    } catch (...) {  // memory is out: a hole in a stream, which ends
        user_.reset();
        if (over_ != nullptr) over_->give_up(*this);
    }
}

// ---- At the user's loop ----

void pipe_end::detach() noexcept {
    user_ = nullptr;
    if (!end_ || stalled_) reset();
}

void pipe_end::write(std::string_view bytes) {
    if (over_ || end_) return;
    queue_ += bytes;
    if (!stalled_) flush_later();
}

void pipe_end::took(std::size_t bytes) {
    owed_ += static_cast<std::uint32_t>(bytes);
    if (!over_ && owed_ >= room_step) flush_later();
}

void pipe_end::end() {
    if (over_ || std::exchange(end_, true)) return;
    if (!stalled_) flush_later();
}

void pipe_end::reset() noexcept {
    if (std::exchange(over_, true)) return;
    queue_ = {};
    try {
        pipe_news news;
        news.reset = make_error_code(weft::errc::closed_locally);
        tell(std::move(news));
    } catch (const std::bad_alloc&) {  // the other side finds out by its own time-outs
        return;
    }
}

void pipe_end::flush_later() {
    net::loop_core* const loop = loop_.core();
    if (flush_waits_ || loop == nullptr) return;
    loop->await_turn([self = shared_from_this()] { self->flush(); });  // no wake-up, unlike a post
    flush_waits_ = true;
}

void pipe_end::flush() noexcept {
    flush_waits_ = false;
    if (over_) return;
    const auto alive = weak_from_this().lock();
    try {
        tell_queued();
    } catch (...) {  // memory is out: a hole in a stream, which ends
        return fail();
    }
    if (user_ != nullptr) user_->on_sent();
}

void pipe_end::fail() noexcept {
    pipe_user* const user = std::exchange(user_, nullptr);
    reset();
    if (user != nullptr) user->on_reset(std::make_error_code(std::errc::not_enough_memory));
}

void pipe_end::tell_queued() {
    pipe_news news;
    if (queue_.size() <= room_) {
        news.bytes = std::exchange(queue_, {});
    } else {
        news.bytes = queue_.substr(0, room_);
        queue_.erase(0, room_);
    }
    room_ -= static_cast<std::uint32_t>(news.bytes.size());
    sent_ += news.bytes.size();
    stalled_ = !queue_.empty();
    news.end = end_ && !stalled_ && !end_told_;
    end_told_ = end_told_ || news.end;
    if (owed_ >= room_step) news.room = std::exchange(owed_, 0);
    if (!news.bytes.empty() || news.end || news.room != 0) tell(std::move(news));
}

void pipe_end::tell(pipe_news news) {
    if (home_.in_loop_thread()) return there_->take(news);
    home_.post([there = there_, news = std::move(news)] { there->take(news); });
}

void pipe_end::hear(pipe_news news) noexcept {
    if (over_) return;
    const auto alive = weak_from_this().lock();
    if (user_ != nullptr && !news.bytes.empty()) user_->on_bytes(std::move(news.bytes));
    if (!over_ && news.room != 0) {
        room_ += news.room;
        try {
            if (stalled_) flush_later();
        } catch (...) {  // memory is out
            news.reset = std::make_error_code(std::errc::not_enough_memory);
        }
    }
    if (!over_ && user_ != nullptr && news.end) user_->on_end();
    if (over_ || !news.reset) return;
    over_ = true;
    queue_ = {};
    if (pipe_user* const user = std::exchange(user_, nullptr)) user->on_reset(news.reset);
}

}  // namespace weft::cluster::nodes
