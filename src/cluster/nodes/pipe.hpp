#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>

#include <weft/net/loop.hpp>

#include "cluster/nodes/proto/stream_account.hpp"

namespace weft::cluster::nodes {

// A stream between nodes has its connection on the home loop and its user on any loop. Between the
// two goes what each has to tell in a turn, in posts: nothing is shared.

class connection;
class pipe_end;

/// What one of the two tells the other.
struct pipe_news {
    std::string bytes;
    std::uint32_t room = 0;  ///< For so many more bytes.
    bool end = false;        ///< Nothing comes behind it.
    std::error_code reset;   ///< It is gone, and why.
};

/// Who uses a stream. **Threads**: its loop's. No call comes from inside a call that it makes.
class pipe_user {
public:
    /// Bytes came; `pipe_end::took` makes room for others.
    virtual void on_bytes(std::string bytes) noexcept = 0;
    /// What was queued has gone, as far as there was room.
    virtual void on_sent() noexcept = 0;
    /// The other side sends no more.
    virtual void on_end() noexcept = 0;
    /// The last call: the stream is gone.
    virtual void on_reset(std::error_code why) noexcept = 0;

protected:
    ~pipe_user() = default;
};

/// The end on the home loop. **Threads**: the home loop's.
class home_end final : public std::enable_shared_from_this<home_end> {
public:
    /// The user told something.
    void take(const pipe_news& news);

    // For who connects it.
    /// What the user has told already follows at once.
    void begin(connection& over, std::uint32_t id);
    /// Tells the user that the stream is gone, or was never there.
    void lose(std::error_code why) noexcept;
    /// The user has given it up before it began.
    [[nodiscard]] bool is_abandoned() const noexcept { return static_cast<bool>(waiting_.reset); }

    // For the connection.
    [[nodiscard]] std::uint32_t id() const noexcept { return id_; }
    stream_account account;
    /// For the user, when `pass_on` is called.
    pipe_news heard;
    void pass_on() noexcept;
    /// Nothing comes of it any more: the connection has let go of it.
    void finish() noexcept;

private:
    friend class pipe_end;
    connection* over_ = nullptr;
    std::uint32_t id_ = 0;
    pipe_news waiting_;               // until there is a connection
    std::shared_ptr<pipe_end> user_;  // null when it is gone
};

/// The end on the loop of the user. **Threads**: that loop's; may die on any.
class pipe_end final : public std::enable_shared_from_this<pipe_end> {
public:
    pipe_end(loop_ref of_user, loop_ref home) : loop_(std::move(of_user)), home_(std::move(home)) {}
    /// From now on the two ends keep each other, until one of them has heard that it is over.
    void join() noexcept { there_->user_ = weak_from_this().lock(); }

    void attach(pipe_user& user) noexcept { user_ = &user; }
    /// The user goes: it hears no more. A reset, unless all is said and its end goes behind it.
    void detach() noexcept;

    /// Queues bytes; they go at the end of the turn, as far as there is room.
    void write(std::string_view bytes);
    /// There is room for so many more.
    void took(std::size_t bytes);
    /// Behind what is queued.
    void end();
    /// Drops what is queued.
    void reset() noexcept;

    [[nodiscard]] std::size_t queued() const noexcept { return queue_.size(); }
    /// Bytes wait for the other side to make room.
    [[nodiscard]] bool stalled() const noexcept { return stalled_; }
    /// Our end has gone, with everything before it.
    [[nodiscard]] bool has_ended() const noexcept { return end_told_; }
    /// Bytes that were told to the home loop, and of these, those that the other side made room for
    /// anew.
    [[nodiscard]] std::uint64_t sent() const noexcept { return sent_; }
    [[nodiscard]] std::uint64_t arrived() const noexcept { return sent_ - (stream_window - room_); }

    [[nodiscard]] const std::shared_ptr<home_end>& home() const noexcept { return there_; }
    /// The stream cannot begin: the user hears that it is gone.
    void fail() noexcept;

private:
    friend class home_end;
    void hear(pipe_news news) noexcept;
    void flush_later();
    void flush() noexcept;
    void tell_queued();
    void tell(pipe_news news);

    const loop_ref loop_;
    const loop_ref home_;
    const std::shared_ptr<home_end> there_ = std::make_shared<home_end>();
    pipe_user* user_ = nullptr;
    std::string queue_;
    std::uint64_t sent_ = 0;
    std::uint32_t room_ = stream_window;
    std::uint32_t owed_ = 0;  // room that we have not told yet
    bool flush_waits_ = false;
    bool stalled_ = false;
    bool end_ = false;
    bool end_told_ = false;
    bool over_ = false;  // gone: nothing is told any more
};

}  // namespace weft::cluster::nodes
