// Invariant: `up` owes what `send` took.

#include "client_actor.hpp"

#include <string>

#include <weft/testing/world.hpp>

namespace weft::simulation {
namespace {

ws::client_options options_for(std::size_t index, const endpoint_facts& where, choices& from) {
    ws::client_options made;
    made.url = test_world::url(std::string(where.path) + std::to_string(index));
    if (where.deflate && !from.one_in(4))
        made.deflate = ws::deflate_options{.context_takeover = from.one_in(2)};
    return made;
}

}  // namespace

client_actor::client_actor(model& all, session& mine, const endpoint_facts& where,
                           const loop_ref& loop, choices& from)
    : all_(all), mine_(mine), client_(loop, options_for(all.index(mine), where, from)) {
    mine_.policy = where.policy;
    client_.on_open([this](ws::client&) {
        if (opened_) broken("on_open twice");
        opened_ = true;
        if (!mine_.opened) broken("open, but not at the server");
    });
    client_.on_message([this](ws::client&, message_view what) {
        if (!opened_ || closed_) broken("a message outside of on_open ... on_close");
        all_.client_got(mine_, (what.is_text() ? "t" : "b") + std::string(as_text(what.bytes())));
    });
    client_.on_pong([this](ws::client&, byte_view payload) {
        if (payload.empty()) return;  // to a ping of the client itself
        if (const auto why = pongs_.receive(as_text(payload)); !why.empty()) broken("pong: " + why);
    });
    client_.on_close([this](ws::client&, const ws::close_event& event) {
        if (!opened_) broken("on_close without on_open");
        if (closed_) broken("on_close twice");
        closed_ = true;
        all_.note(mine_, "client", "closed");
        if (event.clean && !leaving_ && mine_.server_closes &&
            static_cast<int>(event.code) / 1000 == 3 && mine_.down.due() != nullptr)
            broken("closed before " + shown(*mine_.down.due()) + " came");
    });
    client_.on_failure([this](ws::client&, const ws::connect_failure& failure) {
        all_.note(mine_, "client", "failed");
        if (opened_) broken("on_failure behind on_open");
        if (!leaving_ && mine_.excuse.empty() && all_.excuse.empty())
            broken("cannot connect: " + failure.why.message());
    });
    if (!client_.connect()) broken("connect failed at once");
}

void client_actor::say(choices& from) {
    if (!client_.is_open()) return;
    const std::string text = make_command(from, all_);
    const bool as_text = !from.one_in(5);
    if (from.one_in(6)) {
        const auto kind = as_text ? message_kind::text : message_kind::binary;
        const std::size_t cut = from.below(text.size());
        const auto piece = [&](std::size_t at, std::size_t count) {
            return message_view(kind, as_bytes(text).subspan(at, count));
        };
        const auto begun = client_.send_fragment(piece(0, cut), ws::fragment::more);
        if (begun != send_status::sent && begun != send_status::queued) return;
        const auto ended = client_.send_fragment(piece(cut, text.size() - cut), ws::fragment::last);
        if (ended == send_status::dropped) return client_.terminate();
        if (ended == send_status::closed || ended == send_status::misuse) return;
    } else {
        const auto how = as_text ? client_.send(text) : client_.send(as_bytes(text));
        if (how != send_status::sent && how != send_status::queued) return;
    }
    mine_.up.owe((as_text ? "t" : "b") + text);
}

void client_actor::act(choices& from) {
    switch (from.below(12)) {
        default: say(from); break;
        case 5:
            if (client_.is_open() && ++pings_ <= max_control_frames) {
                const std::string payload = std::to_string(all_.next_id++);
                const auto how = client_.ping(as_bytes(payload));
                if (how == send_status::sent || how == send_status::queued)
                    pongs_.owe(payload, false);
            }
            break;
        case 6:
            if (from.one_in(3)) {
                mine_.excuse_for("does not read");
                client_.pause();
            } else {
                client_.resume();
            }
            break;
        case 7:
            if (from.one_in(6)) leave(from);
            break;
    }
}

void client_actor::leave(choices& from) {
    leaving_ = true;
    mine_.excuse_for("left by the client");
    if (from.one_in(2)) {
        client_.close(static_cast<ws::close_code>(4000), "enough");
    } else {
        client_.terminate();
    }
}

void client_actor::check_calm() {
    if (client_.is_paused()) return;
    if (over()) {
        if (opened_ != closed_) broken("idle without on_close");
        // Who has paused it learns of it later.
        if (mine_.live() && !mine_.paused) broken("closed, but open at the server");
    }
    if (client_.state() != ws::client_state::open || mine_.server_closes || leaving_) return;
    if (!mine_.live()) return broken("open, but not at the server");
    if (mine_.down.due() != nullptr) broken("never came: " + shown(*mine_.down.due()));
    if (!all_.throttled && !mine_.paused && mine_.up.due() != nullptr)
        all_.fail(mine_, "server: never came: " + shown(*mine_.up.due()));
}

}  // namespace weft::simulation
