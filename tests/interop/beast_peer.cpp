// Boost.Beast as a client and as an echo server.

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/websocket.hpp>

#include "peer.hpp"

namespace {

namespace beast = boost::beast;
namespace websocket = beast::websocket;
using tcp = boost::asio::ip::tcp;

// takeover, alone, or a number of bits for both windows.
std::optional<websocket::permessage_deflate> deflate(const std::string& option) {
    if (option.empty()) return std::nullopt;
    websocket::permessage_deflate all;
    all.client_enable = all.server_enable = true;
    all.compLevel = 1;  // its own deflate is slow
    if (option == "alone") {
        all.client_no_context_takeover = all.server_no_context_takeover = true;
    } else if (option != "takeover") {
        all.client_max_window_bits = all.server_max_window_bits = std::stoi(option);
    }
    return all;
}

class beast_peer final : public peer {
public:
    std::string open(const std::string& host, const std::string& port,
                     const std::string& option) override {
        boost::asio::connect(socket_.next_layer(), tcp::resolver(context_).resolve(host, port));
        prepare(option);
        socket_.set_option(websocket::stream_base::decorator([](websocket::request_type& request) {
            request.set(beast::http::field::sec_websocket_protocol, "other, chat");
        }));
        websocket::response_type answer;
        socket_.handshake(answer, host + ":" + port, "/");
        return std::string(answer[beast::http::field::sec_websocket_protocol]);
    }

    // One frame, unless compressed.
    void send(const message& what) override {
        socket_.auto_fragment(false);
        write(what);
    }

    // Frames of 4 kB.
    void send_in_pieces(const message& what) override {
        socket_.auto_fragment(true);
        write(what);
    }

    message receive() override {
        beast::flat_buffer buffer;
        beast::error_code error;
        socket_.read(buffer, error);
        if (!error) return {socket_.got_text(), beast::buffers_to_string(buffer.data())};
        if (error != websocket::error::closed) throw closed{error.message()};
        const auto& why = socket_.reason();
        throw closed{std::to_string(why.code) + " " + std::string(why.reason.c_str())};
    }

    // A pong is seen while one reads: a message behind the ping brings the reader past it.
    std::string ping(const std::string& payload) override {
        std::string answer;
        socket_.control_callback([&](websocket::frame_type kind, beast::string_view what) {
            if (kind == websocket::frame_type::pong) answer = what;
        });
        socket_.ping(websocket::ping_data(payload));
        send({true, "done"});
        receive();
        socket_.control_callback();
        return answer;
    }

    // Waits for the answer, which is then the reason.
    void close(int code, const std::string& reason) override {
        socket_.close({static_cast<websocket::close_code>(code), reason});
        throw closed{std::to_string(socket_.reason().code) + " " + socket_.reason().reason.c_str()};
    }

    void serve(const std::string& option) override {
        tcp::acceptor acceptor(context_, {boost::asio::ip::make_address("127.0.0.1"), 0});
        std::cout << "listening on ws://" << acceptor.local_endpoint() << '/' << std::endl;
        acceptor.accept(socket_.next_layer());
        prepare(option);
        socket_.set_option(
            websocket::stream_base::decorator([](websocket::response_type& response) {
                response.set(beast::http::field::sec_websocket_protocol, "chat");
            }));
        socket_.control_callback([](websocket::frame_type kind, beast::string_view what) {
            if (kind == websocket::frame_type::pong) std::cout << "pong " << what << std::endl;
        });
        socket_.accept();
        socket_.ping("are you there");
        for (;;) {
            const message what = receive();
            if (what.data == "leave") close(4321, "because");
            send_in_pieces(what);
        }
    }

private:
    void prepare(const std::string& option) {
        socket_.read_message_max(std::size_t{1} << 26U);
        if (const auto wanted = deflate(option)) socket_.set_option(*wanted);
    }

    void write(const message& what) {
        socket_.text(what.text);
        socket_.write(boost::asio::buffer(what.data));
    }

    boost::asio::io_context context_;
    websocket::stream<tcp::socket> socket_{context_};
};

}  // namespace

int main(int count, char** arguments) {
    beast_peer subject;
    return run_peer(subject, count, arguments);
}
