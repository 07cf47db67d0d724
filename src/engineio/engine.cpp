// Requests: what they ask for, whether they may, and what becomes of them. The order of the checks
// is the protocol's (origin, middlewares, transport, session, method, `allow_request`, version),
// and each refusal is one row of the error table. A request whose admission takes its time is kept
// whole and goes on where it stopped.

#include "engineio/engine.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include <weft/base/json_writer.hpp>
#include <weft/http/request.hpp>
#include <weft/http/responder.hpp>
#include <weft/http/upgrade.hpp>

#include "engineio/cors.hpp"
#include "engineio/polling.hpp"
#include "engineio/proto/jsonp.hpp"
#include "engineio/proto/query.hpp"
#include "engineio/reply.hpp"
#include "engineio/shard.hpp"
#include "engineio/websocket.hpp"
#include "ws/answer_handshake.hpp"
#include "ws/proto/handshake.hpp"

namespace weft::engineio {
namespace {

/// One request on its way through the checks. Everything is its own, but for the body, which is
/// kept when it has to wait.
struct inquiry {
    shard* owner = nullptr;
    loop_ref loop;           // once it waits: what a coroutine asks before it touches the rest
    http::responder answer;  // of a plain request
    http::upgrade upgrade;   // of one that asks for a WebSocket
    bool upgrades = false;
    http::method method = http::method::get;
    std::optional<transport_kind> transport;
    std::string transport_name;
    std::optional<std::string> sid;
    int protocol = 3;
    bool base64 = false;
    bool octet_stream = false;
    std::uint64_t principal = 0;
    reply_form form;
    std::optional<peer> from;   // as this request's filters and guards know it
    http::handshake handshake;  // of new sessions, and whenever somebody wants to decide about it
    byte_view body;
    std::string kept_body;
    std::optional<ws::handshake_answer> websocket;  // when it may be one
    std::size_t step = 0;

    [[nodiscard]] bool is_there() const noexcept {
        return upgrades ? static_cast<bool>(upgrade) : static_cast<bool>(answer);
    }
};

content_coding coding_of(const http::message_head& head) {
    auto best = content_coding::none;
    head.each_item("accept-encoding", [&](std::string_view item) {
        const std::string_view name = item.substr(0, item.find_first_of("; \t"));
        const std::size_t q = item.find("q=0");
        const bool refused =
            q != std::string_view::npos && item.find_first_not_of("0.", q + 2) == item.npos;
        if (refused) return;
        if (http::same_token(name, "gzip")) best = content_coding::gzip;
        if (http::same_token(name, "deflate") && best == content_coding::none)
            best = content_coding::deflate;
    });
    return best;
}

std::optional<transport_kind> transport_of(std::string_view name, const options& chosen) noexcept {
    for (const transport_kind kind : chosen.transports) {
        if (name == to_string(kind)) return kind;
    }
    return std::nullopt;
}

}  // namespace

struct engine::impl {
    explicit impl(options chosen) : all(std::move(chosen)) {}

    [[nodiscard]] const options& chosen() const noexcept { return all.chosen; }
    [[nodiscard]] shard& shard_of(const http::request& request) {
        return *shards[request.id().loop()];
    }
    result<void> route(http::router& router, const std::string& pattern);

    void on_request(const http::request& request, http::responder answer);
    void on_upgrade(const http::request& request, http::upgrade upgrade);
    void keep(const http::request& request, inquiry& q);
    void read(const http::request& request, inquiry& q);
    void refuse_origin(const http::request& request, inquiry& q);
    void advance(inquiry& q);
    void wait_for(const guard& gate, errc no, inquiry& q);
    static task<void> await(impl& self, const guard& gate, errc no, std::unique_ptr<inquiry> q);
    static void resume(impl& self, std::unique_ptr<inquiry> q, errc no, admission<> said);
    std::optional<errc> verify(const inquiry& q, std::string_view& context) const;

    void act(inquiry& q);
    void begin(inquiry& q);
    void begin_polling(inquiry& q, session& fresh);
    void accept_websocket(inquiry& q, session* target, websocket::role as);
    void probe(inquiry& q, session& target);
    void take_post(inquiry& q, session& target);
    void refuse(inquiry& q, errc why, std::string_view context, const refusal& said = {});

    common all;
    origin_guard origins;
    std::vector<std::unique_ptr<shard>> shards;
};

engine::engine(options chosen) : impl_(std::make_unique<impl>(std::move(chosen))) {}
engine::~engine() = default;

const options& engine::settings() const noexcept {
    return impl_->chosen();
}

void engine::on_session(unique_function<std::unique_ptr<session_user>(session&)> make) {
    impl_->all.make_user = std::move(make);
}

void engine::set_loops(const std::vector<ws::connection_shared*>& loops) {
    impl_->all.loops = loops.size();
    impl_->shards.clear();
    for (ws::connection_shared* const loop : loops)
        impl_->shards.push_back(std::make_unique<shard>(impl_->all, *loop));
}

session* engine::find(session_id name) noexcept {
    if (!name || name.loop() >= impl_->shards.size()) return nullptr;
    shard& home = *impl_->shards[name.loop()];
    return home.web.loop.in_loop_thread() ? home.find(name) : nullptr;
}

void engine::for_each(std::uint8_t loop, function_ref<void(session&)> use) {
    if (loop < impl_->shards.size()) impl_->shards[loop]->for_each(use);
}

std::size_t engine::sessions() const noexcept {
    return impl_->all.census.size();
}

void engine::drain() {
    for (const auto& s : impl_->shards) {
        if (s->web.loop.in_loop_thread()) {
            s->drain();
        } else {
            s->web.loop.post([home = s.get()] { home->drain(); });
        }
    }
}

void engine::shut_down() noexcept {
    for (const auto& s : impl_->shards) s->shut_down();
}

void engine::visit_metrics(metric_visitor visitor) const {
    for (const auto& s : impl_->shards) s->metrics.visit(visitor);
}

// ---- Setting up ----

result<void> engine::prepare() {
    if (auto right = impl_->chosen().check(); !right) return right;
    auto guard = origin_guard::make(impl_->chosen());
    if (!guard) return guard.error();
    impl_->origins = std::move(*guard);
    return {};
}

result<void> engine::add_routes(http::router& router) {
    std::string base = impl_->chosen().path;
    while (!base.empty() && base.back() == '/') base.pop_back();
    if (auto done = impl_->route(router, base + "/*rest"); !done) return done;
    if (impl_->chosen().add_trailing_slash || base.empty()) return {};
    return impl_->route(router, base);
}

void engine::write_cors(const http::request& asked, http::response& response) const {
    impl_->origins.write(asked, response);
}

http::response engine::preflight(const http::request& asked) const {
    return impl_->origins.preflight(asked);
}

result<void> engine::impl::route(http::router& router, const std::string& pattern) {
    auto done = router.any(pattern,
                           [this](const http::request& request, http::responder answer) {
                               on_request(request, std::move(answer));
                           },
                           {.max_body = all.chosen.max_http_buffer_size});
    if (!done) return done;
    auto placed = router.place(pattern, [this](const http::request& request) {
        const auto sid = parse_query(request.query()).sid;
        if (all.loops < 2 || !sid || sid->size() != session_key{}.size())
            return std::optional<std::uint8_t>();
        return std::optional(all.loop_of(*sid));
    });
    if (!placed) return placed;
    return router.upgrade(pattern, [this](const http::request& request, http::upgrade upgrade) {
        on_upgrade(request, std::move(upgrade));
    });
}

// ---- A request ----

/// For who decides about the request, or wants to hear of its refusal.
void engine::impl::keep(const http::request& request, inquiry& q) {
    if (!q.handshake) q.handshake = http::handshake(request);
}

void engine::impl::read(const http::request& request, inquiry& q) {
    if (chosen().on_connection_error) keep(request, q);
    const query_facts facts = parse_query(request.query());
    q.method = request.method();
    q.transport = transport_of(facts.transport, chosen());
    q.transport_name = facts.transport;
    if (facts.sid) q.sid = *facts.sid;
    q.protocol = facts.protocol;
    q.base64 = facts.base64;
    if (facts.jsonp) q.form.jsonp = *facts.jsonp;
    q.form.coding = coding_of(request.head());
    q.octet_stream = request.header("content-type").substr(0, 24) == "application/octet-stream";
    q.body = request.body();
    q.from.emplace(nullptr, request.peer());
    http::response bag;
    origins.write(request, bag);
    if (chosen().headers) chosen().headers(bag, request);
    if (chosen().initial_headers && !q.sid) chosen().initial_headers(bag, request);
    q.form.headers = bag.headers();
    if (!q.sid || !chosen().middlewares.empty()) keep(request, q);
}

void engine::impl::on_request(const http::request& request, http::responder answer) {
    inquiry q;
    q.owner = &shard_of(request);
    q.answer = std::move(answer);
    const bool script = parse_query(request.query()).jsonp.has_value();
    if (!origins.allows(request, script ? origin_guard::kind::script : origin_guard::kind::poll)) {
        return refuse_origin(request, q);
    }
    if (request.method() == http::method::options && chosen().cors) {
        (void)q.answer.send(origins.preflight(request));
        return;
    }
    read(request, q);
    advance(q);
}

void engine::impl::on_upgrade(const http::request& request, http::upgrade upgrade) {
    inquiry q;
    q.owner = &shard_of(request);
    q.upgrades = true;
    q.upgrade = std::move(upgrade);
    if (!origins.allows(request, origin_guard::kind::websocket)) return refuse_origin(request, q);
    read(request, q);
    const auto& deflate = chosen().per_message_deflate;
    auto answer =
        ws::answer_handshake(request, {.deflate = deflate ? &*deflate : nullptr}, q.owner->web);
    if (answer) q.websocket = *std::move(answer);
    advance(q);
}

// ---- The checks ----

/// Goes through the steps until one refuses or takes its time: each middleware, the protocol's own
/// checks with `allow_request`, the deed.
void engine::impl::advance(inquiry& q) {
    const auto& middlewares = chosen().middlewares;
    while (q.step <= middlewares.size()) {
        const guard* gate = nullptr;
        auto no = errc::middleware_failed;
        if (q.step < middlewares.size()) {
            gate = &middlewares[q.step];
        } else {
            if (const identity* const known = q.from->who())
                q.principal = siphash_1_3(siphash_key::of_process(), as_bytes(known->subject));
            std::string_view context;
            if (const auto wrong = verify(q, context)) return refuse(q, *wrong, context);
            no = errc::forbidden;
            if (!q.sid && chosen().allow_request) gate = &*chosen().allow_request;
        }
        ++q.step;
        if (gate == nullptr) continue;
        if (gate->waits()) return wait_for(*gate, no, q);
        const admission<> said = gate->decide(q.handshake);
        if (!said.allowed()) return refuse(q, no, said.why().message, said.why());
        if (said.who()) q.from->identify(*said.who());
    }
    act(q);
}

void engine::impl::wait_for(const guard& gate, errc no, inquiry& q) {
    auto kept = std::make_unique<inquiry>(std::move(q));
    kept->kept_body = as_text(kept->body);
    kept->body = as_bytes(kept->kept_body);
    const loop_ref home = kept->loop = kept->owner->web.loop.ref();
    // The request goes with the exception, which answers 500.
    shard* const owner = kept->owner;
    detail::spawn(
        await(*this, gate, no, std::move(kept)), [home, owner](std::exception_ptr thrown) {
            home.post([owner, thrown = std::move(thrown)] {
                owner->users.report(thrown, [owner] {
                    return user_place{.callback = "a guard", .route = owner->all.chosen.path};
                });
            });
        });
}

task<void> engine::impl::await(impl& self, const guard& gate, errc no, std::unique_ptr<inquiry> q) {
    http::handshake handshake = q->handshake;
    admission<> said = co_await gate.decide_later(std::move(handshake));
    resume(self, std::move(q), no, std::move(said));
}

/// The coroutine may come from any thread, when `self` may be gone.
void engine::impl::resume(impl& self, std::unique_ptr<inquiry> q, errc no, admission<> said) {
    const loop_ref home = q->loop;
    if (!home.in_loop_thread()) {
        home.post([&self, q = std::move(q), no, said = std::move(said)]() mutable {
            resume(self, std::move(q), no, std::move(said));
        });
        return;
    }
    if (!q->is_there()) return;
    if (!said.allowed()) return self.refuse(*q, no, said.why().message, said.why());
    if (said.who()) q->from->identify(*said.who());
    self.advance(*q);
}

std::optional<errc> engine::impl::verify(const inquiry& q, std::string_view& context) const {
    context = q.transport_name;
    if (!q.transport) return errc::transport_unknown;
    const bool websocket = *q.transport == transport_kind::websocket;
    if (!q.sid) {
        context = http::to_string(q.method);
        return q.method == http::method::get ? std::nullopt : std::optional(errc::bad_method);
    }
    context = *q.sid;
    const session* const found = q.owner->find(*q.sid);
    if (found == nullptr) return errc::session_unknown;
    if (found->principal() != q.principal) return errc::principal_mismatch;
    context = "TRANSPORT_MISMATCH";
    if (q.upgrades ? !websocket : found->transport() != *q.transport)
        return errc::transport_mismatch;
    context = "PROTOCOL_MISMATCH";
    if (found->protocol() != q.protocol) return errc::protocol_mismatch;
    return std::nullopt;
}

void engine::impl::refuse(inquiry& q, errc why, std::string_view context, const refusal& said) {
    q.owner->metrics.count(why);
    const error_row& row = describe(why);
    // What a middleware says without a status is for us: Node answers "Bad request", whatever it
    // is.
    const bool for_client = why == errc::forbidden || said.status != 0;
    const std::string message(for_client && !said.message.empty() ? said.message : row.text);
    if (chosen().on_connection_error) {
        chosen().on_connection_error(
            {why, message, context, q.handshake.url(), q.handshake.address()});
    }
    const auto with_headers = [&](http::response answer) {
        for (const auto& [name, value] : said.headers) answer.header(name, value);
        return answer;
    };
    if (q.upgrades) {
        const int status = said.status_or(why == errc::forbidden ? 400 : row.status);
        (void)q.upgrade.refuse(with_headers(make_plain(q.form, status, "text/html", message)));
        return;
    }
    std::string body;
    json_writer json{body};
    json.begin_object();
    json.member("code", static_cast<int>(row.number));
    json.member("message", message);
    json.end_object();
    (void)q.answer.send(with_headers(
        make_plain(q.form, said.status_or(row.status), "application/json", std::move(body))));
}

void engine::impl::refuse_origin(const http::request& request, inquiry& q) {
    if (chosen().on_connection_error) keep(request, q);
    refuse(q, errc::origin_refused, request.header("origin"));
}

// ---- What a request does ----

void engine::impl::act(inquiry& q) {
    if (q.upgrades && !q.websocket) return refuse(q, errc::handshake_failed, "WEBSOCKET_HANDSHAKE");
    if (!q.sid) return begin(q);
    session* const found = q.owner->find(*q.sid);  // admissions may have taken their time
    if (found == nullptr) return refuse(q, errc::session_unknown, *q.sid);
    if (q.upgrades) return probe(q, *found);
    polling* const polls = found->polls();
    if (polls == nullptr) return refuse(q, errc::transport_mismatch, "TRANSPORT_MISMATCH");
    switch (q.method) {
        case http::method::get: return polls->poll(std::move(q.form), std::move(q.answer));
        case http::method::post: return take_post(q, *found);
        default: (void)q.answer.send(make_plain(q.form, 500, {}, {}));
    }
}

void engine::impl::take_post(inquiry& q, session& target) {
    if (q.octet_stream && q.protocol == 4) {
        (void)q.answer.send(make_plain(q.form, describe(errc::bad_content_type).status, {}, {}));
        return target.end(errc::bad_content_type);
    }
    auto how = q.protocol == 4  ? payload_form::separated
               : q.octet_stream ? payload_form::counted_bytes
                                : payload_form::counted;
    std::string decoded;
    if (q.form.jsonp) {
        decoded.resize(q.body.size());
        const auto payload = read_jsonp(as_text(q.body), decoded);
        q.body = as_bytes(payload.value_or(std::string_view{}));
    }
    target.polls()->take(q.form, q.body, how, std::move(q.answer));
}

void engine::impl::begin(inquiry& q) {
    if (q.protocol == 3 && !chosen().allow_eio3) return refuse(q, errc::unsupported_protocol, "3");
    const bool websocket = *q.transport == transport_kind::websocket;
    if (websocket != q.upgrades)
        return refuse(q, errc::handshake_failed, "TRANSPORT_HANDSHAKE_ERROR");
    if (q.owner->draining()) return refuse(q, errc::shutting_down, {});
    if (const auto full = all.census.enter(q.from->address())) {
        q.owner->log_refusal(*full);
        return refuse(q, *full, {});
    }
    if (!q.owner->web.loop.budget().has_room(shard::cost_of_session(q.handshake))) {
        all.census.leave(q.from->address());
        q.owner->log_refusal(errc::out_of_memory);
        return refuse(q, errc::out_of_memory, {});
    }
    session* fresh = nullptr;
    try {
        fresh =
            q.owner->make(q.handshake, *q.from, {q.protocol, *q.transport, q.base64, q.principal});
    } catch (...) {  // memory is out
    }
    if (fresh == nullptr) {
        all.census.leave(q.from->address());
        return refuse(q, errc::no_entropy, {});
    }
    try {
        if (websocket) {
            accept_websocket(q, fresh, websocket::role::carrier);
        } else {
            begin_polling(q, *fresh);
        }
    } catch (...) {  // memory is out: nobody knows of this session
        fresh->fail(close_reason::transport_error);
        throw;
    }
}

void engine::impl::begin_polling(inquiry& q, session& fresh) {
    std::string body;
    append_packet(body, q.protocol == 4 ? payload_form::separated : payload_form::counted,
                  fresh.greeting());
    http::response reply = make_reply(q.form, std::move(body), chosen(), compressible::yes);
    if (chosen().cookie) {
        http::cookie cookie = *chosen().cookie;
        cookie.value = fresh.id();
        reply.set_cookie(cookie);
    }
    (void)q.answer.send(std::move(reply));
    fresh.open();
}

void engine::impl::accept_websocket(inquiry& q, session* target, websocket::role as) {
    http::header_lines headers = ws::headers_of(*q.websocket);
    headers.add(q.form.headers);
    auto socket = std::make_unique<ws::connection_core>(
        q.upgrade.stream(), ws::role::server, all.websocket, q.owner->web, q.websocket->deflate);
    socket->set_user(std::make_unique<websocket>(*q.owner, *socket, target, as));
    (void)q.upgrade.accept(std::move(headers), std::move(socket));
}

/// A session has one WebSocket at most, tried or used. A further one is let in and shown out, as
/// clients expect.
void engine::impl::probe(inquiry& q, session& target) {
    const bool free = target.may_upgrade();
    if (!free) q.owner->metrics.count(errc::second_websocket);
    accept_websocket(q, free ? &target : nullptr,
                     free ? websocket::role::probe : websocket::role::refused);
}

}  // namespace weft::engineio
