#pragma once

#include <string>

#include <weft/base/result.hpp>

namespace weft {

/// Whose rights a server runs with.
struct privilege_options {
    std::string user{};       ///< Whom to become once it listens; empty: it stays who it is.
    bool allow_root = false;  ///< It may stay root.
};

/// From now on no program that this process starts can gain rights. **Errors**: it is root, would
/// stay so, and nobody said that this is wanted; there is no such user, or only root can become it.
[[nodiscard]] result<void> check_privileges(const privilege_options& wanted);

/// Gives up the rights of root for those of the user, for good and in all threads. **Errors**: the
/// system's; the process must then end.
[[nodiscard]] result<void> drop_privileges(const privilege_options& wanted);

/// Neither core dumps nor other processes of this user see the memory: it holds keys.
void hide_memory() noexcept;

}  // namespace weft
