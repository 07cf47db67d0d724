// The names of algorithms. Exactly these, in this case: "none", "NONE" and "hs256" are nothing.

#include <weft/auth/algorithm.hpp>

#include <array>

namespace weft::auth {
namespace {

constexpr std::array<std::string_view, 12> names{"HS256", "HS384", "HS512", "RS256",
                                                 "RS384", "RS512", "PS256", "PS384",
                                                 "PS512", "ES256", "ES384", "EdDSA"};
static_assert(static_cast<std::size_t>(algorithm::eddsa) + 1 == names.size());

}  // namespace

std::string_view to_string(algorithm a) noexcept {
    return names[static_cast<std::size_t>(a)];
}

std::optional<algorithm> algorithm_of(std::string_view name) noexcept {
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (names[i] == name) return static_cast<algorithm>(i);
    }
    return std::nullopt;
}

}  // namespace weft::auth
