#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <weft/base/log.hpp>
#include <weft/base/metrics.hpp>
#include <weft/base/result.hpp>
#include <weft/base/unique_function.hpp>
#include <weft/http/request.hpp>
#include <weft/http/response.hpp>

#include "side_server.hpp"

namespace weft {

struct internal_options {
    std::string host = "127.0.0.1";  ///< Numeric.
    std::uint16_t port = 0;          ///< 0 picks a free one.
    /// Who shows it (`Authorization: Bearer`) may also ask who is connected, drain and reload. At
    /// least 16 characters that a header can have. Empty: on loopback, anybody may ask who is
    /// connected, and nobody may do the rest.
    std::string token{};
    /// Who shows this may publish to topics, and do nothing else; who shows `token` may, too.
    std::string publish_key{};

    /// **Errors**: `invalid_argument`. Says which option is wrong and what it may be.
    [[nodiscard]] result<void> check() const;
};

/// What the program does when it is asked to. **Threads**: called on the listener's.
struct internal_actions {
    unique_function<void()> drain{};
    /// Says what has changed, or why nothing has. Unset: there is nothing to reload.
    unique_function<result<std::string>()> reload{};
    /// Says `data`, whatever a client sent, to a topic. **Errors**: why that cannot be.
    unique_function<result<void>(std::string_view topic, std::string_view data)> publish{};
    /// Counters of the program, beside those of the server.
    unique_function<void(metric_visitor)> visit_metrics{};
};

/// What operators, load balancers and Prometheus ask of a server, on a port of its own, so that
/// none of it is where the public is: `/metrics`, `/live`, `/ready`, `/connections`, `/topics`, and
/// by POST `/topics/NAME`, `/drain` and `/reload`. It answers in a thread of its own.
/// **Lifetime**: ends when destroyed; before the server, the log and what the actions refer to.
class internal_listener {
public:
    internal_listener(server& about, internal_options options, internal_actions actions,
                      log_sink& log);
    internal_listener(const internal_listener&) = delete;
    internal_listener& operator=(const internal_listener&) = delete;

    /// Listens and begins to answer. Returns the port. **Errors**: a wrong option; the system's.
    result<std::uint16_t> start();

private:
    void add_probes();
    void add_reports();
    void add_commands();
    /// What a request asks for that is not for everybody.
    enum class power : std::uint8_t { look, publish, command };
    [[nodiscard]] admission<void> judge(std::string_view authorization, power wanted);
    [[nodiscard]] std::string metrics_text();

    server& about_;
    internal_options options_;
    internal_actions actions_;
    log_sink& log_;
    bool loopback_;
    counter refused_;
    side_server own_;
};

}  // namespace weft
