#pragma once

#include <array>

#include <weft/base/metrics.hpp>
#include <weft/socketio/error.hpp>

namespace weft::socketio {

/// How often each error happened on one loop. **Threads**: counted by one, read by any.
class error_counters {
public:
    void count(errc code) noexcept { counts_[static_cast<std::size_t>(code) - 1].add(); }
    [[nodiscard]] std::uint64_t read(errc code) const noexcept {
        return counts_[static_cast<std::size_t>(code) - 1].read();
    }
    /// One sample per error, all named `weft_socketio_errors_total`.
    void visit(metric_visitor visitor) const;

private:
    std::array<counter, errc_count> counts_;
};

}  // namespace weft::socketio
