// Counted memory blocks. The header and the bytes are one allocation; the padding behind the bytes
// lets vector code and simdjson read past the end without a bounds check.

#include <cstdlib>
#include <new>

#include <weft/base/shared_buffer.hpp>

namespace weft {
namespace {

constexpr std::size_t tail_padding = 64;

}  // namespace

buffer_ref shared_buffer::allocate(std::size_t capacity, recycler* home) noexcept {
    if (capacity > SIZE_MAX - sizeof(shared_buffer) - tail_padding) return {};
    void* memory = std::malloc(sizeof(shared_buffer) + capacity + tail_padding);
    if (memory == nullptr) return {};
    return buffer_ref(::new (memory) shared_buffer(capacity, home));
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
