#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include <weft/server/server.hpp>

#include "http/service.hpp"
#include "net/handshake_gate.hpp"
#include "net/loop_core.hpp"
#include "net/traffic_meter.hpp"
#include "server/loop_drain.hpp"
#include "server/memory_guard.hpp"
#include "ws/connection_core.hpp"

namespace weft {

/// One loop and what belongs to it. **Threads**: the loop's.
class loop_parts final : public net::acceptor {
public:
    loop_parts(std::unique_ptr<net::backend> io, std::uint8_t index, const server_options& options,
               const http::router& routes, pubsub::exchange& all, net::handshake_gate& gate,
               memory_account& memory, net::traffic_meter& traffic)
        : loop(std::move(io), {index, options.budgets, options.limits, options.slow_turn,
                               options.log, options.access}),
          http(loop, routes, options.http, options.log, &gate),
          ws(loop, all, options.message_budget / options.threads),
          guard(ws, memory),
          most_connections_(std::max<std::size_t>(1, options.max_connections / options.threads)) {
        guard.watch(loop.budget());
        guard.watch(ws.budget);
        if (traffic) loop.limit_traffic(traffic);
    }

    std::unique_ptr<net::stream_handler> on_accept(net::byte_stream& stream) override {
        return may_be_one_more(stream, loop.connections()) ? http.make_connection(stream) : nullptr;
    }
    /// One of `carried` that other processes bring.
    std::unique_ptr<net::stream_handler> accept_carried(net::byte_stream& stream, bool by_proxy,
                                                        std::size_t carried) {
        const bool fits = may_be_one_more(stream, loop.connections() + carried);
        return fits ? http.take_carried(stream, by_proxy) : nullptr;
    }
    [[nodiscard]] bool may_be_one_more(net::byte_stream& stream, std::size_t all) {
        if (all > most_connections_) {
            loop.tell_refusal(
                log_level::warning, "net", "a connection is closed at once: max_connections",
                [&] { return refusal_facts{.peer = stream.peer().address().to_string()}; });
            return false;
        }
        return true;
    }
    [[nodiscard]] bool may_accept() noexcept override { return guard.may_accept(); }

    net::loop_core loop;
    http::service http;
    ws::connection_shared ws;
    memory_guard guard;
    /// For what other loops accepted.
    struct arrival_acceptor final : net::acceptor {
        explicit arrival_acceptor(http::service& service) noexcept : http(service) {}
        std::unique_ptr<net::stream_handler> on_accept(net::byte_stream& stream) override {
            return http.take_over(stream);
        }
        http::service& http;
    } arrivals{http};
    void stop_accepting() noexcept {
        for (const net::listener_id id : std::exchange(listeners, {})) loop.close_listener(id);
    }
    std::vector<net::listener_id> listeners;
    std::unique_ptr<loop_drain> drain;

private:
    std::size_t most_connections_;
};

}  // namespace weft
