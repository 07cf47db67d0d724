#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <weft/base/metrics.hpp>
#include <weft/base/time.hpp>

namespace weft {

/// The upper bound of one of a histogram's buckets, and how it is told.
struct histogram_bound {
    std::uint64_t most;
    std::string_view label;
};

/// How a histogram is told. All texts are static.
struct histogram_name {
    std::string_view bucket;  ///< `x_bucket`, and so on.
    std::string_view sum;
    std::string_view count;
    std::string_view help;
    std::uint64_t per_unit = 1;  ///< As in `metric_sample`.
};

/// Counts values between fixed bounds, so that the number of series never changes.
/// **Threads**: one adds, any reads. **Cost**: a search among the bounds.
template <const auto& Bounds>
class histogram {
public:
    void add(std::uint64_t value) noexcept {
        const auto* const found =
            std::lower_bound(Bounds.begin(), Bounds.end(), value,
                             [](const histogram_bound& b, std::uint64_t v) { return b.most < v; });
        counts_[static_cast<std::size_t>(found - Bounds.begin())].add();
        sum_.add(value);
    }
    void visit(metric_visitor visitor, const histogram_name& name) const {
        constexpr auto kind = metric_kind::histogram;
        std::uint64_t up_to = 0;
        for (std::size_t i = 0; i < Bounds.size(); ++i) {
            up_to += counts_[i].read();
            visitor({name.bucket, Bounds[i].label, name.help, kind, up_to});
        }
        up_to += counts_.back().read();
        visitor({name.bucket, R"(le="+Inf")", name.help, kind, up_to});
        visitor({name.sum, {}, name.help, kind, sum_.read(), name.per_unit});
        visitor({name.count, {}, name.help, kind, up_to});
    }

private:
    std::array<counter, Bounds.size() + 1> counts_;
    counter sum_;
};

/// **Units**: nanoseconds.
inline constexpr std::array<histogram_bound, 14> time_bounds{{
    {1'000, R"(le="1e-06")"},
    {5'000, R"(le="5e-06")"},
    {10'000, R"(le="1e-05")"},
    {50'000, R"(le="5e-05")"},
    {100'000, R"(le="0.0001")"},
    {500'000, R"(le="0.0005")"},
    {1'000'000, R"(le="0.001")"},
    {5'000'000, R"(le="0.005")"},
    {10'000'000, R"(le="0.01")"},
    {50'000'000, R"(le="0.05")"},
    {100'000'000, R"(le="0.1")"},
    {500'000'000, R"(le="0.5")"},
    {1'000'000'000, R"(le="1")"},
    {5'000'000'000, R"(le="5")"},
}};

/// **Units**: bytes.
inline constexpr std::array<histogram_bound, 8> size_bounds{{
    {1 << 10, R"(le="1024")"},
    {1 << 12, R"(le="4096")"},
    {1 << 14, R"(le="16384")"},
    {1 << 16, R"(le="65536")"},
    {1 << 18, R"(le="262144")"},
    {1 << 20, R"(le="1048576")"},
    {1 << 22, R"(le="4194304")"},
    {1 << 24, R"(le="16777216")"},
}};

using size_histogram = histogram<size_bounds>;

/// Of durations, told in seconds.
class time_histogram : private histogram<time_bounds> {
public:
    void add(duration took) noexcept {
        histogram::add(static_cast<std::uint64_t>(
            std::max<std::chrono::nanoseconds::rep>(std::chrono::nanoseconds(took).count(), 0)));
    }
    void visit(metric_visitor visitor, histogram_name name) const {
        name.per_unit = 1'000'000'000;
        histogram::visit(visitor, name);
    }
};

}  // namespace weft
