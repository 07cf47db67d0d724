#pragma once

#include <atomic>
#include <cstddef>
#include <memory>

#include "net/latecomers.hpp"

namespace weft::net {

/// The connections that are late with their first request, and those that are told why they had to
/// go. A connection whose request comes promptly never appears here.
/// **Threads**: any.
class handshake_gate final : public latecomers {
public:
    explicit handshake_gate(limits most) noexcept : latecomers(most), most_answers_(most.total) {}

    struct answered {
        void operator()(handshake_gate* gate) const noexcept { --gate->answers_; }
    };
    /// One connection that ends, while it is told why. As many may be as may be late.
    using answer = std::unique_ptr<handshake_gate, answered>;
    /// Null when the next one has to go without.
    [[nodiscard]] answer try_answer() noexcept {
        if (++answers_ <= most_answers_) return answer(this);
        --answers_;
        return nullptr;
    }

private:
    const std::size_t most_answers_;
    std::atomic<std::size_t> answers_{0};
};

}  // namespace weft::net
