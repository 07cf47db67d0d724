#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

namespace weft {

/// Appends `text` to `out` as a JSON string, quotes included. Escapes the quote, the backslash and
/// the control characters, and passes everything else through: `text` must be UTF-8 already.
/// **Cost**: copies runs of ordinary characters at once, scanning 16 bytes per step.
void append_json_string(std::string& out, std::string_view text);

/// Writes JSON text into a string that the caller owns and may reuse.
///
/// The writer places the commas. The caller matches each `begin_` with its `end_` and calls `key`
/// before each value of an object; the writer does not check this. It does not buffer: the string
/// has everything after each call.
///
///     std::string out;
///     weft::json_writer json{out};
///     json.begin_object();
///     json.member("type", "presence");
///     json.member("count", 3);
///     json.end_object();               // {"type":"presence","count":3}
///
/// **Threads**: one at a time. **Lifetime**: `out` must outlive the writer.
class json_writer {
public:
    /// Appends to `out` and keeps what is there.
    explicit json_writer(std::string& out) noexcept : out_(out) {}

    json_writer(const json_writer&) = delete;
    json_writer& operator=(const json_writer&) = delete;

    void begin_object() { open('{'); }
    void end_object() { close('}'); }
    void begin_array() { open('['); }
    void end_array() { close(']'); }

    /// The name of the next value of an object.
    void key(std::string_view name);

    /// A string.
    void value(std::string_view text);
    /// A string; without this overload a literal would become a boolean.
    void value(const char* text) { value(std::string_view(text)); }
    void value(std::same_as<bool> auto truth) { token(truth ? "true" : "false"); }
    void value(std::nullptr_t) { token("null"); }
    /// A character could be a string or a number: say which.
    void value(char) = delete;
    /// The shortest decimal that reads back as the same number; `null` for infinities and NaN,
    /// which JSON does not have.
    void value(double number);
    /// An integer. JavaScript readers lose digits beyond 2^53.
    template <std::integral Int>
    requires(!std::same_as<Int, bool> && !std::same_as<Int, char>) void value(Int number) {
        if constexpr (std::is_signed_v<Int>) {
            value_signed(number);
        } else {
            value_unsigned(number);
        }
    }

    /// Text that is JSON already, for example from a message that you relay. It is not checked.
    void raw(std::string_view json) { token(json); }

    /// `key` and `value` in one call.
    template <class T>
    void member(std::string_view name, const T& content) {
        key(name);
        value(content);
    }
    /// `key` and `raw` in one call.
    void raw_member(std::string_view name, std::string_view json) {
        key(name);
        raw(json);
    }

private:
    void value_signed(std::int64_t number);
    void value_unsigned(std::uint64_t number);
    void separate() {
        if (comma_) out_ += ',';
        comma_ = true;
    }
    void token(std::string_view text) {
        separate();
        out_ += text;
    }
    void open(char bracket) {
        separate();
        out_ += bracket;
        comma_ = false;
    }
    void close(char bracket) {
        out_ += bracket;
        comma_ = true;
    }

    std::string& out_;
    bool comma_ = false;  // the next value at this place needs a comma before it
};

}  // namespace weft
