#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace weft::socketio::detail {

enum class handler_life : std::uint8_t { always, once };

/// Handlers of one kind, called in the order they were added. They may add and remove some
/// meanwhile: the call under way goes to those that were there when it began.
/// **Threads**: one.
/// **Cost**: a call copies one pointer and allocates nothing; adding meanwhile copies the list.
template <class F>
class handler_list {
public:
    void add(F handler, handler_life life = handler_life::always) {
        if (!handler) return;
        auto added = std::make_shared<entry>(entry{std::move(handler), life});
        if (all_ == nullptr) {
            all_ = std::make_shared<entries>();
        } else if (all_.use_count() > 1) {
            all_ = std::make_shared<entries>(*all_);
        }
        std::erase_if(*all_, [](const auto& one) { return !one->handler; });
        all_->push_back(std::move(added));
    }
    void clear() noexcept { all_.reset(); }
    [[nodiscard]] bool empty() const noexcept {
        return all_ == nullptr ||
               std::ranges::none_of(*all_, [](const auto& one) { return bool(one->handler); });
    }

    /// Calls `use(handler)` for each.
    template <class Use>
    void each(Use use) {
        const auto called = all_;  // this list may be gone after a handler ran
        if (called == nullptr) return;
        for (const auto& one : *called) {
            if (!one->handler) continue;
            if (one->life == handler_life::once) {
                F last = std::exchange(one->handler, F());
                use(last);
            } else {
                use(one->handler);
            }
        }
    }

private:
    struct entry {
        F handler;  // empty: it was called, for once
        handler_life life;
    };
    using entries = std::vector<std::shared_ptr<entry>>;

    std::shared_ptr<entries> all_;
};

}  // namespace weft::socketio::detail
