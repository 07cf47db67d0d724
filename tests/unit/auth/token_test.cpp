#include "auth/proto/token.hpp"

#include <gtest/gtest.h>

#include "auth/proto/base64url.hpp"
#include "auth/proto/strict_object.hpp"

namespace weft::auth {
namespace {

TEST(base64url, decodes_what_the_rfc_shows) {
    EXPECT_EQ(base64url_decode(""), "");
    EXPECT_EQ(base64url_decode("Zg"), "f");
    EXPECT_EQ(base64url_decode("Zm8"), "fo");
    EXPECT_EQ(base64url_decode("Zm9v"), "foo");
    EXPECT_EQ(base64url_decode("Zm9vYg"), "foob");
    EXPECT_EQ(base64url_decode("A-z_4ME"), std::string("\x03\xec\xff\xe0\xc1"));  // RFC 7515, C
}

TEST(base64url, sec_j4_has_one_text_for_each_value) {
    for (const char* const wrong :
         {"Zg==", "Zg=", "Zm9v====", "Z", "Zm9vY", "Zm 9v", "Zm9v\n", " Zm9v", "Zm+v", "Zm/v",
          "Zm9v.", "Zh", "Zm9", "Zm9vYh", "\xc3\xa9Zg", "Z=9v"}) {
        EXPECT_EQ(base64url_decode(wrong), std::nullopt) << wrong;
    }
    EXPECT_EQ(base64url_decode(std::string_view("Zm\0v", 4)), std::nullopt);
}

TEST(base64url, stray_bits_are_found_behind_each_length) {
    const std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    int two = 0, three = 0;
    for (const char c : digits) {
        if (base64url_decode(std::string("A") + c)) ++two;
        if (base64url_decode(std::string("AA") + c)) ++three;
    }
    EXPECT_EQ(two, 4);
    EXPECT_EQ(three, 16);
}

TEST(split_token, wants_three_parts) {
    const auto parts = split_token("a.b.c");
    ASSERT_TRUE(parts);
    EXPECT_EQ(parts->header, "a");
    EXPECT_EQ(parts->claims, "b");
    EXPECT_EQ(parts->signature, "c");
    EXPECT_EQ(parts->signed_part, "a.b");
    for (const char* const wrong :
         {"", ".", "..", "...", "a", "a.b", "a.b.", "a..c", ".b.c", "a.b.c.", "a.b.c.d.e"}) {
        EXPECT_FALSE(split_token(wrong)) << wrong;
    }
    EXPECT_FALSE(split_token(std::string(1 << 20, '.')));
}

bool strict(std::string_view json, std::size_t depth = 8) {
    return read_strict_object(json, depth, [](std::string_view, json_reader&) { return true; });
}

TEST(strict_object, has_no_key_twice_at_any_depth) {
    EXPECT_TRUE(strict(R"({"a":1,"b":{"a":1},"c":[{"a":1},{"a":2}]})"));
    EXPECT_FALSE(strict(R"({"a":1,"a":1})"));
    EXPECT_FALSE(strict(R"({"a":1,"\u0061":1})"));
    EXPECT_FALSE(strict(R"({"\u0061":1,"a":1})"));
    EXPECT_FALSE(strict(R"({"\u0061":1,"b":2,"\u0061":1})"));
    EXPECT_FALSE(strict(R"({"x":{"a":1,"a":2}})"));
    EXPECT_FALSE(strict(R"({"x":[[{"a":1,"a":2}]]})"));
}

TEST(strict_object, finds_a_key_twice_among_many) {
    std::string many = "{";
    for (int i = 0; i < 100; ++i) many += "\"k" + std::to_string(i) + "\":0,";
    EXPECT_TRUE(strict(many + "\"z\":0}"));
    EXPECT_FALSE(strict(many + "\"k7\":0}"));
    EXPECT_FALSE(strict(many + "\"k99\":0}"));
    EXPECT_FALSE(strict(many + "\"\\u006b50\":0}"));
}

TEST(strict_object, refuses_other_texts) {
    for (const char* const wrong :
         {"", "[]", "1", "null", "{", "{}x", "{\"a\":}", "{\"a\":1,}", "{\"a\":\"\xff\"}",
          "{\"a\":1}{}", "{'a':1}", "\xef\xbb\xbf{}"}) {
        EXPECT_FALSE(strict(wrong)) << wrong;
    }
}

TEST(strict_object, sec_j7_depth_is_bounded) {
    const auto nested = [](int depth) {
        return "{\"a\":" + std::string(static_cast<std::size_t>(depth), '[') +
               std::string(static_cast<std::size_t>(depth), ']') + "}";
    };
    EXPECT_TRUE(strict(nested(7), 8));
    EXPECT_FALSE(strict(nested(8), 8));
    EXPECT_FALSE(strict(nested(100'000), 8));
    EXPECT_FALSE(strict("{\"a\":" + std::string(100'000, '['), 8));
}

errc header_error(std::string_view json) {
    const auto got = parse_header(json);
    return got ? errc{} : errc_of(got.error());
}

TEST(token_header, reads_what_counts) {
    const auto got = parse_header(R"({"typ":"at+jwt","alg":"ES256","kid":"k1","x":[1]})");
    ASSERT_TRUE(got);
    EXPECT_EQ(got->alg, algorithm::es256);
    EXPECT_EQ(got->kid, "k1");
    EXPECT_EQ(got->type, "at+jwt");
}

TEST(token_header, sec_j1_none_and_its_like_are_no_algorithms) {
    for (const char* const json :
         {R"({"alg":"none"})", R"({"alg":"None"})", R"({"alg":"nOnE"})", R"({"alg":"NONE"})",
          R"({"alg":""})", R"({"alg":"hs256"})", R"({"alg":"HS256 "})", R"({"alg":["HS256"]})",
          R"({"alg":256})", R"({"alg":null})", R"({"alg":{"a":"HS256"}})", R"({})",
          R"({"Alg":"HS256"})", R"({"alg":"HS256\u0000"})", R"({"alg":"ES512"})",
          R"({"alg":"ES256K"})", R"({"alg":"RSA-OAEP"})"}) {
        EXPECT_EQ(header_error(json), errc::algorithm_not_allowed) << json;
    }
    EXPECT_EQ(header_error(R"({"alg":"none","alg":"HS256"})"), errc::token_malformed);
}

TEST(token_header, sec_j3_crit_and_b64_are_refused_and_keys_in_it_ignored) {
    EXPECT_EQ(header_error(R"({"alg":"HS256","crit":["exp"],"exp":1})"), errc::unsupported_header);
    EXPECT_EQ(header_error(R"({"alg":"HS256","crit":[]})"), errc::unsupported_header);
    EXPECT_EQ(header_error(R"({"alg":"HS256","b64":true})"), errc::unsupported_header);
    EXPECT_EQ(header_error(R"({"alg":"HS256","jku":"https://x","jwk":{},"x5u":1,"x5c":[]})"),
              errc{});
}

TEST(token_header, sec_j3_kid_is_a_short_text) {
    const auto with_kid = [](const std::string& json) {
        return header_error(R"({"alg":"HS256","kid":)" + json + "}");
    };
    EXPECT_EQ(with_kid('"' + std::string(64, 'k') + '"'), errc{});
    EXPECT_EQ(with_kid('"' + std::string(65, 'k') + '"'), errc::token_malformed);
    EXPECT_EQ(with_kid('"' + std::string(10'000, 'k') + '"'), errc::token_malformed);
    EXPECT_EQ(with_kid("1"), errc::token_malformed);
    EXPECT_EQ(with_kid("null"), errc::token_malformed);
    EXPECT_EQ(with_kid("[\"k\"]"), errc::token_malformed);
}

TEST(token_claims, reads_the_registered_ones) {
    const auto got = parse_claims(
        R"({"iss":"i","sub":"s","aud":["a","b"],"exp":12.9,"nbf":1e1,"iat":0,"jti":"j","name":"n"})");
    ASSERT_TRUE(got);
    EXPECT_EQ(got->issuer, "i");
    EXPECT_EQ(got->subject, "s");
    EXPECT_EQ(got->audience, (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(got->expires, 12);
    EXPECT_EQ(got->not_before, 10);
    EXPECT_EQ(got->issued, 0);
    EXPECT_EQ(got->id, "j");
}

TEST(token_claims, sec_j5_times_are_finite_numbers) {
    for (const char* const name : {"exp", "nbf", "iat"}) {
        for (const char* const value : {"\"1800000000\"", "1e400", "-1", "-1e400", "null", "true",
                                        "[1]", "{}", "1e17", "NaN", "Infinity", "01"}) {
            const std::string json = std::string("{\"") + name + "\":" + value + "}";
            EXPECT_FALSE(parse_claims(json)) << json;
        }
    }
}

TEST(token_claims, sec_j6_texts_are_texts) {
    for (const char* const json :
         {R"({"iss":1})", R"({"iss":null})", R"({"iss":["i"]})", R"({"sub":1})", R"({"sub":{}})",
          R"({"aud":1})", R"({"aud":null})", R"({"aud":["a",1]})", R"({"aud":{"a":1}})",
          R"({"jti":1})"}) {
        EXPECT_FALSE(parse_claims(json)) << json;
    }
    EXPECT_TRUE(parse_claims(R"({"aud":[]})"));
}

}  // namespace
}  // namespace weft::auth
