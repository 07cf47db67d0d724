#include "auth/key.hpp"

#include <gtest/gtest.h>
#include <openssl/err.h>

#include "auth/proto/base64url.hpp"
#include "auth/proto/token.hpp"
#include "auth_world.hpp"

namespace weft::auth::test {
namespace {

std::shared_ptr<const key> key_of(algorithm by) {
    auto made =
        is_hmac(by) ? key::from_secret(secret64) : key::from_pem(signer_of(by).public_pem());
    EXPECT_TRUE(made) << made.error().message();
    return made ? *made : nullptr;
}

/// Whether the key finds the token's signature right.
bool verifies(const key& by, algorithm how, std::string_view token) {
    const auto parts = split_token(token);
    if (!parts) return false;
    const auto signature = base64url_decode(parts->signature);
    return signature && by.verify(how, parts->signed_part, *signature);
}

std::string why_not_secret(std::string_view bytes) {
    const auto made = key::from_secret(bytes);
    return made ? "" : made.error().what();
}

TEST(key, verifies_what_its_type_signs_and_nothing_else) {
    for (const algorithm by : all_algorithms()) {
        const auto own = key_of(by);
        const std::string token = sign(by, good_claims());
        EXPECT_TRUE(verifies(*own, by, token)) << to_string(by);
        for (const algorithm other : all_algorithms()) {
            EXPECT_EQ(verifies(*own, other, token), other == by) << to_string(other);
        }
    }
}

TEST(key, a_jwk_verifies_as_the_pem_does) {
    for (const algorithm by : all_algorithms()) {
        const auto set =
            load_jwks("{\"keys\":[" + signer_of(by).jwk(by) + "]}", jwks_secrets::used);
        ASSERT_TRUE(set);
        ASSERT_EQ(set->keys.size(), 1U) << to_string(by) << set->why_skipped;
        EXPECT_TRUE(verifies(*set->keys[0], by, sign(by, good_claims()))) << to_string(by);
    }
}

TEST(key, secrets_of_a_published_set_are_skipped) {
    const auto set =
        load_jwks(signer_of(algorithm::hs256).jwk(algorithm::hs256), jwks_secrets::skipped);
    ASSERT_TRUE(set);
    EXPECT_TRUE(set->keys.empty());
    EXPECT_EQ(set->skipped, 1U);
}

TEST(key, sec_j2_what_anybody_may_have_is_no_secret) {
    const std::string pem = signer_of(algorithm::rs256).public_pem();
    EXPECT_NE(why_not_secret(pem), "");
    EXPECT_NE(why_not_secret(" \n\t" + pem), "");
    EXPECT_NE(why_not_secret("\xef\xbb\xbf" + pem), "");
    EXPECT_NE(why_not_secret(std::string("\0\0", 2) + pem), "");
    EXPECT_NE(why_not_secret("junk\n" + pem), "");
    EXPECT_NE(why_not_secret(signer_of(algorithm::es256).public_pem()), "");
    EXPECT_NE(why_not_secret(signer_of(algorithm::rs256).jwk(algorithm::rs256)), "");
    EXPECT_NE(why_not_secret("\n " + signer_of(algorithm::es256).jwk(algorithm::es256)), "");
    EXPECT_NE(why_not_secret("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIF0 ada@example"), "");
    // The DER of the same key, as bytes and in base64 without the lines around it.
    std::string body = pem.substr(pem.find('\n') + 1);
    body.resize(body.find("-----END"));
    EXPECT_NE(why_not_secret(body), "");
    std::string line = body;
    std::erase(line, '\n');
    std::replace(line.begin(), line.end(), '+', '-');
    std::replace(line.begin(), line.end(), '/', '_');
    const auto der = base64url_decode(line.substr(0, line.find('=')));
    ASSERT_TRUE(der);
    EXPECT_NE(why_not_secret(*der), "");
}

TEST(key, sec_j2_a_secret_has_32_bytes_at_least) {
    EXPECT_NE(why_not_secret(""), "");
    EXPECT_NE(why_not_secret(std::string(31, 's')), "");
    EXPECT_EQ(why_not_secret(std::string(32, 's')), "");
    EXPECT_EQ(why_not_secret(std::string(32, '\0')), "");
    EXPECT_EQ(why_not_secret("{this begins like JSON but is a secret}}}"), "");
}

TEST(key, pem_is_one_public_key) {
    const std::string good = signer_of(algorithm::es256).public_pem();
    const auto refused = [](const std::string& text) {
        const auto made = key::from_pem(text);
        return made ? "" : made.error().what();
    };
    EXPECT_EQ(refused(good), "");
    EXPECT_EQ(refused("\n  " + good + "\n\n"), "");
    EXPECT_NE(refused(""), "");
    EXPECT_NE(refused("text " + good), "");
    EXPECT_NE(refused(good + "text"), "");
    EXPECT_NE(refused(good + good), "");
    EXPECT_NE(refused(std::string(secret64)), "");
    EXPECT_NE(refused("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"), "");
    EXPECT_NE(refused("-----BEGIN RSA PUBLIC KEY-----\nAAAA\n-----END RSA PUBLIC KEY-----\n"), "");
    EXPECT_NE(
        refused("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n").find("private"),
        std::string::npos);
    EXPECT_NE(refused("-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n")
                  .find("private"),
              std::string::npos);
    EXPECT_NE(refused("-----BEGIN PUBLIC KEY-----\nProc-Type: 4,ENCRYPTED\n"
                      "DEK-Info: AES-128-CBC,0123456789ABCDEF0123456789ABCDEF\n\nAAAA\n"
                      "-----END PUBLIC KEY-----\n"),
              "");
}

TEST(key, a_point_beside_its_curve_is_refused) {
    std::string json = signer_of(algorithm::es256).jwk(algorithm::es256);
    const std::size_t x = json.find("\"x\":\"") + 5;
    json[x] = json[x] == 'A' ? 'B' : 'A';
    const auto set = load_jwks(json, jwks_secrets::used);
    ASSERT_TRUE(set);
    EXPECT_TRUE(set->keys.empty());
    EXPECT_EQ(set->skipped, 1U);
    const std::string zero = encode(std::string(32, '\0'));
    const auto at_zero = load_jwks(
        "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" + zero + "\",\"y\":\"" + zero + "\"}",
        jwks_secrets::used);
    ASSERT_TRUE(at_zero);
    EXPECT_TRUE(at_zero->keys.empty());
}

TEST(key, sec_j4_every_flipped_bit_of_a_token_is_found) {
    for (const algorithm by : all_algorithms()) {
        const auto own = key_of(by);
        std::string token = sign(by, good_claims());
        ASSERT_TRUE(verifies(*own, by, token));
        for (std::size_t i = 0; i < token.size() * 8; ++i) {
            char& c = token[i / 8];
            const char before = c;
            c = static_cast<char>(c ^ 1 << i % 8);
            EXPECT_FALSE(verifies(*own, by, token)) << to_string(by) << " bit " << i;
            c = before;
        }
        ASSERT_TRUE(verifies(*own, by, token));
    }
}

TEST(key, sec_j4_ecdsa_signatures_are_two_numbers_of_the_right_size_below_the_order) {
    for (const algorithm by : {algorithm::es256, algorithm::es384}) {
        const std::size_t size = by == algorithm::es256 ? 32 : 48;
        const auto own = key_of(by);
        const std::string token = sign(by, good_claims());
        const auto parts = split_token(token);
        ASSERT_TRUE(parts);
        const std::string good = *base64url_decode(parts->signature);
        const auto takes = [&](const std::string& raw) {
            return own->verify(by, parts->signed_part, raw);
        };
        ASSERT_EQ(good.size(), 2 * size);
        EXPECT_TRUE(takes(good));
        const std::string zero(size, '\0'), all_ones(size, '\xff');
        const std::string r = good.substr(0, size), s = good.substr(size);
        EXPECT_FALSE(takes(zero + zero));
        EXPECT_FALSE(takes(zero + s));
        EXPECT_FALSE(takes(r + zero));
        EXPECT_FALSE(takes(all_ones + s));
        EXPECT_FALSE(takes(r + all_ones));
        EXPECT_FALSE(takes(""));
        EXPECT_FALSE(takes(r));
        EXPECT_FALSE(takes(good + std::string(1, '\0')));
        EXPECT_FALSE(takes(std::string(1, '\0') + good));
        EXPECT_FALSE(takes(good.substr(0, 2 * size - 1)));
        EXPECT_FALSE(takes(std::string(1, '\0') + r + std::string(1, '\0') + s));
        // DER, which other libraries take.
        const auto number = [](const std::string& n) {
            const bool padded = (static_cast<unsigned char>(n[0]) & 0x80) != 0;
            const std::string body = (padded ? std::string(1, '\0') : "") + n;
            return std::string("\x02") + static_cast<char>(body.size()) + body;
        };
        const std::string both = number(r) + number(s);
        EXPECT_FALSE(takes(std::string("\x30") + static_cast<char>(both.size()) + both));
    }
}

TEST(key, sec_j4_the_order_itself_is_no_r_and_no_s) {
    const std::string order = "\xff\xff\xff\xff" + std::string(4, '\0') + std::string(8, '\xff') +
                              "\xbc\xe6\xfa\xad\xa7\x17\x9e\x84\xf3\xb9\xca\xc2\xfc\x63\x25\x51";
    ASSERT_EQ(order.size(), 32U);
    const auto own = key_of(algorithm::es256);
    EXPECT_FALSE(own->verify(algorithm::es256, "a.b", order + order));
    EXPECT_FALSE(own->verify(algorithm::es256, "a.b", std::string(31, '\0') + '\x01' + order));
}

TEST(key, sec_j4_pss_salt_is_as_long_as_the_digest) {
    // The same signature is wrong under another digest, and PKCS #1 is not PSS: see the first test.
    // Salts of other lengths: tests/e2e/tokens.test.mjs makes them with node:crypto.
    const auto own = key_of(algorithm::ps256);
    const std::string token = sign(algorithm::ps256, good_claims());
    EXPECT_TRUE(verifies(*own, algorithm::ps256, token));
    EXPECT_FALSE(verifies(*own, algorithm::rs256, token));
}

TEST(key, a_wrong_signature_leaves_no_error_for_tls_to_find) {
    const auto own = key_of(algorithm::es256);
    ERR_clear_error();
    EXPECT_FALSE(own->verify(algorithm::es256, "a.b", std::string(64, '\x11')));
    EXPECT_FALSE(key_of(algorithm::rs256)->verify(algorithm::rs256, "a.b", std::string(256, 'x')));
    EXPECT_FALSE(key::from_pem("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"));
    EXPECT_EQ(ERR_peek_error(), 0UL);
}

}  // namespace
}  // namespace weft::auth::test
