#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <weft/base/time.hpp>

#include "bench/worker.hpp"
#include "net/byte_stream.hpp"

namespace weft::bench {

/// What a connection does once it is open.
enum class part : std::uint8_t { none, echoes, subscribes, publishes };

/// One connection of the generator: it keeps messages in flight and times what comes back. How
/// messages become bytes is the business of the derived classes.
class link : public net::stream_handler {
public:
    link(worker& owner, net::byte_stream& stream) noexcept : worker_(owner), stream_(stream) {}

    /// Sets the connection up; `worker::on_ready` is told when that is done.
    virtual void begin() = 0;
    /// Says goodbye.
    virtual void finish() = 0;
    /// Sends message `number`.
    virtual void send(std::uint64_t number) = 0;
    /// Takes the part that it is to play; `worker::on_part_taken` is told when that is done.
    virtual void take_part(part role) {
        part_ = role;
        worker_.on_part_taken();
    }

    /// Sends the first messages.
    void start();

    void on_deadline() noexcept override;
    void on_closed(std::error_code why) noexcept override;

protected:
    /// The next expected message has come.
    void on_message(time_point now);
    /// The number of the message that must come next.
    [[nodiscard]] std::uint64_t expected() const noexcept { return received_; }
    /// Whether messages are on their way.
    [[nodiscard]] bool in_flight() const noexcept { return received_ < next_; }
    /// Gives up, with a sentence for the user.
    void give_up(const std::string& why);

    worker& worker_;
    net::byte_stream& stream_;
    part part_ = part::none;

private:
    void send_next(time_point now);

    std::vector<time_point> sent_;  // when, of the messages in flight
    std::uint64_t next_ = 0;
    std::uint64_t received_ = 0;
};

/// A link that only counts bytes, for tcp:// targets.
[[nodiscard]] std::unique_ptr<link> make_raw_link(worker& owner, net::byte_stream& stream);
/// A Socket.IO client by long-polling.
[[nodiscard]] std::unique_ptr<link> make_polling_link(worker& owner, net::byte_stream& stream);
/// A WebSocket client, which speaks Socket.IO if that is wanted.
[[nodiscard]] std::unique_ptr<link> make_ws_link(worker& owner, net::byte_stream& stream);

}  // namespace weft::bench
