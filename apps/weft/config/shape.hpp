#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <weft/base/result.hpp>
#include <weft/base/time.hpp>

#include "config/settings.hpp"

namespace weft::config {

/// What a key has; `std::monostate` is nothing.
using value = std::variant<std::monostate, bool, std::uint64_t, duration, std::string,
                           std::vector<std::string>, secret>;

/// What kind of value that is, and how it is written.
enum class kind : std::uint8_t {
    boolean,
    integer,
    size,    ///< Bytes: `65536` or `"64KiB"`.
    time,    ///< `"10s"`.
    mode,    ///< Permissions in octal: `"0660"`.
    text,    ///< As `choice`, `file` and `folder`: a string.
    choice,  ///< One of a few words.
    file,
    folder,
    texts,   ///< A list of `text`.
    secret,  ///< A text, or under `KEY_file` the name of a file.
};

/// Which texts are good, and what to call them.
struct text_rule {
    bool (*fits)(const std::string& text);
    std::string_view expected;  ///< "an origin, such as ...".
};

/// Which values a key may have.
struct shape {
    kind type = kind::text;
    std::uint64_t least = 0;  ///< Of integers, sizes, and times in nanoseconds.
    std::uint64_t most = 0;
    const text_rule* rule = nullptr;  ///< For texts; null: any.
    std::string_view choices{};       ///< Words with a space between.
};

/// "a number from 1 to 255", for error messages and the reference.
[[nodiscard]] std::string expected(const shape& what);
/// One word for the reference: "integer".
[[nodiscard]] std::string_view name_of(kind type) noexcept;

/// A value as it stands in the environment, behind `--set` or behind a flag; a list has commas.
/// **Errors**: `invalid_argument` with the words "expected ..., found ...".
[[nodiscard]] result<value> from_text(const shape& what, const std::string& text);
/// The same for what TOML has types of: a list or a number.
[[nodiscard]] result<value> from_list(const shape& what, std::vector<std::string> texts);
[[nodiscard]] result<value> from_integer(const shape& what, std::int64_t number);
/// "expected ..., found ...".
[[nodiscard]] error mismatch(const shape& what, const std::string& found);

/// As TOML writes it. Nothing and secrets become `""`.
[[nodiscard]] std::string to_toml(const shape& what, const value& from);
[[nodiscard]] std::string in_quotes(std::string_view text);
/// As `to_toml`, but without quotes around the whole, for people.
[[nodiscard]] std::string to_words(const shape& what, const value& from);

}  // namespace weft::config
