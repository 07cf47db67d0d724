#pragma once

#include <cstddef>
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
#include "pubsub/outbox.hpp"

namespace weft::engineio {

/// What a session has only while polling carries it: the poll that hangs, and what waits for one.
class polling final : private byte_holder {
public:
    explicit polling(session& of) noexcept;

    /// A GET: answered at once when something waits, else later.
    void poll(reply_form form, http::responder answer);
    /// A POST: processed, then answered.
    void take(const reply_form& form, byte_view body, payload_form how, http::responder answer);

    /// Packets that belong together.
    send_status queue(std::span<const message> group);
    /// Answers the poll, if one hangs and something is there to tell.
    void flush();
    /// Lets a poll that hangs end without news.
    void answer_noop();
    /// The session ends, or leaves polling: the poll that hangs is told so.
    void finish(packet_type last);
    /// Takes what waits: calls `use(group)` for packets that belong together, oldest first.
    void take_waiting(function_ref<void(std::span<const message>)> use);

    /// Whether what is sent now goes out without standing in line.
    [[nodiscard]] bool keeps_up() const noexcept { return answer_ || !waits(); }
    [[nodiscard]] bool waits() const noexcept { return waiting_ && !waiting_->empty(); }

private:
    // byte_holder
    [[nodiscard]] std::uint64_t held() const noexcept override;
    void let_go(std::uint64_t wanted) noexcept override;

    [[nodiscard]] std::optional<errc> process(byte_view body, payload_form how);
    [[nodiscard]] bool decode(const packet& got);
    void append(std::string& body, const message& packet) const;
    void respond(std::string body, compressible may);
    [[nodiscard]] payload_form form() const noexcept;

    session& session_;
    std::optional<pubsub::outbox> waiting_;  // while something does
    http::responder answer_;                 // of the poll that hangs
    reply_form how_;                         // it wants to be answered
};

/// The packet's bytes as base64, kept with it for all who need them.
[[nodiscard]] buffer_slice base64_of(const message& packet);

}  // namespace weft::engineio
