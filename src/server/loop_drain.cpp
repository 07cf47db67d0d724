// A step closes what is due by then, and no more than the loop bears without a pause that others
// feel: a close costs some microseconds, mostly for what is sent at the turn's end. Steps come when
// the next close is due, up to half of that sooner or later, so that loops and processes that drain
// at the same time do not close in step.
//
// Invariant: between steps nothing is kept of what is open but the number of a slot. A step that
// finds no memory is taken again.

#include "server/loop_drain.hpp"

#include <algorithm>
#include <new>
#include <string>
#include <utility>

namespace weft {
namespace {

constexpr std::size_t most_closed = 64;   // in one step
constexpr std::size_t most_slots = 4096;  // that one step looks at: nearly all may be empty
constexpr duration least_pause = std::chrono::milliseconds(1);
constexpr duration most_pause = std::chrono::seconds(1);  // all may have gone by themselves
constexpr duration between_looks = std::chrono::milliseconds(5);

std::string seconds(duration time) {
    if (time == duration::max()) return "any time";
    return std::to_string(std::chrono::ceil<std::chrono::seconds>(time).count()) + " s";
}

}  // namespace

std::string story_of(const drain_options& how) {
    std::string story = ": ";
    if (how.not_ready_for > duration::zero())
        story += "load balancers have " + seconds(how.not_ready_for) + " to notice; then ";
    if (how.window > duration::zero()) story += "closes take " + seconds(how.window) + ", and ";
    return story + "what is open may take " + seconds(how.deadline) + " at the most";
}

loop_drain::loop_drain(net::loop_core& loop, random_pool& random, const drain_options& how,
                       drain_steps steps)
    : loop_(loop), random_(random), how_(how), steps_(std::move(steps)), timer_([this] {
          turn();
      }) {
    if (how_.not_ready_for > duration::zero()) {
        loop_.arm(timer_, later(loop_.now(), how_.not_ready_for));
    } else {
        turn();
    }
}

void loop_drain::turn() noexcept {
    duration pause = between_looks;
    try {
        pause = advance();
    } catch (const std::bad_alloc&) {  // later again
    }
    if (pause == duration::zero() || loop_.now() >= later(began_, how_.deadline))
        return steps_.end();
    loop_.arm(timer_, later(loop_.now(), pause));
}

duration loop_drain::advance() {
    switch (now_) {
        case phase::not_ready:
            loop_.begin_drain(how_.retry_within);
            began_ = loop_.now();
            steps_.begin();
            all_ = steps_.count();
            now_ = phase::leaving;
            [[fallthrough]];
        case phase::leaving:
            if (!walk(steps_.leavers, due())) return until_next_is_due();
            now_ = phase::polling;
            [[fallthrough]];
        case phase::polling:
            if (!steps_.nobody_polls()) return between_looks;
            steps_.stop_accepting();
            now_ = phase::rest;
            [[fallthrough]];
        case phase::rest:
            if (!walk(steps_.rest, SIZE_MAX)) return least_pause;
            now_ = phase::emptying;
            [[fallthrough]];
        case phase::emptying: break;
    }
    return steps_.is_empty() ? duration::zero() : between_looks;
}

bool loop_drain::walk(std::vector<drain_steps::part>& parts, std::size_t due) {
    std::size_t budget = std::min(most_closed, due - std::min(closed_, due));
    for (std::size_t looked = 0; part_ < parts.size() && budget > 0 && looked < most_slots;) {
        const std::size_t slots = budget;  // something may be open in each of them
        const std::size_t found = parts[part_](walk_, slots);
        closed_ += found;
        budget -= found;
        looked += slots;
        if (!walk_.over) continue;
        ++part_;
        walk_ = {};
    }
    if (part_ < parts.size()) return false;
    part_ = closed_ = 0;
    return true;
}

std::size_t loop_drain::due() {
    const duration passed = loop_.now() - began_;
    if (passed >= how_.window || steps_.count() == 0) return SIZE_MAX;
    const double part =
        static_cast<double>(passed.count()) / static_cast<double>(how_.window.count());
    return static_cast<std::size_t>(static_cast<double>(all_) * part);
}

duration loop_drain::until_next_is_due() {
    const time_point end = later(began_, how_.window);
    if (closed_ < due() || loop_.now() >= end) return least_pause;
    const duration each = std::min(
        most_pause, how_.window / static_cast<std::int64_t>(std::max<std::size_t>(all_, 1)));
    const double part = static_cast<double>(random_.next_u32().value_or(0)) / 4294967296.0;
    const auto jittered = std::chrono::duration_cast<duration>(each * (0.5 + part));
    return std::clamp(jittered, least_pause, std::max(end - loop_.now(), least_pause));
}

}  // namespace weft
