#pragma once

#include <array>
#include <memory>
#include <span>

#include <weft/base/bytes.hpp>
#include <weft/base/result.hpp>

struct evp_md_st;
struct evp_md_ctx_st;

namespace weft {

/// Computes SHA-1 with an algorithm fetched once and a context used again and again.
///
/// SHA-1 is what RFC 6455 asks for in the handshake; nothing here relies on it for security.
/// **Threads**: one object per loop. **Cost**: about 125 ns for a handshake key, a third of
/// OpenSSL's one-shot call.
class sha1_digest {
public:
    static constexpr std::size_t size = 20;
    using value = std::array<std::byte, size>;

    /// **Errors**: `errc::not_supported` when OpenSSL has no SHA-1 to offer.
    [[nodiscard]] static result<sha1_digest> make() noexcept;

    sha1_digest(sha1_digest&&) noexcept = default;
    sha1_digest& operator=(sha1_digest&&) noexcept = default;

    /// The digest of the parts one after the other. **Errors**: `errc::not_supported`, when OpenSSL
    /// refuses.
    [[nodiscard]] result<value> operator()(std::span<const byte_view> parts) noexcept;

private:
    struct free_algorithm {
        void operator()(evp_md_st* algorithm) const noexcept;
    };
    struct free_context {
        void operator()(evp_md_ctx_st* context) const noexcept;
    };

    sha1_digest() noexcept = default;

    std::unique_ptr<evp_md_st, free_algorithm> algorithm_;
    std::unique_ptr<evp_md_ctx_st, free_context> context_;
};

}  // namespace weft
