#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <weft/base/admission.hpp>
#include <weft/base/metrics.hpp>
#include <weft/base/owned_ptr.hpp>
#include <weft/base/result.hpp>
#include <weft/base/time.hpp>
#include <weft/base/unique_function.hpp>
#include <weft/http/request.hpp>
#include <weft/http/responder.hpp>
#include <weft/pubsub/message.hpp>
#include <weft/sse/event.hpp>

namespace weft::net {
struct slot_walk;
}

namespace weft::sse {

struct loop_services;
class event_stream;

/// The limits of event streams. **Units**: bytes.
struct options {
    /// After this much silence we send a comment, so that proxies keep the connection and we notice
    /// peers that have gone.
    duration heartbeat = std::chrono::seconds(15);
    /// How much may wait for a slow peer under the policy, besides the 64 KiB on their way.
    std::size_t max_queue = 1024 * 1024;
    /// `close` cuts the connection. The browser then reconnects with its `Last-Event-ID`.
    overflow_policy overflow = overflow_policy::close;

    /// **Errors**: `invalid_argument`. Says which option is wrong and what it may be.
    [[nodiscard]] result<void> check() const;
};

/// One stream of events to one browser, lent to handlers.
/// **Threads**: its loop's. **Lifetime**: borrowed for the length of a handler's call.
class stream {
public:
    stream(const stream&) = delete;
    stream& operator=(const stream&) = delete;

    /// The id of the connection.
    [[nodiscard]] conn_id id() const noexcept;
    /// Joins a topic, by the name that `server::publish` uses. False if it had joined before. Texts
    /// arrive as events; binary messages are not sent.
    bool subscribe(std::string_view topic);
    bool unsubscribe(std::string_view topic);
    send_status send(const event& what);
    /// Sends a shared message by reference.
    send_status send(const message& what);
    /// Ends the stream. The browser reconnects, unless the answer then is 204.
    void close();

private:
    friend class event_stream;
    explicit stream(event_stream& owner) noexcept : owner_(owner) {}
    event_stream& owner_;
};

/// Server-sent events at one path. Each request becomes a stream that can subscribe to topics.
/// **Threads**: set it up before the server runs. Handlers run on the loop of their connection.
class endpoint {
public:
    /// `route` is its path, for the log.
    endpoint(options chosen, std::string_view route);
    endpoint(const endpoint&) = delete;
    endpoint& operator=(const endpoint&) = delete;
    ~endpoint();

    /// Decides about each request: `handler(const http::request&)` makes an `admission<void>`.
    template <class F>
    endpoint& on_accept(F handler) {
        static_assert(
            weft::detail::makes_admission<std::invoke_result_t<F&, const http::request&>, void>,
            "weft: on_accept returns a bool, a refusal or an admission<void>");
        accept_ = [handler = std::move(handler)](const http::request& asked) mutable {
            return admission<void>(handler(asked));
        };
        return *this;
    }
    /// A stream is open: subscribe it. The request is valid during the call. A browser that
    /// reconnects says where it was: `request.header("last-event-id")`.
    endpoint& on_open(unique_function<void(stream&, const http::request&)> handler);
    /// A stream that was open has ended. The last call for it.
    endpoint& on_close(unique_function<void(stream&)> handler);

    // ---- For the server ----

    /// Gets what the streams of each loop share. Before the loops run. **Errors**: a wrong option.
    [[nodiscard]] result<void> prepare(const std::vector<loop_services>& loops);
    void handle(const http::request& asked, http::responder answer);
    /// For a drain, on the thread of a loop: how many streams it has, and the end of those in the
    /// next `slots` slots of a walk. Returns how many those were.
    [[nodiscard]] std::size_t streams(std::uint8_t loop) const noexcept;
    std::size_t close_some(std::uint8_t loop, net::slot_walk& walk, std::size_t slots) noexcept;
    /// After the loops were shut down and before they die.
    void shut_down() noexcept;
    void visit_metrics(metric_visitor visit) const;

private:
    friend class event_stream;
    class shard;

    options options_;
    std::string route_;
    unique_function<admission<void>(const http::request&)> accept_;
    unique_function<void(stream&, const http::request&)> open_;
    unique_function<void(stream&)> close_;
    std::vector<weft::detail::owned_ptr<shard>> shards_;
};

}  // namespace weft::sse
