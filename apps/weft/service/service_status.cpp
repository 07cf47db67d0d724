// One timer looks once a second, or twice per period of the watchdog: it is of the first loop, so
// that a loop that hangs is not alive.

#include "service_status.hpp"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

namespace weft {
namespace {

constexpr duration usual_period = std::chrono::seconds(1);

}  // namespace

service_status::service_status(server& about, const notify_socket& manager)
    : about_(about), manager_(manager) {
    if (!manager_) return;
    const duration half = manager_.watchdog().value_or(2 * usual_period) / 2;
    about_.loop(0).post([this] {
        manager_.tell("READY=1");
        look();
    });
    (void)about_.loop(0).every(std::min(half, usual_period), [this] { look(); });
}

service_status::~service_status() {
    tell_stopping();
}

void service_status::look() {
    if (manager_.watchdog()) manager_.tell("WATCHDOG=1");
    const auto ready = about_.ready();
    if (!ready && ready.error().code() == errc::shutting_down) return tell_stopping();
    manager_.tell("STATUS=" + (ready ? std::string("ready") : ready.error().message()));
}

void service_status::tell_stopping() {
    if (!std::exchange(stopping_, true)) manager_.tell("STOPPING=1\nSTATUS=lets its clients go");
}

}  // namespace weft
