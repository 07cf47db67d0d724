// A WebSocket client for measuring: the handshake, then one message per frame, through the codecs
// that the library's own client uses. Each message that comes back is compared with what must come
// next.

#include <cstring>
#include <optional>
#include <utility>

#include "bench/link.hpp"
#include "bench/socketio.hpp"
#include "http/proto/head_parser.hpp"
#include "ws/proto/deflate.hpp"
#include "ws/proto/frame.hpp"
#include "ws/proto/handshake.hpp"

namespace weft::bench {
namespace {

constexpr std::string_view topic = "weft-bench";
constexpr std::string_view publish_head = R"({"type":"publish","topic":"weft-bench","data":")";
constexpr std::string_view publish_tail = R"("})";

class ws_link final : public link {
public:
    using link::link;

    void begin() override;
    void finish() override;
    void send(std::uint64_t number) override;
    void take_part(part role) override;
    void on_data(byte_span data) noexcept override;
    byte_span read_target() noexcept override {
        return assembler_ ? assembler_->read_target() : byte_span{};
    }

private:
    /// What is needed until the server has answered.
    struct handshake {
        std::string key;
        std::string target;
        std::string received{};
        http::head_parser parser{http::head_kind::response};
    };

    [[nodiscard]] ws::client_request request() const noexcept;
    byte_span read_handshake(byte_span data);
    bool switch_protocol(const http::message_head& head);
    void set_deflate(const ws::deflate_agreement& agreed);
    void send_frame(ws::opcode op, byte_view payload, bool compressed = false);
    /// False when nothing further is to be read.
    bool handle(ws::message_event event, time_point now);
    void handle_message(std::string_view text, time_point now);
    void handle_topic(std::string_view text, time_point now);
    void handle_socketio(std::string_view packet, time_point now);
    /// Counts a message if it is the one that must come next.
    void take(std::string_view message, time_point now, const char* otherwise);
    void send_text(std::string_view text) { send_frame(ws::opcode::text, as_bytes(text)); }

    std::unique_ptr<handshake> handshake_;
    std::optional<ws::message_assembler> assembler_;
    std::optional<ws::deflater> deflater_;
    bool keeps_history_ = false;
    bool goodbye_said_ = false;
};

constexpr ws::deflate_wishes wishes{.server_max_window_bits = 15, .client_max_window_bits = 15};

ws::client_request ws_link::request() const noexcept {
    ws::client_request asked{.host = worker_.destination().authority,
                             .target = handshake_->target,
                             .key = handshake_->key,
                             .subprotocols = {},
                             .deflate = nullptr,
                             .extra = {}};
    if (worker_.wanted().deflate) asked.deflate = &wishes;
    return asked;
}

void ws_link::begin() {
    auto key = ws::make_key(worker_.random());
    if (!key) return give_up(key.error().message());
    std::string path = worker_.destination().path;
    if (worker_.wanted().socketio) path += "?EIO=4&transport=websocket";
    handshake_ = std::make_unique<handshake>(handshake{std::move(*key), std::move(path)});
    const auto text = ws::write_upgrade_request(request());
    if (!text) return give_up(text.error().message());
    stream_.write(as_bytes(*text));
}

byte_span ws_link::read_handshake(byte_span data) {
    const std::size_t before = handshake_->received.size();
    handshake_->received += as_text(data);
    switch (handshake_->parser.parse(handshake_->received)) {
        case http::parse_status::incomplete: return {};
        case http::parse_status::failed: give_up("the server does not answer in HTTP"); return {};
        case http::parse_status::complete: break;
    }
    const std::size_t head = handshake_->parser.size();
    if (!switch_protocol(handshake_->parser.head())) return {};
    handshake_.reset();
    if (!worker_.wanted().socketio) {
        stream_.clear_deadline();
        worker_.on_ready(*this);
    }
    return data.subspan(head - before);
}

bool ws_link::switch_protocol(const http::message_head& head) {
    std::vector<http::header_field> headers;
    for (std::size_t i = 0; i < head.field_count(); ++i) {
        headers.push_back({head.field(i).name, head.field(i).value});
    }
    const auto outcome = ws::check_response(head.status(), headers, request(), worker_.sha1());
    if (outcome.error) {
        give_up("the server at " + worker_.wanted().url + " answered " +
                std::to_string(head.status()) + ": " + make_error_code(*outcome.error).message());
        return false;
    }
    std::optional<ws::inflate_settings> inflate;
    if (outcome.deflate) {
        set_deflate(*outcome.deflate);
        inflate =
            ws::inflate_settings{.window_bits = outcome.deflate->window_bits(ws::role::server),
                                 .keep_history = !outcome.deflate->no_takeover(ws::role::server)};
    } else if (worker_.wanted().deflate) {
        give_up(
            "the server does not compress; start it with --deflate or leave --deflate out here");
        return false;
    }
    assembler_.emplace(ws::role::client, worker_.limits(), worker_.shared(), inflate);
    return true;
}

void ws_link::set_deflate(const ws::deflate_agreement& agreed) {
    ws::deflate_settings settings;
    settings.window_bits = agreed.window_bits(ws::role::client);
    if (settings.window_bits < 9) return;  // zlib cannot: send uncompressed
    deflater_.emplace(settings);
    keeps_history_ = !agreed.no_takeover(ws::role::client);
}

void ws_link::take_part(part role) {
    if (role != part::subscribes || worker_.wanted().socketio) return link::take_part(role);
    part_ = role;
    send_text(R"({"type":"subscribe","topic":")" + std::string(topic) + R"("})");
}

void ws_link::send(std::uint64_t number) {
    if (worker_.wanted().socketio) {
        std::string packet;
        const std::string_view text = worker_.messages().make(number);
        part_ == part::publishes ? append_publish(packet, text) : append_echo(packet, number, text);
        return send_text(packet);
    }
    if (part_ == part::echoes && !deflater_) return stream_.write(worker_.numbered_frame(number));
    std::string_view message = worker_.messages().make(number);
    std::string topic_text;
    if (part_ == part::publishes) {
        topic_text.append(publish_head).append(message).append(publish_tail);
        message = topic_text;
    }
    const bool text = part_ == part::publishes || worker_.wanted().text;
    const ws::opcode op = text ? ws::opcode::text : ws::opcode::binary;
    if (deflater_) {
        const auto small = deflater_->compress(as_bytes(message));
        if (!keeps_history_) deflater_->forget_history();
        if (small) return send_frame(op, small->bytes, true);
    }
    send_frame(op, as_bytes(message));
}

void ws_link::send_frame(ws::opcode op, byte_view payload, bool compressed) {
    const auto key = worker_.random().next_u32();
    if (!key) return give_up("the system has no random numbers to give");
    const auto header =
        ws::encode_header({.op = op, .fin = true, .compressed = compressed}, payload.size(), *key);
    const byte_span frame =
        worker_.scratch(header.size + payload.size()).first(header.size + payload.size());
    std::memcpy(frame.data(), header.bytes.data(), header.size);
    if (!payload.empty()) {
        std::memcpy(frame.data() + header.size, payload.data(), payload.size());
    }
    ws::apply_mask(frame.subspan(header.size), *key);
    stream_.write(byte_view(frame));
}

void ws_link::on_data(byte_span data) noexcept {
    if (handshake_) {
        data = read_handshake(data);
        if (data.empty()) return;
    }
    const time_point now = steady_clock::now();
    std::int64_t allowance = INT64_MAX;
    while (assembler_ && handle(assembler_->next(data, now, allowance), now)) {
    }
}

bool ws_link::handle(ws::message_event event, time_point now) {
    using ws::message_event;
    switch (event) {
        case message_event::need_more:
        case message_event::yielded: return false;
        case message_event::pong: return true;
        case message_event::text:
        case message_event::binary:
            handle_message(as_text(assembler_->payload()), now);
            return !goodbye_said_;
        case message_event::ping: send_frame(ws::opcode::pong, assembler_->payload()); return true;
        case message_event::close: {
            const ws::close_info& said = assembler_->close_frame();
            if (!goodbye_said_) {
                worker_.fail("the server closed a connection with code " +
                             std::to_string(static_cast<int>(said.code)) + " '" +
                             std::string(said.reason) + "'");
                finish();
            }
            stream_.close();
            return false;
        }
        case message_event::failed:
            give_up("the server broke the protocol: " +
                    make_error_code(assembler_->error()).message());
            return false;
    }
    return false;
}

void ws_link::take(std::string_view message, time_point now, const char* otherwise) {
    if (worker_.messages().matches(message, expected())) return on_message(now);
    give_up(otherwise);
    goodbye_said_ = true;
}

constexpr const char* missed = "a subscriber missed a message: did the server drop some?";

void ws_link::handle_message(std::string_view text, time_point now) {
    if (worker_.wanted().socketio) return handle_socketio(text, now);
    if (part_ == part::subscribes || part_ == part::publishes) return handle_topic(text, now);
    take(text, now, "an answer is not the message that was sent: is this an echo server?");
}

void ws_link::handle_socketio(std::string_view packet, time_point now) {
    const socketio_packet read = read_socketio(packet);
    switch (read.word) {
        case socketio_word::open: return send_text(socketio_connect);
        case socketio_word::ping: return send_text(socketio_pong);
        case socketio_word::connected: stream_.clear_deadline(); return worker_.on_ready(*this);
        case socketio_word::answer:
            return take(read.payload, now, "an acknowledgement is not the text that was sent");
        case socketio_word::said: return take(read.payload, now, missed);
        default: break;
    }
    give_up("the server said something else than the answer: " + std::string(packet.substr(0, 80)));
    goodbye_said_ = true;
}

void ws_link::handle_topic(std::string_view text, time_point now) {
    if (text.starts_with(R"({"type":"error")")) {
        give_up("the server refused a request of the topic protocol: " + std::string(text));
        goodbye_said_ = true;
    } else if (text.starts_with(R"({"type":"message")")) {
        const std::size_t size = worker_.wanted().size + publish_tail.size();
        const bool whole = text.size() >= size && text.ends_with(publish_tail);
        take(whole ? text.substr(text.size() - size, worker_.wanted().size) : std::string_view{},
             now, missed);
    } else if (text.starts_with(R"({"type":"subscribed")")) {
        worker_.on_part_taken();
    }
}

void ws_link::finish() {
    if (std::exchange(goodbye_said_, true)) return;
    if (const auto payload = ws::close_payload::make(ws::close_code::normal)) {
        send_frame(ws::opcode::close, payload->view());
    }
}

}  // namespace

std::unique_ptr<link> make_ws_link(worker& owner, net::byte_stream& stream) {
    return std::make_unique<ws_link>(owner, stream);
}

}  // namespace weft::bench
