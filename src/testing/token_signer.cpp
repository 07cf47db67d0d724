// Tokens for tests and tools. The verifier has no code in common with this but the names of the
// algorithms: what one of them got wrong, the other would refuse.

#include <weft/testing/token_signer.hpp>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <array>
#include <climits>
#include <cstddef>
#include <utility>

#include <weft/base/base64.hpp>
#include <weft/base/json_writer.hpp>

#include "net/tls/openssl.hpp"

namespace weft {
namespace {

using auth::algorithm;
template <auto Free>
using free_by = net::openssl_deleter<Free>;
using big_number = std::unique_ptr<BIGNUM, free_by<BN_free>>;

enum class family { hmac, rsa, pss, ecdsa, eddsa };

struct traits {
    family kind;
    const char* digest;
    std::size_t coordinate;  // of ECDSA
};

traits traits_of(algorithm by) noexcept {
    switch (by) {
        case algorithm::hs256: return {family::hmac, "SHA256", 0};
        case algorithm::hs384: return {family::hmac, "SHA384", 0};
        case algorithm::hs512: return {family::hmac, "SHA512", 0};
        case algorithm::rs256: return {family::rsa, "SHA256", 0};
        case algorithm::rs384: return {family::rsa, "SHA384", 0};
        case algorithm::rs512: return {family::rsa, "SHA512", 0};
        case algorithm::ps256: return {family::pss, "SHA256", 0};
        case algorithm::ps384: return {family::pss, "SHA384", 0};
        case algorithm::ps512: return {family::pss, "SHA512", 0};
        case algorithm::es256: return {family::ecdsa, "SHA256", 32};
        case algorithm::es384: return {family::ecdsa, "SHA384", 48};
        case algorithm::eddsa: return {family::eddsa, nullptr, 0};
    }
    return {};
}

const unsigned char* bytes_of(std::string_view text) noexcept {
    return reinterpret_cast<const unsigned char*>(text.data());
}

unsigned char* bytes_of(std::string& text) noexcept {
    return reinterpret_cast<unsigned char*>(text.data());
}

error refused(std::string what) {
    ERR_clear_error();
    return {weft::errc::invalid_argument, std::move(what)};
}

/// A number as exactly `size` bytes.
std::string fixed(const BIGNUM* number, std::size_t size) {
    std::string out(size, '\0');
    BN_bn2binpad(number, bytes_of(out), static_cast<int>(size));
    return out;
}

std::string parameter(EVP_PKEY* key, const char* name, std::size_t size = 0) {
    BIGNUM* found = nullptr;
    if (EVP_PKEY_get_bn_param(key, name, &found) != 1) return {};
    const big_number number(found);
    return fixed(found, size != 0 ? size : static_cast<std::size_t>(BN_num_bytes(found)));
}

/// R and S one behind the other, of the DER that OpenSSL gives.
result<std::string> raw_ecdsa(const std::string& der, std::size_t size) {
    const unsigned char* at = bytes_of(std::string_view(der));
    const std::unique_ptr<ECDSA_SIG, free_by<ECDSA_SIG_free>> pair(
        d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())));
    if (pair == nullptr) return refused("OpenSSL made no signature");
    return fixed(ECDSA_SIG_get0_r(pair.get()), size) + fixed(ECDSA_SIG_get0_s(pair.get()), size);
}

result<std::string> sign_hmac(const std::string& secret, const char* digest,
                              std::string_view text) {
    std::string mac(EVP_MAX_MD_SIZE, '\0');
    unsigned size = 0;
    if (HMAC(EVP_get_digestbyname(digest), secret.data(), static_cast<int>(secret.size()),
             bytes_of(text), text.size(), bytes_of(mac), &size) == nullptr) {
        return refused("OpenSSL made no HMAC");
    }
    mac.resize(size);
    return mac;
}

result<std::string> sign_private(EVP_PKEY* key, const traits& how, std::string_view text) {
    const std::unique_ptr<EVP_MD_CTX, free_by<EVP_MD_CTX_free>> context(EVP_MD_CTX_new());
    EVP_PKEY_CTX* settings = nullptr;
    std::size_t size = 0;
    bool ok = EVP_DigestSignInit_ex(context.get(), &settings, how.digest, nullptr, nullptr, key,
                                    nullptr) == 1;
    if (ok && how.kind == family::pss) {
        ok = EVP_PKEY_CTX_set_rsa_padding(settings, RSA_PKCS1_PSS_PADDING) == 1 &&
             EVP_PKEY_CTX_set_rsa_pss_saltlen(settings, RSA_PSS_SALTLEN_DIGEST) == 1;
    }
    ok = ok && EVP_DigestSign(context.get(), nullptr, &size, bytes_of(text), text.size()) == 1;
    if (!ok) return refused("the key cannot sign this");
    std::string signature(size, '\0');
    if (EVP_DigestSign(context.get(), bytes_of(signature), &size, bytes_of(text), text.size()) !=
        1) {
        return refused("the key cannot sign this");
    }
    signature.resize(size);
    if (how.kind == family::ecdsa) return raw_ecdsa(signature, how.coordinate);
    return signature;
}

bool fits(EVP_PKEY* key, const traits& how) noexcept {
    switch (how.kind) {
        case family::hmac: return false;
        case family::rsa:
        case family::pss: return EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA;
        case family::ecdsa:
            return EVP_PKEY_get_base_id(key) == EVP_PKEY_EC &&
                   EVP_PKEY_get_bits(key) == static_cast<int>(how.coordinate * 8);
        case family::eddsa: return EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519;
    }
    return false;
}

}  // namespace

struct token_signer::signing_key {
    std::string secret;
    net::evp_pkey_ptr pair;  // null for a secret
};

std::string token_signer::base64url(std::string_view bytes) {
    std::string text = base64_encode(as_bytes(bytes));
    while (text.ends_with('=')) text.pop_back();
    for (char& c : text) c = c == '+' ? '-' : c == '/' ? '_' : c;
    return text;
}

token_signer token_signer::secret(std::string bytes) {
    auto made = std::make_shared<signing_key>();
    made->secret = std::move(bytes);
    return token_signer(std::move(made));
}

result<token_signer> token_signer::pem(std::string_view private_key) {
    if (private_key.size() > INT_MAX) return refused("the private key is too long");
    const net::bio_ptr in(
        BIO_new_mem_buf(private_key.data(), static_cast<int>(private_key.size())));
    const auto no_password = [](char*, int, int, void*) { return -1; };
    auto made = std::make_shared<signing_key>();
    made->pair.reset(PEM_read_bio_PrivateKey(in.get(), nullptr, no_password, nullptr));
    if (made->pair == nullptr) return refused("not a private key in PEM without a pass phrase");
    return token_signer(std::move(made));
}

result<token_signer> token_signer::generate(algorithm by) {
    const traits how = traits_of(by);
    if (how.kind == family::hmac) return refused("a secret is not generated here");
    auto made = std::make_shared<signing_key>();
    switch (how.kind) {
        case family::hmac: break;
        case family::rsa:
        case family::pss:
            made->pair.reset(EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", std::size_t{2048}));
            break;
        case family::ecdsa:
            made->pair.reset(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC",
                                               how.coordinate == 32 ? "P-256" : "P-384"));
            break;
        case family::eddsa: made->pair.reset(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")); break;
    }
    if (made->pair == nullptr) return refused("OpenSSL made no key");
    return token_signer(std::move(made));
}

result<std::string> token_signer::sign(algorithm by, std::string_view claims, std::string_view kid,
                                       std::string_view type) const {
    std::string header;
    json_writer json(header);
    json.begin_object();
    json.member("alg", to_string(by));
    if (!type.empty()) json.member("typ", type);
    if (!kid.empty()) json.member("kid", kid);
    json.end_object();
    return sign_with_header(by, header, claims);
}

result<std::string> token_signer::sign_with_header(algorithm by, std::string_view header,
                                                   std::string_view claims) const {
    const traits how = traits_of(by);
    const std::string text = base64url(header) + '.' + base64url(claims);
    const bool by_secret = key_->pair == nullptr;
    if (by_secret ? how.kind != family::hmac : !fits(key_->pair.get(), how)) {
        return refused("the key is not for " + std::string(to_string(by)));
    }
    auto signature = by_secret ? sign_hmac(key_->secret, how.digest, text)
                               : sign_private(key_->pair.get(), how, text);
    if (!signature) return signature.error();
    return text + '.' + base64url(*signature);
}

std::string token_signer::public_pem() const {
    if (key_->pair == nullptr) return {};
    const net::bio_ptr out(BIO_new(BIO_s_mem()));
    PEM_write_bio_PUBKEY(out.get(), key_->pair.get());
    char* text = nullptr;
    const long size = BIO_get_mem_data(out.get(), &text);
    return {text, static_cast<std::size_t>(size)};
}

std::string token_signer::jwk(algorithm by, std::string_view kid) const {
    const traits how = traits_of(by);
    EVP_PKEY* const pair = key_->pair.get();
    std::string out;
    json_writer json(out);
    const auto number = [&](std::string_view name, const std::string& bytes) {
        json.member(name, base64url(bytes));
    };
    json.begin_object();
    switch (how.kind) {
        case family::hmac:
            json.member("kty", "oct");
            number("k", key_->secret);
            break;
        case family::rsa:
        case family::pss:
            json.member("kty", "RSA");
            number("n", parameter(pair, OSSL_PKEY_PARAM_RSA_N));
            number("e", parameter(pair, OSSL_PKEY_PARAM_RSA_E));
            break;
        case family::ecdsa:
            json.member("kty", "EC");
            json.member("crv", how.coordinate == 32 ? "P-256" : "P-384");
            number("x", parameter(pair, OSSL_PKEY_PARAM_EC_PUB_X, how.coordinate));
            number("y", parameter(pair, OSSL_PKEY_PARAM_EC_PUB_Y, how.coordinate));
            break;
        case family::eddsa: {
            std::string x(32, '\0');
            std::size_t size = x.size();
            EVP_PKEY_get_raw_public_key(pair, bytes_of(x), &size);
            json.member("kty", "OKP");
            json.member("crv", "Ed25519");
            number("x", x);
            break;
        }
    }
    json.member("alg", to_string(by));
    json.member("use", "sig");
    if (!kid.empty()) json.member("kid", kid);
    json.end_object();
    return out;
}

}  // namespace weft
