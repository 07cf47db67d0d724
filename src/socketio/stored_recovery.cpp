// Recovery through the store of a cluster. Invariants: a client is sent each message of the log at
// most once, since all servers deliver in the log's order and a returning socket enters between two
// messages; what is stored of a socket is never newer than what it was sent.

#include "socketio/stored_recovery.hpp"

#include <algorithm>

#include "base/heap_cost.hpp"
#include "socketio/client_link.hpp"
#include "socketio/core.hpp"
#include "socketio/loop_context.hpp"

namespace weft::socketio::detail {
namespace {

/// A stored socket outlives its last renewal by the whole time that its client may be away.
constexpr int renewals_per_time = 3;

/// Brings what a socket missed to its loop, between the broadcasts that go there.
class caught_up final : public operation {
public:
    caught_up(std::shared_ptr<loop_context> home, socket_key key, std::string recovery_id,
              std::unique_ptr<recovery_store::missed_list> missed)
        : home_(std::move(home)),
          key_(key),
          recovery_id_(std::move(recovery_id)),
          missed_(std::move(missed)) {}
    void run(loop_context& context) const override {
        if (&context != home_.get()) return;
        socket_core* const s = context.find(key_);
        if (s != nullptr && s->now == socket_core::state::asking) {
            s->link.caught_up(*s, std::move(missed_));
        } else {
            context.stored->put_back(recovery_id_);
        }
    }

private:
    std::shared_ptr<loop_context> home_;
    socket_key key_;
    std::string recovery_id_;
    mutable std::unique_ptr<recovery_store::missed_list> missed_;  // for that one loop
};

}  // namespace

// A place in the list of renewals.
const std::size_t stored_recovery::cost_of_socket = sizeof(decltype(renewals_)::value_type);

stored_recovery::stored_recovery(loop_context& home, const recovery_options& chosen,
                                 recovery_store& where)
    : home_(home), chosen_(chosen), store_(where), timer_([this] { renew(); }) {}

std::unique_ptr<recovery_place> stored_recovery::begin(std::span<const char, 20> random) const {
    return std::make_unique<recovery_place>(
        recovery_place{.id = std::string(random.begin(), random.end()), .since = passed_});
}

std::unique_ptr<recovery_place> stored_recovery::resume(const kept_socket& back) const {
    return std::make_unique<recovery_place>(recovery_place{.id = back.recovery_id,
                                                           .since = to_number(back.since),
                                                           .last = to_number(back.last),
                                                           .returns = back.returns});
}

kept_socket stored_recovery::describe(const socket_core& s) const {
    return {s.space->name,
            std::string(s.id_text()),
            s.place->id,
            {},
            s.data_as_json(),
            to_position(s.place->since),
            to_position(s.place->last),
            to_position(passed_),
            s.place->returns};
}

void stored_recovery::store(socket_core& s) {
    kept_socket now = describe(s);
    now.rooms = s.rooms();
    store_.keep(std::move(now), chosen_.max_disconnection_duration +
                                    chosen_.max_disconnection_duration / renewals_per_time);
}

void stored_recovery::keep(socket_core& s) {
    store(s);
    renewals_.emplace_back(
        later(home_.loop().now(), chosen_.max_disconnection_duration / renewals_per_time), s.key);
    if (!timer_.armed()) wait_for_next();
}

void stored_recovery::wait_for_next() {
    if (!renewals_.empty()) home_.loop().arm(timer_, renewals_.front().first);
}

void stored_recovery::renew() {
    const time_point now = home_.loop().now();
    while (!renewals_.empty() && renewals_.front().first <= now) {
        const socket_key key = renewals_.front().second;
        renewals_.pop_front();
        socket_core* const s = home_.find(key);
        if (s != nullptr && s->now == socket_core::state::connected && s->place)
            home_.within_memory([&] { keep(*s); });
    }
    wait_for_next();
}

void stored_recovery::note_change(socket_core& s) {
    if (s.place->changed) return;
    if (changed_.empty()) {
        home_.post([context = home_.shared_from_this()] {
            if (context->core() != nullptr) context->stored->store_changed();
        });
    }
    changed_.push_back(s.key);
    s.place->changed = true;
}

void stored_recovery::store_changed() {
    for (const socket_key key : std::exchange(changed_, {})) {
        socket_core* const s = home_.find(key);
        if (s == nullptr || !s->place) continue;
        s->place->changed = false;
        if (s->now == socket_core::state::connected) home_.within_memory([&] { store(*s); });
    }
}

void stored_recovery::keep_last(const socket_core& s, std::vector<std::string> rooms) {
    kept_socket last = describe(s);
    last.rooms = std::move(rooms);
    last.left = to_position(s.place->left);
    store_.keep(std::move(last), chosen_.max_disconnection_duration);
}

void stored_recovery::forget(const socket_core& s) {
    store_.forget(s.place->id);
}

// ---- The way back ----

void stored_recovery::take(const socket_core& s, const recovery_request& asked) {
    store_.take(s.space->name, asked.id, asked.offset,
                [home = home_.shared_from_this(), key = s.key](std::unique_ptr<kept_socket> back) {
                    home->post([home, key, back = std::move(back)]() mutable {
                        if (home->core() == nullptr) return;
                        socket_core* const found = home->find(key);
                        if (found == nullptr || found->now != socket_core::state::asking) {
                            if (back) home->stored->put_back(back->recovery_id);
                            return;
                        }
                        auto session = back ? std::make_unique<restored_session>() : nullptr;
                        if (session) session->stored = std::move(back);
                        found->link.recovered(*found, std::move(session));
                    });
                });
}

void stored_recovery::catch_up(const socket_core& s) {
    store_.find_missed(
        *s.restored->stored,
        [home = home_.shared_from_this(), key = s.key, id = s.restored->stored->recovery_id](
            std::unique_ptr<recovery_store::missed_list> missed) {
            if (home->core() == nullptr) return;
            const auto& first = home->core()->reach->loops().front();
            const auto news = std::make_shared<caught_up>(home, key, id, std::move(missed));
            if (first == home) {
                news->run(*first);
            } else {
                first->forward(news);
            }
        });
}

void stored_recovery::supersede(const socket_core& s, const kept_socket& back) {
    supersede_sockets(*s.space, back.id, back.returns);
    auto told = std::make_shared<cluster_message>();
    told->what = cluster_message::kind::disconnect;
    told->to = {s.space->name, {back.id}, {}};
    told->close = true;
    told->superseded_by = back.returns;
    home_.core()->reach->publish(std::move(told));
}

}  // namespace weft::socketio::detail
