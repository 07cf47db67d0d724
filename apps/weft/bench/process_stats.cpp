// Reads /proc: time on the processor from task/*/schedstat, memory from smaps_rollup.

#include "bench/process_stats.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <string>

namespace weft::bench {
namespace {

error unreadable(int pid) {
    return error(errc::invalid_argument,
                 "--server-pid " + std::to_string(pid) +
                     " cannot be looked at; give the pid of a server on this machine that runs "
                     "under your user");
}

}  // namespace

result<thread_times> read_thread_times(int pid) {
    namespace fs = std::filesystem;
    thread_times times;
    std::error_code why;
    const fs::path tasks = "/proc/" + std::to_string(pid) + "/task";
    for (fs::directory_iterator task(tasks, why), end; !why && task != end; task.increment(why)) {
        const std::string name = task->path().filename();
        int thread = 0;
        std::from_chars(name.data(), name.data() + name.size(), thread);
        thread_time time;
        if (std::ifstream(task->path() / "schedstat") >> time.running >> time.waiting) {
            times[thread] = time;
        }
    }
    if (times.empty()) return unreadable(pid);
    return times;
}

cpu_use between(const thread_times& before, const thread_times& after) noexcept {
    cpu_use used;
    for (const auto& [thread, now] : after) {
        const auto earlier = before.find(thread);
        thread_time spent = now;
        if (earlier != before.end()) {
            spent.running -= earlier->second.running;
            spent.waiting -= earlier->second.waiting;
        }
        used.total += spent.running;
        if (spent.running + spent.waiting > used.busiest.running + used.busiest.waiting) {
            used.busiest = spent;
        }
    }
    return used;
}

result<memory_use> read_memory(int pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/smaps_rollup");
    memory_use found;
    std::string word;
    while (file >> word) {
        std::uint64_t* const into = word == "Rss:"         ? &found.resident
                                    : word == "Anonymous:" ? &found.anonymous
                                                           : nullptr;
        if (into != nullptr && file >> *into) *into *= 1024;
    }
    if (found.resident == 0) return unreadable(pid);
    return found;
}

}  // namespace weft::bench
