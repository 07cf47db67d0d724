// What a token costs: whole verifications (parsing, rules, signature, identity), from the cache and
// refused, beside OpenSSL's signature check alone.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <benchmark/benchmark.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <weft/auth/verifier.hpp>
#include <weft/testing/token_signer.hpp>

namespace {

using weft::token_signer;
using weft::auth::algorithm;

constexpr std::string_view secret =
    "0123456789abcdef0123456789ABCDEF0123456789abcdef0123456789abcdeX";

std::int64_t present() {
    return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now())
        .time_since_epoch()
        .count();
}

/// What a usual issuer writes, 330 bytes.
std::string usual_claims(std::int64_t expires) {
    return R"({"iss":"https://id.example.org/","sub":"auth0|5f7c8ec7c33c6c004bbafe82","aud":)"
           R"(["https://chat.example.org","https://id.example.org/userinfo"],"iat":)" +
           std::to_string(present() - 10) + R"(,"exp":)" + std::to_string(expires) +
           R"(,"azp":"my_client_id","scope":"openid profile email","jti":)"
           R"("8f1b2c0e-4a55-4f0f-9d7e-6a1d7b0a2f11","role":"member"})";
}

token_signer signer_of(algorithm by) {
    if (to_string(by).starts_with("HS")) return token_signer::secret(std::string(secret));
    return *token_signer::generate(by);
}

/// An issuer with its verifier and a token.
struct world {
    explicit world(algorithm by, std::size_t cached = 0)
        : signer(signer_of(by)), token(*signer.sign(by, usual_claims(present() + 3600), "key-1")) {
        weft::auth::options options;
        options.max_cached = cached;
        weft::auth::issuer one;
        one.name = "https://id.example.org/";
        one.keys = weft::auth::key_source::jwks(signer.jwk(by, "key-1"));
        one.algorithms = {by};
        one.audience = {"https://chat.example.org"};
        options.issuers.push_back(std::move(one));
        verifier.emplace(*weft::auth::verifier::make(std::move(options)));
    }
    token_signer signer;
    std::string token;
    std::optional<weft::auth::verifier> verifier;
};

void verify(benchmark::State& state, algorithm by) {
    const world w(by);
    for (auto _ : state) {
        auto got = w.verifier->verify(w.token);
        if (!got) state.SkipWithError("refused");
        benchmark::DoNotOptimize(got);
    }
}
BENCHMARK_CAPTURE(verify, hs256, algorithm::hs256);
BENCHMARK_CAPTURE(verify, hs512, algorithm::hs512);
BENCHMARK_CAPTURE(verify, rs256, algorithm::rs256);
BENCHMARK_CAPTURE(verify, ps256, algorithm::ps256);
BENCHMARK_CAPTURE(verify, es256, algorithm::es256);
BENCHMARK_CAPTURE(verify, es384, algorithm::es384);
BENCHMARK_CAPTURE(verify, eddsa, algorithm::eddsa);

/// OpenSSL alone: the same text and key, with a signature in the form that it takes.
void openssl_alone(benchmark::State& state, const char* curve, const char* digest) {
    EVP_PKEY* const key = EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", curve);
    const world w(algorithm::es256);
    const std::string text = w.token.substr(0, w.token.rfind('.'));
    const auto* const bytes = reinterpret_cast<const unsigned char*>(text.data());
    EVP_MD_CTX* const context = EVP_MD_CTX_new();
    unsigned char signature[256];
    std::size_t size = sizeof signature;
    EVP_DigestSignInit_ex(context, nullptr, digest, nullptr, nullptr, key, nullptr);
    EVP_DigestSign(context, signature, &size, bytes, text.size());
    for (auto _ : state) {
        EVP_MD_CTX_reset(context);
        EVP_DigestVerifyInit_ex(context, nullptr, digest, nullptr, nullptr, key, nullptr);
        if (EVP_DigestVerify(context, signature, size, bytes, text.size()) != 1) {
            state.SkipWithError("refused");
        }
    }
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
}
BENCHMARK_CAPTURE(openssl_alone, es256, "P-256", "SHA256");
BENCHMARK_CAPTURE(openssl_alone, es384, "P-384", "SHA384");

void verify_cached(benchmark::State& state) {
    const world w(algorithm::es384, 100);
    for (auto _ : state) {
        auto got = w.verifier->verify(w.token);
        benchmark::DoNotOptimize(got);
    }
}
BENCHMARK(verify_cached);

void refuse_expired(benchmark::State& state) {
    const world w(algorithm::es384);
    const std::string token =
        *w.signer.sign(algorithm::es384, usual_claims(present() - 3600), "key-1");
    for (auto _ : state) {
        auto got = w.verifier->verify(token);
        benchmark::DoNotOptimize(got);
    }
}
BENCHMARK(refuse_expired);

void refuse_garbage(benchmark::State& state) {
    const world w(algorithm::es384);
    const std::string token(1000, '.');
    for (auto _ : state) {
        auto got = w.verifier->verify(token);
        benchmark::DoNotOptimize(got);
    }
}
BENCHMARK(refuse_garbage);

}  // namespace
