#pragma once

#include <memory>
#include <string>
#include <utility>

#include <weft/net/peer.hpp>

#include "net/backend/backend.hpp"
#include "net/tls/tls_session.hpp"

namespace weft::net {

/// A connection between two loops: its descriptor, its TLS, what was read and not used, what was
/// written and not sent. Made by `byte_stream::leave`, ended by `loop_core::arrive`.
/// **Threads**: one at a time. **Lifetime**: one that never arrives is closed; the loop that it
/// left must still be there.
class moved_stream {
public:
    moved_stream(backend& home, int fd, const peer& from)
        : home_(&home), fd_(fd), peer_(nullptr, from) {}
    moved_stream(moved_stream&& other) noexcept
        : unread(std::move(other.unread)),
          home_(other.home_),
          fd_(std::exchange(other.fd_, -1)),
          peer_(std::move(other.peer_)),
          tls_(std::move(other.tls_)),
          unsent_(std::move(other.unsent_)),
          unsent_plain_(std::move(other.unsent_plain_)) {}
    moved_stream& operator=(moved_stream&&) = delete;
    ~moved_stream() {
        if (fd_ >= 0) home_->close(fd_);
    }

    std::string unread;  ///< Plain text that the next handler is to get first.

private:
    friend class tcp_stream;
    friend class loop_core;

    backend* home_;
    int fd_;
    peer peer_;
    std::unique_ptr<tls_session> tls_;
    std::string unsent_;        // encrypted already, under TLS
    std::string unsent_plain_;  // under TLS
};

}  // namespace weft::net
