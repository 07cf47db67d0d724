// Any bytes as a token, as its header and as its claims. A token that is taken apart can be put
// together again in one way only; a header that is accepted names an algorithm that we know; no
// token is good, since nobody has the key.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include <weft/auth/verifier.hpp>

#include "auth/proto/base64url.hpp"
#include "auth/proto/token.hpp"

namespace {

using namespace weft::auth;

void require(bool holds) {
    if (!holds) std::abort();
}

verifier make_verifier() {
    options from;
    issuer one;
    one.name = "i";
    one.keys =
        key_source::secret("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef");
    one.algorithms = {algorithm::hs256, algorithm::hs512};
    one.audience = {"a"};
    from.issuers.push_back(std::move(one));
    return *verifier::make(std::move(from));
}

/// The one text of these bytes.
std::string encode(std::string_view bytes) {
    static constexpr std::string_view digits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    std::string text;
    unsigned held = 0;
    int bits = 0;
    for (const char c : bytes) {
        held = held << 8 | static_cast<unsigned char>(c);
        for (bits += 8; bits >= 6; bits -= 6) text += digits[held >> (bits - 6) & 63];
    }
    if (bits != 0) text += digits[held << (6 - bits) & 63];
    return text;
}

void check_parts(std::string_view token) {
    const auto parts = split_token(token);
    if (!parts) return;
    require(std::string(parts->header) + '.' + std::string(parts->claims) + '.' +
                std::string(parts->signature) ==
            token);
    require(token.substr(0, parts->signed_part.size()) == parts->signed_part);
    for (const std::string_view part : {parts->header, parts->claims, parts->signature}) {
        if (const auto bytes = base64url_decode(part)) require(encode(*bytes) == part);
    }
}

void check_json(std::string_view text) {
    if (const auto header = parse_header(text)) {
        require(algorithm_of(to_string(header->alg)) == header->alg);
        require(!header->kid || header->kid->size() <= max_kid);
    }
    if (const auto claims = parse_claims(text)) {
        for (const auto& time : {claims->expires, claims->not_before, claims->issued}) {
            require(!time || (*time >= 0 && *time <= std::int64_t{1} << 53));
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const verifier by = make_verifier();
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    check_parts(text);
    check_json(text);
    const std::chrono::system_clock::time_point now{std::chrono::seconds(1'800'000'000)};
    require(!by.verify(text, now));
    // The same bytes as header and as claims of a token that is well-formed otherwise.
    const std::string body = encode(text);
    require(!by.verify(body + ".e30.AAAA", now));
    require(!by.verify("eyJhbGciOiJIUzI1NiJ9." + body + ".AAAA", now));
    return 0;
}
