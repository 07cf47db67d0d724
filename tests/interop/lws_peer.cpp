// libwebsockets as a client and as an echo server.

#include <cstring>
#include <deque>
#include <vector>

#include <libwebsockets.h>

#include "peer.hpp"

namespace {

struct outgoing {
    int flags;  // of lws_write
    std::string data;
};

class lws_peer final : public peer {
public:
    ~lws_peer() override {
        if (context_ != nullptr) lws_context_destroy(context_);
    }

    std::string open(const std::string& host, const std::string& port,
                     const std::string& option) override {
        make(option, CONTEXT_PORT_NO_LISTEN);
        lws_client_connect_info info{};
        info.context = context_;
        info.address = host.c_str();
        info.port = std::stoi(port);
        info.path = "/";
        const std::string name = host + ":" + port;
        info.host = name.c_str();
        info.protocol = "other,chat";
        info.local_protocol_name = "chat";
        if (lws_client_connect_via_info(&info) == nullptr) throw closed{"no connection"};
        wait_for([&] { return opened_; });
        return lws_get_protocol(conn_)->name;
    }

    void send(const message& what) override {
        put({what.text ? LWS_WRITE_TEXT : LWS_WRITE_BINARY, what.data});
    }

    void send_in_pieces(const message& what) override {
        constexpr std::size_t piece = 100'000;
        for (std::size_t at = 0; at < what.data.size(); at += piece) {
            const int kind =
                at == 0 ? (what.text ? LWS_WRITE_TEXT : LWS_WRITE_BINARY) : LWS_WRITE_CONTINUATION;
            put({kind | (at + piece < what.data.size() ? LWS_WRITE_NO_FIN : 0),
                 what.data.substr(at, piece)});
        }
    }

    message receive() override {
        wait_for([&] { return !arrived_.empty(); });
        message what = std::move(arrived_.front());
        arrived_.pop_front();
        return what;
    }

    std::string ping(const std::string& payload) override {
        put({LWS_WRITE_PING, payload});
        wait_for([&] { return pong_.has_value(); });
        return *pong_;
    }

    void close(int code, const std::string& reason) override {
        leaving_.emplace(code, reason);
        lws_callback_on_writable(conn_);
    }

    void serve(const std::string& option) override {
        serves_ = true;
        lws_vhost* host = make(option, 0);
        std::cout << "listening on ws://127.0.0.1:" << lws_get_vhost_listen_port(host) << '/'
                  << std::endl;
        wait_for([&] { return opened_; });
        put({LWS_WRITE_PING, "are you there"});
        for (;;) {
            const message what = receive();
            if (what.data == "leave") {
                close(4321, "because");
            } else {
                send(what);
            }
        }
    }

private:
    lws_vhost* make(const std::string& option, int port) {
        lws_set_log_level(0, nullptr);
        deflate_ = "permessage-deflate; " + option;
        lws_context_creation_info info{};
        info.port = port;
        info.iface = "127.0.0.1";
        info.options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS;
        info.protocols = protocols_;
        info.user = this;
        if (!option.empty()) info.extensions = extensions_;
        extensions_[0].client_offer = deflate_.c_str();
        context_ = lws_create_context(&info);
        lws_vhost* host = lws_create_vhost(context_, &info);
        if (host == nullptr) throw closed{"no vhost"};
        return host;
    }

    template <class Done>
    void wait_for(Done done) {
        while (!done()) {
            if (ended_) throw closed{how_.value_or("closed")};
            lws_service(context_, 0);
        }
    }

    void put(outgoing what) {
        waiting_.push_back(std::move(what));
        lws_callback_on_writable(conn_);
    }

    static int handle(lws* conn, lws_callback_reasons reason, void*, void* in, std::size_t size) {
        auto* self = static_cast<lws_peer*>(lws_context_user(lws_get_context(conn)));
        return self == nullptr ? 0 : self->on(conn, reason, static_cast<const char*>(in), size);
    }

    int on(lws* conn, lws_callback_reasons reason, const char* in, std::size_t size) {
        switch (reason) {
            case LWS_CALLBACK_ESTABLISHED:
            case LWS_CALLBACK_CLIENT_ESTABLISHED:
                conn_ = conn;
                opened_ = true;
                break;
            case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
                how_ = "no connection: " + std::string(in, size);
                ended_ = true;
                break;
            case LWS_CALLBACK_RECEIVE:
            case LWS_CALLBACK_CLIENT_RECEIVE:
                part_.append(in, size);
                if (lws_is_final_fragment(conn) && lws_remaining_packet_payload(conn) == 0) {
                    arrived_.push_back({lws_frame_is_binary(conn) == 0, std::move(part_)});
                    part_.clear();
                }
                break;
            case LWS_CALLBACK_RECEIVE_PONG:
            case LWS_CALLBACK_CLIENT_RECEIVE_PONG:
                pong_.emplace(in, size);
                if (serves_) std::cout << "pong " << *pong_ << std::endl;
                break;
            case LWS_CALLBACK_SERVER_WRITEABLE:
            case LWS_CALLBACK_CLIENT_WRITEABLE: return write();
            case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
                how_ = std::to_string(static_cast<unsigned char>(in[0]) << 8U |
                                      static_cast<unsigned char>(in[1])) +
                       " " + std::string(in + 2, size - 2);
                break;
            case LWS_CALLBACK_CLOSED:
            case LWS_CALLBACK_CLIENT_CLOSED: ended_ = true; break;
            default: break;
        }
        return 0;
    }

    int write() {
        if (waiting_.empty()) {
            if (!leaving_) return 0;
            auto& [code, why] = *leaving_;
            lws_close_reason(conn_, static_cast<lws_close_status>(code),
                             reinterpret_cast<unsigned char*>(why.data()), why.size());
            return -1;
        }
        const outgoing what = std::move(waiting_.front());
        waiting_.pop_front();
        std::vector<unsigned char> room(LWS_PRE + what.data.size());
        std::memcpy(room.data() + LWS_PRE, what.data.data(), what.data.size());
        if (lws_write(conn_, room.data() + LWS_PRE, what.data.size(),
                      static_cast<lws_write_protocol>(what.flags)) < 0) {
            return -1;
        }
        lws_callback_on_writable(conn_);
        return 0;
    }

    std::string deflate_;
    lws_extension extensions_[2] = {
        {"permessage-deflate", lws_extension_callback_pm_deflate, nullptr}, {}};
    lws_protocols protocols_[2] = {{"chat", handle, 0, 65536, 0, nullptr, 0}, {}};
    lws_context* context_ = nullptr;
    lws* conn_ = nullptr;
    bool opened_ = false;
    bool serves_ = false;
    bool ended_ = false;
    std::string part_;
    std::deque<message> arrived_;
    std::deque<outgoing> waiting_;
    std::optional<std::string> pong_;
    std::optional<std::pair<int, std::string>> leaving_;
    std::optional<std::string> how_;
};

}  // namespace

int main(int count, char** arguments) {
    lws_peer subject;
    return run_peer(subject, count, arguments);
}
