#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <weft/base/function_ref.hpp>
#include <weft/http/responder.hpp>

#include "base/byte_budget.hpp"
#include "engineio/proto/payload.hpp"
#include "engineio/reply.hpp"
#include "engineio/session.hpp"
#include "engineio/transport.hpp"
#include "net/delivery_watch.hpp"
#include "pubsub/outbox.hpp"

namespace weft::engineio {

/// Polling as a transport: the poll that hangs, and what waits for one. Owned by the session.
class polling final : public server_transport, private byte_holder {
public:
    explicit polling(session& owner) noexcept;
    ~polling();

    /// A GET on this connection: answered at once when something waits, else later.
    void poll(reply_form form, http::responder answer, conn_id connection);
    /// A POST on this connection: processed, then answered.
    void take(const reply_form& form, byte_view body, payload_form how, http::responder answer,
              conn_id connection);
    /// A POST begins, or a part of it has come.
    void post_goes_on(conn_id connection) noexcept;
    void post_is_whole(conn_id connection) noexcept {
        if (posting_ == connection) posting_ = {};
    }
    /// It will never be whole.
    void post_was_cut(conn_id connection) noexcept;
    /// Whether something is to be told that no poll has taken.
    [[nodiscard]] bool waits() const noexcept { return waiting_ && !waiting_->empty(); }

    // server_transport
    [[nodiscard]] transport_kind kind() const noexcept override { return transport_kind::polling; }
    send_status send(std::span<const message> group) override;
    send_status send(const message_view& packet) override;
    [[nodiscard]] bool keeps_up() const noexcept override { return answer_ || !waits(); }
    [[nodiscard]] time_point last_received() const noexcept override { return heard_; }
    void watch_delivery() noexcept override;
    [[nodiscard]] bool comes_on() noexcept override;
    void close(const farewell& last) noexcept override;
    void dismiss(const farewell& last) noexcept override;
    /// Answers the poll, if one hangs and something is there to tell.
    void flush() override;
    /// Lets a poll that hangs end without news.
    void make_way() override;
    void hand_over(server_transport& next) override;

private:
    // byte_holder
    [[nodiscard]] std::uint64_t held() const noexcept override;
    void let_go(std::uint64_t wanted) noexcept override;

    struct post;

    void take_some(std::unique_ptr<post> from);
    void answer_post(post& done, std::optional<errc> wrong);
    [[nodiscard]] bool receive(const packet& got);
    /// Takes what waits: calls `use(group)` for packets that belong together, oldest first.
    void take_waiting(function_ref<void(std::span<const message>)> use);
    /// The poll that hangs gets this as its last packet.
    void finish(packet_type last);
    void append(std::string& body, const message& packet) const;
    void respond(std::string body, compressible may);
    [[nodiscard]] payload_form form() const noexcept;

    session& session_;
    std::optional<pubsub::outbox> waiting_;  // while something does
    std::unique_ptr<post> post_;             // whose other packets wait for a turn
    http::responder answer_;                 // of the poll that hangs
    reply_form how_;                         // it wants to be answered
    conn_id connection_;                     // of the last poll
    conn_id posting_;                        // of a POST on its way, or one that is answered later
    net::delivery_watch delivery_;
    time_point heard_;
    bool closing_ = false;
    bool has_binary_ = false;  // among what waits
};

/// The packet's bytes as base64, kept with it for all who need them.
[[nodiscard]] buffer_slice base64_of(const message& packet);

}  // namespace weft::engineio
