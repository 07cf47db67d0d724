// Where tokens are demanded: of requests, of first messages, of Socket.IO clients. A cookie is the
// token of whoever makes a browser send it, so it opens nothing to the page of another origin.

#include "auth/gate.hpp"

#include <algorithm>

#include <weft/auth/error.hpp>
#include <weft/net/peer.hpp>

#include "net/traffic_meter.hpp"

namespace weft::auth {
namespace {

refusal refuse(net::loop_core& loop, errc why, asker_ref who) {
    std::optional<asker> told;
    loop.tell_refusal(status_of(why) == 503 ? log_level::warning : log_level::info, "auth",
                      log_text(why), [&] {
                          told.emplace(who());
                          return refusal_facts{.peer = told->address, .route = told->route};
                      });
    return auth::refuse(why);
}

}  // namespace

bool may_use_cookie(const page_facts& page, const token_sources& from) noexcept {
    if (page.origin.empty())
        return page.fetch_site != "cross-site" && page.fetch_site != "same-site";
    const auto& listed = from.cookie_origins;
    if (std::find(listed.begin(), listed.end(), page.origin) != listed.end()) return true;
    // Whoever is on the way can write an http page of this very host.
    if (page.secure && !page.origin.starts_with("https:")) return false;
    const std::size_t scheme = page.origin.find("://");
    return scheme != std::string_view::npos &&
           http::same_token(page.origin.substr(scheme + 3), page.host);
}

void note_error(const peer& by, const net::loop_core& loop) noexcept {
    if (net::traffic_account* const account = by.traffic()) account->note_error(loop.now());
}

gate::verdict gate::judge(const http::request& asked, net::loop_core& loop, bool lenient) const {
    const auto who = [&asked] {
        return asker{asked.peer().address().to_string(), std::string(asked.path())};
    };
    auto found = find_token(asked, by_.sources());
    if (!found) {
        const errc why = errc_of(found.error());
        if (lenient && why == errc::token_missing) return {};
        note_error(asked.peer(), loop);
        return {.now = turn_away(loop, why, who)};
    }
    if (found->from == token_source::cookie &&
        !may_use_cookie({asked.header("origin"), asked.header("sec-fetch-site"), asked.host(),
                         asked.peer().secure()},
                        by_.sources()))
        return {.now = turn_away(loop, errc::foreign_page, who)};
    auto said = judge(found->token, loop, who);
    if (said.now && !said.now->allowed()) note_error(asked.peer(), loop);
    return said;
}

http::filter_verdict gate::admit(const http::request& asked, net::loop_core& loop) const {
    const bool preflight = asked.method() == http::method::options &&
                           !asked.header("access-control-request-method").empty();
    if (preflight) return {};
    auto said = judge(asked, loop, /*lenient=*/false);
    if (said.later) return {.later = std::move(said.later)};
    if (!said.now->allowed()) return {.answer = http::response::refused(said.now->why(), 401)};
    asked.peer().identify(*std::move(said.now->who()));
    return {};
}

gate::verdict gate::judge(std::string_view token, net::loop_core& loop, asker_ref who) const {
    if (auto known = by_.try_verify(token, loop.ref()))
        return {.now = settle(loop, *std::move(known), who)};
    return {.later = wait(by_, &loop, std::string(token), who())};
}

task<admission<void>> gate::wait(verifier by, net::loop_core* loop, std::string token, asker who) {
    auto said = co_await by.verify(loop->ref(), std::move(token));
    co_return settle(*loop, std::move(said), [&] { return std::move(who); });
}

admission<void> gate::settle(net::loop_core& loop, result<identity> said, asker_ref who) {
    if (said) return *std::move(said);
    return refuse(loop, errc_of(said.error()), who);
}

refusal gate::turn_away(net::loop_core& loop, errc why, asker_ref who) const {
    by_.note_refusal(why);
    return refuse(loop, why, who);
}

}  // namespace weft::auth
