// Ticket keys (RFC 5077, section 4): AES-256-CBC with HMAC-SHA256, encrypt-then-MAC done by
// OpenSSL. Rotation is lazy: the first ticket after a key's time makes the next key. Whether a key
// may still open is judged by its age and not by its place, so a server that was idle for a week
// honours nothing from before.

#include "net/tls/ticket_keys.hpp"

#include <algorithm>
#include <utility>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>
#include <openssl/rand.h>

namespace weft::net {
namespace {

bool set_mac_key(EVP_MAC_CTX* mac, std::array<unsigned char, 32>& secret) noexcept {
    char digest[] = "SHA256";
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, secret.data(), secret.size()),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end()};
    return EVP_MAC_CTX_set_params(mac, params) == 1;
}

}  // namespace

ticket_keys::~ticket_keys() {
    wipe(current_);
    wipe(previous_);
}

bool ticket_keys::seal(unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                       EVP_MAC_CTX* mac, time_point now) noexcept {
    const std::lock_guard lock(mutex_);
    if (!make_current_fresh(now)) return false;
    std::copy(current_->name.begin(), current_->name.end(), name);
    return RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) == 1 &&
           EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), nullptr, current_->cipher.data(), iv) ==
               1 &&
           set_mac_key(mac, current_->mac);
}

ticket_keys::opened ticket_keys::open(const unsigned char* name, const unsigned char* iv,
                                      EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac,
                                      time_point now) noexcept {
    const std::lock_guard lock(mutex_);
    const bool by_current = usable(current_, name, now);
    if (!by_current && !usable(previous_, name, now)) return opened::unknown;
    key& found = by_current ? *current_ : *previous_;
    if (EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), nullptr, found.cipher.data(), iv) != 1 ||
        !set_mac_key(mac, found.mac)) {
        return opened::unknown;
    }
    return by_current && now - found.born < rotation_ ? opened::current : opened::previous;
}

bool ticket_keys::make_current_fresh(time_point now) noexcept {
    if (current_ && now - current_->born < rotation_) return true;
    key fresh;
    fresh.born = now;
    if (RAND_bytes(fresh.name.data(), static_cast<int>(fresh.name.size())) != 1 ||
        RAND_priv_bytes(fresh.cipher.data(), static_cast<int>(fresh.cipher.size())) != 1 ||
        RAND_priv_bytes(fresh.mac.data(), static_cast<int>(fresh.mac.size())) != 1) {
        return false;
    }
    wipe(previous_);
    previous_ = current_;
    wipe(current_);
    current_ = fresh;
    OPENSSL_cleanse(&fresh, sizeof fresh);
    return true;
}

bool ticket_keys::usable(const std::optional<key>& candidate, const unsigned char* name,
                         time_point now) const noexcept {
    return candidate && now - candidate->born < 2 * rotation_ &&
           std::equal(candidate->name.begin(), candidate->name.end(), name);
}

void ticket_keys::wipe(std::optional<key>& dead) noexcept {
    if (dead) OPENSSL_cleanse(&*dead, sizeof *dead);
    dead.reset();
}

}  // namespace weft::net
