// Invariant: the model learns of each send, join and close in the moment it is made, with what the
// server answered.

#include "served.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <stdexcept>
#include <string>
#include <utility>

#include <weft/http/router.hpp>
#include <weft/sse/endpoint.hpp>

#include "net/loop_core.hpp"

namespace weft::simulation {
namespace {

using namespace std::chrono_literals;

std::size_t number_of(std::string_view text) {
    std::size_t number = SIZE_MAX;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

std::string keyed(message_view what) {
    return (what.is_text() ? "t" : "b") + std::string(as_text(what.bytes()));
}

}  // namespace

server_options draw_options(choices& from, model& all, log_sink* log) {
    server_options made;
    made.log = log;
    made.http.max_body = 200'000;
    made.memory_limit = 512ULL * 1024 * 1024;
    if (from.one_in(6)) {
        made.memory_limit = 1024 * from.between(600, 4000);
        all.excuse = "memory is short";
    }
    if (from.one_in(8)) {
        made.max_connections = 1 + from.below(12);
        all.excuse = "few connections may be open";
    }
    if (from.one_in(8)) {
        made.message_budget = 1024 * from.between(64, 400);
        all.excuse = "incomplete messages have little room";
    }
    if (from.one_in(3)) {
        made.budgets.read_bytes = from.between(1000, 20'000);
        made.budgets.turn_bytes = from.between(20'000, 100'000);
        made.budgets.connection_work = from.between(1000, 40'000);
        made.budgets.turn_work = from.between(50'000, 200'000);
        made.budgets.accepts = static_cast<unsigned>(from.between(1, 4));
        made.budgets.newcomers = static_cast<unsigned>(from.between(1, 4));
    }
    if (from.one_in(8)) {
        made.traffic.per_address.messages_per_second = static_cast<unsigned>(from.between(5, 50));
        made.traffic.per_address.max_connections = from.between(4, 20);
        all.excuse = "addresses are limited";
        all.throttled = true;
    }
    return made;
}

served::served(test_world& w, model& all, choices& from) : w_(w), all_(all) {
    set_up_websockets(from);
    set_up_http();
    set_up_events();
    if (from.one_in(2)) set_up_socketio();
}

void served::set_up_socketio() {
    socketio_.emplace(w_.server());
    for (const std::string_view nsp : namespaces)
        spaces_.push_back(std::make_unique<served_space>(socketio_->of(nsp), all_, w_.loop()));
}

session* served::session_of(std::string_view number) const {
    const std::size_t index = number_of(number);
    return index < all_.sessions.size() ? &all_.sessions[index] : nullptr;
}

void served::set_up_websockets(choices& from) {
    for (const endpoint_facts& facts : endpoints) {
        ws::options o;
        o.max_message = max_message;
        o.idle_timeout = idle_timeout;
        o.overflow = facts.policy;
        o.max_queue = from.one_in(2) ? 128 * 1024 : 1024 * 1024;
        o.pause_reading_at = from.one_in(2) ? 64 * 1024 : o.max_queue;
        if (facts.deflate) o.deflate = ws::deflate_options{.context_takeover = from.one_in(2)};
        auto& made = w_.server().ws<std::size_t>(std::string(facts.path) + ":session", o);
        sockets_.push_back(&made);
        made.on_accept([this](const http::handshake& asked) -> admission<std::size_t> {
            session* const s = session_of(asked.param("session"));
            if (s == nullptr) return refusal("no such session");
            if (s->accepted) all_.fail(*s, "accepted twice");
            s->accepted = true;
            return all_.index(*s);
        });
        made.on_open([this](connection& c) {
            session& s = all_.sessions[c.data()];
            if (s.opened) all_.fail(s, "on_open twice");
            s.opened = true;
            s.id = c.id();
            ++all_.upgrades;
            ++all_.live_sockets;
        });
        made.on_message([this](connection& c, message_view what) {
            session& s = all_.sessions[c.data()];
            all_.server_got(s, keyed(what));
            if (c.queued() > 3 * 1024 * 1024) all_.fail(s, "more waits than max_queue says");
            on_command(c, s, what);
        });
        made.on_close([this](connection& c, const ws::close_event& event) {
            session& s = all_.sessions[c.data()];
            all_.ended(s,
                       std::to_string(static_cast<int>(event.code)) + ' ' + event.cause.message());
            --all_.live_sockets;
        });
    }
}

void served::on_command(connection& c, session& s, message_view what) {
    const std::string_view text = as_text(what.bytes());
    const std::string_view verb = text.substr(0, text.find(' '));
    const char topic = text.size() > verb.size() + 1 ? text[verb.size() + 1] : '0';
    const std::string name(1, topic);
    if (verb == "say") return reply(c, s, what);
    if (verb == "pub") return publish(s, c, topic, what);
    if (verb == "split") return send_pieces(c, s, what);
    if (verb == "join") {
        if (c.subscribe(name) != s.topics.insert(name).second) {
            if (all_.excuse.empty()) all_.fail(s, "joined wrongly");
            s.topics.erase(name);
        }
        if (c.is_subscribed(name) != s.topics.contains(name))
            all_.fail(s, "is_subscribed is wrong");
    } else if (verb == "leave") {
        if (c.unsubscribe(name) != (s.topics.erase(name) != 0)) all_.fail(s, "left wrongly");
    } else if (verb == "later") {
        w_.loop().after(std::chrono::milliseconds(10 * (topic - '0')),
                        [this, &s, kept = message(what)] {
                            const std::string form = keyed(kept.view());
                            const auto how = w_.server().send(s.id, kept);
                            if (how == send_status::sent && s.closed)
                                all_.fail(s, "sent, though closed");
                            if (!s.server_closes) all_.sent(s, how, form);
                        });
    } else if (verb == "hold") {
        c.pause();
        s.paused = true;
        w_.loop().after(std::chrono::seconds(1 + 7 * (topic - '0')), [&s, &c] {
            if (s.closed) return;
            s.paused = false;
            c.resume();
        });
    } else if (verb == "bye") {
        s.server_closes = true;
        s.excuse_for("closed by a handler");
        c.close(static_cast<ws::close_code>(3000 + (topic - '0')), "bye");
        if (c.send("too late") == send_status::sent) all_.fail(s, "sent behind close");
    } else if (verb == "die") {
        s.server_closes = true;
        s.excuse_for("terminated by a handler");
        c.terminate();
    } else if (verb == "throw") {
        s.server_closes = true;
        s.excuse_for("a handler threw");
        throw std::runtime_error("as the client asked");
    } else if (verb == "ping") {
        (void)c.ping(as_bytes("there?"));
    } else if (verb == "all") {
        const message shared(what);
        for (session& other : all_.sessions) {
            if (!other.live() || other.server_closes || !other.accepted) continue;
            const auto how = w_.server().send(other.id, shared);
            all_.sent(other, how, keyed(what));
        }
    }
}

void served::reply(connection& c, session& s, message_view what) {
    all_.sent(s, c.send(what), keyed(what));
}

void served::send_pieces(connection& c, session& s, message_view what) {
    const byte_view bytes = what.bytes();
    const std::size_t half = bytes.size() / 2;
    const auto begun =
        c.send_fragment(message_view(what.kind(), bytes.first(half)), ws::fragment::more);
    if (begun != send_status::sent && begun != send_status::queued) return;
    const auto ended =
        c.send_fragment(message_view(what.kind(), bytes.subspan(half)), ws::fragment::last);
    if (ended == send_status::dropped) {
        // A message without its end holds up all that come behind it.
        s.server_closes = true;
        s.excuse_for("half a message");
        return c.terminate();
    }
    all_.sent(s, ended, keyed(what));
}

void served::publish(session& by, connection& c, char topic, message_view what) {
    const std::string name(1, topic);
    std::vector<session*> members;
    for (session& s : all_.sessions) {
        if (&s != &by && s.live() && s.topics.contains(name)) members.push_back(&s);
    }
    const std::size_t took = c.publish(name, what);
    if (took > members.size()) all_.fail(by, "published to more than the members");
    for (session* const s : members) {
        const bool sure = s->policy == overflow_policy::close ||
                          (s->policy == overflow_policy::drop_newest && took == members.size());
        if (!s->server_closes && (s->accepted || what.is_text())) s->down.owe(keyed(what), sure);
    }
}

void served::set_up_http() {
    http::router& routes = w_.server().http();
    const auto served_now = [this](const http::request& asked) {
        session* const s = session_of(asked.param("session"));
        if (s != nullptr) all_.server_got(*s, asked.param("number"));
    };
    (void)routes.get("/fast/:session/:number", [served_now](const http::request& asked) {
        served_now(asked);
        return http::response::text(200, "fast " + std::string(asked.param("number")));
    });
    (void)routes.get("/later/:session/:number", [this, served_now](const http::request& asked,
                                                                   http::responder answer) {
        served_now(asked);
        const auto wait = number_of(asked.query_value("ms").value_or("0"));
        w_.loop().after(
            std::chrono::milliseconds(std::min<std::size_t>(wait, 10'000)),
            [number = std::string(asked.param("number")), answer = std::move(answer)]() mutable {
                answer.send(http::response::text(200, "later " + number));
            });
    });
    (void)routes.post("/echo/:session/:number", [served_now](const http::request& asked) {
        served_now(asked);
        return http::response::text(200, std::string(asked.body_text()));
    });
    (void)routes.get("/stream/:session/:number", [this, served_now](const http::request& asked,
                                                                    http::responder answer) {
        served_now(asked);
        const auto pieces = number_of(asked.query_value("pieces").value_or("0"));
        auto body = std::make_shared<http::body_stream>(answer.start(http::response(200)));
        for (std::size_t i = 0; i <= std::min<std::size_t>(pieces, 10); ++i) {
            w_.loop().after(std::chrono::milliseconds(100 * i), [body, i, pieces] {
                if (i == pieces) return body->finish();
                body->write("piece " + std::to_string(i) + '\n');
            });
        }
    });
    (void)routes.get("/throw/:session/:number",
                     [served_now](const http::request& asked) -> http::response {
                         served_now(asked);
                         throw std::runtime_error("as the client asked");
                     });
}

void served::set_up_events() {
    auto& events = w_.server().sse("/events/:session");
    events.on_open([this](sse::stream& stream, const http::request& asked) {
        session* const s = session_of(asked.param("session"));
        if (s == nullptr) return stream.close();
        if (s->opened) return stream.close();  // asked for twice, by a client gone wild
        s->opened = true;
        s->id = stream.id();
        for (const char topic : asked.query_value("topics").value_or("")) {
            if (stream.subscribe(std::string(1, topic))) s->topics.insert(std::string(1, topic));
        }
    });
    events.on_close([this](sse::stream& stream) {
        for (session& s : all_.sessions) {
            if (s.opened && !s.closed && s.id == stream.id()) return all_.ended(s, "event stream");
        }
    });
}

std::uint64_t served::metric(std::string_view name) const {
    // "\nname value\n", summed over labels.
    const std::string page = '\n' + w_.server().metrics_text();
    std::uint64_t sum = 0;
    const std::string wanted = '\n' + std::string(name);
    for (std::size_t at = 0; (at = page.find(wanted, at)) != std::string::npos; ++at) {
        const char behind = page[at + wanted.size()];
        if (behind != ' ' && behind != '{') continue;
        sum += std::stoull(page.substr(page.find(' ', at) + 1));
    }
    return sum;
}

void served::check() const {
    std::uint64_t live = 0;
    std::size_t subscriptions = 0;
    std::set<std::string> topics;
    for (const session& s : all_.sessions) {
        if (!s.live()) continue;
        live += s.accepted ? 1 : 0;
        subscriptions += s.topics.size();
        topics.insert(s.topics.begin(), s.topics.end());
    }
    const auto agree = [&](std::string_view name, std::uint64_t expected) {
        const std::uint64_t told = metric(name);
        if (told != expected)
            all_.verdict.fail(std::string(name) + " is " + std::to_string(told) +
                              ", but should be " + std::to_string(expected));
    };
    if (!has_socketio()) {  // whose connections and rooms count too
        agree("weft_ws_connections", live);
        agree("weft_ws_opened_total", all_.upgrades);
        agree("weft_pubsub_subscriptions", subscriptions);
        agree("weft_pubsub_topics", topics.size());
    }
    std::size_t counted = 0;
    for (const auto* endpoint : sockets_) counted += endpoint->connection_count();
    if (counted != live) all_.verdict.fail("connection_count differs from what is open");
}

}  // namespace weft::simulation
