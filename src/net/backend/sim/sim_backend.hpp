#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "net/backend/backend.hpp"

namespace weft::net {

/// The system in memory, for tests and fuzzing: a clock that only the test moves, connections whose
/// other end the test holds, scripted short reads and writes, and a failure at the Nth operation.
/// Deterministic; opens no port. Completes at once like epoll, or, by its `habits`, late and from
/// buffers of its own like io_uring, and then watches that the loop keeps the rules for that.
///
/// Descriptors are small numbers, reused lowest first as the kernel does.
/// **Threads**: one, except `wake`.
class sim_backend : public backend {
public:
    /// The test's end of a connection.
    using peer = int;

    struct habits {
        /// `send` is in flight until a later `wait`, although the peer may have the bytes before.
        bool completes_late = false;
        /// `receive` hands out a buffer of its own, which is spoiled when it ends being good.
        bool lends_buffers = false;
    };
    /// What backends made from now on do, so that a program's tests can be run again with others.
    static habits& usual_habits() noexcept;

    // ---- What the test does ----

    void behave(habits how) noexcept { habits_ = how; }
    /// Sends stay in flight, and their bytes with us, until this is taken back.
    void hold_sends(bool held) noexcept { sends_held_ = held; }
    /// Sends in flight fail from now on, with EPIPE.
    void break_sends() noexcept { break_sends_ = true; }
    [[nodiscard]] std::size_t sends_in_flight() const noexcept { return flights_.size(); }
    /// Sends whose bytes changed while they were in flight: none, unless the loop broke the rule.
    [[nodiscard]] std::size_t damaged_sends() const noexcept { return damaged_; }

    void advance(duration by) noexcept { now_ += by; }
    /// Whether a wait would find nothing.
    [[nodiscard]] bool quiet() const noexcept {
        return events_.empty() && !woken_.load() &&
               std::none_of(flights_.begin(), flights_.end(),
                            [this](const flight& f) { return may_end(f); });
    }

    /// A client connects to the listener on `port`. Negative when nobody listens there.
    peer connect_client(std::uint16_t port, std::string_view from = "127.0.0.1");
    /// Lets the loop's connections to `port` succeed; `taken_connections` hands out their other
    /// ends.
    void serve_port(std::uint16_t port) { served_[port]; }
    [[nodiscard]] std::vector<peer> taken_connections(std::uint16_t port);
    /// The end of `serve_port` and `mute_port`: connections are refused.
    void close_port(std::uint16_t port) {
        served_.erase(port);
        mute_.erase(port);
    }
    /// Nobody answers the loop's connections to `port`, neither yes nor no.
    void mute_port(std::uint16_t port) { mute_.insert(port); }

    void peer_send(peer p, std::string_view bytes);
    void peer_end(peer p);    ///< The peer sends its end (FIN).
    void peer_reset(peer p);  ///< The peer resets the connection.
    /// Resets one of the connections that the loop has with itself, whichever `which` leads to.
    /// False if there is none.
    bool break_own_connection(std::size_t which);
    /// What the peer has received and not yet taken, from the front, at most so much.
    std::string peer_take(peer p, std::size_t most = SIZE_MAX);
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
    /// Calls that can go wrong. A wait counts when there is something to tell.
    enum class call : std::uint8_t {
        listen,
        accept,
        connect,
        take_error,
        watch_listener,
        watch_stream,
        receive,
        send,
        shed,
        wait,
    };
    /// How one goes wrong.
    struct fault {
        enum class kind : std::uint8_t {
            error,       ///< it fails with `why`
            late_error,  ///< it begins well, and its end is `why`: a connect, a send in flight
            nothing,     ///< nothing moves, and an event comes again: EAGAIN, a spurious wake-up
            one,         ///< one byte moves, one event is told
            half,        ///< half of the bytes move
            end,         ///< receiving: the peer's end, and what it sent is lost
        };
        kind how = kind::error;
        std::errc why = std::errc::io_error;
    };
    /// The operation with this number (counted from 0, over all kinds) goes wrong.
    void fail_operation(std::size_t number, fault how) noexcept {
        fail_at_ = number;
        fault_ = how;
    }
    void fail_operation(std::size_t number, std::errc why) noexcept {
        fail_operation(number, {fault::kind::error, why});
    }
    [[nodiscard]] std::size_t operations() const noexcept { return operations_; }
    /// Keeps the kind of each operation from now on there; null: no more.
    void note_operations(std::vector<call>* where) noexcept { noted_ = where; }
    /// What is done for this peer's connection neither counts nor goes wrong.
    void spare(peer p) { ends_[index(ends_[index(p)].other)].spared = true; }
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
    std::size_t undelivered(int fd) noexcept override;
    std::error_code watch_listener(int fd, io_token token) noexcept override;
    void pause_listener(int fd, io_token token, bool paused) noexcept override;
    std::error_code watch_stream(int fd, io_token token) noexcept override;
    std::size_t unwatch(int fd) noexcept override;
    receive_result receive(int fd, byte_span into) noexcept override;
    io_result send(int fd, std::span<const iovec> pieces) noexcept override;
    io_result send_now(int fd, std::span<const iovec> pieces) noexcept override;
    void finish_sends(event_sink& sink) noexcept override;
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
        bool refused = false;         // a connect to nobody
        bool spared = false;          // from what goes wrong
        std::error_code refusal;      // what such a connect ends with
        bool unanswered = false;      // a connect that nothing becomes of
        std::size_t life = 0;
        io_token token{};
        std::string in;
        std::size_t window = 256 * 1024;
        int other = -1;
        std::uint16_t port = 0;
        socket_address from;      // whom the loop accepts here
        std::deque<int> waiting;  // listener: the ends not yet accepted
    };

    /// A send that the loop has not been told the end of.
    struct flight {
        int fd;
        io_token token;
        std::vector<iovec> pieces;
        std::string bytes;         // as they were when the send began
        std::size_t sent = 0;      // not 0: complete
        std::error_code broken{};  // what it ends with
        bool cut_short = false;    // by close, reset or unwatch
        bool closing = false;      // the descriptor's number is free once this is told
    };

    static std::size_t index(int fd) noexcept { return static_cast<std::size_t>(fd); }
    int make_end(bool held_by_loop);
    int make_pair_with(bool first_by_loop, bool second_by_loop);
    int find_listener(std::uint16_t port) noexcept;
    void wait_for_accept(int listener, int from);
    void release(int fd) noexcept;
    std::size_t transfer(int fd, std::span<const iovec> pieces, std::size_t most) noexcept;
    static std::size_t most_sent(const std::optional<fault>& wrong,
                                 std::span<const iovec> pieces) noexcept;
    /// Whether a send in flight would be over at the next wait.
    [[nodiscard]] bool may_end(const flight& f) const noexcept;
    void tell_sent(event_sink& sink, bool all);
    byte_span lend(std::string_view bytes);
    void spoil_lent() noexcept;
    void cut_short(int fd) noexcept;
    void tell(int fd, event_kind what);
    std::optional<fault> count(call what, int fd) noexcept;
    bool fails(call what, int fd = -1) noexcept;
    bool out_of_descriptors() const noexcept { return open_descriptors() >= max_descriptors_; }

    time_point now_{std::chrono::hours(1)};
    std::deque<end> ends_;
    std::deque<event> events_;
    std::vector<flight> flights_;
    habits habits_ = usual_habits();
    bool sends_held_ = false;
    bool break_sends_ = false;
    std::size_t damaged_ = 0;
    std::vector<std::byte> lent_;
    std::map<std::uint16_t, std::vector<peer>> served_;
    std::set<std::uint16_t> mute_;
    std::atomic<bool> woken_{false};
    std::size_t max_receive_ = SIZE_MAX;
    std::size_t max_send_ = SIZE_MAX;
    std::size_t operations_ = 0;
    std::size_t sends_ = 0;
    std::size_t fail_at_ = SIZE_MAX;
    fault fault_{};
    std::error_code fail_with_{};
    std::vector<call>* noted_ = nullptr;
    std::size_t max_descriptors_ = SIZE_MAX;
    std::size_t shed_ = 0;
    std::uint16_t next_port_ = 10'000;
};

}  // namespace weft::net
