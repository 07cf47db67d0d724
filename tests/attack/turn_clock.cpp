// Measures the stall of a program's event loops from outside: preloaded (LD_PRELOAD), it stands
// before epoll_wait and epoll_pwait2 and plays a timer of one millisecond. Each time that timer
// could run, the processor time that the thread has used since it last ran goes into a histogram.
// It is processor time, so what other programs do on the machine does not count.
//
// Besides it notes when a thread that could run had to wait for the processor, so that what the
// clients measure on the clock can be told from what else the machine does.
//
// Both are in the file that WEFT_TURN_CLOCK names, as arena.py reads it. The program has one loop.

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

constexpr std::size_t wait_count = 20'000;
constexpr std::uint64_t noticed_wait = 500'000;

struct record {
    std::atomic<std::uint64_t> longest;
    std::atomic<std::uint64_t> buckets[bucket_count];
    std::atomic<std::uint64_t> waits;  // how many there are below
    struct {
        std::uint64_t end, length;
    } wait[wait_count];
};

std::uint64_t now(clockid_t clock) {
    timespec time{};
    clock_gettime(clock, &time);
    return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 +
           static_cast<std::uint64_t>(time.tv_nsec);
}

record* map_file() {
    const char* path = std::getenv("WEFT_TURN_CLOCK");
    const int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0 || ftruncate(fd, sizeof(record)) != 0) return nullptr;
    void* at = mmap(nullptr, sizeof(record), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    return at == MAP_FAILED ? nullptr : static_cast<record*>(at);
}

/// How long this thread has waited for a processor while it could run, ever.
std::uint64_t waited_so_far() {
    thread_local const int fd = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
    char text[100]{};
    if (fd < 0 || pread(fd, text, sizeof text - 1, 0) <= 0) return 0;
    char* second = nullptr;
    std::strtoull(text, &second, 10);
    return std::strtoull(second, nullptr, 10);
}

/// More time has gone by than was used: did the thread wait for a processor?
void note_wait(record& to, std::uint64_t at) {
    thread_local std::uint64_t before = 0;
    const auto total = waited_so_far();
    const auto length = total - before;
    before = total;
    const auto index = to.waits.load(std::memory_order_relaxed);
    if (length < noticed_wait || index == wait_count) return;
    to.wait[index] = {at, length};
    to.waits.store(index + 1, std::memory_order_release);
}

void timer_could_run(record& to, std::uint64_t at, std::uint64_t used) {
    thread_local std::uint64_t due = 0;
    thread_local std::uint64_t used_before = 0;
    if (at < due) return;
    if (due != 0) {
        const auto stall = used - used_before;
        to.buckets[std::min<std::size_t>(stall / bucket_width, bucket_count - 1)].fetch_add(
            1, std::memory_order_relaxed);
        if (stall > to.longest.load(std::memory_order_relaxed))
            to.longest.store(stall, std::memory_order_relaxed);
    }
    used_before = used;
    due = at + period;
}

/// `wait` between two looks at the clocks.
template <typename Wait>
int wait_between_looks(Wait wait) {
    static record* const to = map_file();
    if (!to) return wait();
    thread_local std::uint64_t then = 0;
    thread_local std::uint64_t used_then = 0;
    const auto look = [&] {
        const auto at = now(CLOCK_MONOTONIC);
        const auto used = now(CLOCK_THREAD_CPUTIME_ID);
        if (at - then > used - used_then + noticed_wait) note_wait(*to, at);
        then = at;
        used_then = used;
    };
    look();
    const int count = wait();
    look();
    timer_could_run(*to, then, used_then);
    return count;
}

}  // namespace

extern "C" [[gnu::visibility("default")]] int epoll_wait(int fd, epoll_event* events, int most,
                                                         int timeout) {
    static const auto real =
        reinterpret_cast<decltype(&epoll_wait)>(dlsym(RTLD_NEXT, "epoll_wait"));
    return wait_between_looks([&] { return real(fd, events, most, timeout); });
}

extern "C" [[gnu::visibility("default")]] int epoll_pwait2(int fd, epoll_event* events, int most,
                                                           const timespec* timeout,
                                                           const sigset_t* signals) {
    static const auto real =
        reinterpret_cast<decltype(&epoll_pwait2)>(dlsym(RTLD_NEXT, "epoll_pwait2"));
    return wait_between_looks([&] { return real(fd, events, most, timeout, signals); });
}
