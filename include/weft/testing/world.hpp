#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <weft/base/owned_ptr.hpp>
#include <weft/base/result.hpp>
#include <weft/base/time.hpp>
#include <weft/http/head.hpp>
#include <weft/net/loop.hpp>
#include <weft/server/server.hpp>

/// For tests of your own handlers. Link weft::testing; weft::weft does not contain it. The names
/// are no namespace of their own, which would hide GoogleTest's.
namespace weft {

namespace net {
class sim_backend;
}

/// What a server answered.
struct test_response {
    int status = 0;
    std::vector<std::pair<std::string, std::string>> headers;
    std::string body;

    /// The first value under this name (any case), or empty.
    [[nodiscard]] std::string_view header(std::string_view name) const noexcept;
};

/// What to ask a server. **Lifetime**: borrows its texts.
struct test_request {
    http::method method = http::method::get;
    std::string_view target = "/";
    std::vector<std::pair<std::string_view, std::string_view>> headers{};
    std::string_view body{};
};

/// A server and its clients in memory: no port, no thread, and a clock that only the test moves. So
/// a test of a time-out takes no time, and every run is the same.
///
///     weft::test_world w;
///     set_up_my_chat(w.server());
///     w.start();
///     weft::ws::client ann(w.loop(), {.url = w.url("/chat")});
///     ann.on_message([&](auto&, weft::message_view text) { heard = text.text(); });
///     ann.connect();
///     w.run();           // until nothing is left to do
///     w.pass(1h);        // an hour of timers, in order
///
/// Clients are `ws::client` and `socketio::client`, on `loop()`. Files and other work of worker
/// threads is waited for.
/// **Threads**: one. **Lifetime**: destroy clients first.
class test_world {
public:
    /// The server has one loop, whatever `threads` says.
    explicit test_world(server_options options = {});
    ~test_world();
    test_world(const test_world&) = delete;
    test_world& operator=(const test_world&) = delete;

    [[nodiscard]] weft::server& server() noexcept { return *server_; }
    /// The loop of the server, for its clients too.
    [[nodiscard]] loop_ref loop() const { return server_->loop(0); }
    /// The URL of a path of the server: "ws://127.0.0.1/chat".
    [[nodiscard]] static std::string url(std::string_view path = "/");

    /// Listens and begins to serve. **Errors**: as `server::listen` and `server::start`.
    result<void> start();
    /// Does what there is to do, until nothing is left before the clock moves.
    /// **Errors**: throws `std::logic_error` if the program never comes to rest.
    void run();
    /// Moves the clock. Timers fire in their order, each at its time.
    void pass(duration time);
    [[nodiscard]] time_point now() const noexcept;
    /// Asks over a connection of its own, and runs until the answer is there.
    /// **Errors**: the server gave no answer; what is wrong with it.
    result<test_response> ask(const test_request& what);

private:
    friend net::sim_backend& network_of(test_world& world) noexcept;  // for the library's own tests
    struct network;
    std::optional<time_point> settle();

    detail::owned_ptr<network> network_;
    detail::owned_ptr<weft::server> server_;
};

}  // namespace weft
