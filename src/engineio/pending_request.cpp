// What a request asks for, and how it is refused: each refusal is one row of the error table.

#include "engineio/pending_request.hpp"

#include <new>
#include <utility>

#include <weft/base/json_writer.hpp>

#include "base/heap_cost.hpp"
#include "engineio/proto/query.hpp"
#include "engineio/shard.hpp"

namespace weft::engineio {
namespace {

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

/// False elsewhere than on the loop's thread.
bool release(const loop_ref& home, std::size_t bytes) noexcept {
    net::loop_core* const loop = home.core();
    if (loop != nullptr) loop->budget().release(bytes);
    return loop != nullptr;
}

}  // namespace

far_charge::far_charge(net::loop_core& home) noexcept : home_(home.ref()) {}

far_charge::~far_charge() {
    if (bytes_ == 0 || release(home_, bytes_)) return;
    try {
        home_.post([home = home_, bytes = bytes_] { release(home, bytes); });
    } catch (const std::bad_alloc&) {  // it stays charged
    }
}

bool far_charge::try_set(std::size_t bytes) noexcept {
    if (!home_.core()->budget().try_charge(bytes)) return false;
    bytes_ = bytes;
    return true;
}

const options& pending_request::chosen() const noexcept {
    return owner->all.chosen;
}

void pending_request::keep_handshake(const http::request& request) {
    if (!handshake) handshake = http::handshake(request);
}

bool pending_request::try_keep() {
    if (!waits) {  // the guard before may have waited, too
        // The coroutine gets a handshake of its own.
        const std::size_t cost = heap_cost_of<pending_request> + 2 * heap_cost(handshake.memory()) +
                                 (body.empty() ? 0 : heap_cost(body.size() + 1));
        if (!waits.emplace(owner->web.loop).try_set(cost)) return false;
        kept_body = as_text(body);
    }
    body = as_bytes(kept_body);  // a short one has moved with this
    return true;
}

void pending_request::read(const http::request& request, const origin_guard& origins) {
    if (chosen().on_connection_error) keep_handshake(request);
    const query_facts facts = parse_query(request.query());
    connection = request.id();
    method = request.method();
    transport = transport_of(facts.transport, chosen());
    transport_name = facts.transport;
    if (facts.sid) sid = *facts.sid;
    protocol = facts.protocol;
    base64 = facts.base64;
    if (facts.jsonp) form.jsonp = *facts.jsonp;
    form.coding = coding_of(request.head());
    octet_stream = request.header("content-type").substr(0, 24) == "application/octet-stream";
    body = request.body();
    from.emplace(nullptr, request.peer());
    http::response bag;
    origins.write(request, bag);
    if (chosen().headers) chosen().headers(bag, request);
    if (chosen().initial_headers && !sid) chosen().initial_headers(bag, request);
    form.headers = bag.headers();
    if (!sid || !chosen().middlewares.empty()) keep_handshake(request);
}

void pending_request::refuse(errc why, std::string_view context, const refusal& said) {
    // Most of what `context` tells is no secret, but an id of a session is.
    owner->note(why, from ? &*from : nullptr,
                why == errc::origin_refused ? context : std::string_view(said.message));
    const error_row& row = describe(why);
    // What a middleware says without a status is for us: Node answers "Bad request", whatever it
    // is.
    const bool for_client = why == errc::forbidden || said.status != 0;
    const std::string message(for_client && !said.message.empty() ? said.message : row.text);
    if (chosen().on_connection_error) {
        chosen().on_connection_error({why, message, context, handshake.url(), handshake.address()});
    }
    const auto with_headers = [&](http::response made) {
        for (const auto& [name, value] : said.headers) made.header(name, value);
        return made;
    };
    if (upgrades) {
        const int status = said.status_or(why == errc::forbidden ? 400 : row.status);
        (void)upgrade.refuse(with_headers(make_plain(form, status, "text/html", message)));
        return;
    }
    std::string text;
    json_writer json{text};
    json.begin_object();
    json.member("code", static_cast<int>(row.number));
    json.member("message", message);
    json.end_object();
    (void)answer.send(with_headers(
        make_plain(form, said.status_or(row.status), "application/json", std::move(text))));
}

}  // namespace weft::engineio
