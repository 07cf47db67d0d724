#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <system_error>

#include <weft/base/error.hpp>

namespace weft {

/// Whether each row of a table stands at the number of its `code`, counted from that of the first
/// row: then looking an error up is an array access.
template <class Rows>
constexpr bool in_order(const Rows& rows) noexcept {
    for (std::size_t i = 0; i < rows.size(); ++i) {
        if (static_cast<std::size_t>(rows[i].code) != static_cast<std::size_t>(rows[0].code) + i)
            return false;
    }
    return true;
}

/// The category of a layer's errors, from its table: an array of rows with a `code`, its `text` and
/// its `kind`, the condition that users test for (`condition{}` for none of them).
template <const auto& Rows>
class table_category final : public std::error_category {
    static_assert(in_order(Rows), "a row of the table stands at the number of its error");

public:
    explicit constexpr table_category(const char* name) noexcept : name_(name) {}

    const char* name() const noexcept override { return name_; }
    std::string message(int value) const override {
        return known(value) ? std::string(row(value).text) : "unknown error";
    }
    std::error_condition default_error_condition(int value) const noexcept override {
        if (!known(value) || row(value).kind == condition{}) return {value, *this};
        return row(value).kind;
    }

private:
    static constexpr int first = static_cast<int>(Rows[0].code);

    static bool known(int value) noexcept {
        return value >= first && value - first < static_cast<int>(Rows.size());
    }
    static const auto& row(int value) noexcept {
        return Rows[static_cast<std::size_t>(value - first)];
    }

    const char* name_;
};

}  // namespace weft
