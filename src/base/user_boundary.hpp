#pragma once

#include <exception>
#include <string>
#include <string_view>
#include <utility>

#include <weft/base/function_ref.hpp>
#include <weft/base/log.hpp>
#include <weft/base/metrics.hpp>
#include <weft/base/time.hpp>
#include <weft/base/unique_function.hpp>

namespace weft {

/// Where user code was called. Told in a log line, with what is known of it.
struct user_place {
    std::string_view callback;  ///< What it is registered as: "on_message", "a middleware".
    std::string_view event{};   ///< The event's name.
    std::string_view route{};   ///< The route's pattern, or the path of the request.
    std::string_view nsp{};     ///< The namespace.
    std::string peer{};         ///< The peer's address.
};

/// Finds the callback that takes most of a loop's time, while the loop wants to know. One per loop,
/// for the boundaries of all layers. A callback's time is what has passed since the last one ended,
/// or the turn began.
/// **Threads**: the loop's. **Cost**: one look per callback; a reading of the clock for each while
/// it is on.
class callback_watch {
public:
    explicit callback_watch(unique_function<time_point()> clock) : clock_(std::move(clock)) {}
    callback_watch(const callback_watch&) = delete;
    callback_watch& operator=(const callback_watch&) = delete;

    /// From now on callbacks of at least `least` are noted.
    void start(duration least) noexcept;
    void stop() noexcept { on_ = false; }
    [[nodiscard]] bool on() const noexcept { return on_; }

    void turn_began(time_point now) noexcept { counted_to_ = now; }
    [[gnu::cold]] void callback_ended(function_ref<user_place()> place) noexcept;

    struct finding {
        duration took{};
        std::string place;
    };
    /// The longest since this was last asked; its place is empty when there is none.
    finding take() noexcept;

private:
    unique_function<time_point()> clock_;
    time_point counted_to_{};
    duration least_{};
    finding longest_;
    bool on_ = false;
};

/// The one border to user code: what a handler, a set-up function, an adapter or a predicate throws
/// is caught here, counted, and logged with its place, and the loop's `callback_watch` sees how
/// long it takes. Each layer has one per loop.
/// **Threads**: the loop's. **Lifetime**: the log, the counter and the watch outlive it. **Cost**:
/// nothing unless something is thrown or watched: places are functions, called then.
class user_boundary {
public:
    user_boundary(std::string_view layer, log_sink* log, counter& thrown,
                  callback_watch& watch) noexcept
        : layer_(layer), log_(log), thrown_(thrown), watch_(watch) {}

    /// Runs `code`; false when it threw. `place()` makes the `user_place`. What it captures by
    /// value costs nothing until it is called: only the copies made here have to be in memory.
    template <class F, class Place>
    bool call(F&& code, const Place& place) noexcept {
        try {
            std::forward<F>(code)();
        } catch (...) {
            report(std::current_exception(), Place(place));
            return false;
        }
        if (watch_.on()) [[unlikely]]
            watch_.callback_ended(Place(place));
        return true;
    }
    /// For what was thrown elsewhere: in a coroutine, or where more than one thing must follow.
    [[gnu::cold]] void report(const std::exception_ptr& thrown,
                              function_ref<user_place()> place) noexcept;

private:
    std::string_view layer_;
    log_sink* log_;
    counter& thrown_;
    callback_watch& watch_;
};

/// The same for code that no loop runs: logs, and does not count.
[[gnu::cold]] void log_exception(log_sink* log, std::string_view layer,
                                 const std::exception_ptr& thrown,
                                 function_ref<user_place()> place) noexcept;

/// "a handler of event 'chat' in namespace '/' for 127.0.0.1:4000", without control characters.
[[nodiscard]] std::string describe(const user_place& place);

}  // namespace weft
