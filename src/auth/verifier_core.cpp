// The rules for tokens, cheap ones first: size, whether it is known from before, form, header,
// issuer, times, audience, key; then the signature, and at last whether it was revoked. Invariants:
// a token is good only by a key of the issuer that it names, for an algorithm that both the issuer
// and the key's type allow. What is cached counts only while the key set that verified it is the
// issuer's present one, and is asked about its end and revocations like any other; the other rules
// it has kept for good.

#include "auth/verifier_core.hpp"

#include <algorithm>
#include <utility>

#include <weft/auth/claims.hpp>
#include <weft/http/head.hpp>

#include "auth/key_keeper.hpp"
#include "auth/proto/base64url.hpp"

namespace weft::auth {
namespace {

bool is_hmac(algorithm a) noexcept {
    return a == algorithm::hs256 || a == algorithm::hs384 || a == algorithm::hs512;
}

/// Whether two media types are the same: "application/" may be left out (RFC 7515 section 4.1.9).
bool same_type(std::string_view a, std::string_view b) noexcept {
    static constexpr std::string_view usual = "application/";
    const auto shorten = [](std::string_view type) {
        const bool has = http::same_token(type.substr(0, usual.size()), usual);
        return has ? type.substr(usual.size()) : type;
    };
    return http::same_token(shorten(a), shorten(b));
}

bool have_common(const std::vector<std::string>& a, const std::vector<std::string>& b) noexcept {
    return std::any_of(a.begin(), a.end(), [&b](const std::string& one) {
        return std::find(b.begin(), b.end(), one) != b.end();
    });
}

std::int64_t seconds_of(std::chrono::system_clock::time_point when) noexcept {
    return std::chrono::floor<std::chrono::seconds>(when).time_since_epoch().count();
}

}  // namespace

bool revocation::covers(const identity& who) const {
    if (!subject.empty() && subject != who.subject) return false;
    if (who.claims.empty()) return false;  // it came from no token
    const claims read(who);
    if (!token_id.empty()) return read.id() == token_id;
    return !read.issued() || seconds_of(*read.issued()) <= seconds_of(issued_until);
}

verifier_core::verifier_core(auth::options from)
    : options_(std::move(from)),
      cache_(options_.max_cached, options_.max_cache_bytes),
      revocations_(options_.max_revocations) {}

verifier_core::~verifier_core() = default;

result<std::shared_ptr<verifier_core>> verifier_core::make(auth::options from) {
    if (auto checked = from.check(); !checked) return checked.error();
    auto issuers = std::exchange(from.issuers, {});
    std::shared_ptr<verifier_core> made(new verifier_core(std::move(from)));
    auto loaded = made->load(std::move(issuers), {});
    if (!loaded) return loaded.error();
    made->issuers_ = *std::move(loaded);
    return made;
}

bool verifier_core::issuer_list::has(const issuer_keys* which) const noexcept {
    return std::any_of(all.begin(), all.end(),
                       [which](const auto& one) { return one.get() == which; });
}

bool verifier_core::issuer_list::changes() const noexcept {
    return std::any_of(all.begin(), all.end(), [](const auto& one) { return one->changes(); });
}

result<std::shared_ptr<const verifier_core::issuer_list>> verifier_core::load(
    std::vector<issuer> wanted, const issuer_list& before) const {
    auto list = std::make_shared<issuer_list>();
    for (issuer& one : wanted) {
        list->has_slow |= !std::all_of(one.algorithms.begin(), one.algorithms.end(), is_hmac);
        const auto same = std::find_if(before.all.begin(), before.all.end(),
                                       [&one](const auto& known) { return known->is(one); });
        if (same != before.all.end()) {
            list->all.push_back(*same);
            continue;
        }
        auto loaded = issuer_keys::make(std::move(one), options_);
        if (!loaded) return loaded.error();
        list->all.push_back(*std::move(loaded));
    }
    return std::shared_ptr<const issuer_list>(std::move(list));
}

result<void> verifier_core::change_issuers(std::vector<issuer> to) {
    const std::lock_guard one_at_a_time(changing_);
    auto whole = options_;
    whole.issuers = to;
    if (auto checked = whole.check(); !checked) return checked;
    auto loaded = load(std::move(to), *issuers());
    if (!loaded) return loaded.error();
    std::vector<kept_loop> loops;
    {
        const std::lock_guard lock(mutex_);
        issuers_ = *std::move(loaded);
        loops = loops_;
    }
    // A keeper knows the issuers that it was made for.
    for (const kept_loop& one : loops) key_keeper::start(one.loop, weak_from_this());
    return {};
}

examined_token verifier_core::examine(std::string_view token, const moment& now) {
    examined_token what;
    what.refused = examine_new(token, what, now);
    return what;
}

std::optional<errc> verifier_core::examine_new(std::string_view token, examined_token& what,
                                               const moment& now) {
    if (token.empty()) return errc::token_missing;
    if (token.size() > options_.max_token) return errc::token_too_long;
    const auto among = issuers();
    if (among->has_slow && find_cached(token, *among, what, now)) return std::nullopt;
    const auto parts = split_token(token);
    if (!parts) return errc::token_malformed;
    const auto header_text = base64url_decode(parts->header);
    if (!header_text) return errc::token_malformed;
    const auto header = parse_header(*header_text);
    if (!header) return errc_of(header.error());
    what.alg = header->alg;
    if (is_hmac(what.alg)) what.tag.reset();

    auto claims_text = base64url_decode(parts->claims);
    auto signature = base64url_decode(parts->signature);
    if (!claims_text || !signature) return errc::token_malformed;
    auto claims = parse_claims(*claims_text);
    if (!claims) return errc::token_malformed;
    if (!claims->issuer) return errc::missing_claim;
    const auto named = std::find_if(among->all.begin(), among->all.end(), [&](const auto& one) {
        return one->of().name == *claims->issuer;
    });
    if (named == among->all.end()) return errc::wrong_issuer;
    what.issuer = *named;
    if (!what.issuer->algorithms().has(what.alg)) return errc::algorithm_not_allowed;
    const issuer& of = what.issuer->of();
    if (const auto wrong = check_header(*header, of)) return wrong;
    if (const auto wrong = check_claims(*claims, of, now)) return wrong;
    if (const auto wrong = find_keys(*header, what, now)) return wrong;

    what.signed_part = parts->signed_part;
    what.signature = *std::move(signature);
    what.says.subject = std::move(claims->subject).value_or(std::string());
    what.says.id = std::move(claims->id).value_or(std::string());
    what.says.claims = *std::move(claims_text);
    what.says.expires = *claims->expires;
    what.says.issued = claims->issued;
    what.says.issuer = what.issuer;
    what.says.generation = what.set->generation;
    return std::nullopt;
}

bool verifier_core::find_cached(std::string_view token, const issuer_list& among,
                                examined_token& what, const moment& now) {
    what.tag = cache_.tag_of(token);
    if (!what.tag) return false;
    what.cached = cache_.find(*what.tag);
    if (what.cached == nullptr) return false;
    const issuer_keys* const by = what.cached->issuer.get();
    const auto set = among.has(by) ? by->current(now.steady) : nullptr;
    if (set == nullptr || set->generation != what.cached->generation) {
        cache_.remove(*what.tag);
        what.cached = nullptr;
        return false;
    }
    what.known = what.cached.get();
    return true;
}

std::optional<errc> verifier_core::check_header(const token_header& header,
                                                const issuer& of) const {
    if (of.type.empty()) return std::nullopt;
    if (!header.type || !same_type(*header.type, of.type)) return errc::wrong_type;
    return std::nullopt;
}

std::optional<errc> verifier_core::check_claims(const token_claims& claims, const issuer& of,
                                                const moment& now) const {
    const std::int64_t at = now.seconds();
    const std::int64_t leeway = options_.leeway.count();
    if (!claims.expires) return errc::missing_claim;
    if (of.require_subject && (!claims.subject || claims.subject->empty())) {
        return errc::missing_claim;
    }
    if (of.require_audience && !claims.audience) return errc::missing_claim;
    if (*claims.expires + leeway <= at) return errc::token_expired;
    if (claims.not_before && *claims.not_before > at + leeway) return errc::not_yet_valid;
    if (claims.issued && *claims.issued > at + leeway) return errc::not_yet_valid;
    const std::int64_t from = claims.issued ? *claims.issued : at + leeway;
    if (*claims.expires - from > options_.max_lifetime.count()) return errc::lifetime_too_long;
    if (claims.audience && !have_common(*claims.audience, of.audience)) return errc::wrong_audience;
    return std::nullopt;
}

/// Keys whose type can do the algorithm; among these one named by the `kid`. Keys without a name
/// are meant by any token, and a token without a `kid` may mean any key; but not more than two, so
/// that no token costs many signatures.
std::optional<errc> verifier_core::find_keys(const token_header& header, examined_token& what,
                                             const moment& now) {
    what.set = what.issuer->current(now.steady);
    if (what.set == nullptr) return errc::keys_unavailable;
    bool named = false;
    std::size_t found = 0;
    const auto& previous_until = what.issuer->previous_until();
    for (const auto& one : what.set->keys) {
        if (!one->algorithms().has(header.alg)) continue;
        const bool is_named = header.kid && one->kid() == header.kid;
        if (header.kid && one->kid() && !is_named) continue;
        if (named && !is_named) continue;
        if (is_named && !std::exchange(named, true)) found = 0;  // the unnamed ones are not meant
        const bool is_previous = previous_until && one != what.set->keys.front();
        if (is_previous && now.wall >= *previous_until) continue;
        if (found < what.keys.size()) what.keys[found] = one.get();
        ++found;
    }
    if (found == 0 || found > what.keys.size()) return errc::unknown_key;
    if (found == 1) what.keys[1] = nullptr;
    return std::nullopt;
}

bool verifier_core::is_slow(const examined_token& what) noexcept {
    return what.known == nullptr && !is_hmac(what.alg);
}

bool verifier_core::verify_signature(const examined_token& what) {
    if (what.known != nullptr) return true;
    return std::any_of(what.keys.begin(), what.keys.end(), [&what](const key* one) {
        return one != nullptr && one->verify(what.alg, what.signed_part, what.signature);
    });
}

identity verifier_core::identity_of(const verified_token& what, const moment& now) const {
    identity who;
    who.subject = what.subject;
    const std::chrono::system_clock::time_point end(std::chrono::seconds(what.expires) +
                                                    options_.leeway);
    who.expires = later(now.steady, std::chrono::duration_cast<duration>(end - now.wall));
    return who;
}

result<identity> verifier_core::finish(examined_token& what, bool signature_right,
                                       const moment& now) {
    if (what.refused) return refuse(*what.refused);
    if (!signature_right) return refuse(errc::bad_signature);
    if (what.known != nullptr) cached_.fetch_add(1, std::memory_order_relaxed);
    const verified_token& says = what.known != nullptr ? *what.known : what.says;
    // Time has passed since it was put into the cache, or began to wait for its signature.
    if (says.expires + options_.leeway.count() <= now.seconds()) return refuse(errc::token_expired);
    const bool gone = revocations_.covers(says.id, says.subject, says.issued);
    identity who = identity_of(says, now);
    if (what.known != nullptr || what.tag) who.claims = says.claims;
    if (what.known == nullptr && what.tag) {
        cache_.add(*what.tag, std::make_shared<const verified_token>(std::move(what.says)));
    } else if (what.known == nullptr) {
        who.claims = std::move(what.says.claims);
    }
    if (gone) return refuse(errc::revoked);
    verified_.fetch_add(1, std::memory_order_relaxed);
    return who;
}

result<identity> verifier_core::verify(std::string_view token, const moment& now) {
    examined_token what = examine(token, now);
    const bool right = !what.refused && verify_signature(what);
    return finish(what, right, now);
}

error verifier_core::refuse(errc why) noexcept {
    refused_[static_cast<std::size_t>(why) - 1].fetch_add(1, std::memory_order_relaxed);
    return why;
}

bool verifier_core::may_wait(const examined_token& what, const moment& now) {
    const bool by_key = what.refused == errc::unknown_key || what.refused == errc::keys_unavailable;
    if (!by_key || !what.issuer->changes()) return false;
    {
        const std::lock_guard lock(mutex_);
        const auto alive = [](const kept_loop& one) { return !one.loop.ended(); };
        if (std::none_of(loops_.begin(), loops_.end(), alive)) return false;
    }
    if (!what.issuer->ask(now.steady)) return false;
    wake_keepers();
    return true;
}

bool verifier_core::try_wait(wait_for what) noexcept {
    const std::size_t all = waiting_.fetch_add(1, std::memory_order_relaxed);
    const std::size_t for_keys =
        what == wait_for::keys ? waiting_for_keys_.fetch_add(1, std::memory_order_relaxed) : 0;
    if (all < options_.max_waiting && 2 * for_keys < options_.max_waiting) return true;
    end_wait(what);
    return false;
}

void verifier_core::end_wait(wait_for what) noexcept {
    waiting_.fetch_sub(1, std::memory_order_relaxed);
    if (what == wait_for::keys) waiting_for_keys_.fetch_sub(1, std::memory_order_relaxed);
}

std::int64_t verifier_core::end_of(std::int64_t issued) const noexcept {
    return issued + options_.max_lifetime.count() + 2 * options_.leeway.count();
}

result<void> verifier_core::revoke(const revocation& what) {
    const std::int64_t now = seconds_of(std::chrono::system_clock::now());
    const std::int64_t issued = seconds_of(what.issued_until);
    auto added = what.token_id.empty() ? revocations_.add_issued(what.subject, issued,
                                                                 end_of(std::max(issued, now)), now)
                                       : revocations_.add_token(what.token_id, end_of(now), now);
    if (!added) return added.error();
    std::vector<std::shared_ptr<shared_function<void(const revocation&)>>> told;
    {
        const std::lock_guard lock(mutex_);
        std::erase_if(listeners_, [](const auto& one) { return one.expired(); });
        for (const auto& one : listeners_) told.push_back(one.lock());
    }
    for (const auto& one : told) {
        if (one != nullptr) (*one)(what);
    }
    return {};
}

bool verifier_core::revoked(const identity& who) const {
    if (revocations_.empty() || who.claims.empty()) return false;
    const claims read(who);
    std::optional<std::int64_t> issued;
    if (read.issued()) issued = seconds_of(*read.issued());
    return revocations_.covers(read.id(), who.subject, issued);
}

std::shared_ptr<void> verifier_core::on_revocation(shared_function<void(const revocation&)> tell) {
    auto kept = std::make_shared<shared_function<void(const revocation&)>>(std::move(tell));
    const std::lock_guard lock(mutex_);
    listeners_.push_back(kept);
    return kept;
}

void verifier_core::start(const loop_ref& loop) {
    {
        const std::lock_guard lock(mutex_);
        std::erase_if(loops_, [](const kept_loop& one) { return one.loop.ended(); });
        const auto same = [&loop](const kept_loop& one) {
            return one.loop.owner() == loop.owner();
        };
        if (std::any_of(loops_.begin(), loops_.end(), same)) return;
        loops_.push_back({loop, {}});
    }
    if (issuers()->changes()) key_keeper::start(loop, weak_from_this());
}

key_keeper* verifier_core::keeper_on(const loop_ref& loop) const {
    const std::lock_guard lock(mutex_);
    for (const kept_loop& one : loops_) {
        if (one.loop.owner() == loop.owner()) return one.keeper.get();
    }
    return nullptr;
}

void verifier_core::add_keeper(const loop_ref& loop, const weak_handle<key_keeper>& keeper) {
    const std::lock_guard lock(mutex_);
    for (kept_loop& one : loops_) {
        if (one.loop.owner() == loop.owner()) one.keeper = keeper;
    }
}

void verifier_core::wake_keepers() {
    std::vector<kept_loop> all;
    {
        const std::lock_guard lock(mutex_);
        all = loops_;
    }
    for (const kept_loop& one : all) {
        one.loop.post([keeper = one.keeper] {
            if (key_keeper* const found = keeper.get()) found->tend();
        });
    }
}

void verifier_core::count_fetch(bool failed) noexcept {
    fetches_.fetch_add(1, std::memory_order_relaxed);
    if (failed) failed_fetches_.fetch_add(1, std::memory_order_relaxed);
}

void verifier_core::visit_metrics(metric_visitor visit) const {
    const auto read = [](const count& c) { return c.load(std::memory_order_relaxed); };
    visit({"weft_auth_verified_total", "", "Tokens that were good.", metric_kind::counter,
           read(verified_)});
    visit({"weft_auth_cached_total", "", "Tokens whose signature was known from before.",
           metric_kind::counter, read(cached_)});
    for (std::size_t i = 0; i < error_count; ++i) {
        visit({"weft_auth_errors_total", error_rows()[i].label, "Tokens that were refused.",
               metric_kind::counter, read(refused_[i])});
    }
    visit({"weft_auth_fetches_total", "", "Key sets that were fetched or read again.",
           metric_kind::counter, read(fetches_)});
    visit({"weft_auth_fetch_failures_total", "", "The same without success.", metric_kind::counter,
           read(failed_fetches_)});
    visit({"weft_auth_cache_bytes", "", "What remembered tokens keep.", metric_kind::gauge,
           cache_.bytes()});
    visit({"weft_auth_revocations", "", "Revocations that are remembered.", metric_kind::gauge,
           revocations_.size()});
    visit({"weft_auth_waiting", "", "Tokens that wait to be verified.", metric_kind::gauge,
           waiting_.load(std::memory_order_relaxed)});
}

}  // namespace weft::auth
