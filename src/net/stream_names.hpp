#pragma once

#include <weft/net/conn_id.hpp>

#include "net/slab.hpp"

namespace weft::net {

/// Ids for streams of one loop that are no sockets of it: several on one connection, or a test's.
/// They are taken from the half of all slots that sockets leave free.
class stream_names {
public:
    static constexpr std::uint32_t first_slot = 1U << 23U;

    /// A fresh id, or none when all are taken.
    [[nodiscard]] conn_id take(std::uint8_t loop) {
        const name* const made = names_.make();
        if (made == nullptr) return {};
        return {loop, first_slot + made->slot, made->generation};
    }
    void give_back(conn_id id) noexcept { names_.free(id.slot() - first_slot); }

private:
    struct name {
        name(std::uint32_t s, std::uint32_t g) noexcept : slot(s), generation(g) {}
        std::uint32_t slot, generation;
    };
    slab<name> names_;
};

}  // namespace weft::net
