#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "cluster/adapter/proto/message.hpp"
#include "cluster/adapter/stream_addition.hpp"
#include "cluster/adapter/stream_memory.hpp"
#include "cluster/link.hpp"

namespace weft::cluster {

/// An entry as XRANGE and XREAD tell it. **Lifetime**: that of the reply.
struct read_stream_entry {
    socketio::log_position at;
    stream_entry_view entry;
    // See `stream_addition`.
    std::string_view number;
    std::uint64_t superseded_by = 0;
    bool had = false;
};
[[nodiscard]] std::optional<read_stream_entry> read_entry(const redis::reply_view& entry);

/// Takes what comes of a stream.
class stream_user {
public:
    /// Another node's message, or one of ours that waited for its place.
    virtual void on_entry(adapter_message& what) = 0;
    /// One of ours that was delivered here before it had its place.
    virtual void on_place_found(const socketio::cluster_message& what) = 0;
    /// One of ours that is not to wait any more: it has no place.
    virtual void on_unplaced(const socketio::cluster_message& what) = 0;
    virtual void on_passed(const socketio::log_position& at) = 0;
    /// Somebody's message of before this node began: it is not delivered here any more.
    virtual void on_history(const socketio::cluster_message& what) = 0;
    /// The sockets of this node had some of what is before this already.
    virtual void on_had(std::string_view uid, const socketio::log_position& before) = 0;
    /// Nobody can say what was before this.
    virtual void on_lost(const socketio::log_position& before) = 0;

protected:
    ~stream_user() = default;
};

/// The stream that orders what the nodes of a cluster say: adds to it, and reads it.
///
/// It is *in step* while Redis takes what we add and the reader is at the end. Our own messages
/// come back with their places then. Out of step they are given up for delivery at once, kept, and
/// added when the reader has seen which of them are in the stream already. At the beginning they
/// wait for the reader, unless it finds that Redis is away.
/// **Threads**: the home loop's. **Lifetime**: shared by its owner, weakly by what Redis calls.
class stream_log : public std::enable_shared_from_this<stream_log> {
public:
    stream_log(std::shared_ptr<link> over, stream_user& user);

    /// Whether what was said shortly before is wanted, too: then those who come back to a server
    /// that has just begun need not each ask Redis.
    enum class history : std::uint8_t { read, skip };
    /// **Errors**: of the options.
    result<void> start(history past);
    /// The reader is not where it began yet.
    [[nodiscard]] bool reads_history() const noexcept { return position_ < history_until_; }
    void stop() noexcept;

    enum class delivery : std::uint8_t {
        done,     ///< Where it is to be delivered here, it was.
        waiting,  ///< It is delivered here at its place.
    };
    /// `stored`, if any, is called once, perhaps before this returns: when Redis has it, or why it
    /// never will.
    using stored_handler = socketio::recovery_store::stored_handler;
    void add(const message_head& head, const logged_message& what, delivery here,
             stored_handler stored);

    [[nodiscard]] const std::string& name() const noexcept { return link_->chosen().prefix; }
    /// The last entry that was read; zero before the first.
    [[nodiscard]] const socketio::log_position& position() const noexcept { return position_; }
    /// Whether messages were delivered here whose places are not known yet.
    [[nodiscard]] bool has_unplaced() const noexcept { return unplaced_ != 0; }

private:
    struct addition {
        std::uint64_t number;
        stream_addition what;
        logged_message said;          // null: it only tells that some was had
        bool waits = false;           // for its place, to be delivered there
        stored_handler stored;        // who waits for that
        bool unplaced = false;        // it was delivered without one
        bool under_way = false;       // Redis has not said yet
        socketio::log_position at{};  // where Redis has it; zero: it has not said so
    };

    void send(addition& one);
    void sent(std::uint64_t number, const result<redis::reply_view>& reply);
    [[nodiscard]] std::deque<addition>::iterator find(std::uint64_t number) noexcept;
    void erase(std::deque<addition>::iterator which) noexcept;
    [[nodiscard]] bool give_up_waiting(addition& one) noexcept;
    void fall_behind();
    void be_in_step();

    void read();
    void ask(std::initializer_list<std::string_view> command,
             void (stream_log::*then)(const redis::reply_view&));
    void on_end_found(const redis::reply_view& entries);
    void on_history_found(const redis::reply_view& entries);
    void on_begun(const redis::reply_view& id);
    void take_history(const read_stream_entry& read);
    void on_page(const redis::reply_view& entries);
    void on_news(const redis::reply_view& streams);
    void take(const redis::reply_view& entries);
    void give_up_passed();
    void take_entry(const redis::reply_view& entry);

    const std::shared_ptr<link> link_;
    stream_user& user_;
    const std::string max_length_;
    std::unique_ptr<redis::router> reader_;
    std::string block_;  // how long Redis waits for news; ms
    socketio::log_position position_{};
    socketio::log_position history_until_{};  // zero: none is wanted, or the end is not known
    history past_ = history::skip;
    std::string position_text_;  // empty: not known
    enum class state : std::uint8_t { beginning, in_step, out_of_step };
    state now_ = state::beginning;
    bool behind_ = false;  // there is more than was read
    bool running_ = false;
    std::deque<addition> additions_;
    std::size_t bytes_ = 0;  // of them
    std::size_t unplaced_ = 0;
    bool some_had_ = false;  // and the others are to be told
    std::uint64_t last_number_ = 0;
};

}  // namespace weft::cluster
