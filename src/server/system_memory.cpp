// Reads /proc/meminfo and the limits of control groups. A group's limit binds all below it, so the
// smallest on the way up to the root counts; "max" and absent files are no limit.

#include "server/system_memory.hpp"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <string_view>

namespace weft {
namespace {

/// The number at the front of a text; nothing becomes the largest one.
std::uint64_t number(std::string_view text) noexcept {
    std::uint64_t value = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
    return failed == std::errc{} && end != text.data() ? value : UINT64_MAX;
}

std::uint64_t number_in(const std::string& file) {
    std::ifstream in(file);
    std::string line;
    return std::getline(in, line) ? number(line) : UINT64_MAX;
}

std::uint64_t of_machine(const std::string& root) {
    std::ifstream in(root + "/proc/meminfo");
    constexpr std::string_view label = "MemTotal:";
    for (std::string line; std::getline(in, line);) {
        if (!line.starts_with(label)) continue;
        const std::size_t digits = line.find_first_of("0123456789");
        if (digits == std::string::npos) break;
        const std::uint64_t kib = number(std::string_view(line).substr(digits));
        return kib > UINT64_MAX / 1024 ? UINT64_MAX : kib * 1024;
    }
    return UINT64_MAX;
}

/// The smallest limit from `group` up to the root of its hierarchy.
std::uint64_t of_group(const std::string& hierarchy, std::string group, const std::string& file) {
    std::uint64_t least = UINT64_MAX;
    for (;;) {
        least = std::min(least, number_in((hierarchy + group).append("/").append(file)));
        const std::size_t up = group.rfind('/');
        if (up == std::string::npos) return least;
        group.resize(up);
    }
}

bool has_controller(std::string_view list, std::string_view name) noexcept {
    while (!list.empty()) {
        const std::string_view first = list.substr(0, list.find(','));
        if (first == name) return true;
        list.remove_prefix(std::min(list.size(), first.size() + 1));
    }
    return false;
}

std::uint64_t of_groups(const std::string& root) {
    std::uint64_t least = UINT64_MAX;
    std::ifstream in(root + "/proc/self/cgroup");
    // "0::/path" for v2, "4:memory:/path" for v1.
    for (std::string line; std::getline(in, line);) {
        const std::size_t first = line.find(':');
        const std::size_t second = line.find(':', first + 1);
        if (first == std::string::npos || second == std::string::npos) continue;
        const std::string controllers = line.substr(first + 1, second - first - 1);
        const std::string group = line.substr(second + 1);
        if (controllers.empty())
            least = std::min(least, of_group(root + "/sys/fs/cgroup", group, "memory.max"));
        if (has_controller(controllers, "memory")) {
            least = std::min(
                least, of_group(root + "/sys/fs/cgroup/memory", group, "memory.limit_in_bytes"));
        }
    }
    return least;
}

}  // namespace

std::uint64_t system_memory(const std::string& root) {
    const std::uint64_t least = std::min(of_machine(root), of_groups(root));
    return least == UINT64_MAX ? 0 : least;
}

}  // namespace weft
