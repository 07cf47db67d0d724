// Counts uses. Invariant: a name is in the table from `on_first` to `on_last`.

#include "cluster/interest.hpp"

#include <chrono>
#include <utility>

namespace weft::cluster {

void interest::add(std::string_view name) {
    const auto found = uses_.find(name);
    if (found != uses_.end()) {
        ++found->second;
        return;
    }
    const auto& made = *uses_.emplace(std::string(name), 1).first;
    on_first_(made.first);
}

void interest::remove(std::string_view name) {
    const auto found = uses_.find(name);
    if (found == uses_.end() || found->second == 0 || --found->second != 0) return;
    unused_.push_back(found->first);
    if (std::exchange(sweeps_, true)) return;
    home_.after(std::chrono::seconds(1), [weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->sweep();
    });
}

void interest::sweep() {
    sweeps_ = false;
    for (const std::string& name : std::exchange(unused_, {})) {
        const auto found = uses_.find(name);
        if (found == uses_.end() || found->second != 0) continue;
        uses_.erase(found);
        on_last_(name);
    }
}

void interest::clear() {
    uses_.clear();
    unused_.clear();
}

}  // namespace weft::cluster
