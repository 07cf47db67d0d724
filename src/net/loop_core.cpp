// The loop. One iteration: wait for a batch of events and receive what they announce; run due
// timers and posted tasks; read on where a budget had cut a stream off; then settle: write what all
// of that queued, tell who was drained, end what was closed. Objects die only in the last step, so
// nothing that an iteration holds can dangle.

#include "net/loop_core.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "net/connector.hpp"
#include "net/moved_stream.hpp"
#include "net/proxy_entry.hpp"
#include "net/tls/tls_context.hpp"
#include "net/tls/tls_session.hpp"
#include "net/worker_pool.hpp"

namespace weft::net {
namespace {

constexpr duration accept_back_off = std::chrono::milliseconds(50);
constexpr duration longest_wait = std::chrono::minutes(1);
/// Lines about slow turns come at most this often.
constexpr duration slow_turn_rest = std::chrono::seconds(10);
/// After a slow turn callbacks are watched for so long, so that the next one can be explained.
constexpr duration watch_time = std::chrono::minutes(1);

/// Units of work, or bytes to send, between two looks at the clock.
constexpr std::int64_t look_every = 64 * 1024;
/// What these spend of it.
constexpr std::int64_t accept_work = 16 * 1024;
constexpr std::int64_t newcomer_work = 16 * 1024;
constexpr std::int64_t handshake_work = 256 * 1024;
constexpr std::int64_t end_work = 16 * 1024;
constexpr std::int64_t task_work = 2 * 1024;  // a timer or a posted task

/// Of an option; what is left may be overdrawn.
std::int64_t as_work(std::size_t most) noexcept {
    constexpr std::int64_t endless = std::numeric_limits<std::int64_t>::max() / 2;
    return static_cast<std::int64_t>(std::min<std::size_t>(most, endless));
}

}  // namespace

loop_core::loop_core(std::unique_ptr<backend> io, const loop_options& options)
    : options_(options),
      share_(as_work(options.budgets.connection_work)),
      io_(std::move(io)),
      mail_(std::make_shared<mailbox>(*io_)),
      now_(io_->now()),
      turn_ended_(now_),
      wheel_(now_),
      receive_memory_(
          std::make_unique_for_overwrite<std::byte[]>(padding + receive_size + padding)),
      scratch_memory_(std::make_unique_for_overwrite<std::byte[]>(scratch_size + padding)),
      seal_memory_(std::make_unique_for_overwrite<std::byte[]>(seal_size)) {}

loop_core::~loop_core() {
    shut_down();
    if (in_loop_thread()) owner_->release();  // started, and not finished
}

void loop_core::run() {
    if (!start()) return;
    turn_until_stopped();
    finish();
}

void loop_core::turn_until_stopped() noexcept {
    // The moment at which a turn ended is the one at which the next begins to wait: no second look
    // at the clock.
    turn_ended_ = io_->now();
    for (auto next = next_turn(); next;)
        next = iterate(std::clamp(*next - turn_ended_, duration::zero(), longest_wait));
}

bool loop_core::start() noexcept {
    return owner_->try_claim();
}

void loop_core::finish() noexcept {
    if (!in_loop_thread()) return;
    stopping_.store(false, std::memory_order_relaxed);
    owner_->release();
}

void loop_core::stop() noexcept {
    stopping_.store(true, std::memory_order_release);
    io_->wake();
}

bool loop_core::idle() const noexcept {
    return ready_.empty() && line_.empty() && dirty_.empty() && put_off_.empty() &&
           closing_.empty() && drained_.empty() && mail_->empty();
}

std::optional<time_point> loop_core::next_turn() const noexcept {
    if (stopping_.load(std::memory_order_acquire)) return std::nullopt;
    if (!idle()) return now_;
    return later(now_, wheel_.until_next(now_, duration::max()));
}

std::optional<time_point> loop_core::turn(duration max_wait) {
    if (!in_loop_thread()) {
        const owner_scope own(owner_);
        return own ? turn(max_wait) : std::nullopt;
    }
    if (stopping_.load(std::memory_order_acquire)) return std::nullopt;
    const bool may_wait = max_wait > duration::zero() && idle();
    return iterate(may_wait ? wheel_.until_next(io_->now(), max_wait) : duration::zero());
}

std::optional<time_point> loop_core::iterate(duration wait) noexcept {
    handshakes_left_ = options_.budgets.tls_handshakes;
    newcomers_left_ = options_.budgets.newcomers;
    bytes_left_ = options_.budgets.turn_bytes;
    pressed_ = !idle();
    const std::uint64_t sent = metrics_.bytes_sent.read();
    send_until_ = sent + std::min(bytes_left_, std::numeric_limits<std::uint64_t>::max() - sent);
    look_at_sent_ = std::min<std::uint64_t>(send_until_, sent + look_every);
    std::swap(ready_, ready_now_);  // what is cut off in this iteration reads on in the next
    io_->wait(wait, *this);
    metrics_.iterations.add();
    run_timers();
    run_posted();
    read_left_over();
    serve_line();
    take_up_put_off();
    settle();
    end_turn();
    return next_turn();
}

void loop_core::run_timers() noexcept {
    const unsigned most = options_.budgets.timers;
    for (unsigned left = most; left > 0; --left) {
        bool more = false;
        run_guarded("a timer", [&] { more = wheel_.advance(now_, 1); });
        if (!more) return;
        if (left == most) begin_phase(io_->now());
        until_look_ -= task_work;
        if (note_spent()) return;
    }
}

void loop_core::run_posted() noexcept {
    if (mail_->empty()) return;
    begin_phase(io_->now());
    metrics_.posted_tasks.add(mail_->drain(options_.budgets.posted_tasks, [this](auto& task) {
        run_guarded("a posted task", task);
        until_look_ -= task_work;
        return !note_spent();
    }));
}

void loop_core::end_turn() noexcept {
    turn_ended_ = io_->now();
    const duration took = turn_ended_ - now_;
    metrics_.turns.add(took);
    if (took > turn_times::first_bound) [[unlikely]]
        note_long_turn(took);
}

void loop_core::note_long_turn(duration took) noexcept {
    metrics_.turns.add_long(took);
    if (options_.slow_turn == duration::zero()) return;
    if (took > options_.slow_turn) {
        metrics_.slow_turns.add();
        ++slow_turns_untold_;
        if (turn_ended_ >= next_slow_line_) tell_slow_turn(took);
        callbacks_.start(std::max(options_.slow_turn / 2, turn_times::first_bound));
        arm(watch_end_, later(turn_ended_, watch_time));
    }
    (void)callbacks_.take();  // of this turn: not the next one's
}

void loop_core::tell_slow_turn(duration took) noexcept {
    const auto ms = [](duration time) {
        return std::to_string(std::chrono::floor<std::chrono::milliseconds>(time).count()) + " ms";
    };
    next_slow_line_ = later(turn_ended_, slow_turn_rest);
    try {
        std::string line = "a turn took " + ms(took);
        if (!callbacks_.on()) {
            line += ": a handler may block this loop, and the next one will be named";
        } else if (const auto longest = callbacks_.take(); !longest.place.empty()) {
            line += ", " + ms(longest.took) + " of it in " + longest.place;
        } else {
            line += ", spread over many short callbacks";
        }
        line += " (slow_turn is " + ms(options_.slow_turn) + ")";
        if (slow_turns_untold_ > 1)
            line +=
                "; " + std::to_string(slow_turns_untold_ - 1) + " more since the last such line";
        log(log_level::warning, "net", line);
    } catch (...) {  // no memory for a line
    }
    slow_turns_untold_ = 0;
}

std::optional<time_point> loop_core::flush() noexcept {
    const owner_scope own(owner_);
    if (!own) return std::nullopt;
    settle();
    return next_turn();
}

void loop_core::settle() noexcept {
    // Ending one stream may make others write, and writing may end streams. Each round ends or
    // writes something. When very many end at once, the rest waits for the next turn.
    begin_phase(io_->now());
    do {
        flush_dirty();
        tell_drained();
        flush_dirty();  // what dies next may have written just now: it must not be on this list
        finish_closed();
    } while (!dirty_.empty() || (!closing_.empty() && !time_is_up()));
    // The destructors may replace other handlers: the list may grow, and move, amid this.
    for (std::size_t i = 0; i < graveyard_.size(); ++i) std::exchange(graveyard_[i], nullptr);
    graveyard_.clear();
}

void loop_core::flush_dirty() noexcept {
    while (!dirty_.empty()) {
        std::swap(dirty_, dirty_now_);
        for (std::size_t i = 0; i < dirty_now_.size(); ++i) {
            if (i + 1 < dirty_now_.size()) __builtin_prefetch(dirty_now_[i + 1]);
            tcp_stream& s = *dirty_now_[i];
            if (sent_enough() && s.put_off()) {
                put_off_.push_back(s.id());
            } else {
                s.flush_dirty();
            }
        }
        dirty_now_.clear();
    }
}

void loop_core::read_left_over() noexcept {
    bytes_left_ = options_.budgets.turn_bytes;
    newcomers_left_ = options_.budgets.newcomers;  // those who wait are not behind those who come
    if (ready_now_.empty()) return;
    begin_phase(io_->now());
    auto next = ready_now_.begin();
    for (; next != ready_now_.end(); ++next) {
        begin_share();
        if (bytes_left_ == 0) break;
        if (tcp_stream* s = streams_.find(next->slot(), next->generation())) s->read_on();
    }
    ready_.insert(ready_.begin(), next, ready_now_.end());  // there is room: see reserve_lists
    ready_now_.clear();
}

/// One after the other, and from the front again, until they have done what a turn may.
void loop_core::serve_line() noexcept {
    if (line_.empty()) return;
    std::int64_t left = as_work(options_.budgets.turn_work);
    begin_phase(io_->now());
    while (left > 0 && !line_.empty() && !time_is_up()) {
        waiting next = std::move(line_.front());
        line_.pop_front();
        const std::int64_t share = std::min(left, share_);
        work_left_ = share;
        if (next.task) {
            run_guarded("a turn", next.task);
        } else if (tcp_stream* const s =
                       streams_.find(next.stream.slot(), next.stream.generation())) {
            s->take_turn();
        }
        const std::int64_t spent = std::max<std::int64_t>(share - work_left_, 1);
        left -= spent;
        until_look_ -= spent;
    }
}

void loop_core::begin_phase(time_point at) noexcept {
    work_left_ = share_;
    until_look_ = look_every;
    phase_until_ = later(at, options_.budgets.phase_time);
}

bool loop_core::look_at_clock() noexcept {
    if (io_->now() >= phase_until_) return true;
    until_look_ = look_every;
    return false;
}

bool loop_core::look_at_sends() noexcept {
    const std::uint64_t sent = metrics_.bytes_sent.read();
    if (sent >= send_until_ || look_at_clock()) return true;
    look_at_sent_ = std::min(send_until_, sent + look_every);
    return false;
}

/// They go behind those that have written in this turn.
void loop_core::take_up_put_off() noexcept {
    for (const conn_id id : put_off_) {
        if (tcp_stream* s = streams_.find(id.slot(), id.generation())) dirty_.push_back(s);
    }
    put_off_.clear();
}

void loop_core::tell_drained() noexcept {
    std::swap(drained_, drained_now_);
    for (const conn_id id : drained_now_) {
        if (tcp_stream* s = streams_.find(id.slot(), id.generation())) s->tell_drained();
    }
    drained_now_.clear();
}

void loop_core::finish_closed() noexcept {
    std::swap(closing_, closing_now_);
    auto next = closing_now_.begin();
    for (; next != closing_now_.end() && !time_is_up(); ++next) {
        until_look_ -= end_work;
        tcp_stream* const s = *next;
        if (!s->finish()) continue;
        metrics_.open.sub();
        if (s->is_outgoing()) --outgoing_;
        streams_.free(s->id().slot());
    }
    closing_.insert(closing_.begin(), next, closing_now_.end());  // room: see reserve_lists
    closing_now_.clear();
}

bool loop_core::take_handshake() noexcept {
    if (handshakes_left_ == 0) return false;
    --handshakes_left_;
    until_look_ -= handshake_work;
    return true;
}

bool loop_core::take_newcomer() noexcept {
    if (newcomers_left_ == 0) return false;
    --newcomers_left_;
    until_look_ -= newcomer_work;
    return true;
}

// ---- Events ----

void loop_core::on_readable(io_token token) noexcept {
    if (tcp_stream* s = stream_of(token)) s->on_readable();
}
void loop_core::on_ready(io_token token) noexcept {
    tcp_stream* const s = stream_of(token);
    if (s == nullptr) return;
    s->on_writable();
    s->on_readable();
}
void loop_core::on_ending(io_token token) noexcept {
    if (tcp_stream* s = stream_of(token)) s->on_ending();
}
void loop_core::on_writable(io_token token) noexcept {
    if (tcp_stream* s = stream_of(token)) s->on_writable();
}
void loop_core::on_broken(io_token token) noexcept {
    if (tcp_stream* s = stream_of(token)) s->on_broken();
}

void loop_core::on_sent(io_token token, const io_result& how) noexcept {
    if (tcp_stream* s = stream_of(token)) s->on_sent(how);
}

loop_core::listener* loop_core::listener_of(io_token token) noexcept {
    if (token.slot >= listeners_.size()) return nullptr;
    listener& found = listeners_[token.slot];
    return found.fd >= 0 && found.generation == token.generation ? &found : nullptr;
}

void loop_core::on_acceptable(io_token token) noexcept {
    // Those that were taken before come first: a queue in the kernel is cheaper than one of ours.
    const bool many_wait = ready_now_.size() >= options_.budgets.newcomers;
    for (unsigned budget = many_wait ? 1 : options_.budgets.accepts; budget > 0; --budget) {
        listener* from = listener_of(token);  // accepting may run user code that closes it
        if (from == nullptr) return;
        if (from->readable) return run_guarded("the handler of a descriptor", from->readable);
        if (!from->accept->may_accept()) {
            pause_accepting(token.slot, "accepting pauses for 50 ms: memory_limit is reached");
            return;
        }
        int fd = -1;
        socket_address peer;
        const io_result got = io_->accept(from->fd, fd, peer);
        if (got.what == io_result::status::would_block) return;
        if (got.what == io_result::status::failed) {
            // Out of descriptors or memory. Waiting clients are dropped rather than left hanging,
            // and the listener rests, so that a full table costs neither a spin nor the connections
            // that are open.
            while (budget > 0 && io_->shed_connection(from->fd)) {
                metrics_.refused_no_descriptor.add();
                --budget;
            }
            pause_accepting(token.slot,
                            "accepting pauses for 50 ms: descriptors ran out (raise the limit of "
                            "open files)");
            return;
        }
        accept_one(*from, fd, peer);
        until_look_ -= accept_work;
        if (time_is_up()) return;
    }
}

void loop_core::pause_accepting(std::uint32_t slot, std::string_view why) noexcept {
    listener& l = listeners_[slot];
    io_->pause_listener(l.fd, {io_token::kind::listener, slot, l.generation}, true);
    tell_refusal(log_level::warning, "net", why, [] { return refusal_facts{}; });
    arm(*l.back_off, later(now_, accept_back_off));
}

tcp_stream* loop_core::make_stream(int fd, const socket_address& peer) {
    reserve_lists();
    tcp_stream* s = streams_.make(*this, fd, peer);
    if (s == nullptr) {
        io_->close(fd);
        return nullptr;
    }
    const conn_id id = s->id();
    if (io_->watch_stream(fd, {io_token::kind::stream, id.slot(), id.generation()})) {
        streams_.free(id.slot());
        return nullptr;
    }
    metrics_.open.add();
    return s;
}

/// Every stream is on each list at most once, so none of them allocates later, amid an iteration;
/// it buries at most two handlers.
void loop_core::reserve_lists() {
    const std::size_t needed = streams_.size() + 1;
    if (list_room_ >= needed) return;
    const std::size_t room = std::max<std::size_t>(64, needed + needed / 2);
    for (auto* list : {&ready_, &ready_now_, &put_off_, &drained_, &drained_now_}) {
        list->reserve(room);
    }
    for (auto* list : {&dirty_, &dirty_now_, &closing_, &closing_now_}) list->reserve(room);
    graveyard_.reserve(2 * room);  // a handler that was replaced, and the one that it left to
    list_room_ = room;
}

void loop_core::accept_one(listener& from, int fd, const socket_address& peer) noexcept {
    if (!from.proxies.empty() && !from.proxies.has(peer)) {
        io_->close(fd);
        return tell_unproxied(peer, "it is none of the trusted proxies (trusted_proxies)");
    }
    tcp_stream* s = nullptr;
    try {
        s = adopt(from, fd, peer);
    } catch (...) {  // no memory for one more: that one goes
        io_->close(fd);
    }
    if (s != nullptr) return;
    metrics_.refused_limit.add();
    tell_refusal(log_level::warning, "net", "a connection is closed at once: memory ran out",
                 [&] { return refusal_facts{.peer = peer.to_string()}; });
}

tcp_stream* loop_core::adopt(listener& from, int fd, const socket_address& peer) {
    const std::shared_ptr<tls_server_context> tls = from.tls;
    acceptor& decide = *from.accept;
    const bool proxied = !from.proxies.empty();
    tcp_stream* s = make_stream(fd, peer);
    if (s == nullptr) return nullptr;
    metrics_.accepted.add();
    if (!proxied) {
        admit(*s, decide, tls);
        return s;
    }
    try {
        s->set_handler(std::make_unique<proxy_entry>(*s, decide, tls));
        s->set_deadline(later(now_, options_.limits.proxy_header));
    } catch (...) {
        metrics_.refused_limit.add();
        s->abort(std::make_error_code(std::errc::not_enough_memory));
    }
    return s;
}

void loop_core::admit(tcp_stream& s, acceptor& decide,
                      const std::shared_ptr<tls_server_context>& tls) noexcept {
    try {
        if (tls != nullptr) {
            auto session = tls->make_session();
            if (!session) {
                metrics_.tls_failures.add();
                return s.abort(session.error().code());
            }
            s.set_tls(std::move(*session));
        }
        std::unique_ptr<stream_handler> handler = decide.on_accept(s);
        if (handler == nullptr) {
            metrics_.refused_limit.add();
            return s.abort(make_error_code(errc::limit_exceeded));
        }
        s.set_handler(std::move(handler));
        s.set_newcomer();
        s.start();
    } catch (...) {
        metrics_.refused_limit.add();
        s.abort(std::make_error_code(std::errc::not_enough_memory));
    }
}

void loop_core::tell_unproxied(const socket_address& peer, std::string_view why) noexcept {
    metrics_.unproxied.add();
    tell_refusal(log_level::warning, "net", "a listener with proxy_protocol closed a connection",
                 [&] { return refusal_facts{.peer = peer.to_string(), .value = why}; });
}

void loop_core::arrive(moved_stream what, acceptor& accept) noexcept {
    tcp_stream* s = nullptr;
    try {
        // Only now is the descriptor somebody else's to close.
        s = make_stream(what.fd_, what.peer_.address());
        what.fd_ = -1;
        if (s == nullptr) return metrics_.refused_limit.add();
        std::unique_ptr<stream_handler> handler = accept.on_accept(*s);
        if (handler == nullptr) {
            metrics_.refused_limit.add();
            return s->abort(make_error_code(errc::limit_exceeded));
        }
        s->set_handler(std::move(handler));
        s->resume(what);
    } catch (...) {
        metrics_.refused_limit.add();
        if (s != nullptr) s->abort(std::make_error_code(std::errc::not_enough_memory));
    }
}

// ---- Listeners, timers, connections ----

result<listener_id> loop_core::listen(const listen_options& where, acceptor& accept,
                                      std::shared_ptr<tls_server_context> tls) {
    if (auto right = where.check(); !right) return right.error();
    auto proxies = network_list::make(where.proxy_protocol_from);
    if (!proxies) return proxies.error();
    auto fd = io_->listen(where);
    if (!fd) return fd.error();
    const auto id = add_listener(*fd);
    if (!id) return id.error();
    const std::uint32_t slot = *id;
    listeners_[slot].accept = &accept;
    listeners_[slot].tls = std::move(tls);
    listeners_[slot].proxies = std::move(*proxies);
    // Made now: there may be no memory when it is needed.
    listeners_[slot].back_off = std::make_unique<timer>([this, slot] {
        const listener& rested = listeners_[slot];
        io_->pause_listener(rested.fd, {io_token::kind::listener, slot, rested.generation}, false);
    });
    return slot;
}

result<listener_id> loop_core::watch(int fd, unique_function<void()> readable) {
    const auto id = add_listener(fd);
    if (!id) return id.error();
    listeners_[*id].readable = std::move(readable);
    return *id;
}

result<listener_id> loop_core::add_listener(int fd) {
    std::uint32_t slot = 0;
    while (slot < listeners_.size() && listeners_[slot].fd >= 0) ++slot;
    if (slot == listeners_.size()) listeners_.emplace_back();
    listener& l = listeners_[slot];
    ++l.generation;
    if (const auto why = io_->watch_listener(fd, {io_token::kind::listener, slot, l.generation})) {
        io_->close(fd);
        return error(why, "cannot watch the listening socket");
    }
    l.fd = fd;
    return slot;
}

result<socket_address> loop_core::local_address(listener_id id) {
    if (id >= listeners_.size() || listeners_[id].fd < 0) return errc::invalid_state;
    return io_->local_address(listeners_[id].fd);
}

void loop_core::close_listener(listener_id id) noexcept {
    if (id >= listeners_.size() || listeners_[id].fd < 0) return;
    listener& l = listeners_[id];
    io_->close(std::exchange(l.fd, -1));
    l.back_off.reset();
    l.tls.reset();
    l.readable = {};
}

/// Kept by the loop until it has fired, for the last time, or was cancelled.
class scheduled_task final : public timer_node {
public:
    scheduled_task(loop_core& by, duration every, unique_function<void()> what,
                   std::optional<weak_anchor<scheduled_task>> named)
        : timer_node([](timer_node& node) {
              auto& self = static_cast<scheduled_task&>(node);
              self.loop.run_scheduled(self);
          }),
          loop(by),
          period(every),
          task(std::move(what)),
          anchor(std::move(named)) {
        if (anchor) anchor->set(this);
    }

    loop_core& loop;
    const duration period;
    unique_function<void()> task;
    std::optional<weak_anchor<scheduled_task>> anchor;
    std::size_t index = 0;
    time_point due{};
    bool running = false, cancelled = false;
};

/// Steps of the golden ratio: however many there are, they lie evenly. Other processes begin
/// elsewhere.
std::optional<duration> loop_core::comeback() noexcept {
    if (retry_within_ == duration::zero()) return std::nullopt;
    if (comebacks_ == 0) comebacks_ = static_cast<std::uint32_t>(now_.time_since_epoch().count());
    comebacks_ += 0x9e37'79b9U;
    const double part = static_cast<double>(comebacks_) / 4294967296.0;
    const auto chosen = std::chrono::duration_cast<duration>(retry_within_ * part);
    return std::max<duration>(chosen, std::chrono::milliseconds(1));
}

void loop_core::after(duration delay, unique_function<void()> task) {
    add_scheduled(delay, std::make_unique<scheduled_task>(*this, duration::zero(), std::move(task),
                                                          std::nullopt));
}

void loop_core::schedule(duration delay, duration period, unique_function<void()> task,
                         weak_anchor<scheduled_task> anchor) {
    add_scheduled(
        delay, std::make_unique<scheduled_task>(*this, period, std::move(task), std::move(anchor)));
}

void loop_core::add_scheduled(duration delay, std::unique_ptr<scheduled_task> fresh) {
    scheduled_task& added = *fresh;
    added.index = scheduled_.size();
    scheduled_.push_back(std::move(fresh));
    added.due = later(io_->now(), delay);
    wheel_.arm(added, added.due);
}

void loop_core::run_scheduled(scheduled_task& due) noexcept {
    due.running = true;
    run_guarded("a timer", due.task);
    due.running = false;
    if (due.period == duration::zero() || due.cancelled) return drop_scheduled(due);
    // The next that is not over yet: those that a busy loop has missed are not made up for.
    due.due = later(now_, due.period - (now_ - due.due) % due.period);
    wheel_.arm(due, due.due);
}

void loop_core::cancel(scheduled_task& task) noexcept {
    task.cancelled = true;
    if (!task.running) task.loop.drop_scheduled(task);
}

void loop_core::drop_scheduled(scheduled_task& gone) noexcept {
    const std::size_t index = gone.index;
    if (index >= scheduled_.size() || scheduled_[index].get() != &gone) return;  // they all go
    const std::unique_ptr<scheduled_task> dies = std::move(scheduled_[index]);
    if (index + 1 != scheduled_.size()) {
        scheduled_[index] = std::move(scheduled_.back());
        scheduled_[index]->index = index;
    }
    scheduled_.pop_back();
}

worker_pool& loop_core::workers() {
    if (workers_ == nullptr) workers_ = std::make_shared<worker_pool>();
    return *workers_;
}

void loop_core::run_blocking(unique_function<void()> work, unique_function<void()> done) {
    const std::uint64_t ticket = ++last_ticket_;
    auto answer = mailbox::prepare([this, ticket] {
        auto finished = working_.extract(ticket);
        if (!finished.empty()) finished.mapped()();
    });
    run_on_worker(*this, [mail = mail_, answer = std::move(answer),
                          work = std::move(work)]() mutable noexcept {
        work();
        work = nullptr;  // what it holds dies before `done` can look at it
        mail->push(std::move(answer));
    });
    working_.emplace(ticket, std::move(done));  // at last: what throws above leaves nothing behind
}

void loop_core::shut_down() noexcept {
    const owner_scope own(owner_);
    if (!own || owner_->ended()) return;
    owner_->end();
    for (listener_id id = 0; id < listeners_.size(); ++id) close_listener(id);
    streams_.for_each(
        [](tcp_stream& s, std::uint32_t) { s.abort(make_error_code(errc::shutting_down)); });
    do settle();
    while (!closing_.empty());
    io_->finish_sends(*this);
    do settle();
    while (!closing_.empty());
    // Each may hold the frame of a coroutine, whose locals may start something anew when they die.
    while (!scheduled_.empty()) std::exchange(scheduled_, {});
    while (!working_.empty()) std::exchange(working_, {});
    resolving_.clear();
    mail_->close();
    workers_.reset();
}

}  // namespace weft::net
