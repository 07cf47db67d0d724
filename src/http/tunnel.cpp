// Connections through a proxy. The proxy's stream has a `tunnel` as its handler until the tunnel
// stands, and with TLS until the destination's handshake is done. Invariant: `done` is called once,
// or destroyed with the loop; the proxy can say nothing that becomes a byte of the destination.

#include "http/tunnel.hpp"

#include <memory>
#include <new>
#include <utility>

#include <weft/base/base64.hpp>

#include "http/proto/response_parser.hpp"
#include "http/user_agent.hpp"
#include "net/tls/tls_context.hpp"

namespace weft::http {
namespace {

using connected = unique_function<void(result<net::byte_stream*>)>;

std::string authority_of(const net::connect_options& destination) {
    const bool ipv6 = destination.host.find(':') != std::string::npos;
    return (ipv6 ? '[' + destination.host + ']' : destination.host) + ':' +
           std::to_string(destination.port);
}

std::string connect_request(const net::connect_options& destination, const client_proxy& proxy) {
    const std::string authority = authority_of(destination);
    std::string text = "CONNECT " + authority + " HTTP/1.1\r\nHost: " + authority +
                       "\r\nUser-Agent: " + std::string(user_agent) + "\r\n";
    if (!proxy.user_info.empty()) {
        text += "Proxy-Authorization: Basic " + base64_encode(as_bytes(proxy.user_info)) + "\r\n";
    }
    return text + "\r\n";
}

class tunnel final : public net::stream_handler {
public:
    tunnel(net::connect_options to, const client_proxy& proxy, time_point deadline, connected done)
        : to_(std::move(to)),
          request_(connect_request(to_, proxy)),
          deadline_(deadline),
          done_(std::move(done)) {}

    /// The proxy's stream is open, or is not.
    static void begin(std::unique_ptr<tunnel> made, result<net::byte_stream*> hop) {
        if (!hop) return made->done_(error(hop.error().code(), "the proxy: " + hop.error().what()));
        tunnel& self = *made;
        self.stream_ = *hop;
        self.stream_->set_handler(std::move(made));
        self.stream_->set_deadline(self.deadline_);
        self.stream_->write(as_bytes(self.request_));
    }

    void on_open() noexcept override {  // TLS with the destination stands
        stream_->clear_deadline();
        tell(stream_);
        // Nobody took it: it may not stay open without anybody to read it.
        if (&stream_->handler() == this)
            stream_->abort(make_error_code(weft::errc::closed_locally));
    }
    void on_data(byte_span data) noexcept override {
        try {
            read(data);
        } catch (const std::bad_alloc&) {
            stream_->abort(std::make_error_code(std::errc::not_enough_memory));
        }
    }
    void on_deadline() noexcept override { stream_->abort(make_error_code(weft::errc::timed_out)); }
    void on_closed(std::error_code why) noexcept override {
        if (why == weft::errc::shutting_down) {
            done_ = nullptr;
        } else {
            tell(error(why));
        }
    }

private:
    void read(byte_span data) {
        if (!done_) return;
        const auto [status, consumed] = reader_.feed(as_text(data));
        if (status == parse_status::incomplete) return;
        if (status == parse_status::failed) return fail({reader_.error(), "the proxy's response"});
        const int code = reader_.head().status();
        if (code < 200 || code > 299) {
            return fail({weft::errc::proxy_refused,
                         "the proxy answered " + std::to_string(code) + " to CONNECT"});
        }
        if (consumed != data.size()) {
            return fail({weft::errc::malformed, "bytes behind the proxy's response"});
        }
        if (to_.tls == nullptr) return on_open();
        if (auto begun =
                stream_->start_tls(*to_.tls, to_.tls_name.empty() ? to_.host : to_.tls_name);
            !begun)
            fail(begun.error());
    }

    void fail(error why) noexcept {
        stream_->abort(make_error_code(weft::errc::closed_locally));
        tell(std::move(why));
    }

    void tell(result<net::byte_stream*> outcome) noexcept {
        if (auto done = std::exchange(done_, nullptr)) {
            stream_->owner().users().call(
                [&] { done(std::move(outcome)); },
                [] { return user_place{.callback = "the callback of a connection"}; });
        }
    }

    net::byte_stream* stream_ = nullptr;
    const net::connect_options to_;
    const std::string request_;
    const time_point deadline_;
    connected done_;
    response_head_reader reader_;
};

}  // namespace

void connect(net::loop_core& loop, net::connect_options to,
             const std::optional<client_proxy>& proxy, connected done) {
    if (!proxy) return loop.connect(std::move(to), std::move(done));
    if (!to.unix_path.empty()) {
        loop.post([done = std::move(done)]() mutable {
            done(error(weft::errc::invalid_argument, "a proxy leads to no unix socket"));
        });
        return;
    }
    net::connect_options hop;
    hop.host = proxy->host;
    hop.port = proxy->port;
    hop.timeout = to.timeout;
    const time_point deadline = later(loop.now(), to.timeout);
    auto made = std::make_unique<tunnel>(std::move(to), *proxy, deadline, std::move(done));
    loop.connect(std::move(hop), [made = std::move(made)](result<net::byte_stream*> open) mutable {
        tunnel::begin(std::move(made), std::move(open));
    });
}

}  // namespace weft::http
