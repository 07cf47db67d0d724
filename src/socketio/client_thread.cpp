// A client with a thread of its own. Everything of the client happens on that thread, its end
// included; the loop stops when no connection is left to bring what was sent, or time is up.

#include <weft/socketio/client_thread.hpp>

#include "base/start_thread.hpp"
#include "base/user_boundary.hpp"
#include "net/loop_core.hpp"

namespace weft::socketio {
namespace {

constexpr duration longest_goodbye = std::chrono::seconds(2);
constexpr duration between_looks = std::chrono::milliseconds(5);

void stop_when_quiet(net::loop_core& loop, time_point until) {
    if (loop.connections() == 0 || loop.now() >= until) return loop.stop();
    loop.after(between_looks, [&loop, until] { stop_when_quiet(loop, until); });
}

}  // namespace

client_thread::client_thread(std::unique_ptr<loop> owned, client_options options,
                             tls_client_options tls)
    : loop_(std::move(owned)),
      client_(std::make_unique<client>(*loop_, std::move(options), std::move(tls))),
      socket_(client_->socket().ref()) {}

result<std::unique_ptr<client_thread>> client_thread::make(client_options options,
                                                           unique_function<void(client&)> set_up,
                                                           tls_client_options tls,
                                                           loop_options loop) {
    if (auto right = options.check(); !right) return right.error();
    auto made = loop::make(loop);
    if (!made) return made.error();
    std::unique_ptr<client_thread> io(
        new client_thread(*std::move(made), std::move(options), std::move(tls)));
    // Connecting begins in the loop's first turn, so this comes before it.
    auto started = start_thread(
        "the thread of a client", [self = io.get(), set_up = std::move(set_up)]() mutable {
            net::loop_core& core = self->loop_->core();
            user_boundary users("socketio", core.options().log, core.metrics().handler_exceptions,
                                core.callbacks());
            const bool ready = users.call(
                [&] {
                    if (set_up) set_up(*self->client_);
                },
                [] { return user_place{.callback = "set_up"}; });
            if (!ready) self->client_.reset();  // half of its handlers would be missing
            self->loop_->run();
        });
    if (!started) return started.error();
    io->thread_ = std::move(*started);
    return io;
}

client_thread::~client_thread() {
    if (!thread_.joinable()) return;
    loop_->ref().post([this] {
        client_.reset();
        stop_when_quiet(loop_->core(), later(loop_->core().now(), longest_goodbye));
    });
    thread_.join();
}

void client_thread::with(unique_function<void(client&)> task) const {
    loop_->ref().post([this, task = std::move(task)]() mutable {
        if (client_ != nullptr) task(*client_);
    });
}

}  // namespace weft::socketio
