// The strict head parser: a state machine over the bytes seen so far. What a lenient parser would
// repair (bare CR or LF, folded lines, blanks around names, two lengths) ends the message here,
// because a proxy in front may have read it differently. Every decision depends on the bytes up to
// it and on nothing else, so any split of the input gives the same outcome.

#include "http/proto/head_parser.hpp"

#include <algorithm>

#include "http/proto/syntax.hpp"
#include "http/proto/target.hpp"

namespace weft::http {
head_parser::head_parser(head_kind kind, head_limits limits) noexcept
    : limits_(limits), kind_(kind) {
    limits_.max_head = std::min(limits_.max_head, head_limits::most_head);
    limits_.max_fields = std::min(limits_.max_fields, message_head::max_fields);
    limit_ = std::min(limits_.max_start_line, limits_.max_head);
}

parse_status head_parser::parse(std::string_view seen) noexcept {
    seen_ = seen;
    head_.bytes_ = seen.data();
    while (step()) {
    }
    if (state_ == state::done) return parse_status::complete;
    return state_ == state::failed ? parse_status::failed : parse_status::incomplete;
}

bool head_parser::step() noexcept {
    if (state_ == state::done || state_ == state::failed) return false;
    if (position_ == limit_) {
        const bool first_line = kind_ == head_kind::request && state_ < state::field_start;
        return fail(first_line ? errc::request_line_too_long : errc::header_too_long);
    }
    if (position_ == seen_.size()) return false;
    const char next = seen_[position_];
    switch (state_) {
        case state::start: return step_start(next);
        case state::start_lf: return expect('\n', state::method);
        case state::method: return step_method();
        case state::target: return step_target();
        case state::version: return step_version();
        case state::status_code: return step_status_code();
        case state::after_code:
            return next == ' ' ? (++position_, enter(state::reason)) : enter(state::line_cr);
        case state::reason: return step_reason();
        case state::line_cr: return expect('\r', state::line_lf);
        case state::line_lf:
            return next == '\n' ? enter_line(state::field_start) : fail(errc::bad_line_end);
        case state::field_start: return step_field_start(next);
        case state::field_name: return step_field_name();
        case state::value_start: return step_value_start();
        case state::value: return step_value();
        case state::value_lf: return next == '\n' ? end_field() : fail(errc::bad_line_end);
        case state::end_lf: return next == '\n' ? finish() : fail(errc::bad_line_end);
        case state::done:
        case state::failed: break;
    }
    return false;
}

// One empty line before a request is allowed (RFC 9112 section 2.2): some clients end a body so.
bool head_parser::step_start(char next) noexcept {
    if (kind_ == head_kind::response) return enter(state::version);
    if (next != '\r') return enter(state::method);
    ++position_;
    return enter(state::start_lf);
}

bool head_parser::step_method() noexcept {
    if (!skip(syntax::token_bit)) return position_ == limit_;
    const std::string_view name = head_.text(token());
    if (seen_[position_] != ' ' || name.empty()) return fail(errc::bad_request_line);
    for (const auto m : {method::get, method::head, method::post, method::put, method::patch,
                         method::delete_, method::options}) {
        if (name != to_string(m)) continue;
        head_.method_ = m;
        ++position_;
        return enter(state::target);
    }
    return fail(errc::unknown_method);
}

bool head_parser::step_target() noexcept {
    if (!skip(syntax::target_bit)) return position_ == limit_;
    head_.start_ = token();
    const char end = seen_[position_];
    if (end == '\r' || end == '\n' || head_.start_.size == 0) return fail(errc::bad_request_line);
    if (end != ' ') return fail(errc::bad_target);
    ++position_;
    return enter(state::version);
}

// "HTTP/1.0" or "HTTP/1.1", letter by letter, so that anything else is refused at its first wrong
// byte.
bool head_parser::step_version() noexcept {
    constexpr std::string_view shape = "HTTP/0.0";
    const errc malformed =
        kind_ == head_kind::request ? errc::bad_request_line : errc::bad_status_line;
    const std::size_t index = position_ - begin_;
    const char c = seen_[position_];
    if (index < shape.size()) {
        const bool matches = shape[index] == '0' ? syntax::is_digit(c) : c == shape[index];
        if (!matches) return fail(malformed);
        ++position_;
        return true;
    }
    const std::string_view number = head_.text(token()).substr(5);
    if (number != "1.1" && number != "1.0") return fail(errc::unsupported_version);
    head_.minor_version_ = number == "1.1" ? 1 : 0;
    if (kind_ == head_kind::request) return enter(state::line_cr);
    if (c != ' ') return fail(malformed);
    ++position_;
    return enter(state::status_code);
}

bool head_parser::step_status_code() noexcept {
    const char c = seen_[position_];
    if (!syntax::is_digit(c) || (position_ == begin_ && c == '0')) {
        return fail(errc::bad_status_line);
    }
    head_.status_ = static_cast<std::uint16_t>(head_.status_ * 10 + (c - '0'));
    ++position_;
    return position_ - begin_ < 3 ? true : enter(state::after_code);
}

bool head_parser::step_reason() noexcept {
    if (!skip(syntax::value_bit)) return position_ == limit_;
    head_.start_ = token();
    return enter(state::line_cr);
}

bool head_parser::step_field_start(char next) noexcept {
    if (next == '\r') {
        ++position_;
        return enter(state::end_lf);
    }
    if (head_.field_count_ == limits_.max_fields) return fail(errc::too_many_headers);
    return enter(state::field_name);
}

// Nothing but token bytes up to the colon: this refuses a leading blank (folding), a blank before
// the colon and an empty name alike.
bool head_parser::step_field_name() noexcept {
    if (!skip(syntax::token_bit)) return position_ == limit_;
    const auto name = token();
    if (seen_[position_] != ':' || name.size == 0) return fail(errc::bad_header);
    head_.fields_[head_.field_count_].name = name;
    ++position_;
    return enter(state::value_start);
}

bool head_parser::step_value_start() noexcept {
    if (!syntax::is_blank(seen_[position_])) return enter(state::value);
    ++position_;
    return true;
}

bool head_parser::step_value() noexcept {
    if (!skip(syntax::value_bit)) return position_ == limit_;
    const char end = seen_[position_];
    if (end != '\r') return fail(end == '\n' ? errc::bad_line_end : errc::bad_header);
    auto value = token();
    while (value.size > 0 && syntax::is_blank(seen_[value.begin + value.size - 1U])) --value.size;
    head_.fields_[head_.field_count_].value = value;
    ++position_;
    return enter(state::value_lf);
}

bool head_parser::end_field() noexcept {
    const header_field field = head_.field(head_.field_count_++);
    if (same_token(field.name, "host") && ++hosts_ > 1) return fail(errc::bad_host);
    if (same_token(field.name, "content-length") && !note_content_length(field.value)) return false;
    if (same_token(field.name, "transfer-encoding") && !note_transfer_encoding(field.value)) {
        return false;
    }
    return enter_line(state::field_start);
}

bool head_parser::note_content_length(std::string_view value) noexcept {
    if (has_length_) return fail(errc::conflicting_framing);
    has_length_ = true;
    if (value.empty() || !std::all_of(value.begin(), value.end(), syntax::is_digit)) {
        return fail(errc::bad_content_length);
    }
    std::uint64_t length = 0;
    for (const char c : value) {
        const auto digit = static_cast<std::uint64_t>(c - '0');
        if (length > (UINT64_MAX - digit) / 10) return fail(errc::body_too_large);
        length = length * 10 + digit;
    }
    head_.content_length_ = length;
    return true;
}

// Exactly "chunked". A list that names it twice, or before another coding, is one proxy's body and
// another's no body: 400. Any other coding, also before a last chunked, is merely unknown: 501 (RFC
// 9112 sections 6.1 and 7).
bool head_parser::note_transfer_encoding(std::string_view value) noexcept {
    if (chunked_) return fail(errc::conflicting_framing);
    chunked_ = same_token(value, "chunked");
    if (chunked_) return true;
    bool ambiguous = value.empty();
    for (std::string_view rest = value; !rest.empty();) {
        const std::size_t comma = std::min(rest.find(','), rest.size());
        const bool last = comma == rest.size();
        ambiguous |= !last && same_token(syntax::trim(rest.substr(0, comma)), "chunked");
        rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
    return fail(ambiguous ? errc::conflicting_framing : errc::unsupported_coding);
}

bool head_parser::finish() noexcept {
    ++position_;
    // RFC 9112 section 6.1: chunked is not for HTTP/1.0, and never beside a length.
    if (chunked_ && (has_length_ || head_.minor_version_ == 0)) {
        return fail(errc::conflicting_framing);
    }
    const bool has_body = chunked_ || head_.content_length_ > 0;
    if (has_body) head_.framing_ = chunked_ ? body_framing::chunked : body_framing::length;
    if (kind_ == head_kind::request) {
        if (!split_target(head_.target(), head_.method())) return fail(errc::bad_target);
        if (!host_is_good()) return fail(errc::bad_host);
    } else {
        const int status = head_.status_;
        if (status < 200 || status == 204 || status == 304) {
            head_.framing_ = body_framing::none;
        } else if (!chunked_ && !has_length_) {
            head_.framing_ = body_framing::until_close;
        }
    }
    state_ = state::done;
    return false;
}

bool head_parser::host_is_good() const noexcept {
    const std::string_view authority = split_target(head_.target(), head_.method())->authority;
    if (hosts_ == 0) return head_.minor_version_ == 0 && authority.empty();
    const std::string_view host = head_.header("host");
    if (!split_authority(host)) return false;
    return authority.empty() || same_token(authority, host);
}

bool head_parser::expect(char wanted, state next) noexcept {
    if (seen_[position_] != wanted) {
        const bool line_end = seen_[position_] == '\n' || wanted == '\n';
        if (line_end) return fail(errc::bad_line_end);
        return fail(kind_ == head_kind::request ? errc::bad_request_line : errc::bad_status_line);
    }
    ++position_;
    return enter(next);
}

bool head_parser::enter(state next) noexcept {
    state_ = next;
    begin_ = position_;
    return true;
}

bool head_parser::enter_line(state next) noexcept {
    ++position_;
    limit_ = std::min(position_ + limits_.max_header_line, limits_.max_head);
    return enter(next);
}

bool head_parser::fail(errc why) noexcept {
    error_ = why;
    state_ = state::failed;
    return false;
}

// Goes over allowed bytes; true when it stands on another byte, false at the end of what is there
// or at the limit.
bool head_parser::skip(std::uint8_t allowed) noexcept {
    const std::size_t end = std::min(seen_.size(), limit_);
    while (position_ < end && syntax::is(seen_[position_], allowed)) ++position_;
    return position_ < end;
}

message_head::part head_parser::token() const noexcept {
    return {static_cast<std::uint16_t>(begin_), static_cast<std::uint16_t>(position_ - begin_)};
}

}  // namespace weft::http
