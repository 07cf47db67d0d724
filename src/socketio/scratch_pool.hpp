#pragma once

#include <memory>
#include <utility>
#include <vector>

namespace weft::socketio::detail {

/// Lends empty containers that keep their memory from use to use: what is written for every packet
/// costs no allocation once the pool is warm. Several may be lent at once.
/// **Threads**: one. **Lifetime**: outlives what it lends.
template <class Container>
class scratch_pool {
public:
    scratch_pool() = default;
    scratch_pool(const scratch_pool&) = delete;
    scratch_pool& operator=(const scratch_pool&) = delete;

    /// A container until this is destroyed. **Lifetime**: so long must views into it end.
    class loan {
    public:
        loan(loan&& from) noexcept : pool_(from.pool_), lent_(std::exchange(from.lent_, nullptr)) {}
        loan& operator=(loan&&) = delete;
        ~loan() {
            if (lent_ == nullptr) return;
            lent_->clear();
            pool_->free_.push_back(std::move(lent_));  // there is room, see `borrow`
        }

        [[nodiscard]] Container& operator*() const noexcept { return *lent_; }
        [[nodiscard]] Container* operator->() const noexcept { return lent_.get(); }

    private:
        friend scratch_pool;
        loan(scratch_pool& pool, std::unique_ptr<Container> lent) noexcept
            : pool_(&pool), lent_(std::move(lent)) {}

        scratch_pool* pool_;
        std::unique_ptr<Container> lent_;
    };

    [[nodiscard]] loan borrow() {
        if (free_.empty()) {
            free_.reserve(made_ + 1);
            free_.push_back(std::make_unique<Container>());
            ++made_;
        }
        loan lent(*this, std::move(free_.back()));
        free_.pop_back();
        return lent;
    }

private:
    std::vector<std::unique_ptr<Container>> free_;
    std::size_t made_ = 0;
};

}  // namespace weft::socketio::detail
