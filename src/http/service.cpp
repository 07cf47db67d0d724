// What connections of one loop share: the limits, the counters, the date, and the ring by which
// draining finds them.

#include "http/service.hpp"

#include <algorithm>

#include "http/connection.hpp"
#include "http/proto/head_writer.hpp"
#include "http/proto/syntax.hpp"
#include "http/proto/target.hpp"

namespace weft::http {

service::service(const router& routes, options limits, log_sink* log)
    : routes_(routes), options_(std::move(limits)), log_(log) {
    options_.max_head = std::min<std::size_t>(options_.max_head, UINT16_MAX);
    options_.max_request_line = std::min(options_.max_request_line, options_.max_head);
    path_memory_.resize(options_.max_request_line);
    connections_.next = connections_.previous = &connections_;
}

service::~service() = default;

std::unique_ptr<net::stream_handler> service::make_connection(net::byte_stream& stream) {
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
