#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <string_view>  // std::hash

namespace weft {

/// The id of a connection: loop (8 bits), slot (24), generation (32). Keep it where a reference
/// would dangle. If the connection is gone, a lookup finds nothing. An id is not reused before its
/// slot has had 2^32 connections.
/// **Cost**: eight bytes. A lookup is one bounds check, one load, one compare.
class conn_id {
public:
    constexpr conn_id() noexcept = default;
    constexpr conn_id(std::uint8_t loop, std::uint32_t slot, std::uint32_t generation) noexcept
        : value_(std::uint64_t{loop} << 56U | std::uint64_t{slot & max_slot} << 32U | generation) {}

    static constexpr std::uint32_t max_slot = 0xFF'FFFF;

    [[nodiscard]] constexpr std::uint8_t loop() const noexcept {
        return static_cast<std::uint8_t>(value_ >> 56U);
    }
    [[nodiscard]] constexpr std::uint32_t slot() const noexcept {
        return static_cast<std::uint32_t>(value_ >> 32U) & max_slot;
    }
    [[nodiscard]] constexpr std::uint32_t generation() const noexcept {
        return static_cast<std::uint32_t>(value_);
    }
    [[nodiscard]] constexpr std::uint64_t value() const noexcept { return value_; }
    [[nodiscard]] static constexpr conn_id from_value(std::uint64_t value) noexcept {
        conn_id id;
        id.value_ = value;
        return id;
    }
    /// False if made by default.
    explicit constexpr operator bool() const noexcept { return value_ != 0; }

    friend constexpr auto operator<=>(conn_id, conn_id) noexcept = default;

private:
    std::uint64_t value_ = 0;
};

}  // namespace weft

template <>
struct std::hash<weft::conn_id> {
    std::size_t operator()(weft::conn_id id) const noexcept {
        return std::hash<std::uint64_t>{}(id.value());
    }
};
