// Scripts for three shells. Each finds the command among the words before the cursor, then offers
// its commands and flags, and files where a flag wants one.

#include <algorithm>

#include "command_pages.hpp"
#include "command_tree.hpp"

namespace weft {
namespace {

/// What the last word of a command may be.
value_kind operand_of(const CLI::App& app) {
    const auto words = words_of(app);
    return words.empty() ? value_kind::none : kind_of(*words.back());
}

std::string long_name(const CLI::Option& flag) {
    return flag.get_lnames().empty() ? "" : flag.get_lnames().front();
}

/// The first words of what is said about it, without what a shell would take for its own.
std::string summary(const std::string& text) {
    std::string made = text.substr(0, text.find_first_of(":;."));
    std::erase_if(made,
                  [](char c) { return std::string("'\"[]`$\\\n").find(c) != std::string::npos; });
    return made;
}

/// `weft_token_mint` for "token mint".
std::string function_of(const std::string& path) {
    std::string name = "_weft" + (path.empty() ? path : "_" + path);
    std::replace(name.begin(), name.end(), ' ', '_');
    return name;
}

// ---- bash ----

std::string bash_script(const std::vector<command>& commands) {
    std::string steps;   // from a command to the one below
    std::string values;  // what flags want
    std::string words;   // what a command offers
    for (const command& each : commands) {
        std::string offers;
        for (const CLI::App* below : each.app->get_subcommands({})) {
            const std::string path = each.path + (each.path.empty() ? "" : " ") + below->get_name();
            steps += "            '" + each.path + ":" + below->get_name() + "') command='" + path +
                     "' ;;\n";
            offers += below->get_name() + " ";
        }
        for (const CLI::Option* flag : flags_of(*each.app)) {
            const std::string name = "--" + long_name(*flag);
            offers += name + " ";
            const char* const wanted[] = {nullptr, "-f", "-d", ""};
            if (const char* want = wanted[static_cast<int>(kind_of(*flag))])
                values += "        '" + each.path + ":" + name + "') kind='" + want + "' ;;\n";
        }
        const char* const more[] = {"", " more=-f", " more=-d", ""};
        words += "        '" + each.path + "') words='" + offers + "'" +
                 more[static_cast<int>(operand_of(*each.app))] + " ;;\n";
    }
    return R"(# bash completion for weft
_weft() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command='' words='' more='' kind=no i
    for ((i = 1; i < COMP_CWORD; i++)); do
        case "$command:${COMP_WORDS[i]}" in
)" + steps +
           R"(        esac
    done
    case "$command:$before" in
)" + values +
           R"(    esac
    COMPREPLY=()
    if [ "$kind" != no ]; then
        [ -z "$kind" ] || mapfile -t COMPREPLY < <(compgen "$kind" -- "$word")
        return
    fi
    case "$command" in
)" + words +
           R"(    esac
    mapfile -t COMPREPLY < <(
        compgen -W "$words" -- "$word"
        [ -z "$more" ] || compgen "$more" -- "$word"
    )
}
complete -o filenames -F _weft weft
)";
}

// ---- zsh ----

std::string zsh_script(const std::vector<command>& commands) {
    std::string script = "#compdef weft\n";
    for (const command& each : commands) {
        script += "\n" + function_of(each.path) + "() {\n    local -a commands\n";
        const auto below = each.app->get_subcommands({});
        for (const CLI::App* one : below)
            script += "    commands+=('" + one->get_name() + ":" + summary(one->get_description()) +
                      "')\n";
        script += "    _arguments -C";
        for (const CLI::Option* flag : flags_of(*each.app)) {
            script += " \\\n        '*--" + long_name(*flag) + "[" +
                      summary(flag->get_description()) + "]";
            const char* const wanted[] = {"", ":file:_files", ":folder:_files -/", ":value: "};
            script += std::string(wanted[static_cast<int>(kind_of(*flag))]) + "'";
        }
        if (!below.empty()) {
            script +=
                " \\\n        '1:command:->command' '*::argument:->argument'\n"
                "    case $state in\n    command) _describe command commands ;;\n"
                "    argument)\n        case $words[1] in\n";
            for (const CLI::App* one : below) {
                const std::string path =
                    each.path + (each.path.empty() ? "" : " ") + one->get_name();
                script += "        " + one->get_name() + ") " + function_of(path) + " ;;\n";
            }
            script += "        esac ;;\n    esac\n";
        } else {
            const char* const words[] = {"", "'*:file:_files'", "'*:folder:_files -/'", ""};
            const std::string word = words[static_cast<int>(operand_of(*each.app))];
            script += word.empty() ? "\n" : " \\\n        " + word + "\n";
        }
        script += "}\n";
    }
    return script + "\n_weft \"$@\"\n";
}

// ---- fish ----

/// When the words before the cursor name this command, and none below it.
std::string fish_condition(const command& which) {
    if (which.path.empty()) return "__fish_use_subcommand";
    std::string condition;
    std::string left = which.path + " ";
    for (std::size_t gap = left.find(' '); gap != left.npos; gap = left.find(' ')) {
        condition += (condition.empty() ? "" : "; and ") +
                     ("__fish_seen_subcommand_from " + left.substr(0, gap));
        left.erase(0, gap + 1);
    }
    for (const CLI::App* below : which.app->get_subcommands({}))
        condition += "; and not __fish_seen_subcommand_from " + below->get_name();
    return condition;
}

std::string fish_script(const std::vector<command>& commands) {
    std::string script = "# fish completion for weft\ncomplete -c weft -f\n";
    for (const command& each : commands) {
        const std::string when = "complete -c weft -n '" + fish_condition(each) + "' ";
        for (const CLI::App* below : each.app->get_subcommands({}))
            script += when + "-a " + below->get_name() + " -d '" +
                      summary(below->get_description()) + "'\n";
        for (const CLI::Option* flag : flags_of(*each.app)) {
            const char* const wanted[] = {"", "-r -F ", "-x -a '(__fish_complete_directories)' ",
                                          "-x "};
            script += when + "-l " + long_name(*flag) + " " +
                      wanted[static_cast<int>(kind_of(*flag))] + "-d '" +
                      summary(flag->get_description()) + "'\n";
        }
        if (operand_of(*each.app) == value_kind::file) script += when + "-F\n";
        if (operand_of(*each.app) == value_kind::folder)
            script += when + "-a '(__fish_complete_directories)'\n";
    }
    return script;
}

}  // namespace

std::string completion_script(const CLI::App& program, shell which) {
    const auto commands = all_commands(program);
    switch (which) {
        case shell::bash: return bash_script(commands);
        case shell::zsh: return zsh_script(commands);
        case shell::fish: break;
    }
    return fish_script(commands);
}

}  // namespace weft
