// A server inside a Boost.Asio program: both are served by the same thread, in io_context::run.
// Asio waits for the server's descriptor and for the time that its last turn named.
//
//     weft_example_embed_asio [PORT]

#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string_view>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include <weft/weft.hpp>

namespace {

namespace asio = boost::asio;
using boost::system::error_code;

/// Gives a started server its turns. **Lifetime**: until the io_context has run out of work.
class turns {
public:
    turns(asio::io_context& on, weft::server& server)
        : server_(server), descriptor_(on, server.descriptor()), timer_(on) {}

    /// Also after something was done with the server outside of its handlers.
    void turn() {
        const std::optional<weft::time_point> next = server_.turn();
        if (!next) {
            timer_.cancel();
            descriptor_.release();  // it is the server's
            server_.finish();
            return;
        }
        if (*next != weft::time_point::max()) {
            timer_.expires_at(*next);
            timer_.async_wait([this](error_code stopped) {
                if (!stopped) turn();
            });
        }
        if (waiting_) return;
        waiting_ = true;
        descriptor_.async_wait(asio::posix::descriptor_base::wait_read, [this](error_code stopped) {
            waiting_ = false;
            if (!stopped) turn();
        });
    }

private:
    weft::server& server_;
    asio::posix::stream_descriptor descriptor_;
    asio::steady_timer timer_;
    bool waiting_ = false;
};

}  // namespace

int main(int argc, char** argv) {
    std::uint16_t port = 8080;
    if (argc > 1) std::from_chars(argv[1], argv[1] + std::string_view(argv[1]).size(), port);

    weft::server server;
    server.ws("/echo").on_message([](auto& c, weft::message_view what) { c.send(what); });
    const auto listening = server.listen({.host = "127.0.0.1", .port = port});
    if (!listening) return 1;
    if (const auto started = server.start(); !started) return 1;

    asio::io_context io;
    turns weft_turns(io, server);
    asio::signal_set ends(io, SIGINT, SIGTERM);
    ends.async_wait([&](error_code stopped, int) {
        if (!stopped) server.drain(std::chrono::seconds(10));
    });
    std::printf("listening on http://127.0.0.1:%u/\n", unsigned{*listening});
    std::fflush(stdout);

    weft_turns.turn();
    io.run();
}
