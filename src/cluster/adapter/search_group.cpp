// Those who look for what they missed. Invariant: who is here was offered everything behind its
// place, or has nothing.

#include "cluster/adapter/search_group.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace weft::cluster {

using socketio::log_position;

void search_group::add(member one) {
    const auto place = std::partition_point(waiting_.begin(), waiting_.end(),
                                            [&](const member& m) { return m->at > one->at; });
    waiting_.insert(place, std::move(one));
}

std::optional<log_position> search_group::first_place() const noexcept {
    if (waiting_.empty()) return std::nullopt;
    return waiting_.back()->at;
}

void search_group::join(member one) {
    present_.push_back(std::move(one));
    returner& here = *present_.back();
    for (const std::string& room : here.whom.rooms) by_room_[room].push_back(&here);
}

void search_group::reach(const log_position& at) {
    for (; !waiting_.empty() && waiting_.back()->at <= at; waiting_.pop_back()) {
        if (waiting_.back()->at != at) waiting_.back()->missed = nullptr;
        join(std::move(waiting_.back()));
    }
}

void search_group::reach_before(const log_position& at) {
    for (; !waiting_.empty() && waiting_.back()->at < at; waiting_.pop_back())
        join(std::move(waiting_.back()));
}

void search_group::offer(const logged_message& what, keeping how) {
    const auto give = [&](returner& one) {
        if (!one.missed || !is_meant_for(*what, one.whom)) return;
        if (!one.missed->empty() && one.missed->back() == what) return;  // by another of its rooms
        if (how == keeping::charged && !one.charge.try_add(memory_of(*what)))
            one.missed = nullptr;
        else
            one.missed->push_back(what);
    };
    if (what->to.rooms.empty()) {
        for (const member& one : present_) give(*one);
    }
    for (const std::string& room : what->to.rooms) {
        const auto there = by_room_.find(room);
        if (there == by_room_.end()) continue;
        for (returner* const one : there->second) give(*one);
    }
}

void search_group::spoil(std::string_view server, const log_position& before) noexcept {
    for (const auto* const all : {&waiting_, &present_}) {
        for (const member& one : *all) {
            if (one->whom.server == server && one->at < before) one->missed = nullptr;
        }
    }
}

void search_group::spoil() noexcept {
    for (const member& one : present_) one->missed = nullptr;
}

std::vector<search_group::member> search_group::leave() noexcept {
    by_room_.clear();
    auto all = std::exchange(present_, {});
    all.insert(all.end(), std::make_move_iterator(waiting_.begin()),
               std::make_move_iterator(waiting_.end()));
    waiting_.clear();
    return all;
}

}  // namespace weft::cluster
