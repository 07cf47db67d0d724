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

/// A received message, lent to a handler. **Lifetime**: the handler's call. To keep it, make a
/// `message`.
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

/// How to deliver a message.
struct message_options {
    std::string_view key{};     ///< `overflow_policy::latest_per_key` and `latest` compare it.
    bool droppable = false;     ///< Do not send it to a peer that is behind (volatile).
    bool uncompressed = false;  ///< Never compressed, whatever the connection agreed on.
    /// While a peer is behind, only the newest message of each key waits for it, whatever the
    /// policy of the connection.
    bool latest = false;
    /// For protocol layers: a number of theirs; 0 for none.
    std::uint64_t stamp = 0;
};

/// A form of a message's payload that is made once and kept with the message, beside the plain
/// frame. The forms of all layers are listed here, so that each has its own place.
class message_encoding {
public:
    /// A server's compressed WebSocket frame, for a window of 9 to 15 bits.
    [[nodiscard]] static constexpr message_encoding deflated_frame(int window_bits) noexcept {
        return message_encoding(static_cast<std::size_t>(window_bits - 9));
    }
    /// The payload as base64. Engine.IO's polling carries binary data so.
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

/// An immutable message. Copies share it.
///
/// Its forms on the wire are built once and kept with it: the header of the plain frame in front of
/// the payload, other encodings (compressed ones) beside it.
/// **Threads**: any. **Cost**: one allocation when made.
class message {
public:
    /// Bytes kept free in front of the payload for a frame header; see `framed`.
    static constexpr std::size_t headroom = 16;

    /// No message: empty, and false.
    message() noexcept = default;
    /// Copies the view and the options. **Errors**: `operator bool` is false when out of memory.
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
    /// What its block takes, which all who hold it share. **Units**: bytes.
    [[nodiscard]] std::size_t memory() const noexcept;

    // ---- For protocol layers ----

    [[nodiscard]] std::uint64_t stamp() const noexcept;

    /// The payload with the frame header in front of it. In the first call, `write` puts the header
    /// at the *end* of the headroom and returns its size. All calls must mean the same header.
    [[nodiscard]] buffer_slice framed(function_ref<std::size_t(byte_span headroom)> write) const;

    /// The payload in another form. Calls `make` if the form does not exist yet. An empty slice
    /// from `make` means that the form is not worth having; that is remembered too. If two threads
    /// make it at once, one result is kept.
    [[nodiscard]] buffer_slice encoded(message_encoding form,
                                       function_ref<buffer_slice(const message&)> make) const;

private:
    struct content;
    [[nodiscard]] content& get() const noexcept;

    buffer_ref block_;
};

/// What a connection did with a message.
enum class send_status : std::uint8_t {
    sent,     ///< It leaves with the next write to the kernel.
    queued,   ///< It waits behind others: the peer is slower than we are.
    dropped,  ///< The overflow policy dropped this message or another one. Counted.
    closed,   ///< The connection is closed or closing (the policy `close` may just have done it).
    misuse,   ///< Wrong thread, or what cannot be sent.
};

/// What happens to a message when the queue of its connection is full.
enum class overflow_policy : std::uint8_t {
    drop_newest,     ///< The new message is dropped.
    drop_oldest,     ///< The oldest waiting messages are dropped until the new one fits.
    latest_per_key,  ///< Replaces a waiting message of the same key, even if the queue is not full.
                     ///< Without one: drop_newest.
    close,           ///< The connection is closed with 1013.
};

}  // namespace weft
