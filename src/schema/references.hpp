#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <weft/base/result.hpp>

#include "schema/program.hpp"
#include "schema/schema_tree.hpp"

namespace weft::json_schema {

/// Resolves a reference against a base; both may be relative. **See**: RFC 3986 section 5.2.
[[nodiscard]] std::string resolve_uri(std::string_view base, std::string_view reference);

/// What `$id` names and `$ref` means, within one document.
class references {
public:
    /// The base of the document's root, before its `$id`.
    references(const program& p, const schema_tree& tree) : program_(p), tree_(tree) {
        bases_.emplace_back();
        ids_.emplace("", 0);
    }

    /// Takes the `$id` at `at`, of the schema `owner`. Returns the base of what is inside of it.
    [[nodiscard]] result<index> add_id(index at, index owner, index base);
    /// The item that the `$ref` at `at` means.
    /// **Errors**: `not_supported` (another document), `invalid_argument` (nothing is there).
    [[nodiscard]] result<index> find(index at, index base) const;

private:
    [[nodiscard]] index walk(index from, std::string_view pointer) const;

    const program& program_;
    const schema_tree& tree_;
    std::vector<std::string> bases_{};
    std::map<std::string, index, std::less<>> ids_{};  // URI, with a fragment if it is a name
};

}  // namespace weft::json_schema
