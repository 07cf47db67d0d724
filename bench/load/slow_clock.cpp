// Preloaded (LD_PRELOAD) under callgrind by compare_builds.py: there a program runs some fifty
// times slower than its clock, so that a loop would think of each turn that it takes long and cut
// it off. Here the monotonic clock is as slow as the program.

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

extern "C" [[gnu::visibility("default")]] int clock_gettime(clockid_t which, timespec* to) {
    constexpr long long slower = 50;
    constexpr long long second = 1'000'000'000;
    const int failed = static_cast<int>(syscall(SYS_clock_gettime, which, to));
    if (failed != 0 || which != CLOCK_MONOTONIC) return failed;
    const long long slow = (to->tv_sec * second + to->tv_nsec) / slower;
    *to = {slow / second, slow % second};
    return 0;
}
