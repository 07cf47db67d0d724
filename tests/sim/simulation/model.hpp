#pragma once

// What must be true in a simulation, kept by the test beside the server.

#include <cstdint>
#include <cstdio>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include <weft/base/time.hpp>
#include <weft/net/conn_id.hpp>
#include <weft/pubsub/message.hpp>

namespace weft::simulation {

inline std::string shown(std::string_view text) {
    constexpr std::size_t most = 60;
    std::string out;
    for (const char c : text.substr(0, most)) out += c >= ' ' && c <= '~' ? c : '?';
    return "'" + out + "' (" + std::to_string(text.size()) + " bytes)";
}

/// The first rule that was broken, and a hash of all that happened, which the same seed repeats.
class judge {
public:
    /// A story is told as it happens, on standard error.
    void tell_story() noexcept { tells_ = true; }
    void tell(std::string_view who, std::string_view what) const {
        if (!tells_) return;
        std::fprintf(stderr, "%.*s: %s\n", static_cast<int>(who.size()), who.data(),
                     shown(what).c_str());
    }
    void fail(std::string what) {
        if (broken_.empty()) broken_ = std::move(what);
    }
    void note(std::string_view what) noexcept {
        for (const char c : what) hash_ = (hash_ ^ static_cast<unsigned char>(c)) * 0x100000001B3U;
        ++events_;
    }
    [[nodiscard]] const std::string& broken() const noexcept { return broken_; }
    [[nodiscard]] std::uint64_t hash() const noexcept { return hash_; }
    [[nodiscard]] std::uint64_t events() const noexcept { return events_; }

private:
    std::string broken_;
    std::uint64_t hash_ = 0xCBF29CE484222325U;
    std::uint64_t events_ = 0;
    bool tells_ = false;
};

/// What one receiver is to get from one sender, in this order. Every message is different, so that
/// what is lost, doubled, damaged or in another's place shows at once.
class ledger {
public:
    /// `certain`: unless the connection ends first.
    void owe(std::string what, bool certain = true) { owed_.push_back({std::move(what), certain}); }
    /// Empty, or why this may not come now.
    std::string receive(std::string_view what) {
        while (!owed_.empty()) {
            const bool same = owed_.front().what == what;
            if (!same && owed_.front().certain)
                return shown(what) + " came, due was " + shown(owed_.front().what);
            owed_.pop_front();
            if (same) return {};
        }
        return shown(what) + " came, and nothing was due";
    }
    /// The first that must still come.
    [[nodiscard]] const std::string* due() const noexcept {
        for (const entry& e : owed_) {
            if (e.certain) return &e.what;
        }
        return nullptr;
    }
    [[nodiscard]] bool empty() const noexcept { return owed_.empty(); }

private:
    struct entry {
        std::string what;
        bool certain;
    };
    std::deque<entry> owed_;
};

/// One connection that carries messages both ways: a WebSocket, an event stream, a socket of
/// Socket.IO. Its two ends are the handlers of the server and a client of the simulation.
struct session {
    std::string name;
    overflow_policy policy = overflow_policy::close;

    // The server's side.
    conn_id id;
    bool accepted = false;
    bool opened = false;
    bool closed = false;
    bool server_closes = false;  // a handler closed it
    bool paused = false;
    std::set<std::string> topics;

    // The client's side.
    ledger up;    // to the server
    ledger down;  // to the client
    /// It has broken rules: what comes behind the messages that are due may be anything.
    bool wild = false;
    /// Why it may end at any time; empty: it must not.
    std::string excuse;

    [[nodiscard]] bool live() const noexcept { return opened && !closed; }
    void excuse_for(std::string_view why) {
        if (excuse.empty()) excuse = why;
    }
};

/// All sessions, and what they share.
struct model {
    judge verdict;
    std::deque<session> sessions;
    std::string excuse;          // for all: a fault, or limits that are too small for them
    bool throttled = false;      // who sends too fast is not read from
    bool network_broke = false;  // connections of the loop with itself
    std::uint64_t messages = 0;  // delivered, both ways
    std::uint64_t next_id = 0;   // of messages
    std::uint64_t upgrades = 0;  // WebSockets that were opened
    std::uint64_t live_sockets = 0;

    session& add(std::string_view kind) {
        session& s = sessions.emplace_back();
        s.name = std::string(kind) + " " + std::to_string(sessions.size() - 1);
        return s;
    }
    [[nodiscard]] std::size_t index(const session& s) const noexcept {
        std::size_t i = 0;
        while (&sessions[i] != &s) ++i;
        return i;
    }
    void fail(const session& s, std::string_view what) {
        verdict.fail(s.name + ": " + std::string(what));
    }
    void note(const session& s, std::string_view event, std::string_view what) {
        verdict.note(what);
        verdict.tell(s.name + ' ' + std::string(event), what);
    }
    /// The server got something.
    void server_got(session& s, std::string_view what) {
        ++messages;
        note(s, "server got", what);
        if (!s.opened || s.closed)
            fail(s, "a message came to a handler outside of on_open ... on_close");
        if (s.wild && s.up.empty()) return;
        if (const std::string why = s.up.receive(what); !why.empty()) fail(s, "server: " + why);
    }
    /// The client got something.
    void client_got(session& s, std::string_view what) {
        ++messages;
        note(s, "client got", what);
        if (const std::string why = s.down.receive(what); !why.empty()) fail(s, "client: " + why);
    }
    /// A server's `send` to it.
    void sent(session& s, send_status how, std::string what) {
        const bool sure = s.policy == overflow_policy::close ||
                          s.policy == overflow_policy::drop_newest || how == send_status::sent;
        if (how == send_status::sent || how == send_status::queued)
            s.down.owe(std::move(what), sure);
    }
    void ended(session& s, std::string_view why) {
        if (s.closed) fail(s, "on_close twice");
        if (!s.opened) fail(s, "on_close without on_open");
        s.closed = true;
        s.topics.clear();
        note(s, "ended at the server", why);
        if (s.excuse.empty() && excuse.empty())
            fail(s, "ended, and nobody did anything wrong: " + std::string(why));
    }
};

}  // namespace weft::simulation
