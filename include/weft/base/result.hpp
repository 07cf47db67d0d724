#pragma once

#include <type_traits>
#include <utility>
#include <variant>

#include <weft/base/error.hpp>

namespace weft {

/// Either a value or the `error` that explains why there is none.
///
/// It has the shape of `std::expected<T, error>`, which C++20 does not have, and will be an alias
/// of it once the baseline is C++23. Reading the wrong side is undefined, as there.
template <class T>
class [[nodiscard]] result {
public:
    using value_type = T;

    result(T value)  // NOLINT(google-explicit-constructor)
        : state_(std::in_place_index<0>, std::move(value)) {}
    result(weft::error why)  // NOLINT(google-explicit-constructor)
        : state_(std::in_place_index<1>, std::move(why)) {}
    template <class Enum>
    requires std::is_error_code_enum_v<Enum> result(
        Enum code)  // NOLINT(google-explicit-constructor)
        : result(weft::error(code)) {}

    [[nodiscard]] bool has_value() const noexcept { return state_.index() == 0; }
    explicit operator bool() const noexcept { return has_value(); }

    [[nodiscard]] T& value() & noexcept { return *std::get_if<0>(&state_); }
    [[nodiscard]] const T& value() const& noexcept { return *std::get_if<0>(&state_); }
    [[nodiscard]] T&& value() && noexcept { return std::move(*std::get_if<0>(&state_)); }
    T& operator*() & noexcept { return value(); }
    const T& operator*() const& noexcept { return value(); }
    T&& operator*() && noexcept { return std::move(*this).value(); }
    T* operator->() noexcept { return &value(); }
    const T* operator->() const noexcept { return &value(); }

    [[nodiscard]] const weft::error& error() const noexcept { return *std::get_if<1>(&state_); }

private:
    std::variant<T, weft::error> state_;
};

/// Success, or the error.
template <>
class [[nodiscard]] result<void> {
public:
    using value_type = void;

    result() noexcept = default;
    result(weft::error why)  // NOLINT(google-explicit-constructor)
        : state_(std::move(why)) {}
    template <class Enum>
    requires std::is_error_code_enum_v<Enum> result(
        Enum code)  // NOLINT(google-explicit-constructor)
        : result(weft::error(code)) {}

    [[nodiscard]] bool has_value() const noexcept { return state_.index() == 0; }
    explicit operator bool() const noexcept { return has_value(); }
    [[nodiscard]] const weft::error& error() const noexcept { return *std::get_if<1>(&state_); }

private:
    std::variant<std::monostate, weft::error> state_;
};

}  // namespace weft
