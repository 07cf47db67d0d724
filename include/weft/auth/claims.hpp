#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <weft/base/admission.hpp>

namespace weft::auth {

/// The registered claims of a verified token, from `identity::claims`. Your own claims are for
/// `weft::from_json<T>(claims.json())` of `<weft/socketio/json.hpp>`.
///
///     const weft::auth::claims who(*conn.peer().who());
///     if (who.has_audience("admin")) ...
///
/// **Lifetime**: `json()` refers to the text that it was made of; all else is its own.
/// **Cost**: reads the text once, when made.
class claims {
public:
    /// Without claims everything is empty.
    explicit claims(const identity& who) : claims(std::string_view(who.claims)) {}
    explicit claims(identity&&) = delete;
    explicit claims(std::string_view json);

    [[nodiscard]] const std::string& issuer() const noexcept { return issuer_; }
    [[nodiscard]] const std::string& subject() const noexcept { return subject_; }
    /// `jti`, what `verifier::revoke_token` takes.
    [[nodiscard]] const std::string& id() const noexcept { return id_; }
    [[nodiscard]] const std::vector<std::string>& audience() const noexcept { return audience_; }
    [[nodiscard]] bool has_audience(std::string_view name) const noexcept;
    [[nodiscard]] std::optional<std::chrono::system_clock::time_point> issued() const noexcept {
        return issued_;
    }
    [[nodiscard]] std::optional<std::chrono::system_clock::time_point> expires() const noexcept {
        return expires_;
    }
    /// All claims, as the issuer wrote them.
    [[nodiscard]] std::string_view json() const noexcept { return json_; }

private:
    std::string_view json_;
    std::string issuer_;
    std::string subject_;
    std::string id_;
    std::vector<std::string> audience_;
    std::optional<std::chrono::system_clock::time_point> issued_;
    std::optional<std::chrono::system_clock::time_point> expires_;
};

}  // namespace weft::auth
