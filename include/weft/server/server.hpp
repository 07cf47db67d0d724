#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <weft/base/log.hpp>
#include <weft/base/result.hpp>
#include <weft/base/time.hpp>
#include <weft/base/unique_function.hpp>
#include <weft/http/options.hpp>
#include <weft/http/router.hpp>
#include <weft/net/conn_id.hpp>
#include <weft/net/listen_options.hpp>
#include <weft/net/loop.hpp>
#include <weft/net/tls.hpp>
#include <weft/pubsub/message.hpp>
#include <weft/socketio/host.hpp>
#include <weft/sse/endpoint.hpp>
#include <weft/ws/endpoint.hpp>
#include <weft/ws/options.hpp>

namespace weft {

/// What holds for a whole server.
struct server_options {
    /// Loops, each with a thread of its own; the first runs on the thread that calls `run`. 1 to
    /// 255.
    unsigned threads = 1;
    http::options http{};
    loop_budgets budgets{};
    stream_limits limits{};
    /// Bytes that incomplete WebSocket messages of all connections may occupy together.
    std::uint64_t message_budget = 256ULL * 1024 * 1024;
    /// Bytes that all connections may occupy together: what waits for slow peers, incomplete
    /// messages, request bodies, compression. While there is more, nobody is accepted, bodies and
    /// incomplete messages are refused, and those that the most waits for are closed (1013). A
    /// message that waits for many counts for each of them. 0: 80 % of the machine's memory, or of
    /// the control group's where that is less.
    std::uint64_t memory_limit = 0;
    /// Connections that may be open at once, over all loops. Further ones are closed at once.
    std::size_t max_connections = 1'000'000;
    /// Connections of one address (of one /64 for IPv6) that may owe their first request, TLS
    /// handshake included, for more than a second. While there are so many, a new one gets 503 with
    /// `Retry-After` (is closed under TLS); when as many are being refused, it is closed at once.
    /// Unix sockets are not counted. Behind a proxy that opens connections ahead of use: raise it.
    std::size_t max_handshakes_per_address = 32;
    /// The same for all addresses together. 0: 512 for each processor.
    std::size_t max_handshakes = 0;
    /// Where the library's log lines go; `nullptr` for nowhere. Must outlive the server.
    log_sink* log = default_log();

    /// **Errors**: `invalid_argument`; which option is wrong, and what it may be.
    [[nodiscard]] result<void> check() const;
};

/// One place where a server listens.
struct server_address {
    std::string host = "0.0.0.0";         ///< Numeric; "::" for IPv6 and IPv4.
    std::uint16_t port = 8080;            ///< 0 picks a free one.
    std::string unix_path{};              ///< Instead of host and port.
    std::optional<unsigned> unix_mode{};  ///< Permissions of the socket file; see `listen_options`.
    std::string unix_group{};             ///< Its group, by name or number.
    int adopt_fd = -1;                    ///< Instead of both: a listening descriptor (systemd).
    std::optional<tls_options> tls{};

    /// **Errors**: `invalid_argument`; which option is wrong, and what it may be.
    [[nodiscard]] result<void> check() const;
    /// For the library.
    [[nodiscard]] listen_options to_listen_options() const;
};

/// What SIGTERM and SIGINT do while `server::run` runs.
enum class signal_handling : std::uint8_t {
    drain,  ///< The first drains, the second stops at once; SIGHUP reads certificates again.
    none,   ///< They are the program's business.
};

struct run_options {
    std::string host = "0.0.0.0";
    std::uint16_t port = 8080;
    std::optional<tls_options> tls{};
    signal_handling signals = signal_handling::drain;
    duration drain_deadline = std::chrono::seconds(10);

    /// **Errors**: `invalid_argument`; which option is wrong, and what it may be.
    [[nodiscard]] result<void> check() const;
};

/// HTTP and WebSocket on the same ports, one loop per thread, tied together.
///
/// Set it up (routes, endpoints, `listen`), then `run`. A program that has a loop of its own does
/// not `run` the server but drives it: `start`, then `turn` whenever `descriptor` is readable or
/// the time has come that the last `turn` named, `finish` when a `turn` returned nothing.
/// **Threads**: set up on one; while it runs, the functions marked "any" may be called from
/// everywhere, handlers run on the loop of their connection. What is registered while it runs
/// (routes, endpoints, handlers, namespaces, listeners) is refused with an error or a log line.
class server final : public socketio::host {
public:
    explicit server(server_options options = {});
    ~server();
    server(const server&) = delete;
    server& operator=(const server&) = delete;

    /// A WebSocket endpoint at a route pattern (`/chat/:room`), whose connections carry a `T`.
    /// **Lifetime**: of the reference, the server's. A malformed or repeated pattern is reported by
    /// `listen` and `run`.
    template <class T = void>
    ws::endpoint<T>& ws(std::string_view pattern, ws::options options = {}) {
        auto made = std::make_unique<ws::endpoint<T>>(std::move(options));
        ws::endpoint<T>& endpoint = *made;
        add_endpoint(pattern, std::move(made));
        return endpoint;
    }
    /// Server-sent events at a route pattern: streams that subscribe to topics. **Lifetime** and
    /// errors: as `ws`.
    sse::endpoint& sse(std::string_view pattern, sse::options options = {});
    /// The HTTP routes. Change them before the server runs.
    [[nodiscard]] http::router& http() noexcept;

    /// Opens a listening socket on every loop; connections are accepted once the server runs.
    /// **Errors**: a bad option or pattern of the set-up; the system's, with the address. Returns
    /// the port.
    result<std::uint16_t> listen(const server_address& address);

    /// Runs the loops until `stop`, or until a drain is done. Returns 0, or 1 when it could not
    /// start (the reason goes to the log and to `failure`).
    int run(signal_handling signals = signal_handling::drain,
            duration drain_deadline = std::chrono::seconds(10));
    /// Listens and runs.
    int run(const run_options& options);

    /// What `run` is made of, for programs that have a loop of their own. The first loop is
    /// attached to the calling thread until `finish`; the others run on threads of their own.
    /// Signals are the program's business. **Errors**: as `run`; `invalid_state` when it runs or
    /// has run already.
    result<void> start();
    /// Poll it for reading. Never read from it.
    [[nodiscard]] int descriptor() const noexcept;
    /// What there is to do on the first loop: see `loop::turn`. Nothing once the server was stopped
    /// or is drained: then `finish` it.
    std::optional<time_point> turn(duration max_wait = duration::zero());
    /// After something was done on the first loop outside of a turn: see `loop::flush`.
    std::optional<time_point> flush();
    /// Stops the other loops and closes everything.
    void finish();

    /// Why `run` returned 1; empty otherwise.
    [[nodiscard]] const std::string& failure() const noexcept;

    /// **Threads** (this and all below): any.
    /// Closes everything now and ends `run`.
    void stop();
    /// Stops accepting, answers what is under way, closes every WebSocket with 1001, waits for what
    /// is queued, then ends `run`: at the latest at the deadline, when it drops what is left.
    void drain(duration deadline);

    /// Sends to one connection. On its own loop the status is final; from elsewhere `queued` means
    /// that the message travels to that loop, where an id whose connection is gone does nothing.
    send_status send(conn_id to, const message& what);
    send_status send(conn_id to, message_view what) { return send(to, message(what)); }
    send_status send(conn_id to, std::string_view text) { return send(to, message::text(text)); }
    void close(conn_id which, ws::close_code code = ws::close_code::normal,
               std::string_view reason = {});
    /// Sends to every subscriber of a topic.
    void publish(std::string_view topic, const message& what);
    void publish(std::string_view topic, message_view what) { publish(topic, message(what)); }
    void publish(std::string_view topic, std::string_view text) {
        publish(topic, message::text(text));
    }

    /// The number of loops, and a way to reach each, also before the server runs: what is posted or
    /// spawned there then begins with it.
    [[nodiscard]] unsigned loops() const noexcept;
    [[nodiscard]] loop_ref loop(unsigned index) const;
    /// The loop of a connection: what its coroutine handlers wait on
    /// (`co_await sleep_for(server.loop_of(id), 1s)`).
    [[nodiscard]] loop_ref loop_of(conn_id id) const { return loop(id.loop()); }

    /// Reads the certificate files again, for new connections. **Errors**: which file and why; then
    /// nothing changes.
    result<void> reload_certificates();
    /// All counters in the Prometheus text format.
    [[nodiscard]] std::string metrics_text() const;

private:
    // socketio::host
    http::router& routes() noexcept override;
    log_sink* log() const noexcept override;
    std::size_t attach(std::shared_ptr<socketio::module> what) override;

    void add_endpoint(std::string_view pattern,
                      std::unique_ptr<ws::detail::endpoint_core> endpoint);

    struct impl;
    std::unique_ptr<impl> impl_;
};

}  // namespace weft
