// The command line of `weft`: what can be asked, in words that teach. The commands themselves are
// elsewhere; CLI11 is heavy to compile, so that it stays here.

#include <cstdio>
#include <CLI/CLI.hpp>

#include <sys/resource.h>

#include "bench_command.hpp"
#include "commands.hpp"

namespace {

/// One connection is one descriptor: we may as well use all that we are allowed.
void raise_descriptor_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

void add_listen_flags(CLI::App& command, weft::listen_flags& flags, const char* port_help) {
    command.add_option("--port", flags.port, port_help)->capture_default_str();
    command.add_option("--host", flags.host, "Numeric address to listen on; 0.0.0.0 or :: for all")
        ->capture_default_str();
    command.add_option("--threads", flags.threads, "Loops, each on a thread of its own")
        ->check(CLI::Range(1, 255))
        ->capture_default_str();
    command
        .add_option("--tls-cert", flags.tls_cert,
                    "PEM file with the certificate and its chain: serves wss:// and https://")
        ->check(CLI::ExistingFile);
    command.add_option("--tls-key", flags.tls_key, "PEM file with the certificate's private key")
        ->check(CLI::ExistingFile);
}

void add_backend_flag(CLI::App& command, std::string& backend) {
    command.add_option("--backend", backend, "How the kernel is asked for events")
        ->check(CLI::IsMember({"epoll"}))
        ->capture_default_str();
}

CLI::App* add_demo(CLI::App& program, weft::demo_flags& flags) {
    CLI::App* command = program.add_subcommand(
        "demo", "A live chat on one loopback port: open the printed URL in two tabs");
    flags.listen.port = 8080;
    add_listen_flags(*command, flags.listen, "Port; 0 picks a free one");
    return command;
}

CLI::App* add_echo(CLI::App& program, weft::echo_flags& flags, std::string& backend) {
    CLI::App* command = program.add_subcommand(
        "echo", "Sends every WebSocket message back: to test clients and to measure");
    flags.listen.port = 9001;
    add_listen_flags(*command, flags.listen, "Port; 0 picks a free one");
    command->add_option("--path", flags.path, "Path of the endpoint")->capture_default_str();
    command->add_flag("--deflate", flags.deflate, "Accept permessage-deflate");
    command
        ->add_option("--max-message", flags.max_message,
                     "Largest message in bytes; larger ones close with 1009")
        ->check(CLI::PositiveNumber)
        ->capture_default_str();
    command
        ->add_option("--max-fragments", flags.max_fragments,
                     "Most frames of one message; more close with 1008")
        ->check(CLI::PositiveNumber)
        ->capture_default_str();
    command->add_option("--origin", flags.origins,
                        "Allow pages of this origin (https://example.org); repeatable");
    add_backend_flag(*command, backend);
    command->footer(
        "Example:\n  weft echo --port 0 --deflate\n  prints: listening on ws://127.0.0.1:PORT/");
    return command;
}

CLI::App* add_serve(CLI::App& program, weft::serve_flags& flags) {
    CLI::App* command = program.add_subcommand(
        "serve", "Serves a folder, and topics to subscribe and publish to over a WebSocket (JSON)");
    flags.listen.port = 8080;
    command->add_option("folder", flags.folder, "Folder with the files to serve")
        ->check(CLI::ExistingDirectory);
    add_listen_flags(*command, flags.listen, "Port; 0 picks a free one");
    command->add_option("--path", flags.path, "Path of the WebSocket endpoint")
        ->capture_default_str();
    command->add_option("--origin", flags.origins,
                        "Allow pages of this origin besides our own; repeatable");
    command->add_flag("--deflate", flags.deflate, "Accept permessage-deflate");
    command->add_flag("--list-topics", flags.list_topics, "Let clients ask which topics exist");
    command->add_flag("--metrics", flags.metrics,
                      "Serve the counters at /metrics (Prometheus text); loopback only");
    command->footer(
        "The protocol is described in docs/guide/topic-protocol.md.\nExample:\n  weft serve "
        "./public --port 8080");
    return command;
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App program("Weft: WebSocket and HTTP on one port.", "weft");
    program.set_version_flag("--version", "weft " WEFT_VERSION);
    program.require_subcommand(1);
    program.footer("`weft COMMAND --help` explains a command. `weft demo` is a good start.");

    weft::demo_flags demo;
    weft::echo_flags echo;
    weft::serve_flags serve;
    std::string backend = "epoll";
    int bench_exit_code = 0;
    const CLI::App* demo_command = add_demo(program, demo);
    const CLI::App* echo_command = add_echo(program, echo, backend);
    const CLI::App* serve_command = add_serve(program, serve);
    raise_descriptor_limit();
    weft::add_bench_command(program, bench_exit_code);
    try {
        program.parse(argc, argv);
    } catch (const CLI::ParseError& wrong) {
        return program.exit(wrong);
    }
    if (*demo_command) return weft::run_demo(demo);
    if (*echo_command) return weft::run_echo(echo);
    if (*serve_command) return weft::run_serve(serve);
    return bench_exit_code;
}
