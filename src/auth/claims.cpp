// A view of verified claims. They were read once before, when the token was verified; what cannot
// be read, because somebody else filled `identity::claims`, has no claims.

#include <weft/auth/claims.hpp>

#include <algorithm>
#include <cstdint>
#include <utility>

#include "auth/proto/token.hpp"

namespace weft::auth {
namespace {

std::optional<std::chrono::system_clock::time_point> to_time(std::optional<std::int64_t> seconds) {
    using clock = std::chrono::system_clock;
    if (!seconds) return std::nullopt;
    const auto last = std::chrono::floor<std::chrono::seconds>(clock::time_point::max());
    return clock::time_point(
        std::chrono::seconds(std::min<std::int64_t>(*seconds, last.time_since_epoch().count())));
}

}  // namespace

claims::claims(std::string_view json) : json_(json) {
    auto read = parse_claims(json);
    if (!read) return;
    issuer_ = std::move(read->issuer).value_or(std::string());
    subject_ = std::move(read->subject).value_or(std::string());
    id_ = std::move(read->id).value_or(std::string());
    if (read->audience) audience_ = *std::move(read->audience);
    issued_ = to_time(read->issued);
    expires_ = to_time(read->expires);
}

bool claims::has_audience(std::string_view name) const noexcept {
    return std::find(audience_.begin(), audience_.end(), name) != audience_.end();
}

}  // namespace weft::auth
