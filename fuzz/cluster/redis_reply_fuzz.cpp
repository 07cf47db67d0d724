// Replies of a Redis server. First byte: the limits; second: how the rest is split. What comes of
// it must not depend on the split; no limit may be exceeded, and every text lies in what was read.
// Each reply is also taken for a map of slots, and its text for a redirection.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/redis/proto/reply_reader.hpp"
#include "cluster/redis/proto/slot.hpp"
#include "cluster/redis/proto/topology.hpp"

namespace {

using namespace weft::cluster::redis;

void require(bool holds) {
    if (!holds) std::abort();
}

/// Without recursion deeper than max_depth.
std::size_t describe(const reply_view& r, std::string& out, std::size_t depth, std::size_t most) {
    out += static_cast<char>('A' + static_cast<int>(r.type()));
    out += std::to_string(r.integer());
    out += r.format();
    out += std::to_string(r.text().size()) + ':';
    out += r.text();
    if (r.is_aggregate()) require(depth < most || r.size() == 0);
    std::size_t elements = 0;
    std::size_t nested = 0;
    for (const reply_view one : r) {
        nested += describe(one, out, depth + 1, most);
        ++elements;
    }
    require(elements == r.size());
    return elements + nested;
}

/// What a node of a cluster says: whatever is made of it can be used.
void look_for_topology(const reply_view& r) {
    if (const auto map = read_slots(r)) {
        for (const slot_range& one : *map) {
            require(one.first <= one.last && one.last < slot_count && one.port != 0);
        }
    }
    if (const auto where = read_redirection(r.text())) {
        require(where->slot < slot_count && where->port != 0);
        require(where->host.find(' ') == std::string::npos);
    }
    require(slot_of(r.text()) < slot_count);
}

std::string read(std::string_view wire, std::size_t step, const reply_limits& limits) {
    reply_reader reader(limits);
    std::string out;
    while (!wire.empty()) {
        const std::size_t size = std::min(step, wire.size());
        const auto block = std::make_unique<char[]>(size);
        std::copy_n(wire.data(), size, block.get());
        std::string_view data(block.get(), size);
        wire.remove_prefix(size);
        while (!data.empty()) {
            const auto [status, consumed] = reader.feed(data);
            require(consumed <= data.size() && reader.kept() <= limits.max_reply);
            if (status == reply_status::failed) {
                require(static_cast<bool>(reader.error()));
                return out + "failed" + std::to_string(reader.error().value());
            }
            require(consumed > 0);
            data.remove_prefix(consumed);
            if (status == reply_status::incomplete) {
                require(data.empty());
            } else {
                require(describe(reader.reply(), out, 0, limits.max_depth) <= limits.max_elements);
                look_for_topology(reader.reply());
                out += '\n';
            }
        }
    }
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    reply_limits limits;
    if (data[0] != 0) {
        limits.max_bulk = 1U + data[0] % 16;
        limits.max_elements = 1U + data[0] % 8;
        limits.max_depth = 1U + data[0] % 4;
        limits.max_reply = 8U + data[0];
    }
    const std::string_view wire(reinterpret_cast<const char*>(data + 2), size - 2);
    const std::string whole = read(wire, wire.size() + 1, limits);
    require(whole == read(wire, 1U + data[1], limits));
    if (size < 4096) require(whole == read(wire, 1, limits));
    return 0;
}
