#pragma once

// An issuer, its key, and a verifier that trusts it, for tests of tokens.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <weft/auth/verifier.hpp>
#include <weft/testing/token_signer.hpp>

namespace weft::auth::test {

using namespace std::chrono_literals;

/// The wall clock of the tests: 2027-01-15T08:00:00Z.
inline constexpr std::int64_t at = 1'800'000'000;
inline std::chrono::system_clock::time_point wall(std::int64_t seconds = at) {
    return std::chrono::system_clock::time_point(std::chrono::seconds(seconds));
}

inline constexpr std::string_view secret32 = "0123456789abcdef0123456789ABCDEF";
inline constexpr std::string_view secret64 =
    "0123456789abcdef0123456789ABCDEF0123456789abcdef0123456789abcdeX";

inline const std::vector<algorithm>& all_algorithms() {
    static const std::vector<algorithm> all{algorithm::hs256, algorithm::hs384, algorithm::hs512,
                                            algorithm::rs256, algorithm::rs384, algorithm::rs512,
                                            algorithm::ps256, algorithm::ps384, algorithm::ps512,
                                            algorithm::es256, algorithm::es384, algorithm::eddsa};
    return all;
}

inline bool is_hmac(algorithm by) {
    return to_string(by).starts_with("HS");
}

/// One signer for each kind of key, made once: RSA takes its time.
inline const token_signer& signer_of(algorithm by) {
    const std::string kind(to_string(by).substr(0, 1) == "P" ? "R" : to_string(by).substr(0, 1));
    const std::string name = kind == "E" ? std::string(to_string(by)) : kind;
    static std::map<std::string, token_signer> made;
    const auto found = made.find(name);
    if (found != made.end()) return found->second;
    auto fresh = is_hmac(by) ? result<token_signer>(token_signer::secret(std::string(secret64)))
                             : token_signer::generate(by);
    return made.emplace(name, *std::move(fresh)).first->second;
}

inline key_source keys_of(algorithm by) {
    return is_hmac(by) ? key_source::secret(std::string(secret64))
                       : key_source::pem(signer_of(by).public_pem());
}

/// Members of a JSON object, to be changed one by one.
struct members {
    std::vector<std::pair<std::string, std::string>> all;

    members& set(std::string name, std::string json) {
        for (auto& [known, value] : all) {
            if (known == name) {
                value = std::move(json);
                return *this;
            }
        }
        all.emplace_back(std::move(name), std::move(json));
        return *this;
    }
    members& without(std::string_view name) {
        std::erase_if(all, [name](const auto& one) { return one.first == name; });
        return *this;
    }
    [[nodiscard]] std::string json() const {
        std::string out = "{";
        for (const auto& [name, value] : all) {
            if (out.size() > 1) out += ',';
            out += '"' + name + "\":" + value;
        }
        return out + '}';
    }
};

/// What a good token says.
inline members good_claims() {
    return {{{"iss", "\"https://id.example\""},
             {"sub", "\"ada\""},
             {"aud", "\"chat\""},
             {"iat", std::to_string(at - 60)},
             {"exp", std::to_string(at + 600)},
             {"jti", "\"t1\""}}};
}

inline issuer good_issuer(algorithm by) {
    issuer one;
    one.name = "https://id.example";
    one.keys = keys_of(by);
    one.algorithms = {by};
    one.audience = {"chat", "other"};
    return one;
}

inline options good_options(algorithm by) {
    options made;
    made.issuers.push_back(good_issuer(by));
    return made;
}

inline verifier make(options from) {
    auto made = verifier::make(std::move(from));
    EXPECT_TRUE(made) << made.error().message();
    return *std::move(made);
}

inline std::string sign(algorithm by, const members& claims) {
    auto token = signer_of(by).sign(by, claims.json());
    EXPECT_TRUE(token) << token.error().message();
    return token ? *token : std::string();
}

/// The reason why a token is refused; `errc{}` if it is not.
inline errc why(const verifier& by, std::string_view token, std::int64_t now = at) {
    const auto got = by.verify(token, wall(now));
    return got ? errc{} : errc_of(got.error());
}

inline std::string encode(std::string_view bytes) {
    return token_signer::base64url(bytes);
}

}  // namespace weft::auth::test
