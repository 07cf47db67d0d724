// WebSocket++ as a client and as an echo server.

#include <functional>

#include <websocketpp/client.hpp>
#include <websocketpp/config/asio_no_tls.hpp>
#include <websocketpp/config/asio_no_tls_client.hpp>
#include <websocketpp/extensions/permessage_deflate/enabled.hpp>
#include <websocketpp/server.hpp>

#include "peer.hpp"

namespace {

// The library's choice of extensions is one of types.
template <class Base>
struct with_deflate : Base {
    using type = with_deflate;
    using base = Base;
    struct permessage_deflate_config {
        using request_type = typename base::request_type;
        static const bool allow_disabling_context_takeover = true;
        static const uint8_t minimum_outgoing_window_bits = 8;
    };
    using permessage_deflate_type =
        websocketpp::extensions::permessage_deflate::enabled<permessage_deflate_config>;
};

template <class End>
void quiet(End& end) {
    end.clear_access_channels(websocketpp::log::alevel::all);
    end.clear_error_channels(websocketpp::log::elevel::all);
    end.init_asio();
    end.set_max_message_size(std::size_t{1} << 26U);
}

websocketpp::frame::opcode::value opcode(bool text) {
    return text ? websocketpp::frame::opcode::text : websocketpp::frame::opcode::binary;
}

template <class Config>
class websocketpp_client final : public peer {
    using end_type = websocketpp::client<Config>;

public:
    std::string open(const std::string& host, const std::string& port,
                     const std::string&) override {
        quiet(end_);
        bool opened = false;
        end_.set_open_handler([&](auto) { opened = true; });
        end_.set_fail_handler([&](auto) { end_text_ = conn_->get_ec().message(); });
        end_.set_close_handler([&](auto) {
            end_text_ = std::to_string(conn_->get_remote_close_code()) + " " +
                        conn_->get_remote_close_reason();
        });
        end_.set_message_handler([&](auto, auto what) {
            got_ = {what->get_opcode() == websocketpp::frame::opcode::text, what->get_payload()};
        });
        end_.set_pong_handler([&](auto, const std::string& payload) { pong_ = payload; });
        websocketpp::lib::error_code error;
        conn_ = end_.get_connection("ws://" + host + ":" + port + "/", error);
        conn_->add_subprotocol("other");
        conn_->add_subprotocol("chat");
        end_.connect(conn_);
        wait_for([&] { return opened; });
        return conn_->get_response_header("Sec-WebSocket-Protocol");
    }

    void send(const message& what) override {
        if (const auto error = conn_->send(what.data, opcode(what.text)))
            throw closed{error.message()};
    }

    // The library has no call for it: frames are made ready one by one.
    void send_in_pieces(const message& what) override {
        constexpr std::size_t piece = 100'000;
        for (std::size_t at = 0; at < what.data.size(); at += piece) {
            auto frame = conn_->get_message(
                at == 0 ? opcode(what.text) : websocketpp::frame::opcode::continuation, piece);
            frame->set_payload(what.data.substr(at, piece));
            frame->set_fin(at + piece >= what.data.size());
            if (const auto error = conn_->send(frame)) throw closed{error.message()};
        }
    }

    message receive() override {
        wait_for([&] { return got_.has_value(); });
        message what = std::move(*got_);
        got_.reset();
        return what;
    }

    std::string ping(const std::string& payload) override {
        conn_->ping(payload);
        wait_for([&] { return pong_.has_value(); });
        return *pong_;
    }

    void close(int code, const std::string& reason) override {
        conn_->close(static_cast<websocketpp::close::status::value>(code), reason);
    }

    void serve(const std::string&) override {}

private:
    template <class Done>
    void wait_for(Done done) {
        while (!done()) {
            if (end_text_) throw closed{*end_text_};
            end_.run_one();
        }
    }

    end_type end_;
    typename end_type::connection_ptr conn_;
    std::optional<message> got_;
    std::optional<std::string> pong_;
    std::optional<std::string> end_text_;
};

template <class Config>
void serve() {
    using end_type = websocketpp::server<Config>;
    end_type end;
    quiet(end);
    end.set_validate_handler([&](auto handle) {
        auto conn = end.get_con_from_hdl(handle);
        if (!conn->get_requested_subprotocols().empty()) conn->select_subprotocol("chat");
        return true;
    });
    end.set_open_handler([&](auto handle) { end.ping(handle, "are you there"); });
    end.set_pong_handler(
        [](auto, const std::string& payload) { std::cout << "pong " << payload << std::endl; });
    end.set_message_handler([&](auto handle, auto what) {
        if (what->get_payload() == "leave") {
            end.close(handle, 4321, "because");
        } else {
            end.send(handle, what->get_payload(), what->get_opcode());
        }
    });
    end.set_close_handler([&](auto handle) {
        auto conn = end.get_con_from_hdl(handle);
        std::cout << "close " << conn->get_remote_close_code() << ' '
                  << conn->get_remote_close_reason() << std::endl;
    });
    end.listen(boost::asio::ip::tcp::endpoint(boost::asio::ip::make_address("127.0.0.1"), 0));
    end.start_accept();
    websocketpp::lib::asio::error_code error;
    std::cout << "listening on ws://" << end.get_local_endpoint(error) << '/' << std::endl;
    end.run();
}

}  // namespace

int main(int count, char** arguments) {
    namespace config = websocketpp::config;
    const std::string mode = count > 1 ? arguments[1] : "";
    const bool compressed = std::string(arguments[count - 1]) == "deflate";
    if (mode == "serve") {
        compressed ? serve<with_deflate<config::asio>>() : serve<config::asio>();
        return 0;
    }
    if (compressed) {
        websocketpp_client<with_deflate<config::asio_client>> subject;
        return run_peer(subject, count, arguments);
    }
    websocketpp_client<config::asio_client> subject;
    return run_peer(subject, count, arguments);
}
