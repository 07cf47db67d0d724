#pragma once

#include <string_view>

namespace weft {

enum class log_level { debug, info, warning, error };

/// One thing worth telling the operator. **Lifetime**: the texts are valid during `write` only.
struct log_record {
    log_level level;
    std::string_view layer;  ///< "net", "http", "ws", "server"
    std::string_view
        message;  ///< One sentence; control characters are escaped, secrets never appear.
};

/// Where the library's log lines go. The library prints nothing itself: without a sink they are
/// dropped.
/// **Threads**: `write` is called from every loop's thread, so it must be safe for that.
class log_sink {
public:
    virtual ~log_sink() = default;
    virtual void write(const log_record& record) noexcept = 0;
};

/// Writes each record as one line to standard error: "warning ws: ...". For programs that have no
/// logger.
class stderr_log final : public log_sink {
public:
    explicit stderr_log(log_level least = log_level::info) noexcept : least_(least) {}
    void write(const log_record& record) noexcept override;

private:
    log_level least_;
};

}  // namespace weft
