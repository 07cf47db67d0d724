#pragma once

#include <array>
#include <mutex>
#include <optional>

#include <openssl/evp.h>

#include <weft/base/time.hpp>

namespace weft::net {

/// The keys that seal session tickets: the one in use and the one before it.
///
/// A key is used for `rotation` and opens tickets for as long again; then it is wiped, and with it
/// every ticket it sealed. One object is shared by all loops and survives reloads of certificates;
/// under which certificates a ticket resumes is not its business.
/// **Threads**: all calls from any thread; the lock is held for a key set-up, once per handshake.
class ticket_keys {
public:
    static constexpr std::size_t name_size = 16;

    explicit ticket_keys(duration rotation) noexcept : rotation_(rotation) {}
    ticket_keys(const ticket_keys&) = delete;
    ticket_keys& operator=(const ticket_keys&) = delete;
    ~ticket_keys();

    enum class opened { unknown, current, previous };

    /// Prepares the contexts to seal a ticket; writes the key's name and a fresh `iv`. False when
    /// there is no randomness: then no ticket is made.
    bool seal(unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac,
              time_point now) noexcept;
    /// Prepares the contexts to open a ticket sealed under `name`.
    opened open(const unsigned char* name, const unsigned char* iv, EVP_CIPHER_CTX* cipher,
                EVP_MAC_CTX* mac, time_point now) noexcept;

private:
    struct key {
        std::array<unsigned char, name_size> name;
        std::array<unsigned char, 32> cipher;
        std::array<unsigned char, 32> mac;
        time_point born;
    };

    bool make_current_fresh(time_point now) noexcept;
    [[nodiscard]] bool usable(const std::optional<key>& candidate, const unsigned char* name,
                              time_point now) const noexcept;
    static void wipe(std::optional<key>& dead) noexcept;

    std::mutex mutex_;
    duration rotation_;
    std::optional<key> current_;
    std::optional<key> previous_;
};

}  // namespace weft::net
