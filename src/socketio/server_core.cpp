// What all loops of a Socket.IO server share, and the handles that users have. Everything here is
// set up on one thread; `prepare` makes the loops' parts, and from then on it is only read.

#include <weft/socketio/server.hpp>

#include <limits>
#include <utility>

#include "base/random.hpp"
#include "socketio/client_bundle.hpp"
#include "socketio/client_link.hpp"
#include "socketio/core.hpp"
#include "socketio/loop_context.hpp"
#include "socketio/proto/placeholders.hpp"
#include "socketio/recovery.hpp"
#include "socketio/stored_recovery.hpp"
#include "socketio/token_guard.hpp"

namespace weft::socketio {

// ---- detail::server_core ----

namespace detail {
namespace {

/// Whether `text` is `pattern`, in which "*" stands for any characters. **Cost**: the product of
/// the lengths at worst, no recursion.
bool glob_matches(std::string_view pattern, std::string_view text) noexcept {
    std::size_t p = 0, t = 0, star = std::string_view::npos, retry = 0;
    while (t < text.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            retry = t;
        } else if (p < pattern.size() && pattern[p] == text[t]) {
            ++p;
            ++t;
        } else if (star != std::string_view::npos) {
            p = star + 1;
            t = ++retry;
        } else {
            return false;
        }
    }
    while (p < pattern.size() && pattern[p] == '*') ++p;
    return p == pattern.size();
}

std::string with_slash(std::string_view name) {
    std::string full(name.starts_with('/') ? "" : "/");
    full += name;
    return full;
}

/// What makes offsets of another process look foreign: 13 digits, as many as a time in milliseconds
/// has, since that is what clients expect there.
std::string draw_epoch() {
    constexpr std::uint64_t first = 1'000'000'000'000;
    random_pool random;
    const auto high = random.next_u32();
    const auto low = random.next_u32();
    if (!high || !low) return {};  // then no recovery id can be drawn either
    return std::to_string(first + (std::uint64_t{*high} << 32U | *low) % (9 * first));
}

packet_limits limits_of(const options& chosen) {
    packet_limits limits;
    limits.max_attachments = chosen.max_attachments;
    limits.max_namespace_length = chosen.max_namespace_length;
    limits.max_event_name = chosen.max_event_length;
    limits.max_packet = chosen.engine.max_http_buffer_size;
    return limits;
}

}  // namespace

const server_reach::loop_list server_reach::none;

loop_context* server_reach::here() const noexcept {
    for (const auto& loop : loops()) {
        if (loop->on_thread() && loop->core() != nullptr) return loop.get();
    }
    return nullptr;
}

bool server_reach::may_register(std::string_view what) const noexcept {
    if (!sealed) return true;
    try {
        const std::string line =
            std::string(what) + " is ignored: it is set before the server runs";
        if (log != nullptr) log->write({log_level::error, "socketio", line});
    } catch (const std::bad_alloc&) {
        return false;
    }
    return false;
}

bool server_reach::may_emit(std::string_view event) const noexcept {
    const errc why = refusal_of(event);
    if (why == errc{}) return true;
    try {
        const std::string line = why == errc::reserved_event_name
                                     ? "the event '" + std::string(event) +
                                           "' is not sent: Socket.IO uses this name itself"
                                     : "an event is not sent: its name is not UTF-8";
        if (log != nullptr) log->write({log_level::error, "socketio", line});
    } catch (const std::bad_alloc&) {
        return false;
    }
    return false;
}

server_core::server_core(options wanted, http::router& routes, log_sink* sink)
    : chosen(std::move(wanted)),
      reach(std::make_shared<server_reach>(chosen, sink)),
      limits(limits_of(chosen)),
      sent_limits(no_limits),
      epoch(draw_epoch()),
      log(sink),
      engine(chosen.engine),
      routes_(routes) {
    nowhere_ = make_space("(too late)", true);
}

server_core::~server_core() = default;

std::unique_ptr<space> server_core::make_space(std::string name, bool pattern) {
    auto info = std::make_shared<space_info>();
    info->server = reach;
    info->handlers = std::make_shared<space_handlers>();
    info->name = std::move(name);
    info->pattern = pattern;
    return std::unique_ptr<space>(new space(std::move(info)));
}

space& server_core::of(std::string_view name) {
    std::string full = with_slash(name);
    const auto found = spaces_.find(full);
    if (found != spaces_.end()) return *found->second;
    if (!reach->may_register("of")) return *nowhere_;
    auto made = make_space(full, false);
    return *spaces_.emplace(std::move(full), std::move(made)).first->second;
}

space& server_core::add_pattern(std::string name, predicate decide) {
    if (!reach->may_register("of_matching")) return *nowhere_;
    pattern_spaces_.push_back(make_space(std::move(name), true));
    space& made = *pattern_spaces_.back();
    patterns.push_back({std::move(decide), &made});
    return made;
}

const std::shared_ptr<const space_info>& server_core::info_of(const space& s) const noexcept {
    return s.info_;
}

std::shared_ptr<const space_info> server_core::find(std::string_view name) const {
    const auto found = spaces_.find(name);
    return found != spaces_.end() ? found->second->info_ : nullptr;
}

std::shared_ptr<const space_info> server_core::make_child(const space_info& pattern,
                                                          std::string_view name) {
    auto made = std::make_shared<space_info>();
    made->server = reach;
    made->handlers = pattern.handlers;
    made->name = name;
    return made;
}

result<void> server_core::prepare(const std::vector<ws::connection_shared*>& below) {
    if (!reach->loops().empty()) return {};
    if (auto right = chosen.check(); !right) return right;
    if (auto ready = engine.prepare(); !ready) return ready;
    engine.on_session([this](engineio::session& below_it) {
        return std::make_unique<client_link>(below_it, *reach->loops()[below_it.loop().index()]);
    });
    if (chosen.connection_state_recovery) engine.expect_resumers();
    if (auto routed = engine.add_routes(routes_); !routed) return routed;
    if (chosen.serve_client) {
        if (auto routed = add_client_bundle(routes_, engine); !routed) return routed;
    }
    engine.set_loops(below);
    recovery_store* store = nullptr;
    if (chosen.connection_state_recovery && chosen.adapter) store = chosen.adapter->open_store();
    server_reach::loop_list loops;
    for (ws::connection_shared* const shared : below) {
        loops.push_back(std::make_shared<loop_context>(*this, *shared));
        if (!chosen.connection_state_recovery) continue;
        const recovery_options& recover = *chosen.connection_state_recovery;
        if (store != nullptr) {
            loops.back()->stored =
                std::make_unique<stored_recovery>(*loops.back(), recover, *store);
        } else {
            loops.back()->recovery =
                std::make_unique<recovery_log>(shared->loop, recover, epoch, below.size());
        }
    }
    reach->set_store(store);
    reach->set_loops(std::move(loops));
    if (!chosen.adapter) return {};
    // What it applies at once finds the loops.
    result<void> started = error(errc::handler_failed, "the adapter could not be started");
    reach->guarded([&] { started = chosen.adapter->start(*this, below.front()->loop.ref()); },
                   [] { return user_place{.callback = "an adapter's start"}; });
    if (!started) return started;
    below.front()->hub.all().watch(topics_, *this);
    reach->in_cluster = true;
    return {};
}

void server_core::shut_down() noexcept {
    if (reach->in_cluster.exchange(false)) chosen.adapter->stop();
    engine.shut_down();
    for (const auto& loop : reach->loops()) loop->close();
}

void server_core::each_verifier(function_ref<void(const auth::verifier&)> use) const {
    const auto look_at = [&](const space& s) {
        for (const auth::verifier& by : s.info_->handlers->verifiers) use(by);
    };
    for (const auto& [name, s] : spaces_) look_at(*s);
    for (const auto& s : pattern_spaces_) look_at(*s);
}

void server_core::visit_metrics(metric_visitor visit) const {
    engine.visit_metrics(visit);
    for (const auto& loop : reach->loops()) loop->metrics.visit(visit);
    visit({handler_exceptions_name,
           {},
           handler_exceptions_help,
           metric_kind::counter,
           reach->thrown()});
}

}  // namespace detail

// ---- space ----

space::space(std::shared_ptr<const detail::space_info> info) noexcept : info_(std::move(info)) {}
space::~space() = default;

std::string_view space::name() const noexcept {
    return info_->name;
}

space& space::require(const auth::verifier& by) {
    if (!info_->server->may_register("require")) return *this;
    info_->handlers->verifiers.push_back(by);
    add_middleware(detail::make_token_guard(auth::gate(by)));
    add_handler("refresh_token", detail::make_token_refresh(auth::gate(by)));
    return *this;
}

space& space::validate(std::string_view event, schema arguments) {
    if (!info_->server->may_register("validate")) return *this;
    info_->handlers->schemas.insert_or_assign(std::string(event), std::move(arguments));
    return *this;
}
space& space::on_any(
    unique_function<void(socket&, std::string_view, const raw_arguments&)> handler) {
    if (!info_->server->may_register("on_any")) return *this;
    info_->handlers->any.push_back(std::move(handler));
    return *this;
}
space& space::on_unhandled(
    unique_function<void(socket&, std::string_view, const raw_arguments&, raw_ack)> handler) {
    if (!info_->server->may_register("on_unhandled")) return *this;
    info_->handlers->unhandled = std::move(handler);
    return *this;
}
space& space::on_any_outgoing(
    unique_function<void(std::string_view, const raw_arguments&)> handler) {
    if (!info_->server->may_register("on_any_outgoing")) return *this;
    info_->handlers->any_outgoing.push_back(std::move(handler));
    return *this;
}
space& space::on_error(unique_function<void(socket&, const error&)> handler) {
    if (!info_->server->may_register("on_error")) return *this;
    info_->handlers->error.push_back(std::move(handler));
    return *this;
}
space& space::on_new_namespace(unique_function<void(std::string_view)> handler) {
    if (!info_->server->may_register("on_new_namespace")) return *this;
    info_->handlers->new_namespace.push_back(std::move(handler));
    return *this;
}
space& space::add_server_side(std::string_view event, detail::server_side_handler handler) {
    if (!info_->server->may_register("on_server_side")) return *this;
    info_->handlers->server_side[std::string(event)].push_back(std::move(handler));
    return *this;
}

std::size_t space::sockets_count() const noexcept {
    return info_->handlers->sockets.load(std::memory_order_relaxed);
}

broadcast_operator space::others() const noexcept {
    return {*info_, nullptr};
}

void space::add_filter(detail::filter what) {
    if (!info_->server->may_register("use")) return;
    info_->handlers->filters.push_back(std::move(what));
}
void space::add_middleware(detail::middleware what) {
    if (!info_->server->may_register("use")) return;
    info_->handlers->middlewares.push_back(std::move(what));
}
void space::add_on_connect(detail::socket_handler<> what) {
    if (!info_->server->may_register("on_connect")) return;
    info_->handlers->connect.push_back(std::move(what));
}
void space::add_handler(std::string_view event, detail::event_handler what) {
    if (!info_->server->may_register("on")) return;
    info_->handlers->events[std::string(event)].push_back(std::move(what));
}
void space::add_on_disconnecting(detail::socket_handler<disconnect_reason> what) {
    if (!info_->server->may_register("on_disconnecting")) return;
    info_->handlers->disconnecting.push_back(std::move(what));
}
void space::add_on_disconnect(detail::socket_handler<disconnect_reason> what) {
    if (!info_->server->may_register("on_disconnect")) return;
    info_->handlers->disconnect.push_back(std::move(what));
}

void space::emit_server_side(std::string_view event, const encoded_arguments& args) {
    if (!info_->server->adapter) return;
    info_->server->publish(detail::server_side_message(*info_, event, args));
}

void space::ask_server_side(std::string_view event, const encoded_arguments& args,
                            detail::replies_callback on_reply) {
    detail::ask_servers(*info_, event, args, std::move(on_reply));
}

// ---- server ----

namespace {

options with_adapter(options chosen, host& where) {
    if (!chosen.adapter) chosen.adapter = where.make_adapter();
    return chosen;
}

}  // namespace

server::server(host& where, options chosen)
    : server(where, std::make_shared<detail::server_core>(with_adapter(std::move(chosen), where),
                                                          where.routes(), where.log())) {}

server::server(host& where, std::shared_ptr<detail::server_core> core)
    : space((core->set_number(where.attach(core)), core->main_space())), core_(std::move(core)) {
    if (engineio::session_carrier* const others = where.carrier()) core_->engine.carry_by(*others);
}

server::~server() = default;

space& server::of(std::string_view name) {
    return core_->of(name);
}

space& server::of_matching(std::string_view pattern) {
    std::string full = detail::with_slash(pattern);
    return core_->add_pattern(full,
                              [full](std::string_view name, std::string_view, detail::gate gate) {
                                  gate.settle(detail::glob_matches(full, name));
                              });
}

space& server::add_predicate(detail::predicate what) {
    return core_->add_pattern("(predicate)", std::move(what));
}

std::size_t server::clients_count() const noexcept {
    return core_->engine.sessions();
}

}  // namespace weft::socketio
