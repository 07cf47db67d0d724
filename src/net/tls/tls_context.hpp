#pragma once

#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include <weft/base/result.hpp>
#include <weft/net/tls.hpp>

#include "net/tls/tls_session.hpp"

using SSL_CTX = struct ssl_ctx_st;

namespace weft::net {

class ticket_keys;

/// What the TLS sessions of a listener share: certificates, protocols, ticket keys.
///
/// **Threads**: all calls from any thread; all loops of a server share one. **Lifetime**: sessions
/// keep alive what they use.
class tls_server_context {
public:
    /// Reads the certificates. Blocks on the file system. **Errors**: say which certificate and
    /// what is wrong.
    static result<std::shared_ptr<tls_server_context>> make(tls_options options);

    tls_server_context(const tls_server_context&) = delete;
    tls_server_context& operator=(const tls_server_context&) = delete;
    ~tls_server_context();

    /// A session for an accepted connection. **Errors**: no memory.
    [[nodiscard]] result<std::unique_ptr<tls_session>> make_session() const;

    /// Reads the certificate files again, for new sessions. Open sessions keep what they have;
    /// their tickets stay good if no certificate has changed. After an error everything is as
    /// before.
    result<void> reload();
    /// Takes other certificates.
    result<void> reload(std::vector<tls_certificate> certificates);

private:
    struct certificate_set;

    explicit tls_server_context(tls_options options);
    result<std::shared_ptr<const certificate_set>> load(
        const std::vector<tls_certificate>& certificates) const;

    const tls_options options_;  // but for the certificates: those are below
    const std::shared_ptr<ticket_keys> keys_;
    mutable std::mutex mutex_;  // for the two below
    std::vector<tls_certificate> certificates_;
    std::shared_ptr<const certificate_set> current_;
};

/// What outgoing TLS connections share: trusted CAs, protocols, an own certificate.
///
/// **Threads**: all calls from any thread.
class tls_client_context {
public:
    /// Reads CAs and certificate. Blocks on the file system. **Errors**: say which file and what is
    /// wrong.
    static result<std::shared_ptr<tls_client_context>> make(const tls_client_options& options);

    tls_client_context(const tls_client_context&) = delete;
    tls_client_context& operator=(const tls_client_context&) = delete;
    ~tls_client_context() = default;

    /// A session with `host`, a name or an address ("[::1]" or "::1"), whose certificate must be
    /// for exactly this. Names are also sent (SNI), addresses are not (RFC 6066, section 3).
    /// **Errors**: the host is neither; no memory.
    [[nodiscard]] result<std::unique_ptr<tls_session>> make_session(std::string_view host) const;

private:
    explicit tls_client_context(SSL_CTX* adopted);

    const std::shared_ptr<SSL_CTX> ctx_;
};

}  // namespace weft::net
