#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>

#include <weft/base/bytes.hpp>
#include <weft/base/error.hpp>
#include <weft/base/function_ref.hpp>
#include <weft/base/time.hpp>
#include <weft/net/tls.hpp>

using SSL = struct ssl_st;

namespace weft::net {

/// The sentence of an error, for the log.
[[nodiscard]] std::string_view describe(tls_errc code) noexcept;

/// What a session needs for the length of one call.
struct tls_io {
    /// Decrypted bytes, in `scratch`. May call the session (`send`, `shutdown`), not destroy it.
    function_ref<void(byte_span)> on_plain;
    /// Bytes for the peer, gone when it returns: copy them. May not call the session.
    function_ref<void(byte_view)> on_cipher;
    /// Where plain text goes; at least one byte, best 16 KiB or more. Whoever needs readable bytes
    /// behind the payload leaves them out of this span.
    byte_span scratch;
    time_point now;
};

/// One TLS connection without a socket: bytes of the peer in, plain text and bytes for the peer
/// out. Made by `tls_server_context` and `tls_client_context`.
///
/// It keeps no byte between calls but an incomplete record: the rest of the input is consumed, the
/// output handed out.
/// **Threads**: one at a time, the owning loop's. **Lifetime**: pinned; not to be destroyed inside
/// its callbacks. **Cost**: `idle_size`; see the test `idle_server_session_has_the_size_we_charge`.
class tls_session {
public:
    enum class status : std::uint8_t {
        handshaking,
        open,
        closed,  ///< The peer sent close_notify: no more plain text. Sending still works.
        failed,  ///< See `failure`. The alert, if there is one, went to `on_cipher`.
    };

    /// What one that is idle takes, with what OpenSSL keeps for it.
    static constexpr std::size_t idle_size = 13 * 1024;

    /// Handshake records that a peer may send in a minute once the handshake is done: KeyUpdate,
    /// tickets, attempts to renegotiate. OpenSSL itself sets no limit.
    static constexpr std::uint32_t max_handshake_records = 16;
    static constexpr duration handshake_record_window = std::chrono::minutes(1);

    /// Records that one of our keys protects before the next one follows it by a KeyUpdate (TLS
    /// 1.3): well below the 2^24.5 that AES-GCM may. **See**: RFC 8446 section 5.5.
    static constexpr std::uint64_t records_per_key = 1ULL << 23U;

    /// `keep_alive` is what the callbacks of `ssl` point at.
    /// Shares `ssl`: there may be no memory for this object.
    tls_session(SSL* ssl, std::shared_ptr<const void> keep_alive) noexcept;
    tls_session(const tls_session&) = delete;
    tls_session& operator=(const tls_session&) = delete;
    ~tls_session();

    /// Client: says hello. Server: nothing to do.
    status start(const tls_io& io) noexcept;
    /// Takes bytes of the peer, all of them.
    status receive(byte_view cipher, const tls_io& io) noexcept;
    /// The transport ended. Clean only after close_notify: otherwise the session fails with
    /// `tls_errc::truncated`, or with `tls_errc::handshake_failed` before it was open.
    status receive_end() noexcept;
    /// Encrypts into records of up to 16 KiB: give it much at a time. Before the handshake is done
    /// and after `shutdown` it does nothing.
    status send(byte_view plain, const tls_io& io) noexcept;
    /// Sends close_notify, once. Reading goes on.
    status shutdown(const tls_io& io) noexcept;
    /// Makes the present key's life end after so many more records.
    void limit_key(std::uint64_t records) noexcept { key_records_left_ = records; }

    [[nodiscard]] status state() const noexcept { return status_; }
    [[nodiscard]] bool handshake_done() const noexcept { return handshake_done_; }

    /// Why the status is `failed`: a code to test, and the detail for people.
    [[nodiscard]] std::error_code failure_code() const noexcept { return failure_; }
    [[nodiscard]] error failure() const { return {failure_, detail_}; }
    [[nodiscard]] std::string_view detail() const noexcept { return detail_; }
    [[nodiscard]] bool is_server() const noexcept;

    /// The protocol agreed on by ALPN, or empty. **Lifetime**: of these texts, the session's.
    [[nodiscard]] std::string_view alpn() const noexcept;
    /// The name the client asked for (SNI), or empty.
    [[nodiscard]] std::string_view server_name() const noexcept;
    /// "TLSv1.3", "TLSv1.2".
    [[nodiscard]] std::string_view version() const noexcept;
    /// For example "TLS_AES_128_GCM_SHA256".
    [[nodiscard]] std::string_view cipher() const noexcept;
    /// True when a ticket saved the full handshake.
    [[nodiscard]] bool resumed() const noexcept;

    /// The time given to the call in progress.
    [[nodiscard]] time_point now() const noexcept { return io_->now; }

    /// The session of a handle seen in an OpenSSL callback.
    static tls_session& of(const SSL* ssl) noexcept;

private:
    class call;
    struct transport;  // the BIO that reads from the call's input and writes to its sink

    void handshake() noexcept;
    void read_all() noexcept;
    void fail_from_openssl(int ssl_error) noexcept;
    void fail(std::error_code code, const char* detail) noexcept;
    void count_handshake_record() noexcept;
    void renew_key() noexcept;
    static void on_record(int is_write, int version, int content_type, const void* bytes,
                          std::size_t size, SSL* ssl, void* session);

    SSL* ssl_;
    std::shared_ptr<const void> keep_alive_;
    const tls_io* io_ = nullptr;
    byte_view input_;
    const char* detail_ = "";
    std::error_code failure_;
    time_point window_start_{};
    std::uint32_t window_records_ = 0;
    std::uint64_t key_records_left_ = records_per_key;
    status status_ = status::handshaking;
    bool handshake_done_ = false;
    bool close_sent_ = false;
};

}  // namespace weft::net
