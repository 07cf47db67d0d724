#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

namespace weft {

/// The kind of a JSON value; `none` where there is no value.
enum class json_kind : std::uint8_t { null, boolean, number, string, array, object, none };

/// Why a `json_reader` stopped.
enum class json_errc : std::uint8_t {
    ok,
    unexpected_end,        ///< The text stops inside a value.
    unexpected_character,  ///< This byte cannot stand here.
    bad_escape,            ///< A backslash before something JSON does not know.
    control_character,     ///< A byte below 0x20 inside a string.
    bad_number,            ///< Begins like a number but is none: `01`, `1.`.
    too_deep,              ///< More than `json_reader::max_depth` arrays and objects.
    wrong_kind,            ///< The value is not of the kind you asked for.
    not_integral,          ///< A number with a fraction where you asked for an integer.
    out_of_range,          ///< The type you asked for cannot hold the number.
};

/// The error in words: "unexpected character".
[[nodiscard]] std::string_view describe(json_errc why) noexcept;

/// Reads a JSON text in memory, value by value. Accepts exactly what RFC 8259 allows: no comments,
/// no trailing commas, no byte order mark.
///
///     weft::json_reader json{R"({"name":"Ada","tags":["x","y"]})"};
///     std::string_view key;
///     std::string name, scratch;
///     json.begin_object();
///     while (json.next_key(key, scratch)) {
///         if (key == "name") json.read(name);
///         else json.skip();
///     }
///     if (!json.finish()) report(json.position(), describe(json.error()));
///
/// A call returns false at the first error, and every call after it does too. So it is enough to
/// check once, at the end. A reader is a few words: copy it to look ahead or to come back.
///
/// The reader does not check UTF-8: validate the whole text once, before. It reports all of several
/// equal keys. It limits the depth (`max_depth`); other limits are up to the caller.
///
/// **Threads**: one at a time. **Lifetime**: the text must outlive the reader and its views.
/// **Cost**: the reader allocates nothing; strings without escapes are views into the text.
class json_reader {
public:
    static constexpr std::size_t max_depth = 512;

    explicit json_reader(std::string_view text) noexcept
        : begin_(text.data()), cursor_(begin_), end_(begin_ + text.size()) {}

    /// The kind of the next value, judged by its first character; `none` where no value can begin.
    [[nodiscard]] json_kind peek() noexcept;

    bool read_null() noexcept;
    bool read(bool& out) noexcept;
    /// Any integer type. `1.0` and `1e3` are integers too: JavaScript has only one number type.
    template <std::integral Int>
    requires(!std::same_as<Int, bool>) bool read(Int& out) noexcept {
        using limits = std::numeric_limits<Int>;
        if constexpr (std::is_signed_v<Int>) {
            std::int64_t wide = 0;
            if (!read_signed(wide, limits::min(), limits::max())) return false;
            out = static_cast<Int>(wide);
        } else {
            std::uint64_t wide = 0;
            if (!read_unsigned(wide, limits::max())) return false;
            out = static_cast<Int>(wide);
        }
        return true;
    }
    /// The nearest double; a number that is too small becomes zero. **Errors**: `out_of_range` for
    /// `1e400`, which is infinite in JavaScript. (`skip` accepts it, as JSON does.)
    bool read(double& out) noexcept;
    /// Replaces `out`. A lone surrogate becomes U+FFFD, as in browsers.
    bool read(std::string& out);
    /// A view of the string. Only a string with escapes is copied, into `scratch`. The view is
    /// valid as long as the text is, and until `scratch` changes.
    bool read(std::string_view& out, std::string& scratch);

    /// Enters an array. Then call `next_element` before each value.
    bool begin_array() noexcept { return begin('['); }
    /// Whether one more value follows. If not, leaves the array.
    bool next_element() noexcept;
    /// Enters an object. Then call `next_key` before each value.
    bool begin_object() noexcept { return begin('{'); }
    /// The next key, a view as in `read`. If there is none, leaves the object and returns false.
    bool next_key(std::string_view& key, std::string& scratch);
    /// Takes the next key if the text has exactly `quoted` here, for example `"name":`. If not,
    /// changes nothing; call `next_key` to see what is there. Faster if you can guess the key:
    /// there is no search for its end.
    bool next_key_if(std::string_view quoted) noexcept;
    /// `next_key` without unescaping: the text between the quotes.
    bool next_raw_key(std::string_view& key) noexcept;
    /// Whether one more value follows in a list without brackets: `1,"a"`. Only outside of arrays
    /// and objects.
    bool next_in_sequence() noexcept;

    /// Skips a value of any kind and validates all of it. **Cost**: no recursion; strings are
    /// scanned 16 bytes at a time.
    bool skip() noexcept;
    /// Skips a value and gives its text, without the white space around it.
    bool raw(std::string_view& out) noexcept;

    /// Whether nothing has failed and only white space is left.
    bool finish() noexcept;

    /// Whether nothing has failed so far.
    [[nodiscard]] bool ok() const noexcept { return error_ == json_errc::ok; }
    /// The first error.
    [[nodiscard]] json_errc error() const noexcept { return error_; }
    /// The offset of the next byte; after an error, the offset of the error.
    [[nodiscard]] std::size_t position() const noexcept {
        return static_cast<std::size_t>(cursor_ - begin_);
    }

private:
    class containers;

    bool read_signed(std::int64_t& out, std::int64_t min, std::int64_t max) noexcept;
    bool read_unsigned(std::uint64_t& out, std::uint64_t max) noexcept;
    bool read_magnitude(std::uint64_t& out, bool& negative) noexcept;
    bool begin(char bracket) noexcept;
    bool skip_container() noexcept;
    bool skip_scalar(char first) noexcept;
    bool find_key() noexcept;
    bool skip_key() noexcept;
    bool skip_string() noexcept;
    const char* plain_string_end() const noexcept;
    bool skip_escape() noexcept;
    bool skip_number() noexcept;
    bool literal(std::string_view word) noexcept;
    bool expect(char c) noexcept;
    bool expect_kind(json_kind kind) noexcept;
    void unescape(std::string& out, const char* first, const char* last) const;
    /// The next character that is not white space, not taken; 0 at the end and after an error.
    char next() noexcept {
        if (cursor_ != end_ && *cursor_ > ' ' && error_ == json_errc::ok) return *cursor_;
        return next_behind_space();
    }
    char next_behind_space() noexcept;
    bool fail(json_errc why) noexcept;

    const char* begin_;
    const char* cursor_;
    const char* end_;
    std::uint32_t depth_ = 0;
    json_errc error_ = json_errc::ok;
    bool first_ = true;  // no value was read yet since the last bracket
};

}  // namespace weft
