// The table of revocations. Invariant: what was accepted stays until its end; a full table refuses,
// because to forget a revocation would let a revoked token in again.

#include "auth/revocation_table.hpp"

#include <algorithm>
#include <utility>

namespace weft::auth {
namespace {

error full(std::size_t most) {
    return {weft::errc::limit_exceeded, "auth::options::max_revocations is " +
                                            std::to_string(most) +
                                            ": nothing more can be revoked until some have ended"};
}

}  // namespace

bool revocation_table::make_room(std::int64_t now) {
    if (size() < max_entries_) return true;
    std::erase_if(tokens_, [now](const auto& one) { return one.second < now; });
    std::erase_if(subjects_, [now](const auto& one) { return one.second.until < now; });
    count();
    return size() < max_entries_;
}

void revocation_table::count() {
    size_.store(tokens_.size() + subjects_.size() + (everybody_ ? 1 : 0),
                std::memory_order_release);
}

result<void> revocation_table::add_token(std::string id, std::int64_t until, std::int64_t now) {
    const std::lock_guard lock(mutex_);
    const auto known = tokens_.find(id);
    if (known != tokens_.end()) {
        known->second = std::max(known->second, until);
        return {};
    }
    if (!make_room(now)) return full(max_entries_);
    tokens_.emplace(std::move(id), until);
    count();
    return {};
}

result<void> revocation_table::add_issued(std::string subject, std::int64_t issued,
                                          std::int64_t until, std::int64_t now) {
    const std::lock_guard lock(mutex_);
    const auto extend = [&](issued_until& one) {
        one.issued = std::max(one.issued, issued);
        one.until = std::max(one.until, until);
    };
    if (subject.empty()) {
        if (!everybody_) everybody_.emplace(issued_until{issued, until});
        extend(*everybody_);
        count();
        return {};
    }
    const auto known = subjects_.find(subject);
    if (known != subjects_.end()) {
        extend(known->second);
        return {};
    }
    if (!make_room(now)) return full(max_entries_);
    subjects_.emplace(std::move(subject), issued_until{issued, until});
    count();
    return {};
}

bool revocation_table::covers(const std::string& id, const std::string& subject,
                              std::optional<std::int64_t> issued) const {
    if (empty()) return false;
    const auto is_old = [issued](const issued_until& one) {
        return !issued || *issued <= one.issued;
    };
    const std::lock_guard lock(mutex_);
    if (everybody_ && is_old(*everybody_)) return true;
    if (!id.empty() && tokens_.find(id) != tokens_.end()) return true;
    const auto found = subjects_.find(subject);
    return found != subjects_.end() && is_old(found->second);
}

}  // namespace weft::auth
