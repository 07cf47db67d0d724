#pragma once

#include <atomic>

#include <weft/base/log.hpp>

namespace weft {

/// Standard error, from a level on that can change. **Threads**: any.
class leveled_log final : public log_sink {
public:
    explicit leveled_log(log_level least) noexcept : least_(least) {}
    void change(log_level least) noexcept { least_.store(least, std::memory_order_relaxed); }
    void write(const log_record& record) noexcept override {
        if (wants(record.level)) out_.write(record);
    }
    [[nodiscard]] bool wants(log_level level) const noexcept override {
        return level >= least_.load(std::memory_order_relaxed);
    }

private:
    stderr_log out_{log_level::debug};
    std::atomic<log_level> least_;
};

}  // namespace weft
