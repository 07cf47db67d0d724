#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <weft/socketio/client.hpp>

#include "net/loop_core.hpp"
#include "socketio/client_core.hpp"
#include "socketio/proto/packet.hpp"

namespace weft::socketio::detail {

/// What is behind a `client_socket`: whether it is connected, what waits, and what was asked.
/// **Threads**: the loop's.
class client_namespace {
public:
    /// `index`: of how many were made before it.
    client_namespace(client_core& core, std::string name, std::uint64_t index);
    client_namespace(const client_namespace&) = delete;
    client_namespace& operator=(const client_namespace&) = delete;

    using any_handler = client_socket::any_handler;
    using event_handlers = handler_list<typed_event_handler<client_socket>>;
    struct handlers {
        // Shared, so that an event may be switched off while it is handled.
        std::unordered_map<std::string, std::shared_ptr<event_handlers>> events;
        event_handlers unhandled;
        handler_list<any_handler> any;
        handler_list<any_handler> any_outgoing;
        handler_list<unique_function<void(client_socket&)>> connect;
        handler_list<unique_function<void(client_socket&, const connect_error&)>> connect_error;
        handler_list<unique_function<void(client_socket&, const client_disconnect&)>> disconnect;
    };
    handlers on;
    void add_handler(std::string_view event, typed_event_handler<client_socket> handler,
                     handler_life life);

    /// The face; set once it is made.
    client_socket* face = nullptr;

    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    [[nodiscard]] const std::string& id() const noexcept { return id_; }
    [[nodiscard]] client_core& core() const noexcept { return core_; }
    /// Names this namespace and its present connection.
    [[nodiscard]] std::uint64_t peer_key() const noexcept { return index_ << 32U | connection_; }
    [[nodiscard]] bool connected() const noexcept { return connected_; }
    [[nodiscard]] bool active() const noexcept { return active_; }
    [[nodiscard]] bool recovered() const noexcept { return recovered_; }
    void set_auth(client_auth auth) { auth_ = std::move(auth); }

    // What the user asks for.
    result<void> connect();
    void disconnect();
    send_status emit(std::string_view event, const encoded_arguments& args,
                     const emit_flags& flags);
    void emit_awaiting(std::string_view event, const encoded_arguments& args,
                       const emit_flags& flags, ack_callback on_ack);
    void acknowledge(std::uint64_t id, const encoded_arguments& what);

    // What happens to the connection.
    void engine_opened();
    void engine_lost(client_disconnect_reason reason, const error& why) noexcept;
    void connect_failed(std::string_view message, std::string_view data, const error& why,
                        const http::client_response* response = nullptr) noexcept;
    /// As `connect_failed`, when there was no connection.
    void attempt_failed(const error& why, const http::client_response* response) noexcept;
    void take(const packet_view& packet, std::span<const byte_view> attachments);

private:
    /// A packet that waits for the connection.
    struct outgoing {
        std::string text;
        std::vector<message> attachments;
        std::optional<std::uint64_t> id;
        emit_flags flags;
        std::size_t size = 0;  // what it is charged with while it waits
    };
    /// An event that came before its connection was announced.
    struct incoming {
        std::optional<std::uint64_t> id;
        std::string event;
        std::string arguments;
        std::vector<std::string> attachments;
    };
    struct pending {
        ack_callback told;
        std::optional<time_point> deadline;
    };
    /// An event that is sent until it is acknowledged.
    struct queued {
        std::uint64_t serial;
        std::string event;
        encoded_arguments args;
        emit_flags flags;
        ack_callback told;
        std::size_t size;  // what it is charged with
        unsigned tries = 0;
        bool under_way = false;
    };

    void take_late_answer(packet_type answer);
    void take_connect(const packet_view& packet);
    void send_waiting();
    void take_connect_error(const packet_view& packet);
    void take_event(const packet_view& packet, std::span<const byte_view> attachments);
    void take_ack(const packet_view& packet, std::span<const byte_view> attachments);
    void hold_event(const packet_view& packet, std::span<const byte_view> attachments);
    void dispatch(const packet_view& packet, std::span<const byte_view> attachments);
    void handle(std::string_view event, const raw_arguments& args, std::optional<std::uint64_t> id);
    void release_held();
    void begin_again();
    result<void> send_connect();
    using pending_acks = std::map<std::uint64_t, pending>;
    /// Forgets the connection. What was asked over it will not be answered.
    [[nodiscard]] pending_acks forget_connection() noexcept;
    void tell_disconnected(client_disconnect_reason reason, const error& why,
                           pending_acks unanswered) noexcept;
    void tell_departure() noexcept;
    send_status send_event(std::string_view event, std::optional<std::uint64_t> id,
                           const encoded_arguments& args, const emit_flags& flags);
    send_status send_or_wait(outgoing packet);
    send_status send_now(const outgoing& packet);
    void tell_outgoing(const outgoing& packet);
    [[nodiscard]] bool has_room(std::size_t size) const noexcept;
    void not_sent(std::uint64_t id);
    void not_sent(ack_callback told, std::string_view why);
    send_status ask(std::string_view event, const encoded_arguments& args, const emit_flags& flags,
                    ack_callback on_ack);
    send_status enqueue(std::string_view event, const encoded_arguments& args,
                        const emit_flags& flags, ack_callback on_ack);
    void drain_queue(bool again);
    void answered(std::uint64_t serial, const result<raw_arguments>& answer);
    void expire_soon() noexcept;
    void expire_acks() noexcept;
    void arm_expiry(time_point when) noexcept;
    void tell(ack_callback told, const result<raw_arguments>& answer) noexcept;

    client_core& core_;
    const std::string name_;
    const std::uint64_t index_;
    std::uint32_t connection_ = 0;  // counts them
    std::optional<client_auth> auth_;
    std::string id_;
    std::string pid_;     // names the session to recover; secret
    std::string offset_;  // of the last event that could be recovered
    bool connected_ = false;
    /// It disconnected, and the server may not know yet: what comes before the answer to the next
    /// CONNECT is of the connection before.
    bool left_ = false;
    bool asked_ = false;     // by a CONNECT that is not answered
    bool given_up_ = false;  // disconnected since then
    bool active_ = false;
    bool recovered_ = false;

    std::vector<outgoing> waiting_;
    std::size_t waiting_size_ = 0;  // of waiting_ and queue_
    std::vector<incoming> held_;
    std::size_t held_size_ = 0;
    pending_acks acks_;
    pending_acks departed_;  // of the connection that the user has ended, until that is told
    net::timer departure_;   // for telling it, when that could not be posted
    std::uint64_t next_id_ = 0;
    net::timer expiry_;
    time_point next_expiry_{};  // while that is armed
    std::deque<queued> queue_;
    std::uint64_t next_serial_ = 0;
};

}  // namespace weft::socketio::detail
