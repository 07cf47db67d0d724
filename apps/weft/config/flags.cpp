// Rows of the table as flags of CLI11, which is heavy to compile.

#include "config/flags.hpp"

#include <string>
#include <utility>

#include <CLI/CLI.hpp>

namespace weft::config {
namespace {

/// What stands for the value in the help: "PORT".
std::string placeholder(const row& what) {
    switch (what.takes.type) {
        case kind::integer:
            return what.key() == "port" || what.key() == "redis_port" ? "PORT" : "N";
        case kind::size: return "SIZE";
        case kind::time: return "TIME";
        case kind::file:
        case kind::secret: return "FILE";
        case kind::folder: return "FOLDER";
        default: break;
    }
    std::string last(what.flag.substr(what.flag.rfind('-') + 1));
    for (char& c : last) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    return last;
}

/// What is wrong with the value of a flag, or nothing.
std::string judge(const row& what, const std::string& text) {
    const shape& takes = what.takes;
    if (takes.type == kind::secret) return {};  // the name of a file
    const bool seconds =
        takes.type == kind::time && text.find_first_not_of("0123456789") == text.npos;
    const auto made = takes.type == kind::texts ? from_list(takes, {text})
                                                : from_text(takes, seconds ? text + 's' : text);
    return made ? std::string() : "'" + text + "' is not " + expected(takes);
}

CLI::Option* add_flag(CLI::App& command, const settings& shown, const row& what) {
    const std::string flag(what.flag);
    std::string help(what.help);
    if (what.takes.type == kind::boolean) return command.add_flag(flag)->description(help);
    const bool repeats = what.takes.type == kind::texts;
    if (repeats) help += "; repeatable";
    CLI::Option* const option = command.add_option(
        flag, [](const CLI::results_t&) { return true; }, help);
    option->type_name(placeholder(what))
        ->check(CLI::Validator([&what](const std::string& text) { return judge(what, text); }, {}));
    if (repeats)
        option->expected(-1)->allow_extra_args(false);
    else
        option->expected(1)->default_str(to_words(what.takes, what.where.get(shown, 0)));
    return option;
}

}  // namespace

void add_flags(CLI::App& command, sources& into, const std::vector<std::string_view>& which) {
    std::vector<std::pair<const row*, CLI::Option*>> all;
    for (const std::string_view flag : which) {
        const row* const sets = row_of_flag(flag);
        all.emplace_back(sets, add_flag(command, into.initial, *sets));
    }
    command.parse_complete_callback([all = std::move(all), &into] {
        for (const auto& [sets, option] : all) {
            if (option->count() == 0) continue;
            const bool alone = sets->takes.type == kind::boolean;
            into.flags.push_back({sets, alone ? std::vector<std::string>() : option->results()});
        }
    });
}

std::vector<std::string_view> all_flags() {
    std::vector<std::string_view> all;
    for (const row& each : rows()) {
        if (!each.flag.empty()) all.push_back(each.flag);
    }
    return all;
}

}  // namespace weft::config
