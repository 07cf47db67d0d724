// Who shares an address or a subject shares buckets. A bucket is one number that all loops change
// without a lock; only coming and going looks for it in a table.
//
// Invariant: a share with holders stays where it is. One without goes when its buckets have nothing
// left to remember, or when too many others are waiting for that.

#include "net/traffic_meter.hpp"

#include <algorithm>
#include <chrono>
#include <span>

#include <string>

#include <weft/net/peer.hpp>

#include "net/loop_core.hpp"

namespace weft::net {
namespace {

using names = std::array<std::string_view, traffic_limit_count>;

constexpr names address_reasons{
    "too many connections of one address: traffic.per_address.max_connections",
    "an address connects too often: traffic.per_address.connects_per_minute",
    "an address sends too many messages: traffic.per_address.messages_per_second",
    "an address sends too many bytes: traffic.per_address.bytes_per_second",
    "an address makes too many errors: traffic.per_address.errors_per_minute"};
constexpr names subject_reasons{
    "too many connections of one subject: traffic.per_subject.max_connections",
    "a subject connects too often: traffic.per_subject.connects_per_minute",
    "a subject sends too many messages: traffic.per_subject.messages_per_second",
    "a subject sends too many bytes: traffic.per_subject.bytes_per_second",
    "a subject makes too many errors: traffic.per_subject.errors_per_minute"};
constexpr names address_labels{
    R"(scope="address",limit="connections")", R"(scope="address",limit="connects")",
    R"(scope="address",limit="messages")", R"(scope="address",limit="bytes")",
    R"(scope="address",limit="errors")"};
constexpr names subject_labels{
    R"(scope="subject",limit="connections")", R"(scope="subject",limit="connects")",
    R"(scope="subject",limit="messages")", R"(scope="subject",limit="bytes")",
    R"(scope="subject",limit="errors")"};

/// Shares that nobody holds. Above, the oldest are forgotten before their time.
constexpr std::size_t most_unheld = 65'536;
constexpr duration minute = std::chrono::minutes(1);
/// How soon there may be room for one more connection: a guess.
constexpr duration soon = std::chrono::seconds(5);

std::array<pace, traffic_limit_count> paces_of(const traffic_limits& l) noexcept {
    // The one that makes it even is part of what comes at once.
    const duration connects =
        l.connects_per_minute == 0 ? minute : minute - minute / l.connects_per_minute;
    return {pace{}, pace(l.connects_per_minute / 60.0, connects),
            pace(l.messages_per_second, l.burst),
            pace(static_cast<double>(l.bytes_per_second), l.burst),
            pace(l.errors_per_minute / 60.0, minute)};
}

}  // namespace

refusal traffic_refusal::to_refusal() const {
    const auto wait = std::chrono::ceil<std::chrono::seconds>(retry_after).count();
    return refusal(429, why).header("Retry-After", std::to_string(std::max<long>(wait, 1)));
}

std::optional<traffic_refusal> tell(loop_core& loop, std::string_view layer,
                                    const std::optional<traffic_refusal>& no, const peer& whom,
                                    std::string_view route) noexcept {
    if (!no) return no;
    loop.tell_refusal(log_level::warning, layer, no->why, [&] {
        return refusal_facts{.peer = whom.address().to_string(),
                             .route = route,
                             .value = no->dry_run ? "dry_run: let through" : ""};
    });
    return no->dry_run ? std::nullopt : no;
}

// ---- The table ----

traffic_table::traffic_table(const traffic_limits& limits, std::string_view scope, bool dry_run)
    : all_rules_{rule_set(limits, dry_run)},
      rules_(&all_rules_.front()),
      reasons_(scope == "per_address" ? address_reasons : subject_reasons),
      labels_(scope == "per_address" ? address_labels : subject_labels) {}

traffic_table::rule_set::rule_set(const traffic_limits& limits, bool dry) noexcept
    : max_connections(limits.max_connections),
      paces(paces_of(limits)),
      any(max_connections != 0 ||
          std::any_of(paces.begin(), paces.end(), [](const pace& p) { return bool(p); })),
      dry_run(dry) {}

void traffic_table::change(const traffic_limits& limits, bool dry_run) {
    const std::lock_guard lock(mutex_);
    rules_.store(&all_rules_.emplace_back(limits, dry_run), std::memory_order_release);
}

std::size_t traffic_table::key_hash::operator()(std::uint64_t number) const noexcept {
    return siphash_1_3(key, std::as_bytes(std::span(&number, 1)));
}

traffic_share& traffic_table::hold(std::uint64_t key) {
    const std::lock_guard lock(mutex_);
    forget_some();
    traffic_share& share = shares_[key];
    share.key = key;
    ++share.holders;
    return share;
}

void traffic_table::hold(traffic_share& share) noexcept {
    const std::lock_guard lock(mutex_);
    ++share.holders;
}

void traffic_table::let_go(traffic_share& share) noexcept {
    const std::lock_guard lock(mutex_);
    if (--share.holders != 0 || share.forgotten_later) return;
    if (remembers_until(share) > now_) {
        try {
            unheld_.push_back(share.key);
            share.forgotten_later = true;
            return;
        } catch (const std::bad_alloc&) {  // then it is forgotten at once
        }
    }
    shares_.erase(share.key);
}

time_point traffic_table::remembers_until(const traffic_share& share) const noexcept {
    // Full again, or with nothing owed: what silence has saved up is worth nothing to a newcomer,
    // who has as much.
    time_point latest = time_point::min();
    const auto look = [&](const shared_due& bucket, duration burst) {
        if (bucket.get() != time_point::min())
            latest = std::max(latest, later(bucket.get(), burst));
    };
    look(share.messages, rules().of(traffic_limit::messages).burst());
    look(share.bytes, rules().of(traffic_limit::bytes).burst());
    look(share.connects, minute);
    look(share.errors, minute);
    return latest;
}

/// Two at a time, so that there are never many more than came within the longest memory.
void traffic_table::forget_some() noexcept {
    for (int i = 0; i < 2 && !unheld_.empty(); ++i) {
        traffic_share& oldest = shares_.find(unheld_.front())->second;
        const bool held = oldest.holders != 0;
        if (!held && remembers_until(oldest) > now_ && unheld_.size() <= most_unheld) return;
        oldest.forgotten_later = false;
        if (!held) shares_.erase(unheld_.front());
        unheld_.pop_front();
    }
}

traffic_refusal traffic_table::refuse(traffic_limit which, duration retry_after) noexcept {
    met_[static_cast<std::size_t>(which)].fetch_add(1, std::memory_order_relaxed);
    return {reasons_[static_cast<std::size_t>(which)], retry_after, rules().dry_run};
}

std::optional<traffic_refusal> traffic_table::enter(traffic_share& share, time_point now) noexcept {
    std::optional<traffic_refusal> no;
    const std::lock_guard lock(mutex_);
    now_ = now;
    const rule_set& rule = rules();
    if (rule.max_connections != 0 && share.connections >= rule.max_connections)
        no = refuse(traffic_limit::connections, soon);
    if (!no && rule.of(traffic_limit::errors) && share.errors.get() > now)
        no = refuse(traffic_limit::errors, share.errors.get() - now);
    if (const pace& connects = rule.of(traffic_limit::connects); !no && connects) {
        const time_point due = share.connects.try_spend(connects, 1, now);
        if (due > now) no = refuse(traffic_limit::connects, due - now);
    }
    if (!no || no->dry_run) ++share.connections;
    return no;
}

void traffic_table::count(traffic_share& share) noexcept {
    const std::lock_guard lock(mutex_);
    ++share.connections;
}

void traffic_table::leave(traffic_share& share) noexcept {
    const std::lock_guard lock(mutex_);
    --share.connections;
}

std::optional<traffic_refusal> traffic_table::request(traffic_share& share, std::uint64_t bytes,
                                                      time_point now) noexcept {
    const rule_set& rule = rules();
    if (rule.of(traffic_limit::errors) && share.errors.get() > now)
        return refuse(traffic_limit::errors, share.errors.get() - now);
    const auto ask = [&](traffic_limit which, shared_due& bucket,
                         std::uint64_t units) -> std::optional<traffic_refusal> {
        const pace& at = rule.of(which);
        if (!at || units == 0) return std::nullopt;
        const time_point due = bucket.try_spend(at, units, now);
        if (due <= now) return std::nullopt;
        return refuse(which, due - now);
    };
    if (auto no = ask(traffic_limit::messages, share.messages, 1)) return no;
    return ask(traffic_limit::bytes, share.bytes, bytes);
}

traffic_table::verdict traffic_table::spend(traffic_share& share, std::uint64_t messages,
                                            std::uint64_t bytes, time_point now) noexcept {
    verdict latest;
    const rule_set& rule = rules();
    const auto pay = [&](traffic_limit which, shared_due& bucket, std::uint64_t units) {
        const pace& at = rule.of(which);
        if (!at || units == 0) return;
        // In a dry run nobody is slowed down, so a debt would only grow.
        const time_point due = bucket.spend(at, units, now, rule.dry_run ? now : time_point::max());
        if (due <= now) return;
        const traffic_refusal no = refuse(which, due - now);
        if (!rule.dry_run && due > latest.due) latest = {due, no.why};
    };
    pay(traffic_limit::messages, share.messages, messages);
    pay(traffic_limit::bytes, share.bytes, bytes);
    return latest;
}

time_point traffic_table::due(const traffic_share& share) const noexcept {
    return rules().dry_run ? time_point::min() : std::max(share.messages.get(), share.bytes.get());
}

void traffic_table::note_error(traffic_share& share, time_point now) noexcept {
    if (const pace& errors = rules().of(traffic_limit::errors)) share.errors.spend(errors, 1, now);
}

std::size_t traffic_table::size() const {
    const std::lock_guard lock(mutex_);
    return shares_.size();
}

void traffic_table::visit_metrics(metric_visitor visit) const {
    for (std::size_t i = 0; i < traffic_limit_count; ++i) {
        visit({"weft_traffic_limited_total", labels_[i],
               "What met a limit of server_options::traffic.", metric_kind::counter,
               met_[i].load(std::memory_order_relaxed)});
    }
}

// ---- One connection ----

traffic_account::traffic_account(const traffic_account& original)
    : meter_(original.meter_),
      address_(original.address_),
      own_(original.own_),
      counts_address_(original.counts_address_),
      copy_(true) {
    if (address_ != nullptr) meter_->addresses.hold(*address_);
    share_subject(original);
}

traffic_account::~traffic_account() {
    if (meter_ == nullptr) return;
    if (address_ != nullptr) {
        if (leaves_address_) meter_->addresses.leave(*address_);
        meter_->addresses.let_go(*address_);
    }
    if (subject_ != nullptr) {
        if (counts_subject_) meter_->subjects.leave(*subject_);
        meter_->subjects.let_go(*subject_);
    }
}

void traffic_account::set_address(const socket_address& address) {
    if (meter_ == nullptr || !meter_->addresses || counts_address_) return;
    if (address_ != nullptr) meter_->addresses.let_go(*std::exchange(address_, nullptr));
    if (const auto network = address.network()) address_ = &meter_->addresses.hold(*network);
}

void traffic_account::set_subject(std::string_view subject) {
    if (meter_ == nullptr || !meter_->subjects) return;
    traffic_share* const next =
        subject.empty() ? nullptr : &meter_->subjects.hold(keyed_hash()(subject));
    if (traffic_share* const before = std::exchange(subject_, next)) {
        if (counts_subject_) meter_->subjects.leave(*before);
        meter_->subjects.let_go(*before);
    }
    if (counts_subject_ && subject_ != nullptr) meter_->subjects.count(*subject_);
}

void traffic_account::share_subject(const traffic_account& with) noexcept {
    if (meter_ == nullptr || subject_ == with.subject_ || counts_subject_) return;
    if (subject_ != nullptr) meter_->subjects.let_go(*subject_);
    subject_ = with.subject_;
    if (subject_ != nullptr) meter_->subjects.hold(*subject_);
}

std::optional<traffic_refusal> traffic_account::enter_address(time_point now) noexcept {
    if (address_ == nullptr || counts_address_) return std::nullopt;
    auto no = meter_->addresses.enter(*address_, now);
    counts_address_ = leaves_address_ = !no || no->dry_run;
    return no;
}

std::optional<traffic_refusal> traffic_account::enter(time_point now) noexcept {
    auto no = enter_address(now);
    if ((no && !no->dry_run) || counts_subject_) return no;
    if (subject_ != nullptr) {
        if (auto as_subject = meter_->subjects.enter(*subject_, now)) {
            if (!as_subject->dry_run) return as_subject;
            no = as_subject;
        }
    }
    counts_subject_ = true;
    return no;
}

std::optional<traffic_refusal> traffic_account::enter_as(std::string_view subject, time_point now) {
    if (meter_ == nullptr || !meter_->subjects || subject.empty()) return std::nullopt;
    traffic_share& next = meter_->subjects.hold(keyed_hash()(subject));
    auto no =
        &next != subject_ || !counts_subject_ ? meter_->subjects.enter(next, now) : std::nullopt;
    if (&next == subject_ || (no && !no->dry_run)) {
        counts_subject_ = counts_subject_ || (&next == subject_ && (!no || no->dry_run));
        meter_->subjects.let_go(next);
        return no;
    }
    if (traffic_share* const before = std::exchange(subject_, &next)) {
        if (counts_subject_) meter_->subjects.leave(*before);
        meter_->subjects.let_go(*before);
    }
    counts_subject_ = true;
    return no;
}

std::optional<traffic_refusal> traffic_account::request(std::uint64_t bytes,
                                                        time_point now) noexcept {
    if (address_ == nullptr) return std::nullopt;
    return meter_->addresses.request(*address_, bytes, now);
}

traffic_table::verdict traffic_account::spend(std::uint64_t messages, std::uint64_t bytes,
                                              time_point now) noexcept {
    traffic_table::verdict latest;
    const auto take = [&](const traffic_table::verdict& other) {
        if (other.due > latest.due) latest = other;
    };
    if (own_ != nullptr) {
        own_messages_ = own_->messages.spend(own_messages_, messages, now);
        own_bytes_ = own_->bytes.spend(own_bytes_, bytes, now);
        take({std::max(own_messages_, own_bytes_), "messages come faster than rate allows"});
    }
    if (address_ != nullptr) {
        take(copy_ ? meter_->addresses.spend(*address_, std::max<std::uint64_t>(messages, 1) - 1, 0,
                                             now)
                   : meter_->addresses.spend(*address_, messages, bytes, now));
    }
    if (subject_ != nullptr) take(meter_->subjects.spend(*subject_, messages, bytes, now));
    return latest;
}

time_point traffic_account::due() const noexcept {
    time_point latest = std::max(own_messages_, own_bytes_);
    if (address_ != nullptr && !copy_) latest = std::max(latest, meter_->addresses.due(*address_));
    if (subject_ != nullptr) latest = std::max(latest, meter_->subjects.due(*subject_));
    return latest;
}

void traffic_account::note_error(time_point now) noexcept {
    if (address_ != nullptr) meter_->addresses.note_error(*address_, now);
    if (subject_ != nullptr) meter_->subjects.note_error(*subject_, now);
}

}  // namespace weft::net
