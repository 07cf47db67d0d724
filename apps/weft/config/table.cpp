// Finding rows of the table, by a name, by a flag, or by what somebody meant.

#include "config/table.hpp"

#include <algorithm>
#include <vector>

namespace weft::config {
namespace {

/// How many letters must change to make one of the other.
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> line(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) line[j] = j;
    for (std::size_t i = 0; i < a.size(); ++i) {
        std::size_t corner = line[0]++;
        for (std::size_t j = 0; j < b.size(); ++j) {
            const std::size_t changed = corner + (a[i] == b[j] ? 0 : 1);
            corner = line[j + 1];
            line[j + 1] = std::min({changed, line[j] + 1, line[j + 1] + 1});
        }
    }
    return line.back();
}

/// Whoever errs may have forgotten them.
std::string without_brackets(std::string_view name) {
    std::string plain(name);
    if (const std::size_t at = plain.find("[]"); at != plain.npos) plain.erase(at, 2);
    return plain;
}

}  // namespace

key_name parse_key(std::string_view key) {
    key_name found;
    for (std::size_t i = 0; i < key.size(); ++i) {
        found.pattern += key[i];
        if (key[i] != '[') continue;
        std::size_t digits = i + 1;
        std::size_t index = 0;
        while (digits < key.size() && key[digits] >= '0' && key[digits] <= '9' && digits < i + 6)
            index = index * 10 + static_cast<std::size_t>(key[digits++] - '0');
        if (digits < key.size() && key[digits] == ']' && digits != i + 1) {
            found.index = index;
            i = digits - 1;
        }
    }
    return found;
}

std::string concrete(std::string_view pattern, std::size_t index) {
    std::string name(pattern);
    if (const std::size_t at = name.find("[]"); at != std::string::npos)
        name.insert(at + 1, std::to_string(index));
    return name;
}

const row* find_row(std::string_view pattern) noexcept {
    const auto found = std::find_if(rows().begin(), rows().end(),
                                    [&](const row& each) { return each.name == pattern; });
    return found == rows().end() ? nullptr : &*found;
}

const row* row_of_flag(std::string_view flag) noexcept {
    const auto found = std::find_if(rows().begin(), rows().end(), [&](const row& each) {
        return !each.flag.empty() && each.flag == flag;
    });
    return found == rows().end() ? nullptr : &*found;
}

const section* find_section(std::string_view name) noexcept {
    const auto found = std::find_if(sections().begin(), sections().end(),
                                    [&](const section& each) { return each.name == name; });
    return found == sections().end() ? nullptr : &*found;
}

std::string_view nearest(std::string_view pattern) {
    constexpr std::size_t longest = 128;  // what is longer is no slip of the pen
    if (pattern.size() > longest) return {};
    const std::string meant = without_brackets(pattern);
    std::string_view best;
    std::size_t least = meant.size() / 4 + 2;
    const auto consider = [&](std::string_view name) {
        if (const std::size_t far = distance(meant, without_brackets(name)); far < least) {
            least = far;
            best = name;
        }
    };
    for (const row& each : rows()) consider(each.name);
    for (const section& each : sections()) consider(each.name.substr(0, each.name.find("[]")));
    if (!best.empty()) return best;
    constexpr std::string_view of_secret = "_file";
    if (pattern.ends_with(of_secret))
        return nearest(pattern.substr(0, pattern.size() - of_secret.size()));
    const std::string_view last = pattern.substr(pattern.rfind('.') + 1);
    for (const row& each : rows()) {
        if (each.key() == last) return each.name;
    }
    return {};
}

std::string environment_name(std::string_view pattern) {
    std::string name = "WEFT_";
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        const char c = pattern[i];
        if (pattern.substr(i).starts_with("[]")) {
            name += "__0";
            ++i;
        } else if (c == '.') {
            name += "__";
        } else {
            name += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
        }
    }
    return name;
}

const settings& defaults() {
    static const settings made = [] {
        settings all;
        for (const section& each : sections()) {
            if (each.resize != nullptr) each.resize(all, 1);
        }
        return all;
    }();
    return made;
}

}  // namespace weft::config
