// Any bytes as a key set, as PEM and as a secret. What is used of a set is within its limits, and
// does only what its type can do; loading it, with all of OpenSSL, is safe.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "auth/key.hpp"

namespace {

using namespace weft::auth;

void require(bool holds) {
    if (!holds) std::abort();
}

void check(const jwk& one) {
    const algorithm_set all = algorithms_of(one.type, one.first.size());
    bool any = false;
    for (unsigned i = 0; i <= static_cast<unsigned>(algorithm::eddsa); ++i) {
        const auto a = static_cast<algorithm>(i);
        require(!one.algorithms.has(a) || all.has(a));
        any |= one.algorithms.has(a);
    }
    require(any);
    require(!one.kid || one.kid->size() <= 64);
    switch (one.type) {
        case key_type::secret: require(one.first.size() >= 32); break;
        case key_type::rsa:
            require(one.first.size() >= min_rsa / 8 && one.first.size() <= max_rsa / 8);
            break;
        case key_type::p256: require(one.first.size() == 32 && one.second.size() == 32); break;
        case key_type::p384: require(one.first.size() == 48 && one.second.size() == 48); break;
        case key_type::ed25519: require(one.first.size() == 32); break;
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto set = parse_jwks(text)) {
        require(set->keys.size() + set->skipped <= jwk_set::max_keys);
        for (const jwk& one : set->keys) check(one);
        const auto loaded = load_jwks(text, jwks_secrets::used);
        require(loaded && loaded->keys.size() <= set->keys.size());
        for (const auto& one : loaded->keys) {
            for (const algorithm a : {algorithm::hs256, algorithm::rs256, algorithm::ps256,
                                      algorithm::es256, algorithm::eddsa}) {
                require(!one->verify(a, "a.b", "signature"));
            }
        }
    }
    const bool is_public = looks_public(text);
    if (const auto made = key::from_secret(text)) require(!is_public && size >= 32);
    if (const auto made = key::from_pem(text)) {
        require((*made)->type() != key_type::secret && is_public);
    }
    return 0;
}
