// epoll. Streams are registered once, edge-triggered for both directions, so that neither reading
// nor a full send buffer costs an epoll_ctl; listeners are level-triggered so that an accept budget
// loses nothing. Nothing is ever in flight: the kernel copies what it takes. One descriptor is held
// in reserve: with the table full, it is given up to accept one connection and drop it.

#include "net/backend/epoll/epoll_backend.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/unique_fd.hpp"
#include "net/backend/unix_socket.hpp"
#include "net/system_address.hpp"

namespace weft::net {
namespace {

std::error_code last_error() noexcept {
    return {errno, std::system_category()};
}

int open_reserve() noexcept {
    return ::open("/dev/null", O_RDONLY | O_CLOEXEC);
}

void set_no_delay(int fd, int family) noexcept {
    if (family != AF_INET && family != AF_INET6) return;
    const int enabled = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &enabled, sizeof enabled);
}

class epoll_backend final : public backend {
public:
    epoll_backend(unique_fd epoll, unique_fd event) noexcept
        : epoll_(std::move(epoll)), event_(std::move(event)), reserve_(open_reserve()) {}

    time_point now() const noexcept override { return steady_clock::now(); }
    void wait(duration timeout, event_sink& sink) noexcept override;
    int descriptor() const noexcept override { return epoll_.get(); }
    void wake() noexcept override {
        const std::uint64_t one = 1;
        (void)!::write(event_.get(), &one, sizeof one);
    }

    result<int> listen(const listen_options& options) override;
    result<socket_address> local_address(int fd) override;
    io_result accept(int listener, int& fd, socket_address& peer) noexcept override;
    result<int> connect(const socket_address& address) override;
    std::error_code take_error(int fd) noexcept override;
    std::size_t undelivered(int fd) noexcept override;

    std::error_code watch_listener(int fd, io_token token) noexcept override {
        return control(EPOLL_CTL_ADD, fd, token, EPOLLIN);
    }
    void pause_listener(int fd, io_token token, bool paused) noexcept override {
        control(EPOLL_CTL_MOD, fd, token, paused ? 0U : static_cast<unsigned>(EPOLLIN));
    }
    std::error_code watch_stream(int fd, io_token token) noexcept override {
        return control(EPOLL_CTL_ADD, fd, token, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
    }
    std::size_t unwatch(int fd) noexcept override {
        (void)control(EPOLL_CTL_DEL, fd, {}, 0);
        return 0;
    }

    receive_result receive(int fd, byte_span into) noexcept override;
    io_result send(int fd, std::span<const iovec> pieces) noexcept override;
    io_result send_now(int fd, std::span<const iovec> pieces) noexcept override {
        return send(fd, pieces);
    }
    void finish_sends(event_sink&) noexcept override {}
    void shutdown(int fd) noexcept override { ::shutdown(fd, SHUT_WR); }
    void close(int fd) noexcept override { ::close(fd); }
    void reset(int fd) noexcept override {
        const linger now{1, 0};
        ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        ::close(fd);
    }
    bool shed_connection(int listener) noexcept override;

private:
    // A batch is short, so that answers to its first requests do not wait for the last.
    static constexpr int batch = 128;

    std::error_code control(int operation, int fd, io_token token, unsigned events) noexcept {
        epoll_event event{};
        event.events = events;
        event.data.u64 = token.pack();
        return ::epoll_ctl(epoll_.get(), operation, fd, &event) == 0 ? std::error_code{}
                                                                     : last_error();
    }

    int wait_for_events(duration timeout) noexcept;

    unique_fd epoll_;
    unique_fd event_;
    unique_fd reserve_;
    std::array<epoll_event, batch> events_{};
    bool precise_ = true;
};

/// In nanoseconds, so that timers, whose ticks are rounded up, are not rounded up once more. Linux
/// has it since 5.11; some sandboxes forbid what they do not know.
int epoll_backend::wait_for_events(duration timeout) noexcept {
    timeout = std::min<duration>(timeout, std::chrono::minutes(1));
    if (precise_) {
        const auto seconds = std::chrono::floor<std::chrono::seconds>(timeout);
        const timespec time{seconds.count(), (timeout - seconds).count()};
        const int count = ::epoll_pwait2(epoll_.get(), events_.data(), batch, &time, nullptr);
        if (count >= 0 || (errno != ENOSYS && errno != EPERM)) return count;
        precise_ = false;
    }
    const auto ms = std::chrono::ceil<std::chrono::milliseconds>(timeout).count();
    return ::epoll_wait(epoll_.get(), events_.data(), batch, static_cast<int>(ms));
}

void epoll_backend::wait(duration timeout, event_sink& sink) noexcept {
    const int count = wait_for_events(timeout);
    sink.on_wake(now());
    for (int i = 0; i < count; ++i) {
        const epoll_event& event = events_[static_cast<std::size_t>(i)];
        if (event.data.u64 == 0) continue;  // the wake-up: its edge is all it says
        const io_token token = io_token::unpack(event.data.u64);
        if (token.what == io_token::kind::listener) {
            sink.on_acceptable(token);
            continue;
        }
        if ((event.events & (EPOLLERR | EPOLLHUP)) != 0) {
            sink.on_broken(token);
            continue;
        }
        constexpr unsigned healthy = EPOLLIN | EPOLLOUT;
        if (event.events == healthy) {
            sink.on_ready(token);
            continue;
        }
        if ((event.events & EPOLLOUT) != 0) sink.on_writable(token);
        if ((event.events & EPOLLRDHUP) != 0) {
            sink.on_ending(token);
        } else if ((event.events & EPOLLIN) != 0) {
            sink.on_readable(token);
        }
    }
}

result<int> epoll_backend::listen(const listen_options& options) {
    if (options.adopt_fd >= 0) {
        const int flags = ::fcntl(options.adopt_fd, F_GETFL);
        if (flags < 0 || ::fcntl(options.adopt_fd, F_SETFL, flags | O_NONBLOCK) < 0) {
            return error(last_error(), "adopted descriptor " + std::to_string(options.adopt_fd));
        }
        return options.adopt_fd;
    }
    const auto address = options.unix_path.empty()
                             ? socket_address::make(options.host, options.port)
                             : socket_address::make_unix(options.unix_path);
    if (!address) return address.error();
    if (address->family() == address_family::unix_path) {
        if (const auto removed = remove_stale_socket(*address, options.unix_path); !removed) {
            return removed.error();
        }
    }
    unique_fd fd(
        ::socket(system_address::family(*address), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd) return error(last_error(), "cannot make a socket for " + address->to_string());
    const int enabled = 1;
    if (address->family() != address_family::unix_path) {
        ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &enabled, sizeof enabled);
        if (options.share_port)
            ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEPORT, &enabled, sizeof enabled);
    }
    if (::bind(fd.get(), system_address::get(*address), system_address::size(*address)) != 0)
        return error(last_error(), "cannot listen on " + address->to_string());
    if (address->family() == address_family::unix_path) {
        if (const auto restricted = restrict_access(options); !restricted) {
            ::unlink(options.unix_path.c_str());
            return restricted.error();
        }
    }
    if (::listen(fd.get(), options.backlog) != 0)
        return error(last_error(), "cannot listen on " + address->to_string());
    return fd.release();
}

result<socket_address> epoll_backend::local_address(int fd) {
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;
    if (::getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &size) != 0)
        return error(last_error());
    return system_address::make(&storage, size);
}

io_result epoll_backend::accept(int listener, int& fd, socket_address& peer) noexcept {
    sockaddr_storage storage{};
    for (;;) {
        socklen_t size = sizeof storage;
        fd = ::accept4(listener, reinterpret_cast<sockaddr*>(&storage), &size,
                       SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            set_no_delay(fd, storage.ss_family);
            peer = system_address::make(&storage, size);
            return {};
        }
        if (errno == EAGAIN) return {io_result::status::would_block, 0, {}};
        // These belong to the one connection that failed, not to the listener.
        if (errno == EINTR || errno == ECONNABORTED || errno == EPROTO || errno == EPERM) continue;
        return {io_result::status::failed, 0, last_error()};
    }
}

result<int> epoll_backend::connect(const socket_address& address) {
    unique_fd fd(
        ::socket(system_address::family(address), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd) return error(last_error());
    set_no_delay(fd.get(), system_address::family(address));
    if (::connect(fd.get(), system_address::get(address), system_address::size(address)) != 0 &&
        errno != EINPROGRESS) {
        return error(last_error(), "cannot connect to " + address.to_string());
    }
    return fd.release();
}

std::error_code epoll_backend::take_error(int fd) noexcept {
    int code = 0;
    socklen_t size = sizeof code;
    if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &size) != 0) return last_error();
    return {code, std::system_category()};
}

std::size_t epoll_backend::undelivered(int fd) noexcept {
    int bytes = 0;
    return ::ioctl(fd, SIOCOUTQ, &bytes) == 0 ? static_cast<std::size_t>(bytes) : 0;
}

receive_result epoll_backend::receive(int fd, byte_span into) noexcept {
    for (;;) {
        const ssize_t n = ::recv(fd, into.data(), into.size(), 0);
        if (n > 0) {
            const auto count = static_cast<std::size_t>(n);
            return {io_result::status::done, count < into.size(), into.first(count), {}};
        }
        if (n == 0) return {io_result::status::ended, true, {}, {}};
        if (errno == EAGAIN) return {io_result::status::would_block, true, {}, {}};
        if (errno != EINTR) return {io_result::status::failed, true, {}, last_error()};
    }
}

io_result epoll_backend::send(int fd, std::span<const iovec> pieces) noexcept {
    const auto gather = [&] {
        msghdr message{};
        message.msg_iov = const_cast<iovec*>(pieces.data());
        message.msg_iovlen = pieces.size();
        return ::sendmsg(fd, &message, MSG_NOSIGNAL);
    };
    for (;;) {
        const ssize_t n = pieces.size() == 1
                              ? ::send(fd, pieces[0].iov_base, pieces[0].iov_len, MSG_NOSIGNAL)
                              : gather();
        if (n >= 0) return {io_result::status::done, static_cast<std::size_t>(n), {}};
        if (errno == EAGAIN) return {io_result::status::would_block, 0, {}};
        if (errno != EINTR) return {io_result::status::failed, 0, last_error()};
    }
}

bool epoll_backend::shed_connection(int listener) noexcept {
    reserve_ = unique_fd();
    unique_fd victim(::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    const bool shed = static_cast<bool>(victim);
    if (shed) {
        const linger now{1, 0};
        ::setsockopt(victim.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
        ::close(victim.release());
    }
    reserve_ = unique_fd(open_reserve());
    return shed;
}

}  // namespace

result<std::unique_ptr<backend>> make_epoll_backend() {
    unique_fd epoll(::epoll_create1(EPOLL_CLOEXEC));
    if (!epoll) return error(last_error(), "epoll_create1");
    unique_fd event(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
    if (!event) return error(last_error(), "eventfd");
    epoll_event wake{};
    wake.events = EPOLLIN | EPOLLET;
    wake.data.u64 = 0;
    if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, event.get(), &wake) != 0) {
        return error(last_error(), "epoll_ctl");
    }
    return std::unique_ptr<backend>(
        std::make_unique<epoll_backend>(std::move(epoll), std::move(event)));
}

}  // namespace weft::net
