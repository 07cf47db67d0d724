// Ends in one of two ways: the stream has its real handler, and this object waits to be freed; or
// the connection is closed, counted and told. Who connects and goes without a word, as load
// balancers do to see whether we live, is not told.

#include "net/proxy_entry.hpp"

#include "base/heap_cost.hpp"
#include "net/loop_core.hpp"
#include "net/tcp_stream.hpp"
#include "net/tls/tls_context.hpp"

namespace weft::net {

proxy_entry::proxy_entry(tcp_stream& stream, acceptor& accept,
                         std::shared_ptr<tls_server_context> tls)
    : stream_(stream),
      accept_(accept),
      tls_(std::move(tls)),
      charge_(stream.memory(), heap_cost_of<proxy_entry>) {}

void proxy_entry::on_data(byte_span data) noexcept {
    try {
        begun_ = true;
        read(data);
    } catch (...) {  // no memory
        stream_.abort(std::make_error_code(std::errc::not_enough_memory));
    }
}

void proxy_entry::read(byte_span data) {
    const auto [now, consumed] = parser_.parse(data);
    if (now == proxy_header_parser::status::incomplete) return;
    constexpr std::string_view malformed = "a malformed PROXY header, or none";
    if (now == proxy_header_parser::status::failed) return refuse(errc::malformed, malformed);
    if (!parser_.address().empty()) {
        const auto client = socket_address::make(parser_.address(), parser_.port());
        const auto family = parser_.ipv6() ? address_family::ipv6 : address_family::ipv4;
        if (!client || client->family() != family) return refuse(errc::malformed, malformed);
        stream_.peer().set_address(*client);
    }
    stream_.clear_deadline();
    tcp_stream& stream = stream_;
    stream.owner().admit(stream, accept_, tls_);
    stream.go_on_with(data.subspan(consumed));
}

void proxy_entry::on_deadline() noexcept {
    refuse(errc::timed_out, "no PROXY header came in time (stream_limits::proxy_header)");
}

void proxy_entry::on_closed(std::error_code why) noexcept {
    if (begun_ && !refused_ && why == errc::closed_by_peer)
        refuse(why, "the connection ended within its PROXY header");
}

void proxy_entry::refuse(std::error_code why, std::string_view text) noexcept {
    refused_ = true;
    stream_.owner().tell_unproxied(stream_.peer().address(), text);
    stream_.abort(why);
}

}  // namespace weft::net
