#pragma once

#include <memory>
#include <string_view>

#include <weft/http/request.hpp>
#include <weft/http/response.hpp>

#include "http/proto/head_parser.hpp"
#include "http/reply_sink.hpp"
#include "http/service.hpp"
#include "net/byte_stream.hpp"

namespace weft::http {

/// One HTTP/1.1 connection of a server.
///
/// An idle one is this object alone. What a request needs while it is partly received, unanswered
/// or being answered piece by piece is in its `exchange`; a request that comes in one read and is
/// answered at once never makes one.
class connection final : public net::stream_handler, private service::hook, private reply_sink {
public:
    connection(service& owner, net::byte_stream& stream) noexcept;
    ~connection() override;

    void on_data(byte_span data) noexcept override;
    void on_drained() noexcept override;
    void on_end(net::byte_stream& stream) noexcept override;
    void on_end_ahead() noexcept override;
    void on_deadline() noexcept override;
    void on_closed(std::error_code why) noexcept override;

private:
    friend class service;

    enum class phase : std::uint8_t {
        idle,       // between requests
        head,       // a head is partly received
        body,       // a body is partly received
        replied,    // the reply is complete, the handler that gave it still runs
        waiting,    // the responder is with the user
        streaming,  // the body_stream is with the user
        pumping,    // a body_source feeds the reply
        choked,     // the peer does not take its replies: no request is answered before it does
        upgrading,  // the upgrade is with the user
        switching,  // the upgrade was accepted; the new protocol comes at the next chance
        moving,     // the connection goes to another loop at the next chance
        ended,      // nothing is read any more
    };

    struct exchange;

    // Reading: connection.cpp
    void deadline_passed();
    void first_head_is_late();
    void first_head_came() noexcept;
    void consume(byte_span rest);
    void consume_held();
    byte_span take_head(byte_span rest);
    byte_span accept_head(const head_parser& parser, byte_span head, byte_span rest);
    byte_span begin_body(const head_parser& parser, byte_span head, byte_span rest,
                         std::uint64_t limit);
    byte_span take_body(byte_span rest);
    bool take_chunks(byte_span& rest);
    bool keep_body(std::string_view bytes);
    [[nodiscard]] errc check_head(const message_head& head) const noexcept;
    [[nodiscard]] bool locate(request& req) const noexcept;
    void keep_head(const head_parser& parser, byte_span head);
    void hold(byte_span rest);
    [[nodiscard]] bool holds_bytes() const noexcept;
    void check_body_rate();

    // Handling: connection.cpp
    void dispatch(const request& req, router::match found);
    void run_route(const request& req, router::route& chosen);
    void run_upgrade(const request& req, router::endpoint& where);
    template <class F>
    bool guarded(F&& call) noexcept;
    template <class F>
    void within_memory(F&& work) noexcept;
    [[nodiscard]] bool is_lent() const noexcept;
    void finish_switch(byte_span unread) noexcept;
    [[nodiscard]] bool try_move(const request& req, router::match found, byte_span head,
                                byte_span rest);
    void finish_move();

    // Replying: connection_reply.cpp
    void answer(response reply) override;
    void abandon() noexcept override;
    void start(response head) override;
    write_status write(std::string_view bytes) override;
    void finish() override;
    void cut() noexcept override;
    void switch_to(header_lines headers, std::unique_ptr<net::stream_handler> protocol) override;
    [[nodiscard]] net::byte_stream& stream() noexcept override { return stream_; }
    void refuse(errc why);
    void drop(errc why) noexcept;
    void write_head(const response& reply, body_framing framing);
    void write_body(response& reply);
    void pump();
    void reply_done();
    void next_request();
    void tell_gone() noexcept;
    void tell_drained();
    void drain() noexcept;
    void end() noexcept;

    exchange& use_exchange();
    void arm(time_point when) noexcept;
    void wake_soon() noexcept;
    void pause() noexcept;
    void unpause() noexcept;
    void unlink() noexcept;
    [[nodiscard]] time_point now() const noexcept;

    service& service_;
    net::byte_stream& stream_;
    std::unique_ptr<exchange> exchange_;
    const time_point accepted_;
    phase phase_ = phase::idle;
    bool first_ = true;         // no request was read yet: the first deadline still runs
    bool late_ = false;         // it has been so for long
    bool keep_alive_ = true;    // as the present request wants it
    bool old_version_ = false;  // the present request is HTTP/1.0
    bool is_head_ = false;      // the present request's method is HEAD
    bool in_handler_ = false;   // a handler runs, with views of the present request
    bool paused_ = false;
    bool end_ahead_ = false;  // the peer's end is there, behind requests that are not read yet
    bool waking_ = false;     // the deadline is a wake-up
};

}  // namespace weft::http
