// The bytes of messages between nodes. Invariant: a text is UTF-8, whoever wrote the batch, since
// it goes to WebSockets without another look.

#include "cluster/proto/topic_batch.hpp"

#include <cstddef>

#include <weft/base/utf8.hpp>

namespace weft::cluster {
namespace {

constexpr char version = 1;

constexpr std::uint8_t is_binary = 1, is_droppable = 2, is_uncompressed = 4, is_latest = 8;
constexpr std::uint8_t all_flags = 15;
constexpr std::size_t header_size = 1 + 4 + 4;

void append_size(std::string& out, std::size_t size) {
    for (int shift = 0; shift < 32; shift += 8) out += static_cast<char>(size >> shift & 0xFFU);
}

std::size_t size_at(std::string_view text, std::size_t at) noexcept {
    std::size_t size = 0;
    for (std::size_t i = 0; i < 4; ++i)
        size |= std::size_t{static_cast<std::uint8_t>(text[at + i])} << 8 * i;
    return size;
}

std::string_view take(std::string_view& from, std::size_t size) noexcept {
    const std::string_view front = from.substr(0, size);
    from.remove_prefix(front.size());
    return front;
}

}  // namespace

void begin_topic_batch(std::string& out, std::string_view uid) {
    out += version;
    out += static_cast<char>(uid.size());
    out += uid;
}

bool append_to_topic_batch(std::string& out, const message& what) {
    const std::string_view key = what.key();
    if (key.size() > UINT32_MAX || what.size() > UINT32_MAX) return false;
    out += static_cast<char>((what.kind() == message_kind::binary ? is_binary : 0) |
                             (what.droppable() ? is_droppable : 0) |
                             (what.uncompressed() ? is_uncompressed : 0) |
                             (what.latest() ? is_latest : 0));
    append_size(out, key.size());
    append_size(out, what.size());
    out += key;
    out += what.text();
    return true;
}

topic_batch_reader::topic_batch_reader(byte_view batch) noexcept : rest_(as_text(batch)) {
    if (rest_.size() < 2 || rest_[0] != version) {
        (void)fail();
        return;
    }
    const auto size = static_cast<std::uint8_t>(rest_[1]);
    rest_.remove_prefix(2);
    if (rest_.size() < size) {
        (void)fail();
        return;
    }
    uid_ = take(rest_, size);
}

message topic_batch_reader::next() noexcept {
    if (rest_.empty()) return {};
    if (rest_.size() < header_size) return fail();
    const auto flags = static_cast<std::uint8_t>(rest_[0]);
    const std::size_t key_size = size_at(rest_, 1);
    const std::size_t size = size_at(rest_, 5);
    rest_.remove_prefix(header_size);
    if ((flags & ~all_flags) != 0 || rest_.size() < key_size || rest_.size() - key_size < size)
        return fail();
    const std::string_view key = take(rest_, key_size);
    const byte_view payload = as_bytes(take(rest_, size));
    const auto kind = (flags & is_binary) != 0 ? message_kind::binary : message_kind::text;
    if (kind == message_kind::text && !validate_utf8(payload)) return fail();
    return message(message_view(kind, payload), {.key = key,
                                                 .droppable = (flags & is_droppable) != 0,
                                                 .uncompressed = (flags & is_uncompressed) != 0,
                                                 .latest = (flags & is_latest) != 0});
}

}  // namespace weft::cluster
