#pragma once

#include <atomic>
#include <cstddef>

#include "cluster/nodes/pipe.hpp"
#include "net/loop_core.hpp"

namespace weft::cluster::nodes {

class carried_end;

/// What one loop knows of streams between nodes. **Threads**: the loop's, but for `waited_for`.
struct loop_part {
    explicit loop_part(net::loop_core& of) noexcept : loop(of) {}
    loop_part(const loop_part&) = delete;
    loop_part& operator=(const loop_part&) = delete;

    net::loop_core& loop;
    carried_end* first = nullptr;
    bool draining = false;
    /// Streams to clients of other nodes: a drain waits for them. **Threads**: the home loop
    /// changes it, any reads it.
    std::atomic<std::size_t> waited_for{0};
};

/// A user of a stream that ends with its loop, and has to go when that drains.
class carried_end : public pipe_user {
public:
    carried_end(const carried_end&) = delete;
    carried_end& operator=(const carried_end&) = delete;

    /// The node drains.
    virtual void on_drain() noexcept = 0;
    /// The loop has ended: tells whom it serves. May destroy it.
    virtual void on_loop_end() noexcept = 0;
    [[nodiscard]] carried_end* next() const noexcept { return next_; }

protected:
    explicit carried_end(loop_part& part) noexcept : part_(part), next_(part.first) {
        if (next_ != nullptr) next_->to_me_ = &next_;
        part.first = this;
    }
    ~carried_end() {
        *to_me_ = next_;
        if (next_ != nullptr) next_->to_me_ = to_me_;
    }
    [[nodiscard]] loop_part& part() const noexcept { return part_; }

private:
    loop_part& part_;
    carried_end* next_;
    carried_end** to_me_ = &part_.first;
};

}  // namespace weft::cluster::nodes
