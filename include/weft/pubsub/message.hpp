#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include <weft/base/bytes.hpp>
#include <weft/base/function_ref.hpp>
#include <weft/base/shared_buffer.hpp>

namespace weft {

/// Whether a message is text (always valid UTF-8) or bytes.
enum class message_kind : std::uint8_t { text, binary };

/// A received message, lent to a handler. **Lifetime**: the handler's call; `message` keeps a copy.
class message_view {
public:
    message_view(message_kind kind, byte_view bytes) noexcept
        : data_(bytes.data()),
          size_and_kind_(bytes.size() << 1U | static_cast<std::size_t>(kind)) {}
    message_view(std::string_view text) noexcept  // NOLINT(google-explicit-constructor)
        : message_view(message_kind::text, as_bytes(text)) {}

    [[nodiscard]] message_kind kind() const noexcept {
        return static_cast<message_kind>(size_and_kind_ & 1U);
    }
    [[nodiscard]] bool is_text() const noexcept { return kind() == message_kind::text; }
    [[nodiscard]] byte_view bytes() const noexcept { return {data_, size()}; }
    /// The bytes as a text; valid UTF-8 when `is_text()`.
    [[nodiscard]] std::string_view text() const noexcept { return as_text(bytes()); }
    [[nodiscard]] std::size_t size() const noexcept { return size_and_kind_ >> 1U; }

private:
    // Two words travel in registers; a third would send every view through memory, which a handler
    // that takes it by value waits for (bench `load`, 16 in flight).
    const std::byte* data_;
    std::size_t size_and_kind_;
};

/// How a message wants to be delivered, beside its bytes.
struct message_options {
    std::string_view key{};     ///< What `overflow_policy::latest_per_key` and `latest` compare.
    bool droppable = false;     ///< Not to a peer that is behind at the moment (volatile).
    bool uncompressed = false;  ///< Never compressed, whatever the connection agreed on.
    /// While a peer is behind, only the newest message of the same key waits for it, whatever the
    /// connection's policy.
    bool latest = false;
    /// For protocol layers: the number that they know the message by; 0 for none.
    std::uint64_t stamp = 0;
};

/// A form of a message's payload that is made once and kept with the message, beside the plain
/// frame. All layers' forms are listed here, so that no two of them share a place.
class message_encoding {
public:
    /// A server's compressed WebSocket frame, for a window of 9 to 15 bits.
    [[nodiscard]] static constexpr message_encoding deflated_frame(int window_bits) noexcept {
        return message_encoding(static_cast<std::size_t>(window_bits - 9));
    }
    /// The payload as base64: how Engine.IO's polling carries binary data.
    [[nodiscard]] static constexpr message_encoding base64() noexcept {
        return message_encoding(7);
    }

    /// The payload as server-sent events.
    [[nodiscard]] static constexpr message_encoding event_stream() noexcept {
        return message_encoding(8);
    }

private:
    friend class message;
    static constexpr std::size_t count = 9;
    explicit constexpr message_encoding(std::size_t place) noexcept : place_(place) {}

    std::size_t place_;
};

/// An immutable message, shared by all who send or hold it: copying copies a reference.
///
/// What it looks like on a wire is built once and kept with it: the plain frame in front of the
/// payload itself, further encodings (compressed ones) beside it.
/// **Threads**: any. **Cost**: one allocation when made.
class message {
public:
    /// Bytes kept free in front of the payload for a frame header; see `framed`.
    static constexpr std::size_t headroom = 16;

    /// No message: empty, and false.
    message() noexcept = default;
    /// A copy of the view and of the options. **Errors**: false (`operator bool`) when memory is
    /// out.
    explicit message(message_view view, const message_options& options = {}) noexcept;

    static message text(std::string_view text, const message_options& options = {}) noexcept {
        return message(message_view(message_kind::text, as_bytes(text)), options);
    }
    static message binary(byte_view bytes, const message_options& options = {}) noexcept {
        return message(message_view(message_kind::binary, bytes), options);
    }

    explicit operator bool() const noexcept { return static_cast<bool>(block_); }
    [[nodiscard]] message_kind kind() const noexcept;
    [[nodiscard]] byte_view bytes() const noexcept;
    [[nodiscard]] std::string_view text() const noexcept { return as_text(bytes()); }
    [[nodiscard]] std::size_t size() const noexcept { return bytes().size(); }
    [[nodiscard]] std::string_view key() const noexcept;
    [[nodiscard]] bool droppable() const noexcept;
    [[nodiscard]] bool uncompressed() const noexcept;
    [[nodiscard]] bool latest() const noexcept;
    [[nodiscard]] message_view view() const noexcept { return {kind(), bytes()}; }

    // ---- For protocol layers ----

    [[nodiscard]] std::uint64_t stamp() const noexcept;

    /// The payload with the frame header in front of it. The first call lets `write` put the header
    /// at the *end* of the headroom it is given and return its size; all calls must mean the same
    /// header.
    [[nodiscard]] buffer_slice framed(function_ref<std::size_t(byte_span headroom)> write) const;

    /// The payload in another form, made by `make` when it is not there yet. An empty slice from
    /// `make` means that the form is not worth having; that too is remembered. Two threads may both
    /// make it; one result is kept.
    [[nodiscard]] buffer_slice encoded(message_encoding form,
                                       function_ref<buffer_slice(const message&)> make) const;

private:
    struct content;
    [[nodiscard]] content& get() const noexcept;

    buffer_ref block_;
};

/// What became of a message given to a connection.
enum class send_status : std::uint8_t {
    sent,     ///< On its way: it leaves with the next write to the kernel.
    queued,   ///< Accepted behind others: the peer is slower than we are.
    dropped,  ///< Not accepted, or another one had to go: the overflow policy decided. Counted.
    closed,   ///< The connection is closed or closing (perhaps by the policy `close` just now).
    misuse,   ///< Wrong thread.
};

/// What happens to a message that finds its connection's queue full.
enum class overflow_policy : std::uint8_t {
    drop_newest,     ///< The new message is dropped.
    drop_oldest,     ///< The oldest waiting messages are dropped until the new one fits.
    latest_per_key,  ///< A waiting message of the same key is replaced at any fill level; without
                     ///< one, as drop_newest.
    close,           ///< The connection is closed with 1013.
};

}  // namespace weft
