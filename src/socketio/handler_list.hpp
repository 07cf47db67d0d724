#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace weft::socketio::detail {

enum class handler_life : std::uint8_t { always, once };

/// Handlers of one kind, called in the order they were added. They may add and remove some
/// meanwhile: the call under way goes to those that were there when it began.
/// **Threads**: one.
template <class F>
class handler_list {
public:
    void add(F handler, handler_life life = handler_life::always) {
        if (handler) all_.push_back(std::make_shared<entry>(entry{std::move(handler), life}));
    }
    void clear() noexcept { all_.clear(); }
    [[nodiscard]] bool empty() const noexcept { return all_.empty(); }

    /// Calls `use(handler)` for each.
    template <class Use>
    void each(Use use) {
        for (const auto& one : std::vector(all_)) {
            if (one->life == handler_life::once) std::erase(all_, one);
            use(one->handler);
        }
    }

private:
    struct entry {
        F handler;
        handler_life life;
    };
    std::vector<std::shared_ptr<entry>> all_;
};

}  // namespace weft::socketio::detail
