#pragma once

#include <chrono>
#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <weft/base/result.hpp>
#include <weft/base/time.hpp>

namespace weft {

/// Judges the options of one structure, and keeps the first complaint: which option, what it is,
/// and what it may be.
///
///     return option_check("ws::deflate_options")
///         .within("window_bits", window_bits, 9, 15)
///         .outcome();
class option_check {
public:
    explicit option_check(std::string_view type) noexcept : type_(type) {}

    template <std::integral T>
    option_check& within(std::string_view name, T value, std::type_identity_t<T> least,
                         std::type_identity_t<T> most) {
        if (value < least || value > most)
            complain(name, "is " + std::to_string(value) + ": it must be " + std::to_string(least) +
                               " to " + std::to_string(most));
        return *this;
    }
    template <std::integral T>
    option_check& at_least(std::string_view name, T value, std::type_identity_t<T> least) {
        if (value < least)
            complain(name, "is " + std::to_string(value) + ": it must be at least " +
                               std::to_string(least));
        return *this;
    }
    /// A wait: anything above zero, `duration::max()` for never.
    option_check& above_zero(std::string_view name, duration value) {
        if (value <= duration::zero()) complain(name, "is " + text(value) + ": it must be above 0");
        return *this;
    }
    option_check& not_negative(std::string_view name, duration value) {
        if (value < duration::zero())
            complain(name, "is " + text(value) + ": it must not be below 0");
        return *this;
    }
    template <class Rep, class Period>
    option_check& within(std::string_view name, std::chrono::duration<Rep, Period> value,
                         std::type_identity_t<std::chrono::duration<Rep, Period>> least,
                         std::type_identity_t<std::chrono::duration<Rep, Period>> most) {
        if (value < least || value > most)
            complain(name,
                     "is " + text(value) + ": it must be " + text(least) + " to " + text(most));
        return *this;
    }
    /// Any other rule: "max_queue must be ...".
    option_check& rule(bool kept, std::string_view name, std::string_view what) {
        if (!kept) complain(name, std::string(what));
        return *this;
    }
    /// A structure inside of this one, which names itself.
    template <class T>
    option_check& nested(const T& inner) {
        if (!complaint_) {
            if (auto judged = inner.check(); !judged) complaint_ = judged.error();
        }
        return *this;
    }
    template <class T>
    option_check& nested(const std::optional<T>& inner) {
        return inner ? nested(*inner) : *this;
    }

    [[nodiscard]] result<void> outcome() const {
        if (complaint_) return *complaint_;
        return {};
    }

private:
    template <class Rep, class Period>
    static std::string text(std::chrono::duration<Rep, Period> value) {
        if (value == std::chrono::duration<Rep, Period>::max()) return "never";
        return std::to_string(std::chrono::floor<std::chrono::milliseconds>(value).count()) + " ms";
    }
    void complain(std::string_view name, std::string&& what) {
        if (complaint_) return;
        std::string all(type_);
        all.append("::").append(name).append(" ").append(what);
        complaint_.emplace(errc::invalid_argument, std::move(all));
    }

    std::string_view type_;
    std::optional<error> complaint_;
};

}  // namespace weft
