// WebSocket from the client's side: one packet per message. The WebSocket below keeps its own
// queue, so this transport takes packets whenever it is open.

#include "base/explained.hpp"
#include "engineio/client_transport.hpp"
#include "net/byte_stream.hpp"

namespace weft::engineio {
namespace {

class client_websocket final : public client_transport {
public:
    client_websocket(client_route& route, client_transport_user& whom)
        : client_transport(whom), socket_(route.websockets, options_of(route)) {
        socket_
            .on_open([this](ws::client&) {
                open_ = true;
                user().on_writable();
            })
            .on_message([this](ws::client&, message_view what) { take(what); })
            .on_drain([this](ws::client&) { user().on_writable(); })
            .on_close([this](ws::client&, const ws::close_event& event) {
                open_ = false;
                user().on_transport_closed(error_of(event));
            })
            .on_failure([this](ws::client&, const ws::connect_failure& failure) {
                user().on_transport_closed(explained(failure.why.code(), failure.why.what()),
                                           failure.response);
            });
    }

    [[nodiscard]] transport_kind kind() const noexcept override {
        return transport_kind::websocket;
    }
    result<void> open() override { return socket_.connect(); }
    [[nodiscard]] bool writable() const noexcept override { return open_; }
    [[nodiscard]] std::optional<time_point> receiving() const noexcept override {
        return socket_.receiving();
    }
    [[nodiscard]] bool keeps_up() const noexcept override {
        return socket_.queued() <= net::byte_stream::high_water;
    }
    send_status send(std::span<const message> group) override {
        auto worst = send_status::sent;
        for (const message& one : group) worst = std::max(worst, socket_.send(one));
        return worst;
    }
    void pause(unique_function<void()>) override {}
    void resume() override {}
    void close() override { socket_.close(); }

private:
    static ws::client_options options_of(client_route& route) {
        ws::client_options options;
        ws::client_url url = route.url;
        const std::string target = route.target(transport_kind::websocket);
        options.url = url.unix_path.empty()
                          ? (url.secure ? "wss://" : "ws://") + url.authority() + target
                          : "ws+unix:" + url.unix_path + ':' + target;
        options.headers = route.request_headers();
        options.proxy = route.proxy;
        options.deflate = route.deflate;
        options.handshake_timeout = route.timeout;
        options.max_message = route.max_message;
        options.max_queue = route.max_queue;
        return options;
    }
    /// Nothing for an end that the server announced.
    static std::optional<error> error_of(const ws::close_event& event) {
        if (!event.cause || event.cause == weft::errc::closed_by_peer) return std::nullopt;
        return error(event.cause, "the WebSocket");
    }

    void take(message_view what) {
        if (!what.is_text()) return user().on_packet(packet_type::message, what);
        const auto parsed = parse_packet(what.text());
        if (!parsed) return user().on_transport_closed(error(errc::bad_packet));
        if (parsed->type == packet_type::close) return socket_.close();
        user().on_packet(parsed->type, message_view(parsed->text()));
    }

    bool open_ = false;
    ws::client socket_;
};

}  // namespace

std::unique_ptr<client_transport> make_client_websocket(client_route& route,
                                                        client_transport_user& user) {
    return std::make_unique<client_websocket>(route, user);
}

}  // namespace weft::engineio
