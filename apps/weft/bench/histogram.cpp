// Sums and quantiles of the latency histogram. A quantile is the upper edge of its bucket, never
// above the largest value.

#include "bench/histogram.hpp"

#include <algorithm>
#include <cmath>

namespace weft::bench {

void histogram::add(const histogram& other) noexcept {
    for (std::size_t i = 0; i < buckets_.size(); ++i) buckets_[i] += other.buckets_[i];
    count_ += other.count_;
    max_ = std::max(max_, other.max_);
}

std::uint64_t histogram::quantile(double part) const noexcept {
    const double wanted = std::ceil(part * static_cast<double>(count_));
    std::uint64_t left = static_cast<std::uint64_t>(std::max(wanted, 1.0));
    for (std::size_t i = 0; i < buckets_.size(); ++i) {
        if (buckets_[i] >= left) return std::min(top_of(i), max_);
        left -= buckets_[i];
    }
    return max_;
}

}  // namespace weft::bench
