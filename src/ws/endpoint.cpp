// From a request to a typed connection: the handshake is checked, then the application decides, now
// or later; and the bridge from a connection to the handlers.

#include <weft/ws/endpoint.hpp>

#include <atomic>
#include <exception>

#include <weft/http/request.hpp>
#include <weft/http/upgrade.hpp>

#include "base/heap_cost.hpp"
#include "net/resume_on.hpp"
#include "ws/answer_handshake.hpp"
#include "ws/connection_core.hpp"
#include "ws/proto/handshake.hpp"
#include "ws/token_user.hpp"

namespace weft::ws {

namespace detail {

struct endpoint_core::impl {
    explicit impl(options wanted) : settings(wanted) {}

    connection_settings settings;
    std::mutex origins_mutex;  // for what follows
    std::shared_ptr<const origin_policy> origins;
    std::vector<connection_shared*> loops;
    std::unique_ptr<counter[]> open;  // connections, of each loop
    std::atomic<bool> sealed{false};
    std::string route;
    std::optional<token_terms> tokens;

    [[nodiscard]] std::shared_ptr<const origin_policy> current_origins() {
        const std::lock_guard lock(origins_mutex);
        return origins;
    }
    void set_origins(std::vector<std::string> allowed) {
        const bool any = settings.chosen.origin == origin_check::any;
        auto made = std::make_shared<const origin_policy>(
            origin_policy::options{.allowed = std::move(allowed), .any = any});
        const std::lock_guard lock(origins_mutex);
        origins = std::move(made);
    }
    connection_shared& shared_of(net::byte_stream& stream) const {
        return *loops[stream.owner().index()];
    }
    /// Of the calling thread; none if it is none of ours.
    [[nodiscard]] loop_ref present_loop() const {
        for (const connection_shared* each : loops) {
            if (each->loop.in_loop_thread()) return each->loop.ref();
        }
        return {};
    }
    /// The open connections of one loop. Names, because who visits may do anything to any of them.
    [[nodiscard]] static std::vector<conn_id> find(const endpoint_core& mine,
                                                   connection_shared& home, const visited& whom) {
        std::vector<conn_id> found;
        const auto look_at = [&](connection_core& c) {
            if (c.is_open() && c.user().connection_of(mine) != nullptr) found.push_back(c.id());
        };
        if (whom.only) {
            if (auto* const c = home.connections.find(*whom.only)) look_at(*c);
            return found;
        }
        if (!whom.topic) {
            home.connections.for_each(look_at);
            return found;
        }
        const std::string_view name = *whom.topic;
        home.hub.for_each({.owner = pubsub::topic_owner::program, .topics = {&name, 1}},
                          [&](pubsub::subscriber& member) {
                              auto* const c = dynamic_cast<connection_core*>(&member);
                              if (c != nullptr) look_at(*c);
                          });
        return found;
    }
};

/// Hands a connection's events to the typed endpoint.
class server_user : public connection_user {
public:
    server_user(endpoint_core& owner, weft::detail::owned_ptr<connection_base> connection,
                http::handshake asked)
        : endpoint_(owner), connection_(std::move(connection)), asked_(std::move(asked)) {
        memory().charge(cost());
    }
    ~server_user() override { memory().release(cost()); }

    void on_open() override {
        opened_ = true;
        open_here().add();
        const http::handshake asked = std::move(asked_);
        endpoint_.opened(*connection_, asked);
    }
    void on_message(const message_view& what) override { endpoint_.received(*connection_, what); }
    void on_ping(byte_view payload) override { endpoint_.pinged(*connection_, payload); }
    void on_pong(byte_view payload) override { endpoint_.ponged(*connection_, payload); }
    void on_drained() override { endpoint_.drained(*connection_); }
    void on_close(const close_event& event) override {
        // A client that left while it was being accepted has never been a connection to the user.
        if (!opened_) return;
        opened_ = false;
        open_here().sub();
        endpoint_.closed(*connection_, event);
    }
    [[nodiscard]] connection_base* connection_of(const endpoint_core& owner) noexcept override {
        return opened_ && &owner == &endpoint_ ? connection_.get() : nullptr;
    }
    [[nodiscard]] std::string_view route() const noexcept override {
        return endpoint_.impl_->route;
    }

protected:
    [[nodiscard]] connection_core& core() const noexcept { return *connection_->core_; }

private:
    [[nodiscard]] counter& open_here() const noexcept {
        return endpoint_.impl_->open[connection_->core_->shared().loop.index()];
    }
    [[nodiscard]] byte_budget& memory() const noexcept {
        return connection_->core_->shared().loop.budget();
    }
    /// With the connection's: none of it changes.
    [[nodiscard]] std::size_t cost() const noexcept {
        std::size_t all = heap_cost_of<server_user> + heap_cost(endpoint_.connection_size());
        if (const auto* agreed = connection_->agreed_.get()) {
            all += heap_cost(sizeof *agreed) + heap_cost(agreed->subprotocol) +
                   heap_cost(agreed->params);
            for (const auto& [name, value] : agreed->params)
                all += heap_cost(name) + heap_cost(value);
        }
        return all;
    }

    endpoint_core& endpoint_;
    weft::detail::owned_ptr<connection_base> connection_;
    http::handshake asked_;  // until on_open has read it
    bool opened_ = false;
};

/// Where messages must meet a schema. The others do not pay for it.
class checked_user final : public server_user {
public:
    using server_user::server_user;

    void on_message(const message_view& what) override {
        if (core().passes(what)) server_user::on_message(what);
    }
};

struct accept_stage::state {
    endpoint_core& owner;
    connection_shared& shared;
    loop_ref home;  // asked before anything else: the others may be gone
    http::upgrade upgrade;
    handshake_answer answer;
    std::vector<std::pair<std::string, std::string>> params;
    http::handshake asked;      // when on_open reads it
    bool awaits_token = false;  // in the first message
};

accept_stage::accept_stage(weft::detail::owned_ptr<state> s) noexcept : state_(std::move(s)) {}
accept_stage::accept_stage(accept_stage&&) noexcept = default;
accept_stage& accept_stage::operator=(accept_stage&&) noexcept = default;
accept_stage::~accept_stage() = default;

conn_id accept_stage::id() const noexcept {
    return state_->upgrade.stream().id();
}

void accept_stage::accept(weft::detail::owned_ptr<connection_base> made,
                          weft::detail::admission_base decided) {
    if (state_ != nullptr && !state_->home.in_loop_thread()) {
        // The coroutine was resumed elsewhere: what it decided goes to where the connection lives.
        const loop_ref home = state_->home;
        home.post([stage = std::move(*this), made = std::move(made),
                   decided = std::move(decided)]() mutable {
            stage.accept(std::move(made), std::move(decided));
        });
        return;
    }
    const weft::detail::owned_ptr<state> s = std::move(state_);
    if (s == nullptr || !s->upgrade) return;
    if (made == nullptr) {
        (void)s->upgrade.refuse(http::response::plain_error(500));
        return;
    }
    peer& who = s->upgrade.stream().peer();
    if (decided.who()) who.identify(*std::move(decided.who()));
    if (who.traffic() != nullptr) {
        if (const auto no =
                net::tell(s->shared.loop, "ws", who.traffic()->enter(s->shared.loop.now()), who,
                          s->owner.impl_->route)) {
            (void)s->upgrade.refuse(http::response::refused(no->to_refusal(), 429));
            return;
        }
    }
    auto opened = std::make_unique<connection_core>(
        s->upgrade.stream(), role::server, s->owner.impl_->settings, s->shared, s->answer.deflate);
    http::header_lines headers = headers_of(s->answer);
    for (const auto& [name, value] : decided.headers()) headers.add(name, value);
    made->core_ = opened.get();
    if (!s->answer.subprotocol.empty() || !s->params.empty()) {
        made->agreed_ = std::make_unique<connection_base::agreed>(
            connection_base::agreed{std::move(s->answer.subprotocol), std::move(s->params)});
    }
    connection_base& face = *made;
    std::unique_ptr<connection_user> user;
    if (s->owner.impl_->settings.chosen.schema) {
        user = std::make_unique<checked_user>(s->owner, std::move(made), std::move(s->asked));
    } else {
        user = std::make_unique<server_user>(s->owner, std::move(made), std::move(s->asked));
    }
    if (const auto& tokens = s->owner.impl_->tokens) {
        user = std::make_unique<token_user>(
            std::move(user), *opened, *tokens, s->awaits_token,
            [owner = &s->owner, &face](std::chrono::seconds left) { owner->expiring(face, left); });
    }
    opened->set_user(std::move(user));
    (void)s->upgrade.accept(std::move(headers), std::move(opened));
}

void accept_stage::refuse(refusal why) {
    if (state_ != nullptr && !state_->home.in_loop_thread()) {
        const loop_ref home = state_->home;
        home.post([stage = std::move(*this), why = std::move(why)]() mutable {
            stage.refuse(std::move(why));
        });
        return;
    }
    const weft::detail::owned_ptr<state> s = std::move(state_);
    if (s == nullptr || !s->upgrade) return;
    s->shared.metrics.refused.add();
    s->shared.loop.tell_refusal(log_level::info, "ws", "on_accept refused a request", [&] {
        return refusal_facts{.peer = s->upgrade.stream().peer().address().to_string(),
                             .route = s->owner.impl_->route,
                             .value = why.message};
    });
    (void)s->upgrade.refuse(http::response::refused(why, 403));
}

void accept_stage::turn_away(const refusal& why) {
    const weft::detail::owned_ptr<state> s = std::move(state_);
    if (s == nullptr || !s->upgrade) return;
    s->shared.metrics.refused.add();
    (void)s->upgrade.refuse(http::response::refused(why, 401));
}

void accept_stage::note_error() {
    if (state_ != nullptr && state_->upgrade)
        auth::note_error(state_->upgrade.stream().peer(), state_->shared.loop);
}

bool accept_stage::identify(identity who) {
    if (state_ == nullptr || !state_->upgrade) return false;
    state_->upgrade.stream().peer().identify(std::move(who));
    return true;
}

endpoint_core::endpoint_core(options chosen) : impl_(std::make_unique<impl>(std::move(chosen))) {}
endpoint_core::~endpoint_core() = default;

void endpoint_core::set_loops(std::vector<connection_shared*> loops) {
    impl_->open = std::make_unique<counter[]>(loops.size());
    impl_->loops = std::move(loops);
}

std::size_t endpoint_core::connection_count() const noexcept {
    std::size_t all = 0;
    for (std::size_t i = 0; i < impl_->loops.size(); ++i) all += impl_->open[i].read();
    return all;
}

task<void> endpoint_core::visit_all(visited whom, unique_function<void(connection_base&)> visitor) {
    const loop_ref home = impl_->present_loop();
    for (std::size_t i = 0; i < impl_->loops.size(); ++i) {
        if (whom.only && whom.only->loop() != i) continue;
        connection_shared* const each = impl_->loops[i];
        co_await net::resume_on(each->loop.ref());
        for (const conn_id id : impl::find(*this, *each, whom)) {
            connection_core* const c = each->connections.find(id);
            if (c == nullptr || !c->is_open()) continue;
            connection_base& lent = *c->user().connection_of(*this);
            c->run_handler("visit", [&] { visitor(lent); });
        }
    }
    if (!home.ended()) co_await net::resume_on(home);
}

void failure_report::operator()(std::exception_ptr thrown) const noexcept {
    if (loop_.in_loop_thread()) return endpoint_->failed(id_, callback_, thrown);
    try {
        loop_.post([endpoint = endpoint_, id = id_, callback = callback_, thrown] {
            endpoint->failed(id, callback, thrown);
        });
    } catch (const std::bad_alloc&) {
        return;  // the connection stays without an answer
    }
}

failure_report endpoint_core::report_of(conn_id id, const char* callback) noexcept {
    return {impl_->loops[id.loop()]->loop.ref(), *this, id, callback};
}

void endpoint_core::failed(conn_id id, const char* callback,
                           const std::exception_ptr& thrown) noexcept {
    connection_shared& shared = *impl_->loops[id.loop()];
    connection_core* const open = shared.connections.find(id);
    shared.users.report(thrown, [&] {
        user_place place{.callback = callback, .route = impl_->route};
        if (open != nullptr) place.peer = open->stream().peer().address().to_string();
        return place;
    });
    if (open != nullptr) {
        open->close(close_code::internal_error, "the application's handler threw");
    }
}

const auth::verifier* endpoint_core::required() const noexcept {
    return impl_->tokens ? &impl_->tokens->gate.by() : nullptr;
}

void endpoint_core::set_required(const auth::verifier& by) {
    impl_->tokens.emplace(auth::gate(by), impl_->settings);
}

void endpoint_core::seal() noexcept {
    impl_->sealed = true;
}

bool endpoint_core::may_set(std::string_view what) const noexcept {
    if (!impl_->sealed) return true;
    try {
        impl_->loops.front()->loop.log(
            log_level::error, "ws",
            std::string(what) + " is ignored: handlers are set before the server runs");
    } catch (const std::bad_alloc&) {
        return false;
    }
    return false;
}

result<void> endpoint_core::prepare(std::string_view route) {
    impl_->route = route;
    const options& chosen = impl_->settings.chosen;
    if (auto right = chosen.check(); !right) return right;
    impl_->set_origins(chosen.origins);
    text_list<max_subprotocols> parsed;
    for (const std::string& name : chosen.subprotocols) {
        if (parse_subprotocols(name, parsed)) {
            return error(weft::errc::invalid_argument,
                         "ws::options::subprotocols: '" + name + "' is not a token");
        }
    }
    return {};
}

result<void> endpoint_core::change_origins(std::vector<std::string> origins) {
    options changed = impl_->settings.chosen;
    changed.origins = std::move(origins);
    if (auto right = changed.check(); !right) return right;
    impl_->set_origins(std::move(changed.origins));
    return {};
}

void endpoint_core::handle(const http::request& request, http::upgrade upgrade) {
    connection_shared& shared = impl_->shared_of(upgrade.stream());
    const options& chosen = impl_->settings.chosen;
    const auto origins = impl_->current_origins();
    auto answer = answer_handshake(
        request, {origins.get(), chosen.deflate ? &*chosen.deflate : nullptr, chosen.subprotocols},
        shared);
    if (!answer) {
        (void)upgrade.refuse(answer_of(answer.error()));
        return;
    }
    auto state = std::make_unique<accept_stage::state>(accept_stage::state{
        *this, shared, shared.loop.ref(), std::move(upgrade), *std::move(answer), {}, {}});
    request.each_param([&](std::string_view name, std::string_view value) {
        state->params.emplace_back(name, value);
    });
    if (open_reads_request()) state->asked = http::handshake(request);
    accept_stage stage(std::move(state));
    if (impl_->tokens) {
        const auth::gate& gate = impl_->tokens->gate;
        auto said = gate.judge(request, shared.loop, gate.by().sources().first_message);
        if (said.later) {
            weft::detail::spawn(wait_for_token(this, *std::move(said.later),
                                               http::handshake(request), std::move(stage)),
                                report_of(request.id(), "require"));
            return;
        }
        if (!said.now) {
            stage.state_->awaits_token = true;
        } else if (!said.now->allowed()) {
            return stage.turn_away(said.now->why());
        } else if (!stage.identify(*std::move(said.now->who()))) {
            return;
        }
    }
    enter(has_accept() ? http::handshake(request) : http::handshake(), std::move(stage));
}

task<void> endpoint_core::wait_for_token(endpoint_core* self, task<admission<void>> deciding,
                                         http::handshake asked, accept_stage stage) {
    const admission<void> said = co_await std::move(deciding);
    if (!said.allowed()) {
        stage.note_error();
        stage.turn_away(said.why());
    } else if (stage.identify(*said.who())) {
        self->enter(std::move(asked), std::move(stage));
    }
}

/// Asks the application.
void endpoint_core::enter(http::handshake asked, accept_stage stage) {
    connection_shared& shared = stage.state_->shared;
    const socket_address address = stage.state_->upgrade.stream().peer().address();
    try {
        if (has_accept()) {
            decide(std::move(asked), std::move(stage));
        } else {
            stage.accept(make_default(), admission<void>(true));
        }
    } catch (...) {  // the stage went with the exception: that answers 500
        shared.users.report(std::current_exception(), [&] {
            return user_place{
                .callback = "on_accept", .route = impl_->route, .peer = address.to_string()};
        });
    }
}

}  // namespace detail
}  // namespace weft::ws
