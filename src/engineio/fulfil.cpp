// What becomes of requests that may do what they ask for. A session that cannot be answered ends at
// once: nobody knows of it.

#include "engineio/fulfil.hpp"

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "engineio/polling.hpp"
#include "engineio/proto/jsonp.hpp"
#include "engineio/shard.hpp"
#include "engineio/websocket.hpp"
#include "http/retry_after.hpp"
#include "net/traffic_meter.hpp"
#include "net/work.hpp"

namespace weft::engineio {
namespace {

void take_post(pending_request& q, session& target) {
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
    target.polls()->take(q.form, q.body, how, std::move(q.answer), q.connection);
}

void begin_polling(pending_request& q, session& fresh) {
    const auto form = q.protocol == 4 ? payload_form::separated : payload_form::counted;
    std::string body;
    append_packet(body, form, fresh.greeting());
    if (!q.chosen().initial_packet.empty())
        append_packet(body, form, "4" + q.chosen().initial_packet);
    http::response reply = make_reply(q.form, std::move(body), q.chosen(), compressible::yes);
    if (q.chosen().cookie) {
        http::cookie cookie = *q.chosen().cookie;
        cookie.value = fresh.id();
        reply.set_cookie(cookie);
    }
    (void)q.answer.send(std::move(reply));
    fresh.open();
}

void accept_websocket(pending_request& q, session* target, websocket::role as) {
    http::header_lines headers = ws::headers_of(*q.websocket);
    headers.add(q.form.headers);
    q.upgrade.stream().peer().forget();  // the session has an identity of its own
    auto socket = std::make_unique<ws::connection_core>(q.upgrade.stream(), ws::role::server,
                                                        q.owner->all.websocket, q.owner->web,
                                                        q.websocket->deflate);
    socket->set_user(std::make_unique<websocket>(*q.owner, *socket, target, as));
    (void)q.upgrade.accept(std::move(headers), std::move(socket));
}

/// A session has one WebSocket at most, tried or used. A further one is let in and shown out, as
/// clients expect.
void probe(pending_request& q, session& target) {
    const bool free = target.may_upgrade();
    if (!free) q.owner->note(errc::second_websocket, &*q.from);
    accept_websocket(q, free ? &target : nullptr,
                     free ? websocket::role::probe : websocket::role::refused);
}

void begin(pending_request& q) {
    if (q.protocol == 3 && !q.chosen().allow_eio3) return q.refuse(errc::unsupported_protocol, "3");
    const bool websocket = *q.transport == transport_kind::websocket;
    if (websocket != q.upgrades)
        return q.refuse(errc::handshake_failed, "TRANSPORT_HANDSHAKE_ERROR");
    if (net::loop_core& loop = q.owner->web.loop; loop.draining())
        return q.refuse(errc::shutting_down, {}, http::shutting_down(loop));
    if (const auto full = q.owner->all.census.enter(q.from->address())) return q.refuse(*full, {});
    if (!q.owner->web.loop.budget().has_room(shard::cost_of_session(q.handshake)) &&
        !q.owner->all.census.waiting.end_one()) {
        q.owner->all.census.leave(q.from->address());
        return q.refuse(errc::out_of_memory, {});
    }
    q.owner->web.loop.spend_work(net::session_work);
    session* fresh = nullptr;
    try {
        fresh =
            q.owner->make(q.handshake, *q.from, {q.protocol, *q.transport, q.base64, q.principal});
    } catch (...) {  // memory is out
    }
    if (fresh == nullptr) {
        q.owner->all.census.leave(q.from->address());
        return q.refuse(errc::no_entropy, {});
    }
    if (net::traffic_account* const account = fresh->peer().traffic()) {
        net::loop_core& loop = q.owner->web.loop;
        if (const auto no = net::tell(loop, "engineio", account->enter(loop.now()), fresh->peer(),
                                      q.chosen().path)) {
            fresh->fail(close_reason::transport_error);
            return q.refuse(errc::too_fast, no->why, no->to_refusal());
        }
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

}  // namespace

void fulfil(pending_request& q) {
    if (q.upgrades && !q.websocket) return q.refuse(errc::handshake_failed, "WEBSOCKET_HANDSHAKE");
    if (!q.sid) return begin(q);
    session* const found = q.owner->find(*q.sid);  // admissions may have taken their time
    if (found == nullptr) return q.refuse(errc::session_unknown, *q.sid);
    if (q.upgrades) return probe(q, *found);
    polling* const polls = found->polls();
    if (polls == nullptr) return q.refuse(errc::transport_mismatch, "TRANSPORT_MISMATCH");
    switch (q.method) {
        case http::method::get:
            return polls->poll(std::move(q.form), std::move(q.answer), q.connection);
        case http::method::post: return take_post(q, *found);
        default: (void)q.answer.send(make_plain(q.form, 500, {}, {}));
    }
}

}  // namespace weft::engineio
