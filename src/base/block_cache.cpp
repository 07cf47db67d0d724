// Idle blocks lie in slots that are emptied and filled by single atomic operations, so that a block
// may come back on a thread other than the owner's. Invariant: `holders_` counts the owner and the
// blocks in use; who takes it to zero deletes the cache with what lies idle.

#include "base/block_cache.hpp"

#include <new>

namespace weft {

block_cache::owner block_cache::make(std::size_t max_idle) noexcept {
    return owner(new (std::nothrow) block_cache(max_idle));
}

block_cache::~block_cache() {
    for (auto& slot : idle_) {
        if (shared_buffer* const block = slot.load(std::memory_order_acquire)) {
            shared_buffer::destroy(block);
        }
    }
}

buffer_ref block_cache::take_idle(std::size_t capacity) noexcept {
    for (auto& slot : idle_) {
        // Only this thread takes blocks out: what a slot shows stays there meanwhile.
        shared_buffer* const block = slot.load(std::memory_order_acquire);
        if (block == nullptr || block->capacity() < capacity || block->capacity() / 2 > capacity)
            continue;
        slot.store(nullptr, std::memory_order_relaxed);
        room_.fetch_add(block->capacity(), std::memory_order_relaxed);
        holders_.fetch_add(1, std::memory_order_relaxed);
        return shared_buffer::revive(block);
    }
    return {};
}

buffer_ref block_cache::take(std::size_t capacity) noexcept {
    if (buffer_ref idle = take_idle(capacity)) return idle;
    buffer_ref fresh = shared_buffer::allocate(capacity, this);
    if (fresh) holders_.fetch_add(1, std::memory_order_relaxed);
    return fresh;
}

bool block_cache::try_keep(shared_buffer* block) noexcept {
    const std::size_t size = block->capacity();
    if (size < smallest) return false;
    std::size_t room = room_.load(std::memory_order_relaxed);
    do {
        if (size > room) return false;
    } while (!room_.compare_exchange_weak(room, room - size, std::memory_order_relaxed));
    for (auto& slot : idle_) {
        shared_buffer* empty = nullptr;
        if (slot.compare_exchange_strong(empty, block, std::memory_order_release,
                                         std::memory_order_relaxed))
            return true;
    }
    room_.fetch_add(size, std::memory_order_relaxed);
    return false;
}

void block_cache::recycle(shared_buffer* block) noexcept {
    if (!try_keep(block)) shared_buffer::destroy(block);
    drop();
}

void block_cache::drop() noexcept {
    if (holders_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
}

}  // namespace weft
