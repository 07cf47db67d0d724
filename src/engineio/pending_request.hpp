#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <weft/base/admission.hpp>
#include <weft/engineio/options.hpp>
#include <weft/http/handshake.hpp>
#include <weft/http/request.hpp>
#include <weft/http/responder.hpp>
#include <weft/http/upgrade.hpp>
#include <weft/net/loop.hpp>
#include <weft/net/peer.hpp>

#include "engineio/cors.hpp"
#include "engineio/reply.hpp"
#include "ws/answer_handshake.hpp"

namespace weft::engineio {

class shard;

/// What a loop is charged for something that may die on any thread, and after the loop.
class far_charge {
public:
    explicit far_charge(net::loop_core& home) noexcept;
    far_charge(far_charge&& other) noexcept
        : home_(std::move(other.home_)), bytes_(std::exchange(other.bytes_, 0)) {}
    far_charge& operator=(far_charge&&) = delete;
    ~far_charge();

    [[nodiscard]] const loop_ref& home() const noexcept { return home_; }
    /// Once, on the loop's thread.
    [[nodiscard]] bool try_set(std::size_t bytes) noexcept;

private:
    loop_ref home_;
    std::size_t bytes_ = 0;
};

/// One request on its way through the checks. Everything is its own, but for the body, which is
/// kept when it has to wait.
struct pending_request {
    shard* owner = nullptr;
    std::optional<far_charge> waits;  // a coroutine asks its loop before it touches the rest
    http::responder answer;           // of a plain request
    http::upgrade upgrade;            // of one that asks for a WebSocket
    bool upgrades = false;
    conn_id connection;
    http::method method = http::method::get;
    std::optional<transport_kind> transport;
    std::string transport_name;
    std::optional<std::string> sid;
    int protocol = 3;
    bool base64 = false;
    bool octet_stream = false;
    std::uint64_t principal = 0;
    reply_form form;
    std::optional<peer> from;   // as this request's filters and guards know it
    http::handshake handshake;  // of new sessions, and whenever somebody wants to decide about it
    byte_view body;
    std::string kept_body;
    std::optional<ws::handshake_answer> websocket;  // when it may be one
    std::size_t step = 0;                           // of the checks that come next

    [[nodiscard]] const options& chosen() const noexcept;
    [[nodiscard]] bool is_there() const noexcept {
        return upgrades ? static_cast<bool>(upgrade) : static_cast<bool>(answer);
    }
    /// Takes from the request what the checks and the answer need.
    void read(const http::request& request, const origin_guard& origins);
    /// For who decides about the request, or wants to hear of its refusal.
    void keep_handshake(const http::request& request);
    /// The request itself goes, this stays, where it is now. False: there is no room for it.
    [[nodiscard]] bool try_keep();
    /// Answers with the row of the error table. `said` is what a guard has to say about it.
    void refuse(errc why, std::string_view context, const refusal& said = {});
};

}  // namespace weft::engineio
