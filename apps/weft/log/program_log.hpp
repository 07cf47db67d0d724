#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <weft/base/log.hpp>
#include <weft/base/metrics.hpp>
#include <weft/base/result.hpp>
#include <weft/net/access.hpp>

namespace weft {

enum class log_format {
    automatic,  ///< Text on a terminal, else JSON.
    text,
    json,
};

struct log_options {
    log_level level = log_level::warning;
    log_format format = log_format::automatic;
    std::string file{};  ///< Appended to. Empty: standard error.
    /// Tells of each request and connection that ends, at level `info`.
    bool access = true;
    /// Lines that may wait to be written; if more come, the oldest are dropped.
    std::size_t queue = 8192;
    static constexpr std::size_t most_queue = 1'000'000;
    /// Further records of the server within a second are lost, unless the level is `debug`: what a
    /// handler throws is told each time, and a peer may make it throw. Access lines do not count.
    std::uint64_t records_per_second = 1000;

    /// **Errors**: `invalid_argument`. Says which option is wrong and what it may be.
    [[nodiscard]] result<void> check() const;
};

/// The log of the program: lines are made where something happens and written by a thread of its
/// own (spdlog). So a full disk, or a reader that has stopped, holds up nobody: lines are dropped,
/// counted, and that is told as soon as lines can be written again.
/// **Threads**: any. **Cost**: about a microsecond per line where it is made.
class program_log final : public log_sink, public access_sink {
public:
    /// **Errors**: a wrong option; the file cannot be opened.
    [[nodiscard]] static result<std::unique_ptr<program_log>> make(const log_options& options);
    /// What waits is written, for a second at most.
    ~program_log() override;
    program_log(const program_log&) = delete;
    program_log& operator=(const program_log&) = delete;

    void write(const log_record& record) noexcept override;
    [[nodiscard]] bool wants(log_level level) const noexcept override;
    void write(const access_record& record) noexcept override;
    /// A line of level `info` that is told at every level: where the program listens.
    void announce(std::string_view message) noexcept;

    /// From now on: level and access lines; the rest stays. Opens the file anew.
    void change(const log_options& options) noexcept;

    void visit_metrics(metric_visitor visitor) const;

private:
    struct impl;
    explicit program_log(std::unique_ptr<impl> made);

    std::unique_ptr<impl> impl_;
};

}  // namespace weft
