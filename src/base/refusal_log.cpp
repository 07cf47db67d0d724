// Lines about refusals. Invariant: `kinds_` has one entry per text, so it is bounded by the texts
// of the program.

#include "base/refusal_log.hpp"

#include <algorithm>

#include "base/log_line.hpp"

namespace weft {
namespace {

constexpr std::size_t longest_value = 128;

}  // namespace

void refusal_log::tell(log_level level, std::string_view layer, std::string_view what,
                       time_point now, function_ref<refusal_facts()> about) noexcept {
    if (log_ == nullptr) return;
    try {
        auto found = std::find_if(kinds_.begin(), kinds_.end(),
                                  [&](const kind& k) { return k.what == what.data(); });
        if (found == kinds_.end()) found = kinds_.insert(found, {what.data(), {}});
        const std::size_t count = found->lines.count(now);
        if (count == 0) level = log_level::debug;
        if (!log_->wants(level)) return;
        const refusal_facts facts = about();
        std::string line(what);
        if (!facts.value.empty()) {
            line += ": '";
            append_printable(line, facts.value, longest_value);
            line += '\'';
        }
        if (!facts.peer.empty()) line.append(", from ").append(facts.peer);
        if (!facts.route.empty()) {
            line += ", at ";
            append_path(line, facts.route, longest_value);
        }
        if (count > 1) line += " (" + std::to_string(count) + " since the last such line)";
        log_->write({level, layer, line});
    } catch (...) {  // no memory for a line
    }
}

}  // namespace weft
