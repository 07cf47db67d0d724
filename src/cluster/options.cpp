// The options of a process in a cluster.

#include <weft/cluster/options.hpp>

#include <weft/base/error.hpp>
#include <weft/base/utf8.hpp>

namespace weft::cluster {

result<void> options::check() const {
    if (prefix.empty() || prefix.size() > 128 || !validate_utf8(as_bytes(prefix)))
        return error(weft::errc::invalid_argument,
                     "cluster::options::prefix: 1 to 128 bytes of UTF-8");
    if (stream_length == 0)
        return error(weft::errc::invalid_argument,
                     "cluster::options::stream_length: must be 1 or more");
    if (session_prefix.empty() || session_prefix.size() > 128 ||
        !validate_utf8(as_bytes(session_prefix)))
        return error(weft::errc::invalid_argument,
                     "cluster::options::session_prefix: 1 to 128 bytes of UTF-8");
    return redis.check();
}

}  // namespace weft::cluster
