// One session: a transport, perhaps a second one on probation, and a queue for what no transport
// takes yet. Packets leave in the order they were given, also across an upgrade: from the moment
// the server's probe answer came until the old transport is silent, nothing is sent.

#include "engineio/client_session.hpp"

#include <algorithm>
#include <new>
#include <utility>

#include <weft/base/base64.hpp>

#include "base/explained.hpp"

namespace weft::engineio {
namespace {

constexpr std::size_t packet_overhead = 64;  // what a queued packet costs besides its bytes
constexpr duration memory_pause = std::chrono::milliseconds(100);  // until it is tried again

/// A packet that must not get lost without a word.
message packet_of(std::string_view text) {
    message made = message::text(text);
    if (!made) throw std::bad_alloc();
    return made;
}

error bad_option(std::string_view what) {
    return {weft::errc::invalid_argument, std::string(what)};
}

std::size_t size_in_payload(const message& what) noexcept {
    const bool text = what.kind() == message_kind::text;
    return text ? what.size() : (what.size() + 2) / 3 * 4 + 1;
}

}  // namespace

std::string path_of(std::string_view url) {
    const auto parsed = ws::client_url::parse(url);
    if (!parsed || !parsed->unix_path.empty()) return {};
    return parsed->target.substr(0, parsed->target.find('?'));
}

/// A WebSocket that may become the transport.
class client_session::probe final : private client_transport_user {
public:
    explicit probe(client_session& owner)
        : owner_(owner), transport_(make_client_websocket(owner.route_, *this)) {}

    result<void> open() { return transport_->open(); }
    std::unique_ptr<client_transport> take() noexcept { return std::move(transport_); }

private:
    void on_packet(packet_type type, message_view data) override {
        if (type != packet_type::pong || data.text() != "probe" || owner_.switching_) {
            return owner_.end_upgrade(true);
        }
        owner_.switching_ = true;
        owner_.transport_->pause([&owner = owner_] { owner.end_upgrade(false); });
    }
    void on_writable() override {
        if (std::exchange(asked_, true)) return;
        const message question = packet_of("2probe");
        transport_->send({&question, 1});
    }
    void on_transport_closed(std::optional<error>, const http::client_response*) override {
        owner_.end_upgrade(true);
    }

    client_session& owner_;
    bool asked_ = false;
    std::unique_ptr<client_transport> transport_;
};

client_session::client_session(net::loop_core& loop, ws::client_context context,
                               const client_options& options, client_user& user)
    : options_(options),
      context_(std::move(context)),
      route_{loop,
             context_,
             {},
             options_.headers,
             options_.proxy,
             options_.with_credentials,
             options_.max_message,
             options_.max_queue,
             options_.timeout,
             options_.request_timeout,
             options_.per_message_deflate},
      user_(&user),
      heartbeat_([this] { heartbeat(); }),
      self_(std::make_shared<client_session*>(this)) {}

client_session::~client_session() = default;

template <class F>
void client_session::later(F task) {
    route_.loop.post(
        [weak_self = std::weak_ptr<client_session*>(self_), task = std::move(task)]() mutable {
            if (weak_self.lock()) task();
        });
}

void client_session::forget_user() noexcept {
    user_ = nullptr;
}

// ---- Opening ----

result<void> client_session::prepare() {
    auto url = ws::client_url::parse(options_.url);
    if (!url) return url.error();
    if (options_.transports.empty()) return bad_option("transports must not be empty");
    if (options_.path.empty() || options_.path.front() != '/') {
        return bad_option("path must begin with '/'");
    }
    const std::size_t question = url->target.find('?');
    std::string target = options_.path;
    if (options_.add_trailing_slash && target.back() != '/') target += '/';
    if (question != std::string::npos) target += url->target.substr(question);
    for (const auto& [name, value] : options_.query) append_query(target, name, value);
    url->target = std::move(target);
    if (!url->user_info.empty()) {
        route_.headers.push_back(
            {"Authorization", "Basic " + base64_encode(as_bytes(url->user_info))});
        url->user_info.clear();
    }
    route_.url = *std::move(url);
    return {};
}

result<void> client_session::open() {
    if (state_ != state::idle) return error(weft::errc::invalid_state, "the session was opened");
    if (auto ready = prepare(); !ready) return ready;
    auto begun = begin(options_.transports[next_transport_++]);
    if (begun) state_ = state::opening;
    return begun;
}

result<void> client_session::begin(transport_kind how) {
    transport_ = how == transport_kind::polling ? make_client_polling(route_, *this)
                                                : make_client_websocket(route_, *this);
    return transport_->open();
}

void client_session::opened(std::string_view data) {
    auto facts = read_open(data);
    if (!facts) return finish(close_cause::transport_error, {errc::bad_packet, "open"});
    facts_ = *std::move(facts);
    route_.sid = facts_.sid;
    state_ = state::open;
    alive();
    const bool upgrades = options_.upgrade && facts_.upgrades_to_websocket &&
                          transport_->kind() == transport_kind::polling &&
                          std::find(options_.transports.begin(), options_.transports.end(),
                                    transport_kind::websocket) != options_.transports.end();
    if (upgrades) start_upgrade();
    if (user_ != nullptr) user_->on_open();
}

// ---- While it is open ----

duration client_session::patience() const noexcept {
    return std::chrono::milliseconds(facts_.ping_interval + facts_.ping_timeout);
}

void client_session::alive() {
    route_.loop.arm(heartbeat_, weft::later(route_.loop.now(), patience()));
}

/// No packet came. But a large one may be on its way over a slow line.
void client_session::heartbeat() {
    if (const auto last = transport_->receiving()) {
        const time_point due = weft::later(*last, patience());
        if (due > route_.loop.now()) return route_.loop.arm(heartbeat_, due);
    }
    try {
        later([this] {
            finish(close_cause::ping_timeout,
                   explained(make_error_code(errc::ping_timeout), "nothing came from the server"));
        });
    } catch (const std::bad_alloc&) {
        route_.loop.arm(heartbeat_, weft::later(route_.loop.now(), memory_pause));
    }
}

void client_session::on_packet(packet_type type, message_view data) {
    if (state_ == state::opening) {
        if (type == packet_type::open) return opened(data.text());
        return finish(close_cause::transport_error, {errc::bad_packet, "before open"});
    }
    if (state_ == state::closed) return;
    alive();
    switch (type) {
        case packet_type::message:
            if (state_ == state::open && user_ != nullptr) user_->on_message(data);
            return;
        case packet_type::ping:
            send(packet_of("3"));
            if (user_ != nullptr) user_->on_ping();
            return;
        case packet_type::noop:
        case packet_type::pong:
        case packet_type::upgrade: return;
        case packet_type::open:
        case packet_type::close:
            return finish(close_cause::transport_error, {errc::bad_packet, "out of place"});
    }
}

void client_session::on_writable() {
    flush();
    if (state_ == state::closing) close_transport();
}

send_status client_session::send(std::span<const message> group) {
    if (state_ != state::open) return send_status::closed;
    std::size_t size = 0;
    for (const message& one : group) {
        if (!one) return send_status::dropped;
        size += one.size() + packet_overhead;
    }
    if (size > options_.max_queue - std::min(options_.max_queue, queued_)) {
        return send_status::dropped;
    }
    const bool waits = behind();
    queue_.insert(queue_.end(), group.begin(), group.end());
    queued_ += size;
    try {
        flush();
    } catch (...) {  // none of them has left: whoever sent these sees it
        queue_.erase(queue_.end() - static_cast<std::ptrdiff_t>(group.size()), queue_.end());
        queued_ -= size;
        throw;
    }
    return waits ? send_status::queued : send_status::sent;
}

bool client_session::behind() const noexcept {
    return state_ != state::open || !queue_.empty() || switching_ || !transport_->writable() ||
           !transport_->keeps_up();
}

/// How many packets go out together: in polling, as many as the server takes in one body.
std::size_t client_session::batch_size() const noexcept {
    if (transport_->kind() != transport_kind::polling || facts_.max_payload == 0) {
        return queue_.size();
    }
    std::uint64_t left = facts_.max_payload;
    std::size_t count = 0;
    for (const message& one : queue_) {
        const std::size_t size = size_in_payload(one) + 1;
        if (count > 0 && size > left) break;
        left -= std::min<std::uint64_t>(left, size);
        ++count;
    }
    return count;
}

void client_session::flush() {
    if (state_ != state::open && state_ != state::closing) return;
    if (switching_ || queue_.empty() || !transport_->writable()) return;
    const auto end = queue_.begin() + static_cast<std::ptrdiff_t>(batch_size());
    const std::vector<message> batch(queue_.begin(), end);
    transport_->send(batch);  // what it throws leaves them waiting
    queue_.erase(queue_.begin(), end);
    for (const message& one : batch) queued_ -= one.size() + packet_overhead;
}

// ---- Upgrading ----

void client_session::start_upgrade() {
    probe_ = std::make_unique<probe>(*this);
    // Without it the session goes on as it is.
    if (!probe_->open()) probe_.reset();
}

/// Without the memory for it the session goes on as it was, or ends, and its user knows.
void client_session::end_upgrade(bool failed) {
    const std::unique_ptr<probe> was = std::move(probe_);
    const bool paused = std::exchange(switching_, false);
    const message upgrade = failed ? message() : message::text("5");
    try {
        if (upgrade) {
            transport_ = was->take();
            transport_->set_user(*this);
            transport_->send({&upgrade, 1});
        } else if (paused) {
            transport_->resume();
        }
        on_writable();
    } catch (const std::bad_alloc&) {
        return finish(close_cause::transport_error,
                      error(std::make_error_code(std::errc::not_enough_memory)));
    }
    if (upgrade && state_ == state::open && user_ != nullptr) user_->on_upgrade();
}

// ---- Closing ----

void client_session::close() {
    if (state_ == state::closing || state_ == state::closed) return;
    const bool was_open = state_ == state::open;
    state_ = state::closing;
    if (!was_open) {
        return later([this] {
            finish(close_cause::forced_close,
                   explained(make_error_code(weft::errc::closed_locally), "before it was open"));
        });
    }
    on_writable();
}

void client_session::close_transport() {
    if (!queue_.empty() || switching_ || !transport_->writable()) return;  // `on_writable` follows
    transport_->close();
}

void client_session::on_transport_closed(std::optional<error> why,
                                         const http::client_response* response) {
    if (state_ == state::closing) {
        return finish(close_cause::forced_close, {weft::errc::closed_locally});
    }
    if (state_ == state::opening && options_.try_all_transports &&
        next_transport_ < options_.transports.size()) {
        try {
            const auto begun = begin(options_.transports[next_transport_++]);
            if (!begun) finish(close_cause::transport_error, begun.error());
        } catch (const std::bad_alloc&) {
            finish(close_cause::transport_error,
                   error(std::make_error_code(std::errc::not_enough_memory)));
        }
        return;
    }
    if (why) return finish(close_cause::transport_error, *std::move(why), response);
    finish(close_cause::transport_close, {weft::errc::closed_by_peer, "the transport"});
}

void client_session::finish(close_cause cause, const error& why,
                            const http::client_response* response) {
    if (state_ == state::closed) return;
    state_ = state::closed;
    heartbeat_.cancel();
    queue_.clear();
    queued_ = 0;
    switching_ = false;
    probe_.reset();
    transport_.reset();
    if (client_user* const told = std::exchange(user_, nullptr))
        told->on_close(cause, why, response);
}

}  // namespace weft::engineio
