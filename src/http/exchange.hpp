#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <utility>

#include <weft/base/time.hpp>
#include <weft/http/response.hpp>

#include "base/byte_budget.hpp"
#include "http/connection.hpp"
#include "http/proto/chunked.hpp"
#include "http/reply_sink.hpp"

namespace weft::http {

/// What one request needs beyond the present call: see `connection`.
struct connection::exchange {
    explicit exchange(byte_budget& memory) noexcept : charge(memory) {}

    /// After something was kept or let go that is bounded without asking.
    void recount() noexcept { charge.set(head.size() + body.size() + held.size()); }
    byte_charge charge;  ///< For the three.

    // While it is received.
    net::handshake_gate::place late_place;  ///< Of a first request that is late.
    std::optional<head_parser> parser;
    std::string head;  ///< The bytes behind the parser's head.
    std::string body;
    std::uint64_t body_left = 0;  ///< Of a body with a length.
    std::optional<chunked_decoder> chunks;
    std::uint64_t body_received = 0;
    time_point body_began;
    time_point body_last;

    // While it is answered.
    lent_handle handle;                         ///< Through which the user answers.
    std::unique_ptr<net::stream_handler> next;  ///< The protocol to switch to.
    std::unique_ptr<body_source> source;
    std::uint64_t source_left = 0;
    bool chunked_reply = false;
    std::uint8_t to = 0;  ///< The loop to move to.

    /// What came behind the request. Its capacity has room for the padding that `on_data` promises.
    std::string held;
};

/// Runs code of the user: what it throws ends here. False when it threw.
template <class F>
bool connection::guarded(F&& call) noexcept {
    const bool outer = std::exchange(in_handler_, true);
    bool returned = false;
    try {
        call();
        returned = true;
    } catch (const std::exception& e) {
        service_.report(errc::handler_failed, e.what());
    } catch (...) {
        service_.report(errc::handler_failed, "an exception of unknown type");
    }
    in_handler_ = outer;
    return returned;
}

/// Does work that allocates: without memory the connection dies, and nothing else.
template <class F>
void connection::within_memory(F&& work) noexcept {
    try {
        work();
    } catch (const std::bad_alloc&) {
        phase_ = phase::ended;
        stream_.abort(std::make_error_code(std::errc::not_enough_memory));
    }
}

}  // namespace weft::http
