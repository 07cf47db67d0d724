#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>

#include <weft/socketio/value_io.hpp>

namespace weft::socketio {
namespace detail {

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;

template <class T>
inline constexpr bool borrows = [] {
    if constexpr (requires { codec<T>::borrows; }) {
        return codec<T>::borrows;
    } else {
        return false;
    }
}();

/// One member of a structure, with the types erased.
struct field {
    std::string_view name;
    std::string_view quoted;  ///< `"name":`
    bool required;
    bool (*decode)(value_reader&, void* object);
    void (*encode)(value_writer&, const void* object);
    bool (*present)(const void* object);  ///< Null: always.
};

inline constexpr std::size_t max_fields = 64;

template <class T, auto Member>
struct field_access {
    using type = std::remove_cvref_t<decltype(std::declval<T&>().*Member)>;
    static_assert(decodable<type> && encodable<type>,
                  "weft: the type of a field in WEFT_FIELDS has no codec");
    static_assert(!borrows<type>,
                  "weft: a field in WEFT_FIELDS owns its data; use std::string or "
                  "std::vector<std::byte>");

    static bool decode(value_reader& in, void* object) {
        return codec<type>::decode(in, static_cast<T*>(object)->*Member);
    }
    static void encode(value_writer& out, const void* object) {
        codec<type>::encode(out, static_cast<const T*>(object)->*Member);
    }
    static bool present(const void* object) {
        return static_cast<const T*>(object)->*Member != std::nullopt;
    }
};

template <class T, auto Member>
constexpr field make_field(std::string_view name, std::string_view quoted) noexcept {
    using access = field_access<T, Member>;
    if constexpr (is_optional<typename access::type>) {
        return {name, quoted, false, access::decode, access::encode, access::present};
    } else {
        return {name, quoted, true, access::decode, access::encode, nullptr};
    }
}

bool decode_fields(value_reader& in, void* object, std::span<const field> fields);
void encode_fields(value_writer& out, const void* object, std::span<const field> fields);

/// One name of an enumeration.
struct enumerator {
    std::string_view name;
    std::int64_t value;
};

bool decode_enum(value_reader& in, std::int64_t& value, std::span<const enumerator> names);
void encode_enum(value_writer& out, std::int64_t value, std::span<const enumerator> names);

template <class T>
concept has_fields = std::is_class_v<T> && requires(const T* type) {
    weft_fields(type);
};
template <class T>
concept has_names = std::is_enum_v<T> && requires(T value) {
    weft_names(value);
};

}  // namespace detail

template <detail::has_fields T>
struct codec<T> {
    static bool decode(value_reader& in, T& out) {
        return detail::decode_fields(in, &out, weft_fields(static_cast<const T*>(nullptr)));
    }
    static void encode(value_writer& out, const T& what) {
        detail::encode_fields(out, &what, weft_fields(static_cast<const T*>(nullptr)));
    }
};

template <detail::has_names T>
struct codec<T> {
    static bool decode(value_reader& in, T& out) {
        std::int64_t value = 0;
        if (!detail::decode_enum(in, value, weft_names(T{}))) return false;
        out = static_cast<T>(value);
        return true;
    }
    static void encode(value_writer& out, T what) {
        detail::encode_enum(out, static_cast<std::int64_t>(what), weft_names(T{}));
    }
};

}  // namespace weft::socketio

/// Makes a structure an argument: a JSON object with these members, written in this order.
///
///     struct order { std::string symbol; double price; std::optional<int> size; };
///     WEFT_FIELDS(order, symbol, price, size)
///
/// Put it after the structure, in the same namespace. Up to 64 members. Decoding fails if a member
/// is missing, unless it is a `std::optional`, and if a member comes twice. It ignores unknown
/// members. An empty optional is not written. Members must own their data.
#define WEFT_FIELDS(type, ...)                                                            \
    [[maybe_unused]] inline std::span<const ::weft::socketio::detail::field> weft_fields( \
        const type*) noexcept {                                                           \
        static constexpr ::weft::socketio::detail::field fields[] = {                     \
            WEFT_DETAIL_EACH(WEFT_DETAIL_FIELD, type, __VA_ARGS__)};                      \
        static_assert(std::size(fields) <= ::weft::socketio::detail::max_fields,          \
                      "weft: too many members in WEFT_FIELDS");                           \
        return fields;                                                                    \
    }

/// Makes an enumeration an argument: a string with the name of the enumerator.
///
///     enum class side { buy, sell };
///     WEFT_ENUM(side, buy, sell)
///
/// Put it in the namespace of the enumeration. Decoding fails for a name that is not listed. A
/// value that is not listed is written as a number.
#define WEFT_ENUM(type, ...)                                                                  \
    [[maybe_unused]] inline std::span<const ::weft::socketio::detail::enumerator> weft_names( \
        type) noexcept {                                                                      \
        static constexpr ::weft::socketio::detail::enumerator names[] = {                     \
            WEFT_DETAIL_EACH(WEFT_DETAIL_ENUMERATOR, type, __VA_ARGS__)};                     \
        return names;                                                                         \
    }

#define WEFT_DETAIL_FIELD(type, name) \
    ::weft::socketio::detail::make_field<type, &type::name>(#name, "\"" #name "\":"),
#define WEFT_DETAIL_ENUMERATOR(type, name) {#name, static_cast<std::int64_t>(type::name)},

// Applies `what(type, x)` to each x. The preprocessor does not recurse: each rescan by
// WEFT_DETAIL_RESCAN expands one more element, and there are 4^4 of them.
#define WEFT_DETAIL_EACH(what, type, ...) \
    __VA_OPT__(WEFT_DETAIL_RESCAN(WEFT_DETAIL_ONE(what, type, __VA_ARGS__)))
#define WEFT_DETAIL_ONE(what, type, first, ...) \
    what(type, first) __VA_OPT__(WEFT_DETAIL_AGAIN WEFT_DETAIL_PARENS(what, type, __VA_ARGS__))
#define WEFT_DETAIL_AGAIN() WEFT_DETAIL_ONE
#define WEFT_DETAIL_PARENS ()
#define WEFT_DETAIL_RESCAN(...) \
    WEFT_DETAIL_RESCAN3(WEFT_DETAIL_RESCAN3(WEFT_DETAIL_RESCAN3(WEFT_DETAIL_RESCAN3(__VA_ARGS__))))
#define WEFT_DETAIL_RESCAN3(...) \
    WEFT_DETAIL_RESCAN2(WEFT_DETAIL_RESCAN2(WEFT_DETAIL_RESCAN2(WEFT_DETAIL_RESCAN2(__VA_ARGS__))))
#define WEFT_DETAIL_RESCAN2(...) \
    WEFT_DETAIL_RESCAN1(WEFT_DETAIL_RESCAN1(WEFT_DETAIL_RESCAN1(WEFT_DETAIL_RESCAN1(__VA_ARGS__))))
#define WEFT_DETAIL_RESCAN1(...) __VA_ARGS__
