#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <vector>

#include <weft/net/conn_id.hpp>

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
        (*page)[slot % page_slots] = &object;
    }
    /// Nothing if another object has come to its slot, or it was never added.
    void remove(T& object) noexcept {
        T** const entry = at(object.id().slot());
        if (entry != nullptr && *entry == &object) *entry = nullptr;
    }

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

private:
    static constexpr std::size_t page_slots = 512;

    [[nodiscard]] T** at(std::size_t slot) const noexcept {
        if (slot / page_slots >= pages_.size()) return nullptr;
        const auto& page = pages_[slot / page_slots];
        return page != nullptr ? &(*page)[slot % page_slots] : nullptr;
    }

    std::vector<std::unique_ptr<std::array<T*, page_slots>>> pages_;
};

}  // namespace weft::net
