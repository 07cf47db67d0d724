// The options of a process in a cluster.

#include <weft/cluster/options.hpp>

#include <weft/base/utf8.hpp>

#include "base/option_check.hpp"

namespace weft::cluster {

result<void> options::check() const {
    return option_check("cluster::options")
        .rule(!prefix.empty() && prefix.size() <= 128 && validate_utf8(as_bytes(prefix)), "prefix",
              "must be 1 to 128 bytes of UTF-8")
        .not_negative("ready_without_redis", ready_without_redis)
        .at_least("stream_length", stream_length, 1)
        .rule(!session_prefix.empty() && session_prefix.size() <= 128 &&
                  validate_utf8(as_bytes(session_prefix)),
              "session_prefix", "must be 1 to 128 bytes of UTF-8")
        .nested(redis)
        .nested(nodes)
        .outcome();
}

}  // namespace weft::cluster
