#pragma once

#include <exception>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include <weft/base/result.hpp>

namespace weft {

/// A thread, or why the system has none to give; `purpose` is for people. The one place where the
/// library makes threads, so that a refusal never is an exception that nobody expects.
template <class F>
[[nodiscard]] result<std::thread> start_thread(std::string purpose, F&& work) {
    try {
        return std::thread(std::forward<F>(work));
    } catch (const std::system_error& refused) {
        return error(refused.code(), "cannot start " + std::move(purpose));
    } catch (const std::exception&) {
        return error(std::make_error_code(std::errc::not_enough_memory),
                     "cannot start " + std::move(purpose));
    }
}

}  // namespace weft
