#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include <weft/auth/options.hpp>
#include <weft/base/result.hpp>
#include <weft/base/time.hpp>

#include "auth/https_url.hpp"
#include "auth/key.hpp"

namespace weft::net {
class tls_client_context;
}

namespace weft::auth {

/// An issuer, and the keys that it has at present. Keys of files and URLs change; who fetches them
/// claims that first, so that only one does.
/// **Threads**: any.
class issuer_keys {
public:
    /// How long an unknown `kid` leads to no further fetch.
    static constexpr duration ask_interval = std::chrono::seconds(30);
    /// How often a file is looked at, and how soon a first fetch that failed is tried again.
    static constexpr duration look_interval = std::chrono::seconds(5);

    /// Loads what is not at a URL. **Errors**: `invalid_argument`; says which issuer and what is
    /// wrong.
    static result<std::unique_ptr<issuer_keys>> make(issuer of, const options& limits);

    issuer_keys(const issuer_keys&) = delete;
    issuer_keys& operator=(const issuer_keys&) = delete;

    [[nodiscard]] const issuer& of() const noexcept { return of_; }
    /// Whether it has keys that change, and is just this one.
    [[nodiscard]] bool is(const issuer& other) const;
    [[nodiscard]] algorithm_set algorithms() const noexcept { return algorithms_; }
    /// Until when the second key counts, if that is the previous secret.
    [[nodiscard]] const std::optional<std::chrono::system_clock::time_point>& previous_until()
        const noexcept {
        return previous_until_;
    }
    /// The keys; null if they were never there, or are too old.
    [[nodiscard]] std::shared_ptr<const key_set> current(time_point now) const;

    /// Whether the keys are at a URL or in a file, and so may change.
    [[nodiscard]] bool changes() const noexcept { return url_.has_value() || !file_.empty(); }
    [[nodiscard]] const std::optional<https_url>& url() const noexcept { return url_; }
    [[nodiscard]] const std::string& file() const noexcept { return file_; }
    [[nodiscard]] const std::shared_ptr<net::tls_client_context>& tls() const noexcept {
        return tls_;
    }

    /// A token needs a key that is not there: whether it is worth to wait for a fetch, which is
    /// then under way or wanted. At most one per `ask_interval`.
    [[nodiscard]] bool ask(time_point now);
    /// How many fetches have ended.
    [[nodiscard]] std::uint64_t fetched() const;

    /// Claims the fetch that is due. False if none is, or another has it.
    [[nodiscard]] bool try_begin(time_point now);
    /// What was found, and its text: if that is the one of last time, nothing changes but the age.
    /// Returns false then.
    bool succeed(time_point now, std::string text, std::shared_ptr<const key_set> found);
    void fail(time_point now);
    /// The one who claimed it is gone.
    void abandon();

private:
    issuer_keys(issuer of, const options& limits);
    result<void> load();
    result<void> load_static();
    result<void> check_use(const key_set& set) const;

    issuer of_;
    algorithm_set algorithms_;
    std::optional<std::chrono::system_clock::time_point> previous_until_;
    std::optional<https_url> url_;
    std::string file_;
    std::shared_ptr<net::tls_client_context> tls_;
    const duration refresh_;
    const duration stale_for_;

    mutable std::mutex mutex_;
    std::shared_ptr<const key_set> keys_;
    std::string text_;  // what they were made of
    time_point good_until_ = time_point::max();
    std::optional<time_point> begun_;  // the last fetch
    std::optional<time_point> due_;    // the next one; none: at once
    bool running_ = false;
    bool asked_ = false;
    std::uint64_t fetched_ = 0;
};

/// The text of a file of keys. **Errors**: the system's; `malformed` above 64 KiB.
[[nodiscard]] result<std::string> read_key_file(const std::string& path);

/// The keys of a text that was fetched, or read from a file, with a generation of their own.
[[nodiscard]] result<std::shared_ptr<const key_set>> load_fetched(std::string_view text,
                                                                  jwks_secrets secrets);

}  // namespace weft::auth
