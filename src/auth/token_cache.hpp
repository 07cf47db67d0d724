#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace weft::auth {

class issuer_keys;

/// What a token says, once it was verified.
struct verified_token {
    std::string subject;
    std::string claims;  ///< As JSON.
    std::string id;      ///< `jti`; empty: none.
    std::int64_t expires = 0;
    std::optional<std::int64_t> issued;
    const issuer_keys* issuer = nullptr;
    std::uint64_t generation = 0;  ///< Of the key set that verified it.
};

/// SHA-256 of a token, which stands for it: the cache keeps no tokens.
using token_digest = std::array<unsigned char, 32>;

/// Nothing when OpenSSL fails. **Cost**: 0.5 us for a usual token.
[[nodiscard]] std::optional<token_digest> digest_of(std::string_view token) noexcept;

/// Tokens that were verified, by their digest; the one that was not used for the longest time makes
/// room. Failures are not kept: whoever sends a bad token can as well send another, and they would
/// push out the good ones. Who finds one asks whether it still counts.
/// **Threads**: any; a short lock.
class token_cache {
public:
    token_cache(std::size_t max_entries, std::size_t max_bytes) noexcept
        : max_entries_(max_entries), max_bytes_(max_bytes) {}

    /// Null if unknown.
    [[nodiscard]] std::shared_ptr<const verified_token> find(const token_digest& token);
    void add(const token_digest& token, std::shared_ptr<const verified_token> what);
    void remove(const token_digest& token);
    [[nodiscard]] std::size_t bytes() const;

private:
    struct digest_hash {
        std::size_t operator()(const token_digest& d) const noexcept {
            std::size_t part = 0;  // a digest is a hash already
            std::memcpy(&part, d.data(), sizeof part);
            return part;
        }
    };
    struct entry {
        token_digest token;
        std::shared_ptr<const verified_token> what;
        std::size_t cost = 0;
    };
    using entries = std::list<entry>;

    void erase(entries::iterator which);

    const std::size_t max_entries_;
    const std::size_t max_bytes_;
    mutable std::mutex mutex_;
    entries by_use_;  // the last used first
    std::unordered_map<token_digest, entries::iterator, digest_hash> index_;
    std::size_t bytes_ = 0;
};

}  // namespace weft::auth
