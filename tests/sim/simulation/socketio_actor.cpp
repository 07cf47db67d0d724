// Each connection of a namespace is a session of its own, which the client names in `auth`.
// Invariant: an event belongs to the session in which it was sent; none travels to a later one.

#include "socketio_actor.hpp"

#include <charconv>
#include <memory>
#include <utility>
#include <vector>

#include <weft/socketio/fields.hpp>
#include <weft/testing/world.hpp>

namespace weft::simulation {
namespace {

using namespace std::chrono_literals;

std::size_t session_number(std::string_view auth) {
    constexpr std::string_view name = R"("session":)";
    const std::size_t at = auth.find(name);
    std::size_t number = SIZE_MAX;
    if (at != std::string_view::npos)
        std::from_chars(auth.data() + at + name.size(), auth.data() + auth.size(), number);
    return number;
}

socketio::client_options options_for(choices& from) {
    using kind = engineio::transport_kind;
    socketio::client_options made;
    made.url = "http://127.0.0.1";
    made.auto_connect = false;
    switch (from.below(4)) {
        case 0: made.transports = {kind::websocket}; break;
        case 1: made.upgrade = false; break;
        default: break;
    }
    if (from.one_in(2)) made.ack_timeout = 5s;
    made.reconnection = !from.one_in(4);
    return made;
}

std::string event_text(std::string_view event, std::string_view text) {
    return std::string(event) + ' ' + std::string(text);
}

}  // namespace

session* served_space::session_of(const socketio::socket& s) const {
    const std::size_t index = session_number(s.auth());
    return index < all_.sessions.size() ? &all_.sessions[index] : nullptr;
}

/// Says something in each of the next turns, in which most clients change their transport.
void served_space::greet(session& who, std::string room, int times) {
    if (times == 0 || !who.live() || who.server_closes) return;
    const std::string text = "greeting " + std::to_string(all_.next_id++);
    who.down.owe(event_text("room", text));
    where_.to(room).emit("room", text);
    loop_.post([this, &who, room = std::move(room), times]() mutable {
        greet(who, std::move(room), times - 1);
    });
}

void served_space::set_up() {
    using socketio::socket;
    where_.use([this](socket& s) {
        const session* const mine = session_of(s);
        return mine != nullptr && !mine->opened && mine->name.starts_with("socketio");
    });
    where_.on_connect([this](socket& s) {
        session& mine = *session_of(s);
        if (mine.opened) all_.fail(mine, "on_connect twice");
        mine.opened = true;
        greet(mine, std::string(s.id()), 12);
    });
    where_.on_disconnect([this](socket& s, socketio::disconnect_reason why) {
        all_.ended(*session_of(s), to_string(why));
    });
    where_.on("say", [this](socket& s, const std::string& text) {
        session& mine = *session_of(s);
        all_.server_got(mine, event_text("say", text));
        all_.sent(mine, s.emit("say", text), event_text("say", text));
    });
    where_.on("ask", [this](socket& s, std::uint64_t number) {
        all_.server_got(*session_of(s), event_text("ask", std::to_string(number)));
        return number + 1;
    });
    where_.on("join", [this](socket& s, const std::string& room) {
        session& mine = *session_of(s);
        all_.server_got(mine, event_text("join", room));
        if (s.join(room) != mine.topics.insert(room_key(room)).second && all_.excuse.empty())
            all_.fail(mine, "joined wrongly");
        if (!s.in_room(room)) mine.topics.erase(room_key(room));
    });
    where_.on("leave", [this](socket& s, const std::string& room) {
        session& mine = *session_of(s);
        all_.server_got(mine, event_text("leave", room));
        if (s.leave(room) != (mine.topics.erase(room_key(room)) != 0))
            all_.fail(mine, "left wrongly");
    });
    where_.on("pub", [this](socket& s, const std::string& room, const std::string& text) {
        session& mine = *session_of(s);
        all_.server_got(mine, event_text("pub " + room, text));
        for (session& other : all_.sessions) {
            if (other.live() && !other.server_closes && other.topics.contains(room_key(room)))
                other.down.owe(event_text("room", text));
        }
        where_.to(room).emit("room", text);
    });
    where_.on("question", [this](socket& s, std::uint64_t number) {
        session& mine = *session_of(s);
        all_.server_got(mine, event_text("question", std::to_string(number)));
        auto answered = std::make_shared<bool>(false);
        all_.sent(mine, send_status::sent, event_text("question", std::to_string(number)));
        s.timeout(5s).emit_with_ack<std::uint64_t>(
            "question", number, [this, &mine, number, answered](result<std::uint64_t> told) {
                if (std::exchange(*answered, true)) all_.fail(mine, "server: answered twice");
                if (told && *told != number + 1) all_.fail(mine, "server: a wrong answer");
            });
    });
    where_.on("bye", [this](socket& s) {
        session& mine = *session_of(s);
        all_.server_got(mine, event_text("bye", {}));
        mine.server_closes = true;
        mine.excuse_for("disconnected by a handler");
        s.disconnect();
    });
}

socketio_actor::socketio_actor(model& all, const loop_ref& loop, choices& from)
    : all_(all), client_(loop, options_for(from)) {
    for (std::size_t i = 0; i < ends_.size(); ++i) {
        ends_[i].nsp = namespaces[i];
        if (i == 0 || from.one_in(2)) set_up(ends_[i]);
    }
}

void socketio_actor::set_up(end& e) {
    e.socket = &client_.of(e.nsp);
    socketio::client_socket& s = *e.socket;
    s.set_auth([this, &e] {
        e.asked = &all_.add("socketio");
        return std::map<std::string, std::size_t>{{"session", all_.index(*e.asked)}};
    });
    s.on_connect([this, &e](socketio::client_socket&) {
        if (e.now != nullptr) all_.fail(*e.now, "client: on_connect twice");
        e.now = e.asked;
        if (!e.now->opened) all_.fail(*e.now, "client: connected, but not at the server");
        for (std::string& what : std::exchange(e.early, {})) e.now->up.owe(std::move(what));
    });
    s.on_disconnect([this, &e](socketio::client_socket&, const socketio::client_disconnect& how) {
        if (e.now == nullptr) return all_.verdict.fail("client: on_disconnect without on_connect");
        all_.note(*e.now, "client is disconnected", to_string(how.reason));
        e.now = nullptr;
    });
    s.on_connect_error([this, &e](socketio::client_socket&, const socketio::connect_error& why) {
        all_.verdict.note(why.message);
        all_.verdict.tell(e.asked == nullptr ? "socketio" : e.asked->name, why.message);
        if (all_.excuse.empty() && !all_.network_broke &&
            (e.asked == nullptr || e.asked->excuse.empty()))
            all_.verdict.fail("client: cannot connect: " + std::string(why.message));
    });
    const auto got = [this, &e](std::string what) {
        if (e.now == nullptr) return all_.verdict.fail("client: an event without a connection");
        all_.client_got(*e.now, what);
    };
    s.on("say", [got](const std::string& text) { got(event_text("say", text)); });
    s.on("room", [got](const std::string& text) { got(event_text("room", text)); });
    s.on("question", [got](std::uint64_t number) {
        got(event_text("question", std::to_string(number)));
        return number + 1;
    });
    if (!s.connect()) all_.verdict.fail("client: connect failed at once");
}

void socketio_actor::say(end& e, choices& from) {
    if (e.now == nullptr || !e.socket->connected()) return say_early(e, from);
    session& mine = *e.now;
    socketio::client_socket& s = *e.socket;
    const std::uint64_t number = all_.next_id++;
    const std::string text = std::to_string(number) + std::string(from.size(50'000), 's');
    const std::string room(1, static_cast<char>('0' + from.below(3)));
    std::string event;
    send_status how = send_status::closed;
    switch (from.below(8)) {
        case 0:
        case 1:
            how = s.emit("say", text);
            event = event_text("say", text);
            break;
        case 2:
            how = s.emit("join", room);
            event = event_text("join", room);
            break;
        case 3:
            how = s.emit("leave", room);
            event = event_text("leave", room);
            break;
        case 4:
            how = s.emit("pub", room, text);
            event = event_text("pub " + room, text);
            break;
        case 5: {
            event = event_text("ask", std::to_string(number));
            how = send_status::sent;
            auto answered = std::make_shared<bool>(false);
            s.emit_with_ack<std::uint64_t>(
                "ask", number, [this, &mine, number, answered](result<std::uint64_t> told) {
                    if (std::exchange(*answered, true)) all_.fail(mine, "client: answered twice");
                    if (told && *told != number + 1) all_.fail(mine, "client: a wrong answer");
                    all_.note(mine, "client got", told ? "answer" : "no answer");
                });
            break;
        }
        case 6:
            how = s.emit("question", number);
            event = event_text("question", std::to_string(number));
            break;
        default:
            if (!from.one_in(12)) return;
            how = s.emit("bye");
            event = event_text("bye", {});
            break;
    }
    if (how == send_status::sent || how == send_status::queued) mine.up.owe(std::move(event));
}

/// What is emitted without a connection waits for the next one.
void socketio_actor::say_early(end& e, choices& from) {
    if (e.now != nullptr || !from.one_in(3)) return;
    std::string text = std::to_string(all_.next_id++) + std::string(from.size(10'000), 'e');
    if (e.socket->emit("say", text) == send_status::queued)
        e.early.push_back(event_text("say", text));
}

void socketio_actor::act(choices& from) {
    end& e = ends_[from.below(2)];
    if (e.socket == nullptr) return;
    switch (from.below(12)) {
        default: say(e, from); break;
        case 0:
            if (!from.one_in(4)) break;
            excuse(e);
            e.socket->disconnect();
            break;
        case 1:
            if (!e.socket->active() && !e.socket->connect())
                all_.verdict.fail("client: connect failed at once");
            break;
        case 2:
            if (from.one_in(6)) leave(from);
            break;
    }
}

void socketio_actor::excuse(end& e) {
    if (e.now != nullptr) e.now->excuse_for("disconnected by the client");
    if (e.asked != nullptr) e.asked->excuse_for("disconnected by the client");
}

void socketio_actor::leave(choices&) {
    for (end& e : ends_) excuse(e);
    client_.disconnect();
}

bool socketio_actor::over() const {
    for (const end& e : ends_) {
        if (e.socket != nullptr && e.socket->active()) return false;
    }
    return !client_.connected();
}

void socketio_actor::check_calm() {
    for (const end& e : ends_) {
        if (e.socket == nullptr) continue;
        // After a broken connection the server keeps what was on it for a while.
        const bool settled = client_.connected() && !all_.network_broke && all_.excuse.empty();
        if (settled && !e.socket->connected() && e.asked != nullptr) {
            if (e.asked->live()) all_.fail(*e.asked, "client: left, but not at the server");
            if (e.socket->active()) all_.fail(*e.asked, "client: asked, and never answered");
        }
        if (e.now == nullptr || !e.socket->connected()) continue;
        session& mine = *e.now;
        if (!mine.live()) {
            if (!mine.server_closes) all_.fail(mine, "client: connected, but not at the server");
            continue;
        }
        if (mine.server_closes) continue;
        if (mine.down.due() != nullptr)
            all_.fail(mine, "client: never came: " + shown(*mine.down.due()));
        if (!all_.throttled && mine.up.due() != nullptr)
            all_.fail(mine, "server: never came: " + shown(*mine.up.due()));
    }
}

}  // namespace weft::simulation
