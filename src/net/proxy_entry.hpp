#pragma once

#include <memory>
#include <string_view>

#include "base/byte_budget.hpp"
#include "net/byte_stream.hpp"
#include "net/proto/proxy_header.hpp"

namespace weft::net {

class acceptor;
class tcp_stream;
class tls_server_context;

/// The first handler of a connection that begins with a PROXY header. Once that is there, the peer
/// is the client that it names, and only then the acceptor decides, and TLS begins.
/// **Lifetime**: the acceptor outlives it.
class proxy_entry final : public stream_handler {
public:
    proxy_entry(tcp_stream& stream, acceptor& accept, std::shared_ptr<tls_server_context> tls);

    void on_data(byte_span data) noexcept override;
    void on_deadline() noexcept override;
    void on_closed(std::error_code why) noexcept override;

private:
    void read(byte_span data);
    void refuse(std::error_code why, std::string_view text) noexcept;

    tcp_stream& stream_;
    acceptor& accept_;
    std::shared_ptr<tls_server_context> tls_;
    proxy_header_parser parser_;
    byte_charge charge_;    // for itself
    bool begun_ = false;    // something came
    bool refused_ = false;  // and that was told
};

}  // namespace weft::net
