#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <weft/base/function_ref.hpp>
#include <weft/socketio/client.hpp>

#include "base/random.hpp"
#include "base/user_boundary.hpp"
#include "engineio/client_session.hpp"
#include "net/loop_core.hpp"
#include "socketio/handler_list.hpp"
#include "socketio/proto/packet.hpp"
#include "socketio/proto/packet_assembler.hpp"

namespace weft::socketio::detail {

class client_core;
class client_namespace;

/// The pause before an attempt to come back; `attempts` were made before it. `random` is any 32
/// bits. The same curve as the JavaScript client's.
[[nodiscard]] duration reconnection_pause(const client_options& how, unsigned attempts,
                                          std::uint32_t random) noexcept;

/// How names of sockets and rights to acknowledge find the client, until it goes.
/// **Threads**: any.
class client_home final : public ack_route, public std::enable_shared_from_this<client_home> {
public:
    client_home(loop_ref loop, weak_handle<client_core> client) noexcept
        : loop_(std::move(loop)), client_(std::move(client)) {}

    /// The client, or null: it is gone, or this is not its loop's thread.
    [[nodiscard]] client_core* client() const noexcept { return client_.get(); }
    /// Whether this is the loop's thread.
    [[nodiscard]] bool here() const noexcept { return loop_.in_loop_thread(); }
    /// Runs `task` on the loop's thread; false when the loop is gone.
    bool post(unique_function<void()> task) const { return loop_.post(std::move(task)); }
    [[nodiscard]] const loop_ref& loop() const noexcept { return loop_; }

    // ack_route; `peer` is of a namespace's `peer_key`
    void acknowledge(std::uint64_t peer, std::uint64_t id,
                     const encoded_arguments& what) noexcept override;
    void acknowledge(std::uint64_t peer, std::uint64_t id,
                     encoded_arguments&& what) noexcept override;
    void refuse(std::uint64_t peer, std::optional<std::uint64_t> id,
                const error& why) noexcept override;
    void failed(std::uint64_t peer, std::optional<std::uint64_t> id, std::exception_ptr thrown,
                std::string_view event) noexcept override;

private:
    const loop_ref loop_;
    const weak_handle<client_core> client_;
};

/// What is behind a `client`: the connection, when to make it again, and who is on it.
/// **Threads**: the loop's. **Lifetime**: outlives its face while one of its calls is running.
class client_core final : public std::enable_shared_from_this<client_core>,
                          private engineio::client_user {
public:
    client_core(loop_ref loop, client_options wanted, tls_client_options tls);
    client_core(const client_core&) = delete;
    client_core& operator=(const client_core&) = delete;
    ~client_core();

    struct handlers {
        handler_list<unique_function<void(const error&)>> error;
        handler_list<unique_function<void(unsigned)>> reconnect_attempt;
        handler_list<unique_function<void(unsigned)>> reconnect;
        handler_list<unique_function<void(const weft::error&)>> reconnect_error;
        handler_list<unique_function<void()>> reconnect_failed;
        handler_list<unique_function<void()>> ping;
        handler_list<unique_function<void(std::string_view)>> upgrade;
    };
    handlers on;

    /// After construction: begins in the next turn, if asked to.
    void start();
    client_socket& of(std::string_view nsp);
    /// Answers an event, if the connection that it came by is still there.
    void acknowledge(std::uint64_t peer, std::uint64_t id, const encoded_arguments& what);
    [[nodiscard]] std::string_view url_namespace() const noexcept { return url_namespace_; }
    result<void> connect();
    void disconnect();
    /// The face goes: takes leave of the server and calls no handler from now on.
    void leave() noexcept;
    /// Whoever calls is in an `owner_scope` of it.
    [[nodiscard]] const std::shared_ptr<thread_owner>& owner() const noexcept {
        return home_->loop().owner();
    }
    [[nodiscard]] bool connected() const noexcept;
    [[nodiscard]] engineio::transport_kind transport() const noexcept {
        return engine_->transport();
    }

    // For namespaces.
    [[nodiscard]] const client_options& options() const noexcept { return options_; }
    /// Whoever calls is in an `owner_scope` of it, or a turn.
    [[nodiscard]] net::loop_core& loop() const noexcept { return *home_->loop().core(); }
    [[nodiscard]] const std::shared_ptr<client_home>& home() const noexcept { return home_; }
    /// One became active: connects, unless that is under way or waits for its time. **Errors**: of
    /// the options.
    result<void> open();
    /// One is not active any more: the last takes the connection with it.
    void close_if_unused();
    /// Sends a packet in its text form, without the digit of Engine.IO.
    send_status send(const std::string& text, const std::vector<message>& attachments,
                     const emit_flags& flags);
    /// A step of ours, not of the user's code. When memory is out, the connection ends as after any
    /// other loss and comes back: going on would be without what was lost.
    void within_memory(function_ref<void()> step) noexcept;
    /// The server broke a rule: the connection ends, and comes back.
    void broke_protocol(const error& why);
    /// Whether a packet would not leave at once.
    [[nodiscard]] bool behind() const noexcept { return !engine_ || engine_->behind(); }
    /// Runs `task` in a later turn of the loop, unless we are gone by then.
    template <class F>
    void soon(F task) {
        home_->post(while_here(std::move(task)));
    }
    /// The one boundary to the user's code.
    template <class F>
    void guarded(F&& what, std::string_view callback, std::string_view event = {},
                 std::string_view nsp = {}) noexcept {
        if (!left_) run_guarded([&] { what(); }, callback, event, nsp);
    }
    template <class F, class... Args>
    void tell(std::string_view callback, handler_list<F>& whom, Args&&... what) noexcept {
        guarded(  // without memory nobody is told
            [&] { whom.each([&](F& handler) { guarded([&] { handler(what...); }, callback); }); },
            callback);
    }

private:
    enum class state : std::uint8_t { closed, opening, open };

    // engineio::client_user
    void on_open() override;
    void on_message(message_view what) override;
    void on_ping() override;
    void on_upgrade() override;
    void on_close(engineio::close_cause cause, const error& why,
                  const http::client_response* response) override;

    template <class F>
    [[nodiscard]] unique_function<void()> while_here(F task) {
        return [weak_self = weak_from_this(), task = std::move(task)]() mutable {
            const auto self = weak_self.lock();
            if (self == nullptr || self->left_) return;
            self->run_guarded([&] { task(); }, "a task of the client");
        };
    }
    /// Not where the loop is another's or has ended: its log and counters may be gone with it.
    void run_guarded(function_ref<void()> what, std::string_view callback,
                     std::string_view event = {}, std::string_view nsp = {}) noexcept;
    void dispatch(const packet_view& packet, std::span<const byte_view> attachments);
    void on_msgpack(message_view what);
    void lost(client_disconnect_reason reason, const error& why) noexcept;
    void attempt_failed(const error& why, const http::client_response* response = nullptr) noexcept;
    result<void> attempt();
    void on_timer();
    void drop_engine(bool in_order) noexcept;
    /// `told`: how long the server wants to be left alone.
    void plan_reconnect(duration told = {}) noexcept;
    void retry() noexcept;
    /// Begins by itself: what goes wrong is told as of any attempt.
    void begin(function_ref<result<void>()> how) noexcept;
    void stop_reconnecting() noexcept;
    /// Calls `use(namespace)` for each; new ones may be made meanwhile.
    template <class F>
    void each_namespace(F use);
    [[nodiscard]] engineio::client_options engine_options() const;

    const client_options options_;
    const ws::client_context context_;
    weak_anchor<client_core> anchor_;
    const std::shared_ptr<client_home> home_;
    const packet_limits limits_;
    std::string url_namespace_ = "/";
    std::map<std::string, std::unique_ptr<client_socket>, std::less<>> sockets_;
    std::vector<client_namespace*> namespaces_;  // of the sockets, in the order they were made
    random_pool random_;

    state state_ = state::closed;
    std::unique_ptr<engineio::client_session> engine_;
    byte_budget assembling_;  // of its own: a client may outlive its loop, `limits_` bound it
    std::optional<packet_assembler> assembler_;

    bool prefers_websocket_ = false;  // what `remember_upgrade` remembers
    bool stopped_ = false;            // by `disconnect`: it does not come back
    bool reconnecting_ = false;       // a pause, or an attempt after one
    unsigned attempts_ = 0;           // to come back, since a connection last proved stable
    time_point opened_at_{};
    std::uint64_t serial_ =
        0;              // of the attempt or pause: what belongs to an earlier one is ignored
    net::timer timer_;  // of the attempt or pause: there is memory for it whatever happens
    bool left_ = false;
};

}  // namespace weft::socketio::detail
