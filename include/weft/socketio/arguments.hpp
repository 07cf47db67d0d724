#pragma once

#include <cstddef>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <weft/base/bytes.hpp>
#include <weft/base/result.hpp>
#include <weft/socketio/codec.hpp>
#include <weft/socketio/error.hpp>

namespace weft::socketio {

/// The arguments of a received event or acknowledgement, not decoded but validated: JSON, UTF-8,
/// one placeholder per attachment. **Lifetime**: documented where you get it.
struct raw_arguments {
    /// JSON values with commas between them, without brackets: `"a",{"b":1}`. Empty: no arguments.
    std::string_view json;
    /// What the placeholders in `json` stand for.
    std::span<const byte_view> attachments;
};

/// As the last parameter of a handler: all remaining arguments, if any. As an argument of `emit`:
/// one argument per value.
///
///     io.on("log", [](socket& s, std::string level, rest<json_view> what) { ... });
template <class T = json_view>
struct rest {
    std::vector<T> values;
};

namespace detail {

template <class T>
inline constexpr bool is_rest = false;
template <class T>
inline constexpr bool is_rest<rest<T>> = true;

/// Gives one readable error for a type that has no codec. The compiler names the type.
template <class T>
struct check_decodable {
    static_assert(decodable<T>,
                  "weft: an event cannot carry this type; the types are listed in "
                  "<weft/socketio/codec.hpp>, and WEFT_FIELDS adds a structure");
    static constexpr bool value = decodable<T>;
};
template <class T>
struct check_decodable<rest<T>> : check_decodable<T> {};
template <class T>
struct check_encodable {
    static_assert(encodable<T>,
                  "weft: an event cannot carry this type; the types are listed in "
                  "<weft/socketio/codec.hpp>, and WEFT_FIELDS adds a structure");
    static constexpr bool value = encodable<T>;
};
template <class T>
struct check_encodable<rest<T>> : check_encodable<T> {};

template <class T>
void write_argument(value_writer& out, const T& what) {
    if constexpr (is_rest<T>) {
        for (const auto& one : what.values) write_argument(out, one);
    } else {
        out.encode(what);
    }
}

/// Encodes arguments for a packet.
template <class... A>
[[nodiscard]] encoded_arguments encode_arguments(const A&... args) {
    encoded_arguments encoded;
    if constexpr ((check_encodable<std::decay_t<const A&>>::value && ...)) {
        if constexpr (sizeof...(A) != 0) {
            value_writer out(encoded);
            (write_argument<std::decay_t<const A&>>(out, args), ...);
        }
    }
    return encoded;
}

/// Encodes an acknowledgement with this value, or with the values of a tuple.
template <class R>
[[nodiscard]] encoded_arguments encode_answer(const R& what) {
    return encode_arguments(what);
}
template <class... T>
[[nodiscard]] encoded_arguments encode_answer(const std::tuple<T...>& what) {
    return std::apply([](const T&... each) { return encode_arguments(each...); }, what);
}

/// Reads the arguments of one event in order.
class argument_reader {
public:
    argument_reader(std::string_view event, const raw_arguments& args,
                    borrowed_texts& texts) noexcept
        : event_(event), in_(args.json, args.attachments, texts) {}

    template <class T>
    bool next(T& out) {
        if constexpr (is_rest<T>) {
            while (another()) {
                if (!in_.decode(out.values.emplace_back())) return false;
            }
            return true;
        } else if constexpr (is_optional<T>) {
            return !another() || in_.decode(out);
        } else {
            return require_another() && in_.decode(out);
        }
    }
    /// Whether no argument is left.
    bool end();
    /// Why reading failed: "say: argument 2: items[3].price: expected a number".
    [[nodiscard]] error why() const;

private:
    bool another() noexcept {
        if (ended_ || !in_.next_in_sequence()) {
            ended_ = true;
            return false;
        }
        ++index_;
        return true;
    }
    bool require_another();

    std::string_view event_;
    value_reader in_;
    std::size_t index_ = 0;
    bool ended_ = false;
};

/// Decodes all arguments. Refuses if one is missing, unless it is an optional, and if there are too
/// many, unless the last type is `rest`. Borrowed values are valid as long as `args` and `texts`.
template <class... T>
[[nodiscard]] result<std::tuple<T...>> decode_arguments(std::string_view event,
                                                        const raw_arguments& args,
                                                        borrowed_texts& texts) {
    std::tuple<T...> all;
    argument_reader in(event, args, texts);
    const bool read =
        std::apply([&](T&... each) { return (in.next(each) && ...) && in.end(); }, all);
    if (!read) return in.why();
    return all;
}

/// **Errors**: that of the peer, if the arguments are just
/// `{"error":{"code":"...","message":"..."}}`.
[[nodiscard]] result<void> check_answer(const raw_arguments& answer);

template <class R>
struct answer_of {
    using tuple = std::tuple<R>;
    static R unpack(tuple&& all) { return std::get<0>(std::move(all)); }
};
template <class... T>
struct answer_of<std::tuple<T...>> {
    using tuple = std::tuple<T...>;
    static tuple unpack(tuple&& all) { return std::move(all); }
};

template <class T>
inline constexpr bool borrows<rest<T>> = borrows<T>;

template <class T>
inline constexpr bool owns = !borrows<T>;
template <class... T>
inline constexpr bool owns<std::tuple<T...>> = (owns<T> && ...);

/// Decodes an acknowledgement as an `R`; a tuple takes several values, void takes anything. Fails
/// with the error if the peer sent one.
template <class R>
[[nodiscard]] result<R> decode_ack(const raw_arguments& answer) {
    if (const auto good = check_answer(answer); !good) return good.error();
    if constexpr (std::is_void_v<R>) {
        return {};
    } else {
        static_assert(
            owns<R>,
            "weft: an acknowledgement outlives what it was read from; ask for a type that "
            "owns its data, such as std::string");
        borrowed_texts texts;
        using tuple = typename answer_of<R>::tuple;
        auto all = [&]<class... T>(std::type_identity<std::tuple<T...>>) {
            if constexpr ((check_decodable<T>::value && ...)) {
                return decode_arguments<T...>("acknowledgement", answer, texts);
            } else {
                return result<tuple>(errc::bad_argument);
            }
        }(std::type_identity<tuple>{});
        if (!all) return all.error();
        return answer_of<R>::unpack(*std::move(all));
    }
}

/// The same for an answer that may be missing.
template <class R>
[[nodiscard]] result<R> decode_answer(const result<raw_arguments>& answer) {
    try {
        if (!answer) return answer.error();
        return decode_ack<R>(*answer);
    } catch (const std::bad_alloc&) {  // who waits for it is told in any case
        return error(answer ? std::make_error_code(std::errc::not_enough_memory)
                            : answer.error().code());
    }
}

/// Decodes the `auth` of a client. **Errors**: "auth: token: missing".
template <class T>
[[nodiscard]] result<T> decode_auth(std::string_view json) {
    static_assert(owns<T>, "weft: ask for a type that owns its data, such as std::string");
    borrowed_texts texts;
    value_reader in(json, {}, texts);
    T made{};
    if constexpr (check_decodable<T>::value) {
        if (in.next_in_sequence() && in.decode(made) && !in.next_in_sequence() && in.finish())
            return made;
    }
    std::string what("auth: ");
    what += in.why();
    return error(errc::bad_argument, std::move(what));
}

}  // namespace detail
}  // namespace weft::socketio
