// What it costs to check a message by its schema: from bytes, with parsing. The message has 220
// bytes and the schema ten rules; both are in bench/peers/order_schema.json, which
// bench/peers/node_ajv.mjs reads too, so that ajv's number is for the same.

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include <benchmark/benchmark.h>
#include <weft/base/json_reader.hpp>
#include <weft/base/utf8.hpp>
#include <weft/schema/schema.hpp>

namespace {

/// The file has three members: schema, message (a string), open (a schema that says little).
struct subject {
    std::string schema{};
    std::string open_schema{};
    std::string branches{};
    std::string message{};
};

const subject& order() {
    static const subject loaded = [] {
        std::ifstream in(WEFT_BENCH_SCHEMA, std::ios::binary);
        const std::string text(std::istreambuf_iterator<char>(in), {});
        subject s;
        weft::json_reader json(text);
        std::string scratch;
        std::string_view key;
        std::string_view raw;
        json.begin_object();
        while (json.next_key(key, scratch)) {
            if (key == "message") {
                json.read(s.message);
                continue;
            }
            json.raw(raw);
            (key == "schema" ? s.schema : key == "open" ? s.open_schema : s.branches) = raw;
        }
        if (!json.finish()) std::abort();
        return s;
    }();
    return loaded;
}

void check(benchmark::State& state, const std::string& text) {
    const auto schema = weft::schema::make(text);
    if (!schema) return state.SkipWithError(schema.error().what().c_str());
    const std::string& message = order().message;
    if (const auto wrong = schema->check(message))
        return state.SkipWithError(wrong->what().c_str());
    for (auto _ : state) benchmark::DoNotOptimize(schema->check(message).has_value());
    state.SetBytesProcessed(static_cast<std::int64_t>(message.size()) * state.iterations());
}

void order_of_ten_rules(benchmark::State& state) {
    check(state, order().schema);
}
void order_by_an_open_schema(benchmark::State& state) {
    check(state, order().open_schema);
}
void order_by_any_of(benchmark::State& state) {
    check(state, order().branches);
}

/// What no check could do without: the text is UTF-8 and JSON.
void order_read_only(benchmark::State& state) {
    const std::string& message = order().message;
    for (auto _ : state) {
        weft::json_reader json(message);
        const bool fine =
            weft::validate_utf8(weft::as_bytes(message)) && json.skip() && json.finish();
        benchmark::DoNotOptimize(fine);
    }
}

/// One thing is wrong, and the violation says where.
void order_with_a_violation(benchmark::State& state) {
    const auto schema = weft::schema::make(order().schema);
    std::string message = order().message;
    message.replace(message.find("12.5"), 4, "-2.5");
    if (!schema || !schema->check(message)) return state.SkipWithError("no violation");
    for (auto _ : state) benchmark::DoNotOptimize(schema->check(message)->path.data());
}

BENCHMARK(order_of_ten_rules);
BENCHMARK(order_by_an_open_schema);
BENCHMARK(order_by_any_of);
BENCHMARK(order_read_only);
BENCHMARK(order_with_a_violation);

}  // namespace
