// Keys by OpenSSL's EVP interface. Invariant: a key does what its type can do, and `verify` asks
// for that before anything else. Signatures have exactly one form: R and S of ECDSA have fixed
// sizes and are below the order of the curve, RSA signatures are as long as the key, the salt of
// PSS as long as the digest.

#include "auth/key.hpp"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <algorithm>
#include <climits>
#include <cstdint>
#include <cstring>
#include <utility>

#include <weft/base/base64.hpp>
#include <weft/base/json_reader.hpp>

#include "net/tls/openssl.hpp"

namespace weft::auth {
namespace {

template <auto Free>
using free_by = net::openssl_deleter<Free>;
using big_number = std::unique_ptr<BIGNUM, free_by<BN_free>>;
using digest_context = std::unique_ptr<EVP_MD_CTX, free_by<EVP_MD_CTX_free>>;
using key_context = std::unique_ptr<EVP_PKEY_CTX, free_by<EVP_PKEY_CTX_free>>;

constexpr std::size_t max_digest = 64;
constexpr std::string_view blanks = " \t\r\n\v\f";

/// What failed is left in the thread's queue of errors, where TLS would find it.
struct error_scope {
    error_scope() noexcept { ERR_set_mark(); }
    error_scope(const error_scope&) = delete;
    error_scope& operator=(const error_scope&) = delete;
    ~error_scope() { ERR_pop_to_mark(); }
};

const unsigned char* bytes_of(std::string_view text) noexcept {
    return reinterpret_cast<const unsigned char*>(text.data());
}

/// 0, 1, 2 for the digests of 256, 384 and 512 bits.
std::size_t strength_of(algorithm a) noexcept {
    switch (a) {
        case algorithm::hs256:
        case algorithm::rs256:
        case algorithm::ps256:
        case algorithm::es256: return 0;
        case algorithm::hs384:
        case algorithm::rs384:
        case algorithm::ps384:
        case algorithm::es384: return 1;
        case algorithm::hs512:
        case algorithm::rs512:
        case algorithm::ps512:
        case algorithm::eddsa: return 2;
    }
    return 0;
}

constexpr std::array<const char*, 3> digest_names{"SHA256", "SHA384", "SHA512"};
constexpr std::array<algorithm, 3> mac_algorithms{algorithm::hs256, algorithm::hs384,
                                                  algorithm::hs512};

bool is_pss(algorithm a) noexcept {
    return a == algorithm::ps256 || a == algorithm::ps384 || a == algorithm::ps512;
}

EVP_MAC* hmac() noexcept {
    static EVP_MAC* const fetched = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
    return fetched;
}

error unusable(std::string_view what) {
    return {weft::errc::invalid_argument, "a key: " + std::string(what)};
}

// The orders of the curves (SEC 2, sections 2.4.2 and 2.5.1).
constexpr std::array<unsigned char, 32> p256_order{
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};
constexpr std::array<unsigned char, 48> p384_order{
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xc7, 0x63, 0x4d, 0x81, 0xf4, 0x37, 0x2d, 0xdf,
    0x58, 0x1a, 0x0d, 0xb2, 0x48, 0xb0, 0xa7, 0x7a, 0xec, 0xec, 0x19, 0x6a, 0xcc, 0xc5, 0x29, 0x73};

/// R and S as the DER that OpenSSL takes.
class ecdsa_signature {
public:
    /// False unless both are as long as the curve's order, above 0 and below it.
    bool set(std::string_view raw, const unsigned char* order, std::size_t size) noexcept {
        if (raw.size() != 2 * size) return false;
        der_[0] = 0x30;
        size_ = 2;
        for (const unsigned char* number = bytes_of(raw); number != bytes_of(raw) + raw.size();
             number += size) {
            if (std::memcmp(number, order, size) >= 0 || !add(number, size)) return false;
        }
        der_[1] = static_cast<unsigned char>(size_ - 2);  // below 128 for both curves
        return true;
    }
    [[nodiscard]] std::string_view text() const noexcept {
        return {reinterpret_cast<const char*>(der_.data()), size_};
    }

private:
    /// Appends a number in its shortest form. False for 0.
    bool add(const unsigned char* number, std::size_t size) noexcept {
        const unsigned char* const end = number + size;
        number = std::find_if(number, end, [](unsigned char c) { return c != 0; });
        if (number == end) return false;
        const bool padded = (*number & 0x80) != 0;  // it is not negative
        der_[size_++] = 0x02;
        der_[size_++] = static_cast<unsigned char>(end - number + (padded ? 1 : 0));
        if (padded) der_[size_++] = 0;
        std::memcpy(der_.data() + size_, number, static_cast<std::size_t>(end - number));
        size_ += static_cast<std::size_t>(end - number);
        return true;
    }

    std::array<unsigned char, 2 + 2 * (2 + 1 + 48)> der_;
    std::size_t size_ = 0;
};

std::string_view trimmed(std::string_view text) noexcept {
    const std::size_t first = text.find_first_not_of(blanks);
    if (first == text.npos) return {};
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

bool is_public_der(std::string_view der) noexcept {
    if (der.size() > LONG_MAX) return false;
    const unsigned char* at = bytes_of(der);
    return net::evp_pkey_ptr(d2i_PUBKEY(nullptr, &at, static_cast<long>(der.size()))) != nullptr;
}

std::string without_blanks(std::string_view text) {
    std::string kept(text);
    std::erase_if(kept, [](char c) { return blanks.find(c) != blanks.npos; });
    return kept;
}

/// The label of the only PEM block in the text; empty if there is none, or more.
std::string_view pem_label(std::string_view text) noexcept {
    constexpr std::string_view begin = "-----BEGIN ";
    constexpr std::string_view dashes = "-----";
    text = trimmed(text);
    if (!text.starts_with(begin) || !text.ends_with(dashes)) return {};
    if (text.find(begin, 1) != text.npos) return {};
    text.remove_prefix(begin.size());
    return text.substr(0, text.find(dashes));
}

EVP_PKEY* read_pem(std::string_view text, bool certificate) noexcept {
    text = trimmed(text);
    if (text.size() > INT_MAX) return nullptr;
    const net::bio_ptr in(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
    if (in == nullptr) return nullptr;
    // OpenSSL's own callback would ask the terminal.
    const auto no_password = [](char*, int, int, void*) { return -1; };
    if (!certificate) return PEM_read_bio_PUBKEY(in.get(), nullptr, no_password, nullptr);
    const net::x509_ptr found(PEM_read_bio_X509(in.get(), nullptr, no_password, nullptr));
    return found == nullptr ? nullptr : X509_get_pubkey(found.get());
}

EVP_PKEY* make_rsa(const jwk& from) noexcept {
    const big_number n(
        BN_bin2bn(bytes_of(from.first), static_cast<int>(from.first.size()), nullptr));
    const big_number e(
        BN_bin2bn(bytes_of(from.second), static_cast<int>(from.second.size()), nullptr));
    const std::unique_ptr<OSSL_PARAM_BLD, free_by<OSSL_PARAM_BLD_free>> builder(
        OSSL_PARAM_BLD_new());
    if (n == nullptr || e == nullptr || builder == nullptr ||
        OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) != 1 ||
        OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) != 1) {
        return nullptr;
    }
    const std::unique_ptr<OSSL_PARAM, free_by<OSSL_PARAM_free>> params(
        OSSL_PARAM_BLD_to_param(builder.get()));
    const key_context context(EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr));
    EVP_PKEY* made = nullptr;
    if (params == nullptr || context == nullptr || EVP_PKEY_fromdata_init(context.get()) != 1 ||
        EVP_PKEY_fromdata(context.get(), &made, EVP_PKEY_PUBLIC_KEY, params.get()) != 1) {
        return nullptr;
    }
    return made;
}

EVP_PKEY* make_ec(const jwk& from) {
    std::string point = '\x04' + from.first + from.second;  // uncompressed
    std::string group = from.type == key_type::p256 ? "prime256v1" : "secp384r1";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group.data(), 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()),
        OSSL_PARAM_construct_end()};
    const key_context context(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
    EVP_PKEY* made = nullptr;
    if (context == nullptr || EVP_PKEY_fromdata_init(context.get()) != 1 ||
        EVP_PKEY_fromdata(context.get(), &made, EVP_PKEY_PUBLIC_KEY, params) != 1) {
        return nullptr;
    }
    return made;
}

EVP_PKEY* make_public(const jwk& from) {
    switch (from.type) {
        case key_type::secret: return nullptr;
        case key_type::rsa: return make_rsa(from);
        case key_type::p256:
        case key_type::p384: return make_ec(from);
        case key_type::ed25519:
            return EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytes_of(from.first),
                                               from.first.size());
    }
    return nullptr;
}

/// What a key of OpenSSL is to us; nothing for those we do not use.
std::optional<key_type> type_of(EVP_PKEY* k) noexcept {
    switch (EVP_PKEY_get_base_id(k)) {
        case EVP_PKEY_RSA: return key_type::rsa;
        case EVP_PKEY_ED25519: return key_type::ed25519;
        case EVP_PKEY_EC: break;
        default: return std::nullopt;
    }
    std::array<char, 32> group{};
    if (EVP_PKEY_get_group_name(k, group.data(), group.size(), nullptr) != 1) return std::nullopt;
    const std::string_view name = group.data();
    if (name == "prime256v1") return key_type::p256;
    if (name == "secp384r1") return key_type::p384;
    return std::nullopt;
}

/// Whether the point is on its curve, and not infinity.
bool is_good_point(EVP_PKEY* k) noexcept {
    const key_context context(EVP_PKEY_CTX_new_from_pkey(nullptr, k, nullptr));
    return context != nullptr && EVP_PKEY_public_check(context.get()) == 1;
}

}  // namespace

void key::free_key::operator()(evp_pkey_st* k) const noexcept {
    EVP_PKEY_free(k);
}

void key::free_mac::operator()(evp_mac_ctx_st* m) const noexcept {
    EVP_MAC_CTX_free(m);
}

bool looks_public(std::string_view secret) {
    const error_scope errors;
    if (secret.find("-----BEGIN ") != secret.npos) return true;
    const std::string_view text = trimmed(secret);
    for (const std::string_view ssh : {"ssh-", "ecdsa-sha2-"}) {
        if (text.starts_with(ssh)) return true;
    }
    json_reader json(text);
    if (json.peek() == json_kind::object && json.skip() && json.finish()) return true;
    if (is_public_der(secret)) return true;
    const std::string base64 = without_blanks(text);
    std::vector<std::byte> der(base64.size());
    const auto size = base64_decode(base64, der);
    return size && is_public_der(as_text(byte_view(der).first(*size)));
}

result<void> key::set_secret(std::string_view bytes) {
    const error_scope errors;
    if (hmac() == nullptr) return unusable("OpenSSL has no HMAC to offer");
    for (std::size_t i = 0; i < macs_.size(); ++i) {
        if (!algorithms_.has(mac_algorithms[i])) continue;
        std::string digest = digest_names[i];
        const OSSL_PARAM params[] = {
            OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), 0),
            OSSL_PARAM_construct_end()};
        macs_[i].prepared.reset(EVP_MAC_CTX_new(hmac()));
        if (macs_[i].prepared == nullptr ||
            EVP_MAC_init(macs_[i].prepared.get(), bytes_of(bytes), bytes.size(), params) != 1) {
            return unusable("OpenSSL refuses the secret");
        }
    }
    return {};
}

result<std::shared_ptr<const key>> key::from_secret(std::string_view bytes) {
    if (looks_public(bytes)) {
        return unusable("the secret is a public key or a certificate, which anybody may have");
    }
    const std::shared_ptr<key> made(new key);
    made->algorithms_ = algorithms_of(key_type::secret, bytes.size());
    if (made->algorithms_.empty()) {
        return unusable("the secret has " + std::to_string(bytes.size()) +
                        " bytes: it must have at least 32");
    }
    if (auto set = made->set_secret(bytes); !set) return set.error();
    return std::shared_ptr<const key>(made);
}

result<std::shared_ptr<const key>> key::from_pem(std::string_view text) {
    const error_scope errors;
    const std::string_view label = pem_label(text);
    if (label.find("PRIVATE") != label.npos) {
        return unusable("the PEM text is a private key: give the public one");
    }
    if (label != "PUBLIC KEY" && label != "CERTIFICATE") {
        return unusable("the PEM text must be one block, PUBLIC KEY or CERTIFICATE");
    }
    public_key made(read_pem(text, label == "CERTIFICATE"));
    if (made == nullptr) return unusable("the PEM text cannot be read");
    return adopt(std::move(made));
}

result<std::shared_ptr<const key>> key::from_jwk(const jwk& from) {
    const error_scope errors;
    std::shared_ptr<key> made;
    if (from.type == key_type::secret) {
        made.reset(new key);
        made->algorithms_ = from.algorithms;
        if (looks_public(from.first)) return unusable("k is a public key, which anybody may have");
        if (auto set = made->set_secret(from.first); !set) return set.error();
    } else {
        auto adopted = adopt(public_key(make_public(from)));
        if (!adopted) return adopted.error();
        made = std::const_pointer_cast<key>(*adopted);
        made->algorithms_ = from.algorithms;
    }
    made->kid_ = from.kid;
    return std::shared_ptr<const key>(made);
}

result<std::shared_ptr<const key>> key::adopt(public_key made) {
    if (made == nullptr) return unusable("OpenSSL refuses it");
    const auto type = type_of(made.get());
    if (!type) return unusable("it must be RSA, on P-256 or P-384, or Ed25519");
    const auto bits = static_cast<std::size_t>(std::max(EVP_PKEY_get_bits(made.get()), 0));
    if (*type == key_type::rsa && (bits < min_rsa || bits > max_rsa)) {
        return unusable("RSA of " + std::to_string(bits) + " bits: it must have 2048 to 8192");
    }
    if ((*type == key_type::p256 || *type == key_type::p384) && !is_good_point(made.get())) {
        return unusable("its point is not on its curve");
    }
    const std::shared_ptr<key> adopted(new key);
    adopted->type_ = *type;
    adopted->algorithms_ = algorithms_of(*type);
    adopted->public_ = std::move(made);
    return std::shared_ptr<const key>(adopted);
}

bool key::verify(algorithm by, std::string_view text, std::string_view signature) const {
    if (!algorithms_.has(by)) return false;
    const error_scope errors;
    return type_ == key_type::secret ? verify_mac(by, text, signature)
                                     : verify_public(by, text, signature);
}

key::mac_context key::mac_pool::take() const {
    {
        const std::lock_guard lock(mutex);
        if (!idle.empty()) {
            mac_context found = std::move(idle.back());
            idle.pop_back();
            return found;
        }
    }
    return mac_context(EVP_MAC_CTX_dup(prepared.get()));
}

void key::mac_pool::give(mac_context used) const {
    constexpr std::size_t most = 16;
    const std::lock_guard lock(mutex);
    if (idle.size() < most) idle.push_back(std::move(used));
}

bool key::verify_mac(algorithm by, std::string_view text, std::string_view mac) const {
    const mac_pool& pool = macs_[strength_of(by)];
    if (pool.prepared == nullptr) return false;
    mac_context context = pool.take();
    std::array<unsigned char, max_digest> right;
    std::size_t size = 0;
    if (context == nullptr || EVP_MAC_init(context.get(), nullptr, 0, nullptr) != 1 ||
        EVP_MAC_update(context.get(), bytes_of(text), text.size()) != 1 ||
        EVP_MAC_final(context.get(), right.data(), &size, right.size()) != 1) {
        return false;
    }
    pool.give(std::move(context));
    return mac.size() == size && CRYPTO_memcmp(mac.data(), right.data(), size) == 0;
}

bool key::verify_public(algorithm by, std::string_view text,
                        std::string_view signature) const noexcept {
    ecdsa_signature der;
    if (by == algorithm::es256) {
        if (!der.set(signature, p256_order.data(), p256_order.size())) return false;
        signature = der.text();
    } else if (by == algorithm::es384) {
        if (!der.set(signature, p384_order.data(), p384_order.size())) return false;
        signature = der.text();
    } else if (signature.size() != static_cast<std::size_t>(EVP_PKEY_get_size(public_.get()))) {
        return false;
    }
    thread_local const digest_context context(EVP_MD_CTX_new());
    if (context == nullptr) return false;
    EVP_PKEY_CTX* settings = nullptr;  // the context's
    const char* const digest = by == algorithm::eddsa ? nullptr : digest_names[strength_of(by)];
    bool ok = EVP_DigestVerifyInit_ex(context.get(), &settings, digest, nullptr, nullptr,
                                      public_.get(), nullptr) == 1;
    if (ok && is_pss(by)) {
        ok = EVP_PKEY_CTX_set_rsa_padding(settings, RSA_PKCS1_PSS_PADDING) == 1 &&
             EVP_PKEY_CTX_set_rsa_pss_saltlen(settings, RSA_PSS_SALTLEN_DIGEST) == 1;
    }
    ok = ok && EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(),
                                bytes_of(text), text.size()) == 1;
    EVP_MD_CTX_reset(context.get());  // it would keep the key
    return ok;
}

result<key_set> load_jwks(std::string_view json, jwks_secrets secrets) {
    auto parsed = parse_jwks(json);
    if (!parsed) return parsed.error();
    key_set made;
    made.skipped = parsed->skipped;
    made.why_skipped = std::move(parsed->why_skipped);
    const auto skip = [&made](std::string why) {
        if (made.skipped++ == 0) made.why_skipped = std::move(why);
    };
    for (const jwk& one : parsed->keys) {
        if (one.type == key_type::secret && secrets == jwks_secrets::skipped) {
            skip("a secret that is published");
        } else if (auto loaded = key::from_jwk(one)) {
            made.keys.push_back(*std::move(loaded));
        } else {
            skip(loaded.error().what());
        }
    }
    return made;
}

}  // namespace weft::auth
