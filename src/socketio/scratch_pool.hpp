#pragma once

#include <utility>

namespace weft::socketio::detail {

/// Lends empty containers. The usual case, one at a time, is a container that keeps its memory from
/// use to use, so that what is written for every packet costs no allocation once it is warm; one
/// that is wanted while the first is lent is made anew.
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
            if (lent_ == &pool_.kept_) {
                lent_->clear();
                pool_.is_lent_ = false;
            } else {
                delete lent_;
            }
        }

        [[nodiscard]] Container& operator*() const noexcept { return *lent_; }
        [[nodiscard]] Container* operator->() const noexcept { return lent_; }

    private:
        friend scratch_pool;
        loan(scratch_pool& pool, Container* lent) noexcept : pool_(pool), lent_(lent) {}

        scratch_pool& pool_;
        Container* lent_;
    };

    [[nodiscard]] loan borrow() {
        if (is_lent_) return {*this, new Container()};
        is_lent_ = true;
        return {*this, &kept_};
    }

private:
    Container kept_;
    bool is_lent_ = false;
};

}  // namespace weft::socketio::detail
