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

/// Who a peer is, as an admission decided.
struct identity {
    std::string subject;                     ///< What the application calls this user.
    time_point expires = time_point::max();  ///< When that ends; `max()`: never.
    std::string claims{};  ///< What a token says about it, as JSON; see `auth::claims`.
};

/// A "no", and what the client is told about it.
///
///     return weft::refusal(401, "who are you?").header("WWW-Authenticate", "Bearer");
///
/// The protocol that refuses fills in what is left out.
struct refusal {
    refusal() = default;
    explicit refusal(std::string_view why) : message(why) {}
    explicit refusal(int http_status, std::string_view why = {})
        : status(http_status), message(why) {}
    /// Tells the client the sentence of the error, or the text of its code when there is none.
    explicit refusal(const error& why)
        : message(why.what().empty() ? why.code().message() : why.what()) {}

    refusal& header(std::string_view name, std::string_view value) &;
    refusal&& header(std::string_view name, std::string_view value) && {
        return std::move(header(name, value));
    }

    /// `status` if an HTTP refusal can have it (300 to 599), else `usual`.
    [[nodiscard]] int status_or(int usual) const noexcept {
        return status >= 300 && status <= 599 ? status : usual;
    }

    int status = 0;       ///< 0: the usual one.
    std::string message;  ///< Empty: the usual words.
    std::string data;     ///< Empty, or a JSON value: `err.data` in Socket.IO clients.
    std::vector<std::pair<std::string, std::string>> headers;  ///< More lines of an HTTP answer.
};

namespace detail {

/// What admissions of all types have in common.
class admission_base {
public:
    [[nodiscard]] bool allowed() const noexcept { return allowed_; }
    /// Why not. Only when not `allowed()`.
    [[nodiscard]] const refusal& why() const noexcept { return no_; }
    [[nodiscard]] refusal& why() noexcept { return no_; }
    /// Who the peer is. Nothing: what was known about it stays.
    [[nodiscard]] const std::optional<identity>& who() const noexcept { return who_; }
    [[nodiscard]] std::optional<identity>& who() noexcept { return who_; }
    /// Further header lines of the HTTP answer that lets the peer in, such as the 101.
    [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& headers() const noexcept {
        return headers_;
    }

protected:
    admission_base() = default;
    explicit admission_base(identity user) : who_(std::move(user)) {}
    explicit admission_base(refusal no) : no_(std::move(no)), allowed_(false) {}
    void add_header(std::string_view name, std::string_view value);

private:
    refusal no_;
    bool allowed_ = true;
    std::optional<identity> who_;
    std::vector<std::pair<std::string, std::string>> headers_;
};

}  // namespace detail

/// Whether a peer may come in: a yes with a `T`, or a `refusal`. It converts from a `T`, a
/// `refusal`, an `error` and a `result<T>`.
template <class T = void>
class [[nodiscard]] admission : public detail::admission_base {
public:
    using data_type = T;

    admission(T data) : data_(std::move(data)) {}  // NOLINT(google-explicit-constructor)
    admission(T data, identity user) : admission_base(std::move(user)), data_(std::move(data)) {}
    admission(refusal no)  // NOLINT(google-explicit-constructor)
        : admission_base(std::move(no)) {}
    admission(const error& why)  // NOLINT(google-explicit-constructor)
        : admission_base(refusal(why)) {}
    admission(result<T> made)  // NOLINT(google-explicit-constructor)
        : admission(made ? admission(std::move(*made)) : admission(made.error())) {}

    /// What came with the yes. Only when `allowed()`.
    [[nodiscard]] T& data() noexcept { return *data_; }
    /// Adds a line to the answer of a yes; see `headers`.
    admission&& header(std::string_view name, std::string_view value) && {
        add_header(name, value);
        return std::move(*this);
    }

private:
    std::optional<T> data_;
};

/// A plain yes or no. It converts from a `bool`, a `refusal`, an `error`, a `result<void>`, and
/// from the `identity` of a peer that may come in.
template <>
class [[nodiscard]] admission<void> : public detail::admission_base {
public:
    using data_type = void;

    admission(std::same_as<bool> auto yes)  // NOLINT(google-explicit-constructor)
        : admission(yes ? admission() : admission(refusal())) {}
    admission(identity user)  // NOLINT(google-explicit-constructor)
        : admission_base(std::move(user)) {}
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

/// What a deciding function may return, directly or as a task.
template <class R, class T>
concept makes_admission = std::convertible_to<R, admission<T>>;

template <class R, class T>
inline constexpr bool is_task_of_admission = false;
template <class R, class T>
inline constexpr bool is_task_of_admission<task<R>, T> = makes_admission<R, T>;

/// Converts such a task to a `task<admission<T>>`.
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
