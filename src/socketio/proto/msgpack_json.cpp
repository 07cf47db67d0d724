// Msgpack to JSON: each value is written when its token is read, with a stack of counters instead
// of recursion. The other way needs the size of each array and object before its content, so a
// first pass over the JSON counts, and validates; see json_sizes. Invariant: no stack is deeper
// than json_reader::max_depth in either direction.

#include "socketio/proto/msgpack_json.hpp"

#include <array>
#include <charconv>
#include <limits>
#include <optional>

#include <weft/base/base64.hpp>
#include <weft/base/json_reader.hpp>
#include <weft/base/json_writer.hpp>

namespace weft::socketio {
namespace {

template <class Int>
void append_digits(std::string& out, Int number) {
    char digits[24];
    out.append(digits, std::to_chars(digits, digits + sizeof digits, number).ptr);
}

void append_padded(std::string& out, std::uint64_t number, std::size_t width) {
    const std::size_t before = out.size();
    append_digits(out, number);
    const std::size_t written = out.size() - before;
    if (written < width) out.insert(before, width - written, '0');
}

/// A time in milliseconds since 1970 as JavaScript's Date.toJSON writes it.
void append_json_date(std::string& out, std::int64_t time) {
    constexpr std::int64_t max_time = 8'640'000'000'000'000;  // ECMAScript, Time Values
    constexpr std::int64_t day_length = 86'400'000;
    if (time > max_time || time < -max_time) {
        out += "null";
        return;
    }
    // Days are counted from 0000-03-01, so that leap days end a year, and from the era of 400 years
    // that the day lies in.
    const std::int64_t days = (time - (time < 0 ? day_length - 1 : 0)) / day_length;
    const auto in_day = static_cast<std::uint64_t>(time - days * day_length);
    const std::int64_t shifted = days + 719'468;
    const std::int64_t era = (shifted - (shifted < 0 ? 146'096 : 0)) / 146'097;
    const std::int64_t of_era = shifted - era * 146'097;
    const std::int64_t year_of_era =
        (of_era - of_era / 1460 + of_era / 36'524 - of_era / 146'096) / 365;
    const std::int64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const std::int64_t month_from_march = (5 * of_year + 2) / 153;
    const std::int64_t day = of_year - (153 * month_from_march + 2) / 5 + 1;
    const std::int64_t month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
    const std::int64_t year = year_of_era + era * 400 + (month <= 2 ? 1 : 0);

    out += '"';
    const bool four_digits = year >= 0 && year <= 9999;
    if (!four_digits) out += year < 0 ? '-' : '+';
    append_padded(out, static_cast<std::uint64_t>(year < 0 ? -year : year), four_digits ? 4 : 6);
    const auto part = [&out](char before, std::uint64_t number, std::size_t width) {
        out += before;
        append_padded(out, number, width);
    };
    part('-', static_cast<std::uint64_t>(month), 2);
    part('-', static_cast<std::uint64_t>(day), 2);
    part('T', in_day / 3'600'000, 2);
    part(':', in_day / 60'000 % 60, 2);
    part(':', in_day / 1000 % 60, 2);
    part('.', in_day % 1000, 3);
    out += "Z\"";
}

std::uint64_t big_endian(byte_view bytes) noexcept {
    std::uint64_t number = 0;
    for (const std::byte byte : bytes) number = number << 8 | std::to_integer<std::uint64_t>(byte);
    return number;
}

/// The time in milliseconds of the extensions that mean one: -1, which msgpack defines, and 0 with
/// eight bytes, which older versions of notepack.io write.
std::optional<std::int64_t> time_of(const msgpack_token& extension) noexcept {
    const byte_view bytes = extension.bytes;
    if (extension.type == 0 && bytes.size() == 8) {
        return static_cast<std::int64_t>(big_endian(bytes));
    }
    if (extension.type != -1) return std::nullopt;
    std::int64_t seconds = 0;
    std::uint64_t nanoseconds = 0;
    if (bytes.size() == 4) {
        seconds = static_cast<std::int64_t>(big_endian(bytes));
    } else if (bytes.size() == 8) {
        const std::uint64_t both = big_endian(bytes);
        nanoseconds = both >> 34;
        seconds = static_cast<std::int64_t>(both & 0x3'ffff'ffff);
    } else if (bytes.size() == 12) {
        nanoseconds = big_endian(bytes.first(4));
        seconds = static_cast<std::int64_t>(big_endian(bytes.subspan(4)));
    } else {
        return std::nullopt;
    }
    constexpr std::int64_t beyond_dates = 10'000'000'000'000;
    if (seconds > beyond_dates || seconds < -beyond_dates) {
        return std::numeric_limits<std::int64_t>::max();
    }
    return seconds * 1000 + static_cast<std::int64_t>(nanoseconds / 1'000'000);
}

void append_placeholder(std::string& out, std::size_t num) {
    out += R"({"_placeholder":true,"num":)";
    append_digits(out, num);
    out += '}';
}

void append_base64(std::string& out, byte_view bytes) {
    out += '"';
    const std::size_t before = out.size();
    out.resize(before + base64_size(bytes.size()));
    base64_encode(bytes, std::span(out).subspan(before));
    out += '"';
}

/// Writes a msgpack value as JSON.
class json_translator {
public:
    json_translator(msgpack_reader& in, std::string& out, attachment_list* attachments) noexcept
        : in_(in), out_(out), attachments_(attachments) {}

    /// One value with all that is in it; nothing is written for `undefined`.
    bool value() {
        if (!next()) return false;
        if (!is_undefined(token_) && !write()) return false;
        while (depth_ > 0) {
            level& top = levels_[depth_ - 1];
            if (top.left == 0) {
                out_ += top.map ? '}' : ']';
                --depth_;
                continue;
            }
            --top.left;
            if (!(top.map ? member(top) : element(top))) return false;
        }
        return true;
    }

    [[nodiscard]] errc error() const noexcept { return error_; }

private:
    struct level {  // without initialisers, since most of them are never used
        std::uint64_t left;
        bool map;
        bool any;  // something was written, so that a comma is needed
    };

    bool fail(errc why) noexcept {
        error_ = why;
        return false;
    }
    bool next() noexcept { return in_.next(token_) || fail(errc::bad_msgpack); }

    bool element(level& top) {
        if (top.any) out_ += ',';
        top.any = true;
        if (!next()) return false;
        if (!is_undefined(token_)) return write();
        out_ += "null";
        return true;
    }

    bool member(level& top) {
        const std::size_t before = out_.size();
        if (top.any) out_ += ',';
        if (!next() || !key() || !next()) return false;
        if (is_undefined(token_)) {
            out_.resize(before);
            return true;
        }
        top.any = true;
        return write();
    }

    /// Texts and, as some languages have them, integers.
    bool key() {
        if (token_.kind == msgpack_kind::text) {
            append_json_string(out_, as_text(token_.bytes));
        } else if (token_.kind == msgpack_kind::positive || token_.kind == msgpack_kind::negative) {
            out_ += '"';
            integer();
            out_ += '"';
        } else {
            return fail(errc::bad_msgpack);
        }
        out_ += ':';
        return true;
    }

    bool write() {
        switch (token_.kind) {
            case msgpack_kind::nil: out_ += "null"; return true;
            case msgpack_kind::boolean: out_ += token_.number != 0 ? "true" : "false"; return true;
            case msgpack_kind::positive:
            case msgpack_kind::negative: integer(); return true;
            case msgpack_kind::real: json_writer(out_).value(token_.real); return true;
            case msgpack_kind::text: append_json_string(out_, as_text(token_.bytes)); return true;
            case msgpack_kind::binary: return attachment();
            case msgpack_kind::array:
            case msgpack_kind::map: return open();
            case msgpack_kind::extension: return extension();
        }
        return false;
    }

    void integer() {
        if (token_.kind == msgpack_kind::positive) return append_digits(out_, token_.number);
        append_digits(out_, static_cast<std::int64_t>(token_.number));
    }

    bool open() {
        if (depth_ == levels_.size()) return fail(errc::json_too_deep);
        const bool map = token_.kind == msgpack_kind::map;
        levels_[depth_++] = {token_.number, map, false};
        out_ += map ? '{' : '[';
        return true;
    }

    bool attachment() {
        if (attachments_ == nullptr) {
            append_base64(out_, token_.bytes);
            return true;
        }
        std::vector<byte_view>& found = attachments_->found;
        if (found.size() == attachments_->max) return fail(errc::bad_attachment_count);
        append_placeholder(out_, found.size());
        found.push_back(token_.bytes);
        return true;
    }

    /// Dates; what older versions of notepack.io make of an ArrayBuffer, which has the type 0; and
    /// all others as a pair of type and bytes, as JavaScript gets them.
    bool extension() {
        if (const auto time = time_of(token_)) {
            append_json_date(out_, *time);
            return true;
        }
        if (token_.type == 0) return attachment();
        out_ += '[';
        append_digits(out_, int{token_.type});
        out_ += ',';
        if (!attachment()) return false;
        out_ += ']';
        return true;
    }

    msgpack_reader& in_;
    std::string& out_;
    attachment_list* attachments_;
    msgpack_token token_;
    errc error_{};
    std::size_t depth_ = 0;
    std::array<level, json_reader::max_depth> levels_;
};

/// The number of values in each array and object of a JSON text, in order of their beginning.
class json_sizes {
public:
    explicit json_sizes(std::string_view json) : json_(json) {
        do {
            value();
            leave();
        } while (depth_ > 0);
    }

    /// Whether it is a valid JSON text. If not, the sizes mean nothing.
    [[nodiscard]] bool valid() noexcept { return json_.finish(); }
    /// The size of the next one.
    std::size_t take() noexcept { return sizes_[taken_++]; }

private:
    void value() {
        const json_kind kind = json_.peek();
        if (kind != json_kind::object && kind != json_kind::array) {
            static_cast<void>(json_.skip());
            return;
        }
        const bool object = kind == json_kind::object;
        if (!(object ? json_.begin_object() : json_.begin_array())) return;  // too deep
        open_[depth_++] = {sizes_.size(), object};
        sizes_.push_back(0);
    }

    /// Leaves what ends here, up to the next value.
    void leave() noexcept {
        for (; depth_ > 0; --depth_) {
            const auto [index, object] = open_[depth_ - 1];
            std::string_view key;
            if (object ? json_.next_raw_key(key) : json_.next_element()) {
                ++sizes_[index];
                return;
            }
        }
    }

    struct container {  // without initialisers, since most of them are never used
        std::size_t index;
        bool object;
    };

    json_reader json_;
    std::vector<std::uint32_t> sizes_;
    std::size_t taken_ = 0;
    std::size_t depth_ = 0;
    std::array<container, json_reader::max_depth> open_;
};

/// Writes a JSON text as msgpack.
class msgpack_translator {
public:
    msgpack_translator(std::string_view json, std::span<const byte_view> attachments,
                       std::string& out)
        : json_(json), sizes_(json), attachments_(attachments), out_(out) {}

    bool write() {
        if (!sizes_.valid()) return false;
        do {
            value();
            leave();
        } while (depth_ > 0);
        return true;
    }

private:
    void value() {
        std::string_view text;
        switch (json_.peek()) {
            case json_kind::null:
                static_cast<void>(json_.read_null());
                return append_msgpack_nil(out_);
            case json_kind::boolean: {
                bool truth = false;
                static_cast<void>(json_.read(truth));
                return append_msgpack_boolean(out_, truth);
            }
            case json_kind::number: return number();
            case json_kind::string:
                static_cast<void>(json_.read(text, scratch_));
                return append_msgpack_text(out_, text);
            case json_kind::array: return array();
            case json_kind::object: return object();
            case json_kind::none: return;
        }
    }

    /// JavaScript's integers are numbers without a fraction, however they are written.
    void number() {
        const json_reader before = json_;
        std::uint64_t positive = 0;
        if (json_.read(positive)) return append_msgpack_positive(out_, positive);
        json_ = before;
        std::int64_t integer = 0;
        if (json_.read(integer)) return append_msgpack_integer(out_, integer);
        json_ = before;
        double real = 0;
        if (json_.read(real)) return append_msgpack_real(out_, real);
        json_ = before;
        std::string_view digits;
        static_cast<void>(json_.raw(digits));
        constexpr double infinity = std::numeric_limits<double>::infinity();
        append_msgpack_real(out_, digits.starts_with('-') ? -infinity : infinity);
    }

    void array() {
        static_cast<void>(json_.begin_array());
        objects_[depth_++] = false;
        append_msgpack_array(out_, sizes_.take());
    }

    void object() {
        const std::size_t size = sizes_.take();
        if (size == 2) {
            if (const auto num = placeholder(); num && *num < attachments_.size()) {
                static_cast<void>(json_.skip());
                return append_msgpack_binary(out_, attachments_[*num]);
            }
        }
        static_cast<void>(json_.begin_object());
        objects_[depth_++] = true;
        append_msgpack_map(out_, size);
    }

    /// The number of the placeholder that comes next, if one does.
    std::optional<std::size_t> placeholder() {
        json_reader ahead = json_;
        static_cast<void>(ahead.begin_object());
        std::optional<std::size_t> num;
        bool truth = false;
        std::string_view key;
        while (ahead.next_key(key, scratch_)) {
            if (key == "_placeholder") {
                if (!ahead.read(truth) || !truth) return std::nullopt;
            } else if (key == "num") {
                if (!ahead.read(num.emplace())) return std::nullopt;
            } else {
                return std::nullopt;
            }
        }
        return truth ? num : std::nullopt;
    }

    /// Leaves what ends here, up to the next value; writes its key.
    void leave() {
        for (; depth_ > 0; --depth_) {
            if (!objects_[depth_ - 1]) {
                if (json_.next_element()) return;
                continue;
            }
            std::string_view key;
            if (json_.next_key(key, scratch_)) return append_msgpack_text(out_, key);
        }
    }

    json_reader json_;
    json_sizes sizes_;
    std::span<const byte_view> attachments_;
    std::string& out_;
    std::string scratch_;
    std::size_t depth_ = 0;
    std::array<bool, json_reader::max_depth> objects_;
};

}  // namespace

errc append_json(std::string& out, msgpack_reader& in, attachment_list* attachments) {
    json_translator translator(in, out, attachments);
    return translator.value() ? errc{} : translator.error();
}

bool append_msgpack(std::string& out, std::string_view json,
                    std::span<const byte_view> attachments) {
    return msgpack_translator(json, attachments, out).write();
}

}  // namespace weft::socketio
