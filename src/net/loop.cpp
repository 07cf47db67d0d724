// The public faces of a loop. A handle looks at the loop itself only on its thread; from elsewhere
// everything is a task in the mailbox, which outlives the loop.

#include <weft/net/loop.hpp>

#include <algorithm>
#include <utility>

#include "net/backend/epoll/epoll_backend.hpp"
#include "net/loop_core.hpp"

namespace weft {

// ---- timer_ref ----

void timer_ref::cancel() const {
    const auto cancel_here = [](const weak_handle<net::scheduled_task>& task) {
        net::scheduled_task* const found = task.get();
        if (found != nullptr) net::loop_core::cancel(*found);
        return found != nullptr;
    };
    if (mail_ == nullptr || cancel_here(task_)) return;
    mail_->push([cancel_here, task = task_] { cancel_here(task); });
}

// ---- loop_ref ----

loop_ref::loop_ref(const loop& target) noexcept : loop_ref(target.ref()) {}

bool loop_ref::post(unique_function<void()> task) const {
    return mail_ != nullptr && mail_->push(std::move(task));
}

timer_ref loop_ref::after(duration delay, unique_function<void()> task) const {
    return schedule(delay, duration::zero(), std::move(task));
}

timer_ref loop_ref::every(duration period, unique_function<void()> task) const {
    period = std::max<duration>(period, std::chrono::milliseconds(1));
    return schedule(period, period, std::move(task));
}

timer_ref loop_ref::schedule(duration delay, duration period, unique_function<void()> task) const {
    if (mail_ == nullptr) return {};
    weak_anchor<net::scheduled_task> anchor(owner_, nullptr);
    timer_ref name(mail_, anchor.handle());
    if (net::loop_core* const here = core()) {
        here->schedule(delay, period, std::move(task), std::move(anchor));
        return name;
    }
    mail_->push([handle = core_, delay, period, task = std::move(task),
                 anchor = std::move(anchor)]() mutable {
        handle.get()->schedule(delay, period, std::move(task), std::move(anchor));
    });
    return name;
}

time_point loop_ref::now() const noexcept {
    const net::loop_core* const here = core();
    return here != nullptr ? here->now() : steady_clock::now();
}

// ---- loop ----

loop::loop(detail::owned_ptr<net::loop_core> core) noexcept : core_(std::move(core)) {}
loop::~loop() = default;

result<std::unique_ptr<loop>> loop::make(loop_options options) {
    if (auto right = options.check(); !right) return right.error();
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
result<void> loop::start() {
    if (core_->start()) return {};
    if (core_->owner()->ended()) return error(errc::shutting_down, "the loop has ended");
    return error(errc::wrong_thread, "the loop is attached to a thread already");
}
int loop::descriptor() const noexcept {
    return core_->descriptor();
}
std::optional<time_point> loop::turn(duration max_wait) {
    return core_->turn(max_wait);
}
std::optional<time_point> loop::flush() {
    return core_->flush();
}
void loop::finish() {
    core_->finish();
}
loop_ref loop::ref() const noexcept {
    return core_->ref();
}
void loop::visit_metrics(metric_visitor visit) const {
    core_->metrics().visit(visit);
}

}  // namespace weft
