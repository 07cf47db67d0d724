// Writing replies. What frames a body is decided here alone: the length when it is known, chunks
// when it is not, the end of the connection where the peer knows no chunks.

#include "http/proto/reply_writer.hpp"

#include "http/proto/head_writer.hpp"

namespace weft::http {
namespace {

constexpr std::size_t own_lines = 256;  // what the status line and our own headers need at most

// RFC 9110 section 6.4.1.
bool status_allows_body(int status) noexcept {
    return status >= 200 && status != 204 && status != 304;
}

}  // namespace

void reply_writer::begin(const message_head& request) noexcept {
    keep_alive_ = request.keep_alive();
    http_1_0_ = request.minor_version() == 0;
    to_head_ = request.method() == method::head;
}

std::string_view reply_writer::whole(const response& reply, std::string_view date,
                                     head_memory& into) {
    const bool has_body = status_allows_body(reply.status());
    sends_body_ = has_body && !to_head_;
    in_chunks_ = false;
    return head(reply, has_body ? body_framing::length : body_framing::none, date, into);
}

std::string_view reply_writer::streamed(const response& reply, std::string_view date,
                                        head_memory& into) {
    if (!status_allows_body(reply.status())) return whole(reply, date, into);
    sends_body_ = !to_head_;
    in_chunks_ = !http_1_0_;
    if (!in_chunks_) keep_alive_ = false;
    return head(reply, in_chunks_ ? body_framing::chunked : body_framing::until_close, date, into);
}

std::string_view reply_writer::switching(const header_lines& headers, head_memory& into) {
    head_writer w(into.take(headers.text().size() + own_lines));
    w.status_line(101);
    w.field("Connection", "Upgrade");
    w.lines(headers.text());
    return w.finish().value_or(std::string_view{});
}

std::string_view reply_writer::head(const response& reply, body_framing framing,
                                    std::string_view date, head_memory& into) const {
    const std::string_view lines = reply.headers().text();
    head_writer w(into.take(lines.size() + own_lines));
    w.status_line(reply.status());
    w.field("Date", date);
    if (framing == body_framing::length) w.field("Content-Length", reply.body_size());
    if (framing == body_framing::chunked) w.field("Transfer-Encoding", "chunked");
    if (!keep_alive_) w.field("Connection", "close");
    if (keep_alive_ && http_1_0_) w.field("Connection", "keep-alive");
    w.lines(lines);
    return w.finish().value_or(std::string_view{});
}

}  // namespace weft::http
