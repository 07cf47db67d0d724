// The wheel. Level n has 64 slots of 64^n ticks. A node stands in the slot of `filed_`; when that
// slot comes up the node either is due, or is filed again for its (later) deadline. Invariant:
// filed_ <= deadline_, and a node of level n stands within 64^(n+1) ticks of `current_`.

#include "net/timer_wheel.hpp"

#include <algorithm>
#include <bit>

namespace weft::net {
timer_node::~timer_node() {
    cancel();
}

void timer_node::unlink() noexcept {
    *to_me_ = next_;
    if (next_ != nullptr) next_->to_me_ = to_me_;
    next_ = nullptr;
    to_me_ = nullptr;
}

void timer_node::cancel() noexcept {
    if (wheel_ == nullptr) return;
    unlink();
    wheel_ = nullptr;
}

timer_wheel::~timer_wheel() {
    const auto drop = [](timer_node* head) {
        while (head != nullptr) {
            timer_node* next = head->next_;
            head->cancel();
            head = next;
        }
    };
    for (auto& level : wheel_) {
        for (timer_node* head : level) drop(head);
    }
    drop(due_);
}

std::uint64_t timer_wheel::ticks_up(time_point when) const noexcept {
    if (when <= start_) return 0;
    const auto exact = when - start_;
    const auto whole = std::chrono::floor<std::chrono::milliseconds>(exact);
    return static_cast<std::uint64_t>(whole.count()) + (exact > whole ? 1U : 0U);
}

void timer_wheel::arm(timer_node& node, time_point when) noexcept {
    const std::uint64_t deadline = ticks_up(when);
    if (node.wheel_ != nullptr) {
        node.deadline_ = deadline;
        if (deadline >= node.filed_) return;  // its old slot will move it on
        node.unlink();
    }
    node.wheel_ = this;
    node.deadline_ = deadline;
    file(node);
}

void timer_wheel::arm_sooner(timer_node& node, time_point when) noexcept {
    if (node.wheel_ == nullptr || ticks_up(when) < node.deadline_) arm(node, when);
}

void timer_wheel::file(timer_node& node) noexcept {
    node.filed_ = std::max(node.deadline_, current_ + 1);
    const std::uint64_t distance = node.filed_ - current_;
    unsigned level = (static_cast<unsigned>(std::bit_width(distance)) - 1) / level_bits;
    if (level >= levels) {
        level = levels - 1;
        node.filed_ = current_ + (std::uint64_t{1} << (level_bits * levels)) - 1;
    }
    const auto slot = static_cast<unsigned>(node.filed_ >> (level_bits * level)) % slots;
    timer_node*& head = wheel_[level][slot];
    node.next_ = head;
    if (head != nullptr) head->to_me_ = &node.next_;
    head = &node;
    node.to_me_ = &head;
    occupied_[level] |= std::uint64_t{1} << slot;
}

void timer_wheel::refile_level(unsigned level) noexcept {
    const auto slot = static_cast<unsigned>(current_ >> (level_bits * level)) % slots;
    occupied_[level] &= ~(std::uint64_t{1} << slot);
    timer_node* list = wheel_[level][slot];
    wheel_[level][slot] = nullptr;
    while (list != nullptr) {
        timer_node* node = list;
        list = node->next_;
        if (list != nullptr) list->to_me_ = &list;
        node->next_ = nullptr;
        if (node->deadline_ <= current_) {
            node->next_ = due_;
            if (due_ != nullptr) due_->to_me_ = &node->next_;
            due_ = node;
            node->to_me_ = &due_;
        } else {
            file(*node);
        }
    }
}

bool timer_wheel::advance(time_point now, std::size_t budget) {
    const auto target =
        now <= start_ ? 0
                      : static_cast<std::uint64_t>(
                            std::chrono::floor<std::chrono::milliseconds>(now - start_).count());
    const auto fire_due = [&] {
        while (due_ != nullptr && budget > 0) {
            timer_node& node = *due_;
            if (node.deadline_ > current_) {  // moved later while it waited for a budget
                node.unlink();
                file(node);
                continue;
            }
            node.cancel();
            --budget;
            node.fire_(node);
        }
    };
    fire_due();
    while (current_ < target && due_ == nullptr) {
        // Skip to the next tick at which a slot of some level comes up with anything in it.
        std::uint64_t next = target;
        for (unsigned level = 0; level < levels; ++level) {
            if (occupied_[level] == 0) continue;
            const unsigned shift = level_bits * level;
            const std::uint64_t position = current_ >> shift;
            const auto turned =
                std::rotr(occupied_[level], static_cast<int>((position + 1) % slots));
            const std::uint64_t tick =
                (position + 1 + static_cast<unsigned>(std::countr_zero(turned))) << shift;
            next = std::min(next, tick);
        }
        current_ = next;
        for (unsigned level = levels; level-- > 0;) {
            const unsigned shift = level_bits * level;
            if ((current_ & ((std::uint64_t{1} << shift) - 1)) == 0) refile_level(level);
        }
        fire_due();
    }
    return due_ != nullptr;
}

duration timer_wheel::until_next(time_point now, duration max) const noexcept {
    if (due_ != nullptr) return duration::zero();
    duration best = max;
    for (unsigned level = 0; level < levels; ++level) {
        if (occupied_[level] == 0) continue;
        const unsigned shift = level_bits * level;
        const std::uint64_t position = current_ >> shift;
        const auto turned = std::rotr(occupied_[level], static_cast<int>((position + 1) % slots));
        const std::uint64_t tick = (position + 1 + static_cast<unsigned>(std::countr_zero(turned)))
                                   << shift;
        const time_point when = start_ + std::chrono::milliseconds(tick);
        best = std::min(best, std::max(when - now, duration::zero()));
    }
    return best;
}

}  // namespace weft::net
