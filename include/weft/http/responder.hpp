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

/// What `body_stream::write` did with a piece.
enum class write_status : std::uint8_t {
    ready,    ///< Taken. Go on.
    full,     ///< Taken, but the peer is slow: wait for `on_drained`.
    dropped,  ///< Not taken: it does not fit into `options::max_stream_queue`.
    closed,   ///< Not taken: the connection is gone, or the reply was finished.
    misuse,   ///< Not taken: wrong thread.
};

/// The open end of a streamed reply. HTTP/1.1 peers get chunks, HTTP/1.0 peers plain bytes until
/// the connection closes. **Threads**: the connection's loop only. **Lifetime**: may outlive the
/// connection. If destroyed before `finish`, it cuts the connection, so that the peer sees that the
/// reply is not complete.
class body_stream {
public:
    body_stream() noexcept = default;
    body_stream(body_stream&&) noexcept = default;
    body_stream& operator=(body_stream&& other) noexcept;
    ~body_stream();

    write_status write(std::string_view bytes);
    /// Sends shared bytes by reference.
    write_status write(buffer_slice bytes);
    /// Completes the reply.
    void finish();
    /// After `full`: calls `callback` when the kernel has taken everything.
    void on_drained(unique_function<void()> callback);
    /// Calls `callback` once if the connection ends before `finish`.
    void on_gone(unique_function<void()> callback);
    /// Whether the connection exists and the reply is open.
    [[nodiscard]] explicit operator bool() const noexcept;

private:
    friend class responder;
    explicit body_stream(std::shared_ptr<detail::reply_state> state) noexcept;
    std::shared_ptr<detail::reply_state> state_;
};

/// The right to answer one request, now or later (long-polling).
/// **Threads**: the connection's loop only; other threads post to it. **Lifetime**: may outlive the
/// request, the handler and the connection. If destroyed without an answer, it answers 500.
class responder {
public:
    responder() noexcept = default;
    responder(responder&&) noexcept = default;
    responder& operator=(responder&& other) noexcept;
    ~responder();

    /// Answers. **Errors**: `errc::gone`, `errc::already_answered`, `errc::wrong_thread` (you may
    /// still answer then).
    std::error_code send(response answer);
    /// Answers with a body that you write piece by piece. It begins with the body of `head`, if
    /// any.
    /// **Errors**: the first `write` of the stream tells if the answer cannot be given.
    [[nodiscard]] body_stream start(response head);
    /// Calls `callback` once if the connection ends before the answer. A peer that has closed its
    /// sending side counts as gone.
    void on_gone(unique_function<void()> callback);
    /// Whether the connection exists and waits for this answer.
    [[nodiscard]] explicit operator bool() const noexcept;

private:
    friend class lent_handle;
    friend class detail::answer_target;
    explicit responder(std::shared_ptr<detail::reply_state> state) noexcept;
    std::shared_ptr<detail::reply_state> state_;
};

}  // namespace weft::http
