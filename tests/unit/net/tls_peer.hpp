#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "net/tls/openssl.hpp"
#include "net/tls/tls_context.hpp"
#include "net/tls/tls_session.hpp"
#include "support/certificates.hpp"

namespace weft::net::testing {

using status = tls_session::status;

/// A session of ours with its surroundings: the bytes it gave out wait in `plain` and `cipher`.
class our_end {
public:
    explicit our_end(std::unique_ptr<tls_session> session, std::size_t scratch = 32 * 1024)
        : session_(std::move(session)), scratch_(scratch) {}

    tls_session& operator*() { return *session_; }
    tls_session* operator->() { return session_.get(); }
    std::unique_ptr<tls_session> release() { return std::move(session_); }

    status start() { return session_->start(io()); }
    status receive(std::string_view bytes) { return session_->receive(as_bytes(bytes), io()); }
    status send(std::string_view text) { return session_->send(as_bytes(text), io()); }
    status shutdown() { return session_->shutdown(io()); }
    std::string take_cipher() { return std::exchange(cipher, {}); }

    std::string plain;
    std::string cipher;
    std::size_t plain_calls = 0;
    std::function<void()> during_plain;
    time_point now{};

private:
    tls_io io() { return {on_plain_, on_cipher_, scratch_, now}; }

    struct plain_sink {
        our_end& self;
        void operator()(byte_span bytes) const {
            self.plain += as_text(bytes);
            ++self.plain_calls;
            if (self.during_plain) self.during_plain();
        }
    };
    struct cipher_sink {
        our_end& self;
        void operator()(byte_view bytes) const { self.cipher += as_text(bytes); }
    };

    std::unique_ptr<tls_session> session_;
    std::vector<std::byte> scratch_;
    plain_sink on_plain_{*this};
    cipher_sink on_cipher_{*this};
};

using ssl_ptr = std::unique_ptr<SSL, openssl_deleter<SSL_free>>;
using ssl_session_ptr = std::unique_ptr<SSL_SESSION, openssl_deleter<SSL_SESSION_free>>;

/// The other side: OpenSSL as applications use it, over memory BIOs. It shares no code with ours.
class openssl_peer {
public:
    enum class role { client, server };

    explicit openssl_peer(role side, const std::function<void(SSL_CTX*)>& configure = {}) {
        ctx_.reset(SSL_CTX_new(side == role::client ? TLS_client_method() : TLS_server_method()));
        SSL_CTX_set_security_level(ctx_.get(), 0);
        SSL_CTX_set_min_proto_version(ctx_.get(), TLS1_VERSION);
        SSL_CTX_set_session_cache_mode(ctx_.get(),
                                       SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
        SSL_CTX_sess_set_new_cb(ctx_.get(), [](SSL* ssl, SSL_SESSION* session) {
            static_cast<openssl_peer*>(SSL_get_app_data(ssl))->ticket.reset(session);
            return 1;
        });
        if (configure) configure(ctx_.get());
        ssl_.reset(SSL_new(ctx_.get()));
        SSL_set_app_data(ssl_.get(), this);
        SSL_set_bio(ssl_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
        if (side == role::client) {
            SSL_set_connect_state(ssl_.get());
        } else {
            SSL_set_accept_state(ssl_.get());
        }
    }

    [[nodiscard]] SSL* ssl() const { return ssl_.get(); }

    void name_host(std::string host) {
        SSL_ctrl(ssl(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, host.data());
    }
    void offer_alpn(const std::string& wire) {
        SSL_set_alpn_protos(ssl(), reinterpret_cast<const unsigned char*>(wire.data()),
                            static_cast<unsigned>(wire.size()));
    }
    void resume(const openssl_peer& earlier) {
        if (SSL_version(earlier.ssl()) == TLS1_3_VERSION) {
            SSL_set_session(ssl(), earlier.ticket.get());
        } else {  // it may have been replaced without a call of ours
            SSL_set_session(ssl(), SSL_get0_session(earlier.ssl()));
        }
    }

    /// Goes on with the handshake, reads what there is, and returns the bytes to send.
    std::string step(std::string_view input = {}) {
        ERR_clear_error();
        if (!input.empty()) {
            BIO_write(SSL_get_rbio(ssl()), input.data(), static_cast<int>(input.size()));
        }
        if (SSL_is_init_finished(ssl()) == 0) note(SSL_do_handshake(ssl()));
        char buffer[16384];
        if (SSL_is_init_finished(ssl()) == 1) {
            int got = 0;
            while ((got = SSL_read(ssl(), buffer, sizeof buffer)) > 0) {
                plain.append(buffer, static_cast<std::size_t>(got));
            }
            note(got);
        }
        return take_output();
    }

    std::string write(std::string_view text) {
        note(SSL_write(ssl(), text.data(), static_cast<int>(text.size())));
        return take_output();
    }

    std::string key_updates(int count) {
        std::string bytes;
        for (int i = 0; i < count; ++i) {
            SSL_key_update(ssl(), SSL_KEY_UPDATE_NOT_REQUESTED);
            note(SSL_do_handshake(ssl()));
            bytes += take_output();
        }
        return bytes;
    }

    std::string take_output() {
        std::string bytes(BIO_ctrl_pending(SSL_get_wbio(ssl())), '\0');
        if (!bytes.empty()) {
            BIO_read(SSL_get_wbio(ssl()), bytes.data(), static_cast<int>(bytes.size()));
        }
        return bytes;
    }

    /// The common name of the certificate we showed it.
    [[nodiscard]] std::string shown_name() const {
        X509* shown = SSL_get0_peer_certificate(ssl());
        if (shown == nullptr) return {};
        char name[256] = "";
        X509_NAME_get_text_by_NID(X509_get_subject_name(shown), NID_commonName, name, sizeof name);
        return name;
    }

    std::string plain;
    int error_reason = 0;  ///< Of the last failure; an alert received is 1000 + its number.
    ssl_session_ptr ticket;

private:
    void note(int outcome) {
        if (outcome > 0) return;
        if (const unsigned long code = ERR_peek_error()) error_reason = ERR_GET_REASON(code);
        ERR_clear_error();
    }

    ssl_ctx_ptr ctx_;
    ssl_ptr ssl_;
};

/// Gives a peer that is a server its certificate.
inline void use_issued(SSL_CTX* ctx, const weft::testing::issued_certificate& issued) {
    const bio_ptr cert(BIO_new_mem_buf(issued.cert_pem.data(), -1));
    const bio_ptr key(BIO_new_mem_buf(issued.key_pem.data(), -1));
    const x509_ptr leaf(PEM_read_bio_X509(cert.get(), nullptr, nullptr, nullptr));
    const evp_pkey_ptr secret(PEM_read_bio_PrivateKey(key.get(), nullptr, nullptr, nullptr));
    SSL_CTX_use_certificate(ctx, leaf.get());
    SSL_CTX_use_PrivateKey(ctx, secret.get());
}

/// Carries bytes both ways until nobody has more, in pieces of `piece` bytes.
inline void pump(our_end& ours, openssl_peer& peer, std::string to_ours = {},
                 std::size_t piece = std::string::npos) {
    const auto in_pieces = [&](std::string bytes, auto deliver) {
        for (std::size_t at = 0; at < bytes.size();) {
            deliver(std::string_view(bytes).substr(at, piece));
            at += std::min(piece, bytes.size() - at);
        }
    };
    to_ours += peer.step();
    while (!to_ours.empty() || !ours.cipher.empty()) {
        in_pieces(std::exchange(to_ours, {}), [&](std::string_view b) { ours.receive(b); });
        in_pieces(ours.take_cipher(), [&](std::string_view b) { to_ours += peer.step(b); });
    }
}

/// Between two of ours.
inline void pump(our_end& a, our_end& b) {
    while (!a.cipher.empty() || !b.cipher.empty()) {
        b.receive(a.take_cipher());
        a.receive(b.take_cipher());
    }
}

inline tls_certificate as_option(const weft::testing::issued_certificate& issued) {
    return {.cert_pem = issued.cert_pem, .key_pem = issued.key_pem};
}

/// What most tests start from: one CA, one server certificate for example.test.
inline const weft::testing::certificate_authority& test_ca() {
    static const weft::testing::certificate_authority ca;
    return ca;
}

inline std::shared_ptr<tls_server_context> make_server(tls_options options = {}) {
    if (options.certificates.empty()) {
        static const auto issued =
            test_ca().issue({.names = {"example.test"}, .addresses = {"127.0.0.1", "::1"}});
        options.certificates = {as_option(issued)};
    }
    auto made = tls_server_context::make(std::move(options));
    return made ? *made : nullptr;
}

inline our_end accept(const tls_server_context& server, std::size_t scratch = 32 * 1024) {
    return our_end(*server.make_session(), scratch);
}

}  // namespace weft::net::testing
