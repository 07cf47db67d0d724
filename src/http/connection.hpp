#pragma once

#include <memory>

#include "http/proto/reply_writer.hpp"
#include "http/proto/request_reader.hpp"
#include "http/reply_sink.hpp"
#include "http/service.hpp"
#include "net/byte_stream.hpp"

namespace weft::http {

/// One HTTP/1 connection of a server: ties a reader of requests and a writer of replies to one
/// stream, and answers one request after the other.
///
/// An idle one is this object alone. What a request needs while it is unanswered, or answered piece
/// by piece, is in its `exchange`; a request that comes in one read and is answered at once never
/// makes one.
class connection final : public net::stream_handler, private service::hook, private reply_sink {
public:
    connection(service& owner, net::byte_stream& stream) noexcept;
    ~connection() override;

    void on_data(byte_span data) noexcept override;
    void on_drained() noexcept override;
    void on_turn() noexcept override;
    void on_end(net::byte_stream& stream) noexcept override;
    void on_end_ahead() noexcept override;
    void on_deadline() noexcept override;
    void on_identified() noexcept override;
    void on_closed(std::error_code why) noexcept override;
    void tell_facts(net::stream_facts& facts) const noexcept override;
    [[nodiscard]] std::string_view answer_to_plain() const noexcept override;

    /// Who is at the other end, if its word about clients counts.
    void set_proxy(std::unique_ptr<const peer> proxy);

private:
    friend class service;

    enum class state : std::uint8_t {
        reading,    // bytes go to the reader
        answering,  // the request is with its handler, or with who holds the handle
        streaming,  // the reply has begun; its body comes through the handle
        pumping,    // a body_source feeds the reply
        answered,   // the reply is complete, the user's code that gave it still runs
        leaving,    // for another protocol or another loop, at the next chance
        ended,      // nothing is read any more
    };
    enum class first_request : std::uint8_t { awaited, late, here };

    struct exchange;
    class late_place;

    // Time: connection.cpp
    void deadline_passed();
    void first_request_is_late();
    void first_request_came() noexcept;
    void give_way() noexcept;
    void check_body_rate();

    // Requests: connection.cpp
    void consume(byte_span in, std::string* held = nullptr);
    void consume_held();
    void handle_head(byte_span& in);
    void handle_request();
    void note_request(const request& req);
    [[gnu::cold]] void note_refusal(errc why);
    void tell_access(std::error_code cause) noexcept;
    void wait_for_filter(task<admission<void>> deciding, std::size_t asked, byte_view rest);
    void tell_body(service::body_news what);
    void wait_for_more(bool begins);
    void run(request& req, service::match found);
    template <class F>
    void while_answering(F&& code);
    void hold(byte_span rest, std::string* held = nullptr);
    [[nodiscard]] bool holds_bytes() const noexcept;

    // Leaving: connection.cpp
    void finish_switch(byte_span unread) noexcept;
    void become(std::unique_ptr<net::stream_handler> protocol) noexcept;
    [[nodiscard]] bool try_move(const request& req, service::match found, byte_view rest);
    void finish_move();

    // Replies: connection_reply.cpp
    [[nodiscard]] lent_handle& handle() override;
    void answer(response reply) override;
    void abandon() noexcept override;
    void fail() override;
    void threw(const std::exception_ptr& what) override;
    void pass(const admission<void>& said) override;
    void start(response head) override;
    write_status write_body(std::string_view bytes) override;
    write_status write_body(buffer_slice bytes) override;
    void finish() override;
    void cut() noexcept override;
    void switch_to(header_lines headers, std::unique_ptr<net::stream_handler> protocol) override;
    [[nodiscard]] net::byte_stream& stream() noexcept override { return stream_; }

    [[gnu::cold]] write_status dropped_piece() noexcept;
    template <class F>
    write_status write_piece(std::size_t size, F&& write_it);
    void note_reply(int status, std::uint64_t body_size);
    [[gnu::cold]] void refuse(errc why, const refused_request& which = {});
    [[gnu::cold]] void refuse(errc why, response reply, const refused_request& which);
    [[gnu::cold]] void drop(errc why, const refused_request& which = {}) noexcept;
    void pump();
    void reply_done();
    void next_request();
    void tell_gone() noexcept;
    void tell_drained();
    void drain() noexcept;
    void end() noexcept;

    exchange& use_exchange();
    [[nodiscard]] const peer* proxy() const noexcept;
    template <class F>
    void call_user(F&& code) noexcept;
    template <class F>
    void within_memory(F&& work) noexcept;
    void arm(time_point when) noexcept;
    void wake_soon() noexcept;
    void go_on();
    void pause() noexcept;
    void unpause() noexcept;
    void unlink() noexcept;
    [[nodiscard]] time_point now() const noexcept;

    service& service_;
    net::byte_stream& stream_;
    request_reader reader_;
    std::unique_ptr<exchange> exchange_;
    const time_point accepted_;
    reply_writer writer_;
    state state_ = state::reading;
    first_request first_ = first_request::awaited;
    bool in_user_code_ = false;  // which may answer; what follows waits until it returns
    bool paused_ = false;
    bool end_ahead_ = false;  // the peer's end is there, behind requests that are not read yet
    bool waking_ = false;     // `go_on` comes
    bool reused_ = false;     // it has answered before
};

}  // namespace weft::http
