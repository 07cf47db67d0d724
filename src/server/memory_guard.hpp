#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include <weft/base/metrics.hpp>

#include "base/byte_budget.hpp"
#include "net/conn_table.hpp"
#include "net/loop_core.hpp"
#include "ws/connection_core.hpp"

namespace weft {

/// Keeps the process within its memory limit, on one loop: while the limit is exceeded it accepts
/// nobody, closes the connections that the most waits for, those whose peers do not read, and has
/// each `byte_holder` let go of as much as must be.
/// **Threads**: the loop's, but for `wake`. **Lifetime**: outlives the budgets it watches.
class memory_guard {
public:
    memory_guard(ws::connection_shared& shared, memory_account& process) noexcept
        : loop_(shared.loop), connections_(shared.connections), process_(process) {}
    memory_guard(const memory_guard&) = delete;
    memory_guard& operator=(const memory_guard&) = delete;

    /// The guards of all loops, this one included: what one finds, all must act upon. Before the
    /// loops run.
    void set_all(std::vector<memory_guard*> all) noexcept { all_ = std::move(all); }
    /// Makes a budget of this loop a part of the process' account.
    void watch(byte_budget& budget);

    [[nodiscard]] bool may_accept() noexcept;
    void visit_metrics(metric_visitor visitor) const;

private:
    void on_excess() noexcept;
    /// Has `shed` run soon. **Threads**: any.
    void wake() noexcept;
    void shed();
    void give_up_the_largest(std::uint64_t wanted);

    net::loop_core& loop_;
    const net::conn_table<ws::connection_core>& connections_;
    memory_account& process_;
    std::vector<memory_guard*> all_;
    std::atomic<bool> awake_{false};
    counter given_up_, refusals_;
};

}  // namespace weft
