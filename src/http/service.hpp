#pragma once

#include <array>
#include <ctime>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <weft/base/log.hpp>
#include <weft/http/options.hpp>
#include <weft/http/request.hpp>
#include <weft/http/router.hpp>

#include "base/user_boundary.hpp"
#include "http/metrics.hpp"
#include "http/proto/request_reader.hpp"
#include "net/byte_stream.hpp"
#include "net/connect_budget.hpp"
#include "net/handshake_gate.hpp"
#include "net/loop_core.hpp"
#include "net/moved_stream.hpp"
#include "net/network_list.hpp"
#include "net/traffic_meter.hpp"

namespace weft::http {

class connection;
class reply_sink;

/// What the log says of a request that was refused.
struct refused_request {
    std::string_view path{};
    std::string_view value{};  ///< What decided: its Host.
};

/// What the HTTP exchanges of one loop have in common: the routes and who runs them, the limits,
/// the counters, the date.
///
/// A connection, or whatever else carries a request, brings it to its handler in these steps:
/// `make_request`, `check`, `find`, then, with the whole body, `run`.
/// **Threads**: the loop's. **Lifetime**: outlives its connections; the loop, the router, the log
/// and the gate outlive it.
class service {
public:
    service(net::loop_core& loop, const router& routes, options limits, log_sink* log = nullptr,
            net::handshake_gate* gate = nullptr);
    ~service();
    service(const service&) = delete;
    service& operator=(const service&) = delete;

    /// The protocol for a stream that was just accepted: call it then, since the deadline for the
    /// first head runs from here. Null: it is closed at once.
    [[nodiscard]] std::unique_ptr<net::stream_handler> make_connection(net::byte_stream& stream);

    /// Other names of the server and another budget, for what comes from now on.
    void change(std::vector<std::string> public_origins, std::vector<std::string> allowed_hosts,
                unsigned connects_per_second);

    /// How a connection gets to another loop; without it every request is answered where it came.
    void on_transfer(unique_function<void(std::uint8_t loop, net::moved_stream)> carry) {
        transfer_ = std::move(carry);
    }

    /// The same for a stream that another loop accepted and that moved here: the gate has let it
    /// in.
    [[nodiscard]] std::unique_ptr<net::stream_handler> take_over(net::byte_stream& stream);
    /// The same for a stream of a client that another process carries. `by_proxy`: what its headers
    /// say about the client counts there, and so here.
    [[nodiscard]] std::unique_ptr<net::stream_handler> take_carried(net::byte_stream& stream,
                                                                    bool by_proxy);

    /// While the loop drains: ends those of the next `most` connections that owe no reply; the
    /// others end after theirs. False once all were looked at.
    bool end_idle(std::size_t most) noexcept;

    [[nodiscard]] http::metrics& counters() noexcept { return metrics_; }

    // ---- A request ----

    using match = router::match;

    /// `carrier` says whose request it is. **Lifetime**: `head` and `carrier` outlive it.
    [[nodiscard]] request make_request(const message_head& head,
                                       const net::byte_stream& carrier) const noexcept {
        return {head, carrier, options_};
    }
    /// Whether it may be served at all; gives it its path and query. Those are valid until the next
    /// request is checked. If a `proxy` whose word counts is at the other end, the carrier's peer
    /// becomes the client that it names.
    [[nodiscard]] errc check(request& req, const peer* proxy = nullptr);
    /// Finds by method and path, and gives it the route's parameters.
    [[nodiscard]] match find(request& req) const noexcept { return routes_.find(req); }
    /// The answer to a request of whom asks too much: see `server_options::traffic`.
    [[nodiscard]] std::optional<response> refuse_traffic(const request& req) noexcept;
    /// The answer to a request of who may only resume something, and does not.
    [[nodiscard]] std::optional<response> refuse_newcomer(const request& req, match found) noexcept;
    /// Asks the router's filters from the one with the number `next` on: what they answer instead
    /// of the route, if anything, or who is going to decide. `next` is then the one after it.
    [[nodiscard]] filter_verdict ask_filters(const request& req, std::size_t& next) noexcept;
    /// How long the body of such a request may be.
    [[nodiscard]] std::uint64_t most_body(match found) const noexcept;
    /// Whether its route wants to be told of each part of a body. `found` has a route.
    [[nodiscard]] static bool wants_parts(match found) noexcept;
    enum class body_news : std::uint8_t { part, cut };
    /// More of its body has come, but not all, or it is never going to: for a route that wants it.
    void tell_body(const request& req, match found, body_news what) noexcept;
    static void set_body(request& req, byte_view body) noexcept { req.body_ = body; }
    /// Has it answered through `sink`: at once, or by the handle that `sink` lends.
    void run(const request& req, match found, reply_sink& sink);

    /// A request as the router's observers will be told of it.
    struct watched {
        owned_request asked;
        time_point since;
    };
    [[nodiscard]] bool is_observed() const noexcept;
    [[nodiscard]] std::unique_ptr<watched> watch(const request& req) const;
    void tell_observers(const watched& what, int status, std::uint64_t body_size,
                        const net::byte_stream& carrier) noexcept;

    /// Runs code of the user: what it throws ends here, counted and logged. False when it threw.
    template <class F, class Place>
    bool call_user(F&& code, const Place& place) noexcept {
        return boundary_.call(std::forward<F>(code), place);
    }
    /// The same for what a coroutine handler threw.
    void report_thrown(const std::exception_ptr& thrown, const net::byte_stream& carrier,
                       std::string_view route) noexcept;
    /// The holder of its handle let a request go without an answer.
    [[gnu::cold]] void report_unanswered(const net::byte_stream& carrier,
                                         std::string_view route) noexcept;

private:
    friend class connection;

    /// Links connections without allocating.
    struct hook {
        hook* next = nullptr;
        hook* previous = nullptr;

        void put_behind(hook& other) noexcept {
            previous = &other;
            next = other.next;
            previous->next = next->previous = this;
        }
        void take_out() noexcept {
            previous->next = next;
            next->previous = previous;
            next = previous = nullptr;
        }
    };

    [[nodiscard]] static bool expects_continue(const message_head& head) noexcept {
        return head.minor_version() > 0 && head.header_count("expect") > 0;
    }
    /// The loop that the request belongs to, when it is not this one.
    [[nodiscard]] std::optional<std::uint8_t> other_loop(const request& req, match found) noexcept;
    /// The value of `Date`, made anew once per second.
    [[nodiscard]] std::string_view date() noexcept;
    [[nodiscard]] bool trusts(const net::byte_stream& stream) const noexcept {
        return !proxies_.empty() && proxies_.has(stream.peer().address());
    }
    void believe(request& req, const peer& proxy) const;
    void find_hosts();
    static void forget_client(peer& client, const peer& proxy);
    [[nodiscard]] bool host_allowed(const message_head& head) const noexcept;
    /// Says which option lets it.
    [[nodiscard]] static response misdirected_reply(const request& req);
    /// To a request that has no handler.
    [[nodiscard]] static response unrouted_reply(const request& req, match found);
    /// Counts what ended a request or a connection, and has it logged.
    [[gnu::cold]] void report(errc what, const net::byte_stream& from,
                              const refused_request& which = {}) noexcept;
    duration refuse_connect(const peer& whom) noexcept;
    /// What a connection gets that has not asked anything yet.
    struct early_answer {
        int status;
        std::string_view why;
        duration retry_after{};  ///< Zero: is not told.
    };
    /// The protocol for one that ends. Null: without an answer.
    [[gnu::cold]] std::unique_ptr<net::stream_handler> turn_away(net::byte_stream& stream,
                                                                 const early_answer& told);
    [[nodiscard]] std::optional<net::traffic_refusal> count_traffic(peer& who);

    net::loop_core& loop_;
    const router& routes_;
    options options_;
    net::network_list proxies_;
    std::vector<std::string> hosts_;  // that requests may name; none: all
    log_sink* log_;
    net::handshake_gate* gate_;                  // may be none
    std::optional<net::latecomers::line> late_;  // without one: none
    net::connect_budget connects_;
    unique_function<void(std::uint8_t, net::moved_stream)> transfer_;
    http::metrics metrics_;
    user_boundary boundary_;
    request_reader::shared reading_;
    hook connections_;         // a ring through all of them
    hook ending_;              // in the ring, behind those that `end_idle` has looked at; or alone
    std::string path_memory_;  // for the decoded path of the present request
    std::time_t date_of_ = -1;
    std::array<char, 29> date_{};
};

}  // namespace weft::http
