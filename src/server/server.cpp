// Ties the layers together: per thread one loop with its HTTP service and its WebSocket
// connections, per server one router, the endpoints and the exchange between the loops. What other
// threads ask for travels to the right loop as a task.

#include <weft/server/server.hpp>

#include <algorithm>
#include <atomic>
#include <deque>
#include <mutex>
#include <new>
#include <thread>
#include <utility>

#include "auth/gate.hpp"
#include "base/start_thread.hpp"
#include "cluster/adapter/redis_adapter.hpp"
#include "cluster/nodes/carrier.hpp"
#include "cluster/topic_bus.hpp"
#include "http/service.hpp"
#include "net/backend/epoll/epoll_backend.hpp"
#include "net/handshake_gate.hpp"
#include "net/loop_core.hpp"
#include "net/resume_on.hpp"
#include "net/tls/tls_context.hpp"
#include "net/traffic_meter.hpp"
#include "server/farewell.hpp"
#include "server/loop_drain.hpp"
#include "server/loop_parts.hpp"
#include "server/memory_guard.hpp"
#include "server/signal_watcher.hpp"
#include "server/survey.hpp"
#include "server/system_memory.hpp"
#include "sse/event_stream.hpp"
#include "ws/connection_core.hpp"

namespace weft {
namespace {

net::handshake_gate::limits handshake_limits(const server_options& options) {
    const std::size_t for_each = 1024;
    const std::size_t processors = std::max(1U, std::thread::hardware_concurrency());
    const std::size_t total =
        options.max_handshakes != 0 ? options.max_handshakes : for_each * processors;
    const std::size_t half = std::max<std::size_t>(total / 2, 1);
    return {options.max_handshakes_per_address != 0 ? options.max_handshakes_per_address : half,
            total};
}

std::uint64_t memory_limit(const server_options& options) {
    if (options.memory_limit != 0) return options.memory_limit;
    const std::uint64_t whole = system_memory();
    return whole != 0 ? whole / 5 * 4 : UINT64_MAX;
}

}  // namespace

struct server::impl {
    impl(server_options wanted, std::unique_ptr<net::backend> io)
        : options(std::move(wanted)),
          gate(handshake_limits(options)),
          memory(memory_limit(options)),
          traffic(options.traffic) {
        if (auto right = options.check(); !right) {
            setup_error.emplace(right.error());
            options.threads = 0;
        }
        make_nodes(std::move(io));
        if (!options.cluster || nodes.empty()) return;
        // At once: other threads may publish before the server runs.
        cluster_link = std::make_shared<cluster::link>(*options.cluster, options.log);
        topic_bus =
            std::make_shared<cluster::topic_bus>(cluster_link, all, nodes.front()->loop.ref());
        all.connect(*topic_bus);
        if (options.cluster->nodes) make_carrier();
    }
    ~impl() { shut_down(); }

    /// The first on `io`, unless that is null.
    void make_nodes(std::unique_ptr<net::backend> io);
    void make_carrier();
    result<void> prepare();
    void use_verifiers();
    void tell(log_level level, const std::string& line) const {
        if (options.log != nullptr) options.log->write({level, "server", line});
    }
    /// Says why, and gives what `run` returns then.
    int refuse_to_run(const error& why);
    result<void> start_others();
    result<std::unique_ptr<signal_watcher>> watch_signals(server& face, const drain_options& how);
    result<std::uint16_t> listen(const server_address& address);
    [[nodiscard]] drain_steps steps_of_drain(loop_parts& n);
    /// Connections that its drain waits for.
    [[nodiscard]] std::size_t left_on(const loop_parts& n) const noexcept;
    void cut(loop_parts& n) noexcept;
    /// **Errors**: unless nothing runs yet.
    [[nodiscard]] result<void> check_set_up(std::string_view what) const;
    result<void> start();
    void shut_down() noexcept {
        // All of them before any dies: what ends on one loop may publish to the others. They are
        // ours until the modules have told their users.
        std::deque<owner_scope> ours;
        for (const auto& n : nodes) ours.emplace_back(n->loop.owner());
        for (const auto& n : nodes) n->loop.shut_down();
        if (carrier) carrier->shut_down();
        for (const auto& e : event_streams) e->shut_down();
        for (const auto& m : modules) m->shut_down();
        if (topic_bus) topic_bus->stop();
        now = state::ended;
    }
    /// Of the calling thread; none if it is none of ours.
    [[nodiscard]] loop_ref present_loop() const;
    loop_parts* node_of(conn_id id) noexcept {
        return id.loop() < nodes.size() ? nodes[id.loop()].get() : nullptr;
    }

    server_options options;
    http::router routes;
    std::vector<detail::owned_ptr<ws::detail::endpoint_core>> endpoints;
    std::vector<detail::owned_ptr<ws::detail::endpoint_core>>
        late_endpoints;  // nobody reaches them
    std::vector<std::shared_ptr<socketio::module>> late_modules;
    std::mutex late_mutex;
    std::vector<std::unique_ptr<sse::endpoint>> event_streams;
    std::vector<std::shared_ptr<socketio::module>> modules;
    std::optional<error> setup_error;
    std::string failure;
    pubsub::exchange all;
    std::shared_ptr<cluster::link> cluster_link;  // to the other nodes, if there are any
    std::shared_ptr<cluster::topic_bus> topic_bus;
    std::shared_ptr<cluster::nodes::carrier> carrier;
    unique_function<void()> on_reload;
    bool has_adapter = false;  // the first Socket.IO server has it
    net::handshake_gate gate;
    memory_account memory;
    net::traffic_meter traffic;
    std::vector<auth::verifier> verifiers;           // that something requires, each once
    std::vector<std::shared_ptr<void>> revocations;  // what they tell us
    std::vector<std::shared_ptr<net::tls_server_context>> certificates;
    std::vector<std::unique_ptr<loop_parts>> nodes;
    std::vector<std::thread> threads;         // of all loops but the first
    std::atomic<unsigned> others_running{0};  // those that are at work
    enum class state : std::uint8_t { set_up, running, ended };
    std::atomic<state> now{state::set_up};
    std::atomic<bool> draining{false};
    std::atomic<bool> prepared{false};  // whoever counts has its loops
};

server::server(server_options options)
    : impl_(std::make_unique<impl>(std::move(options), nullptr)) {}

server::server(server_options options, detail::owned_ptr<net::backend> io)
    : impl_(std::make_unique<impl>(std::move(options),
                                   std::unique_ptr<net::backend>(io.release()))) {}
server::~server() = default;

http::router& server::http() noexcept {
    return impl_->routes;
}
const std::string& server::failure() const noexcept {
    return impl_->failure;
}
unsigned server::loops() const noexcept {
    return impl_->options.threads;
}

http::router& server::routes() noexcept {
    return impl_->routes;
}
log_sink* server::log() const noexcept {
    return impl_->options.log;
}
std::size_t server::attach(std::shared_ptr<socketio::module> what) {
    if (const auto right = impl_->check_set_up("a Socket.IO server"); !right) {
        // As a late endpoint: nobody reaches it.
        if (impl_->options.log != nullptr)
            impl_->options.log->write({log_level::error, "server", right.error().message()});
        const std::lock_guard lock(impl_->late_mutex);
        impl_->late_modules.push_back(std::move(what));
        return 0;
    }
    impl_->modules.push_back(std::move(what));
    return impl_->modules.size() - 1;
}

std::shared_ptr<socketio::adapter> server::make_adapter() {
    if (!impl_->cluster_link) return nullptr;
    if (!std::exchange(impl_->has_adapter, true))
        return std::make_shared<cluster::redis_adapter>(impl_->cluster_link);
    impl_->tell(log_level::warning,
                "this Socket.IO server is in no cluster: server_options::cluster is for the first "
                "one; set socketio::options::adapter, with a prefix of its own");
    return nullptr;
}

void server::on_cluster_gap(unique_function<void(cluster::gap)> handler) {
    if (const auto right = impl_->check_set_up("on_cluster_gap"); !right)
        return impl_->tell(log_level::error, right.error().message());
    if (impl_->cluster_link) impl_->cluster_link->on_gap = std::move(handler);
}

void server::on_reload(unique_function<void()> handler) {
    if (const auto right = impl_->check_set_up("on_reload"); !right)
        return impl_->tell(log_level::error, right.error().message());
    impl_->on_reload = std::move(handler);
}

engineio::session_carrier* server::carrier() noexcept {
    return impl_->carrier.get();
}

void server::add_endpoint(std::string_view pattern,
                          detail::owned_ptr<ws::detail::endpoint_core> endpoint) {
    auto routed = impl_->routes.upgrade(
        pattern, [target = endpoint.get()](const http::request& request, http::upgrade upgrade) {
            target->handle(request, std::move(upgrade));
        });
    if (routed) routed = endpoint->prepare(pattern);
    if (impl_->now != impl::state::set_up) {
        // It is kept, so that the reference that was given out holds, and does nothing.
        const std::lock_guard lock(impl_->late_mutex);
        if (impl_->options.log != nullptr)
            impl_->options.log->write({log_level::error, "server", routed.error().message()});
        impl_->late_endpoints.push_back(std::move(endpoint));
        return;
    }
    if (!routed && !impl_->setup_error) {
        impl_->setup_error.emplace(
            routed.error().code(),
            "WebSocket endpoint '" + std::string(pattern) + "': " + routed.error().what());
    }
    impl_->endpoints.push_back(std::move(endpoint));
}

sse::endpoint& server::sse(std::string_view pattern, sse::options options) {
    auto& made =
        impl_->event_streams.emplace_back(std::make_unique<sse::endpoint>(options, pattern));
    const auto routed = impl_->routes.get(
        pattern, [target = made.get()](const http::request& request, http::responder answer) {
            target->handle(request, std::move(answer));
        });
    if (!routed && !impl_->setup_error) impl_->setup_error.emplace(routed.error());
    return *made;
}

void server::impl::make_nodes(std::unique_ptr<net::backend> io) {
    while (nodes.size() < options.threads) {
        if (io == nullptr) {
            auto made = net::make_epoll_backend();
            if (!made) {
                setup_error.emplace(made.error());
                return;
            }
            io = std::move(*made);
        }
        nodes.push_back(std::make_unique<loop_parts>(std::move(io),
                                                     static_cast<std::uint8_t>(nodes.size()),
                                                     options, routes, all, gate, memory, traffic));
    }
}

void server::impl::make_carrier() {
    std::vector<net::loop_core*> loops;
    for (const auto& n : nodes) loops.push_back(&n->loop);
    carrier = std::make_shared<cluster::nodes::carrier>(
        cluster_link, loops,
        [this](net::byte_stream& stream, bool by_proxy) {
            loop_parts& home = *nodes[stream.owner().index()];
            return home.accept_carried(stream, by_proxy, carrier->waited_for(home.loop.index()));
        },
        options.log);
}

result<void> server::impl::prepare() {
    if (setup_error) return *setup_error;
    std::vector<ws::connection_shared*> loops;
    std::vector<memory_guard*> guards;
    for (const auto& n : nodes) {
        loops.push_back(&n->ws);
        guards.push_back(&n->guard);
    }
    for (const auto& n : nodes) {
        n->guard.set_all(guards);
        n->http.on_transfer([this](std::uint8_t index, net::moved_stream what) {
            if (index >= nodes.size()) return;
            loop_parts& there = *nodes[index];
            there.loop.post([&there, what = std::move(what)]() mutable {
                there.loop.arrive(std::move(what), there.arrivals);
            });
        });
    }
    for (const auto& endpoint : endpoints) endpoint->set_loops(loops);
    std::vector<sse::loop_services> services;
    for (const auto& n : nodes) services.push_back({n->loop, n->ws.hub, options.log});
    for (const auto& e : event_streams) {
        if (auto ready = e->prepare(services); !ready) return ready;
    }
    if (topic_bus) {
        if (auto joined = topic_bus->start(); !joined) return joined;
    }
    if (carrier) {
        if (auto listens = carrier->start(); !listens) return listens;
    }
    for (const auto& m : modules) {
        if (auto ready = m->prepare(loops); !ready) return ready;
    }
    use_verifiers();
    prepared.store(true, std::memory_order_release);
    return {};
}

/// Keys are fetched by the first loop, and what is revoked ends on all of them.
void server::impl::use_verifiers() {
    revocations.clear();
    const auto add = [&](const auth::verifier& by) {
        if (std::find(verifiers.begin(), verifiers.end(), by) == verifiers.end())
            verifiers.push_back(by);
    };
    for (const auto& endpoint : endpoints) {
        if (const auth::verifier* const by = endpoint->required()) add(*by);
    }
    for (const auto& m : modules) m->each_verifier(add);
    std::vector<loop_ref> loops;
    std::vector<net::loop_core*> cores;
    for (const auto& n : nodes) {
        loops.push_back(n->loop.ref());
        cores.push_back(&n->loop);
    }
    for (const auth::verifier& by : verifiers) {
        by.start(loops.front());
        revocations.push_back(by.on_revocation([loops, cores](const auth::revocation& what) {
            for (std::size_t i = 0; i < loops.size(); ++i) {
                loops[i].post([loop = cores[i], what] {
                    loop->peers().expire([&](const identity& who) { return what.covers(who); });
                });
            }
        }));
    }
}

void server::require(std::string_view prefix, const auth::verifier& by) {
    if (!impl_->check_set_up("require")) return;
    auto& known = impl_->verifiers;
    if (std::find(known.begin(), known.end(), by) == known.end()) known.push_back(by);
    impl_->routes.before(prefix,
                         [all = impl_.get(), gate = auth::gate(by)](const http::request& asked) {
                             return gate.admit(asked, all->nodes[asked.id().loop()]->loop);
                         });
}

result<std::uint16_t> server::listen(const server_address& address) {
    if (const auto right = impl_->check_set_up("listen"); !right) return right.error();
    if (const auto ready = impl_->prepare(); !ready) return ready.error();
    return impl_->listen(address);
}

result<std::uint16_t> server::impl::listen(const server_address& address) {
    if (auto right = address.check(); !right) return right.error();
    std::shared_ptr<net::tls_server_context> tls;
    if (address.tls) {
        auto made = net::tls_server_context::make(*address.tls);
        if (!made) return made.error();
        tls = std::move(*made);
    }
    listen_options where = address.to_listen_options();
    if (address.proxy_protocol) where.proxy_protocol_from = options.http.trusted_proxies;
    if (address.proxy_protocol && where.proxy_protocol_from.empty())
        return error(errc::invalid_argument,
                     "server_address::proxy_protocol needs http::options::trusted_proxies: the "
                     "proxies that it comes from");
    const bool by_port = where.unix_path.empty() && where.adopt_fd < 0;
    if (by_port && nodes.size() > 1) {
        // A shared port would silently join another process' port: ask for it alone first.
        auto probe = nodes[0]->loop.listen(where, *nodes[0]);
        if (!probe) return probe.error();
        const auto bound = nodes[0]->loop.local_address(*probe);
        nodes[0]->loop.close_listener(*probe);
        if (!bound) return bound.error();
        where.port = bound->port();
        where.share_port = true;
    }
    std::uint16_t port = where.port;
    std::vector<std::pair<loop_parts*, net::listener_id>> opened;
    for (const auto& n : nodes) {
        const auto id = n->loop.listen(where, *n, tls);
        if (!id) {
            for (const auto& [owner, listener] : opened) owner->loop.close_listener(listener);
            return id.error();
        }
        opened.emplace_back(n.get(), *id);
        if (const auto bound = n->loop.local_address(*id)) port = bound->port();
        if (!by_port) break;  // one socket cannot be shared this way: the first loop has it
    }
    for (const auto& [owner, listener] : opened) owner->listeners.push_back(listener);
    std::string line = "listening on ";
    if (!where.unix_path.empty()) {
        line += where.unix_path;
    } else if (const auto bound = opened[0].first->loop.local_address(opened[0].second)) {
        line += bound->to_string();
    } else {
        line += "descriptor " + std::to_string(where.adopt_fd);
    }
    tell(log_level::info, line + (tls != nullptr ? ", with TLS" : ""));
    if (tls != nullptr) certificates.push_back(std::move(tls));
    return port;
}

int server::impl::refuse_to_run(const error& why) {
    failure = why.message();
    tell(log_level::error, failure);
    return 1;
}

int server::run(const run_options& options) {
    if (const auto right = options.check(); !right) return impl_->refuse_to_run(right.error());
    if (const auto port = listen({.host = options.host, .port = options.port, .tls = options.tls});
        !port) {
        return impl_->refuse_to_run(port.error());
    }
    return run(options.signals, options.drain);
}

result<std::unique_ptr<signal_watcher>> server::impl::watch_signals(server& face,
                                                                    const drain_options& how) {
    return signal_watcher::make(nodes[0]->loop, [this, &face, how,
                                                 ending = false](signal_wish wish) mutable {
        if (wish == signal_wish::reload && on_reload) {
            on_reload();
        } else if (wish == signal_wish::reload) {
            if (const auto done = face.reload_certificates(); !done)
                tell(log_level::error, "certificates stay as they were: " + done.error().message());
        } else if (std::exchange(ending, true)) {
            tell(log_level::info, "a second signal: the server stops at once");
            face.stop();
        } else {
            (void)face.drain(how);
        }
    });
}

/// Starts the threads of all loops but the first, or of none.
result<void> server::impl::start_others() {
    threads.reserve(nodes.size());
    for (std::size_t i = 1; i < nodes.size(); ++i) {
        ++others_running;
        auto started = start_thread(
            "the thread of loop " + std::to_string(i + 1) + " of " + std::to_string(nodes.size()),
            [this, n = nodes[i].get()] {
                n->loop.run();
                --others_running;
            });
        if (started) {
            threads.push_back(std::move(*started));
            continue;
        }
        --others_running;
        for (std::size_t running = 1; running < i; ++running) nodes[running]->loop.stop();
        for (std::thread& t : std::exchange(threads, {})) t.join();
        return started.error();
    }
    return {};
}

result<void> server::impl::check_set_up(std::string_view what) const {
    if (now == state::set_up) return {};
    return error(errc::invalid_state,
                 std::string(what) + (now == state::running ? ": the server runs already"
                                                            : ": the server has ended"));
}

result<void> server::impl::start() {
    if (auto right = check_set_up("start"); !right) return right;
    if (auto ready = prepare(); !ready) return ready;
    if (!nodes[0]->loop.start())
        return error(errc::wrong_thread, "the first loop is attached to another thread");
    now = state::running;
    routes.seal();
    for (const auto& endpoint : endpoints) endpoint->seal();
    for (const auto& m : modules) m->seal();
    if (auto others = start_others(); !others) {
        shut_down();
        nodes[0]->loop.finish();
        return others;
    }
    return {};
}

result<void> server::start() {
    return impl_->start();
}
int server::descriptor() const noexcept {
    return impl_->nodes.empty() ? -1 : impl_->nodes[0]->loop.descriptor();
}
std::optional<time_point> server::turn(duration max_wait) {
    if (impl_->nodes.empty()) return std::nullopt;  // the options were wrong
    return impl_->nodes[0]->loop.turn(max_wait);
}
std::optional<time_point> server::flush() {
    if (impl_->nodes.empty()) return std::nullopt;
    return impl_->nodes[0]->loop.flush();
}

void server::finish() {
    if (impl_->now != impl::state::running || !impl_->nodes[0]->loop.in_loop_thread()) return;
    stop();
    for (std::thread& t : std::exchange(impl_->threads, {})) t.join();
    impl_->shut_down();
    impl_->tell(log_level::info,
                impl_->draining ? "drain is done: the server has ended" : "the server has ended");
    impl_->nodes[0]->loop.finish();
}

int server::run(signal_handling signals, const drain_options& how) {
    if (const auto right = impl_->check_set_up("run"); !right)
        return impl_->refuse_to_run(right.error());
    if (const auto right = how.check(); !right) return impl_->refuse_to_run(right.error());
    if (const auto ready = impl_->prepare(); !ready) return impl_->refuse_to_run(ready.error());
    std::unique_ptr<signal_watcher> watcher;
    if (signals == signal_handling::drain) {
        auto made = impl_->watch_signals(*this, how);
        if (!made) return impl_->refuse_to_run(made.error());
        watcher = std::move(*made);
    }
    if (const auto started = start(); !started) return impl_->refuse_to_run(started.error());
    impl_->nodes[0]->loop.turn_until_stopped();
    watcher.reset();
    finish();
    return 0;
}

void server::stop() {
    for (const auto& n : impl_->nodes) n->loop.stop();
}

result<void> server::drain(const drain_options& how) {
    if (auto right = how.check(); !right) return right;
    if (impl_->draining.exchange(true)) return {};
    impl_->tell(log_level::info, "drain began" + story_of(how));
    for (const auto& n : impl_->nodes) {
        n->loop.post([all = impl_.get(), n = n.get(), how] {
            if (all->now != impl::state::running) return;
            try {
                n->drain = std::make_unique<loop_drain>(n->loop, n->ws.random, how,
                                                        all->steps_of_drain(*n));
            } catch (const std::bad_alloc&) {
                n->loop.stop();  // it ends all the same
            }
        });
    }
    return {};
}

/// Sessions go first: what carries one is closed with it.
drain_steps server::impl::steps_of_drain(loop_parts& n) {
    const std::uint8_t loop = n.loop.index();
    const auto close_sockets = [&n](net::slot_walk& walk, std::size_t slots) {
        std::size_t closed = 0;
        n.ws.connections.for_some(walk, slots, [&](ws::connection_core& open) {
            if (!open.is_open()) return;
            ++closed;
            open.close(ws::close_code::going_away, farewell(n.loop.comeback()));
        });
        return closed;
    };
    drain_steps steps;
    for (const auto& m : modules) {
        steps.leavers.emplace_back([m = m.get(), loop](net::slot_walk& walk, std::size_t slots) {
            return m->close_some(loop, walk, slots);
        });
    }
    for (const auto& e : event_streams) {
        steps.leavers.emplace_back([e = e.get(), loop](net::slot_walk& walk, std::size_t slots) {
            return e->close_some(loop, walk, slots);
        });
    }
    steps.leavers.emplace_back(close_sockets);
    const auto nobody_polls = [this] {
        return std::all_of(modules.begin(), modules.end(),
                           [](const auto& m) { return m->clients() == 0; });
    };
    steps.begin = [&n, nobody_polls] {
        if (nobody_polls()) n.stop_accepting();
    };
    steps.count = [this, &n, loop] {
        std::size_t leaving = n.ws.connections.size();
        for (const auto& m : modules) leaving += m->polling(loop);
        for (const auto& e : event_streams) leaving += e->streams(loop);
        return leaving;
    };
    steps.nobody_polls = nobody_polls;
    steps.stop_accepting = [this, &n] {
        n.stop_accepting();
        if (carrier && &n == nodes[0].get()) carrier->drain();
    };
    steps.rest.emplace_back([&n](net::slot_walk& walk, std::size_t slots) {
        walk.over = !n.http.end_idle(slots);
        return slots;
    });
    steps.rest.emplace_back(close_sockets);  // who was let in before the loop drained
    steps.is_empty = [this, &n] {
        // The first loop is the one that signals come to: it stays to the end.
        return left_on(n) == 0 && (&n != nodes[0].get() || others_running == 0);
    };
    steps.end = [this, &n] { cut(n); };
    return steps;
}

std::size_t server::impl::left_on(const loop_parts& n) const noexcept {
    // What we opened ourselves, such as the way to Redis, stays as long as somebody may need it.
    std::size_t left = n.loop.connections() - n.loop.outgoing();
    if (!carrier) return left;
    left += carrier->waited_for(n.loop.index());
    return &n == nodes[0].get() ? left - carrier->connections() : left;
}

void server::impl::cut(loop_parts& n) noexcept {
    try {
        if (const std::size_t left = left_on(n); left != 0) {
            tell(log_level::warning, "drain ended at its deadline (drain_options::deadline): " +
                                         std::to_string(left) + " connections are cut");
        }
    } catch (const std::bad_alloc&) {  // untold
    }
    n.loop.stop();
}

send_status server::send(conn_id which, const message& what) {
    loop_parts* n = impl_->node_of(which);
    if (n == nullptr) return send_status::closed;
    const auto deliver = [](loop_parts& home, conn_id id, const message& m) {
        ws::connection_core* const open = home.ws.connections.find(id);
        return open != nullptr ? open->send(m) : send_status::closed;
    };
    if (n->loop.in_loop_thread()) return deliver(*n, which, what);
    return n->ws.hub.post(what.size(), [n, which, what, deliver] { deliver(*n, which, what); });
}

void server::close(conn_id which, ws::close_code code, std::string_view reason) {
    if (loop_parts* n = impl_->node_of(which)) {
        n->loop.post([n, which, code, reason = std::string(reason)] {
            if (ws::connection_core* const open = n->ws.connections.find(which))
                open->close(code, reason);
        });
    }
}

void server::publish(std::string_view topic, const message& what) {
    impl_->all.publish(pubsub::program_topic(topic), what);
}

void server::publish_here(std::string_view topic, const message& what) {
    impl_->all.publish({.owner = pubsub::topic_owner::program, .topics = {&topic, 1}}, {&what, 1});
}

task<std::size_t> server::subscriber_count(std::string topic) {
    const loop_ref home = impl_->present_loop();
    std::size_t all = 0;
    for (const auto& n : impl_->nodes) {
        co_await net::resume_on(n->loop.ref());
        all += n->ws.hub.subscribers(pubsub::program_topic(topic));
    }
    if (!home.ended()) co_await net::resume_on(home);
    co_return all;
}

loop_ref server::loop(unsigned index) const {
    return index < impl_->nodes.size() ? impl_->nodes[index]->loop.ref() : loop_ref();
}

result<void> server::change(const server_options& to) {
    if (auto right = to.check(); !right) return right;
    impl_->traffic.change(to.traffic);
    for (const auto& n : impl_->nodes) {
        n->loop.post([n = n.get(), traffic = &impl_->traffic, origins = to.http.public_origins,
                      hosts = to.http.allowed_hosts,
                      connects = to.budgets.connects_per_second]() mutable {
            n->http.change(std::move(origins), std::move(hosts), connects);
            if (*traffic) n->loop.limit_traffic(*traffic);
        });
    }
    return {};
}

result<void> server::reload_certificates() {
    auto all = impl_->certificates;
    if (impl_->carrier && impl_->carrier->certificates())
        all.push_back(impl_->carrier->certificates());
    for (const auto& context : all) {
        if (auto done = context->reload(); !done) return done;
    }
    impl_->tell(log_level::info, all.empty() ? "a reload was asked for, but no listener has TLS"
                                             : "the certificates were read again");
    return {};
}

result<void> server::ready() const {
    if (impl_->now != impl::state::running)
        return error(errc::invalid_state, "the server does not run");
    if (impl_->draining) return error(errc::shutting_down, "the server drains");
    if (impl_->memory.exceeded())
        return error(std::make_error_code(std::errc::not_enough_memory),
                     "more memory is used than memory_limit allows");
    return impl_->cluster_link ? impl_->cluster_link->ready() : result<void>();
}

namespace {

/// What comes of `asked`, on the loop of `nodes` where it was asked for, if it was on one.
template <class T>
task<T> bring_home(loop_ref home, task<T> asked) {
    T found = co_await std::move(asked);
    if (!home.ended()) co_await net::resume_on(home);
    co_return found;
}

}  // namespace

loop_ref server::impl::present_loop() const {
    for (const auto& n : nodes) {
        if (n->loop.in_loop_thread()) return n->loop.ref();
    }
    return {};
}

task<std::vector<connection_report>> server::slowest_connections(std::size_t most) {
    std::vector<net::loop_core*> loops;
    for (const auto& n : impl_->nodes) loops.push_back(&n->loop);
    return bring_home(impl_->present_loop(), survey_connections(std::move(loops), most));
}

task<std::vector<topic_report>> server::largest_topics(std::size_t most) {
    std::vector<pubsub::hub*> hubs;
    for (const auto& n : impl_->nodes) hubs.push_back(&n->ws.hub);
    return bring_home(impl_->present_loop(), survey_topics(std::move(hubs), most));
}

std::string server::metrics_text() const {
    metrics_page page;
    for (const auto& n : impl_->nodes) {
        const auto add = [&](const metric_sample& sample) { page.add(sample); };
        n->loop.metrics().visit(add);
        n->http.counters().visit(add);
        n->ws.metrics.visit(add);
        n->ws.hub.metrics().visit(add);
        n->guard.visit_metrics(add);
    }
    for (const auth::verifier& by : impl_->verifiers)
        by.visit_metrics([&](const metric_sample& sample) { page.add(sample); });
    impl_->traffic.visit_metrics([&](const metric_sample& sample) { page.add(sample); });
    if (!impl_->prepared.load(std::memory_order_acquire)) return page.text();
    if (impl_->cluster_link)
        impl_->cluster_link->visit_metrics([&](const metric_sample& sample) { page.add(sample); });
    if (impl_->carrier)
        impl_->carrier->visit_metrics([&](const metric_sample& sample) { page.add(sample); });
    for (const auto& e : impl_->event_streams)
        e->visit_metrics([&](const metric_sample& sample) { page.add(sample); });
    for (const auto& m : impl_->modules)
        m->visit_metrics([&](const metric_sample& sample) { page.add(sample); });
    return page.text();
}

}  // namespace weft
