#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include <weft/base/result.hpp>

namespace weft {

/// Where lines go: standard error, or a file that is appended to.
/// **Threads**: one writes; any may call the rest.
class log_file {
public:
    /// Standard error.
    log_file() noexcept = default;
    /// **Errors**: the system's, with the path.
    [[nodiscard]] static result<log_file> open(const std::string& path);
    log_file(log_file&& other) noexcept;
    log_file& operator=(log_file&&) = delete;
    ~log_file();

    /// Whether a person may be reading.
    [[nodiscard]] bool is_terminal() const noexcept;
    /// Blocks while the reader does not read. A line that cannot be written (the disk is full, the
    /// reader has gone) is lost, and counted; the next one is tried again.
    void write(std::string_view line) noexcept;
    /// Opens the path anew before the next line: log rotation has moved the file. If that fails,
    /// the old one stays.
    void reopen() noexcept { reopen_ = true; }
    /// Nothing that cannot be written at once is waited for any more.
    void give_up() noexcept { giving_up_ = true; }

    [[nodiscard]] std::uint64_t written() const noexcept { return written_; }
    [[nodiscard]] std::uint64_t lost() const noexcept { return lost_; }

private:
    log_file(int fd, std::string path) noexcept;
    void follow_path() noexcept;
    [[nodiscard]] bool wait() const noexcept;

    int fd_ = 2;
    std::string path_;
    bool in_line_ = false;  // a line was written in part
    std::atomic<bool> reopen_{false};
    std::atomic<bool> giving_up_{false};
    std::atomic<std::uint64_t> written_{0};
    std::atomic<std::uint64_t> lost_{0};
};

}  // namespace weft
