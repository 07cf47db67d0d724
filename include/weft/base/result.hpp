#pragma once

#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

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
        : value_(std::move(value)), holds_(side::value) {}
    result(weft::error why) noexcept  // NOLINT(google-explicit-constructor)
        : error_(std::move(why)), holds_(side::error) {}
    template <class Enum>
    requires std::is_error_code_enum_v<Enum> result(
        Enum code)  // NOLINT(google-explicit-constructor)
        : result(weft::error(code)) {}

    result(const result& other) requires std::is_copy_constructible_v<T> { take(other); }
    result(result&& other) noexcept(std::is_nothrow_move_constructible_v<T>) {
        take(std::move(other));
    }
    result& operator=(result other) noexcept(std::is_nothrow_move_constructible_v<T>) {
        clear();
        take(std::move(other));
        return *this;
    }
    ~result() { clear(); }

    [[nodiscard]] bool has_value() const noexcept { return holds_ == side::value; }
    explicit operator bool() const noexcept { return has_value(); }

    [[nodiscard]] T& value() & noexcept { return value_; }
    [[nodiscard]] const T& value() const& noexcept { return value_; }
    [[nodiscard]] T&& value() && noexcept { return std::move(value_); }
    T& operator*() & noexcept { return value(); }
    const T& operator*() const& noexcept { return value(); }
    T&& operator*() && noexcept { return std::move(*this).value(); }
    T* operator->() noexcept { return std::addressof(value_); }
    const T* operator->() const noexcept { return std::addressof(value_); }

    [[nodiscard]] const weft::error& error() const noexcept { return error_; }

private:
    enum class side : std::uint8_t { neither, value, error };

    template <class Other>
    void take(Other&& other) {
        if (other.holds_ == side::value) {
            std::construct_at(std::addressof(value_), std::forward<Other>(other).value_);
        } else if (other.holds_ == side::error) {
            std::construct_at(&error_, std::forward<Other>(other).error_);
        }
        holds_ = other.holds_;
    }
    void clear() noexcept {
        if (holds_ == side::value) {
            std::destroy_at(std::addressof(value_));
        } else if (holds_ == side::error) {
            std::destroy_at(&error_);
        }
        holds_ = side::neither;
    }

    // Not a std::variant: each one takes a compiler ten milliseconds.
    union {
        T value_;            // NOLINT(readability-identifier-naming): a member of the class
        weft::error error_;  // NOLINT(readability-identifier-naming)
    };
    side holds_ = side::neither;  // neither: a move in an assignment threw
};

namespace detail {
struct nothing {};
}  // namespace detail

/// Success, or the error.
template <>
class [[nodiscard]] result<void> {
public:
    using value_type = void;

    result() noexcept = default;
    result(weft::error why) noexcept  // NOLINT(google-explicit-constructor)
        : done_(std::move(why)) {}
    template <class Enum>
    requires std::is_error_code_enum_v<Enum> result(
        Enum code)  // NOLINT(google-explicit-constructor)
        : result(weft::error(code)) {}

    [[nodiscard]] bool has_value() const noexcept { return done_.has_value(); }
    explicit operator bool() const noexcept { return has_value(); }
    [[nodiscard]] const weft::error& error() const noexcept { return done_.error(); }

private:
    result<detail::nothing> done_ = detail::nothing();
};

}  // namespace weft
