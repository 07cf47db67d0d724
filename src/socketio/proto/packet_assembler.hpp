#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <weft/base/bytes.hpp>

#include "base/byte_budget.hpp"
#include "base/heap_cost.hpp"
#include "socketio/proto/packet.hpp"

namespace weft::socketio {

enum class packet_event : std::uint8_t {
    need_more,  ///< Attachments are still due: see `incomplete`.
    packet,     ///< A whole packet: see `packet` and `attachments`.
    failed,     ///< See `error`. Nothing follows.
};

/// Turns the messages of an Engine.IO session into packets with their attachments. Msgpack packets
/// need none of this: each is one message.
///
/// A packet without attachments is a view of the message that was fed. Otherwise its text and all
/// attachments but the last, which needs no copy either, are kept until it is whole. Msgpack
/// packets come out as text, too, with their attachments.
/// **Threads**: one at a time. **Cost**: without attachments, no copy and no allocation.
class packet_assembler {
public:
    /// **Lifetime**: `limits` and `memory`, which is charged with what is kept, outlive the
    /// assembler.
    packet_assembler(const packet_limits& limits, protocol_version version,
                     byte_budget& memory) noexcept
        : limits_(limits), version_(version), charge_(memory, heap_cost_of<packet_assembler>) {}

    packet_assembler(const packet_assembler&) = delete;
    packet_assembler& operator=(const packet_assembler&) = delete;

    /// Whether a text begins a packet whose attachments follow, if it is one at all.
    [[nodiscard]] static bool has_attachments(std::string_view message) noexcept {
        return message.starts_with('5') || message.starts_with('6');
    }
    /// Takes the next message. What `packet` and `attachments` then tell lives until the next call
    /// and no longer than what was fed.
    [[nodiscard]] packet_event text(std::string_view message);
    [[nodiscard]] packet_event binary(byte_view message);

    /// Whether attachments are due. It should not stay so for long: whoever feeds the assembler has
    /// the clock, and closes with `errc::packet_too_slow`.
    [[nodiscard]] bool incomplete() const noexcept { return due_ > 0; }
    [[nodiscard]] const packet_view& packet() const noexcept { return packet_; }
    [[nodiscard]] std::span<const byte_view> attachments() const noexcept { return attachments_; }
    [[nodiscard]] errc error() const noexcept { return error_; }
    /// Bytes of memory that wait for the rest of a packet.
    [[nodiscard]] std::size_t held() const noexcept {
        return incomplete() ? text_.capacity() + bytes_.capacity() : 0;
    }

private:
    packet_event fail(errc why) noexcept;
    packet_event parse(std::string_view message) noexcept;
    void forget();
    [[nodiscard]] bool has_room(std::size_t bytes) const noexcept;
    void recount() noexcept;
    void cut_attachments(byte_view last);

    const packet_limits& limits_;
    protocol_version version_;
    byte_charge charge_;
    packet_view packet_;
    std::vector<byte_view> attachments_;
    errc error_{};
    std::size_t due_ = 0;            // attachments
    std::size_t room_ = 0;           // bytes that they may have together
    std::string text_;               // of a packet with attachments, which packet_ is a view of
    std::vector<std::byte> bytes_;   // its attachments so far, one behind the other ...
    std::vector<std::size_t> ends_;  // ... and where each ends
};

}  // namespace weft::socketio
