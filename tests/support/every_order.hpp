#pragma once

// Races, played in every order. A scene has actors, each with steps that it takes one after the
// other; whatever can overtake whatever else in the real world does so here, once. An order is
// written as one letter per step, A for the first actor and so on, with a comma where the loop runs
// one iteration, and a dot where it runs until nothing is left to do: in "A.BA." the first two
// steps of A have one of B between them, and the last two meet in one iteration.
//
// A failure prints its order. WEFT_ORDER=A.BA. in the environment plays that one alone.

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <iterator>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace weft::test {

template <class Scene>
struct step {
    std::string name;
    std::function<void(Scene&)> act;
};

/// What one actor does, in its order.
template <class Scene>
using actor = std::vector<step<Scene>>;

/// How the steps meet the loop's iterations.
enum class meeting { each_alone, closely, in_pairs, in_shifted_pairs, all_at_once };
inline constexpr meeting every_meeting[] = {meeting::each_alone, meeting::closely,
                                            meeting::in_pairs, meeting::in_shifted_pairs,
                                            meeting::all_at_once};

inline std::string write_order(const std::string& letters, meeting how) {
    std::string out;
    for (std::size_t i = 0; i < letters.size(); ++i) {
        out += letters[i];
        const bool settles = how == meeting::each_alone ||
                             (how == meeting::in_pairs && i % 2 == 1) ||
                             (how == meeting::in_shifted_pairs && i % 2 == 0);
        if (settles || i + 1 == letters.size()) {
            out += '.';
        } else if (how == meeting::closely) {
            out += ',';
        }
    }
    return out;
}

/// Plays one order on a fresh scene, which takes one `turn` at a comma and `settle`s at a dot, and
/// has its say in `finish`.
template <class Scene, class Make>
void play(const std::vector<actor<Scene>>& actors, const std::string& order, const Make& make) {
    std::string story;
    std::vector<const step<Scene>*> steps;
    std::vector<std::size_t> next(actors.size());
    for (const char letter : order) {
        if (letter == '.' || letter == ',') {
            story += letter;
            continue;
        }
        const auto who = static_cast<std::size_t>(letter - 'A');
        steps.push_back(&actors.at(who).at(next.at(who)++));
        story += " " + steps.back()->name;
    }
    SCOPED_TRACE("WEFT_ORDER=" + order + "  :" + story);
    const auto scene = make();
    std::size_t taken = 0;
    for (const char letter : order) {
        if (letter == '.') {
            scene->settle();
        } else if (letter == ',') {
            scene->turn();
        } else {
            steps[taken++]->act(*scene);
        }
    }
    scene->finish();
}

/// Expects of every order, each with every meeting, what the scene expects as it goes and in
/// `finish`. Ends with the first order that fails.
template <class Scene, class Make>
void expect_in_every_order(const std::vector<actor<Scene>>& actors, const Make& make) {
    if (const char* only = std::getenv("WEFT_ORDER")) return play(actors, only, make);
    std::string letters;
    std::size_t orders = 1;  // (a + b + ...)! / (a! b! ...)
    for (std::size_t i = 0; i < actors.size(); ++i) {
        for (std::size_t step = 1; step <= actors[i].size(); ++step) {
            letters += static_cast<char>('A' + i);
            orders = orders * letters.size() / step;
        }
    }
    ASSERT_GT(orders, 1U) << "nothing can overtake anything";
    std::size_t played = 0;
    do {
        for (const meeting how : every_meeting) {
            play(actors, write_order(letters, how), make);
            ++played;
            if (testing::Test::HasFailure()) return;
        }
    } while (std::next_permutation(letters.begin(), letters.end()));
    EXPECT_EQ(played, orders * std::size(every_meeting));
}

}  // namespace weft::test
