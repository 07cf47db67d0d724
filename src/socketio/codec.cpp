// The codecs that are no templates. Dates are written as JavaScript's Date.toJSON does and read in
// the forms of RFC 3339; what `system_clock` cannot hold is refused, never wrapped.

#include <weft/socketio/codec.hpp>

#include <cmath>

#include <weft/base/utf8.hpp>
#include <weft/socketio/error.hpp>

namespace weft::socketio {
namespace {

using std::chrono::milliseconds;
using clock_time = std::chrono::system_clock::time_point;

/// Reads the parts of a date one after another; after the first failure everything fails.
class date_cursor {
public:
    explicit date_cursor(std::string_view text) noexcept : rest_(text) {}

    [[nodiscard]] int digits(std::size_t count) noexcept {
        int number = 0;
        for (std::size_t i = 0; i < count; ++i) number = number * 10 + digit();
        return number;
    }
    bool take(char c) noexcept {
        if (rest_.empty() || rest_.front() != c) return false;
        rest_.remove_prefix(1);
        return true;
    }
    void expect(char c) noexcept { good_ &= take(c); }
    /// Up to nine digits behind the point; the third and those before it count.
    [[nodiscard]] int fraction() noexcept {
        int thousandths = 0;
        int places = 0;
        for (; places < 9 && !rest_.empty() && is_digit(rest_.front()); ++places) {
            const int next = digit();
            if (places < 3) thousandths = thousandths * 10 + next;
        }
        good_ &= places != 0;
        for (; places < 3; ++places) thousandths *= 10;
        return thousandths;
    }
    [[nodiscard]] bool done() const noexcept { return good_ && rest_.empty(); }

private:
    static bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
    int digit() noexcept {
        if (rest_.empty() || !is_digit(rest_.front())) {
            good_ = false;
            return 0;
        }
        const int value = rest_.front() - '0';
        rest_.remove_prefix(1);
        return value;
    }

    std::string_view rest_;
    bool good_ = true;
};

/// `2026-11-22T18:38:37.123Z`, with an offset in place of the Z, with or without the fraction.
std::optional<milliseconds> parse_date(std::string_view text) noexcept {
    date_cursor cursor(text);
    const std::chrono::year year(cursor.digits(4));
    cursor.expect('-');
    const std::chrono::month month(static_cast<unsigned>(cursor.digits(2)));
    cursor.expect('-');
    const std::chrono::day day(static_cast<unsigned>(cursor.digits(2)));
    cursor.expect('T');
    const int hour = cursor.digits(2);
    cursor.expect(':');
    const int minute = cursor.digits(2);
    cursor.expect(':');
    const int second = cursor.digits(2);
    const int thousandths = cursor.take('.') ? cursor.fraction() : 0;
    int offset = 0;  // minutes
    if (!cursor.take('Z')) {
        const bool west = cursor.take('-');
        if (!west) cursor.expect('+');
        const int hours = cursor.digits(2);
        cursor.expect(':');
        const int minutes = cursor.digits(2);
        if (hours > 23 || minutes > 59) return {};
        offset = (hours * 60 + minutes) * (west ? -1 : 1);
    }
    const std::chrono::year_month_day date(year, month, day);
    if (!cursor.done() || !date.ok() || hour > 23 || minute > 59 || second > 59) return {};
    return std::chrono::sys_days(date).time_since_epoch() + std::chrono::hours(hour) +
           std::chrono::minutes(minute - offset) + std::chrono::seconds(second) +
           milliseconds(thousandths);
}

void append_digits(std::string& out, unsigned number, int count) {
    char digits[8];
    for (int i = count; i-- > 0; number /= 10) digits[i] = static_cast<char>('0' + number % 10);
    out.append(digits, static_cast<std::size_t>(count));
}

std::string date_text(milliseconds since_epoch) {
    const std::chrono::sys_time<milliseconds> when(since_epoch);
    const auto midnight = std::chrono::floor<std::chrono::days>(when);
    const std::chrono::year_month_day date(midnight);
    const std::chrono::hh_mm_ss<milliseconds> time(when - midnight);
    std::string out;
    append_digits(out, static_cast<unsigned>(static_cast<int>(date.year())), 4);
    out += '-';
    append_digits(out, static_cast<unsigned>(date.month()), 2);
    out += '-';
    append_digits(out, static_cast<unsigned>(date.day()), 2);
    out += 'T';
    append_digits(out, static_cast<unsigned>(time.hours().count()), 2);
    out += ':';
    append_digits(out, static_cast<unsigned>(time.minutes().count()), 2);
    out += ':';
    append_digits(out, static_cast<unsigned>(time.seconds().count()), 2);
    out += '.';
    append_digits(out, static_cast<unsigned>(time.subseconds().count()), 3);
    out += 'Z';
    return out;
}

}  // namespace

result<json_text> json_text::parse(std::string text) {
    json_reader reader(text);
    if (!validate_utf8(as_bytes(text)) || !reader.skip() || !reader.finish()) {
        return error(errc::bad_json, "at byte " + std::to_string(reader.position()));
    }
    json_text made;
    made.text_ = std::move(text);
    return made;
}

bool codec<json_text>::decode(value_reader& in, json_text& out) {
    std::string_view text;
    if (!in.read_raw(text)) return false;
    out.text_ = text;
    return true;
}

bool codec<float>::decode(value_reader& in, float& out) {
    double wide = 0;
    if (!in.read(wide)) return false;
    if (std::abs(wide) > static_cast<double>(std::numeric_limits<float>::max())) {
        return in.fail(describe(json_errc::out_of_range));
    }
    out = static_cast<float>(wide);
    return true;
}

void codec<std::vector<std::byte>>::encode(value_writer& out, const std::vector<std::byte>& what) {
    out.write(message::binary(what));
}

bool codec<std::vector<std::byte>>::decode(value_reader& in, std::vector<std::byte>& out) {
    byte_view bytes;
    if (!in.read(bytes)) return false;
    out.assign(bytes.begin(), bytes.end());
    return true;
}

bool codec<message>::decode(value_reader& in, message& out) {
    byte_view bytes;
    if (!in.read(bytes)) return false;
    out = message::binary(bytes);
    return static_cast<bool>(out) || in.fail("out of memory");
}

bool codec<clock_time>::decode(value_reader& in, clock_time& out) {
    double wanted = 0;  // milliseconds; exact, as in JavaScript
    if (in.peek() == json_kind::number) {
        if (!in.read(wanted)) return false;
    } else {
        std::string_view text;
        if (in.peek() != json_kind::string || !in.read(text)) return in.fail("expected a date");
        const auto parsed = parse_date(text);
        if (!parsed) return in.fail("expected a date");
        wanted = static_cast<double>(parsed->count());
    }
    using std::chrono::duration_cast;
    const auto first = duration_cast<milliseconds>(clock_time::min().time_since_epoch());
    const auto last = duration_cast<milliseconds>(clock_time::max().time_since_epoch());
    if (wanted < static_cast<double>(first.count()) || wanted > static_cast<double>(last.count())) {
        return in.fail(describe(json_errc::out_of_range));
    }
    out = clock_time(milliseconds(static_cast<std::int64_t>(wanted)));
    return true;
}

void codec<clock_time>::encode(value_writer& out, clock_time what) {
    const auto whole = std::chrono::floor<milliseconds>(what);
    out.write(std::string_view(date_text(whole.time_since_epoch())));
}

bool detail::wrong_size(value_reader& in, std::size_t size) {
    return in.fail("expected an array of " + std::to_string(size));
}

}  // namespace weft::socketio
