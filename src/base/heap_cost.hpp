#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

namespace weft {

/// What a block of `size` bytes takes from the heap, the allocator's share included: as glibc's
/// malloc rounds.
[[nodiscard]] constexpr std::size_t heap_cost(std::size_t size) noexcept {
    constexpr std::size_t header = 8, step = 16, least = 32;
    return std::max(least, (size + header + step - 1) / step * step);
}

/// What an object takes that is made with `new`.
template <class T>
inline constexpr std::size_t heap_cost_of = heap_cost(sizeof(T));

/// What a text takes beside itself: nothing when it is short.
[[nodiscard]] inline std::size_t heap_cost(const std::string& text) noexcept {
    static const std::size_t inside = std::string().capacity();
    return text.capacity() <= inside ? 0 : heap_cost(text.capacity() + 1);
}

/// What the block of a vector takes, without what its elements own.
template <class T>
[[nodiscard]] std::size_t heap_cost(const std::vector<T>& all) noexcept {
    // NOLINTNEXTLINE(bugprone-sizeof-expression): a vector of pointers holds pointers
    return all.capacity() == 0 ? 0 : heap_cost(all.capacity() * sizeof(T));
}

}  // namespace weft
