// Outgoing connections. A name is resolved on the worker pool, then its addresses are tried one
// after the other within one deadline. While a socket connects (and shakes hands) its stream's
// handler is a `connect_attempt`, so failure, time-out and success arrive the same way as for any
// other stream.

#include <netdb.h>

#include <utility>
#include <vector>

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

class connect_attempt final : public stream_handler {
public:
    connect_attempt(loop_core& loop, byte_stream& stream, std::unique_ptr<connect_job> job)
        : loop_(loop), stream_(stream), job_(std::move(job)) {}

    void on_open() noexcept override {
        stream_.clear_deadline();
        const auto job = std::move(job_);
        loop_.run_guarded("the callback of a connection", [&] { job->done(&stream_); });
        // Nobody took it: it may not stay open without anybody to read it.
        if (&stream_.handler() == this) stream_.abort(make_error_code(errc::closed_locally));
    }
    void on_data(byte_span) noexcept override {}
    void on_deadline() noexcept override { stream_.abort(make_error_code(errc::timed_out)); }
    void on_closed(std::error_code why) noexcept override {
        // A loop that ends destroys `done` uncalled, and tries no further address.
        if (job_ != nullptr && why != errc::shutting_down) {
            try_next(loop_, std::move(job_), error(why));
        }
    }

    /// Connects to the next address, or reports `last` when there is none left.
    static void try_next(loop_core& loop, std::unique_ptr<connect_job> job, error last) noexcept {
        try {
            if (begin_next(loop, job, last)) return;
        } catch (...) {
            last = std::make_error_code(std::errc::not_enough_memory);
        }
        loop.metrics_.connect_failed.add();
        loop.run_guarded("the callback of a connection", [&] { job->done(std::move(last)); });
    }

private:
    /// True when a stream has the job now. What it throws leaves the job here and nothing behind.
    static bool begin_next(loop_core& loop, std::unique_ptr<connect_job>& job, error& last) {
        while (job->next < job->addresses.size() && loop.now() < job->deadline) {
            const socket_address address = job->addresses[job->next++];
            auto fd = loop.io_->connect(address);
            if (!fd) {
                last = fd.error();
                continue;
            }
            tcp_stream* stream = nullptr;
            try {
                std::unique_ptr<tls_session> session;
                if (job->to.tls != nullptr) {
                    auto made = job->to.tls->make_session(
                        job->to.tls_name.empty() ? job->to.host : job->to.tls_name);
                    if (!made) {
                        loop.io_->close(*fd);
                        last = made.error();
                        return false;
                    }
                    session = std::move(*made);
                }
                stream = loop.make_stream(*fd, address);
                if (stream == nullptr) {
                    last = error(errc::limit_exceeded, "no slot for another connection");
                    return false;
                }
                stream->set_connecting();
                if (session != nullptr) stream->set_tls(std::move(session));
                // An address that does not answer may not use up the time of those behind it.
                const auto left = static_cast<duration::rep>(job->addresses.size() - job->next + 1);
                stream->set_deadline(later(loop.now(), (job->deadline - loop.now()) / left));
                stream->set_handler(
                    std::make_unique<connect_attempt>(loop, *stream, std::move(job)));
            } catch (...) {
                if (stream != nullptr) {
                    stream->abort(std::make_error_code(std::errc::not_enough_memory));
                } else {
                    loop.io_->close(*fd);
                }
                throw;
            }
            return true;
        }
        return false;
    }

    loop_core& loop_;
    byte_stream& stream_;
    std::unique_ptr<connect_job> job_;
};

void loop_core::connect(connect_options destination,
                        unique_function<void(result<byte_stream*>)> done) {
    auto job = std::make_unique<connect_job>(connect_job{std::move(destination), std::move(done)});
    job->deadline = later(io_->now(), job->to.timeout);
    const auto direct = !job->to.unix_path.empty()
                            ? socket_address::make_unix(job->to.unix_path)
                            : socket_address::make(job->to.host, job->to.port);
    if (direct || !job->to.unix_path.empty()) {
        if (direct) job->addresses.push_back(*direct);
        error why = direct ? error(errc::timed_out) : direct.error();
        // Posted, so that `done` never runs inside this call.
        post([this, job = std::move(job), why = std::move(why)]() mutable {
            connect_attempt::try_next(*this, std::move(job), std::move(why));
        });
        return;
    }
    // The job waits here, not in the pool: its callback belongs to this thread.
    const std::uint64_t ticket = ++last_ticket_;
    run_on_worker(*this, [this, mail = mail_, ticket, host = job->to.host, port = job->to.port] {
        mail->push([this, ticket, found = resolve(host, port)]() mutable {
            finish_resolving(ticket, std::move(found.addresses), errc::name_not_found,
                             found.failure);
        });
    });
    after(job->to.timeout, [this, ticket] {
        finish_resolving(ticket, {}, errc::timed_out, "the name server did not answer in time");
    });
    resolving_.emplace(ticket, std::move(job));
}

void loop_core::finish_resolving(std::uint64_t ticket, std::vector<socket_address> addresses,
                                 errc code, std::string_view failure) {
    auto found = resolving_.extract(ticket);
    if (found.empty()) return;  // the other of answer and time-out came first
    auto job = std::move(found.mapped());
    error why(code, "'" + job->to.host + "': " + std::string(failure));
    job->addresses = std::move(addresses);
    connect_attempt::try_next(*this, std::move(job), std::move(why));
}

}  // namespace weft::net
