// What a line of the program's log costs the loop that makes it: the end of a connection, and a
// warning. Written by the log's own thread to /dev/null; beside it, with nowhere to go, so that
// each line pushes out another.

#include <chrono>
#include <cstdlib>
#include <string>

#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <weft/net/peer.hpp>

#include "log/log_text.hpp"
#include "log/program_log.hpp"

namespace {

using namespace weft;
using namespace std::chrono_literals;

const peer& whose() {
    static peer p = [] {
        peer made(nullptr, *socket_address::make("203.0.113.77", 40123));
        made.identify(identity{"auth0|5f7c8ec7c33c6c004bbafe82"});
        return made;
    }();
    return p;
}

access_record connection_end() {
    return {access_kind::websocket,
            whose(),
            "GET",
            "/chat/lobby",
            123'456'789ns,
            4'321,
            98'765,
            1001,
            {},
            "4bf92f3577b34da6a3ce929d0e0e4736"};
}

void line_text(benchmark::State& state, log_form form) {
    std::string out;
    const access_record record = connection_end();
    for (auto _ : state) {
        out.clear();
        append_record(out, record, form);
        benchmark::DoNotOptimize(out.data());
    }
}
BENCHMARK_CAPTURE(line_text, json, log_form::json);
BENCHMARK_CAPTURE(line_text, text, log_form::text);

void connection_end_line(benchmark::State& state, const char* file) {
    auto log =
        program_log::make({.level = log_level::info, .format = log_format::json, .file = file});
    if (!log) return state.SkipWithError("cannot open the file");
    const access_record record = connection_end();
    for (auto _ : state) (*log)->write(record);
}
BENCHMARK_CAPTURE(connection_end_line, written, "/dev/null");

/// The reader has stopped: every line pushes out the oldest.
void connection_end_line_lost(benchmark::State& state) {
    std::string folder = "/tmp/weft-log-bench-XXXXXX";
    if (::mkdtemp(folder.data()) == nullptr) return state.SkipWithError("no folder");
    const std::string pipe = folder + "/pipe";
    const bool made = ::mkfifo(pipe.c_str(), 0600) == 0;
    const int reader = made ? ::open(pipe.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC) : -1;
    {
        auto log =
            program_log::make({.level = log_level::info, .format = log_format::json, .file = pipe});
        const access_record record = connection_end();
        for (int i = 0; i < 20'000; ++i) (*log)->write(record);
        for (auto _ : state) (*log)->write(record);
        ::close(reader);  // then the end need not wait
    }
    ::unlink(pipe.c_str());
    ::rmdir(folder.c_str());
}
BENCHMARK(connection_end_line_lost);

void line_nobody_wants(benchmark::State& state) {
    auto log = program_log::make({.file = "/dev/null"});
    const access_record record = connection_end();
    for (auto _ : state) (*log)->write(record);
}
BENCHMARK(line_nobody_wants);

}  // namespace
