// The stream of a client that another node carries. What a socket's loop does for it, this does for
// itself: nothing is told from inside a call of the handler, but in a task or a timer (`tick`).
// Invariant: room is made for what the handler has been given, so that what is held here while it
// reads nothing is one window at the most.

#include "cluster/nodes/carried_stream.hpp"

#include <new>
#include <stdexcept>
#include <utility>

#include "base/heap_cost.hpp"

namespace weft::cluster::nodes {
namespace {

constexpr std::size_t padding = 64;  // what on_data promises behind the bytes
constexpr std::size_t own_cost =
    heap_cost_of<carried_stream> + heap_cost_of<pipe_end> + heap_cost_of<home_end>;

socket_address address_of(const stream_facts& facts) {
    const auto made = socket_address::make(facts.address, facts.port);
    return made ? *made : socket_address{};
}

}  // namespace

carried_stream::carried_stream(loop_part& part, std::shared_ptr<pipe_end> pipe,
                               const stream_facts& facts)
    : carried_end(part),
      loop_(part.loop),
      pipe_(std::move(pipe)),
      id_(loop_.names().take(loop_.index())),
      peer_(this, address_of(facts)),
      anchor_(loop_.owner(), this) {
    former_.reserve(2);
    peer_.set_secure(facts.secure);
    pipe_->attach(*this);
    loop_.budget().charge(own_cost);
}

carried_stream::~carried_stream() {
    pipe_->detach();
    if (id_) loop_.names().give_back(id_);
    loop_.budget().release(own_cost);
}

template <class F>
void carried_stream::within_memory(F&& work) noexcept {
    try {
        work();
    } catch (const std::bad_alloc&) {
        fail(std::make_error_code(std::errc::not_enough_memory));
    }
}

// ---- To the client ----

void carried_stream::write(byte_view bytes) noexcept {
    if (!usable() || shutdown_) return;
    within_memory([&] { pipe_->write(as_text(bytes)); });
    want_drained_ = want_drained_ || queued() > high_water;
    count_queue();
}

void carried_stream::ask_drained() noexcept {
    want_drained_ = true;
    tick_soon();
}

net::byte_stream::progress carried_stream::delivered() const noexcept {
    return {pipe_->arrived(), pipe_->sent() - pipe_->arrived() + pipe_->queued()};
}

void carried_stream::on_sent() noexcept {
    count_queue();
    if (dead_) return;
    if (closing_)
        return pipe_->has_ended() ? fail(make_error_code(weft::errc::closed_locally)) : void();
    want_drained_ = want_drained_ || stalled();
    if (!want_drained_ || queued() != 0) return;
    want_drained_ = false;
    handler_->on_drained();
}

void carried_stream::count_queue() noexcept {
    const std::size_t waits = pipe_->queued() + held_.size();
    if (waits > charged_) peer_.charge(waits - charged_);
    if (waits < charged_) peer_.release(charged_ - waits);
    charged_ = waits;
}

// ---- From the client ----

void carried_stream::on_bytes(std::string bytes) noexcept {
    within_memory([&] {
        if (!usable()) return pipe_->took(bytes.size());
        if (!paused_ && held_.empty()) return deliver(std::move(bytes));
        held_ += bytes;
        count_queue();
    });
}

void carried_stream::deliver(std::string bytes) {
    const std::size_t size = bytes.size();
    bytes.resize(size + padding);
    handler_->on_data({reinterpret_cast<std::byte*>(bytes.data()), size});
    pipe_->took(size);
}

void carried_stream::on_end() noexcept {
    end_came_ = true;
    if (!paused_ && held_.empty()) return tell_end();
    if (usable()) handler_->on_end_ahead();
}

void carried_stream::tell_end() noexcept {
    if (!usable() || std::exchange(end_told_, true)) return;
    handler_->on_end(*this);
}

void carried_stream::resume_reading() noexcept {
    paused_ = false;
    if (!held_.empty() || end_came_) tick_soon();
}

void carried_stream::read_held() {
    if (!held_.empty() && !paused_ && usable()) {
        std::string bytes = std::exchange(held_, {});
        count_queue();
        deliver(std::move(bytes));
    }
    if (end_came_ && !paused_ && held_.empty()) tell_end();
}

// ---- Later ----

void carried_stream::tick_soon() noexcept {
    if (std::exchange(ticking_, true)) return;
    try {
        loop_.await_turn([self = anchor_.handle()] {
            if (carried_stream* const s = self.get()) s->tick();
        });
    } catch (const std::bad_alloc&) {  // a little later, then
        loop_.arm(tick_, loop_.now());
    }
}

void carried_stream::tick() noexcept {
    ticking_ = false;
    former_.clear();
    if (closing_ && pipe_->has_ended()) fail(make_error_code(weft::errc::closed_locally));
    if (dead_) return finish();
    within_memory([&] { read_held(); });
    if (!want_drained_ || !usable() || queued() != 0) return;
    want_drained_ = false;
    handler_->on_drained();
}

void carried_stream::await_turn() noexcept {
    if (want_turn_ || !usable()) return;
    within_memory([&] {
        loop_.await_turn([self = anchor_.handle()] {
            carried_stream* const s = self.get();
            if (s == nullptr) return;
            s->want_turn_ = false;
            if (s->usable()) s->handler_->on_turn();
        });
        want_turn_ = true;
    });
}

void carried_stream::set_deadline(time_point when) noexcept {
    if (dead_ || when == time_point::max()) return deadline_.cancel();
    loop_.arm(deadline_, when);
}

void carried_stream::set_handler(std::unique_ptr<net::stream_handler> handler) noexcept {
    former_.push_back(std::exchange(handler_, std::move(handler)));  // there is room: it is rare
    tick_soon();
}

net::moved_stream carried_stream::leave() {
    throw std::logic_error("a carried stream stays on its loop: may_leave says so");
}

// ---- The end ----

void carried_stream::shutdown() noexcept {
    if (!usable() || std::exchange(shutdown_, true)) return;
    within_memory([&] { pipe_->end(); });
}

void carried_stream::close() noexcept {
    if (!usable()) return;
    closing_ = true;
    // As a socket: who reads a byte now and then may not keep us for ever.
    const auto slow = std::chrono::seconds(queued() / 4096);
    loop_.arm(grace_, later(later(loop_.now(), loop_.options().limits.close_grace), slow));
    within_memory([&] { pipe_->end(); });
    if (pipe_->has_ended()) tick_soon();
}

void carried_stream::abort(std::error_code why) noexcept {
    if (dead_) return;
    pipe_->reset();
    fail(why);
}

void carried_stream::on_reset(std::error_code why) noexcept {
    fail(why);
}

void carried_stream::fail(std::error_code why) noexcept {
    if (std::exchange(dead_, true)) return;
    deadline_.cancel();
    why_ = why;
    tick_soon();
}

void carried_stream::on_loop_end() noexcept {
    fail(make_error_code(weft::errc::shutting_down));
    finish();
}

void carried_stream::finish() noexcept {
    handler_->on_closed(why_);
    delete this;
}

}  // namespace weft::cluster::nodes
