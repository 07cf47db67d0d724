#pragma once

#include <chrono>
#include <cstddef>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <weft/base/admission.hpp>
#include <weft/base/owned_ptr.hpp>
#include <weft/base/result.hpp>
#include <weft/base/task.hpp>
#include <weft/base/unique_function.hpp>
#include <weft/http/handshake.hpp>
#include <weft/net/loop.hpp>
#include <weft/pubsub/message.hpp>
#include <weft/ws/close_event.hpp>
#include <weft/ws/connection.hpp>
#include <weft/ws/options.hpp>

namespace weft::auth {
class verifier;
}
namespace weft::http {
class upgrade;
}

namespace weft::ws {

class connection_shared;

namespace detail {

class accept_stage;

class endpoint_core;

/// Takes the exception of a coroutine handler to the loop of its connection. **Threads**: any, also
/// if the server is gone.
class failure_report {
public:
    failure_report(loop_ref loop, endpoint_core& endpoint, conn_id id,
                   const char* callback) noexcept
        : loop_(std::move(loop)), endpoint_(&endpoint), id_(id), callback_(callback) {}
    void operator()(std::exception_ptr thrown) const noexcept;

private:
    loop_ref loop_;
    endpoint_core* endpoint_;  // outlives what the loop runs
    conn_id id_;
    const char* callback_;
};

/// The part of an endpoint that knows no types.
class endpoint_core {
public:
    explicit endpoint_core(options chosen);
    endpoint_core(const endpoint_core&) = delete;
    endpoint_core& operator=(const endpoint_core&) = delete;
    virtual ~endpoint_core();

    /// How many connections there are, on all loops: from `on_open` to `on_close`.
    /// **Threads**: any.
    [[nodiscard]] std::size_t connection_count() const noexcept;

    /// Takes another list of `options::origins`, for handshakes from now on; who is connected
    /// stays. **Threads**: any, also while the server runs. **Errors**: one of them is none.
    result<void> change_origins(std::vector<std::string> origins);

    /// For the server: the verifier of `require`, or null.
    [[nodiscard]] const auth::verifier* required() const noexcept;
    /// For the server: takes the upgrade requests of this route.
    void handle(const http::request& request, http::upgrade upgrade);
    /// For the server: what the connections of each loop share. Before the loops run.
    void set_loops(std::vector<connection_shared*> loops);
    /// For the server: checks the options. `route` names the endpoint in the log. **Errors**: which
    /// option is wrong.
    [[nodiscard]] result<void> prepare(std::string_view route = {});
    /// For the server: refuses new handlers from now on.
    void seal() noexcept;

protected:
    friend class accept_stage;
    friend class server_user;
    struct impl;

    friend class failure_report;

    /// Whom to visit: all, the members of a topic, or one.
    struct visited {
        std::optional<std::string> topic{};
        std::optional<conn_id> only{};
    };
    /// Visits the open ones among them. See `endpoint::visit`.
    [[nodiscard]] task<void> visit_all(visited whom,
                                       unique_function<void(connection_base&)> visitor);
    void set_required(const auth::verifier& by);
    /// Whether handlers may still be set. Logs it if not. **Threads**: any.
    [[nodiscard]] bool may_set(std::string_view what) const noexcept;
    /// For a coroutine handler of this connection, set as `callback`. **Threads**: the loop's.
    [[nodiscard]] failure_report report_of(conn_id id, const char* callback) noexcept;
    /// A coroutine handler threw: logs and counts it, and closes the connection with 1011 if it
    /// still exists.
    void failed(conn_id id, const char* callback, const std::exception_ptr& thrown) noexcept;

    // What the typed part knows.
    [[nodiscard]] virtual bool has_accept() const noexcept = 0;
    virtual void decide(http::handshake asked, accept_stage stage) = 0;
    virtual weft::detail::owned_ptr<connection_base> make_default() = 0;
    [[nodiscard]] virtual std::size_t connection_size() const noexcept = 0;
    /// Whether `opened` wants to read the request.
    [[nodiscard]] virtual bool open_reads_request() const noexcept = 0;
    virtual void opened(connection_base& c, const http::handshake& asked) = 0;
    virtual void received(connection_base& c, const message_view& what) = 0;
    virtual void pinged(connection_base& c, byte_view payload) = 0;
    virtual void ponged(connection_base& c, byte_view payload) = 0;
    virtual void drained(connection_base& c) = 0;
    virtual void closed(connection_base& c, const close_event& event) = 0;
    virtual void expiring(connection_base& c, std::chrono::seconds left) = 0;

private:
    static task<void> wait_for_token(endpoint_core* self, task<admission<void>> deciding,
                                     http::handshake asked, accept_stage stage);
    void enter(http::handshake asked, accept_stage stage);

    weft::detail::owned_ptr<impl> impl_;
};

/// An upgrade request that was checked but not decided yet.
class accept_stage {
public:
    accept_stage(accept_stage&&) noexcept;
    accept_stage& operator=(accept_stage&&) noexcept;
    ~accept_stage();

    /// Answers 101, with the headers of the admission, and sets the identity of the peer. If the
    /// client is gone, destroys the connection.
    void accept(weft::detail::owned_ptr<connection_base> made,
                weft::detail::admission_base decided);
    /// The id of the connection that asks.
    [[nodiscard]] conn_id id() const noexcept;
    void refuse(refusal why);

private:
    friend class endpoint_core;
    /// The same, of one that is in the log already.
    void turn_away(const refusal& why);
    void note_error();
    /// Who asks. False if the client is gone.
    bool identify(identity who);
    struct state;
    explicit accept_stage(weft::detail::owned_ptr<state> s) noexcept;
    weft::detail::owned_ptr<state> state_;
};

}  // namespace detail

}  // namespace weft::ws
