// What the messages of a cluster cost: reading and writing a broadcast whose arguments have 220
// bytes, as the classic adapter has it (msgpack) and as the sharded one (JSON), and an answer that
// describes 1000 sockets.

#include <string>

#include <benchmark/benchmark.h>

#include "cluster/adapter/proto/classic_codec.hpp"
#include "cluster/adapter/proto/cluster_codec.hpp"

namespace {

using namespace weft;
using namespace weft::cluster;

adapter_message order() {
    adapter_message m;
    m.head.uid = "jfGJ2o";
    m.content.to = {"/", {"traders"}, {"kbkuHw1yZpfJ9ZcXAAAB"}};
    m.content.event = "order";
    m.content.arguments =
        R"("desk 4",{"id":"ord-20261122-000417","symbol":"EURUSD","direction":"buy","price":1.08345,)"
        R"("size":250000,"post_only":true,"owner":{"id":48151623,"name":"Ada Lovelace"},)"
        R"("tags":["swing","hedge"],"note":"please fill before the close"})";
    return m;
}

std::string written(const adapter_message& m, body_form form) {
    std::string out;
    const auto failed = form == body_form::msgpack
                            ? classic::append_broadcast(out, m.head, m.content)
                            : append_message(out, m.head, m.content, form);
    if (failed != cluster::errc{}) std::abort();
    return out;
}

void read(benchmark::State& state, body_form form) {
    const std::string body = written(order(), form);
    adapter_message m;
    for (auto step : state) {
        const auto failed = form == body_form::msgpack
                                ? classic::decode_broadcast(as_bytes(body), "/", {}, m)
                                : decode_message(as_bytes(body), {}, m);
        benchmark::DoNotOptimize(failed);
    }
    state.counters["bytes"] = static_cast<double>(body.size());
}

void write(benchmark::State& state, body_form form) {
    const adapter_message m = order();
    for (auto step : state) benchmark::DoNotOptimize(written(m, form));
}

void cluster_read_classic(benchmark::State& state) {
    read(state, body_form::msgpack);
}
void cluster_read_sharded(benchmark::State& state) {
    read(state, body_form::json);
}
void cluster_write_classic(benchmark::State& state) {
    write(state, body_form::msgpack);
}
void cluster_write_sharded(benchmark::State& state) {
    write(state, body_form::json);
}
BENCHMARK(cluster_read_classic);
BENCHMARK(cluster_read_sharded);
BENCHMARK(cluster_write_classic);
BENCHMARK(cluster_write_sharded);

void cluster_read_1000_sockets(benchmark::State& state) {
    adapter_message m;
    m.head.type = message_type::sockets;
    m.head.request_id = "jXfk8f";
    for (int i = 0; i < 1000; ++i) {
        m.head.sockets.push_back(
            {"kbkuHw1yZpfJ9ZcXAAAB",
             {"kbkuHw1yZpfJ9ZcXAAAB", "traders"},
             R"({"headers":{"host":"localhost:3000","user-agent":"node"},"url":"/socket.io/"})",
             R"({"name":"Ada"})"});
    }
    std::string body;
    if (classic::append_response(body, m.head, m.content) != cluster::errc{}) std::abort();
    for (auto step : state) {
        benchmark::DoNotOptimize(classic::decode_response(as_bytes(body), "/", {}, m));
    }
    state.counters["bytes"] = static_cast<double>(body.size());
}
BENCHMARK(cluster_read_1000_sockets);

}  // namespace
