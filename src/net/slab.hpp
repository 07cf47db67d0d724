#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "net/slot_walk.hpp"

namespace weft::net {

/// Objects in numbered slots that never move, each with a generation that changes when the slot is
/// reused.
/// **Cost**: making and finding are O(1); memory comes in pages of 64 slots and is kept for reuse.
template <class T, class Generation = std::uint32_t>
class slab {
public:
    static constexpr std::uint32_t max_slots = 1U << 23U;  // half of what a conn_id can name
    /// What one object takes; a function, as T is complete only where it is called.
    [[nodiscard]] static constexpr std::size_t slot_size() noexcept { return sizeof(entry); }

    slab() = default;
    slab(const slab&) = delete;
    slab& operator=(const slab&) = delete;
    ~slab() {
        for_each([this](T& object, std::uint32_t slot) {
            object.~T();
            at(slot).live = false;
        });
    }

    /// Makes an object in a free slot: `T(slot, generation, args...)`. Null when every slot is
    /// taken.
    template <class... Args>
    T* make(Args&&... args) {
        if (free_ == none) {
            if (pages_.size() * page_slots >= max_slots) return nullptr;
            add_page();
        }
        const std::uint32_t slot = free_;
        entry& e = at(slot);
        free_ = e.next_free;
        T* object = nullptr;
        try {
            object = ::new (static_cast<void*>(e.storage))
                T(slot, e.generation, std::forward<Args>(args)...);
        } catch (...) {
            e.next_free = free_;
            free_ = slot;
            throw;
        }
        e.live = true;
        ++size_;
        return object;
    }

    /// The object that was made in this slot with this generation, or null.
    [[nodiscard]] T* find(std::uint32_t slot, Generation generation) noexcept {
        if (slot >= pages_.size() * page_slots) return nullptr;
        entry& e = at(slot);
        return e.live && e.generation == generation ? e.object() : nullptr;
    }

    void free(std::uint32_t slot) noexcept {
        entry& e = at(slot);
        e.object()->~T();
        e.live = false;
        if (++e.generation == 0) e.generation = 1;
        e.next_free = free_;
        free_ = slot;
        --size_;
    }

    [[nodiscard]] std::size_t size() const noexcept { return size_; }

    /// Calls `use(object, slot)` for each; `use` may free that object.
    template <class F>
    void for_each(F use) {
        for (std::uint32_t slot = 0; slot < pages_.size() * page_slots; ++slot) {
            entry& e = at(slot);
            if (e.live) use(*e.object(), slot);
        }
    }
    /// The same for those in the next `slots` slots of a walk.
    template <class F>
    void for_some(slot_walk& walk, std::size_t slots, F use) {
        const std::size_t all = pages_.size() * page_slots;
        const std::size_t end = walk.next + std::min(slots, all - std::min(walk.next, all));
        while (walk.next < end) {
            const auto slot = static_cast<std::uint32_t>(walk.next++);
            entry& e = at(slot);
            if (e.live) use(*e.object(), slot);
        }
        walk.over = walk.next >= all;
    }

    /// The same for those in `count` slots from `first` on. Returns the slot to go on with, or 0
    /// when there are no more.
    template <class F>
    std::uint32_t for_some(std::uint32_t first, std::uint32_t count, F use) {
        const auto end = static_cast<std::uint32_t>(pages_.size() * page_slots);
        const std::uint32_t most = end - std::min(first, end);
        const std::uint32_t until = first + std::min(count, most);
        for (std::uint32_t slot = first; slot < until; ++slot) {
            entry& e = at(slot);
            if (e.live) use(*e.object(), slot);
        }
        return until < end ? until : 0;
    }

private:
    static constexpr std::uint32_t page_slots = 64;
    static constexpr std::uint32_t none = ~0U;

    struct entry {
        alignas(T) std::byte storage[sizeof(T)];
        Generation generation = 1;
        std::uint32_t next_free = none;
        bool live = false;
        T* object() noexcept { return std::launder(reinterpret_cast<T*>(storage)); }
    };

    entry& at(std::uint32_t slot) noexcept { return pages_[slot / page_slots][slot % page_slots]; }

    void add_page() {
        const auto first = static_cast<std::uint32_t>(pages_.size() * page_slots);
        pages_.push_back(std::make_unique<entry[]>(page_slots));
        for (std::uint32_t i = page_slots; i-- > 0;) {
            at(first + i).next_free = free_;
            free_ = first + i;
        }
    }

    std::vector<std::unique_ptr<entry[]>> pages_;
    std::uint32_t free_ = none;
    std::size_t size_ = 0;
};

}  // namespace weft::net
