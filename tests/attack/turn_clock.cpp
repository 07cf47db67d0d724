// Measures the stall of a program's event loops from outside: preloaded (LD_PRELOAD), it stands
// before epoll_wait and plays a timer of one millisecond. Each time that timer could run, the
// processor time that the thread has used since it last ran goes into a histogram. It is processor
// time, so what other programs do on the machine does not count.
//
// The histogram is the file that WEFT_TURN_CLOCK names: `longest` in nanoseconds, then the buckets,
// 64 bits each, as stalls.py reads them. A thread only ever adds.

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>

namespace {

constexpr std::uint64_t bucket_width = 50'000;  // nanoseconds
constexpr std::uint64_t period = 1'000'000;
constexpr std::size_t bucket_count = 20'000;

struct histogram {
    std::atomic<std::uint64_t> longest;
    std::atomic<std::uint64_t> buckets[bucket_count];
};

std::uint64_t now(clockid_t clock) {
    timespec time{};
    clock_gettime(clock, &time);
    return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 +
           static_cast<std::uint64_t>(time.tv_nsec);
}

histogram* map_file() {
    const char* path = std::getenv("WEFT_TURN_CLOCK");
    const int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0 || ftruncate(fd, sizeof(histogram)) != 0) return nullptr;
    void* at = mmap(nullptr, sizeof(histogram), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    return at == MAP_FAILED ? nullptr : static_cast<histogram*>(at);
}

void timer_could_run() {
    static histogram* const to = map_file();
    thread_local std::uint64_t due = 0;
    thread_local std::uint64_t used = 0;
    if (!to) return;
    const auto at = now(CLOCK_MONOTONIC);
    if (at < due) return;
    const auto total = now(CLOCK_THREAD_CPUTIME_ID);
    if (due != 0) {
        const auto stall = total - used;
        to->buckets[std::min<std::size_t>(stall / bucket_width, bucket_count - 1)].fetch_add(
            1, std::memory_order_relaxed);
        if (stall > to->longest.load(std::memory_order_relaxed))
            to->longest.store(stall, std::memory_order_relaxed);
    }
    used = total;
    due = at + period;
}

}  // namespace

extern "C" [[gnu::visibility("default")]] int epoll_wait(int fd, epoll_event* events, int most,
                                                         int timeout) {
    static const auto real =
        reinterpret_cast<decltype(&epoll_wait)>(dlsym(RTLD_NEXT, "epoll_wait"));
    const int count = real(fd, events, most, timeout);
    timer_could_run();
    return count;
}
