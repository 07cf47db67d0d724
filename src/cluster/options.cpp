// The options of a process in a cluster.

#include <weft/cluster/options.hpp>

#include <weft/base/error.hpp>
#include <weft/base/utf8.hpp>

namespace weft::cluster {

result<void> options::check() const {
    if (prefix.empty() || prefix.size() > 128 || !validate_utf8(as_bytes(prefix)))
        return error(weft::errc::invalid_argument,
                     "cluster::options::prefix: 1 to 128 bytes of UTF-8");
    if (nodes) {
        if (auto right = nodes->check(); !right) return right;
    }
    return redis.check();
}

}  // namespace weft::cluster
