#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <weft/base/function_ref.hpp>

namespace weft {

/// A number that one thread changes and any thread may read. **Cost**: a plain load and store.
/// A counter only grows; a gauge also shrinks (`sub`).
class counter {
public:
    [[gnu::always_inline]] void add(std::uint64_t n = 1) noexcept {
        value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
    }
    void sub(std::uint64_t n = 1) noexcept {
        value_.store(value_.load(std::memory_order_relaxed) - n, std::memory_order_relaxed);
    }
    [[nodiscard]] std::uint64_t read() const noexcept {
        return value_.load(std::memory_order_relaxed);
    }

private:
    std::atomic<std::uint64_t> value_{0};
};

enum class metric_kind {
    counter,
    gauge,
    histogram,  ///< One of its samples: the name ends in `_bucket`, `_sum` or `_count`.
};

/// One number under its Prometheus name. All texts are static: no label comes from a peer.
struct metric_sample {
    std::string_view name;    ///< For example `weft_ws_closed_total`.
    std::string_view labels;  ///< Empty, or for example `code="1009"`.
    std::string_view help;
    metric_kind kind = metric_kind::counter;
    std::uint64_t value = 0;
    /// The value's parts of the unit that is told: 1'000'000'000 for nanoseconds told in seconds.
    std::uint64_t per_unit = 1;
};

/// Receives the samples of one set of counters.
using metric_visitor = function_ref<void(const metric_sample&)>;

/// Sums samples of the same name and labels (one set per loop) and writes the Prometheus text
/// format 0.0.4.
class metrics_page {
public:
    void add(const metric_sample& sample);
    [[nodiscard]] std::string text() const;

private:
    std::vector<metric_sample> samples_;
};

}  // namespace weft
