#pragma once

#include <string>

#include "config/pages.hpp"

namespace weft::config {

/// The file of `weft init` with nothing commented out: all keys there are, with good values.
inline std::string whole_file() {
    std::string whole;
    std::string text = commented_file();
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = text.find('\n', at);
        std::string line = text.substr(at, end - at);
        if (line.starts_with('#') && !line.starts_with("# ")) line.erase(0, 1);
        whole += line + '\n';
        at = end + 1;
    }
    return whole;
}

inline loaded load_text(const std::string& text) {
    return load({.file = "weft.toml", .text = text});
}

inline std::string all_problems(const loaded& from) {
    std::string all;
    for (const std::string& each : from.problems) all += each + '\n';
    return all;
}

}  // namespace weft::config
