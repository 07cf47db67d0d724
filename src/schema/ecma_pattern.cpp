// From the regular expressions of ECMA-262 to those of RE2. The two differ in what `.` and `\s`
// match, in how characters are written, in `[` inside a class, and in names of groups. Every escape
// that gets through is one that we know, so RE2's own (\A, \z, \Q, \C) do not.
// Invariant: the cursor moves forward with every step; the result is linear in the pattern.

#include "schema/ecma_pattern.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/hex.hpp"

namespace weft::json_schema {
namespace {

// Inside of a class. ECMA-262: white space and line terminators, which include those of Unicode.
constexpr std::string_view spaces =
    R"(\t-\r \x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}\x{feff})";
constexpr std::string_view not_spaces =
    R"(\x{0}-\x{8}\x{e}-\x{1f}!-\x{9f}\x{a1}-\x{167f}\x{1681}-\x{1fff}\x{200b}-\x{2027})"
    R"(\x{202a}-\x{202e}\x{2030}-\x{205e}\x{2060}-\x{2fff}\x{3001}-\x{fefe}\x{ff00}-\x{10ffff})";
constexpr std::string_view any_but_line_ends = R"([^\n\r\x{2028}\x{2029}])";

class translator {
public:
    explicit translator(std::string_view ecma) noexcept : rest_(ecma) {}

    result<std::string> run() {
        while (!rest_.empty() && why_.empty()) step();
        if (!why_.empty()) return error(code_, std::string(why_));
        return std::move(out_);
    }

private:
    char take() noexcept {
        const char c = rest_.front();
        rest_.remove_prefix(1);
        return c;
    }
    bool take_if(std::string_view prefix) noexcept {
        if (!rest_.starts_with(prefix)) return false;
        rest_.remove_prefix(prefix.size());
        return true;
    }
    void refuse(std::string_view why, errc code = errc::invalid_argument) noexcept {
        if (why_.empty()) {
            why_ = why;
            code_ = code;
        }
    }

    void step() {
        switch (const char c = take()) {
            case '.': out_ += any_but_line_ends; break;
            case '(': group(); break;
            case '[': character_class(); break;
            case '\\': escape(); break;
            default: out_ += c;
        }
    }

    /// Behind "(". Nothing is captured, which is quicker.
    void group() {
        out_ += "(?:";
        if (!take_if("?") || take_if(":")) return;
        if (take_if("=") || take_if("!") || take_if("<=") || take_if("<!")) {
            return refuse("look-ahead and look-behind take more than linear time",
                          errc::not_supported);
        }
        const auto end = rest_.find('>');
        if (!take_if("<") || end == std::string_view::npos)
            return refuse("an unknown kind of group");
        rest_.remove_prefix(end);
    }

    void escape() {
        if (rest_.empty()) return refuse("a backslash at the end");
        const char c = rest_.front();
        if ((c >= '1' && c <= '9') || c == 'k') {
            return refuse("back-references take more than linear time", errc::not_supported);
        }
        if (c == 'b' || c == 'B') {
            out_ += '\\';
            out_ += take();
        } else if (take_if("s")) {
            out_.append("[").append(spaces).append("]");
        } else if (take_if("S")) {
            out_.append("[^").append(spaces).append("]");
        } else if (!set_escape()) {
            character(escaped_character());
        }
    }

    /// `\d`, `\w` and `\p{...}`, which RE2 knows inside and outside of classes.
    bool set_escape() {
        const char c = rest_.front();
        if (c == 'd' || c == 'D' || c == 'w' || c == 'W') {
            out_ += '\\';
            out_ += take();
            return true;
        }
        if (c != 'p' && c != 'P') return false;
        const auto end = rest_.find('}');
        if (rest_.size() < 2 || rest_[1] != '{' || end == std::string_view::npos) {
            refuse("\\p without a name in braces");
            return true;
        }
        std::string_view name = rest_.substr(2, end - 2);
        for (const std::string_view prefix : {"Script=", "sc=", "General_Category=", "gc="}) {
            if (name.starts_with(prefix)) name.remove_prefix(prefix.size());
        }
        out_ += '\\';
        out_ += c;
        out_.append("{").append(name).append("}");
        rest_.remove_prefix(end + 1);
        return true;
    }

    void character_class() {
        out_ += '[';
        const bool negated = take_if("^");
        if (take_if("]")) {  // nothing, or everything
            out_ += negated ? R"(\x{0}-\x{10ffff}])" : R"(^\x{0}-\x{10ffff}])";
            return;
        }
        if (negated) out_ += '^';
        while (why_.empty()) {
            if (rest_.empty()) return refuse("a class without an end");
            const char c = take();
            if (c == ']') break;
            if (c == '[' || c == '^') {  // [:alpha:] and the like mean nothing
                out_ += '\\';
                out_ += c;
            } else if (c != '\\') {
                out_ += c;
            } else if (rest_.empty()) {
                return refuse("a backslash at the end");
            } else if (take_if("b")) {
                character('\b');
            } else if (take_if("s")) {
                out_ += spaces;
            } else if (take_if("S")) {
                out_ += not_spaces;
            } else if (!set_escape()) {
                character(escaped_character());
            }
        }
        out_ += ']';
    }

    /// Behind a backslash: the character that is meant.
    std::uint32_t escaped_character() {
        constexpr std::string_view themselves = "^$\\.*+?()[]{}|/-\"#%&',!:;<=>@`~ ";
        const char c = take();
        if (themselves.find(c) != std::string_view::npos) return static_cast<unsigned char>(c);
        switch (c) {
            case 't': return '\t';
            case 'n': return '\n';
            case 'v': return '\v';
            case 'f': return '\f';
            case 'r': return '\r';
            case '0':
                if (!rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9') break;
                return 0;
            case 'x': return hexadecimal(2);
            case 'u': return unicode();
            case 'c':
                if (rest_.empty() || static_cast<unsigned char>((rest_.front() | 0x20) - 'a') >= 26)
                    break;
                return static_cast<unsigned char>(take()) & 0x1fU;
            default: break;
        }
        refuse("an unknown escape");
        return 0;
    }

    std::uint32_t hexadecimal(std::size_t digits) {
        if (rest_.size() < digits) {
            refuse("too few hexadecimal digits");
            return 0;
        }
        std::uint32_t value = 0;
        for (; digits != 0; --digits) {
            const int digit = hex_value(take());
            if (digit < 0) refuse("too few hexadecimal digits");
            value = value << 4U | static_cast<unsigned>(digit & 15);
        }
        return value;
    }

    std::uint32_t unicode() {
        std::uint32_t point = 0;
        if (take_if("{")) {
            const auto size = rest_.find('}');
            if (size == 0 || size > 6) {
                refuse("\\u{...} without one to six hexadecimal digits");
                return 0;
            }
            point = hexadecimal(size);
            take_if("}");
        } else {
            point = hexadecimal(4);
            if ((point & 0xfffffc00U) == 0xd800 && take_if("\\u")) {
                const std::uint32_t low = hexadecimal(4);
                if ((low & 0xfffffc00U) == 0xdc00) {
                    return 0x10000 + ((point & 0x3ffU) << 10U) + (low & 0x3ffU);
                }
            }
        }
        if (point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) {
            refuse("a lone surrogate or no character");
        }
        return point;
    }

    void character(std::uint32_t point) {
        constexpr std::string_view digits = "0123456789abcdef";
        out_ += "\\x{";
        int shift = 20;
        while (shift > 0 && point >> shift == 0) shift -= 4;
        for (; shift >= 0; shift -= 4) out_ += digits[point >> shift & 15U];
        out_ += '}';
    }

    std::string_view rest_;
    std::string out_{};
    std::string_view why_{};
    errc code_ = errc::invalid_argument;
};

}  // namespace

result<std::string> translate_pattern(std::string_view ecma) {
    return translator(ecma).run();
}

}  // namespace weft::json_schema
