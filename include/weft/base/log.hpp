#pragma once

#include <string_view>

namespace weft {

enum class log_level { debug, info, warning, error };

/// One thing worth telling the operator. **Lifetime**: the texts are valid during `write` only.
struct log_record {
    log_level level;
    std::string_view layer;  ///< "net", "http", "ws", "engineio", "socketio" or "server".
    /// One sentence; control characters are escaped, secrets never appear.
    std::string_view message;
};

/// Where the library's log lines go. The library itself writes nowhere else.
/// **Threads**: `write` is called from every loop's thread, so it must be safe for that.
class log_sink {
public:
    virtual ~log_sink() = default;
    virtual void write(const log_record& record) noexcept = 0;
};

/// Writes each record of a level as one line to standard error: "warning ws: ...". For programs
/// that have no logger. Lines are lost, and nothing else happens, when nobody reads them any more.
class stderr_log final : public log_sink {
public:
    /// `least`: records below this level are not written.
    explicit stderr_log(log_level least = log_level::info) noexcept : least_(least) {}
    void write(const log_record& record) noexcept override;

private:
    log_level least_;
};

/// What servers and loops log to unless they are given something else: a `stderr_log` at `warning`,
/// so that a start that fails says why. To silence it, set their `log` to `nullptr`.
[[nodiscard]] log_sink* default_log() noexcept;

}  // namespace weft
