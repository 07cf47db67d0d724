#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <weft/base/time.hpp>

namespace weft {

/// The service manager that started this process, if one listens at NOTIFY_SOCKET.
/// **Threads**: any, once made. **See** sd_notify(3).
class notify_socket {
public:
    /// As the environment says, which children do not inherit. Before other threads begin.
    static notify_socket of_environment();
    notify_socket() = default;
    notify_socket(notify_socket&& other) noexcept;
    notify_socket& operator=(notify_socket&&) = delete;
    ~notify_socket();

    [[nodiscard]] explicit operator bool() const noexcept { return fd_ >= 0; }
    /// Tells lines such as `READY=1`; nothing when nobody listens. Never waits.
    void tell(std::string_view lines) const noexcept;
    /// Tells that a reload has begun and, when what this returns goes, that it is over.
    class [[nodiscard]] reload {
    public:
        explicit reload(const notify_socket& teller) noexcept : teller_(teller) {}
        reload(const reload&) = delete;
        reload& operator=(const reload&) = delete;
        ~reload() { teller_.tell("READY=1"); }

    private:
        const notify_socket& teller_;
    };
    reload tell_reload() const;
    /// How often it wants to hear `WATCHDOG=1` at the least.
    [[nodiscard]] std::optional<duration> watchdog() const noexcept { return watchdog_; }

private:
    int fd_ = -1;
    std::string path_;  // an abstract one begins with a zero byte
    std::optional<duration> watchdog_;
};

}  // namespace weft
