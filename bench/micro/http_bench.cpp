// What the head of a request costs: the shortest one, and what a browser sends to open a WebSocket,
// whole or in pieces.

#include <algorithm>
#include <cstdint>
#include <string_view>

#include <benchmark/benchmark.h>

#include "http/proto/head_parser.hpp"

namespace {

constexpr std::string_view shortest = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr std::string_view browser =
    "GET /chat/lobby HTTP/1.1\r\n"
    "Host: chat.example.org:8080\r\n"
    "Connection: Upgrade\r\n"
    "Pragma: no-cache\r\n"
    "Cache-Control: no-cache\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/150.0.0.0\r\n"
    "Upgrade: websocket\r\n"
    "Origin: https://chat.example.org:8080\r\n"
    "Sec-WebSocket-Version: 13\r\n"
    "Accept-Encoding: gzip, deflate, br, zstd\r\n"
    "Accept-Language: en-GB,en;q=0.9\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n";

// range(0): how many bytes more each call sees, 0 for all at once.
void parse(benchmark::State& state, std::string_view request) {
    const auto step =
        state.range(0) == 0 ? request.size() : static_cast<std::size_t>(state.range(0));
    for (auto _ : state) {
        weft::http::head_parser parser(weft::http::head_kind::request);
        for (std::size_t end = 0; end < request.size();) {
            end = std::min(end + step, request.size());
            benchmark::DoNotOptimize(parser.parse(request.substr(0, end)));
        }
    }
    state.SetBytesProcessed(static_cast<std::int64_t>(request.size()) * state.iterations());
}

void head_shortest(benchmark::State& state) {
    parse(state, shortest);
}
void head_browser(benchmark::State& state) {
    parse(state, browser);
}
BENCHMARK(head_shortest)->Arg(0);
BENCHMARK(head_browser)->Arg(0)->Arg(1);

}  // namespace
