// Reading requests. One that lies whole in the bytes at hand is parsed with the loop's shared
// parser and copied nowhere; any other moves into a block of its own and grows there, under the
// limits and the loop's budget. Where the bytes are split decides about copies and nothing else.

#include "http/proto/request_reader.hpp"

#include <algorithm>
#include <string>

#include "base/heap_cost.hpp"
#include "http/proto/chunked.hpp"

namespace weft::http {

/// A request of which something came, and not all.
struct request_reader::kept {
    kept(const head_parser& begun, byte_budget& memory) noexcept : parser(begun), charge(memory) {}

    /// After the head or the body has grown.
    void recount() noexcept { charge.set(heap_cost_of<kept> + heap_cost(head) + heap_cost(body)); }

    head_parser parser;
    std::string head;  // the bytes behind the parser's head
    std::string body;
    byte_charge charge;           // for itself and both
    std::uint64_t body_left = 0;  // of a body with a length
    std::uint64_t received = 0;
    std::optional<chunked_decoder> chunks;
};

request_reader::request_reader(shared& common) noexcept : shared_(common) {}
request_reader::~request_reader() = default;

request_reader::event request_reader::next(byte_span& in) {
    switch (part_) {
        case part::none: return in.empty() ? event::more : read_head(in);
        case part::head: return go_on_with_head(in);
        case part::head_told:
        case part::body: return read_body(in);
        case part::whole: return event::request;
        case part::failed: break;
    }
    return event::failed;
}

const message_head& request_reader::head() const noexcept {
    return kept_ != nullptr ? kept_->parser.head() : shared_.parser_->head();
}

std::uint64_t request_reader::body_received() const noexcept {
    return kept_ != nullptr ? kept_->received : 0;
}

void request_reader::reset() noexcept {
    kept_.reset();
    part_ = part::none;
    shared_.head_bytes_ = {};
    shared_.body_ = {};
}

// ---- The head ----

request_reader::event request_reader::read_head(byte_span& in) {
    head_parser& parser = shared_.parser_.emplace(head_kind::request, shared_.limits);
    switch (parser.parse(as_text(in))) {
        case parse_status::failed: return fail(parser.error());
        case parse_status::incomplete:
            keep_head(in);
            in = {};
            part_ = part::head;
            return event::more;
        case parse_status::complete: break;
    }
    shared_.head_bytes_ = in.first(parser.size());
    in = in.subspan(parser.size());
    part_ = part::head_told;
    return event::head;
}

request_reader::event request_reader::go_on_with_head(byte_span& in) {
    kept& k = *kept_;
    // The parser never needs more than a whole head: nothing beyond it is kept.
    const std::size_t before = k.head.size();
    k.head.append(as_text(in.first(std::min(in.size(), shared_.limits.max_head - before))));
    k.recount();
    const parse_status status = k.parser.parse(k.head);
    if (status == parse_status::failed) return fail(k.parser.error());
    if (status == parse_status::incomplete) {
        in = {};
        return event::more;
    }
    k.head.resize(k.parser.size());
    in = in.subspan(k.head.size() - before);
    shared_.head_bytes_ = {reinterpret_cast<std::byte*>(k.head.data()), k.head.size()};
    part_ = part::head_told;
    return event::head;
}

/// Copies a head that has to outlive the call.
void request_reader::keep_head(byte_span bytes) {
    if (kept_ != nullptr) return;
    kept_ = std::make_unique<kept>(*shared_.parser_, shared_.budget);
    kept_->head.assign(as_text(bytes));
    kept_->recount();
    kept_->parser.head().rebase(kept_->head.data());
}

// ---- The body ----

errc request_reader::take_body(std::uint64_t most) noexcept {
    if (head().content_length() > most) return errc::body_too_large;
    shared_.body_most_ = most;
    return errc::none;
}

request_reader::event request_reader::read_body(byte_span& in) {
    const message_head& what = head();
    if (part_ == part::head_told) {
        if (what.framing() == body_framing::none) return finish({});
        const std::uint64_t length = what.content_length();
        if (what.framing() == body_framing::length && length <= in.size()) {
            const byte_view body = in.first(static_cast<std::size_t>(length));
            in = in.subspan(body.size());
            return finish(body);
        }
        keep_head(shared_.head_bytes_);
        kept_->body_left = length;
        if (kept_->parser.head().framing() == body_framing::chunked) {
            kept_->chunks.emplace(chunked_limits{shared_.body_most_});
        }
        part_ = part::body;
    }
    if (in.empty()) return event::more;
    return kept_->chunks ? read_chunks(in) : read_length(in);
}

request_reader::event request_reader::read_length(byte_span& in) {
    kept& k = *kept_;
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(k.body_left, in.size()));
    if (!keep_body(in.first(size))) return fail(errc::out_of_memory);
    k.body_left -= size;
    k.received += size;
    in = in.subspan(size);
    return k.body_left > 0 ? event::more : finish(as_bytes(k.body));
}

request_reader::event request_reader::read_chunks(byte_span& in) {
    kept& k = *kept_;
    while (!in.empty()) {
        const auto step = k.chunks->feed(as_text(in));
        if (!keep_body(as_bytes(step.data))) return fail(errc::out_of_memory);
        k.received += step.consumed;
        in = in.subspan(step.consumed);
        if (step.status == parse_status::failed) return fail(k.chunks->error());
        if (step.status == parse_status::complete) return finish(as_bytes(k.body));
    }
    return event::more;
}

/// False when the process has no memory for more.
bool request_reader::keep_body(byte_view bytes) {
    kept& k = *kept_;
    if (!k.charge.has_room(k.body.size() + bytes.size()))
        return false;  // it doubles when it is full
    k.body.append(as_text(bytes));
    k.recount();
    return true;
}

request_reader::event request_reader::finish(byte_view body) noexcept {
    shared_.body_ = body;
    part_ = part::whole;
    return event::request;
}

request_reader::event request_reader::fail(errc why) noexcept {
    error_ = why;
    part_ = part::failed;
    return event::failed;
}

}  // namespace weft::http
