#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

namespace weft {

/// What a JSON text has at some place.
enum class json_kind : std::uint8_t { null, boolean, number, string, array, object, none };

/// Why a `json_reader` stopped.
enum class json_errc : std::uint8_t {
    ok,
    unexpected_end,        ///< The text stops inside a value.
    unexpected_character,  ///< This byte cannot stand here.
    bad_escape,            ///< A backslash followed by what JSON does not know.
    control_character,     ///< A byte below 0x20 inside a string.
    bad_number,            ///< Begins as a number and is none, as in `01` or `1.`.
    too_deep,              ///< More than `json_reader::max_depth` arrays and objects.
    too_many_keys,         ///< More than `json_reader::max_keys` in one object.
    wrong_kind,            ///< A value, but not of the kind that was asked for.
    not_integral,          ///< A number with a fraction where an integer was asked for.
    out_of_range,          ///< A number that the type asked for cannot hold.
};

/// A sentence for people, as in "unexpected character".
[[nodiscard]] std::string_view describe(json_errc why) noexcept;

/// Reads a JSON text in memory, value by value, exactly as RFC 8259 has it: no comments, no
/// trailing commas, no byte order mark.
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
/// Each call returns false at the first error, and from then on every call does: it is enough to
/// look at the end. A reader is a few words: copy it to look ahead, or to come back.
///
/// UTF-8 is not looked at: validate the whole text once, before. Of equal keys all are told.
/// Limits: `max_depth`, and, where a value is skipped, `max_keys`; other limits are the caller's.
///
/// **Threads**: one at a time. **Lifetime**: the text must outlive the reader and its views.
/// **Cost**: no allocation of its own; strings without escapes are views into the text.
class json_reader {
public:
    static constexpr std::size_t max_depth = 64;
    static constexpr std::size_t max_keys = 1024;

    explicit json_reader(std::string_view text) noexcept
        : begin_(text.data()), at_(begin_), end_(begin_ + text.size()) {}

    /// The kind of the next value, told by its first character; `none` where no value can begin.
    [[nodiscard]] json_kind peek() noexcept;

    bool read_null() noexcept;
    bool read(bool& out) noexcept;
    /// Any integer type. `1.0` and `1e3` are integers, too: JavaScript has no others.
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
    /// The nearest double. **Errors**: `out_of_range` for `1e400`, which JavaScript would call
    /// infinite (and which `skip` accepts, as JSON does); what is too small becomes zero.
    bool read(double& out) noexcept;
    /// Replaces `out`. A surrogate without its other half becomes U+FFFD, as it does in browsers.
    bool read(std::string& out);
    /// The string without a copy; only one with escapes is unescaped into `scratch`. The view lives
    /// as long as the text and `scratch` do, and `scratch` is left alone.
    bool read(std::string_view& out, std::string& scratch);

    /// Goes into an array: `next_element` is then called before each value, and tells the end.
    bool begin_array() noexcept { return begin('['); }
    /// Whether one more value follows; leaves the array when none does.
    bool next_element() noexcept;
    /// Goes into an object: `next_key` is then called before each value, and tells the end.
    bool begin_object() noexcept { return begin('{'); }
    /// The next key, a view as in `read`; leaves the object when there is none.
    bool next_key(std::string_view& key, std::string& scratch);
    /// Takes the next key when it is written exactly so, as in `"name":`. When not nothing changed,
    /// and `next_key` tells what is there. For a reader that can guess: it saves looking for the
    /// key's end.
    bool next_key_if(std::string_view quoted) noexcept;
    /// `next_key` without unescaping: the key as it stands between its quotes.
    bool next_raw_key(std::string_view& key) noexcept;
    /// For the elements of an array without its brackets, `1,"a"`: whether one more value follows.
    /// Only outside of arrays and objects.
    bool next_in_sequence() noexcept;

    /// Reads a value of any kind to its end and validates all of it. **Cost**: no recursion;
    /// strings are scanned 16 bytes at a time.
    bool skip() noexcept;
    /// `skip`, and the text of the value without the white space around it.
    bool raw(std::string_view& out) noexcept;

    /// Whether nothing failed and nothing but white space is left.
    bool finish() noexcept;

    /// Whether nothing failed so far.
    [[nodiscard]] bool ok() const noexcept { return error_ == json_errc::ok; }
    /// The first error.
    [[nodiscard]] json_errc error() const noexcept { return error_; }
    /// How far reading came, in bytes; after an error, where it is.
    [[nodiscard]] std::size_t position() const noexcept {
        return static_cast<std::size_t>(at_ - begin_);
    }

private:
    class containers;

    bool read_signed(std::int64_t& out, std::int64_t min, std::int64_t max) noexcept;
    bool read_unsigned(std::uint64_t& out, std::uint64_t max) noexcept;
    bool read_magnitude(std::uint64_t& out, bool& negative) noexcept;
    bool begin(char bracket) noexcept;
    bool skip_scalar() noexcept;
    bool find_key() noexcept;
    bool skip_key(containers& open) noexcept;
    bool skip_string() noexcept;
    const char* plain_string_end() const noexcept;
    bool skip_escape() noexcept;
    bool skip_number() noexcept;
    bool literal(std::string_view word) noexcept;
    bool expect(char c) noexcept;
    bool expect_kind(json_kind kind) noexcept;
    void unescape(std::string& out, const char* from, const char* to) const;
    char next() noexcept;
    bool fail(json_errc why) noexcept;

    const char* begin_;
    const char* at_;
    const char* end_;
    std::uint32_t depth_ = 0;
    json_errc error_ = json_errc::ok;
    bool first_ = true;  // no value was read yet since the last bracket
};

}  // namespace weft
