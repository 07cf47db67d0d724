// Turns options into OpenSSL contexts: one per certificate, chosen by the name in the client hello.
// A set of contexts never changes once it is made; a reload makes another one and swaps the
// pointer, and each session keeps its own set alive. So no lock is held while a handshake runs, but
// for the ticket keys, which all sets of a server share.

#include "net/tls/tls_context.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <arpa/inet.h>
#include <openssl/err.h>

#include "net/tls/certificate.hpp"
#include "net/tls/openssl.hpp"
#include "net/tls/ticket_keys.hpp"

namespace weft::net {
namespace {

constexpr const char* tls12_ciphers = "ECDHE+AESGCM:ECDHE+CHACHA20";
constexpr const char* tls13_ciphers =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";

/// What servers and clients have in common, whatever versions and ciphers openssl.cnf sets.
result<ssl_ctx_ptr> make_ssl_ctx(const SSL_METHOD* method) {
    ERR_clear_error();
    ssl_ctx_ptr ctx(SSL_CTX_new(method));
    if (ctx == nullptr) return openssl_error(tls_errc::internal, "cannot make a TLS context");
    SSL_CTX_set_security_level(ctx.get(), 2);
    SSL_CTX_set_options(ctx.get(), SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_clear_options(ctx.get(), SSL_OP_IGNORE_UNEXPECTED_EOF |
                                         SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION |
                                         SSL_OP_LEGACY_SERVER_CONNECT);
    SSL_CTX_set_mode(ctx.get(), SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(ctx.get(), SSL_SESS_CACHE_OFF);
    SSL_CTX_set_max_early_data(ctx.get(), 0);
    if (SSL_CTX_set_min_proto_version(ctx.get(), TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_max_proto_version(ctx.get(), 0) != 1 ||
        SSL_CTX_set_cipher_list(ctx.get(), tls12_ciphers) != 1 ||
        SSL_CTX_set_ciphersuites(ctx.get(), tls13_ciphers) != 1) {
        return openssl_error(tls_errc::internal, "cannot set TLS versions and ciphers");
    }
    return ctx;
}

result<void> use_certificate(SSL_CTX* ctx, const loaded_certificate& loaded) {
    ERR_clear_error();
    if (SSL_CTX_use_certificate(ctx, loaded.leaf.get()) != 1) {
        return openssl_error(tls_errc::invalid_certificate, loaded.source + " is refused");
    }
    if (SSL_CTX_use_PrivateKey(ctx, loaded.key.get()) != 1) {
        return openssl_error(tls_errc::invalid_key, "the key of " + loaded.source + " is refused");
    }
    for (const x509_ptr& issuer : loaded.chain) {
        if (SSL_CTX_add1_chain_cert(ctx, issuer.get()) != 1) {
            return openssl_error(tls_errc::invalid_certificate,
                                 "the chain of " + loaded.source + " is refused");
        }
    }
    return {};
}

/// Protocol names as ALPN writes them: a length byte before each (RFC 7301, section 3.1).
std::string alpn_wire_format(const std::vector<std::string>& protocols) {
    std::string wire;
    for (const std::string& name : protocols) {
        wire += static_cast<char>(name.size());
        wire += name;
    }
    return wire;
}

const unsigned char* octets(const std::string& text) noexcept {
    return reinterpret_cast<const unsigned char*>(text.data());
}

}  // namespace

struct tls_server_context::certificate_set {
    std::vector<ssl_ctx_ptr> contexts;
    std::vector<std::pair<std::string, SSL_CTX*>> names;  // sorted; wildcards as ".example.com"
    std::string alpn;
    tls_unknown_name unknown_name = tls_unknown_name::default_certificate;
    std::shared_ptr<ticket_keys> keys;

    result<void> add(const loaded_certificate& loaded, const tls_options& options);
    /// Has tickets resume only under these certificates.
    result<void> bind_tickets();
    [[nodiscard]] SSL_CTX* find(std::string_view host) const noexcept;
    [[nodiscard]] SSL_CTX* find_exact(std::string_view key) const noexcept;

    static int on_server_name(SSL* ssl, int* alert, void* set) noexcept;
    static int on_alpn(SSL* ssl, const unsigned char** chosen, unsigned char* chosen_size,
                       const unsigned char* offered, unsigned offered_size, void* set) noexcept;
    static int on_ticket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                         EVP_MAC_CTX* mac, int seal) noexcept;
};

result<void> tls_server_context::certificate_set::add(const loaded_certificate& loaded,
                                                      const tls_options& options) {
    if (loaded.names.empty() && !contexts.empty()) {
        return error(tls_errc::invalid_certificate,
                     loaded.source +
                         " names no DNS host and is not the first, so it would never be used; set "
                         "host_names");
    }
    auto made = make_ssl_ctx(TLS_server_method());
    if (!made) return made.error();
    SSL_CTX* ctx = contexts.emplace_back(*std::move(made)).get();
    if (auto used = use_certificate(ctx, loaded); !used) return used;

    SSL_CTX_set_app_data(ctx, this);
    // What the macro SSL_CTX_set_tlsext_servername_callback does, without its C cast.
    SSL_CTX_callback_ctrl(ctx, SSL_CTRL_SET_TLSEXT_SERVERNAME_CB,
                          reinterpret_cast<void (*)()>(&certificate_set::on_server_name));
    SSL_CTX_set_tlsext_servername_arg(ctx, this);
    if (!alpn.empty()) SSL_CTX_set_alpn_select_cb(ctx, &certificate_set::on_alpn, this);
    if (options.tickets == tls_tickets::on) {
        SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, &certificate_set::on_ticket);
        SSL_CTX_set_timeout(ctx, static_cast<long>(options.ticket_rotation.count()));
    } else {
        SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
        SSL_CTX_set_num_tickets(ctx, 0);
    }
    for (const std::string& name : loaded.names) {
        const auto place =
            std::ranges::lower_bound(names, name, {}, [](const auto& n) { return n.first; });
        if (place == names.end() || place->first != name) names.emplace(place, name, ctx);
    }
    return {};
}

result<void> tls_server_context::certificate_set::bind_tickets() {
    std::array<unsigned char, 32> name{};
    std::vector<unsigned char> prints;
    for (const ssl_ctx_ptr& ctx : contexts) {
        unsigned size = 0;
        if (X509_digest(SSL_CTX_get0_certificate(ctx.get()), EVP_sha256(), name.data(), &size) != 1)
            return openssl_error(tls_errc::internal, "cannot digest a certificate");
        prints.insert(prints.end(), name.begin(), name.end());
    }
    // One name for all: a ticket is opened before it is known which host is asked for.
    if (EVP_Digest(prints.data(), prints.size(), name.data(), nullptr, EVP_sha256(), nullptr) != 1)
        return openssl_error(tls_errc::internal, "cannot digest the certificates");
    for (const ssl_ctx_ptr& ctx : contexts)
        SSL_CTX_set_session_id_context(ctx.get(), name.data(), name.size());
    return {};
}

SSL_CTX* tls_server_context::certificate_set::find(std::string_view host) const noexcept {
    std::array<char, 253> lower{};
    if (host.ends_with('.')) host.remove_suffix(1);
    if (host.size() > lower.size()) return nullptr;
    std::ranges::transform(host, lower.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    const std::string_view name(lower.data(), host.size());
    const std::size_t first_dot = name.find('.');
    if (first_dot == 0) return nullptr;
    if (SSL_CTX* exact = find_exact(name)) return exact;
    return first_dot == std::string_view::npos ? nullptr : find_exact(name.substr(first_dot));
}

SSL_CTX* tls_server_context::certificate_set::find_exact(std::string_view key) const noexcept {
    const auto place = std::ranges::lower_bound(
        names, key, {}, [](const auto& n) { return std::string_view(n.first); });
    return place != names.end() && place->first == key ? place->second : nullptr;
}

int tls_server_context::certificate_set::on_server_name(SSL* ssl, int* alert, void* set) noexcept {
    const auto& self = *static_cast<const certificate_set*>(set);
    const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    if (name == nullptr) return SSL_TLSEXT_ERR_NOACK;
    if (SSL_CTX* found = self.find(name)) {
        return SSL_set_SSL_CTX(ssl, found) != nullptr ? SSL_TLSEXT_ERR_OK
                                                      : SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    if (self.unknown_name == tls_unknown_name::default_certificate) return SSL_TLSEXT_ERR_NOACK;
    *alert = SSL_AD_UNRECOGNIZED_NAME;
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

int tls_server_context::certificate_set::on_alpn(SSL*, const unsigned char** chosen,
                                                 unsigned char* chosen_size,
                                                 const unsigned char* offered,
                                                 unsigned offered_size, void* set) noexcept {
    const auto& self = *static_cast<const certificate_set*>(set);
    unsigned char* match = nullptr;
    const int outcome =
        SSL_select_next_proto(&match, chosen_size, octets(self.alpn),
                              static_cast<unsigned>(self.alpn.size()), offered, offered_size);
    if (outcome != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_ALERT_FATAL;
    *chosen = match;
    return SSL_TLSEXT_ERR_OK;
}

int tls_server_context::certificate_set::on_ticket(SSL* ssl, unsigned char* name, unsigned char* iv,
                                                   EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac,
                                                   int seal) noexcept {
    const auto& self =
        *static_cast<const certificate_set*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
    const time_point now = tls_session::of(ssl).now();
    if (seal != 0) return self.keys->seal(name, iv, cipher, mac, now) ? 1 : -1;
    switch (self.keys->open(name, iv, cipher, mac, now)) {
        case ticket_keys::opened::current: return 1;
        case ticket_keys::opened::previous: return 2;  // accepted, and replaced by a new one
        case ticket_keys::opened::unknown: return 0;
    }
    return 0;
}

tls_server_context::tls_server_context(tls_options options)
    : options_(std::move(options)),
      keys_(std::make_shared<ticket_keys>(options_.ticket_rotation)) {}

tls_server_context::~tls_server_context() = default;

result<std::shared_ptr<tls_server_context>> tls_server_context::make(tls_options options) {
    if (auto right = options.check(); !right) return right.error();
    std::vector<tls_certificate> certificates = std::exchange(options.certificates, {});
    std::shared_ptr<tls_server_context> made(new tls_server_context(std::move(options)));
    if (auto loaded = made->reload(std::move(certificates)); !loaded) return loaded.error();
    return made;
}

result<std::shared_ptr<const tls_server_context::certificate_set>> tls_server_context::load(
    const std::vector<tls_certificate>& certificates) const {
    if (certificates.empty()) {
        return error(tls_errc::invalid_certificate, "TLS needs at least one certificate");
    }
    const auto set = std::make_shared<certificate_set>();
    set->alpn = alpn_wire_format(options_.alpn);
    set->unknown_name = options_.unknown_name;
    set->keys = keys_;
    for (const tls_certificate& certificate : certificates) {
        const auto loaded = load_certificate(certificate);
        if (!loaded) return loaded.error();
        if (auto added = set->add(*loaded, options_); !added) return added.error();
    }
    if (auto bound = set->bind_tickets(); !bound) return bound.error();
    return std::shared_ptr<const certificate_set>(set);
}

result<void> tls_server_context::reload() {
    std::vector<tls_certificate> same;
    {
        const std::lock_guard lock(mutex_);
        same = certificates_;
    }
    return reload(std::move(same));
}

result<void> tls_server_context::reload(std::vector<tls_certificate> certificates) {
    auto loaded = load(certificates);
    if (!loaded) return loaded.error();
    const std::lock_guard lock(mutex_);
    certificates_ = std::move(certificates);
    current_ = *std::move(loaded);
    return {};
}

result<std::unique_ptr<tls_session>> tls_server_context::make_session() const {
    std::shared_ptr<const certificate_set> set;
    {
        const std::lock_guard lock(mutex_);
        set = current_;
    }
    ERR_clear_error();
    const ssl_ptr ssl(SSL_new(set->contexts.front().get()));
    if (ssl == nullptr) return openssl_error(tls_errc::internal, "cannot make a TLS session");
    SSL_set_accept_state(ssl.get());
    return std::make_unique<tls_session>(ssl.get(), std::move(set));
}

namespace {

result<void> trust(SSL_CTX* ctx, std::string_view pem, const std::string& source) {
    const auto authorities = parse_certificates(pem, source);
    if (!authorities) return authorities.error();
    for (const x509_ptr& authority : *authorities) {
        if (X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), authority.get()) != 1) {
            return openssl_error(tls_errc::invalid_certificate, source + " is refused");
        }
    }
    return {};
}

result<void> set_trust(SSL_CTX* ctx, const tls_client_options& options) {
    if (options.verification == tls_verification::insecure_none) {
        SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, nullptr);
        return {};
    }
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, nullptr);
    if (options.system_cas && SSL_CTX_set_default_verify_paths(ctx) != 1) {
        return openssl_error(tls_errc::internal, "cannot read the CAs of the system");
    }
    if (!options.ca_file.empty()) {
        const std::string source = "CA file " + options.ca_file;
        const auto pem = read_pem_file(options.ca_file, source);
        if (!pem) return pem.error();
        if (auto trusted = trust(ctx, *pem, source); !trusted) return trusted;
    }
    if (!options.ca_pem.empty()) return trust(ctx, options.ca_pem, "CA PEM text");
    return {};
}

/// Makes the session expect a certificate for `host`, and send the name if it is one.
bool expect_host(SSL* ssl, std::string_view host) {
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    const std::string literal(host);
    std::array<unsigned char, sizeof(in6_addr)> address{};
    const auto expect_address = [&](std::size_t size) {
        return X509_VERIFY_PARAM_set1_ip(SSL_get0_param(ssl), address.data(), size) == 1;
    };
    if (inet_pton(AF_INET, literal.c_str(), address.data()) == 1) {
        return expect_address(sizeof(in_addr));
    }
    if (inet_pton(AF_INET6, literal.c_str(), address.data()) == 1) {
        return expect_address(sizeof(in6_addr));
    }
    auto name = normalize_host_name(host);
    if (!name || name->starts_with('.')) return false;
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set1_host(ssl, name->c_str()) == 1 &&
           SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name->data()) ==
               1;
}

}  // namespace

tls_client_context::tls_client_context(SSL_CTX* adopted) : ctx_(adopted, &SSL_CTX_free) {}

result<std::shared_ptr<tls_client_context>> tls_client_context::make(
    const tls_client_options& options) {
    if (auto right = options.check(); !right) return right.error();
    auto ctx = make_ssl_ctx(TLS_client_method());
    if (!ctx) return ctx.error();
    if (auto trusted = set_trust(ctx->get(), options); !trusted) return trusted.error();
    if (options.certificate) {
        const auto loaded = load_certificate(*options.certificate);
        if (!loaded) return loaded.error();
        if (auto used = use_certificate(ctx->get(), *loaded); !used) return used.error();
    }
    const std::string alpn = alpn_wire_format(options.alpn);
    // Unlike the rest of OpenSSL, this call returns 0 for success.
    if (!alpn.empty() && SSL_CTX_set_alpn_protos(ctx->get(), octets(alpn),
                                                 static_cast<unsigned>(alpn.size())) != 0) {
        return openssl_error(tls_errc::internal, "cannot set the ALPN names");
    }
    return std::shared_ptr<tls_client_context>(new tls_client_context(ctx->release()));
}

result<std::unique_ptr<tls_session>> tls_client_context::make_session(std::string_view host) const {
    ERR_clear_error();
    const ssl_ptr ssl(SSL_new(ctx_.get()));
    if (ssl == nullptr) return openssl_error(tls_errc::internal, "cannot make a TLS session");
    if (!expect_host(ssl.get(), host)) {
        ERR_clear_error();
        return error(errc::invalid_argument,
                     "\"" + std::string(host) + "\" is neither a host name nor an address");
    }
    SSL_set_connect_state(ssl.get());
    return std::make_unique<tls_session>(ssl.get(), nullptr);
}

}  // namespace weft::net
