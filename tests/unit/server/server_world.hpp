#pragma once

// A server on its own threads and clients on blocking loopback sockets.

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <weft/server/server.hpp>

#include "unit/ws/ws_world.hpp"

namespace weft::test {

using namespace std::chrono_literals;
using ws::test::close_frame;
using ws::test::server_frame;
using ws::test::text_frame;

inline constexpr std::string_view upgrade_request =
    "GET /ws HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

/// A blocking socket; nothing waits longer than ten seconds.
class client {
public:
    explicit client(std::uint16_t port) {
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(port);
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        open(AF_INET, reinterpret_cast<sockaddr*>(&to), sizeof to);
    }
    explicit client(const std::string& unix_path) {
        sockaddr_un to{};
        to.sun_family = AF_UNIX;
        unix_path.copy(to.sun_path, sizeof to.sun_path - 1);
        open(AF_UNIX, reinterpret_cast<sockaddr*>(&to), sizeof to);
    }
    ~client() {
        if (fd_ >= 0) ::close(fd_);
    }
    client(client&& other) noexcept
        : fd_(std::exchange(other.fd_, -1)), bytes_(std::move(other.bytes_)) {}
    client& operator=(client&&) = delete;

    [[nodiscard]] bool connected() const { return connected_; }
    void send(std::string_view bytes) const {
        (void)!::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    }
    /// More bytes, or false at the end.
    bool receive() {
        char into[65536];
        const ssize_t got = ::recv(fd_, into, sizeof into, 0);
        if (got > 0) bytes_.append(into, static_cast<std::size_t>(got));
        return got > 0;
    }
    /// Whether bytes came before now, or in so many milliseconds.
    [[nodiscard]] bool hears_within(int milliseconds) const {
        pollfd one{fd_, POLLIN, 0};
        return !frames_.empty() || ::poll(&one, 1, milliseconds) == 1;
    }
    /// The head of an answer.
    std::string head() {
        while (bytes_.find("\r\n\r\n") == std::string::npos && receive()) {
        }
        const std::size_t end = std::min(bytes_.find("\r\n\r\n"), bytes_.size() - 4) + 4;
        const std::string taken = bytes_.substr(0, end);
        bytes_.erase(0, end);
        return taken;
    }
    /// As many bytes as `expected` has.
    std::string take(std::string_view expected) {
        while (bytes_.size() < expected.size() && receive()) {
        }
        const std::string taken = bytes_.substr(0, expected.size());
        bytes_.erase(0, taken.size());
        return taken;
    }
    /// With more header lines, each with its end.
    std::string handshake(std::string_view lines = "") {
        std::string request(upgrade_request);
        request.insert(request.size() - 2, lines);
        send(request);
        return head();
    }
    /// The next frame; op 0 and "end" when there is none.
    server_frame frame() {
        while (frames_.empty()) {
            frames_ = ws::test::take_frames(bytes_);
            if (frames_.empty() && !receive()) return {0, "end"};
        }
        const server_frame first = frames_.front();
        frames_.erase(frames_.begin());
        return first;
    }
    std::string rest() {
        while (receive()) {
        }
        return std::exchange(bytes_, {});
    }

private:
    void open(int family, const sockaddr* to, socklen_t size) {
        fd_ = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const timeval patience{10, 0};
        ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
        connected_ = ::connect(fd_, to, size) == 0;
    }
    int fd_ = -1;
    bool connected_ = false;
    std::string bytes_;
    std::vector<server_frame> frames_;
};

/// What handlers on any loop tell the test.
template <class T>
class inbox {
public:
    void put(T value) {
        const std::lock_guard lock(mutex_);
        values_.push_back(std::move(value));
        changed_.notify_all();
    }
    /// Everything, once there are so many.
    std::vector<T> wait_for(std::size_t count) {
        std::unique_lock lock(mutex_);
        EXPECT_TRUE(changed_.wait_for(lock, 10s, [&] { return values_.size() >= count; }));
        return values_;
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<T> values_;
};

/// Runs a server on a thread of its own until the test ends it.
class running {
public:
    explicit running(server& s, duration drain_deadline = 10s)
        : server_(s), thread_([this, drain_deadline] {
              code_ = server_.run(signal_handling::none, drain_deadline);
          }) {}
    ~running() {
        if (!thread_.joinable()) return;
        server_.stop();
        thread_.join();
    }
    /// Waits for `run` to return.
    int join() {
        thread_.join();
        return code_;
    }

private:
    server& server_;
    int code_ = -1;
    std::thread thread_;
};

inline server_options with_threads(unsigned threads) {
    server_options options;
    options.threads = threads;
    return options;
}
inline server_address loopback() {
    return {"127.0.0.1", 0};
}

}  // namespace weft::test
