// The log sink that programs without a logger use. One write per line, so that lines of several
// threads stay whole.

#include <weft/base/log.hpp>

#include <chrono>
#include <cstddef>
#include <new>

#include <unistd.h>

#include "base/log_line.hpp"
#include "base/quiet_write.hpp"

namespace weft {

void stderr_log::write(const log_record& record) noexcept {
    if (!wants(record.level)) return;
    try {
        quiet_write(STDERR_FILENO, log_line(record, std::chrono::system_clock::now()));
    } catch (...) {  // out of memory: a log line is not worth more
    }
}

log_sink* default_log() noexcept {
    // Never destroyed: threads that outlive `main` may log.
    alignas(stderr_log) static std::byte memory[sizeof(stderr_log)];
    static stderr_log* const sink =
        ::new (static_cast<void*>(memory)) stderr_log(log_level::warning);
    return sink;
}

}  // namespace weft
