// One text, as the log of its updates. Entries are numbered without gaps, so a client knows whether
// it has seen all of them, and only such a client can stand in for the log's beginning with a
// snapshot of its own (`compact`).
//
// Handlers of several loops write here. Appending and telling happen under one lock, and so do
// joining and replaying: whoever connects misses nothing. It may get an entry twice, which does no
// harm.
//
// In a cluster each server has a log of its own, with its own numbers, and tells the others what it
// takes. One without a log, because it has just started, asks for theirs.

#include "collaborative_text/shared_text.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <utility>

namespace examples {

struct accepted {
    std::uint64_t number;
    bool compact;
};
WEFT_FIELDS(accepted, number, compact)

namespace {

using weft::socketio::raw_arguments;
using weft::socketio::socket;
using weft::socketio::space;

constexpr std::size_t max_update = 256 * 1024;
constexpr std::size_t max_log_bytes = 2 * 1024 * 1024;
constexpr std::size_t max_log_entries = 1000;
constexpr std::size_t comfortable_entries = 100;
constexpr std::string_view writers = "writers";

class shared_text {
public:
    void enter(socket& s) {
        const std::lock_guard lock(mutex_);
        s.join(writers);
        std::uint64_t number = first_;
        for (const weft::message& each : log_) s.emit("update", number++, each);
        s.emit("synced", last());
    }

    weft::result<accepted> append(space& io, socket& s, weft::message update) {
        if (update.size() > max_update) return full("an update has at most 256 KiB");
        const std::lock_guard lock(mutex_);
        if (log_.size() == max_log_entries || update.size() > max_log_bytes - bytes_)
            return full("the text is full");
        bytes_ += update.size();
        log_.push_back(std::move(update));
        s.local().to(writers).emit("update", last(), log_.back());
        io.server_side_emit("update", log_.back());
        return accepted{last(), log_.size() > comfortable_entries};
    }

    /// What another server took. It may tell us more than once.
    void follow(space& io, const weft::message& update) {
        const std::lock_guard lock(mutex_);
        const auto is_same = [&](const weft::message& known) {
            return std::ranges::equal(known.bytes(), update.bytes());
        };
        if (update.size() > max_update || log_.size() == max_log_entries ||
            update.size() > max_log_bytes - bytes_ || std::ranges::any_of(log_, is_same))
            return;
        bytes_ += update.size();
        log_.push_back(update);
        io.local().to(writers).emit("update", last(), update);
    }

    [[nodiscard]] std::deque<weft::message> log() const {
        const std::lock_guard lock(mutex_);
        return log_;
    }

    /// Puts one entry in the place of those up to `number`, if that makes the log smaller. Two
    /// clients may try at once: the second finds the log as it left it, or comes too late.
    bool compact(std::uint64_t number, weft::message snapshot) {
        const std::lock_guard lock(mutex_);
        if (number <= first_ || number > last()) return false;
        const auto end = log_.begin() + static_cast<std::ptrdiff_t>(number - first_ + 1);
        std::size_t freed = 0;
        for (auto at = log_.begin(); at != end; ++at) freed += at->size();
        if (snapshot.size() > freed) return false;
        log_.erase(log_.begin(), end);
        bytes_ = bytes_ - freed + snapshot.size();
        log_.push_front(std::move(snapshot));
        first_ = number;
        return true;
    }

private:
    static weft::error full(const char* why) { return {weft::errc::limit_exceeded, why}; }
    [[nodiscard]] std::uint64_t last() const noexcept { return first_ + log_.size() - 1; }

    mutable std::mutex mutex_;
    std::deque<weft::message> log_;
    std::size_t bytes_ = 0;    // of the log
    std::uint64_t first_ = 1;  // number of the log's first entry
};

void tell_people(space& io) {
    io.fetch_sockets([&io](const weft::socketio::fetched_sockets& all) {
        io.emit("people", all.sockets.size());
    });
}

}  // namespace

void ask_for_shared_text(space& io) {
    io.server_side_emit("wanted");
}

void serve_shared_text(space& io) {
    const auto text = std::make_shared<shared_text>();
    io.on_connect([&io, text](socket& s) {
        text->enter(s);
        if (text->log().empty()) ask_for_shared_text(io);
        tell_people(io);
    });
    io.on_disconnect([&io](socket&, weft::socketio::disconnect_reason) { tell_people(io); });
    io.on("update", [&io, text](socket& s, weft::message update) {
        return text->append(io, s, std::move(update));
    });
    io.on_server_side("update", [&io, text](const raw_arguments& args) {
        if (args.attachments.size() == 1)
            text->follow(io, weft::message::binary(args.attachments[0]));
    });
    io.on_server_side("wanted", [&io, text](const raw_arguments&) {
        for (const weft::message& each : text->log()) io.server_side_emit("update", each);
    });
    io.on("compact", [text](socket&, std::uint64_t number, weft::message snapshot) {
        return text->compact(number, std::move(snapshot));
    });
}

}  // namespace examples
