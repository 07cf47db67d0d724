#pragma once

// Where a simulation's choices come from: a seed, or the bytes of a fuzzer.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace weft::simulation {

/// A source of numbers. With a seed it never ends (SplitMix64, so that every library and compiler
/// draws the same). With bytes each choice takes one byte or two; when they are used up, it is
/// `spent` and every choice is 0.
class choices {
public:
    explicit choices(std::uint64_t seed) noexcept : state_(seed) {}
    explicit choices(std::string_view bytes) noexcept : bytes_(bytes), scripted_(true) {}

    [[nodiscard]] bool scripted() const noexcept { return scripted_; }
    [[nodiscard]] bool spent() const noexcept { return scripted_ && bytes_.empty(); }
    /// 0 to `n` - 1.
    std::size_t below(std::size_t n) noexcept {
        if (n <= 1) return 0;
        if (!scripted_) return static_cast<std::size_t>(draw() % n);
        const std::size_t high = n > 256 ? byte() : 0;
        return (high << 8U | byte()) % n;
    }
    std::size_t between(std::size_t least, std::size_t most) noexcept {
        return least + below(most - least + 1);
    }
    /// Not for a script that is spent.
    bool one_in(std::size_t n) noexcept { return below(n) == n - 1; }
    /// Any bytes.
    std::string bytes(std::size_t count) {
        std::string out;
        while (out.size() < count && !spent()) out += static_cast<char>(below(256));
        return out;
    }
    /// Most are small, some are large, and few are near `most`.
    std::size_t size(std::size_t most) noexcept {
        const std::size_t bits = below(14);
        const std::size_t size = below(std::size_t{1} << bits);
        if (one_in(64)) return most - below(3);
        return size < most ? size : most;
    }

private:
    std::uint64_t draw() noexcept {
        std::uint64_t z = (state_ += 0x9E3779B97F4A7C15ULL);
        z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9ULL;
        z = (z ^ (z >> 27U)) * 0x94D049BB133111EBULL;
        return z ^ (z >> 31U);
    }
    std::size_t byte() noexcept {
        if (bytes_.empty()) return 0;
        const auto first = static_cast<unsigned char>(bytes_.front());
        bytes_.remove_prefix(1);
        return first;
    }

    std::uint64_t state_ = 0;
    std::string_view bytes_;
    bool scripted_ = false;
};

}  // namespace weft::simulation
