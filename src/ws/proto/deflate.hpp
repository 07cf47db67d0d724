#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include <weft/base/bytes.hpp>
#include <weft/base/shared_buffer.hpp>

#include "base/byte_budget.hpp"

struct z_stream_s;

namespace weft::ws {

/// How a compressor works. **See**: `ws_bench` deflate.
struct deflate_settings {
    int window_bits = 12;  ///< 9 to 15. With 12 and memory level 5 a stream takes 39 KB, not 268.
    int memory_level = 5;
    int level = 1;
};

/// Messages below this size are not worth compressing, with history and without.
inline constexpr std::size_t default_threshold_with_history = 128;
inline constexpr std::size_t default_threshold_without_history = 1024;

/// Compresses messages for permessage-deflate. Its stream exists from the first message on.
///
/// **Threads**: one loop's. **See**: RFC 7692 section 7.2.1.
class deflater {
public:
    /// `budget`, if any, is charged with the stream and outlives this object.
    explicit deflater(deflate_settings settings, byte_budget* budget = nullptr) noexcept
        : settings_(settings), budget_(budget) {}

    /// Compresses one message and keeps the history for the next one. The result has no frame
    /// header and no `00 00 FF FF` at its end. When it is not sent after all, call
    /// `forget_history`. **Errors**: nothing when memory is out; send the
    /// message uncompressed then, the next one starts without history.
    [[nodiscard]] std::optional<buffer_slice> compress(byte_view message) noexcept;

    /// The next message will not refer to earlier ones. A sender may do this at any time, and must
    /// after it sent a frame that this object did not compress (a shared broadcast frame).
    void forget_history() noexcept { fresh_ = false; }

    /// Frees the stream. Correct at any time: it forgets the history.
    void release() noexcept { stream_.reset(); }
    [[nodiscard]] bool holds_memory() const noexcept { return stream_ != nullptr; }

private:
    struct free_stream {
        void operator()(z_stream_s* stream) const noexcept;
    };

    bool prepare() noexcept;

    deflate_settings settings_;
    byte_budget* budget_;
    bool fresh_ = false;  // the stream's history is what the peer has
    std::unique_ptr<z_stream_s, free_stream> stream_;
};

/// The compressors that all connections of a loop share for messages without history: one per
/// window size, made on first use.
class shared_deflaters {
public:
    explicit shared_deflaters(int level = 1) noexcept : level_(level) {}

    /// Compresses one message on its own, for any peer whose window is at least `window_bits` (9 to
    /// 15). **Errors**: as `deflater::compress`.
    [[nodiscard]] std::optional<buffer_slice> compress_once(byte_view message,
                                                            int window_bits) noexcept;
    /// Frees the streams; they come back on use.
    void release() noexcept;

private:
    int level_;
    std::array<std::optional<deflater>, 7> by_window_;
};

enum class inflate_status : std::uint8_t {
    need_input,   ///< All input is consumed; the message goes on.
    output_full,  ///< Call again with more room.
    finished,     ///< The message is complete.
    corrupt,      ///< Not a deflate stream, or bytes are left behind its end.
};

/// Decompresses the messages of permessage-deflate as their bytes arrive, at most as much output at
/// a time as the caller has room for.
///
/// A block with BFINAL set ends a stream but not the message: the next block starts anew and may
/// still refer to the history (RFC 7692 section 7.2.3.5). **Threads**: one loop's.
class inflater {
public:
    struct step {
        inflate_status status;
        std::size_t produced;
    };

    /// `window_bits` is the largest window the peer may use. Without `keep_history` each message
    /// starts with an empty one. `budget`, if any, is charged with the stream and outlives this
    /// object.
    inflater(int window_bits, bool keep_history, byte_budget* budget = nullptr) noexcept
        : budget_(budget),
          window_bits_(static_cast<std::uint8_t>(window_bits)),
          keep_history_(keep_history) {}

    /// Takes input from the front of `input` and writes to `out`. `last` says that the message ends
    /// with this input; repeat it until the status is `finished`.
    [[nodiscard]] step run(byte_view& input, bool last, byte_span out) noexcept;

    /// Frees what is not needed between two messages: everything without history, and all but the
    /// history itself when that is small. Correct at any time between messages.
    void release() noexcept;
    [[nodiscard]] bool holds_memory() const noexcept { return stream_ != nullptr; }

private:
    struct free_stream {
        void operator()(z_stream_s* stream) const noexcept;
    };

    bool prepare() noexcept;
    step end_message(std::size_t produced) noexcept;

    std::unique_ptr<z_stream_s, free_stream> stream_;
    buffer_slice history_;  // of a released stream
    byte_budget* budget_;
    std::uint8_t window_bits_;
    bool keep_history_;
    std::uint8_t tail_sent_ = 0;  // bytes of 00 00 FF FF already fed for this message
    bool at_stream_end_ = false;  // the last block had BFINAL and nothing has followed
};

}  // namespace weft::ws
