// H5 of the threat table: names that a peer chose so that they collide.

#include <bit>
#include <cstring>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/siphash.hpp"
#include "net/backend/sim/sim_backend.hpp"
#include "pubsub/hub.hpp"

namespace weft::pubsub {
namespace {

constexpr std::size_t keys = 20'000;

/// Texts that all have one and the same `std::hash` under libstdc++ (MurmurHash64A with a fixed
/// seed): each step of it can be undone, so the second half of a text is computed to lead every
/// first half to the same state.
std::vector<std::string> colliding_texts() {
    constexpr std::uint64_t m = 0xc6a4a7935bd1e995ULL;
    std::uint64_t inverse = m;  // Newton's iteration for the inverse modulo 2^64
    for (int i = 0; i < 6; ++i) inverse *= 2 - m * inverse;
    const auto mix = [](std::uint64_t v) { return v ^ v >> 47U; };  // its own inverse

    std::vector<std::string> texts;
    for (std::uint64_t first = 0; first < keys; ++first) {
        std::uint64_t state = 0xc70f6907ULL ^ 16 * m;
        state = (state ^ mix(first * m) * m) * m;
        const std::uint64_t wanted = 0x1234567890abcdefULL * inverse ^ state;
        const std::uint64_t words[2] = {first, mix(wanted * inverse) * inverse};
        texts.emplace_back(reinterpret_cast<const char*>(words), sizeof words);
    }
    return texts;
}

std::vector<std::string> ordinary_texts() {
    std::vector<std::string> texts;
    for (std::size_t i = 0; i < keys; ++i) texts.push_back("room:" + std::to_string(i * 7919));
    return texts;
}

/// Comparisons that finding each text once costs in a table of chains.
template <class Hash>
std::size_t comparisons(const std::vector<std::string>& texts, const Hash& hash) {
    std::vector<std::size_t> chains(std::bit_ceil(2 * keys));
    std::size_t sum = 0;
    for (const auto& text : texts) sum += ++chains[hash(std::string_view(text)) % chains.size()];
    return sum;
}

TEST(sec_h5, texts_that_collide_for_everyone_do_not_collide_under_our_key) {
    const auto attack = colliding_texts();
    ASSERT_EQ(std::set<std::string>(attack.begin(), attack.end()).size(), keys);
#ifdef __GLIBCXX__
    ASSERT_EQ(comparisons(attack, std::hash<std::string_view>{}), keys * (keys + 1) / 2)
        << "this is no attack";
#endif
    EXPECT_LE(comparisons(attack, keyed_hash{}), 3 * comparisons(ordinary_texts(), keyed_hash{}));
}

TEST(sec_h5, hub_takes_20000_chosen_names) {
    struct listener final : subscriber {
        std::size_t heard = 0;
        send_status deliver(const message&) noexcept override {
            ++heard;
            return send_status::sent;
        }
    } who;
    net::loop_core loop(std::make_unique<net::sim_backend>(), {});
    exchange all;
    hub topics(loop, all);
    const auto attack = colliding_texts();
    for (const auto& name : attack) ASSERT_TRUE(topics.subscribe(who, program_topic(name)));
    for (const auto& name : attack)
        ASSERT_EQ(topics.publish(program_topic(name), message::text("m")), 1U);
    EXPECT_EQ(who.heard, keys);
    for (const auto& name : attack) ASSERT_TRUE(topics.unsubscribe(who, program_topic(name)));
    EXPECT_EQ(topics.metrics().topics.read(), 0U);
}

}  // namespace
}  // namespace weft::pubsub
