// The error category of TLS and the draining of OpenSSL's error queue. The queue belongs to the
// thread and outlives the call that filled it, so whoever reads a reason from it also empties it:
// no connection ever reports the error of another.

#include <openssl/err.h>

#include <weft/base/error.hpp>
#include <weft/net/tls.hpp>

#include "net/tls/openssl.hpp"

namespace weft {
namespace {

class tls_category_type final : public std::error_category {
public:
    const char* name() const noexcept override { return "weft.tls"; }

    std::string message(int value) const override {
        switch (static_cast<tls_errc>(value)) {
            case tls_errc::invalid_certificate: return "the certificate cannot be used";
            case tls_errc::invalid_key: return "the private key cannot be used";
            case tls_errc::handshake_failed: return "the TLS handshake failed";
            case tls_errc::not_tls: return "the peer does not speak TLS";
            case tls_errc::unsupported_version: return "no TLS version in common (1.2 or later)";
            case tls_errc::no_common_cipher: return "no cipher, curve or signature in common";
            case tls_errc::no_common_protocol: return "no application protocol (ALPN) in common";
            case tls_errc::unknown_name: return "no certificate for the name that was asked for";
            case tls_errc::certificate_untrusted: return "the peer's certificate is not trusted";
            case tls_errc::certificate_expired:
                return "the peer's certificate is expired or not yet valid";
            case tls_errc::certificate_name_mismatch:
                return "the peer's certificate is for another host";
            case tls_errc::refused_by_peer: return "the peer refused by a TLS alert";
            case tls_errc::bad_record: return "the peer sent a TLS record that is not allowed";
            case tls_errc::truncated: return "the TLS stream was cut off without close_notify";
            case tls_errc::too_many_handshake_records:
                return "too many TLS handshake records after the handshake";
            case tls_errc::internal: return "internal TLS error";
        }
        return "unknown TLS error";
    }

    std::error_condition default_error_condition(int value) const noexcept override {
        switch (static_cast<tls_errc>(value)) {
            case tls_errc::invalid_certificate:
            case tls_errc::invalid_key: return condition::misuse;
            case tls_errc::refused_by_peer:
            case tls_errc::truncated: return condition::peer_gone;
            case tls_errc::too_many_handshake_records: return condition::limit_exceeded;
            case tls_errc::internal: return {value, *this};
            default: return condition::protocol_violation;
        }
    }
};

}  // namespace

const std::error_category& tls_category() noexcept {
    static const tls_category_type category;
    return category;
}

namespace net {

unsigned long take_openssl_error() noexcept {
    const unsigned long first = ERR_get_error();
    unsigned long cause = first;
    while (cause != 0 && ERR_GET_LIB(cause) != ERR_LIB_SSL) cause = ERR_get_error();
    ERR_clear_error();
    return cause != 0 ? cause : first;
}

const char* openssl_reason(unsigned long code) noexcept {
    const char* reason = ERR_reason_error_string(code);
    return reason != nullptr ? reason : "unknown reason";
}

error openssl_error(std::error_code code, const std::string& what) {
    return {code, what + " (" + openssl_reason(take_openssl_error()) + ")"};
}

}  // namespace net
}  // namespace weft
