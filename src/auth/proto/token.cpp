// Takes a token apart. Nothing here believes what it reads: a header can only choose among the keys
// and algorithms that the caller has. Invariant: what was accepted has one meaning for every reader
// (see strict_object.hpp).

#include "auth/proto/token.hpp"

#include <cmath>
#include <utility>

#include "auth/proto/strict_object.hpp"

namespace weft::auth {
namespace {

constexpr std::size_t max_header_depth = 8;
constexpr std::size_t max_claims_depth = 64;
constexpr double max_time = 9007199254740992.0;  // 2^53: above, doubles skip seconds

/// The three bytes of a registered name as a number.
constexpr std::uint32_t packed(const char* name) noexcept {
    const auto byte = [name](int i) { return std::uint32_t{static_cast<unsigned char>(name[i])}; };
    return byte(0) << 16 | byte(1) << 8 | byte(2);
}

bool read_text(json_reader& json, std::optional<std::string>& out) {
    return json.read(out.emplace());
}

bool read_time(json_reader& json, std::optional<std::int64_t>& out) {
    double seconds = 0;
    if (!json.read(seconds) || !(seconds >= 0 && seconds <= max_time)) return false;
    out = static_cast<std::int64_t>(std::floor(seconds));
    return true;
}

bool read_audience(json_reader& json, std::optional<std::vector<std::string>>& out) {
    auto& all = out.emplace();
    if (json.peek() == json_kind::string) return json.read(all.emplace_back());
    if (!json.begin_array()) return false;
    while (json.next_element()) {
        if (!json.read(all.emplace_back())) return false;
    }
    return json.ok();
}

}  // namespace

std::optional<token_parts> split_token(std::string_view token) noexcept {
    const std::size_t first = token.find('.');
    if (first == token.npos) return std::nullopt;
    const std::size_t second = token.find('.', first + 1);
    if (second == token.npos || token.find('.', second + 1) != token.npos) return std::nullopt;
    const token_parts parts{token.substr(0, first), token.substr(first + 1, second - first - 1),
                            token.substr(second + 1), token.substr(0, second)};
    if (parts.header.empty() || parts.claims.empty() || parts.signature.empty())
        return std::nullopt;
    return parts;
}

result<token_header> parse_header(std::string_view json) {
    token_header header;
    std::optional<algorithm> alg;
    bool unsupported = false;
    const bool well_formed =
        read_strict_object(json, max_header_depth, [&](std::string_view key, json_reader& value) {
            if (key == "alg") {
                std::string scratch;
                std::string_view name;
                if (value.peek() == json_kind::string && value.read(name, scratch)) {
                    alg = algorithm_of(name);
                }
            } else if (key == "kid") {
                return read_text(value, header.kid) && header.kid->size() <= max_kid;
            } else if (key == "typ") {
                return read_text(value, header.type);
            } else if (key == "crit" || key == "b64") {
                unsupported = true;
            }
            return true;
        });
    if (!well_formed) return errc::token_malformed;
    if (unsupported) return errc::unsupported_header;
    if (!alg) return errc::algorithm_not_allowed;
    header.alg = *alg;
    return header;
}

std::optional<token_claims> parse_claims(std::string_view json) {
    token_claims claims;
    const bool well_formed =
        read_strict_object(json, max_claims_depth, [&](std::string_view key, json_reader& value) {
            if (key.size() != 3) return true;
            switch (packed(key.data())) {
                case packed("iss"): return read_text(value, claims.issuer);
                case packed("sub"): return read_text(value, claims.subject);
                case packed("aud"): return read_audience(value, claims.audience);
                case packed("jti"): return read_text(value, claims.id);
                case packed("exp"): return read_time(value, claims.expires);
                case packed("nbf"): return read_time(value, claims.not_before);
                case packed("iat"): return read_time(value, claims.issued);
                default: return true;
            }
        });
    if (!well_formed) return std::nullopt;
    return claims;
}

}  // namespace weft::auth
