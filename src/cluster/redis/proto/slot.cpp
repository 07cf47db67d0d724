// The slot of a key: CRC16 of the XMODEM kind (polynomial 0x1021, nothing reflected, from 0), as
// the cluster's specification has it. Invariant: a slot is below slot_count.

#include "cluster/redis/proto/slot.hpp"

#include <array>

namespace weft::cluster::redis {
namespace {

constexpr std::array<std::uint16_t, 256> make_table() noexcept {
    std::array<std::uint16_t, 256> table{};
    for (unsigned byte = 0; byte < table.size(); ++byte) {
        unsigned value = byte << 8U;
        for (int bit = 0; bit < 8; ++bit) {
            value = (value << 1U) ^ ((value & 0x8000U) != 0 ? 0x1021U : 0U);
        }
        table[byte] = static_cast<std::uint16_t>(value);
    }
    return table;
}
constexpr std::array<std::uint16_t, 256> table = make_table();

std::string_view hash_tag(std::string_view key) noexcept {
    const auto open = key.find('{');
    if (open == std::string_view::npos) return key;
    const auto close = key.find('}', open + 1);
    if (close == std::string_view::npos || close == open + 1) return key;
    return key.substr(open + 1, close - open - 1);
}

}  // namespace

std::uint16_t slot_of(std::string_view key) noexcept {
    unsigned crc = 0;
    for (const char c : hash_tag(key)) {
        crc = ((crc << 8U) & 0xFFFFU) ^ table[(crc >> 8U) ^ static_cast<unsigned char>(c)];
    }
    return static_cast<std::uint16_t>(crc % slot_count);
}

}  // namespace weft::cluster::redis
