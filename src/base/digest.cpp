// SHA-1 through OpenSSL's EVP interface. Fetching the algorithm costs more than hashing a handshake
// key, so it is done once per object, and so is making the context.

#include <openssl/evp.h>

#include "base/digest.hpp"

namespace weft {

void sha1_digest::free_algorithm::operator()(evp_md_st* algorithm) const noexcept {
    EVP_MD_free(algorithm);
}

void sha1_digest::free_context::operator()(evp_md_ctx_st* context) const noexcept {
    EVP_MD_CTX_free(context);
}

result<sha1_digest> sha1_digest::make() noexcept {
    sha1_digest made;
    made.algorithm_.reset(EVP_MD_fetch(nullptr, "SHA1", nullptr));
    made.context_.reset(EVP_MD_CTX_new());
    if (made.algorithm_ == nullptr || made.context_ == nullptr) return errc::not_supported;
    return made;
}

result<sha1_digest::value> sha1_digest::operator()(std::span<const byte_view> parts) noexcept {
    value digest{};
    bool ok = EVP_DigestInit_ex2(context_.get(), algorithm_.get(), nullptr) == 1;
    for (const byte_view part : parts) {
        ok = ok && EVP_DigestUpdate(context_.get(), part.data(), part.size()) == 1;
    }
    ok = ok && EVP_DigestFinal_ex(context_.get(), reinterpret_cast<unsigned char*>(digest.data()),
                                  nullptr) == 1;
    if (!ok) return errc::not_supported;
    return digest;
}

}  // namespace weft
