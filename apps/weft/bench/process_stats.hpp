#pragma once

#include <cstdint>
#include <map>

#include <weft/base/result.hpp>

namespace weft::bench {

/// What the scheduler counted for a thread, in nanoseconds, not clock ticks.
struct thread_time {
    std::uint64_t running = 0;  ///< On a processor.
    std::uint64_t waiting = 0;  ///< Ready to run while something else had the processor.
};
/// By thread id.
using thread_times = std::map<int, thread_time>;

/// **Errors**: no such process, or not ours to look at.
[[nodiscard]] result<thread_times> read_thread_times(int pid);

/// What changed between two readings.
struct cpu_use {
    std::uint64_t total = 0;  ///< Running, all threads together.
    thread_time busiest{};    ///< The thread that ran and waited longest.
};
[[nodiscard]] cpu_use between(const thread_times& before, const thread_times& after) noexcept;

struct memory_use {
    std::uint64_t resident = 0;   ///< Bytes in physical memory, the program's own code included.
    std::uint64_t anonymous = 0;  ///< Of these, what the program allocated: heap and stacks.
};
/// **Errors**: as `read_thread_times`. Memory of the kernel (sockets) is not in it.
[[nodiscard]] result<memory_use> read_memory(int pid);

}  // namespace weft::bench
