// Bytes between a client and the node that has its session. Invariant: neither side is read faster
// than the other one takes it, so that a window and a socket's queue are all that waits here.

#include "cluster/nodes/relay.hpp"

#include <new>
#include <utility>

#include "base/heap_cost.hpp"
#include "net/loop_core.hpp"

namespace weft::cluster::nodes {

relay::relay(loop_part& part, std::shared_ptr<pipe_end> pipe, net::byte_stream& stream)
    : carried_end(part),
      pipe_(std::move(pipe)),
      stream_(stream),
      charge_(part.loop.budget(),
              heap_cost_of<relay> + heap_cost_of<pipe_end> + heap_cost_of<home_end>) {
    pipe_->attach(*this);
}

relay::~relay() {
    pipe_->detach();
}

template <class F>
void relay::within_memory(F&& work) noexcept {
    try {
        work();
    } catch (const std::bad_alloc&) {
        stream_.abort(std::make_error_code(std::errc::not_enough_memory));
    }
}

// ---- From the client ----

void relay::on_data(byte_span data) noexcept {
    within_memory([&] { pipe_->write(as_text(data)); });
    if (pipe_->queued() <= net::byte_stream::high_water || std::exchange(paused_, true)) return;
    stream_.pause_reading();
}

void relay::on_sent() noexcept {
    if (pipe_->queued() > net::byte_stream::high_water || !std::exchange(paused_, false)) return;
    stream_.resume_reading();
}

void relay::on_end(net::byte_stream&) noexcept {
    within_memory([&] { pipe_->end(); });
    if (ended_) stream_.close();
}

void relay::on_closed(std::error_code) noexcept {
    if (!ended_) return pipe_->reset();
    within_memory([&] { pipe_->end(); });
}

/// As if the client had gone: its session ends there, and what that says still comes.
void relay::on_drain() noexcept {
    within_memory([&] { pipe_->end(); });
}

// ---- To the client ----

void relay::on_bytes(std::string bytes) noexcept {
    stream_.write(as_bytes(bytes));
    owed_ += bytes.size();
    if (stream_.queued() <= net::byte_stream::high_water) on_drained();
}

void relay::on_drained() noexcept {
    within_memory([&] { pipe_->took(std::exchange(owed_, 0)); });
}

void relay::on_end() noexcept {
    ended_ = true;
    stream_.close();
}

void relay::on_reset(std::error_code why) noexcept {
    stream_.abort(why);
}

}  // namespace weft::cluster::nodes
