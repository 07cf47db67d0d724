#include <weft/auth/verifier.hpp>

#include <atomic>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <weft/auth/claims.hpp>
#include <weft/base/json_reader.hpp>

#include "auth/proto/base64url.hpp"
#include "auth/verifier_core.hpp"
#include "auth_world.hpp"

namespace weft::auth::test {
namespace {

constexpr algorithm hs = algorithm::hs256;

std::string refusal_of(options from) {
    const auto made = verifier::make(std::move(from));
    return made ? "" : made.error().what();
}

TEST(verifier, each_algorithm_is_accepted) {
    for (const algorithm by : all_algorithms()) {
        const verifier v = make(good_options(by));
        const time_point now{1h};
        const auto got = v.verify(sign(by, good_claims()), wall(), now);
        ASSERT_TRUE(got) << to_string(by) << got.error().message();
        EXPECT_EQ(got->subject, "ada");
        EXPECT_EQ(got->expires, now + 630s);
        EXPECT_EQ(got->claims, good_claims().json());
    }
}

TEST(verifier, claims_are_shown) {
    const verifier v = make(good_options(hs));
    const auto got = v.verify(
        sign(hs, good_claims().set("aud", R"(["x","chat"])").set("role", "\"admin\"")), wall());
    ASSERT_TRUE(got);
    const claims read(*got);
    EXPECT_EQ(read.subject(), "ada");
    EXPECT_EQ(read.issuer(), "https://id.example");
    EXPECT_EQ(read.id(), "t1");
    EXPECT_EQ(read.issued(), wall(at - 60));
    EXPECT_EQ(read.expires(), wall(at + 600));
    EXPECT_TRUE(read.has_audience("x"));
    EXPECT_FALSE(read.has_audience("other"));
    EXPECT_NE(read.json().find("\"role\":\"admin\""), std::string_view::npos);
    const identity nobody;
    EXPECT_EQ(claims(nobody).subject(), "");
    EXPECT_EQ(claims("{\"exp\":9007199254740992}").expires().has_value(), true);
}

TEST(verifier, sec_j1_no_algorithm_but_those_of_the_issuer) {
    for (const algorithm by : all_algorithms()) {
        const verifier v = make(good_options(by));
        const std::string body = encode(good_claims().json());
        for (const char* const alg :
             {"\"none\"", "\"None\"", "\"nOnE\"", "\"NONE\"", "[\"none\"]", "0", "null", "\"\""}) {
            const std::string head = encode(std::string("{\"alg\":") + alg + "}");
            EXPECT_EQ(why(v, head + '.' + body + '.'), errc::token_malformed);
            EXPECT_EQ(why(v, head + '.' + body + ".AAAA"), errc::algorithm_not_allowed) << alg;
        }
        EXPECT_EQ(why(v, encode("{}") + '.' + body + ".AAAA"), errc::algorithm_not_allowed);
        for (const algorithm other : all_algorithms()) {
            if (other == by) continue;
            EXPECT_EQ(why(v, sign(other, good_claims())), errc::algorithm_not_allowed);
        }
    }
}

TEST(verifier, sec_j1_an_empty_signature_is_none) {
    const verifier v = make(good_options(hs));
    const std::string token = sign(hs, good_claims());
    EXPECT_EQ(why(v, token.substr(0, token.rfind('.') + 1)), errc::token_malformed);
    EXPECT_EQ(why(v, token.substr(0, token.rfind('.'))), errc::token_malformed);
}

TEST(verifier, sec_j2_the_public_key_is_no_hmac_secret) {
    const std::string pem = signer_of(algorithm::rs256).public_pem();
    // An issuer that signs with RSA and, by a careless list, with HMAC too.
    options careless = good_options(algorithm::rs256);
    careless.issuers[0].keys = key_source::jwks(signer_of(algorithm::rs256).jwk(algorithm::rs256));
    careless.issuers[0].algorithms = {algorithm::rs256, hs};
    const verifier v = make(careless);
    for (const std::string& stolen : {pem, " " + pem, pem + "\n", std::string()}) {
        const auto forged = token_signer::secret(stolen).sign(hs, good_claims().json());
        ASSERT_TRUE(forged);
        EXPECT_EQ(why(v, *forged), errc::unknown_key);
    }
    options impossible = good_options(algorithm::rs256);
    impossible.issuers[0].algorithms = {algorithm::rs256, hs};
    EXPECT_NE(refusal_of(impossible).find("HS256"), std::string::npos) << "a PEM is not for HMAC";
    options secret = good_options(hs);
    secret.issuers[0].keys = key_source::secret(" \n" + pem);
    EXPECT_NE(refusal_of(secret).find("public key"), std::string::npos);
    secret.issuers[0].keys = key_source::secret(std::string(31, 's'));
    EXPECT_NE(refusal_of(secret).find("32"), std::string::npos);
}

TEST(verifier, sec_j2_a_key_of_another_issuer_does_not_count) {
    options two = good_options(hs);
    two.issuers.push_back(good_issuer(hs));
    two.issuers[1].name = "https://other.example";
    two.issuers[1].keys = key_source::secret(std::string(secret32));
    const verifier v = make(two);
    EXPECT_EQ(why(v, sign(hs, good_claims())), errc{});
    EXPECT_EQ(why(v, sign(hs, good_claims().set("iss", "\"https://other.example\""))),
              errc::bad_signature);
}

TEST(verifier, sec_j3_kid_is_only_a_name) {
    const auto& signer = signer_of(algorithm::es256);
    options by_set = good_options(algorithm::es256);
    by_set.issuers[0].keys = key_source::jwks(signer.jwk(algorithm::es256, "k1"));
    const verifier v = make(by_set);
    const auto with_kid = [&](std::string_view kid) {
        return why(v, *signer.sign(algorithm::es256, good_claims().json(), kid));
    };
    EXPECT_EQ(with_kid("k1"), errc{});
    EXPECT_EQ(with_kid(""), errc{}) << "there is one key, which must be meant";
    for (const std::string_view kid :
         {std::string_view("k2"), std::string_view("K1"), std::string_view("k1 "),
          std::string_view("../../dev/null"), std::string_view("' OR '1'='1"),
          std::string_view("k1\0", 3), std::string_view("\0", 1)}) {
        EXPECT_EQ(with_kid(kid), errc::unknown_key) << kid;
    }
    EXPECT_EQ(with_kid(std::string(10'000, 'k')), errc::token_too_long);
    EXPECT_EQ(with_kid(std::string(65, 'k')), errc::token_malformed);
}

TEST(verifier, sec_j3_a_key_in_the_header_is_ignored) {
    const auto attacker = token_signer::generate(algorithm::es256);
    ASSERT_TRUE(attacker);
    const verifier v = make(good_options(algorithm::es256));
    for (const std::string& member :
         {"\"jwk\":" + attacker->jwk(algorithm::es256),
          std::string("\"jku\":\"https://evil.example/\""),
          std::string("\"x5u\":\"https://evil.example/\""), std::string("\"x5c\":[\"AAAA\"]")}) {
        const std::string header = "{\"alg\":\"ES256\"," + member + "}";
        EXPECT_EQ(
            why(v, *attacker->sign_with_header(algorithm::es256, header, good_claims().json())),
            errc::bad_signature);
        EXPECT_EQ(why(v, *signer_of(algorithm::es256)
                              .sign_with_header(algorithm::es256, header, good_claims().json())),
                  errc{});
    }
    const auto& signer = signer_of(algorithm::es256);
    EXPECT_EQ(why(v, *signer.sign_with_header(algorithm::es256, R"({"alg":"ES256","crit":["exp"]})",
                                              good_claims().json())),
              errc::unsupported_header);
    EXPECT_EQ(why(v, *signer.sign_with_header(algorithm::es256, R"({"alg":"ES256","b64":false})",
                                              good_claims().json())),
              errc::unsupported_header);
}

TEST(verifier, sec_j4_every_flipped_bit_is_refused) {
    for (const algorithm by : all_algorithms()) {
        const verifier v = make(good_options(by));
        std::string token = sign(by, good_claims());
        ASSERT_EQ(why(v, token), errc{});
        for (std::size_t i = 0; i < token.size() * 8; ++i) {
            char& c = token[i / 8];
            c = static_cast<char>(c ^ 1 << i % 8);
            EXPECT_NE(why(v, token), errc{}) << to_string(by) << " bit " << i;
            c = static_cast<char>(c ^ 1 << i % 8);
        }
    }
}

TEST(verifier, sec_j4_a_token_has_one_text) {
    const verifier v = make(good_options(hs));
    const std::string token = sign(hs, good_claims());
    EXPECT_EQ(why(v, token), errc{});
    for (const std::string& other : {token + "=", token + " ", " " + token, token + "\n",
                                     token + ".", token + std::string(1, '\0')}) {
        EXPECT_EQ(why(v, other), errc::token_malformed);
    }
}

TEST(verifier, sec_j5_times) {
    const verifier v = make(good_options(hs));
    const auto with = [&](const char* claim, const std::string& value) {
        return why(v, sign(hs, good_claims().set(claim, value)));
    };
    const auto relative = [&](const char* claim, int seconds) {
        return with(claim, std::to_string(at + seconds));
    };
    EXPECT_EQ(relative("exp", -31), errc::token_expired);
    EXPECT_EQ(relative("exp", -30), errc::token_expired);
    EXPECT_EQ(relative("exp", -29), errc{});
    EXPECT_EQ(relative("nbf", 31), errc::not_yet_valid);
    EXPECT_EQ(relative("nbf", 30), errc{});
    EXPECT_EQ(relative("iat", 31), errc::not_yet_valid);
    EXPECT_EQ(relative("iat", 30), errc{});
    EXPECT_EQ(with("exp", "0"), errc::token_expired);
    for (const char* const wrong : {"\"1900000000\"", "1e400", "-5", "null", "[]", "true"}) {
        EXPECT_EQ(with("exp", wrong), errc::token_malformed) << wrong;
        EXPECT_EQ(with("nbf", wrong), errc::token_malformed) << wrong;
        EXPECT_EQ(with("iat", wrong), errc::token_malformed) << wrong;
    }
    EXPECT_EQ(why(v, sign(hs, good_claims().without("exp"))), errc::missing_claim);
    EXPECT_EQ(why(v, sign(hs, good_claims().without("iat"))), errc{});

    options wide = good_options(hs);
    wide.leeway = 60s;
    const verifier w = make(wide);
    EXPECT_EQ(why(w, sign(hs, good_claims()), at + 600 + 59), errc{});
    EXPECT_EQ(why(w, sign(hs, good_claims()), at + 600 + 61), errc::token_expired);
}

TEST(verifier, sec_j5_a_token_may_not_live_too_long) {
    const verifier v = make(good_options(hs));
    const int day = 24 * 3600;
    const auto lives = [&](int from, int to, bool with_iat = true) {
        members claims = good_claims().set("exp", std::to_string(at + to));
        if (with_iat) {
            claims.set("iat", std::to_string(at + from));
        } else {
            claims.without("iat");
        }
        return why(v, sign(hs, claims));
    };
    EXPECT_EQ(lives(-60, day - 60), errc{});
    EXPECT_EQ(lives(-60, day - 59), errc::lifetime_too_long);
    EXPECT_EQ(lives(0, day + 30, false), errc{});
    EXPECT_EQ(lives(0, day + 31, false), errc::lifetime_too_long);
    EXPECT_EQ(why(v, sign(hs, good_claims().set("exp", "9007199254740992"))),
              errc::lifetime_too_long);
}

TEST(verifier, sec_j6_issuer_audience_and_type) {
    options strict = good_options(hs);
    strict.issuers[0].type = "at+jwt";
    const verifier v = make(strict);
    const auto& signer = signer_of(hs);
    const auto typed = [&](std::string_view type, const members& claims) {
        return why(v, *signer.sign(hs, claims.json(), {}, type));
    };
    const members good = good_claims();
    EXPECT_EQ(typed("at+jwt", good), errc{});
    EXPECT_EQ(typed("application/at+jwt", good), errc{});
    EXPECT_EQ(typed("AT+JWT", good), errc{});
    EXPECT_EQ(typed("JWT", good), errc::wrong_type);
    EXPECT_EQ(typed("", good), errc::wrong_type);
    EXPECT_EQ(typed("x-at+jwt", good), errc::wrong_type);
    const auto with = [&](const char* claim, const char* value) {
        return typed("at+jwt", members(good).set(claim, value));
    };
    EXPECT_EQ(with("iss", "\"https://evil.example\""), errc::wrong_issuer);
    EXPECT_EQ(with("iss", "\"https://id.example/\""), errc::wrong_issuer);
    EXPECT_EQ(with("iss", "\"\""), errc::wrong_issuer);
    EXPECT_EQ(with("iss", "[\"https://id.example\"]"), errc::token_malformed);
    EXPECT_EQ(with("aud", "\"admin\""), errc::wrong_audience);
    EXPECT_EQ(with("aud", "\"Chat\""), errc::wrong_audience);
    EXPECT_EQ(with("aud", "[]"), errc::wrong_audience);
    EXPECT_EQ(with("aud", R"(["admin","x"])"), errc::wrong_audience);
    EXPECT_EQ(with("aud", R"(["admin","chat"])"), errc{});
    EXPECT_EQ(with("aud", "\"other\""), errc{});
    EXPECT_EQ(with("sub", "\"\""), errc::missing_claim);
    for (const char* const claim : {"iss", "aud", "sub", "exp"}) {
        EXPECT_EQ(typed("at+jwt", members(good).without(claim)), errc::missing_claim) << claim;
    }
}

TEST(verifier, what_is_not_required_must_be_right_if_it_is_there) {
    options lax = good_options(hs);
    lax.issuers[0].require_audience = false;
    lax.issuers[0].require_subject = false;
    lax.issuers[0].audience.clear();
    const verifier v = make(lax);
    EXPECT_EQ(why(v, sign(hs, good_claims().without("aud").without("sub"))), errc{});
    EXPECT_EQ(why(v, sign(hs, good_claims())), errc::wrong_audience);
}

TEST(verifier, sec_j7_size_and_form_are_judged_first) {
    const verifier v = make(good_options(hs));
    EXPECT_EQ(why(v, ""), errc::token_missing);
    EXPECT_EQ(why(v, std::string(1 << 20, '.')), errc::token_too_long);
    EXPECT_EQ(why(v, std::string(8 * 1024 + 1, 'a')), errc::token_too_long);
    EXPECT_EQ(why(v, std::string(8 * 1024, '.')), errc::token_malformed);
    EXPECT_EQ(why(v, "a.b.c.d.e"), errc::token_malformed);
    const auto& signer = signer_of(hs);
    const auto with_header = [&](const std::string& header) {
        return why(v, *signer.sign_with_header(hs, header, good_claims().json()));
    };
    EXPECT_EQ(with_header(R"({"alg":"HS256","alg":"HS256"})"), errc::token_malformed);
    EXPECT_EQ(with_header(R"({"alg":"HS256","a":)" + std::string(3000, '[') + "}"),
              errc::token_malformed);
    EXPECT_EQ(with_header(R"({"alg":"HS256"} )"), errc{});
    EXPECT_EQ(with_header(R"({"alg":"HS256"}x)"), errc::token_malformed);
    const auto with_claims = [&](const std::string& claims) {
        return why(v, *signer.sign(hs, claims));
    };
    const std::string twice = good_claims().json();
    EXPECT_EQ(with_claims(twice.substr(0, twice.size() - 1) + ",\"sub\":\"eve\"}"),
              errc::token_malformed);
    EXPECT_EQ(with_claims(good_claims().set("x", R"({"role":1,"role":2})").json()),
              errc::token_malformed);
    EXPECT_EQ(
        with_claims(good_claims().set("x", std::string(1000, '[') + std::string(1000, ']')).json()),
        errc::token_malformed);
    EXPECT_EQ(with_claims("[]"), errc::token_malformed);
    EXPECT_EQ(with_claims("\"text\""), errc::token_malformed);
    EXPECT_EQ(with_claims(good_claims().set("name", "\"\xff\"").json()), errc::token_malformed);
}

TEST(verifier, sec_j8_cheap_rules_come_before_the_signature) {
    const verifier v = make(good_options(algorithm::es384));
    const auto attacker = token_signer::generate(algorithm::es384);
    ASSERT_TRUE(attacker);
    const auto forged = [&](const members& claims) {
        return why(v, *attacker->sign(algorithm::es384, claims.json()));
    };
    EXPECT_EQ(forged(good_claims()), errc::bad_signature);
    EXPECT_EQ(forged(good_claims().set("exp", "1")), errc::token_expired);
    EXPECT_EQ(forged(good_claims().set("iss", "\"x\"")), errc::wrong_issuer);
    EXPECT_EQ(forged(good_claims().set("aud", "\"x\"")), errc::wrong_audience);
}

std::uint64_t metric(const verifier& v, std::string_view name, std::string_view labels = {}) {
    std::uint64_t found = 0;
    v.visit_metrics([&](const metric_sample& one) {
        if (one.name == name && one.labels == labels) found = one.value;
    });
    return found;
}

TEST(verifier, sec_j8_a_token_is_verified_once) {
    const verifier v = make(good_options(algorithm::es256));
    const std::string token = sign(algorithm::es256, good_claims());
    const time_point now{1h};
    const auto first = v.verify(token, wall(), now);
    const auto again = v.verify(token, wall(at + 10), now + 10s);
    ASSERT_TRUE(first);
    ASSERT_TRUE(again);
    EXPECT_EQ(metric(v, "weft_auth_cached_total"), 1U);
    EXPECT_EQ(metric(v, "weft_auth_verified_total"), 2U);
    EXPECT_GT(metric(v, "weft_auth_cache_bytes"), 0U);
    EXPECT_EQ(again->subject, first->subject);
    EXPECT_EQ(again->claims, first->claims);
    EXPECT_EQ(again->expires, first->expires);
    EXPECT_EQ(why(v, token, at + 630), errc::token_expired) << "the cache knows no mercy";
    EXPECT_EQ(metric(v, "weft_auth_errors_total", R"(error="token_expired")"), 1U);
    std::string other = token;
    other[other.size() - 5] = other[other.size() - 5] == 'A' ? 'B' : 'A';
    EXPECT_EQ(why(v, other), errc::bad_signature);
    EXPECT_EQ(why(v, other), errc::bad_signature);
}

TEST(verifier, tokens_with_a_mac_are_never_cached) {
    options from = good_options(algorithm::es256);
    from.issuers.push_back(good_issuer(hs));
    from.issuers[1].name = "https://other.example";
    const auto never_caches = [](const verifier& v, const std::string& token) {
        for (int i = 0; i < 2; ++i) EXPECT_EQ(why(v, token), errc{});
        EXPECT_EQ(metric(v, "weft_auth_cached_total"), 0U);
        EXPECT_EQ(metric(v, "weft_auth_cache_bytes"), 0U);
    };
    never_caches(make(good_options(hs)), sign(hs, good_claims()));
    never_caches(make(from), sign(hs, good_claims().set("iss", "\"https://other.example\"")));
}

TEST(verifier, sec_j8_no_byte_of_a_cached_token_may_change) {
    const verifier v = make(good_options(algorithm::es256));
    const std::string token = sign(algorithm::es256, good_claims());
    ASSERT_EQ(why(v, token), errc{});
    for (std::size_t i = 0; i < token.size(); ++i) {
        std::string other = token;
        other[i] = other[i] == 'A' ? 'B' : 'A';
        EXPECT_NE(why(v, other), errc{}) << i;
    }
    EXPECT_NE(why(v, token + "A"), errc{});
    EXPECT_EQ(metric(v, "weft_auth_cached_total"), 0U);
    EXPECT_EQ(why(v, token), errc{});
    EXPECT_EQ(metric(v, "weft_auth_cached_total"), 1U);
}

TEST(verifier, keys_of_a_set_are_found_by_name_and_by_type) {
    const auto two = token_signer::generate(algorithm::es256);
    const auto three = token_signer::generate(algorithm::es256);
    ASSERT_TRUE(two && three);
    const auto& one = signer_of(algorithm::es256);
    const auto set_of = [](std::initializer_list<std::string> keys) {
        std::string json = "{\"keys\":[";
        for (const std::string& k : keys) json += (json.back() == '[' ? "" : ",") + k;
        return json + "]}";
    };
    const auto with = [](const std::string& set) {
        options from = good_options(algorithm::es256);
        from.issuers[0].keys = key_source::jwks(set);
        return make(from);
    };
    const auto asks = [](const verifier& v, const token_signer& by, std::string_view kid) {
        return why(v, *by.sign(algorithm::es256, good_claims().json(), kid));
    };
    const algorithm es = algorithm::es256;
    const std::string rsa = signer_of(algorithm::rs256).jwk(algorithm::rs256, "a");

    const verifier named = with(set_of({rsa, one.jwk(es, "a"), two->jwk(es, "b")}));
    EXPECT_EQ(asks(named, one, "a"), errc{});
    EXPECT_EQ(asks(named, *two, "b"), errc{});
    EXPECT_EQ(asks(named, *two, "a"), errc::bad_signature);
    EXPECT_EQ(asks(named, *two, "c"), errc::unknown_key);
    EXPECT_EQ(asks(named, *two, ""), errc{}) << "two keys may be meant";

    const verifier three_keys =
        with(set_of({one.jwk(es, "a"), two->jwk(es, "b"), three->jwk(es, "c")}));
    EXPECT_EQ(asks(three_keys, *three, "c"), errc{});
    EXPECT_EQ(asks(three_keys, *three, ""), errc::unknown_key) << "three are a guess";

    const verifier unnamed = with(set_of({one.jwk(es), two->jwk(es), three->jwk(es, "c")}));
    EXPECT_EQ(asks(unnamed, one, "x"), errc{});
    EXPECT_EQ(asks(unnamed, *three, "c"), errc{});
    EXPECT_EQ(asks(unnamed, one, "c"), errc::bad_signature) << "the named one is meant";
}

TEST(verifier, a_previous_secret_counts_until_its_end) {
    options from = good_options(hs);
    from.issuers[0].keys =
        key_source::secret(std::string(secret64), std::string(secret32), wall(at + 100));
    const verifier v = make(from);
    const auto old = token_signer::secret(std::string(secret32)).sign(hs, good_claims().json());
    ASSERT_TRUE(old);
    EXPECT_EQ(why(v, *old, at + 99), errc{});
    EXPECT_EQ(why(v, *old, at + 100), errc::bad_signature);
    EXPECT_EQ(why(v, sign(hs, good_claims()), at + 100), errc{});
}

TEST(verifier, wrong_options_are_named) {
    const auto complains_of = [](std::string_view name, auto change) {
        options from = good_options(hs);
        change(from);
        const std::string said = refusal_of(from);
        EXPECT_NE(said.find(name), std::string::npos) << name << ": " << said;
    };
    complains_of("issuers", [](options& o) { o.issuers.clear(); });
    complains_of("issuers", [](options& o) { o.issuers.push_back(o.issuers[0]); });
    complains_of("name", [](options& o) { o.issuers[0].name.clear(); });
    complains_of("algorithms", [](options& o) { o.issuers[0].algorithms.clear(); });
    complains_of("audience", [](options& o) { o.issuers[0].audience.clear(); });
    complains_of("keys", [](options& o) { o.issuers[0].keys = {}; });
    complains_of("leeway", [](options& o) { o.leeway = 121s; });
    complains_of("leeway", [](options& o) { o.leeway = -1s; });
    complains_of("max_lifetime", [](options& o) { o.max_lifetime = 0s; });
    complains_of("max_token", [](options& o) { o.max_token = 0; });
    complains_of("max_token", [](options& o) { o.max_token = 1 << 20; });
    complains_of("refresh", [](options& o) { o.refresh = 1s; });
    complains_of("stale_for", [](options& o) { o.stale_for = 1min; });
    complains_of("fetch_timeout", [](options& o) { o.fetch_timeout = 0s; });
    complains_of("max_waiting", [](options& o) { o.max_waiting = 0; });
    complains_of("max_revocations", [](options& o) { o.max_revocations = 0; });
    complains_of("authorization", [](options& o) { o.from.authorization = false; });
    complains_of("https", [](options& o) {
        o.issuers[0].keys = key_source::jwks_url("http://id.example/jwks.json");
    });
    complains_of("no key that can be used", [](options& o) {
        o.issuers[0].keys = key_source::jwks("{\"keys\":[{\"kty\":\"X\"}]}");
    });
    complains_of("HS512", [](options& o) {
        o.issuers[0].keys = key_source::secret(std::string(secret32));
        o.issuers[0].algorithms = {hs, algorithm::hs512};
    });
    complains_of("no key for", [](options& o) {
        o.issuers[0].keys = key_source::jwks(signer_of(algorithm::es256).jwk(algorithm::es256));
    });
    complains_of("/nonexistent", [](options& o) {
        o.issuers[0].keys = key_source::jwks_file("/nonexistent/jwks.json");
    });
}

TEST(verifier, clients_are_told_little) {
    const refusal expired = refuse(errc::token_expired);
    EXPECT_EQ(expired.status, 401);
    EXPECT_EQ(expired.message, "token expired");
    for (const errc one : {errc::bad_signature, errc::unknown_key, errc::wrong_issuer,
                           errc::wrong_audience, errc::revoked, errc::missing_claim}) {
        EXPECT_EQ(refuse(one).message, "invalid token");
        EXPECT_EQ(refuse(one).headers[0].second,
                  R"(Bearer error="invalid_token", error_description="invalid token")");
    }
    EXPECT_EQ(refuse(errc::token_missing).headers[0].second, "Bearer");
    EXPECT_EQ(refuse(errc::token_ambiguous).status, 400);
    EXPECT_EQ(refuse(errc::too_busy).status, 503);
    EXPECT_EQ(refuse(errc::keys_unavailable).headers[0].first, "Retry-After");
    EXPECT_EQ(error(errc::bad_signature).code(), condition::protocol_violation);
    EXPECT_EQ(error(errc::too_busy).code(), condition::limit_exceeded);
}

TEST(verifier, other_issuers_count_at_once_also_for_what_is_cached) {
    const algorithm es = algorithm::es256;
    const verifier v = make(good_options(es));
    const std::string token = sign(es, good_claims());
    EXPECT_EQ(why(v, token), errc{});
    ASSERT_GT(metric(v, "weft_auth_cache_bytes"), 0U);
    issuer other = good_issuer(es);
    other.name = "https://other.example";
    ASSERT_TRUE(v.change_issuers({other}));
    EXPECT_EQ(why(v, token), errc::wrong_issuer);
    const std::string of_other = sign(es, good_claims().set("iss", "\"https://other.example\""));
    EXPECT_EQ(why(v, of_other), errc{});
    issuer renewed = good_issuer(es);
    renewed.keys = key_source::pem(token_signer::generate(es)->public_pem());
    ASSERT_TRUE(v.change_issuers({renewed, other}));
    EXPECT_EQ(why(v, token), errc::bad_signature) << "it is the same name with another key";
    EXPECT_EQ(why(v, of_other), errc{});
}

TEST(verifier, wrong_issuers_change_nothing) {
    const verifier v = make(good_options(hs));
    issuer none = good_issuer(hs);
    none.keys = {};
    issuer short_secret = good_issuer(hs);
    short_secret.keys = key_source::secret("short");
    for (const auto& wrong : {std::vector<issuer>(), {none}, {short_secret}})
        EXPECT_FALSE(v.change_issuers(wrong));
    EXPECT_EQ(why(v, sign(hs, good_claims())), errc{});
}

TEST(verifier, is_shared_by_threads) {
    options from = good_options(algorithm::es256);
    from.issuers.push_back(good_issuer(hs));
    from.issuers[1].name = "https://other.example";
    from.max_cached = 3;
    const verifier v = make(from);
    std::vector<std::string> tokens;
    for (int i = 0; i < 6; ++i) {
        const std::string id = "\"t" + std::to_string(i) + '"';
        tokens.push_back(sign(algorithm::es256, good_claims().set("jti", id)));
        tokens.push_back(
            sign(hs, good_claims().set("jti", id).set("iss", "\"https://other.example\"")));
    }
    std::atomic<int> good{0}, revoked{0}, told{0};
    const auto listening = v.on_revocation([&told](const revocation&) { ++told; });
    const auto work = [&](std::size_t first) {
        for (std::size_t i = 0; i < 120; ++i) {
            const errc refused = why(v, tokens[(first + i) % tokens.size()]);
            if (refused == errc{}) ++good;
            if (refused == errc::revoked) ++revoked;
            if (i == 60) {
                EXPECT_TRUE(v.revoke_token("t" + std::to_string(first)));
            }
        }
    };
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < 4; ++i) threads.emplace_back(work, i);
    for (std::thread& one : threads) one.join();
    EXPECT_EQ(good + revoked, 4 * 120);
    EXPECT_GT(revoked, 0);
    EXPECT_EQ(told, 4);
    EXPECT_EQ(metric(v, "weft_auth_verified_total"), static_cast<std::uint64_t>(good));
}

TEST(verifier, sec_j10_macs_are_compared_in_constant_time) {
    // That every byte is compared, whatever the first one says, is for review (CRYPTO_memcmp in
    // key.cpp); here: no prefix of a right MAC, and no wrong byte at any place, is taken.
    const verifier v = make(good_options(hs));
    const std::string token = sign(hs, good_claims());
    const std::size_t dot = token.rfind('.');
    for (std::size_t size = dot + 1; size < token.size(); ++size) {
        EXPECT_NE(why(v, token.substr(0, size)), errc{});
    }
    const auto mac = base64url_decode(std::string_view(token).substr(dot + 1));
    ASSERT_TRUE(mac);
    EXPECT_EQ(why(v, token.substr(0, dot + 1) + encode(*mac)), errc{});
    EXPECT_EQ(why(v, token.substr(0, dot + 1) + encode(*mac + "x")), errc::bad_signature);
}

}  // namespace
}  // namespace weft::auth::test
