// The public face of a loop: ownership and forwarding only.

#include <weft/net/loop.hpp>

#include <utility>

#include "net/backend/epoll/epoll_backend.hpp"
#include "net/loop_core.hpp"

namespace weft {

bool loop_ref::post(unique_function<void()> task) const {
    return mail_ != nullptr && mail_->push(std::move(task));
}

loop::loop(std::unique_ptr<net::loop_core> core) noexcept : core_(std::move(core)) {}
loop::~loop() = default;

result<std::unique_ptr<loop>> loop::make(loop_options options) {
    auto io = net::make_epoll_backend();
    if (!io) return io.error();
    return std::unique_ptr<loop>(
        new loop(std::make_unique<net::loop_core>(std::move(*io), options)));
}

void loop::run() {
    core_->run();
}
void loop::stop() {
    core_->stop();
}
loop_ref loop::ref() const noexcept {
    return {core_->mail(), *core_};
}
void loop::after(duration delay, unique_function<void()> task) {
    core_->after(delay, std::move(task));
}
time_point loop::now() const noexcept {
    return core_->now();
}
bool loop::in_loop_thread() const noexcept {
    return core_->in_loop_thread();
}
void loop::visit_metrics(metric_visitor visit) const {
    core_->metrics().visit(visit);
}

}  // namespace weft
