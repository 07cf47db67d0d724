#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <weft/auth/verifier.hpp>
#include <weft/base/result.hpp>
#include <weft/server/server.hpp>

#include "config/plan.hpp"
#include "log/program_log.hpp"
#include "service/notify_socket.hpp"
#include "topic_service.hpp"
#include "topics/topic_hub.hpp"

namespace weft {

/// What of a running `weft serve` a reload changes.
struct reloadable {
    server& target;
    topics::topic_hub& hub;
    topic_service& topics;
    program_log& log;
    const notify_socket& manager;
    std::optional<auth::verifier> verifier{};
    std::vector<server_address> addresses{};
};

/// Reads the configuration of a running `weft serve` again, says what is other, and applies what
/// can be applied without dropping a connection. **Lifetime**: ends before what it changes.
class reloader {
public:
    /// `running` is what the server was started with.
    reloader(config::sources from, config::settings running, reloadable what)
        : from_(std::move(from)), running_(std::move(running)), what_(std::move(what)) {}
    reloader(const reloader&) = delete;
    reloader& operator=(const reloader&) = delete;
    ~reloader();

    /// Returns what is other, in lines that the log has, too. Blocks on the file system.
    /// **Threads**: any. **Errors**: what is wrong, likewise; nothing has changed then.
    result<std::string> reload();
    /// The same on a thread of its own, once more if one is at work. **Threads**: any.
    void request();

private:
    void work();
    result<std::string> apply(config::loaded& settings, config::plan& plan);
    void tell(log_level level, const std::string& line) {
        what_.log.write({level, "config", line});
    }

    const config::sources from_;
    std::mutex one_at_a_time_;
    config::settings running_;
    reloadable what_;

    std::mutex mutex_;  // for those below
    std::thread thread_;
    bool at_work_ = false;
    bool once_more_ = false;
};

}  // namespace weft
