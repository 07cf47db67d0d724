#pragma once

#include <array>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include <weft/base/result.hpp>
#include <weft/socketio/fields.hpp>
#include <weft/socketio/value_io.hpp>

/// What the arguments of events may be, in C++ and in JavaScript:
///
///     C++                                      JavaScript
///     ---------------------------------------  ---------------------------------------------
///     bool                                     boolean
///     integers, float, double                  number; an error if it does not fit;
///                                              NaN is sent as null
///     std::string, std::string_view*,          string
///       literals (only sent)
///     std::optional<T>                         T, null, or nothing
///     std::monostate, std::nullptr_t           null
///     std::vector                              array
///     std::array, std::pair, std::tuple        array of that size
///     std::map, std::unordered_map and such    object
///       with std::string keys
///     std::variant                             the first alternative that decodes
///     std::vector<std::byte>, weft::message,   Buffer, ArrayBuffer, ...
///       byte_view*
///     std::chrono::system_clock::time_point    Date (as its text); a number is milliseconds
///     a structure with WEFT_FIELDS             object with these members
///     an enumeration with WEFT_ENUM            string, one of these names
///     json_text, json_view*                    anything without binary data, not decoded
///     value (<weft/socketio/value.hpp>)        anything
///
/// Types with a * borrow: they are valid during the handler's call, and coroutine handlers cannot
/// take them.
namespace weft::socketio {

/// Received JSON text, to send on without decoding it. Made by default it is `null`. **Lifetime**:
/// borrowed for the handler's call.
class json_view {
public:
    json_view() noexcept = default;
    [[nodiscard]] std::string_view text() const noexcept { return text_; }

private:
    friend struct codec<json_view>;
    std::string_view text_ = "null";
};

/// JSON text that owns its characters. Made by default it is `null`.
class json_text {
public:
    json_text() = default;
    /// Checks and keeps a text. **Errors**: `errc::bad_json` if it is not JSON in UTF-8.
    [[nodiscard]] static result<json_text> parse(std::string text);
    [[nodiscard]] const std::string& text() const noexcept { return text_; }

private:
    friend struct codec<json_text>;
    std::string text_ = "null";
};

template <>
struct codec<bool> {
    static bool decode(value_reader& in, bool& out) { return in.read(out); }
    static void encode(value_writer& out, bool what) { out.write(what); }
};

namespace detail {
template <class T>
concept character = std::same_as<T, char> || std::same_as<T, wchar_t> || std::same_as<T, char8_t> ||
    std::same_as<T, char16_t> || std::same_as<T, char32_t>;
}  // namespace detail

template <std::integral Int>
requires(!std::same_as<Int, bool> && !detail::character<Int>) struct codec<Int> {
    static bool decode(value_reader& in, Int& out) { return in.read(out); }
    static void encode(value_writer& out, Int what) { out.write(what); }
};

template <>
struct codec<double> {
    static bool decode(value_reader& in, double& out) { return in.read(out); }
    static void encode(value_writer& out, double what) { out.write(what); }
};
template <>
struct codec<float> {
    static bool decode(value_reader& in, float& out);
    static void encode(value_writer& out, float what) { out.write(static_cast<double>(what)); }
};

template <>
struct codec<std::string> {
    static bool decode(value_reader& in, std::string& out) { return in.read(out); }
    static void encode(value_writer& out, std::string_view what) { out.write(what); }
};
template <>
struct codec<std::string_view> {
    static constexpr bool borrows = true;
    static bool decode(value_reader& in, std::string_view& out) { return in.read(out); }
    static void encode(value_writer& out, std::string_view what) { out.write(what); }
};
/// You can send literals but not receive them.
template <>
struct codec<const char*> {
    static void encode(value_writer& out, const char* what) { out.write(what); }
};
template <>
struct codec<char*> : codec<const char*> {};

template <class Null>
requires(std::same_as<Null, std::nullptr_t> || std::same_as<Null, std::monostate>)  //
    struct codec<Null> {
    static bool decode(value_reader& in, Null&) { return in.read_null(); }
    static void encode(value_writer& out, Null) { out.write_null(); }
};

template <>
struct codec<byte_view> {
    static constexpr bool borrows = true;
    static bool decode(value_reader& in, byte_view& out) { return in.read(out); }
    static void encode(value_writer& out, byte_view what) { out.write(what); }
};
template <>
struct codec<std::vector<std::byte>> {
    static bool decode(value_reader& in, std::vector<std::byte>& out);
    static void encode(value_writer& out, const std::vector<std::byte>& what);
};
/// Sent without a copy. A received one is binary.
template <>
struct codec<message> {
    static bool decode(value_reader& in, message& out);
    static void encode(value_writer& out, const message& what) { out.write(what); }
};

template <>
struct codec<json_view> {
    static constexpr bool borrows = true;
    static bool decode(value_reader& in, json_view& out) { return in.read_raw(out.text_); }
    static void encode(value_writer& out, const json_view& what) { out.write_raw(what.text_); }
};
template <>
struct codec<json_text> {
    static bool decode(value_reader& in, json_text& out);
    static void encode(value_writer& out, const json_text& what) { out.write_raw(what.text_); }
};

template <>
struct codec<std::chrono::system_clock::time_point> {
    using time_point = std::chrono::system_clock::time_point;
    static bool decode(value_reader& in, time_point& out);
    static void encode(value_writer& out, time_point what);
};

template <class T>
struct codec<std::optional<T>> {
    static constexpr bool borrows = detail::borrows<T>;
    static bool decode(value_reader& in, std::optional<T>& out) requires decodable<T> {
        if (in.peek() == json_kind::null) {
            out.reset();
            return in.read_null();
        }
        return in.decode(out.emplace());
    }
    static void encode(value_writer& out, const std::optional<T>& what) requires encodable<T> {
        if (what) {
            out.encode(*what);
        } else {
            out.write_null();
        }
    }
};

template <class T>
struct codec<std::vector<T>> {
    static constexpr bool borrows = detail::borrows<T>;
    /// Most arrays are short: reserves a cache line at once, not 1, 2, 4 ... elements.
    static constexpr std::size_t first_room = sizeof(T) < 64 ? 64 / sizeof(T) : 1;
    static bool decode(value_reader& in, std::vector<T>& out) requires decodable<T> {
        out.clear();
        return in.each_element([&](std::size_t index) {
            if (index == 0) out.reserve(first_room);
            if constexpr (std::same_as<T, bool>) {  // has no references to its elements
                bool element = false;
                if (!in.decode(element)) return false;
                out.push_back(element);
                return true;
            } else {
                return in.decode(out.emplace_back());
            }
        });
    }
    static void encode(value_writer& out, const std::vector<T>& what) requires encodable<T> {
        out.begin_array();
        for (const T& element : what) out.encode(element);
        out.end_array();
    }
};

namespace detail {

bool wrong_size(value_reader& in, std::size_t size);

/// Decodes an array of exactly `size` elements with `decode_nth(index)`.
template <class F>
bool decode_exactly(value_reader& in, std::size_t size, F&& decode_nth) {
    std::size_t count = 0;
    const bool read = in.each_element([&](std::size_t index) {
        ++count;
        return index < size ? decode_nth(index) : in.skip();
    });
    return read && (count == size || wrong_size(in, size));
}

/// std::map, std::unordered_map, and what looks like them.
template <class T>
concept string_map = !has_fields<T> && std::same_as<typename T::key_type, std::string> &&
                     requires(T & map, std::string key, typename T::mapped_type element) {
    map.clear();
    map.insert_or_assign(std::move(key), std::move(element));
};

template <class Tuple, class... T>
struct tuple_codec {
    static constexpr bool borrows = (detail::borrows<T> || ...);
    static bool decode(value_reader& in, Tuple& out) requires(decodable<T>&&...) {
        return decode_exactly(in, sizeof...(T), [&](std::size_t index) {
            return [&]<std::size_t... I>(std::index_sequence<I...>) {
                return ((I == index && in.decode(std::get<I>(out))) || ...);
            }
            (std::index_sequence_for<T...>{});
        });
    }
    static void encode(value_writer& out, const Tuple& what) requires(encodable<T>&&...) {
        out.begin_array();
        std::apply([&](const T&... each) { (out.encode(each), ...); }, what);
        out.end_array();
    }
};

}  // namespace detail

template <class T, std::size_t Size>
struct codec<std::array<T, Size>> {
    static constexpr bool borrows = detail::borrows<T>;
    static bool decode(value_reader& in, std::array<T, Size>& out) requires decodable<T> {
        return detail::decode_exactly(in, Size,
                                      [&](std::size_t index) { return in.decode(out[index]); });
    }
    static void encode(value_writer& out, const std::array<T, Size>& what) requires encodable<T> {
        out.begin_array();
        for (const T& element : what) out.encode(element);
        out.end_array();
    }
};

template <class... T>
struct codec<std::tuple<T...>> : detail::tuple_codec<std::tuple<T...>, T...> {};
template <class A, class B>
struct codec<std::pair<A, B>> : detail::tuple_codec<std::pair<A, B>, A, B> {};

template <detail::string_map Map>
struct codec<Map> {
    using mapped = typename Map::mapped_type;
    static constexpr bool borrows = detail::borrows<mapped>;
    static bool decode(value_reader& in, Map& out) requires decodable<mapped> {
        out.clear();
        return in.each_member([&](std::string_view name) {
            std::string key(name);
            mapped element{};
            if (!in.decode(element)) return in.inside(key);
            out.insert_or_assign(std::move(key), std::move(element));
            return true;
        });
    }
    static void encode(value_writer& out, const Map& what) requires encodable<mapped> {
        out.begin_object();
        for (const auto& [key, element] : what) {
            out.key(key);
            out.encode(element);
        }
        out.end_object();
    }
};

/// Put the stricter alternative first: the second one of `variant<double, int>` never decodes.
template <class... T>
struct codec<std::variant<T...>> {
    static constexpr bool borrows = (detail::borrows<T> || ...);
    static bool decode(value_reader& in, std::variant<T...>& out) requires(decodable<T>&&...) {
        const bool read = [&]<std::size_t... I>(std::index_sequence<I...>) {
            return (in.attempt([&] { return in.decode(out.template emplace<I>()); }) || ...);
        }
        (std::index_sequence_for<T...>{});
        return read || in.fail("none of the alternatives fits");
    }
    static void encode(value_writer& out,
                       const std::variant<T...>& what) requires(encodable<T>&&...) {
        std::visit([&](const auto& held) { out.encode(held); }, what);
    }
};

}  // namespace weft::socketio
