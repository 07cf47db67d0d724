#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <weft/auth/verifier.hpp>
#include <weft/base/admission.hpp>
#include <weft/base/function_ref.hpp>
#include <weft/base/task.hpp>
#include <weft/http/request.hpp>
#include <weft/http/router.hpp>

#include "net/loop_core.hpp"

namespace weft::auth {

/// Who wants in: for the log, which is rarely told.
struct asker {
    std::string address;
    std::string route;
};
using asker_ref = function_ref<asker()>;

/// What a browser says of the page that made it send a request.
struct page_facts {
    std::string_view origin;
    std::string_view fetch_site;
    std::string_view host;  ///< Of the request.
    bool secure;            ///< So was the request.
};

/// Whether a token in a cookie counts. Browsers name the origin of every request that can change
/// something, and of every WebSocket; who names none is no browser, or only reads.
[[nodiscard]] bool may_use_cookie(const page_facts& page, const token_sources& from) noexcept;

/// Whose token was not accepted: it counts in the budget of errors.
void note_error(const peer& by, const net::loop_core& loop) noexcept;

/// A verifier at a door: takes the token, asks, and says no in the words of the protocol. Each no
/// is logged with its rule.
/// **Threads**: that of the loop that is given. **Lifetime**: a handle, as the verifier.
class gate {
public:
    explicit gate(verifier by) noexcept : by_(std::move(by)) {}

    /// What is known at once, or what will decide.
    struct verdict {
        std::optional<admission<void>> now{};
        std::optional<task<admission<void>>> later{};
    };
    /// The token of a request. Nothing at all if it has none and may bring one later: `lenient`.
    [[nodiscard]] verdict judge(const http::request& asked, net::loop_core& loop,
                                bool lenient) const;
    /// The door of `server::require`: who passes is known as the bearer of its token.
    [[nodiscard]] http::filter_verdict admit(const http::request& asked,
                                             net::loop_core& loop) const;
    /// A token that came otherwise.
    [[nodiscard]] verdict judge(std::string_view token, net::loop_core& loop, asker_ref who) const;
    /// A no to who has no token to verify, counted and logged.
    [[nodiscard]] refusal turn_away(net::loop_core& loop, errc why, asker_ref who) const;

    [[nodiscard]] const verifier& by() const noexcept { return by_; }

private:
    [[nodiscard]] static admission<void> settle(net::loop_core& loop, result<identity> said,
                                                asker_ref who);
    static task<admission<void>> wait(verifier by, net::loop_core* loop, std::string token,
                                      asker who);

    verifier by_;
};

}  // namespace weft::auth
