#pragma once

// HTTP clients made of bytes: one that pipelines requests, and one that listens to events.

#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "actor.hpp"

namespace weft::simulation {

struct reply {
    int status = 0;
    std::string body;
    bool closes = false;
};

/// Takes whole replies off the front of what came.
class reply_reader {
public:
    void add(std::string_view bytes) { in_ += bytes; }
    /// The next whole reply. Sets `wrong` when what came is none.
    std::optional<reply> next(std::string& wrong);
    /// Of a reply that has not ended: what has come of its body since the last call.
    std::string take_body(std::string& wrong);
    /// The status of that reply; 0 without one.
    [[nodiscard]] int begun() const noexcept { return head_ ? head_->status : 0; }
    [[nodiscard]] bool empty() const noexcept { return in_.empty() && !head_; }

private:
    bool read_head(std::string& wrong);
    bool read_body(std::string& wrong);

    std::string in_;
    std::optional<reply> head_;
    std::optional<std::size_t> left_;  // of the body; none: chunked
};

class http_actor final : public actor {
public:
    http_actor(model& all, session& mine, net::sim_backend& io, std::string_view address);

    void act(choices& from) override;
    void serve() override;
    void neglect() override { mine_.excuse_for("kept waiting"); }
    void check_calm() override;
    [[nodiscard]] bool over() const override { return wire_.over(); }
    void leave(choices& from) override;

private:
    struct request {
        int status;
        std::string body;
        bool waits = false;  // the server answers after some time
    };
    void ask(choices& from);
    void read(std::size_t most);
    void broken(std::string_view why) { all_.fail(mine_, "client: " + std::string(why)); }

    model& all_;
    session& mine_;
    wire wire_;
    reply_reader replies_;
    std::deque<request> due_;
    std::size_t asked_ = 0;
    std::size_t stuck_at_ = SIZE_MAX;  // so many were answered at the last calm that found some due
    bool last_ = false;                // we asked the server to close behind it
    bool answered_last_ = false;
};

/// Listens to server-sent events.
class event_actor final : public actor {
public:
    event_actor(model& all, session& mine, net::sim_backend& io, std::string_view address,
                choices& from);
    ~event_actor() override { wire_.window(0); }  // heartbeats that nobody takes

    void act(choices& from) override;
    void serve() override;
    void wake_up() override;
    void neglect() override { mine_.excuse_for("kept waiting"); }
    void check_calm() override;
    [[nodiscard]] bool over() const override { return wire_.over(); }
    void leave(choices& from) override;

private:
    void read(std::size_t most);

    model& all_;
    session& mine_;
    wire wire_;
    reply_reader reply_;
    std::string text_;
    bool stalled_ = false;
};

}  // namespace weft::simulation
