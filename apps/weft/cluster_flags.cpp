// What `weft serve` and `weft emit` are told of a cluster. The flags' values are well-formed by the
// time they come here; a file is read now.

#include "cluster_flags.hpp"

#include <fstream>

namespace weft {

result<cluster::options> make_cluster_options(const cluster_flags& flags) {
    cluster::options chosen;
    chosen.redis.host = flags.redis_host;
    chosen.redis.port = flags.redis_port;
    chosen.redis.user = flags.redis_user;
    if (const std::string& path = flags.redis_password_file; !path.empty()) {
        std::ifstream in(path, std::ios::binary);
        if (!std::getline(in, chosen.redis.password) || chosen.redis.password.empty())
            return error(errc::invalid_argument,
                         "--redis-password-file: '" + path + "' has no password in its first line");
    }
    if (flags.redis_tls) chosen.redis.tls.emplace().ca_file = flags.redis_ca;
    chosen.prefix = flags.prefix;
    if (flags.adapter == "sharded") chosen.adapter = cluster::adapter_kind::sharded;
    if (flags.adapter == "streams") chosen.adapter = cluster::adapter_kind::streams;
    return chosen;
}

}  // namespace weft
