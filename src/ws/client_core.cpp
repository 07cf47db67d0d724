// A client's life: attempt, connection, pause, and again. Every attempt and every pause has a
// serial number; what the loop still reports of an earlier one (a connect cannot be called back) is
// dropped by it. The loop holds the core weakly, streams hold it strongly: so handlers die with the
// client, and a connection that is still closing keeps what it refers to. A coroutine that waits is
// destroyed when the loop lets go of the attempt, never resumed on a loop that ends.

#include "ws/client_core.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <exception>
#include <new>

#include <weft/base/base64.hpp>

#include "base/explained.hpp"
#include "http/proto/response_parser.hpp"
#include "http/retry_after.hpp"
#include "http/user_agent.hpp"
#include "net/mailbox.hpp"
#include "net/tls/tls_context.hpp"

namespace weft::ws::detail {
namespace {

constexpr std::uint64_t message_budget = 256ULL * 1024 * 1024;
constexpr std::size_t most_reason = 64;  // of a refusal's reason phrase, in our error text
constexpr std::uint64_t most_refusal = 64 * 1024;  // of a refusal's body
constexpr duration refusal_patience = std::chrono::seconds(1);

options to_connection_options(const client_options& from) {
    options made;
    made.max_message = from.max_message;
    made.message_grace = from.message_grace;
    made.min_message_rate = from.min_message_rate;
    made.ping_interval = from.ping_interval;
    made.idle_timeout = from.idle_timeout;
    made.close_timeout = from.close_timeout;
    made.auto_pong = from.auto_pong;
    made.deliver_while_closing = from.deliver_while_closing;
    made.max_queue = from.max_queue;
    made.pause_reading_at = from.pause_reading_at;
    made.overflow = from.overflow;
    made.deflate = from.deflate;
    return made;
}

bool is_credential(const client_header& header) noexcept {
    return header.credentials || http::same_token(header.name, "Authorization") ||
           http::same_token(header.name, "Proxy-Authorization") ||
           http::same_token(header.name, "Cookie");
}

bool is_redirect(int status) noexcept {
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/// "the server answered 403 Forbidden", whatever the server put into the reason.
std::string describe_refusal(const http::message_head& head) {
    std::string text = "the server answered " + std::to_string(head.status()) + ' ';
    for (const char c : head.reason().substr(0, most_reason)) {
        text += c >= 0x20 && c < 0x7F ? c : '?';
    }
    if (text.back() == ' ') text.pop_back();
    return text;
}

}  // namespace

duration pause_before_retry(const backoff& how, unsigned failures, std::uint32_t random) noexcept {
    const double longest = static_cast<double>(how.max.count());
    const double grown = static_cast<double>(how.initial.count()) *
                         std::pow(how.factor, failures > 0 ? failures - 1 : 0);
    double pause = std::min(grown, longest);
    const double part = static_cast<double>(random) / 4294967295.0;
    if (how.spread == jitter::full) pause *= part;
    if (how.spread == jitter::half) pause *= 0.5 + part / 2;
    return to_duration(pause);
}

client_shared::client_shared(loop_ref home, tls_client_options tls) noexcept
    : loop(std::move(home)), tls_options(std::move(tls)) {}

connection_shared& client_shared::begin() {
    if (!connections) connections.emplace(*loop.core(), none, message_budget);
    return *connections;
}

result<std::shared_ptr<net::tls_client_context>> client_shared::tls() {
    if (!loop.in_loop_thread()) return weft::errc::wrong_thread;
    if (tls_made == nullptr) {
        auto made = net::tls_client_context::make(tls_options);
        if (!made) return made.error();
        tls_made = std::move(*made);
    }
    return tls_made;
}

/// Calls back at most once, and only if the client still wants this attempt. Destroyed uncalled
/// when the loop goes.
class client_core::attempt {
public:
    attempt(client_core& core, std::uint64_t serial)
        : core_(core.weak_from_this()), serial_(serial) {}
    attempt(attempt&&) noexcept = default;
    attempt& operator=(attempt&&) = delete;
    ~attempt() {
        if (const auto core = take()) core->abandoned();
    }
    /// The client, unless it is gone or has turned to something else.
    std::shared_ptr<client_core> take() noexcept {
        auto core = std::exchange(core_, {}).lock();
        return core != nullptr && core->serial_ == serial_ ? core : nullptr;
    }

private:
    std::weak_ptr<client_core> core_;
    std::uint64_t serial_;
};

/// Without memory the attempt fails, and nothing else.
template <class F>
void client_core::within_memory(F&& step) noexcept {
    try {
        step();
    } catch (const std::bad_alloc&) {
        failed(error(std::make_error_code(std::errc::not_enough_memory)), 0);
    }
}

/// Hands a connection's events to the client.
class client_user final : public connection_user {
public:
    explicit client_user(std::shared_ptr<client_core> core) : core_(std::move(core)) {}

    void on_open() override {
        opened_ = true;
        core_->finish_open({});
        core_->call(core_->on.open);
    }
    void on_message(const message_view& what) override { core_->call(core_->on.message, what); }
    void on_ping(byte_view payload) override { core_->call(core_->on.ping, payload); }
    void on_pong(byte_view payload) override { core_->call(core_->on.pong, payload); }
    void on_drained() override { core_->call(core_->on.drain); }
    void on_close(const close_event& event) override {
        opened_ ? core_->closed(event) : core_->never_opened(event.cause);
    }

private:
    const std::shared_ptr<client_core> core_;
    bool opened_ = false;
};

/// Sends the request and reads the response. Of a refusal it also keeps the body, within limits:
/// who waits for the failure does not wait for the end of a long or slow page.
class upgrade_exchange final : public net::stream_handler {
public:
    upgrade_exchange(std::shared_ptr<client_core> core, net::byte_stream& stream)
        : core_(std::move(core)), stream_(stream) {}

    void on_data(byte_span data) noexcept override {
        if (core_ == nullptr) return;
        try {
            if (refusal_) {
                read_refusal(data);
            } else {
                read(data);
            }
        } catch (const std::bad_alloc&) {
            stream_.abort(make_error_code(std::errc::not_enough_memory));
        }
    }
    void on_end(net::byte_stream& stream) noexcept override {
        if (!refusal_) return stream_handler::on_end(stream);
        tell_refusal();
    }
    void on_deadline() noexcept override {
        if (refusal_) return tell_refusal();
        stream_.abort(make_error_code(weft::errc::timed_out));
    }
    void on_closed(std::error_code why) noexcept override {
        if (core_ == nullptr) return;
        if (refusal_ && why != weft::errc::shutting_down) return tell_refusal();
        const auto core = std::move(core_);
        if (core->stream_ != &stream_) return;  // the client has turned to something else
        if (why == weft::errc::shutting_down) {
            core->abandoned();
        } else {
            core->failed(explained(why, "while waiting for the server's response"), 0);
        }
    }

private:
    void read(byte_span data) {
        const auto [status, consumed] = reader_.feed(as_text(data));
        if (status == http::parse_status::incomplete) return;
        if (status == http::parse_status::failed) {
            return fail({reader_.error(), "the server's response"});
        }
        finish(data.subspan(consumed));
    }

    void fail(const error& why, int status = 0,
              const http::client_response* response = nullptr) noexcept {
        const auto core = std::move(core_);
        stream_.close();
        if (core->stream_ == &stream_) core->failed(why, status, response);
    }

    void read_refusal(byte_view more) {
        if (refusal_->feed(as_text(more)).status != http::parse_status::incomplete) tell_refusal();
    }

    /// With what there is of its body.
    void tell_refusal() noexcept {
        if (core_ == nullptr) return;
        const http::client_response response{refusal_->head(), refusal_->body()};
        error why(errc::not_switching);
        try {
            why = error(errc::not_switching, describe_refusal(response.head));
        } catch (const std::bad_alloc&) {  // it is told without its text
        }
        fail(why, response.head.status(), &response);
    }

    void finish(byte_span rest) {
        if (core_->stream_ != &stream_) return;
        const http::message_head& head = reader_.head();
        if (is_redirect(head.status()) && core_->options_.max_redirects > 0 &&
            head.header_count("Location") == 1) {
            const auto core = std::move(core_);
            stream_.close();
            return core->within_memory([&] { core->redirected(head.header("Location")); });
        }
        if (head.status() != 101) {
            refusal_.emplace(std::move(reader_), most_refusal);
            stream_.set_deadline(
                std::min(core_->deadline_, later(stream_.owner().now(), refusal_patience)));
            return read_refusal(rest);
        }
        if (head.minor_version() < 1) {
            return fail({errc::not_switching, describe_refusal(head)}, head.status());
        }
        std::array<http::header_field, http::message_head::max_fields> fields;
        for (std::size_t i = 0; i < head.field_count(); ++i) {
            fields[i] = {head.field(i).name, head.field(i).value};
        }
        connection_shared& shared = *core_->shared_->connections;
        const std::string host = core_->url_.authority();
        const deflate_wishes wishes = core_->wishes();
        client_request request = core_->describe_request(host);
        if (core_->options_.deflate) request.deflate = &wishes;
        client_outcome agreed = check_response(
            head.status(), std::span(fields).first(head.field_count()), request, *shared.sha1);
        if (agreed.error) {
            shared.metrics.errors.count(*agreed.error);
            return fail({*agreed.error, "the server's response"}, head.status());
        }
        if (agreed.deflate) {
            // What we send may use less than was agreed on, and costs less memory then.
            const int ours =
                core_->options_.deflate->window_bits.value_or(deflate_options::default_window_bits);
            agreed.deflate->client_max_window_bits =
                std::min(agreed.deflate->client_max_window_bits, static_cast<std::uint8_t>(ours));
        }
        connection_core& opened = core_->upgraded(stream_, agreed);
        core_ = nullptr;
        opened.on_open();
        if (!rest.empty()) opened.on_data(rest);
    }

    std::shared_ptr<client_core> core_;
    net::byte_stream& stream_;
    http::response_head_reader reader_;
    std::optional<http::response_parser> refusal_;  // once the head said no
};

client_core::client_core(client& face, std::shared_ptr<client_shared> shared, client_options wanted)
    : face_(&face),
      shared_(std::move(shared)),
      options_(std::move(wanted)),
      settings_(to_connection_options(options_)),
      subprotocols_(options_.subprotocols.begin(), options_.subprotocols.end()),
      retry_([this] {
          const auto alive = shared_from_this();
          retry();
      }) {}

client_core::~client_core() = default;

/// For the user's code outside of a connection.
template <class F>
void client_core::guarded(std::string_view callback, F&& what) noexcept {
    shared_->connections->users.call(std::forward<F>(what),
                                     [&] { return user_place{.callback = callback}; });
}

/// The handlers die with the client, but not one that is running.
template <class Handler, class... Args>
void client_core::call(Handler& handler, Args&&... args) {
    if (face_ == nullptr || !handler) return;
    struct scope {
        explicit scope(client_core& entered) noexcept : core(entered) { ++core.calls_; }
        ~scope() {
            if (--core.calls_ == 0 && core.face_ == nullptr) core.on = {};
        }
        client_core& core;
    } const running(*this);
    handler(*face_, std::forward<Args>(args)...);
}

// ---- What the user asks for ----

result<void> client_core::prepare() {
    if (start_) return {};
    if (auto checked = options_.check(); !checked) return checked;
    auto parsed = client_url::parse(options_.url);
    if (!parsed) return parsed.error();
    if (!shared_->begin().sha1) return error(weft::errc::not_supported, "OpenSSL has no SHA-1");
    if (!options_.proxy.empty()) {
        auto proxy = proxy_of(options_.proxy);
        if (!proxy) return proxy.error();
        proxy_ = std::move(*proxy);
    }
    start_ = std::move(*parsed);
    return {};
}

result<void> client_core::connect() {
    if (shared_->loop.ended()) return weft::errc::shutting_down;
    const owner_scope own(owner());
    if (!own) return weft::errc::wrong_thread;
    if (connection_ != nullptr || state_ == client_state::connecting) {
        return error(weft::errc::invalid_state, "the client is connecting or open");
    }
    if (auto ready = prepare(); !ready) return ready;
    if (state_ == client_state::idle) failures_ = 0;
    auto begun = begin();
    if (begun) {
        reconnects_ = options_.reconnect.has_value();
    } else {
        become(client_state::idle);
    }
    return begun;
}

bool client_core::begin_open(result<void>& outcome) {
    if (connection_ != nullptr && connection_->is_open()) return true;
    if (waiter_) {
        outcome = error(weft::errc::invalid_state, "another coroutine waits for this client");
        return true;
    }
    if (state_ == client_state::idle) outcome = connect();
    return !outcome;
}

void client_core::wait_open(weft::detail::suspension waiting, result<void>& outcome) noexcept {
    outcome_ = &outcome;
    waiter_.emplace(std::move(waiting));
}

void client_core::finish_open(result<void> outcome) noexcept {
    if (!waiter_) return;
    *outcome_ = std::move(outcome);
    weft::detail::suspension waiting = std::move(*waiter_);
    waiter_.reset();
    try {
        loop().post([waiting = std::move(waiting)]() mutable { waiting.resume(); });
    } catch (const std::bad_alloc&) {  // the coroutine goes with what would have resumed it
    }
}

unique_function<void(std::error_code)> client_core::while_owned(
    unique_function<void(std::error_code)> done) {
    if (!done) return done;
    // The connection, which keeps the result, does not outlive this core.
    return [this, done = std::move(done)](std::error_code why) mutable {
        if (face_ != nullptr) done(why);
    };
}

void client_core::end(close_code code, std::string_view reason, bool at_once) noexcept {
    reconnects_ = false;
    if (connection_ != nullptr) {
        if (at_once) {
            connection_->terminate();
        } else {
            connection_->close(code, reason);
        }
        return;
    }
    if (state_ == client_state::idle) return;
    if (stream_ != nullptr) stream_->abort(make_error_code(weft::errc::closed_locally));
    become(client_state::idle);
    finish_open(error(weft::errc::closed_locally));
}

void client_core::leave() noexcept {
    if (const owner_scope own(owner()); own) end(close_code::going_away, {}, false);
    face_ = nullptr;
    if (calls_ == 0) on = {};
}

client_state client_core::state() const noexcept {
    if (connection_ == nullptr) return state_;
    return connection_->is_open() ? client_state::open : client_state::closing;
}

std::optional<duration> client_core::retry_in() const noexcept {
    if (state_ != client_state::waiting) return std::nullopt;
    return std::max(duration::zero(), retry_at_ - shared_->loop.now());
}

std::optional<time_point> client_core::receiving() const noexcept {
    return connection_ != nullptr ? connection_->receiving() : std::nullopt;
}

// ---- An attempt ----

void client_core::become(client_state next) noexcept {
    state_ = next;
    stream_ = nullptr;
    retry_.cancel();
    ++serial_;
}

result<void> client_core::begin() {
    url_ = *start_;
    with_credentials_ = true;
    redirects_left_ = options_.max_redirects;
    deadline_ = later(loop().now(), options_.handshake_timeout);
    return connect_to_url();
}

deflate_wishes client_core::wishes() const noexcept {
    const deflate_options chosen = options_.deflate.value_or(deflate_options{});
    const auto bits = static_cast<std::uint8_t>(chosen.window_bits.value_or(15));
    return {!chosen.context_takeover, !chosen.context_takeover, bits, bits};
}

client_request client_core::describe_request(std::string_view host) const noexcept {
    return {host, url_.target, key_, subprotocols_, nullptr, {}};
}

result<std::string> client_core::write_request() {
    std::vector<http::header_field> extra;
    bool authorized = false;
    bool named = false;
    if (!options_.origin.empty()) extra.push_back({"Origin", options_.origin});
    for (const client_header& header : options_.headers) {
        if (is_credential(header) && !with_credentials_) continue;
        authorized = authorized || http::same_token(header.name, "Authorization");
        named = named || http::same_token(header.name, "User-Agent");
        extra.push_back({header.name, header.value});
    }
    if (!named) extra.push_back({"User-Agent", http::user_agent});
    std::string basic;
    if (!start_->user_info.empty() && with_credentials_ && !authorized) {
        basic = "Basic " + base64_encode(as_bytes(start_->user_info));
        extra.push_back({"Authorization", basic});
    }
    const std::string host = url_.authority();
    const deflate_wishes wanted = wishes();
    client_request request = describe_request(host);
    if (options_.deflate) request.deflate = &wanted;
    request.extra = extra;
    return write_upgrade_request(request);
}

result<void> client_core::connect_to_url() {
    auto key = make_key(shared_->connections->random);
    if (!key) return key.error();
    key_ = std::move(*key);
    auto request = write_request();
    if (!request) return request.error();
    request_ = std::move(*request);
    net::connect_options destination{url_.host, url_.port, url_.unix_path,
                                     deadline_ - loop().now()};
    if (destination.timeout <= duration::zero())
        return error(weft::errc::timed_out, "handshake_timeout");
    if (url_.secure) {
        auto tls = shared_->tls();
        if (!tls) return tls.error();
        destination.tls = std::move(*tls);
        destination.tls_name = url_.host;
    }
    become(client_state::connecting);
    http::connect(loop(), std::move(destination), proxy_,
                  [mine = attempt(*this, serial_ + 1)](result<net::byte_stream*> made) mutable {
                      if (const auto core = mine.take()) {
                          core->within_memory([&] { core->connected(std::move(made)); });
                      } else if (made) {
                          (*made)->abort(make_error_code(weft::errc::closed_locally));
                      }
                  });
    ++serial_;  // only now would the end of `mine` be that of the attempt
    return {};
}

void client_core::connected(result<net::byte_stream*> made) {
    if (!made) return failed(made.error(), 0);
    stream_ = *made;
    stream_->set_handler(std::make_unique<upgrade_exchange>(shared_from_this(), *stream_));
    stream_->set_deadline(deadline_);
    stream_->write(as_bytes(request_));
}

void client_core::redirected(std::string_view location) {
    stream_ = nullptr;
    if (redirects_left_ == 0) {
        return failed({errc::not_switching, "more redirects than max_redirects"}, 0);
    }
    --redirects_left_;
    auto next = url_.resolve(location);
    if (!next) return failed({errc::not_switching, "redirect: " + next.error().what()}, 0);
    // What was left out once stays out, also when a later redirect leads back.
    with_credentials_ = with_credentials_ && next->same_origin(url_);
    url_ = std::move(*next);
    if (const auto begun = connect_to_url(); !begun) failed(begun.error(), 0);
}

void client_core::failed(const error& why, int status,
                         const http::client_response* response) noexcept {
    const auto alive = shared_from_this();
    ++failures_;
    plan_retry(http::told_to_wait(response));
    if (state_ == client_state::idle) finish_open(explained(why.code(), why.what()));
    guarded("on_failure", [&] {
        call(on.failure, connect_failure{failures_, status, why, response});
    });
}

connection_core& client_core::upgraded(net::byte_stream& stream, const client_outcome& agreed) {
    auto opened = std::make_unique<connection_core>(stream, role::client, settings_,
                                                    *shared_->connections, agreed.deflate);
    opened->set_user(std::make_unique<client_user>(shared_from_this()));
    subprotocol_ = agreed.subprotocol;
    // Nothing fails from here on.
    connection_ = opened.get();
    opened_at_ = loop().now();
    become(client_state::idle);
    stream.clear_deadline();
    stream.set_handler(std::move(opened));
    return *connection_;
}

/// Memory was out when the server had just said yes: to the user that is an attempt that failed.
void client_core::never_opened(std::error_code why) noexcept {
    connection_ = nullptr;
    if (why == weft::errc::shutting_down) return abandoned();
    failed(error(why), 0);
}

void client_core::closed(const close_event& event) {
    connection_ = nullptr;
    if (event.cause == weft::errc::shutting_down) reconnects_ = false;
    const bool lasted =
        !options_.reconnect || loop().now() - opened_at_ >= options_.reconnect->stable_after;
    failures_ = lasted ? 0 : failures_ + 1;
    plan_retry();
    call(on.close, event);
}

// ---- The pause ----

void client_core::plan_retry(duration told) noexcept {
    become(client_state::idle);
    const auto& again = options_.reconnect;
    if (!reconnects_ || (again->max_attempts > 0 && failures_ >= again->max_attempts)) {
        reconnects_ = false;
        return;
    }
    const auto random = shared_->connections->random.next_u32();
    // The pause of our own comes on top, so that those who were told the same do not come at once.
    const duration pause =
        told + pause_before_retry(*again, failures_, random.value_or(UINT32_MAX));
    state_ = client_state::waiting;
    retry_at_ = later(loop().now(), pause);
    try {
        loop().after(pause, [mine = attempt(*this, serial_ + 1)]() mutable {
            if (const auto core = mine.take()) core->retry();
        });
        ++serial_;  // only now would the end of `mine` be that of the pause
    } catch (const std::bad_alloc&) {
        loop().arm(retry_, retry_at_);
    }
}

void client_core::retry() noexcept {
    within_memory([&] {
        if (const auto begun = begin(); !begun) failed(begun.error(), 0);
    });
}

void client_core::abandoned() noexcept {
    reconnects_ = false;
    become(client_state::idle);
    const auto destroyed_here = std::exchange(waiter_, std::nullopt);
}

}  // namespace weft::ws::detail
