#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include <weft/base/bytes.hpp>
#include <weft/base/shared_buffer.hpp>

#include "base/block_cache.hpp"
#include "base/byte_budget.hpp"

namespace weft::ws {

/// One contiguous block that grows with what it is given, charged to a budget by its capacity.
///
/// `append` never allocates for bytes that were only announced: the capacity stays within twice the
/// content (or 1 KiB). Only a block that a cache holds idle anyway may be larger.
class message_buffer {
public:
    explicit message_buffer(byte_budget& budget, block_cache* cache = nullptr) noexcept
        : budget_(&budget), cache_(cache) {}
    message_buffer(const message_buffer&) = delete;
    message_buffer& operator=(const message_buffer&) = delete;
    ~message_buffer() { clear(); }

    /// Makes room for `more` bytes behind those it has; when the block must grow, perhaps for as
    /// many as `final_size` wants. **Errors**: false when the budget or memory is out; the content
    /// stays.
    [[nodiscard]] bool reserve(std::size_t more, std::size_t final_size = SIZE_MAX) noexcept;
    /// Appends a copy and grows by doubling, but not beyond `final_size` where that is known.
    /// **Errors**: as `reserve`.
    [[nodiscard]] bool append(byte_view bytes, std::size_t final_size = SIZE_MAX) noexcept;

    /// Room behind the content, for bytes that are received in place and then `commit`ted.
    [[nodiscard]] byte_span room() noexcept;
    void commit(std::size_t bytes) noexcept { size_ += bytes; }

    [[nodiscard]] byte_span content() noexcept;
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] std::size_t capacity() const noexcept { return block_ ? block_->capacity() : 0; }

    /// Hands the block over with its content; the budget is released, the buffer empty.
    [[nodiscard]] buffer_slice take() noexcept;
    /// Frees the block.
    void clear() noexcept;

private:
    bool grow_from_cache(std::size_t capacity, std::size_t final_size) noexcept;

    buffer_ref block_;
    std::size_t size_ = 0;
    byte_budget* budget_;
    block_cache* cache_;  // of large blocks; may be none
};

}  // namespace weft::ws
