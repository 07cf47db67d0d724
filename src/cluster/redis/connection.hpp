#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <weft/base/result.hpp>
#include <weft/base/time.hpp>
#include <weft/base/unique_function.hpp>
#include <weft/net/loop.hpp>

#include "base/random.hpp"
#include "base/user_boundary.hpp"
#include "cluster/redis/metrics.hpp"
#include "cluster/redis/proto/error.hpp"
#include "cluster/redis/proto/reply.hpp"
#include "cluster/redis/retry.hpp"
#include "net/loop_core.hpp"

namespace weft::net {
class tls_client_context;
}

namespace weft::cluster::redis {

/// Gets the reply to a command, or why there is none; an error reply of the server is
/// `errc::refused_by_server` with its text. The view is valid during the call.
using reply_handler = unique_function<void(result<reply_view>)>;

/// What all connections of one user of Redis have in common. **Threads**: the loop's.
struct connection_home {
    explicit connection_home(loop_ref of) noexcept : loop(std::move(of)) {}
    /// Makes what connections need. Blocks on the file system for TLS.
    result<void> prepare(const redis_options& wanted);

    const loop_ref loop;
    redis_metrics metrics;
    random_pool random;
    std::shared_ptr<net::tls_client_context> tls;  // once prepared, if wanted
    std::optional<user_boundary> users;            // likewise
    std::size_t last_sentinel = 0;                 // who named the master last, modulo
};

/// Who has a connection. **Threads**: the loop's. No call comes from inside a call of the user.
class connection_user {
public:
    /// It is greeted: commands that waited are on their way. **Errors**: what it throws (memory is
    /// out) ends the connection, which comes back.
    virtual void on_open() = 0;
    /// It was open and is no more; it comes back by itself.
    virtual void on_lost() noexcept = 0;
    /// What no command asked for: a message of a channel. Confirmations of subscriptions are not.
    /// **Errors**: as for `on_open`.
    virtual void on_push(const reply_view& what) = 0;
    /// Whether this confirms what was asked, of the kind that was asked for; else it is a push.
    [[nodiscard]] virtual bool confirms(const reply_view&) { return true; }
    /// The loop goes: it does not come back.
    virtual void on_abandoned() noexcept = 0;

protected:
    ~connection_user() = default;
};

/// Whether a connection is for commands, or for subscriptions and what they bring.
enum class connection_role : std::uint8_t { commands, subscriptions };

/// Whether a connection comes back. One that does not ends with its first failure, with all its
/// commands.
enum class persistence : std::uint8_t { comes_back, once };

/// What is special about a command.
struct command_options {
    std::optional<duration> timeout{};  ///< Instead of `redis_options::command_timeout`.
    /// For the commands of subscriptions: so many confirmations of this kind answer it, such as
    /// "subscribe". **Lifetime**: static.
    std::string_view confirmed_by{};
    std::size_t confirmations = 0;
};

class master_search;

/// One connection to a Redis server, which comes back by itself. Commands are pipelined and
/// answered in order; those given while there is no connection wait for one.
///
/// A command is either refused by the call or its handler is called exactly once, later: with the
/// reply, when its time is up, when the connection is lost after it was sent, when the connection
/// ends, or when the loop goes.
/// **Threads**: the loop's. **Lifetime**: shared with its streams; its owner calls `end`.
class connection final : public std::enable_shared_from_this<connection> {
public:
    connection(std::shared_ptr<connection_home> home, std::shared_ptr<const redis_options> wanted,
               connection_user& user, connection_role role,
               persistence lasts = persistence::comes_back);
    connection(const connection&) = delete;
    connection& operator=(const connection&) = delete;
    ~connection();

    /// Begins to connect. `connection_home` is prepared by now.
    result<void> start();
    /// Sends a command, or keeps it until there is a connection. **Errors**: `queue_full`,
    /// `invalid_state` before start, `shutting_down`; `done` is then not called.
    result<void> command(std::span<const std::string_view> arguments, reply_handler done,
                         const command_options& how = {});
    /// Says farewell: what is written goes out, what waits is answered with `closed_locally` in
    /// another turn, and the user hears nothing more.
    void end() noexcept;

    /// Gives the stream up: the loss follows at the end of the turn.
    void reset(std::error_code why) noexcept;

    [[nodiscard]] bool is_open() const noexcept { return state_ == state::open; }
    /// What the server agreed to; of the last connection.
    [[nodiscard]] redis_protocol protocol() const noexcept { return protocol_; }
    /// **Units**: bytes, with what we need to remember the commands.
    [[nodiscard]] std::uint64_t queued() const noexcept { return queued_; }

private:
    class link;         // the handler of a stream
    class attempt;      // what the loop holds of a connect
    class end_of_loop;  // what tells us of it
    class farewell;     // what answers those who wait at the end
    struct pending;     // a command
    enum class state : std::uint8_t { idle, connecting, greeting, open, waiting, ended };
    enum class step : std::uint8_t { hello, auth, set_name, select, ping, role };

    void begin() noexcept;
    void search();
    void connect();
    void connected(result<net::byte_stream*> made);
    void greet(redis_protocol version);
    void write_step(std::string& out, step which, std::span<const std::string_view> arguments);
    void write_last_steps(std::string& out);
    void write_select(std::string& out);
    void greeted(const reply_view& reply);
    void opened();
    void take(const reply_view& reply);
    bool confirm(const reply_view& push);
    [[nodiscard]] bool is_push(const reply_view& reply) const noexcept;
    void write(std::string_view bytes) noexcept;
    void send_waiting();
    void answer_first(result<reply_view> with);
    void answer(reply_handler done, result<reply_view> with) noexcept;
    void answer_all(std::list<pending>& whom, const error& why) noexcept;
    void expired(pending& late) noexcept;
    void heard() noexcept;
    void look_for_life() noexcept;
    /// Ends the stream by our decision.
    void drop(const error& why) noexcept;
    void lost(const error& why) noexcept;
    void finish(const error& why) noexcept;
    void become(state next) noexcept;
    void tell_log(const error& why) noexcept;
    [[nodiscard]] std::string where() const;
    template <class F>
    void guarded(std::string_view callback, F&& what) noexcept;
    template <class F>
    void within_memory(F&& what) noexcept;
    /// On its thread only.
    [[nodiscard]] net::loop_core& loop() const noexcept { return *home_->loop.core(); }
    [[nodiscard]] const redis_options& wanted() const noexcept { return *wanted_; }
    [[nodiscard]] bool needs_master() const noexcept { return !wanted_->sentinels.empty(); }

    const std::shared_ptr<connection_home> home_;
    const std::shared_ptr<const redis_options> wanted_;
    connection_user* user_;
    const connection_role role_;
    const persistence lasts_;
    redis_address at_;                       // where the server is
    std::size_t named_by_ = 0;               // which Sentinel
    std::shared_ptr<master_search> search_;  // who asks where it is
    state state_ = state::idle;
    std::uint64_t serial_ = 0;  // of the attempt: what is told of an earlier one is dropped
    redis_protocol protocol_ = redis_protocol::resp3;
    unsigned failures_ = 0;
    bool complained_ = false;  // the log knows that the server is not there
    time_point opened_at_{};
    time_point begun_{};     // the attempt
    time_point deadline_{};  // its
    link* link_ = nullptr;   // owned by the stream
    net::byte_stream* stream_ = nullptr;
    std::vector<step> steps_;    // of the greeting: what is to be answered
    std::list<pending> sent_;    // in the order of the answers
    std::list<pending> unsent_;  // while there is no connection
    std::uint64_t queued_ = 0;
    time_point heard_{};   // when something last came
    bool pinged_ = false;  // since then
    net::timer life_;
    net::timer retry_;
    timer_ref loop_end_;
};

}  // namespace weft::cluster::redis
