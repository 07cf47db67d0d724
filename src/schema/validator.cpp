// Runs a program over the text of a document. The reader is a few words, so a keyword that looks at
// a value again reads it again from a copy; nothing is built, and nothing is allocated as long as
// keys have no escapes.
// Invariants: a function that returns true leaves its reader behind the value; after one that
// returns false the reader is of no use. Once `fatal_` is set, everything returns false. The depth
// of recursion is bounded by `max_calls`, whatever document and schema are.

#include "schema/validator.hpp"

#include <algorithm>
#include <bitset>
#include <cstring>
#include <limits>

#include <weft/base/utf8.hpp>

#include "schema/canonical.hpp"
#include "schema/decimal.hpp"

namespace weft::json_schema {
namespace {

// Schemas within each other for one value, and values within each other.
constexpr std::uint32_t max_calls = 1'500;

constexpr std::size_t word_bits = 64;

bool is_container(json_kind kind) noexcept {
    return kind == json_kind::array || kind == json_kind::object;
}

std::uint64_t budget(const schema_limits& limits, std::size_t bytes) noexcept {
    std::uint64_t steps = 0;
    if (__builtin_mul_overflow(limits.steps_per_byte, bytes, &steps) ||
        __builtin_add_overflow(steps, limits.base_steps, &steps))
        return std::numeric_limits<std::uint64_t>::max();
    return steps;
}

/// How many code points a valid text has. **Cost**: eight bytes per step.
std::size_t count_points(std::string_view text) noexcept {
    constexpr std::uint64_t ones = 0x0101010101010101;
    std::size_t inner = 0;  // bytes that do not begin one: 10......
    std::size_t at = 0;
    for (; text.size() - at >= 8; at += 8) {
        std::uint64_t word;
        std::memcpy(&word, text.data() + at, 8);
        const std::uint64_t marks = (word >> 7U) & ~(word >> 6U) & ones;
        inner += static_cast<std::size_t>(marks * ones >> 56U);  // their sum
    }
    for (; at != text.size(); ++at)
        inner += (static_cast<unsigned char>(text[at]) & 0xc0U) == 0x80 ? 1 : 0;
    return text.size() - inner;
}

/// Whether a text has at least `least` and at most `most` code points. Counts only if it must.
bool has_length(std::string_view text, std::size_t least, std::size_t most) noexcept {
    if (text.size() < least) return false;
    if (text.size() <= most && text.size() / 4 >= least) return true;
    const std::size_t points = count_points(text);
    return points >= least && points <= most;
}

bool obeys(const number_rule& rule, const decimal& number) noexcept {
    switch (rule.word) {
        case keyword::minimum: return compare(number, rule.bound) >= 0;
        case keyword::exclusive_minimum: return compare(number, rule.bound) > 0;
        case keyword::maximum: return compare(number, rule.bound) <= 0;
        case keyword::exclusive_maximum: return compare(number, rule.bound) < 0;
        default: return is_multiple(number, rule.bound);
    }
}

bool is_set(const std::uint64_t* bits, index which) noexcept {
    return (bits[which / word_bits] >> which % word_bits & 1U) != 0;
}

}  // namespace

/// Puts the stacks back to where they were, however a call ends.
class validator::stack_mark {
public:
    explicit stack_mark(validator& v) noexcept
        : validator_(v),
          keys_(v.keys_.size()),
          elements_(v.elements_.size()),
          decoded_(v.decoded_size_) {}
    ~stack_mark() {
        if (validator_.keys_.size() != keys_) validator_.keys_.resize(keys_);
        if (validator_.elements_.size() != elements_) validator_.elements_.resize(elements_);
        for (; validator_.decoded_size_ != decoded_; --validator_.decoded_size_)
            validator_.decoded_.pop_front();
    }
    stack_mark(const stack_mark&) = delete;
    stack_mark& operator=(const stack_mark&) = delete;

    /// How many keys there were.
    [[nodiscard]] std::size_t keys() const noexcept { return keys_; }
    [[nodiscard]] std::size_t elements() const noexcept { return elements_; }

private:
    validator& validator_;
    std::size_t keys_;
    std::size_t elements_;
    std::size_t decoded_;
};

validator::validator(const program& p, std::string_view text) noexcept
    : program_(p), text_(text), steps_left_(budget(p.limits, text.size())) {}

bool validator::run() {
    if (!validate_utf8(as_bytes(text_))) return fatal(keyword::utf8, 0);
    json_reader json(text_);
    return value(program_.root, json) && (json.finish() || broken(json));
}

bool validator::fatal(keyword why, std::size_t offset) noexcept {
    if (!found_) finding_ = {.rule = why, .offset = offset};
    found_ = true;
    fatal_ = true;
    return false;
}

bool validator::broken(const json_reader& json) noexcept {
    const bool deep = json.error() == json_errc::too_deep;
    return fatal(deep ? keyword::depth : keyword::json, json.position());
}

bool validator::fail(const node& n, keyword rule, std::size_t offset) noexcept {
    if (guesses_ == 0 && !found_) {
        finding_ = {.rule = rule, .place = n.place, .whole = n.kinds == 0, .offset = offset};
        found_ = true;
    }
    return false;
}

bool validator::value(index at, json_reader& json) {
    const node& n = program_.nodes[at];
    const json_kind kind = json.peek();
    if (kind == json_kind::none) return broken(json);
    offset_ = json.position();
    if (!spend(1)) return false;
    if ((n.kinds & only(kind)) == 0) return fail(n, n.refusal, offset_);
    if (depth_ == max_calls) return fatal(keyword::depth, offset_);
    ++depth_;
    const bool fine = n.looks_again ? value_again(n, kind, json) : own_rules(n, kind, json);
    --depth_;
    return fine;
}

/// An array or an object without rules of its own is read by what looks again.
bool validator::value_again(const node& n, json_kind kind, json_reader& json) {
    const json_reader start = json;
    const std::size_t offset = start.position();
    for (index i = n.enumerations.begin; i != n.enumerations.end; ++i) {
        const enumeration& values = program_.enumerations[i];
        if (!enumerated(values, kind, start)) return fail(n, values.word, offset);
    }
    const bool rules =
        !is_container(kind) || (kind == json_kind::array ? n.arrays : n.objects) != none;
    if (rules && !own_rules(n, kind, json)) return false;
    for (index i = n.applicators.begin; i != n.applicators.end; ++i) {
        if (!apply(n, program_.applicators[i], start, json)) return false;
    }
    return json.position() != offset || skip_checked(json);
}

bool validator::own_rules(const node& n, json_kind kind, json_reader& json) {
    switch (kind) {
        case json_kind::number: return number(n, json);
        case json_kind::string:
            if (n.strings != none) return string(n, json);
            break;
        case json_kind::array: return n.arrays == none ? skip_checked(json) : array(n, json);
        case json_kind::object: return n.objects == none ? skip_checked(json) : object(n, json);
        default: break;
    }
    return json.skip() || broken(json);
}

bool validator::number(const node& n, json_reader& json) {
    const std::size_t offset = json.position();
    std::string_view text;
    if (!json.raw(text)) return broken(json);
    if (n.numbers.empty() && !n.integral) return true;
    if (!spend(text.size() / 32)) return false;
    const decimal read = read_decimal(text);
    if (n.integral && !read.integral()) return fail(n, keyword::type, offset);
    for (index i = n.numbers.begin; i != n.numbers.end; ++i) {
        const number_rule& rule = program_.number_rules[i];
        if (!obeys(rule, read)) return fail(n, rule.word, offset);
    }
    return true;
}

bool validator::string(const node& n, json_reader& json) {
    const string_rules& rules = program_.strings[n.strings];
    const std::size_t offset = json.position();
    std::string_view text;
    if (!json.read(text, scratch_)) return broken(json);
    if (!spend(text.size() / 32)) return false;
    if (!has_length(text, rules.min_length, rules.max_length)) {
        const bool shorter = !has_length(text, rules.min_length, ~std::size_t{0});
        return fail(n, shorter ? keyword::min_length : keyword::max_length, offset);
    }
    if (rules.pattern != none) {
        if (!spend(1 + text.size() / 8)) return false;
        if (!program_.patterns[rules.pattern].matches(text))
            return fail(n, keyword::pattern, offset);
    }
    if (rules.has_format && !has_format(rules.what, text)) return fail(n, keyword::format, offset);
    return true;
}

// ---- Arrays ----

bool validator::array(const node& n, json_reader& json) {
    const array_rules& rules = program_.arrays[n.arrays];
    const std::size_t offset = json.position();
    if (!json.begin_array()) return broken(json);
    const stack_mark mark(*this);
    bool contains = rules.contains == none;
    std::size_t count = 0;
    for (; json.next_element(); ++count) {
        if (count == rules.max_items) return fail(n, keyword::max_items, offset);
        static_cast<void>(json.peek());
        const std::size_t begin = json.position();
        if (!contains) contains = contained(rules.contains, json);
        if (fatal_ || !element(rules, count, json)) return false;
        if (rules.unique) elements_.push_back(text_.substr(begin, json.position() - begin));
    }
    if (!json.ok()) return broken(json);
    if (count < rules.min_items) return fail(n, keyword::min_items, offset);
    if (!contains) return fail(n, keyword::contains, offset);
    if (rules.unique && !elements_differ(mark.elements())) {
        offset_ = offset;
        return fail(n, keyword::unique_items, offset);
    }
    return true;
}

bool validator::element(const array_rules& rules, std::size_t number, json_reader& json) {
    const bool in_tuple = number < rules.tuple.size();
    const index what = in_tuple ? program_.links[rules.tuple.begin + number] : rules.rest;
    if (what != none) return value(what, json);
    return spend(1) && skip_checked(json);
}

bool validator::contained(index what, const json_reader& start) {
    json_reader after = start;
    return might_hold(what, start, after);
}

/// Equal values have equal canonical texts, so it is enough to sort those.
bool validator::elements_differ(std::size_t base) {
    const auto begin = elements_.begin() + static_cast<std::ptrdiff_t>(base);
    const auto end = elements_.end();
    if (!spend(static_cast<std::uint64_t>(end - begin))) return false;
    std::string texts;
    std::vector<std::size_t> ends;
    if (!std::all_of(begin, end, is_canonical_scalar)) {
        for (auto i = begin; i != end; ++i) {
            json_reader json(*i);
            if (!append_canonical(texts, json, steps_left_)) return spend(steps_left_ + 1);
            ends.push_back(texts.size());
        }
        std::size_t from = 0;
        for (std::size_t i = 0; i < ends.size(); ++i) {
            begin[static_cast<std::ptrdiff_t>(i)] =
                std::string_view(texts).substr(from, ends[i] - from);
            from = ends[i];
        }
    }
    std::sort(begin, end);
    return std::adjacent_find(begin, end) == end;
}

// ---- Objects ----

bool validator::object(const node& n, json_reader& json) {
    const object_rules& rules = program_.objects[n.objects];
    std::uint64_t few[2] = {};
    const std::size_t words = rules.names.size() / word_bits + 1;
    if (words <= std::size(few)) return members(n, rules, few, json);
    std::vector<std::uint64_t> many(words);
    return members(n, rules, many.data(), json);
}

bool validator::members(const node& n, const object_rules& rules, std::uint64_t* seen,
                        json_reader& json) {
    const json_reader start = json;
    if (!json.begin_object()) return broken(json);
    const stack_mark mark(*this);
    const bool guessing = rules.property_names == none;
    std::size_t count = 0;
    index guess = 0;  // members often come in the order of the schema
    while (true) {
        index name = guess;
        std::string_view raw;
        std::string_view key;
        if (!guessing || guess == rules.properties.size() ||
            !json.next_key_if(rules.properties[guess].quoted)) {
            if (!json.next_raw_key(raw)) break;
            key = decoded(raw);
            name = rules.names.find(key);
        }
        if (count == rules.max_properties)
            return fail(n, keyword::max_properties, start.position());
        ++count;
        if (!guessing && !name_allowed(n, rules.property_names, raw, json)) return false;
        if (name == none) {
            if (!unknown_member(rules, key, json)) return false;
            continue;
        }
        std::uint64_t& word = seen[name / word_bits];
        const std::uint64_t bit = std::uint64_t{1} << name % word_bits;
        if ((word & bit) != 0) return fatal(keyword::duplicate, json.position());
        word |= bit;
        guess = name + 1;
        const range schemas = rules.properties[name].schemas;
        const index single = schemas.size() == 1 ? program_.links[schemas.begin] : none;
        if (single != none ? !value(single, json) : !meets_all(schemas, json)) return false;
    }
    if (!json.ok()) return broken(json);
    if (json.position() > frontier_) {
        if (keys_.size() > mark.keys() + 1 && !keys_differ(mark.keys())) return false;
        frontier_ = json.position();
    }
    if (count < rules.min_properties) return fail(n, keyword::min_properties, start.position());
    return all_there(n, rules, seen, start);
}

/// For no schema, and for several.
bool validator::meets_all(range schemas, json_reader& json) {
    const json_reader start = json;
    for (index i = schemas.begin; i != schemas.end; ++i) {
        if (!holds(program_.links[i], start, json)) return false;
    }
    return json.position() != start.position() || (spend(1) && skip_checked(json));
}

bool validator::unknown_member(const object_rules& rules, std::string_view key, json_reader& json) {
    if (keys_.capacity() == 0) keys_.reserve(32);
    keys_.push_back(key);
    const json_reader start = json;
    bool matched = false;
    for (const pattern_rule& rule : rules.patterns) {
        if (!spend(1 + key.size() / 8)) return false;
        if (!program_.patterns[rule.pattern].matches(key)) continue;
        matched = true;
        if (!holds(rule.schema, start, json)) return false;
    }
    if (!matched && !holds(rules.rest, start, json)) return false;
    return json.position() != start.position() || (spend(1) && skip_checked(json));
}

/// A key is a string of the text as well.
bool validator::name_allowed(const node& n, index names, std::string_view raw, json_reader& json) {
    const json_reader key(std::string_view(raw.data() - 1, raw.size() + 2));
    json_reader after = key;
    if (might_hold(names, key, after)) return true;
    static_cast<void>(json.peek());
    if (fatal_) finding_.offset = json.position();
    return fail(n, keyword::property_names, json.position());
}

/// `required` and `dependencies`.
bool validator::all_there(const node& n, const object_rules& rules, const std::uint64_t* seen,
                          const json_reader& start) {
    const auto misses = [&](const required_name& r, keyword rule, std::string_view name) {
        if (is_set(seen, r.key)) return false;
        const bool first = !found_;
        fail(n, rule, start.position());
        if (first) {
            finding_.name = name;
            finding_.position = r.position;
        }
        return true;
    };
    for (const required_name& r : rules.required) {
        if (misses(r, keyword::required, {})) return false;
    }
    for (const dependency& d : rules.dependencies) {
        if (!is_set(seen, d.key)) continue;
        for (index i = d.required.begin; i != d.required.end; ++i) {
            if (misses(rules.dependent[i], keyword::dependencies, rules.names[d.key])) return false;
        }
        json_reader after = start;
        if (!holds(d.schema, start, after)) return false;
    }
    return true;
}

std::string_view validator::decoded(std::string_view raw) {
    if (raw.find('\\') == std::string_view::npos) return raw;
    json_reader json(std::string_view(raw.data() - 1, raw.size() + 2));
    json.read(decoded_.emplace_front());
    ++decoded_size_;
    return decoded_.front();
}

/// Whether no two of the keys from `base` on are equal. May put them in another order.
bool validator::keys_differ(std::size_t base) {
    const auto begin = keys_.begin() + static_cast<std::ptrdiff_t>(base);
    const auto end = keys_.end();
    constexpr std::ptrdiff_t few = 12;
    const std::string_view* same = nullptr;
    if (end - begin <= few) {
        for (auto i = begin; i != end && same == nullptr; ++i) {
            if (std::find(begin, i, *i) != i) same = &*i;
        }
    } else {
        std::sort(begin, end);
        if (const auto found = std::adjacent_find(begin, end); found != end) {
            same = std::max(&found[0], &found[1], [](const auto* a, const auto* b) {
                return std::less<>{}(a->data(), b->data());
            });
        }
    }
    if (same == nullptr) return true;
    // A key with escapes is not in the text.
    const bool in_text = !std::less<>{}(same->data(), text_.data()) &&
                         std::less<>{}(same->data(), text_.data() + text_.size());
    return fatal(keyword::duplicate,
                 in_text ? static_cast<std::size_t>(same->data() - text_.data()) : offset_);
}

// ---- Looking again ----

bool validator::enumerated(const enumeration& values, json_kind kind, const json_reader& start) {
    if ((values.kinds & only(kind)) == 0) return false;
    json_reader json = start;
    if (!is_container(kind)) {
        std::string_view text;
        if (!json.raw(text)) return broken(json);
        if (!spend(text.size() / 32)) return false;
        if (is_canonical_scalar(text)) return values.values.find(text) != none;
        json = start;
    }
    std::string text;
    if (append_canonical(text, json, steps_left_)) return values.values.find(text) != none;
    return json.ok() ? spend(steps_left_ + 1) : broken(json);
}

/// Whether the value at `start` meets a schema. If so, `after` is put behind it.
bool validator::holds(index at, const json_reader& start, json_reader& after) {
    if (at == none) return true;
    json_reader json = start;
    if (!value(at, json)) return false;
    after = json;
    return true;
}

/// The same where it may also not: that is not yet a violation. See `fatal_` afterwards.
bool validator::might_hold(index at, const json_reader& start, json_reader& after) {
    ++guesses_;
    const bool does = holds(at, start, after);
    --guesses_;
    return does;
}

bool validator::apply(const node& n, const applicator& a, const json_reader& start,
                      json_reader& after) {
    const auto branch = [&](index number) { return program_.links[a.branches.begin + number]; };
    index met = 0;
    json_reader unused = start;
    switch (a.word) {
        case keyword::all_of:
            for (index i = 0; i < a.branches.size(); ++i) {
                if (!holds(branch(i), start, after)) return false;
            }
            return true;
        case keyword::if_: {
            const bool holds_if = might_hold(branch(0), start, after);
            return !fatal_ && holds(branch(holds_if ? 1 : 2), start, after);
        }
        case keyword::not_:
            if (might_hold(branch(0), start, unused)) return fail(n, a.word, start.position());
            return !fatal_;
        default: break;
    }
    const index enough = a.word == keyword::any_of ? 1 : 2;
    for (index i = 0; i < a.branches.size() && met != enough; ++i) {
        if (might_hold(branch(i), start, after)) ++met;
        if (fatal_) return false;
    }
    return met == 1 || fail(n, a.word, start.position());
}

// ---- What the schema says nothing about ----

/// Skips a value, and compares the keys in it if nobody has.
bool validator::skip_checked(json_reader& json) {
    if (!is_container(json.peek())) return json.skip() || broken(json);
    const std::size_t begin = json.position();
    if (begin < frontier_) {
        json_reader quick = json;
        if (!quick.skip()) return broken(quick);
        if (quick.position() <= frontier_) {
            json = quick;
            return spend((json.position() - begin) / 32);
        }
    }
    offset_ = begin;
    return walk(json) && spend((json.position() - begin) / 32);
}

bool validator::walk(json_reader& json) {
    const stack_mark mark(*this);
    std::bitset<json_reader::max_depth> objects;  // which of the open containers are
    std::size_t depth = 0;
    do {
        const json_kind kind = json.peek();
        if (kind == json_kind::object) {
            if (!json.begin_object()) return broken(json);
            objects[depth++] = true;
            keys_.emplace_back();  // no key has no data: this is where those of the object begin
        } else if (kind == json_kind::array) {
            if (!json.begin_array()) return broken(json);
            objects[depth++] = false;
        } else if (!json.skip()) {
            return broken(json);
        }
        for (; depth != 0; --depth) {
            std::string_view raw;
            if (!objects[depth - 1]) {
                if (json.next_element()) break;
            } else if (json.next_raw_key(raw)) {
                keys_.push_back(decoded(raw));
                break;
            }
            if (!json.ok()) return broken(json);
            if (!objects[depth - 1]) continue;
            std::size_t base = keys_.size();
            while (keys_[base - 1].data() != nullptr) --base;
            if (!keys_differ(base)) return false;
            keys_.resize(base - 1);
        }
    } while (depth != 0);
    frontier_ = std::max(frontier_, json.position());
    return true;
}

}  // namespace weft::json_schema
