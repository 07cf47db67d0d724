// Msgpack packets. What is accepted comes back the same from being written and read again, no part
// of an accepted message is one itself, and the text stays in proportion to the message.
// First byte: where the message is cut.

#include <cstdlib>
#include <string>
#include <vector>

#include "socketio/proto/msgpack.hpp"
#include "socketio/proto/msgpack_packet.hpp"

namespace {

using namespace weft;
using namespace weft::socketio;

void require(bool holds) {
    if (!holds) std::abort();
}

struct packet {
    std::string text;
    std::vector<byte_view> attachments;  // into the message
};

bool read(byte_view message, packet& out) {
    return msgpack_to_text(message, {}, out.text, out.attachments) == socketio::errc{};
}

std::string write(const packet& what) {
    const packet_result parsed = parse_packet(what.text, {}, protocol_version::v4);
    require(static_cast<bool>(parsed));
    require(parsed.packet.attachments == what.attachments.size());
    std::string message;
    append_msgpack_packet(message, parsed.packet, what.attachments);
    return message;
}

bool same_bytes(const packet& a, const packet& b) {
    if (a.attachments.size() != b.attachments.size()) return false;
    for (std::size_t i = 0; i < a.attachments.size(); ++i) {
        if (as_text(a.attachments[i]) != as_text(b.attachments[i])) return false;
    }
    return true;
}

/// All tokens, whatever they form; each takes at least a byte.
void read_tokens(byte_view message) {
    msgpack_reader reader(message);
    msgpack_token token;
    std::size_t tokens = 0;
    while (reader.next(token)) {
        require(++tokens <= message.size());
        require(token.bytes.size() < message.size());
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const byte_view message(reinterpret_cast<const std::byte*>(data) + 1, size - 1);
    read_tokens(message);
    packet first;
    const bool accepted = read(message, first);
    require(first.attachments.size() <= packet_limits{}.max_attachments);
    require(first.text.size() <= 8 * message.size() + 64 * first.attachments.size() + 64);
    if (!accepted) return 0;

    packet part;
    require(!read(message.first(data[0] * message.size() / 256), part));
    if (!parse_packet(first.text, {}, protocol_version::v4)) return 0;
    // Writing once may change how numbers are written, and leaves out what means nothing ...
    const std::string second_message = write(first);
    packet second;
    require(read(as_bytes(second_message), second));
    require(same_bytes(first, second));
    // ... writing twice changes nothing more.
    const std::string third_message = write(second);
    packet third;
    require(read(as_bytes(third_message), third));
    require(second_message == third_message && second.text == third.text);
    return 0;
}
