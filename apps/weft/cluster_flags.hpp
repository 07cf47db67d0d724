#pragma once

#include <cstdint>
#include <string>

#include <weft/base/result.hpp>
#include <weft/cluster/options.hpp>

namespace weft {

/// Which cluster a command speaks with.
struct cluster_flags {
    std::string redis_host{};
    std::uint16_t redis_port = 6379;
    std::string redis_user{};
    std::string redis_password_file{};
    bool redis_tls = false;
    std::string redis_ca{};           ///< A file.
    std::string adapter = "classic";  ///< Or sharded, or streams.
    std::string prefix = "socket.io";
};

/// What they mean. **Errors**: the password cannot be read.
[[nodiscard]] result<cluster::options> make_cluster_options(const cluster_flags& flags);

}  // namespace weft
