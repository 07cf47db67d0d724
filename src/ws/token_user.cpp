// Tokens in messages. Before the first one is accepted, a connection may send one short message and
// nothing else, and has little time for it; what else it has sent waits unread while its signature
// is verified.

#include "ws/token_user.hpp"

#include <algorithm>
#include <utility>

#include "auth/message.hpp"
#include "base/heap_cost.hpp"
#include "net/traffic_meter.hpp"

namespace weft::ws {
namespace {

constexpr auto identity_ended = static_cast<close_code>(4001);
/// What the message has besides its token.
constexpr std::size_t around = 64;

}  // namespace

token_terms::token_terms(auth::gate door, const connection_settings& settings)
    : gate(std::move(door)), first(settings.limits) {
    first.max_message =
        std::min<std::uint64_t>(first.max_message, gate.by().options().max_token + around);
}

token_user::token_user(std::unique_ptr<connection_user> user, connection_core& socket,
                       const token_terms& terms, bool awaits,
                       unique_function<void(std::chrono::seconds)> ending)
    : user_(std::move(user)),
      socket_(socket),
      terms_(terms),
      ending_(std::move(ending)),
      timer_([this] { timer_fired(); }),
      awaits_(awaits) {
    loop().budget().charge(heap_cost_of<token_user>);
    if (awaits_) socket_.use_limits(terms_.first);
}

token_user::~token_user() {
    loop().budget().release(heap_cost_of<token_user>);
}

void token_user::on_open() {
    if (awaits_) {
        loop().arm(timer_, later(loop().now(), terms_.gate.by().sources().first_message_timeout));
        return;
    }
    user_->on_open();
    watch_end();
}

void token_user::on_message(const message_view& message) {
    const bool speaks = terms_.gate.by().sources().first_message;
    std::optional<std::string> token;
    if (speaks && message.is_text()) token = auth::read_token_message(message.text());
    if (token && !asking_) return take(*token);
    if (awaits_) return refuse_other();
    if (!token) user_->on_message(message);
}

void token_user::take(std::string_view token) {
    auto said = terms_.gate.judge(token, loop(), [this] { return asker(); });
    if (said.now) return settle(*said.now);
    asking_ = true;
    if (awaits_) socket_.pause();
    weft::detail::spawn(wait(&socket_.shared(), socket_.id(), *std::move(said.later)),
                        [shared = &socket_.shared(), id = socket_.id()](const std::exception_ptr&) {
                            connection_core* const socket = shared->connections.find(id);
                            if (socket != nullptr)
                                socket->close(close_code::internal_error, "out of memory");
                        });
}

task<void> token_user::wait(connection_shared* shared, conn_id id, task<admission<void>> deciding) {
    const admission<void> said = co_await std::move(deciding);
    connection_core* const socket = shared->connections.find(id);
    if (socket == nullptr || !socket->is_open()) co_return;
    auto& self = static_cast<token_user&>(socket->user());
    self.asking_ = false;
    if (self.awaits_) socket->resume();
    socket->run_handler("a token", [&] { self.settle(said); });
}

void token_user::settle(const admission<void>& said) {
    if (!said.allowed()) {
        auth::note_error(bearer(), loop());
        return refuse(said.why().message);
    }
    if (!awaits_) {
        if (!bearer().renew(*said.who())) return refuse("the token of another subject");
    } else {
        if (auto* const traffic = bearer().traffic()) {
            const auto no =
                net::tell(loop(), "ws", traffic->enter_as(said.who()->subject, loop().now()),
                          bearer(), route());
            if (no) return refuse(no->why);
        }
        bearer().identify(*said.who());
    }
    socket_.send(message_view(auth::accepted_message(left())));
    if (std::exchange(awaits_, false)) {
        socket_.use_limits(socket_.settings().limits);
        user_->on_open();
    }
    watch_end();
}

/// Something came that is no token.
void token_user::refuse_other() {
    auth::note_error(bearer(), loop());
    (void)terms_.gate.turn_away(loop(), auth::errc::token_missing, [this] { return asker(); });
    refuse("the first message must be {\"type\":\"auth\",\"token\":...}");
}

auth::asker token_user::asker() const {
    return {.address = bearer().address().to_string(), .route = std::string(route())};
}

/// Who has shown no good token yet has to go; who has keeps it to its end.
void token_user::refuse(std::string_view why) {
    socket_.send(message_view(auth::refused_message(why)));
    if (awaits_) socket_.close(identity_ended, why);
}

std::chrono::seconds token_user::left() const noexcept {
    const identity* const who = bearer().who();
    if (who == nullptr) return std::chrono::seconds(0);
    return auth::left_of(*who, terms_.gate.by().options().leeway, loop().now());
}

void token_user::watch_end() {
    const identity* const who = bearer().who();
    if (who == nullptr || who->expires == time_point::max()) return;
    loop().arm(timer_,
               later(loop().now(), std::max(duration(left()) - auth::notice, duration::zero())));
}

void token_user::timer_fired() {
    if (!socket_.is_open()) return;
    if (awaits_) {
        terms_.gate.by().note_refusal(auth::errc::token_missing);
        loop().tell_refusal(
            log_level::info, "ws", "no token came within first_message_timeout", [&] {
                return refusal_facts{.peer = bearer().address().to_string(), .route = route()};
            });
        return refuse("no token came within first_message_timeout");
    }
    if (bearer().who() == nullptr) return;
    const std::chrono::seconds rest = left();
    if (rest > auth::notice) return watch_end();  // a newer one has come
    if (terms_.gate.by().sources().first_message)
        socket_.send(message_view(auth::ending_message(rest)));
    if (ending_) socket_.run_handler("on_expiring", [&] { ending_(rest); });
}

}  // namespace weft::ws
