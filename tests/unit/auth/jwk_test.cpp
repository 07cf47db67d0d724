#include "auth/proto/jwk.hpp"

#include <gtest/gtest.h>

#include <weft/base/json_reader.hpp>

#include "auth_world.hpp"

namespace weft::auth::test {
namespace {

/// The members of the public JWK of an algorithm.
members jwk_members(algorithm by) {
    const std::string json = signer_of(by).jwk(by, "k1");
    members out;
    json_reader reader(json);
    std::string_view key, value;
    std::string scratch;
    reader.begin_object();
    while (reader.next_key(key, scratch)) {
        const std::string name(key);
        reader.raw(value);
        out.set(name, std::string(value));
    }
    return out;
}

jwk_set parse(const std::string& json) {
    auto got = parse_jwks(json);
    EXPECT_TRUE(got) << got.error().message();
    return got ? *std::move(got) : jwk_set{};
}

/// Why a key of these members is skipped; empty if it is not.
std::string skipped(const members& one) {
    const jwk_set got = parse("{\"keys\":[" + one.json() + "]}");
    EXPECT_EQ(got.keys.size() + got.skipped, 1U);
    return got.why_skipped;
}

TEST(jwk, each_type_is_read) {
    for (const algorithm by : all_algorithms()) {
        const jwk_set got = parse("{\"keys\":[" + jwk_members(by).json() + "],\"more\":1}");
        ASSERT_EQ(got.keys.size(), 1U) << to_string(by) << got.why_skipped;
        EXPECT_EQ(got.keys[0].kid, "k1");
        for (const algorithm other : all_algorithms()) {
            EXPECT_EQ(got.keys[0].algorithms.has(other), other == by);
        }
    }
}

TEST(jwk, one_key_alone_is_a_set) {
    EXPECT_EQ(parse(jwk_members(algorithm::es256).json()).keys.size(), 1U);
}

TEST(jwk, without_alg_the_type_says_what_it_can_do) {
    const jwk_set rsa = parse(jwk_members(algorithm::rs256).without("alg").json());
    ASSERT_EQ(rsa.keys.size(), 1U);
    EXPECT_TRUE(rsa.keys[0].algorithms.has(algorithm::ps512));
    EXPECT_FALSE(rsa.keys[0].algorithms.has(algorithm::hs256));
    EXPECT_FALSE(rsa.keys[0].algorithms.has(algorithm::es256));
    const jwk_set ec = parse(jwk_members(algorithm::es256).without("alg").json());
    ASSERT_EQ(ec.keys.size(), 1U);
    EXPECT_TRUE(ec.keys[0].algorithms.has(algorithm::es256));
    EXPECT_FALSE(ec.keys[0].algorithms.has(algorithm::es384));
}

TEST(jwk, sec_j2_a_public_key_cannot_be_for_hmac) {
    for (const char* const alg : {"\"HS256\"", "\"none\"", "\"ES512\"", "\"RSA-OAEP\"", "\"\""}) {
        EXPECT_NE(skipped(jwk_members(algorithm::rs256).set("alg", alg)), "") << alg;
        EXPECT_NE(skipped(jwk_members(algorithm::es256).set("alg", alg)), "") << alg;
        EXPECT_NE(skipped(jwk_members(algorithm::eddsa).set("alg", alg)), "") << alg;
    }
    // An RSA key that calls itself a secret has no k; one that has both is a secret with alg RS256.
    EXPECT_NE(skipped(jwk_members(algorithm::rs256).set("kty", "\"oct\"")), "");
    EXPECT_NE(skipped(jwk_members(algorithm::rs256)
                          .set("kty", "\"oct\"")
                          .set("k", '"' + encode(secret64) + '"')),
              "");
}

TEST(jwk, sec_j2_a_secret_needs_an_alg_and_the_size_for_it) {
    members one = jwk_members(algorithm::hs256);
    EXPECT_EQ(skipped(one), "");
    EXPECT_NE(skipped(members(one).without("alg")), "");
    EXPECT_NE(skipped(members(one).set("alg", "\"RS256\"")), "");
    EXPECT_NE(skipped(members(one).set("k", "\"\"")), "");
    EXPECT_NE(skipped(members(one).without("k")), "");
    const auto of_size = [&](std::size_t size, const char* alg) {
        return skipped(
            members(one).set("k", '"' + encode(std::string(size, 's')) + '"').set("alg", alg));
    };
    EXPECT_NE(of_size(31, "\"HS256\""), "");
    EXPECT_EQ(of_size(32, "\"HS256\""), "");
    EXPECT_NE(of_size(47, "\"HS384\""), "");
    EXPECT_EQ(of_size(48, "\"HS384\""), "");
    EXPECT_NE(of_size(63, "\"HS512\""), "");
    EXPECT_EQ(of_size(64, "\"HS512\""), "");
}

TEST(jwk, use_and_key_ops_are_obeyed) {
    const members one = jwk_members(algorithm::es256);
    EXPECT_EQ(skipped(members(one).without("use")), "");
    EXPECT_NE(skipped(members(one).set("use", "\"enc\"")), "");
    EXPECT_EQ(skipped(members(one).set("key_ops", R"(["sign","verify"])")), "");
    EXPECT_NE(skipped(members(one).set("key_ops", R"(["sign"])")), "");
    EXPECT_NE(skipped(members(one).set("key_ops", "[]")), "");
    EXPECT_NE(skipped(members(one).set("key_ops", "\"verify\"")), "");
    EXPECT_NE(skipped(members(one).set("key_ops", "[1]")), "");
}

TEST(jwk, a_key_that_is_half_right_is_not_used) {
    const members ec = jwk_members(algorithm::es256);
    EXPECT_NE(skipped(members(ec).set("kty", "\"ec\"")), "");
    EXPECT_NE(skipped(members(ec).set("kty", "1")), "");
    EXPECT_NE(skipped(members(ec).without("kty").set("kty", "\"X\"")), "");
    EXPECT_NE(skipped(members(ec).set("crv", "\"P-384\"")), "");
    EXPECT_NE(skipped(members(ec).set("crv", "\"secp256k1\"")), "");
    EXPECT_NE(skipped(members(ec).without("x")), "");
    EXPECT_NE(skipped(members(ec).set("y", '"' + encode(std::string(31, 'y')) + '"')), "");
    EXPECT_NE(skipped(members(ec).set("y", '"' + encode(std::string(33, 'y')) + '"')), "");
    EXPECT_NE(skipped(members(ec).set("d", '"' + encode(std::string(32, 'd')) + '"')), "");
    EXPECT_NE(skipped(members(ec).set("kid", '"' + std::string(65, 'k') + '"')), "");
    EXPECT_NE(skipped(members(ec).set("kid", "7")), "");
    const members ed = jwk_members(algorithm::eddsa);
    EXPECT_NE(skipped(members(ed).set("crv", "\"X25519\"")), "");
    EXPECT_NE(skipped(members(ed).set("x", '"' + encode(std::string(31, 'x')) + '"')), "");
}

TEST(jwk, rsa_has_2048_to_8192_bits) {
    const members rsa = jwk_members(algorithm::rs256);
    const auto of_bytes = [&](std::size_t size, char first = '\xff') {
        std::string n(size, '\x55');
        n.front() = first;
        return skipped(members(rsa).set("n", '"' + encode(n) + '"'));
    };
    EXPECT_NE(of_bytes(128), "");
    EXPECT_NE(of_bytes(255), "");
    EXPECT_NE(of_bytes(256, '\x7f'), "");  // 2047 bits
    EXPECT_EQ(of_bytes(256), "");
    EXPECT_NE(of_bytes(257, '\0'), "");  // 2047 behind a zero
    EXPECT_EQ(of_bytes(1024), "");
    EXPECT_NE(of_bytes(1025, '\x01'), "");
    const auto exponent = [&](std::string_view e) {
        return skipped(members(rsa).set("e", '"' + encode(e) + '"'));
    };
    EXPECT_NE(exponent("\x01"), "");
    EXPECT_NE(exponent("\x02"), "");
    EXPECT_NE(exponent(""), "");
    EXPECT_NE(exponent(std::string(9, '\x01')), "");
    EXPECT_EQ(exponent("\x03"), "");
}

TEST(jwk, keys_that_cannot_be_used_are_counted) {
    const jwk_set got = parse("{\"keys\":[{\"kty\":\"X\"}," + jwk_members(algorithm::es256).json() +
                              ",{},{\"kty\":\"RSA\"}]}");
    EXPECT_EQ(got.keys.size(), 1U);
    EXPECT_EQ(got.skipped, 3U);
    EXPECT_EQ(got.why_skipped, "an unknown kty");
}

TEST(jwk, sec_j9_sets_are_bounded_and_well_formed) {
    for (const char* const wrong : {"", "[]", "{}", "{\"keys\":{}}", "{\"keys\":[1]}", "nonsense",
                                    "{\"keys\":[],\"keys\":[]}", "{\"keys\":[{\"a\":1,\"a\":1}]}",
                                    "{\"keys\":[]} "
                                    "x"}) {
        EXPECT_FALSE(parse_jwks(wrong)) << wrong;
    }
    std::string many = "{\"keys\":[";
    for (int i = 0; i < 63; ++i) many += "{\"kty\":\"X\"},";
    EXPECT_EQ(parse(many + "{\"kty\":\"X\"}]}").skipped, 64U);
    EXPECT_FALSE(parse_jwks(many + "{\"kty\":\"X\"},{\"kty\":\"X\"}]}"));
    const std::string blank = "{\"keys\":[]";
    EXPECT_TRUE(parse_jwks(blank + std::string(64 * 1024 - blank.size() - 1, ' ') + "}"));
    EXPECT_FALSE(parse_jwks(blank + std::string(64 * 1024 - blank.size(), ' ') + "}"));
}

}  // namespace
}  // namespace weft::auth::test
