#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace weft::json_schema {

/// Texts that a schema names, each with its number in the order in which they were added. The
/// hash is a quick one: the peer chooses what is looked up, but not what is in the table.
class name_table {
public:
    static constexpr std::uint32_t none = ~std::uint32_t{0};

    /// The number of the name, which is new or was added before.
    std::uint32_t add(std::string_view name) {
        if (const auto known = find(name); known != none) return known;
        names_.emplace_back(name);
        if (slots_.size() < 2 * names_.size()) {
            slots_.assign(std::bit_ceil(4 * names_.size()), none);
            for (std::uint32_t i = 0; i < names_.size(); ++i) insert(i);
        } else {
            insert(static_cast<std::uint32_t>(names_.size() - 1));
        }
        return static_cast<std::uint32_t>(names_.size() - 1);
    }

    [[nodiscard]] std::uint32_t find(std::string_view name) const noexcept {
        if (names_.empty()) return none;
        for (std::size_t at = slot(name);; at = (at + 1) & (slots_.size() - 1)) {
            if (slots_[at] == none || names_[slots_[at]] == name) return slots_[at];
        }
    }

    [[nodiscard]] std::size_t size() const noexcept { return names_.size(); }
    [[nodiscard]] const std::string& operator[](std::size_t number) const noexcept {
        return names_[number];
    }

private:
    /// Of the first and the last eight bytes, and of the length.
    static std::uint64_t hash(std::string_view name) noexcept {
        std::uint64_t first = 0;
        std::uint64_t last = 0;
        if (name.size() >= 8) {
            std::memcpy(&first, name.data(), 8);
            std::memcpy(&last, name.data() + name.size() - 8, 8);
        } else if (name.size() >= 4) {
            std::memcpy(&first, name.data(), 4);
            std::memcpy(&last, name.data() + name.size() - 4, 4);
        } else {
            for (const char c : name) first = first << 8U | static_cast<unsigned char>(c);
        }
        return (first ^ std::rotl(last, 23) ^ name.size()) * 0x9e3779b97f4a7c15U;
    }
    [[nodiscard]] std::size_t slot(std::string_view name) const noexcept {
        return static_cast<std::size_t>(hash(name) >> 32U) & (slots_.size() - 1);
    }
    void insert(std::uint32_t number) noexcept {
        std::size_t at = slot(names_[number]);
        while (slots_[at] != none) at = (at + 1) & (slots_.size() - 1);
        slots_[at] = number;
    }

    std::vector<std::string> names_;
    std::vector<std::uint32_t> slots_;  // at most half of them taken
};

}  // namespace weft::json_schema
