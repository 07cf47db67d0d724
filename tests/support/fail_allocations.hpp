#pragma once

// Makes `operator new` fail at the Nth allocation, and counts what is allocated: for one source
// file of a test program of its own. Only the thread that asks for it is watched: what workers
// allocate counts as living, and does not fail.

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>
#include <span>
#include <utility>

#include "net/backend/backend.hpp"

namespace weft::test {

/// What this program allocates, and which allocation fails.
struct allocations {
    static inline thread_local bool watched = false;  // those of now count, and may fail
    static inline std::size_t before_failure = 0;     // so many more succeed
    static inline bool failed = false;
    static inline std::atomic<std::size_t> living = 0;  // whether watched or not

    /// Counts while this lives: what the library does, not what the test does around it.
    struct watch {
        explicit watch(bool on) noexcept : outer(std::exchange(watched, on)) {}
        watch(const watch&) = delete;
        watch& operator=(const watch&) = delete;
        ~watch() { watched = outer; }
        bool outer;
    };
    /// The allocation of this number, counted from 0, is going to fail, and no other.
    static void fail_at(std::size_t number) noexcept {
        before_failure = number;
        failed = false;
    }

    /// Null when this is the one that fails.
    static void* try_take(std::size_t size) noexcept {
        if (watched && !failed && before_failure-- == 0) {
            failed = true;
            return nullptr;
        }
        void* const memory = std::malloc(size != 0 ? size : 1);
        if (memory != nullptr) ++living;
        return memory;
    }
    static void* take(std::size_t size) {
        void* const memory = try_take(size);
        if (memory == nullptr) throw std::bad_alloc();
        return memory;
    }
    static void give(void* memory) noexcept {
        if (memory != nullptr) --living;
        std::free(memory);
    }
};

/// Another backend, whose own allocations are none of the library's.
class unwatched_backend final : public net::backend {
public:
    explicit unwatched_backend(std::unique_ptr<net::backend> real) : real_(std::move(real)) {}

    [[nodiscard]] time_point now() const noexcept override { return real_->now(); }
    void wait(duration timeout, net::event_sink& sink) noexcept override {
        watched_sink told(sink, allocations::watched);
        const allocations::watch off(false);
        real_->wait(timeout, told);
    }
    void wake() noexcept override { real_->wake(); }
    result<int> listen(const listen_options& options) override { return real_->listen(options); }
    result<socket_address> local_address(int fd) override { return real_->local_address(fd); }
    net::io_result accept(int listener, int& fd, socket_address& peer) noexcept override {
        const allocations::watch off(false);
        return real_->accept(listener, fd, peer);
    }
    result<int> connect(const socket_address& address) override { return real_->connect(address); }
    std::size_t undelivered(int fd) noexcept override { return real_->undelivered(fd); }
    std::error_code take_error(int fd) noexcept override { return real_->take_error(fd); }
    std::error_code watch_listener(int fd, net::io_token token) noexcept override {
        return real_->watch_listener(fd, token);
    }
    void pause_listener(int fd, net::io_token token, bool paused) noexcept override {
        real_->pause_listener(fd, token, paused);
    }
    std::error_code watch_stream(int fd, net::io_token token) noexcept override {
        const allocations::watch off(false);
        return real_->watch_stream(fd, token);
    }
    std::size_t unwatch(int fd) noexcept override {
        const allocations::watch off(false);
        return real_->unwatch(fd);
    }
    net::receive_result receive(int fd, byte_span into) noexcept override {
        const allocations::watch off(false);
        return real_->receive(fd, into);
    }
    net::io_result send(int fd, std::span<const iovec> pieces) noexcept override {
        const allocations::watch off(false);
        return real_->send(fd, pieces);
    }
    net::io_result send_now(int fd, std::span<const iovec> pieces) noexcept override {
        const allocations::watch off(false);
        return real_->send_now(fd, pieces);
    }
    void finish_sends(net::event_sink& sink) noexcept override {
        watched_sink told(sink, allocations::watched);
        const allocations::watch off(false);
        real_->finish_sends(told);
    }
    void shutdown(int fd) noexcept override {
        const allocations::watch off(false);
        real_->shutdown(fd);
    }
    void close(int fd) noexcept override {
        const allocations::watch off(false);
        real_->close(fd);
    }
    void reset(int fd) noexcept override {
        const allocations::watch off(false);
        real_->reset(fd);
    }
    bool shed_connection(int listener) noexcept override {
        const allocations::watch off(false);
        return real_->shed_connection(listener);
    }

private:
    /// The loop's end of the events: what happens there is watched again.
    struct watched_sink final : net::event_sink {
        watched_sink(net::event_sink& to, bool watch) noexcept : sink(to), watching(watch) {}
        void on_wake(time_point now) noexcept override {
            const allocations::watch again(watching);
            sink.on_wake(now);
        }
        void on_acceptable(net::io_token t) noexcept override {
            const allocations::watch again(watching);
            sink.on_acceptable(t);
        }
        void on_readable(net::io_token t) noexcept override {
            const allocations::watch again(watching);
            sink.on_readable(t);
        }
        void on_ending(net::io_token t) noexcept override {
            const allocations::watch again(watching);
            sink.on_ending(t);
        }
        void on_writable(net::io_token t) noexcept override {
            const allocations::watch again(watching);
            sink.on_writable(t);
        }
        void on_sent(net::io_token t, const net::io_result& how) noexcept override {
            const allocations::watch again(watching);
            sink.on_sent(t, how);
        }
        void on_broken(net::io_token t) noexcept override {
            const allocations::watch again(watching);
            sink.on_broken(t);
        }
        net::event_sink& sink;
        const bool watching;
    };

    std::unique_ptr<net::backend> real_;
};

}  // namespace weft::test

// All forms: a sanitizer's own would be mixed with ours otherwise.
void* operator new(std::size_t size) {
    return weft::test::allocations::take(size);
}
void* operator new[](std::size_t size) {
    return weft::test::allocations::take(size);
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    return weft::test::allocations::try_take(size);
}
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
    return weft::test::allocations::try_take(size);
}
void operator delete(void* memory) noexcept {
    weft::test::allocations::give(memory);
}
void operator delete[](void* memory) noexcept {
    weft::test::allocations::give(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
    weft::test::allocations::give(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
    weft::test::allocations::give(memory);
}
void operator delete(void* memory, const std::nothrow_t&) noexcept {
    weft::test::allocations::give(memory);
}
void operator delete[](void* memory, const std::nothrow_t&) noexcept {
    weft::test::allocations::give(memory);
}
