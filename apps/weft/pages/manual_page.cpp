// weft(1) in roff. The texts are those of --help, so that both say the same.

#include <algorithm>

#include "command_pages.hpp"
#include "command_tree.hpp"

namespace weft {
namespace {

/// Text as it is: no character of it is an instruction.
std::string plain(const std::string& text) {
    std::string made;
    bool line_begins = true;
    for (const char c : text) {
        if (line_begins && (c == '.' || c == '\'')) made += "\\&";
        line_begins = c == '\n';
        if (c == '\\') {
            made += "\\e";
        } else if (c == '-') {
            made += "\\-";
        } else {
            made += c;
        }
    }
    return made;
}

std::string upper(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
    return text;
}

std::string names_of(const CLI::Option& option) {
    std::string names;
    for (const std::string& name : option.get_snames())
        names += (names.empty() ? "-" : ", -") + name;
    for (const std::string& name : option.get_lnames())
        names += (names.empty() ? "--" : ", --") + name;
    return names;
}

void describe(std::string& page, const CLI::Option& option) {
    const bool word = option.get_positional();
    page += ".TP\n.B " + plain(word ? option.get_name() : names_of(option));
    if (!word && kind_of(option) != value_kind::none) page += " " + plain(option.get_type_name());
    page += "\n" + plain(option.get_description());
    if (!option.get_default_str().empty())
        page += " (default: " + plain(option.get_default_str()) + ")";
    page += "\n";
}

void describe(std::string& page, const command& which) {
    page += ".SS weft " + plain(which.path) + "\n" + plain(which.app->get_description()) + "\n";
    for (const CLI::Option* each : words_of(*which.app)) describe(page, *each);
    for (const CLI::Option* each : flags_of(*which.app)) {
        if (!each->check_lname("help")) describe(page, *each);
    }
    if (const std::string notes = which.app->get_footer(); !notes.empty())
        page += ".PP\n.nf\n" + plain(notes.substr(notes.find_first_not_of('\n'))) + "\n.fi\n";
}

}  // namespace

std::string manual_page(const CLI::App& program) {
    const auto commands = all_commands(program);
    std::string page = ".TH " + upper(program.get_name()) + " 1 \"\" \"weft " WEFT_VERSION "\"\n";
    page += ".SH NAME\nweft \\- " + plain(program.get_description()) + "\n.SH SYNOPSIS\n";
    for (const command& each : commands) {
        if (each.path.empty() || !each.app->get_subcommands({}).empty()) continue;
        page += ".B weft " + plain(each.path) + "\n[options]\n.br\n";
    }
    page += ".SH COMMANDS\n";
    for (const command& each : commands) {
        if (!each.path.empty()) describe(page, each);
    }
    page += R"(.SH SIGNALS
.TP
.B SIGTERM, SIGINT
The first one lets the clients go and ends; a second one ends at once.
.TP
.B SIGHUP
Reads what can be changed without a restart again.
.SH EXIT STATUS
.TP
.B 0
It has ended as it was asked to.
.TP
.B 1
It could not start, or not do what it was asked for.
.TP
.B 2
The command line or the configuration is wrong.
)";
    return page;
}

}  // namespace weft
