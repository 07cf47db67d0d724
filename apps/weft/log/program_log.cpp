// The program's log on spdlog, which only this file includes: it takes eight seconds to compile.
// Invariant: a thread that logs never waits for the disk or a reader. It makes the line in a buffer
// of its own, and the queue's lock is held for a move; the queue's size is fixed, so what is too
// much pushes out the oldest.

#include "log/program_log.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <future>
#include <mutex>
#include <thread>
#include <utility>

#include <signal.h>

#include <spdlog/async_logger.h>
#include <spdlog/details/thread_pool.h>
#include <spdlog/sinks/sink.h>

#include <weft/base/time.hpp>

#include "log/log_file.hpp"
#include "log/log_text.hpp"

namespace weft {
namespace {

constexpr std::chrono::seconds last_wait{1};
constexpr std::chrono::seconds between_drop_lines{10};

spdlog::level::level_enum to_spdlog(log_level level) noexcept {
    switch (level) {
        case log_level::debug: return spdlog::level::debug;
        case log_level::info: return spdlog::level::info;
        case log_level::warning: return spdlog::level::warn;
        case log_level::error: return spdlog::level::err;
    }
    return spdlog::level::err;
}

log_level from_spdlog(spdlog::level::level_enum level) noexcept {
    switch (level) {
        case spdlog::level::trace:
        case spdlog::level::debug: return log_level::debug;
        case spdlog::level::info: return log_level::info;
        case spdlog::level::warn: return log_level::warning;
        default: return log_level::error;
    }
}

/// While it is there, a new thread begins with all signals blocked: they are for the threads of the
/// server, and could come before the new one has said so; and a reader that has gone is an error
/// like others.
class no_signals {
public:
    no_signals() noexcept {
        sigset_t all;
        sigfillset(&all);
        ::pthread_sigmask(SIG_SETMASK, &all, &before_);
    }
    ~no_signals() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
    no_signals(const no_signals&) = delete;
    no_signals& operator=(const no_signals&) = delete;

private:
    sigset_t before_;
};

/// Lines that did not get as far as the queue.
struct never_queued {
    std::atomic<std::uint64_t> too_many{0};  // in a second
    std::atomic<std::uint64_t> failed{0};    // for want of memory
};

/// Puts time and level before what a line says. **Threads**: the log's own.
class line_sink final : public spdlog::sinks::sink {
public:
    line_sink(log_file file, log_form form, std::shared_ptr<const never_queued> missing)
        : file_(std::move(file)), form_(form), missing_(std::move(missing)) {}

    void log(const spdlog::details::log_msg& what) override {
        if (std::chrono::steady_clock::now() >= next_look_) look_for_drops(what.time);
        line_.clear();
        start_.append(line_, what.time, from_spdlog(what.level), form_);
        line_.append(what.payload.data(), what.payload.size()).append(line_end(form_));
        file_.write(line_);
    }
    void flush() override {}
    void set_pattern(const std::string&) override {}
    void set_formatter(std::unique_ptr<spdlog::formatter>) override {}

    /// Before anything is logged: who counts what did not fit.
    void set_pool(spdlog::details::thread_pool& pool) noexcept { pool_ = &pool; }
    [[nodiscard]] log_file& file() noexcept { return file_; }

private:
    void look_for_drops(std::chrono::system_clock::time_point now) {
        next_look_ = later(std::chrono::steady_clock::now(), between_drop_lines);
        const std::uint64_t dropped =
            pool_->overrun_counter() + file_.lost() + missing_->too_many + missing_->failed;
        if (dropped == std::exchange(told_, dropped)) return;
        const std::string said =
            std::to_string(dropped) +
            " lines of the log are lost so far: weft_log_lost_lines_total says why";
        line_.clear();
        start_.append(line_, now, log_level::warning, form_);
        append_record(line_, log_record{log_level::warning, "log", said}, form_);
        file_.write(line_.append(line_end(form_)));
    }

    log_file file_;
    const log_form form_;
    const std::shared_ptr<const never_queued> missing_;
    spdlog::details::thread_pool* pool_ = nullptr;  // runs this, so it is there
    line_start start_;
    std::string line_;
    time_point next_look_{};
    std::uint64_t told_ = 0;
};

}  // namespace

struct program_log::impl {
    impl(const log_options& options, log_file file, log_form f)
        : form(f),
          level(options.level),
          access(options.access),
          queue(options.queue),
          records_per_second(options.records_per_second),
          lines(std::make_shared<line_sink>(std::move(file), f, missing)) {}

    /// The thread begins with the first line: a process whose only thread is its loop has cheaper
    /// system calls.
    void begin() {
        {
            const no_signals meanwhile;
            pool = std::make_shared<spdlog::details::thread_pool>(queue, 1);
        }
        lines->set_pool(*pool);
        logger = std::make_shared<spdlog::async_logger>(
            "weft", lines, pool, spdlog::async_overflow_policy::overrun_oldest);
        logger->set_level(spdlog::level::trace);
        // Its own would write to standard error, and wait there.
        logger->set_error_handler([missing = missing](const std::string&) { ++missing->failed; });
        writing = true;
    }

    template <class Record>
    void write(const Record& record, log_level at) noexcept {
        try {
            std::call_once(begun, [this] { begin(); });
            thread_local std::string line;
            line.clear();
            append_record(line, record, form);
            ++made;
            logger->log(to_spdlog(at), line);
        } catch (...) {  // no memory for a line
            ++missing->failed;
        }
    }

    /// Whether one more record of this second may be told.
    [[nodiscard]] bool has_room() noexcept {
        if (level.load(std::memory_order_relaxed) == log_level::debug) return true;
        const auto now = std::chrono::steady_clock::now().time_since_epoch();
        const auto present = std::chrono::floor<std::chrono::seconds>(now).count();
        if (second.exchange(present, std::memory_order_relaxed) != present) in_second = 0;
        if (in_second.fetch_add(1, std::memory_order_relaxed) < records_per_second) return true;
        ++missing->too_many;
        return false;
    }

    const log_form form;
    std::atomic<log_level> level;
    std::atomic<bool> access;
    std::atomic<std::uint64_t> made{0};
    const std::size_t queue;
    const std::uint64_t records_per_second;
    std::atomic<std::int64_t> second{0};
    std::atomic<std::uint64_t> in_second{0};
    const std::shared_ptr<never_queued> missing = std::make_shared<never_queued>();
    std::shared_ptr<line_sink> lines;
    std::once_flag begun;
    std::atomic<bool> writing{false};  // the two below are there
    std::shared_ptr<spdlog::details::thread_pool> pool;
    std::shared_ptr<spdlog::async_logger> logger;
};

result<void> log_options::check() const {
    if (records_per_second == 0)
        return error(errc::invalid_argument, "log_options::records_per_second must not be 0");
    if (queue == 0 || queue > most_queue)
        return error(errc::invalid_argument,
                     "log_options::queue must be from 1 to " + std::to_string(most_queue));
    return {};
}

result<std::unique_ptr<program_log>> program_log::make(const log_options& options) {
    if (auto right = options.check(); !right) return right.error();
    auto file = options.file.empty() ? result<log_file>(log_file()) : log_file::open(options.file);
    if (!file) return file.error();
    const bool for_people = options.format == log_format::text ||
                            (options.format == log_format::automatic && file->is_terminal());
    return std::unique_ptr<program_log>(new program_log(std::make_unique<impl>(
        options, *std::move(file), for_people ? log_form::text : log_form::json)));
}

program_log::program_log(std::unique_ptr<impl> made) : impl_(std::move(made)) {}

/// The thread may be in a write that never returns. Then it is left to the end of the process,
/// with all that it uses.
program_log::~program_log() {
    if (!impl_->writing) return;
    try {
        std::promise<void> written;
        const std::future<void> done = written.get_future();
        std::thread waiting([pool = std::move(impl_->pool), lines = impl_->lines,
                             logger = impl_->logger, written = std::move(written)]() mutable {
            pool.reset();  // when all is written
            written.set_value();
        });
        if (done.wait_for(last_wait) == std::future_status::ready) {
            waiting.join();
        } else {
            impl_->lines->file().give_up();
            waiting.detach();
        }
    } catch (const std::exception&) {  // no thread to wait in
        impl_->lines->file().give_up();
    }
}

void program_log::write(const log_record& record) noexcept {
    if (wants(record.level) && impl_->has_room()) impl_->write(record, record.level);
}

bool program_log::wants(log_level level) const noexcept {
    return level >= impl_->level.load(std::memory_order_relaxed);
}

void program_log::write(const access_record& record) noexcept {
    if (impl_->access.load(std::memory_order_relaxed) && wants(log_level::info))
        impl_->write(record, log_level::info);
}

void program_log::announce(std::string_view message) noexcept {
    impl_->write(log_record{log_level::info, "server", message}, log_level::info);
}

void program_log::change(const log_options& options) noexcept {
    impl_->level = options.level;
    impl_->access = options.access;
    impl_->lines->file().reopen();
}

void program_log::visit_metrics(metric_visitor visitor) const {
    visitor(
        {"weft_log_lines_total", {}, "Lines made for the log.", metric_kind::counter, impl_->made});
    constexpr std::string_view lost = "weft_log_lost_lines_total";
    constexpr std::string_view help =
        "Lines of the log that were lost: too many in a second, too many in the queue, or they "
        "could not be written.";
    visitor({lost, R"(why="rate")", help, metric_kind::counter, impl_->missing->too_many});
    visitor({lost, R"(why="queue")", help, metric_kind::counter,
             (impl_->writing ? impl_->pool->overrun_counter() : 0) + impl_->missing->failed});
    visitor({lost, R"(why="write")", help, metric_kind::counter, impl_->lines->file().lost()});
}

}  // namespace weft
