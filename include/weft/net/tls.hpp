#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include <weft/base/result.hpp>

namespace weft {

/// Why a certificate could not be used, or a TLS connection ended.
enum class tls_errc {
    invalid_certificate = 1,     ///< At load: the certificate cannot be used.
    invalid_key,                 ///< At load: the private key cannot be used.
    handshake_failed,            ///< The handshake failed for a reason without a code here.
    not_tls,                     ///< The peer does not speak TLS (plain HTTP, for example).
    unsupported_version,         ///< The peer offers neither TLS 1.2 nor 1.3.
    no_common_cipher,            ///< No ECDHE cipher with AEAD, curve or signature in common.
    no_common_protocol,          ///< ALPN: the peer wants none of our protocols.
    unknown_name,                ///< SNI: no certificate for this name, and no default allowed.
    certificate_untrusted,       ///< The peer's certificate has no chain to a trusted CA.
    certificate_expired,         ///< The peer's certificate is expired or not yet valid.
    certificate_name_mismatch,   ///< The peer's certificate is for another host.
    refused_by_peer,             ///< The peer sent a fatal alert.
    bad_record,                  ///< A record was corrupt or not allowed where it came.
    truncated,                   ///< The data ended without close_notify: bytes may be missing.
    too_many_handshake_records,  ///< A flood of KeyUpdate or renegotiation attempts.
    internal,                    ///< OpenSSL failed, most likely for lack of memory.
};

const std::error_category& tls_category() noexcept;

inline std::error_code make_error_code(tls_errc e) noexcept {
    return {static_cast<int>(e), tls_category()};
}

/// A certificate with its chain and private key, as PEM files or as PEM text (not both). The leaf
/// comes first, then its issuers. The key may not be encrypted.
struct tls_certificate {
    std::string cert_file{};
    std::string key_file{};
    std::string cert_pem{};
    std::string key_pem{};
    /// The names it serves: exact, or with a leading `*.` for one label. Empty: the subject
    /// alternative names of the certificate.
    std::vector<std::string> host_names{};
};

/// What a server does when a client asks for a name (SNI) that no certificate serves.
enum class tls_unknown_name {
    default_certificate,  ///< Use the first certificate. The client decides.
    alert,                ///< Refuse with `unrecognized_name`.
};

/// Session tickets let a client come back with a cheaper handshake.
enum class tls_tickets { off, on };

/// TLS for a listener: 1.2 and 1.3, ECDHE with AEAD only; no compression, renegotiation or 0-RTT.
struct tls_options {
    /// The first is the default. If two serve one name, the earlier wins.
    std::vector<tls_certificate> certificates{};
    /// In order of preference. A client whose ALPN list has none of them is refused; one that
    /// sends no list is accepted.
    std::vector<std::string> alpn{"http/1.1"};
    /// Clients that send no name (an address in the URL) always get the default certificate.
    tls_unknown_name unknown_name = tls_unknown_name::default_certificate;
    tls_tickets tickets = tls_tickets::on;
    /// Age at which a ticket key is replaced. For as long again it still opens tickets.
    std::chrono::seconds ticket_rotation = std::chrono::hours(12);

    /// **Errors**: `invalid_argument`. Says which option is wrong and what it may be.
    [[nodiscard]] result<void> check() const;
};

/// Whether a client checks whom it talks to.
enum class tls_verification {
    required,       ///< The chain and the host name or address must be right.
    insecure_none,  ///< Accepts any server, an attacker too. For tests only.
};

/// TLS for outgoing connections; versions and ciphers as for servers.
struct tls_client_options {
    tls_verification verification = tls_verification::required;
    /// Trusts the CAs that the system trusts.
    bool system_cas = true;
    /// Further CAs to trust: a PEM file, PEM text, or both.
    std::string ca_file{};
    std::string ca_pem{};
    /// Sent if the server asks for one.
    std::optional<tls_certificate> certificate{};
    /// In order of preference. A server that picks something else is refused.
    std::vector<std::string> alpn{"http/1.1"};

    /// **Errors**: `invalid_argument`. Says which option is wrong and what it may be.
    [[nodiscard]] result<void> check() const;
};

}  // namespace weft

template <>
struct std::is_error_code_enum<weft::tls_errc> : std::true_type {};
