#include <CLI/CLI.hpp>

#include "bench_command.hpp"

int main(int argc, char** argv) {
    CLI::App program("weft bench, alone");
    int exit_code = 0;
    weft::add_bench_command(program, exit_code);
    program.require_subcommand(1);
    CLI11_PARSE(program, argc, argv);
    return exit_code;
}
