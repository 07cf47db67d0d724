// Many worlds, each with a seed of its own. WEFT_SEED=n plays one and tells its story; WEFT_SEEDS=n
// plays so many, from WEFT_FIRST_SEED on.

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "simulation.hpp"

namespace weft::simulation {
namespace {

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
    const char* const text = std::getenv(name);  // NOLINT(concurrency-mt-unsafe)
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

outcome play_seed(std::uint64_t seed, bool tells = false) {
    seed_library(seed);
    return play(choices(seed), {.tells = tells});
}

std::string how_to_replay(std::uint64_t seed, const outcome& o) {
    return "seed " + std::to_string(seed) + ", step " + std::to_string(o.step) + ": " + o.broken +
           "\nto see it again: WEFT_SEED=" + std::to_string(seed) +
           " build/asan/tests/sim/simulation_test";
}

TEST(simulation, whatever_the_seed_all_is_as_it_must_be) {
    const std::uint64_t only = from_environment("WEFT_SEED", 0);
    const std::uint64_t first = only != 0 ? only : from_environment("WEFT_FIRST_SEED", 1);
    const std::uint64_t count = only != 0 ? 1 : from_environment("WEFT_SEEDS", 500);
    duration passed{};
    std::uint64_t messages = 0, clients = 0, failures = 0, hash = 0;
    for (std::uint64_t seed = first; seed < first + count; ++seed) {
        const outcome o = play_seed(seed, only != 0);
        passed += o.passed;
        messages += o.messages;
        clients += o.clients;
        hash = (hash ^ o.hash) * 0x100000001B3U;
        if (o.broken.empty()) continue;
        ADD_FAILURE() << how_to_replay(seed, o);
        if (++failures == 5) break;
    }
    const auto hours = std::chrono::duration_cast<std::chrono::hours>(passed).count();
    std::printf("%llu seeds, %lld virtual hours, %llu clients, %llu messages, hash %llx\n",
                static_cast<unsigned long long>(count), static_cast<long long>(hours),
                static_cast<unsigned long long>(clients), static_cast<unsigned long long>(messages),
                static_cast<unsigned long long>(hash));
}

TEST(simulation, the_same_seed_is_the_same_story) {
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        EXPECT_EQ(play_seed(seed).hash, play_seed(seed).hash) << "seed " << seed;
    }
}

}  // namespace
}  // namespace weft::simulation
