// The newest messages of a stream, so that few of those who come back need to ask Redis. Invariant:
// what is behind `from_` is complete.

#include "cluster/adapter/stream_memory.hpp"

#include <algorithm>

#include "base/heap_cost.hpp"

namespace weft::cluster {
namespace {

constexpr std::size_t max_had = 1000;

std::size_t memory_of(const std::vector<std::string>& names) noexcept {
    std::size_t all = heap_cost(names);
    for (const std::string& name : names) all += heap_cost(name);
    return all;
}

}  // namespace

bool is_meant_for(const socketio::cluster_message& what,
                  const socketio::kept_socket& whom) noexcept {
    if (what.what != socketio::cluster_message::kind::broadcast || what.droppable ||
        what.to.nsp != whom.nsp)
        return false;
    const auto in_any = [&](const std::vector<std::string>& rooms) {
        return std::any_of(rooms.begin(), rooms.end(), [&](const std::string& room) {
            return std::find(whom.rooms.begin(), whom.rooms.end(), room) != whom.rooms.end();
        });
    };
    return (what.to.rooms.empty() || in_any(what.to.rooms)) && !in_any(what.to.except);
}

std::size_t memory_of(const socketio::cluster_message& what) noexcept {
    std::size_t all = heap_cost_of<socketio::cluster_message> + sizeof(logged_message) +
                      heap_cost(what.to.nsp) + memory_of(what.to.rooms) +
                      memory_of(what.to.except) + heap_cost(what.event) + heap_cost(what.arguments);
    for (const message& one : what.attachments) all += one.memory();
    return all;
}

std::size_t memory_of(const socketio::kept_socket& whom) noexcept {
    return heap_cost_of<socketio::kept_socket> + heap_cost(whom.nsp) + heap_cost(whom.id) +
           heap_cost(whom.recovery_id) + memory_of(whom.rooms) + heap_cost(whom.data) +
           heap_cost(whom.server);
}

void stream_memory::begin(const socketio::log_position& at) noexcept {
    while (!messages_.empty()) drop_oldest();
    had_.clear();
    from_ = at;
}

void stream_memory::add(logged_message what) {
    const std::size_t bytes = memory_of(*what);
    messages_.push_back(std::move(what));
    bytes_ += bytes;
    while (bytes_ > most_ && !messages_.empty()) drop_oldest();
    charge_.set(bytes_);
}

void stream_memory::note_had(std::string_view uid, const socketio::log_position& before) {
    if (had_.size() == max_had) return begin(before);
    had_.emplace_back(before, uid);
}

void stream_memory::drop_oldest() noexcept {
    from_ = messages_.front()->at;
    while (!had_.empty() && had_.front().first <= from_) had_.pop_front();
    bytes_ -= memory_of(*messages_.front());
    messages_.pop_front();
    charge_.set(bytes_);
}

void stream_memory::let_go(std::uint64_t wanted) noexcept {
    const std::size_t before = bytes_;
    while (before - bytes_ < wanted && !messages_.empty()) drop_oldest();
}

}  // namespace weft::cluster
