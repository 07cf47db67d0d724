// The error category of TLS and the draining of OpenSSL's error queue. The queue belongs to the
// thread and outlives the call that filled it, so whoever reads a reason from it also empties it:
// no connection ever reports the error of another.

#include <array>
#include <string_view>

#include <openssl/err.h>

#include <weft/base/error.hpp>
#include <weft/net/tls.hpp>

#include "base/error_table.hpp"
#include "net/tls/openssl.hpp"
#include "net/tls/tls_session.hpp"

namespace weft {
namespace {

struct tls_row {
    tls_errc code;
    std::string_view text;
    condition kind;
};

constexpr condition broken = condition::protocol_violation;

constexpr std::array rows{
    tls_row{tls_errc::invalid_certificate, "the certificate cannot be used", condition::misuse},
    tls_row{tls_errc::invalid_key, "the private key cannot be used", condition::misuse},
    tls_row{tls_errc::handshake_failed, "the TLS handshake failed", broken},
    tls_row{tls_errc::not_tls, "the peer does not speak TLS, which this port does", broken},
    tls_row{tls_errc::unsupported_version, "no TLS version in common (1.2 or later)", broken},
    tls_row{tls_errc::no_common_cipher, "no cipher, curve or signature in common", broken},
    tls_row{tls_errc::no_common_protocol, "no application protocol (ALPN) in common", broken},
    tls_row{tls_errc::unknown_name, "no certificate for the name that was asked for", broken},
    tls_row{tls_errc::certificate_untrusted, "the peer's certificate is not trusted", broken},
    tls_row{tls_errc::certificate_expired, "the peer's certificate is expired or not yet valid",
            broken},
    tls_row{tls_errc::certificate_name_mismatch, "the peer's certificate is for another host",
            broken},
    tls_row{tls_errc::refused_by_peer, "the peer refused by a TLS alert", condition::peer_gone},
    tls_row{tls_errc::bad_record, "the peer sent a TLS record that is not allowed", broken},
    tls_row{tls_errc::truncated, "the TLS stream was cut off without close_notify",
            condition::peer_gone},
    tls_row{tls_errc::too_many_handshake_records,
            "too many TLS handshake records after the handshake", condition::limit_exceeded},
    tls_row{tls_errc::internal, "internal TLS error", {}},
};

}  // namespace

const std::error_category& tls_category() noexcept {
    static const table_category<rows> category("weft.tls");
    return category;
}

namespace net {

std::string_view describe(tls_errc code) noexcept {
    return rows[static_cast<std::size_t>(code) - 1].text;
}

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
