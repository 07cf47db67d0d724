#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include <weft/schema/schema.hpp>

#include "engineio/session.hpp"
#include "net/loop_core.hpp"
#include "socketio/proto/packet_assembler.hpp"
#include "socketio/recovery.hpp"
#include "socketio/scratch_pool.hpp"
#include "socketio/socket_core.hpp"

namespace weft::socketio {

/// One client: an Engine.IO session and its sockets, one for each namespace.
///
/// Whatever is wrong with a packet ends this connection and no other.
/// **Threads**: the loop's. **Lifetime**: the session's.
class client_link final : public engineio::session_user, private net::timer_node {
public:
    client_link(engineio::session& below, detail::loop_context& context);
    ~client_link() override;

    // engineio::session_user
    void on_open() override;
    void on_message(const message_view& data) override;
    void on_identity_ending() override;
    void on_close(engineio::close_reason why) override;

    [[nodiscard]] socket_core* find(std::string_view nsp) const noexcept;
    [[nodiscard]] engineio::session& session() const noexcept { return session_; }
    [[nodiscard]] detail::loop_context& context() const noexcept { return context_; }
    /// Clients of Socket.IO 2.
    [[nodiscard]] bool legacy() const noexcept { return session_.protocol() == 3; }

    /// Goes on with a socket that is asking: its present step has decided.
    void judge(socket_core& s, const admission<>& decided);
    /// What was kept of a socket that comes back; null: nothing.
    void recovered(socket_core& s, std::unique_ptr<detail::restored_session> back);
    /// What it missed; null: nobody knows any more.
    void caught_up(socket_core& s, std::unique_ptr<recovery_store::missed_list> missed);
    /// Ends one socket, or all and the connection.
    void disconnect(socket_core& s, disconnect_scope what);
    /// Tells the handlers of a socket that is leaving, and frees it.
    void finish(socket_core& s);
    /// The peer broke the protocol.
    void fail(errc why);

    /// Sends an event; its attachments follow it closely.
    send_status send_event(std::string_view nsp, std::optional<std::uint32_t> ack,
                           std::string_view event, const encoded_arguments& args,
                           const detail::emit_flags& flags);
    send_status send_ack(std::string_view nsp, std::uint64_t id, const encoded_arguments& what);

private:
    static void fire(net::timer_node& node);
    void on_deadline();
    void on_msgpack(const message_view& data);
    void assembled(packet_event got);
    void dispatch(const packet_view& packet, std::span<const byte_view> attachments);
    void on_connect(const packet_view& packet);
    void recover(socket_core& s, const detail::recovery_request& request);
    void restore(socket_core& s);
    void restore_stored(socket_core& s, const kept_socket& was);
    void send_missed(socket_core& s, const recovery_store::missed_list& missed);
    void begin_recovery(socket_core& s);
    void ask(socket_core& s);
    detail::gate gate_of(const socket_core& s);
    void refuse(socket_core& s, const refusal& why);
    void send_refusal(std::string_view nsp, const refusal& why);
    void connected(socket_core& s);
    void on_event(socket_core& s, const packet_view& packet,
                  std::span<const byte_view> attachments);
    [[nodiscard]] bool meets_schema(socket_core& s, std::string_view event,
                                    const packet_view& packet);
    void answer_violation(socket_core& s, std::string_view event, std::optional<std::uint64_t> ack,
                          const schema::violation& wrong);
    void on_ack(socket_core& s, const packet_view& packet, std::span<const byte_view> attachments);
    void leave(socket_core& s, disconnect_reason why);
    void forget(socket_core& s);
    /// Memory for a packet in text form; begun with the type digit of Engine.IO.
    [[nodiscard]] detail::scratch_pool<std::string>::loan begin_packet();
    /// Sends a packet and its attachments. With msgpack, `packet` is translated in place.
    send_status send_packet(std::string& packet, std::span<const message> attachments = {},
                            const message_options& how = {});

    engineio::session& session_;
    detail::loop_context& context_;
    std::vector<socket_core*> sockets_;
    std::unique_ptr<packet_assembler> assembler_;  // while attachments are due
    time_point even_at_ = time_point::min();       // with max_violations
    bool joined_once_ : 1 = false;                 // so no connect timeout any more
    bool left_some_ : 1 = false;  // a namespace that we left may still be spoken to
    bool ended_ : 1 = false;      // nothing more is read
};

}  // namespace weft::socketio
