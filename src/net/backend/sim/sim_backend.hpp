#pragma once

#include <atomic>
#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/backend/backend.hpp"

namespace weft::net {

/// The system in memory, for tests and fuzzing: a clock that only the test moves, connections whose
/// other end the test holds, scripted short reads and writes, and a failure at the Nth operation.
/// Deterministic; opens no port.
///
/// Descriptors are small numbers, reused lowest first as the kernel does.
/// **Threads**: one, except `wake`.
class sim_backend final : public backend {
public:
    /// The test's end of a connection.
    using peer = int;

    // ---- What the test does ----

    void advance(duration by) noexcept { now_ += by; }

    /// A client connects to the listener on `port`. Negative when nobody listens there.
    peer connect_client(std::uint16_t port, std::string_view from = "127.0.0.1");
    /// Lets the loop's connections to `port` succeed; `taken_connections` hands out their other
    /// ends.
    void serve_port(std::uint16_t port) { served_[port]; }
    [[nodiscard]] std::vector<peer> taken_connections(std::uint16_t port);

    void peer_send(peer p, std::string_view bytes);
    void peer_end(peer p);    ///< The peer sends its end (FIN).
    void peer_reset(peer p);  ///< The peer resets the connection.
    /// Everything the peer has received and not yet taken.
    std::string peer_take(peer p);
    [[nodiscard]] bool peer_sees_end(peer p) const { return ends_[index(p)].in_end; }
    [[nodiscard]] bool peer_sees_reset(peer p) const { return ends_[index(p)].in_reset; }
    /// How many untaken bytes the peer lets pile up before the loop's sends would block.
    void peer_window(peer p, std::size_t bytes) { ends_[index(p)].window = bytes; }

    void limit_receive(std::size_t bytes) noexcept {
        max_receive_ = bytes;
    }  ///< Per call: forces split reads.
    void limit_send(std::size_t bytes) noexcept {
        max_send_ = bytes;
    }  ///< Per call: forces partial writes.
    /// The operation with this number (counted from 0, over all kinds) fails with `why`.
    void fail_operation(std::size_t number, std::errc why) noexcept {
        fail_at_ = number;
        fail_with_ = std::make_error_code(why);
    }
    [[nodiscard]] std::size_t operations() const noexcept { return operations_; }
    [[nodiscard]] std::size_t sends() const noexcept { return sends_; }  ///< Calls of `send`.
    /// Descriptors the loop holds now.
    [[nodiscard]] std::size_t open_descriptors() const noexcept;
    /// From now on, accepting and connecting fail with EMFILE while this many descriptors are open.
    void limit_descriptors(std::size_t most) noexcept { max_descriptors_ = most; }
    [[nodiscard]] std::size_t connections_shed() const noexcept { return shed_; }

    // ---- backend ----

    time_point now() const noexcept override { return now_; }
    void wait(duration timeout, event_sink& sink) noexcept override;
    void wake() noexcept override { woken_.store(true); }
    result<int> listen(const listen_options& options) override;
    result<socket_address> local_address(int fd) override;
    io_result accept(int listener, int& fd, socket_address& from_where) noexcept override;
    result<int> connect(const socket_address& address) override;
    std::error_code take_error(int fd) noexcept override;
    std::error_code watch_listener(int fd, io_token token) noexcept override;
    void pause_listener(int fd, io_token token, bool paused) noexcept override;
    std::error_code watch_stream(int fd, io_token token) noexcept override;
    void unwatch(int fd) noexcept override { ends_[index(fd)].watched = false; }
    io_result receive(int fd, byte_span into) noexcept override;
    io_result send(int fd, std::span<const iovec> pieces) noexcept override;
    void shutdown(int fd) noexcept override;
    void close(int fd) noexcept override;
    void reset(int fd) noexcept override;
    bool shed_connection(int listener) noexcept override;

private:
    enum class event_kind { acceptable, readable, ending, writable, broken };
    struct event {
        int end;
        std::size_t life;  // of the end when the event was made
        event_kind what;
    };
    /// One end of a connection, or a listener.
    struct end {
        bool used = false;
        bool held_by_loop = false;
        bool watched = false;
        bool is_listener = false;
        bool paused = false;
        bool in_end = false;
        bool in_reset = false;
        bool writer_blocked = false;  // the other end found no room here
        bool refused = false;         // a connect that nobody answers
        std::size_t life = 0;
        io_token token{};
        std::string in;
        std::size_t window = 256 * 1024;
        int other = -1;
        std::uint16_t port = 0;
        socket_address from;      // whom the loop accepts here
        std::deque<int> waiting;  // listener: the ends not yet accepted
    };

    static std::size_t index(int fd) noexcept { return static_cast<std::size_t>(fd); }
    int make_end(bool held_by_loop);
    int make_pair_with(bool first_by_loop, bool second_by_loop);
    int find_listener(std::uint16_t port) noexcept;
    void release(int fd) noexcept;
    void tell(int fd, event_kind what);
    bool fails() noexcept { return operations_++ == fail_at_; }
    bool out_of_descriptors() const noexcept { return open_descriptors() >= max_descriptors_; }

    time_point now_{std::chrono::hours(1)};
    std::deque<end> ends_;
    std::deque<event> events_;
    std::map<std::uint16_t, std::vector<peer>> served_;
    std::atomic<bool> woken_{false};
    std::size_t max_receive_ = SIZE_MAX;
    std::size_t max_send_ = SIZE_MAX;
    std::size_t operations_ = 0;
    std::size_t sends_ = 0;
    std::size_t fail_at_ = SIZE_MAX;
    std::error_code fail_with_{};
    std::size_t max_descriptors_ = SIZE_MAX;
    std::size_t shed_ = 0;
    std::uint16_t next_port_ = 10'000;
};

}  // namespace weft::net
