#pragma once

#include <array>
#include <cstddef>
#include <span>

#include <sys/uio.h>

#include <weft/base/bytes.hpp>
#include <weft/base/shared_buffer.hpp>

namespace weft::net {

/// The memory behind one loop's send queues: list nodes, with a block for copied bytes in one of
/// three sizes or to refer to somebody's bytes. All are reused, so that a steady flow allocates
/// nothing.
class send_memory {
    static constexpr std::array<std::size_t, 3> sizes{1024, 8 * 1024, 64 * 1024};
    static constexpr std::size_t reference = sizes.size();
    static constexpr std::array<std::size_t, 4> kept{1024, 256, 64, 4096};  // idle nodes per kind

public:
    struct segment {
        segment* next = nullptr;
        const std::byte* data = nullptr;
        std::size_t size = 0;
        std::size_t room = 0;  // writable bytes behind data + size: only in a block of ours
        buffer_ref owner;
        std::size_t kind = reference;  // index of the block's size, or `reference`
    };

    send_memory() = default;
    send_memory(const send_memory&) = delete;
    send_memory& operator=(const send_memory&) = delete;
    ~send_memory();

    /// A node with an empty block for at least `wanted` bytes, or of the largest size. Null when
    /// memory is out.
    segment* take_block(std::size_t wanted) noexcept;
    /// A node for bytes that their `owner` keeps. Null when memory is out.
    segment* take_reference(buffer_slice bytes) noexcept;
    void give_back(segment* used) noexcept;

private:
    struct idle_list {
        segment* first = nullptr;
        std::size_t count = 0;
    };

    segment* take_idle(std::size_t kind) noexcept;

    std::array<idle_list, 4> idle_;
};

/// Bytes on their way out of one stream, in order: small ones copied together, shared ones by
/// reference. Holds nothing while empty. Every call takes the same `send_memory`.
class send_queue {
public:
    send_queue() = default;
    send_queue(const send_queue&) = delete;
    send_queue& operator=(const send_queue&) = delete;
    ~send_queue() = default;  // the owner calls clear() first: the queue does not know its memory

    /// False when memory is out; then part of the bytes may have been queued.
    [[nodiscard]] bool append(byte_view bytes, send_memory& memory) noexcept;
    [[nodiscard]] bool append(buffer_slice bytes, send_memory& memory) noexcept;

    /// Contiguous room behind what is queued, for bytes that are built in place and then
    /// `commit`ted. Null when memory is out.
    [[nodiscard]] std::byte* prepare(std::size_t wanted, send_memory& memory) noexcept {
        if (tail_ == nullptr || tail_->room < wanted) {
            if (!add_block(wanted, memory) || tail_->room < wanted) return nullptr;
        }
        return const_cast<std::byte*>(tail_->data) + tail_->size;
    }
    void commit(std::size_t bytes) noexcept {
        tail_->size += bytes;
        tail_->room -= bytes;
        size_ += bytes;
    }

    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

    /// Of `pieces`, how many were filled, and of how many bytes they tell.
    struct gathered {
        std::size_t pieces;
        std::size_t bytes;
    };
    /// Describes the first bytes for a gathering send.
    gathered gather(std::span<iovec> pieces) const noexcept;
    /// Copies the first bytes, at most as many as fit, and returns how many; they stay queued.
    std::size_t peek(byte_span into) const noexcept;
    /// Forgets the first `count` bytes, which must be queued.
    void consume(std::size_t count, send_memory& memory) noexcept;
    void clear(send_memory& memory) noexcept { consume(size_, memory); }

private:
    void add_segment(send_memory::segment& fresh) noexcept;
    // Kept out of line, as is all that `prepare` rarely needs: a small frame then costs few
    // instructions (bench `load`, 16 in flight).
    [[gnu::noinline]] bool add_block(std::size_t wanted, send_memory& memory) noexcept;

    send_memory::segment* head_ = nullptr;
    send_memory::segment* tail_ = nullptr;
    std::size_t size_ = 0;
};

}  // namespace weft::net
