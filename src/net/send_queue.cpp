// The pending bytes of a stream as a list of segments. A segment either refers to somebody's
// immutable buffer or has a block that this queue alone holds and may still append to. Nodes come
// from the loop, with their blocks, and return to it.

#include "net/send_queue.hpp"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

namespace weft::net {

send_memory::~send_memory() {
    for (idle_list& list : idle_) {
        while (list.first != nullptr) delete std::exchange(list.first, list.first->next);
    }
}

send_memory::segment* send_memory::take_idle(std::size_t kind) noexcept {
    idle_list& list = idle_[kind];
    if (list.first == nullptr) return nullptr;
    --list.count;
    segment* const taken = std::exchange(list.first, list.first->next);
    taken->next = nullptr;
    return taken;
}

send_memory::segment* send_memory::take_block(std::size_t wanted) noexcept {
    std::size_t kind = 0;
    while (kind + 1 < sizes.size() && sizes[kind] < wanted) ++kind;
    segment* taken = take_idle(kind);
    if (taken == nullptr) {
        buffer_ref block = shared_buffer::allocate(sizes[kind]);
        taken = block ? new (std::nothrow) segment : nullptr;
        if (taken == nullptr) return nullptr;
        taken->owner = std::move(block);
        taken->kind = kind;
    }
    taken->data = taken->owner->data();
    taken->size = 0;
    taken->room = sizes[kind];
    return taken;
}

send_memory::segment* send_memory::take_reference(buffer_slice bytes) noexcept {
    segment* taken = take_idle(reference);
    if (taken == nullptr) taken = new (std::nothrow) segment;
    if (taken == nullptr) return nullptr;
    taken->data = bytes.bytes.data();
    taken->size = bytes.bytes.size();
    taken->owner = std::move(bytes.owner);
    return taken;
}

void send_memory::give_back(segment* used) noexcept {
    idle_list& list = idle_[used->kind];
    if (list.count >= kept[used->kind]) {
        delete used;
        return;
    }
    if (used->kind == reference) used->owner = {};
    used->next = std::exchange(list.first, used);
    ++list.count;
}

void send_queue::add_segment(send_memory::segment& fresh) noexcept {
    if (tail_ == nullptr) {
        head_ = &fresh;
    } else {
        tail_->next = &fresh;
    }
    tail_ = &fresh;
    size_ += fresh.size;
}

bool send_queue::add_block(std::size_t wanted, send_memory& memory) noexcept {
    // Later blocks are larger: a queue that grew once will grow again.
    send_memory::segment* const fresh = memory.take_block(std::max(wanted, 4 * size_));
    if (fresh == nullptr) return false;
    add_segment(*fresh);
    return true;
}

bool send_queue::append(byte_view bytes, send_memory& memory) noexcept {
    while (!bytes.empty()) {
        if ((tail_ == nullptr || tail_->room == 0) && !add_block(bytes.size(), memory)) {
            return false;
        }
        const std::size_t taken = std::min(bytes.size(), tail_->room);
        std::memcpy(const_cast<std::byte*>(tail_->data) + tail_->size, bytes.data(), taken);
        commit(taken);
        bytes = bytes.subspan(taken);
    }
    return true;
}

bool send_queue::append(buffer_slice bytes, send_memory& memory) noexcept {
    if (bytes.bytes.empty()) return true;
    send_memory::segment* const fresh = memory.take_reference(std::move(bytes));
    if (fresh == nullptr) return false;
    add_segment(*fresh);
    return true;
}

send_queue::gathered send_queue::gather(std::span<iovec> pieces) const noexcept {
    gathered all{};
    for (const auto* s = head_; s != nullptr && all.pieces < pieces.size(); s = s->next) {
        if (s->size == 0) continue;
        pieces[all.pieces++] = {const_cast<std::byte*>(s->data), s->size};
        all.bytes += s->size;
    }
    return all;
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
