// Who keeps us waiting. Invariant: `all_` is the sum of what stands in `by_address_`,
// within the limits whenever the mutex is free. A place stands in the list of its address, or in
// that of its line on the way out, or in none. Only `enter` allocates: the rest moves nodes of
// lists.

#include "net/latecomers.hpp"

#include <algorithm>
#include <new>
#include <span>
#include <utility>

#include "net/loop_core.hpp"

namespace weft::net {
namespace {

/// Above so many, an address is as bad as any other.
constexpr std::size_t highest_rank = 4096;

}  // namespace

std::size_t latecomers::key_hash::operator()(std::uint64_t address) const noexcept {
    return siphash_1_3(key, std::as_bytes(std::span(&address, 1)));
}

// ---- Places ----

void latecomers::place::enter(std::uint64_t network) {
    line_.all_.enter(*this, network);
}

latecomers::place::~place() {
    line_.all_.leave(*this);
}

void latecomers::enter(place& fresh, std::uint64_t key) {
    const std::lock_guard lock(mutex_);
    std::list<place*> alone{&fresh};
    const auto known = by_address_.find(key);
    const std::size_t most = known != by_address_.end() ? known->second.rank + 1 : 1;
    if (ranks_.size() <= std::min(most, highest_rank)) ranks_.resize(most + 1);
    address& here = by_address_.try_emplace(key, key).first->second;
    // From here on nothing fails.
    fresh.at_ = alone.begin();
    fresh.of_ = &here;
    here.late.splice(here.late.end(), alone);
    ++all_;
    rank(here);
    if (here.late.size() > most_.per_address) {
        end_oldest(here);
    } else if (all_ > most_.total) {
        end_oldest(*ranks_[highest_].front());
    }
}

void latecomers::leave(place& gone) noexcept {
    const std::lock_guard lock(mutex_);
    std::list<place*> out;
    if (gone.of_ != nullptr) uncount(gone, out);
    if (gone.leaving_) gone.line_.leaving_.erase(gone.at_);
}

bool latecomers::end_one() noexcept {
    const std::lock_guard lock(mutex_);
    if (highest_ == 0) return false;
    end_oldest(*ranks_[highest_].front());
    return true;
}

bool latecomers::end_one_of(std::uint64_t network) noexcept {
    const std::lock_guard lock(mutex_);
    const auto found = by_address_.find(network);
    if (found == by_address_.end()) return false;
    end_oldest(found->second);
    return true;
}

void latecomers::end_oldest(address& of) noexcept {
    place& oldest = *of.late.front();
    uncount(oldest, oldest.line_.leaving_);
    oldest.leaving_ = true;
    oldest.line_.call();
}

void latecomers::uncount(place& which, std::list<place*>& to) noexcept {
    address& of = *std::exchange(which.of_, nullptr);
    to.splice(to.end(), of.late, which.at_);
    --all_;
    rank(of);
}

/// After the address has one more or one less. Without any, it is forgotten.
void latecomers::rank(address& which) noexcept {
    const std::size_t now = std::min(which.late.size(), highest_rank);
    if (now == which.rank) return;
    auto& before = which.rank == 0 ? which.self : ranks_[which.rank];
    auto& after = now == 0 ? which.self : ranks_[now];
    after.splice(after.end(), before, which.at);
    which.rank = now;
    highest_ = std::max(highest_, now);
    while (highest_ > 0 && ranks_[highest_].empty()) --highest_;
    const std::uint64_t key = which.key;
    if (now == 0) by_address_.erase(key);
}

// ---- On their loops ----

void latecomers::line::call() noexcept {
    if (called_) return;
    try {
        called_ = loop_.post([this] { let_go(); });
    } catch (const std::bad_alloc&) {  // the next call, or their own deadlines
    }
}

void latecomers::line::let_go() noexcept {
    while (true) {
        place* next = nullptr;
        {
            const std::lock_guard lock(all_.mutex_);
            called_ = !leaving_.empty();
            if (!called_) return;
            next = leaving_.front();
            leaving_.pop_front();
            next->leaving_ = false;
        }
        next->give_way();
    }
}

}  // namespace weft::net
