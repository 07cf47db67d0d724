// Preloaded (LD_PRELOAD) into a server whose wall clock a test moves: the file that WEFT_WALL_CLOCK
// names has the seconds that it is ahead.

#include <cstdlib>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

namespace {

const volatile long long& ahead() {
    static const volatile long long* const seconds = [] {
        const int fd = ::open(std::getenv("WEFT_WALL_CLOCK"), O_RDONLY | O_CLOEXEC);
        return static_cast<const long long*>(
            ::mmap(nullptr, sizeof(long long), PROT_READ, MAP_SHARED, fd, 0));
    }();
    return *seconds;
}

}  // namespace

extern "C" [[gnu::visibility("default")]] int clock_gettime(clockid_t which, timespec* to) {
    const int failed = static_cast<int>(syscall(SYS_clock_gettime, which, to));
    if (failed == 0 && (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE))
        to->tv_sec += ahead();
    return failed;
}

extern "C" [[gnu::visibility("default")]] time_t time(time_t* to) {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    if (to != nullptr) *to = now.tv_sec;
    return now.tv_sec;
}
