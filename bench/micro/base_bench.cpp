// What the codecs of base cost per byte: UTF-8 validation of the texts that chats and tickers send,
// and writing JSON.

#include <cstdint>
#include <string>
#include <string_view>

#include <benchmark/benchmark.h>
#include <weft/base/json_writer.hpp>
#include <weft/base/utf8.hpp>

namespace {

std::string repeated(std::string_view piece, std::size_t size) {
    std::string text;
    while (text.size() + piece.size() <= size) text += piece;
    return text;
}

void validate(benchmark::State& state, std::string_view piece) {
    const auto text = repeated(piece, static_cast<std::size_t>(state.range(0)));
    for (auto _ : state) benchmark::DoNotOptimize(weft::validate_utf8(weft::as_bytes(text)));
    state.SetBytesProcessed(static_cast<std::int64_t>(text.size()) * state.iterations());
}

void utf8_ascii(benchmark::State& state) {
    validate(state, "a word and ");
}
void utf8_mixed(benchmark::State& state) {
    validate(state, "gr\xC3\xBC\xC3\x9F dich ");
}
BENCHMARK(utf8_ascii)->Arg(20)->Arg(1024)->Arg(65536);
BENCHMARK(utf8_mixed)->Arg(20)->Arg(1024)->Arg(65536);

void json_ticker(benchmark::State& state) {
    std::string out;
    std::uint64_t sequence = 0;
    for (auto _ : state) {
        out.clear();
        weft::json_writer json(out);
        json.begin_object();
        json.member("topic", "ticker.eur");
        json.member("sequence", ++sequence);
        json.member("text", "a \"quoted\" line\n");
        json.end_object();
        benchmark::DoNotOptimize(out.data());
    }
    state.SetBytesProcessed(static_cast<std::int64_t>(out.size()) * state.iterations());
}
BENCHMARK(json_ticker);

}  // namespace
