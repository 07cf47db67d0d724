// The keys of one issuer. Invariant: keys at a URL count until `good_until_`, which only a fetch
// that succeeded moves, never their use; so a key that the issuer withdraws is gone after
// `refresh`, and after `stale_for` at the latest. At most one fetch is claimed at a time.

#include "auth/issuer_keys.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <utility>

#include "base/unique_fd.hpp"
#include "net/tls/tls_context.hpp"

namespace weft::auth {
namespace {

std::uint64_t next_generation() noexcept {
    static std::atomic<std::uint64_t> last{0};
    return ++last;
}

error about(const issuer& of, const error& why) {
    return {why.code(), "the issuer " + of.name + ": " + why.what()};
}

error unusable(std::string what) {
    return {weft::errc::invalid_argument, std::move(what)};
}

}  // namespace

issuer_keys::issuer_keys(issuer of, const options& limits)
    : of_(std::move(of)), refresh_(limits.refresh), stale_for_(limits.stale_for) {
    for (const algorithm a : of_.algorithms) algorithms_.add(a);
}

result<std::unique_ptr<issuer_keys>> issuer_keys::make(issuer of, const options& limits) {
    std::unique_ptr<issuer_keys> made(new issuer_keys(std::move(of), limits));
    if (auto loaded = made->load(); !loaded) return about(made->of_, loaded.error());
    if (!made->changes()) made->of_.keys = {};  // no longer needed: secrets are in the keys
    return made;
}

bool issuer_keys::is(const issuer& other) const {
    const key_source &mine = of_.keys, &its = other.keys;
    const auto& tls = its.tls();
    return changes() && mine.what() == its.what() && mine.text() == its.text() &&
           mine.tls().verification == tls.verification && mine.tls().ca_file == tls.ca_file &&
           mine.tls().ca_pem == tls.ca_pem && mine.tls().system_cas == tls.system_cas &&
           !mine.tls().certificate && !tls.certificate && of_.name == other.name &&
           of_.algorithms == other.algorithms && of_.audience == other.audience &&
           of_.type == other.type && of_.require_subject == other.require_subject &&
           of_.require_audience == other.require_audience;
}

result<void> issuer_keys::load() {
    const key_source& from = of_.keys;
    if (from.what() != key_source::kind::jwks_url) return load_static();
    for (const algorithm a : of_.algorithms) {
        if (!algorithms_of(key_type::secret, 64).has(a)) continue;
        return unusable("issuer::algorithms has " + std::string(to_string(a)) +
                        ", and what is at a URL is no secret");
    }
    auto url = https_url::parse(from.text());
    if (!url) return url.error();
    auto tls = net::tls_client_context::make(from.tls());
    if (!tls) return tls.error();
    url_ = *std::move(url);
    tls_ = *std::move(tls);
    return {};
}

result<void> issuer_keys::load_static() {
    const key_source& from = of_.keys;
    auto set = std::make_shared<key_set>();
    const auto add = [&set](result<std::shared_ptr<const key>> one) -> result<void> {
        if (!one) return one.error();
        set->keys.push_back(*std::move(one));
        return {};
    };
    result<void> added;
    switch (from.what()) {
        case key_source::kind::none:
        case key_source::kind::jwks_url: return unusable("issuer::keys has no keys");
        case key_source::kind::secret:
            added = add(key::from_secret(from.text()));
            if (added && !from.previous().empty()) {
                added = add(key::from_secret(from.previous()));
                previous_until_ = from.previous_until();
            }
            break;
        case key_source::kind::pem: added = add(key::from_pem(from.text())); break;
        case key_source::kind::jwks: text_ = from.text(); break;
        case key_source::kind::jwks_file: {
            file_ = from.text();
            auto text = read_key_file(file_);
            if (!text) return text.error();
            text_ = *std::move(text);
            break;
        }
    }
    if (!added) return added.error();
    if (set->keys.empty()) {
        auto loaded = load_jwks(text_, jwks_secrets::used);
        if (!loaded) return loaded.error();
        *set = *std::move(loaded);
    }
    if (auto used = check_use(*set); !used) return used.error();
    set->generation = next_generation();
    keys_ = std::move(set);
    return {};
}

/// Each algorithm of the issuer has a key for it: else the options contradict each other.
result<void> issuer_keys::check_use(const key_set& set) const {
    if (set.keys.empty()) {
        return unusable("issuer::keys has no key that can be used" +
                        (set.why_skipped.empty() ? "" : ": " + set.why_skipped));
    }
    const auto kind = of_.keys.what();
    const bool single = kind == key_source::kind::secret || kind == key_source::kind::pem;
    bool any = false;
    for (const algorithm a : of_.algorithms) {
        for (const auto& one : set.keys) {
            const bool fits = one->algorithms().has(a);
            any |= fits;
            if (fits || !single) continue;
            return unusable("issuer::algorithms has " + std::string(to_string(a)) + ", and " +
                            std::string(describe(one->type())) +
                            (one->type() == key_type::secret ? " of this size" : "") +
                            " is not for that");
        }
    }
    if (!any) return unusable("issuer::keys has no key for one of issuer::algorithms");
    return {};
}

std::shared_ptr<const key_set> issuer_keys::current(time_point now) const {
    const std::lock_guard lock(mutex_);
    return now < good_until_ ? keys_ : nullptr;
}

bool issuer_keys::ask(time_point now) {
    const std::lock_guard lock(mutex_);
    if (!changes()) return false;
    if (running_ || asked_ || !begun_) return true;
    if (now < later(*begun_, ask_interval)) return false;
    asked_ = true;
    return true;
}

std::uint64_t issuer_keys::fetched() const {
    const std::lock_guard lock(mutex_);
    return fetched_;
}

bool issuer_keys::try_begin(time_point now) {
    const std::lock_guard lock(mutex_);
    if (running_ || (!asked_ && due_ && now < *due_)) return false;
    running_ = true;
    asked_ = false;
    begun_ = now;
    return true;
}

bool issuer_keys::succeed(time_point now, std::string text, std::shared_ptr<const key_set> found) {
    const std::lock_guard lock(mutex_);
    running_ = false;
    ++fetched_;
    due_ = later(now, url_ ? refresh_ : look_interval);
    good_until_ = url_ ? later(now, stale_for_) : time_point::max();
    if (keys_ != nullptr && text == text_) return false;
    text_ = std::move(text);
    keys_ = std::move(found);
    return true;
}

void issuer_keys::fail(time_point now) {
    const std::lock_guard lock(mutex_);
    running_ = false;
    ++fetched_;
    // A file was good until now, and no longer for sure.
    if (good_until_ == time_point::max()) good_until_ = later(now, stale_for_);
    due_ = later(now, url_ && keys_ != nullptr ? std::min(refresh_, ask_interval) : look_interval);
}

void issuer_keys::abandon() {
    const std::lock_guard lock(mutex_);
    running_ = false;
    due_.reset();
}

result<std::string> read_key_file(const std::string& path) {
    const auto failed = [&path](int code) {
        return error(std::error_code(code, std::system_category()), path);
    };
    const unique_fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (file.get() < 0) return failed(errno);
    std::string text(jwk_set::max_size + 1, '\0');
    std::size_t size = 0;
    while (size < text.size()) {
        const ssize_t got = ::read(file.get(), text.data() + size, text.size() - size);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return failed(errno);
        if (got == 0) break;
        size += static_cast<std::size_t>(got);
    }
    if (size > jwk_set::max_size) {
        return error(weft::errc::malformed, path + " has more than 64 KiB");
    }
    text.resize(size);
    return text;
}

result<std::shared_ptr<const key_set>> load_fetched(std::string_view text, jwks_secrets secrets) {
    auto loaded = load_jwks(text, secrets);
    if (!loaded) return loaded.error();
    auto set = std::make_shared<key_set>(*std::move(loaded));
    set->generation = next_generation();
    return std::shared_ptr<const key_set>(std::move(set));
}

}  // namespace weft::auth
