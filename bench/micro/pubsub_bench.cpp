// What one publish costs per subscriber, and what finding its topic costs.

#include <memory>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "base/siphash.hpp"
#include "net/backend/sim/sim_backend.hpp"
#include "pubsub/hub.hpp"

namespace {

using namespace weft;

struct counting final : pubsub::subscriber {
    std::size_t heard = 0;
    send_status deliver(const message& what) noexcept override {
        heard += what.size();
        return send_status::sent;
    }
};

struct world {
    net::loop_core loop{std::make_unique<net::sim_backend>(), loop_options{}};
    pubsub::exchange all;
    pubsub::hub topics{loop, all};
};

/// A 100-byte message, made, published and dropped; reported per subscriber.
void publish(benchmark::State& state) {
    const auto count = static_cast<std::size_t>(state.range(0));
    world w;
    std::vector<counting> who(count);
    for (auto& s : who) w.topics.subscribe(s, pubsub::program_topic("prices/EURUSD"));
    const std::string payload(100, 'x');
    for (auto _ : state) {
        benchmark::DoNotOptimize(
            w.topics.publish(pubsub::program_topic("prices/EURUSD"), message::text(payload)));
    }
    state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(publish)->Arg(1)->Arg(1000);

void subscribe_and_leave(benchmark::State& state) {
    world w;
    std::vector<counting> others(10'000);
    for (auto& s : others) w.topics.subscribe(s, pubsub::program_topic("large"));
    counting who;
    for (auto _ : state) {
        w.topics.subscribe(who, pubsub::program_topic("large"));
        w.topics.unsubscribe(who, pubsub::program_topic("large"));
    }
}
BENCHMARK(subscribe_and_leave);

void hash_of_a_name(benchmark::State& state) {
    const std::string name(static_cast<std::size_t>(state.range(0)), 'n');
    const keyed_hash hash;
    for (auto _ : state) benchmark::DoNotOptimize(hash(name));
}
BENCHMARK(hash_of_a_name)->Arg(8)->Arg(32)->Arg(128);

}  // namespace
