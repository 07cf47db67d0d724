// The net layer alone: an echo of bytes over loop_core, to be compared with bench/peers/raw_epoll.
// What it costs more than that is the price of the loop, the stream and its queue, before any HTTP
// or WebSocket.

#include <cstdio>

#include "net/loop_core.hpp"

namespace {

using namespace weft;

class echo final : public net::stream_handler {
public:
    explicit echo(net::byte_stream& stream) noexcept : stream_(stream) {}
    void on_data(byte_span data) noexcept override { stream_.write(byte_view(data)); }
    void on_closed(std::error_code) noexcept override {}

private:
    net::byte_stream& stream_;
};

class echo_acceptor final : public net::acceptor {
public:
    std::unique_ptr<net::stream_handler> on_accept(net::byte_stream& stream) noexcept override {
        return std::make_unique<echo>(stream);
    }
};

}  // namespace

int main() {
    auto made = loop::make();
    echo_acceptor accept;
    if (!made) return 1;
    net::loop_core& core = (*made)->core();
    const auto id = core.listen({}, accept);
    if (!id) {
        std::fprintf(stderr, "net_echo: %s\n", id.error().message().c_str());
        return 1;
    }
    std::printf("listening on tcp://%s\n", core.local_address(*id)->to_string().c_str());
    std::fflush(stdout);
    core.run();
}
