#pragma once

#include <exception>
#include <string>
#include <string_view>
#include <utility>

#include <weft/base/function_ref.hpp>
#include <weft/base/log.hpp>
#include <weft/base/metrics.hpp>

namespace weft {

/// Where user code was called. Told in a log line, with what is known of it.
struct user_place {
    std::string_view callback;  ///< What it is registered as: "on_message", "a middleware".
    std::string_view event{};   ///< The event's name.
    std::string_view route{};   ///< The route's pattern, or the path of the request.
    std::string_view nsp{};     ///< The namespace.
    std::string peer{};         ///< The peer's address.
};

/// The one border to user code: what a handler, a set-up function, an adapter or a predicate throws
/// is caught here, counted, and logged with its place. Each layer has one per loop.
/// **Threads**: the loop's. **Lifetime**: the log and the counter outlive it. **Cost**: nothing
/// unless something is thrown: places are functions, called then.
class user_boundary {
public:
    user_boundary(std::string_view layer, log_sink* log, counter& thrown) noexcept
        : layer_(layer), log_(log), thrown_(thrown) {}

    /// Runs `code`; false when it threw. `place()` makes the `user_place`.
    template <class F, class Place>
    bool call(F&& code, const Place& place) noexcept {
        try {
            std::forward<F>(code)();
            return true;
        } catch (...) {
            report(std::current_exception(), place);
            return false;
        }
    }
    /// For what was thrown elsewhere: in a coroutine, or where more than one thing must follow.
    [[gnu::cold]] void report(const std::exception_ptr& thrown,
                              function_ref<user_place()> place) noexcept;

private:
    std::string_view layer_;
    log_sink* log_;
    counter& thrown_;
};

/// The same for code that no loop runs: logs, and does not count.
[[gnu::cold]] void log_exception(log_sink* log, std::string_view layer,
                                 const std::exception_ptr& thrown,
                                 function_ref<user_place()> place) noexcept;

/// "a handler of event 'chat' in namespace '/' for 127.0.0.1:4000", without control characters.
[[nodiscard]] std::string describe(const user_place& place);

}  // namespace weft
