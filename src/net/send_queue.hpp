#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include <sys/uio.h>

#include <weft/base/bytes.hpp>
#include <weft/base/shared_buffer.hpp>

namespace weft::net {

/// The memory behind one loop's send queues: blocks for copied bytes in three sizes and list nodes,
/// both reused, so that a steady flow allocates nothing.
class send_memory final : public shared_buffer::recycler {
public:
    struct segment {
        segment* next = nullptr;
        const std::byte* data = nullptr;
        std::size_t size = 0;
        std::size_t room =
            0;  // writable bytes behind data + size: only in a block that is ours alone
        buffer_ref owner;
    };

    send_memory() = default;
    send_memory(const send_memory&) = delete;
    send_memory& operator=(const send_memory&) = delete;
    ~send_memory();

    /// A block with room for at least `wanted` bytes, or for the largest size. Empty when memory is
    /// out.
    buffer_ref take_block(std::size_t wanted) noexcept;
    segment* take_segment() noexcept;
    void give_back(segment* used) noexcept;
    void recycle(shared_buffer* block) noexcept override;

private:
    static constexpr std::array<std::size_t, 3> sizes{1024, 8 * 1024, 64 * 1024};
    static constexpr std::array<std::size_t, 3> kept{1024, 256, 64};  // idle blocks per size

    std::array<std::vector<shared_buffer*>, 3> blocks_;
    segment* segments_ = nullptr;
    std::size_t idle_segments_ = 0;
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

    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

    /// Describes the first bytes for a gathering send; returns how many of `pieces` were filled.
    std::size_t gather(std::span<iovec> pieces) const noexcept;
    /// Copies the first bytes, at most as many as fit, and returns how many; they stay queued.
    std::size_t peek(byte_span into) const noexcept;
    /// Forgets the first `count` bytes, which must be queued.
    void consume(std::size_t count, send_memory& memory) noexcept;
    void clear(send_memory& memory) noexcept { consume(size_, memory); }

private:
    bool add_segment(send_memory::segment* fresh) noexcept;

    send_memory::segment* head_ = nullptr;
    send_memory::segment* tail_ = nullptr;
    std::size_t size_ = 0;
};

}  // namespace weft::net
