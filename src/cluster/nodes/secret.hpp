#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace weft::cluster::nodes {

/// What all nodes know, and how they show it. **Threads**: any.
class shared_secret {
public:
    using proof = std::array<char, 32>;

    explicit shared_secret(std::string bytes) noexcept : bytes_(std::move(bytes)) {}

    /// HMAC-SHA256 of a text. **Errors**: nothing when OpenSSL has none to offer.
    [[nodiscard]] std::optional<proof> sign(std::string_view text) const noexcept;
    /// In a time that tells nothing of how much is right.
    [[nodiscard]] bool is_proof(std::string_view given, std::string_view text) const noexcept;

private:
    const std::string bytes_;
};

}  // namespace weft::cluster::nodes
