// The bottom of a chain of tasks, in one place: a coroutine in a header is compiled by everybody.

#include <weft/base/task.hpp>

namespace weft::detail {

detached spawn(task<void> what, unique_function<void(std::exception_ptr)> on_exception) {
    std::exception_ptr thrown;
    try {
        co_await std::move(what);
    } catch (...) {
        thrown = std::current_exception();
    }
    if (thrown) on_exception(std::move(thrown));
}

}  // namespace weft::detail
