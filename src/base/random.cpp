// A pool in front of OpenSSL's generator. A byte leaves the pool once and is wiped as it leaves, so
// that a later memory disclosure does not tell earlier keys.

#include <algorithm>
#include <cstring>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "base/random.hpp"

namespace weft {

bool random_pool::refill() noexcept {
    if (RAND_bytes(reinterpret_cast<unsigned char*>(pool_.data()),
                   static_cast<int>(pool_.size())) != 1) {
        return false;
    }
    left_ = pool_.size();
    return true;
}

void random_pool::wipe() noexcept {
    OPENSSL_cleanse(pool_.data(), pool_.size());
}

bool random_pool::fill(byte_span out) noexcept {
    while (!out.empty()) {
        if (left_ == 0 && !refill()) return false;
        const std::size_t now = std::min(out.size(), left_);
        std::byte* const from = pool_.data() + (pool_.size() - left_);
        std::memcpy(out.data(), from, now);
        std::memset(from, 0, now);
        left_ -= now;
        out = out.subspan(now);
    }
    return true;
}

std::optional<std::uint32_t> random_pool::next_u32() noexcept {
    std::uint32_t value;
    if (!fill({reinterpret_cast<std::byte*>(&value), sizeof value})) return std::nullopt;
    return value;
}

}  // namespace weft
