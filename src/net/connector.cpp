// Outgoing connections. A name is resolved on the worker pool, then its addresses race (RFC 8305):
// each attempt has a head start of a quarter of a second before the next address is tried too, so
// that a dead address costs that, not a time-out. While a socket connects (and shakes hands) its
// stream's handler is a `connect_attempt`, so failure, time-out and success arrive the same way as
// for any other stream. Invariant: `done` is called once, by whoever takes it from the race; the
// race lives as long as an attempt or its timer.

#include <netdb.h>

#include <algorithm>
#include <new>
#include <utility>

#include "net/connector.hpp"
#include "net/loop_core.hpp"
#include "net/system_address.hpp"
#include "net/tls/tls_context.hpp"
#include "net/worker_pool.hpp"

namespace weft::net {
namespace {

struct resolved {
    std::vector<socket_address> addresses;
    std::string failure;
};

resolved resolve(const std::string& host, std::uint16_t port) {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* list = nullptr;
    const int code = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &list);
    if (code != 0) return {{}, ::gai_strerror(code)};
    resolved found;
    for (const addrinfo* a = list; a != nullptr; a = a->ai_next) {
        found.addresses.push_back(system_address::make(a->ai_addr, a->ai_addrlen));
    }
    ::freeaddrinfo(list);
    return found;
}

}  // namespace

/// What the stream of one address knows of the race.
class connect_attempt final : public stream_handler {
public:
    connect_attempt(std::shared_ptr<connect_race> race, byte_stream& stream) noexcept
        : race_(std::move(race)), stream_(stream) {}

    void on_open() noexcept override {
        stream_.clear_deadline();
        if (const auto race = std::move(race_)) race->won(*this);
        // Nobody took it: it may not stay open without anybody to read it.
        if (&stream_.handler() == this) give_up();
    }
    void on_data(byte_span) noexcept override {}
    void on_deadline() noexcept override { stream_.abort(make_error_code(errc::timed_out)); }
    void on_closed(std::error_code why) noexcept override {
        if (const auto race = std::move(race_)) race->lost(*this, why);
    }

    [[nodiscard]] byte_stream& stream() const noexcept { return stream_; }
    /// Another address was faster.
    void give_up() noexcept {
        const auto left = std::move(race_);
        stream_.abort(make_error_code(errc::closed_locally));
    }

private:
    std::shared_ptr<connect_race> race_;  // null once it knows how this ended
    byte_stream& stream_;
};

connect_race::connect_race(loop_core& loop, connect_options to,
                           unique_function<void(result<byte_stream*>)> done)
    : loop_(loop),
      to_(std::move(to)),
      deadline_(later(loop.io_->now(), to_.timeout)),
      done_(std::move(done)),
      last_(errc::timed_out) {}

void connect_race::start(std::vector<socket_address> addresses, error why) noexcept {
    last_ = std::move(why);
    try {
        running_.reserve(addresses.size());
        addresses_ = interleaved(std::move(addresses));
    } catch (const std::bad_alloc&) {
        last_ = std::make_error_code(std::errc::not_enough_memory);
    }
    go_on();
}

/// Begins with the next address that can be tried. Without any, and with none under way, the race
/// is lost.
void connect_race::go_on() noexcept {
    timer_.cancel();
    while (next_ < addresses_.size() && loop_.now() < deadline_) {
        try {
            if (!begin(addresses_[next_++])) continue;
        } catch (...) {
            last_ = std::make_error_code(std::errc::not_enough_memory);
            continue;
        }
        if (next_ < addresses_.size()) {
            loop_.arm(timer_, later(loop_.now(), head_start));
        }
        return;
    }
    if (running_.empty()) tell(std::move(last_));
}

/// False, with `last_` set, when this address cannot be tried. What it throws leaves nothing
/// behind.
bool connect_race::begin(const socket_address& address) {
    auto fd = loop_.io_->connect(address);
    if (!fd) {
        last_ = fd.error();
        return false;
    }
    tcp_stream* stream = nullptr;
    try {
        std::unique_ptr<tls_session> session;
        if (to_.tls != nullptr) {
            auto made = to_.tls->make_session(to_.tls_name.empty() ? to_.host : to_.tls_name);
            if (!made) {
                loop_.io_->close(*fd);
                last_ = made.error();
                return false;
            }
            session = std::move(*made);
        }
        stream = loop_.make_stream(*fd, address);
        if (stream == nullptr) {
            last_ = error(errc::limit_exceeded, "no slot for another connection");
            return false;
        }
        stream->set_connecting();
        ++loop_.outgoing_;
        if (session != nullptr) stream->set_tls(std::move(session));
        stream->set_deadline(deadline_);
        auto attempt = std::make_unique<connect_attempt>(shared_from_this(), *stream);
        running_.push_back(attempt.get());
        stream->set_handler(std::move(attempt));
    } catch (...) {
        if (stream != nullptr) {
            stream->abort(std::make_error_code(std::errc::not_enough_memory));
        } else {
            loop_.io_->close(*fd);
        }
        throw;
    }
    return true;
}

void connect_race::forget(const connect_attempt& gone) noexcept {
    running_.erase(std::remove(running_.begin(), running_.end(), &gone), running_.end());
}

void connect_race::won(connect_attempt& by) noexcept {
    timer_.cancel();
    next_ = addresses_.size();
    forget(by);
    for (connect_attempt* const slower : std::exchange(running_, {})) slower->give_up();
    tell(&by.stream());
}

void connect_race::lost(connect_attempt& by, std::error_code why) noexcept {
    forget(by);
    if (why == errc::shutting_down) {  // `done` is destroyed uncalled, and no further address tried
        timer_.cancel();
        next_ = addresses_.size();
        done_ = nullptr;
        return;
    }
    last_ = error(why);
    go_on();
}

void connect_race::tell(result<byte_stream*> outcome) noexcept {
    if (!outcome) loop_.metrics_.connect_failed.add();
    if (auto done = std::exchange(done_, nullptr)) {
        loop_.run_guarded("the callback of a connection", [&] { done(std::move(outcome)); });
    }
}

std::vector<socket_address> interleaved(std::vector<socket_address> found) {
    if (found.empty()) return found;
    const auto ours = found.front().family();
    auto rest = std::stable_partition(
        found.begin(), found.end(), [ours](const socket_address& a) { return a.family() == ours; });
    std::vector<socket_address> ordered;
    ordered.reserve(found.size());
    for (auto first = found.begin(), second = rest; ordered.size() < found.size();) {
        if (first != rest) ordered.push_back(*first++);
        if (second != found.end()) ordered.push_back(*second++);
    }
    return ordered;
}

void loop_core::connect(connect_options destination,
                        unique_function<void(result<byte_stream*>)> done) {
    auto race = std::make_shared<connect_race>(*this, std::move(destination), std::move(done));
    const connect_options& where = race->destination();
    const auto direct = !where.unix_path.empty() ? socket_address::make_unix(where.unix_path)
                                                 : socket_address::make(where.host, where.port);
    if (direct || !where.unix_path.empty()) {
        std::vector<socket_address> addresses;
        if (direct) addresses.push_back(*direct);
        error why = direct ? error(errc::timed_out) : direct.error();
        // Posted, so that `done` never runs inside this call.
        post([race = std::move(race), addresses = std::move(addresses),
              why = std::move(why)]() mutable {
            race->start(std::move(addresses), std::move(why));
        });
        return;
    }
    // The race waits here, not in the pool: its callback belongs to this thread.
    const std::uint64_t ticket = ++last_ticket_;
    run_on_worker(*this, [this, mail = mail_, ticket, host = where.host, port = where.port] {
        mail->push([this, ticket, found = resolve(host, port)]() mutable {
            finish_resolving(ticket, std::move(found.addresses), errc::name_not_found,
                             found.failure);
        });
    });
    after(where.timeout, [this, ticket] {
        finish_resolving(ticket, {}, errc::timed_out, "the name server did not answer in time");
    });
    resolving_.emplace(ticket, std::move(race));
}

void loop_core::finish_resolving(std::uint64_t ticket, std::vector<socket_address> addresses,
                                 errc code, std::string_view failure) {
    const auto found = resolving_.extract(ticket);
    if (found.empty()) return;  // the other of answer and time-out came first
    connect_race& race = *found.mapped();
    error why(code, "'" + race.destination().host + "': " + std::string(failure));
    race.start(std::move(addresses), std::move(why));
}

}  // namespace weft::net
