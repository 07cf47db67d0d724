// Tokens of Socket.IO clients. A client has one identity in all its namespaces, so a token of
// another subject is refused, for a further namespace as for a refresh.

#include "socketio/token_guard.hpp"

#include <optional>
#include <string_view>
#include <utility>

#include <weft/auth/error.hpp>
#include <weft/base/json_reader.hpp>
#include <weft/socketio/codec.hpp>

#include "auth/message.hpp"
#include "net/traffic_meter.hpp"
#include "socketio/loop_context.hpp"
#include "socketio/socket_core.hpp"

namespace weft::socketio::detail {

/// The acknowledgement of a refresh.
struct token_answer {
    bool ok = false;
    std::optional<std::int64_t> expires_in{};
    std::optional<std::string> error{};
};
WEFT_FIELDS(token_answer, ok, expires_in, error)

namespace {

/// `token` of the client's `auth`.
std::string token_of(std::string_view auth) {
    json_reader json(auth);
    std::string_view key;
    std::string scratch;
    std::string token;
    if (!json.begin_object()) return {};
    while (json.next_key(key, scratch)) {
        if (key == "token") {
            if (!json.read(token)) return {};
        } else if (!json.skip()) {
            return {};
        }
    }
    return token;
}

result<std::string> find_token(const socket& s, const auth::token_sources& from) {
    std::string by_auth = from.socketio_auth ? token_of(s.auth()) : std::string();
    auto by_request = from.in_request() ? auth::find_token(s.handshake(), from)
                                        : result<auth::found_token>(auth::errc::token_missing);
    if (!by_request && by_request.error().code() != make_error_code(auth::errc::token_missing))
        return by_request.error();
    if (by_request && !by_auth.empty()) return error(auth::errc::token_ambiguous);
    if (by_request) {
        const http::handshake& asked = s.handshake();
        if (by_request->from == auth::token_source::cookie &&
            !auth::may_use_cookie({asked.header("origin"), asked.header("sec-fetch-site"),
                                   asked.header("host"), asked.secure()},
                                  from))
            return error(auth::errc::foreign_page);
        return std::move(by_request->token);
    }
    if (by_auth.empty()) return error(auth::errc::token_missing);
    return by_auth;
}

auth::asker asker_of(const socket& s) {
    return {.address = s.peer().address().to_string(), .route = std::string(s.nsp())};
}

/// Whether the token is good for this client, too.
admission<> judge_bearer(const socket& s, const admission<void>& said) {
    if (!said.allowed()) {
        auth::note_error(s.peer(), socket_core::of(s).context().loop());
        return said;
    }
    const identity* const before = s.peer().who();
    if (before != nullptr && before->subject != said.who()->subject)
        return refusal(401, "the token of another subject");
    return said;
}

task<admission<>> decide(socket_ref s, task<admission<void>> deciding) {
    admission<> said = co_await std::move(deciding);
    std::optional<admission<>> judged;
    s.with([&](socket& here) { judged.emplace(judge_bearer(here, said)); });
    if (judged) co_return std::move(*judged);
    co_return refusal(401);  // it is gone
}

task<token_answer> refresh(const auth::gate* door, socket_ref s, std::string token) {
    auth::gate::verdict said;
    s.with([&](socket& here) {
        said = door->judge(token, socket_core::of(here).context().loop(),
                           [&] { return asker_of(here); });
    });
    if (said.later) said.now = co_await *std::exchange(said.later, std::nullopt);
    token_answer answer{.error = "the connection has ended"};
    if (!said.now) co_return answer;
    s.with([&](socket& here) {
        const net::loop_core& loop = socket_core::of(here).context().loop();
        if (!said.now->allowed()) {
            auth::note_error(here.peer(), loop);
            answer.error = said.now->why().message;
        } else if (!here.peer().renew(*said.now->who())) {
            answer.error = "the token of another subject";
        } else {
            answer = {.ok = true,
                      .expires_in =
                          auth::left_of(*here.peer().who(), door->by().options().leeway, loop.now())
                              .count()};
        }
    });
    co_return answer;
}

}  // namespace

middleware make_token_guard(auth::gate door) {
    return [door = std::move(door)](socket& s, gate entry) {
        net::loop_core& loop = socket_core::of(s).context().loop();
        const auto who = [&s] { return asker_of(s); };
        auto token = find_token(s, door.by().sources());
        if (!token) {
            auth::note_error(s.peer(), loop);
            return entry.settle(door.turn_away(loop, auth::errc_of(token.error()), who));
        }
        auto said = door.judge(*token, loop, who);
        if (said.now) return entry.settle(judge_bearer(s, *said.now));
        spawn_decision(decide(s.ref(), *std::move(said.later)), std::move(entry));
    };
}

event_handler make_token_refresh(auth::gate door) {
    return make_event_handler<socket>([door = std::make_shared<const auth::gate>(std::move(door))](
                                          socket_ref s, std::string token) {
        return refresh(door.get(), std::move(s), std::move(token));
    });
}

}  // namespace weft::socketio::detail
