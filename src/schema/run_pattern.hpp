#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace weft::json_schema {

/// A pattern of the commonest shape, `^[A-Z]{3,12}-\d+$`: runs of ASCII characters from the
/// beginning to the end, where each character tells which run it belongs to. **Cost**: a table
/// look-up for each character; see order_of_ten_rules in bench/micro/schema_bench.cpp.
class run_pattern {
public:
    /// Nothing if the pattern, which must be valid, has another shape.
    [[nodiscard]] static std::optional<run_pattern> make(std::string_view ecma);

    [[nodiscard]] bool matches(std::string_view text) const noexcept;

private:
    class parser;
    struct run {
        std::array<std::uint64_t, 2> set{};  // of ASCII characters
        std::size_t least = 1;
        std::size_t most = 1;
    };

    [[nodiscard]] bool decides_at_once() const noexcept;

    std::vector<run> runs_{};
};

}  // namespace weft::json_schema
