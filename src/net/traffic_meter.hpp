#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string_view>
#include <unordered_map>

#include <weft/base/admission.hpp>
#include <weft/base/metrics.hpp>
#include <weft/base/time.hpp>
#include <weft/net/socket_address.hpp>
#include <weft/net/traffic_options.hpp>

#include "base/siphash.hpp"
#include "net/pace.hpp"

namespace weft {
class peer;
}

namespace weft::net {

class loop_core;

/// Which of the `traffic_limits` was met.
enum class traffic_limit : std::uint8_t { connections, connects, messages, bytes, errors };
inline constexpr std::size_t traffic_limit_count = 5;

/// What is too much, and when to come back.
struct traffic_refusal {
    std::string_view why;  ///< A sentence that names the option. **Lifetime**: static.
    duration retry_after;
    bool dry_run;  ///< Let it through: it is only to be logged.

    /// 429 with `Retry-After`.
    [[nodiscard]] refusal to_refusal() const;
};

/// Has it logged, and gives it back if it counts: not in a dry run.
[[nodiscard]] std::optional<traffic_refusal> tell(loop_core& loop, std::string_view layer,
                                                  const std::optional<traffic_refusal>& no,
                                                  const peer& whom,
                                                  std::string_view route = {}) noexcept;

/// What the connections of one address, or of one subject, have used together.
struct traffic_share {
    shared_due messages, bytes, connects, errors;

private:
    friend class traffic_table;
    std::uint64_t key = 0;
    // Under the table's mutex.
    std::size_t connections = 0;
    std::size_t holders = 0;
    bool forgotten_later = false;
};

/// The shares of all addresses, or of all subjects. A share is kept while somebody holds it, and
/// until it has nothing left to remember.
///
/// The mutex is taken when a connection comes or goes, not for its messages.
/// **Threads**: any. **Lifetime**: outlives the holders of its shares.
class traffic_table {
public:
    /// `scope` is "per_address" or "per_subject".
    traffic_table(const traffic_limits& limits, std::string_view scope, bool dry_run);
    traffic_table(const traffic_table&) = delete;
    traffic_table& operator=(const traffic_table&) = delete;

    /// Whether anything is limited.
    explicit operator bool() const noexcept { return rules().any; }
    /// Limits what comes from now on like this. Who is a connection already stays one.
    void change(const traffic_limits& limits, bool dry_run);

    [[nodiscard]] traffic_share& hold(std::uint64_t key);
    /// One more holder of the same.
    void hold(traffic_share& share) noexcept;
    void let_go(traffic_share& share) noexcept;

    /// Counts a connection, unless that is too much.
    [[nodiscard]] std::optional<traffic_refusal> enter(traffic_share& share,
                                                       time_point now) noexcept;
    /// Counts one that is there already.
    void count(traffic_share& share) noexcept;
    void leave(traffic_share& share) noexcept;
    /// A request that is answered at once: counts it, unless that is too much.
    [[nodiscard]] std::optional<traffic_refusal> request(traffic_share& share, std::uint64_t bytes,
                                                         time_point now) noexcept;
    /// When a sender is even with its rates, and which of them takes longest.
    struct verdict {
        time_point due = time_point::min();
        std::string_view why{};  ///< See `traffic_refusal`.
    };
    /// What has come already.
    [[nodiscard]] verdict spend(traffic_share& share, std::uint64_t messages, std::uint64_t bytes,
                                time_point now) noexcept;
    /// When the holders are even in messages and bytes.
    [[nodiscard]] time_point due(const traffic_share& share) const noexcept;
    void note_error(traffic_share& share, time_point now) noexcept;

    /// How many shares there are.
    [[nodiscard]] std::size_t size() const;
    void visit_metrics(metric_visitor visit) const;

private:
    struct key_hash {
        key_hash() noexcept : key(siphash_key::of_process()) {}
        siphash_key key;
        std::size_t operator()(std::uint64_t number) const noexcept;
    };
    struct rule_set {
        rule_set(const traffic_limits& limits, bool dry) noexcept;
        [[nodiscard]] const pace& of(traffic_limit which) const noexcept {
            return paces[static_cast<std::size_t>(which)];
        }
        std::size_t max_connections;
        std::array<pace, traffic_limit_count> paces;
        bool any;
        bool dry_run;
    };
    [[nodiscard]] const rule_set& rules() const noexcept {
        return *rules_.load(std::memory_order_acquire);
    }
    [[nodiscard]] traffic_refusal refuse(traffic_limit which, duration retry_after) noexcept;
    [[nodiscard]] time_point remembers_until(const traffic_share& share) const noexcept;
    void forget_some() noexcept;

    // Former rules stay: a loop may be about to read them, and nobody changes them often.
    std::deque<rule_set> all_rules_;  // changed under the mutex
    std::atomic<const rule_set*> rules_;
    const std::array<std::string_view, traffic_limit_count>& reasons_;
    const std::array<std::string_view, traffic_limit_count>& labels_;
    std::array<std::atomic<std::uint64_t>, traffic_limit_count> met_{};

    mutable std::mutex mutex_;
    std::unordered_map<std::uint64_t, traffic_share, key_hash> shares_;
    std::deque<std::uint64_t> unheld_;  // in the order in which their last holder went
    time_point now_{};                  // when the last one entered
};

/// The traffic limits of one server. **Threads**: any. **Lifetime**: outlives its loops.
class traffic_meter {
public:
    explicit traffic_meter(const traffic_options& options)
        : addresses(options.per_address, "per_address", options.dry_run),
          subjects(options.per_subject, "per_subject", options.dry_run) {}

    explicit operator bool() const noexcept { return addresses || subjects; }
    void change(const traffic_options& to) {
        addresses.change(to.per_address, to.dry_run);
        subjects.change(to.per_subject, to.dry_run);
    }
    void visit_metrics(metric_visitor visit) const {
        addresses.visit_metrics(visit);
        subjects.visit_metrics(visit);
    }

    traffic_table addresses;
    traffic_table subjects;
};

/// Who is further ahead of a rate than this is not waited for.
inline constexpr duration max_debt = std::chrono::seconds(10);

/// The paces of one connection's own rate.
struct receive_paces {
    receive_paces() = default;
    explicit receive_paces(const receive_rate& rate) noexcept
        : messages(rate.messages_per_second, rate.burst),
          bytes(static_cast<double>(rate.bytes_per_second), rate.burst) {}
    pace messages;
    pace bytes;
};

/// What one connection has used, of its own rate and of what it shares. Held by its `peer`, and
/// only where something is limited.
/// **Threads**: the loop's of its peer. **Cost**: 56 bytes.
class traffic_account {
public:
    /// `meter` may be null: then nothing is shared.
    explicit traffic_account(traffic_meter* meter) noexcept : meter_(meter) {}
    /// For what outlives the connection, or for a moment: shares the same. What the original counts
    /// as, the copy does not. For the address, its messages count but for one, since the request
    /// that carries them has counted as one, with all its bytes.
    traffic_account(const traffic_account& original);
    traffic_account& operator=(const traffic_account&) = delete;
    ~traffic_account();

    /// From now on the client is this one, unless it is a connection of another already.
    void set_address(const socket_address& address);
    /// Empty: nobody.
    void set_subject(std::string_view subject);
    /// Shares the subject of another account.
    void share_subject(const traffic_account& with) noexcept;
    /// The paces of its own. **Lifetime**: they outlive the account.
    void set_own(const receive_paces* paces) noexcept { own_ = paces; }

    /// Counts it as a connection of its address, once. **Errors**: it is one too many.
    [[nodiscard]] std::optional<traffic_refusal> enter_address(time_point now) noexcept;
    /// For what stays open: counts it as a connection of its address and of its subject, also of
    /// one that it gets later.
    [[nodiscard]] std::optional<traffic_refusal> enter(time_point now) noexcept;
    /// For what is open already: makes it a connection of this subject. **Errors**: it is one too
    /// many, and nothing has changed.
    [[nodiscard]] std::optional<traffic_refusal> enter_as(std::string_view subject, time_point now);
    /// A request that is answered at once.
    [[nodiscard]] std::optional<traffic_refusal> request(std::uint64_t bytes,
                                                         time_point now) noexcept;
    /// What has come already.
    [[nodiscard]] traffic_table::verdict spend(std::uint64_t messages, std::uint64_t bytes,
                                               time_point now) noexcept;
    /// When it is even with all its rates.
    [[nodiscard]] time_point due() const noexcept;
    /// The peer broke a rule.
    void note_error(time_point now) noexcept;

private:
    traffic_meter* const meter_;
    traffic_share* address_ = nullptr;
    traffic_share* subject_ = nullptr;
    const receive_paces* own_ = nullptr;
    time_point own_messages_ = time_point::min();
    time_point own_bytes_ = time_point::min();
    bool counts_address_ = false;  // or who it is a copy of does
    bool leaves_address_ = false;  // when it goes
    bool counts_subject_ = false;
    bool copy_ = false;
};

}  // namespace weft::net
