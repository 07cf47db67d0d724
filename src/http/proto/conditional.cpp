// Conditions and ranges. A header that is malformed is treated as absent, as the RFC asks: the
// answer is then larger than needed, never wrong.

#include "http/proto/conditional.hpp"

#include <algorithm>
#include <charconv>

#include "http/proto/head_writer.hpp"
#include "http/proto/syntax.hpp"

namespace weft::http {
namespace {

constexpr std::string_view weak_mark = "W/";

std::string_view opaque_part(std::string_view etag) noexcept {
    return etag.starts_with(weak_mark) ? etag.substr(weak_mark.size()) : etag;
}

enum class comparison { weak, strong };

// Whether a list of entity tags has this one. Tags may contain commas. By the strong comparison a
// weak tag equals nothing (RFC 9110 section 8.8.3.2).
bool lists_etag(std::string_view list, std::string_view etag, comparison how) noexcept {
    if (how == comparison::strong && etag.starts_with(weak_mark)) return false;
    while (!list.empty()) {
        if (syntax::is_blank(list.front()) || list.front() == ',') {
            list.remove_prefix(1);
            continue;
        }
        const std::string_view rest = opaque_part(list);
        const std::size_t end = rest.empty() ? std::string_view::npos : rest.find('"', 1);
        if (end == std::string_view::npos || rest.front() != '"') return false;
        const bool comparable = how == comparison::weak || !list.starts_with(weak_mark);
        if (comparable && rest.substr(0, end + 1) == opaque_part(etag)) return true;
        list = rest.substr(end + 1);
    }
    return false;
}

bool condition_lists(const message_head& head, std::string_view name, std::string_view etag,
                     comparison how) {
    bool listed = false;
    head.each_value(name, [&](std::string_view value) {
        listed |= value == "*" || lists_etag(value, etag, how);
    });
    return listed;
}

// What the client wants to go on with has become something else.
bool precondition_fails(const message_head& head, std::string_view etag,
                        std::optional<std::time_t> modified) {
    if (head.header_count("if-match") > 0)
        return !condition_lists(head, "if-match", etag, comparison::strong);
    const auto since = parse_http_date(head.header("if-unmodified-since"));
    return since && modified && *modified > *since;
}

bool is_unchanged(const message_head& head, std::string_view etag,
                  std::optional<std::time_t> modified) {
    if (head.header_count("if-none-match") > 0)
        return condition_lists(head, "if-none-match", etag, comparison::weak);
    const auto since = parse_http_date(head.header("if-modified-since"));
    return since && modified && *modified <= *since;
}

// If-Range asks for sameness byte by byte: a weak tag never gives it.
bool range_is_current(const message_head& head, std::string_view etag,
                      std::optional<std::time_t> modified) {
    const std::string_view condition = head.header("if-range");
    if (condition.empty()) return true;
    if (condition.front() == '"') return condition == etag;
    const auto date = parse_http_date(condition);
    return date && modified && *date == *modified;
}

std::optional<std::uint64_t> number(std::string_view text) noexcept {
    std::uint64_t value = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || failed != std::errc{} || end != text.data() + text.size()) return {};
    return value;
}

// "bytes=a-b", "bytes=a-" or "bytes=-n".
selection select_range(std::string_view range, std::uint64_t size) noexcept {
    const selection whole{200, 0, size};
    constexpr std::string_view unit = "bytes=";
    if (!same_token(range.substr(0, unit.size()), unit)) return whole;
    const std::string_view text = syntax::trim(range.substr(unit.size()));
    const std::size_t dash = text.find('-');
    if (dash == std::string_view::npos) return whole;
    const auto first = number(text.substr(0, dash));
    const auto last = number(text.substr(dash + 1));
    if (dash == 0) {
        if (!last) return whole;
        if (*last == 0 || size == 0) return {416, 0, 0};
        const std::uint64_t tail = std::min(*last, size);
        return {206, size - tail, tail};
    }
    const bool open_end = dash + 1 == text.size();
    if (!first || (!last && !open_end) || (last && *last < *first)) return whole;
    if (*first >= size) return {416, 0, 0};
    const std::uint64_t end = open_end ? size - 1 : std::min(*last, size - 1);
    return {206, *first, end - *first + 1};
}

}  // namespace

bool accepts_coding(const message_head& head, std::string_view coding) {
    bool accepted = false;
    head.each_item("accept-encoding", [&](std::string_view item) {
        const std::size_t semicolon = std::min(item.find(';'), item.size());
        if (!same_token(syntax::trim(item.substr(0, semicolon)), coding)) return;
        // A weight is zero when it has no digit but 0: "q=0", "q=0.000".
        const std::string_view weight = item.substr(semicolon);
        accepted = weight.empty() || weight.find_first_of("123456789") != std::string_view::npos;
    });
    return accepted;
}

selection select_content(const message_head& head, std::uint64_t size, std::string_view etag,
                         std::optional<std::time_t> modified) {
    if (precondition_fails(head, etag, modified)) return {412, 0, 0};
    if (is_unchanged(head, etag, modified)) return {304, 0, 0};
    const bool ranged = head.method() == method::get && head.header_count("range") == 1 &&
                        range_is_current(head, etag, modified);
    return ranged ? select_range(head.header("range"), size) : selection{200, 0, size};
}

}  // namespace weft::http
