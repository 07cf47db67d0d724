// Counted memory blocks. The header and the bytes are one allocation; the padding behind the bytes
// lets vector code and simdjson read past the end without a bounds check.

#include <cstdlib>
#include <cstring>
#include <new>

#include <weft/base/shared_buffer.hpp>

namespace weft {

buffer_ref shared_buffer::allocate(std::size_t capacity, recycler* home) noexcept {
    if (capacity > SIZE_MAX - sizeof(shared_buffer) - tail_padding) return {};
    void* memory = std::malloc(sizeof(shared_buffer) + capacity + tail_padding);
    if (memory == nullptr) return {};
    return buffer_ref(::new (memory) shared_buffer(capacity, home));
}

bool shared_buffer::resize(buffer_ref& block, std::size_t capacity, std::size_t used) noexcept {
    if (capacity > SIZE_MAX - sizeof(shared_buffer) - tail_padding) return false;
    if (block && block->unique() && block->home_ == nullptr) {
        // The header has no state beyond its two numbers, so it may move with its bytes.
        void* const memory = std::realloc(static_cast<void*>(block.block_),
                                          sizeof(shared_buffer) + capacity + tail_padding);
        if (memory == nullptr) return false;
        block.block_ = ::new (memory) shared_buffer(capacity, nullptr);
        return true;
    }
    buffer_ref fresh = allocate(capacity);
    if (!fresh) return false;
    if (block) std::memcpy(fresh->data(), block->data(), used);
    block = std::move(fresh);
    return true;
}

void shared_buffer::destroy(shared_buffer* block) noexcept {
    block->~shared_buffer();
    std::free(block);
}

buffer_ref shared_buffer::revive(shared_buffer* block) noexcept {
    block->refs_.store(1, std::memory_order_relaxed);
    return buffer_ref(block);
}

void shared_buffer::release() noexcept {
    // The last holder needs no atomic write: nobody else can see the count any more.
    if (refs_.load(std::memory_order_acquire) != 1 &&
        refs_.fetch_sub(1, std::memory_order_acq_rel) != 1)
        return;
    if (home_ != nullptr) {
        home_->recycle(this);
    } else {
        destroy(this);
    }
}

}  // namespace weft
