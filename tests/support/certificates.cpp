// Certificates for tests, made when the test runs: no key is ever stored.

#include "support/certificates.hpp"

#include <cstdio>
#include <cstdlib>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

namespace weft::testing {
namespace {

template <auto Free>
struct deleter {
    template <class T>
    void operator()(T* object) const {
        Free(object);
    }
};
using bio = std::unique_ptr<BIO, deleter<BIO_free>>;
using pkey = std::unique_ptr<EVP_PKEY, deleter<EVP_PKEY_free>>;
using x509 = std::unique_ptr<X509, deleter<X509_free>>;

void need(bool ok, const char* what) {
    if (ok) return;
    std::fprintf(stderr, "cannot make a test certificate: %s\n", what);
    std::abort();
}

pkey make_key(key_kind kind) {
    pkey key(kind == key_kind::ecdsa_p256
                 ? EVP_EC_gen("P-256")
                 : EVP_RSA_gen(kind == key_kind::rsa_2048 ? 2048U : 1024U));
    need(key != nullptr, "key");
    return key;
}

std::string text_of(BIO* memory) {
    char* data = nullptr;
    const auto size = BIO_ctrl(memory, BIO_CTRL_INFO, 0, static_cast<void*>(&data));
    return {data, static_cast<std::size_t>(size)};
}

std::string to_pem(X509* certificate) {
    const bio memory(BIO_new(BIO_s_mem()));
    need(PEM_write_bio_X509(memory.get(), certificate) == 1, "certificate PEM");
    return text_of(memory.get());
}

std::string to_pem(EVP_PKEY* key) {
    const bio memory(BIO_new(BIO_s_mem()));
    need(PEM_write_bio_PrivateKey(memory.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1,
         "key PEM");
    return text_of(memory.get());
}

void extend(X509* certificate, int nid, const std::string& value) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, nid, value.c_str());
    need(extension != nullptr && X509_add_ext(certificate, extension, -1) == 1, value.c_str());
    X509_EXTENSION_free(extension);
}

x509 make_certificate(const std::string& common_name, EVP_PKEY* key, int from_days, int to_days) {
    static long serial = 1;
    constexpr long day = 24L * 60 * 60;
    x509 made(X509_new());
    X509_set_version(made.get(), X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(made.get()), serial++);
    X509_gmtime_adj(X509_getm_notBefore(made.get()), from_days * day);
    X509_gmtime_adj(X509_getm_notAfter(made.get()), to_days * day);
    X509_set_pubkey(made.get(), key);
    const auto* text = reinterpret_cast<const unsigned char*>(common_name.c_str());
    X509_NAME_add_entry_by_txt(X509_get_subject_name(made.get()), "CN", MBSTRING_UTF8, text, -1, -1,
                               0);
    return made;
}

}  // namespace

struct certificate_authority::identity {
    pkey key;
    x509 certificate;
};

certificate_authority::certificate_authority(const std::string& name) {
    pkey key = make_key(key_kind::ecdsa_p256);
    x509 root = make_certificate(name, key.get(), -2, 365);
    X509_set_issuer_name(root.get(), X509_get_subject_name(root.get()));
    extend(root.get(), NID_basic_constraints, "critical,CA:TRUE");
    extend(root.get(), NID_key_usage, "critical,keyCertSign");
    need(X509_sign(root.get(), key.get(), EVP_sha256()) != 0, "signature");
    pem_ = to_pem(root.get());
    self_ = std::make_unique<identity>(identity{std::move(key), std::move(root)});
}

certificate_authority::~certificate_authority() = default;

issued_certificate certificate_authority::issue(const certificate_spec& spec) const {
    const pkey key = make_key(spec.key);
    const x509 leaf = make_certificate(spec.names.empty() ? "leaf" : spec.names.front(), key.get(),
                                       spec.valid_from_days, spec.valid_to_days);
    X509_set_issuer_name(leaf.get(), X509_get_subject_name(self_->certificate.get()));
    std::string alternatives;
    for (const std::string& name : spec.names) alternatives += ",DNS:" + name;
    for (const std::string& address : spec.addresses) alternatives += ",IP:" + address;
    if (!alternatives.empty()) extend(leaf.get(), NID_subject_alt_name, alternatives.substr(1));
    need(X509_sign(leaf.get(), self_->key.get(), EVP_sha256()) != 0, "signature");
    return {to_pem(leaf.get()), to_pem(key.get())};
}

std::string encrypt_key(const std::string& key_pem, const std::string& pass_phrase) {
    const bio input(BIO_new_mem_buf(key_pem.data(), static_cast<int>(key_pem.size())));
    const pkey key(PEM_read_bio_PrivateKey(input.get(), nullptr, nullptr, nullptr));
    const bio output(BIO_new(BIO_s_mem()));
    need(key != nullptr && PEM_write_bio_PKCS8PrivateKey(
                               output.get(), key.get(), EVP_aes_128_cbc(), pass_phrase.data(),
                               static_cast<int>(pass_phrase.size()), nullptr, nullptr) == 1,
         "encrypted key");
    return text_of(output.get());
}

}  // namespace weft::testing
