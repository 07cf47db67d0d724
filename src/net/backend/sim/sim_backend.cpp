// Sockets in memory. A connection is two ends, each with an input buffer; sending appends to the
// other end's buffer as far as its window allows. Events are edges, queued when something changes
// and delivered by the next `wait`; an event carries the life count of its end, so one that
// outlived a close is dropped as the kernel drops it. A send that is to complete late is a
// `flight`: its bytes go to the peer when there is room, and are looked at again when its end is
// told.

#include "net/backend/sim/sim_backend.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace weft::net {
namespace {

std::error_code system_code(std::errc e) noexcept {
    return {static_cast<int>(e), std::system_category()};
}
io_result failure(std::error_code why) noexcept {
    return {io_result::status::failed, 0, why};
}

socket_address local(std::uint16_t port, std::string_view address = "127.0.0.1") {
    return *socket_address::make(address, port);
}

}  // namespace

sim_backend::habits& sim_backend::usual_habits() noexcept {
    static habits usual;
    return usual;
}

// ---- What the test does ----

sim_backend::peer sim_backend::connect_client(std::uint16_t port, std::string_view from) {
    const int listener = find_listener(port);
    if (listener < 0) return -1;
    const int theirs = make_pair_with(false, false);
    const int ours = ends_[index(theirs)].other;
    ends_[index(ours)].from = local(static_cast<std::uint16_t>(20'000 + ours), from);
    wait_for_accept(listener, ours);
    return theirs;
}

void sim_backend::wait_for_accept(int listener, int from) {
    std::deque<int>& waiting = ends_[index(listener)].waiting;
    waiting.push_back(from);
    if (waiting.size() == 1) tell(listener, event_kind::acceptable);  // else it was told
}

std::vector<sim_backend::peer> sim_backend::taken_connections(std::uint16_t port) {
    return std::exchange(served_[port], {});
}

void sim_backend::peer_send(peer p, std::string_view bytes) {
    const int other = ends_[index(p)].other;
    if (other < 0) return;
    ends_[index(other)].in.append(bytes);
    tell(other, event_kind::readable);
}

void sim_backend::peer_end(peer p) {
    const int other = ends_[index(p)].other;
    if (other < 0) return;
    ends_[index(other)].in_end = true;
    // Both ends sent is one event of its own, as the kernel has it.
    tell(other, ends_[index(p)].in_end ? event_kind::broken : event_kind::ending);
}

void sim_backend::peer_reset(peer p) {
    const int other = std::exchange(ends_[index(p)].other, -1);
    if (other < 0) return;
    end& theirs = ends_[index(other)];
    if (!theirs.in_end) theirs.in.clear();
    theirs.in_reset = true;
    theirs.other = -1;
    tell(other, event_kind::broken);
}

bool sim_backend::break_own_connection(std::size_t which) {
    std::vector<int> own;
    for (std::size_t i = 0; i < ends_.size(); ++i) {
        const end& e = ends_[i];
        if (e.used && e.held_by_loop && e.other >= 0 && ends_[index(e.other)].held_by_loop)
            own.push_back(static_cast<int>(i));
    }
    if (own.empty()) return false;
    const int first = own[which % own.size()];
    for (const int fd : {first, ends_[index(first)].other}) {
        end& e = ends_[index(fd)];
        e.in.clear();
        e.in_reset = true;
        e.other = -1;
        tell(fd, event_kind::broken);
    }
    return true;
}

std::string sim_backend::peer_take(peer p, std::size_t most) {
    end& mine = ends_[index(p)];
    std::string taken = mine.in.substr(0, most);
    mine.in.erase(0, taken.size());
    if (mine.in.size() < mine.window && std::exchange(mine.writer_blocked, false))
        tell(mine.other, event_kind::writable);
    return taken;
}

std::size_t sim_backend::open_descriptors() const noexcept {
    return static_cast<std::size_t>(std::count_if(
        ends_.begin(), ends_.end(), [](const end& e) { return e.used && e.held_by_loop; }));
}

// ---- Ends and events ----

int sim_backend::make_end(bool held_by_loop) {
    std::size_t i = 0;
    while (i < ends_.size() && ends_[i].used) ++i;
    if (i == ends_.size()) ends_.emplace_back();
    const std::size_t life = ends_[i].life + 1;
    ends_[i] = end{};
    ends_[i].used = true;
    ends_[i].held_by_loop = held_by_loop;
    ends_[i].life = life;
    return static_cast<int>(i);
}

int sim_backend::make_pair_with(bool first_by_loop, bool second_by_loop) {
    const int first = make_end(first_by_loop);
    int second = -1;
    try {
        second = make_end(second_by_loop);
    } catch (...) {  // the tests' allocator
        release(first);
        throw;
    }
    ends_[index(first)].other = second;
    ends_[index(second)].other = first;
    return first;
}

int sim_backend::find_listener(std::uint16_t port) noexcept {
    for (std::size_t i = 0; i < ends_.size(); ++i) {
        if (ends_[i].used && ends_[i].is_listener && ends_[i].port == port)
            return static_cast<int>(i);
    }
    return -1;
}

void sim_backend::tell(int fd, event_kind what) {
    if (fd < 0) return;
    const end& e = ends_[index(fd)];
    if (e.watched) events_.push_back({fd, e.life, what});
}

/// What is to go wrong with this operation, which counts.
std::optional<sim_backend::fault> sim_backend::count(call what, int fd) noexcept {
    if (fd >= 0 && ends_[index(fd)].spared) return std::nullopt;
    if (noted_ != nullptr) noted_->push_back(what);
    if (operations_++ != fail_at_) return std::nullopt;
    fail_with_ = system_code(fault_.why);
    return fault_;
}

/// For operations that either work or do not.
bool sim_backend::fails(call what, int fd) noexcept {
    return count(what, fd).has_value();
}

void sim_backend::release(int fd) noexcept {
    end& e = ends_[index(fd)];
    for (const int waiting : e.waiting) reset(waiting);
    cut_short(fd);
    bool in_flight = false;
    for (flight& f : flights_) {
        if (f.fd == fd) in_flight = f.closing = true;
    }
    e.used = in_flight;  // until the end of the send is told
    e.watched = false;
    e.in.clear();
    e.other = -1;
    ++e.life;
}

// ---- backend ----

void sim_backend::wait(duration, event_sink& sink) noexcept {
    woken_.store(false);
    spoil_lent();
    sink.on_wake(now_);
    std::size_t batch = events_.size();
    if (!quiet()) {
        if (const auto wrong = count(call::wait, -1)) {
            if (wrong->how == fault::kind::nothing) return;
            batch = std::min<std::size_t>(batch, 1);
        }
    }
    for (; batch > 0; --batch) {
        const event e = events_.front();
        events_.pop_front();
        const end& about = ends_[index(e.end)];
        if (about.life != e.life || !about.watched) continue;
        const io_token token = about.token;
        switch (e.what) {
            case event_kind::acceptable:
                if (!about.paused) sink.on_acceptable(token);
                break;
            case event_kind::readable: sink.on_readable(token); break;
            case event_kind::ending: sink.on_ending(token); break;
            case event_kind::writable: sink.on_writable(token); break;
            case event_kind::broken: sink.on_broken(token); break;
        }
    }
    tell_sent(sink, false);
    // Listeners are level-triggered: a budget or a pause must not lose the rest of the queue.
    for (std::size_t i = 0; i < ends_.size(); ++i) {
        if (ends_[i].is_listener && !ends_[i].waiting.empty() && !ends_[i].paused) {
            tell(static_cast<int>(i), event_kind::acceptable);
        }
    }
}

result<int> sim_backend::listen(const listen_options& options) {
    if (fails(call::listen)) return error(fail_with_, "listen");
    const std::uint16_t port = options.port != 0 ? options.port : next_port_++;
    if (find_listener(port) >= 0) return error(system_code(std::errc::address_in_use));
    const int fd = make_end(true);
    ends_[index(fd)].is_listener = true;
    ends_[index(fd)].port = port;
    return fd;
}

result<socket_address> sim_backend::local_address(int fd) {
    return local(ends_[index(fd)].port);
}

io_result sim_backend::accept(int listener, int& fd, socket_address& from_where) noexcept {
    end& from = ends_[index(listener)];
    if (from.waiting.empty()) return {io_result::status::would_block, 0, {}};
    if (const auto wrong = count(call::accept, listener)) {
        if (wrong->how == fault::kind::nothing) return {io_result::status::would_block, 0, {}};
        return failure(fail_with_);
    }
    if (out_of_descriptors()) return failure(system_code(std::errc::too_many_files_open));
    fd = from.waiting.front();
    from.waiting.pop_front();
    ends_[index(fd)].held_by_loop = true;
    from_where = ends_[index(fd)].from;
    return {};
}

result<int> sim_backend::connect(const socket_address& address) {
    if (const auto wrong = count(call::connect, -1)) {
        if (wrong->how != fault::kind::late_error) return error(fail_with_, "connect");
        const int fd = make_end(true);
        ends_[index(fd)].refused = true;
        ends_[index(fd)].refusal = fail_with_;
        return fd;
    }
    if (out_of_descriptors()) return error(system_code(std::errc::too_many_files_open), "connect");
    const int listener = find_listener(address.port());
    const auto served = served_.find(address.port());
    if (listener < 0 && served == served_.end()) {
        const int fd = make_end(true);
        (mute_.count(address.port()) != 0 ? ends_[index(fd)].unanswered
                                          : ends_[index(fd)].refused) = true;
        ends_[index(fd)].refusal = system_code(std::errc::connection_refused);
        return fd;
    }
    const int fd = make_pair_with(true, false);
    const int other = ends_[index(fd)].other;
    try {
        if (listener >= 0) {
            ends_[index(other)].from = local(next_port_++);
            wait_for_accept(listener, other);
        } else {
            served->second.push_back(other);
        }
    } catch (...) {
        release(other);
        release(fd);
        throw;
    }
    return fd;
}

std::error_code sim_backend::take_error(int fd) noexcept {
    const end& e = ends_[index(fd)];
    if (fails(call::take_error, fd)) return fail_with_;
    if (e.refused) return e.refusal;
    return e.in_reset ? system_code(std::errc::connection_reset) : std::error_code{};
}

/// What the peer has not taken.
std::size_t sim_backend::undelivered(int fd) noexcept {
    const int other = ends_[index(fd)].other;
    return other < 0 ? 0 : ends_[index(other)].in.size();
}

std::error_code sim_backend::watch_listener(int fd, io_token token) noexcept {
    if (fails(call::watch_listener, fd)) return fail_with_;
    ends_[index(fd)].token = token;
    ends_[index(fd)].watched = true;
    return {};
}

void sim_backend::pause_listener(int fd, io_token, bool paused) noexcept {
    ends_[index(fd)].paused = paused;
}

std::error_code sim_backend::watch_stream(int fd, io_token token) noexcept {
    if (fails(call::watch_stream, fd)) return fail_with_;
    end& e = ends_[index(fd)];
    e.token = token;
    e.watched = true;
    if (e.unanswered) return {};
    // Whatever is true now is an edge for the new watcher.
    if (e.refused || e.in_reset) {
        tell(fd, event_kind::broken);
        return {};
    }
    tell(fd, event_kind::writable);
    if (!e.in.empty()) tell(fd, event_kind::readable);
    if (e.in_end) tell(fd, event_kind::ending);
    return {};
}

receive_result sim_backend::receive(int fd, byte_span into) noexcept {
    using status = io_result::status;
    end& e = ends_[index(fd)];
    spoil_lent();
    const auto wrong = count(call::receive, fd);
    if (wrong && wrong->how == fault::kind::error) return {status::failed, true, {}, fail_with_};
    if (wrong && wrong->how == fault::kind::nothing && !e.in_reset) {
        if (!e.in.empty()) tell(fd, event_kind::readable);
        if (e.in_end) tell(fd, event_kind::ending);
        return {status::would_block, true, {}, {}};
    }
    if (wrong && wrong->how == fault::kind::end) {
        e.in.clear();
        e.in_end = true;
    }
    // A reset behind an end does not show here, as with the kernel.
    if (e.in_reset && !e.in_end)
        return {status::failed, true, {}, system_code(std::errc::connection_reset)};
    if (e.in.empty()) return {e.in_end ? status::ended : status::would_block, true, {}, {}};
    std::size_t size = std::min({into.size(), e.in.size(), max_receive_});
    if (wrong) size = wrong->how == fault::kind::one ? 1 : std::max<std::size_t>(size / 2, 1);
    byte_span data = into.first(size);
    if (habits_.lends_buffers) {
        data = lend(std::string_view(e.in).substr(0, size));
    } else {
        std::memcpy(data.data(), e.in.data(), size);
    }
    e.in.erase(0, size);
    if (std::exchange(e.writer_blocked, false)) tell(e.other, event_kind::writable);
    // A short read empties; what the limit held back comes with an event of its own.
    const bool emptied = size < into.size();
    if (!e.in.empty() && emptied) tell(fd, event_kind::readable);
    return {status::done, emptied, data, {}};
}

/// Memory of its own each time and no larger than promised, so that AddressSanitizer sees who reads
/// beyond it or later.
byte_span sim_backend::lend(std::string_view bytes) {
    constexpr std::size_t readable_behind = 64;
    lent_ = std::vector<std::byte>(bytes.size() + readable_behind, std::byte{0xAA});
    std::memcpy(lent_.data(), bytes.data(), bytes.size());
    return {lent_.data(), bytes.size()};
}

void sim_backend::spoil_lent() noexcept {
    std::fill(lent_.begin(), lent_.end(), std::byte{0xDD});
    lent_ = {};
}

/// How much a send that goes wrong like this may move at the most.
std::size_t sim_backend::most_sent(const std::optional<fault>& wrong,
                                   std::span<const iovec> pieces) noexcept {
    if (!wrong) return SIZE_MAX;
    if (wrong->how == fault::kind::one) return 1;
    if (wrong->how != fault::kind::half) return 0;
    std::size_t all = 0;
    for (const iovec& piece : pieces) all += piece.iov_len;
    return std::max<std::size_t>(all / 2, 1);
}

/// Moves what there is room for to the other end, but not more than `most`.
std::size_t sim_backend::transfer(int fd, std::span<const iovec> pieces,
                                  std::size_t most) noexcept {
    end& theirs = ends_[index(ends_[index(fd)].other)];
    std::size_t room =
        std::min({most, max_send_, theirs.window - std::min(theirs.window, theirs.in.size())});
    std::size_t sent = 0;
    bool all = true;
    for (const iovec& piece : pieces) {
        const std::size_t count = std::min(piece.iov_len, room);
        theirs.in.append(static_cast<const char*>(piece.iov_base), count);
        sent += count;
        room -= count;
        all = all && count == piece.iov_len;
    }
    if (sent > 0) tell(ends_[index(fd)].other, event_kind::readable);
    if (!all) {
        if (theirs.in.size() >= theirs.window) {
            theirs.writer_blocked = true;
        } else {
            tell(fd, event_kind::writable);
        }
    }
    return sent;
}

io_result sim_backend::send(int fd, std::span<const iovec> pieces) noexcept {
    if (!habits_.completes_late) return send_now(fd, pieces);
    end& e = ends_[index(fd)];
    ++sends_;
    const auto wrong = count(call::send, fd);
    if (wrong && wrong->how == fault::kind::error) return failure(fail_with_);
    if (e.in_reset || e.other < 0) return failure(system_code(std::errc::broken_pipe));
    flight begun{fd, e.token, {pieces.begin(), pieces.end()}, {}};
    for (const iovec& piece : pieces) {
        begun.bytes.append(static_cast<const char*>(piece.iov_base), piece.iov_len);
    }
    if (wrong && wrong->how == fault::kind::late_error) begun.broken = fail_with_;
    begun.sent = transfer(fd, pieces, most_sent(wrong, pieces));
    flights_.push_back(std::move(begun));
    return {io_result::status::in_flight, 0, {}};
}

io_result sim_backend::send_now(int fd, std::span<const iovec> pieces) noexcept {
    const end& e = ends_[index(fd)];
    ++sends_;
    const auto wrong = count(call::send, fd);
    const bool fails =
        wrong && (wrong->how == fault::kind::error || wrong->how == fault::kind::late_error);
    if (fails) return failure(fail_with_);
    if (e.in_reset || e.other < 0) return failure(system_code(std::errc::broken_pipe));
    const std::size_t sent = transfer(fd, pieces, most_sent(wrong, pieces));
    if (sent == 0 && !pieces.empty()) return {io_result::status::would_block, 0, {}};
    return {io_result::status::done, sent, {}};
}

void sim_backend::cut_short(int fd) noexcept {
    for (flight& f : flights_) f.cut_short = f.cut_short || f.fd == fd;
}

std::size_t sim_backend::unwatch(int fd) noexcept {
    ends_[index(fd)].watched = false;
    std::size_t sent = 0;
    for (const flight& f : flights_) {
        if (f.fd == fd && !f.cut_short) sent = f.sent;
    }
    cut_short(fd);
    return sent;
}

bool sim_backend::may_end(const flight& f) const noexcept {
    const end& e = ends_[index(f.fd)];
    if (sends_held_) return false;
    if (f.cut_short || f.sent > 0 || f.broken || break_sends_ || e.in_reset || e.other < 0)
        return true;
    const end& theirs = ends_[index(e.other)];
    return theirs.in.size() < theirs.window;
}

/// Tells the end of every send that is over, or of all.
void sim_backend::tell_sent(event_sink& sink, bool all) {
    std::vector<flight> go_on;
    std::vector<flight> looked_at = std::exchange(flights_, {});
    for (flight& f : looked_at) {
        const end& e = ends_[index(f.fd)];
        const bool fails = break_sends_ || f.broken;
        const bool broken = !f.cut_short && (e.in_reset || e.other < 0 || fails);
        if (!f.cut_short && !broken && f.sent == 0) f.sent = transfer(f.fd, f.pieces, SIZE_MAX);
        const bool over = f.cut_short || broken || f.sent > 0;
        if (!all && (!over || sends_held_)) {
            go_on.push_back(std::move(f));
            continue;
        }
        std::string now;
        for (const iovec& piece : f.pieces) {
            now.append(static_cast<const char*>(piece.iov_base), piece.iov_len);
        }
        if (now != f.bytes) ++damaged_;
        if (f.closing) ends_[index(f.fd)].used = false;
        const bool failed = broken && (f.sent == 0 || fails);
        sink.on_sent(f.token,
                     failed ? failure(f.broken ? f.broken : system_code(std::errc::broken_pipe))
                     : f.sent == 0 ? failure(system_code(std::errc::operation_canceled))
                                   : io_result{io_result::status::done, f.sent, {}});
    }
    // What began while the ends were told comes behind.
    go_on.insert(go_on.end(), std::make_move_iterator(flights_.begin()),
                 std::make_move_iterator(flights_.end()));
    flights_ = std::move(go_on);
}

void sim_backend::finish_sends(event_sink& sink) noexcept {
    tell_sent(sink, true);
}

void sim_backend::shutdown(int fd) noexcept {
    const int other = ends_[index(fd)].other;
    if (other < 0) return;
    ends_[index(other)].in_end = true;
    tell(other, event_kind::ending);
    if (ends_[index(fd)].in_end) tell(fd, event_kind::broken);
}

void sim_backend::close(int fd) noexcept {
    const int other = ends_[index(fd)].other;
    if (other >= 0) {
        ends_[index(other)].in_end = true;
        ends_[index(other)].other = -1;
        tell(other, event_kind::ending);
    }
    release(fd);
}

void sim_backend::reset(int fd) noexcept {
    const int other = ends_[index(fd)].other;
    if (other >= 0) {
        ends_[index(other)].in_reset = true;
        ends_[index(other)].other = -1;
        tell(other, event_kind::broken);
    }
    release(fd);
}

bool sim_backend::shed_connection(int listener) noexcept {
    end& from = ends_[index(listener)];
    if (from.waiting.empty() || fails(call::shed, listener)) return false;
    const int victim = from.waiting.front();
    from.waiting.pop_front();
    reset(victim);
    ++shed_;
    return true;
}

}  // namespace weft::net
