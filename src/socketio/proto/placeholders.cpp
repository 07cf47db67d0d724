// Finds the placeholders of attachments while a JSON value is validated, in the same pass. All
// grammar is json_reader's, which also bounds the nesting; what is kept here, for each open
// bracket, is what decides at its end whether it was a placeholder. Invariant: whatever JavaScript
// would take for a placeholder is noted or refused, however its keys are written: escapes are seen
// through.

#include "socketio/proto/placeholders.hpp"

#include <array>

#include "base/hex.hpp"

namespace weft::socketio {
namespace {

/// Takes a byte or an escape from the front of a valid string's content; returns the byte or the
/// UTF-16 code unit.
unsigned take_unit(std::string_view& rest) noexcept {
    const char first = rest[0];
    rest.remove_prefix(1);
    if (first != '\\') return static_cast<unsigned char>(first);
    const char letter = rest[0];
    rest.remove_prefix(1);
    unsigned unit = 0;
    switch (letter) {
        case 'b': return '\b';
        case 'f': return '\f';
        case 'n': return '\n';
        case 'r': return '\r';
        case 't': return '\t';
        case 'u': break;
        default: return static_cast<unsigned char>(letter);
    }
    for (const char digit : rest.substr(0, 4))
        unit = unit << 4 | static_cast<unsigned>(hex_value(digit));
    rest.remove_prefix(4);
    return unit;
}

class value_walker {
public:
    value_walker(json_reader& json, placeholder_set& placeholders) noexcept
        : json_(json), placeholders_(placeholders) {}

    bool walk() noexcept {
        do {
            if (!enter_value()) return false;
            if (!leave_values()) return false;
        } while (depth_ > 0);
        return true;
    }

    [[nodiscard]] errc error() const noexcept {
        if (error_ != errc{}) return error_;
        return json_.error() == json_errc::too_deep ? errc::json_too_deep : errc::bad_json;
    }

private:
    enum class member : std::uint8_t { other, placeholder, num };
    static constexpr std::uint8_t no_num = 0xff;
    static constexpr std::uint8_t more_than_two = 3;

    struct level {  // an open bracket; without initialisers, since most of them are never used
        bool object;
        bool placeholder;  // the member _placeholder is true
        member current;
        std::uint8_t num;
        std::uint8_t keys;  // counted as far as it matters
    };

    bool fail(errc why) noexcept {
        error_ = why;
        return false;
    }

    /// Reads a scalar or opens a bracket.
    bool enter_value() noexcept {
        const json_kind kind = json_.peek();
        if (kind == json_kind::object || kind == json_kind::array) {
            const bool object = kind == json_kind::object;
            if (!(object ? json_.begin_object() : json_.begin_array())) return false;
            levels_[depth_++] = {object, false, member::other, no_num, 0};
            return true;
        }
        std::string_view token;
        if (!json_.raw(token)) return false;
        if (depth_ > 0) note_scalar(levels_[depth_ - 1], token);
        return true;
    }

    static void note_scalar(level& parent, std::string_view token) noexcept {
        if (parent.current == member::placeholder) {
            parent.placeholder = token == "true";
        } else if (parent.current == member::num) {
            parent.num = plain_number(token);
        }
    }

    /// The value of one or two digits, which is all that a number of an attachment can have.
    static std::uint8_t plain_number(std::string_view token) noexcept {
        unsigned number = 0;
        if (token.size() > 2) return no_num;
        for (const char c : token) {
            if (c < '0' || c > '9') return no_num;
            number = number * 10 + static_cast<unsigned>(c - '0');
        }
        return static_cast<std::uint8_t>(number);
    }

    /// Closes the brackets that close here; stops in front of the next value.
    bool leave_values() noexcept {
        while (depth_ > 0) {
            level& top = levels_[depth_ - 1];
            std::string_view key;
            if (top.object ? json_.next_raw_key(key) : json_.next_element()) {
                if (top.object) enter_member(top, key);
                return true;
            }
            if (!json_.ok()) return false;
            --depth_;
            if (top.placeholder && !is_usable(top)) return fail(errc::bad_placeholder);
        }
        return true;
    }

    bool is_usable(const level& object) noexcept {
        return object.keys == 2 && object.num != no_num && placeholders_.use(object.num);
    }

    static void enter_member(level& object, std::string_view key) noexcept {
        if (object.keys < more_than_two) ++object.keys;
        object.current = member::other;
        if (json_text_is(key, "_placeholder")) {
            object.current = member::placeholder;
            object.placeholder = false;
        } else if (json_text_is(key, "num")) {
            object.current = member::num;
        }
    }

    json_reader& json_;
    placeholder_set& placeholders_;
    std::size_t depth_ = 0;
    errc error_{};
    std::array<level, json_reader::max_depth> levels_;
};

}  // namespace

bool placeholder_set::use(std::size_t num) noexcept {
    if (num >= attachments_ || (used_ >> num & 1) != 0) return false;
    used_ |= std::uint64_t{1} << num;
    ++count_;
    return true;
}

errc skip_value(json_reader& json, placeholder_set& placeholders) noexcept {
    const json_kind kind = json.peek();
    if (kind != json_kind::object && kind != json_kind::array) {
        return json.skip() ? errc{} : errc::bad_json;
    }
    value_walker walker(json, placeholders);
    return walker.walk() ? errc{} : walker.error();
}

bool json_text_is(std::string_view content, std::string_view plain) noexcept {
    for (const char c : plain) {
        if (content.empty() || take_unit(content) != static_cast<unsigned char>(c)) return false;
    }
    return content.empty();
}

std::size_t unescaped_size(std::string_view content) noexcept {
    std::size_t size = 0;
    bool after_high = false;  // the first half of a surrogate pair
    while (!content.empty()) {
        const bool escape = content[0] == '\\';
        const unsigned unit = take_unit(content);
        const bool completes_pair = after_high && unit >= 0xDC00 && unit < 0xE000;
        if (!escape || unit < 0x80 || completes_pair) {
            size += 1;  // a pair has four bytes; half a pair becomes U+FFFD, which has three
        } else {
            size += unit < 0x800 ? 2 : 3;
        }
        after_high = escape && unit >= 0xD800 && unit < 0xDC00;
    }
    return size;
}

}  // namespace weft::socketio
