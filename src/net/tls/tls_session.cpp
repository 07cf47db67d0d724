// A TLS connection as a function from bytes to bytes. OpenSSL reads from and writes to one BIO that
// points at the input and the sink of the call in progress, so nothing is buffered here; OpenSSL
// itself keeps an incomplete record and gives the buffer back when it is empty.
//
// Invariants: outside a call `io_` is null and `input_` is empty. After `failed` nothing goes in or
// out. The error queue of the thread is emptied before each OpenSSL call that may fill it, and
// after each failure. What a peer can make us do without sending application data is bounded: by
// the deadline of the owner during the handshake, by `max_handshake_records` after it.

#include "net/tls/tls_session.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include <openssl/err.h>

#include <weft/net/tls.hpp>

#include "net/tls/openssl.hpp"

namespace weft::net {

/// Points the session at the input and the sink of a call. Calls nest: `on_plain` may send.
class tls_session::call {
public:
    call(tls_session& session, byte_view input, const tls_io& io) noexcept
        : session_(session),
          outer_io_(std::exchange(session.io_, &io)),
          outer_input_(std::exchange(session.input_, input)) {
        ERR_clear_error();
    }
    call(const call&) = delete;
    call& operator=(const call&) = delete;
    ~call() {
        session_.io_ = outer_io_;
        session_.input_ = outer_input_;
    }

private:
    tls_session& session_;
    const tls_io* outer_io_;
    byte_view outer_input_;
};

struct tls_session::transport {
    static int read(BIO* bio, char* target, std::size_t size, std::size_t* done) {
        tls_session& self = *static_cast<tls_session*>(BIO_get_data(bio));
        BIO_clear_retry_flags(bio);
        // A session that broke a limit sees no more input, so OpenSSL returns at once.
        if (self.input_.empty() || self.status_ == status::failed) {
            BIO_set_retry_read(bio);
            return -1;
        }
        *done = std::min(size, self.input_.size());
        std::memcpy(target, self.input_.data(), *done);
        self.input_ = self.input_.subspan(*done);
        return 1;
    }

    static int write(BIO* bio, const char* bytes, std::size_t size, std::size_t* done) {
        tls_session& self = *static_cast<tls_session*>(BIO_get_data(bio));
        BIO_clear_retry_flags(bio);
        if (self.status_ != status::failed) self.io_->on_cipher(as_bytes({bytes, size}));
        *done = size;
        return 1;
    }

    static long control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH; }

    /// Made once and kept for the life of the process, as OpenSSL keeps its own methods.
    static const BIO_METHOD* method() noexcept {
        static const BIO_METHOD* const made = [] {
            BIO_METHOD* fresh =
                BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "weft call");
            if (fresh != nullptr) {
                BIO_meth_set_read_ex(fresh, &transport::read);
                BIO_meth_set_write_ex(fresh, &transport::write);
                BIO_meth_set_ctrl(fresh, &transport::control);
            }
            return fresh;
        }();
        return made;
    }
};

tls_session::tls_session(SSL* ssl, std::shared_ptr<const void> keep_alive) noexcept
    : ssl_(ssl), keep_alive_(std::move(keep_alive)) {
    SSL_up_ref(ssl);
    BIO* bio = BIO_new(transport::method());
    if (bio == nullptr) {
        fail(tls_errc::internal, openssl_reason(take_openssl_error()));
        return;
    }
    BIO_set_data(bio, this);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl_, bio, bio);
    SSL_set_app_data(ssl_, this);
    SSL_set_msg_callback(ssl_, &tls_session::on_record);
    SSL_set_msg_callback_arg(ssl_, this);
}

tls_session::~tls_session() {
    SSL_free(ssl_);
}

tls_session& tls_session::of(const SSL* ssl) noexcept {
    return *static_cast<tls_session*>(SSL_get_app_data(ssl));
}

tls_session::status tls_session::start(const tls_io& io) noexcept {
    const call scope(*this, {}, io);
    if (status_ == status::handshaking) handshake();
    return status_;
}

tls_session::status tls_session::receive(byte_view cipher, const tls_io& io) noexcept {
    const call scope(*this, cipher, io);
    if (status_ == status::handshaking) handshake();
    if (status_ == status::open) read_all();
    return status_;
}

tls_session::status tls_session::receive_end() noexcept {
    if (status_ == status::handshaking) {
        fail(tls_errc::handshake_failed, "the peer hung up during the handshake");
    } else if (status_ == status::open) {
        fail(tls_errc::truncated, "");
    }
    return status_;
}

tls_session::status tls_session::send(byte_view plain, const tls_io& io) noexcept {
    if (plain.empty() || close_sent_ || !handshake_done_ || status_ == status::failed) {
        return status_;
    }
    const call scope(*this, {}, io);
    constexpr std::size_t largest_record = 16 * 1024;
    const std::uint64_t records = (plain.size() + largest_record - 1) / largest_record;
    if (records > key_records_left_) renew_key();
    key_records_left_ -= std::min(records, key_records_left_);
    std::size_t written = 0;
    const int done = SSL_write_ex(ssl_, plain.data(), plain.size(), &written);
    // The sink takes everything. So a wait here means that the peer split a handshake message over
    // records and keeps the rest: no peer does that but to hold up our data.
    if (done != 1) fail_from_openssl(SSL_get_error(ssl_, done));
    return status_;
}

/// The KeyUpdate goes out before the next data. TLS 1.2 has none: there a key lives as long as the
/// connection.
void tls_session::renew_key() noexcept {
    key_records_left_ = records_per_key;
    if (SSL_version(ssl_) != TLS1_3_VERSION) return;
    if (SSL_key_update(ssl_, SSL_KEY_UPDATE_NOT_REQUESTED) != 1) ERR_clear_error();
}

tls_session::status tls_session::shutdown(const tls_io& io) noexcept {
    if (close_sent_ || !handshake_done_ || status_ == status::failed) return status_;
    const call scope(*this, {}, io);
    close_sent_ = true;
    // It cannot be sent inside a split handshake message: then the end of the transport must do.
    if (SSL_shutdown(ssl_) < 0) ERR_clear_error();
    return status_;
}

void tls_session::handshake() noexcept {
    const int done = SSL_do_handshake(ssl_);
    if (done != 1) {
        const int ssl_error = SSL_get_error(ssl_, done);
        if (ssl_error != SSL_ERROR_WANT_READ) fail_from_openssl(ssl_error);
        return;
    }
    if (status_ == status::failed) return;
    status_ = status::open;
    handshake_done_ = true;
    window_start_ = io_->now;
}

void tls_session::read_all() noexcept {
    // Each turn delivers a full scratch buffer or ends the loop; input is finite, and so is this.
    for (bool more = true; more && status_ == status::open;) {
        std::size_t have = 0;
        int ssl_error = SSL_ERROR_NONE;
        while (have < io_->scratch.size()) {
            std::size_t got = 0;
            const byte_span room = io_->scratch.subspan(have);
            ERR_clear_error();
            const int done = SSL_read_ex(ssl_, room.data(), room.size(), &got);
            if (done != 1) {
                ssl_error = SSL_get_error(ssl_, done);
                break;
            }
            have += got;
        }
        more = ssl_error == SSL_ERROR_NONE;
        // What was decrypted before the end or the error belongs to the application.
        const bool flooded = status_ == status::failed;
        if (!more && !flooded && ssl_error == SSL_ERROR_ZERO_RETURN) {
            status_ = status::closed;
        } else if (!more && !flooded && ssl_error != SSL_ERROR_WANT_READ) {
            fail_from_openssl(ssl_error);
        }
        if (have != 0) io_->on_plain(io_->scratch.first(have));
    }
}

void tls_session::count_handshake_record() noexcept {
    if (io_->now - window_start_ >= handshake_record_window) {
        window_start_ = io_->now;
        window_records_ = 0;
    }
    if (window_records_ == max_handshake_records) {
        fail(tls_errc::too_many_handshake_records, "");
        return;
    }
    ++window_records_;
}

void tls_session::on_record(int is_write, int version, int content_type, const void* bytes,
                            std::size_t size, SSL*, void* session) {
    tls_session& self = *static_cast<tls_session*>(session);
    if (is_write != 0 || size == 0 || !self.handshake_done_) return;
    // TLS 1.3 hides the type of a record in its encrypted part; OpenSSL shows it separately.
    const bool shows_type = content_type == SSL3_RT_INNER_CONTENT_TYPE ||
                            (content_type == SSL3_RT_HEADER && version != TLS1_3_VERSION);
    if (!shows_type) return;
    if (static_cast<const unsigned char*>(bytes)[0] == SSL3_RT_HANDSHAKE) {
        self.count_handshake_record();
    }
}

namespace {

struct reason_code {
    int reason;
    tls_errc code;
};

/// OpenSSL reasons that have a code of their own.
constexpr reason_code known_reasons[] = {
    {SSL_R_HTTP_REQUEST, tls_errc::not_tls},
    {SSL_R_HTTPS_PROXY_REQUEST, tls_errc::not_tls},
    {SSL_R_WRONG_VERSION_NUMBER, tls_errc::not_tls},
    {SSL_R_UNSUPPORTED_PROTOCOL, tls_errc::unsupported_version},
    {SSL_R_VERSION_TOO_LOW, tls_errc::unsupported_version},
    {SSL_R_NO_SHARED_CIPHER, tls_errc::no_common_cipher},
    {SSL_R_NO_SHARED_GROUPS, tls_errc::no_common_cipher},
    {SSL_R_NO_SUITABLE_KEY_SHARE, tls_errc::no_common_cipher},
    {SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS, tls_errc::no_common_cipher},
    {SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM, tls_errc::no_common_cipher},
    {SSL_R_NO_APPLICATION_PROTOCOL, tls_errc::no_common_protocol},
    {SSL_R_CALLBACK_FAILED, tls_errc::unknown_name},  // the SNI callback: no other one fails
};

tls_errc verification_code(long verify_result) {
    switch (verify_result) {
        case X509_V_ERR_HOSTNAME_MISMATCH:
        case X509_V_ERR_IP_ADDRESS_MISMATCH: return tls_errc::certificate_name_mismatch;
        case X509_V_ERR_CERT_NOT_YET_VALID:
        case X509_V_ERR_CERT_HAS_EXPIRED: return tls_errc::certificate_expired;
        default: return tls_errc::certificate_untrusted;
    }
}

}  // namespace

void tls_session::fail_from_openssl(int ssl_error) noexcept {
    const unsigned long code = take_openssl_error();
    const int reason = ERR_GET_REASON(code);
    const tls_errc general = handshake_done_ ? tls_errc::bad_record : tls_errc::handshake_failed;
    if (ssl_error == SSL_ERROR_WANT_READ) return fail(general, "a split handshake message");
    if (ssl_error != SSL_ERROR_SSL) return fail(tls_errc::internal, openssl_reason(code));
    if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED) {
        const long verdict = SSL_get_verify_result(ssl_);
        return fail(verification_code(verdict), X509_verify_cert_error_string(verdict));
    }
    if (ERR_FATAL_ERROR(code)) return fail(tls_errc::internal, openssl_reason(code));
    if (reason >= SSL_AD_REASON_OFFSET) {
        return fail(tls_errc::refused_by_peer,
                    SSL_alert_desc_string_long(reason - SSL_AD_REASON_OFFSET));
    }
    for (const reason_code& known : known_reasons) {
        if (known.reason == reason && !handshake_done_)
            return fail(known.code, openssl_reason(code));
    }
    fail(general, openssl_reason(code));
}

void tls_session::fail(std::error_code code, const char* detail) noexcept {
    status_ = status::failed;
    failure_ = code;
    detail_ = detail;
}

bool tls_session::is_server() const noexcept {
    return SSL_is_server(ssl_) == 1;
}

std::string_view tls_session::alpn() const noexcept {
    const unsigned char* name = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(ssl_, &name, &size);
    return {reinterpret_cast<const char*>(name), size};
}

std::string_view tls_session::server_name() const noexcept {
    const char* name = SSL_get_servername(ssl_, TLSEXT_NAMETYPE_host_name);
    return name != nullptr ? name : std::string_view();
}

std::string_view tls_session::version() const noexcept {
    return SSL_get_version(ssl_);
}

std::string_view tls_session::cipher() const noexcept {
    return SSL_get_cipher_name(ssl_);
}

bool tls_session::resumed() const noexcept {
    return SSL_session_reused(ssl_) == 1;
}

}  // namespace weft::net
