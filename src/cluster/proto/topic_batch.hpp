#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <weft/base/bytes.hpp>
#include <weft/pubsub/message.hpp>

namespace weft::cluster {

// What one node publishes to one topic in one turn of its loop: a version, the node's name, and
// messages, each with one byte of flags, the sizes of key and payload in 32 bits, little-endian,
// and both of them.

/// Begins a batch of the node of this uid, which has at most 255 bytes.
void begin_topic_batch(std::string& out, std::string_view uid);
/// **Errors**: false for a key or payload of 4 GiB and more: nothing is appended.
[[nodiscard]] bool append_to_topic_batch(std::string& out, const message& what);

/// Reads a batch, which may be any bytes.
/// **Lifetime**: borrows it.
class topic_batch_reader {
public:
    /// **Errors**: `is_malformed`.
    explicit topic_batch_reader(byte_view batch) noexcept;

    [[nodiscard]] std::string_view uid() const noexcept { return uid_; }
    /// The next message; an empty one at the end, when memory is out, or when the rest is none.
    [[nodiscard]] message next() noexcept;
    [[nodiscard]] bool is_malformed() const noexcept { return malformed_; }

private:
    message fail() noexcept {
        malformed_ = true;
        rest_ = {};
        return {};
    }

    std::string_view rest_;
    std::string_view uid_;
    bool malformed_ = false;
};

}  // namespace weft::cluster
