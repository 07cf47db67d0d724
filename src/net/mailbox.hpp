#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>

#include <weft/base/function_ref.hpp>
#include <weft/base/unique_function.hpp>

namespace weft::net {

class backend;

/// Tasks from any thread to one loop: a lock-free stack that the loop takes whole and reverses.
/// **Threads**: `push` any; `drain` and `close` the loop's. **Cost**: one wake-up per
/// empty-to-nonempty edge.
class mailbox {
    struct node {
        node* next;
        unique_function<void()> task;
    };

public:
    /// A task with its place in the queue. **Lifetime**: dropped, it is destroyed unrun.
    using letter = std::unique_ptr<node>;
    [[nodiscard]] static letter prepare(unique_function<void()> task) {
        return letter(new node{nullptr, std::move(task)});
    }

    explicit mailbox(backend& waker) noexcept : waker_(&waker) {}
    mailbox(const mailbox&) = delete;
    mailbox& operator=(const mailbox&) = delete;
    ~mailbox();

    /// False when closed; the task is then destroyed unrun.
    bool push(unique_function<void()> task);
    /// The same where memory must not run out any more.
    bool push(letter what) noexcept;
    [[nodiscard]] bool empty() const noexcept {
        return batch_ == nullptr && head_.load(std::memory_order_acquire) == nullptr;
    }
    /// Hands at most `budget` tasks to `run`, until it returns false, and none that they post; the
    /// rest stays for the next call, in order. Returns how many ran.
    std::size_t drain(std::size_t budget, function_ref<bool(unique_function<void()>&)> run);
    /// From now on every push fails; what is queued is destroyed unrun.
    void close() noexcept;
    [[nodiscard]] bool closed() const noexcept { return closed_.load(std::memory_order_acquire); }

private:
    static void destroy(node* list) noexcept;
    static node* reverse(node* list) noexcept;

    std::atomic<node*> head_{nullptr};
    node* batch_ = nullptr;
    std::atomic<bool> closed_{false};
    std::mutex waker_mutex_;  // keeps the backend alive during a wake-up; taken on the edge only
    backend* waker_;
};

}  // namespace weft::net
