#pragma once

#include <cstdint>
#include <memory>
#include <new>
#include <string>
#include <utility>

#include <weft/base/time.hpp>
#include <weft/http/response.hpp>

#include "base/byte_budget.hpp"
#include "base/heap_cost.hpp"
#include "http/connection.hpp"
#include "http/reply_sink.hpp"
#include "net/access_note.hpp"

namespace weft::http {

/// One that is late with its first request, in the gate.
class connection::late_place final : public net::latecomers::place {
public:
    late_place(net::latecomers::line& of, connection& whose) noexcept : place(of), whose_(whose) {}
    using place::enter;

private:
    void give_way() noexcept override { whose_.give_way(); }

    connection& whose_;
};

/// What one request needs beyond the present call: see `connection`.
struct connection::exchange {
    explicit exchange(byte_budget& memory) noexcept : charge(memory) { recount(); }

    /// After something was kept or let go.
    void recount() noexcept {
        charge.set(heap_cost_of<exchange> + heap_cost(held) + handle.memory() +
                   (proxy != nullptr ? heap_cost_of<peer> : 0) +
                   (late != nullptr ? heap_cost_of<late_place> : 0));
    }

    /// Who is at the other end, if its word about clients counts. It stays with the connection, and
    /// the exchange with it.
    std::unique_ptr<const peer> proxy;
    std::unique_ptr<late_place> late;  ///< While the first request is late.
    time_point body_began;
    time_point body_last;
    std::size_t filters_asked = 0;  ///< Of a request that waits for one, or has waited.
    bool tells_parts = false;       ///< The body is not whole, and the route wants to know of it.

    std::unique_ptr<service::watched> watched;  ///< For the observers, until the answer begins.
    std::unique_ptr<net::access_note> access;   ///< Until it is answered, if somebody listens.
    lent_handle handle;                         ///< Through which the user answers.
    std::unique_ptr<net::stream_handler> next;  ///< The protocol to leave for; none: `next_loop`.
    std::uint8_t next_loop = 0;                 ///< The loop to leave for.
    weft::detail::owned_ptr<body_source> source;
    std::uint64_t source_left = 0;

    /// What came behind the request. Its capacity has room for the padding that `on_data` promises.
    std::string held;
    std::size_t held_from = 0;  ///< What lies before it was handled in an earlier turn.
    byte_charge charge;         ///< For itself and what it keeps.
};

/// Runs code of the user. While it runs nothing else happens to this connection.
template <class F>
void connection::call_user(F&& code) noexcept {
    const bool outer = std::exchange(in_user_code_, true);
    service_.call_user(std::forward<F>(code), [this] {
        return user_place{.callback = "a callback of a reply",
                          .peer = stream_.peer().address().to_string()};
    });
    in_user_code_ = outer;
}

/// Does work that allocates: out of memory is the end of this connection, not of the process.
template <class F>
void connection::within_memory(F&& work) noexcept {
    try {
        work();
    } catch (...) {
        state_ = state::ended;
        stream_.abort(std::make_error_code(std::errc::not_enough_memory));
    }
}

}  // namespace weft::http
