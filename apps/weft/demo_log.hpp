#pragma once

#include <cstddef>
#include <deque>
#include <mutex>
#include <string>

#include <weft/base/json_writer.hpp>
#include <weft/base/log.hpp>

namespace weft {

/// The log of the demo: standard error, and the last lines about the page on security for that
/// page to show. **Threads**: any.
class demo_log final : public log_sink {
public:
    explicit demo_log(log_level least) noexcept : errors_(least) {}

    void write(const log_record& record) noexcept override;
    /// Each single refusal, too: the page shows what its visitor has just done.
    [[nodiscard]] bool wants(log_level /*level*/) const noexcept override { return true; }

    /// An array of the lines, oldest first: `{"level","layer","text"}`. Addresses of other machines
    /// are not in them.
    void write_lines(json_writer& json) const;

private:
    static constexpr std::size_t most_lines = 100;

    struct line {
        log_level level;
        std::string layer, text;
    };

    stderr_log errors_;
    mutable std::mutex mutex_;
    std::deque<line> lines_;
};

}  // namespace weft
