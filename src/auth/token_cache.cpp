// The verified tokens. Invariant: `index_` and `by_use_` have the same entries, `bytes_` is the sum
// of their costs, and neither limit is passed when a call returns.

#include "auth/token_cache.hpp"

#include <openssl/evp.h>

#include <utility>

#include "base/heap_cost.hpp"
#include "net/tls/openssl.hpp"

namespace weft::auth {
namespace {

using digest_context = std::unique_ptr<EVP_MD_CTX, net::openssl_deleter<EVP_MD_CTX_free>>;

/// With the blocks of list, index and shared pointer.
std::size_t cost_of(const verified_token& what) noexcept {
    constexpr std::size_t places = 5 * sizeof(void*);
    return heap_cost(sizeof(verified_token) + places) + heap_cost(sizeof(token_digest) + places) +
           heap_cost(sizeof(token_digest) + places) + heap_cost(what.subject) +
           heap_cost(what.claims) + heap_cost(what.id);
}

}  // namespace

std::optional<token_digest> digest_of(std::string_view token) noexcept {
    static EVP_MD* const sha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
    thread_local const digest_context context(EVP_MD_CTX_new());
    token_digest digest;
    if (sha256 == nullptr || context == nullptr ||
        EVP_DigestInit_ex2(context.get(), sha256, nullptr) != 1 ||
        EVP_DigestUpdate(context.get(), token.data(), token.size()) != 1 ||
        EVP_DigestFinal_ex(context.get(), digest.data(), nullptr) != 1) {
        return std::nullopt;
    }
    return digest;
}

std::shared_ptr<const verified_token> token_cache::find(const token_digest& token) {
    const std::lock_guard lock(mutex_);
    const auto found = index_.find(token);
    if (found == index_.end()) return nullptr;
    by_use_.splice(by_use_.begin(), by_use_, found->second);
    return found->second->what;
}

void token_cache::add(const token_digest& token, std::shared_ptr<const verified_token> what) {
    const std::size_t cost = cost_of(*what);
    if (cost > max_bytes_ || max_entries_ == 0) return;
    const std::lock_guard lock(mutex_);
    if (const auto found = index_.find(token); found != index_.end()) erase(found->second);
    while (by_use_.size() >= max_entries_ || bytes_ > max_bytes_ - cost) {
        erase(std::prev(by_use_.end()));
    }
    by_use_.push_front({token, std::move(what), cost});
    index_.emplace(token, by_use_.begin());
    bytes_ += cost;
}

void token_cache::remove(const token_digest& token) {
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
