#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include <weft/base/bytes.hpp>

namespace weft {

/// Unpredictable bytes from OpenSSL's generator, drawn 4 KiB at a time: for masking keys, handshake
/// keys and identifiers. Bytes handed out are wiped from the pool.
/// **Threads**: one object per loop. **Cost**: a few nanoseconds per key, 600 without the pool.
class random_pool {
public:
    random_pool() noexcept = default;
    random_pool(const random_pool&) = delete;
    random_pool& operator=(const random_pool&) = delete;
    ~random_pool() { wipe(); }

    /// Fills `out`. **Errors**: false when the system has no entropy; `out` must then not be used.
    [[nodiscard]] bool fill(byte_span out) noexcept;
    /// Four bytes. **Errors**: nothing, as for `fill`.
    [[nodiscard]] std::optional<std::uint32_t> next_u32() noexcept;

private:
    bool refill() noexcept;
    void wipe() noexcept;

    std::array<std::byte, 4096> pool_;
    std::size_t left_ = 0;  // unused bytes, at the end of the pool
};

}  // namespace weft
