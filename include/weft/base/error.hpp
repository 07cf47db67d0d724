#pragma once

#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace weft {

/// What a caller tests an error code against: `if (ec == weft::condition::timed_out)`.
/// Every error code of every layer compares equal to at most one of these.
enum class condition {
    timed_out = 1,       ///< A deadline passed.
    peer_gone,           ///< The other side closed or reset the connection.
    protocol_violation,  ///< The other side broke the protocol.
    limit_exceeded,      ///< A configured limit or budget was reached.
    shutting_down,       ///< This side is closing.
    misuse,              ///< The call is wrong here: wrong thread, closed object, bad argument.
};

/// Errors of the base and net layers. The other layers have their own categories.
enum class errc {
    timed_out = 1,
    closed_by_peer,
    closed_locally,
    shutting_down,
    wrong_thread,
    invalid_argument,
    invalid_state,
    limit_exceeded,
    name_not_found,
    not_supported,
    malformed,
    proxy_refused,
};

const std::error_category& condition_category() noexcept;
const std::error_category& base_category() noexcept;

inline std::error_condition make_error_condition(condition c) noexcept {
    return {static_cast<int>(c), condition_category()};
}
inline std::error_code make_error_code(errc e) noexcept {
    return {static_cast<int>(e), base_category()};
}

/// Why something failed: a code to test, and a sentence for people (what, where, which setting).
class error {
public:
    error(std::error_code code, std::string what = {}) : code_(code), what_(std::move(what)) {}
    template <class Enum>
    requires std::is_error_code_enum_v<Enum> error(
        Enum code, std::string what = {})  // NOLINT(google-explicit-constructor)
        : error(make_error_code(code), std::move(what)) {}

    [[nodiscard]] std::error_code code() const noexcept { return code_; }
    /// The sentence given where the error was made; may be empty.
    [[nodiscard]] const std::string& what() const noexcept { return what_; }
    /// That sentence and the text of the code, or the text of the code alone.
    [[nodiscard]] std::string message() const {
        return what_.empty() ? code_.message() : what_ + ": " + code_.message();
    }

private:
    std::error_code code_;
    std::string what_;
};

}  // namespace weft

template <>
struct std::is_error_condition_enum<weft::condition> : std::true_type {};
template <>
struct std::is_error_code_enum<weft::errc> : std::true_type {};
