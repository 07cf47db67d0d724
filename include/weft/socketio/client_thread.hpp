#pragma once

#include <memory>
#include <string_view>
#include <utility>

#include <weft/base/owned_ptr.hpp>
#include <weft/base/result.hpp>
#include <weft/base/unique_function.hpp>
#include <weft/net/loop.hpp>
#include <weft/socketio/client.hpp>

namespace weft::socketio {

/// A client for programs without a loop. It has its own thread, on which all handlers and callbacks
/// run.
///
///     auto io = weft::socketio::client_thread::make({.url = "http://localhost:3000"},
///                                                   [](weft::socketio::client& c) {
///         c.socket().on("news", [](std::string text) { ... });
///     });
///     if (io) (*io)->emit("hello", "world");
///
/// **Threads**: any, several at once. Do not destroy it on its own thread.
/// **Lifetime**: the destructor disconnects, waits at most two seconds until emitted events are
/// sent, and joins the thread. Once that has begun on the thread, no handler runs.
class client_thread {
public:
    /// Starts the thread. `set_up` runs there first, and sets the handlers. If it throws, the
    /// exception is logged and there is no client: nothing connects, and what you send is dropped.
    /// **Errors**: which option is wrong; the system's, if it refuses a thread or a descriptor.
    static result<std::unique_ptr<client_thread>> make(client_options options,
                                                       unique_function<void(client&)> set_up = {},
                                                       tls_client_options tls = {},
                                                       loop_options loop = {});
    ~client_thread();
    client_thread(const client_thread&) = delete;
    client_thread& operator=(const client_thread&) = delete;

    /// The socket of the namespace in the URL. Any thread may use it.
    [[nodiscard]] const client_socket_ref& socket() const noexcept { return socket_; }
    /// `socket().emit(...)`. Returns `queued`, because the event travels to the thread first.
    template <class... Args>
    send_status emit(std::string_view event, const Args&... args) const {
        return socket_.emit(event, args...);
    }
    /// `socket().emit_with_ack<R>(..., callback)`. The callback runs on the client's thread.
    template <class R = void, class... Args>
    auto emit_with_ack(std::string_view event, Args&&... args) const {
        return socket_.emit_with_ack<R>(event, std::forward<Args>(args)...);
    }
    /// Runs `task(client&)` on the client's thread, for example to add namespaces and handlers.
    void with(unique_function<void(client&)> task) const;

private:
    struct impl;
    explicit client_thread(weft::detail::owned_ptr<impl> made);

    weft::detail::owned_ptr<impl> impl_;
    client_socket_ref socket_;
};

}  // namespace weft::socketio
