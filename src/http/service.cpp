// What connections of one loop share: the limits, the counters, the date, and the ring by which
// draining finds them.

#include "http/service.hpp"

#include <algorithm>

#include "http/connection.hpp"
#include "http/proto/head_writer.hpp"
#include "http/proto/syntax.hpp"
#include "http/proto/target.hpp"
#include "net/loop_core.hpp"

namespace weft::http {
namespace {

/// Says 503 to a client that came while too many others kept us waiting.
class turned_away final : public net::stream_handler {
public:
    turned_away(net::byte_stream& stream, net::handshake_gate::place place) noexcept
        : stream_(stream), place_(std::move(place)) {}

    void on_open() noexcept override {
        stream_.write(
            as_bytes("HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\n"
                     "Content-Length: 0\r\nConnection: close\r\n\r\n"));
        // Not `close`: the place is ours until the descriptor goes.
        stream_.shutdown();
        stream_.set_deadline(stream_.owner().now() + std::chrono::seconds(2));
    }
    void on_data(byte_span) noexcept override {}
    void on_deadline() noexcept override { stream_.abort(make_error_code(errc::gone)); }
    void on_closed(std::error_code) noexcept override {}

private:
    net::byte_stream& stream_;
    net::handshake_gate::place place_;
};

}  // namespace

service::service(const router& routes, options limits, log_sink* log, net::handshake_gate* gate)
    : routes_(routes), options_(std::move(limits)), log_(log), gate_(gate) {
    options_.max_head = std::min<std::size_t>(options_.max_head, UINT16_MAX);
    options_.max_request_line = std::min(options_.max_request_line, options_.max_head);
    path_memory_.resize(options_.max_request_line);
    connections_.next = connections_.previous = &connections_;
}

service::~service() = default;

std::unique_ptr<net::stream_handler> service::make_connection(net::byte_stream& stream) {
    using verdict = net::handshake_gate::verdict;
    const verdict found =
        gate_ != nullptr ? gate_->judge(stream.peer().address()) : verdict::welcome;
    if (found == verdict::welcome) return take_over(stream);
    // An answer under TLS would cost the very handshake that there are too many of.
    if (found == verdict::cut_off || stream.peer().secure()) {
        metrics_.cut_off.add();
        return nullptr;
    }
    metrics_.turned_away.add();
    return std::make_unique<turned_away>(
        stream, gate_->enter(stream.peer().address(), net::handshake_gate::kind::refused));
}

std::unique_ptr<net::stream_handler> service::take_over(net::byte_stream& stream) {
    return std::make_unique<connection>(*this, stream);
}

void service::drain() noexcept {
    draining_ = true;
    for (hook* h = connections_.next; h != &connections_; h = h->next) {
        static_cast<connection*>(h)->drain();
    }
}

std::string_view service::date() noexcept {
    const std::time_t now = std::time(nullptr);
    if (now != date_of_) {
        date_of_ = now;
        date_ = http_date(now);
    }
    return {date_.data(), date_.size()};
}

bool service::host_allowed(std::string_view host) const noexcept {
    if (options_.allowed_hosts.empty()) return true;
    const auto parts = split_authority(host);
    return parts && std::any_of(options_.allowed_hosts.begin(), options_.allowed_hosts.end(),
                                [&](const auto& h) { return same_token(h, parts->host); });
}

void service::report(errc what, std::string_view detail) noexcept {
    metrics_.errors[static_cast<std::size_t>(what)].add();
    if (log_ == nullptr || what != errc::handler_failed) return;
    try {
        std::string line(row_of(what).text);
        line.append(": ").append(detail);
        std::replace_if(
            line.begin(), line.end(), [](char c) { return !syntax::is(c, syntax::value_bit); },
            ' ');
        log_->write({log_level::error, "http", line});
    } catch (const std::bad_alloc&) {
        log_->write({log_level::error, "http", row_of(what).text});
    }
}

}  // namespace weft::http
