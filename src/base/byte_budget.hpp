#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <utility>

#include <weft/base/unique_function.hpp>

namespace weft {

/// What the connections of a whole process occupy, summed over its loops. Each loop's budgets
/// report in steps, so it is right to within a step for each of them.
/// **Threads**: any. **Lifetime**: outlives the budgets that report to it.
class memory_account {
public:
    explicit memory_account(std::uint64_t limit) noexcept : limit_(limit) {}
    memory_account(const memory_account&) = delete;
    memory_account& operator=(const memory_account&) = delete;

    [[nodiscard]] std::uint64_t limit() const noexcept { return limit_; }
    [[nodiscard]] std::uint64_t used() const noexcept {
        return used_.load(std::memory_order_relaxed);
    }
    /// By how much the limit is exceeded.
    [[nodiscard]] std::uint64_t excess() const noexcept {
        const std::uint64_t now = used();
        return now > limit_ ? now - limit_ : 0;
    }
    [[nodiscard]] bool exceeded() const noexcept { return used() > limit_; }
    [[nodiscard]] std::uint64_t room() const noexcept {
        const std::uint64_t now = used();
        return now < limit_ ? limit_ - now : 0;
    }

private:
    friend class byte_budget;
    void add(std::uint64_t bytes) noexcept { used_.fetch_add(bytes, std::memory_order_relaxed); }
    void sub(std::uint64_t bytes) noexcept { used_.fetch_sub(bytes, std::memory_order_relaxed); }

    std::atomic<std::uint64_t> used_{0};
    const std::uint64_t limit_;
};

class byte_holder;

/// Bytes kept for one purpose on one loop: what peers may make us keep is charged before it is
/// kept. **Threads**: the loop's only. **Cost**: an addition; an atomic one per step.
class byte_budget {
public:
    /// How far what the process knows may be off.
    static constexpr std::uint64_t step = 64 * 1024;

    explicit byte_budget(std::uint64_t limit = UINT64_MAX) noexcept : limit_(limit) {}
    byte_budget(const byte_budget&) = delete;
    byte_budget& operator=(const byte_budget&) = delete;
    ~byte_budget() {
        if (process_ != nullptr) process_->sub(reported_);
    }

    /// Makes it a part of the process' account. `on_excess`, which must not throw, is called
    /// whenever a charge finds the process beyond its limit.
    void report_to(memory_account& process, unique_function<void()> on_excess) noexcept {
        process_ = &process;
        on_excess_ = std::move(on_excess);
    }

    /// False when this budget or the process has no room for so much. For what charges itself once
    /// it is made.
    [[nodiscard]] bool has_room(std::uint64_t bytes) noexcept {
        if (bytes > limit_ - std::min(used_, limit_)) return false;
        if (process_ == nullptr || bytes <= process_->room()) return true;
        on_excess_();
        return false;
    }
    /// The same, and charges it.
    [[nodiscard]] bool try_charge(std::uint64_t bytes) noexcept {
        if (!has_room(bytes)) return false;
        charge(bytes);
        return true;
    }
    /// For what is bounded elsewhere: it counts, whatever the limits.
    void charge(std::uint64_t bytes) noexcept {
        used_ += bytes;
        if (process_ == nullptr || used_ < reported_ + step) return;
        process_->add(used_ - reported_);
        reported_ = used_;
        if (process_->exceeded()) on_excess_();
    }
    void release(std::uint64_t bytes) noexcept {
        used_ -= bytes;
        if (process_ == nullptr || reported_ <= used_) return;
        if (reported_ - used_ < step && used_ != 0) return;
        process_->sub(reported_ - used_);
        reported_ = used_;
    }
    [[nodiscard]] std::uint64_t used() const noexcept { return used_; }
    /// Calls `use(byte_holder&)` for each.
    template <class F>
    void for_each_holder(F use) const;

private:
    friend class byte_holder;
    std::uint64_t limit_;
    std::uint64_t used_ = 0;
    std::uint64_t reported_ = 0;
    memory_account* process_ = nullptr;
    byte_holder* holders_ = nullptr;
    unique_function<void()> on_excess_;
};

/// Somebody who can let go of charged bytes when the process is short of memory. While it lives,
/// the budget's watcher finds it. **Threads**: the budget's. **Lifetime**: within the budget's.
class byte_holder {
public:
    byte_holder(const byte_holder&) = delete;
    byte_holder& operator=(const byte_holder&) = delete;

    /// Bytes that `let_go` could free.
    [[nodiscard]] virtual std::uint64_t held() const noexcept = 0;
    /// Frees `wanted` bytes or more, as far as there are so many; at once, and no other holder
    /// dies.
    virtual void let_go(std::uint64_t wanted) noexcept = 0;

protected:
    explicit byte_holder(byte_budget& budget) noexcept
        : next_(budget.holders_), to_me_(&budget.holders_) {
        if (next_ != nullptr) next_->to_me_ = &next_;
        budget.holders_ = this;
    }
    virtual ~byte_holder() {
        *to_me_ = next_;
        if (next_ != nullptr) next_->to_me_ = to_me_;
    }

private:
    friend class byte_budget;
    byte_holder* next_;
    byte_holder** to_me_;
};

template <class F>
void byte_budget::for_each_holder(F use) const {
    for (byte_holder* holder = holders_; holder != nullptr; holder = holder->next_) use(*holder);
}

/// What one owner has charged; released when it dies. What has a fixed cost needs none of these: it
/// charges when it is made and releases as much when it dies.
class byte_charge {
public:
    explicit byte_charge(byte_budget& from, std::uint64_t bytes = 0) noexcept : budget_(&from) {
        set(bytes);
    }
    byte_charge(byte_charge&& other) noexcept
        : budget_(other.budget_), bytes_(std::exchange(other.bytes_, 0)) {}
    byte_charge& operator=(byte_charge&& other) noexcept {
        set(0);
        budget_ = other.budget_;
        bytes_ = std::exchange(other.bytes_, 0);
        return *this;
    }
    ~byte_charge() { set(0); }

    [[nodiscard]] bool try_add(std::uint64_t bytes) noexcept {
        if (!budget_->try_charge(bytes)) return false;
        bytes_ += bytes;
        return true;
    }
    [[nodiscard]] bool has_room(std::uint64_t bytes) const noexcept {
        return budget_->has_room(bytes);
    }
    /// For what is bounded elsewhere.
    void set(std::uint64_t bytes) noexcept {
        if (bytes > bytes_) budget_->charge(bytes - bytes_);
        if (bytes < bytes_) budget_->release(bytes_ - bytes);
        bytes_ = bytes;
    }

private:
    byte_budget* budget_;
    std::uint64_t bytes_ = 0;
};

}  // namespace weft
