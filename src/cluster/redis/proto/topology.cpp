// What nodes of a Redis Cluster say of each other. Invariant: what is returned has slots below
// slot_count in order, a port, and a host that can be one; all else is refused as a whole.

#include "cluster/redis/proto/topology.hpp"

#include <charconv>

#include "cluster/redis/proto/slot.hpp"

namespace weft::cluster::redis {
namespace {

constexpr std::size_t most_host = 253;  // RFC 1035, section 2.3.4

bool is_host(std::string_view text) noexcept {
    if (text.size() > most_host) return false;
    for (const char c : text) {
        if (c <= ' ' || c >= 0x7F) return false;
    }
    return true;
}

std::optional<std::uint16_t> read_number(std::string_view digits, std::size_t below) {
    std::uint16_t value = 0;
    const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (code != std::errc() || end != digits.data() + digits.size() || value >= below) return {};
    return value;
}

bool is_within(const reply_view& number, std::int64_t least, std::int64_t most) noexcept {
    return number.type() == reply_type::integer && number.integer() >= least &&
           number.integer() <= most;
}

/// First slot, last slot, the master (host, port, ...), replicas.
std::optional<slot_range> read_range(const reply_view& entry) {
    if (!entry.is_aggregate() || entry.size() < 3) return {};
    auto at = entry.begin();
    const reply_view first = *at++;
    const reply_view last = *at++;
    const reply_view master = *at;
    constexpr auto most_slot = static_cast<std::int64_t>(slot_count - 1);
    if (!is_within(first, 0, most_slot) || !is_within(last, first.integer(), most_slot)) return {};
    if (!master.is_aggregate() || master.size() < 2) return {};
    auto part = master.begin();
    const reply_view host = *part++;
    const reply_view port = *part;
    if (!is_within(port, 1, UINT16_MAX)) return {};
    std::string_view name = host.text();
    if (name == "?") name = {};  // it does not know its own name
    if (!is_host(name) || host.is_aggregate()) return {};
    return slot_range{static_cast<std::uint16_t>(first.integer()),
                      static_cast<std::uint16_t>(last.integer()), std::string(name),
                      static_cast<std::uint16_t>(port.integer())};
}

}  // namespace

std::optional<std::vector<slot_range>> read_slots(const reply_view& reply) {
    if (reply.type() != reply_type::array || reply.size() > slot_count) return {};
    std::vector<slot_range> all;
    for (const reply_view entry : reply) {
        auto range = read_range(entry);
        if (!range) return {};
        all.push_back(std::move(*range));
    }
    return all;
}

std::optional<redirection> read_redirection(std::string_view text) {
    redirection found;
    if (text.starts_with("MOVED ")) {
        text.remove_prefix(6);
    } else if (text.starts_with("ASK ")) {
        found.what = redirection::kind::ask;
        text.remove_prefix(4);
    } else {
        return {};
    }
    const auto space = text.find(' ');
    if (space == std::string_view::npos) return {};
    const auto slot = read_number(text.substr(0, space), slot_count);
    text.remove_prefix(space + 1);
    const auto colon = text.rfind(':');
    if (!slot || colon == std::string_view::npos) return {};
    const auto port = read_number(text.substr(colon + 1), UINT16_MAX + std::size_t{1});
    std::string_view host = text.substr(0, colon);
    if (host == "?") host = {};
    if (!port || *port == 0 || !is_host(host)) return {};
    found.slot = *slot;
    found.host = host;
    found.port = *port;
    return found;
}

}  // namespace weft::cluster::redis
