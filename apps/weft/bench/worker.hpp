#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_set>
#include <vector>

#include <weft/base/result.hpp>
#include <weft/net/loop.hpp>

#include "base/digest.hpp"
#include "base/random.hpp"
#include "bench/histogram.hpp"
#include "bench/options.hpp"
#include "bench/payloads.hpp"
#include "net/byte_stream.hpp"
#include "ws/proto/message_assembler.hpp"

namespace weft::net {
class tls_client_context;
}  // namespace weft::net

namespace weft::bench {

class link;

/// One thread of the generator: a loop, its share of the connections, and what was measured there.
///
/// **Threads**: the public members down to `failure` from any, the rest from the worker's own.
class worker {
public:
    /// **Errors**: those of the system, or no SHA-1 to be had.
    static result<std::unique_ptr<worker>> make(const options& wanted, const target& destination,
                                                std::shared_ptr<net::tls_client_context> tls);
    ~worker();
    worker(const worker&) = delete;
    worker& operator=(const worker&) = delete;

    /// Opens more connections, some at a time.
    void open(unsigned count);
    /// Lets the load begin.
    void start();
    /// Latencies are recorded from now on, or no longer.
    void measure(bool measuring);
    /// Closes all connections and ends the thread.
    void finish();

    [[nodiscard]] unsigned opened() const noexcept {
        return opened_.load(std::memory_order_relaxed);
    }
    /// Messages that came back, or were delivered.
    [[nodiscard]] std::uint64_t received() const noexcept {
        return received_.load(std::memory_order_relaxed);
    }
    /// What went wrong first; empty when nothing did.
    [[nodiscard]] std::string failure() const;
    /// After `finish`.
    [[nodiscard]] const histogram& latencies() const noexcept { return latencies_; }

    // ---- For its connections ----

    [[nodiscard]] const options& wanted() const noexcept { return options_; }
    [[nodiscard]] const target& destination() const noexcept { return destination_; }
    [[nodiscard]] payloads& messages() noexcept { return payloads_; }
    [[nodiscard]] random_pool& random() noexcept { return random_; }
    [[nodiscard]] sha1_digest& sha1() noexcept { return sha1_; }
    [[nodiscard]] const ws::message_limits& limits() const noexcept { return limits_; }
    [[nodiscard]] ws::assembler_shared& shared() noexcept { return shared_; }
    /// The frame of message `number`, masked. Masked once: only the number in it changes, so that
    /// the generator is not slower than it must be. **Lifetime**: until the next call.
    [[nodiscard]] byte_view numbered_frame(std::uint64_t number);
    /// Memory to build one frame in, at least as large as asked for.
    [[nodiscard]] byte_span scratch(std::size_t size);

    /// The connection is set up and may be given its part.
    void on_ready(link& ready_link);
    /// It has taken its part: the load may begin.
    void on_part_taken() noexcept { opened_.fetch_add(1, std::memory_order_relaxed); }
    void on_gone(link& gone_link, const std::string& why);
    void fail(const std::string& why);
    [[nodiscard]] bool running() const noexcept { return running_; }
    void count(duration latency) noexcept {
        received_.store(received_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
        if (measuring_) latencies_.record(static_cast<std::uint64_t>(latency.count()));
    }
    /// One subscriber has got message `number`. When all have, the next one is published.
    void delivered(std::uint64_t number, time_point now);

private:
    worker(const options& wanted, const target& destination,
           std::shared_ptr<net::tls_client_context> tls, std::unique_ptr<loop> own,
           sha1_digest sha1);

    void connect_more();
    void adopt(net::byte_stream& stream);
    void start_links();
    void publish_next(time_point now);
    void publish(time_point now);
    void close_links();

    const options& options_;
    const target& destination_;
    std::shared_ptr<net::tls_client_context> tls_;
    std::unique_ptr<loop> loop_;
    payloads payloads_;
    random_pool random_;
    sha1_digest sha1_;
    ws::message_limits limits_;
    byte_budget budget_;
    std::vector<std::byte> inflate_memory_;
    block_cache::owner blocks_;
    ws::assembler_shared shared_;
    std::vector<std::byte> scratch_;
    std::vector<std::byte> frame_;  // of `numbered_frame`

    std::unordered_set<link*> links_;
    link* publisher_ = nullptr;
    unsigned to_open_ = 0;
    unsigned opening_ = 0;
    bool running_ = false;
    bool measuring_ = false;
    bool finishing_ = false;
    std::vector<time_point> published_;  // when, of the messages that are on their way
    time_point publish_at_{};            // the last one, if the server limits how often
    std::uint64_t next_publish_ = 0;
    std::uint64_t deliveries_ = 0;
    histogram latencies_;

    std::atomic<unsigned> opened_{0};
    std::atomic<std::uint64_t> received_{0};
    mutable std::mutex failure_mutex_;
    std::string failure_;
    std::thread thread_;
};

}  // namespace weft::bench
