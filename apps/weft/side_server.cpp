// A small server beside the one it tells of. Counters are for the operator: an address of their own
// keeps them off the public one, whatever stands in front of that.

#include "metrics_listener.hpp"

#include <utility>

#include <weft/http/response.hpp>

namespace weft {

metrics_listener::metrics_listener(const server& watched, server_options options)
    : own_(std::move(options)) {
    (void)own_.http().get("/metrics", [&watched](const http::request&) {
        return http::response::text(200, watched.metrics_text());
    });
}

metrics_listener::~metrics_listener() {
    if (!thread_.joinable()) return;
    own_.stop();
    thread_.join();
}

result<std::uint16_t> metrics_listener::start(const std::string& host, std::uint16_t port) {
    auto bound = own_.listen({host, port});
    if (bound) thread_ = std::thread([this] { own_.run(signal_handling::none); });
    return bound;
}

}  // namespace weft
