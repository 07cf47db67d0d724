#pragma once

#include <array>
#include <ctime>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <weft/base/log.hpp>
#include <weft/http/options.hpp>
#include <weft/http/router.hpp>

#include "http/metrics.hpp"
#include "net/byte_stream.hpp"
#include "net/handshake_gate.hpp"
#include "net/moved_stream.hpp"

namespace weft::http {

class connection;

/// What the HTTP connections of one loop have in common.
/// **Threads**: the loop's. **Lifetime**: outlives its connections; the router, the log and the
/// gate outlive it.
class service {
public:
    service(const router& routes, options limits, log_sink* log = nullptr,
            net::handshake_gate* gate = nullptr);
    ~service();
    service(const service&) = delete;
    service& operator=(const service&) = delete;

    /// The protocol for a stream that was just accepted: call it then, since the deadline for the
    /// first head runs from here. Null when the gate wants it closed at once.
    [[nodiscard]] std::unique_ptr<net::stream_handler> make_connection(net::byte_stream& stream);

    /// How a connection gets to another loop; without it every request is answered where it came.
    void on_transfer(unique_function<void(std::uint8_t to, net::moved_stream)> carry) {
        transfer_ = std::move(carry);
    }

    /// The same for a stream that another loop accepted and that moved here: the gate has let it
    /// in.
    [[nodiscard]] std::unique_ptr<net::stream_handler> take_over(net::byte_stream& stream);

    /// From now on connections end after the reply they owe; those that owe none end at once.
    void drain() noexcept;

    [[nodiscard]] http::metrics& counters() noexcept { return metrics_; }

private:
    friend class connection;

    /// Links connections without allocating.
    struct hook {
        hook* next = nullptr;
        hook* previous = nullptr;
    };

    /// The value of `Date`, made anew once per second.
    [[nodiscard]] std::string_view date() noexcept;
    [[nodiscard]] bool host_allowed(std::string_view host) const noexcept;
    /// Memory to decode a path in, valid until the next head is read.
    [[nodiscard]] std::span<char> path_memory() noexcept { return path_memory_; }
    void report(errc what, std::string_view detail) noexcept;

    const router& routes_;
    options options_;
    log_sink* log_;
    net::handshake_gate* gate_;  // may be none
    unique_function<void(std::uint8_t, net::moved_stream)> transfer_;
    http::metrics metrics_;
    hook connections_;  // a ring through all of them
    std::string path_memory_;
    std::time_t date_of_ = -1;
    std::array<char, 29> date_{};
    bool draining_ = false;
};

}  // namespace weft::http
