// Cross-thread tasks. Pushing is one exchange on a stack head; the loop takes the whole stack at
// once and reverses it, so tasks of one thread run in the order they were posted. Only the push
// that finds the stack empty wakes the loop.

#include "net/mailbox.hpp"

#include <utility>

#include "net/backend/backend.hpp"

namespace weft::net {

mailbox::~mailbox() {
    destroy(batch_);
    destroy(head_.load(std::memory_order_relaxed));
}

bool mailbox::push(unique_function<void()> task) {
    return !closed_.load() && push(prepare(std::move(task)));
}

bool mailbox::push(letter what) noexcept {
    if (closed_.load()) return false;
    node* const fresh = what.release();
    node* seen = head_.load(std::memory_order_relaxed);
    do {
        fresh->next = seen;
    } while (!head_.compare_exchange_weak(seen, fresh, std::memory_order_seq_cst,
                                          std::memory_order_relaxed));
    // A push that overlaps with `close` may come behind its last look; one of the two destroys it.
    if (closed_.load()) {
        destroy(head_.exchange(nullptr));
        return false;
    }
    if (seen == nullptr) {
        const std::lock_guard lock(waker_mutex_);
        if (waker_ != nullptr) waker_->wake();
    }
    return true;
}

std::size_t mailbox::drain(std::size_t budget, function_ref<bool(unique_function<void()>&)> run) {
    std::size_t ran = 0;
    bool go_on = true;
    // Once: what the tasks post comes behind everybody else's turn.
    if (batch_ == nullptr) batch_ = reverse(head_.exchange(nullptr, std::memory_order_acq_rel));
    while (batch_ != nullptr && ran < budget && go_on) {
        node* first = std::exchange(batch_, batch_->next);
        go_on = run(first->task);
        delete first;
        ++ran;
    }
    return ran;
}

void mailbox::close() noexcept {
    closed_.store(true);
    {
        const std::lock_guard lock(waker_mutex_);
        waker_ = nullptr;
    }
    destroy(std::exchange(batch_, nullptr));
    destroy(head_.exchange(nullptr));
}

void mailbox::destroy(node* list) noexcept {
    while (list != nullptr) delete std::exchange(list, list->next);
}

mailbox::node* mailbox::reverse(node* list) noexcept {
    node* reversed = nullptr;
    while (list != nullptr) {
        node* next = std::exchange(list->next, reversed);
        reversed = std::exchange(list, next);
    }
    return reversed;
}

}  // namespace weft::net
