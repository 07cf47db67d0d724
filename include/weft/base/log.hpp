#pragma once

#include <string_view>

namespace weft {

enum class log_level { debug, info, warning, error };

/// One thing worth telling the operator. **Lifetime**: the texts are valid during `write` only.
struct log_record {
    log_level level;
    /// "net", "http", "auth", "sse", "ws", "engineio", "socketio", "cluster" or "server".
    std::string_view layer;
    /// One sentence. Control characters are escaped. Secrets never appear.
    std::string_view message;
};

/// Where the library's log lines go. The library writes nowhere else.
/// **Threads**: every loop's thread calls `write`, several at once.
class log_sink {
public:
    virtual ~log_sink() = default;
    virtual void write(const log_record& record) noexcept = 0;
    /// Whether records of this level are made for it at all. `debug` has one per refused peer, so
    /// an attack makes many: a sink has to ask for them.
    [[nodiscard]] virtual bool wants(log_level level) const noexcept {
        return level != log_level::debug;
    }
};

/// Writes each record as one line to standard error, with the time in UTC:
/// "2026-05-04T07:08:09.123Z warning ws: ...". For programs that have no logger. If nobody reads
/// standard error any more, lines are lost and nothing else happens.
class stderr_log final : public log_sink {
public:
    /// Skips records below `least`.
    explicit stderr_log(log_level least = log_level::info) noexcept : least_(least) {}
    void write(const log_record& record) noexcept override;
    [[nodiscard]] bool wants(log_level level) const noexcept override { return level >= least_; }

private:
    log_level least_;
};

/// The log of servers and loops that are given none: a `stderr_log` at `warning`, so that a failed
/// start says why. To silence it, set their `log` to `nullptr`.
[[nodiscard]] log_sink* default_log() noexcept;

}  // namespace weft
