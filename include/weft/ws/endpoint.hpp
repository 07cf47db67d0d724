#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <weft/ws/endpoint_core.hpp>

namespace weft::ws {

/// The handlers of one WebSocket route, and the data type `T` of its connections.
///
/// An exception is logged with its place and counted. In `on_accept` it is answered with 500; in
/// the other handlers it closes the connection with 1011.
/// **Threads**: set it up before the server runs. Handlers run on the loop of their connection:
/// with several loops, several at once.
template <class T>
class endpoint final : public detail::endpoint_core {
public:
    using connection_type = connection<T>;
    using endpoint_core::endpoint_core;

    /// Only who shows a token that `by` accepts may connect; others get 401. The bearer becomes the
    /// identity of the peer before `on_accept` is asked. With `token_sources::first_message`, a
    /// client without a token gets its 101, and must send one as its first message; `on_accept` is
    /// asked without an identity then, and `on_open` waits for the token:
    ///
    ///     -> {"type":"auth","token":"..."}       also later, for a newer one of the same subject
    ///     <- {"type":"auth","ok":true,"expires_in":3600}
    ///     <- {"type":"auth","expires_in":30}     a newer one is wanted
    ///
    /// When the token ends, or is revoked, the connection is closed with 4001.
    endpoint& require(const auth::verifier& by) {
        if (may_set("require")) set_required(by);
        return *this;
    }
    /// The token of `require` is about to end: `void(connection<T>&, std::chrono::seconds left)`.
    /// An application with messages of its own asks for a newer one here, verifies it, and calls
    /// `peer().renew`.
    template <class F>
    endpoint& on_expiring(F handler) {
        static_assert(std::is_invocable_v<F&, connection_type&, std::chrono::seconds>,
                      "weft: on_expiring takes (connection<T>&, std::chrono::seconds)");
        if (may_set("on_expiring")) expiring_ = std::move(handler);
        return *this;
    }
    /// Decides about each client before the 101 answer, after the checks of method, version, key
    /// and Origin. `handler` is `A(const http::handshake&)` or a coroutine
    /// `task<A>(http::handshake)`, which has `http::options::reply_timeout` to decide. `A` makes an
    /// `admission<T>`: the data of the connection, perhaps with headers for the 101, or a
    /// `refusal`, by default 403.
    template <class F>
    endpoint& on_accept(F handler) {
        if (!may_set("on_accept")) return *this;
        static_assert(std::is_invocable_v<F&, http::handshake>,
                      "weft: on_accept takes (const http::handshake&), or is a coroutine taking "
                      "(http::handshake)");
        using returned = std::invoke_result_t<F&, http::handshake>;
        if constexpr (weft::detail::is_task_of_admission<returned, T>) {
            accept_ = [this, handler = std::move(handler)](http::handshake asked,
                                                           detail::accept_stage stage) mutable {
                const conn_id id = stage.id();
                weft::detail::spawn(
                    run_accept(weft::detail::admit<T>(handler(std::move(asked))), std::move(stage)),
                    report_of(id, "on_accept"));
            };
        } else {
            static_assert(weft::detail::makes_admission<returned, T>,
                          "weft: on_accept must return the data of the connection (or bool, when "
                          "it has none), a refusal, an admission, or a task of these");
            accept_ = [handler = std::move(handler)](http::handshake asked,
                                                     detail::accept_stage stage) mutable {
                settle(handler(asked), std::move(stage));
            };
        }
        return *this;
    }
    /// The 101 answer is queued. `handler` is `void(connection<T>&)`, or
    /// `void(connection<T>&, const http::handshake&)` if it wants to read the request.
    template <class F>
    endpoint& on_open(F handler) {
        if (!may_set("on_open")) return *this;
        if constexpr (std::is_invocable_v<F&, connection_type&, const http::handshake&>) {
            open_ = std::move(handler);
            open_reads_request_ = true;
        } else {
            static_assert(std::is_invocable_v<F&, connection_type&>,
                          "weft: on_open takes (connection<T>&), or (connection<T>&, const "
                          "http::handshake&)");
            open_ = [handler = std::move(handler)](connection_type& c,
                                                   const http::handshake&) mutable { handler(c); };
            open_reads_request_ = false;
        }
        return *this;
    }
    /// A message came. `handler` is `void(connection<T>&, message_view)` or a coroutine
    /// `task<void>(conn_id, message)`. The coroutine owns its arguments, because the connection may
    /// be gone after the first `co_await`.
    template <class F>
    endpoint& on_message(F handler) {
        if (!may_set("on_message")) return *this;
        if constexpr (std::is_invocable_v<F&, connection_type&, message_view>) {
            static_assert(
                !weft::detail::is_task<std::invoke_result_t<F&, connection_type&, message_view>>,
                "weft: a coroutine may not borrow the connection; take (conn_id, message) instead");
            message_ = std::move(handler);
        } else {
            static_assert(std::is_invocable_r_v<task<void>, F&, conn_id, message>,
                          "weft: on_message takes (connection<T>&, message_view), or is a "
                          "coroutine task<void>(conn_id, message)");
            message_ = [this, handler = std::move(handler)](connection_type& c,
                                                            const message_view& what) mutable {
                weft::detail::spawn(handler(c.id(), message(what)),
                                    report_of(c.id(), "on_message"));
            };
        }
        return *this;
    }
    /// A ping came: `void(connection<T>&, byte_view)`. Unless `options::auto_pong` is off, it has
    /// been answered.
    template <class F>
    endpoint& on_ping(F handler) {
        static_assert(std::is_invocable_v<F&, connection_type&, byte_view>,
                      "weft: on_ping takes (connection<T>&, byte_view)");
        if (may_set("on_ping")) ping_ = std::move(handler);
        return *this;
    }
    /// The answer to `ping` came: `void(connection<T>&, byte_view)`.
    template <class F>
    endpoint& on_pong(F handler) {
        static_assert(std::is_invocable_v<F&, connection_type&, byte_view>,
                      "weft: on_pong takes (connection<T>&, byte_view)");
        if (may_set("on_pong")) pong_ = std::move(handler);
        return *this;
    }
    /// Everything that was queued has been written: `void(connection<T>&)`.
    template <class F>
    endpoint& on_drain(F handler) {
        static_assert(std::is_invocable_v<F&, connection_type&>,
                      "weft: on_drain takes (connection<T>&)");
        if (may_set("on_drain")) drain_ = std::move(handler);
        return *this;
    }
    /// A connection that was open has ended: `void(connection<T>&, const close_event&)`. The last
    /// call for it.
    template <class F>
    endpoint& on_close(F handler) {
        static_assert(std::is_invocable_v<F&, connection_type&, const close_event&>,
                      "weft: on_close takes (connection<T>&, const close_event&)");
        if (may_set("on_close")) close_ = std::move(handler);
        return *this;
    }

    /// Calls `visitor(connection<T>&)` for each open connection, on the loop of the connection:
    ///
    ///     std::vector<std::string> names;
    ///     co_await chat.visit([&names](auto& c) { names.push_back(c->name); });
    ///
    /// It goes from loop to loop, so the visitor is never called twice at once, and returns to the
    /// loop that it was awaited on; awaited elsewhere, it goes on on the last loop. If a loop ends
    /// first, the task and all that await it are destroyed. A connection that opens or ends
    /// meanwhile may be missed. The visitor may do what a handler may; an exception closes its
    /// connection with 1011.
    /// **Threads**: any. **Cost**: each loop visits its connections in one turn.
    template <class F>
    [[nodiscard]] task<void> visit(F visitor) {
        return visit_all({}, typed(std::move(visitor)));
    }
    /// The same for those that have joined the topic. To count all its subscribers, see
    /// `server::subscriber_count`.
    template <class F>
    [[nodiscard]] task<void> visit(std::string topic, F visitor) {
        return visit_all({.topic = std::move(topic)}, typed(std::move(visitor)));
    }
    /// The same for one, if it is still open and of this endpoint.
    template <class F>
    [[nodiscard]] task<void> visit(conn_id id, F visitor) {
        return visit_all({.only = id}, typed(std::move(visitor)));
    }

private:
    using pointer = weft::detail::owned_ptr<connection_base>;

    template <class F>
    static unique_function<void(connection_base&)> typed(F visitor) {
        static_assert(std::is_invocable_v<F&, connection_type&>,
                      "weft: a visitor takes (connection<T>&)");
        return [visitor = std::move(visitor)](connection_base& c) mutable {
            visitor(static_cast<connection_type&>(c));
        };
    }

    static pointer make(admission<T>& decided) {
        if constexpr (std::is_void_v<T>) {
            return pointer(new connection<void>());
        } else {
            return pointer(new connection<T>(std::move(decided.data())));
        }
    }
    static void settle(admission<T> decided, detail::accept_stage stage) {
        if (decided.allowed()) {
            stage.accept(make(decided), std::move(decided));
        } else {
            stage.refuse(std::move(decided.why()));
        }
    }
    static task<void> run_accept(task<admission<T>> deciding, detail::accept_stage stage) {
        // NOLINTNEXTLINE(bugprone-use-after-move): there is none; clang-tidy 14 misreads a co_await
        settle(co_await std::move(deciding), std::move(stage));
    }

    bool has_accept() const noexcept override { return static_cast<bool>(accept_); }
    void decide(http::handshake asked, detail::accept_stage stage) override {
        accept_(std::move(asked), std::move(stage));
    }
    pointer make_default() override {
        if constexpr (std::is_void_v<T>) {
            return pointer(new connection<void>());
        } else if constexpr (std::is_default_constructible_v<T>) {
            return pointer(new connection<T>(T{}));
        } else {
            return nullptr;
        }
    }
    std::size_t connection_size() const noexcept override { return sizeof(connection_type); }
    bool open_reads_request() const noexcept override { return open_reads_request_; }
    void opened(connection_base& c, const http::handshake& asked) override {
        if (open_) open_(static_cast<connection_type&>(c), asked);
    }
    void received(connection_base& c, const message_view& what) override {
        if (message_) message_(static_cast<connection_type&>(c), what);
    }
    void pinged(connection_base& c, byte_view payload) override {
        if (ping_) ping_(static_cast<connection_type&>(c), payload);
    }
    void ponged(connection_base& c, byte_view payload) override {
        if (pong_) pong_(static_cast<connection_type&>(c), payload);
    }
    void drained(connection_base& c) override {
        if (drain_) drain_(static_cast<connection_type&>(c));
    }
    void closed(connection_base& c, const close_event& event) override {
        if (close_) close_(static_cast<connection_type&>(c), event);
    }
    void expiring(connection_base& c, std::chrono::seconds left) override {
        if (expiring_) expiring_(static_cast<connection_type&>(c), left);
    }

    unique_function<void(http::handshake, detail::accept_stage)> accept_;
    unique_function<void(connection_type&, const http::handshake&)> open_;
    bool open_reads_request_ = false;
    unique_function<void(connection_type&, const message_view&)> message_;
    unique_function<void(connection_type&, byte_view)> ping_;
    unique_function<void(connection_type&, byte_view)> pong_;
    unique_function<void(connection_type&)> drain_;
    unique_function<void(connection_type&, const close_event&)> close_;
    unique_function<void(connection_type&, std::chrono::seconds)> expiring_;
};

}  // namespace weft::ws
