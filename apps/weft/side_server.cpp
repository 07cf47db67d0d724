// A server of one thread, which ends with its object. Signals are those of the command's server.

#include "side_server.hpp"

namespace weft {

side_server::~side_server() {
    if (!thread_.joinable()) return;
    own_.stop();
    thread_.join();
}

result<std::uint16_t> side_server::start(const std::string& host, std::uint16_t port) {
    auto bound = own_.listen({host, port});
    if (bound) thread_ = std::thread([this] { own_.run(signal_handling::none); });
    return bound;
}

}  // namespace weft
