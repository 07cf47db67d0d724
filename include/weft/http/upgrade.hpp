#pragma once

#include <memory>
#include <system_error>

#include <weft/base/unique_function.hpp>
#include <weft/http/header_lines.hpp>
#include <weft/http/response.hpp>

namespace weft::net {
class byte_stream;
class stream_handler;
}  // namespace weft::net

namespace weft::http {

class lent_handle;
namespace detail {
struct reply_state;
}

/// The right to turn one HTTP connection into something else, or to refuse: inside the upgrade
/// handler or later. Until you decide, nothing more is read, and the bytes of at most one read are
/// kept. `options::reply_timeout` bounds the wait.
///
/// **Threads**: the connection's loop only. **Lifetime**: may outlive the connection. If destroyed
/// undecided, it answers 500 and closes.
class upgrade {
public:
    upgrade() noexcept = default;
    upgrade(upgrade&&) noexcept = default;
    upgrade& operator=(upgrade&& other) noexcept;
    ~upgrade();

    /// Whether the connection exists and nothing is decided yet.
    [[nodiscard]] explicit operator bool() const noexcept;
    /// The stream that `protocol` will get. **Lifetime**: only while this is true.
    [[nodiscard]] net::byte_stream& stream() const noexcept;

    /// Answers 101 and gives the stream to `protocol`. `headers` must have `Upgrade`; the carrier
    /// of the request adds `Connection`. At the end of the upgrade handler, or within the next turn
    /// of the loop, `set_handler` installs `protocol`. Then come its `on_open`, and its `on_data`
    /// if bytes came behind the request; all HTTP state is freed. If the stream ends before that,
    /// `protocol->on_closed` is the only call. **Errors**: `errc::gone`, `errc::already_answered`,
    /// `errc::wrong_thread`; `protocol` is then destroyed.
    std::error_code accept(header_lines headers, std::unique_ptr<net::stream_handler> protocol);

    /// Answers with a plain HTTP response and closes. Bytes behind a refused upgrade are never
    /// parsed as a request. **Errors**: as `accept`.
    std::error_code refuse(response answer);

    /// Calls `callback` once if the connection ends undecided.
    void on_gone(unique_function<void()> callback);

private:
    friend class lent_handle;
    explicit upgrade(std::shared_ptr<detail::reply_state> state) noexcept;
    std::shared_ptr<detail::reply_state> state_;
};

}  // namespace weft::http
