#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/siphash.hpp"

namespace weft::auth {

class issuer_keys;

/// What a token says, once it was verified.
struct verified_token {
    std::string subject;
    std::string claims;  ///< As JSON.
    std::string id;      ///< `jti`; empty: none.
    std::int64_t expires = 0;
    std::optional<std::int64_t> issued;
    std::shared_ptr<const issuer_keys> issuer;
    std::uint64_t generation = 0;  ///< Of the key set that verified it.
};

/// A MAC of a token, which stands for it: the cache keeps no tokens. Only the cache that made it
/// knows what to do with it.
using token_tag = std::array<std::uint64_t, 2>;

/// Tokens that were verified, by their tags; the one that was not used for the longest time makes
/// room. Failures are not kept: whoever sends a bad token can as well send another, and they would
/// push out the good ones. Who finds one asks whether it still counts.
/// **Threads**: any; a short lock.
class token_cache {
public:
    token_cache(std::size_t max_entries, std::size_t max_bytes) noexcept
        : max_entries_(max_entries), max_bytes_(max_bytes) {}

    /// Nothing if no token can be kept: there is no place, or no entropy for a key.
    /// **Cost**: 0.2 us for a usual token.
    [[nodiscard]] std::optional<token_tag> tag_of(std::string_view token) const noexcept;

    /// Null if unknown.
    [[nodiscard]] std::shared_ptr<const verified_token> find(const token_tag& token);
    void add(const token_tag& token, std::shared_ptr<const verified_token> what);
    void remove(const token_tag& token);
    [[nodiscard]] std::size_t bytes() const;

private:
    struct half {  // a tag is a hash already
        std::size_t operator()(const token_tag& tag) const noexcept { return tag[0]; }
    };
    struct entry {
        token_tag token;
        std::shared_ptr<const verified_token> what;
        std::size_t cost = 0;
    };
    using entries = std::list<entry>;

    void erase(entries::iterator which);

    const std::size_t max_entries_;
    const std::size_t max_bytes_;
    const std::optional<siphash_key> key_ = siphash_key::draw();
    mutable std::mutex mutex_;
    entries by_use_;  // the last used first
    std::unordered_map<token_tag, entries::iterator, half> index_;
    std::size_t bytes_ = 0;
};

}  // namespace weft::auth
