// The right to acknowledge: each of its uses gives the route away, so that the second finds none.

#include <weft/socketio/ack.hpp>

#include <weft/socketio/detail/typed.hpp>

namespace weft::socketio {

void raw_ack::send(const encoded_arguments& what) noexcept {
    if (const auto route = std::exchange(route_, nullptr); route && id_)
        route->acknowledge(peer_, *id_, what);
}

void raw_ack::send(encoded_arguments&& what) noexcept {
    if (const auto route = std::exchange(route_, nullptr); route && id_)
        route->acknowledge(peer_, *id_, std::move(what));
}

void raw_ack::refuse(const error& why) noexcept {
    if (const auto route = std::exchange(route_, nullptr)) route->refuse(peer_, id_, why);
}

void raw_ack::fail(std::exception_ptr thrown, std::string_view event) noexcept {
    if (const auto route = std::exchange(route_, nullptr))
        route->failed(peer_, id_, std::move(thrown), event);
}

task<void> detail::report_task(task<void> running, raw_ack reply, std::string event) {
    std::exception_ptr thrown;
    try {
        co_await std::move(running);
    } catch (...) {
        thrown = std::current_exception();
    }
    if (thrown) reply.fail(std::move(thrown), event);
}

}  // namespace weft::socketio
