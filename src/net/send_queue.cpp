// The pending bytes of a stream as a list of segments. A segment either refers to somebody's
// immutable buffer or to a block that this queue alone holds and may still append to. Blocks and
// nodes come from the loop and return to it.

#include "net/send_queue.hpp"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

namespace weft::net {

send_memory::~send_memory() {
    for (auto& list : blocks_) {
        for (shared_buffer* block : list) shared_buffer::destroy(block);
    }
    while (segments_ != nullptr) delete std::exchange(segments_, segments_->next);
}

buffer_ref send_memory::take_block(std::size_t wanted) noexcept {
    std::size_t index = 0;
    while (index + 1 < sizes.size() && sizes[index] < wanted) ++index;
    auto& list = blocks_[index];
    if (list.empty()) return shared_buffer::allocate(sizes[index], this);
    shared_buffer* block = list.back();
    list.pop_back();
    return shared_buffer::revive(block);
}

void send_memory::recycle(shared_buffer* block) noexcept {
    const auto index = static_cast<std::size_t>(
        std::find(sizes.begin(), sizes.end(), block->capacity()) - sizes.begin());
    if (index == sizes.size() || blocks_[index].size() >= kept[index]) {
        shared_buffer::destroy(block);
        return;
    }
    auto& list = blocks_[index];
    if (list.capacity() == 0) list.reserve(kept[index]);
    list.push_back(block);
}

send_memory::segment* send_memory::take_segment() noexcept {
    if (segments_ == nullptr) return new (std::nothrow) segment;
    --idle_segments_;
    segment* taken = std::exchange(segments_, segments_->next);
    taken->next = nullptr;
    return taken;
}

void send_memory::give_back(segment* used) noexcept {
    constexpr std::size_t kept_segments = 4096;
    if (idle_segments_ >= kept_segments) {
        delete used;
        return;
    }
    used->owner = {};
    used->room = 0;
    used->next = segments_;
    segments_ = used;
    ++idle_segments_;
}

bool send_queue::add_segment(send_memory::segment* fresh) noexcept {
    if (tail_ == nullptr) {
        head_ = fresh;
    } else {
        tail_->next = fresh;
    }
    tail_ = fresh;
    size_ += fresh->size;
    return true;
}

bool send_queue::append(byte_view bytes, send_memory& memory) noexcept {
    while (!bytes.empty()) {
        if (tail_ == nullptr || tail_->room == 0) {
            // Later blocks are larger: a queue that grew once will grow again.
            buffer_ref block = memory.take_block(std::max(bytes.size(), 4 * size_));
            send_memory::segment* fresh = block ? memory.take_segment() : nullptr;
            if (fresh == nullptr) return false;
            fresh->data = block->data();
            fresh->size = 0;
            fresh->room = block->capacity();
            fresh->owner = std::move(block);
            add_segment(fresh);
        }
        const std::size_t taken = std::min(bytes.size(), tail_->room);
        std::memcpy(const_cast<std::byte*>(tail_->data) + tail_->size, bytes.data(), taken);
        tail_->size += taken;
        tail_->room -= taken;
        size_ += taken;
        bytes = bytes.subspan(taken);
    }
    return true;
}

bool send_queue::append(buffer_slice bytes, send_memory& memory) noexcept {
    if (bytes.bytes.empty()) return true;
    send_memory::segment* fresh = memory.take_segment();
    if (fresh == nullptr) return false;
    fresh->data = bytes.bytes.data();
    fresh->size = bytes.bytes.size();
    fresh->room = 0;
    fresh->owner = std::move(bytes.owner);
    return add_segment(fresh);
}

std::size_t send_queue::gather(std::span<iovec> pieces) const noexcept {
    std::size_t used = 0;
    for (const auto* s = head_; s != nullptr && used < pieces.size(); s = s->next) {
        if (s->size == 0) continue;
        pieces[used++] = {const_cast<std::byte*>(s->data), s->size};
    }
    return used;
}

std::size_t send_queue::peek(byte_span into) const noexcept {
    std::size_t copied = 0;
    for (const auto* s = head_; s != nullptr && copied < into.size(); s = s->next) {
        const std::size_t part = std::min(s->size, into.size() - copied);
        std::memcpy(into.data() + copied, s->data, part);
        copied += part;
    }
    return copied;
}

void send_queue::consume(std::size_t count, send_memory& memory) noexcept {
    size_ -= count;
    while (head_ != nullptr && count >= head_->size) {
        count -= head_->size;
        memory.give_back(std::exchange(head_, head_->next));
    }
    if (head_ == nullptr) {
        tail_ = nullptr;
        return;
    }
    head_->data += count;
    head_->size -= count;
}

}  // namespace weft::net
