// Sources into settings, value by value: each is judged by its row of the table, and whatever is
// wrong is told with the place where it stands. Invariant: each value that was given is judged, so
// that settings without a problem have no other.

#include "config/load.hpp"

#include <algorithm>
#include <filesystem>
#include <set>
#include <utility>

#include <unistd.h>

#include "config/small_file.hpp"
#include "config/toml_reader.hpp"

namespace weft::config {
namespace {

using std::filesystem::path;

constexpr std::size_t most_elements = 1000;
constexpr std::size_t most_problems = 20;

/// A value as a source gives it.
using raw = decltype(entry::value);

template <class... F>
struct overloaded : F... {
    using F::operator()...;
};
template <class... F>
overloaded(F...) -> overloaded<F...>;  // clang 14 does not find it by itself

class loader {
public:
    explicit loader(const sources& from) : from_(from) { result_.values = from.initial; }

    loaded run() {
        if (!from_.file.empty() || from_.text) read_file();
        for (const std::string& each : from_.environment) read_variable(each);
        for (const std::string& each : from_.sets) read_set(each);
        for (const given_flag& each : from_.flags) read_flag(each);
        if (!from_.folder.empty()) add_folder();
        if (!from_.schemas.empty()) add_schemas();
        return std::move(result_);
    }

private:
    void complain(const std::string& where, const std::string& key, const std::string& what) {
        auto& all = result_.problems;
        if (all.size() == most_problems)
            all.emplace_back("... and more");
        else if (all.size() < most_problems)
            all.push_back(where + ": " + (key.empty() ? "" : key + ": ") + what);
    }

    void read_file();
    void read_entry(const entry& one);
    void read_variable(const std::string& one);
    void read_set(const std::string& one);
    void read_flag(const given_flag& one);
    void add_folder();
    void add_schemas();

    [[nodiscard]] const std::string* variable(std::string_view name) const;
    [[nodiscard]] result<std::string> expand(const std::string& text) const;
    [[nodiscard]] result<value> to_value(const row& target, const raw& given,
                                         bool names_file) const;
    [[nodiscard]] result<value> to_value(const row& target, const std::string& text,
                                         bool names_file) const;
    /// Gives a key its value. `names_file`: the key of a secret with `_file` behind it.
    result<void> put(const row& target, std::size_t index, value what, bool names_file);
    result<void> make_room(const section& list, std::size_t index);
    result<void> assign(const std::string& key, const raw& given, const std::string& where);
    [[nodiscard]] static std::string unknown(const key_name& key);

    const sources& from_;
    loaded result_;
    std::set<std::string, std::less<>> begun_;  // lists that the file has begun
    bool in_file_ = false;
    path folder_;  // what names in the file are relative to
};

const std::string* loader::variable(std::string_view name) const {
    for (const std::string& each : from_.environment) {
        if (each.size() > name.size() && each[name.size()] == '=' && each.starts_with(name))
            return &each;
    }
    return nullptr;
}

/// Replaces each `${env:NAME}`.
result<std::string> loader::expand(const std::string& text) const {
    constexpr std::string_view opening = "${env:";
    std::string out;
    std::size_t done = 0;
    for (;;) {
        const std::size_t at = text.find(opening, done);
        out.append(text, done, at == text.npos ? text.npos : at - done);
        if (at == text.npos) return out;
        const std::size_t begin = at + opening.size();
        const std::size_t end = text.find('}', begin);
        if (end == text.npos)
            return error(errc::invalid_argument, "expected } after ${env:NAME, found none");
        const std::string name = text.substr(begin, end - begin);
        const std::string* const found = variable(name);
        if (found == nullptr)
            return error(errc::invalid_argument,
                         "expected a variable '" + name + "' in the environment, found none");
        out.append(*found, name.size() + 1);
        done = end + 1;
    }
}

/// A text of the file: TOML has types of its own for some values, and names of files are relative
/// to the file.
result<value> loader::to_value(const row& target, const std::string& text, bool names_file) const {
    const shape& takes = target.takes;
    if (!in_file_) return from_text(takes, text);
    if (takes.type == kind::boolean || takes.type == kind::integer || takes.type == kind::texts)
        return mismatch(takes, "the text " + in_quotes(text.substr(0, 60)));
    auto whole = expand(text);
    if (!whole) return whole.error();
    const bool is_name = takes.type == kind::file || takes.type == kind::folder || names_file;
    const bool relative = is_name && !whole->empty() && whole->front() != '/';
    return from_text(takes, relative ? (folder_ / *whole).string() : *whole);
}

result<value> loader::to_value(const row& target, const raw& given, bool names_file) const {
    const shape& takes = target.takes;
    return std::visit(
        overloaded{
            [&](table_mark) -> result<value> { return mismatch(takes, "a table"); },
            [&](unusable other) -> result<value> {
                return mismatch(takes, std::string(other.what));
            },
            [&](bool flag) -> result<value> {
                if (takes.type == kind::boolean) return value(flag);
                return mismatch(takes, flag ? "true" : "false");
            },
            [&](std::int64_t number) { return from_integer(takes, number); },
            [&](const std::string& text) { return to_value(target, text, names_file); },
            [&](const std::vector<std::string>& texts) -> result<value> {
                std::vector<std::string> whole;
                for (const std::string& each : texts) {
                    auto one = expand(each);
                    if (!one) return one.error();
                    whole.push_back(std::move(*one));
                }
                return from_list(takes, std::move(whole));
            },
        },
        given);
}

result<void> loader::make_room(const section& list, std::size_t index) {
    settings& all = result_.values;
    if (in_file_ && begun_.insert(std::string(list.name)).second) list.resize(all, 0);
    const std::size_t elements = list.size(all);
    if (index < elements) return {};
    if (index > elements || index >= most_elements)
        return error(errc::invalid_argument,
                     "expected the number of an element that is there, or " +
                         std::to_string(elements) + " for a new one, found " +
                         std::to_string(index));
    list.resize(all, index + 1);
    return {};
}

result<void> loader::put(const row& target, std::size_t index, value what, bool names_file) {
    settings& all = result_.values;
    if (const section* const list = find_section(target.section()); list->resize != nullptr) {
        if (auto room = make_room(*list, index); !room) return room;
    }
    if (target.takes.type == kind::secret) {
        // What a later source says replaces the other way to say it, too.
        auto& [text, file] = std::get<secret>(what);
        if (names_file) file = std::exchange(text, {});
    }
    target.where.set(all, index, what);
    if (target.where.get(all, index) != what)
        return error(errc::invalid_argument,
                     "expected whole seconds, found " + to_words(target.takes, what));
    return {};
}

std::string loader::unknown(const key_name& key) {
    std::string what = "unknown key";
    if (const section* const meant = find_section(key.pattern))
        return std::string(meant->resize != nullptr ? "several tables: write [["
                                                    : "a table: write [") +
               std::string(key.pattern.substr(0, key.pattern.find("[]"))) +
               (meant->resize != nullptr ? "]]" : "]");
    if (const section* const meant = find_section(key.pattern + "[]"))
        return "expected several tables, [[" + key.pattern + "]], found one";
    if (const std::string_view close = nearest(key.pattern); !close.empty())
        what += "; did you mean '" + concrete(close, key.index) + "'?";
    return what;
}

result<void> loader::assign(const std::string& key, const raw& given, const std::string& where) {
    const key_name name = parse_key(key);
    std::string_view pattern = name.pattern;
    const row* target = find_row(pattern);
    bool names_file = false;
    if (target == nullptr && pattern.ends_with("_file")) {
        pattern.remove_suffix(5);
        target = find_row(pattern);
        if (target != nullptr && target->takes.type != kind::secret) target = nullptr;
        names_file = target != nullptr;
    }
    if (target == nullptr) {
        const section* const table = find_section(name.pattern);
        if (table != nullptr && std::holds_alternative<table_mark>(given))
            return table->resize != nullptr ? make_room(*table, name.index) : result<void>();
        const section* const list = find_section(name.pattern + "[]");
        const auto* const texts = std::get_if<std::vector<std::string>>(&given);
        if (list != nullptr && texts != nullptr && texts->empty()) {
            list->resize(result_.values, 0);
            return {};
        }
        // A table that holds others: [auth] when there is only [[auth.issuer]].
        const auto within = [&](const section& each) {
            return each.name.starts_with(name.pattern + ".");
        };
        if (std::holds_alternative<table_mark>(given) &&
            std::any_of(sections().begin(), sections().end(), within))
            return {};
        return error(errc::invalid_argument, unknown(name));
    }
    auto what = to_value(*target, given, names_file);
    if (!what) return what.error();
    const std::string known = concrete(pattern, name.index);
    if (in_file_ && result_.origins.contains(known))  // only a secret can be there twice
        return error(errc::invalid_argument,
                     "expected '" + known + "' or '" + known + "_file', found both");
    if (auto done = put(*target, name.index, std::move(*what), names_file); !done) return done;
    result_.origins.insert_or_assign(known, where);
    return {};
}

void loader::read_file() {
    const auto text = from_.text ? result<std::string>(*from_.text) : read_small_file(from_.file);
    if (!text) return complain(from_.file, {}, "cannot read it: " + text.error().what());
    folder_ = path(from_.file).parent_path();
    const toml_file file = read_toml(*text);
    if (!file.problem.empty())
        return complain(from_.file + ":" + std::to_string(file.line), {}, file.problem);
    in_file_ = true;
    for (const entry& each : file.entries) {
        if (result_.problems.size() > most_problems) break;
        read_entry(each);
    }
    in_file_ = false;
}

void loader::read_entry(const entry& one) {
    const std::string where = from_.file + ":" + std::to_string(one.line);
    if (const auto done = assign(one.key, one.value, where); !done)
        complain(where, one.key, done.error().what());
}

void loader::read_variable(const std::string& one) {
    constexpr std::string_view beginning = "WEFT_";
    const std::size_t equals = one.find('=');
    if (equals == one.npos || !one.starts_with(beginning)) return;
    const std::string name = one.substr(0, equals);
    if (name.find("__") == name.npos) return;
    // WEFT_LISTEN__0__PORT becomes listen[0].port.
    std::string key;
    for (std::size_t at = beginning.size(); at <= name.size();) {
        const std::size_t end = std::min(name.find("__", at), name.size());
        std::string part = name.substr(at, end - at);
        for (char& c : part) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
        const bool number = !part.empty() && part.find_first_not_of("0123456789") == part.npos;
        key += number ? "[" + part + "]" : (key.empty() ? "" : ".") + part;
        at = end + 2;
    }
    if (const auto done = assign(key, raw(one.substr(equals + 1)), name); !done)
        complain(name, key, done.error().what());
}

void loader::read_set(const std::string& one) {
    const std::size_t equals = one.find('=');
    if (equals == one.npos || equals == 0)
        return complain("--set", {}, "expected KEY=VALUE, found " + in_quotes(one));
    const std::string key = one.substr(0, equals);
    if (const auto done = assign(key, raw(one.substr(equals + 1)), "--set"); !done)
        complain("--set", key, done.error().what());
}

void loader::read_flag(const given_flag& one) {
    const row& target = *one.sets;
    const shape& takes = target.takes;
    const std::string where(target.flag);
    std::string text = one.values.empty() ? "true" : one.values.front();
    // Flags that were there before the file take seconds.
    if (takes.type == kind::time && text.find_first_not_of("0123456789") == text.npos) text += 's';
    auto what = takes.type == kind::texts ? from_list(takes, one.values) : from_text(takes, text);
    result<void> done = what ? put(target, 0, std::move(*what), takes.type == kind::secret)
                             : result<void>(what.error());
    if (!done) return complain(where, {}, done.error().what());
    result_.origins.insert_or_assign(concrete(target.name, 0), where);
}

void loader::add_folder() {
    auto& all = result_.values.folders;
    const auto at_root = [](const static_folder& each) { return each.path == "/"; };
    auto found = std::find_if(all.begin(), all.end(), at_root);
    if (found == all.end()) found = all.insert(all.end(), static_folder());
    found->folder = from_.folder;
    const auto index = static_cast<std::size_t>(found - all.begin());
    result_.origins.insert_or_assign(concrete("static[].folder", index), "FOLDER");
}

void loader::add_schemas() {
    auto& all = result_.values.patterns;
    std::vector<topic> first;
    std::map<std::string, std::string, std::less<>> origins;
    for (const std::string& one : from_.schemas) {
        const std::size_t equals = one.find('=');
        if (equals == 0 || equals == one.npos) {
            complain("--schema", {}, "expected PATTERN=FILE, found " + in_quotes(one));
            continue;
        }
        for (const std::string_view key : {"topic[].match", "topic[].schema_file"})
            origins.emplace(concrete(key, first.size()), "--schema");
        first.push_back({.match = one.substr(0, equals), .schema_file = one.substr(equals + 1)});
    }
    for (auto& [key, where] : result_.origins) {
        const key_name name = parse_key(key);
        const bool moves = name.pattern.starts_with("topic[].");
        origins.emplace(moves ? concrete(name.pattern, name.index + first.size()) : key, where);
    }
    result_.origins = std::move(origins);
    all.insert(all.begin(), first.begin(), first.end());
}

}  // namespace

std::vector<std::string> process_environment() {
    std::vector<std::string> all;
    for (char** each = environ; *each != nullptr; ++each) all.emplace_back(*each);
    return all;
}

std::string loaded::called(std::string_view key, std::string_view like) const {
    const row* const known = find_row(parse_key(key).pattern);
    const auto origin = origins.find(like);
    const bool by_flag = origin != origins.end() && row_of_flag(origin->second) != nullptr;
    return std::string(by_flag && !known->flag.empty() ? known->flag : key);
}

void loaded::complain(const std::string& key, const std::string& what) {
    const auto origin = origins.find(key);
    const std::string name = called(key, key);
    std::string line;
    if (origin != origins.end() && origin->second != name) line = origin->second + ": ";
    // "--tls-cert and --tls-key go together" names the key itself.
    if (!what.starts_with(name)) line += name + ": ";
    problems.push_back(line + what);
}

loaded load(const sources& from) {
    return loader(from).run();
}

}  // namespace weft::config
