// Whether a request may do what it asks for. The order of the checks is the protocol's (origin,
// middlewares, transport, session, method, `allow_request`, version). A request whose admission
// takes its time is kept whole and goes on where it stopped.

#include "engineio/front.hpp"

#include <type_traits>
#include <utility>

#include "base/siphash.hpp"
#include "engineio/fulfil.hpp"
#include "engineio/polling.hpp"
#include "engineio/proto/query.hpp"
#include "ws/answer_handshake.hpp"

namespace weft::engineio {
namespace {

/// What the protocol has against the request; `context` is what the refusal tells about it.
std::optional<errc> verify(const pending_request& q, std::string_view& context) {
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

std::uint64_t principal_of(const peer& from) noexcept {
    const identity* const known = from.who();
    return known != nullptr ? siphash_1_3(siphash_key::of_process(), as_bytes(known->subject)) : 0;
}

http::responder& handle_of(pending_request& q, const http::responder&) noexcept {
    return q.answer;
}
http::upgrade& handle_of(pending_request& q, const http::upgrade&) noexcept {
    return q.upgrade;
}

}  // namespace

// ---- Setting up ----

result<void> front::add_routes(http::router& router) {
    std::string base = chosen().path;
    while (!base.empty() && base.back() == '/') base.pop_back();
    if (auto done = route(router, base + "/*rest"); !done) return done;
    if (chosen().add_trailing_slash || base.empty()) return {};
    return route(router, base);
}

result<void> front::route(http::router& router, const std::string& pattern) {
    auto done = router.any(pattern,
                           [this](const http::request& request, http::responder answer) {
                               on_request(request, std::move(answer));
                           },
                           {.max_body = all_.chosen.max_http_buffer_size,
                            .on_body_part = [this](const http::request& r) { on_body_part(r); },
                            .on_body_cut = [this](const http::request& r) { on_body_cut(r); }});
    if (!done) return done;
    auto placed = router.place(pattern, [this](const http::request& request) {
        const auto sid = parse_query(request.query()).sid;
        if (all_.loops < 2 || !sid || sid->size() != session_key{}.size() || all_.is_foreign(*sid))
            return std::optional<std::uint8_t>();
        return std::optional(all_.loop_of(*sid));
    });
    if (!placed) return placed;
    auto sorted = router.resumes(pattern, [this](const http::request& request) {
        const query_facts asked = parse_query(request.query());
        if (asked.sid)
            return all_.is_foreign(*asked.sid) ||
                   shards_[request.id().loop()]->find(*asked.sid) != nullptr;
        return all_.expects_resumers && asked.protocol == 4;
    });
    if (!sorted) return sorted;
    return router.upgrade(pattern, [this](const http::request& request, http::upgrade upgrade) {
        on_upgrade(request, std::move(upgrade));
    });
}

// ---- A request ----

pending_request front::begin(const http::request& request) const {
    pending_request q;
    q.owner = shards_[request.id().loop()].get();
    return q;
}

/// The session that a request is about, if another process has it.
std::optional<std::string_view> front::foreign_sid(const http::request& request) const noexcept {
    if (all_.carrier == nullptr) return std::nullopt;
    const auto sid = parse_query(request.query()).sid;
    return sid && all_.is_foreign(*sid) ? sid : std::nullopt;
}

/// The owner of a session makes all checks of what is asked about it. Without an owner it is a
/// session that nobody knows.
template <class Handle>
void front::carry(const http::request& request, std::string_view sid, Handle answer) {
    auto kept = std::make_unique<pending_request>(begin(request));
    kept->upgrades = std::is_same_v<Handle, http::upgrade>;
    kept->read(request, origins_);
    kept->body = {};  // the owner gets it
    if (!kept->try_keep()) {
        handle_of(*kept, answer) = std::move(answer);
        return kept->refuse(errc::out_of_memory, {});
    }
    all_.carrier->carry(request, sid, std::move(answer),
                        [q = std::move(kept)](Handle unanswered) mutable {
                            handle_of(*q, unanswered) = std::move(unanswered);
                            q->refuse(errc::session_unknown, *q->sid);
                        });
}

void front::on_request(const http::request& request, http::responder answer) {
    const bool asks =
        request.method() == http::method::get || request.method() == http::method::post;
    if (const auto sid = foreign_sid(request); sid && asks)
        return carry(request, *sid, std::move(answer));
    pending_request q = begin(request);
    q.answer = std::move(answer);
    if (request.method() == http::method::post) {
        if (polling* const polls = posts_to(request)) polls->post_is_whole(request.id());
    }
    const bool script = parse_query(request.query()).jsonp.has_value();
    if (!origins_.allows(request, script ? origin_guard::kind::script : origin_guard::kind::poll)) {
        return refuse_origin(request, q);
    }
    if (request.method() == http::method::options && chosen().cors) {
        (void)q.answer.send(origins_.preflight(request));
        return;
    }
    q.read(request, origins_);
    advance(q);
}

/// Whose payload this is. Guards are asked when it is whole; until then it counts for a session
/// with an identity only if a filter found the same one.
polling* front::posts_to(const http::request& request) const {
    const auto sid = parse_query(request.query()).sid;
    session* const found = sid ? shards_[request.id().loop()]->find(*sid) : nullptr;
    if (found == nullptr || found->principal() != principal_of(request.peer())) return nullptr;
    return found->polls();
}

/// A client that sends a large payload over a slow link is not silent.
void front::on_body_part(const http::request& request) {
    if (polling* const polls = posts_to(request)) polls->post_goes_on(request.id());
}

void front::on_body_cut(const http::request& request) {
    if (polling* const polls = posts_to(request)) polls->post_was_cut(request.id());
}

void front::on_upgrade(const http::request& request, http::upgrade upgrade) {
    if (const auto sid = foreign_sid(request)) return carry(request, *sid, std::move(upgrade));
    pending_request q = begin(request);
    q.upgrades = true;
    q.upgrade = std::move(upgrade);
    if (!origins_.allows(request, origin_guard::kind::websocket)) return refuse_origin(request, q);
    q.read(request, origins_);
    const auto& deflate = chosen().per_message_deflate;
    // Engine.IO has no subprotocol, but a browser that offers some gives up unless one is named.
    auto answer = ws::answer_handshake(
        request, {.deflate = deflate ? &*deflate : nullptr, .any_subprotocol = true}, q.owner->web);
    if (answer) q.websocket = *std::move(answer);
    advance(q);
}

void front::refuse_origin(const http::request& request, pending_request& q) {
    if (chosen().on_connection_error) q.keep_handshake(request);
    q.from.emplace(nullptr, request.peer());
    q.refuse(errc::origin_refused, request.header("origin"));
}

// ---- The checks ----

/// Goes through the steps until one refuses or takes its time: each middleware, the protocol's own
/// checks with `allow_request`, the deed.
void front::advance(pending_request& q) {
    const auto& middlewares = chosen().middlewares;
    while (q.step <= middlewares.size()) {
        const guard* gate = nullptr;
        auto no = errc::middleware_failed;
        if (q.step < middlewares.size()) {
            gate = &middlewares[q.step];
        } else {
            q.principal = principal_of(*q.from);
            std::string_view context;
            if (const auto wrong = verify(q, context)) return q.refuse(*wrong, context);
            no = errc::forbidden;
            if (!q.sid && chosen().allow_request) gate = &*chosen().allow_request;
        }
        ++q.step;
        if (gate == nullptr) continue;
        if (gate->waits()) return wait_for(*gate, no, q);
        const admission<> said = gate->decide(q.handshake);
        if (!said.allowed()) return q.refuse(no, said.why().message, said.why());
        if (said.who()) q.from->identify(*said.who());
    }
    fulfil(q);
}

void front::wait_for(const guard& gate, errc no, pending_request& q) {
    auto kept = std::make_unique<pending_request>(std::move(q));
    if (!kept->try_keep()) return kept->refuse(errc::out_of_memory, {});
    const loop_ref home = kept->waits->home();
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

task<void> front::await(front& self, const guard& gate, errc no, request_ptr q) {
    http::handshake handshake = q->handshake;
    admission<> said = co_await gate.decide_later(std::move(handshake));
    resume(self, std::move(q), no, std::move(said));
}

/// The coroutine may come from any thread, when `self` may be gone.
void front::resume(front& self, request_ptr q, errc no, admission<> said) {
    const loop_ref home = q->waits->home();
    if (!home.in_loop_thread()) {
        home.post([&self, q = std::move(q), no, said = std::move(said)]() mutable {
            resume(self, std::move(q), no, std::move(said));
        });
        return;
    }
    if (!q->is_there()) return;
    if (!said.allowed()) return q->refuse(no, said.why().message, said.why());
    if (said.who()) q->from->identify(*said.who());
    self.advance(*q);
}

}  // namespace weft::engineio
