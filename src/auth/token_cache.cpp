// The verified tokens. Invariant: `index_` and `by_use_` have the same entries, `bytes_` is the sum
// of their costs, and neither limit is passed when a call returns. A token is known by a MAC with a
// key that is this cache's alone and never leaves it, nor does a MAC: whoever wants to be taken for
// somebody else has 128 bits to guess, and no way to try but to send tokens.

#include "auth/token_cache.hpp"

#include <utility>

#include "base/heap_cost.hpp"

namespace weft::auth {
namespace {

/// With the blocks of list, index and shared pointer.
std::size_t cost_of(const verified_token& what) noexcept {
    constexpr std::size_t places = 5 * sizeof(void*);
    return heap_cost(sizeof(verified_token) + places) + heap_cost(sizeof(token_tag) + places) +
           heap_cost(sizeof(token_tag) + places) + heap_cost(what.subject) +
           heap_cost(what.claims) + heap_cost(what.id);
}

}  // namespace

std::optional<token_tag> token_cache::tag_of(std::string_view token) const noexcept {
    if (max_entries_ == 0 || !key_) return std::nullopt;
    return siphash_2_4_128(*key_, as_bytes(token));
}

std::shared_ptr<const verified_token> token_cache::find(const token_tag& token) {
    const std::lock_guard lock(mutex_);
    const auto found = index_.find(token);
    if (found == index_.end()) return nullptr;
    by_use_.splice(by_use_.begin(), by_use_, found->second);
    return found->second->what;
}

void token_cache::add(const token_tag& token, std::shared_ptr<const verified_token> what) {
    const std::size_t cost = cost_of(*what);
    if (cost > max_bytes_ || max_entries_ == 0) return;
    const std::lock_guard lock(mutex_);
    if (const auto found = index_.find(token); found != index_.end()) erase(found->second);
    while (by_use_.size() >= max_entries_ || bytes_ > max_bytes_ - cost) {
        erase(std::prev(by_use_.end()));
    }
    entries made;  // there when both are, should memory run out in between
    made.push_front({token, std::move(what), cost});
    index_.emplace(token, made.begin());
    by_use_.splice(by_use_.begin(), made);
    bytes_ += cost;
}

void token_cache::remove(const token_tag& token) {
    const std::lock_guard lock(mutex_);
    if (const auto found = index_.find(token); found != index_.end()) erase(found->second);
}

std::size_t token_cache::bytes() const {
    const std::lock_guard lock(mutex_);
    return bytes_;
}

void token_cache::erase(entries::iterator which) {
    bytes_ -= which->cost;
    index_.erase(which->token);
    by_use_.erase(which);
}

}  // namespace weft::auth
