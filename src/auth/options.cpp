// The rules for the options of a verifier. What they name (keys, URLs, files) is checked when it is
// loaded.

#include <weft/auth/options.hpp>

#include <algorithm>

#include "base/option_check.hpp"
#include "http/proto/syntax.hpp"

namespace weft::auth {
namespace {

constexpr std::chrono::seconds max_leeway{120};
constexpr std::chrono::seconds longest_lifetime = std::chrono::hours(24 * 3650);
constexpr std::size_t longest_token = 64 * 1024;
constexpr duration shortest_refresh = std::chrono::seconds(30);

}  // namespace

result<void> token_sources::check() const {
    return option_check("auth::token_sources")
        .rule(in_request() || first_message || socketio_auth, "authorization",
              "is false, and no other place for a token is switched on")
        .rule(!subprotocol_prefix.empty() && http::syntax::is_token(subprotocol_prefix),
              "subprotocol_prefix", "must be one or more characters that a subprotocol may have")
        .rule(cookie.empty() || http::syntax::is_token(cookie), "cookie", "is no name of a cookie")
        .above_zero("first_message_timeout", first_message_timeout)
        .outcome();
}

result<void> options::check() const {
    option_check judged("auth::options");
    judged.rule(!issuers.empty(), "issuers", "is empty: whose tokens are good?").nested(from);
    for (const issuer& one : issuers) {
        const auto same = [&one](const issuer& other) { return other.name == one.name; };
        const auto about = [&one](std::string_view what) {
            return "(" + one.name + ") " + std::string(what);
        };
        judged.rule(!one.name.empty(), "issuers", "has one without a name")
            .rule(std::count_if(issuers.begin(), issuers.end(), same) == 1, "issuers",
                  about("has this name twice"))
            .rule(!one.algorithms.empty(), "issuers", about("has no algorithms"))
            .rule(!one.audience.empty() || !one.require_audience, "issuers",
                  about("has no audience: say what the tokens are for, or that they need none by "
                        "require_audience = false"))
            .rule(one.keys.what() != key_source::kind::none, "issuers", about("has no keys"));
    }
    return judged.within("leeway", leeway, std::chrono::seconds(0), max_leeway)
        .within("max_lifetime", max_lifetime, std::chrono::seconds(1), longest_lifetime)
        .within("max_token", max_token, 64, longest_token)
        .within("refresh", refresh, shortest_refresh, duration::max())
        .within("stale_for", stale_for, refresh, duration::max())
        .above_zero("fetch_timeout", fetch_timeout)
        .at_least("max_waiting", max_waiting, 1)
        .at_least("max_revocations", max_revocations, 1)
        .outcome();
}

}  // namespace weft::auth
