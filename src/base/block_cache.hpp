#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include <weft/base/shared_buffer.hpp>

namespace weft {

/// Keeps a few large blocks whose last reference went, to hand them out again: fresh memory of a
/// megabyte costs 256 page faults, which is more than receiving the megabyte.
///
/// **Threads**: `take` and `take_idle` the owner's; blocks may come back on any. **Lifetime**:
/// lives on until its last block has come back. **See**: `bench/load` 1 MiB.
class block_cache final : private shared_buffer::recycler {
public:
    struct release {
        void operator()(block_cache* cache) const noexcept { cache->drop(); }
    };
    using owner = std::unique_ptr<block_cache, release>;

    /// Blocks smaller than this are not worth keeping.
    static constexpr std::size_t smallest = 64 * 1024;

    /// A cache that keeps at most `max_idle` bytes in blocks that nobody uses. **Errors**: none; an
    /// empty owner when memory is out.
    [[nodiscard]] static owner make(std::size_t max_idle) noexcept;

    block_cache(const block_cache&) = delete;
    block_cache& operator=(const block_cache&) = delete;

    /// A block that lies idle, of at least `capacity` bytes and at most twice as many; else
    /// nothing.
    [[nodiscard]] buffer_ref take_idle(std::size_t capacity) noexcept;
    /// The same, or a new block of exactly `capacity`. **Errors**: empty when memory is out.
    [[nodiscard]] buffer_ref take(std::size_t capacity) noexcept;

private:
    explicit block_cache(std::size_t max_idle) noexcept : room_(max_idle) {}
    ~block_cache();

    void recycle(shared_buffer* block) noexcept override;
    bool try_keep(shared_buffer* block) noexcept;
    void drop() noexcept;

    std::array<std::atomic<shared_buffer*>, 16> idle_{};
    std::atomic<std::size_t> room_;          // bytes that may still become idle
    std::atomic<std::uint32_t> holders_{1};  // the owner, and each block that is in use
};

}  // namespace weft
