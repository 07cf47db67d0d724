// The growing block of an incomplete message. Invariant: the budget holds exactly the capacity.

#include <algorithm>
#include <cstring>

#include "ws/proto/message_buffer.hpp"

namespace weft::ws {
namespace {

constexpr std::size_t smallest = 1024;

}  // namespace

bool message_buffer::reserve(std::size_t more, std::size_t final_size) noexcept {
    const std::size_t before = capacity();
    if (more <= before - size_) return true;
    if (more > SIZE_MAX - size_) return false;
    const std::size_t grown = size_ + more;
    if (cache_ != nullptr && grown >= block_cache::smallest) {
        return grow_from_cache(grown, final_size);
    }
    if (!budget_->try_charge(grown - before)) return false;
    if (!shared_buffer::resize(block_, grown, size_)) {
        budget_->release(grown - before);
        return false;
    }
    return true;
}

bool message_buffer::grow_from_cache(std::size_t wanted, std::size_t final_size) noexcept {
    buffer_ref fresh = cache_->take_idle(std::max(wanted, final_size));
    if (!fresh) fresh = cache_->take(wanted);
    if (!fresh || !budget_->try_charge(fresh->capacity() - capacity())) return false;
    if (size_ != 0) std::memcpy(fresh->data(), block_->data(), size_);
    block_ = std::move(fresh);
    return true;
}

bool message_buffer::append(byte_view bytes, std::size_t final_size) noexcept {
    if (bytes.empty()) return true;
    if (bytes.size() > capacity() - size_) {
        const std::size_t needed = size_ + bytes.size();
        const std::size_t doubled = std::max(2 * needed, smallest);
        const std::size_t grown = std::max(needed, std::min(doubled, final_size));
        if (!reserve(grown - size_, final_size)) return false;
    }
    std::memcpy(block_->data() + size_, bytes.data(), bytes.size());
    size_ += bytes.size();
    return true;
}

byte_span message_buffer::room() noexcept {
    if (!block_) return {};
    return {block_->data() + size_, block_->capacity() - size_};
}

byte_span message_buffer::content() noexcept {
    if (!block_) return {};
    return {block_->data(), size_};
}

buffer_slice message_buffer::take() noexcept {
    const byte_view bytes = content();
    budget_->release(capacity());
    size_ = 0;
    return {std::move(block_), bytes};
}

void message_buffer::clear() noexcept {
    budget_->release(capacity());
    block_ = {};
    size_ = 0;
}

}  // namespace weft::ws
