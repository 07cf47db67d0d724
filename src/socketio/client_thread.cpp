// A client with a thread of its own. Everything of the client happens on that thread, its end
// included; the loop stops when no connection is left to bring what was sent, or time is up.

#include <weft/socketio/client_thread.hpp>

#include <thread>

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

struct client_thread::impl {
    impl(std::unique_ptr<weft::loop> owned, client_options options, tls_client_options tls)
        : loop(std::move(owned)),
          io(std::make_unique<client>(*loop, std::move(options), std::move(tls))) {}

    std::unique_ptr<weft::loop> loop;
    std::unique_ptr<client> io;  // the thread's, once that runs
    std::thread thread;
};

client_thread::client_thread(weft::detail::owned_ptr<impl> made)
    : impl_(std::move(made)), socket_(impl_->io->socket().ref()) {}

result<std::unique_ptr<client_thread>> client_thread::make(client_options options,
                                                           unique_function<void(client&)> set_up,
                                                           tls_client_options tls,
                                                           loop_options loop) {
    if (auto right = options.check(); !right) return right.error();
    auto made = loop::make(loop);
    if (!made) return made.error();
    std::unique_ptr<client_thread> io(new client_thread(
        std::make_unique<impl>(*std::move(made), std::move(options), std::move(tls))));
    // Connecting begins in the loop's first turn, so this comes before it.
    auto started = start_thread(
        "the thread of a client", [self = io->impl_.get(), set_up = std::move(set_up)]() mutable {
            net::loop_core& core = self->loop->core();
            user_boundary users("socketio", core.options().log, core.metrics().handler_exceptions,
                                core.callbacks());
            const bool ready = users.call(
                [&] {
                    if (set_up) set_up(*self->io);
                },
                [] { return user_place{.callback = "set_up"}; });
            if (!ready) self->io.reset();  // half of its handlers would be missing
            self->loop->run();
        });
    if (!started) return started.error();
    io->impl_->thread = std::move(*started);
    return io;
}

client_thread::~client_thread() {
    if (!impl_->thread.joinable()) return;
    impl_->loop->ref().post([self = impl_.get()] {
        self->io.reset();
        net::loop_core& core = self->loop->core();
        stop_when_quiet(core, later(core.now(), longest_goodbye));
    });
    impl_->thread.join();
}

void client_thread::with(unique_function<void(client&)> task) const {
    impl_->loop->ref().post([self = impl_.get(), task = std::move(task)]() mutable {
        if (self->io != nullptr) task(*self->io);
    });
}

}  // namespace weft::socketio
