// From the text of a schema to a program. One pass makes a node of each schema in it and notes each
// `$ref`; then references become indexes, and schemas that refer to themselves without going into
// a member or an element are refused: they would say nothing, and checking would not end.
// Invariant: `failure_` is the first error, and nothing is compiled after it. Recursion is bounded
// by schema_limits::max_depth.

#include "schema/compiler.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <weft/base/json_writer.hpp>

#include "schema/canonical.hpp"
#include "schema/references.hpp"
#include "schema/schema_tree.hpp"

namespace weft::json_schema {
namespace {

constexpr auto keyword_count = static_cast<std::size_t>(keyword::annotation) + 1;

std::optional<keyword> find_keyword(std::string_view name) noexcept {
    for (std::size_t i = 0; i + 1 < keyword_count; ++i) {
        if (name_of(static_cast<keyword>(i)) == name) return static_cast<keyword>(i);
    }
    for (const std::string_view known :
         {"$comment", "title", "description", "default", "examples", "readOnly", "writeOnly",
          "contentMediaType", "contentEncoding"}) {
        if (known == name) return keyword::annotation;
    }
    return std::nullopt;
}

/// The keywords of one schema: the items with their values.
class keywords {
public:
    keywords() noexcept { at_.fill(none); }
    index& operator[](keyword word) noexcept { return at_[static_cast<std::size_t>(word)]; }
    [[nodiscard]] index operator[](keyword word) const noexcept {
        return at_[static_cast<std::size_t>(word)];
    }
    [[nodiscard]] bool any(std::initializer_list<keyword> words) const noexcept {
        return std::any_of(words.begin(), words.end(),
                           [this](keyword w) { return (*this)[w] != none; });
    }

private:
    std::array<index, keyword_count> at_;
};

class compiler {
public:
    compiler(program& p, const schema_tree& tree)
        : program_(p), tree_(tree), references_(p, tree), nodes_of_(tree.size(), none) {}

    [[nodiscard]] std::optional<error> run();

private:
    struct pending_reference {
        index node;
        index item;
        index base;
    };

    const item& at(index i) const noexcept { return tree_[i]; }
    const std::string& key(index i) const noexcept { return program_.places[i].token; }
    void refuse(index where, std::string_view what, errc code = errc::invalid_argument) {
        if (!failure_) failure_ = complaint(program_, code, where, what);
    }
    bool expect(index where, json_kind kind, std::string_view what) {
        if (at(where).kind == kind) return true;
        refuse(where, what);
        return false;
    }

    index schema(index where, index base, keyword under);
    bool collect(index where, keywords& words);
    void types(index where, node& n);
    void numbers(const keywords& words, node& n);
    void strings(const keywords& words, node& n);
    void arrays(const keywords& words, node& n, index base);
    void objects(const keywords& words, node& n, index base);
    void enumerated(const keywords& words, node& n);
    void applicators(const keywords& words, node& n, index base);

    std::size_t size(index where, std::size_t otherwise);
    index optional_schema(const keywords& words, keyword word, index base) {
        return words[word] == none ? none : schema(words[word], base, word);
    }
    index pattern(index where, std::string_view text);
    void add_value(enumeration& values, index where);
    void add_links(range& links, const std::vector<index>& targets);
    void name_required(object_rules& rules, index list, std::vector<required_name>& out);
    void add_dependency(object_rules& rules, index where, index base);
    void link_properties(object_rules& rules, const std::vector<index>& declared);

    void resolve_references();
    void link();
    void refuse_circles();

    program& program_;
    const schema_tree& tree_;
    references references_;
    std::vector<index> nodes_of_;  // by item
    std::vector<pending_reference> pending_{};
    std::vector<index> aliases_{};  // by node: what its $ref means
    std::optional<error> failure_{};
};

std::optional<error> compiler::run() {
    program_.root = schema(0, 0, keyword::false_);
    if (!failure_) resolve_references();
    if (!failure_) link();
    if (!failure_) refuse_circles();
    return std::move(failure_);
}

/// Compiles the schema at an item. `under` is the keyword that holds it.
index compiler::schema(index where, index base, keyword under) {
    const auto self = static_cast<index>(program_.nodes.size());
    program_.nodes.emplace_back();
    aliases_.push_back(none);
    nodes_of_[where] = self;
    node n;
    n.place = where;
    if (at(where).kind == json_kind::boolean) {
        if (at(where).raw == "false") n.kinds = 0;
        n.refusal = under;
    } else if (keywords words; collect(where, words)) {
        if (words[keyword::ref] != none) {
            pending_.push_back({self, words[keyword::ref], base});
        } else if (words[keyword::id] != none) {
            const auto inner = references_.add_id(words[keyword::id], where, base);
            if (!inner) failure_ = inner.error();
            if (inner) base = *inner;
        }
        if (words[keyword::type] != none) types(words[keyword::type], n);
        numbers(words, n);
        strings(words, n);
        arrays(words, n, base);
        objects(words, n, base);
        enumerated(words, n);
        applicators(words, n, base);
        if (const index list = words[keyword::definitions];
            list != none && expect(list, json_kind::object, "definitions is an object")) {
            for (const index i : at(list).children) schema(i, base, keyword::definitions);
        }
    }
    program_.nodes[self] = n;
    return self;
}

/// Sorts the members of a schema by keyword. False after an error.
bool compiler::collect(index where, keywords& words) {
    if (failure_ || !expect(where, json_kind::object, "a schema is an object or a boolean"))
        return false;
    for (const index i : at(where).children) {
        const auto word = find_keyword(key(i));
        if (!word) {
            refuse(i, "this is no keyword of draft-07", errc::not_supported);
            return false;
        }
        words[*word] = i;
    }
    if (const index dialect = words[keyword::dialect]; dialect != none) {
        std::string_view uri = at(dialect).raw;
        if (uri != R"("http://json-schema.org/draft-07/schema#")" &&
            uri != R"("http://json-schema.org/draft-07/schema")") {
            refuse(dialect, "Weft knows http://json-schema.org/draft-07/schema# only",
                   errc::not_supported);
        }
    }
    return !failure_;
}

void compiler::types(index where, node& n) {
    n.kinds = 0;
    bool any_number = false;
    const auto add = [&](index i) {
        const std::string name = string_of(at(i));
        if (at(i).kind != json_kind::string) return refuse(i, "the name of a type is a string");
        if (name == "null") {
            n.kinds |= only(json_kind::null);
        } else if (name == "boolean") {
            n.kinds |= only(json_kind::boolean);
        } else if (name == "number" || name == "integer") {
            n.kinds |= only(json_kind::number);
            any_number |= name == "number";
        } else if (name == "string") {
            n.kinds |= only(json_kind::string);
        } else if (name == "array") {
            n.kinds |= only(json_kind::array);
        } else if (name == "object") {
            n.kinds |= only(json_kind::object);
        } else {
            refuse(i, "there is no such type");
        }
    };
    if (at(where).kind != json_kind::array) {
        add(where);
    } else {
        if (at(where).children.empty()) refuse(where, "the list of types is empty");
        for (const index i : at(where).children) add(i);
    }
    n.integral = (n.kinds & only(json_kind::number)) != 0 && !any_number;
}

void compiler::numbers(const keywords& words, node& n) {
    n.numbers.begin = static_cast<index>(program_.number_rules.size());
    for (const keyword word : {keyword::minimum, keyword::exclusive_minimum, keyword::maximum,
                               keyword::exclusive_maximum, keyword::multiple_of}) {
        const index where = words[word];
        if (where == none || !expect(where, json_kind::number, "this is a number")) continue;
        const decimal bound = read_decimal(at(where).raw);
        if (word == keyword::multiple_of) {
            if (bound.zero() || bound.negative) refuse(where, "this is a number above 0");
            if (!bound.exact()) refuse(where, "this has at most 19 digits", errc::limit_exceeded);
        }
        program_.number_rules.push_back({word, bound});
    }
    n.numbers.end = static_cast<index>(program_.number_rules.size());
}

std::size_t compiler::size(index where, std::size_t otherwise) {
    if (where == none) return otherwise;
    json_reader json(at(where).raw);
    std::size_t value = 0;
    if (!json.read(value)) refuse(where, "this is an integer, at least 0");
    return value;
}

index compiler::pattern(index where, std::string_view text) {
    auto compiled = regex::make(text, program_.limits.pattern_memory);
    if (!compiled) {
        if (!failure_)
            failure_ = complaint(program_, static_cast<errc>(compiled.error().code().value()),
                                 where, compiled.error().what());
        return none;
    }
    program_.patterns.push_back(std::move(*compiled));
    return static_cast<index>(program_.patterns.size() - 1);
}

void compiler::strings(const keywords& words, node& n) {
    if (!words.any({keyword::min_length, keyword::max_length, keyword::pattern, keyword::format}))
        return;
    string_rules rules;
    rules.min_length = size(words[keyword::min_length], rules.min_length);
    rules.max_length = size(words[keyword::max_length], rules.max_length);
    if (const index where = words[keyword::pattern];
        where != none && expect(where, json_kind::string, "pattern is a string")) {
        rules.pattern = pattern(where, string_of(at(where)));
    }
    if (const index where = words[keyword::format];
        where != none && expect(where, json_kind::string, "format is a string")) {
        const auto known = find_format(string_of(at(where)));
        if (!known) refuse(where, "Weft does not know this format", errc::not_supported);
        rules.has_format = true;
        rules.what = known.value_or(format::date);
    }
    n.strings = static_cast<index>(program_.strings.size());
    program_.strings.push_back(rules);
}

void compiler::add_links(range& links, const std::vector<index>& targets) {
    links.begin = static_cast<index>(program_.links.size());
    program_.links.insert(program_.links.end(), targets.begin(), targets.end());
    links.end = static_cast<index>(program_.links.size());
}

void compiler::arrays(const keywords& words, node& n, index base) {
    if (!words.any({keyword::min_items, keyword::max_items, keyword::unique_items, keyword::items,
                    keyword::additional_items, keyword::contains}))
        return;
    array_rules rules;
    rules.min_items = size(words[keyword::min_items], rules.min_items);
    rules.max_items = size(words[keyword::max_items], rules.max_items);
    if (const index where = words[keyword::unique_items];
        where != none && expect(where, json_kind::boolean, "uniqueItems is true or false")) {
        rules.unique = at(where).raw == "true";
    }
    // Behind one schema for all elements, or without `items`, additionalItems means nothing.
    const index additional = optional_schema(words, keyword::additional_items, base);
    if (const index where = words[keyword::items]; where != none) {
        if (at(where).kind == json_kind::array) {
            std::vector<index> elements;
            for (const index i : at(where).children)
                elements.push_back(schema(i, base, keyword::items));
            add_links(rules.tuple, elements);
            rules.rest = additional;
        } else {
            rules.rest = schema(where, base, keyword::items);
        }
    }
    rules.contains = optional_schema(words, keyword::contains, base);
    n.arrays = static_cast<index>(program_.arrays.size());
    program_.arrays.push_back(rules);
}

void compiler::name_required(object_rules& rules, index list, std::vector<required_name>& out) {
    index position = 0;
    for (const index i : at(list).children) {
        if (!expect(i, json_kind::string, "the name of a member is a string")) return;
        out.push_back({rules.names.add(string_of(at(i))), position++});
    }
}

void compiler::add_dependency(object_rules& rules, index where, index base) {
    dependency d{.key = rules.names.add(key(where))};
    if (at(where).kind == json_kind::array) {
        d.required.begin = static_cast<index>(rules.dependent.size());
        name_required(rules, where, rules.dependent);
        d.required.end = static_cast<index>(rules.dependent.size());
    } else {
        d.schema = schema(where, base, keyword::dependencies);
    }
    rules.dependencies.push_back(d);
}

/// What each named member must meet is known now: names are matched with the patterns here.
void compiler::link_properties(object_rules& rules, const std::vector<index>& declared) {
    for (std::size_t i = 0; i < rules.names.size(); ++i) {
        const std::string& name = rules.names[i];
        std::vector<index> schemas;
        if (i < declared.size()) schemas.push_back(declared[i]);
        bool matched = !schemas.empty();
        for (const pattern_rule& rule : rules.patterns) {
            if (!program_.patterns[rule.pattern].matches(name)) continue;
            schemas.push_back(rule.schema);
            matched = true;
        }
        if (!matched && rules.rest != none) schemas.push_back(rules.rest);
        property p;
        append_json_string(p.quoted, name);
        p.quoted += ':';
        add_links(p.schemas, schemas);
        rules.properties.push_back(std::move(p));
    }
}

void compiler::objects(const keywords& words, node& n, index base) {
    if (!words.any({keyword::min_properties, keyword::max_properties, keyword::required,
                    keyword::properties, keyword::pattern_properties,
                    keyword::additional_properties, keyword::dependencies,
                    keyword::property_names}))
        return;
    object_rules rules;
    rules.min_properties = size(words[keyword::min_properties], rules.min_properties);
    rules.max_properties = size(words[keyword::max_properties], rules.max_properties);
    std::vector<index> declared;
    if (const index where = words[keyword::properties];
        where != none && expect(where, json_kind::object, "properties is an object")) {
        for (const index i : at(where).children) {
            rules.names.add(key(i));
            declared.push_back(schema(i, base, keyword::properties));
        }
    }
    if (const index where = words[keyword::pattern_properties];
        where != none && expect(where, json_kind::object, "patternProperties is an object")) {
        for (const index i : at(where).children) {
            const index what = pattern(i, key(i));
            rules.patterns.push_back({what, schema(i, base, keyword::pattern_properties)});
        }
    }
    if (const index where = words[keyword::required];
        where != none && expect(where, json_kind::array, "required is an array")) {
        name_required(rules, where, rules.required);
    }
    if (const index where = words[keyword::dependencies];
        where != none && expect(where, json_kind::object, "dependencies is an object")) {
        for (const index i : at(where).children) add_dependency(rules, i, base);
    }
    rules.rest = optional_schema(words, keyword::additional_properties, base);
    rules.property_names = optional_schema(words, keyword::property_names, base);
    if (failure_) return;
    link_properties(rules, declared);
    n.objects = static_cast<index>(program_.objects.size());
    program_.objects.push_back(std::move(rules));
}

void compiler::add_value(enumeration& values, index where) {
    std::string text;
    json_reader json(at(where).raw);
    std::uint64_t steps = ~std::uint64_t{0};
    append_canonical(text, json, steps);
    values.values.add(text);
    values.kinds |= only(at(where).kind);
}

void compiler::enumerated(const keywords& words, node& n) {
    const index list = words[keyword::enum_];
    const index single = words[keyword::const_];
    if (list == none && single == none) return;
    n.looks_again = true;
    if (list != none && !expect(list, json_kind::array, "enum is an array")) return;
    n.enumerations.begin = static_cast<index>(program_.enumerations.size());
    if (list != none) {
        enumeration values{.word = keyword::enum_};
        for (const index i : at(list).children) add_value(values, i);
        program_.enumerations.push_back(std::move(values));
    }
    if (single != none) {
        enumeration values{.word = keyword::const_};
        add_value(values, single);
        program_.enumerations.push_back(std::move(values));
    }
    n.enumerations.end = static_cast<index>(program_.enumerations.size());
}

void compiler::applicators(const keywords& words, node& n, index base) {
    std::vector<applicator> found;
    for (const keyword word : {keyword::all_of, keyword::any_of, keyword::one_of}) {
        const index where = words[word];
        if (where == none || !expect(where, json_kind::array, "this is an array of schemas"))
            continue;
        if (at(where).children.empty()) refuse(where, "the array is empty");
        std::vector<index> branches;
        for (const index i : at(where).children) branches.push_back(schema(i, base, word));
        add_links(found.emplace_back(applicator{.word = word}).branches, branches);
    }
    if (const index inner = optional_schema(words, keyword::not_, base); inner != none)
        add_links(found.emplace_back(applicator{.word = keyword::not_}).branches, {inner});
    const index condition = optional_schema(words, keyword::if_, base);
    const index then = optional_schema(words, keyword::then, base);
    const index otherwise = optional_schema(words, keyword::else_, base);
    if (condition != none && (then != none || otherwise != none)) {
        add_links(found.emplace_back(applicator{.word = keyword::if_}).branches,
                  {condition, then, otherwise});
    }
    n.applicators.begin = static_cast<index>(program_.applicators.size());
    program_.applicators.insert(program_.applicators.end(), found.begin(), found.end());
    n.applicators.end = static_cast<index>(program_.applicators.size());
    n.looks_again |= !found.empty();
}

void compiler::resolve_references() {
    for (const pending_reference& r : pending_) {
        const auto target = references_.find(r.item, r.base);
        if (!target) {
            failure_ = target.error();
            return;
        }
        if (nodes_of_[*target] == none) return refuse(r.item, "there is no schema at this place");
        aliases_[r.node] = nodes_of_[*target];
    }
}

/// Replaces each index of a node with a `$ref` by that of what it means, and each of a node that
/// accepts everything by `none`.
void compiler::link() {
    const auto target = [this](index from) {
        index to = from;
        for (std::size_t i = 0; to != none && aliases_[to] != none; ++i) {
            to = aliases_[to];
            if (i == aliases_.size()) {
                refuse(program_.nodes[from].place, "this $ref leads to itself");
                return none;
            }
        }
        return to;
    };
    const auto relink = [&](index& from) {
        from = target(from);
        if (program_.accepts_all(from)) from = none;
    };
    for (index i = 0; i < program_.nodes.size(); ++i) target(i);
    program_.root = target(program_.root);
    for (index& i : program_.links) relink(i);
    for (array_rules& rules : program_.arrays) {
        relink(rules.rest);
        rules.contains = target(rules.contains);  // an element is needed, whatever it is
    }
    for (object_rules& rules : program_.objects) {
        relink(rules.rest);
        relink(rules.property_names);
        for (pattern_rule& rule : rules.patterns) relink(rule.schema);
        for (dependency& d : rules.dependencies) relink(d.schema);
    }
}

/// Takes away, again and again, the nodes that no other applies to the same value (Kahn's
/// algorithm). What stays is on a circle or behind one.
void compiler::refuse_circles() {
    const auto each_inner = [this](index at, auto visit) {
        const node& n = program_.nodes[at];
        if (aliases_[at] != none) return;
        for (index i = n.applicators.begin; i != n.applicators.end; ++i) {
            const range branches = program_.applicators[i].branches;
            for (index b = branches.begin; b != branches.end; ++b) {
                if (program_.links[b] != none) visit(program_.links[b]);
            }
        }
        if (n.objects == none) return;
        for (const dependency& d : program_.objects[n.objects].dependencies) {
            if (d.schema != none) visit(d.schema);
        }
    };
    std::vector<index> users(program_.nodes.size());
    for (index i = 0; i < users.size(); ++i) each_inner(i, [&](index inner) { ++users[inner]; });
    std::vector<index> free;
    for (index i = 0; i < users.size(); ++i) {
        if (users[i] == 0) free.push_back(i);
    }
    std::size_t taken = 0;
    for (; !free.empty(); ++taken) {
        const index i = free.back();
        free.pop_back();
        each_inner(i, [&](index inner) {
            if (--users[inner] == 0) free.push_back(inner);
        });
    }
    if (taken == users.size()) return;
    // A node whose users all stay has one that stays: going back, we end on the circle.
    std::vector<index> user(users.size(), none);
    index stuck = none;
    for (index i = 0; i < users.size(); ++i) {
        if (users[i] == 0) continue;
        stuck = i;
        each_inner(i, [&](index inner) { user[inner] = i; });
    }
    for (std::size_t i = 0; i < users.size(); ++i) stuck = user[stuck];
    refuse(program_.nodes[stuck].place,
           "this schema leads to itself without going into a member or an element");
}

}  // namespace

result<std::shared_ptr<const program>> compile(std::string_view text, const schema_limits& limits) {
    if (auto judged = limits.check(); !judged) return judged.error();
    if (text.size() > limits.max_text) {
        return error(errc::limit_exceeded, "the schema has " + std::to_string(text.size()) +
                                               " bytes, more than schema_limits::max_text (" +
                                               std::to_string(limits.max_text) + ")");
    }
    auto compiled = std::make_shared<program>();
    compiled->text = text;
    compiled->limits = limits;
    auto tree = read_tree(*compiled);
    if (!tree) return tree.error();
    if (auto failure = compiler(*compiled, *tree).run()) return std::move(*failure);
    return std::shared_ptr<const program>(std::move(compiled));
}

}  // namespace weft::json_schema
