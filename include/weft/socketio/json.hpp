#pragma once

#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <weft/base/result.hpp>
#include <weft/socketio/codec.hpp>

namespace weft {

namespace detail {
/// Reads the one value of `text` by `decode`. **Errors**: `errc::invalid_argument`.
[[nodiscard]] result<void> read_json(std::string_view text, void* out,
                                     bool (*decode)(socketio::value_reader&, void*));
}  // namespace detail

/// The JSON text of a value, for plain WebSockets and HTTP. It may have any type that Socket.IO can
/// send: numbers, strings, containers, what `WEFT_FIELDS` and `WEFT_ENUM` describe, your own
/// `socketio::codec`. Bytes become a string in base64.
///
///     conn.send_text(to_json(order{"WFT", 12.5}));
///
/// **Cost**: a pass over the value; mostly one allocation.
template <class T>
[[nodiscard]] std::string to_json(const T& what) {
    using plain = std::decay_t<const T&>;
    static_assert(socketio::encodable<plain>,
                  "weft: this type has no JSON form; describe it with WEFT_FIELDS, or specialise "
                  "weft::socketio::codec");
    socketio::encoded_arguments made;
    socketio::value_writer(made, socketio::binary_form::base64).encode<plain>(what);
    return std::move(made.json);
}

/// The value of a JSON text. `text` is one value and valid UTF-8, with white space around it at
/// most.
///
///     const result<order> got = from_json<order>(request.body_text());
///     if (!got) return http::response::text(400, got.error().message());
///
/// **Errors**: `errc::invalid_argument`, with the place: "items[3].price: expected a number".
/// **Lifetime**: the result owns its data.
template <class T>
[[nodiscard]] result<T> from_json(std::string_view text) {
    static_assert(socketio::decodable<T>,
                  "weft: this type cannot be read from JSON; describe it with WEFT_FIELDS, or "
                  "specialise weft::socketio::codec");
    static_assert(!socketio::detail::borrows<T>,
                  "weft: from_json gives types that own their data; use std::string, json_text or "
                  "std::vector<std::byte>");
    T value{};
    const result<void> read = detail::read_json(
        text, &value,
        [](socketio::value_reader& in, void* out) { return in.decode(*static_cast<T*>(out)); });
    if (!read) return read.error();
    return value;
}

}  // namespace weft
