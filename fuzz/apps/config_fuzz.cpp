// Any text as the file of `weft serve`. It is refused with the file's name, or it means settings
// that, written out, mean the same settings. No file that it names is opened.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "config/pages.hpp"

namespace {

using namespace weft::config;

void must(bool holds) {
    if (!holds) std::abort();
}

/// Without the lines that say of a secret that it is there.
std::string shown(std::string text) {
    for (std::size_t at = text.find("\n# "); at != text.npos; at = text.find("\n# ", at))
        text.erase(at, text.find('\n', at + 1) - at);
    return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    sources from;
    from.file = "weft.toml";
    from.environment = {"A=b", "EMPTY="};
    from.text.emplace(data, data + size);
    const loaded got = load(from);
    for (const std::string& each : got.problems)
        must(each.starts_with("weft.toml:") || each == "... and more");
    if (!got.problems.empty()) return 0;
    for (const auto& [key, origin] : got.origins) must(find_row(parse_key(key).pattern) != nullptr);
    const std::string written = effective_file(got.values);
    // What a variable brought is no variable any more, but may look like one.
    if (written.find("${env:") != written.npos) return 0;
    const loaded again = load({.file = "weft.toml", .text = written});
    must(again.problems.empty());
    must(effective_file(again.values) == shown(written));
    return 0;
}
