#pragma once

// The clients of a simulation: each acts when it is chosen, and checks what it gets.

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>

#include "choices.hpp"
#include "model.hpp"
#include "net/backend/sim/sim_backend.hpp"

namespace weft::simulation {

class actor {
public:
    actor() = default;
    actor(const actor&) = delete;
    actor& operator=(const actor&) = delete;
    virtual ~actor() = default;

    /// Does one thing.
    virtual void act(choices& from) = 0;
    /// Sends what it has begun, reads all that is there and answers it, unless it has stopped
    /// reading. Between two calls the server gets its turns.
    virtual void serve() = 0;
    /// Reads again if it had stopped.
    virtual void wake_up() {}
    /// Time passes while it does nothing.
    virtual void neglect() {}
    /// After all have been served and there is nothing left to do: what is due has come.
    virtual void check_calm() = 0;
    /// Its connection is over.
    [[nodiscard]] virtual bool over() const = 0;
    /// Goes away, one way or another.
    virtual void leave(choices& from) = 0;
};

/// The client's end of a connection, made of bytes: what is written leaves in pieces.
class wire {
public:
    wire(net::sim_backend& io, std::string_view from)
        : io_(io), peer_(io.connect_client(80, from)) {}

    void write(std::string_view bytes) { out_ += bytes; }
    void push(std::size_t most = SIZE_MAX) {
        const std::size_t count = std::min(most, out_.size());
        if (peer_ < 0 || count == 0) return;
        io_.peer_send(peer_, std::string_view(out_).substr(0, count));
        out_.erase(0, count);
    }
    std::string read(std::size_t most = SIZE_MAX) {
        return peer_ < 0 ? std::string() : io_.peer_take(peer_, most);
    }
    void reset() {
        if (peer_ >= 0) io_.peer_reset(peer_);
        left_ = true;
    }
    void end() {
        if (peer_ >= 0 && !ended_) io_.peer_end(peer_);
        ended_ = true;
    }
    void window(std::size_t bytes) {
        if (peer_ >= 0) io_.peer_window(peer_, bytes);
    }
    [[nodiscard]] std::size_t unsent() const noexcept { return out_.size(); }
    [[nodiscard]] bool has_ended() const noexcept { return ended_ || left_; }
    /// Nothing more will come but what `read` has not taken.
    [[nodiscard]] bool over() const {
        return peer_ < 0 || left_ || io_.peer_sees_end(peer_) || io_.peer_sees_reset(peer_);
    }

private:
    net::sim_backend& io_;
    net::sim_backend::peer peer_;
    std::string out_;
    bool ended_ = false;
    bool left_ = false;
};

}  // namespace weft::simulation
