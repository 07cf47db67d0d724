#pragma once

#include <memory>
#include <string>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <weft/base/error.hpp>

namespace weft::net {

template <auto Free>
struct openssl_deleter {
    template <class T>
    void operator()(T* object) const noexcept {
        Free(object);
    }
};

using bio_ptr = std::unique_ptr<BIO, openssl_deleter<BIO_free>>;
using evp_pkey_ptr = std::unique_ptr<EVP_PKEY, openssl_deleter<EVP_PKEY_free>>;
using x509_ptr = std::unique_ptr<X509, openssl_deleter<X509_free>>;
using ssl_ctx_ptr = std::unique_ptr<SSL_CTX, openssl_deleter<SSL_CTX_free>>;
using ssl_ptr = std::unique_ptr<SSL, openssl_deleter<SSL_free>>;
using general_names_ptr = std::unique_ptr<GENERAL_NAMES, openssl_deleter<GENERAL_NAMES_free>>;

/// What went wrong, from this thread's OpenSSL error queue, which is emptied: the oldest error of
/// the TLS library, else the oldest of all; 0 when there is none. (Later ones are consequences.)
unsigned long take_openssl_error() noexcept;

/// OpenSSL's words for an error. **Lifetime**: the process's.
const char* openssl_reason(unsigned long code) noexcept;

/// "what (reason of OpenSSL)" under `code`, and empties the queue.
error openssl_error(std::error_code code, const std::string& what);

}  // namespace weft::net
