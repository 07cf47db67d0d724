#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <vector>

#include <weft/net/conn_id.hpp>

#include "net/slot_walk.hpp"

namespace weft::net {

/// Finds what lives on the connections of one loop by their ids, whatever carries them. `T` says
/// its id by `id()`. **Threads**: the loop's. **Lifetime**: objects take themselves out.
/// **Cost**: eight bytes per object; finding is a bounds check, two loads and a comparison.
template <class T>
class conn_table {
public:
    conn_table() = default;
    conn_table(const conn_table&) = delete;
    conn_table& operator=(const conn_table&) = delete;

    void add(T& object) {
        const std::size_t slot = object.id().slot();
        if (slot / page_slots >= pages_.size()) pages_.resize(slot / page_slots + 1);
        auto& page = pages_[slot / page_slots];
        if (page == nullptr) page = std::make_unique<std::array<T*, page_slots>>();
        T*& entry = (*page)[slot % page_slots];
        if (entry == nullptr) ++size_;
        entry = &object;
    }
    /// Nothing if another object has come to its slot, or it was never added.
    void remove(T& object) noexcept {
        T** const entry = at(object.id().slot());
        if (entry == nullptr || *entry != &object) return;
        *entry = nullptr;
        --size_;
    }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

    /// The object on the connection of that id, or null.
    [[nodiscard]] T* find(conn_id id) const noexcept {
        T* const* const entry = at(id.slot());
        return entry != nullptr && *entry != nullptr && (*entry)->id() == id ? *entry : nullptr;
    }

    /// Calls `use(T&)` for each. `use` may remove objects, not add any.
    template <class F>
    void for_each(F use) const {
        for (const auto& page : pages_) {
            if (page == nullptr) continue;
            for (T* const object : *page) {
                if (object != nullptr) use(*object);
            }
        }
    }
    /// The same for those in the next `slots` slots of a walk.
    template <class F>
    void for_some(slot_walk& walk, std::size_t slots, F use) const {
        const std::size_t all = pages_.size() * page_slots;
        const std::size_t end = walk.next + std::min(slots, all - std::min(walk.next, all));
        for (; walk.next < end; ++walk.next) {
            const auto& page = pages_[walk.next / page_slots];
            T* const object = page != nullptr ? (*page)[walk.next % page_slots] : nullptr;
            if (object != nullptr) use(*object);
        }
        walk.over = walk.next >= all;
    }

private:
    static constexpr std::size_t page_slots = 512;

    [[nodiscard]] T** at(std::size_t slot) const noexcept {
        if (slot / page_slots >= pages_.size()) return nullptr;
        const auto& page = pages_[slot / page_slots];
        return page != nullptr ? &(*page)[slot % page_slots] : nullptr;
    }

    std::vector<std::unique_ptr<std::array<T*, page_slots>>> pages_;
    std::size_t size_ = 0;
};

}  // namespace weft::net
