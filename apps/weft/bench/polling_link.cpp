// A Socket.IO client by long-polling for measuring: one POST that asks, then one GET that fetches
// the answer, again and again on one connection. A browser keeps its GET waiting on a second
// connection; the server's work per message is the same, one POST and one GET.

#include <utility>

#include "bench/link.hpp"
#include "bench/socketio.hpp"
#include "http/proto/response_parser.hpp"

namespace weft::bench {
namespace {

constexpr char separator = '\x1e';  // between the packets of one body
constexpr std::uint64_t largest_body = std::uint64_t{1} << 32U;

class polling_link final : public link {
public:
    using link::link;

    void begin() override { get(); }
    void finish() override { stream_.close(); }
    void send(std::uint64_t number) override {
        if (!outgoing_.empty()) outgoing_ += separator;
        append_echo(outgoing_, number, worker_.messages().make(number));
        if (!busy_) post();
    }
    void on_data(byte_span data) noexcept override;

private:
    void get() { request("GET", {}); }
    void post() { request("POST", std::exchange(outgoing_, {})); }
    void request(std::string_view method, std::string_view body);
    void handle(std::string_view payload, time_point now);
    bool handle_packet(std::string_view packet, time_point now);

    http::response_parser response_{largest_body};
    std::string sid_;
    std::string outgoing_;  // packets for the next POST
    bool busy_ = false;     // a request is on its way
    bool posted_ = false;   // it is a POST
};

void polling_link::request(std::string_view method, std::string_view body) {
    busy_ = true;
    posted_ = !body.empty();
    std::string text;
    text.append(method).append(" ").append(worker_.destination().path);
    text.append("?EIO=4&transport=polling");
    if (!sid_.empty()) text.append("&sid=").append(sid_);
    text.append(" HTTP/1.1\r\nHost: ").append(worker_.destination().authority).append("\r\n");
    if (posted_) {
        text.append("Content-Type: text/plain;charset=UTF-8\r\nContent-Length: ");
        text.append(std::to_string(body.size())).append("\r\n");
    }
    text.append("\r\n").append(body);
    response_ = http::response_parser{largest_body};
    stream_.write(as_bytes(text));
}

void polling_link::on_data(byte_span data) noexcept {
    const time_point now = steady_clock::now();
    const auto step = response_.feed(as_text(data));
    if (step.status == http::parse_status::incomplete) return;
    if (step.status == http::parse_status::failed || response_.head().status() != 200) {
        return give_up("the server at " + worker_.wanted().url +
                       " refused a request of long-polling");
    }
    busy_ = false;
    if (posted_) return get();
    handle(response_.body(), now);
    if (busy_) return;
    if (!outgoing_.empty()) return post();
    if (in_flight()) get();
}

void polling_link::handle(std::string_view payload, time_point now) {
    while (!payload.empty()) {
        const std::size_t end = payload.find(separator);
        if (!handle_packet(payload.substr(0, end), now)) return;
        payload = end == std::string_view::npos ? std::string_view{} : payload.substr(end + 1);
    }
}

bool polling_link::handle_packet(std::string_view packet, time_point now) {
    const socketio_packet read = read_socketio(packet);
    switch (read.word) {
        case socketio_word::open:
            sid_ = read.payload;
            outgoing_ = socketio_connect;
            post();
            return true;
        case socketio_word::connected:
            stream_.clear_deadline();
            worker_.on_ready(*this);
            return true;
        case socketio_word::ping:
            if (!outgoing_.empty()) outgoing_ += separator;
            outgoing_ += socketio_pong;
            return true;
        case socketio_word::noop: return true;
        case socketio_word::answer:
            if (worker_.messages().matches(read.payload, expected())) {
                on_message(now);
                return true;
            }
            break;
        default: break;
    }
    give_up("the server said something else than the answer: " + std::string(packet.substr(0, 80)));
    return false;
}

}  // namespace

std::unique_ptr<link> make_polling_link(worker& owner, net::byte_stream& stream) {
    return std::make_unique<polling_link>(owner, stream);
}

}  // namespace weft::bench
