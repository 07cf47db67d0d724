#pragma once

#include <pthread.h>

#include <atomic>
#include <memory>
#include <utility>

namespace weft {

/// Which thread may touch an object: none, or one at a time, or none ever again.
/// **Threads**: any, unless said otherwise. **Lifetime**: shared, so that it can outlive the
/// object.
class thread_owner {
public:
    /// Whether the calling thread is the owner. **Cost**: a load and a compare.
    [[nodiscard]] bool here() const noexcept {
        return thread_.load(std::memory_order_relaxed) == pthread_self();
    }
    /// Makes the calling thread the owner. False if there is an owner already, or after `end`.
    [[nodiscard]] bool try_claim() noexcept {
        pthread_t nobody{};
        if (!thread_.compare_exchange_strong(nobody, pthread_self(), std::memory_order_acq_rel)) {
            return false;
        }
        if (!ended()) return true;
        release();
        return false;
    }
    /// Gives ownership up. What this owner did happens before what the next one does.
    /// **Threads**: the owner's.
    void release() noexcept { thread_.store(pthread_t{}, std::memory_order_release); }
    /// Nobody can claim it from now on. The present owner stays until it releases.
    void end() noexcept { ended_.store(true, std::memory_order_release); }
    [[nodiscard]] bool ended() const noexcept { return ended_.load(std::memory_order_acquire); }

private:
    std::atomic<pthread_t> thread_{};  // <thread> would cost every user its inclusion
    std::atomic<bool> ended_{false};
};

/// Owns an object for a scope, unless another thread does. For code that sets the object up or
/// takes it apart. Scopes may be nested.
class [[nodiscard]] owner_scope {
public:
    explicit owner_scope(std::shared_ptr<thread_owner> owner) noexcept
        : owner_(std::move(owner)),
          owns_(owner_ != nullptr && owner_->here()),
          claimed_(owner_ != nullptr && !owns_ && owner_->try_claim()) {}
    owner_scope(const owner_scope&) = delete;
    owner_scope& operator=(const owner_scope&) = delete;
    ~owner_scope() {
        if (claimed_) owner_->release();
    }

    /// Whether the calling thread is the owner. False without a `thread_owner`.
    explicit operator bool() const noexcept { return owns_ || claimed_; }

private:
    std::shared_ptr<thread_owner> owner_;
    bool owns_;  // before this
    bool claimed_;
};

namespace detail {
struct weak_record {
    weak_record(std::shared_ptr<thread_owner> o, void* t) noexcept
        : owner(std::move(o)), target(t) {}

    const std::shared_ptr<thread_owner> owner;
    void* target;  // the owner's thread only
};
}  // namespace detail

/// A pointer to an object that may be gone, for others to keep. It checks the thread before it
/// looks, so it never sees an object that another thread destroys.
/// **Threads**: any. **Cost**: two loads more than a pointer.
template <class T>
class weak_handle {
public:
    weak_handle() noexcept = default;

    /// The object, or null if it is gone or belongs to another thread. **Lifetime**: the pointer is
    /// valid until the caller lets something else run on this thread.
    [[nodiscard]] T* get() const noexcept {
        return record_ != nullptr && record_->owner->here() ? static_cast<T*>(record_->target)
                                                            : nullptr;
    }

private:
    template <class>
    friend class weak_anchor;
    explicit weak_handle(std::shared_ptr<detail::weak_record> record) noexcept
        : record_(std::move(record)) {}

    std::shared_ptr<detail::weak_record> record_;
};

/// A member of an object that may go: gives out handles, and empties them when it is destroyed.
/// **Threads**: the owner's.
template <class T>
class weak_anchor {
public:
    weak_anchor(std::shared_ptr<thread_owner> owner, T* target)
        : record_(std::make_shared<detail::weak_record>(std::move(owner), target)) {}
    weak_anchor(weak_anchor&&) noexcept = default;
    weak_anchor& operator=(weak_anchor&&) = delete;
    ~weak_anchor() {
        if (record_ != nullptr) record_->target = nullptr;
    }

    /// Points all handles that were given out to `target`.
    void set(T* target) noexcept { record_->target = target; }
    /// **Threads**: any.
    [[nodiscard]] weak_handle<T> handle() const noexcept { return weak_handle<T>(record_); }

private:
    std::shared_ptr<detail::weak_record> record_;
};

}  // namespace weft
