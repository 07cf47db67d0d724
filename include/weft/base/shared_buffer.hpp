#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>

#include <weft/base/bytes.hpp>

namespace weft {

class buffer_ref;

/// One block of memory with a reference count in front of it. The holder of the only reference may
/// write; once there is a second reference, the bytes must not change.
///
/// **Threads**: any thread may drop a reference. **Cost**: one allocation for header and bytes.
class shared_buffer {
public:
    /// Gets the block when the last reference goes, instead of freeing it. For pools.
    class recycler {
    public:
        virtual void recycle(shared_buffer* block) noexcept = 0;

    protected:
        ~recycler() = default;
    };

    /// A block of `capacity` uninitialised bytes with 64 readable bytes behind them.
    /// **Errors**: an empty reference when out of memory.
    static buffer_ref allocate(std::size_t capacity, recycler* home = nullptr) noexcept;

    /// Changes the capacity of a block and keeps its first `used` bytes. Works in place if the
    /// allocator can, so growing a large block need not copy it. An empty reference gets a new
    /// block.
    /// **Errors**: false when out of memory; the block is unchanged.
    [[nodiscard]] static bool resize(buffer_ref& block, std::size_t capacity,
                                     std::size_t used) noexcept;

    shared_buffer(const shared_buffer&) = delete;
    shared_buffer& operator=(const shared_buffer&) = delete;

    [[nodiscard]] std::byte* data() noexcept { return reinterpret_cast<std::byte*>(this + 1); }
    [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
    /// All that it asked the allocator for. **Units**: bytes.
    [[nodiscard]] std::size_t block_size() const noexcept {
        return sizeof(shared_buffer) + capacity_ + tail_padding;
    }
    [[nodiscard]] bool unique() const noexcept {
        return refs_.load(std::memory_order_acquire) == 1;
    }

    /// Frees a block that a `recycler` does not want to keep.
    static void destroy(shared_buffer* block) noexcept;
    /// Makes a recycled block usable again, with one reference.
    static buffer_ref revive(shared_buffer* block) noexcept;

private:
    friend class buffer_ref;
    static constexpr std::size_t tail_padding = 64;
    shared_buffer(std::size_t capacity, recycler* home) noexcept
        : capacity_(capacity), home_(home) {}
    ~shared_buffer() = default;
    void release() noexcept;

    std::atomic<std::uint32_t> refs_{1};
    std::size_t capacity_;
    recycler* home_;
};

/// A counted reference to a `shared_buffer`, or none.
class buffer_ref {
public:
    buffer_ref() noexcept = default;
    buffer_ref(const buffer_ref& other) noexcept : block_(other.block_) {
        if (block_ != nullptr) block_->refs_.fetch_add(1, std::memory_order_relaxed);
    }
    buffer_ref(buffer_ref&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
    buffer_ref& operator=(buffer_ref other) noexcept {
        std::swap(block_, other.block_);
        return *this;
    }
    ~buffer_ref() {
        if (block_ != nullptr) block_->release();
    }

    explicit operator bool() const noexcept { return block_ != nullptr; }
    shared_buffer* operator->() const noexcept { return block_; }
    [[nodiscard]] shared_buffer* get() const noexcept { return block_; }

private:
    friend class shared_buffer;
    explicit buffer_ref(shared_buffer* adopted) noexcept : block_(adopted) {}

    shared_buffer* block_ = nullptr;
};

/// Some bytes of a shared buffer, and the reference that keeps them alive.
struct buffer_slice {
    buffer_ref owner;
    byte_view bytes;
};

}  // namespace weft
