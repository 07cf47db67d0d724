// Responses, as a client reads them. Invariant: no byte is kept before the limit allowed it; what a
// length or a chunk announces is compared with the limit first, and never reserved on a promise.

#include "http/proto/response_parser.hpp"

#include <algorithm>
#include <utility>

namespace weft::http {

response_head_reader::step response_head_reader::feed(std::string_view in) {
    std::size_t consumed = 0;
    while (true) {
        const std::size_t before = text_.size();
        const std::size_t room = max_heads - std::min(max_heads, spent_ + before);
        const std::string_view part = in.substr(consumed, room);
        text_.append(part);
        const parse_status status = parser_.parse(text_);
        if (status == parse_status::failed) {
            error_ = parser_.error();
            return {parse_status::failed, consumed};
        }
        if (status == parse_status::incomplete) {
            if (part.size() < room) return {parse_status::incomplete, consumed + part.size()};
            error_ = errc::header_too_long;
            return {parse_status::failed, consumed};
        }
        consumed += parser_.size() - before;
        const int code = parser_.head().status();
        if (code >= 200 || code == 101) {
            text_.resize(parser_.size());
            parser_.head().rebase(text_.data());
            return {parse_status::complete, consumed};
        }
        spent_ += parser_.size();
        text_.clear();
        parser_ = head_parser(head_kind::response);
    }
}

response_parser::response_parser(response_head_reader head, std::uint64_t max_body)
    : head_(std::move(head)),
      max_body_(max_body),
      head_status_(parse_status::complete),
      begun_(true) {
    status_ = begin_body();
}

response_parser::step response_parser::feed(std::string_view in) {
    begun_ = begun_ || !in.empty();
    std::size_t consumed = 0;
    if (head_status_ == parse_status::incomplete) {
        const step head = feed_head(in);
        if (status_ != parse_status::incomplete || head_status_ != parse_status::complete) {
            return head;
        }
        consumed = head.consumed;
    }
    if (status_ != parse_status::incomplete) return {status_, 0};
    const std::string_view rest = in.substr(consumed);
    const step body = chunks_ ? feed_chunks(rest) : feed_body(rest);
    status_ = body.status;
    return {status_, consumed + body.consumed};
}

response_parser::step response_parser::feed_head(std::string_view in) {
    const step head = head_.feed(in);
    head_status_ = head.status;
    if (head.status == parse_status::failed) return fail(head_.error(), head.consumed);
    if (head.status == parse_status::complete) status_ = begin_body();
    return {status_, head.consumed};
}

parse_status response_parser::begin_body() {
    left_ = max_body_;
    switch (head().framing()) {
        case body_framing::none: return parse_status::complete;
        case body_framing::length:
            if (head().content_length() > max_body_) {
                return fail(errc::body_too_large, 0).status;
            }
            left_ = head().content_length();
            return parse_status::incomplete;
        case body_framing::chunked:
            chunks_.emplace(chunked_limits{max_body_});
            return parse_status::incomplete;
        case body_framing::until_close: return parse_status::incomplete;
    }
    return parse_status::failed;
}

response_parser::step response_parser::feed_body(std::string_view in) {
    const auto take = static_cast<std::size_t>(std::min<std::uint64_t>(left_, in.size()));
    body_.append(in.substr(0, take));
    left_ -= take;
    if (head().framing() == body_framing::length) {
        return {left_ == 0 ? parse_status::complete : parse_status::incomplete, take};
    }
    return take < in.size() ? fail(errc::body_too_large, take)
                            : step{parse_status::incomplete, take};
}

response_parser::step response_parser::feed_chunks(std::string_view in) {
    std::size_t consumed = 0;
    while (consumed < in.size()) {
        const auto piece = chunks_->feed(in.substr(consumed));
        consumed += piece.consumed;
        body_.append(piece.data);
        if (piece.status == parse_status::failed) return fail(chunks_->error(), consumed);
        if (piece.status == parse_status::complete) return {parse_status::complete, consumed};
    }
    return {parse_status::incomplete, consumed};
}

parse_status response_parser::end() noexcept {
    if (status_ == parse_status::incomplete) {
        const bool is_end =
            head_status_ == parse_status::complete && head().framing() == body_framing::until_close;
        status_ = is_end ? parse_status::complete : parse_status::failed;
    }
    return status_;
}

response_parser::step response_parser::fail(errc why, std::size_t consumed) noexcept {
    error_ = why;
    status_ = parse_status::failed;
    return {status_, consumed};
}

}  // namespace weft::http
