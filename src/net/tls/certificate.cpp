// Reads certificates and keys from PEM files or texts, and says in words what is wrong with them.
// Nothing is taken half: what is returned is a leaf with its chain, a key that belongs to the leaf,
// and the host names it serves. OpenSSL is never allowed to ask for a pass phrase on the terminal.

#include "net/tls/certificate.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <utility>

#include <openssl/err.h>
#include <openssl/pem.h>

namespace weft::net {
namespace {

constexpr std::size_t max_pem_size = 1024 * 1024;
constexpr std::size_t max_host_name = 253;

int refuse_pass_phrase(char*, int, int, void*) {
    return -1;
}

struct pem_text {
    std::string source;
    std::string text;
};

/// The text itself, or the content of the file, whichever was given.
result<pem_text> read_pem(std::string_view what, const std::string& file, const std::string& text,
                          tls_errc code) {
    if (file.empty() == text.empty()) {
        return error(code, "give either a " + std::string(what) + " file or its PEM text");
    }
    if (file.empty()) return pem_text{std::string(what) + " PEM text", text};
    std::string source = std::string(what) + " file " + file;
    auto content = read_pem_file(file, source);
    if (!content) return content.error();
    return pem_text{std::move(source), *std::move(content)};
}

bio_ptr open_text(std::string_view text) {
    return bio_ptr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

result<evp_pkey_ptr> parse_key(const pem_text& pem) {
    ERR_clear_error();
    const bio_ptr input = open_text(pem.text);
    evp_pkey_ptr key(PEM_read_bio_PrivateKey(input.get(), nullptr, refuse_pass_phrase, nullptr));
    if (key != nullptr) return key;
    if (pem.text.find("ENCRYPTED") != std::string::npos) {
        ERR_clear_error();
        return error(tls_errc::invalid_key,
                     pem.source + " is encrypted; store it without a pass phrase");
    }
    return openssl_error(tls_errc::invalid_key, pem.source + " holds no readable PEM private key");
}

std::vector<std::string> subject_names(X509* leaf) {
    std::vector<std::string> names;
    const general_names_ptr alternatives(static_cast<GENERAL_NAMES*>(
        X509_get_ext_d2i(leaf, NID_subject_alt_name, nullptr, nullptr)));
    for (int i = 0; i < sk_GENERAL_NAME_num(alternatives.get()); ++i) {
        const GENERAL_NAME* entry = sk_GENERAL_NAME_value(alternatives.get(), i);
        if (entry->type != GEN_DNS) continue;
        const std::string_view name(
            reinterpret_cast<const char*>(ASN1_STRING_get0_data(entry->d.dNSName)),
            static_cast<std::size_t>(ASN1_STRING_length(entry->d.dNSName)));
        if (auto normal = normalize_host_name(name)) names.push_back(*std::move(normal));
    }
    return names;
}

}  // namespace

std::optional<std::string> normalize_host_name(std::string_view name) {
    if (name.starts_with("*.")) name.remove_prefix(1);
    const bool wildcard = name.starts_with('.');
    if (name.ends_with('.')) name.remove_suffix(1);
    if (name.size() <= (wildcard ? 1U : 0U) || name.size() > max_host_name) return std::nullopt;
    std::string normal(name);
    for (char& c : normal) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
        const bool allowed =
            (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
        if (!allowed) return std::nullopt;
    }
    if (normal.find("..") != std::string::npos) return std::nullopt;
    return normal;
}

result<std::string> read_pem_file(const std::string& path, const std::string& source) {
    const auto failed = [&] {
        return error(std::error_code(errno, std::generic_category()), "cannot read " + source);
    };
    const std::unique_ptr<std::FILE, openssl_deleter<std::fclose>> file(
        std::fopen(path.c_str(), "rbe"));
    if (file == nullptr) return failed();
    std::string content(max_pem_size + 1, '\0');
    content.resize(std::fread(content.data(), 1, content.size(), file.get()));
    if (std::ferror(file.get()) != 0) return failed();
    if (content.size() > max_pem_size) {
        return error(errc::limit_exceeded, source + " is larger than 1 MiB");
    }
    return content;
}

result<std::vector<x509_ptr>> parse_certificates(std::string_view pem, const std::string& source) {
    if (pem.size() > max_pem_size) {
        return error(errc::limit_exceeded, source + " is larger than 1 MiB");
    }
    ERR_clear_error();
    std::vector<x509_ptr> certificates;
    const bio_ptr input = open_text(pem);
    while (
        x509_ptr next{PEM_read_bio_X509_AUX(input.get(), nullptr, refuse_pass_phrase, nullptr)}) {
        certificates.push_back(std::move(next));
    }
    // "No start line" is how the reading of a well-formed text ends.
    if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) {
        return openssl_error(tls_errc::invalid_certificate,
                             source + " is damaged after " + std::to_string(certificates.size()) +
                                 " readable certificates");
    }
    ERR_clear_error();
    if (certificates.empty()) {
        return error(tls_errc::invalid_certificate, source + " holds no PEM certificate");
    }
    return certificates;
}

result<loaded_certificate> load_certificate(const tls_certificate& source) {
    auto cert_pem =
        read_pem("certificate", source.cert_file, source.cert_pem, tls_errc::invalid_certificate);
    if (!cert_pem) return cert_pem.error();
    auto key_pem = read_pem("key", source.key_file, source.key_pem, tls_errc::invalid_key);
    if (!key_pem) return key_pem.error();

    auto certificates = parse_certificates(cert_pem->text, cert_pem->source);
    if (!certificates) return certificates.error();
    auto key = parse_key(*key_pem);
    OPENSSL_cleanse(key_pem->text.data(), key_pem->text.size());
    if (!key) return key.error();

    loaded_certificate loaded{
        cert_pem->source, std::move(certificates->front()), {}, *std::move(key), {}};
    certificates->erase(certificates->begin());
    loaded.chain = *std::move(certificates);
    if (X509_check_private_key(loaded.leaf.get(), loaded.key.get()) != 1) {
        ERR_clear_error();
        return error(
            tls_errc::invalid_key,
            key_pem->source + " does not belong to the first certificate of " + cert_pem->source);
    }
    if (source.host_names.empty()) loaded.names = subject_names(loaded.leaf.get());
    for (const std::string& name : source.host_names) {
        auto normal = normalize_host_name(name);
        if (!normal) {
            return error(errc::invalid_argument,
                         "host name \"" + name + "\" of " + cert_pem->source);
        }
        loaded.names.push_back(*std::move(normal));
    }
    return loaded;
}

}  // namespace weft::net
