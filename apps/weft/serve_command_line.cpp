// The command line of `weft serve` and of what is about its file. The flags that set keys are those
// of the table in config/.

#include "serve_command_line.hpp"

#include <memory>
#include <string>

#include <CLI/CLI.hpp>

#include "commands.hpp"
#include "config/flags.hpp"

namespace weft {
namespace {

void add_sets(CLI::App& command, config::sources& from) {
    command
        .add_option("--set", from.sets,
                    "Give a key of the configuration this value, such as log.level=info or "
                    "listen[0].port=8443; repeatable")
        ->type_name("KEY=VALUE")
        ->allow_extra_args(false);
}

void add_serve(CLI::App& program, int& exit_code) {
    CLI::App* const command = program.add_subcommand(
        "serve", "Serves a folder, and topics to subscribe and publish to over a WebSocket (JSON)");
    const auto from = std::make_shared<config::sources>();
    command->add_option("FOLDER", from->folder, "Files to serve; without it there are only topics")
        ->check(CLI::ExistingDirectory.description(""))
        ->type_name("");
    command->add_option("--config", from->file, "File with the configuration; see weft init")
        ->type_name("FILE");
    add_sets(*command, *from);
    config::add_flags(*command, *from, config::all_flags());
    command
        ->add_option("--schema", from->schemas,
                     "What may be published to a topic, or to those that begin as PATTERN does "
                     "before its '*': a JSON Schema (draft-07); repeatable, the first one that "
                     "matches counts")
        ->type_name("PATTERN=FILE")
        ->allow_extra_args(false);
    command->footer(R"(
Examples:
  weft serve ./public                                   pages at http://127.0.0.1:8080/
  weft serve --config weft.toml                         what else there is; weft init writes one
  weft serve --origin https://example.org               topics for the pages of another server
  weft serve ./public --metrics-port 9100               then: curl http://127.0.0.1:9100/metrics
  weft serve --redis-host redis.internal                one of several processes
  weft serve --schema 'prices/*=price.json'             refuses what price.json does not allow
  weft serve --public-origin https://example.org --trusted-proxy 127.0.0.1
                                                        behind a proxy that is https://example.org
  weft serve --max-connections-per-address 100 --limits-dry-run
                                                        whom would this limit refuse? See the log

In a page:
  const socket = new WebSocket(`ws://${location.host}/ws`);
  socket.onopen = () => socket.send('{"type":"subscribe","topic":"news"}');
  socket.onmessage = ({ data }) => console.log(JSON.parse(data));

Flags win over --set, that over variables such as WEFT_LOG__LEVEL, those over the file. All keys are
in docs/operations/configuration.md; docs/guide/topic-protocol.md describes the protocol.)");
    command->callback([from, &exit_code] {
        from->environment = config::process_environment();
        exit_code = run_serve(*from);
    });
}

void add_init(CLI::App& program, int& exit_code) {
    CLI::App* const command = program.add_subcommand(
        "init", "Writes a configuration for weft serve: all keys, with their defaults as comments");
    const auto file = std::make_shared<std::string>("weft.toml");
    command->add_option("FILE", *file, "Where; - is standard output. An existing file stays")
        ->type_name("")
        ->capture_default_str();
    command->footer(R"(
Examples:
  weft init
  weft serve --config weft.toml)");
    command->callback([file, &exit_code] { exit_code = run_init(*file); });
}

void add_check(CLI::App& program, int& exit_code) {
    CLI::App* const command = program.add_subcommand(
        "check",
        "Tells what weft serve would refuse in a configuration, and in the files it names");
    const auto from = std::make_shared<config::sources>();
    command->add_option("FILE", from->file, "The configuration")->required()->type_name("");
    add_sets(*command, *from);
    command->footer(R"(
Examples:
  weft check weft.toml && systemctl reload weft

The exit code is 0, or 2 when something is wrong. Variables such as WEFT_LOG__LEVEL count, too.)");
    command->callback([from, &exit_code] {
        from->environment = config::process_environment();
        exit_code = run_check(*from);
    });
}

void add_config(CLI::App& program, int& exit_code) {
    CLI::App* const command =
        program.add_subcommand("config", "Explains the keys of a configuration, or prints it");
    command->require_subcommand(1);
    CLI::App* const print = command->add_subcommand(
        "print", "Prints what counts: defaults, file, environment and --set together; no secrets");
    const auto from = std::make_shared<config::sources>();
    print->add_option("FILE", from->file, "The configuration; without it, what counts without one")
        ->type_name("");
    add_sets(*print, *from);
    print->footer("\nExamples:\n  weft config print weft.toml");
    print->callback([from, &exit_code] {
        from->environment = config::process_environment();
        exit_code = run_config_print(*from);
    });
    CLI::App* const explain =
        command->add_subcommand("explain", "Tells what a key is for, and what it may be");
    const auto key = std::make_shared<std::string>();
    explain->add_option("KEY", *key, "A key, such as listen[].port, or a section, such as limits")
        ->required()
        ->type_name("");
    explain->footer(
        "\nExamples:\n  weft config explain endpoint[].origins\n  weft config explain listen");
    explain->callback([key, &exit_code] { exit_code = run_config_explain(*key); });
    command->add_subcommand("reference", "Prints docs/operations/configuration.md")
        ->callback([&exit_code] { exit_code = run_config_reference(); });
}

}  // namespace

void add_serve_commands(CLI::App& program, int& exit_code) {
    add_serve(program, exit_code);
    add_init(program, exit_code);
    add_check(program, exit_code);
    add_config(program, exit_code);
}

}  // namespace weft
