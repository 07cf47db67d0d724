#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <weft/base/function_ref.hpp>
#include <weft/base/log.hpp>
#include <weft/base/time.hpp>

#include "base/seldom.hpp"

namespace weft {

/// Whom a refusal met.
struct refusal_facts {
    std::string peer{};        ///< Its address.
    std::string_view route{};  ///< The pattern of its route, or its path; a query is cut off.
    std::string_view value{};  ///< What it sent, when that decided: an Origin.
};

/// Says in the log whom we refused, cut off or gave up, and which setting decided it: of each kind
/// the first of a minute, with the number of those since the last such line, and the others at
/// `debug`. One per loop, for all layers.
///
/// Peers can cause refusals as often as they like. So kinds are texts of ours, which no peer can
/// add to, and a line that the sink does not want is not made.
/// **Threads**: the loop's. **Lifetime**: the log outlives it. **Cost**: a search among the kinds
/// that were met so far.
class refusal_log {
public:
    explicit refusal_log(log_sink* log) noexcept : log_(log) {}
    refusal_log(const refusal_log&) = delete;
    refusal_log& operator=(const refusal_log&) = delete;

    /// `what` names the kind and the option: a literal or another text that stays where it is.
    /// `level` is that of the first of a minute. `about` is called only for a line.
    [[gnu::cold]] void tell(log_level level, std::string_view layer, std::string_view what,
                            time_point now, function_ref<refusal_facts()> about) noexcept;

private:
    struct kind {
        const char* what;
        seldom lines;
    };

    log_sink* log_;
    std::vector<kind> kinds_;
};

}  // namespace weft
