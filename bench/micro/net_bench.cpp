// What the loop's own machinery costs per operation: timers, posted tasks, lookups, the send queue.

#include <algorithm>
#include <array>
#include <memory>
#include <random>
#include <vector>

#include <benchmark/benchmark.h>

#include "net/backend/sim/sim_backend.hpp"
#include "net/mailbox.hpp"
#include "net/send_queue.hpp"
#include "net/slab.hpp"
#include "net/timer_wheel.hpp"
#include "net/traffic_meter.hpp"

namespace weft::net {
namespace {

using namespace std::chrono_literals;

struct silent_timer final : timer_node {
    silent_timer() : timer_node([](timer_node&) {}) {}
};

/// As many armed timers as there would be connections.
struct armed_timers {
    explicit armed_timers(std::size_t count)
        : wheel(start), timers(std::make_unique<silent_timer[]>(count)) {
        for (std::size_t i = 0; i < count; ++i) {
            wheel.arm(timers[i], start + 30s + std::chrono::milliseconds(i % 1000));
        }
    }
    time_point start{1h};
    timer_wheel wheel;
    std::unique_ptr<silent_timer[]> timers;
};

void timer_arm_and_cancel(benchmark::State& state) {
    const auto count = static_cast<std::size_t>(state.range(0));
    armed_timers all(count);
    std::size_t i = 0;
    for (auto _ : state) {
        silent_timer& t = all.timers[i++ % count];
        t.cancel();
        all.wheel.arm(t, all.start + 10s);
    }
}
BENCHMARK(timer_arm_and_cancel)->Arg(1'000)->Arg(100'000);

/// Every message moves its connection's deadline: a store.
void timer_move_later(benchmark::State& state) {
    const auto count = static_cast<std::size_t>(state.range(0));
    armed_timers all(count);
    std::size_t i = 0;
    for (auto _ : state) {
        all.wheel.arm(all.timers[i % count], all.start + 40s + std::chrono::milliseconds(i % 512));
        ++i;
    }
}
BENCHMARK(timer_move_later)->Arg(1'000)->Arg(100'000);

/// One millisecond passes and nothing is due: the price of an idle iteration.
void timer_advance_idle(benchmark::State& state) {
    const auto count = static_cast<std::size_t>(state.range(0));
    armed_timers all(count);
    time_point now = all.start;
    for (auto _ : state) {
        now += 1ms;
        if (now > all.start + 29s) {
            state.PauseTiming();
            for (std::size_t i = 0; i < count; ++i) all.wheel.arm(all.timers[i], now + 40s);
            all.start = now;
            state.ResumeTiming();
        }
        benchmark::DoNotOptimize(all.wheel.advance(now, 1024));
    }
}
BENCHMARK(timer_advance_idle)->Arg(1'000);

void timer_arm_and_fire(benchmark::State& state) {
    timer_wheel wheel(time_point{1h});
    std::vector<std::unique_ptr<silent_timer>> timers;
    for (int i = 0; i < 1000; ++i) timers.push_back(std::make_unique<silent_timer>());
    time_point now{1h};
    for (auto _ : state) {
        for (std::size_t i = 0; i < timers.size(); ++i) {
            wheel.arm(*timers[i], now + std::chrono::milliseconds(1 + i % 100));
        }
        now += 200ms;
        wheel.advance(now, timers.size());
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(timers.size()));
}
BENCHMARK(timer_arm_and_fire);

void mailbox_post_and_run(benchmark::State& state) {
    sim_backend waker;
    mailbox mail(waker);
    const auto batch = static_cast<std::size_t>(state.range(0));
    std::size_t ran = 0;
    for (auto _ : state) {
        for (std::size_t i = 0; i < batch; ++i) mail.push([&ran] { ++ran; });
        mail.drain(batch, [](unique_function<void()>& task) {
            task();
            return true;
        });
    }
    benchmark::DoNotOptimize(ran);
    state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(mailbox_post_and_run)->Arg(1)->Arg(64);

struct slot_object {
    slot_object(std::uint32_t s, std::uint32_t g) : slot(s), generation(g) {}
    std::uint32_t slot, generation;
    std::byte body[200];
};

void slab_find(benchmark::State& state) {
    slab<slot_object> objects;
    std::vector<std::pair<std::uint32_t, std::uint32_t>> ids;
    for (int i = 0; i < state.range(0); ++i) {
        slot_object* made = objects.make();
        ids.emplace_back(made->slot, made->generation);
    }
    std::shuffle(ids.begin(), ids.end(), std::mt19937(1));
    std::size_t i = 0;
    for (auto _ : state) {
        const auto& [slot, generation] = ids[i++ % ids.size()];
        benchmark::DoNotOptimize(objects.find(slot, generation));
    }
}
BENCHMARK(slab_find)->Arg(100)->Arg(100'000);

void slab_make_and_free(benchmark::State& state) {
    slab<slot_object> objects;
    for (auto _ : state) {
        slot_object* made = objects.make();
        benchmark::DoNotOptimize(made);
        objects.free(made->slot);
    }
}
BENCHMARK(slab_make_and_free);

void send_queue_write_and_flush(benchmark::State& state) {
    send_memory memory;
    send_queue queue;
    const std::vector<std::byte> bytes(static_cast<std::size_t>(state.range(0)));
    for (auto _ : state) {
        benchmark::DoNotOptimize(queue.append(byte_view(bytes), memory));
        std::array<iovec, 4> pieces;
        benchmark::DoNotOptimize(queue.gather(pieces));
        queue.clear(memory);
    }
}
BENCHMARK(send_queue_write_and_flush)->Arg(64)->Arg(1024)->Arg(8192);

/// A message that every rate counts: its connection's own, its address', its subject's, each in
/// messages and in bytes.
void traffic_of_a_message(benchmark::State& state) {
    constexpr unsigned often = 100'000'000;
    constexpr std::uint64_t much = 100'000'000'000;
    const traffic_limits limits{.messages_per_second = often, .bytes_per_second = much};
    traffic_meter meter({.per_address = limits, .per_subject = limits});
    const receive_paces own(receive_rate{.messages_per_second = often, .bytes_per_second = much});
    traffic_account account(&meter);
    account.set_own(&own);
    account.set_address(*socket_address::make("192.0.2.1", 0));
    account.set_subject("ann");
    time_point now{1h};
    for (auto _ : state) {
        now += 100ns;
        benchmark::DoNotOptimize(account.spend(1, 100, now));
    }
}
BENCHMARK(traffic_of_a_message);

}  // namespace
}  // namespace weft::net
