// The handle, and what of a verification runs as a coroutine. Invariant: a token that waits, for a
// thread or for keys, has one of `max_waiting` places for as long.

#include <weft/auth/verifier.hpp>

#include <algorithm>
#include <utility>

#include <weft/net/awaitable.hpp>

#include "auth/verifier_core.hpp"

namespace weft::auth {
namespace {

/// How often a token that waits for keys looks whether they are there.
constexpr duration key_poll = std::chrono::milliseconds(20);

class waiting_place {
public:
    waiting_place(std::shared_ptr<verifier_core> core, verifier_core::wait_for what) noexcept
        : what_(what), core_(core->try_wait(what) ? std::move(core) : nullptr) {}
    waiting_place(const waiting_place&) = delete;
    waiting_place& operator=(const waiting_place&) = delete;
    ~waiting_place() {
        if (core_ != nullptr) core_->end_wait(what_);
    }
    explicit operator bool() const noexcept { return core_ != nullptr; }

private:
    const verifier_core::wait_for what_;
    std::shared_ptr<verifier_core> core_;
};

/// A token and what is known of it, shared with the worker that verifies its signature.
struct token_job {
    explicit token_job(std::string text) : token(std::move(text)) {}
    void examine(verifier_core& by, const loop_ref& loop) {
        what = by.examine(token, moment::of(loop));
    }

    const std::string token;
    examined_token what;  // refers to the token
    bool right = false;
};

task<result<identity>> verify_on(std::shared_ptr<verifier_core> core, loop_ref loop,
                                 std::string token) {
    const auto job = std::make_shared<token_job>(std::move(token));
    job->examine(*core, loop);
    const bool waits_for_keys = core->may_wait(job->what, moment::of(loop));
    if (!waits_for_keys && (job->what.refused || !verifier_core::is_slow(job->what))) {
        job->right = !job->what.refused && verifier_core::verify_signature(job->what);
        co_return core->finish(job->what, job->right, moment::of(loop));
    }

    if (waits_for_keys) {
        const waiting_place place(core, verifier_core::wait_for::keys);
        if (!place) co_return core->refuse(errc::too_busy);
        const std::shared_ptr<issuer_keys> from = job->what.issuer;
        const std::uint64_t before = from->fetched();
        const time_point give_up = later(loop.now(), core->options().fetch_timeout);
        while (from->fetched() == before && loop.now() < give_up) {
            co_await sleep_for(loop, key_poll);
        }
        job->examine(*core, loop);
    }
    if (!job->what.refused) {
        const waiting_place place(core, verifier_core::wait_for::signature);
        if (!place) co_return core->refuse(errc::too_busy);
        auto work = [job] { job->right = verifier_core::verify_signature(job->what); };
        co_await run_blocking(loop, std::move(work));
    }
    co_return core->finish(job->what, job->right, moment::of(loop));
}

}  // namespace

result<verifier> verifier::make(auth::options options) {
    auto made = verifier_core::make(std::move(options));
    if (!made) return made.error();
    return verifier(*std::move(made));
}

result<identity> verifier::verify(std::string_view token, std::chrono::system_clock::time_point now,
                                  time_point from) const {
    return core_->verify(token, {now, from});
}

std::optional<result<identity>> verifier::try_verify(std::string_view token,
                                                     const loop_ref& loop) const {
    const moment now = moment::of(loop);
    examined_token what = core_->examine(token, now);
    if (what.refused) {
        if (core_->may_wait(what, now)) return std::nullopt;
        return core_->finish(what, false, now);
    }
    if (verifier_core::is_slow(what)) return std::nullopt;
    const bool right = verifier_core::verify_signature(what);
    return core_->finish(what, right, now);
}

task<result<identity>> verifier::verify(loop_ref loop, std::string token) const {
    return verify_on(core_, std::move(loop), std::move(token));
}

void verifier::start(const loop_ref& loop) const {
    core_->start(loop);
}

result<void> verifier::change_issuers(std::vector<issuer> issuers) const {
    return core_->change_issuers(std::move(issuers));
}

result<void> verifier::revoke_token(std::string_view id) const {
    if (id.empty()) {
        return error(weft::errc::invalid_argument, "revoke_token: an empty id is that of no token");
    }
    revocation what;
    what.token_id = id;
    return core_->revoke(what);
}

result<void> verifier::revoke_subject(std::string_view subject) const {
    if (subject.empty()) {
        return error(weft::errc::invalid_argument,
                     "revoke_subject: empty; revoke_issued_before revokes for everybody");
    }
    return revoke_issued_before(std::chrono::system_clock::now(), subject);
}

result<void> verifier::revoke_issued_before(std::chrono::system_clock::time_point when,
                                            std::string_view subject) const {
    revocation what;
    what.subject = subject;
    what.issued_until = when;
    return core_->revoke(what);
}

bool verifier::revoked(const identity& who) const {
    return core_->revoked(who);
}

std::shared_ptr<void> verifier::on_revocation(shared_function<void(const revocation&)> tell) const {
    return core_->on_revocation(std::move(tell));
}

const token_sources& verifier::sources() const noexcept {
    return core_->options().from;
}

const auth::options& verifier::options() const noexcept {
    return core_->options();
}

void verifier::note_refusal(errc why) const noexcept {
    (void)core_->refuse(why);
}

void verifier::visit_metrics(metric_visitor visit) const {
    core_->visit_metrics(visit);
}

}  // namespace weft::auth
