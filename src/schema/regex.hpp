#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include <weft/base/result.hpp>

namespace weft::json_schema {

/// A pattern of a schema, compiled. **Threads**: matching is safe from any thread.
class regex {
public:
    /// **Errors**: `not_supported` for what no linear matcher can do, or if Weft was built without
    /// RE2; `invalid_argument`; `limit_exceeded` above `memory`.
    [[nodiscard]] static result<regex> make(std::string_view ecma, std::size_t memory);

    regex(regex&& other) noexcept;
    regex& operator=(regex&& other) noexcept;
    ~regex();

    /// Whether the pattern matches somewhere in the text, which is UTF-8. **Cost**: linear.
    [[nodiscard]] bool matches(std::string_view text) const;

private:
    struct compiled;
    explicit regex(std::unique_ptr<compiled> how) noexcept;

    std::unique_ptr<compiled> compiled_;
};

}  // namespace weft::json_schema
