// Frames between nodes. Invariant: what a header announces is judged by its type before a byte of
// the payload is kept, so that at most one payload of `max_data` ever is.

#include "cluster/nodes/proto/frame.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "cluster/nodes/proto/greeting.hpp"
#include "cluster/nodes/proto/stream_facts.hpp"

namespace weft::cluster::nodes {
namespace {

struct type_rule {
    bool greets;
    bool has_stream;
    std::size_t least, most;
};

constexpr std::array<type_rule, 11> rules{{
    {true, false, hello_size, hello_size},              // hello
    {true, false, challenge_size, challenge_size},      // challenge
    {true, false, proof_size, proof_size},              // proof
    {true, false, proof_size, proof_size},              // welcome
    {false, true, min_stream_facts, max_stream_facts},  // open
    {false, true, 1, max_data},                         // data
    {false, true, 4, 4},                                // window
    {false, true, 0, 0},                                // end
    {false, true, 0, 0},                                // reset
    {false, false, 0, 0},                               // ping
    {false, false, 0, 0},                               // pong
}};

void append_u32(std::string& out, std::uint32_t value) {
    for (const unsigned shift : {24U, 16U, 8U, 0U}) out += static_cast<char>(value >> shift);
}

std::uint32_t read_u32(std::string_view from) noexcept {
    std::uint32_t value = 0;
    for (const char c : from.substr(0, 4)) value = value << 8U | static_cast<unsigned char>(c);
    return value;
}

}  // namespace

void append_frame_header(std::string& out, frame_type type, std::uint32_t stream,
                         std::size_t size) {
    append_u32(out, static_cast<std::uint32_t>(size));
    out += static_cast<char>(type);
    append_u32(out, stream);
}

void append_frame(std::string& out, frame_type type, std::uint32_t stream,
                  std::string_view payload) {
    append_frame_header(out, type, stream, payload.size());
    out += payload;
}

void append_window(std::string& out, std::uint32_t stream, std::uint32_t size) {
    append_frame_header(out, frame_type::window, stream, 4);
    append_u32(out, size);
}

std::uint32_t window_size(const frame& window) noexcept {
    return read_u32(window.payload);
}

errc frame_reader::read_header(std::string_view header) noexcept {
    size_ = read_u32(header);
    const auto type = static_cast<unsigned char>(header[4]);
    frame_.type = static_cast<frame_type>(type);
    frame_.stream = read_u32(header.substr(5));
    if (type == 0 || type > rules.size()) return errc::unknown_type;
    const type_rule& rule = rules[type - 1];
    if (rule.greets == greeted_) return errc::out_of_order;
    if (rule.has_stream != (frame_.stream != 0)) return errc::wrong_stream;
    if (size_ > rule.most) return errc::frame_too_long;
    return size_ < rule.least ? errc::wrong_size : errc::none;
}

frame_reader::step frame_reader::feed(std::string_view in) {
    if (error_ != errc::none) return {status::failed, 0};
    if (std::exchange(handed_out_, false)) kept_.clear();
    const std::string_view all = in;
    std::string_view header = in.substr(0, frame_header_size);
    if (kept_.size() < frame_header_size) {
        const bool in_one_piece = kept_.empty() && in.size() >= frame_header_size;
        if (!in_one_piece) {
            header = in.substr(0, frame_header_size - kept_.size());
            kept_ += header;
            if (kept_.size() < frame_header_size) return {status::incomplete, in.size()};
        }
        in.remove_prefix(header.size());
        error_ = read_header(in_one_piece ? header : std::string_view(kept_));
        if (error_ != errc::none) return {status::failed, all.size() - in.size()};
        if (in_one_piece && in.size() >= size_) {
            frame_.payload = in.substr(0, size_);
            return {status::complete, frame_header_size + size_};
        }
        if (in_one_piece) kept_ = header;
    }
    const std::string_view more = in.substr(0, frame_header_size + size_ - kept_.size());
    kept_ += more;
    in.remove_prefix(more.size());
    if (kept_.size() < frame_header_size + size_) return {status::incomplete, all.size()};
    frame_.payload = std::string_view(kept_).substr(frame_header_size);
    handed_out_ = true;
    return {status::complete, all.size() - in.size()};
}

}  // namespace weft::cluster::nodes
