#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <weft/auth/verifier.hpp>
#include <weft/base/log.hpp>
#include <weft/base/owned_ptr.hpp>
#include <weft/base/result.hpp>
#include <weft/base/task.hpp>
#include <weft/base/time.hpp>
#include <weft/base/unique_function.hpp>
#include <weft/cluster/gap.hpp>
#include <weft/cluster/options.hpp>
#include <weft/http/options.hpp>
#include <weft/http/router.hpp>
#include <weft/net/conn_id.hpp>
#include <weft/net/listen_options.hpp>
#include <weft/net/loop.hpp>
#include <weft/net/tls.hpp>
#include <weft/net/traffic_options.hpp>
#include <weft/pubsub/message.hpp>
#include <weft/server/drain_options.hpp>
#include <weft/socketio/host.hpp>
#include <weft/sse/endpoint.hpp>
#include <weft/ws/endpoint.hpp>
#include <weft/ws/options.hpp>

namespace weft {

namespace net {
class backend;
}
class test_world;

/// The options of a server.
struct server_options {
    /// The number of loops, 1 to 255. Each has its own thread; the first runs on the thread that
    /// calls `run`.
    unsigned threads = 1;
    http::options http{};
    loop_budgets budgets{};
    stream_limits limits{};
    /// A longer turn of a loop is counted and logged: a handler blocks, and all connections of the
    /// loop wait. Zero: never.
    duration slow_turn = std::chrono::milliseconds(200);
    /// How much memory incomplete WebSocket messages of all connections may use. **Units**: bytes.
    std::uint64_t message_budget = 256ULL * 1024 * 1024;
    /// How much memory all connections may use: queues for slow peers, incomplete messages, request
    /// bodies, compression. Above it, no connection is accepted, bodies and incomplete messages are
    /// refused, and the connections with the longest queues are closed (1013). A message that waits
    /// for several peers counts once for each. **Units**: bytes. 0: 80 % of the memory of the
    /// machine, or of the control group if that is less.
    std::uint64_t memory_limit = 0;
    /// How many connections may be open, over all loops. Further ones are closed at once.
    std::size_t max_connections = 1'000'000;
    /// How many connections of one address (one /64 for IPv6) may be late: they have not sent their
    /// first request, TLS handshake included, within a second. Above it, the one that has been late
    /// for longest is ended with 408, or closed under TLS; nobody new is refused. Unix sockets and
    /// trusted proxies do not count. Large enough for browsers behind one address, which open
    /// connections ahead of use; a warning tells when it is not. 0: half of `max_handshakes`.
    std::size_t max_handshakes_per_address = 0;
    /// The same for all addresses together; the address that has most of them loses one. 0: 1024
    /// for each processor.
    std::size_t max_handshakes = 0;
    /// Limits per address and per subject.
    traffic_options traffic{};
    /// Joins the other processes of a cluster over Redis: what is published to a topic reaches the
    /// subscribers of all, and the first `socketio::server` speaks with those of the others, Node's
    /// among them. A second one needs an adapter and a prefix of its own. Unset: this process is
    /// alone. See docs/guide/cluster.md.
    std::optional<cluster::options> cluster{};
    /// Where log lines go. `nullptr`: nowhere. Must outlive the server.
    log_sink* log = default_log();

    /// **Errors**: `invalid_argument`. Says which option is wrong and what it may be.
    [[nodiscard]] result<void> check() const;
};

/// One place where a server listens.
struct server_address {
    std::string host = "0.0.0.0";         ///< Numeric; "::" for IPv6 and IPv4.
    std::uint16_t port = 8080;            ///< 0 picks a free port.
    std::string unix_path{};              ///< Instead of host and port.
    std::optional<unsigned> unix_mode{};  ///< Permissions of the socket file; see `listen_options`.
    std::string unix_group{};             ///< Its group, by name or number.
    int adopt_fd = -1;                    ///< Instead of these: a listening descriptor (systemd).
    std::optional<tls_options> tls{};
    /// Each connection begins with a PROXY header (version 1 or 2), which names the client, from
    /// one of `http::options::trusted_proxies`. Others are closed. For load balancers that pass on
    /// bytes: HAProxy (`send-proxy`), hitch, NLB. The header comes before TLS.
    bool proxy_protocol = false;

    /// **Errors**: `invalid_argument`. Says which option is wrong and what it may be.
    [[nodiscard]] result<void> check() const;
    /// Reads the certificates and keys, as `listen` would. Blocks on the file system. **Errors**:
    /// which file, and why.
    [[nodiscard]] result<void> check_files() const;
    /// For the library.
    [[nodiscard]] listen_options to_listen_options() const;
};

/// What SIGTERM and SIGINT do while `server::run` runs.
enum class signal_handling : std::uint8_t {
    /// The first drains, the second stops. SIGHUP reloads certificates, or calls `on_reload`.
    drain,
    none,  ///< Nothing: the program handles signals.
};

struct run_options {
    std::string host = "0.0.0.0";
    std::uint16_t port = 8080;
    std::optional<tls_options> tls{};
    signal_handling signals = signal_handling::drain;
    drain_options drain{};

    /// **Errors**: `invalid_argument`. Says which option is wrong and what it may be.
    [[nodiscard]] result<void> check() const;
};

/// HTTP, WebSocket and server-sent events on the same ports, with one loop per thread. For
/// Socket.IO see `socketio::server`.
///
/// Set it up (routes, endpoints, `listen`), then `run` it. A program with its own loop drives it
/// instead: call `start`; call `turn` when `descriptor` is readable or at the time that the last
/// `turn` returned; call `finish` when `turn` returns nothing.
/// **Threads**: set it up on one thread. While it runs, any thread may call the functions marked
/// "any". Handlers run on the loop of their connection. While it runs, it refuses new routes,
/// endpoints, handlers, namespaces and listeners with an error or a log line.
class server final : public socketio::host {
public:
    explicit server(server_options options = {});
    ~server();
    server(const server&) = delete;
    server& operator=(const server&) = delete;

    /// Adds a WebSocket endpoint at a route pattern (`/chat/:room`). Its connections carry a `T`.
    /// **Lifetime**: the reference is valid as long as the server. **Errors**: `listen` and `run`
    /// report a malformed or repeated pattern.
    template <class T = void>
    ws::endpoint<T>& ws(std::string_view pattern, ws::options options = {}) {
        auto made = std::make_unique<ws::endpoint<T>>(std::move(options));
        ws::endpoint<T>& endpoint = *made;
        add_endpoint(pattern, std::move(made));
        return endpoint;
    }
    /// Adds an endpoint for server-sent events at a route pattern. **Lifetime**, **Errors**: as
    /// `ws`.
    sse::endpoint& sse(std::string_view pattern, sse::options options = {});
    /// From now on every request needs a token that `by` accepts: routes, upgrades, event streams,
    /// Socket.IO. Without one it gets 401, or what `auth::refuse` says. The bearer becomes the
    /// peer's identity, and what is open ends with it, or when `by` revokes it. With a prefix, only
    /// paths that begin with these segments. Preflights of CORS pass. Only what
    /// `token_sources::in_request` has counts here: for tokens in a first message or in `auth` of
    /// Socket.IO, see `ws::endpoint::require` and `socketio::space::require`.
    void require(const auth::verifier& by) { require("/", by); }
    void require(std::string_view prefix, const auth::verifier& by);
    /// The HTTP routes. Change them before the server runs.
    [[nodiscard]] http::router& http() noexcept;

    /// Calls back on the first loop when the connection to the cluster's Redis is lost, and when
    /// all subscriptions are in place again: what others published between did not come. Replaces
    /// the handler that was set before. Nothing is told when Redis was never there; see `ready`.
    void on_cluster_gap(unique_function<void(cluster::gap)> handler);

    /// SIGHUP calls `handler`, on the first loop, in place of `reload_certificates`.
    void on_reload(unique_function<void()> handler);

    /// Opens a listening socket on every loop and returns the port. Connections are accepted once
    /// the server runs. **Errors**: a wrong option or pattern; the system's, with the address.
    /// They are not logged.
    result<std::uint16_t> listen(const server_address& address);

    /// Runs the loops until `stop`, or until a drain is done. Returns 0, or 1 if it cannot start;
    /// then the reason is in the log and in `failure`.
    int run(signal_handling signals = signal_handling::drain, const drain_options& how = {});
    int run(signal_handling signals, duration drain_deadline) {
        return run(signals, drain_options{.deadline = drain_deadline});
    }
    /// Listens and runs.
    int run(const run_options& options);

    /// For programs with their own loop, like all functions up to `finish`. Attaches the first loop
    /// to the calling thread and starts the threads of the others. The program handles signals.
    /// **Errors**: as `run`; `invalid_state` if the server runs or has run.
    result<void> start();
    /// Poll it for reading. Never read from it.
    [[nodiscard]] int descriptor() const noexcept;
    /// Does what there is to do on the first loop; see `loop::turn`. Returns nothing once the
    /// server is stopped or drained: call `finish` then.
    std::optional<time_point> turn(duration max_wait = duration::zero());
    /// Call it after you used the first loop outside of a turn; see `loop::flush`.
    std::optional<time_point> flush();
    /// Stops the other loops and closes everything.
    void finish();

    /// Why `run` returned 1; empty otherwise.
    [[nodiscard]] const std::string& failure() const noexcept;

    // **Threads** (all functions below): any.

    /// Closes everything now and ends `run`.
    void stop();
    /// Is not `ready` any more, waits for the load balancers, stops accepting, answers pending
    /// requests, ends Engine.IO sessions and event streams, closes every WebSocket with 1001,
    /// waits until queues are sent, and ends `run`. At the deadline it drops what is left.
    /// While Engine.IO clients poll, connections are accepted, since a poll may need a new one;
    /// who is new gets 503. Only the first call counts. **Errors**: a wrong option; then nothing
    /// happens.
    result<void> drain(const drain_options& how);
    void drain(duration deadline) { (void)drain(drain_options{.deadline = deadline}); }

    /// Sends to one connection. On the loop of the connection the status is final. Elsewhere
    /// `queued` means that the message travels to that loop; if the connection is gone, nothing
    /// happens there.
    send_status send(conn_id id, const message& what);
    send_status send(conn_id id, message_view what) { return send(id, message(what)); }
    send_status send(conn_id id, std::string_view text) { return send(id, message::text(text)); }
    void close(conn_id id, ws::close_code code = ws::close_code::normal,
               std::string_view reason = {});
    /// Sends to every subscriber of a topic.
    void publish(std::string_view topic, const message& what);
    void publish(std::string_view topic, message_view what) { publish(topic, message(what)); }
    void publish(std::string_view topic, std::string_view text) {
        publish(topic, message::text(text));
    }

    /// How many WebSockets and event streams have joined a topic, on all loops. Continues as
    /// `ws::endpoint::visit` does.
    [[nodiscard]] task<std::size_t> subscriber_count(std::string topic);

    /// The number of loops.
    [[nodiscard]] unsigned loops() const noexcept;
    /// One loop. If you post or spawn there before the server runs, it begins with the server.
    [[nodiscard]] loop_ref loop(unsigned index) const;
    /// The loop of a connection. Coroutine handlers wait on it:
    /// `co_await sleep_for(server.loop_of(id), 1s)`.
    [[nodiscard]] loop_ref loop_of(conn_id id) const { return loop(id.loop()); }

    /// Takes these of the options for what comes from now on: `traffic`,
    /// `budgets.connects_per_second`, `http.public_origins` and `http.allowed_hosts`. The others
    /// stay as they are, and so does whatever is open. See also `ws::endpoint::change_origins` and
    /// `auth::verifier::change_issuers`. **Errors**: as `server_options::check`; nothing changes
    /// then.
    result<void> change(const server_options& to);
    /// Reads the certificate files again, for new connections. **Errors**: which file, and why.
    /// Then nothing changes.
    result<void> reload_certificates();
    /// Whether new clients are welcome: what a load balancer asks for. **Errors**: why they are
    /// not. The server does not run, or drains; the Redis of its cluster was not reached yet, or
    /// has been away for longer than `cluster::options::ready_without_redis`.
    [[nodiscard]] result<void> ready() const;
    /// All counters in the Prometheus text format.
    [[nodiscard]] std::string metrics_text() const;

private:
    friend class test_world;
    /// With one loop, on a backend that the caller drives.
    server(server_options options, detail::owned_ptr<net::backend> io);

    // socketio::host
    http::router& routes() noexcept override;
    log_sink* log() const noexcept override;
    std::size_t attach(std::shared_ptr<socketio::module> what) override;
    std::shared_ptr<socketio::adapter> make_adapter() override;
    engineio::session_carrier* carrier() noexcept override;

    void add_endpoint(std::string_view pattern,
                      detail::owned_ptr<ws::detail::endpoint_core> endpoint);

    struct impl;
    detail::owned_ptr<impl> impl_;
};

}  // namespace weft
