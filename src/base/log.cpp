// The log sink that programs without a logger use. One write per line, so that lines of several
// threads stay whole.

#include <weft/base/log.hpp>

#include <array>
#include <cstddef>
#include <new>
#include <string>

#include <unistd.h>

#include "base/quiet_write.hpp"

namespace weft {

void stderr_log::write(const log_record& record) noexcept {
    if (record.level < least_) return;
    constexpr std::array<std::string_view, 4> names{"debug", "info", "warning", "error"};
    try {
        std::string line;
        line.append(names[static_cast<std::size_t>(record.level)])
            .append(" ")
            .append(record.layer)
            .append(": ");
        for (const char c : record.message)
            line.push_back(static_cast<unsigned char>(c) < 0x20 ? '?' : c);
        line.push_back('\n');
        quiet_write(STDERR_FILENO, line);
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
