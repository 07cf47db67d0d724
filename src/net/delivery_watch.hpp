#pragma once

#include <cstdint>

#include "net/byte_stream.hpp"

namespace weft::net {

/// Tells a peer that is slow from one that is gone. Who is asked for a sign of life sees the
/// question behind all that is on its way: until then it lives as long as it takes some of that.
class delivery_watch {
public:
    /// The peer is asked now, behind what is on its way and `before` more bytes.
    void begin(const byte_stream::progress& now, std::uint64_t before = 0) noexcept {
        arrived_ = now.arrived;
        asked_at_ = now.arrived + now.behind + before;
    }
    /// Whether the question was still on its way when last looked at, and has come on since.
    [[nodiscard]] bool comes_on(const byte_stream& stream) noexcept {
        const std::uint64_t before = arrived_;
        if (before >= asked_at_) return false;
        arrived_ = stream.delivered().arrived;
        return arrived_ > before;
    }

private:
    std::uint64_t arrived_ = 0;
    std::uint64_t asked_at_ = 0;
};

}  // namespace weft::net
