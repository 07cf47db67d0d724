// HTTP long-polling from the client's side: one connection that always asks for packets, another
// one that brings ours. Whoever is told of a packet may destroy the transport, so after each call
// the weak reference to ourselves decides whether anything is left to do.

#include <algorithm>
#include <cstdint>
#include <ctime>
#include <new>

#include <weft/base/base64.hpp>
#include <weft/http/error.hpp>

#include "engineio/client_transport.hpp"
#include "engineio/proto/client_handshake.hpp"
#include "engineio/proto/payload.hpp"

namespace weft::engineio {
namespace {

constexpr std::string_view text_type = "text/plain;charset=UTF-8";

http::client_origin origin_of(const client_route& route) {
    http::client_origin origin;
    origin.to.host = route.url.host;
    origin.to.port = route.url.port;
    origin.to.unix_path = route.url.unix_path;
    origin.to.timeout = route.timeout;
    origin.authority = route.url.authority();
    return origin;
}

/// Why a request was not answered with packets. Redirects are not followed: what a session is told
/// must not be told to another origin.
std::string refusal_of(const http::client_response& got) {
    constexpr std::size_t most = 200;
    const std::string_view elsewhere = got.head.header("Location");
    std::string text = "the server answered " + std::to_string(got.head.status());
    if (got.head.status() / 100 == 3 && !elsewhere.empty()) {
        return text.append(" and redirects to ").append(elsewhere.substr(0, most));
    }
    return text.append(" ").append(got.body.substr(0, most));
}

class client_polling final : public client_transport {
public:
    client_polling(client_route& route, client_transport_user& user)
        : client_transport(user), route_(route), self_(std::make_shared<client_polling*>(this)) {}

    [[nodiscard]] transport_kind kind() const noexcept override { return transport_kind::polling; }
    result<void> open() override;
    [[nodiscard]] bool writable() const noexcept override { return open_ && !post_->busy(); }
    [[nodiscard]] std::optional<time_point> receiving() const noexcept override {
        return get_->receiving();
    }
    [[nodiscard]] bool keeps_up() const noexcept override { return !post_->busy(); }
    send_status send(std::span<const message> group) override;
    void pause(unique_function<void()> done) override;
    void resume() override;
    void close() override;

private:
    using answer_handler = void (client_polling::*)(const http::client_response&);

    result<void> ask(http::client_connection& over, http::method method, std::string_view body,
                     answer_handler then);
    void poll();
    void post(std::string_view body);
    void polled(const http::client_response& reply);
    void posted(const http::client_response& reply);
    void answered(answer_handler then, const result<http::client_response>& got);
    void fail(error why, const http::client_response* response = nullptr);
    /// For calls that must not call the user before they return.
    void fail_later(error why);
    /// False when nobody wants more: we are closed, or gone.
    bool take_packets(std::string_view body);
    bool take(const packet& one);
    void check_paused();

    client_route& route_;
    std::unique_ptr<http::client_connection> get_, post_;
    unique_function<void()> paused_;
    bool open_ = false;
    bool pausing_ = false;
    bool closing_ = false;
    std::shared_ptr<client_polling*> self_;
};

result<void> client_polling::open() {
    http::client_origin origin = origin_of(route_);
    if (route_.url.secure) {
        auto tls = route_.websockets.tls();
        if (!tls) return tls.error();
        origin.to.tls = *std::move(tls);
        origin.to.tls_name = route_.url.host;
    }
    if (!route_.proxy.empty()) {
        auto proxy = ws::proxy_of(route_.proxy);
        if (!proxy) return proxy.error();
        origin.proxy = *std::move(proxy);
    }
    get_ = std::make_unique<http::client_connection>(route_.loop, origin);
    post_ = std::make_unique<http::client_connection>(route_.loop, std::move(origin));
    return ask(*get_, http::method::get, {}, &client_polling::polled);
}

result<void> client_polling::ask(http::client_connection& over, http::method method,
                                 std::string_view body, answer_handler then) {
    const std::string target = route_.target(transport_kind::polling);
    const std::vector<ws::client_header> own = route_.request_headers();
    std::vector<http::header_field> headers{{"Accept", "*/*"}};
    for (const ws::client_header& field : own) headers.push_back({field.name, field.value});
    if (method == http::method::post) headers.push_back({"Content-Type", text_type});
    http::client_request what{
        method, target, headers, body, route_.request_timeout, route_.max_message};
    if (!what.timeout && route_.sid.empty()) what.timeout = route_.timeout;
    return over.request(what, [this, then](const result<http::client_response>& got) {
        const std::weak_ptr<client_polling*> alive = self_;
        try {
            answered(then, got);
        } catch (const std::bad_alloc&) {  // an answer is lost, or what was to follow it
            if (!alive.expired()) fail(error(std::make_error_code(std::errc::not_enough_memory)));
        }
    });
}

void client_polling::answered(answer_handler then, const result<http::client_response>& got) {
    if (!got) return fail(got.error());
    if (route_.with_cookies) route_.cookies.take(got->head, std::time(nullptr));
    if (got->head.status() == 200) return (this->*then)(*got);
    fail({errc::handshake_failed, refusal_of(*got)}, &*got);
}

void client_polling::poll() {
    if (auto asked = ask(*get_, http::method::get, {}, &client_polling::polled); !asked) {
        fail(asked.error());
    }
}

void client_polling::polled(const http::client_response& reply) {
    const std::weak_ptr<client_polling*> alive = self_;
    if (!take_packets(reply.body) || alive.expired()) return;
    if (pausing_) return check_paused();
    if (!closing_) poll();
}

void client_polling::posted(const http::client_response&) {
    if (closing_) return user().on_transport_closed(std::nullopt);
    if (pausing_) return check_paused();
    user().on_writable();
}

bool client_polling::take_packets(std::string_view body) {
    const std::weak_ptr<client_polling*> alive = self_;
    // As many as there are: the size of the reply bounds them already.
    payload_reader reader(as_bytes(body), payload_form::separated, SIZE_MAX);
    while (true) {
        packet one;
        const payload_status status = reader.next(one);
        if (status == payload_status::end) return true;
        if (status != payload_status::packet) {
            fail({status == payload_status::not_utf8 ? errc::invalid_utf8 : errc::bad_packet});
            return false;
        }
        if (!take(one) || alive.expired()) return false;
    }
}

bool client_polling::take(const packet& one) {
    if (one.type == packet_type::open) open_ = true;
    if (one.type == packet_type::close) {
        user().on_transport_closed(std::nullopt);
        return false;
    }
    if (one.form != packet_data::base64) {
        user().on_packet(one.type, message_view(message_kind::text, one.data));
        return true;
    }
    std::vector<std::byte> bytes(decoded_size(one.data.size()));
    const auto size = decode_base64(one.text(), bytes);
    if (!size) {
        fail({errc::bad_packet, "base64"});
        return false;
    }
    user().on_packet(one.type, message_view(message_kind::binary, byte_view(bytes).first(*size)));
    return true;
}

send_status client_polling::send(std::span<const message> group) {
    std::string body;
    for (const message& one : group) {
        if (one.kind() == message_kind::text) {
            append_packet(body, payload_form::separated, one.text());
        } else {
            append_base64_packet(body, payload_form::separated, base64_encode(one.bytes()));
        }
    }
    post(body);
    return send_status::sent;
}

void client_polling::post(std::string_view body) {
    auto asked = ask(*post_, http::method::post, body, &client_polling::posted);
    if (!asked) fail_later(asked.error());
}

void client_polling::pause(unique_function<void()> done) {
    pausing_ = true;
    paused_ = std::move(done);
    route_.loop.post([weak_self = std::weak_ptr<client_polling*>(self_)] {
        if (const auto self = weak_self.lock()) (*self)->check_paused();
    });
}

void client_polling::check_paused() {
    if (!pausing_ || get_->busy() || post_->busy()) return;
    if (auto done = std::exchange(paused_, nullptr)) done();
}

void client_polling::resume() {
    pausing_ = false;
    paused_ = nullptr;
    if (get_->busy()) return;
    auto asked = ask(*get_, http::method::get, {}, &client_polling::polled);
    if (!asked) fail_later(asked.error());
}

void client_polling::close() {
    closing_ = true;
    if (open_) return post(std::string(1, digit_of(packet_type::close)));
    get_->cancel();
    route_.loop.post([weak_self = std::weak_ptr<client_polling*>(self_)] {
        if (const auto self = weak_self.lock()) (*self)->user().on_transport_closed(std::nullopt);
    });
}

void client_polling::fail(error why, const http::client_response* response) {
    get_->cancel();
    post_->cancel();
    user().on_transport_closed(std::move(why), response);
}

void client_polling::fail_later(error why) {
    route_.loop.post(
        [weak_self = std::weak_ptr<client_polling*>(self_), why = std::move(why)]() mutable {
            if (const auto self = weak_self.lock()) (*self)->fail(std::move(why));
        });
}

}  // namespace

std::unique_ptr<client_transport> make_client_polling(client_route& route,
                                                      client_transport_user& user) {
    return std::make_unique<client_polling>(route, user);
}

std::string client_route::target(transport_kind how) {
    std::string text = url.target;
    append_query(text, "EIO", "4");
    append_query(text, "transport", to_string(how));
    if (how == transport_kind::polling) append_query(text, "t", std::to_string(++requests));
    if (!sid.empty()) append_query(text, "sid", sid);
    return text;
}

std::vector<ws::client_header> client_route::request_headers() const {
    std::vector<ws::client_header> all = headers;
    if (std::string line = cookies.header(); !line.empty()) {
        all.push_back({"Cookie", std::move(line)});
    }
    return all;
}

}  // namespace weft::engineio
