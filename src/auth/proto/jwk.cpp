// JWK Sets. Invariant: a key is used as a whole or not at all; whatever is unknown, contradictory
// or weak about it makes it one that was skipped. Its type comes from `kty` and `crv`, and what it
// can do from its type: no `alg` can make a secret of a public key.

#include "auth/proto/jwk.hpp"

#include <bit>
#include <utility>

#include "auth/proto/base64url.hpp"
#include "auth/proto/strict_object.hpp"
#include "auth/proto/token.hpp"

namespace weft::auth {
namespace {

constexpr std::size_t max_depth = 16;
constexpr std::size_t max_exponent = 8;  // bytes; a long one makes each verification slow

/// The members of a JWK that count, as they stand there.
struct members {
    std::optional<std::string> kty, crv, use, alg, kid, k, n, e, x, y;
    std::optional<std::vector<std::string>> key_ops;
    bool is_private = false;
    bool mistyped = false;

    std::optional<std::string>* text_of(std::string_view name) noexcept {
        if (name == "kty") return &kty;
        if (name == "crv") return &crv;
        if (name == "use") return &use;
        if (name == "alg") return &alg;
        if (name == "kid") return &kid;
        if (name == "k") return &k;
        if (name == "n") return &n;
        if (name == "e") return &e;
        if (name == "x") return &x;
        if (name == "y") return &y;
        return nullptr;
    }
    void take(std::string_view name, json_reader& json) {
        if (name == "d" || name == "p" || name == "q") is_private = true;
        if (name == "key_ops") {
            auto& all = key_ops.emplace();
            json.begin_array();
            while (json.next_element() && json.read(all.emplace_back())) {
            }
            mistyped |= !json.ok();
        } else if (auto* const text = text_of(name)) {
            mistyped |= !json.read(text->emplace());
        }
    }
};

std::string without_zeros(const std::string& number) {
    const std::size_t first = number.find_first_not_of('\0');
    return first == number.npos ? std::string() : number.substr(first);
}

std::size_t bits_of(const std::string& number) noexcept {
    if (number.empty()) return 0;
    return number.size() * 8 -
           static_cast<std::size_t>(std::countl_zero(static_cast<unsigned char>(number.front())));
}

bool is_odd(const std::string& number) noexcept {
    return !number.empty() && (static_cast<unsigned char>(number.back()) & 1U) != 0;
}

std::optional<std::string> decode(const std::optional<std::string>& text) {
    return text ? base64url_decode(*text) : std::nullopt;
}

/// Exactly `size` bytes, or nothing: a coordinate is never shortened (RFC 7518 section 6.2.1.2).
std::optional<std::string> decode(const std::optional<std::string>& text, std::size_t size) {
    auto bytes = decode(text);
    if (bytes && bytes->size() != size) bytes.reset();
    return bytes;
}

/// Sets type, bytes and what they allow; returns what is wrong, or nothing.
std::string_view set_secret(const members& from, jwk& key) {
    auto bytes = decode(from.k);
    if (!bytes) return "k is missing or no base64url";
    if (!from.alg) return "a key of type oct needs an alg";
    key.type = key_type::secret;
    key.first = *std::move(bytes);
    return {};
}

std::string_view set_rsa(const members& from, jwk& key) {
    const auto n = decode(from.n);
    const auto e = decode(from.e);
    if (!n || !e) return "n or e is missing or no base64url";
    key.type = key_type::rsa;
    key.first = without_zeros(*n);
    key.second = without_zeros(*e);
    if (bits_of(key.first) < min_rsa) return "RSA with less than 2048 bits";
    if (bits_of(key.first) > max_rsa) return "RSA with more than 8192 bits";
    if (!is_odd(key.first) || !is_odd(key.second) || bits_of(key.second) < 2 ||
        key.second.size() > max_exponent) {
        return "n or e cannot be that of an RSA key";
    }
    return {};
}

std::string_view set_ec(const members& from, jwk& key) {
    if (from.crv != "P-256" && from.crv != "P-384") return "a curve other than P-256 and P-384";
    key.type = from.crv == "P-256" ? key_type::p256 : key_type::p384;
    const std::size_t size = key.type == key_type::p256 ? 32 : 48;
    auto x = decode(from.x, size);
    auto y = decode(from.y, size);
    if (!x || !y) return "x or y is missing or not of the curve's size";
    key.first = *std::move(x);
    key.second = *std::move(y);
    return {};
}

std::string_view set_okp(const members& from, jwk& key) {
    if (from.crv != "Ed25519") return "a curve other than Ed25519";
    auto x = decode(from.x, 32);
    if (!x) return "x is missing or has not 32 bytes";
    key.type = key_type::ed25519;
    key.first = *std::move(x);
    return {};
}

std::string_view set_material(const members& from, jwk& key) {
    if (from.kty == "oct") return set_secret(from, key);
    if (from.is_private) return "a private key: publish the public one";
    if (from.kty == "RSA") return set_rsa(from, key);
    if (from.kty == "EC") return set_ec(from, key);
    if (from.kty == "OKP") return set_okp(from, key);
    return "an unknown kty";
}

std::string_view set_use(const members& from, jwk& key) {
    if (from.use && from.use != "sig") return "use is not sig";
    if (from.key_ops) {
        bool verifies = false;
        for (const std::string& operation : *from.key_ops) verifies |= operation == "verify";
        if (!verifies) return "key_ops has no verify";
    }
    if (from.kid && from.kid->size() > max_kid) return "kid is longer than 64 bytes";
    key.kid = from.kid;
    key.algorithms = algorithms_of(key.type, key.first.size());
    if (!from.alg) return {};
    const auto only = algorithm_of(*from.alg);
    if (!only || !key.algorithms.has(*only)) {
        return key.type == key_type::secret ? "alg is none for a secret of this size"
                                            : "alg is unknown or none of this type of key";
    }
    key.algorithms = {};
    key.algorithms.add(*only);
    return {};
}

void add_key(const members& from, jwk_set& set) {
    jwk key;
    std::string_view wrong = from.mistyped ? "a member has the wrong type" : "";
    if (wrong.empty()) wrong = set_material(from, key);
    if (wrong.empty()) wrong = set_use(from, key);
    if (wrong.empty()) return set.keys.push_back(std::move(key));
    if (set.skipped++ == 0) set.why_skipped = wrong;
}

/// The members of one JWK; a part of a text that was read strictly.
bool read_key(json_reader& json, members& out) {
    std::string_view name;
    std::string scratch;
    if (!json.begin_object()) return false;
    while (json.next_key(name, scratch)) {
        json_reader value = json;
        out.take(name, value);
        if (!json.skip()) return false;
    }
    return json.ok();
}

bool read_keys(json_reader& json, jwk_set& set) {
    if (!json.begin_array()) return false;
    std::size_t left = jwk_set::max_keys;
    while (json.next_element()) {
        if (left-- == 0) return false;
        members one;
        if (!read_key(json, one)) return false;
        add_key(one, set);
    }
    return json.ok();
}

error malformed(std::string_view what) {
    return {weft::errc::malformed, "a JWK Set " + std::string(what)};
}

}  // namespace

std::string_view describe(key_type type) noexcept {
    switch (type) {
        case key_type::secret: return "a secret";
        case key_type::rsa: return "an RSA key";
        case key_type::p256: return "a P-256 key";
        case key_type::p384: return "a P-384 key";
        case key_type::ed25519: return "an Ed25519 key";
    }
    return {};
}

algorithm_set algorithms_of(key_type type, std::size_t secret_size) noexcept {
    algorithm_set all;
    switch (type) {
        case key_type::secret:
            // RFC 7518 section 3.2: as long as the digest, at least.
            if (secret_size >= 32) all.add(algorithm::hs256);
            if (secret_size >= 48) all.add(algorithm::hs384);
            if (secret_size >= 64) all.add(algorithm::hs512);
            break;
        case key_type::rsa:
            for (const algorithm a : {algorithm::rs256, algorithm::rs384, algorithm::rs512,
                                      algorithm::ps256, algorithm::ps384, algorithm::ps512}) {
                all.add(a);
            }
            break;
        case key_type::p256: all.add(algorithm::es256); break;
        case key_type::p384: all.add(algorithm::es384); break;
        case key_type::ed25519: all.add(algorithm::eddsa); break;
    }
    return all;
}

result<jwk_set> parse_jwks(std::string_view json) {
    if (json.size() > jwk_set::max_size) return malformed("has more than 64 KiB");
    jwk_set set;
    members single;
    bool found = false;
    bool good = true;
    const bool strict =
        read_strict_object(json, max_depth, [&](std::string_view name, json_reader& value) {
            if (name == "keys") {
                found = true;
                good = read_keys(value, set);
            } else {
                single.take(name, value);
            }
            return good;
        });
    if (!good) return malformed("has keys that are no objects, or more than 64");
    if (!strict) return malformed("is no JSON object without repeated names");
    if (found) return set;
    if (!single.kty) return malformed("has no keys");
    add_key(single, set);
    return set;
}

}  // namespace weft::auth
