// What lines of the program's log look like. Texts of peers go through `append_printable`, which
// leaves neither control characters nor broken UTF-8 in them; what JSON needs beyond that is
// escaped.

#include "log/log_text.hpp"

#include <array>
#include <charconv>
#include <cstdio>

#include <weft/base/json_writer.hpp>
#include <weft/base/printable.hpp>

namespace weft {
namespace {

constexpr std::size_t longest_message = 2048;
constexpr std::size_t longest_path = 512;
constexpr std::size_t longest_subject = 128;

void append_member(std::string& out, std::string_view key, std::string_view text,
                   std::size_t most) {
    out.append(",\"").append(key).append("\":");
    append_json_string(out, printable(text, most));
}

void append_number(std::string& out, std::string_view key, std::uint64_t number) {
    std::array<char, 24> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    out.append(",\"").append(key).append("\":").append(digits.data(), end);
}

/// Milliseconds with three decimals.
void append_milliseconds(std::string& out, duration time) {
    const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(time).count();
    std::array<char, 32> digits;
    const int size =
        std::snprintf(digits.data(), digits.size(), "%lld.%03lld",
                      static_cast<long long>(micros / 1000), static_cast<long long>(micros % 1000));
    out.append(digits.data(), static_cast<std::size_t>(size));
}

void append_json(std::string& out, const access_record& r) {
    out.append(R"(,"layer":"access","kind":")").append(to_string(r.kind)).append("\"");
    if (!r.method.empty()) out.append(R"(,"method":")").append(r.method).append("\"");
    append_member(out, "path", r.path, longest_path);
    append_number(out, "code", static_cast<std::uint64_t>(r.code));
    append_member(out, "address", r.whose.address().to_string(), longest_path);
    if (const identity* const who = r.whose.who())
        append_member(out, "subject", who->subject, longest_subject);
    out += R"(,"ms":)";
    append_milliseconds(out, r.took);
    append_number(out, "received", r.received);
    append_number(out, "sent", r.sent);
    if (!r.trace_id.empty()) out.append(R"(,"trace_id":")").append(r.trace_id).append("\"");
    if (r.cause) append_member(out, "cause", r.cause.message(), longest_message);
}

void append_text(std::string& out, const access_record& r) {
    out.append(" access: ").append(to_string(r.kind)).append(" ");
    if (!r.method.empty()) out.append(r.method).append(" ");
    append_printable(out, r.path.empty() ? std::string_view("-") : r.path, longest_path);
    out.append(" ").append(std::to_string(r.code)).append(", from ");
    out += r.whose.address().to_string();
    if (const identity* const who = r.whose.who()) {
        out += " as ";
        append_printable(out, who->subject, longest_subject);
    }
    out += ", ";
    append_milliseconds(out, r.took);
    out.append(" ms, ").append(std::to_string(r.received)).append(" bytes in, ");
    out.append(std::to_string(r.sent)).append(" out");
    if (!r.trace_id.empty()) out.append(", trace ").append(r.trace_id);
    if (!r.cause) return;
    out += ": ";
    append_printable(out, r.cause.message(), longest_message);
}

}  // namespace

void append_record(std::string& out, const log_record& record, log_form form) {
    if (form == log_form::json) {
        append_member(out, "layer", record.layer, longest_message);
        append_member(out, "message", record.message, longest_message);
        return;
    }
    out.append(" ").append(record.layer).append(": ");
    append_printable(out, record.message, longest_message);
}

void append_record(std::string& out, const access_record& record, log_form form) {
    if (form == log_form::json)
        append_json(out, record);
    else
        append_text(out, record);
}

std::string printable(std::string_view text, std::size_t most) {
    std::string out;
    append_printable(out, text, most);
    return out;
}

std::string_view to_string(log_level level) noexcept {
    constexpr std::array<std::string_view, 4> names{"debug", "info", "warning", "error"};
    return names[static_cast<std::size_t>(level)];
}

void line_start::append(std::string& out, std::chrono::system_clock::time_point when,
                        log_level level, log_form form) {
    namespace ch = std::chrono;
    const auto second = ch::floor<ch::seconds>(when);
    if (text_.empty() || second != second_) {
        second_ = second;
        const auto day = ch::floor<ch::days>(second);
        const ch::year_month_day date(day);
        const ch::hh_mm_ss time(second - day);
        std::array<char, 64> stamp;
        const int size = std::snprintf(
            stamp.data(), stamp.size(), "%04d-%02u-%02uT%02d:%02d:%02d.",
            static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
            static_cast<unsigned>(date.day()), static_cast<int>(time.hours().count()),
            static_cast<int>(time.minutes().count()), static_cast<int>(time.seconds().count()));
        text_.assign(stamp.data(), static_cast<std::size_t>(size));
    }
    const auto millis = ch::floor<ch::milliseconds>(when - second).count();
    const std::array<char, 4> fraction{static_cast<char>('0' + millis / 100),
                                       static_cast<char>('0' + millis / 10 % 10),
                                       static_cast<char>('0' + millis % 10), 'Z'};
    if (form == log_form::json) out += R"({"time":")";
    out.append(text_).append(fraction.data(), fraction.size());
    out += form == log_form::json ? R"(","level":")" : " ";
    out += to_string(level);
    if (form == log_form::json) out += '"';
}

}  // namespace weft
