// What CLI11 knows about the command line, in the terms of pages about it.

#include "command_tree.hpp"

namespace weft {
namespace {

void collect(std::vector<command>& found, const std::string& path, const CLI::App& app) {
    found.push_back({path, &app});
    for (const CLI::App* below : app.get_subcommands({}))
        collect(found, path + (path.empty() ? "" : " ") + below->get_name(), *below);
}

}  // namespace

std::vector<command> all_commands(const CLI::App& program) {
    std::vector<command> found;
    collect(found, "", program);
    return found;
}

value_kind kind_of(const CLI::Option& option) {
    if (option.get_items_expected_max() == 0) return value_kind::none;
    const std::string type = option.get_positional() ? option.get_name() : option.get_type_name();
    if (type.ends_with("FILE")) return value_kind::file;
    return type == "FOLDER" ? value_kind::folder : value_kind::other;
}

std::vector<const CLI::Option*> flags_of(const CLI::App& app) {
    return app.get_options([](const CLI::Option* each) { return each->nonpositional(); });
}

std::vector<const CLI::Option*> words_of(const CLI::App& app) {
    return app.get_options([](const CLI::Option* each) { return each->get_positional(); });
}

}  // namespace weft
