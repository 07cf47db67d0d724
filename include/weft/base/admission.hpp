#pragma once

#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <weft/base/result.hpp>
#include <weft/base/task.hpp>
#include <weft/base/time.hpp>

namespace weft {

/// Who a peer is, as an admission found out.
struct identity {
    std::string subject;                     ///< What the application calls this user.
    time_point expires = time_point::max();  ///< Until when that holds; `max()`: no end.
};

/// A "no", and what the client is told about it.
///
///     return weft::refusal(401, "who are you?").header("WWW-Authenticate", "Bearer");
///
/// What is left out, the protocol that refuses fills in.
struct refusal {
    refusal() = default;
    explicit refusal(std::string_view why) : message(why) {}
    explicit refusal(int http_status, std::string_view why = {})
        : status(http_status), message(why) {}
    /// Tells the client the sentence of the error, or its code's text when it has none.
    explicit refusal(const error& why)
        : message(why.what().empty() ? why.code().message() : why.what()) {}

    refusal& header(std::string_view name, std::string_view value) & {
        headers.emplace_back(name, value);
        return *this;
    }
    refusal&& header(std::string_view name, std::string_view value) && {
        return std::move(header(name, value));
    }

    /// The status of the HTTP answer, when it is one for this: 300 to 599.
    [[nodiscard]] int status_or(int usual) const noexcept {
        return status >= 300 && status <= 599 ? status : usual;
    }

    int status = 0;       ///< 0: the usual one.
    std::string message;  ///< Empty: the usual words.
    std::string data;     ///< A JSON value, for `err.data` in clients of Socket.IO; or empty.
    std::vector<std::pair<std::string, std::string>> headers;  ///< More lines of an HTTP answer.
};

namespace detail {

/// What admissions of all types have in common.
class admission_base {
public:
    [[nodiscard]] bool allowed() const noexcept { return !no_; }
    /// Why not; only when it is not `allowed()`.
    [[nodiscard]] const refusal& why() const noexcept { return *no_; }
    [[nodiscard]] refusal& why() noexcept { return *no_; }
    /// Who the peer turned out to be. Nothing: what was known of it stays.
    [[nodiscard]] const std::optional<identity>& who() const noexcept { return who_; }
    /// What an HTTP answer that lets the peer in says besides: the 101 of a WebSocket.
    [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& headers() const noexcept {
        return headers_;
    }

protected:
    admission_base() = default;
    explicit admission_base(identity who) : who_(std::move(who)) {}
    explicit admission_base(refusal no) : no_(std::move(no)) {}
    void add_header(std::string_view name, std::string_view value) {
        headers_.emplace_back(name, value);
    }

private:
    std::optional<refusal> no_;
    std::optional<identity> who_;
    std::vector<std::pair<std::string, std::string>> headers_;
};

}  // namespace detail

/// Whether somebody may come in: a yes with a `T`, or a `refusal`. Made of a `T`, a `refusal`, an
/// `error` or a `result<T>`.
template <class T = void>
class [[nodiscard]] admission : public detail::admission_base {
public:
    using data_type = T;

    admission(T data) : data_(std::move(data)) {}  // NOLINT(google-explicit-constructor)
    admission(T data, identity who) : admission_base(std::move(who)), data_(std::move(data)) {}
    admission(refusal no)  // NOLINT(google-explicit-constructor)
        : admission_base(std::move(no)) {}
    admission(const error& why)  // NOLINT(google-explicit-constructor)
        : admission_base(refusal(why)) {}
    admission(result<T> made)  // NOLINT(google-explicit-constructor)
        : admission(made ? admission(std::move(*made)) : admission(made.error())) {}

    /// What the yes came with; only when it is `allowed()`.
    [[nodiscard]] T& data() noexcept { return *data_; }
    /// Adds a line to the answer of a yes; see `headers`.
    admission&& header(std::string_view name, std::string_view value) && {
        add_header(name, value);
        return std::move(*this);
    }

private:
    std::optional<T> data_;
};

/// A plain yes or no. Made of a `bool`, a `refusal`, an `error`, a `result<void>`, or of the
/// `identity` of who may come in.
template <>
class [[nodiscard]] admission<void> : public detail::admission_base {
public:
    using data_type = void;

    admission(std::same_as<bool> auto yes)  // NOLINT(google-explicit-constructor)
        : admission(yes ? admission() : admission(refusal())) {}
    admission(identity who)  // NOLINT(google-explicit-constructor)
        : admission_base(std::move(who)) {}
    admission(refusal no)  // NOLINT(google-explicit-constructor)
        : admission_base(std::move(no)) {}
    admission(const error& why)  // NOLINT(google-explicit-constructor)
        : admission_base(refusal(why)) {}
    admission(const result<void>& done)  // NOLINT(google-explicit-constructor)
        : admission(done ? admission() : admission(done.error())) {}

    /// Adds a line to the answer of a yes; see `headers`.
    admission&& header(std::string_view name, std::string_view value) && {
        add_header(name, value);
        return std::move(*this);
    }

private:
    admission() = default;
};

namespace detail {

/// What a function that decides may return; or a task of it.
template <class R, class T>
concept makes_admission = std::convertible_to<R, admission<T>>;

template <class R, class T>
inline constexpr bool is_task_of_admission = false;
template <class R, class T>
inline constexpr bool is_task_of_admission<task<R>, T> = makes_admission<R, T>;

/// Brings such a task to one form.
template <class T>
task<admission<T>> admit(task<admission<T>> deciding) {
    return deciding;
}
template <class T, class R>
task<admission<T>> admit(task<R> deciding) {
    co_return co_await std::move(deciding);
}

}  // namespace detail
}  // namespace weft
