#pragma once

#include <string>
#include <utility>

#include <weft/base/result.hpp>
#include <weft/socketio/codec.hpp>
#include <weft/socketio/detail/typed.hpp>

namespace weft::socketio {

/// Why a socket may not connect, as the client's `connect_error` shows it.
struct refusal {
    explicit refusal(std::string reason) : message(std::move(reason)) {}
    /// With something more for the client's `err.data`.
    template <class T>
    refusal(std::string reason, const T& more)
        : message(std::move(reason)), data(detail::encode_arguments(more).json) {}

    std::string message;
    std::string data;  ///< A JSON value, or empty.
};

/// What a middleware decided.
class verdict {
public:
    verdict(bool yes) {  // NOLINT(google-explicit-constructor)
        if (!yes) no_.emplace("not allowed");
    }
    verdict(const result<void>& done) {  // NOLINT(google-explicit-constructor)
        if (!done)
            no_.emplace(done.error().what().empty() ? done.error().message() : done.error().what());
    }
    verdict(refusal no) : no_(std::move(no)) {}  // NOLINT(google-explicit-constructor)
    verdict(error why) : verdict(result<void>(std::move(why))) {}  // NOLINT

    [[nodiscard]] bool allowed() const noexcept { return !no_; }
    [[nodiscard]] const refusal& why() const noexcept { return *no_; }

private:
    std::optional<refusal> no_;
};

}  // namespace weft::socketio
