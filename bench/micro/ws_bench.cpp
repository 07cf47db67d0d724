// What the sans-I/O half of ws costs: unmasking, one small message in and out, UTF-8, deflate.

#include <benchmark/benchmark.h>

#include <array>
#include <cstring>
#include <string>
#include <vector>

#include <weft/base/utf8.hpp>

#include "ws/proto/deflate.hpp"
#include "ws/proto/frame.hpp"
#include "ws/proto/message_assembler.hpp"

namespace {

using namespace weft;
using namespace weft::ws;

constexpr mask_key key = 0x3D21FA37;

void unmask(benchmark::State& state) {
    std::vector<std::byte> data(static_cast<std::size_t>(state.range(0)), std::byte{'a'});
    for (auto _ : state) {
        benchmark::DoNotOptimize(apply_mask(data, key));
        benchmark::ClobberMemory();
    }
    state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * state.range(0));
}
BENCHMARK(unmask)->Arg(20)->Arg(64)->Arg(125)->Arg(1024)->Arg(65536);

/// Decode, deliver and encode the echo of one text, `frames` of them in one read.
void echo_text(benchmark::State& state) {
    const auto size = static_cast<std::size_t>(state.range(0));
    const auto frames = static_cast<std::size_t>(state.range(1));
    std::vector<std::byte> payload(size, std::byte{'a'});
    apply_mask(payload, key);
    const frame_header_bytes header = encode_header({opcode::text}, size, key);
    std::vector<std::byte> sent;
    for (std::size_t i = 0; i < frames; ++i) {
        sent.insert(sent.end(), header.bytes.begin(), header.bytes.begin() + header.size);
        sent.insert(sent.end(), payload.begin(), payload.end());
    }
    std::vector<std::byte> received(sent.size() + 64);
    std::vector<std::byte> out(sent.size());

    std::array<std::byte, 4096> scratch;
    byte_budget budget(1 << 20);
    assembler_shared shared{budget, scratch};
    const message_limits limits;
    message_assembler assembler(role::server, limits, shared);
    const time_point now{};
    for (auto _ : state) {
        std::memcpy(received.data(), sent.data(), sent.size());  // unmasking changes it
        byte_span input(received.data(), sent.size());
        std::int64_t allowance = 1 << 20;
        std::byte* to = out.data();
        while (assembler.next(input, now, allowance) == message_event::text) {
            const byte_view text = assembler.payload();
            const frame_header_bytes echo = encode_header({opcode::text}, text.size());
            std::memcpy(to, echo.bytes.data(), echo.size);
            std::memcpy(to + echo.size, text.data(), text.size());
            to += echo.size + text.size();
        }
        benchmark::DoNotOptimize(out.data());
        benchmark::ClobberMemory();
    }
    state.counters["per_message"] =
        benchmark::Counter(static_cast<double>(frames) * static_cast<double>(state.iterations()),
                           benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
BENCHMARK(echo_text)->Args({20, 1})->Args({20, 16})->Args({125, 16})->Args({1024, 1});

void utf8(benchmark::State& state) {
    std::string text;
    const char* const unit = state.range(1) == 0 ? "plain ASCII " : "Grüße, мир, 世界 ";
    while (text.size() < static_cast<std::size_t>(state.range(0))) text += unit;
    for (auto _ : state) benchmark::DoNotOptimize(validate_utf8(as_bytes(text)));
    state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) *
                            static_cast<std::int64_t>(text.size()));
}
BENCHMARK(utf8)->Args({20, 0})->Args({1024, 0})->Args({20, 1})->Args({1024, 1});

const std::string& chat_message() {
    static const std::string text = [] {
        std::string all;
        for (int i = 0; all.size() < 500; ++i) {
            all += R"({"user":"alice","room":"lobby","seq":)" + std::to_string(i * 977) + "},";
        }
        return all;
    }();
    return text;
}

void deflate_with_history(benchmark::State& state) {
    deflater out({});
    for (auto _ : state) benchmark::DoNotOptimize(out.compress(as_bytes(chat_message())));
}
BENCHMARK(deflate_with_history);

void deflate_once(benchmark::State& state) {
    shared_deflaters shared;
    for (auto _ : state) {
        benchmark::DoNotOptimize(shared.compress_once(as_bytes(chat_message()), 12));
    }
}
BENCHMARK(deflate_once);

void inflate_message(benchmark::State& state) {
    const auto message = shared_deflaters().compress_once(as_bytes(chat_message()), 12);
    inflater in(12, false);
    std::array<std::byte, 4096> out;
    for (auto _ : state) {
        byte_view input = message->bytes;
        benchmark::DoNotOptimize(in.run(input, true, out));
    }
}
BENCHMARK(inflate_message);

}  // namespace
