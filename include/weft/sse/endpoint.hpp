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
#include <weft/base/result.hpp>
#include <weft/base/time.hpp>
#include <weft/base/unique_function.hpp>
#include <weft/http/request.hpp>
#include <weft/http/responder.hpp>
#include <weft/pubsub/message.hpp>
#include <weft/sse/event.hpp>

namespace weft::sse {

struct loop_services;
class session;

/// The limits of event streams. **Units**: bytes.
struct options {
    /// After so long without an event a comment is sent, so that proxies keep the connection and
    /// peers that have gone are noticed.
    duration heartbeat = std::chrono::seconds(15);
    /// What may wait for a slow peer under the policy, besides 64 KiB that are on their way.
    std::size_t max_queue = 1024 * 1024;
    /// `close` cuts the connection: the browser comes again with its `Last-Event-ID`.
    overflow_policy overflow = overflow_policy::close;

    /// **Errors**: says which option is wrong.
    [[nodiscard]] result<void> check() const;
};

/// One stream of events to one browser, lent to handlers.
/// **Threads**: its loop's. **Lifetime**: borrowed for the length of a handler's call.
class stream {
public:
    stream(const stream&) = delete;
    stream& operator=(const stream&) = delete;

    /// The connection's.
    [[nodiscard]] conn_id id() const noexcept;
    /// Joins a topic of the program, as `server::publish` names it; false when it was subscribed
    /// before. Texts arrive as events; binary messages cannot.
    bool subscribe(std::string_view topic);
    bool unsubscribe(std::string_view topic);
    send_status send(const event& what);
    /// Shares a message by reference.
    send_status send(const message& what);
    /// Ends the stream. A browser comes again, unless it is answered 204 then.
    void close();

private:
    friend class session;
    explicit stream(session& of) noexcept : session_(of) {}
    session& session_;
};

/// Server-sent events at one path: each request becomes a stream, a subscriber of topics.
/// **Threads**: set it up before the server runs; handlers run on the loop of their connection.
class endpoint {
public:
    explicit endpoint(options chosen);
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
    /// A stream is open: subscribe it. The request is readable during the call; when the browser
    /// comes again after an end, it says where it was:
    /// `request.header("last-event-id")`.
    endpoint& on_open(unique_function<void(stream&, const http::request&)> handler) {
        open_ = std::move(handler);
        return *this;
    }
    /// The last call for each stream that was open.
    endpoint& on_close(unique_function<void(stream&)> handler) {
        close_ = std::move(handler);
        return *this;
    }

    // ---- For the server ----

    /// What the streams of each loop share. Before the loops run. **Errors**: a wrong option.
    [[nodiscard]] result<void> prepare(const std::vector<loop_services>& loops);
    void handle(const http::request& asked, http::responder answer);
    /// Ends the streams of a loop, on its thread.
    void drain(std::uint8_t loop) noexcept;
    /// After the loops were shut down and before they die.
    void shut_down() noexcept;
    void visit_metrics(metric_visitor to) const;

private:
    friend class session;
    class shard;

    options options_;
    unique_function<admission<void>(const http::request&)> accept_;
    unique_function<void(stream&, const http::request&)> open_;
    unique_function<void(stream&)> close_;
    std::vector<std::unique_ptr<shard>> shards_;
};

}  // namespace weft::sse
