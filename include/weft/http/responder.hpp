#pragma once

#include <memory>
#include <string_view>
#include <system_error>

#include <weft/base/bytes.hpp>
#include <weft/base/shared_buffer.hpp>
#include <weft/base/unique_function.hpp>
#include <weft/http/response.hpp>

namespace weft::http {

class lent_handle;
namespace detail {
struct reply_state;
class answer_target;
}  // namespace detail

/// What became of a piece of a streamed reply.
enum class write_status : std::uint8_t {
    ready,    ///< Taken; go on.
    full,     ///< Taken, but the peer is behind: wait for `on_drained`.
    dropped,  ///< Not taken: more than `options::max_stream_queue` would wait.
    closed,   ///< Not taken: the connection is gone, or the reply was finished.
    misuse,   ///< Not taken: wrong thread.
};

/// The open end of a streamed reply: chunks to an HTTP/1.1 peer, plain bytes until close to an
/// HTTP/1.0 one. **Threads**: the connection's loop only. **Lifetime**: may outlive the connection.
/// Destroyed before `finish`, it cuts the connection, so that the peer sees the reply is not whole.
class body_stream {
public:
    body_stream() noexcept = default;
    body_stream(body_stream&&) noexcept = default;
    body_stream& operator=(body_stream&& other) noexcept;
    ~body_stream();

    write_status write(std::string_view bytes);
    /// Bytes that are shared, by reference.
    write_status write(buffer_slice bytes);
    /// Ends the reply as complete.
    void finish();
    /// Called when everything written was taken by the peer's side, after `full`.
    void on_drained(unique_function<void()> callback);
    /// Called once when the connection ends before `finish`.
    void on_gone(unique_function<void()> callback);
    /// Whether the connection is there and the reply is open.
    [[nodiscard]] explicit operator bool() const noexcept;

private:
    friend class responder;
    explicit body_stream(std::shared_ptr<detail::reply_state> state) noexcept;
    std::shared_ptr<detail::reply_state> state_;
};

/// The right to answer one request, now or later (long-polling).
/// **Threads**: the connection's loop only; other threads post to it. **Lifetime**: may outlive the
/// request, the handler and the connection. Destroyed unanswered, it answers 500.
class responder {
public:
    responder() noexcept = default;
    responder(responder&&) noexcept = default;
    responder& operator=(responder&& other) noexcept;
    ~responder();

    /// Answers. **Errors**: `errc::gone`, `errc::already_answered`, `errc::wrong_thread` (then the
    /// right to answer stays).
    std::error_code send(response answer);
    /// Answers with a body written bit by bit; `head`'s own bytes, if any, are its beginning.
    /// **Errors**: when the answer cannot be given the stream's first `write` says so.
    [[nodiscard]] body_stream start(response head);
    /// Called once when the connection ends before an answer was given. A peer that has closed its
    /// sending side counts as gone.
    void on_gone(unique_function<void()> callback);
    /// Whether the connection is there and waits for this answer.
    [[nodiscard]] explicit operator bool() const noexcept;

private:
    friend class lent_handle;
    friend class detail::answer_target;
    explicit responder(std::shared_ptr<detail::reply_state> state) noexcept;
    std::shared_ptr<detail::reply_state> state_;
};

}  // namespace weft::http
