#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include <weft/base/metrics.hpp>

namespace weft {

/// How often each rule was broken on one loop. **Threads**: counted by one, read by any.
class violation_counters {
public:
    /// `rule`: as in `schema::violation`.
    void count(std::string_view rule) noexcept;
    [[nodiscard]] std::uint64_t read(std::string_view rule) const noexcept;
    /// One sample per rule, all named `weft_schema_violations_total`.
    void visit(metric_visitor visitor) const;

private:
    std::array<counter, 40> counts_;  // in the order of the rules, see the source
};

}  // namespace weft
