#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include <weft/base/result.hpp>

#include "base/siphash.hpp"

namespace weft::auth {

/// What was revoked, each until no token can be meant by it any more.
/// **Units**: times are seconds since 1970. **Threads**: any; a short lock, none while nothing is
/// revoked.
class revocation_table {
public:
    explicit revocation_table(std::size_t max_entries) noexcept : max_entries_(max_entries) {}

    /// **Errors**: `limit_exceeded`: full, and nothing has ended by `now`.
    result<void> add_token(std::string id, std::int64_t until, std::int64_t now);
    /// What was issued to `subject` up to `issued`; empty: to anybody.
    result<void> add_issued(std::string subject, std::int64_t issued, std::int64_t until,
                            std::int64_t now);

    /// Whether a token with these claims was revoked. Without `issued`, it counts as old.
    [[nodiscard]] bool covers(const std::string& id, const std::string& subject,
                              std::optional<std::int64_t> issued) const;
    [[nodiscard]] bool empty() const noexcept { return size_.load(std::memory_order_acquire) == 0; }
    [[nodiscard]] std::size_t size() const noexcept {
        return size_.load(std::memory_order_acquire);
    }

private:
    struct issued_until {
        std::int64_t issued = 0;
        std::int64_t until = 0;
    };

    /// False when there is no room for one more.
    bool make_room(std::int64_t now);
    void count();

    const std::size_t max_entries_;
    std::atomic<std::size_t> size_{0};
    mutable std::mutex mutex_;
    std::unordered_map<std::string, std::int64_t, keyed_hash> tokens_;
    std::unordered_map<std::string, issued_until, keyed_hash> subjects_;
    std::optional<issued_until> everybody_;
};

}  // namespace weft::auth
