#pragma once

#include <cstddef>
#include <cstdint>
#include <forward_list>
#include <memory_resource>
#include <string>
#include <string_view>
#include <vector>

#include <weft/base/json_reader.hpp>

#include "schema/program.hpp"

namespace weft::json_schema {

/// What the check of a document found first, without any of its content.
struct finding {
    keyword rule = keyword::json;
    index place = none;       // of the schema that has the rule; none: it is no rule of the schema
    bool whole = false;       // the schema is `false`
    std::string_view name{};  // which dependency; no data: none
    index position = none;    // which name of a list
    std::size_t offset = 0;   // where the value begins, or its key
};

/// Checks one document. **Lifetime**: one check; program and text must outlive it.
class validator {
public:
    validator(const program& p, std::string_view text) noexcept;

    validator(const validator&) = delete;
    validator& operator=(const validator&) = delete;

    /// Whether the document is fine. If not, `found` says what is wrong.
    [[nodiscard]] bool run();
    [[nodiscard]] const finding& found() const noexcept { return finding_; }

private:
    class stack_mark;

    bool value(index at, json_reader& json);
    [[gnu::noinline]] bool value_again(const node& n, json_kind kind, json_reader& json);
    bool own_rules(const node& n, json_kind kind, json_reader& json);
    bool number(const node& n, json_reader& json);
    bool string(const node& n, json_reader& json);
    bool array(const node& n, json_reader& json);
    bool element(const array_rules& rules, std::size_t number, json_reader& json);
    bool contained(index what, const json_reader& start);
    [[gnu::noinline]] bool elements_differ(std::size_t base);
    bool object(const node& n, json_reader& json);
    bool members(const node& n, const object_rules& rules, std::uint64_t* seen, json_reader& json);
    bool meets_all(range schemas, json_reader& json);
    [[gnu::noinline]] bool unknown_member(const object_rules& rules, std::string_view key,
                                          json_reader& json);
    [[gnu::noinline]] bool name_allowed(const node& n, index names, std::string_view raw,
                                        json_reader& json);
    bool all_there(const node& n, const object_rules& rules, const std::uint64_t* seen,
                   const json_reader& start);
    bool enumerated(const enumeration& values, json_kind kind, const json_reader& start);
    bool apply(const node& n, const applicator& a, const json_reader& start, json_reader& after);
    bool holds(index at, const json_reader& start, json_reader& after);
    bool might_hold(index at, const json_reader& start, json_reader& after);
    bool skip_checked(json_reader& json);
    [[gnu::noinline]] bool walk(json_reader& json);
    [[gnu::noinline]] bool keys_differ(std::size_t base);
    std::string_view decoded(std::string_view raw);

    bool spend(std::uint64_t steps) noexcept {
        if (steps > steps_left_) return fatal(keyword::budget, offset_);
        steps_left_ -= steps;
        return true;
    }
    [[gnu::cold]] bool broken(const json_reader& json) noexcept;
    [[gnu::cold]] bool fatal(keyword why, std::size_t offset) noexcept;
    [[gnu::cold]] bool fail(const node& n, keyword rule, std::size_t offset) noexcept;

    const program& program_;
    std::string_view text_;
    std::uint64_t steps_left_;
    std::size_t offset_ = 0;     // of the value that was looked at last
    std::size_t frontier_ = 0;   // the keys of all objects that end up to here were compared
    std::uint32_t guesses_ = 0;  // how many undecided trials we are inside of
    std::uint32_t depth_ = 0;
    bool fatal_ = false;  // nothing can make the document right any more
    bool found_ = false;
    finding finding_{};
    std::string scratch_{};

    // Stacks: each call leaves them as they were.
    std::byte stack_memory_[1024];
    std::pmr::monotonic_buffer_resource memory_{stack_memory_, sizeof(stack_memory_)};
    std::pmr::vector<std::string_view> keys_{&memory_};      // of the open objects, unknown ones
    std::pmr::vector<std::string_view> elements_{&memory_};  // of the open arrays
    std::forward_list<std::string> decoded_{};  // keys with escapes, of the open objects
    std::size_t decoded_size_ = 0;
};

}  // namespace weft::json_schema
