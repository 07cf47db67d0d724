#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include <weft/http/responder.hpp>
#include <weft/sse/endpoint.hpp>

#include "base/user_boundary.hpp"
#include "net/loop_core.hpp"
#include "net/slab.hpp"
#include "net/timer_wheel.hpp"
#include "pubsub/hub.hpp"
#include "pubsub/outbox.hpp"

namespace weft::sse {

/// What event streams need of one loop. **Lifetime**: outlives the endpoint's streams.
struct loop_services {
    net::loop_core& loop;
    pubsub::hub& hub;
    log_sink* log = nullptr;
};

/// The streams of one endpoint on one loop.
class endpoint::shard {
public:
    shard(endpoint& e, const loop_services& services) noexcept;

    void open(const http::request& asked, http::responder answer);
    /// Frees a stream; its `on_close` runs before.
    void end(event_stream& which) noexcept;

    endpoint& owner;
    net::loop_core& loop;
    pubsub::hub& hub;
    counter exceptions, opened, events, heartbeats, slow;
    user_boundary boundary;
    net::slab<event_stream> streams;
};

/// One event stream: a subscriber whose messages go out as pieces of a reply.
class event_stream final : public pubsub::subscriber {
public:
    event_stream(std::uint32_t slot, std::uint32_t generation, endpoint::shard& owner,
                 conn_id id) noexcept;
    ~event_stream();

    void open(http::body_stream out, const http::request& asked);
    send_status deliver(const message& what) noexcept override;
    send_status send(const event& what) noexcept;
    bool subscribe(std::string_view topic);
    bool unsubscribe(std::string_view topic);
    void close() noexcept;
    /// Closes behind what waits, and tells the browser when to come back. False: it has ended.
    bool leave() noexcept;

    [[nodiscard]] conn_id id() const noexcept { return id_; }
    [[nodiscard]] stream& face() noexcept { return face_; }

private:
    friend class endpoint::shard;
    struct heartbeat final : net::timer_node {
        explicit heartbeat(event_stream& s) noexcept : timer_node(&fire), owner(s) {}
        static void fire(timer_node& node) { static_cast<heartbeat&>(node).owner.beat(); }
        event_stream& owner;
    };

    send_status write(const buffer_slice& bytes);
    send_status queue(const message& what, std::size_t size);
    void pump();
    void write_waiting();
    void arm() noexcept;  // for the next heartbeat, or the end
    void beat() noexcept;
    void cut() noexcept;
    void end_later() noexcept;
    template <class F>
    void within_memory(F&& work) noexcept;

    endpoint::shard& shard_;
    const std::uint32_t slot_;
    const std::uint32_t generation_;
    const conn_id id_;
    stream face_;
    http::body_stream out_;
    heartbeat heartbeat_;
    std::unique_ptr<pubsub::outbox> waiting_;  // while the peer is behind
    time_point expires_;                       // what the peer is admitted for
    bool open_ = true;
    bool behind_ = false;  // more than enough is on its way; on_drained will tell
};

}  // namespace weft::sse
