#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <weft/socketio/value_io.hpp>

namespace weft::socketio {

/// Any argument: null, boolean, integer, number, string, array, object or bytes. For data without a
/// fixed form.
///
///     io.on("patch", [](socket& s, value change) {
///         if (const value* name = change.find("name")) ...
///         s.broadcast().emit("patched", change);
///     });
///
/// **Lifetime**: owns its data. **Cost**: an allocation per string, array and object. If you do not
/// read the data, `json_view` is free.
class value {
public:
    using array = std::vector<value>;
    /// In the order of the text. If a key comes twice, `find` gives the last, as in JavaScript.
    using object = std::vector<std::pair<std::string, value>>;
    using bytes = std::vector<std::byte>;
    using variant =
        std::variant<std::nullptr_t, bool, std::int64_t, double, std::string, array, object, bytes>;

    value() noexcept = default;
    value(std::nullptr_t) noexcept {}  // NOLINT(google-explicit-constructor)
    value(std::same_as<bool> auto truth) noexcept
        : held_(truth) {}  // NOLINT(google-explicit-constructor)
    /// A number above 2^63-1 becomes a double.
    template <std::integral Int>
    requires(!std::same_as<Int, bool> && !std::same_as<Int, char>) value(Int number)
    noexcept  // NOLINT(google-explicit-constructor)
        : held_(std::in_range<std::int64_t>(number) ? variant(static_cast<std::int64_t>(number))
                                                    : variant(static_cast<double>(number))) {}
    value(double number) noexcept : held_(number) {}  // NOLINT(google-explicit-constructor)
    value(std::string text) noexcept
        : held_(std::move(text)) {}  // NOLINT(google-explicit-constructor)
    value(std::string_view text)
        : held_(std::string(text)) {}                      // NOLINT(google-explicit-constructor)
    value(const char* text) : held_(std::string(text)) {}  // NOLINT(google-explicit-constructor)
    value(array elements) noexcept
        : held_(std::move(elements)) {}  // NOLINT(google-explicit-constructor)
    value(object members) noexcept
        : held_(std::move(members)) {}  // NOLINT(google-explicit-constructor)
    value(bytes content) noexcept
        : held_(std::move(content)) {}  // NOLINT(google-explicit-constructor)

    [[nodiscard]] bool is_null() const noexcept { return held_.index() == 0; }
    /// The content if it has that type, else null: `get_if<std::string>()`.
    template <class T>
    [[nodiscard]] T* get_if() noexcept {
        return std::get_if<T>(&held_);
    }
    template <class T>
    [[nodiscard]] const T* get_if() const noexcept {
        return std::get_if<T>(&held_);
    }
    /// The member of an object. Null if this is no object or has no such member.
    [[nodiscard]] const value* find(std::string_view key) const noexcept;
    /// The variant, to visit it.
    [[nodiscard]] const variant& held() const noexcept { return held_; }

    /// Compares types too: 1 and 1.0 differ.
    friend bool operator==(const value& a, const value& b) { return a.held_ == b.held_; }

private:
    variant held_;
};

template <>
struct codec<value> {
    static bool decode(value_reader& in, value& out);
    static void encode(value_writer& out, const value& what);
};

}  // namespace weft::socketio
