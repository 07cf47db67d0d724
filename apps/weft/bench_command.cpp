// The command line of `weft bench`: names, defaults and checks of the options. The run itself is in
// bench/run.

#include "bench_command.hpp"

#include <cstdio>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>

#include "bench/run.hpp"

namespace weft {
namespace {

struct bench_line {
    bench::options wanted;
    unsigned idle = 0;
    bool broadcast = false;
    bool json = false;
};

constexpr const char* examples = R"(
Examples:
  weft echo --port 9000 &
  weft bench ws://127.0.0.1:9000/ --server-pid $!
  weft bench wss://127.0.0.1:9443/ --insecure --size 16384 --in-flight 4
  weft bench ws://127.0.0.1:9000/ --idle 10000 --server-pid $!
  weft bench ws://127.0.0.1:8080/ws --broadcast --connections 1000     (a server of `weft serve`)
  weft bench ws://127.0.0.1:3000/socket.io/ --socketio --size 32

What is compared with other figures should run on other processors than the server (taskset), several times.)";

/// Combinations that cannot work, with what to do instead; empty when all is well.
std::string complaint(const bench_line& line) {
    const bench::options& wanted = line.wanted;
    const bool raw = wanted.url.starts_with("tcp://");
    if (line.idle != 0 && line.broadcast) return "--idle and --broadcast exclude each other";
    if (line.idle != 0 && wanted.server_pid == 0)
        return "--idle measures the server's memory: give --server-pid";
    if (line.idle == 1) return "--idle needs at least 2 connections to tell what one costs";
    if (line.broadcast && wanted.threads > 1)
        return "--broadcast counts deliveries on one thread: leave out --threads";
    if (line.broadcast && wanted.size < 8)
        return "--broadcast numbers its messages: --size must be at least 8";
    if (raw && wanted.deflate) return "tcp:// has no messages to compress: leave out --deflate";
    if (wanted.url.starts_with("http://") && (!wanted.socketio || line.idle != 0 || line.broadcast))
        return "http:// is Socket.IO by long-polling: give --socketio, without --idle or "
               "--broadcast";
    if (wanted.socketio && (raw || wanted.deflate || wanted.size < 8))
        return "--socketio goes with ws://, wss:// or http://, without --deflate, and --size of 8 "
               "or more";
    if (wanted.threads > wanted.connections)
        return "--threads is larger than --connections: each thread needs a connection";
    return {};
}

int run_line(bench_line& line) {
    if (const std::string wrong = complaint(line); !wrong.empty()) {
        std::fprintf(stderr, "weft bench: %s\n", wrong.c_str());
        return 1;
    }
    bench::options& wanted = line.wanted;
    wanted.text |= wanted.deflate;
    if (line.broadcast) wanted.work = bench::workload::broadcast;
    if (line.idle != 0) {
        wanted.work = bench::workload::idle;
        wanted.connections = line.idle;
    }
    const auto found = bench::run(wanted);
    if (!found) {
        const error& why = found.error();
        std::fprintf(stderr, "weft bench: %s\n",
                     (why.what().empty() ? why.message() : why.what()).c_str());
        return 1;
    }
    const std::string text =
        line.json ? bench::to_json(wanted, *found) : bench::to_text(wanted, *found);
    std::fputs(text.c_str(), stdout);
    return 0;
}

}  // namespace

void add_bench_command(CLI::App& program, int& exit_code) {
    CLI::App& command = *program.add_subcommand(
        "bench",
        "Put load on a WebSocket server and measure rate, latency, processor time, memory");
    const auto line = std::make_shared<bench_line>();
    bench::options& wanted = line->wanted;

    command
        .add_option("URL", wanted.url,
                    "ws:// or wss:// address of an echo server; tcp:// for one that returns bytes")
        ->required();
    command.add_option("-c,--connections", wanted.connections, "Connections to keep busy")
        ->check(CLI::Range(1U, 1'000'000U))
        ->capture_default_str();
    command.add_option("-s,--size", wanted.size, "Bytes of a message")
        ->check(CLI::Range(std::size_t{0}, std::size_t{1} << 30U))
        ->capture_default_str();
    command.add_option("-f,--in-flight", wanted.in_flight, "Messages on their way per connection")
        ->check(CLI::Range(1U, 65'536U))
        ->capture_default_str();
    command.add_option("-t,--seconds", wanted.seconds, "How long to measure")
        ->check(CLI::Range(0.1, 86'400.0))
        ->capture_default_str();
    command.add_option("--warmup", wanted.warmup, "Seconds of load before that")
        ->check(CLI::Range(0.0, 3'600.0))
        ->capture_default_str();
    command.add_option("--threads", wanted.threads, "Threads of the generator")
        ->check(CLI::Range(1U, 256U))
        ->capture_default_str();
    command.add_option(
        "--idle", line->idle,
        "Open this many connections, leave them idle and measure the server's memory");
    command.add_flag("--broadcast", line->broadcast,
                     "One more connection publishes; the others subscribe (JSON topic protocol)");
    command.add_flag("--socketio", wanted.socketio,
                     "The server speaks Socket.IO: events `echo`, acknowledged, and `publish`, "
                     "`said` to the others; http:// is long-polling");
    command.add_flag("--deflate", wanted.deflate, "Compress messages, which then are JSON text");
    command.add_flag("--text", wanted.text, "Send text; the default is binary");
    command.add_flag("--insecure", wanted.insecure, "Accept any certificate (wss://)");
    command
        .add_option("--server-pid", wanted.server_pid,
                    "Process of the server on this machine, to read its processor time")
        ->check(CLI::PositiveNumber);
    command.add_flag("--json", line->json, "Print one JSON object instead of text");
    command.footer(examples);
    command.callback([line, &exit_code] { exit_code = run_line(*line); });
}

}  // namespace weft
