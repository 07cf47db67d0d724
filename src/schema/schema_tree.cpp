// The text of a schema as a tree. Recursion is bounded by schema_limits::max_depth.
// Invariant: items and places grow together, so an index means the same in both.

#include "schema/schema_tree.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include <weft/base/utf8.hpp>

namespace weft::json_schema {
namespace {

class reader {
public:
    explicit reader(program& p) noexcept : program_(p), json_(p.text) {}

    result<schema_tree> run() {
        if (!validate_utf8(as_bytes(program_.text)))
            return error(errc::malformed, "the schema is not UTF-8");
        read(none, {}, 0);
        if (!too_deep_ && !equal_keys_) json_.finish();
        if (too_deep_ || json_.error() == json_errc::too_deep)
            return error(errc::limit_exceeded,
                         "the schema is nested deeper than schema_limits::max_depth");
        if (equal_keys_) return *std::exchange(equal_keys_, {});
        if (!json_.ok())
            return error(errc::malformed,
                         "the schema is no JSON: " + std::string(describe(json_.error())) +
                             " at byte " + std::to_string(json_.position()));
        return std::move(tree_);
    }

private:
    bool read(index parent, std::string token, std::size_t depth) {
        const auto at = static_cast<index>(tree_.size());
        tree_.emplace_back();
        program_.places.push_back({parent, std::move(token)});
        if (parent != none) tree_[parent].children.push_back(at);
        const json_kind kind = json_.peek();
        tree_[at].kind = kind;
        const std::size_t begin = json_.position();
        bool read = false;
        if (kind == json_kind::array || kind == json_kind::object) {
            too_deep_ = depth == program_.limits.max_depth;
            read = !too_deep_ && (kind == json_kind::array ? read_array(at, depth + 1)
                                                           : read_object(at, depth + 1));
        } else {
            read = json_.skip();
        }
        tree_[at].raw = std::string_view(program_.text).substr(begin, json_.position() - begin);
        return read;
    }

    bool read_array(index at, std::size_t depth) {
        json_.begin_array();
        for (std::size_t i = 0; json_.next_element(); ++i) {
            if (!read(at, std::to_string(i), depth)) return false;
        }
        return json_.ok();
    }

    bool read_object(index at, std::size_t depth) {
        std::string scratch;
        std::string_view key;
        json_.begin_object();
        while (json_.next_key(key, scratch)) {
            if (!read(at, std::string(key), depth)) return false;
        }
        return json_.ok() && keys_differ(at);
    }

    bool keys_differ(index at) {
        std::vector<index> sorted = tree_[at].children;
        const auto key = [this](index i) -> const std::string& { return program_.places[i].token; };
        std::sort(sorted.begin(), sorted.end(), [&](index a, index b) { return key(a) < key(b); });
        const auto same = std::adjacent_find(sorted.begin(), sorted.end(),
                                             [&](index a, index b) { return key(a) == key(b); });
        if (same == sorted.end()) return true;
        equal_keys_ = complaint(program_, errc::malformed, *same, "this key is there twice");
        return false;
    }

    program& program_;
    json_reader json_;
    schema_tree tree_{};
    bool too_deep_ = false;
    std::optional<error> equal_keys_{};
};

}  // namespace

result<schema_tree> read_tree(program& p) {
    return reader(p).run();
}

error complaint(const program& p, errc code, index at, std::string_view what) {
    const std::string pointer = p.pointer(at);
    std::string text = "schema";
    if (!pointer.empty()) text.append(" ").append(pointer);
    return error(code, text.append(": ").append(what));
}

std::string string_of(const item& what) {
    std::string text;
    json_reader json(what.raw);
    json.read(text);
    return text;
}

}  // namespace weft::json_schema
