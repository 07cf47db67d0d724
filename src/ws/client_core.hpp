#pragma once

#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <weft/ws/client.hpp>

#include "net/byte_stream.hpp"
#include "net/loop_core.hpp"
#include "pubsub/hub.hpp"
#include "ws/client_url.hpp"
#include "ws/connection_core.hpp"
#include "ws/proto/handshake.hpp"

namespace weft::net {
class tls_client_context;
}

namespace weft::ws::detail {

/// The pause before the attempt that follows `failures` failures in a row (0: a connection was
/// lost). `random` is any 32 bits.
[[nodiscard]] duration pause_before_retry(const backoff& how, unsigned failures,
                                          std::uint32_t random) noexcept;

/// What is behind a `client_context`.
struct client_shared {
    client_shared(loop_ref home, tls_client_options tls) noexcept;

    /// What the loop's clients have in common. Made on first use, on the loop's thread.
    connection_shared& begin();
    /// Made on first use, on the loop's thread. **Errors**: which file and why; `wrong_thread`.
    result<std::shared_ptr<net::tls_client_context>> tls();

    const loop_ref loop;
    pubsub::exchange none;  // clients have no topics
    std::optional<connection_shared> connections;
    tls_client_options tls_options;
    std::shared_ptr<net::tls_client_context> tls_made;
};

/// A client without its public face, which it outlives while its connection ends.
/// **Threads**: the loop's.
class client_core final : public std::enable_shared_from_this<client_core> {
public:
    client_core(client& face, std::shared_ptr<client_shared> shared, client_options wanted);
    client_core(const client_core&) = delete;
    client_core& operator=(const client_core&) = delete;
    ~client_core();

    struct handlers {
        unique_function<void(client&)> open;
        unique_function<void(client&, message_view)> message;
        unique_function<void(client&, byte_view)> ping;
        unique_function<void(client&, byte_view)> pong;
        unique_function<void(client&)> drain;
        unique_function<void(client&, const close_event&)> close;
        unique_function<void(client&, const connect_failure&)> failure;
    };

    // For the face.
    handlers on;
    /// Whoever calls is in an `owner_scope` of it.
    [[nodiscard]] const std::shared_ptr<thread_owner>& owner() const noexcept {
        return shared_->loop.owner();
    }
    result<void> connect();
    bool begin_open(result<void>& outcome);
    void wait_open(weft::detail::suspension waiting, result<void>& outcome) noexcept;
    void end(close_code code, std::string_view reason, bool at_once) noexcept;
    /// The face goes: no handler is called from now on.
    void leave() noexcept;
    [[nodiscard]] connection_core* open_connection() const noexcept { return connection_; }
    /// What `use(connection)` returns; `misuse` on a wrong thread, `closed` without a connection.
    template <class F>
    send_status on_connection(F&& use) {
        const owner_scope own(owner());
        if (!own) return send_status::misuse;
        try {
            return connection_ != nullptr ? use(*connection_) : send_status::closed;
        } catch (const std::bad_alloc&) {
            return send_status::dropped;
        }
    }
    /// `done`, as long as there is a client that it may speak of.
    [[nodiscard]] unique_function<void(std::error_code)> while_owned(
        unique_function<void(std::error_code)> done);
    [[nodiscard]] client_state state() const noexcept;
    [[nodiscard]] std::optional<duration> retry_in() const noexcept;
    [[nodiscard]] std::optional<time_point> receiving() const noexcept;
    [[nodiscard]] std::string_view subprotocol() const noexcept { return subprotocol_; }

private:
    friend class upgrade_exchange;
    friend class client_user;
    class attempt;  // what the loop holds of an attempt or a pause

    result<void> prepare();
    /// Begins an attempt at the URL of the options.
    result<void> begin();
    /// Connects to `url_`, the first or a later one of the attempt.
    result<void> connect_to_url();
    [[nodiscard]] result<std::string> write_request();
    [[nodiscard]] deflate_wishes wishes() const noexcept;
    [[nodiscard]] client_request describe_request(std::string_view host) const noexcept;
    void connected(result<net::byte_stream*> made);
    void redirected(std::string_view location);
    void failed(const error& why, int status,
                const http::client_response* response = nullptr) noexcept;
    void never_opened(std::error_code why) noexcept;
    /// All or nothing, when it throws.
    connection_core& upgraded(net::byte_stream& stream, const client_outcome& agreed);
    void closed(const close_event& event);
    /// The loop goes, and with it the attempt.
    void abandoned() noexcept;
    /// Enters `waiting` or `idle`.
    /// `told`: how long the server wants to be left alone.
    void plan_retry(duration told = {}) noexcept;
    void retry() noexcept;
    /// What an earlier attempt still reports is ignored from now on.
    void become(client_state next) noexcept;
    void finish_open(result<void> outcome) noexcept;

    template <class Handler, class... Args>
    void call(Handler& handler, Args&&... args);
    template <class F>
    void guarded(std::string_view callback, F&& what) noexcept;
    template <class F>
    void within_memory(F&& step) noexcept;

    [[nodiscard]] net::loop_core& loop() const noexcept { return shared_->connections->loop; }

    client* face_;
    unsigned calls_ = 0;  // handlers on the stack
    const std::shared_ptr<client_shared> shared_;
    const client_options options_;
    const connection_settings settings_;
    std::vector<std::string_view> subprotocols_;

    client_state state_ = client_state::idle;  // never open or closing: see connection_
    std::uint64_t serial_ = 0;                 // of the attempt or pause
    bool reconnects_ = false;
    unsigned failures_ = 0;
    time_point retry_at_{};
    net::timer retry_;  // at the end of the pause, when there was no memory for what tells us

    // The attempt.
    std::optional<http::client_proxy> proxy_;
    std::optional<client_url> start_;  // of the options; set once they were found right
    client_url url_;
    bool with_credentials_ = true;
    unsigned redirects_left_ = 0;
    time_point deadline_{};
    std::string key_;
    std::string request_;
    net::byte_stream* stream_ = nullptr;  // from connected until upgraded or failed

    connection_core* connection_ = nullptr;
    time_point opened_at_{};
    std::string subprotocol_;

    std::optional<weft::detail::suspension> waiter_;
    result<void>* outcome_ = nullptr;  // in the waiter's frame
};

}  // namespace weft::ws::detail
