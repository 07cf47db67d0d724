#pragma once

// A stream that is no socket, and the exchange that it carries: what an HTTP/2 stream would be to
// http, ws and engineio. Nothing leaves the process; what is written is kept as text.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "http/proto/head_parser.hpp"
#include "http/reply_sink.hpp"
#include "http/service.hpp"
#include "net/byte_stream.hpp"
#include "net/loop_core.hpp"
#include "net/moved_stream.hpp"

namespace weft::testing {

class played_stream final : public net::byte_stream, public http::reply_sink {
public:
    explicit played_stream(net::loop_core& loop)
        : loop_(loop), id_(loop.names().take(0)), peer_(this, {}) {
        peer_.set_secure();
    }
    ~played_stream() {
        end(make_error_code(weft::errc::closed_by_peer));
        loop_.names().give_back(id_);
    }

    /// Brings a request, by its head in the form of HTTP/1, to its handler.
    void ask(http::service& service, std::string head, std::string_view content = {}) {
        http::head_parser parser(http::head_kind::request);
        if (parser.parse(head) != http::parse_status::complete) return;
        http::request req = service.make_request(parser.head(), *this);
        if (service.check(req) != http::errc::none) return;
        http::service::set_body(req, as_bytes(content));
        service.run(req, service.find(req), *this);
    }
    /// The peer sends bytes to the protocol that was switched to.
    void receive(std::string bytes) {
        const std::size_t size = bytes.size();
        bytes.resize(size + 64);  // the padding that handlers may read
        handler_->on_data({reinterpret_cast<std::byte*>(bytes.data()), size});
    }
    void end(std::error_code why) {
        if (auto gone = handle_.take_gone()) gone();
        if (handler_ != nullptr && !std::exchange(told_, true)) handler_->on_closed(why);
    }
    [[nodiscard]] std::string take() { return std::exchange(out_, {}); }

    // What became of the request.
    std::optional<http::response> answered;
    std::string body;  // of a streamed reply
    bool finished = false, was_cut = false, failed = false, closed = false;
    std::string switched_with;  // the headers of an upgrade

    // http::reply_sink
    http::lent_handle& handle() override { return handle_; }
    void answer(http::response reply) override {
        handle_.take_back();
        answered.emplace(std::move(reply));
    }
    void abandon() noexcept override { fail(); }
    void fail() override { failed = true; }
    void threw(const std::exception_ptr&) override { failed = true; }
    void pass(const admission<void>&) override { failed = true; }
    void start(http::response head) override { answered.emplace(std::move(head)); }
    http::write_status write_body(std::string_view bytes) override {
        body += bytes;
        return http::write_status::ready;
    }
    http::write_status write_body(buffer_slice bytes) override {
        return write_body(as_text(bytes.bytes));
    }
    void finish() override {
        finished = true;
        handle_.take_back();
    }
    void cut() noexcept override { was_cut = true; }
    void switch_to(http::header_lines headers,
                   std::unique_ptr<net::stream_handler> protocol) override {
        handle_.take_back();
        switched_with = headers.text();
        handler_ = std::move(protocol);
        handler_->on_open();
    }
    net::byte_stream& stream() noexcept override { return *this; }

    // net::byte_stream
    void write(byte_view bytes) noexcept override { out_ += as_text(bytes); }
    void write(buffer_slice bytes) noexcept override { out_ += as_text(bytes.bytes); }
    std::byte* prepare(std::size_t) noexcept override { return nullptr; }
    void commit(std::size_t) noexcept override {}
    std::size_t queued() const noexcept override { return 0; }
    bool stalled() const noexcept override { return false; }
    void ask_drained() noexcept override {
        loop_.post([this] { handler_->on_drained(); });
    }
    progress delivered() const noexcept override { return {}; }
    void pause_reading() noexcept override {}
    void resume_reading() noexcept override {}
    void await_turn() noexcept override {
        loop_.post([this] { handler_->on_turn(); });
    }
    void shutdown() noexcept override {}
    void close() noexcept override { closed = true; }
    void abort(std::error_code) noexcept override { closed = true; }
    void set_deadline(time_point) noexcept override {}
    void clear_deadline() noexcept override {}
    void set_handler(std::unique_ptr<net::stream_handler> handler) noexcept override {
        handler_ = std::move(handler);
    }
    net::stream_handler& handler() const noexcept override { return *handler_; }
    net::moved_stream leave() override { std::abort(); }  // it belongs to its connection
    net::loop_core& owner() const noexcept override { return loop_; }
    conn_id id() const noexcept override { return id_; }
    weft::peer& peer() const noexcept override { return peer_; }
    known_peers& peers() noexcept override { return loop_.peers(); }
    byte_budget& memory() noexcept override { return loop_.budget(); }
    void on_identified() noexcept override {
        if (handler_ != nullptr) handler_->on_identified();
    }
    std::string_view alpn() const noexcept override { return "h2"; }

private:
    net::loop_core& loop_;
    const conn_id id_;
    mutable weft::peer peer_;
    http::lent_handle handle_;
    std::unique_ptr<net::stream_handler> handler_;
    std::string out_;
    bool told_ = false;
};

}  // namespace weft::testing
