// Proofs of nodes, by OpenSSL.

#include "cluster/nodes/secret.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <climits>

namespace weft::cluster::nodes {

std::optional<shared_secret::proof> shared_secret::sign(std::string_view text) const noexcept {
    if (bytes_.size() > INT_MAX) return std::nullopt;
    proof made{};
    unsigned size = 0;
    const auto* const data = reinterpret_cast<const unsigned char*>(text.data());
    if (HMAC(EVP_sha256(), bytes_.data(), static_cast<int>(bytes_.size()), data, text.size(),
             reinterpret_cast<unsigned char*>(made.data()), &size) == nullptr ||
        size != made.size())
        return std::nullopt;
    return made;
}

bool shared_secret::is_proof(std::string_view given, std::string_view text) const noexcept {
    const auto right = sign(text);
    return right && given.size() == right->size() &&
           CRYPTO_memcmp(given.data(), right->data(), right->size()) == 0;
}

}  // namespace weft::cluster::nodes
