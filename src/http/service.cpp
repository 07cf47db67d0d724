// What the exchanges of one loop share. A handler runs here, whatever carries its request; what it
// answers goes to the sink that the request came with.

#include "http/service.hpp"

#include <algorithm>

#include "http/connection.hpp"
#include "http/proto/forwarded.hpp"
#include "http/proto/head_writer.hpp"
#include "http/proto/syntax.hpp"
#include "http/proto/target.hpp"
#include "http/reply_sink.hpp"
#include "http/retry_after.hpp"
#include "http/router_tree.hpp"
#include "net/loop_core.hpp"
#include "net/traffic_meter.hpp"

namespace weft::http {
namespace {

/// Tells a client that has to go before it asked anything why that is.
class turned_away final : public net::stream_handler {
public:
    turned_away(net::byte_stream& stream, net::handshake_gate::answer place, std::string answer)
        : stream_(stream), place_(std::move(place)), answer_(std::move(answer)) {}

    void on_open() noexcept override {
        stream_.write(as_bytes(answer_));
        // Not `close`: the place is ours until the descriptor goes.
        stream_.shutdown();
        stream_.set_deadline(later(stream_.owner().now(), std::chrono::seconds(2)));
    }
    void on_data(byte_span) noexcept override {}
    void on_deadline() noexcept override { stream_.abort(make_error_code(errc::gone)); }
    void on_closed(std::error_code) noexcept override {}

private:
    net::byte_stream& stream_;
    net::handshake_gate::answer place_;
    std::string answer_;
};

constexpr std::string_view too_many_connect =
    "more clients connect than this server takes at once (connects_per_second)";

/// What a public origin has behind its scheme.
std::string_view authority_of(std::string_view origin) noexcept {
    return origin.substr(origin.find("://") + 3);
}

user_place place_of(std::string_view callback, const request& req) {
    return {.callback = callback, .route = req.path(), .peer = req.peer().address().to_string()};
}

}  // namespace

service::service(net::loop_core& loop, const router& routes, options limits, log_sink* log,
                 net::handshake_gate* gate)
    : loop_(loop),
      routes_(routes),
      options_(std::move(limits)),
      log_(log),
      gate_(gate),
      connects_(loop.options().budgets.connects_per_second),
      boundary_("http", log, metrics_.errors[static_cast<std::size_t>(errc::handler_failed)],
                loop.callbacks()),
      reading_({options_.max_request_line, options_.max_header_line, options_.max_head,
                options_.max_headers},
               loop.budget()) {
    if (auto proxies = net::network_list::make(options_.trusted_proxies))
        proxies_ = *std::move(proxies);
    find_hosts();
    if (gate_ != nullptr) late_.emplace(*gate_, loop_);
    path_memory_.resize(options_.max_request_line);
    connections_.next = connections_.previous = &connections_;
}

service::~service() = default;

void service::find_hosts() {
    hosts_ = options_.allowed_hosts;
    for (const std::string& origin : options_.public_origins) {
        const auto parts = split_authority(authority_of(origin));
        if (parts && !options_.allowed_hosts.empty()) hosts_.emplace_back(parts->host);
    }
}

void service::change(std::vector<std::string> public_origins,
                     std::vector<std::string> allowed_hosts, unsigned connects_per_second) {
    options_.public_origins = std::move(public_origins);
    options_.allowed_hosts = std::move(allowed_hosts);
    find_hosts();
    connects_.change(connects_per_second);
}

std::unique_ptr<net::stream_handler> service::make_connection(net::byte_stream& stream) {
    if (!trusts(stream)) {
        if (const auto no = net::tell(loop_, "http", count_traffic(stream.peer()), stream.peer()))
            return turn_away(stream, {429, no->why, no->retry_after});
    }
    const auto place = connects_.judge(loop_.now());
    if (place == net::connect_budget::verdict::turn_away)
        return turn_away(stream, {503, too_many_connect, refuse_connect(stream.peer())});
    stream.peer().set_only_resumes(place == net::connect_budget::verdict::if_it_resumes);
    return take_over(stream);
}

/// Counts one that came above `connects_per_second`, and says how long it stays away.
duration service::refuse_connect(const peer& whom) noexcept {
    metrics_.errors[static_cast<std::size_t>(errc::too_many_connects)].add();
    loop_.tell_refusal(log_level::warning, "http", too_many_connect,
                       [&] { return refusal_facts{.peer = whom.address().to_string()}; });
    return connects_.stay_away(loop_.now());
}

// An answer under TLS would cost the very handshake that there are too many of.
std::unique_ptr<net::stream_handler> service::turn_away(net::byte_stream& stream,
                                                        const early_answer& told) {
    const bool counted = gate_ != nullptr && !trusts(stream);
    auto place = counted ? gate_->try_answer() : net::handshake_gate::answer{};
    if (stream.peer().secure() || (counted && !place)) {
        metrics_.cut_off.add();
        return nullptr;
    }
    metrics_.turned_away.add();
    std::string text = "HTTP/1.1 " + std::to_string(told.status) + " ";
    text.append(reason_of(told.status));
    if (told.retry_after > duration::zero()) {
        text.append("\r\nRetry-After: ").append(std::to_string(whole_seconds(told.retry_after)));
    }
    text.append("\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ")
        .append(std::to_string(told.why.size() + 1))
        .append("\r\nConnection: close\r\n\r\n")
        .append(told.why)
        .append("\n");
    return std::make_unique<turned_away>(stream, std::move(place), std::move(text));
}

/// Counts a connection of this peer, if connections are counted.
std::optional<net::traffic_refusal> service::count_traffic(peer& who) {
    if (loop_.traffic() == nullptr) return std::nullopt;
    net::traffic_account& account = who.count_traffic(loop_.traffic());
    account.set_address(who.address());
    return account.enter_address(loop_.now());
}

std::unique_ptr<net::stream_handler> service::take_over(net::byte_stream& stream) {
    auto made = std::make_unique<connection>(*this, stream);
    if (trusts(stream)) made->set_proxy(std::make_unique<peer>(nullptr, stream.peer()));
    return made;
}

std::unique_ptr<net::stream_handler> service::take_carried(net::byte_stream& stream,
                                                           bool by_proxy) {
    auto made = std::make_unique<connection>(*this, stream);
    if (by_proxy) made->set_proxy(std::make_unique<peer>(nullptr, stream.peer()));
    return made;
}

bool service::end_idle(std::size_t most) noexcept {
    if (ending_.next == nullptr) ending_.put_behind(connections_);
    for (; most > 0 && ending_.next != nullptr; --most) {
        hook* const next = ending_.next;
        ending_.take_out();
        if (next == &connections_) break;
        ending_.put_behind(*next);
        static_cast<connection*>(next)->drain();
    }
    return ending_.next != nullptr;
}

// ---- A request ----

void service::believe(request& req, const peer& proxy) const {
    const forwarded_facts told = read_forwarded(req.head(), [&](std::string_view text) {
        const auto address = socket_address::make(text, 0);
        if (!address) return hop::unknown;
        return proxies_.has(*address) ? hop::trusted : hop::client;
    });
    const auto address = socket_address::make(told.address, 0);
    peer& client = req.peer();
    client.set_address(address ? *address : proxy.address());
    if (loop_.traffic() != nullptr)
        client.count_traffic(loop_.traffic()).set_address(client.address());
    client.set_secure(told.scheme.empty() ? proxy.secure() : told.scheme == "https");
    req.forwarded_host_ = told.host;
    req.by_proxy_ = true;
}

/// What comes next from this proxy is not the last client's, before its head says whose it is.
void service::forget_client(peer& client, const peer& proxy) {
    client.set_address(proxy.address());
    if (client.traffic() != nullptr) client.traffic()->set_address({});
}

errc service::check(request& req, const peer* proxy) {
    const message_head& head = req.head();
    if (proxy != nullptr) believe(req, *proxy);
    if (!host_allowed(head)) return errc::misdirected;
    const std::string_view expected = head.header("expect");
    if (!expected.empty() && !same_token(expected, "100-continue"))
        return errc::unknown_expectation;
    const auto parts = split_target(req.target(), req.method());
    if (!parts) return errc::bad_target;
    req.query_ = parts->query;
    req.path_ = parts->path;
    if (parts->path == "*") return errc::none;
    const auto decoded = decode_path(parts->path, path_memory_);
    if (!decoded) return errc::bad_target;  // it could mean two things
    req.path_ = *decoded;
    return errc::none;
}

filter_verdict service::ask_filters(const request& req, std::size_t& next) noexcept {
    if (routes_.around_->filters.empty()) return {};
    filter_verdict said;
    const bool returned = call_user([&] { said = routes_.around_->ask_filters(req, next); },
                                    [&] { return place_of("a filter", req); });
    if (!returned) said = {.answer = response::plain_error(500).close()};
    return said;
}

bool service::is_observed() const noexcept {
    return !routes_.around_->observers.empty();
}

std::unique_ptr<service::watched> service::watch(const request& req) const {
    return std::make_unique<watched>(watched{owned_request(req), loop_.now()});
}

void service::tell_observers(const watched& what, int status, std::uint64_t body_size,
                             const net::byte_stream& carrier) noexcept {
    const reply_facts facts{status, body_size, loop_.now() - what.since};
    for (observer& tell : routes_.around_->observers) {
        call_user([&] { tell(what.asked, facts); },
                  [&] {
                      return user_place{.callback = "an observer",
                                        .route = what.asked.path(),
                                        .peer = carrier.peer().address().to_string()};
                  });
    }
}

void service::report_thrown(const std::exception_ptr& thrown, const net::byte_stream& carrier,
                            std::string_view route) noexcept {
    boundary_.report(thrown, [&] {
        return user_place{.callback = "a coroutine handler",
                          .route = route,
                          .peer = carrier.peer().address().to_string()};
    });
}

std::uint64_t service::most_body(match found) const noexcept {
    if (found.chosen == nullptr) return 0;
    return found.chosen->options.max_body.value_or(options_.max_body);
}

std::optional<std::uint8_t> service::other_loop(const request& req, match found) noexcept {
    if (found.where == nullptr || !found.where->place || !transfer_) return {};
    std::optional<std::uint8_t> home;
    call_user([&] { home = found.where->place(req); },
              [&] { return place_of("a placement", req); });
    return home != loop_.index() ? home : std::nullopt;
}

bool service::wants_parts(match found) noexcept {
    return found.chosen->options.on_body_part || found.chosen->options.on_body_cut;
}

std::optional<response> service::refuse_traffic(const request& req) noexcept {
    net::traffic_account* const account = req.peer().traffic();
    if (account == nullptr) return std::nullopt;
    const auto no =
        net::tell(loop_, "http", account->request(req.head().content_length(), loop_.now()),
                  req.peer(), req.path());
    if (!no) return std::nullopt;
    return response::refused(no->to_refusal(), 429);
}

std::optional<response> service::refuse_newcomer(const request& req, match found) noexcept {
    if (found.where != nullptr && found.where->resumes) {
        bool goes_on = false;
        call_user([&] { goes_on = found.where->resumes(req); },
                  [&] { return place_of("what tells who resumes", req); });
        if (goes_on) return std::nullopt;
    }
    response answer = response::text(503, std::string(too_many_connect));
    answer.header("Retry-After", std::to_string(whole_seconds(refuse_connect(req.peer()))));
    return answer;
}

void service::tell_body(const request& req, match found, body_news what) noexcept {
    const bool part = what == body_news::part;
    auto& tell = part ? found.chosen->options.on_body_part : found.chosen->options.on_body_cut;
    if (!tell) return;
    call_user([&] { tell(req); },
              [&] { return place_of(part ? "on_body_part" : "on_body_cut", req); });
}

void service::run(const request& req, match found, reply_sink& sink) {
    const auto place = [&] { return place_of("a handler", req); };
    const std::string* const pattern = found.where != nullptr ? &found.where->pattern : nullptr;
    if (found.upgrades) {
        if (loop_.draining()) return sink.answer(response::refused(shutting_down(loop_), 503));
        auto handle = sink.handle().lend_upgrade(sink, pattern);
        if (!call_user([&] { found.where->upgrade(req, std::move(handle)); }, place)) sink.fail();
    } else if (found.chosen != nullptr && found.chosen->handle.plain) {
        std::optional<response> reply;
        if (!call_user([&] { reply.emplace(found.chosen->handle.plain(req)); }, place))
            return sink.fail();
        sink.answer(std::move(*reply));
    } else if (found.chosen != nullptr) {
        auto handle = sink.handle().lend_responder(sink, pattern);
        if (!call_user([&] { found.chosen->handle.deferred(req, std::move(handle)); }, place))
            sink.fail();
    } else {
        sink.answer(unrouted_reply(req, found));
    }
}

// ---- Small things ----

std::string_view service::date() noexcept {
    const std::time_t now = std::time(nullptr);
    if (now != date_of_) {
        date_of_ = now;
        date_ = http_date(now);
    }
    return {date_.data(), date_.size()};
}

// By `Host` itself: a page under a foreign name that was made to point here can write the headers
// of a proxy, but not this one. Without it (HTTP/1.0) there is no name that could be foreign.
bool service::host_allowed(const message_head& head) const noexcept {
    if (hosts_.empty() || head.header_count("host") == 0) return true;
    const auto parts = split_authority(head.header("host"));
    return parts && std::any_of(hosts_.begin(), hosts_.end(),
                                [&](const auto& h) { return same_token(h, parts->host); });
}

response service::misdirected_reply(const request& req) {
    const std::string host(req.header("host"));
    return response::text(421, "this server does not answer to the name '" + host +
                                   "': http::options::public_origins (weft: --public-origin "
                                   "https://" +
                                   host + ") or allowed_hosts lets it\n");
}

response service::unrouted_reply(const request& req, match found) {
    const bool asks_what_is_possible = req.method() == method::options;
    if (found.where != nullptr) {
        return (asks_what_is_possible ? response(204) : response::plain_error(405))
            .header("Allow", found.where->allowed());
    }
    // Of the server as a whole; load balancers ask so whether it lives.
    const bool of_server = req.path() == "*" || req.path() == "/";
    return asks_what_is_possible && of_server ? response(204) : response::plain_error(404);
}

void service::report(errc what, const net::byte_stream& from,
                     const refused_request& which) noexcept {
    metrics_.errors[static_cast<std::size_t>(what)].add();
    const error_row& row = row_of(what);
    if (row.kind == condition::protocol_violation && from.peer().traffic() != nullptr)
        from.peer().traffic()->note_error(loop_.now());
    const bool ordinary = what == errc::idle || what == errc::head_too_slow ||
                          (row.kind == condition::protocol_violation && what != errc::misdirected);
    loop_.tell_refusal(ordinary ? log_level::info : log_level::warning, "http", row.text, [&] {
        return refusal_facts{from.peer().address().to_string(), which.path, which.value};
    });
}

void service::report_unanswered(const net::byte_stream& carrier, std::string_view route) noexcept {
    metrics_.errors[static_cast<std::size_t>(errc::handler_failed)].add();
    if (log_ == nullptr) return;
    try {
        log_->write({log_level::error, "http",
                     describe({.callback = "a handler",
                               .route = route,
                               .peer = carrier.peer().address().to_string()}) +
                         " gave no answer: it let its responder go"});
    } catch (const std::bad_alloc&) {  // no memory for a line
    }
}

}  // namespace weft::http
