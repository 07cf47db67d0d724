// What an access log is told. Bytes are counted as differences of what the stream counts anyway, so
// nothing is added up on the way. Answers on one connection come one after the other; so what was
// written between a note's beginning and its end is its own.

#include "net/access_note.hpp"

#include <algorithm>

#include "base/heap_cost.hpp"
#include "net/loop_core.hpp"

namespace weft {

std::string_view to_string(access_kind kind) noexcept {
    switch (kind) {
        case access_kind::request: return "request";
        case access_kind::stream: return "stream";
        case access_kind::websocket: return "websocket";
        case access_kind::engineio: return "engineio";
    }
    return {};
}

namespace net {

void stream_handler::take_note(std::unique_ptr<access_note>) noexcept {}

std::unique_ptr<access_note> access_note::make(loop_core& loop, std::string_view method,
                                               std::string_view path, std::string_view trace_id) {
    if (loop.options().access == nullptr) return nullptr;
    return std::unique_ptr<access_note>(new access_note(loop, method, path, trace_id));
}

access_note::access_note(loop_core& loop, std::string_view method, std::string_view path,
                         std::string_view trace_id)
    : loop_(loop),
      charge_(loop.budget()),
      path_(path),
      method_(method),
      since_(loop.now()),
      traced_(trace_id.size() == trace_id_.size()) {
    if (traced_) std::copy(trace_id.begin(), trace_id.end(), trace_id_.begin());
    charge_.set(heap_cost_of<access_note> + heap_cost(path_) + sizeof(void*));  // of a table
}

void access_note::begin(const byte_stream& carrier, std::uint64_t head) noexcept {
    const byte_stream::volume so_far = carrier.carried();
    received_ = head;
    received_before_ = so_far.received;
    sent_before_ = so_far.sent;
}

void access_note::tell(const byte_stream& carrier, std::error_code cause) const noexcept {
    const std::uint64_t sent = carrier.carried().sent;
    tell(carrier.peer(), received_, sent - std::min(sent, sent_before_), code_,
         cause_ ? cause_ : cause);
}

void access_note::tell_all(const byte_stream& carrier, std::error_code cause) const noexcept {
    const byte_stream::volume all = carrier.carried();
    tell(carrier.peer(), received_ + all.received - std::min(all.received, received_before_),
         all.sent - std::min(all.sent, sent_before_), code_, cause);
}

void access_note::tell(const peer& whose, std::error_code cause) const noexcept {
    tell(whose, 0, 0, 0, cause_ ? cause_ : cause);
}

void access_note::tell(const peer& whose, std::uint64_t received, std::uint64_t sent, int code,
                       std::error_code cause) const noexcept {
    loop_.options().access->write(
        {kind_, whose, method_, path_, loop_.now() - since_, received, sent, code, cause,
         traced_ ? std::string_view(trace_id_.data(), trace_id_.size()) : std::string_view{}});
}

}  // namespace net
}  // namespace weft
