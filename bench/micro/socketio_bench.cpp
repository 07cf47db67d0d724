// What typed events cost: decoding the arguments of a 220 byte event into C++ types, and encoding
// such arguments to the text of the packet. For comparison, what the JSON reader takes to validate.
// And what a client that comes back costs, by the length of the recovery log.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <benchmark/benchmark.h>
#include <weft/base/json_reader.hpp>
#include <weft/socketio/arguments.hpp>

#include "net/backend/sim/sim_backend.hpp"
#include "net/loop_core.hpp"
#include "socketio/proto/packet.hpp"
#include "socketio/recovery.hpp"

namespace {

namespace io = weft::socketio;

enum class side { buy, sell };
WEFT_ENUM(side, buy, sell)

struct trader {
    std::uint64_t id = 0;
    std::string name;
};
WEFT_FIELDS(trader, id, name)

struct order {
    std::string id;
    std::string symbol;
    side direction{};
    double price = 0;
    int size = 0;
    bool post_only = false;
    trader owner;
    std::vector<std::string> tags;
    std::optional<std::string> note;
};
WEFT_FIELDS(order, id, symbol, direction, price, size, post_only, owner, tags, note)

const order sample{"ord-20261122-000417",
                   "EURUSD",
                   side::buy,
                   1.08345,
                   250000,
                   true,
                   {48151623, "Ada Lovelace"},
                   {"swing", "hedge"},
                   "please fill before the close"};

std::string arguments() {
    return io::detail::encode_arguments("desk 4", sample).json;
}

void typed_decode(benchmark::State& state) {
    const std::string json = arguments();
    for (auto _ : state) {
        io::borrowed_texts texts;
        auto decoded = io::detail::decode_arguments<std::string_view, order>(
            "order", io::raw_arguments{json, {}}, texts);
        benchmark::DoNotOptimize(decoded);
    }
    state.SetBytesProcessed(static_cast<std::int64_t>(json.size()) * state.iterations());
}
BENCHMARK(typed_decode);

void typed_emit(benchmark::State& state) {
    std::string packet;
    for (auto _ : state) {
        packet.clear();
        const auto encoded = io::detail::encode_arguments("desk 4", sample);
        io::append_event(packet, "/", std::nullopt, "order", encoded.json);
        benchmark::DoNotOptimize(packet.data());
    }
    state.SetBytesProcessed(static_cast<std::int64_t>(packet.size()) * state.iterations());
}
BENCHMARK(typed_emit);

void json_skip(benchmark::State& state, std::string_view piece) {
    std::string json = "[0";
    while (json.size() < 64 * 1024) json.append(",").append(piece);
    json += ']';
    for (auto _ : state) {
        weft::json_reader reader(json);
        benchmark::DoNotOptimize(reader.skip());
    }
    state.SetBytesProcessed(static_cast<std::int64_t>(json.size()) * state.iterations());
}
BENCHMARK_CAPTURE(json_skip, order, arguments());
BENCHMARK_CAPTURE(json_skip, text, '"' + std::string(2000, 'x') + '"');

/// One client that has missed ten packets, of a log of so many.
void come_back(benchmark::State& state) {
    const auto packets = static_cast<std::uint64_t>(state.range(0));
    weft::net::loop_core loop(std::make_unique<weft::net::sim_backend>(), {});
    const io::recovery_options chosen;
    io::detail::recovery_log log(loop, chosen, "1795343544322", 1);
    const std::string_view room = "/,lobby";
    for (std::uint64_t i = 0; i < packets; ++i) {
        const auto said = weft::message::text(R"(42["said","hello there, how are you"])",
                                              {.stamp = log.next().packed()});
        log.record({.owner = weft::pubsub::owner_of_module(0), .topics = {&room, 1}}, {&said, 1});
    }
    const std::string offset = log.offset_of({0, packets - 10});
    const std::string random(20, 'x');
    for (auto _ : state) {
        state.PauseTiming();
        auto place = log.begin(std::span<const char, 20>(random.data(), 20));
        const std::string id = place->id;
        place->since = log.end() - 20;
        log.leave(*place);
        log.keep({.place = std::move(*place), .nsp = "/", .topics = {"/", "/,lobby", "/,own"}});
        state.ResumeTiming();
        auto back = log.take(id, "/", offset);
        if (!back || back->missed.size() != 10) state.SkipWithError("not recovered");
        benchmark::DoNotOptimize(log.resume(*back));
    }
}
BENCHMARK(come_back)->Arg(1000)->Arg(10'000)->Arg(50'000);

}  // namespace
